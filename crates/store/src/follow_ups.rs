//! What the founder has to say to a job at work, until its agent has heard it.

use contract::{Event, EventBody, Job, JobId, JobState, Seq, Time};
use rusqlite::{Connection, params};

use crate::job_changes::own;
use crate::project::Projector;
use crate::{Missing, Read, StoreError, Write};

impl Read<'_> {
    /// What the founder had to say to a job and its agent has not heard yet, oldest first, by the places of its
    /// events; at most 500.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn follow_ups_open(&self, job: JobId) -> Result<Vec<(Seq, String)>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT seq, text FROM follow_ups WHERE job_id = ?1 AND taken = 0 ORDER BY seq LIMIT 500",
        )?;
        let rows = select.query_map([job.0], |row| Ok((Seq(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Write<'_> {
    /// The founder has more to say to a job at work, one that waits for its next attempt included: an event of it.
    ///
    /// # Errors
    /// [`StoreError::NotBegun`] for a job that no run has begun, [`StoreError::JobFinal`] for one that has ended,
    /// [`StoreError::NotFound`].
    pub fn follow_up(&self, job: JobId, text: &str, at: Time) -> Result<(Job, Event), StoreError> {
        let state = self.job(job)?.state;
        match state {
            JobState::Running | JobState::Waiting | JobState::Retrying => {}
            JobState::Completed | JobState::Failed | JobState::Cancelled => {
                return Err(StoreError::JobFinal { job, state });
            }
            JobState::Scheduled | JobState::Blocked | JobState::Queued => {
                return Err(StoreError::NotBegun { job, state });
            }
        }
        let mut projector = Projector::load(self.conn, job)?;
        let event = projector.store(None, own(EventBody::FollowUp { text: text.to_owned() }, at))?;
        projector.finish()?;
        Ok((self.job(job)?, event.ok_or(StoreError::NotFound(Missing::Job(job)))?))
    }
}

pub(crate) fn put(conn: &Connection, event: &Event, text: &str) -> Result<(), StoreError> {
    let mut insert = conn.prepare_cached("INSERT INTO follow_ups (seq, job_id, text) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![event.seq.0, event.job_id.0, text])?;
    Ok(())
}

/// The job's agent has heard what is at these places. Another job's are left alone.
pub(crate) fn taken(conn: &Connection, job: JobId, seqs: &[Seq]) -> Result<(), StoreError> {
    let mut update = conn.prepare_cached("UPDATE follow_ups SET taken = 1 WHERE seq = ?1 AND job_id = ?2")?;
    for seq in seqs {
        update.execute(params![seq.0, job.0])?;
    }
    Ok(())
}

/// The event is forgotten, and what it said with it.
pub(crate) fn forget(conn: &Connection, event: &Event) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM follow_ups WHERE seq = ?1")?.execute([event.seq.0])?;
    Ok(())
}
