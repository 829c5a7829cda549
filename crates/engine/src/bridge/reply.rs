//! Answers of the bridge's own.

use std::convert::Infallible;
use std::io;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::upstream::Dialect;

/// The body of an answer.
pub(super) type Body = BoxBody<Bytes, io::Error>;

/// Tells clients of either provider's own library not to try again.
pub(super) const NO_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A body that is whole.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    let never = |error: Infallible| match error {};
    Full::new(bytes.into()).map_err(never).boxed()
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(whole(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer with nothing in it.
pub(super) fn nothing(status: StatusCode) -> Response<Body> {
    let never = |error: Infallible| match error {};
    let mut response = Response::new(Empty::new().map_err(never).boxed());
    *response.status_mut() = status;
    response
}

/// A refusal as a client of that provider reads it: it shows `message`, and does not try again.
pub(super) fn refusal(dialect: Dialect, status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    let body = match dialect {
        Dialect::Anthropic => json!({ "type": "error", "error": { "type": kind, "message": message } }),
        Dialect::Openai => json!({ "error": { "message": message, "type": kind, "param": null, "code": kind } }),
    };
    let mut response = json(status, &body);
    response.headers_mut().insert(NO_RETRY, HeaderValue::from_static("false"));
    response
}
