//! What the engine may ask of the worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contract::methods::{RunLease, RunLeaseReturn};
use contract::{
    Delta, Entry, Error, ErrorCode, EventBody, JobId, LeaseId, LeaseParams, LeaseReturn, Money, NoticeLevel, SYSTEM,
    Time, WaitReason,
};
use engine::Host;
use tokio_util::sync::CancellationToken;

use crate::link::Link;
use crate::spool::Spool;

/// How long the daemon may be away before the run says that it waits.
const SHORT_ABSENCE: Duration = Duration::from_secs(1);

/// The engine's view of the run: spool, daemon, stop.
pub struct RunHost {
    pub(crate) job_id: JobId,
    pub(crate) spool: Spool,
    pub(crate) link: Arc<Link>,
    pub(crate) stop: CancellationToken,
    /// Leases that were not used and that no daemon was there to take back: they would count as spent.
    pub(crate) unreturned: Mutex<Vec<LeaseId>>,
}

impl RunHost {
    /// Records something that no agent did.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn emit_own(&self, body: EventBody) -> Result<(), Error> {
        self.emit(Entry { at: Time::now(), agent: SYSTEM.into(), parent: None, body })
    }

    /// Gives back what can be given back now.
    async fn return_leases(&self) {
        loop {
            let Some(lease_id) = self.unreturned().pop() else { return };
            match self.link.call::<RunLeaseReturn>(LeaseReturn { lease_id }).await {
                Some(Ok(_)) => continue,
                Some(Err(error)) => tracing::warn!(%error, %lease_id, "a lease could not be given back"),
                None => tracing::debug!(%lease_id, "a lease is given back once the daemon is there"),
            }
            // Giving back twice is no harm.
            self.unreturned().push(lease_id);
            return;
        }
    }

    fn unreturned(&self) -> MutexGuard<'_, Vec<LeaseId>> {
        self.unreturned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting_for_daemon(&self, over: bool) -> Result<(), Error> {
        let detail = if over { "The daemon is back." } else { "The daemon is away, and calls need its leave." };
        self.emit_own(EventBody::Waiting { reason: WaitReason::Daemon, detail: detail.into(), until: None, over })
    }
}

#[async_trait]
impl Host for RunHost {
    fn emit(&self, entry: Entry) -> Result<(), Error> {
        self.spool.append(entry)?;
        self.link.grew();
        Ok(())
    }

    fn before_effect(&self) -> Result<(), Error> {
        self.spool.sync()
    }

    fn delta(&self, agent: &str, parent: Option<&str>, text: &str) {
        let parent = parent.map(str::to_owned);
        self.link.delta(Delta { job_id: self.job_id, agent: agent.into(), parent, text: text.into() });
    }

    fn alive(&self) {}

    async fn ready(&self, _: &str, _: Option<&str>) -> Result<(), Error> {
        Ok(())
    }

    async fn lease(&self, agent: &str, _: Option<&str>, model: &str, worst: Money) -> Result<Option<LeaseId>, Error> {
        let params = LeaseParams { agent: agent.into(), model: model.into(), worst_usd: worst };
        let mut waited = false;
        loop {
            tokio::select! {
                () = self.return_leases() => {}
                () = self.stop.cancelled() => return Ok(None),
            }
            let answer = tokio::select! {
                answer = self.link.call::<RunLease>(params.clone()) => answer,
                () = self.stop.cancelled() => return Ok(None),
            };
            match answer {
                Some(Err(error)) if error.code == ErrorCode::STOPPING || error.code == ErrorCode::OVERLOADED => {
                    tracing::debug!(%error, "no leave yet");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Some(answer) => {
                    if waited {
                        self.waiting_for_daemon(true)?;
                    }
                    return answer.map(|lease| Some(lease.lease_id));
                }
                // A limit that nobody can check is still a limit: wait for the daemon. A short absence is not worth
                // a word.
                None => {
                    let (overdue, stopped) = tokio::select! {
                        () = self.link.up() => (false, false),
                        () = tokio::time::sleep(SHORT_ABSENCE), if !waited => (true, false),
                        () = self.stop.cancelled() => (false, true),
                    };
                    if stopped {
                        return Ok(None);
                    }
                    if overdue {
                        self.waiting_for_daemon(false)?;
                        waited = true;
                    }
                }
            }
        }
    }

    async fn lease_return(&self, lease_id: LeaseId) {
        self.unreturned().push(lease_id);
        self.return_leases().await;
    }

    fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

/// A notice of the worker's own.
pub fn notice(level: NoticeLevel, text: impl Into<String>) -> EventBody {
    EventBody::Notice { level, text: text.into() }
}
