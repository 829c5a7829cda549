//! How jobs come to be, move and end. Every change of state goes through [`JobState::after`] and one guarded UPDATE.

use contract::{
    CompanyId, EngineKind, Entry, Error, Event, EventBody, Job, JobChange, JobId, JobState, Money, Origin, RunId,
    RunState, SYSTEM, SessionId, Time, one_line, title,
};
use rusqlite::{OptionalExtension, params};

use crate::jobs::KEY_MS;
use crate::project::Projector;
use crate::{Missing, Read, StoreError, Write};

/// Characters of a result's line.
const RESULT_CHARS: usize = 240;

/// A brief to be stored. Its directive has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// The company.
    pub company_id: CompanyId,
    /// The company's open session.
    pub session_id: SessionId,
    /// The job that it restarts.
    pub parent_job_id: Option<JobId>,
    /// What the CEO is to do.
    pub directive: String,
    /// The engine it runs on.
    pub engine: EngineKind,
    /// From which door it came.
    pub origin: Origin,
    /// Whether somebody waits for it in a terminal.
    pub foreground: bool,
    /// Its own limit; zero means none.
    pub max_cost: Money,
    /// Chosen by the client: the same key within a day is the same job.
    pub idempotency_key: Option<String>,
    /// Whether it may stand in line behind another of its session.
    pub queue: bool,
}

/// A job that was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Inserted {
    /// The job, with its place in line.
    pub job: Job,
    /// Its first event; `None` where the key named a job that was there already.
    pub event: Option<Event>,
}

/// What is to be said of a job that ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settlement {
    /// Why, in a sentence; empty where the state says it all.
    pub reason: String,
    /// The result in a line; taken from the answer where it is not given.
    pub result: Option<String>,
    /// The CEO's answer in full.
    pub answer: Option<String>,
    /// Why it failed.
    pub error: Option<Error>,
    /// What became of its processes, where they were looked at.
    pub stopped: Option<StopCounts>,
}

/// What became of a job's processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopCounts {
    /// Processes that were ended.
    pub ended: i64,
    /// Of those, by force.
    pub forced: i64,
    /// Processes left.
    pub left: i64,
}

impl Read<'_> {
    /// What became of a job's processes when it ended; `None` where nobody looked, or it has not ended.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn stop_counts(&self, job: JobId) -> Result<Option<StopCounts>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT processes_ended, processes_forced, processes_left FROM jobs WHERE id = ?1")?;
        let row = select.query_row([job.0], |row| {
            let counts: (Option<i64>, Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(match counts {
                (Some(ended), Some(forced), Some(left)) => Some(StopCounts { ended, forced, left }),
                _ => None,
            })
        });
        row.optional()?.ok_or(StoreError::NotFound(Missing::Job(job)))
    }
}

