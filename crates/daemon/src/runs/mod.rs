//! Runs: from the queue to a worker process, and from its end to the job's final state.
//!
//! A run's worker is not ours to lose: it outlives the daemon, and the next daemon adopts it.

mod cancel;
mod drive;
mod finish;
mod hold;
mod queue;
mod raw;
mod retry;
mod slots;
mod spool;
mod start;
mod tail;
mod tell;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use contract::methods::RunCancelled;
use contract::{CompanyId, Error, JobId, RUN_MARK, RunCancel, RunGrew, RunId, StopCounts, Time, run_mark};
use process::{Identity, Mark};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::app::Daemon;
use crate::service::Connection;

pub use cancel::cancel;
pub use hold::{hold, tell as tell_hold};
pub use queue::{adopt, keep_claiming};
pub use raw::page as raw;
pub use slots::go_on;
pub use tell::{tell_rules, tell_words};

/// Why a job was stopped that the founder stopped.
pub const STOPPED: &str = "Stopped by you.";

/// How long the settling of a run is waited for whose worker has gone.
const SETTLING: Duration = Duration::from_secs(1);

/// A run that is under way.
pub struct LiveRun {
    /// Its id.
    pub run_id: RunId,
    /// Its job.
    pub job_id: JobId,
    /// The job's company.
    pub company_id: CompanyId,
    /// Its folder.
    pub dir: PathBuf,
    /// What its processes carry in their environment.
    pub mark: Mark,
    identity: Mutex<Option<Identity>>,
    worker: Mutex<Weak<Connection>>,
    grew: Notify,
    /// Cancelled once somebody wants the run stopped; the reason stands beside it.
    stop: CancellationToken,
    stop_reason: Mutex<String>,
    /// What was ended by force since the worker did not go by itself. Held while that is under way.
    forced: tokio::sync::Mutex<StopCounts>,
    /// Held while the worker is told whether it is on hold, so that the last word it hears is the last that was said.
    telling_hold: tokio::sync::Mutex<()>,
    telling_rules: tokio::sync::Mutex<()>,
    children: AtomicI64,
    heard_at: AtomicI64,
    /// The highest line of the spool that is stored.
    stored_line: watch::Sender<i64>,
    /// Bytes of the spool that are stored.
    stored_bytes: AtomicU64,
    /// Whether the run is settled.
    done: watch::Sender<bool>,
}

impl LiveRun {
    fn new(app: &Daemon, run_id: RunId, job_id: JobId, company_id: CompanyId, dir: String) -> LiveRun {
        LiveRun {
            run_id,
            job_id,
            company_id,
            dir: dir.into(),
            mark: Mark::new(RUN_MARK, run_mark(&app.home.root().display().to_string(), run_id)),
            identity: Mutex::default(),
            worker: Mutex::default(),
            grew: Notify::new(),
            stop: CancellationToken::new(),
            stop_reason: Mutex::default(),
            forced: tokio::sync::Mutex::default(),
            telling_hold: tokio::sync::Mutex::default(),
            telling_rules: tokio::sync::Mutex::default(),
            children: AtomicI64::new(0),
            heard_at: AtomicI64::new(Time::now().0),
            stored_line: watch::Sender::new(0),
            stored_bytes: AtomicU64::new(0),
            done: watch::Sender::new(false),
        }
    }

    /// Processes under the worker, when it last said.
    pub fn children(&self) -> i64 {
        self.children.load(Ordering::Relaxed)
    }

    /// When the worker was last heard of.
    pub fn heard_at(&self) -> Time {
        Time(self.heard_at.load(Ordering::Relaxed))
    }

    /// The worker's process, once it is started.
    pub fn identity(&self) -> Option<Identity> {
        lock(&self.identity).clone()
    }

    /// Whether the worker is connected.
    pub fn is_connected(&self) -> bool {
        self.worker().is_some()
    }

    /// Bytes of the spool that are written and not stored yet. Looks at the file.
    pub fn lag_bytes(&self) -> u64 {
        // No file, no lag.
        let written = std::fs::metadata(self.spool()).map_or(0, |meta| meta.len());
        written.saturating_sub(self.stored_bytes.load(Ordering::Relaxed))
    }

    /// The spool is stored up to there.
    fn stored(&self, line: i64, bytes: u64) {
        self.stored_bytes.fetch_max(bytes, Ordering::Relaxed);
        self.stored_line.send_if_modified(|stored| {
            let grew = line > *stored;
            *stored = line.max(*stored);
            grew
        });
    }

