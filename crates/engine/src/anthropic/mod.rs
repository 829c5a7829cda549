//! The Anthropic Messages API, over HTTPS with streaming.

mod failure;
mod stream;
mod wire;

use std::net::IpAddr;

use async_trait::async_trait;
use contract::{EngineSpec, Error, ErrorCode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::engines::CONNECT_TIMEOUT;
use crate::model::{Answer, Block, Heard, Model, ModelError, Request};
use crate::patience::Patience;
use crate::prices::{self, Resolved};

/// Where the provider is, when nobody says otherwise.
const PROVIDER: &str = "https://api.anthropic.com";
/// The version of the API that this file speaks.
const VERSION: &str = "2023-06-01";
/// Tokens that the provider adds to a request with tools.
const OVERHEAD_TOKENS: i64 = 600;
/// Bytes a token stands for, at least, in a request's JSON.
const BYTES_PER_TOKEN: usize = 3;

/// The API with a key.
pub(crate) struct Anthropic {
    client: Client,
    url: Url,
    key: SecretString,
    patience: Patience,
}

impl Anthropic {
    /// A client for the address and key of a spec.
    ///
    /// # Errors
    /// `key.missing` without a key, `config.invalid` for an address that keys must not be sent to.
    pub fn open(spec: &EngineSpec, patience: &Patience) -> Result<Anthropic, Error> {
        let key = spec.api_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
        let Some(key) = key else {
            return Err(Error::new(
                ErrorCode::KEY_MISSING,
                "There is no key for the Anthropic API.",
                "Store one with `aicib key set anthropic`, or choose the practice engine.",
            ));
        };
        let base = spec.base_url.as_deref().map(str::trim).filter(|base| !base.is_empty()).unwrap_or(PROVIDER);
        let (url, loopback) = address(base)?;
        let mut secret = HeaderValue::from_str(key).map_err(|_| {
            let what = "The key for the Anthropic API holds characters that no key has.";
            Error::new(ErrorCode::PROVIDER_AUTH, what, "Store it again with `aicib key set anthropic`.")
        })?;
        secret.set_sensitive(true);
        let headers: HeaderMap = [
            (HeaderName::from_static("x-api-key"), secret),
            (HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION)),
            (ACCEPT, HeaderValue::from_static("text/event-stream")),
        ]
        .into_iter()
        .collect();
        let mut builder = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("aicib/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT.min(patience.first_byte))
            // A redirect would take the key elsewhere.
            .redirect(redirect::Policy::none());
        if loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            Error::internal(format!("The HTTP client cannot be set up: {}.", failure::causes(&error)))
        })?;
        Ok(Anthropic { client, url, key: SecretString::from(key.to_owned()), patience: patience.clone() })
    }

    /// Takes the key out of a text of the provider's, should it hold it: what is said becomes events.
    fn clean(&self, text: &mut String) {
        let key = self.key.expose_secret();
        if text.contains(key) {
            *text = text.replace(key, "[key]");
        }
    }

    fn clean_block(&self, block: &mut Block) {
        match block {
            Block::Text(text) | Block::Thinking { text, .. } | Block::Outcome { text, .. } => self.clean(text),
            Block::Call { input: Ok(input), .. } => self.clean_value(input),
            Block::Call { input: Err(text), .. } => self.clean(text),
            Block::Opaque(_) => {}
        }
    }

    fn clean_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.clean(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|item| self.clean_value(item)),
            _ => {}
        }
    }

    async fn ask(&self, request: &Request<'_>, heard: &Heard<'_>) -> Result<Answer, ModelError> {
        let send =
            self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(wire::body(request));
        let late = || failure::silent(self.patience.first_byte);
        let response = tokio::time::timeout(self.patience.first_byte, send.send())
            .await
            .map_err(|_| late())?
            .map_err(|error| failure::unsent(&error, &self.url))?;
        if !response.status().is_success() {
            return Err(failure::refused(response).await);
        }
        stream::read(response, &self.patience, heard).await
    }
}

#[async_trait]
impl Model for Anthropic {
    fn charges(&self) -> bool {
        true
    }

    fn resolve(&self, name: &str) -> Resolved {
        prices::resolve(name)
    }

    fn input_tokens(&self, request: &Request<'_>) -> i64 {
        let bytes = wire::body(request).len();
        i64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(i64::MAX).saturating_add(OVERHEAD_TOKENS)
    }

    async fn complete(&self, request: &Request<'_>, heard: &Heard<'_>) -> Result<Answer, ModelError> {
        match self.ask(request, heard).await {
            Ok(mut answer) => {
                answer.blocks.iter_mut().for_each(|block| self.clean_block(block));
                Ok(answer)
            }
            Err(ModelError::Final(mut error)) => {
                self.clean(&mut error.message);
                Err(ModelError::Final(error))
            }
            Err(ModelError::Passing { mut error, after }) => {
                self.clean(&mut error.message);
                Err(ModelError::Passing { error, after })
            }
        }
    }
}

/// The address of the Messages API below `base`, and whether it is on this machine.
fn address(base: &str) -> Result<(Url, bool), Error> {
    let wrong = |why: &str| {
        Error::new(
            ErrorCode::CONFIG_INVALID,
            format!("The address of the Anthropic API {why}."),
            "Give one such as https://api.anthropic.com; http works only for this machine (http://127.0.0.1:…).",
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
    let mut url = url;
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v1").unwrap_or(path);
    let path = format!("{path}/v1/messages");
    url.set_path(&path);
    Ok((url, loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_to_the_provider_over_https_or_to_this_machine_only() {
        for (base, url, local) in [
            ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages", false),
            ("https://gate.example/llm/v1/", "https://gate.example/llm/v1/messages", false),
            ("http://127.0.0.1:81/", "http://127.0.0.1:81/v1/messages", true),
            ("http://[::1]:81", "http://[::1]:81/v1/messages", true),
            ("http://localhost:81", "http://localhost:81/v1/messages", true),
        ] {
            let (found, loopback) = address(base).unwrap();
            assert_eq!((found.as_str(), loopback), (url, local));
        }
        for base in
            ["http://api.anthropic.com", "http://127.0.0.1.evil.example", "ftp://x", "nonsense", "https://u:p@h"]
        {
            assert_eq!(address(base).unwrap_err().code, ErrorCode::CONFIG_INVALID, "{base}");
        }
    }
}
