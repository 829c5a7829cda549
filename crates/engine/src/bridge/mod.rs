//! The bridge: one HTTP server a run on this machine's own address, by which programs that we start reach what is ours.
//!
//! - `/anthropic/…` and `/openai/…` pass calls on to the provider with the key that the program never sees. Each is
//!   leased before it is sent and metered as it comes back.
//! - `/mcp` offers our tools (`delegate`, `ask_founder`) by the Model Context Protocol.
//!
//! Each conversation has a [`Seat`] with a token of its own, which a program gives as it would give a key. It goes over
//! the environment or stdin, never in an argument or an address, which any process of the machine can read. Whatever a
//! seat's program asks for comes out of the seat as [`BridgeCall`]s, to whoever plays that conversation.

mod mcp;
mod meter;
mod proxy;
mod refused;
mod reply;
mod scrub;
mod server;
#[cfg(test)]
mod tests;
mod upstream;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::{CostBasis, EngineSpec, Error, LeaseId, Money, Time};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::model::{ToolSpec, Usage};
use crate::patience::Patience;
use crate::prices::Prices;
use crate::programs::Door;
pub(crate) use upstream::Dialect;
use upstream::Upstream;

/// The name under which programs know our tools: `mcp__aicib__delegate` at Claude Code.
pub(crate) const MCP_SERVER: &str = "aicib";
/// Calls of a seat that wait to be looked at, at most.
const MAX_WAITING: usize = 64;
/// How long calls in flight have to settle when the bridge is closed.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// What a program asks for through its seat.
#[derive(Debug)]
pub(crate) enum BridgeCall {
    /// It calls one of our tools. Whoever dropped `reply` refused; `reply.closed()` is when nobody waits any more.
    Tool { name: String, input: Value, reply: oneshot::Sender<ToolReply> },
    /// It is about to call a model: may it, and on which lease? An error is what the program is told, and the call is
    /// not made.
    Lease { model: String, worst: Money, tokens: i64, reply: oneshot::Sender<Result<Option<LeaseId>, Error>> },
    /// A call has ended, whole or not, and this is what it used.
    Used(Metered),
    /// A call used nothing: its lease goes back.
    Unused(LeaseId),
    /// The provider did not take a call, or broke off. The program is told so too, and may try again by itself.
    Refused { error: Box<Error>, after: Option<Duration> },
}

/// What a call used, as the provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metered {
    /// The model that answered.
    pub model: String,
    /// Its tokens.
    pub usage: Usage,
    /// The price of that.
    pub cost: Money,
    /// Where the price comes from.
    pub basis: CostBasis,
    /// When the call began.
    pub started_at: Time,
    /// The lease that this settles.
    pub lease: Option<LeaseId>,
}

/// What came of a tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolReply {
    /// Whether it did what it should.
    pub ok: bool,
    /// What the model is told.
    pub text: String,
}

/// The server. Dropping it closes its port and every connection.
pub(crate) struct Bridge {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all connections know.
struct Shared {
    seats: Mutex<HashMap<String, Arc<Taken>>>,
    patience: Patience,
    /// Cancelled when the bridge closes.
    closing: CancellationToken,
    /// Calls to the provider that are under way, so that closing can wait for what they used.
    under_way: tokio_util::task::TaskTracker,
}

/// What is known of a seat by its token.
struct Taken {
    /// Where its model calls go; none where its program pays by itself.
    upstream: Option<Upstream>,
    prices: Prices,
    tools: Vec<ToolSpec>,
    calls: mpsc::Sender<BridgeCall>,
    /// Cancelled when the seat is given up.
    left: CancellationToken,
}

/// A conversation's place at the bridge. Given up when dropped: its token is worth nothing then, and its calls end.
#[derive(Debug)]
pub(crate) struct Seat {
    /// What the program is told of it. Where the door pays, model calls are metered here, and what the program reports
    /// of its usage does not count.
    pub door: Door,
    shared: Arc<Shared>,
    left: CancellationToken,
}

impl Bridge {
    /// Opens the server on a port of the system's choosing.
    ///
    /// # Errors
    /// `internal` when there is no port to be had.
    pub async fn start(patience: &Patience) -> Result<Bridge, Error> {
        let failed = |error| Error::internal(format!("No port of this machine could be opened: {error}."));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared {
            seats: Mutex::default(),
            patience: patience.clone(),
            closing: CancellationToken::new(),
            under_way: tokio_util::task::TaskTracker::new(),
        });
        tokio::spawn(server::accept(listener, address, shared.clone()));
        Ok(Bridge { address, shared })
    }

    /// A place for a conversation: `tools` are what its program may call. `spec` says whose key pays, and where the
    /// provider is; with no key in it, model calls are refused, since the program pays by its own login. What the
    /// program asks for comes out of the receiver; whoever drops that refuses all of it.
    ///
    /// # Errors
    /// `config.invalid` for an address that keys must not be sent to, `provider.auth` for a key that is none.
    pub fn seat(
        &self,
        spec: &EngineSpec,
        prices: &Prices,
        tools: Vec<ToolSpec>,
    ) -> Result<(Seat, mpsc::Receiver<BridgeCall>), Error> {
        let key = spec.api_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
        let upstream = match (key, Dialect::of(spec)) {
            (Some(key), Some(dialect)) => {
                Some(Upstream::open(dialect, key, spec.base_url.as_deref(), &self.shared.patience)?)
            }
            _ => None,
        };
        let token = token()?;
        let (calls, receiver) = mpsc::channel(MAX_WAITING);
        let left = self.shared.closing.child_token();
        let door = Door {
            base: format!("http://{}", self.address),
            port: self.address.port(),
            token: token.clone(),
            pays: upstream.is_some(),
        };
        let taken = Taken { upstream, prices: prices.clone(), tools, calls, left: left.clone() };
        self.shared.seats().insert(token, Arc::new(taken));
        let seat = Seat { door, shared: self.shared.clone(), left };
        Ok((seat, receiver))
    }

    /// Closes the server, once what calls in flight used has been told, within a bound. Receivers of seats must still
    /// be read meanwhile.
    pub async fn close(self) {
        self.shared.closing.cancel();
        self.shared.under_way.close();
        if tokio::time::timeout(CLOSE_TIME, self.shared.under_way.wait()).await.is_err() {
            tracing::warn!("a call to the provider did not settle in time");
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.shared.closing.cancel();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.left.cancel();
        self.shared.seats().remove(&self.door.token);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn seats(&self) -> MutexGuard<'_, HashMap<String, Arc<Taken>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 256 bits that nobody can guess.
fn token() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("The system has no randomness: {error}.")))?;
    let mut text = String::with_capacity(3 + 64);
    text.push_str("at-");
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
