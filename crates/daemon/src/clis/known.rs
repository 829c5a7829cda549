//! The programs of engines that we know: what they are called, which versions, how one gets them.

use contract::{ACP_AGENTS, ACP_CUSTOM, AcpAgent, EngineKind, Support, engine_name};
use semver::Version;

/// A program that an engine drives.
#[derive(Clone, Debug)]
pub struct Cli {
    /// The engine.
    pub kind: EngineKind,
    /// Which of the agents that speak ACP; empty for any other engine.
    pub agent: &'static str,
    /// Its name on screen.
    pub label: &'static str,
    /// Names of its program, the first that is found counts.
    pub programs: &'static [&'static str],
    /// The npm package that it comes in; empty for the founder's own command.
    pub npm: &'static str,
    /// How one logs in with it, in a sentence.
    pub log_in: &'static str,
    /// Whether `--version` makes it say its version, where it is no package that says it.
    pub says_version: bool,
    /// The provider whose key it can use, where that is one of ours.
    pub provider: Option<&'static str>,
    /// The version that the tests drive, and the oldest one that has what we need.
    pub versions: Option<(Version, Version)>,
}

impl Cli {
    /// Its engine's name in configs.
    pub fn name(&self) -> String {
        engine_name(self.kind, self.agent)
    }

    /// What we know of a version of it.
    pub fn support(&self, version: &str) -> Option<Support> {
        let (tested, oldest) = self.versions.as_ref()?;
        let version = Version::parse(version).ok()?;
        // Before 1.0 each minor version is a release like any other.
        let near = match tested.major {
            0 => version.major == 0 && version.minor.abs_diff(tested.minor) <= 5,
            _ => (version.major, version.minor) == (tested.major, tested.minor),
        };
        Some(match version {
            version if version < *oldest => Support::TooOld,
            _ if near => Support::Tested,
            _ => Support::Untested,
        })
    }

    /// How one gets it, in a sentence.
    pub fn install(&self) -> String {
        match self.npm {
            "" => {
                "Name its command: `aicib settings set acp_command \"my-agent --acp\"`, or in Settings, under Engines."
                    .to_owned()
            }
            npm => format!("Install it: `npm install -g {npm}`. Or name its place in Settings, under Engines."),
        }
    }

    /// What to do about a path of the founder's that leads nowhere.
    pub fn mend_path(&self) -> String {
        format!(
            "Correct the path in Settings, under Engines, or leave it empty, and it is looked for: `aicib settings set \
             engine_programs.{} \"\"`.",
            self.name()
        )
    }
}

/// Every program that we know, Claude Code first.
pub fn all() -> Vec<Cli> {
    let own = [
        Cli {
            kind: EngineKind::ClaudeCode,
            agent: "",
            label: EngineKind::ClaudeCode.label(),
            programs: &["claude"],
            npm: "@anthropic-ai/claude-code",
            log_in: "Run `claude auth login` in a terminal, or store a key with `aicib key set anthropic`.",
            says_version: true,
            provider: EngineKind::ClaudeCode.provider(),
            versions: Some((Version::new(2, 1, 328), Version::new(2, 0, 0))),
        },
        Cli {
            kind: EngineKind::Codex,
            agent: "",
            label: EngineKind::Codex.label(),
            programs: &["codex"],
            npm: "@openai/codex",
            log_in: "Run `codex login` in a terminal, or store a key with `aicib key set openai`.",
            says_version: true,
            provider: EngineKind::Codex.provider(),
            // The app server's threads and turns came with 0.60.
            versions: Some((Version::new(0, 169, 0), Version::new(0, 60, 0))),
        },
    ];
    own.into_iter().chain(ACP_AGENTS.iter().map(of_acp)).chain([custom()]).collect()
}

/// The program of an engine, by the engine's name.
pub fn of(name: &str) -> Option<Cli> {
    all().into_iter().find(|cli| cli.name() == name)
}

fn of_acp(agent: &'static AcpAgent) -> Cli {
    let (versions, log_in) = match agent.id {
        "gemini" => {
            (Some((Version::new(0, 61, 0), Version::new(0, 20, 0))), "Run `gemini` in a terminal and log in there.")
        }
        "opencode" => {
            (Some((Version::new(1, 18, 33), Version::new(1, 0, 0))), "Run `opencode auth login` in a terminal.")
        }
        "claude" => (
            Some((Version::new(0, 49, 0), Version::new(0, 10, 0))),
            "Run `claude auth login` in a terminal, or store a key with `aicib key set anthropic`.",
        ),
        "codex" => (None, "Run `codex login` in a terminal, or store a key with `aicib key set openai`."),
        _ => (None, "Run it in a terminal and log in there."),
    };
    Cli {
        kind: EngineKind::Acp,
        agent: agent.id,
        label: agent.label,
        programs: agent.programs,
        npm: agent.npm,
        log_in,
        // The adapters take `--version` for nothing, and wait for a client.
        says_version: matches!(agent.id, "gemini" | "opencode"),
        provider: agent.provider,
        versions,
    }
}

fn custom() -> Cli {
    Cli {
        kind: EngineKind::Acp,
        agent: ACP_CUSTOM,
        label: "Custom ACP agent",
        programs: &[],
        npm: "",
        log_in: "Run it in a terminal and log in there.",
        says_version: false,
        provider: None,
        versions: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_or_too_old() {
        let claude = of("claude-code").unwrap();
        assert_eq!(claude.support("2.1.400"), Some(Support::Tested));
        assert_eq!(claude.support("2.2.0"), Some(Support::Untested));
        assert_eq!(claude.support("1.0.128"), Some(Support::TooOld));
        assert_eq!(claude.support("who knows"), None);
        let codex = of("codex").unwrap();
        assert_eq!(codex.support("0.171.2"), Some(Support::Tested));
        assert_eq!(codex.support("0.50.0"), Some(Support::TooOld));
        assert_eq!(codex.support("0.100.0-alpha.3"), Some(Support::Untested));
        assert_eq!(of("acp:custom").unwrap().support("1.0.0"), None);
        assert!(of("acp:nobody").is_none() && of("practice").is_none());
    }

    #[test]
    fn each_has_a_name_and_a_way_to_get_it() {
        let names: Vec<String> = all().iter().map(Cli::name).collect();
        assert_eq!(names.len(), 7, "{names:?}");
        for cli in all() {
            assert_eq!(of(&cli.name()).unwrap().label, cli.label);
            assert!(cli.install().contains(cli.npm) && cli.log_in.ends_with('.'));
        }
    }
}
