//! The provider: a loopback HTTP server that speaks the Messages API from a script.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::script::{Fate, Reply, Script, Turn};
use crate::sse::{self, Piece};
use crate::{Request, Usage, cost_nanos};

/// Bytes of a request, at most: the provider's own limit.
const MAX_REQUEST: usize = 32 * 1024 * 1024;

/// Told of each request before it is answered.
pub type OnRequest = Box<dyn Fn(&Request) + Send + Sync>;

type Body = BoxBody<Bytes, io::Error>;

/// A provider on 127.0.0.1. Dropping it closes its port and every connection.
pub struct Provider {
    address: SocketAddr,
    state: Arc<State>,
    server: tokio::task::JoinHandle<()>,
}

struct State {
    script: Mutex<Script>,
    requests: Mutex<Vec<Request>>,
    messages: AtomicU64,
    spent: AtomicI64,
    on_request: Option<OnRequest>,
}

impl Provider {
    /// A provider on a port of the system's choosing.
    pub async fn start(script: Script) -> Provider {
        Provider::listen(0, script, None).await.expect("a loopback port can be opened")
    }

    /// A provider on a port, telling `on_request` of each request before it answers.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn listen(port: u16, script: Script, on_request: Option<OnRequest>) -> io::Result<Provider> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            script: Mutex::new(script),
            requests: Mutex::default(),
            messages: AtomicU64::new(0),
            spent: AtomicI64::new(0),
            on_request,
        });
        let server = tokio::spawn(accept(listener, state.clone()));
        Ok(Provider { address, state, server })
    }

    /// What a client takes as the provider's address (`http://127.0.0.1:40001`).
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests of agents at work so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state.requests).iter().filter(|request| !request.is_for_journal()).cloned().collect()
    }

    /// The requests so far for entries in a journal.
    pub fn journal_requests(&self) -> Vec<Request> {
        lock(&self.state.requests).iter().filter(|request| request.is_for_journal()).cloned().collect()
    }

    /// What everything sent so far costs, in nano-dollars: whole answers by their usage, those that broke off by
    /// the usage in their first event.
    pub fn spent_nanos(&self) -> i64 {
        self.state.spent.load(Ordering::SeqCst)
    }

    /// Answers from another script from now on.
    pub fn play(&self, script: Script) {
        *lock(&self.state.script) = script;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        let state = state.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let state = state.clone();
                async move { answer(request, &state).await }
            });
            // A client that leaves in mid-answer is part of the play.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: hyper::Request<Incoming>, state: &Arc<State>) -> Result<Response<Body>, io::Error> {
    let (parts, body) = request.into_parts();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let path = parts.uri.path_and_query().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let mut request = Request { method: parts.method.to_string(), path, headers: headers.collect(), body: Value::Null };
    let Ok(body) = Limited::new(body, MAX_REQUEST).collect().await else {
        return refusal(413, "request_too_large", "The request is too large.", &[]);
    };
    request.body = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    lock(&state.requests).push(request.clone());
    if let Some(tell) = &state.on_request {
        tell(&request);
    }
    if request.method != "POST" || request.path.split('?').next() != Some("/v1/messages") {
        let what = format!("There is no {} {} here.", request.method, request.path);
        return refusal(404, "not_found_error", &what, &[]);
    }
    if request.body.is_null() {
        return refusal(400, "invalid_request_error", "The body is not JSON.", &[]);
    }
    if let Some(why) = crate::accept::refused(&request.body) {
        return refusal(400, "invalid_request_error", &why, &[]);
    }
    let turn = lock(&state.script).next(&request);
    tokio::time::sleep(turn.before).await;
    play(turn, &request, state)
}

