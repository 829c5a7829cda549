//! Runs: from the queue to a worker process, and from its end to the job's final state.
//!
//! A run's worker is not ours to lose: it outlives the daemon, and the next daemon adopts it.

mod cancel;
mod drive;
mod finish;
mod queue;
mod start;
mod tail;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use contract::methods::RunCancelled;
use contract::{CompanyId, Error, JobId, RUN_MARK, RunCancel, RunGrew, RunId, Time, run_mark};
use process::{Identity, Mark};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::app::Daemon;
use crate::service::Connection;

pub use cancel::cancel;
pub use queue::{adopt, keep_claiming};

/// What a run's sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Processes that were ended.
    pub ended: i64,
    /// Of those, by force.
    pub forced: i64,
    /// Processes left.
    pub left: i64,
}

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
    children: AtomicI64,
    heard_at: AtomicI64,
    done: watch::Sender<Option<Swept>>,
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
            children: AtomicI64::new(0),
            heard_at: AtomicI64::new(Time::now().0),
            done: watch::Sender::new(None),
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

    fn identity(&self) -> Option<Identity> {
        lock(&self.identity).clone()
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
}

impl Runs {
    /// The queue has changed: something may be claimed.
    pub fn wake_queue(&self) {
        self.queue.notify_one();
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

    /// A worker has connected.
    pub fn connected(&self, run_id: RunId, conn: &Arc<Connection>) {
        let Some(run) = self.get(run_id) else { return };
        *lock(&run.worker) = Arc::downgrade(conn);
        run.grew.notify_one();
        if run.stop.is_cancelled() {
            run.tell_to_stop();
        }
    }

    /// A worker's spool has grown.
    pub fn heard(&self, run_id: RunId, hint: &RunGrew) {
        let Some(run) = self.get(run_id) else { return };
        run.children.store(hint.children, Ordering::Relaxed);
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
