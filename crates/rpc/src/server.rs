//! The server: accepts connections, reads their requests, runs them, and writes what they are owed.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contract::limits::MAX_LINE_BYTES;
use contract::{Error, ErrorCode, Note};
use futures_util::FutureExt;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Listener;
use crate::line::{LineError, Lines};
use crate::message::{self, Refusal, Request, Sent};
use crate::outbox::{Full, Outbox};
use crate::transport::{AcceptError, Socket};

/// Connections at once, at most.
const MAX_CONNECTIONS: usize = 256;
/// Requests of one connection under way at once, at most.
const MAX_IN_FLIGHT: usize = 64;
/// How long a connection may stay silent, or dribble half a line, before it says who it is.
const STRANGER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a write may take before its reader counts as stuck.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// How long answers are waited for after a client has closed its half of the connection.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);
/// How long calls under way, and then answers on their way out, may take once the server is told to stop.
const STOP_PATIENCE: Duration = Duration::from_millis(500);

/// What answers. Whoever calls has this user's id; the rest of the rights are the service's to check.
pub trait Service: Send + Sync + 'static {
    /// What the service keeps of a connection.
    type State: Send + Sync + 'static;

    /// A connection was made.
    fn connected(&self) -> Self::State;

    /// Answers a request. Requests of one connection run side by side, but `initialize` ends before the next line is
    /// read, so that a client may send its first request right behind it.
    fn call(
        self: &Arc<Self>,
        conn: Arc<Conn<Self::State>>,
        method: String,
        params: Value,
    ) -> impl Future<Output = Result<Value, Error>> + Send;

    /// Takes a note. Notes of one connection come one after another, in order; nothing else of that connection is
    /// read meanwhile.
    fn note(
        self: &Arc<Self>,
        conn: Arc<Conn<Self::State>>,
        method: String,
        params: Value,
    ) -> impl Future<Output = ()> + Send;

    /// A connection is gone. Its calls under way go on to their end.
    fn disconnected(&self, conn: &Arc<Conn<Self::State>>);
}

/// A connection, as the service sees it.
pub struct Conn<S> {
    /// Its number, from 1, never used again.
    pub id: u64,
    /// The client's process, where the system says.
    pub pid: Option<u32>,
    /// What the service keeps of it.
    pub state: S,
    outbox: Outbox,
    /// No more is read, and what waits is written.
    closing: CancellationToken,
    /// Whether `initialize` went well.
    known: AtomicBool,
}

impl<S> Conn<S> {
    /// Sends a note if there is room for it.
    ///
    /// # Errors
    /// [`Full`] when the client reads too slowly, is gone, or the note is longer than a line may be.
    pub fn try_note<N: Note>(&self, params: &N::Params) -> Result<(), Full> {
        let line = message::request_line(None, N::NAME, params).map_err(|_| Full)?;
        if line.len() > MAX_LINE_BYTES {
            return Err(Full);
        }
        self.outbox.try_push(line)
    }

