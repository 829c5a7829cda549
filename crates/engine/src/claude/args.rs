//! How Claude Code is started, and what it is told before the first turn.

use std::path::Path;

use contract::{Confined, Error};
use process::Network;
use serde_json::{Map, Value, json};

use super::LABEL;
use crate::bridge::MCP_SERVER;
use crate::programs::{Report, Setup, Stand};

/// Milliseconds that are as good as no limit: our own clocks hold.
const NO_LIMIT: &str = "2147483647";
/// Calls that it tries again by itself, after a blip. What lasts longer is waited for as for any provider.
const RETRIES: &str = "2";
/// The variable that holds the token for our tools.
const TOKEN: &str = "AICIB_DOOR_TOKEN";

/// Keeps it from looking up hosts of its own, and from doing things that nobody sees.
const QUIET: [(&str, &str); 18] = [
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", RETRIES),
    // Work goes on in the turn that asked for it, or the turn's end would not be the end.
    ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
    ("CLAUDE_CODE_DISABLE_CRON", "1"),
    ("CLAUDE_CODE_DISABLE_WORKFLOWS", "1"),
    // The company's agents, and no others.
    ("CLAUDE_AGENT_SDK_DISABLE_BUILTIN_AGENTS", "1"),
    ("CLAUDE_CODE_MAX_SUBAGENT_SPAWN_DEPTH", "2"),
    // What it knows, it knows from us: memory files are a company's, and could say anything.
    ("CLAUDE_CODE_DISABLE_CLAUDE_MDS", "1"),
    ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"),
    ("CLAUDE_CODE_DISABLE_BUNDLED_SKILLS", "1"),
    ("CLAUDE_CODE_DISABLE_FILE_CHECKPOINTING", "1"),
    ("CLAUDE_CODE_DISABLE_TERMINAL_TITLE", "1"),
    // Our tools may wait for the founder, or for the work of others.
    ("MCP_TOOL_TIMEOUT", NO_LIMIT),
    ("CLAUDE_CODE_MCP_TOOL_IDLE_TIMEOUT", NO_LIMIT),
    ("CLAUDE_CODE_MCP_AUTO_BACKGROUND_MS", NO_LIMIT),
];

/// The process.
///
/// # Errors
/// `engine.not_found`.
pub(super) fn setup(stand: &Stand<'_>) -> Result<Setup, Error> {
    let tools = tools(stand);
    let mut setup = Setup::new(stand, LABEL)?
        .args(["-p", "--output-format", "stream-json", "--input-format", "stream-json", "--verbose"])
        .args(["--include-partial-messages", "--forward-subagent-text", "--replay-user-messages"])
        .args(["--permission-prompt-tool", "stdio"])
        // Settings of the founder's and of the folder are not loaded, file tools keep to the folder.
        .args(["--restricted", "--strict-mcp-config", "--disable-slash-commands", "--no-chrome"])
        .args(["--system-prompt-snapshot", "off"])
        .arg("--tools")
        .arg(tools.join(","))
        .arg("--settings")
        .arg(settings(&tools).to_string())
        .envs(QUIET)
        .env("CLAUDE_CODE_TMPDIR", stand.tmp_dir)
        .env("XDG_CACHE_HOME", stand.tmp_dir.join("cache"));
    if stand.turns > 0 {
        setup = setup.arg("--max-turns").arg(stand.turns.to_string());
    }
    if let Some(model) = stand.model {
        setup = setup.arg("--model").arg(model);
    }
    if let Some(conversation) = &stand.conversation {
        setup = setup.arg("--resume").arg(conversation);
    }
    if let Some(door) = stand.door {
        let server = json!({ "type": "http", "url": door.mcp(),
            "headers": { "Authorization": format!("Bearer ${{{TOKEN}}}") } });
        setup = setup
            .arg("--mcp-config")
            .arg(json!({ "mcpServers": { MCP_SERVER: server } }).to_string())
            .env(TOKEN, &door.token);
    }
    Ok(match stand.door.filter(|door| door.pays) {
        Some(door) => {
            // A folder in the session's, never that itself: other engines have theirs beside it, and whoever could write
            // there could put a link in place of one, to be granted what it leads to.
            let state = stand.brief.state_dir.join("claude");
            let made = std::fs::create_dir_all(&state);
            made.map_err(|error| Error::internal(format!("The folder {} cannot be made: {error}.", state.display())))?;
            setup
                .env("ANTHROPIC_BASE_URL", door.anthropic())
                .env("ANTHROPIC_API_KEY", &door.token)
                .env("CLAUDE_CONFIG_DIR", &state)
                // A call may wait for leave; how long a provider may take is for the bridge to say.
                .envs(["API_TIMEOUT_MS", "CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS"].map(|name| (name, NO_LIMIT)))
                .own(state)
        }
        None => {
            let base = stand.spec.base_url.as_deref().filter(|url| !url.is_empty());
            let setup = setup.envs(base.map(|url| ("ANTHROPIC_BASE_URL", url)));
            own_login(setup, stand)
        }
    })
}

