//! The provider: a loopback HTTP server that speaks Anthropic's Messages, OpenAI's Responses and OpenAI's Chat
//! Completions, all from one script.

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
use crate::{Dialect, Request, Usage, cost_nanos, openai};

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
        let of_the_work = |request: &&Request| !request.is_for_journal() && !request.is_aside();
        lock(&self.state.requests).iter().filter(of_the_work).cloned().collect()
    }

    /// The requests so far that agents' programs made beside the work: titles, counts of tokens, lists of models.
    pub fn requests_aside(&self) -> Vec<Request> {
        lock(&self.state.requests).iter().filter(|request| request.is_aside()).cloned().collect()
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
    let (method, headers) = (parts.method.to_string(), headers.collect());
    let Ok(body) = Limited::new(body, MAX_REQUEST).collect().await else {
        return refusal(None, 413, "request_too_large", "The request is too large.", &[]);
    };
    let body = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    let request = Request::new(method, path, headers, body);
    lock(&state.requests).push(request.clone());
    if let Some(tell) = &state.on_request {
        tell(&request);
    }
    let Some(dialect) = request.dialect() else { return beside(&request) };
    if request.body.is_null() {
        return refusal(Some(dialect), 400, "invalid_request_error", "The body is not JSON.", &[]);
    }
    if let Some(why) = crate::accept::refused(dialect, &request) {
        return refusal(Some(dialect), 400, "invalid_request_error", &why, &[]);
    }
    let turn = if request.is_aside() {
        // For nothing: tests of what briefs cost are not about this.
        Turn::text("A title").usage(0, 0, 0, 0)
    } else {
        lock(&state.script).next(&request)
    };
    tokio::time::sleep(turn.before).await;
    play(turn, dialect, &request, state)
}

/// The answer to a request that asks no model.
fn beside(request: &Request) -> Result<Response<Body>, io::Error> {
    let path = request.path.split('?').next().unwrap_or_default();
    let looks = matches!(request.method.as_str(), "GET" | "HEAD");
    let answer = match path {
        "/v1/messages/count_tokens" => json!({ "input_tokens": request.body.to_string().len() / 4 + 1 }),
        "/" if looks => json!({}),
        path if looks && path.starts_with("/v1/models") => {
            json!({ "object": "list", "data": [], "models": [], "has_more": false })
        }
        _ => {
            let what = format!("There is no {} {} here.", request.method, request.path);
            return refusal(None, 404, "not_found_error", &what, &[]);
        }
    };
    whole(&answer, 200, &[])
}

fn play(turn: Turn, dialect: Dialect, request: &Request, state: &Arc<State>) -> Result<Response<Body>, io::Error> {
    let blocks = match &turn.reply {
        Reply::Blocks(blocks) => blocks,
        Reply::Status { status, kind, message, headers } => {
            return refusal(Some(dialect), *status, kind, message, headers);
        }
        Reply::HangUp | Reply::Made(_) => return Err(io::Error::other("hung up, as the script says")),
    };
    let model = turn.model.clone().unwrap_or_else(|| request.model().to_owned());
    let id = state.messages.fetch_add(1, Ordering::SeqCst) + 1;
    let (usage, reason) = (turn.usage, turn.stop_reason.as_deref());
    // Our own engine always streams, and says so or not.
    if request.body["stream"] != true && !(dialect == Dialect::Messages && request.is_ours()) {
        if !matches!(turn.fate, Fate::Whole) {
            return Err(io::Error::other("cut, as the script says"));
        }
        state.spent.fetch_add(cost_nanos(&model, &usage), Ordering::SeqCst);
        let answer = match dialect {
            Dialect::Messages => sse::whole(id, &model, blocks, usage, reason),
            Dialect::Responses => openai::responses_whole(id, &model, blocks, usage),
            Dialect::Chat => openai::chat_whole(id, &model, blocks, usage, reason),
        };
        return whole(&answer, 200, &[]);
    }
    let events = match dialect {
        Dialect::Messages => sse::events(id, &model, blocks, usage, reason),
        Dialect::Responses => openai::responses_events(id, &model, blocks, usage),
        Dialect::Chat => openai::chat_events(id, &model, blocks, usage, reason),
    };
    let answer = Answer { frames: frames(events, dialect, &turn.fate), between: turn.between, model, known: None };
    let body = StreamBody::new(stream::unfold((answer, state.clone()), |(mut answer, state)| async move {
        let frame = answer.next(&state).await?;
        Some((frame, (answer, state)))
    }));
    let response = Response::builder().header("content-type", "text/event-stream").header("cache-control", "no-cache");
    response.body(BodyExt::boxed(body)).map_err(io::Error::other)
}

/// A refusal, in the shape of the dialect.
fn refusal(
    dialect: Option<Dialect>,
    status: u16,
    kind: &str,
    message: &str,
    headers: &[(String, String)],
) -> Result<Response<Body>, io::Error> {
    let answer = match dialect {
        Some(Dialect::Responses | Dialect::Chat) => {
            let code = match status {
                401 => "invalid_api_key",
                429 if kind == "insufficient_quota" => kind,
                429 => "rate_limit_exceeded",
                _ => kind,
            };
            json!({ "error": { "message": message, "type": kind, "code": code, "param": null } })
        }
        _ => json!({ "type": "error", "error": { "type": kind, "message": message } }),
    };
    whole(&answer, status, headers)
}

fn whole(answer: &Value, status: u16, headers: &[(String, String)]) -> Result<Response<Body>, io::Error> {
    let mut response = Response::builder()
        .status(StatusCode::from_u16(status).map_err(io::Error::other)?)
        .header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let never = |error: Infallible| match error {};
    response.body(Full::new(Bytes::from(answer.to_string())).map_err(never).boxed()).map_err(io::Error::other)
}

/// What goes over the wire next.
enum Step {
    Send { bytes: Vec<u8>, known: Option<Usage> },
    Cut,
    Stall,
}

/// The events up to the stream's end, each in two parts, so that lines and characters are split between packets.
fn frames(events: Vec<Piece>, dialect: Dialect, fate: &Fate) -> std::vec::IntoIter<Step> {
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
            let failure = match dialect {
                Dialect::Messages => sse::failure(kind, message),
                other => openai::failure(other == Dialect::Chat, kind, message),
            };
            steps.push(Step::Send { bytes: failure.bytes, known: None });
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