    /// Whether the connection is closed or about to be.
    pub fn is_closed(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// Closes the connection once what waits is written.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Resolves when the connection is closed or about to be.
    pub async fn closed(&self) {
        self.closing.cancelled().await;
    }
}

/// Serves until `stop`, then lets calls under way answer (for half a second) and closes every connection.
pub async fn serve<S: Service>(listener: Listener, service: Arc<S>, stop: CancellationToken) {
    serve_with(listener, service, stop, STRANGER_PATIENCE).await;
}

async fn serve_with<S: Service>(
    listener: Listener,
    service: Arc<S>,
    stop: CancellationToken,
    stranger_patience: Duration,
) {
    let server = Server {
        service,
        stranger_patience,
        stop: stop.clone(),
        abort: CancellationToken::new(),
        tasks: TaskTracker::new(),
        calls: TaskTracker::new(),
    };
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut id = 0;
    loop {
        let (socket, pid) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error @ AcceptError::Stranger(_)) => {
                    tracing::warn!("refused a connection: {error}");
                    continue;
                }
                Err(error @ AcceptError::Io(_)) => {
                    tracing::warn!("{error}");
                    // Out of file handles, most likely: what is open must end first.
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        match Arc::clone(&slots).try_acquire_owned() {
            Ok(slot) => {
                id += 1;
                let server = server.clone();
                server.tasks.clone().spawn(async move { server.attend(id, socket, pid, slot).await });
            }
            Err(_) => refuse(&socket).await,
        }
    }
    drop(listener);
    server.calls.close();
    if timeout(STOP_PATIENCE, server.calls.wait()).await.is_err() {
        tracing::warn!("{} calls did not end in time", server.calls.len());
    }
    server.abort.cancel();
    server.tasks.close();
    server.tasks.wait().await;
}

/// Tells one connection too many that it is.
async fn refuse(socket: &Socket) {
    let error = overloaded(format!("{MAX_CONNECTIONS} clients are connected, and that is all there can be."));
    let line = message::to_line(&message::answer(&Value::Null, &Err(error)));
    // A fresh socket's buffer holds this; a client that is gone already misses nothing.
    if !matches!(timeout(Duration::from_millis(100), (&**socket).write_all(&line)).await, Ok(Ok(()))) {
        tracing::debug!("a refused client did not hear why");
    }
}

fn overloaded(message: String) -> Error {
    Error::new(ErrorCode::OVERLOADED, message, "Try again in a moment.")
}

struct Server<S> {
    service: Arc<S>,
    stranger_patience: Duration,
    /// No more is read.
    stop: CancellationToken,
    /// Calls end where they stand, and connections with them.
    abort: CancellationToken,
    tasks: TaskTracker,
    calls: TaskTracker,
}

impl<S> Clone for Server<S> {
    fn clone(&self) -> Self {
        Server {
            service: Arc::clone(&self.service),
            stranger_patience: self.stranger_patience,
            stop: self.stop.clone(),
            abort: self.abort.clone(),
            tasks: self.tasks.clone(),
            calls: self.calls.clone(),
        }
    }
}

type ConnOf<S> = Arc<Conn<<S as Service>::State>>;

impl<S: Service> Server<S> {
    /// A connection, from its beginning to its end.
    async fn attend(&self, id: u64, socket: Socket, pid: Option<u32>, slot: OwnedSemaphorePermit) {
        let conn = Arc::new(Conn {
            id,
            pid,
            state: self.service.connected(),
            outbox: Outbox::default(),
            closing: CancellationToken::new(),
            known: AtomicBool::new(false),
        });
        let writer = write_all(&socket, &conn);
        let reader = async {
            let in_flight = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
            self.read_all(&socket, &conn, &in_flight).await;
            if !conn.closing.is_cancelled() && !self.stop.is_cancelled() {
                // A client that has said all it had to say may still listen for the answers.
                let all = u32::try_from(MAX_IN_FLIGHT).unwrap_or(u32::MAX);
                tokio::select! {
                    _answered = timeout(ANSWER_PATIENCE, in_flight.acquire_many(all)) => {}
                    () = conn.closing.cancelled() => {}
                    () = self.stop.cancelled() => {}
                }
            }
            if self.stop.is_cancelled() {
                // The very call that stopped the server is owed its answer.
                self.abort.cancelled().await;
            }
            conn.closing.cancel();
            conn.outbox.close();
        };
        tokio::join!(reader, writer);
        self.service.disconnected(&conn);
        drop(slot);
    }

    async fn read_all(&self, socket: &Socket, conn: &ConnOf<S>, in_flight: &Arc<Semaphore>) {
        let mut lines = Lines::new(&**socket);
        loop {
            let deadline = Instant::now() + self.stranger_patience;
            let next = async {
                if conn.known.load(Ordering::Relaxed) {
                    return Some(lines.next().await);
                }
                timeout_at(deadline, lines.next()).await.ok()
            };
            let line = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = conn.closing.cancelled() => return,
                line = next => line,
            };
            match line {
                Some(Ok(Some([]))) => {}
                Some(Ok(Some(line))) => {
                    let sent = message::read(line);
                    if self.take(conn, in_flight, sent).await.is_err() {
                        return;
                    }
                }
                Some(Ok(None)) => return,
                Some(Err(LineError::TooLong)) => {
                    let message = format!("A line is longer than {MAX_LINE_BYTES} bytes; the connection ends here.");
                    let refusal = Refusal { id: Value::Null, code: message::INVALID_REQUEST, message };
                    if conn.outbox.push(refusal.line()).await.is_ok() {
                        drain(socket).await;
                    }
                    return;
                }
                Some(Err(LineError::Io(error))) => {
                    tracing::debug!("connection {} broke: {error}", conn.id);
                    return;
                }
                None => {
                    tracing::debug!("connection {} never said who it is", conn.id);
                    return;
                }
            }
        }
    }

