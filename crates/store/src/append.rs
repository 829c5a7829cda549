//! Lines of a run's spool, and the daemon's own events, into the database.

use contract::{CompanyId, Entry, Event, EventBody, JobId, RunId, SessionId, SpoolLine};
use rusqlite::{OptionalExtension, params};

use crate::project::Projector;
use crate::{Missing, StoreError, Write};

/// What a call changed beside events, so that the daemon knows whom to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The company.
    pub company_id: CompanyId,
    /// The session.
    pub session_id: SessionId,
    /// The job; its row changes with each of its events.
    pub job_id: JobId,
    /// Whether agents came to other states.
    pub agents: bool,
    /// Whether money was spent.
    pub spend: bool,
    /// Whether questions were asked, answered or closed.
    pub questions: bool,
}

/// Lines that were stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Appended {
    /// Those that were new, in order.
    pub events: Vec<Event>,
    /// What else changed.
    pub touched: Touched,
}

impl Write<'_> {
    /// Stores lines of a run's spool, and that it is stored up to `offset` bytes. A line that is stored already is
    /// left out, so reading twice stores once. The run's first line makes it `running`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a run that is not there.
    pub fn append(&self, run: RunId, lines: &[SpoolLine], offset: u64) -> Result<Appended, StoreError> {
        let mut projector = Projector::load(self.conn, self.job_of(run)?)?;
        let mut events = Vec::with_capacity(lines.len());
        for line in lines {
            events.extend(projector.store(Some((run, line.n)), line.entry.clone())?);
        }
        let highest = lines.iter().map(|line| line.n).max().unwrap_or(0);
        let mut update = self.conn.prepare_cached(
            "UPDATE runs SET spool_offset = max(spool_offset, ?2), spool_lines = max(spool_lines, ?3),
               state = CASE WHEN state = 'starting' AND ?3 > 0 THEN 'running' ELSE state END
             WHERE id = ?1",
        )?;
        update.execute(params![run.0, i64::try_from(offset).unwrap_or(i64::MAX), highest])?;
        let touched = projector.finish()?;
        Ok(Appended { events, touched })
    }

    /// Stores what the daemon itself has to say about a job. A job's state changes by [`Write::transition`] and its
    /// like alone, whether it is on hold by [`Write::hold`], and the founder speaks through [`Write::question_answer`]
    /// and [`Write::follow_up`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a job that is not there, [`StoreError::Refused`] for what those alone say.
    pub fn append_own(&self, job: JobId, entry: Entry) -> Result<Event, StoreError> {
        if let EventBody::JobChanged { .. }
        | EventBody::Held { all: false, .. }
        | EventBody::Answered { .. }
        | EventBody::FollowUp { .. } = entry.body
        {
            return Err(contract::Error::internal("A job's state was to be changed by hand.").into());
        }
        let mut projector = Projector::load(self.conn, job)?;
        let event = projector.store(None, entry)?.ok_or(StoreError::NotFound(Missing::Job(job)))?;
        projector.finish()?;
        Ok(event)
    }

    /// The job of a run.
    pub(crate) fn job_of(&self, run: RunId) -> Result<JobId, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT job_id FROM runs WHERE id = ?1")?;
        let job = select.query_row([run.0], |row| row.get(0)).optional()?;
        job.map(JobId).ok_or(StoreError::NotFound(Missing::Run(run)))
    }
}
