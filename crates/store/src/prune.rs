//! Forgets jobs that ended long ago: their rows, events, questions and search index. What they cost stays counted, and
//! what the company's journal says of them stays.

use contract::{CompanyId, Error, ErrorCode, EventBody, JobId, Time};
use jiff::tz::TimeZone;
use rusqlite::{OptionalExtension, params};
use serde_json::json;

use crate::events::{COLUMNS, event};
use crate::fold::{self, Effect, Facts};
use crate::search::{indexed_text, scope};
use crate::{Read, StoreError, Write, costs, follow_ups, journal, questions};

/// Run folders named at once, at most.
const RUN_DIRS: i64 = 10_000;
/// Jobs that a piece forgets, at most.
const JOBS: i64 = 500;

/// Jobs that may be forgotten: ended before ?1, of company ?2 where one is given, without a live run, and not what a
/// job that has not ended waits for.
const FORGETTABLE: &str = "j.finished_at < ?1 AND (?2 IS NULL OR j.company_id = ?2)
    AND NOT EXISTS (SELECT 1 FROM jobs w WHERE w.after_job_id = j.id AND w.finished_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.job_id = j.id AND r.ended_at IS NULL)";

/// What was forgotten by a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Jobs.
    pub jobs: i64,
    /// Events.
    pub events: i64,
    /// The folders of the jobs' runs, absolute: nobody knows of them any more.
    pub run_dirs: Vec<String>,
    /// Whether there is more to forget.
    pub more: bool,
}

/// What would be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prunable {
    /// Jobs.
    pub jobs: i64,
    /// Their events.
    pub events: i64,
    /// The folders of their runs, absolute; at most 10,000.
    pub run_dirs: Vec<String>,
}

fn index_of(company: Option<CompanyId>) -> &'static str {
    match company {
        Some(_) => "INDEXED BY jobs_finished",
        None => "INDEXED BY jobs_ended",
    }
}

impl Read<'_> {
    /// Whether a job may be forgotten by its number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Refused`] for one that has not ended, whose run is not settled, or that
    /// a waiting one waits for.
    pub fn may_forget(&self, job: JobId) -> Result<(), StoreError> {
        let row = self.job(job)?;
        let mut select =
            self.conn.prepare_cached(&format!("SELECT 1 FROM jobs j WHERE j.id = ?3 AND {FORGETTABLE}"))?;
        if select.exists(params![i64::MAX, None::<i64>, job.0])? {
            return Ok(());
        }
        let mut waits = self.conn.prepare_cached(
            "SELECT id FROM jobs WHERE after_job_id = ?1 AND finished_at IS NULL ORDER BY id LIMIT 1",
        )?;
        let waits = waits.query_row([job.0], |row| row.get(0).map(JobId)).optional()?;
        let (why, fix) = match (row.state.is_final(), waits) {
            (false, _) => {
                ("it has not ended".to_owned(), format!("Stop it first with `aicib cancel {job}`, or wait for it."))
            }
            (true, Some(other)) => (
                format!("job {other} waits for it"),
                format!("Wait for job {other}, or stop that one with `aicib cancel {other}`."),
            ),
            (true, None) => ("its run is still being put away".to_owned(), "Try again in a moment.".to_owned()),
        };
        let what = format!("Job {job} cannot be deleted: {why}.");
        Err(Error::new(ErrorCode::JOB_NOT_FINAL, what, fix).with(json!({ "job_id": job })).into())
    }

    /// What [`Write::prune`] would forget.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn prunable(&self, before: Time, company: Option<CompanyId>) -> Result<Prunable, StoreError> {
        let jobs = format!("FROM jobs j {} WHERE {}", index_of(company), forgettable(company));
        let values = params![before.0, company.map(|company| company.0)];
        let mut count = self.conn.prepare_cached(&format!("SELECT count(*), coalesce(sum(j.events), 0) {jobs}"))?;
        let (jobs_found, events) = count.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut dirs = self
            .conn
            .prepare_cached(&format!("SELECT dir FROM runs WHERE job_id IN (SELECT j.id {jobs}) LIMIT {RUN_DIRS}"))?;
        let run_dirs = dirs.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Prunable { jobs: jobs_found, events, run_dirs })
    }
}

fn forgettable(company: Option<CompanyId>) -> String {
    match company {
        // So that the index by company serves.
        Some(_) => format!("j.company_id = ?2 AND {FORGETTABLE}"),
        None => FORGETTABLE.to_owned(),
    }
}