/// The first words on stdin: what would be too long for an argument, and is nobody's business.
pub(super) fn initialize(stand: &Stand<'_>, request: &str) -> Value {
    let agents: Map<String, Value> = stand.reports.iter().map(|report| (report.role.clone(), agent(report))).collect();
    let mut body = json!({ "subtype": "initialize", "hooks": null, "appendSystemPrompt": stand.system });
    if !agents.is_empty() {
        body["agents"] = Value::Object(agents);
    }
    json!({ "type": "control_request", "request_id": request, "request": body })
}

fn agent(report: &Report) -> Value {
    let mut tools: Vec<&str> = report.tools.iter().flat_map(|tool| names(tool)).copied().collect();
    tools.dedup();
    json!({
        "description": report.description,
        "prompt": report.prompt,
        "model": report.model,
        "tools": tools,
    })
}

/// Asks for everything, reading included: what an agent may do is for its autonomy and the founder's rules to say.
fn settings(tools: &[&str]) -> Value {
    json!({
        "permissions": { "ask": tools, "allow": [format!("mcp__{MCP_SERVER}")], "disableBypassPermissionsMode": "disable" },
        "disableAllHooks": true,
        "includeCoAuthoredBy": false,
    })
}

/// Its tools, for the agent and those that it hands work to. Who of them may use which is asked for each call.
fn tools(stand: &Stand<'_>) -> Vec<&'static str> {
    let own = stand.agent.tools.iter().filter(|tool| tool.as_str() != "Delegate");
    let below = stand.reports.iter().flat_map(|report| &report.tools).filter(|tool| tool.as_str() != "Delegate");
    let mut tools: Vec<&str> = Vec::new();
    let commands = stand.brief.company.config.commands.unwrap_or(stand.brief.confined != Confined::No);
    for name in own.chain(below).filter(|tool| commands || tool.as_str() != "Bash").flat_map(|tool| names(tool)) {
        if !tools.contains(name) {
            tools.push(name);
        }
    }
    if !stand.reports.is_empty() {
        tools.push("Agent");
    }
    if stand.brief.sandbox.network == Network::On {
        tools.extend(["WebFetch", "WebSearch"]);
    }
    tools
}

/// What one of our tools is called there.
fn names(tool: &str) -> &'static [&'static str] {
    match tool {
        "Read" => &["Read"],
        "Write" => &["Write"],
        "Edit" => &["Edit"],
        "List" | "Glob" => &["Glob"],
        "Grep" => &["Grep"],
        "Bash" => &["Bash"],
        "Delegate" => &["Agent"],
        _ => &[],
    }
}

/// Where it is confined, it has of the founder's own its login and the place of this folder's conversations, and nothing
/// in which an agent could leave something that runs later, outside: settings, hooks, plugins, shell snapshots.
fn own_login(setup: Setup, stand: &Stand<'_>) -> Setup {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let (Some(home), true) = (home, stand.brief.confined != Confined::No) else { return setup };
    let own = home.join(".claude");
    let talks = own.join("projects").join(place(&stand.brief.company.dir));
    if own.is_dir()
        && let Err(error) = std::fs::create_dir_all(&talks)
    {
        tracing::warn!(%error, "Claude Code will not be able to keep its conversations");
    }
    setup.read(home.join(".claude.json")).own(own.join(".credentials.json")).own(talks)
}

/// Its own name for a folder.
fn place(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    dir.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
