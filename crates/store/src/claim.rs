//! The supervisor takes the next job.

use contract::{CompanyId, Event, JobChange, JobDetail, JobId, RunId, Time};
use rusqlite::{OptionalExtension, params};

use crate::job_changes::Said;
use crate::{CompanyRow, Read, StoreError, Write};

/// How many jobs of a kind say how long one takes, at most and at least.
const TYPICAL_OF: usize = 20;
const TYPICAL_FROM: usize = 3;

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

impl Read<'_> {
    /// Whether another run may be at work. A run whose job waits holds no slot.
    pub(crate) fn slot_free(&self, max_parallel: i64) -> Result<bool, StoreError> {
        let mut count = self.conn.prepare_cached(
            "SELECT count(*) FROM runs r INDEXED BY runs_one_live JOIN jobs j ON j.id = r.job_id
             WHERE r.ended_at IS NULL AND j.state <> 'waiting'",
        )?;
        let live: i64 = count.query_row([], |row| row.get(0))?;
        Ok(live < max_parallel)
    }

    /// How long the last jobs of the same company and engine took that completed, waits left out: the median; `None`
    /// where there are too few to tell.
    fn typical_ms(&self, job: JobId) -> Result<Option<i64>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT max(d.finished_at - d.started_at - d.waited_ms, 0) FROM jobs j
             JOIN jobs d INDEXED BY jobs_completed ON d.company_id = j.company_id AND d.engine = j.engine
             WHERE j.id = ?1 AND d.state = 'completed' AND d.started_at IS NOT NULL
             ORDER BY d.finished_at DESC LIMIT ?2",
        )?;
        let rows = select.query_map(params![job.0, TYPICAL_OF as i64], |row| row.get(0))?;
        let mut took = rows.collect::<Result<Vec<i64>, _>>()?;
        took.sort_unstable();
        Ok(took.get(took.len() / 2).copied().filter(|_| took.len() >= TYPICAL_FROM))
    }
}

impl Write<'_> {
    /// Takes the first job in line (of the highest priority, and there the oldest) that is not on hold and whose
    /// session has none at work, where there is a slot for it: makes it `running`, and makes its run. Nothing while
    /// all jobs are on hold.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn claim_next(&self, claim: &Claim<'_>) -> Result<Option<Claimed>, StoreError> {
        if self.all_held()? || !self.slot_free(claim.max_parallel)? {
            return Ok(None);
        }
        let mut select = self.conn.prepare_cached(
            "SELECT j.id, j.company_id FROM jobs j INDEXED BY jobs_queued WHERE j.state = 'queued' AND j.held = 0
               AND NOT EXISTS (SELECT 1 FROM jobs w INDEXED BY jobs_one_at_work
                 WHERE w.session_id = j.session_id AND w.state IN ('running', 'waiting', 'retrying'))
             ORDER BY j.priority DESC, j.id LIMIT 1",
        )?;
        let next = select.query_row([], |row| Ok((JobId(row.get(0)?), CompanyId(row.get(1)?)))).optional()?;
        let Some((job, company)) = next else { return Ok(None) };
        let event = self.change(job, JobChange::Claim, &Said::default(), claim.at)?;
        let mut update = self.conn.prepare_cached("UPDATE jobs SET typical_ms = ?2 WHERE id = ?1")?;
        update.execute(params![job.0, self.typical_ms(job)?])?;
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
