//! The agents that are known to speak the Agent Client Protocol, and how each is started.

use crate::bridge::Dialect;

/// An agent that speaks the Agent Client Protocol.
#[derive(Clone, Copy, Debug)]
pub struct AcpAgent {
    /// Its name in configs: `acp:` and this.
    pub id: &'static str,
    /// Its name on screen.
    pub label: &'static str,
    /// The names that its program may have.
    pub programs: &'static [&'static str],
    /// What the program is started with to speak the protocol.
    pub args: &'static [&'static str],
    /// The package that holds it, at npm.
    pub npm: &'static str,
    /// What it speaks to its model, where that can go through us so that we hold the key.
    pub(crate) dialect: Option<Dialect>,
    /// Whether its model is one of Claude's.
    pub(crate) is_claude: bool,
    /// What is set in its environment: it asks before it acts, takes no settings from the folder that it works in, and
    /// looks up nothing that it needs not.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// Where it keeps its login and its conversations, below the founder's home.
    pub(crate) own: &'static [&'static str],
    /// The mode of a session in which it asks before it acts, where it has modes.
    pub(crate) asking_mode: Option<&'static str>,
    /// How a session is told what comes before all else.
    pub(crate) told: Told,
}

/// How an agent is told what comes before all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// With the first words to it.
    First,
    /// By an extension of `session/new` that the adapter for Claude has: it is added to its own instructions.
    ClaudeMeta,
}

const AGENTS: [AcpAgent; 5] = [
    AcpAgent {
        id: "gemini",
        label: "Gemini CLI",
        programs: &["gemini"],
        args: &["--experimental-acp"],
        npm: "@google/gemini-cli",
        dialect: None,
        is_claude: false,
        // Signals to its launcher do nothing: let there be none.
        env: &[("GEMINI_CLI_NO_RELAUNCH", "true"), ("GEMINI_CLI_TRUST_WORKSPACE", "false")],
        own: &[".gemini"],
        asking_mode: Some("default"),
        told: Told::First,
    },
    AcpAgent {
        id: "opencode",
        label: "opencode",
        programs: &["opencode"],
        args: &["acp"],
        npm: "opencode-ai",
        dialect: Some(Dialect::Openai),
        is_claude: false,
        env: &[
            ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
            ("OPENCODE_DISABLE_PROJECT_CONFIG", "1"),
            ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
            ("OPENCODE_DISABLE_SHARE", "1"),
        ],
        own: &[".local/share/opencode", ".local/state/opencode", ".config/opencode", ".cache/opencode"],
        asking_mode: None,
        told: Told::First,
    },
    AcpAgent {
        id: "claude",
        label: "Claude Agent (ACP)",
        programs: &["claude-agent-acp", "claude-code-acp"],
        args: &[],
        npm: "@agentclientprotocol/claude-agent-acp",
        dialect: Some(Dialect::Anthropic),
        is_claude: true,
        env: &[
            ("DISABLE_TELEMETRY", "1"),
            ("DISABLE_ERROR_REPORTING", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            // Its ten tries of a refused key take three minutes.
            ("CLAUDE_CODE_MAX_RETRIES", "4"),
            // The company's agents, by our tool, and no others.
            ("CLAUDE_AGENT_SDK_DISABLE_BUILTIN_AGENTS", "1"),
        ],
        own: &[".claude", ".claude.json"],
        asking_mode: Some("default"),
        told: Told::ClaudeMeta,
    },
    AcpAgent {
        id: "codex",
        label: "Codex (ACP)",
        programs: &["codex-acp"],
        args: &[],
        npm: "@zed-industries/codex-acp",
        dialect: Some(Dialect::Openai),
        is_claude: false,
        env: &[],
        own: &[".codex"],
        asking_mode: Some("read-only"),
        told: Told::First,
    },
    AcpAgent {
        id: "custom",
        label: "ACP agent",
        programs: &[],
        args: &[],
        npm: "",
        dialect: None,
        is_claude: false,
        env: &[],
        own: &[],
        asking_mode: None,
        told: Told::First,
    },
];

/// The agents that are known, `custom` last: that one is the command line of the founder's settings.
pub fn acp_agents() -> &'static [AcpAgent] {
    &AGENTS
}

/// The agent with that id.
pub(crate) fn agent(id: &str) -> Option<&'static AcpAgent> {
    AGENTS.iter().find(|agent| agent.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_agent_has_a_name_of_its_own_and_a_way_to_be_found() {
        for (index, one) in acp_agents().iter().enumerate() {
            assert!(acp_agents().iter().skip(index + 1).all(|other| other.id != one.id), "{}", one.id);
            assert_eq!(one.programs.is_empty(), one.id == "custom", "{}", one.id);
            assert_eq!(contract::engine_from_name(&format!("acp:{}", one.id)).unwrap().1, one.id);
        }
        assert!(agent("nobody").is_none());
    }
}
