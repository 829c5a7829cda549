//! Runs: one attempt at a job, in one worker process.

use contract::{EventBody, JobId, Run, RunId, RunState, Time};
use rusqlite::{OptionalExtension, Row, params};

use crate::rows::{json, maybe_time, named, time};
use crate::{Missing, Read, StoreError, Write};

/// A run that has not ended, as the daemon adopts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRun {
    /// The run.
    pub run_id: RunId,
    /// Its job.
    pub job_id: JobId,
    /// Where it stands.
    pub state: RunState,
    /// Its process: pid, start in clock ticks since boot, and the boot. None before it was spawned.
    pub process: Option<(u32, u64, String)>,
    /// Its folder.
    pub dir: String,
    /// Bytes of its spool that are stored.
    pub offset: u64,
    /// The highest line of its spool that is stored.
    pub lines: i64,
    /// The hash of its token.
    pub token_hash: String,
    /// When it began.
    pub started_at: Time,
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        run_id: RunId(row.get("id")?),
        state: named(row, "state", RunState::from_name)?,
        pid: row.get("pid")?,
        children: row.get("children")?,
        started_at: time(row, "started_at")?,
        ended_at: maybe_time(row, "ended_at")?,
        heard_at: time(row, "heard_at")?,
    })
}

fn live_run(row: &Row<'_>) -> rusqlite::Result<LiveRun> {
    let pid: Option<u32> = row.get("pid")?;
    let ticks: Option<i64> = row.get("start_ticks")?;
    let boot: Option<String> = row.get("boot_id")?;
    Ok(LiveRun {
        run_id: RunId(row.get("id")?),
        job_id: JobId(row.get("job_id")?),
        state: named(row, "state", RunState::from_name)?,
        process: pid.zip(ticks).zip(boot).map(|((pid, ticks), boot)| (pid, ticks.cast_unsigned(), boot)),
        dir: row.get("dir")?,
        offset: row.get::<_, i64>("spool_offset")?.max(0).cast_unsigned(),
        lines: row.get("spool_lines")?,
        token_hash: row.get("token_hash")?,
        started_at: time(row, "started_at")?,
    })
}

impl Read<'_> {
    /// A run and its job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn run(&self, id: RunId) -> Result<(Run, JobId), StoreError> {
        let mut select = self.conn.prepare_cached("SELECT * FROM runs WHERE id = ?1")?;
        let row = select.query_row([id.0], |row| Ok((run(row)?, JobId(row.get("job_id")?)))).optional()?;
        row.ok_or(StoreError::NotFound(Missing::Run(id)))
    }

    /// A run's folder.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn run_dir(&self, id: RunId) -> Result<String, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT dir FROM runs WHERE id = ?1")?;
        select.query_row([id.0], |row| row.get(0)).optional()?.ok_or(StoreError::NotFound(Missing::Run(id)))
    }

    /// The folders of a job's runs, oldest first, and whether each run has ended; at most 1,000.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn run_dirs(&self, job: JobId) -> Result<Vec<(String, bool)>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT dir, ended_at IS NOT NULL FROM runs WHERE job_id = ?1 AND dir <> '' ORDER BY id LIMIT 1000",
        )?;
        let rows = select.query_map([job.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The runs that have not ended, oldest first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn live_runs(&self) -> Result<Vec<LiveRun>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT * FROM runs INDEXED BY runs_one_live WHERE ended_at IS NULL ORDER BY id")?;
        let rows = select.query_map([], live_run)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The job's run that has not ended.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn live_run_of(&self, job: JobId) -> Result<Option<RunId>, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT id FROM runs WHERE job_id = ?1 AND ended_at IS NULL")?;
        Ok(select.query_row([job.0], |row| row.get(0)).optional()?.map(RunId))
    }

    /// The hash of a run's token, and its job. A run that has ended has no right any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a run that is not there or has ended.
    pub fn token_hash(&self, id: RunId) -> Result<(String, JobId), StoreError> {
        let mut select =
            self.conn.prepare_cached("SELECT token_hash, job_id FROM runs WHERE id = ?1 AND ended_at IS NULL")?;
        let row = select.query_row([id.0], |row| Ok((row.get(0)?, JobId(row.get(1)?)))).optional()?;
        row.ok_or(StoreError::NotFound(Missing::Run(id)))
    }

    /// The run's last word: its `run_exited`, once that is stored. Looked for in its last lines first, where it is but
    /// for a worker that vanished or that went on after its end.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn last_word(&self, id: RunId) -> Result<Option<EventBody>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT body FROM (SELECT kind, body FROM events WHERE run_id = ?1 ORDER BY run_n DESC LIMIT ?2)
             WHERE kind = 'run_exited' LIMIT 1",
        )?;
        for lines in [8, i64::MAX] {
            let word = select.query_row(params![id.0, lines], |row| json(row, "body")).optional()?.flatten();
            if word.is_some() {
                return Ok(word);
            }
        }
        Ok(None)
    }

    pub(crate) fn latest_run(&self, job: JobId) -> Result<Option<Run>, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT * FROM runs WHERE job_id = ?1 ORDER BY id DESC LIMIT 1")?;
        Ok(select.query_row([job.0], run).optional()?)
    }
}

