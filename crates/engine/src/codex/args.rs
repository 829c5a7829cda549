//! What Codex is started with: overrides of its config, so that the founder's own file need not be touched.

use std::path::{Path, PathBuf};

use contract::{Act, Error};
use serde_json::{Value, json};

use super::{LABEL, native};
use crate::bridge::MCP_SERVER;
use crate::programs::{Door, Setup, Stand};

/// The variable that holds the run's token. Commands do not get it.
const TOKEN: &str = "AICIB_RUN_TOKEN";
/// The name of the provider that is our bridge.
const PROVIDER: &str = "aicib";
/// How long a call of one of our tools may take, in seconds: somebody else works meanwhile, or the founder is asked.
const TOOL_TIME: u32 = 7 * 24 * 3600;

/// The program, its environment, and the config that holds however it is started; the command itself is still to be
/// added.
///
/// # Errors
/// `engine.not_found` where no program is named, `internal` where its folder cannot be made.
pub(super) fn setup(stand: &Stand<'_>, command: &[&str]) -> Result<Setup, Error> {
    let mut setup = Setup::new(stand, LABEL)?;
    setup.program = native::native(&setup.program);
    if let Some(folder) = native::home_of(&setup.program) {
        setup = setup.read(folder);
    }
    let home = home(stand)?;
    // Rules of its own there say what is not asked about. The folder is kept as it is, so it has to be there.
    if home.is_dir()
        && let Err(error) = std::fs::create_dir_all(home.join("rules"))
    {
        tracing::warn!(%error, "Codex has no folder for its rules, and its agents could make one");
    }
    setup = setup.args(command.iter().copied()).own(home.clone());
    if pays(stand) {
        setup = setup.env("CODEX_HOME", home);
    }
    if let Some(door) = stand.door {
        setup = setup.env(TOKEN, &door.token);
    }
    for (name, value) in overrides(stand) {
        setup = setup.arg("-c").arg(format!("{name}={value}"));
    }
    Ok(setup)
}

fn pays(stand: &Stand<'_>) -> bool {
    stand.door.is_some_and(|door| door.pays)
}

/// Where Codex keeps its login and its conversations: its own folder, or one of the session's where we pay. Never
/// below the folder for temporary files, where Codex refuses to keep programs.
fn home(stand: &Stand<'_>) -> Result<PathBuf, Error> {
    if !pays(stand) {
        let own = std::env::var_os("CODEX_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let own = own.or_else(|| std::env::home_dir().map(|home| home.join(".codex")));
        return own.ok_or_else(|| Error::internal("There is no home folder for Codex."));
    }
    let home = stand.brief.state_dir.join("codex");
    let made = std::fs::create_dir_all(&home);
    made.map_err(|error| Error::internal(format!("The folder {} cannot be made: {error}.", home.display())))?;
    Ok(home)
}

/// Names in Codex's config, and values as TOML has them.
fn overrides(stand: &Stand<'_>) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: Value| all.push((name.to_owned(), toml(&value)));
    set("analytics.enabled", json!(false));
    set("otel.exporter", json!("none"));
    set("check_for_update_on_startup", json!(false));
    set("notify", json!([]));
    // Agents of Codex's own are in none of its reports of what was used, and nobody sees what they do.
    set("features.multi_agent", json!(false));
    // What reaches out, or acts on the desktop, by itself: the company has not given it any of that.
    for feature in ["apps", "plugins", "browser_use", "in_app_browser", "computer_use", "image_generation"] {
        set(&format!("features.{feature}"), json!(false));
    }
    // It asks nobody before a command that it takes for harmless: who may run none has none.
    if !may_run_commands(stand) {
        set("features.shell_tool", json!(false));
        set("features.unified_exec", json!(false));
    }
    // It asks nobody before it searches.
    let searches = stand.brief.rules.allow_all(stand.brief.job_id, stand.agent, Act::Network);
    set("web_search", json!(if searches { "live" } else { "disabled" }));
    // The marks of a run are in the environment: a process without them would not be found.
    set("shell_environment_policy", json!({ "inherit": "all", "ignore_default_excludes": true, "exclude": [TOKEN] }));
    let folders = stand.brief.company.dir.ancestors();
    let untrusted: Value = folders
        .map(|folder| (text(folder), json!({ "trust_level": "untrusted" })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    set("projects", untrusted);
    let Some(door) = stand.door else { return all };
    let mut set = |name: String, value: Value| all.push((name, toml(&value)));
    let server = |name: &str| format!("mcp_servers.{MCP_SERVER}.{name}");
    set(server("url"), json!(door.mcp()));
    set(server("bearer_token_env_var"), json!(TOKEN));
    set(server("tool_timeout_sec"), json!(TOOL_TIME));
    set(server("default_tools_approval_mode"), json!("approve"));
    if door.pays {
        all.extend(provider(door, TOKEN));
    }
    all
}

/// Whether its agent may run a command at all, asked or not.
fn may_run_commands(stand: &Stand<'_>) -> bool {
    let Stand { brief, agent, .. } = stand;
    let has = agent.tools.iter().any(|tool| tool.eq_ignore_ascii_case("Bash"));
    let denied = brief.company.config.commands == Some(false);
    has && !denied && !brief.rules.denies(brief.job_id, agent, Act::Command)
}

/// Overrides by which Codex calls its model through us. `token`: the variable that holds the run's token.
pub(crate) fn provider(door: &Door, token: &str) -> Vec<(String, String)> {
    let fields = [
        ("name", "AICIB".to_owned()),
        ("base_url", door.openai()),
        ("env_key", token.to_owned()),
        ("wire_api", "responses".to_owned()),
    ];
    let fields = fields.map(|(name, value)| (format!("model_providers.{PROVIDER}.{name}"), json!(value).to_string()));
    [("model_provider".to_owned(), json!(PROVIDER).to_string())].into_iter().chain(fields).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A value as TOML has it: strings as in JSON, tables in a line.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{}={}", json!(name), toml(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_toml() {
        let value = json!({ "/a \"b\"": { "trust_level": "untrusted" } });
        assert_eq!(toml(&value), r#"{"/a \"b\""={"trust_level"="untrusted"}}"#);
        assert_eq!(toml(&json!(["x", 1, false])), r#"["x",1,false]"#);
    }
}
