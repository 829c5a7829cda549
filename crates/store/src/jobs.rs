//! Jobs as lists and screens show them.

use std::collections::BTreeMap;

use contract::{
    CompanyId, EngineKind, Job, JobDetail, JobId, JobStats, Money, Origin, Seq, SessionId, StopCounts, Time,
};
use rusqlite::{OptionalExtension, Row, params};

use crate::line::PLACE;
use crate::project::{PROJECTED, job_now};
use crate::rows::{clamp, json, maybe_job, money, named, time};
use crate::{Missing, Read, StoreError};

/// A key that a client chose counts for a day.
pub(crate) const KEY_MS: i64 = 24 * 60 * 60 * 1000;

/// Rows of lists, without their places in line: [`Read::places`] adds those.
pub(crate) fn select(rest: &str) -> String {
    select_with("NULL AS position", rest)
}

/// A row by itself, with its place in line.
fn select_one(more: &str, rest: &str) -> String {
    select_with(&format!("{PLACE} AS position {more}"), rest)
}

fn select_with(more: &str, rest: &str) -> String {
    format!(
        "SELECT j.id, j.session_id, j.parent_job_id, j.after_job_id, j.title, j.engine, j.engine_agent, j.origin, j.foreground,
           j.priority, j.created_at, j.max_cost_nanos, j.typical_ms, j.result, j.error, j.processes_ended,
           j.processes_forced, j.processes_left, {PROJECTED},
           (SELECT s.agent FROM sessions s WHERE s.id = j.session_id) AS agent,
           (SELECT count(*) FROM runs r WHERE r.job_id = j.id) AS attempts, {more} FROM jobs j {rest}"
    )
}

pub(crate) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let now = job_now(row)?;
    let ended: Option<i64> = row.get("processes_ended")?;
    let (forced, left): (Option<i64>, Option<i64>) = (row.get("processes_forced")?, row.get("processes_left")?);
    let stopped = ended.zip(forced).zip(left);
    Ok(Job {
        job_id: JobId(row.get("id")?),
        company_id: CompanyId(row.get("company_id")?),
        session_id: SessionId(row.get("session_id")?),
        agent: row.get("agent")?,
        parent_job_id: maybe_job(row, "parent_job_id")?,
        title: row.get("title")?,
        state: now.state,
        eta: now.eta(row.get("typical_ms")?),
        reason: now.reason,
        until: now.until,
        after_job_id: maybe_job(row, "after_job_id")?,
        priority: row.get("priority")?,
        held: now.held,
        engine: named(row, "engine", EngineKind::from_name)?,
        engine_agent: row.get("engine_agent")?,
        origin: named(row, "origin", Origin::from_name)?,
        foreground: row.get("foreground")?,
        created_at: time(row, "created_at")?,
        started_at: now.started_at,
        finished_at: now.finished_at,
        cost_usd: now.cost,
        cost_basis: now.basis,
        max_cost_usd: money(row, "max_cost_nanos")?,
        turns: now.turns,
        activity: now.activity,
        progress: now.steps.map(|steps| steps.progress),
        result: row.get("result")?,
        error: json(row, "error")?,
        stopped: stopped.map(|((ended, forced), left)| StopCounts { ended, forced, left }),
        attempts: row.get("attempts")?,
        position: row.get("position")?,
        seq: now.last_seq,
    })
}

