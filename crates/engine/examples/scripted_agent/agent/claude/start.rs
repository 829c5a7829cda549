//! How it begins: from its arguments, its environment, and what it kept of a conversation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Claude, VERSION};
use crate::agent::lines::{Out, id};
use crate::agent::mcp::Server;
use crate::agent::options::Options;
use crate::agent::provider::{Api, Dialect, Usage};
use crate::agent::tools::Tool;
use crate::agent::work::{Agent, offered};

impl Claude {
    pub(super) async fn new(options: &Options) -> Claude {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let dir = std::env::current_dir().unwrap();
        let session = options.value("--resume").or(options.value("--session-id")).map_or_else(id, str::to_owned);
        let home = var("CLAUDE_CONFIG_DIR").map(PathBuf::from);
        let home = home.unwrap_or_else(|| PathBuf::from(var("HOME").unwrap_or_default()).join(".claude"));
        let place: String =
            dir.display().to_string().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let model = match options.value("--model").unwrap_or("opus") {
            short @ ("opus" | "sonnet" | "haiku") => format!("claude-{short}-5-5"),
            other => other.to_owned(),
        };
        let login = options.own_login().map(|(url, key)| (url, ("x-api-key".to_owned(), key)));
        let by_key = var("ANTHROPIC_API_KEY").map(|key| ("x-api-key".to_owned(), key));
        let by_token =
            || var("ANTHROPIC_AUTH_TOKEN").map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        let by_env = var("ANTHROPIC_BASE_URL").zip(by_key.or_else(by_token));
        let api = by_env.or(login).map(|(base_url, key)| Api {
            dialect: Dialect::Messages,
            base_url,
            key,
            model: model.clone(),
            user_agent: format!("claude-cli/{VERSION} (external, sdk-cli)"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        });
        let text = |option: &str| {
            let from_file =
                || options.value(&format!("{option}-file")).and_then(|file| std::fs::read_to_string(file).ok());
            options.value(option).map(str::to_owned).or_else(from_file).unwrap_or_default()
        };
        let agents = options.value("--agents").map(json_or_file).unwrap_or_default();
        let mut servers = Vec::new();
        for config in options.values("--mcp-config") {
            for (name, server) in json_or_file(config)["mcpServers"].as_object().into_iter().flatten() {
                let headers = server["headers"].as_object().into_iter().flatten();
                let headers = headers.map(|(name, value)| (name.clone(), expand(value.as_str().unwrap_or_default())));
                let url = expand(server["url"].as_str().unwrap_or_default());
                servers.extend(Server::connect(name, &url, headers.collect()).await);
            }
        }
        let list = |names: [&str; 2]| -> Vec<String> {
            let values = names.iter().flat_map(|name| options.values(name)).flat_map(|value| value.split([',', ' ']));
            values.map(|tool| tool.split('(').next().unwrap_or_default().to_owned()).collect()
        };
        let skips = options.has("--dangerously-skip-permissions")
            || options.value("--permission-mode") == Some("bypassPermissions");
        Claude {
            out: Out::default(),
            file: home.join("projects").join(place).join(format!("{session}.jsonl")),
            session,
            dir,
            system: Mutex::new(format!(
                "You are Claude Code.\n{}\n{}",
                text("--system-prompt"),
                text("--append-system-prompt")
            )),
            model,
            turns: options.value("--max-turns").and_then(|turns| turns.parse().ok()).unwrap_or_default(),
            retries: var("CLAUDE_CODE_MAX_RETRIES").and_then(|retries| retries.parse().ok()).unwrap_or(10),
            api,
            agents: Mutex::new(agents.as_object().cloned().unwrap_or_default().into_iter().collect()),
            servers,
            replays: options.has("--replay-user-messages"),
            shows_deltas: options.has("--include-partial-messages"),
            forwards: options.has("--forward-subagent-text"),
            asks: !skips,
            allowed: list(["--allowedTools", "--allowed-tools"]),
            forbidden: list(["--disallowedTools", "--disallowed-tools"]),
            asked: Mutex::default(),
            spent: Mutex::default(),
            of_turn: Mutex::default(),
            told: Mutex::default(),
            of_reply: Mutex::default(),
            streamed: Mutex::default(),
        }
    }

    /// The conversation so far; none where one is to be taken up that nobody knows.
    pub(super) fn kept(&self, options: &Options) -> Option<Vec<Value>> {
        if options.value("--resume").is_none() {
            return Some(Vec::new());
        }
        let text = std::fs::read_to_string(&self.file).ok()?;
        let kept: Value = serde_json::from_str(&text).ok()?;
        let mut spent = self.spent.lock().unwrap();
        for (model, usage) in kept["spent"].as_object().into_iter().flatten() {
            let tokens = |name: &str| usage[name].as_i64().unwrap_or_default();
            let (input, output) = (tokens("inputTokens"), tokens("outputTokens"));
            let (cache_read, cache_write) = (tokens("cacheReadInputTokens"), tokens("cacheCreationInputTokens"));
            spent.insert(model.clone(), Usage { input, output, cache_read, cache_write });
        }
        self.told.lock().unwrap().0.clone_from(&spent);
        kept["messages"].as_array().cloned()
    }

    pub(super) fn save(&self, messages: &[Value]) {
        let kept = json!({ "messages": messages, "spent": self.model_usage() });
        let folder = self.file.parent().map_or(Ok(()), std::fs::create_dir_all);
        if folder.and_then(|()| std::fs::write(&self.file, kept.to_string())).is_err() {
            eprintln!("The session could not be saved.");
        }
    }

    pub(super) fn agent(&self, messages: Vec<Value>) -> Agent {
        let mut tools = own_tools();
        let roles: Vec<String> = self.agents.lock().unwrap().keys().cloned().collect();
        if !roles.is_empty() {
            let properties = json!({
                "description": { "type": "string" }, "prompt": { "type": "string" },
                "subagent_type": { "type": "string", "enum": roles },
            });
            tools.push(Tool::new("Agent", "Launches an agent", properties));
        }
        tools.extend(offered(&self.servers));
        tools.retain(|tool| !self.forbidden.contains(&tool.name));
        let api = self.api.clone().unwrap_or_else(|| Api {
            dialect: Dialect::Messages,
            base_url: String::new(),
            key: ("x-api-key".into(), String::new()),
            model: self.model.clone(),
            user_agent: String::new(),
            http: reqwest::Client::new(),
        });
        Agent {
            api,
            system: self.system.lock().unwrap().clone(),
            tools,
            servers: self.servers.clone(),
            messages,
            dir: self.dir.clone(),
            inbox: Arc::default(),
            parent: None,
            turns: self.turns,
            retries: if self.api.is_some() { self.retries } else { 0 },
            hopeless: |failure| matches!(failure.status(), Some(400 | 403 | 404 | 413)),
        }
    }
}

fn own_tools() -> Vec<Tool> {
    let text = || json!({ "type": "string" });
    vec![
        Tool::new("Bash", "Runs a command", json!({ "command": text(), "description": text() })),
        Tool::new("Write", "Writes a file", json!({ "file_path": text(), "content": text() })),
        Tool::new("Read", "Reads a file", json!({ "file_path": text() })),
    ]
}

fn json_or_file(text: &str) -> Value {
    let file = || serde_json::from_str(&std::fs::read_to_string(text).ok()?).ok();
    serde_json::from_str(text).ok().or_else(file).unwrap_or_default()
}

/// `${NAME}` in a config is what the environment has.
fn expand(text: &str) -> String {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let name = name.split(":-").next().unwrap_or_default();
        out.push_str(&std::env::var(name).unwrap_or_default());
        out.push_str(rest);
    }
    out
}
