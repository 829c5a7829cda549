//! Where engines' providers are.

use contract::{EngineKind, Settings};

/// Where the Anthropic API is, for whoever sets it in the daemon's environment.
const ANTHROPIC_BASE_URL: &str = "ANTHROPIC_BASE_URL";

/// Where the engine's provider is: the founder's setting, else the daemon's environment, else the engine's default.
/// Never from a company's folder: whoever wrote that would get the key.
pub fn base_url(kind: EngineKind, settings: &Settings) -> Option<String> {
    let set = |address: &str| Some(address.to_owned()).filter(|address| !address.is_empty());
    match kind.provider() {
        Some("anthropic") => set(&settings.anthropic_base_url)
            .or_else(|| std::env::var(ANTHROPIC_BASE_URL).ok().filter(|address| !address.is_empty())),
        Some(_) => set(&settings.openai_base_url),
        None => None,
    }
}

/// Whether a key may be sent to an address: it is encrypted on its way, or does not leave this machine.
pub fn keeps_secrets(url: &str) -> bool {
    url.starts_with("https://") && host_and_port(url).is_some_and(|(host, _)| !host.is_empty()) || is_loopback(url)
}

/// Whether an http address stays on this machine.
pub fn is_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix("[::1]") {
        Some(port) if port.is_empty() || port.starts_with(':') => return true,
        _ => authority.split(':').next().unwrap_or_default(),
    };
    !authority.contains('@') && matches!(host, "127.0.0.1" | "localhost")
}

/// The host and port of an address.
pub fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let default = if scheme == "https" { 443 } else { 80 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?))
        }
        _ => Some((authority.trim_matches(['[', ']']).to_owned(), default)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read() {
        let read = |url: &str| host_and_port(url).unwrap();
        assert_eq!(read("https://provider.example/v1"), ("provider.example".into(), 443));
        assert_eq!(read("http://127.0.0.1:4100"), ("127.0.0.1".into(), 4100));
        assert_eq!(read("http://[::1]:4100/"), ("::1".into(), 4100));
        assert_eq!(read("http://[::1]"), ("::1".into(), 80));
    }

    #[test]
    fn a_key_is_never_sent_in_the_clear() {
        for bad in ["http://provider.example", "http://127.0.0.1.example", "http://localhost:1@provider.example", "x"] {
            assert!(!keeps_secrets(bad), "{bad}");
        }
        for good in ["https://provider.example", "http://127.0.0.1:4000", "http://localhost/v1", "http://[::1]:1"] {
            assert!(keeps_secrets(good), "{good}");
        }
    }

    #[test]
    fn each_provider_has_its_own_address() {
        let settings = Settings {
            anthropic_base_url: "https://a.example".into(),
            openai_base_url: "https://o.example".into(),
            ..Settings::default()
        };
        for (kind, url) in [
            (EngineKind::AnthropicApi, Some("https://a.example")),
            (EngineKind::ClaudeCode, Some("https://a.example")),
            (EngineKind::OpenaiApi, Some("https://o.example")),
            (EngineKind::Codex, Some("https://o.example")),
            (EngineKind::Practice, None),
        ] {
            assert_eq!(base_url(kind, &settings).as_deref(), url, "{kind:?}");
        }
    }
}
