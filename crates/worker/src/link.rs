//! The worker's line to the daemon. It may break at any time and comes back by itself: what must not be lost is in
//! the spool.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use contract::methods::{RunAnswered, RunCancelled, RunDelta, RunHeld, RunRulesChanged, RunSpoolGrew, RunToldMore};
use contract::{Credential, Delta, Error, ErrorCode, Method, Note, RunCancel, RunGrew, RunHold, RunId, RunRules};
use engine::Rules;
use process::Mark;
use rpc::{Client, Home, Incoming};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::words::Words;

/// How long to wait before trying again to reach the daemon: doubles from the first to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How often the daemon hears of a worker that has nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often processes under the worker are counted, while there are any.
const CENSUS_EVERY: Duration = Duration::from_secs(2);
/// How long deltas are gathered before they are sent.
const DELTA_PAUSE: Duration = Duration::from_millis(40);
/// Pieces of text that wait to be sent, at most; more are dropped.
const DELTA_QUEUE: usize = 256;

/// The line to the daemon.
pub struct Link {
    client: watch::Receiver<Option<Client>>,
    grew: Arc<Notify>,
    deltas: mpsc::Sender<Delta>,
    held: watch::Receiver<bool>,
    /// There may be processes under the worker from now on.
    begun: Arc<Notify>,
    words: Arc<Words>,
}

/// What the daemon decides of a run.
#[derive(Clone, Default)]
pub struct Orders {
    /// Cancelled when the run is to stop.
    pub stop: CancellationToken,
    /// Why.
    pub reason: StopReason,
    /// The founder's rules as they are now.
    pub rules: Rules,
}

/// Why the run is to stop: the first reason there was.
pub type StopReason = Arc<std::sync::OnceLock<Why>>;

/// Why a run is to stop.
#[derive(Debug)]
pub enum Why {
    /// The daemon says so, in these words.
    Told(String),
    /// Nobody stopped the run, and it cannot go on.
    CannotGoOn(Error),
}

impl Link {
    /// Starts connecting, in the background. What the daemon decides from then on is in `orders`. `held`: whether the run
    /// begins on hold; the daemon says anew each time it is there again.
    pub fn start(home: Home, run_id: RunId, token: String, mark: Mark, held: bool, orders: Orders) -> Link {
        let (set_client, client) = watch::channel(None);
        let (set_held, held) = watch::channel(held);
        let grew = Arc::new(Notify::new());
        let (deltas, delta_queue) = mpsc::channel(DELTA_QUEUE);
        let (begun, children) = (Arc::new(Notify::new()), Arc::new(AtomicI64::new(0)));
        let credential = Credential::Run { run_id, token };
        let words = Arc::new(Words::default());
        let line = Line { set_client, set_held, words: words.clone(), orders };
        tokio::spawn(keep_connected(home, credential, line));
        tokio::spawn(count_children(mark, begun.clone(), children.clone(), grew.clone()));
        tokio::spawn(send_hints(run_id, client.clone(), grew.clone(), children));
        tokio::spawn(send_deltas(client.clone(), delta_queue));
        Link { client, grew, deltas, held, begun, words }
    }

    /// Tells the daemon that the spool has grown.
    pub fn grew(&self) {
        self.grew.notify_one();
    }

    /// From now on there may be processes under the worker, which the daemon hears of.
    pub fn counts_children(&self) {
        self.begun.notify_one();
    }

    /// Sends a piece of an unfinished message; drops it where the daemon is away or slow.
    pub fn delta(&self, delta: Delta) {
        if self.client.borrow().is_some() {
            // A full queue loses text that the finished message will hold.
            let _ = self.deltas.try_send(delta);
        }
    }

    /// Calls the daemon; `None` where it is away or leaves in mid-call.
    pub async fn call<M: Method>(&self, params: M::Params) -> Option<Result<M::Result, contract::Error>> {
        let client = self.client.borrow().clone()?;
        tokio::select! {
            answer = client.call::<M>(params) => match answer {
                Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE => None,
                answer => Some(answer),
            },
            () = client.closed() => None,
        }
    }

    /// What the founder has said to the run.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// Whether the daemon is there.
    pub fn is_up(&self) -> bool {
        self.client.borrow().is_some()
    }

    /// Whether the run is on hold.
    pub fn is_held(&self) -> bool {
        *self.held.borrow()
    }

    /// Whether the run is on hold, and each word about it from now on, also one that says the same again.
    pub fn held(&self) -> watch::Receiver<bool> {
        let mut held = self.held.clone();
        held.mark_unchanged();
        held
    }

