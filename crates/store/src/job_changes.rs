//! How jobs come to be, move and end. Every change of state goes through [`JobState::after`] and one guarded UPDATE.

use contract::limits::MAX_PRIORITY;
use contract::{
    CompanyId, EngineKind, Entry, Error, Event, EventBody, Job, JobChange, JobId, JobState, Money, Origin, RunId,
    RunState, SYSTEM, SessionId, StopCounts, Time, one_line, title,
};
use rusqlite::params;

use crate::jobs::KEY_MS;
use crate::project::Projector;
use crate::{Missing, StoreError, Write};

/// Characters of a result's line.
pub(crate) const RESULT_CHARS: usize = 240;

/// A brief to be stored. Its directive has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// The company.
    pub company_id: CompanyId,
    /// The agent's open session.
    pub session_id: SessionId,
    /// Whom it is sent to (role): the CEO, or a head that is briefed directly.
    pub agent: String,
    /// The job that it restarts.
    pub parent_job_id: Option<JobId>,
    /// What is to be done.
    pub directive: String,
    /// The engine it runs on.
    pub engine: EngineKind,
    /// Which of the agents that speak ACP; empty for any other engine.
    pub engine_agent: String,
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
    /// Its place in line: higher goes first; -100 to 100.
    pub priority: i64,
    /// It begins only once this job of its company has completed.
    pub after: Option<JobId>,
    /// It begins at this time at the earliest.
    pub not_before: Option<Time>,
}

/// A job that was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Inserted {
    /// The job, with its place in line.
    pub job: Job,
    /// Its first event; `None` where the key named a job that was there already.
    pub event: Option<Event>,
}

/// What is to be said of a job whose run ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settlement {
    /// Why, in a sentence; empty where the state says it all.
    pub reason: String,
    /// The result in a line; taken from the answer where it is not given.
    pub result: Option<String>,
    /// The agent's answer in full.
    pub answer: Option<String>,
    /// Why it failed.
    pub error: Option<Error>,
    /// What became of its processes, where they were looked at.
    pub stopped: Option<StopCounts>,
    /// When it is tried again, where it is.
    pub until: Option<Time>,
}

/// What is said of a change.
#[derive(Default)]
pub(crate) struct Said<'a> {
    /// Why, in a sentence.
    pub(crate) reason: &'a str,
    /// When the job goes on by itself.
    pub(crate) until: Option<Time>,
    /// What became of its processes.
    pub(crate) stopped: Option<StopCounts>,
}

