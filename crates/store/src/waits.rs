//! Runs that wait as a whole, and go on again.

use contract::{Event, Job, JobChange, JobId, JobState, RunId, Time};

use crate::job_changes::Said;
use crate::{Read, StoreError, Write};

/// Whether a run that waited may go on.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one is made at a time, and taken apart at once")]
pub enum GoOn {
    /// It may, and its job is running; what says so, where it was waiting before.
    Granted(Option<(Job, Event)>),
    /// Its job is on hold, or all are.
    Held,
    /// As many others as may be are at work.
    Full,
}

impl Read<'_> {
    /// Runs that a job has had.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn attempts(&self, job: JobId) -> Result<i64, StoreError> {
        let mut count = self.conn.prepare_cached("SELECT count(*) FROM runs WHERE job_id = ?1")?;
        Ok(count.query_row([job.0], |row| row.get(0))?)
    }
}

impl Write<'_> {
    /// None of the run's agents can go on: its job, where it is running, waits from now on and holds no slot. `None`
    /// where it is not running, or the run has ended.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a run that is not there.
    pub fn run_waits(
        &self,
        run: RunId,
        reason: &str,
        until: Option<Time>,
        at: Time,
    ) -> Result<Option<(Job, Event)>, StoreError> {
        let (run, job) = self.run(run)?;
        if run.state.is_final() || self.job(job)?.state != JobState::Running {
            return Ok(None);
        }
        let event = self.change(job, JobChange::Wait, &Said { reason, until, stopped: None }, at)?;
        Ok(Some((self.job(job)?, event)))
    }

    /// A run that waited asks to go on. It may where its job is not on hold, and either holds a slot still or there
    /// is one for it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a run that is not there, [`StoreError::RunFinal`] for one that has ended.
    pub fn go_on(&self, run: RunId, max_parallel: i64, at: Time) -> Result<GoOn, StoreError> {
        let (now, job) = self.run(run)?;
        if now.state.is_final() {
            return Err(StoreError::RunFinal(run));
        }
        let before = self.job(job)?;
        if before.held || self.all_held()? {
            return Ok(GoOn::Held);
        }
        if before.state == JobState::Running {
            return Ok(GoOn::Granted(None));
        }
        if !self.slot_free(max_parallel)? {
            return Ok(GoOn::Full);
        }
        let event = self.change(job, JobChange::GoOn, &Said::default(), at)?;
        Ok(GoOn::Granted(Some((self.job(job)?, event))))
    }
}
