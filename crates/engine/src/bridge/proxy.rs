//! A call that a program makes to its model, with our key: leased, sent, passed back, metered.
//!
//! A call is a task of its own, so that what it used is told also when the program leaves in mid-answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use contract::{CostBasis, Error, ErrorCode, LeaseId, Money, Time, one_line};
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, Response, StatusCode};
use memchr::memmem;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::meter::Meter;
use super::reply::{self, Body};
use super::scrub::Scrub;
use super::upstream::{Dialect, Endpoint, Upstream};
use super::{BridgeCall, Metered, Shared, Taken, refused};
use crate::patience::Patience;
use crate::prices::{self, Price};

/// Bytes a token stands for, at least, in a request.
const BYTES_PER_TOKEN: usize = 3;
/// Tokens that a provider adds to a request with tools.
const OVERHEAD_TOKENS: i64 = 600;
/// Output tokens that are leased where a program names no limit. What it uses beyond is how far it may overshoot.
const USUAL_OUTPUT: i64 = 16_384;
/// Bytes of a refusal that are read and passed on.
const MAX_REFUSAL: usize = 256 * 1024;
/// How long a refusal may take to arrive.
const REFUSAL_TIME: Duration = Duration::from_secs(10);
/// Pieces of an answer that wait for the program, at most.
const AHEAD: usize = 16;
/// OpenAI's models are silent while they think, Anthropic's send pings: so many times the usual patience.
const THINKS: u32 = 5;
/// Characters of a model's name.
const MAX_MODEL: usize = 200;

/// What a program asks of its provider.
pub(super) struct Asked {
    pub method: Method,
    pub headers: HeaderMap,
    pub endpoint: Endpoint,
    pub body: Bytes,
}

/// What matters of a request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Outline {
    model: String,
    stream: bool,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    max_output_tokens: Option<i64>,
    stream_options: Option<Value>,
}

/// Answers a call. The seat has a provider.
pub(super) async fn call(asked: Asked, seat: Arc<Taken>, shared: &Arc<Shared>) -> Response<Body> {
    let (head, response) = oneshot::channel();
    let patience = shared.patience.clone();
    shared.under_way.spawn(async move {
        if let Some(upstream) = &seat.upstream {
            Proxied { upstream, seat: &seat, patience: &patience }.run(asked, head).await;
        }
    });
    response.await.unwrap_or_else(|_| reply::nothing(StatusCode::SERVICE_UNAVAILABLE))
}

/// One call on its way.
struct Proxied<'a> {
    upstream: &'a Upstream,
    seat: &'a Taken,
    patience: &'a Patience,
}

/// How an answer's way to the program ended.
enum Passed {
    /// It is whole, as far as the connection says.
    Ended,
    /// The program left, or the seat was given up.
    Left,
    /// The provider broke off, for this reason.
    Cut(String),
}

