//! The line of a session: it takes one brief at a time, and the others wait.

use std::collections::HashMap;

use contract::{Job, JobId, JobState, SessionId};
use rusqlite::OptionalExtension;

use crate::{Read, StoreError};

/// How many jobs of its session are before a job in line: the one at work, and those of a higher priority or an older
/// number. Who is on hold there lets it pass. For a row by itself; [`Read::places`] is for many.
pub(crate) const PLACE: &str = "CASE WHEN j.state = 'queued' THEN nullif(
    (SELECT count(*) FROM jobs q INDEXED BY jobs_one_at_work
      WHERE q.session_id = j.session_id AND q.state IN ('running', 'waiting', 'retrying'))
    + (SELECT count(*) FROM jobs q INDEXED BY jobs_session_live
      WHERE q.session_id = j.session_id AND q.finished_at IS NULL AND q.state = 'queued' AND q.held = 0
        AND (q.priority > j.priority OR q.priority = j.priority AND q.id < j.id)), 0) END";

impl Read<'_> {
    /// The jobs with their places ([`PLACE`]): each session's line is gone through once.
    pub(crate) fn places(&self, mut jobs: Vec<Job>) -> Result<Vec<Job>, StoreError> {
        let mut lines: HashMap<SessionId, Vec<usize>> = HashMap::new();
        for (index, job) in jobs.iter().enumerate().filter(|(_, job)| job.state == JobState::Queued) {
            lines.entry(job.session_id).or_default().push(index);
        }
        let mut select = self.conn.prepare_cached(
            "SELECT id, held FROM jobs INDEXED BY jobs_session_live
             WHERE session_id = ?1 AND finished_at IS NULL AND state = 'queued' ORDER BY priority DESC, id",
        )?;
        for (session, wanted) in lines {
            let mut wanted: HashMap<i64, usize> =
                wanted.into_iter().filter_map(|index| Some((jobs.get(index)?.job_id.0, index))).collect();
            let mut before = i64::from(self.at_work_in(session)?.is_some());
            let mut rows = select.query([session.0])?;
            while let Some(row) = rows.next()?.filter(|_| !wanted.is_empty()) {
                if let Some(job) = wanted.remove(&row.get(0)?).and_then(|index| jobs.get_mut(index)) {
                    job.position = Some(before).filter(|before| *before > 0);
                }
                before += i64::from(!row.get::<_, bool>(1)?);
            }
        }
        Ok(jobs)
    }

    /// The session's job at work, with its title.
    fn at_work_in(&self, session: SessionId) -> Result<Option<(JobId, String)>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT id, title FROM jobs INDEXED BY jobs_one_at_work
             WHERE session_id = ?1 AND state IN ('running', 'waiting', 'retrying')",
        )?;
        Ok(select.query_row([session.0], |row| Ok((JobId(row.get(0)?), row.get(1)?))).optional()?)
    }

    /// The session's job at work, or else the first in line, with its title.
    pub(crate) fn session_job(&self, session: SessionId) -> Result<Option<(JobId, String)>, StoreError> {
        if let Some(job) = self.at_work_in(session)? {
            return Ok(Some(job));
        }
        let mut select = self.conn.prepare_cached(
            "SELECT id, title FROM jobs INDEXED BY jobs_session_live
             WHERE session_id = ?1 AND finished_at IS NULL AND state = 'queued' ORDER BY priority DESC, id LIMIT 1",
        )?;
        Ok(select.query_row([session.0], |row| Ok((JobId(row.get(0)?), row.get(1)?))).optional()?)
    }

    /// A job of the session that has not ended, with its title: the one at work, else the first in line, else one that
    /// waits for its time or for another job.
    pub(crate) fn session_unended(&self, session: SessionId) -> Result<Option<(JobId, String)>, StoreError> {
        if let Some(job) = self.session_job(session)? {
            return Ok(Some(job));
        }
        let mut select = self.conn.prepare_cached(
            "SELECT id, title FROM jobs INDEXED BY jobs_session_live WHERE session_id = ?1 AND finished_at IS NULL
             ORDER BY priority DESC, id LIMIT 1",
        )?;
        Ok(select.query_row([session.0], |row| Ok((JobId(row.get(0)?), row.get(1)?))).optional()?)
    }
}