impl Write<'_> {
    /// Stores a brief and its first event: scheduled where its time is to come, else blocked where the job before it
    /// has not completed, else in line. Where its key names a job of the last day, that job is returned and nothing is
    /// stored.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the session is not the agent's open one, or the company has no such job to
    /// wait for; [`StoreError::BlockerEnded`] where that one ended without being done; [`StoreError::SessionBusy`]
    /// where the session has a job in line and the brief would go there, but is not to stand behind another.
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
        if self.open_session(new.company_id, &new.agent)? != Some(new.session_id) {
            return Err(StoreError::NotFound(Missing::OpenSession(new.company_id)));
        }
        let blocker = new.after.map(|blocker| self.blocker(new.company_id, blocker)).transpose()?.flatten();
        let until = new.not_before.filter(|begin| *begin > at);
        let (state, reason) = match (until, blocker) {
            (Some(_), _) => (JobState::Scheduled, String::new()),
            (None, Some(blocker)) => (JobState::Blocked, waits_for(blocker)),
            (None, None) => (JobState::Queued, String::new()),
        };
        if !new.queue
            && state.is_in_line()
            && let Some((job, title)) = self.session_job(new.session_id)?
        {
            return Err(StoreError::SessionBusy { job, title });
        }
        let job = self.job_row(new, state, until, at)?;
        let mut projector = Projector::load(self.conn, job)?;
        let event = projector.store(None, changed(state, &Said { reason: &reason, until, stopped: None }, at))?;
        projector.finish()?;
        Ok(Inserted { job: self.job(job)?, event })
    }

    /// The row in the state of its first event, which it must agree with.
    fn job_row(&self, new: &NewJob, state: JobState, until: Option<Time>, at: Time) -> Result<JobId, StoreError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO jobs (company_id, session_id, parent_job_id, after_job_id, title, engine, origin, foreground,
               priority, max_cost_nanos, idempotency_key, created_at, state, until, engine_agent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        let id = insert.insert(params![
            new.company_id.0,
            new.session_id.0,
            new.parent_job_id.map(|job| job.0),
            new.after.map(|job| job.0),
            title(&new.directive),
            new.engine.name(),
            new.origin.name(),
            new.foreground,
            new.priority.clamp(-MAX_PRIORITY, MAX_PRIORITY),
            new.max_cost.as_nanos().max(0),
            new.idempotency_key,
            at.0,
            state.name(),
            until.map(|until| until.0),
            new.engine_agent,
        ])?;
        let mut insert = self.conn.prepare_cached("INSERT INTO job_texts (job_id, directive) VALUES (?1, ?2)")?;
        insert.execute(params![id, new.directive])?;
        Ok(JobId(id))
    }

    /// The job to wait for, where it has not completed.
    fn blocker(&self, company: CompanyId, blocker: JobId) -> Result<Option<JobId>, StoreError> {
        let job = self.job(blocker)?;
        match job.state {
            _ if job.company_id != company => Err(StoreError::NotFound(Missing::Job(blocker))),
            JobState::Completed => Ok(None),
            JobState::Failed | JobState::Cancelled => Err(StoreError::BlockerEnded { job: blocker, state: job.state }),
            _ => Ok(Some(blocker)),
        }
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
        let event = self.change(job, change, &Said { reason, ..Said::default() }, at)?;
        Ok((self.job(job)?, event))
    }

    /// Fails a job that has no live run, and says why.
    ///
    /// # Errors
    /// As [`Write::transition`].
    pub fn fail(&self, job: JobId, error: &Error, at: Time) -> Result<(Job, Event), StoreError> {
        let event = self.change(job, JobChange::Fail, &Said { reason: &error.message, ..Said::default() }, at)?;
        self.keep(job, &Settlement { error: Some(error.clone()), ..Settlement::default() }, JobState::Failed)?;
        Ok((self.job(job)?, event))
    }

    /// Ends a run, and with it its job, or the job's attempt ([`JobChange::Retry`]): states, result, agents, and the
    /// run's leases, at once. A job that has ended stays as it is; a run that has ended as well, and then its job too.
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
        let alive = self.live_run_of(job)? == Some(run);
        self.run_end(run, state, at)?;
        // The job may be at its next run already.
        if before.is_final() || !alive {
            return Ok((self.job(job)?, Vec::new()));
        }
        let after = before.after(change).filter(|after| after.is_final() || *after == JobState::Retrying);
        let Some(after) = after else { return Err(StoreError::JobNotThere { job, state: before }) };
        let until = settlement.until.filter(|_| after == JobState::Retrying);
        let said = Said { reason: &settlement.reason, until, stopped: settlement.stopped };
        let event = self.change(job, change, &said, at)?;
        if after.is_final() {
            self.keep(job, settlement, after)?;
        }
        Ok((self.job(job)?, vec![event]))
    }

    /// The guarded change itself, with its event.
    pub(crate) fn change(&self, job: JobId, change: JobChange, said: &Said<'_>, at: Time) -> Result<Event, StoreError> {
        let mut projector = Projector::load(self.conn, job)?;
        let before = projector.now().state;
        let Some(after) = before.after(change) else {
            return Err(if before.is_final() {
                StoreError::JobFinal { job, state: before }
            } else {
                StoreError::JobNotThere { job, state: before }
            });
        };
        if (after.is_final() || after == JobState::Retrying)
            && let Some(run) = self.live_run_of(job)?
        {
            return Err(StoreError::RunAlive { job, run });
        }
        let event = projector.store(None, changed(after, said, at))?;
        projector.finish()?;
        event.ok_or(StoreError::JobNotThere { job, state: before })
    }

    pub(crate) fn keep(&self, job: JobId, settlement: &Settlement, state: JobState) -> Result<(), StoreError> {
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

fn changed(state: JobState, said: &Said<'_>, at: Time) -> Entry {
    let Said { reason, until, stopped } = *said;
    own(EventBody::JobChanged { state, reason: reason.to_owned(), until, stopped }, at)
}

/// What the daemon itself has to say.
pub(crate) fn own(body: EventBody, at: Time) -> Entry {
    Entry { at, agent: SYSTEM.into(), parent: None, body }
}

/// Why a job is blocked.
pub(crate) fn waits_for(blocker: JobId) -> String {
    format!("Waits for job {blocker}.")
}
