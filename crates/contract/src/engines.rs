//! Engines: which there are, what is known of each on this machine, and which one a brief runs on.

use serde::{Deserialize, Serialize};

use crate::{CostBasis, Error, Money};

/// The engines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// The Anthropic Messages API, with a key of the founder's.
    AnthropicApi,
    /// An API that speaks OpenAI's chat completions: OpenAI, OpenRouter, Ollama, LM Studio, llama.cpp, vLLM.
    OpenaiApi,
    /// Claude Code (`claude`), as a process that we drive.
    ClaudeCode,
    /// Codex (`codex`), as a process that we drive.
    Codex,
    /// Any agent that speaks the Agent Client Protocol, as a process that we drive.
    Acp,
    /// A rehearsal: no model, no key, no cost.
    Practice,
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [EngineKind; 6] = [
        EngineKind::AnthropicApi,
        EngineKind::OpenaiApi,
        EngineKind::ClaudeCode,
        EngineKind::Codex,
        EngineKind::Acp,
        EngineKind::Practice,
    ];

    /// The name in JSON, SQL and config files.
    pub const fn name(self) -> &'static str {
        match self {
            EngineKind::AnthropicApi => "anthropic-api",
            EngineKind::OpenaiApi => "openai-api",
            EngineKind::ClaudeCode => "claude-code",
            EngineKind::Codex => "codex",
            EngineKind::Acp => "acp",
            EngineKind::Practice => "practice",
        }
    }

    /// The name on screen.
    pub const fn label(self) -> &'static str {
        match self {
            EngineKind::AnthropicApi => "Anthropic API",
            EngineKind::OpenaiApi => "OpenAI-compatible API",
            EngineKind::ClaudeCode => "Claude Code",
            EngineKind::Codex => "Codex",
            EngineKind::Acp => "ACP agent",
            EngineKind::Practice => "Practice",
        }
    }

    /// The engine with that name.
    pub fn from_name(name: &str) -> Option<EngineKind> {
        EngineKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The provider whose key it uses, where it uses one (`anthropic`, `openai`).
    pub const fn provider(self) -> Option<&'static str> {
        match self {
            EngineKind::AnthropicApi | EngineKind::ClaudeCode => Some("anthropic"),
            EngineKind::OpenaiApi | EngineKind::Codex => Some("openai"),
            EngineKind::Acp | EngineKind::Practice => None,
        }
    }

    /// Whether it is a program of somebody else's that we start and watch.
    pub const fn is_program(self) -> bool {
        matches!(self, EngineKind::ClaudeCode | EngineKind::Codex | EngineKind::Acp)
    }
}

/// The name of an engine as configs and settings have it: `claude-code`, or `acp:gemini` for one of the agents that
/// speak the Agent Client Protocol.
pub fn engine_name(kind: EngineKind, agent: &str) -> String {
    if agent.is_empty() { kind.name().to_owned() } else { format!("{}:{agent}", kind.name()) }
}

/// The engine, and the agent of it, that a name stands for.
pub fn engine_from_name(name: &str) -> Option<(EngineKind, &str)> {
    match name.split_once(':') {
        Some((kind, agent)) if kind == EngineKind::Acp.name() && !agent.is_empty() => Some((EngineKind::Acp, agent)),
        Some(_) => None,
        None => EngineKind::from_name(name).filter(|kind| *kind != EngineKind::Acp).map(|kind| (kind, "")),
    }
}

/// An agent that speaks the Agent Client Protocol, as one looks for it on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcpAgent {
    /// Its name in configs, after `acp:`.
    pub id: &'static str,
    /// Its name on screen.
    pub label: &'static str,
    /// Names of its program, the first that is found counts.
    pub programs: &'static [&'static str],
    /// The npm package that it comes in.
    pub npm: &'static str,
    /// The provider whose key it can use, where that is one of ours.
    pub provider: Option<&'static str>,
}

/// The agents that are known to speak it. [`ACP_CUSTOM`] is any other.
pub const ACP_AGENTS: &[AcpAgent] = &[
    AcpAgent { id: "gemini", label: "Gemini CLI", programs: &["gemini"], npm: "@google/gemini-cli", provider: None },
    AcpAgent {
        id: "opencode",
        label: "opencode",
        programs: &["opencode"],
        npm: "opencode-ai",
        provider: Some("openai"),
    },
    AcpAgent {
        id: "claude",
        label: "Claude Agent (ACP)",
        programs: &["claude-agent-acp", "claude-code-acp"],
        npm: "@agentclientprotocol/claude-agent-acp",
        provider: Some("anthropic"),
    },
    AcpAgent {
        id: "codex",
        label: "Codex (ACP)",
        programs: &["codex-acp"],
        npm: "@agentclientprotocol/codex-acp",
        provider: Some("openai"),
    },
];

