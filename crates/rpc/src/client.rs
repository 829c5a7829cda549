//! The client: calls, notes, and what the server has to tell.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use contract::limits::MAX_LINE_BYTES;
use contract::methods::Initialize;
use contract::{Credential, Error, ErrorCode, InitializeParams, InitializeResult, Method, Note, PROTOCOL};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::Home;
use crate::line::Lines;
use crate::message::{self, FromServer};
use crate::transport::{self, Socket};

/// Lines that wait to be written, and notes that wait to be read, at most.
const QUEUE: usize = 256;

/// How long a write may take before the daemon counts as stuck.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long the daemon may take to say that it lets us in.
const INTRODUCE_PATIENCE: Duration = Duration::from_secs(10);
/// Lines written at once, at most.
const BATCH: usize = 32;

/// A connection to the daemon. Clones share it; it ends with the last of them.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What the daemon tells without being asked. Once 256 notes wait, nothing more is read from the connection (answers
/// neither) until some of them are taken. Dropping it throws notes away as they come.
pub struct NoteReceiver {
    notes: mpsc::Receiver<Incoming>,
}

/// A note.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// Its name (`event.added`).
    pub method: String,
    /// What it says.
    pub params: Value,
}

struct Shared {
    next_id: AtomicU64,
    outbox: mpsc::Sender<Vec<u8>>,
    calls: Arc<Mutex<Calls>>,
    /// What the daemon said of itself.
    server: OnceLock<InitializeResult>,
    /// The connection is gone.
    closed: CancellationToken,
    /// Nobody uses it any more.
    dropped: CancellationToken,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.dropped.cancel();
    }
}

/// Calls that wait for their answer.
#[derive(Default)]
struct Calls {
    waiting: HashMap<u64, oneshot::Sender<Result<Value, Error>>>,
    /// Why there will be no more answers.
    ended: Option<Error>,
}

