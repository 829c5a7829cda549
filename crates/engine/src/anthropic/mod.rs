//! The Anthropic Messages API, over HTTPS with streaming.

mod failure;
mod stream;
mod wire;

use async_trait::async_trait;
use contract::{EngineSpec, Error, ErrorCode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};

use crate::model::{Answer, Heard, Model, ModelError, Request};
use crate::patience::Patience;
use crate::prices::{self, Resolved};
use crate::provider::{self, Key};

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
    key: Key,
    patience: Patience,
}

impl Anthropic {
    /// A client for the address and key of a spec.
    ///
    /// # Errors
    /// `key.missing` without a key, `config.invalid` for an address that keys must not be sent to.
    pub fn open(spec: &EngineSpec, patience: &Patience) -> Result<Anthropic, Error> {
        let Some(key) = Key::of(spec.api_key.as_deref()) else {
            return Err(Error::new(
                ErrorCode::KEY_MISSING,
                "There is no key for the Anthropic API.",
                "Store one with `aicib key set anthropic`, or choose the practice engine.",
            ));
        };
        let base = spec.base_url.as_deref().map(str::trim).filter(|base| !base.is_empty()).unwrap_or(PROVIDER);
        let (url, loopback) = address(base)?;
        let secret = key.header("").ok_or_else(|| {
            let what = "The key for the Anthropic API holds characters that no key has.";
            Error::new(ErrorCode::PROVIDER_AUTH, what, "Store it again with `aicib key set anthropic`.")
        })?;
        let headers: HeaderMap = [
            (HeaderName::from_static("x-api-key"), secret),
            (HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION)),
            (ACCEPT, HeaderValue::from_static("text/event-stream")),
        ]
        .into_iter()
        .collect();
        let client = provider::client(headers, loopback, patience.first_byte)?;
        Ok(Anthropic { client, url, key, patience: patience.clone() })
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
        let mut answer = self.ask(request, heard).await;
        self.key.clean(&mut answer);
        answer
    }
}

/// The address of the Messages API below `base`, and whether it is on this machine.
fn address(base: &str) -> Result<(Url, bool), Error> {
    let (mut url, loopback) = provider::address(base, "Anthropic API", PROVIDER)?;
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
