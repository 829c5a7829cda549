//! Which engine a brief runs on.

use contract::{EngineChoice, EngineKind, Error, ErrorCode, KeyStorage, Settings};

use crate::app::Daemon;

/// The name of our choice between practice and a real model, in a config.
const AUTO: &str = "auto";
/// The original's default engine.
const CLAUDE_CODE: &str = "claude-code";
/// Where the Anthropic API is, for whoever sets it in the daemon's environment.
const BASE_URL: &str = "ANTHROPIC_BASE_URL";

/// The provider whose key the engine needs.
pub fn provider(kind: EngineKind) -> Option<&'static str> {
    match kind {
        EngineKind::AnthropicApi => Some("anthropic"),
        EngineKind::Practice => None,
    }
}

/// Where the engine's provider is: the founder's setting, else the daemon's environment, else the engine's default.
/// Never from a company's folder: whoever wrote that would get the key.
pub fn base_url(kind: EngineKind, settings: &Settings) -> Option<String> {
    match kind {
        EngineKind::AnthropicApi if !settings.anthropic_base_url.is_empty() => {
            Some(settings.anthropic_base_url.clone())
        }
        EngineKind::AnthropicApi => std::env::var(BASE_URL).ok().filter(|url| !url.is_empty()),
        EngineKind::Practice => None,
    }
}

/// The engine for a company whose config names `engine`.
///
/// # Errors
/// The database's.
pub async fn choose(daemon: &Daemon, engine: &str) -> Result<EngineChoice, Error> {
    let kept = daemon.secrets.kept("anthropic").await?;
    let lost = daemon.secrets.is_lost("anthropic").await?;
    Ok(match (engine, kept) {
        // Practice in its place would be taken for the real thing.
        ("anthropic-api" | AUTO, Some(_)) if lost => none(Error::new(
            ErrorCode::KEY_MISSING,
            "The key for the Anthropic API was kept in memory, and the daemon was started anew since.",
            "Store it again with `aicib key set anthropic`, or forget it with `aicib key remove anthropic`.",
        )),
        ("practice", _) | (AUTO, None) => EngineChoice {
            kind: Some(EngineKind::Practice),
            label: "Practice: no model, nothing is charged".into(),
            problem: None,
        },
        ("anthropic-api" | AUTO, Some(storage)) => EngineChoice {
            kind: Some(EngineKind::AnthropicApi),
            label: format!("Anthropic API · key {}", place(storage)),
            problem: None,
        },
        ("anthropic-api", None) => none(Error::new(
            ErrorCode::KEY_MISSING,
            "The Anthropic API needs a key, and none is stored.",
            "Store one with `aicib key set anthropic` or in Settings, or use practice: `aicib config set engine.mode practice`.",
        )),
        (CLAUDE_CODE, _) => none(Error::new(
            ErrorCode::ENGINE_UNAVAILABLE,
            "This company's config names the engine claude-code, which AICIB does not drive yet.",
            "Choose another: `aicib config set engine.mode practice`, or `anthropic-api` with a key.",
        )),
        (other, _) => none(Error::new(
            ErrorCode::ENGINE_UNAVAILABLE,
            format!("This company's config names the engine {other:?}, which AICIB does not know."),
            "Choose one: `aicib config set engine.mode practice`, or `anthropic-api` with a key.",
        )),
    })
}

fn none(problem: Error) -> EngineChoice {
    EngineChoice { kind: None, label: "No engine".into(), problem: Some(problem) }
}

fn place(storage: KeyStorage) -> &'static str {
    match storage {
        KeyStorage::Keychain => "in keychain",
        KeyStorage::PassphraseFile => "in a file with a passphrase",
        KeyStorage::Session => "in memory until the daemon stops",
    }
}