    async fn take(&self, conn: &ConnOf<S>, in_flight: &Arc<Semaphore>, sent: Sent) -> Result<(), Full> {
        match sent {
            Sent::Nothing(refusal) | Sent::One(Err(refusal)) => conn.outbox.push(refusal.line()).await,
            Sent::One(Ok(Request { id: None, method, params })) => {
                self.note(conn, method, params).await;
                Ok(())
            }
            Sent::One(Ok(Request { id: Some(id), method, params })) => {
                if method == "initialize" {
                    let outcome = self.call(conn, method, params).await;
                    return push(conn, &id, outcome).await;
                }
                let Ok(permit) = Arc::clone(in_flight).try_acquire_owned() else {
                    return push(conn, &id, Err(too_many())).await;
                };
                let (server, conn) = (self.clone(), Arc::clone(conn));
                self.calls.spawn(async move {
                    let outcome = server.call(&conn, method, params).await;
                    // Whether the client is still there to read it makes no difference now.
                    let _gone = push(&conn, &id, outcome).await;
                    drop(permit);
                });
                Ok(())
            }
            Sent::Batch(all) => self.batch(conn, in_flight, all).await,
        }
    }

    /// A batch: its requests one after another, answered with one array.
    async fn batch(
        &self,
        conn: &ConnOf<S>,
        in_flight: &Arc<Semaphore>,
        all: Vec<Result<Request, Refusal>>,
    ) -> Result<(), Full> {
        let Ok(permit) = Arc::clone(in_flight).try_acquire_owned() else {
            return push(conn, &Value::Null, Err(too_many())).await;
        };
        if all.len() > MAX_IN_FLIGHT {
            let message = format!("A batch holds at most {MAX_IN_FLIGHT} requests, and this one holds {}.", all.len());
            let refusal = Refusal { id: Value::Null, code: message::INVALID_REQUEST, message };
            return conn.outbox.push(refusal.line()).await;
        }
        let (server, conn) = (self.clone(), Arc::clone(conn));
        self.calls.spawn(async move {
            let mut answers = Vec::new();
            for one in all {
                match one {
                    Err(refusal) => answers.push(refusal.value()),
                    Ok(Request { id: None, method, params }) => server.note(&conn, method, params).await,
                    Ok(Request { id: Some(id), method, params }) => {
                        let outcome = server.call(&conn, method, params).await;
                        answers.push(message::answer(&id, &outcome));
                    }
                }
            }
            if !answers.is_empty() {
                let mut line = message::to_line(&Value::Array(answers));
                if line.len() > MAX_LINE_BYTES {
                    line = message::to_line(&message::answer(&Value::Null, &Err(answer_too_large())));
                }
                // Whether the client is still there to read it makes no difference now.
                let _gone = conn.outbox.push(line).await;
            }
            drop(permit);
        });
        Ok(())
    }

    async fn call(&self, conn: &ConnOf<S>, method: String, params: Value) -> Result<Value, Error> {
        let introduces = method == "initialize";
        let called = AssertUnwindSafe(self.service.call(Arc::clone(conn), method, params)).catch_unwind();
        let outcome = tokio::select! {
            outcome = called => outcome,
            () = self.abort.cancelled() => return Err(stopping()),
        };
        let outcome = outcome.unwrap_or_else(|_| Err(Error::internal("The daemon tripped over this request.")));
        if introduces && outcome.is_ok() {
            conn.known.store(true, Ordering::Relaxed);
        }
        outcome
    }

    async fn note(&self, conn: &ConnOf<S>, method: String, params: Value) {
        let taken = AssertUnwindSafe(self.service.note(Arc::clone(conn), method, params)).catch_unwind();
        let outcome = tokio::select! {
            outcome = taken => outcome,
            () = self.abort.cancelled() => return,
        };
        if outcome.is_err() {
            tracing::error!("a note of connection {} made the service panic", conn.id);
        }
    }
}

