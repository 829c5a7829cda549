//! What calls to all providers have in common: the address that a key may go to, the key kept out of what is said, and
//! how the network fails.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use contract::{Error, ErrorCode, one_line};
use futures_util::StreamExt;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::engines::CONNECT_TIMEOUT;
use crate::model::{Answer, Block, ModelError};

/// Bytes of a refusal that are read.
const MAX_REFUSAL: usize = 64 * 1024;
/// How long a refusal may take to arrive.
const REFUSAL_TIME: Duration = Duration::from_secs(10);

/// What to do about a provider that will be back.
pub(crate) const LATER_FIX: &str = "Send the brief again later.";
const NETWORK_FIX: &str = "Check the network and any proxy, then send the brief again.";

/// A provider's key.
pub(crate) struct Key(SecretString);

impl Key {
    /// The key, without the blanks around it. None where there is nothing else.
    pub fn of(key: Option<&str>) -> Option<Key> {
        let key = key.map(str::trim).filter(|key| !key.is_empty())?;
        Some(Key(SecretString::from(key.to_owned())))
    }

    /// `before` and the key as a header. None where it holds characters that no key has.
    pub fn header(&self, before: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{before}{}", self.0.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Takes the key out of what came of a call, should a provider's words hold it: they become events.
    pub fn clean(&self, answer: &mut Result<Answer, ModelError>) {
        match answer {
            Ok(answer) => answer.blocks.iter_mut().for_each(|block| self.clean_block(block)),
            Err(ModelError::Final(error) | ModelError::Passing { error, .. }) => self.clean_text(&mut error.message),
        }
    }

    fn clean_text(&self, text: &mut String) {
        let key = self.0.expose_secret();
        if text.contains(key) {
            *text = text.replace(key, "[key]");
        }
    }

    fn clean_block(&self, block: &mut Block) {
        match block {
            Block::Text(text) | Block::Thinking { text, .. } | Block::Outcome { text, .. } => self.clean_text(text),
            Block::Call { input: Ok(input), .. } => self.clean_value(input),
            Block::Call { input: Err(text), .. } => self.clean_text(text),
            Block::Opaque(_) => {}
        }
    }

    fn clean_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.clean_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|item| self.clean_value(item)),
            _ => {}
        }
    }
}

/// An address that a key may be sent to, and whether it is on this machine. `name` is the provider's, `example` an
/// address of it.
///
/// # Errors
/// `config.invalid` for anything else.
pub(crate) fn address(base: &str, name: &str, example: &str) -> Result<(Url, bool), Error> {
    let wrong = |why: &str| {
        Error::new(
            ErrorCode::CONFIG_INVALID,
            format!("The address of the {name} {why}."),
            format!("Give one such as {example}; http works only for this machine (http://127.0.0.1:…)."),
        )
    };
    let url = Url::parse(base).map_err(|_| wrong("is no address"))?;
    let host = url.host_str().ok_or_else(|| wrong("names no host"))?.trim_matches(['[', ']']).to_owned();
    let loopback = host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return Err(wrong("would send the key in the clear")),
        _ => return Err(wrong("is neither http nor https")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("holds a name, a password or a query"));
    }
    Ok((url, loopback))
}

/// A client that sends these headers.
///
/// # Errors
/// Where this machine cannot set one up.
pub(crate) fn client(headers: HeaderMap, loopback: bool, patience: Duration) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .default_headers(headers)
        .user_agent(concat!("aicib/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT.min(patience))
        // A redirect would take the key elsewhere.
        .redirect(redirect::Policy::none());
    if loopback {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| Error::internal(format!("The HTTP client cannot be set up: {}.", causes(&error))))
}

/// What a refusal says, as far as it came in time. Half of one is still one.
pub(crate) async fn refusal(response: Response) -> Vec<u8> {
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
    let _ = tokio::time::timeout(REFUSAL_TIME, reading).await;
    body
}

/// The request did not get through.
pub(crate) fn unsent(error: &reqwest::Error, url: &Url) -> ModelError {
    let host = url.host_str().unwrap_or("the provider");
    let what = if error.is_connect() { "cannot be reached" } else { "closed the connection before it answered" };
    network(format!("{host} {what} ({})", causes(error)))
}

/// No answer began in time.
pub(crate) fn silent(time: Duration) -> ModelError {
    let message = format!("The provider did not answer within {} s.", time.as_secs_f64());
    ModelError::passing(ErrorCode::PROVIDER_DOWN, message, LATER_FIX)
}

/// The answer broke off.
pub(crate) fn cut(why: &str) -> ModelError {
    ModelError::passing(ErrorCode::PROVIDER_PROTOCOL, format!("The provider's answer broke off ({why})."), LATER_FIX)
}

fn network(what: String) -> ModelError {
    ModelError::passing(ErrorCode::PROVIDER_NETWORK, format!("{what}."), NETWORK_FIX)
}

/// An error's innermost cause in a line, without the address.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = String::new();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    one_line(if text.is_empty() { "no connection" } else { &text }, 200)
}

/// When the provider wants to be asked again: seconds or a date.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    if response.status() == StatusCode::OK {
        return None;
    }
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            Some(at.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}