impl Write<'_> {
    /// Stores a brief and its first event. Where its key names a job of the last day, that job is returned and
    /// nothing is stored.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the session is not the company's open one, [`StoreError::SessionBusy`] where
    /// it has a job that has not ended and the brief is not to stand in line.
    pub fn job_insert(&self, new: &NewJob, at: Time) -> Result<Inserted, StoreError> {
        if let Some(key) = &new.idempotency_key {
            if let Some(job) = self.job_by_key(key, at)? {
                return Ok(Inserted { job, event: None });
            }
            let mut forget = self.conn.prepare_cached(
                "UPDATE jobs SET idempotency_key = NULL WHERE idempotency_key = ?1 AND created_at <= ?2",
            )?;
            forget.execute(params![key, at.0.saturating_sub(KEY_MS)])?;
        }
        let open = self.session_open_of(new.company_id)?;
        if open.is_none_or(|open| open.session_id != new.session_id) {
            return Err(StoreError::NotFound(Missing::OpenSession(new.company_id)));
        }
        if !new.queue
            && let Some((job, title)) = self.session_job(new.session_id)?
        {
            return Err(StoreError::SessionBusy { job, title });
        }
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO jobs (company_id, session_id, parent_job_id, title, engine, origin, foreground,
               max_cost_nanos, idempotency_key, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let id = insert.insert(params![
            new.company_id.0,
            new.session_id.0,
            new.parent_job_id.map(|job| job.0),
            title(&new.directive),
            new.engine.name(),
            new.origin.name(),
            new.foreground,
            new.max_cost.as_nanos().max(0),
            new.idempotency_key,
            at.0,
        ])?;
        let mut insert = self.conn.prepare_cached("INSERT INTO job_texts (job_id, directive) VALUES (?1, ?2)")?;
        insert.execute(params![id, new.directive])?;
        let job = JobId(id);
        let mut projector = Projector::load(self.conn, job)?;
        let event = projector.store(None, changed(JobState::Queued, "", at))?;
        projector.finish()?;
        Ok(Inserted { job: self.job(job)?, event })
    }

    /// Moves a job that has no live run, or between running and waiting.
    ///
    /// # Errors
    /// [`StoreError::JobFinal`], [`StoreError::JobNotThere`] where the change does not fit its state,
    /// [`StoreError::RunAlive`] where it would end while a run of it is alive ([`Write::settle`] does that).
    pub fn transition(
        &self,
        job: JobId,
        change: JobChange,
        reason: &str,
        at: Time,
    ) -> Result<(Job, Event), StoreError> {
        let event = self.change(job, change, reason, at)?;
        Ok((self.job(job)?, event))
    }

    /// Fails a job that has no live run, and says why.
    ///
    /// # Errors
    /// As [`Write::transition`].
    pub fn fail(&self, job: JobId, error: &Error, at: Time) -> Result<(Job, Event), StoreError> {
        let event = self.change(job, JobChange::Fail, &error.message, at)?;
        self.keep(job, &Settlement { error: Some(error.clone()), ..Settlement::default() }, JobState::Failed)?;
        Ok((self.job(job)?, event))
    }

    /// Ends a run, and with it its job: states, result, agents, and the run's leases, at once. A job that has ended
    /// stays as it is; a run that has ended as well.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a run that is not there, [`StoreError::JobNotThere`] where `state` or `change`
    /// is not an end.
    pub fn settle(
        &self,
        run: RunId,
        state: RunState,
        change: JobChange,
        settlement: &Settlement,
        at: Time,
    ) -> Result<(Job, Vec<Event>), StoreError> {
        let job = self.job_of(run)?;
        let before = self.job(job)?.state;
        if !state.is_final() {
            return Err(StoreError::JobNotThere { job, state: before });
        }
        self.run_end(run, state, at)?;
        if before.is_final() {
            return Ok((self.job(job)?, Vec::new()));
        }
        let Some(after) = before.after(change).filter(|after| after.is_final()) else {
            return Err(StoreError::JobNotThere { job, state: before });
        };
        let event = self.change(job, change, &settlement.reason, at)?;
        self.keep(job, settlement, after)?;
        Ok((self.job(job)?, vec![event]))
    }

    /// The guarded change itself, with its event.
    pub(crate) fn change(&self, job: JobId, change: JobChange, reason: &str, at: Time) -> Result<Event, StoreError> {
        let mut projector = Projector::load(self.conn, job)?;
        let before = projector.now().state;
        let Some(after) = before.after(change) else {
            return Err(if before.is_final() {
                StoreError::JobFinal { job, state: before }
            } else {
                StoreError::JobNotThere { job, state: before }
            });
        };
        if after.is_final()
            && let Some(run) = self.live_run_of(job)?
        {
            return Err(StoreError::RunAlive { job, run });
        }
        let event = projector.store(None, changed(after, reason, at))?;
        projector.finish()?;
        event.ok_or(StoreError::JobNotThere { job, state: before })
    }

    fn keep(&self, job: JobId, settlement: &Settlement, state: JobState) -> Result<(), StoreError> {
        let answer = settlement.answer.as_deref();
        let line = settlement.result.as_deref().or(answer.filter(|_| state == JobState::Completed));
        let error = settlement.error.as_ref().map(serde_json::to_string).transpose();
        let error = error.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let mut update = self.conn.prepare_cached(
            "UPDATE jobs SET result = ?2, error = ?3, processes_ended = ?4, processes_forced = ?5,
               processes_left = ?6 WHERE id = ?1",
        )?;
        update.execute(params![
            job.0,
            line.map(|text| one_line(text, RESULT_CHARS)),
            error,
            settlement.stopped.map(|stopped| stopped.ended),
            settlement.stopped.map(|stopped| stopped.forced),
            settlement.stopped.map(|stopped| stopped.left),
        ])?;
        let mut update = self.conn.prepare_cached("UPDATE job_texts SET answer = ?2 WHERE job_id = ?1")?;
        update.execute(params![job.0, answer])?;
        Ok(())
    }
}

fn changed(state: JobState, reason: &str, at: Time) -> Entry {
    let body = EventBody::JobChanged { state, reason: reason.to_owned() };
    Entry { at, agent: SYSTEM.into(), parent: None, body }
}
