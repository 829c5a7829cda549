//! APIs that speak OpenAI's chat completions: OpenAI itself, OpenRouter, Ollama, LM Studio, llama.cpp, vLLM.
//!
//! They agree on the outline alone. What a server does not take is found out by its refusals, and left out from then
//! on; what it answers is read as far as it makes sense.

mod calls;
mod failure;
mod reading;
mod stream;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contract::{EngineSpec, Error, ErrorCode};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Url};

use self::wire::Habits;
use crate::model::{Answer, Heard, Model, ModelError, Request, StopReason};
use crate::patience::Patience;
use crate::prices::{NOTHING, Prices, Resolved};
use crate::provider::{self, Key};

/// Where the provider is, when nobody says otherwise.
const PROVIDER: &str = "https://api.openai.com";
/// What the provider is called.
const NAME: &str = "OpenAI-compatible API";
/// Tokens that the provider adds to a request with tools.
const OVERHEAD_TOKENS: i64 = 600;
/// Bytes a token stands for, at least, in a request's JSON.
const BYTES_PER_TOKEN: usize = 3;
/// How much longer a server on this machine may take: it may have to load its model first, and be slow at it.
const LOCAL_PATIENCE: u32 = 5;
/// Requests for one answer, where the server does not take one as it is.
const ATTEMPTS: usize = 5;

/// The API, with a key where it needs one.
pub(crate) struct OpenAi {
    client: Client,
    url: Url,
    key: Option<Key>,
    model: String,
    patience: Patience,
    free: bool,
    habits: Mutex<Habits>,
}

impl OpenAi {
    /// A client for the address, key and model of a spec.
    ///
    /// # Errors
    /// `key.missing` without a key but on this machine, `config.invalid` without a model and for an address that keys
    /// must not be sent to.
    pub fn open(spec: &EngineSpec, patience: &Patience) -> Result<OpenAi, Error> {
        let base = spec.base_url.as_deref().map(str::trim).filter(|base| !base.is_empty()).unwrap_or(PROVIDER);
        let (url, loopback) = address(base)?;
        let key = Key::of(spec.api_key.as_deref());
        if key.is_none() && !loopback {
            let what = format!("There is no key for the {NAME}.");
            return Err(Error::new(ErrorCode::KEY_MISSING, what, "Store one with `aicib key set openai`."));
        }
        let model = spec.model.as_deref().map(str::trim).unwrap_or_default();
        if model.is_empty() {
            let what = format!("The {NAME} has no model of its own to fall back on.");
            return Err(Error::new(
                ErrorCode::CONFIG_INVALID,
                what,
                "Name one: `aicib config set engines.model NAME`.",
            ));
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = &key {
            let secret = key.header("Bearer ").ok_or_else(|| {
                let what = format!("The key for the {NAME} holds characters that no key has.");
                Error::new(ErrorCode::PROVIDER_AUTH, what, "Store it again with `aicib key set openai`.")
            })?;
            headers.insert(AUTHORIZATION, secret);
        }
        let mut patience = patience.clone();
        if loopback {
            patience.first_byte *= LOCAL_PATIENCE;
            patience.stall = patience.stall.max(patience.first_byte);
        }
        let habits = Mutex::new(Habits::of(url.host_str().unwrap_or_default()));
        let client = provider::client(headers, loopback, patience.first_byte)?;
        // A server on this machine costs nothing, unless it wants a key: then it passes calls on to somebody who does.
        let free = loopback && key.is_none();
        Ok(OpenAi { client, url, key, model: model.to_owned(), patience, free, habits })
    }

    fn habits(&self) -> Habits {
        self.habits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks, and asks again without whatever the server did not take.
    async fn ask(&self, request: &Request<'_>, heard: &Heard<'_>) -> Result<Answer, ModelError> {
        let mut habits = self.habits();
        for _ in 1..ATTEMPTS {
            match self.ask_once(request, &habits, heard).await {
                Err(Refused::Request { status, said, error }) => {
                    if said.is_too_long() {
                        return Ok(Answer { blocks: Vec::new(), stop: StopReason::Full });
                    }
                    if !habits.learn(status, &said, request.max_tokens) {
                        return Err(error);
                    }
                }
                Err(Refused::Other(error)) => return Err(error),
                Ok(answer) => {
                    *self.habits.lock().unwrap_or_else(PoisonError::into_inner) = habits;
                    return Ok(answer);
                }
            }
        }
        self.ask_once(request, &habits, heard).await.map_err(|refused| match refused {
            Refused::Request { error, .. } | Refused::Other(error) => error,
        })
    }

    async fn ask_once(&self, request: &Request<'_>, habits: &Habits, heard: &Heard<'_>) -> Result<Answer, Refused> {
        let send = self.client.post(self.url.clone()).body(wire::body(request, habits));
        let response = tokio::time::timeout(self.patience.first_byte, send.send())
            .await
            .map_err(|_| provider::silent(self.patience.first_byte))?
            .map_err(|error| provider::unsent(&error, &self.url))?;
        if !response.status().is_success() {
            return Err(failure::refused(response).await);
        }
        let waits = Waits { first: self.patience.first_byte, stall: self.patience.stall };
        Ok(stream::read(response, waits, request, self.input_tokens(request), heard).await?)
    }
}

/// How long a stream may be silent: before its first byte, and after.
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    first: Duration,
    stall: Duration,
}

/// Why a request was not answered.
pub(crate) enum Refused {
    /// The server does not take it as it is.
    Request { status: u16, said: failure::Said, error: ModelError },
    /// Anything else.
    Other(ModelError),
}

impl From<ModelError> for Refused {
    fn from(error: ModelError) -> Refused {
        Refused::Other(error)
    }
}

#[async_trait]
impl Model for OpenAi {
    fn charges(&self) -> bool {
        !self.free
    }