impl Write<'_> {
    /// The run has a process: its pid, its start in clock ticks since boot, and the boot.
    ///
    /// # Errors
    /// [`StoreError::RunFinal`] where it has ended, [`StoreError::NotFound`].
    pub fn run_spawned(&self, id: RunId, pid: u32, start: u64, boot: &str) -> Result<(), StoreError> {
        let mut update = self.conn.prepare_cached(
            "UPDATE runs SET pid = ?2, start_ticks = ?3, boot_id = ?4 WHERE id = ?1 AND ended_at IS NULL",
        )?;
        let updated = update.execute(params![id.0, pid, start.cast_signed(), boot])?;
        self.was_live(id, updated)
    }

    /// The run's worker is started again, with another token: there is no process until then.
    ///
    /// # Errors
    /// [`StoreError::RunFinal`] where it has ended, [`StoreError::NotFound`].
    pub fn run_token(&self, id: RunId, token_hash: &str) -> Result<(), StoreError> {
        let mut update = self.conn.prepare_cached(
            "UPDATE runs SET token_hash = ?2, pid = NULL, start_ticks = NULL, boot_id = NULL
                 WHERE id = ?1 AND ended_at IS NULL",
        )?;
        let updated = update.execute(params![id.0, token_hash])?;
        self.was_live(id, updated)
    }

    /// The run goes on to `running` or `stopping`; never back. [`Write::settle`] ends it.
    ///
    /// # Errors
    /// [`StoreError::RunFinal`] where it has ended, [`StoreError::NotFound`].
    pub fn run_state(&self, id: RunId, state: RunState) -> Result<(), StoreError> {
        let from = match state {
            RunState::Running => "('starting', 'running')",
            RunState::Stopping => "('starting', 'running', 'stopping')",
            _ => return Err(contract::Error::internal("A run's end is its settlement.").into()),
        };
        let mut update =
            self.conn.prepare_cached(&format!("UPDATE runs SET state = ?2 WHERE id = ?1 AND state IN {from}"))?;
        update.execute(params![id.0, state.name()])?;
        let (now, _) = self.run(id)?;
        if now.state.is_final() { Err(StoreError::RunFinal(id)) } else { Ok(()) }
    }

    /// The worker was heard of, with as many processes under it.
    ///
    /// # Errors
    /// [`StoreError::RunFinal`] where it has ended, [`StoreError::NotFound`].
    pub fn run_heard(&self, id: RunId, at: Time, children: i64) -> Result<(), StoreError> {
        let mut update = self.conn.prepare_cached(
            "UPDATE runs SET heard_at = max(heard_at, ?2), children = ?3 WHERE id = ?1 AND ended_at IS NULL",
        )?;
        let updated = update.execute(params![id.0, at.0, children.max(0)])?;
        self.was_live(id, updated)
    }

    /// Ends the run and drops its leases: what it used is in its spool.
    pub(crate) fn run_end(&self, id: RunId, state: RunState, at: Time) -> Result<(), StoreError> {
        let mut update = self.conn.prepare_cached(
            "UPDATE runs SET state = ?2, ended_at = ?3, children = 0 WHERE id = ?1 AND ended_at IS NULL",
        )?;
        update.execute(params![id.0, state.name(), at.0])?;
        let mut drop = self.conn.prepare_cached("DELETE FROM leases WHERE run_id = ?1")?;
        drop.execute([id.0])?;
        Ok(())
    }

    fn was_live(&self, id: RunId, updated: usize) -> Result<(), StoreError> {
        if updated == 1 {
            return Ok(());
        }
        self.run(id)?;
        Err(StoreError::RunFinal(id))
    }
}
