//! What the engine may ask of the worker.

use std::sync::Arc;
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
}

impl RunHost {
    /// Records something that no agent did.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn emit_own(&self, body: EventBody) -> Result<(), Error> {
        self.emit(Entry { at: Time::now(), agent: SYSTEM.into(), parent: None, body })
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

    fn sync(&self) -> Result<(), Error> {
        self.spool.sync()
    }

    fn delta(&self, agent: &str, parent: Option<&str>, text: &str) {
        let parent = parent.map(str::to_owned);
        self.link.delta(Delta { job_id: self.job_id, agent: agent.into(), parent, text: text.into() });
    }

    async fn lease(&self, agent: &str, model: &str, worst: Money) -> Result<Option<LeaseId>, Error> {
        let params = LeaseParams { agent: agent.into(), model: model.into(), worst_usd: worst };
        let mut waited = false;
        loop {
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
        // Where this is lost, the lease ends with the run.
        match self.link.call::<RunLeaseReturn>(LeaseReturn { lease_id }).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => tracing::warn!(%error, %lease_id, "a lease could not be given back"),
            None => tracing::warn!(%lease_id, "a lease could not be given back: the daemon is away"),
        }
    }

    fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

/// A notice of the worker's own.
pub fn notice(level: NoticeLevel, text: impl Into<String>) -> EventBody {
    EventBody::Notice { level, text: text.into() }
}