    fn spool(&self) -> PathBuf {
        self.dir.join("spool.jsonl")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("worker.log")
    }

    fn worker(&self) -> Option<Arc<Connection>> {
        lock(&self.worker).upgrade().filter(|conn| !conn.is_closed())
    }

    /// The run is to stop. The first reason there was is the one that counts.
    fn is_to_stop(&self, reason: &str) {
        {
            let mut kept = lock(&self.stop_reason);
            if kept.is_empty() {
                reason.clone_into(&mut kept);
            }
        }
        self.stop.cancel();
    }

    /// Tells the worker to stop, if it is there to be told.
    fn tell_to_stop(&self) -> bool {
        let note = RunCancel { reason: lock(&self.stop_reason).clone() };
        self.worker().is_some_and(|conn| conn.try_note::<RunCancelled>(&note).is_ok())
    }
}

/// The runs that are under way.
#[derive(Default)]
pub struct Runs {
    live: Mutex<HashMap<RunId, Arc<LiveRun>>>,
    queue: Notify,
    slots: slots::Slots,
}

impl Runs {
    /// The queue, the slots or a hold have changed: something may be claimed, or go on.
    pub fn wake_queue(&self) {
        self.queue.notify_one();
        self.slots.wake();
    }

    /// All live runs, oldest first.
    pub fn all(&self) -> Vec<Arc<LiveRun>> {
        let mut all: Vec<_> = lock(&self.live).values().cloned().collect();
        all.sort_unstable_by_key(|run| run.run_id);
        all
    }

    /// The live run of a job.
    pub fn of_job(&self, job_id: JobId) -> Option<Arc<LiveRun>> {
        lock(&self.live).values().find(|run| run.job_id == job_id).cloned()
    }

    /// The job of a live run.
    pub fn job_of(&self, run_id: RunId) -> Option<JobId> {
        lock(&self.live).get(&run_id).map(|run| run.job_id)
    }

    /// A live run.
    pub fn get(&self, run_id: RunId) -> Option<Arc<LiveRun>> {
        lock(&self.live).get(&run_id).cloned()
    }

    /// A worker has connected: its run, which it is to be told the hold of.
    pub fn connected(&self, run_id: RunId, conn: &Arc<Connection>) -> Option<Arc<LiveRun>> {
        let run = self.get(run_id)?;
        *lock(&run.worker) = Arc::downgrade(conn);
        run.grew.notify_one();
        if run.stop.is_cancelled() {
            run.tell_to_stop();
        }
        Some(run)
    }

    /// A worker's spool has grown.
    pub fn heard(&self, run_id: RunId, hint: &RunGrew) {
        let Some(run) = self.get(run_id) else { return };
        // Its own word for how many; whose they are, the census says.
        run.children.store(hint.children.max(0), Ordering::Relaxed);
        run.heard_at.store(Time::now().0, Ordering::Relaxed);
        run.grew.notify_one();
    }

    fn add(&self, run: LiveRun) -> Arc<LiveRun> {
        let run = Arc::new(run);
        lock(&self.live).insert(run.run_id, run.clone());
        run
    }

    fn remove(&self, run_id: RunId) {
        lock(&self.live).remove(&run_id);
        self.slots.forget(run_id);
    }
}

/// Lets the runs be settled whose workers have just gone, so that no job is said to be at work whose process is not
/// (E010, E011). Waits for that for a moment, and no longer.
pub async fn settle_the_gone(runs: Vec<Arc<LiveRun>>) {
    let give_up = Instant::now() + SETTLING;
    for run in runs.into_iter().filter(|run| run.identity().is_some_and(|who| !who.is_alive())) {
        // Not in time: the database or the disk is in trouble, and what is known is what can be said.
        let _ = timeout_at(give_up, run.done.subscribe().wait_for(|done| *done)).await;
    }
}

/// A new run's token.
///
/// # Errors
/// When the system has no randomness.
fn random_token() -> Result<String, Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("The system has no randomness: {error}.")))?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the database keeps of a run's token.
pub fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// What a sweep did, as clients see it.
fn counts(stopped: process::Stopped) -> StopCounts {
    StopCounts { ended: stopped.ended, forced: stopped.forced, left: stopped.left }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
