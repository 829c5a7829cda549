//! What the founder put on hold: a job, or all of them.

use contract::{Event, EventBody, Job, JobId, Time};
use rusqlite::params;

use crate::job_changes::own;
use crate::project::Projector;
use crate::{Read, StoreError, Write};

impl Read<'_> {
    /// Whether all jobs are on hold, those to come included.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn all_held(&self) -> Result<bool, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT held FROM home")?;
        Ok(select.query_row([], |row| row.get(0))?)
    }
}

impl Write<'_> {
    /// Puts a job on hold, or lets it go on: one in line is not claimed, one at work holds before its next call. The
    /// event is `None` where it was so already.
    ///
    /// # Errors
    /// [`StoreError::JobFinal`] where it has ended, [`StoreError::NotFound`].
    pub fn hold(&self, job: JobId, held: bool, at: Time) -> Result<(Job, Option<Event>), StoreError> {
        let mut projector = Projector::load(self.conn, job)?;
        let now = projector.now();
        if now.state.is_final() {
            return Err(StoreError::JobFinal { job, state: now.state });
        }
        if now.held == held {
            return Ok((self.job(job)?, None));
        }
        let event = projector.store(None, own(EventBody::Held { held, all: false }, at))?;
        projector.finish()?;
        Ok((self.job(job)?, event))
    }

    /// Puts all jobs on hold, those to come included, or lets them go on; those that are on hold by themselves stay
    /// so. Each job with a live run is told by an event, which is returned; none where it was so already.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn hold_all(&self, held: bool, at: Time) -> Result<Vec<(Job, Event)>, StoreError> {
        let mut update = self.conn.prepare_cached("UPDATE home SET held = ?1 WHERE held <> ?1")?;
        if update.execute(params![held])? == 0 {
            return Ok(Vec::new());
        }
        let mut told = Vec::new();
        for run in self.live_runs()? {
            let event = self.append_own(run.job_id, own(EventBody::Held { held, all: true }, at))?;
            told.push((self.job(run.job_id)?, event));
        }
        Ok(told)
    }
}