    /// Waits until the daemon is there.
    pub async fn up(&self) {
        // The sender lives as long as the runtime; an error means that everything ends.
        if self.client.clone().wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What the daemon can change.
struct Line {
    set_client: watch::Sender<Option<Client>>,
    set_held: watch::Sender<bool>,
    words: Arc<Words>,
    orders: Orders,
}

impl Line {
    fn hear(&self, note: Incoming) {
        if note.method == RunCancelled::NAME {
            let why = serde_json::from_value::<RunCancel>(note.params).map(|cancel| cancel.reason);
            let _ = self.orders.reason.set(Why::Told(why.unwrap_or_default()));
            self.orders.stop.cancel();
        } else if note.method == RunHeld::NAME {
            match serde_json::from_value::<RunHold>(note.params) {
                Ok(hold) => _ = self.set_held.send_replace(hold.held),
                Err(error) => tracing::warn!(%error, "a word about the hold does not read"),
            }
        } else if note.method == RunAnswered::NAME {
            match serde_json::from_value(note.params) {
                Ok(answer) => self.words.answered(answer),
                Err(error) => tracing::warn!(%error, "an answer does not read"),
            }
        } else if note.method == RunToldMore::NAME {
            match serde_json::from_value(note.params) {
                Ok(more) => self.words.told_more(more),
                Err(error) => tracing::warn!(%error, "a follow-up does not read"),
            }
        } else if note.method == RunRulesChanged::NAME {
            match serde_json::from_value::<RunRules>(note.params) {
                Ok(told) => self.orders.rules.set(told.rules),
                Err(error) => tracing::error!(%error, "the founder's rules do not read"),
            }
        }
    }
}

async fn keep_connected(home: Home, credential: Credential, line: Line) {
    let name = concat!("worker ", env!("CARGO_PKG_VERSION"));
    let mut pause = RETRY.0;
    loop {
        match Client::connect(&home, credential.clone(), name).await {
            Ok((client, mut notes)) => {
                pause = RETRY.0;
                line.set_client.send_replace(Some(client.clone()));
                loop {
                    tokio::select! {
                        note = notes.recv() => match note {
                            Some(note) => line.hear(note),
                            None => break,
                        },
                        () = client.closed() => break,
                    }
                }
                line.set_client.send_replace(None);
            }
            // E016: nobody will ever give this run leave to go on.
            Err(error) if error.code == ErrorCode::UNAUTHORIZED => {
                tracing::error!(%error, "the daemon does not know this run");
                let what = "The daemon does not know this run any more, so it ended.";
                let fix = "Send the brief again; what was written to files is still there.";
                let _ = line.orders.reason.set(Why::CannotGoOn(Error::new(ErrorCode::RUN_INTERRUPTED, what, fix)));
                line.orders.stop.cancel();
                return;
            }
            Err(error) => tracing::debug!(%error, "the daemon cannot be reached"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
}

/// Looks through the system's list, as long as there is something to find. That is not for nothing: it is not done
/// before a hint is sent, but beside it.
async fn count_children(mark: Mark, begun: Arc<Notify>, children: Arc<AtomicI64>, grew: Arc<Notify>) {
    loop {
        begun.notified().await;
        loop {
            tokio::time::sleep(CENSUS_EVERY).await;
            let mark = mark.clone();
            let look = move || process::census(process::Identity::own().ok().as_ref(), &mark).len();
            // An error means that everything ends.
            let Ok(found) = tokio::task::spawn_blocking(look).await else { return };
            let found = i64::try_from(found).unwrap_or(i64::MAX);
            if children.swap(found, Ordering::Relaxed) != found {
                grew.notify_one();
            }
            if found == 0 {
                break;
            }
        }
    }
}

async fn send_hints(
    run_id: RunId,
    mut client: watch::Receiver<Option<Client>>,
    grew: Arc<Notify>,
    children: Arc<AtomicI64>,
) {
    let pid = std::process::id();
    loop {
        tokio::select! {
            () = grew.notified() => {}
            () = tokio::time::sleep(HEARTBEAT) => {}
            changed = client.changed() => if changed.is_err() { return },
        }
        let Some(client) = client.borrow_and_update().clone() else { continue };
        let hint = RunGrew { run_id, pid, children: children.load(Ordering::Relaxed) };
        if let Err(error) = client.note::<RunSpoolGrew>(hint).await {
            tracing::debug!(%error, "a hint was lost");
        }
    }
}

async fn send_deltas(client: watch::Receiver<Option<Client>>, mut queue: mpsc::Receiver<Delta>) {
    while let Some(mut delta) = queue.recv().await {
        tokio::time::sleep(DELTA_PAUSE).await;
        let mut ready = Vec::new();
        while let Ok(next) = queue.try_recv() {
            if next.agent == delta.agent && next.parent == delta.parent {
                delta.text.push_str(&next.text);
            } else {
                ready.push(std::mem::replace(&mut delta, next));
            }
        }
        ready.push(delta);
        let Some(client) = client.borrow().clone() else { continue };
        for delta in ready {
            if let Err(error) = client.note::<RunDelta>(delta).await {
                tracing::debug!(%error, "a delta was lost");
            }
        }
    }
}
