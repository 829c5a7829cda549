//! The one connection to the daemon: made, kept, and made again for as long as the app runs.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use contract::{Error, ErrorCode, Method};
use rpc::{Client, Home, NoteReceiver};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Notify, watch};

/// How long a call waits for a connection that is being made. A little longer than making one may take.
const CALL_PATIENCE: Duration = Duration::from_secs(25);
/// How long to wait before trying again: doubled each time, up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// How the app stands with the daemon, as pages are told (`native.link`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkState {
    /// Connected.
    Ready,
    /// Being connected, and the daemon started where none runs.
    Starting,
    /// Out of reach; tried again before long.
    Lost {
        /// Why.
        error: Error,
    },
}

impl LinkState {
    /// The state's name, as in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            LinkState::Ready => "ready",
            LinkState::Starting => "starting",
            LinkState::Lost { .. } => "lost",
        }
    }
}

/// The connection.
pub struct Link {
    home: Home,
    aicib: PathBuf,
    state: watch::Sender<LinkState>,
    client: Mutex<Option<Client>>,
    retry: Notify,
}

impl Link {
    /// A connection to `home`'s daemon, not made yet; `aicib` is the program that starts one.
    pub fn new(home: Home, aicib: PathBuf) -> Link {
        Link {
            home,
            aicib,
            state: watch::Sender::new(LinkState::Starting),
            client: Mutex::default(),
            retry: Notify::new(),
        }
    }

    /// How it stands, now and from now on.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }

    /// Tries again now, instead of when the wait is over.
    pub fn retry(&self) {
        self.retry.notify_one();
    }

    /// Connects; waits before it where the last try failed. `tries` counts failures in a row.
    pub async fn connect(&self, tries: u32) -> Result<(Client, NoteReceiver), Error> {
        if tries > 0 {
            let wait = (BACKOFF.0 * 2u32.saturating_pow(tries.min(16) - 1)).min(BACKOFF.1);
            // Whoever asks for another try gets it at once.
            let _ = tokio::time::timeout(wait, self.retry.notified()).await;
            self.state.send_if_modified(|state| {
                !matches!(std::mem::replace(state, LinkState::Starting), LinkState::Starting)
            });
        }
        let connected = rpc::connect_or_start(&self.home, crate::CLIENT, &self.aicib).await;
        if let Err(error) = &connected {
            tracing::warn!(%error, tries, "no daemon");
            self.state.send_replace(LinkState::Lost { error: error.clone() });
        }
        connected
    }

    /// From now on calls go through `client`.
    pub fn ready(&self, client: &Client) {
        self.put(Some(client.clone()));
        self.state.send_replace(LinkState::Ready);
    }

    /// The connection is gone.
    pub fn lost(&self) {
        self.put(None);
        self.state.send_replace(LinkState::Starting);
    }

    fn put(&self, client: Option<Client>) {
        *self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = client;
    }

    async fn client(&self) -> Result<Client, Error> {
        let mut state = self.state.subscribe();
        let settled = tokio::time::timeout(CALL_PATIENCE, state.wait_for(|state| *state != LinkState::Starting)).await;
        if let Ok(Ok(state)) = settled
            && let LinkState::Lost { error } = &*state
        {
            return Err(error.clone());
        }
        let client = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        client.ok_or_else(|| {
            Error::new(
                ErrorCode::DAEMON_UNREACHABLE,
                "AICIB's daemon does not answer.",
                "Try again; `aicib doctor` says what keeps it from starting.",
            )
        })
    }

    /// Calls the daemon; waits for a connection that is being made, but not for one that failed.
    ///
    /// # Errors
    /// What the daemon says, or why it cannot be reached.
    pub async fn call_raw(&self, method: &str, params: Value) -> Result<Value, Error> {
        self.client().await?.call_raw(method, params).await
    }

    /// As [`Link::call_raw`], typed.
    ///
    /// # Errors
    /// As [`Link::call_raw`].
    pub async fn call<M: Method>(&self, params: M::Params) -> Result<M::Result, Error> {
        self.client().await?.call::<M>(params).await
    }
}

/// The `aicib` that starts the daemon: the one beside this program, or what `AICIB_BIN` names while developing.
pub fn aicib_program() -> PathBuf {
    if let Some(named) = std::env::var_os("AICIB_BIN").filter(|named| !named.is_empty()) {
        return named.into();
    }
    let name = format!("aicib{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().unwrap_or_default();
    own.parent().unwrap_or(Path::new("")).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere(dir: &Path) -> Link {
        Link::new(Home::at(dir.join("home")).unwrap(), dir.join("no-such-aicib"))
    }

    #[tokio::test]
    async fn a_daemon_that_cannot_start_is_said_so_and_calls_do_not_hang() {
        let dir = tempfile::tempdir().unwrap();
        let link = nowhere(dir.path());
        let mut state = link.state();
        assert!(link.connect(0).await.is_err());
        assert_eq!(state.borrow_and_update().name(), "lost");
        let error = link.call_raw("daemon.status", Value::Null).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::DAEMON_UNREACHABLE);
        assert!(!error.fix.is_empty());
    }

    #[tokio::test]
    async fn asking_for_another_try_does_not_wait_for_the_backoff() {
        let dir = tempfile::tempdir().unwrap();
        let link = nowhere(dir.path());
        link.retry();
        let began = std::time::Instant::now();
        assert!(link.connect(30).await.is_err());
        assert!(began.elapsed() < BACKOFF.1, "{:?}", began.elapsed());
    }
}
