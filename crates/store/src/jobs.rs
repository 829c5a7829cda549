//! Jobs as lists and screens show them.

use std::collections::BTreeMap;

use contract::{
    CompanyId, EngineKind, Job, JobDetail, JobId, JobListParams, JobPage, JobState, JobStats, Money, Origin, Seq,
    SessionId, Time,
};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use crate::project::{PROJECTED, job_now};
use crate::rows::{clamp, json, maybe_job, money, named, page, time};
use crate::{Missing, Read, StoreError};

/// A key that a client chose counts for a day.
pub(crate) const KEY_MS: i64 = 24 * 60 * 60 * 1000;

/// A job's place is the one in its session's line: that is what it waits for.
fn select(more: &str, rest: &str) -> String {
    format!(
        "SELECT j.id, j.session_id, j.parent_job_id, j.title, j.engine, j.origin, j.foreground, j.created_at,
           j.max_cost_nanos, j.result, j.error, {PROJECTED}, CASE WHEN j.state = 'queued' THEN
             nullif((SELECT count(*) FROM jobs q INDEXED BY jobs_session_live
              WHERE q.session_id = j.session_id AND q.finished_at IS NULL AND (q.state <> 'queued' OR q.id < j.id)), 0)
           END AS position {more} FROM jobs j {rest}"
    )
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let now = job_now(row)?;
    Ok(Job {
        job_id: JobId(row.get("id")?),
        company_id: CompanyId(row.get("company_id")?),
        session_id: SessionId(row.get("session_id")?),
        parent_job_id: maybe_job(row, "parent_job_id")?,
        title: row.get("title")?,
        state: now.state,
        reason: now.reason,
        engine: named(row, "engine", EngineKind::from_name)?,
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
        progress: now.steps,
        result: row.get("result")?,
        error: json(row, "error")?,
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
        let mut select = self.conn.prepare_cached(&select("", "WHERE j.id = ?1"))?;
        select.query_row([id.0], job).optional()?.ok_or(StoreError::NotFound(Missing::Job(id)))
    }

    /// Everything about a job but its events.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn job_detail(&self, id: JobId) -> Result<JobDetail, StoreError> {
        let mut select = self.conn.prepare_cached(&select(
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
        let mut select = self.conn.prepare_cached(&select("", "WHERE j.idempotency_key = ?1 AND j.created_at > ?2"))?;
        Ok(select.query_row(params![key, now.0.saturating_sub(KEY_MS)], job).optional()?)
    }

    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn jobs(&self, list: &JobListParams) -> Result<JobPage, StoreError> {
        let limit = page(list.limit, 50);
        let mut sql = select("", "WHERE 1");
        let mut values: Vec<Value> = Vec::new();
        let filters = [
            ("j.company_id =", list.company_id.map(|id| id.0)),
            ("j.session_id =", list.session_id.map(|id| id.0)),
            ("j.created_at >=", list.since.map(|at| at.0)),
            ("j.id <", list.before.map(|id| id.0)),
        ];
        for (column, value) in filters.into_iter().filter_map(|(column, value)| Some((column, value?))) {
            values.push(Value::Integer(value));
            sql.push_str(&format!(" AND {column} ?{}", values.len()));
        }
        // From a closed set of our own names, each at most once.
        let states: Vec<&str> = JobState::ALL.iter().filter(|s| list.states.contains(s)).map(|s| s.name()).collect();
        if !states.is_empty() {
            sql.push_str(&format!(" AND j.state IN ('{}')", states.join("','")));
        }
        values.push(Value::Integer(limit + 1));
        sql.push_str(&format!(" ORDER BY j.id DESC LIMIT ?{}", values.len()));
        let mut select = self.conn.prepare_cached(&sql)?;
        let mut jobs = select.query_map(params_from_iter(values), job)?.collect::<Result<Vec<_>, _>>()?;
        let more = jobs.len() as i64 > limit;
        jobs.truncate(limit as usize);
        let next = if more { jobs.last().map(|job| job.job_id) } else { None };
        Ok(JobPage { jobs, next })
    }

    /// The company's jobs that have not ended, oldest first, at most `limit`; and how many there are.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn live(&self, company: CompanyId, limit: i64) -> Result<(Vec<Job>, i64), StoreError> {
        let live = "INDEXED BY jobs_live WHERE j.company_id = ?1 AND j.finished_at IS NULL";
        let mut select = self.conn.prepare_cached(&select("", &format!("{live} ORDER BY j.id LIMIT ?2")))?;
        let rows = select.query_map(params![company.0, clamp(limit)], job)?;
        let jobs = rows.collect::<Result<Vec<_>, _>>()?;
        let mut count = self.conn.prepare_cached(&format!("SELECT count(*) FROM jobs j {live}"))?;
        Ok((jobs, count.query_row([company.0], |row| row.get(0))?))
    }

    /// The session's jobs that have not ended, oldest first; at most 500.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn live_in_session(&self, session: SessionId) -> Result<Vec<Job>, StoreError> {
        let mut select = self.conn.prepare_cached(&select(
            "",
            "INDEXED BY jobs_session_live WHERE j.session_id = ?1 AND j.finished_at IS NULL ORDER BY j.id LIMIT 500",
        ))?;
        let rows = select.query_map([session.0], job)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The company's jobs that ended at `since` or later, newest first, at most `limit`.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn finished_since(&self, company: CompanyId, since: Time, limit: i64) -> Result<Vec<Job>, StoreError> {
        let mut select = self.conn.prepare_cached(&select(
            "",
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

    /// The last event stored, over all jobs; 0 before the first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn last_seq(&self) -> Result<Seq, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT coalesce(max(id), 0) FROM events")?;
        Ok(Seq(select.query_row([], |row| row.get(0))?))
    }

    /// The session's job at work, or else the first in line, with its title.
    pub(crate) fn session_job(&self, session: SessionId) -> Result<Option<(JobId, String)>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT id, title FROM jobs INDEXED BY jobs_session_live WHERE session_id = ?1 AND finished_at IS NULL
             ORDER BY state = 'queued', id LIMIT 1",
        )?;
        let row = select.query_row([session.0], |row| Ok((JobId(row.get(0)?), row.get(1)?)));
        Ok(row.optional()?)
    }
}
