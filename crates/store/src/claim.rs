//! The supervisor takes the next job.

use contract::{CompanyId, Event, JobChange, JobDetail, JobId, RunId, Time};
use rusqlite::{OptionalExtension, params};

use crate::{CompanyRow, StoreError, Write};

/// How the next job is to be taken.
pub struct Claim<'a> {
    /// Runs at once, at most. Runs whose job waits do not count.
    pub max_parallel: i64,
    /// The hash of the run's token.
    pub token_hash: &'a str,
    /// The run's folder, absolute.
    pub run_dir: &'a dyn Fn(RunId) -> String,
    /// Now.
    pub at: Time,
}

/// A job that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The run that was made for it, `starting`.
    pub run_id: RunId,
    /// The run's folder.
    pub run_dir: String,
    /// The job, running.
    pub job: JobDetail,
    /// Its company.
    pub company: CompanyRow,
    /// What says so.
    pub event: Event,
}

impl Write<'_> {
    /// Takes the oldest job in line whose session has none at work, where there is a slot for it: makes it
    /// `running`, and makes its run.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn claim_next(&self, claim: &Claim<'_>) -> Result<Option<Claimed>, StoreError> {
        let mut count = self.conn.prepare_cached(
            "SELECT count(*) FROM runs r INDEXED BY runs_one_live JOIN jobs j ON j.id = r.job_id
             WHERE r.ended_at IS NULL AND j.state <> 'waiting'",
        )?;
        let live: i64 = count.query_row([], |row| row.get(0))?;
        if live >= claim.max_parallel {
            return Ok(None);
        }
        let mut select = self.conn.prepare_cached(
            "SELECT j.id, j.company_id FROM jobs j INDEXED BY jobs_queued WHERE j.state = 'queued' AND NOT EXISTS (
               SELECT 1 FROM jobs w WHERE w.session_id = j.session_id AND w.state IN ('running', 'waiting'))
             ORDER BY j.id LIMIT 1",
        )?;
        let next = select.query_row([], |row| Ok((JobId(row.get(0)?), CompanyId(row.get(1)?)))).optional()?;
        let Some((job, company)) = next else { return Ok(None) };
        let event = self.change(job, JobChange::Claim, "", claim.at)?;
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO runs (job_id, state, token_hash, dir, started_at, heard_at)
             VALUES (?1, 'starting', ?2, '', ?3, ?3)",
        )?;
        let run_id = RunId(insert.insert(params![job.0, claim.token_hash, claim.at.0])?);
        let run_dir = (claim.run_dir)(run_id);
        let mut update = self.conn.prepare_cached("UPDATE runs SET dir = ?2 WHERE id = ?1")?;
        update.execute(params![run_id.0, run_dir])?;
        let (job, company) = (self.job_detail(job)?, self.company(company)?);
        Ok(Some(Claimed { run_id, run_dir, job, company, event }))
    }
}