/// Takes a call off the list when nobody waits for its answer any more.
struct Waiting<'a> {
    calls: &'a Mutex<Calls>,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.calls).waiting.remove(&self.id);
    }
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// Connects to the home's daemon and says who calls. Needs a tokio runtime.
    ///
    /// # Errors
    /// `daemon.unreachable` when none listens, `protocol.unsupported` when it speaks another protocol,
    /// `request.unauthorized` when it does not take the credential.
    pub async fn connect(home: &Home, credential: Credential, client: &str) -> Result<(Client, NoteReceiver), Error> {
        Client::connect_as(home, credential, client, PROTOCOL).await
    }

    /// Connects as a client of some version of the protocol.
    pub(crate) async fn connect_as(
        home: &Home,
        credential: Credential,
        name: &str,
        protocol: u32,
    ) -> Result<(Client, NoteReceiver), Error> {
        let (client, notes) = Client::dial(home).await?;
        client.introduce(credential, name, protocol).await?;
        Ok((client, notes))
    }

    /// Connects and calls a method in one breath: the call is on its way before the daemon has said that it lets us
    /// in. One that does not let us in does not run it either.
    pub(crate) async fn connect_and_call<M: Method>(
        home: &Home,
        credential: Credential,
        name: &str,
        params: M::Params,
    ) -> Result<(Client, NoteReceiver, Result<M::Result, Error>), Error> {
        let (client, notes) = Client::dial(home).await?;
        let call = async { Ok(client.call::<M>(params).await) };
        let ((), answer) = tokio::try_join!(biased; client.introduce(credential, name, PROTOCOL), call)?;
        Ok((client, notes, answer))
    }

    async fn dial(home: &Home) -> Result<(Client, NoteReceiver), Error> {
        Ok(Client::over(transport::connect(home).await.map_err(|error| unreachable(home, &error))?))
    }

    /// Says who calls.
    async fn introduce(&self, credential: Credential, name: &str, protocol: u32) -> Result<(), Error> {
        let session_bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok().filter(|bus| !bus.is_empty());
        let params = InitializeParams { protocol, client: name.to_owned(), credential: Some(credential), session_bus };
        let server = timeout(INTRODUCE_PATIENCE, self.call::<Initialize>(params)).await.map_err(|_| silent())??;
        if server.protocol != protocol {
            return Err(other_protocol(server.protocol, protocol));
        }
        // A connection introduces itself once.
        self.shared.server.get_or_init(|| server);
        Ok(())
    }

    fn over(socket: Socket) -> (Client, NoteReceiver) {
        let (outbox, lines) = mpsc::channel(QUEUE);
        let (tell, notes) = mpsc::channel(QUEUE);
        let calls = Arc::new(Mutex::new(Calls::default()));
        let (closed, dropped) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(write_all(Arc::clone(&socket), lines, closed.clone()));
        tokio::spawn(read_all(socket, Arc::clone(&calls), tell, closed.clone(), dropped.clone()));
        let server = OnceLock::new();
        let shared = Shared { next_id: AtomicU64::new(1), outbox, calls, server, closed, dropped };
        (Client { shared: Arc::new(shared) }, NoteReceiver { notes })
    }

    /// Calls a method of the table.
    ///
    /// # Errors
    /// What the method says; `daemon.unreachable` when the connection ends before the answer.
    pub async fn call<M: Method>(&self, params: M::Params) -> Result<M::Result, Error> {
        let result = self.ask(M::NAME, &params).await?;
        serde_json::from_value(result)
            .map_err(|error| Error::internal(format!("The daemon's answer to {} does not fit: {error}.", M::NAME)))
    }

    /// Calls a method by its name.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_raw(&self, method: &str, params: Value) -> Result<Value, Error> {
        self.ask(method, &params).await
    }

    /// Sends a note. Waits while 256 lines wait to be written.
    ///
    /// # Errors
    /// `daemon.unreachable` when the connection is gone.
    pub async fn note<N: Note>(&self, params: N::Params) -> Result<(), Error> {
        self.send(None, N::NAME, &params).await
    }

    /// What the daemon said of itself when it let us in: its version and its process.
    pub fn server(&self) -> Option<&InitializeResult> {
        self.shared.server.get()
    }

    /// Resolves when the connection is gone.
    pub async fn closed(&self) {
        self.shared.closed.cancelled().await;
    }

    async fn ask<P: serde::Serialize>(&self, method: &str, params: &P) -> Result<Value, Error> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (tell, answer) = oneshot::channel();
        {
            let mut calls = lock(&self.shared.calls);
            if let Some(error) = &calls.ended {
                return Err(error.clone());
            }
            calls.waiting.insert(id, tell);
        }
        let _waiting = Waiting { calls: &self.shared.calls, id };
        match self.send(Some(id), method, params).await {
            // Reading goes on to the end, and then says why there is no answer.
            Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE => {}
            sent => sent?,
        }
        match answer.await {
            Ok(outcome) => outcome,
            Err(_) => Err(went_away()),
        }
    }

    async fn send<P: serde::Serialize>(&self, id: Option<u64>, method: &str, params: &P) -> Result<(), Error> {
        let line = message::request_line(id, method, params).map_err(Error::internal)?;
        if line.len() > MAX_LINE_BYTES {
            return Err(Error::new(
                ErrorCode::TOO_LARGE,
                format!("A request to {method} is {} bytes long, and {MAX_LINE_BYTES} is the limit.", line.len()),
                "Put long texts into a file of the company folder.",
            ));
        }
        self.shared.outbox.send(line).await.map_err(|_| went_away())
    }
}

impl NoteReceiver {
    /// The next note; `None` once the connection is gone and all have been taken. Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<Incoming> {
        self.notes.recv().await
    }
}

