//! What an agent is started with.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use contract::Error;
use serde_json::json;

use super::agents::AcpAgent;
use crate::bridge::{Dialect, MCP_SERVER};
use crate::codex;
use crate::programs::{Door, Setup, Stand};

/// The variable that holds the run's token.
const TOKEN: &str = "AICIB_RUN_TOKEN";
/// The name of the provider that is our bridge.
const PROVIDER: &str = "aicib";

/// The program with its arguments and environment.
///
/// # Errors
/// `engine.not_found` where no program is named, `internal` where a folder cannot be made.
pub(super) fn setup(agent: &AcpAgent, stand: &Stand<'_>) -> Result<Setup, Error> {
    let mut setup = Setup::new(stand, agent.label)?.args(agent.args.iter().copied());
    for (name, value) in agent.env {
        setup = setup.env(name, value);
    }
    if agent.is_claude {
        // It keeps logs of its tools there.
        setup = setup.env("XDG_CACHE_HOME", stand.tmp_dir.join("cache"));
    }
    // The program may be an interpreter, and the agent a script that it is given.
    let scripts = stand.spec.args.iter().map(Path::new).filter(|arg| arg.is_absolute());
    let folders: Vec<_> = scripts.chain([setup.program.as_path()]).filter_map(installed).collect();
    setup.read.extend(folders);
    let state = stand.brief.state_dir.join("acp").join(agent.id);
    match stand.door.filter(|door| door.pays) {
        Some(door) => {
            let made = std::fs::create_dir_all(&state);
            made.map_err(|error| Error::internal(format!("The folder {} cannot be made: {error}.", state.display())))?;
            setup = with_key(setup, agent, stand, door, &state).own(state);
        }
        None => {
            let home = std::env::home_dir();
            let own = agent.own.iter().filter_map(|path| Some(home.as_ref()?.join(path)));
            setup.own.extend(own);
            if agent.id == "opencode" {
                setup = setup.env("OPENCODE_CONFIG_CONTENT", opencode(None).to_string());
            }
            if let (true, Some(model)) = (agent.is_claude, stand.model) {
                setup = setup.env("ANTHROPIC_MODEL", model);
            }
        }
    }
    Ok(setup)
}

/// The same for an agent that calls its model through us, with nothing of the founder's own.
fn with_key(setup: Setup, agent: &AcpAgent, stand: &Stand<'_>, door: &Door, state: &Path) -> Setup {
    let setup = match agent.dialect {
        Some(Dialect::Anthropic) => {
            let setup = setup
                .env("ANTHROPIC_BASE_URL", door.anthropic())
                .env("ANTHROPIC_API_KEY", &door.token)
                .env("CLAUDE_CONFIG_DIR", state);
            match stand.model {
                Some(model) => setup.env("ANTHROPIC_MODEL", model),
                None => setup,
            }
        }
        _ => setup.env(TOKEN, &door.token),
    };
    match agent.id {
        "opencode" => ["DATA", "STATE", "CACHE", "CONFIG"]
            .into_iter()
            .fold(setup, |setup, kind| setup.env(format!("XDG_{kind}_HOME"), state.join(kind.to_lowercase())))
            .env("OPENCODE_DISABLE_MODELS_FETCH", "1")
            .env("OPENCODE_CONFIG_CONTENT", opencode(Some((door, stand.model.unwrap_or("gpt-5")))).to_string()),
        "codex" => {
            let overrides = codex::provider(door, TOKEN)
                .into_iter()
                .chain(stand.model.map(|model| ("model".to_owned(), json!(model).to_string())));
            let args: Vec<OsString> =
                overrides.flat_map(|(name, value)| ["-c".into(), format!("{name}={value}").into()]).collect();
            setup.args(args).env("CODEX_HOME", state)
        }
        _ => setup,
    }
}

/// Settings of opencode's: it asks before each tool call that is not ours. With a way to a model through us, where we
/// pay.
fn opencode(through: Option<(&Door, &str)>) -> serde_json::Value {
    let ours = format!("{MCP_SERVER}_*");
    let mut config = json!({
        "autoupdate": false,
        "share": "disabled",
        "permission": { "*": "ask", ours: "allow", "task": "deny", "question": "deny" },
    });
    if let Some((door, model)) = through {
        config["provider"] = json!({ PROVIDER: {
            "npm": "@ai-sdk/openai-compatible",
            "name": "AICIB",
            "options": { "baseURL": door.openai(), "apiKey": format!("{{env:{TOKEN}}}") },
            "models": { model: { "name": model } },
        } });
        config["model"] = json!(format!("{PROVIDER}/{model}"));
        config["small_model"] = config["model"].clone();
    }
    config
}

/// The folder of packages that a program is a part of, which it reads: what it needs is installed beside it.
fn installed(program: &Path) -> Option<PathBuf> {
    let real = program.canonicalize().ok()?;
    let packages = real.ancestors().filter(|folder| folder.file_name().is_some_and(|name| name == "node_modules"));
    packages.last().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_script_reads_the_packages_that_it_was_installed_with() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let script = root.join("lib/node_modules/@x/agent/node_modules/y/index.js");
        std::fs::create_dir_all(script.parent().unwrap()).unwrap();
        std::fs::write(&script, "").unwrap();
        let link = root.join("agent");
        std::os::unix::fs::symlink(&script, &link).unwrap();
        assert_eq!(installed(&link), Some(root.join("lib/node_modules")));
        assert_eq!(installed(&root), None);
    }

    #[test]
    fn opencode_asks_and_gets_its_key_from_the_environment() {
        let door = Door { base: "http://127.0.0.1:1".into(), port: 1, token: "secret".into(), pays: true };
        let config = opencode(Some((&door, "m"))).to_string();
        assert!(config.contains(r#""*":"ask""#) && config.contains("{env:AICIB_RUN_TOKEN}"), "{config}");
        assert!(!config.contains("secret"), "{config}");
    }
}