    /// The agents' own names for models are Claude's, and mean nothing here: the settings name the one model there is.
    /// What the model says of itself when it answered has its own price.
    fn resolve(&self, name: &str) -> Resolved {
        let id = if is_claudes(name) { self.model.as_str() } else { name };
        if let Some(found) = Prices::default().other(id) {
            return found;
        }
        let warning = (!self.free).then(|| {
            let id = contract::one_line(id, 80);
            format!("Nobody here knows what \"{id}\" costs: its calls are counted, their price is not.")
        });
        Resolved { id: id.to_owned(), tier: String::new(), price: NOTHING, warning }
    }

    fn is_claude(&self) -> bool {
        false
    }

    fn input_tokens(&self, request: &Request<'_>) -> i64 {
        let bytes = wire::body(request, &self.habits()).len();
        i64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(i64::MAX).saturating_add(OVERHEAD_TOKENS)
    }

    async fn complete(&self, request: &Request<'_>, heard: &Heard<'_>) -> Result<Answer, ModelError> {
        let mut answer = self.ask(request, heard).await;
        if let Some(key) = &self.key {
            key.clean(&mut answer);
        }
        answer
    }
}

/// Whether a name is one that companies give Claude's models.
fn is_claudes(name: &str) -> bool {
    let name = name.trim();
    name.is_empty() || matches!(name, "opus" | "sonnet" | "haiku" | "inherit") || name.starts_with("claude-")
}

/// The address of chat completions below `base`, and whether it is on this machine. A base that names a version of the
/// API in its path is taken as it is.
fn address(base: &str) -> Result<(Url, bool), Error> {
    let (mut url, loopback) = provider::address(base, NAME, "https://api.openai.com/v1")?;
    let path = url.path().trim_end_matches('/').trim_end_matches("/chat/completions").to_owned();
    let is_version =
        |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    let version = if path.split('/').any(is_version) { "" } else { "/v1" };
    url.set_path(&format!("{path}{version}/chat/completions"));
    Ok((url, loopback))
}