async fn push<S>(conn: &Conn<S>, id: &Value, outcome: Result<Value, Error>) -> Result<(), Full> {
    let mut line = message::to_line(&message::answer(id, &outcome));
    if line.len() > MAX_LINE_BYTES {
        line = message::to_line(&message::answer(id, &Err(answer_too_large())));
    }
    conn.outbox.push(line).await
}

fn too_many() -> Error {
    overloaded(format!("{MAX_IN_FLIGHT} requests of this connection are under way, and that is all there can be."))
}

fn answer_too_large() -> Error {
    Error::new(ErrorCode::TOO_LARGE, "The answer is longer than a line may be.", "Ask for a smaller page.")
}

fn stopping() -> Error {
    Error::new(ErrorCode::STOPPING, "The daemon is stopping.", "Try again in a moment.")
}

/// Writes what waits until the outbox is closed and empty, or the reader is stuck or gone.
async fn write_all<S>(socket: &Socket, conn: &Conn<S>) {
    let mut socket = &**socket;
    let enough = async {
        conn.closing.cancelled().await;
        sleep(STOP_PATIENCE).await;
    };
    tokio::pin!(enough);
    while let Some(batch) = conn.outbox.take().await {
        let written = tokio::select! {
            written = timeout(WRITE_PATIENCE, socket.write_all(&batch)) => written,
            () = &mut enough => break,
        };
        match written {
            Ok(Ok(())) => conn.outbox.written(batch.len()),
            Ok(Err(error)) => {
                tracing::debug!("connection {} cannot be written to: {error}", conn.id);
                break;
            }
            Err(_) => {
                tracing::warn!("connection {} does not read: closed", conn.id);
                break;
            }
        }
    }
    conn.closing.cancel();
    conn.outbox.close();
}

/// Reads on for a moment what the client still sends, so that it hears the last words: a socket that is closed with
/// unread bytes in it loses what was written to it.
async fn drain(socket: &Socket) {
    let mut socket = &**socket;
    let mut sink = vec![0u8; 64 * 1024];
    let end = Instant::now() + STOP_PATIENCE;
    let mut left = 4 * MAX_LINE_BYTES;
    while left > 0 {
        match timeout_at(end, tokio::io::AsyncReadExt::read(&mut socket, &mut sink)).await {
            Ok(Ok(read)) if read > 0 => left = left.saturating_sub(read),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::{Home, transport};

    struct Yes;

    impl Service for Yes {
        type State = ();
        fn connected(&self) {}
        async fn call(self: &Arc<Self>, _conn: Arc<Conn<()>>, _method: String, _params: Value) -> Result<Value, Error> {
            Ok(json!("yes"))
        }
        async fn note(self: &Arc<Self>, _conn: Arc<Conn<()>>, _method: String, _params: Value) {}
        fn disconnected(&self, _conn: &Arc<Conn<()>>) {}
    }

    #[tokio::test]
    async fn a_stranger_that_dribbles_is_shown_the_door_and_a_known_client_is_not() {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::at(temp.path()).unwrap();
        let stop = CancellationToken::new();
        let listener = Listener::bind(&home).unwrap();
        let served = tokio::spawn(serve_with(listener, Arc::new(Yes), stop.clone(), Duration::from_millis(100)));

        let known = transport::connect(&home).await.unwrap();
        let hello = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}\n";
        (&*known).write_all(hello).await.unwrap();
        let mut lines = Lines::new(&*known);
        assert!(lines.next().await.unwrap().is_some());

        let stranger = transport::connect(&home).await.unwrap();
        let dribble = async {
            while (&*stranger).write_all(b"{").await.is_ok() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(10), dribble).await.unwrap();
        let mut rest = Vec::new();
        // A reset says "closed" as well as an end does.
        let _closed = (&*stranger).read_to_end(&mut rest).await;
        assert!(rest.is_empty());

        (&*known).write_all(hello).await.unwrap();
        assert!(lines.next().await.unwrap().is_some());
        stop.cancel();
        served.await.unwrap();
    }
}