/// The agent that the founder's own command starts ([`crate::Settings::acp_command`]).
pub const ACP_CUSTOM: &str = "custom";

/// The known agent of that name.
pub fn acp_agent(id: &str) -> Option<&'static AcpAgent> {
    ACP_AGENTS.iter().find(|agent| agent.id == id)
}

/// The engine a brief would run on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct EngineChoice {
    /// The engine; none where the company cannot be briefed as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub kind: Option<EngineKind>,
    /// Which of the agents that speak ACP (`gemini`); empty for any other engine.
    #[serde(default)]
    pub agent: String,
    /// One line for the screen ("Anthropic API · key in keychain", "Practice: no model, nothing is charged").
    pub label: String,
    /// Whether it stands in for the company's own, which is out of quota or down.
    #[serde(default)]
    pub is_fallback: bool,
    /// Why there is none, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub problem: Option<Error>,
}

/// How an engine's calls are paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Pays {
    /// With the program's own login where it has one, else with a key that we hold.
    #[default]
    Auto,
    /// With the program's own login. It is metered by what it reports.
    Login,
    /// With a key that we hold, which the program never sees: each call is leased and metered.
    Key,
}

/// Whether a program is logged in at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// It is.
    In,
    /// It is not.
    Out,
    /// It does not say.
    Unknown,
    /// It needs none.
    None,
}

/// Whether a program's version is one that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// The version that the tests drive, or one near it.
    Tested,
    /// Newer or older than those that were tried; likely to work.
    Untested,
    /// Too old: it lacks what we need.
    TooOld,
}

/// An engine on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct EngineInfo {
    /// Its name in configs (`claude-code`, `acp:gemini`).
    pub engine: String,
    /// Which engine it is.
    pub kind: EngineKind,
    /// Its name on screen ("Gemini CLI").
    pub label: String,
    /// The program, absolute, where it is one and was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub program: Option<String>,
    /// Its version, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub version: Option<String>,
    /// What we know of that version; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub support: Option<Support>,
    /// Whether it is logged in by itself.
    pub login: Login,
    /// Whether a key is stored that it could use.
    pub key: bool,
    /// How its calls are to be paid for.
    pub pays: Pays,
    /// Whether a brief could run on it now.
    pub ready: bool,
    /// How it stands, in a sentence.
    pub detail: String,
    /// What to do, in a sentence; empty where there is nothing.
    pub fix: String,
}

/// How far agents and their commands can be confined on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Confinement {
    /// How far.
    pub level: Confined,
    /// How it stands, in a sentence.
    pub detail: String,
    /// What to do, in a sentence; empty where there is nothing.
    pub fix: String,
}

/// How far a process is confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confined {
    /// Files, sockets and system calls are limited as docs/security.md says.
    Full,
    /// Some of that; the kernel lacks the rest.
    Partly,
    /// Not at all: it can do what the founder can do.
    #[default]
    No,
}

/// Whether agents and their commands are confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    /// As far as the system can; where it cannot, the founder is told.
    #[default]
    Auto,
    /// Always: where the system cannot, no commands and no agent programs are started.
    Required,
    /// Never.
    Off,
}

/// What came of trying an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct EngineTrial {
    /// Whether it answered.
    pub ok: bool,
    /// What it answered, cut. Hostile text.
    pub text: String,
    /// The model that answered.
    pub model: String,
    /// What that cost.
    pub cost_usd: Money,
    /// Where the figure comes from.
    pub basis: CostBasis,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// Why it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub error: Option<Error>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_name_reads_back() {
        for (name, kind, agent) in [
            ("claude-code", EngineKind::ClaudeCode, ""),
            ("acp:gemini", EngineKind::Acp, "gemini"),
            ("practice", EngineKind::Practice, ""),
        ] {
            assert_eq!(engine_from_name(name), Some((kind, agent)));
            assert_eq!(engine_name(kind, agent), name);
        }
        for nothing in ["acp", "acp:", "codex:x", "", "auto"] {
            assert_eq!(engine_from_name(nothing), None, "{nothing}");
        }
    }
}
