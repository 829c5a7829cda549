//! Connections of the bridge: who may come in, and where a request goes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HOST, ORIGIN};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::reply::{self, Body};
use super::upstream::{Dialect, Endpoint};
use super::{Shared, Taken, mcp, proxy};

/// Connections at the same time; the next one waits.
const MAX_CONNECTIONS: usize = 128;
/// Bytes of a call to a model: the provider's own limit.
const MAX_CALL: usize = 32 * 1024 * 1024;
/// Bytes of a call to one of our tools.
const MAX_TOOL_CALL: usize = 1024 * 1024;
/// How long a request's headers may take to arrive.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long a request's body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);
/// How long to wait after a connection could not be accepted, as when there are no more file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves until the bridge closes.
pub(super) async fn accept(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let closing = shared.closing.clone();
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = closing.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection to the bridge was not accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection to the bridge will be slow");
        }
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(answer(request, address, &shared).await) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            // A program that leaves in mid-answer is nothing unusual.
            if let Err(error) = served {
                tracing::debug!(%error, "a connection to the bridge broke off");
            }
            drop(permit);
        });
    }
}

async fn answer(request: Request<Incoming>, address: SocketAddr, shared: &Arc<Shared>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let dialect = if path.starts_with("/openai/") { Dialect::Openai } else { Dialect::Anthropic };
    if !is_ours(&parts.headers, address) {
        return reply::refusal(
            dialect,
            StatusCode::FORBIDDEN,
            "permission_error",
            "This address is for programs of this run.",
        );
    }
    let seat = tokens(&parts.headers).find_map(|token| shared.seats().get(token).cloned());
    let Some(seat) = seat else {
        return reply::refusal(
            dialect,
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "No run of this machine has this token.",
        );
    };
    if path == "/mcp" {
        return match parts.method {
            Method::POST => match read(body, MAX_TOOL_CALL).await {
                Ok(body) => mcp::answer(&parts.headers, &body, &seat).await,
                Err(status) => reply::nothing(status),
            },
            // There is no stream of our own to listen to, and no session to end.
            _ => reply::nothing(StatusCode::METHOD_NOT_ALLOWED),
        };
    }
    match Endpoint::of(&parts.method, path) {
        Some((dialect, endpoint)) => forward(parts, body, dialect, endpoint, seat, shared).await,
        None => {
            let what = format!("There is no {} {path} here.", parts.method);
            reply::refusal(dialect, StatusCode::NOT_FOUND, "not_found_error", &what)
        }
    }
}

async fn forward(
    parts: Parts,
    body: Incoming,
    dialect: Dialect,
    endpoint: Endpoint,
    seat: Arc<Taken>,
    shared: &Arc<Shared>,
) -> Response<Body> {
    if seat.upstream.as_ref().is_none_or(|upstream| upstream.dialect != dialect) {
        let what = "This run has no key for that provider.";
        return reply::refusal(dialect, StatusCode::FORBIDDEN, "permission_error", what);
    }
    match read(body, MAX_CALL).await {
        Ok(body) => {
            proxy::call(proxy::Asked { method: parts.method, headers: parts.headers, endpoint, body }, seat, shared)
                .await
        }
        Err(StatusCode::PAYLOAD_TOO_LARGE) => {
            let what = format!("A request may have {MAX_CALL} bytes.");
            reply::refusal(dialect, StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", &what)
        }
        Err(status) => reply::refusal(dialect, status, "invalid_request_error", "The request broke off."),
    }
}

async fn read(body: Incoming, most: usize) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(BODY_TIME, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Whether a program asks, and asks for us: a page in the founder's browser says whence it comes, and one that had its
/// name turned to this address asks for that name.
fn is_ours(headers: &HeaderMap, address: SocketAddr) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let fits = host == address.to_string() || host == format!("localhost:{}", address.port());
    fits && !headers.contains_key(ORIGIN)
}

/// What may be the token: it stands where a client of either provider has its key.
fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let bearer = headers.get_all(AUTHORIZATION).into_iter().filter_map(|value| {
        let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    bearer.chain(headers.get_all("x-api-key").into_iter().filter_map(|value| value.to_str().ok().map(str::trim)))
}