impl Write<'_> {
    /// Forgets jobs that ended before `before`, the longest ended first, until about `at_most_events` events are gone;
    /// call again while there is more. A job whose events are more than that goes in several pieces, and is there
    /// until the last one. Never one that has not ended, nor one that such a one waits for.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an event that does not read; nothing is changed then.
    pub fn prune(&self, before: Time, company: Option<CompanyId>, at_most_events: i64) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        let mut next = self.conn.prepare_cached(&format!(
            "SELECT j.id FROM jobs j {} WHERE {} ORDER BY j.finished_at, j.id LIMIT 1",
            index_of(company),
            forgettable(company),
        ))?;
        let values = params![before.0, company.map(|company| company.0)];
        while let Some(job) = next.query_row(values, |row| row.get(0).map(JobId)).optional()? {
            let left = at_most_events.max(1) - pruned.events;
            if left <= 0 || pruned.jobs == JOBS {
                pruned.more = true;
                break;
            }
            let (events, all) = self.forget_events(job, left)?;
            pruned.events += events;
            if !all {
                pruned.more = true;
                break;
            }
            pruned.run_dirs.extend(self.forget_job(job)?);
            pruned.jobs += 1;
        }
        Ok(pruned)
    }

    /// Forgets one job that has ended, as [`Write::prune`] does; call again while there is more of it.
    ///
    /// # Errors
    /// As [`Read::may_forget`].
    pub fn forget(&self, job: JobId, at_most_events: i64) -> Result<Pruned, StoreError> {
        self.may_forget(job)?;
        let (events, all) = self.forget_events(job, at_most_events.max(1))?;
        if !all {
            return Ok(Pruned { events, more: true, ..Pruned::default() });
        }
        Ok(Pruned { jobs: 1, events, run_dirs: self.forget_job(job)?, more: false })
    }

    /// Forgets the job's oldest events, `most` of them; and whether these were all. The very first goes last: by it
    /// the directive is taken out of the search index, and until then the job's last word is there too.
    fn forget_events(&self, job: JobId, most: i64) -> Result<(i64, bool), StoreError> {
        let row = self.job(job)?;
        let mut first = self.conn.prepare_cached("SELECT min(id) FROM events WHERE job_id = ?1")?;
        let Some(first) = first.query_row([job.0], |row| row.get::<_, Option<i64>>(0))? else { return Ok((0, true)) };
        let mut count =
            self.conn.prepare_cached("SELECT count(*) FROM (SELECT 1 FROM events WHERE job_id = ?1 LIMIT ?2)")?;
        let all = count.query_row(params![job.0, most.saturating_add(1)], |row| row.get::<_, i64>(0))? <= most;
        let mut directive = self.conn.prepare_cached("SELECT directive FROM job_texts WHERE job_id = ?1")?;
        let directive: String = directive.query_row([job.0], |row| row.get(0))?;

        let mut select = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events WHERE job_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
        ))?;
        let from = if all { first - 1 } else { first };
        let mut rows = select.query(params![job.0, from, most])?;
        let mut last = from;
        let mut forgotten = 0;
        let scope = scope(row.company_id, job);
        let zone = TimeZone::system();
        let facts = Facts { title: &row.title, root: &row.agent, zone: &zone };
        while let Some(row_of) = rows.next()? {
            let (event, _) = event(row_of)?;
            let text = indexed_text(&event.entry.body, if event.seq.0 == first { &directive } else { "" });
            if !text.is_empty() {
                let mut forget = self.conn.prepare_cached(
                    "INSERT INTO events_fts (events_fts, rowid, text, scope) VALUES ('delete', ?1, ?2, ?3)",
                )?;
                forget.execute(params![event.seq.0, text, scope])?;
            }
            for effect in fold::fold(&event, &facts) {
                if let Effect::Spent(call) = effect {
                    costs::keep(self.conn, &row, &call)?;
                }
            }
            match event.entry.body {
                EventBody::Asked { .. } => questions::forget(self.conn, &event)?,
                EventBody::FollowUp { .. } => follow_ups::forget(self.conn, &event)?,
                EventBody::Journal { .. } => journal::keep(self.conn, &event)?,
                _ => {}
            }
            last = event.seq.0;
            forgotten += 1;
        }
        drop(rows);
        let mut delete = self.conn.prepare_cached("DELETE FROM events WHERE job_id = ?1 AND id > ?2 AND id <= ?3")?;
        delete.execute(params![job.0, from, last])?;
        let mut update = self.conn.prepare_cached("UPDATE home SET forgotten_seq = max(forgotten_seq, ?1)")?;
        update.execute([last])?;
        Ok((forgotten, all))
    }

    /// Forgets a job whose events are gone; returns the folders of its runs.
    fn forget_job(&self, job: JobId) -> Result<Vec<String>, StoreError> {
        let mut dirs = self.conn.prepare_cached("SELECT dir FROM runs WHERE job_id = ?1")?;
        let dirs = dirs.query_map([job.0], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        for table in [
            "leases",
            "questions",
            "rules",
            "follow_ups",
            "runs",
            "spans",
            "files",
            "costs",
            "notices",
            "job_texts",
            "agent_states",
        ] {
            let mut delete = self.conn.prepare_cached(&format!("DELETE FROM {table} WHERE job_id = ?1"))?;
            delete.execute([job.0])?;
        }
        // Jobs that name it forget its name with it.
        let mut delete = self.conn.prepare_cached("DELETE FROM jobs WHERE id = ?1")?;
        delete.execute([job.0])?;
        Ok(dirs)
    }
}