impl Proxied<'_> {
    async fn run(&self, mut asked: Asked, head: oneshot::Sender<Response<Body>>) {
        let outline = match outline(&mut asked) {
            Ok(outline) => outline,
            Err(why) => {
                self.refuse(head, StatusCode::BAD_REQUEST, "invalid_request_error", why);
                return;
            }
        };
        let mut lease = None;
        if asked.endpoint.charges() {
            match self.leased(&outline, asked.body.len()).await {
                Ok(granted) => lease = granted,
                Err(error) => {
                    // Not a status on which clients try again.
                    self.refuse(head, StatusCode::BAD_REQUEST, "invalid_request_error", &error.to_string());
                    return;
                }
            }
            if head.is_closed() || self.seat.left.is_cancelled() {
                return self.unused(lease).await;
            }
        }
        let started_at = Time::now();
        let size = asked.body.len();
        let request = self.upstream.request(asked.method, asked.endpoint, &asked.headers, asked.body.to_vec()).send();
        let patience = if outline.stream { self.patience.first_byte } else { self.patience.first_byte * THINKS };
        let mut head = head;
        let answered = tokio::select! {
            () = self.seat.left.cancelled() => return self.unused(lease).await,
            () = head.closed() => return self.unused(lease).await,
            answered = timeout(patience, request) => answered,
        };
        let host = self.upstream.host();
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let what = if error.is_connect() { "cannot be reached" } else { "closed the connection" };
                return self.unanswered(head, lease, refused::unreachable(host, what)).await;
            }
            Err(_) => {
                let what = format!("did not answer within {} s", patience.as_secs_f64());
                return self.unanswered(head, lease, refused::unreachable(host, &what)).await;
            }
        };
        if response.status().is_success() {
            self.pass(response, &asked.endpoint, head, lease, started_at, &outline.model, size).await;
        } else {
            self.refusal(response, head, lease).await;
        }
    }

    /// Sets money aside for the call.
    async fn leased(&self, outline: &Outline, bytes: usize) -> Result<Option<LeaseId>, Error> {
        let gone = || Error::new(ErrorCode::STOPPING, "The run has ended.", "");
        let input = i64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(i64::MAX).saturating_add(OVERHEAD_TOKENS);
        let named = outline.max_output_tokens.or(outline.max_completion_tokens).or(outline.max_tokens);
        let output = named.filter(|named| *named > 0).unwrap_or(USUAL_OUTPUT);
        let worst = self.price(&outline.model).map_or(Money::ZERO, |price| price.worst(input, output));
        let (reply, granted) = oneshot::channel();
        let model = outline.model.clone();
        let tokens = input.saturating_add(output);
        self.seat.calls.send(BridgeCall::Lease { model, worst, tokens, reply }).await.map_err(|_| gone())?;
        // Whoever plays the conversation answers also when it is about to end, so that no lease is lost on the way.
        granted.await.map_err(|_| gone())?
    }

    fn price(&self, model: &str) -> Option<Price> {
        match self.upstream.dialect {
            Dialect::Anthropic => Some(self.seat.prices.resolve(model).price),
            Dialect::Openai => self.seat.prices.other(model).map(|found| found.price),
        }
    }

    /// Passes an answer on as it comes, and tells what it used.
    #[expect(clippy::too_many_arguments, reason = "all that is known of a call by now")]
    async fn pass(
        &self,
        response: reqwest::Response,
        endpoint: &Endpoint,
        head: oneshot::Sender<Response<Body>>,
        lease: Option<LeaseId>,
        started_at: Time,
        model: &str,
        asked: usize,
    ) {
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_stream = kind.starts_with("text/event-stream");
        let mut meter = Meter::new(*endpoint, is_stream);
        let (pieces, receiver) = mpsc::channel::<io::Result<Bytes>>(AHEAD);
        let body = stream::unfold(receiver, |mut receiver| async {
            let piece = receiver.recv().await?;
            // Being pending once lets the server flush what came before.
            tokio::task::yield_now().await;
            Some((piece.map(Frame::data), receiver))
        });
        let mut answer = Response::new(BodyExt::boxed(StreamBody::new(body)));
        *answer.status_mut() = response.status();
        *answer.headers_mut() = self.headers(response.headers());
        // Where the program has left meanwhile, the first piece finds nobody.
        let _ = head.send(answer);
        let passed = self.stream(response, &mut meter, &pieces).await;
        let total = meter.end(asked);
        let (is_whole, failure) = (total.is_whole, total.failure);
        if endpoint.charges() {
            match total.usage {
                Some(usage) => {
                    let model = if total.model.is_empty() { one_line(model, MAX_MODEL) } else { total.model };
                    let price = self.price(&model);
                    let (cost, basis) = match price {
                        None if self.upstream.is_loopback && total.cost.is_none() => (Money::ZERO, CostBasis::Free),
                        price => prices::charge(price.as_ref(), &usage, total.cost),
                    };
                    self.tell(BridgeCall::Used(Metered { model, usage, cost, basis, started_at, lease })).await;
                }
                None => self.unused(lease).await,
            }
        }
        let error = match (failure, passed) {
            (Some(failure), _) => refused::of_failure(self.upstream.dialect, &failure),
            (None, Passed::Cut(why)) if !is_whole => refused::cut(&why),
            _ => return,
        };
        self.tell(BridgeCall::Refused { error: Box::new(self.clean(error)), after: None }).await;
    }

    async fn stream(
        &self,
        response: reqwest::Response,
        meter: &mut Meter,
        pieces: &mpsc::Sender<io::Result<Bytes>>,
    ) -> Passed {
        let patience = match self.upstream.dialect {
            Dialect::Anthropic => self.patience.stall,
            Dialect::Openai => self.patience.stall * THINKS,
        };
        let mut scrub = Scrub::new(self.upstream.key());
        let mut chunks = response.bytes_stream();
        loop {
            let chunk = tokio::select! {
                () = self.seat.left.cancelled() => return Passed::Left,
                () = pieces.closed() => return Passed::Left,
                chunk = timeout(patience, chunks.next()) => chunk,
            };
            let why = match chunk {
                Ok(Some(Ok(chunk))) => {
                    meter.piece(&chunk);
                    let clean = scrub.piece(&chunk);
                    if !clean.is_empty() && self.hand(pieces, clean).await.is_none() {
                        return Passed::Left;
                    }
                    continue;
                }
                Ok(None) => {
                    let rest = scrub.end();
                    if !rest.is_empty() {
                        self.hand(pieces, rest).await;
                    }
                    return Passed::Ended;
                }
                Ok(Some(Err(_))) => "the connection was closed".to_owned(),
                Err(_) => format!("silent for {} s", patience.as_secs_f64()),
            };
            // The program sees an answer that breaks off, as it would without us between.
            let _ = pieces.try_send(Err(io::Error::other(why.clone())));
            return Passed::Cut(why);
        }
    }

    /// Hands a piece to the program; `None` where it has left, or does not read and the seat is given up.
    async fn hand(&self, pieces: &mpsc::Sender<io::Result<Bytes>>, piece: Vec<u8>) -> Option<()> {
        tokio::select! {
            () = self.seat.left.cancelled() => None,
            sent = pieces.send(Ok(Bytes::from(piece))) => sent.ok(),
        }
    }

    /// Passes on what the provider says instead of an answer.
    async fn refusal(
        &self,
        response: reqwest::Response,
        head: oneshot::Sender<Response<Body>>,
        lease: Option<LeaseId>,
    ) {
        let (status, after) = (response.status(), refused::after(response.headers()));
        let headers = self.headers(response.headers());
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        let reading = async {
            while let Some(Ok(chunk)) = chunks.next().await {
                let room = MAX_REFUSAL - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if body.len() >= MAX_REFUSAL {
                    break;
                }
            }
        };
        // Half of a refusal is still one: what came in time is used.
        let _ = timeout(REFUSAL_TIME, reading).await;
        let mut scrub = Scrub::new(self.upstream.key());
        let mut clean = scrub.piece(&body);
        clean.extend(scrub.end());
        let error = refused::of_status(self.upstream.dialect, status.as_u16(), &clean);
        let mut answer = Response::new(reply::whole(clean));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        self.tell(BridgeCall::Refused { error: Box::new(error), after }).await;
        self.unused(lease).await;
        let _ = head.send(answer);
    }

    /// There was no answer at all.
    async fn unanswered(&self, head: oneshot::Sender<Response<Body>>, lease: Option<LeaseId>, error: Error) {
        let message = error.message.clone();
        self.tell(BridgeCall::Refused { error: Box::new(error), after: None }).await;
        self.unused(lease).await;
        // The program may try again.
        let mut answer = reply::refusal(self.upstream.dialect, StatusCode::BAD_GATEWAY, "api_error", &message);
        answer.headers_mut().remove(reply::NO_RETRY);
        let _ = head.send(answer);
    }

    fn refuse(&self, head: oneshot::Sender<Response<Body>>, status: StatusCode, kind: &str, why: &str) {
        let _ = head.send(reply::refusal(self.upstream.dialect, status, kind, why));
    }

    /// The headers of an answer that the program gets.
    fn headers(&self, all: &HeaderMap) -> HeaderMap {
        let key = self.upstream.key();
        let finder = memmem::Finder::new(key.expose_secret().as_bytes());
        let passed = all
            .iter()
            .filter(|(name, value)| self.upstream.dialect.passes(name) && finder.find(value.as_bytes()).is_none());
        passed.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// An error without the key, should the provider's words hold it.
    fn clean(&self, mut error: Error) -> Error {
        error.message = error.message.replace(self.upstream.key().expose_secret(), "[key]");
        error
    }

    async fn unused(&self, lease: Option<LeaseId>) {
        if let Some(lease) = lease {
            self.tell(BridgeCall::Unused(lease)).await;
        }
    }

    async fn tell(&self, call: BridgeCall) {
        // Nobody plays the conversation any more: a lease that is not settled is settled with the run.
        let _ = self.seat.calls.send(call).await;
    }
}

/// Reads what matters of a request, and sees to it that its answer says what it used.
fn outline(asked: &mut Asked) -> Result<Outline, &'static str> {
    if !asked.endpoint.charges() {
        return Ok(Outline::default());
    }
    let outline: Outline = serde_json::from_slice(&asked.body).map_err(|_| "The request is no JSON of this API.")?;
    if outline.model.trim().is_empty() {
        return Err("The request names no model.");
    }
    let says = outline.stream_options.as_ref().is_some_and(|options| options["include_usage"] == json!(true));
    if asked.endpoint == Endpoint::Chat && outline.stream && !says {
        let mut body: Value = serde_json::from_slice(&asked.body).map_err(|_| "The request is no JSON of this API.")?;
        if !body["stream_options"].is_object() {
            body["stream_options"] = json!({});
        }
        body["stream_options"]["include_usage"] = json!(true);
        asked.body = Bytes::from(body.to_string());
    }
    Ok(outline)
}