impl Read<'_> {
    /// A job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn job(&self, id: JobId) -> Result<Job, StoreError> {
        let mut select = self.conn.prepare_cached(&select_one("", "WHERE j.id = ?1"))?;
        select.query_row([id.0], job).optional()?.ok_or(StoreError::NotFound(Missing::Job(id)))
    }

    /// Everything about a job but its events.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn job_detail(&self, id: JobId) -> Result<JobDetail, StoreError> {
        let mut select = self.conn.prepare_cached(&select_one(
            ", t.directive, t.answer",
            "JOIN job_texts t ON t.job_id = j.id WHERE j.id = ?1",
        ))?;
        let detail = select
            .query_row([id.0], |row| {
                Ok(JobDetail {
                    job: job(row)?,
                    directive: row.get("directive")?,
                    answer: row.get("answer")?,
                    tokens: crate::project::tokens(row)?,
                    cost_by_agent: Vec::new(),
                    run: None,
                    events: row.get("events")?,
                    files: 0,
                })
            })
            .optional()?;
        let mut detail = detail.ok_or(StoreError::NotFound(Missing::Job(id)))?;
        detail.cost_by_agent = self.cost_by_agent(id)?;
        detail.run = self.latest_run(id)?;
        detail.files = self.file_count(id)?;
        Ok(detail)
    }

    /// The job that was submitted with this key within a day before `now`.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn job_by_key(&self, key: &str, now: Time) -> Result<Option<Job>, StoreError> {
        let mut select =
            self.conn.prepare_cached(&select_one("", "WHERE j.idempotency_key = ?1 AND j.created_at > ?2"))?;
        Ok(select.query_row(params![key, now.0.saturating_sub(KEY_MS)], job).optional()?)
    }

    /// The company's jobs that have not ended, oldest first, at most `limit`; and how many there are.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn live(&self, company: CompanyId, limit: i64) -> Result<(Vec<Job>, i64), StoreError> {
        let live = "INDEXED BY jobs_live WHERE j.company_id = ?1 AND j.finished_at IS NULL";
        let mut select = self.conn.prepare_cached(&select(&format!("{live} ORDER BY j.id LIMIT ?2")))?;
        let rows = select.query_map(params![company.0, clamp(limit)], job)?;
        let jobs = self.places(rows.collect::<Result<_, _>>()?)?;
        let mut count = self.conn.prepare_cached(&format!("SELECT count(*) FROM jobs j {live}"))?;
        Ok((jobs, count.query_row([company.0], |row| row.get(0))?))
    }

    /// The session's jobs that have not ended, oldest first; at most 500.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn live_in_session(&self, session: SessionId) -> Result<Vec<Job>, StoreError> {
        let mut select = self.conn.prepare_cached(&select(
            "WHERE j.id IN (SELECT l.id FROM jobs l INDEXED BY jobs_session_live
               WHERE l.session_id = ?1 AND l.finished_at IS NULL ORDER BY l.id LIMIT 500) ORDER BY j.id",
        ))?;
        let rows = select.query_map([session.0], job)?;
        self.places(rows.collect::<Result<_, _>>()?)
    }

    /// The company's jobs that ended at `since` or later, newest first, at most `limit`.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn finished_since(&self, company: CompanyId, since: Time, limit: i64) -> Result<Vec<Job>, StoreError> {
        let mut select = self.conn.prepare_cached(&select(
            "INDEXED BY jobs_finished WHERE j.company_id = ?1 AND j.finished_at >= ?2
             ORDER BY j.finished_at DESC, j.id DESC LIMIT ?3",
        ))?;
        let rows = select.query_map(params![company.0, since.0, clamp(limit)], job)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Numbers over all jobs.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn stats(&self) -> Result<JobStats, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT state, count(*) FROM jobs GROUP BY state")?;
        let mut stats = JobStats { by_state: BTreeMap::new(), cost_usd: Money::ZERO, total: 0 };
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (state, count): (String, i64) = (row.get(0)?, row.get(1)?);
            stats.total += count;
            stats.by_state.insert(state, count);
        }
        let mut select = self.conn.prepare_cached("SELECT cost_nanos FROM day_costs")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            stats.cost_usd += Money::nanos(row.get(0)?);
        }
        Ok(stats)
    }

    /// How many events are stored.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn event_count(&self) -> Result<i64, StoreError> {
        // Kept by the jobs: counting the events themselves reads a whole index.
        let mut select = self.conn.prepare_cached("SELECT coalesce(sum(events), 0) FROM jobs")?;
        Ok(select.query_row([], |row| row.get(0))?)
    }

    /// The last event stored, over all jobs, be it forgotten since; 0 before the first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn last_seq(&self) -> Result<Seq, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT max(forgotten_seq, coalesce((SELECT max(id) FROM events), 0)) FROM home")?;
        Ok(Seq(select.query_row([], |row| row.get(0))?))
    }
}