/// Writes until nobody has anything more to say, or the connection is gone.
async fn write_all(socket: Socket, mut lines: mpsc::Receiver<Vec<u8>>, closed: CancellationToken) {
    let mut socket = &*socket;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            count = lines.recv_many(&mut batch, BATCH) => if count == 0 { return },
            () = closed.cancelled() => return,
        }
        let text = if let [line] = &mut batch[..] { std::mem::take(line) } else { batch.concat() };
        batch.clear();
        let written = tokio::select! {
            written = timeout(WRITE_PATIENCE, socket.write_all(&text)) => matches!(written, Ok(Ok(()))),
            () = closed.cancelled() => false,
        };
        if !written {
            // Reading goes on: the server's last words may say why, and then its end is seen there.
            return;
        }
    }
}

async fn read_all(
    socket: Socket,
    calls: Arc<Mutex<Calls>>,
    tell: mpsc::Sender<Incoming>,
    closed: CancellationToken,
    dropped: CancellationToken,
) {
    let mut lines = Lines::new(&*socket);
    let last = loop {
        let line = tokio::select! {
            line = lines.next() => line,
            () = dropped.cancelled() => break went_away(),
        };
        let message = match line {
            Ok(Some([])) => continue,
            Ok(Some(line)) => serde_json::from_slice::<FromServer>(line),
            Ok(None) => break went_away(),
            Err(error) => break broken(&error),
        };
        let message = match message {
            Ok(message) => message,
            Err(error) => break broken(&error),
        };
        if let Some(method) = message.method {
            if message.id.is_null() {
                let note = Incoming { method, params: message.params };
                tokio::select! {
                    // Nobody listens for notes: they are thrown away.
                    _ = tell.send(note) => {}
                    () = dropped.cancelled() => break went_away(),
                }
            }
            continue;
        }
        let outcome = message.error.map_or(Ok(message.result), |error| Err(Error::from(error)));
        let Some(id) = message.id.as_u64() else {
            // An answer to nobody is about the connection itself.
            match outcome {
                Err(error) => break error,
                Ok(_) => continue,
            }
        };
        if let Some(waiting) = lock(&calls).waiting.remove(&id) {
            // Who asked may have stopped waiting.
            let _unheard = waiting.send(outcome);
        }
    };
    let waiting = {
        let mut calls = lock(&calls);
        calls.ended = Some(last.clone());
        std::mem::take(&mut calls.waiting)
    };
    for call in waiting.into_values() {
        // Who asked may have stopped waiting.
        let _unheard = call.send(Err(last.clone()));
    }
    closed.cancel();
}

fn unreachable(home: &Home, error: &io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => "No daemon runs.".to_owned(),
        _ => format!("No daemon listens on {}: {error}.", home.socket().display()),
    };
    Error::new(ErrorCode::DAEMON_UNREACHABLE, what, "Start it with `aicib daemon start`.")
}

/// The error of a daemon that takes the connection and says nothing.
pub(crate) fn silent() -> Error {
    Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        "The daemon is there and does not answer.",
        "Stop it with `aicib daemon stop`, or end its process; work under way goes on.",
    )
}

fn went_away() -> Error {
    Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        "The daemon went away before it answered.",
        "Try again; work under way goes on meanwhile.",
    )
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        format!("The connection to the daemon broke: {error}."),
        "Try again; work under way goes on meanwhile.",
    )
}

/// The error of a client and a daemon that do not speak the same protocol, as the daemon says it. `data` holds the
/// daemon's protocol and version: from them a newer client knows how to ask an older daemon to hand over, and an older
/// one what to say.
pub fn other_protocol(daemon: u32, client: u32) -> Error {
    let fix = if daemon > client {
        "This program is older than the daemon: update it."
    } else {
        "The daemon is older than this program: restart it with `aicib daemon stop`."
    };
    Error::new(
        ErrorCode::PROTOCOL_UNSUPPORTED,
        format!("The daemon speaks protocol {daemon}, and this program speaks {client}."),
        fix,
    )
    .with(json!({"protocol": daemon, "version": env!("CARGO_PKG_VERSION")}))
}
