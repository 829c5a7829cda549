//! Jobs that go on by themselves: their time has come, or the job before them has ended.

use contract::{Error, ErrorCode, Event, Job, JobChange, JobId, JobState, Time};
use rusqlite::params;

use crate::job_changes::{Said, waits_for};
use crate::rows::{maybe_job, named};
use crate::{Read, StoreError, Write};

/// Jobs that a call moves, at most.
const PIECE: usize = 100;

/// A job is tried again after so long at most, in milliseconds.
pub const LONGEST_RETRY_MS: i64 = 30 * 60_000;

/// A job that may be due.
struct Candidate {
    job: JobId,
    state: JobState,
    /// The job that it waits for, and how that stands; the latter is none where it was forgotten.
    blocker: Option<JobId>,
    blocker_state: Option<JobState>,
}

impl Read<'_> {
    /// When the next job goes on by itself; a time in the past where one does already.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn next_due(&self) -> Result<Option<Time>, StoreError> {
        let mut first = self.conn.prepare_cached(
            "SELECT min(until) FROM jobs INDEXED BY jobs_due WHERE state IN ('scheduled', 'retrying')",
        )?;
        let first: Option<i64> = first.query_row([], |row| row.get(0))?;
        let free = self.unblocked(1)?.first().map(|_| i64::MIN);
        Ok(free.or(first).map(Time))
    }

    /// Scheduled and retrying jobs whose time has come, the earliest first.
    fn timely(&self, now: Time, limit: usize) -> Result<Vec<Candidate>, StoreError> {
        self.candidates(
            "INDEXED BY jobs_due LEFT JOIN jobs b ON b.id = j.after_job_id
             WHERE j.state IN ('scheduled', 'retrying') AND j.until <= ?2 ORDER BY j.until, j.id LIMIT ?1",
            limit,
            now,
        )
    }

    /// Retrying jobs whose time is further off than it can have been: the clock was set back since.
    fn put_off(&self, now: Time, limit: usize) -> Result<Vec<Candidate>, StoreError> {
        self.candidates(
            "INDEXED BY jobs_state LEFT JOIN jobs b ON b.id = j.after_job_id
             WHERE j.state = 'retrying' AND j.until > ?2 ORDER BY j.id LIMIT ?1",
            limit,
            Time(now.0.saturating_add(LONGEST_RETRY_MS)),
        )
    }

    /// Blocked jobs whose blocker has ended, or was forgotten.
    fn unblocked(&self, limit: usize) -> Result<Vec<Candidate>, StoreError> {
        self.candidates(
            "INDEXED BY jobs_state LEFT JOIN jobs b ON b.id = j.after_job_id
             WHERE j.state = 'blocked' AND (b.id IS NULL OR b.finished_at IS NOT NULL) AND ?2 IS NOT NULL
             ORDER BY j.id LIMIT ?1",
            limit,
            Time(0),
        )
    }

    fn candidates(&self, rest: &str, limit: usize, now: Time) -> Result<Vec<Candidate>, StoreError> {
        let mut select = self.conn.prepare_cached(&format!(
            "SELECT j.id, j.state, j.after_job_id, b.state AS blocker_state FROM jobs j {rest}"
        ))?;
        let rows = select.query_map(params![limit as i64, now.0], |row| {
            Ok(Candidate {
                job: JobId(row.get("id")?),
                state: named(row, "state", JobState::from_name)?,
                blocker: maybe_job(row, "after_job_id")?,
                blocker_state: match row.get_ref("blocker_state")?.as_str_or_null()? {
                    Some(_) => Some(named(row, "blocker_state", JobState::from_name)?),
                    None => None,
                },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Write<'_> {
    /// Moves the jobs that go on by themselves: into line where their time has come and the job before them has
    /// completed, out of it where that one ended without being done. At most 100 a call; call again until none is
    /// left, since one that fails may be what others wait for.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn due(&self, now: Time) -> Result<Vec<(Job, Event)>, StoreError> {
        let mut due = self.timely(now, PIECE)?;
        due.extend(self.put_off(now, PIECE - due.len())?);
        due.extend(self.unblocked(PIECE - due.len())?);
        due.into_iter().map(|candidate| self.goes_on(&candidate, now)).collect()
    }

    fn goes_on(&self, candidate: &Candidate, now: Time) -> Result<(Job, Event), StoreError> {
        let job = candidate.job;
        let reason = candidate.blocker.map(waits_for).unwrap_or_default();
        let (change, reason) = match (candidate.state, candidate.blocker_state) {
            (JobState::Retrying, _) => (JobChange::Requeue, ""),
            (JobState::Scheduled, None) if candidate.blocker.is_none() => (JobChange::Due, ""),
            (JobState::Scheduled, Some(JobState::Completed)) => (JobChange::Due, ""),
            (_, Some(JobState::Completed)) => (JobChange::Unblock, ""),
            (_, blocker) if blocker.is_none_or(JobState::is_final) => {
                return self.fail(job, &blocked_for_good(candidate.blocker, blocker), now);
            }
            _ => (JobChange::Block, reason.as_str()),
        };
        let event = self.change(job, change, &Said { reason, ..Said::default() }, now)?;
        Ok((self.job(job)?, event))
    }
}

/// Why a job that waited for another never begins.
fn blocked_for_good(blocker: Option<JobId>, state: Option<JobState>) -> Error {
    let what = match (blocker, state) {
        (Some(blocker), Some(JobState::Cancelled)) => format!("Job {blocker}, which it waited for, was cancelled."),
        (Some(blocker), Some(_)) => format!("Job {blocker}, which it waited for, failed."),
        _ => "The job that it waited for was forgotten before it could begin.".to_owned(),
    };
    let fix = match blocker {
        Some(blocker) => format!("See `aicib logs {blocker}`, then send both again."),
        None => "Send the brief again.".to_owned(),
    };
    let error = Error::new(ErrorCode::JOB_BLOCKER, what, fix);
    match blocker {
        Some(blocker) => error.with(serde_json::json!({ "job_id": blocker })),
        None => error,
    }
}
