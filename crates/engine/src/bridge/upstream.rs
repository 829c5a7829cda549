//! The provider behind the bridge: where it is, with which key, and which of its calls may be made.

use std::net::IpAddr;

use contract::{EngineKind, EngineSpec, Error, ErrorCode};
use hyper::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url, redirect};
use secrecy::SecretString;

use crate::engines::CONNECT_TIMEOUT;
use crate::patience::Patience;

/// A provider's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's Responses and Chat Completions.
    Openai,
}

impl Dialect {
    /// What the program of an engine speaks to its model, where we can hold the key for it.
    pub fn of(spec: &EngineSpec) -> Option<Dialect> {
        match spec.kind {
            EngineKind::ClaudeCode => Some(Dialect::Anthropic),
            EngineKind::Codex => Some(Dialect::Openai),
            EngineKind::Acp => crate::acp::agent(&spec.agent).and_then(|agent| agent.dialect),
            EngineKind::AnthropicApi | EngineKind::OpenaiApi | EngineKind::Practice => None,
        }
    }

    fn provider(self) -> &'static str {
        match self {
            Dialect::Anthropic => "https://api.anthropic.com",
            Dialect::Openai => "https://api.openai.com/v1",
        }
    }

    /// The name of its key in `aicib key set`.
    pub(super) fn key_name(self) -> &'static str {
        match self {
            Dialect::Anthropic => "anthropic",
            Dialect::Openai => "openai",
        }
    }

    /// What of a request's headers the provider is passed, and of an answer's the program.
    pub(super) fn passes(self, name: &HeaderName) -> bool {
        const BOTH: [&str; 8] = [
            "accept",
            "content-type",
            "user-agent",
            "retry-after",
            "retry-after-ms",
            "x-request-id",
            "request-id",
            "x-should-retry",
        ];
        let name = name.as_str();
        BOTH.contains(&name)
            || match self {
                Dialect::Anthropic => name.starts_with("anthropic-"),
                Dialect::Openai => name.starts_with("openai-") || name.starts_with("x-ratelimit-"),
            }
    }
}

/// A call that may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Anthropic's `/v1/messages`.
    Messages,
    /// Anthropic's `/v1/messages/count_tokens`, which is free.
    CountTokens,
    /// OpenAI's `/responses`.
    Responses,
    /// OpenAI's `/chat/completions`.
    Chat,
    /// The list of models, which is free.
    Models,
}

impl Endpoint {
    /// The call that a method and a path below the bridge's address stand for.
    pub fn of(method: &Method, path: &str) -> Option<(Dialect, Endpoint)> {
        use Dialect::{Anthropic, Openai};
        Some(match (method.as_str(), path) {
            ("POST", "/anthropic/v1/messages") => (Anthropic, Endpoint::Messages),
            ("POST", "/anthropic/v1/messages/count_tokens") => (Anthropic, Endpoint::CountTokens),
            ("GET", "/anthropic/v1/models") => (Anthropic, Endpoint::Models),
            ("POST", "/openai/v1/responses") => (Openai, Endpoint::Responses),
            ("POST", "/openai/v1/chat/completions") => (Openai, Endpoint::Chat),
            ("GET", "/openai/v1/models") => (Openai, Endpoint::Models),
            _ => return None,
        })
    }

    /// Whether it uses tokens that cost money.
    pub fn charges(self) -> bool {
        matches!(self, Endpoint::Messages | Endpoint::Responses | Endpoint::Chat)
    }

    fn below(self, dialect: Dialect) -> &'static str {
        match (dialect, self) {
            (Dialect::Anthropic, Endpoint::CountTokens) => "/v1/messages/count_tokens",
            (Dialect::Anthropic, Endpoint::Models) => "/v1/models",
            (Dialect::Anthropic, _) => "/v1/messages",
            (Dialect::Openai, Endpoint::Chat) => "/chat/completions",
            (Dialect::Openai, Endpoint::Models) => "/models",
            (Dialect::Openai, _) => "/responses",
        }
    }
}

/// A provider with a key.
pub(super) struct Upstream {
    pub dialect: Dialect,
    /// Whether it is on this machine, so that nothing is charged for models that nobody has a price for.
    pub is_loopback: bool,
    client: Client,
    base: Url,
    key: SecretString,
}