fn play(turn: Turn, request: &Request, state: &Arc<State>) -> Result<Response<Body>, io::Error> {
    let blocks = match &turn.reply {
        Reply::Blocks(blocks) => blocks,
        Reply::Status { status, kind, message, headers } => return refusal(*status, kind, message, headers),
        Reply::HangUp | Reply::Made(_) => return Err(io::Error::other("hung up, as the script says")),
    };
    let model = turn.model.clone().unwrap_or_else(|| request.model().to_owned());
    let id = state.messages.fetch_add(1, Ordering::SeqCst) + 1;
    let events = sse::events(id, &model, blocks, turn.usage, turn.stop_reason.as_deref());
    let answer = Answer { frames: frames(events, &turn.fate), between: turn.between, model, known: None };
    let body = StreamBody::new(stream::unfold((answer, state.clone()), |(mut answer, state)| async move {
        let frame = answer.next(&state).await?;
        Some((frame, (answer, state)))
    }));
    let response = Response::builder().header("content-type", "text/event-stream").header("cache-control", "no-cache");
    response.body(BodyExt::boxed(body)).map_err(io::Error::other)
}

fn refusal(status: u16, kind: &str, message: &str, headers: &[(String, String)]) -> Result<Response<Body>, io::Error> {
    let text = json!({ "type": "error", "error": { "type": kind, "message": message } }).to_string();
    let mut response = Response::builder()
        .status(StatusCode::from_u16(status).map_err(io::Error::other)?)
        .header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let never = |error: Infallible| match error {};
    response.body(Full::new(Bytes::from(text)).map_err(never).boxed()).map_err(io::Error::other)
}

/// What goes over the wire next.
enum Step {
    Send { bytes: Vec<u8>, known: Option<Usage> },
    Cut,
    Stall,
}

/// The events up to the stream's end, each in two parts, so that lines and characters are split between packets.
fn frames(events: Vec<Piece>, fate: &Fate) -> std::vec::IntoIter<Step> {
    let mut steps = Vec::new();
    let keep = match fate {
        Fate::Whole => usize::MAX,
        Fate::Cut(events) | Fate::Stall(events) | Fate::Fail(events, _, _) | Fate::Line(events, _) => *events,
    };
    let mut rest = events.into_iter();
    for Piece { mut bytes, known } in rest.by_ref().take(keep) {
        let end = bytes.split_off(bytes.len() * 2 / 3);
        steps.push(Step::Send { bytes, known: None });
        steps.push(Step::Send { bytes: end, known });
    }
    match fate {
        Fate::Whole => {}
        Fate::Cut(_) => {
            if let Some(Piece { mut bytes, .. }) = rest.next() {
                bytes.truncate(bytes.len() / 2);
                steps.push(Step::Send { bytes, known: None });
            }
            steps.push(Step::Cut);
        }
        Fate::Stall(_) => steps.push(Step::Stall),
        Fate::Line(_, bytes) => {
            let line = [b"data: ".as_slice(), &vec![b'x'; *bytes], b"\n\n"].concat();
            steps.extend(line.chunks(64 * 1024).map(|part| Step::Send { bytes: part.to_vec(), known: None }));
            steps.push(Step::Stall);
        }
        Fate::Fail(_, kind, message) => {
            steps.push(Step::Send { bytes: sse::failure(kind, message).bytes, known: None });
        }
    }
    steps.into_iter()
}

struct Answer {
    frames: std::vec::IntoIter<Step>,
    between: Duration,
    model: String,
    known: Option<Usage>,
}

impl Answer {
    async fn next(&mut self, state: &State) -> Option<io::Result<Frame<Bytes>>> {
        let step = self.frames.next()?;
        // Being pending once makes the server flush what came before.
        tokio::task::yield_now().await;
        match step {
            Step::Send { bytes, known } => {
                if let Some(known) = known {
                    let before = self.known.map_or(0, |usage| cost_nanos(&self.model, &usage));
                    state.spent.fetch_add(cost_nanos(&self.model, &known) - before, Ordering::SeqCst);
                    self.known = Some(known);
                    tokio::time::sleep(self.between).await;
                } else if !self.between.is_zero() {
                    tokio::time::sleep(self.between / 2).await;
                }
                Some(Ok(Frame::data(Bytes::from(bytes))))
            }
            Step::Cut => Some(Err(io::Error::other("cut, as the script says"))),
            Step::Stall => std::future::pending().await,
        }
    }
}