impl Upstream {
    /// A client for that key, at that address or at the provider's own.
    ///
    /// # Errors
    /// `config.invalid` for an address that keys must not be sent to, `provider.auth` for a key that is none.
    pub fn open(dialect: Dialect, key: &str, base: Option<&str>, patience: &Patience) -> Result<Upstream, Error> {
        let base = base.map(str::trim).filter(|base| !base.is_empty()).unwrap_or_else(|| dialect.provider());
        let (base, is_loopback) = address(dialect, base)?;
        let (name, text) = match dialect {
            Dialect::Anthropic => (HeaderName::from_static("x-api-key"), key.to_owned()),
            Dialect::Openai => (AUTHORIZATION, format!("Bearer {key}")),
        };
        let mut secret = HeaderValue::from_str(&text).map_err(|_| {
            Error::new(
                ErrorCode::PROVIDER_AUTH,
                "The key for the provider holds characters that no key has.",
                format!("Store it again with `aicib key set {}`.", dialect.key_name()),
            )
        })?;
        secret.set_sensitive(true);
        let mut builder = Client::builder()
            .default_headers(HeaderMap::from_iter([(name, secret)]))
            .connect_timeout(CONNECT_TIMEOUT.min(patience.first_byte))
            // A redirect would take the key elsewhere.
            .redirect(redirect::Policy::none());
        if is_loopback {
            builder = builder.no_proxy();
        }
        let client =
            builder.build().map_err(|_| Error::internal("The HTTP client for the provider cannot be set up."))?;
        Ok(Upstream { dialect, is_loopback, client, base, key: SecretString::from(key.to_owned()) })
    }

    /// The key, to take it out of what comes back.
    pub fn key(&self) -> SecretString {
        self.key.clone()
    }

    /// The provider's host, for messages.
    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or("the provider")
    }

    /// A request with the key, and with those of the program's headers that may pass.
    pub fn request(
        &self,
        method: Method,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: Vec<u8>,
    ) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        let path = format!("{}{}", url.path().trim_end_matches('/'), endpoint.below(self.dialect));
        url.set_path(&path);
        let passed = headers.iter().filter(|(name, _)| self.dialect.passes(name));
        let passed: HeaderMap = passed.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.client.request(method, url).headers(passed).body(body)
    }
}

/// The address that calls go below, and whether it is on this machine.
fn address(dialect: Dialect, base: &str) -> Result<(Url, bool), Error> {
    let wrong = |why: &str| {
        Error::new(
            ErrorCode::CONFIG_INVALID,
            format!("The provider's address {why}."),
            format!("Give one such as {}; http works only for this machine (http://127.0.0.1:…).", dialect.provider()),
        )
    };
    let mut url = Url::parse(base).map_err(|_| wrong("is no address"))?;
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
    let path = url.path().trim_end_matches('/').to_owned();
    let path = match dialect {
        Dialect::Anthropic => path.strip_suffix("/v1").unwrap_or(&path).to_owned(),
        // What stands before `/chat/completions` is given whole; a bare host means OpenAI's own layout.
        Dialect::Openai if path.is_empty() => "/v1".to_owned(),
        Dialect::Openai => path,
    };
    url.set_path(&path);
    Ok((url, loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_only_where_it_is_safe() {
        for (dialect, base, fits) in [
            (Dialect::Anthropic, "https://api.anthropic.com", true),
            (Dialect::Openai, "http://127.0.0.1:9/v1", true),
            (Dialect::Openai, "http://[::1]:9", true),
            (Dialect::Openai, "http://ollama.example", false),
            (Dialect::Anthropic, "http://127.0.0.1.example.com", false),
            (Dialect::Anthropic, "https://me:pw@example.com", false),
            (Dialect::Anthropic, "ftp://example.com", false),
        ] {
            assert_eq!(address(dialect, base).is_ok(), fits, "{base}");
        }
    }

    #[test]
    fn calls_go_below_the_address_that_is_given() {
        let url = |dialect, base: &str, endpoint| {
            let upstream = Upstream::open(dialect, "k", Some(base), &Patience::default()).unwrap();
            upstream.request(Method::POST, endpoint, &HeaderMap::new(), Vec::new()).build().unwrap().url().to_string()
        };
        let openai = |base| url(Dialect::Openai, base, Endpoint::Chat);
        assert_eq!(openai("https://openrouter.ai/api/v1/"), "https://openrouter.ai/api/v1/chat/completions");
        assert_eq!(openai("http://127.0.0.1:1"), "http://127.0.0.1:1/v1/chat/completions");
        let anthropic = |base| url(Dialect::Anthropic, base, Endpoint::CountTokens);
        assert_eq!(anthropic("https://a.example/v1"), "https://a.example/v1/messages/count_tokens");
        assert_eq!(anthropic("https://a.example/x"), "https://a.example/x/v1/messages/count_tokens");
    }

    #[test]
    fn any_other_call_is_none() {
        for (method, path) in [
            ("GET", "/anthropic/v1/messages"),
            ("POST", "/anthropic/v1/files"),
            ("POST", "/anthropic/v1/messages/../files"),
            ("POST", "/openai/v1/responses/x"),
            ("DELETE", "/openai/v1/models"),
            ("POST", "/mcp"),
        ] {
            assert_eq!(Endpoint::of(&method.parse().unwrap(), path), None, "{method} {path}");
        }
    }
}
