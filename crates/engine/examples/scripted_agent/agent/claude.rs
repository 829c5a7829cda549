//! Claude Code: `claude -p --input-format stream-json --output-format stream-json --verbose …`.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::lines::{Input, Out, id};
use super::mcp::Server;
use super::options::Options;
use super::provider::{Api, Dialect, Failure, Usage};
use super::tools::{self, Done, Tool};
use super::work::{Agent, Call, End, Front, offered};

const VERSION: &str = "2.1.328";

/// What it takes. Anything else is an error, as with the real one.
const KNOWN: &[&str] = &[
    "--add-dir",
    "--agents",
    "--allowedTools",
    "--allowed-tools",
    "--append-system-prompt",
    "--append-system-prompt-file",
    "--dangerously-skip-permissions",
    "--disable-slash-commands",
    "--disallowedTools",
    "--disallowed-tools",
    "--effort",
    "--fallback-model",
    "--forward-subagent-text",
    "--include-partial-messages",
    "--input-format",
    "--max-budget-usd",
    "--max-turns",
    "--mcp-config",
    "--model",
    "--name",
    "--no-chrome",
    "--output-format",
    "--permission-mode",
    "--permission-prompt-tool",
    "--permission-prompts",
    "--print",
    "--resume",
    "--session-id",
    "--setting-sources",
    "--settings",
    "--strict-mcp-config",
    "--system-prompt",
    "--system-prompt-file",
    "--tools",
    "--verbose",
    "--version",
    "--exclude-dynamic-system-prompt-sections",
    "--no-session-persistence",
    "--restricted",
];

/// Plays it until it ends.
pub async fn run(options: Options) -> i32 {
    if options.has("--version") || options.has("-v") {
        println!("{VERSION} (Claude Code)");
        return 0;
    }
    if let Some(option) = options.stranger(KNOWN) {
        eprintln!("error: unknown option '{option}'");
        return 1;
    }
    let is_streamed = options.value("--output-format") == Some("stream-json");
    if !is_streamed || !options.has("--verbose") {
        eprintln!("Error: When using --print, --output-format=stream-json requires --verbose");
        return 1;
    }
    let front = Arc::new(Claude::new(&options).await);
    let Some(kept) = front.kept(&options) else {
        let id = options.value("--resume").unwrap_or_default();
        front.result(&json!({
            "subtype": "error_during_execution", "is_error": true, "num_turns": 0,
            "errors": [format!("No conversation found with session ID: {id}")],
        }));
        return 1;
    };
    tokio::select! {
        code = serve(&front, kept) => code,
        code = tools::terminated() => code,
    }
}

/// Reads stdin, and works on one message of the user's after the other.
async fn serve(front: &Arc<Claude>, kept: Vec<Value>) -> i32 {
    let mut input = Input::new();
    let mut agent = front.agent(kept);
    let mut queue: VecDeque<String> = VecDeque::new();
    let mut is_open = true;
    loop {
        if let Some(said) = queue.pop_front() {
            front.init();
            let stop = CancellationToken::new();
            let begun = Instant::now();
            let (end, turns) = {
                let work = agent.work(&said, front.as_ref(), &stop);
                tokio::pin!(work);
                loop {
                    tokio::select! {
                        ended = &mut work => break ended,
                        line = input.next(), if is_open => match line {
                            Some(line) => match front.heard(line, &stop) {
                                Heard::Said(said) => queue.push_back(said),
                                Heard::Else => {}
                                Heard::Nonsense => return 1,
                            },
                            None => {
                                is_open = false;
                                front.nobody_answers();
                                tools::closed().await;
                            }
                        },
                    }
                }
            };
            front.save(&agent.messages);
            front.ended(end, turns, begun.elapsed());
            continue;
        }
        if !is_open {
            return 0;
        }
        match input.next().await {
            Some(line) => match front.heard(line, &CancellationToken::new()) {
                Heard::Said(said) => queue.push_back(said),
                Heard::Else => {}
                Heard::Nonsense => return 1,
            },
            None => {
                is_open = false;
                tools::closed().await;
            }
        }
    }
}

enum Heard {
    Said(String),
    Else,
    Nonsense,
}

struct Claude {
    out: Out,
    session: String,
    file: PathBuf,
    dir: PathBuf,
    system: String,
    model: String,
    turns: u32,
    retries: u32,
    api: Option<Api>,
    agents: HashMap<String, Value>,
    servers: Vec<Server>,
    shows_deltas: bool,
    forwards: bool,
    asks: bool,
    allowed: Vec<String>,
    forbidden: Vec<String>,
    asked: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    spent: Mutex<HashMap<String, Usage>>,
    of_turn: Mutex<Usage>,
}

impl Claude {
    async fn new(options: &Options) -> Claude {
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
            system: format!("You are Claude Code.\n{}\n{}", text("--system-prompt"), text("--append-system-prompt")),
            model,
            turns: options.value("--max-turns").and_then(|turns| turns.parse().ok()).unwrap_or_default(),
            retries: var("CLAUDE_CODE_MAX_RETRIES").and_then(|retries| retries.parse().ok()).unwrap_or(10),
            api,
            agents: agents.as_object().cloned().unwrap_or_default().into_iter().collect(),
            servers,
            shows_deltas: options.has("--include-partial-messages"),
            forwards: options.has("--forward-subagent-text"),
            asks: !skips,
            allowed: list(["--allowedTools", "--allowed-tools"]),
            forbidden: list(["--disallowedTools", "--disallowed-tools"]),
            asked: Mutex::default(),
            spent: Mutex::default(),
            of_turn: Mutex::default(),
        }
    }

    /// The conversation so far; none where one is to be taken up that nobody knows.
    fn kept(&self, options: &Options) -> Option<Vec<Value>> {
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
        kept["messages"].as_array().cloned()
    }

    fn save(&self, messages: &[Value]) {
        let kept = json!({ "messages": messages, "spent": self.model_usage() });
        let folder = self.file.parent().map_or(Ok(()), std::fs::create_dir_all);
        if folder.and_then(|()| std::fs::write(&self.file, kept.to_string())).is_err() {
            eprintln!("The session could not be saved.");
        }
    }

    fn agent(&self, messages: Vec<Value>) -> Agent {
        let mut tools = own_tools();
        if !self.agents.is_empty() {
            let properties = json!({
                "description": { "type": "string" }, "prompt": { "type": "string" },
                "subagent_type": { "type": "string", "enum": self.agents.keys().collect::<Vec<_>>() },
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
            system: self.system.clone(),
            tools,
            servers: self.servers.clone(),
            messages,
            dir: self.dir.clone(),
            parent: None,
            turns: self.turns,
            retries: if self.api.is_some() { self.retries } else { 0 },
            hopeless: |failure| matches!(failure.status(), Some(400 | 403 | 404 | 413)),
        }
    }

    /// A line of stdin.
    fn heard(&self, line: Result<Value, String>, stop: &CancellationToken) -> Heard {
        let line = match line {
            Ok(line) if line.is_object() => line,
            _ => {
                eprintln!("Error parsing streaming input line: it is not JSON");
                return Heard::Nonsense;
            }
        };
        match line["type"].as_str().unwrap_or_default() {
            "user" => {
                let content = &line["message"]["content"];
                let texts = content.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
                let text = content.as_str().map_or_else(|| texts.collect::<Vec<_>>().join("\n"), str::to_owned);
                Heard::Said(text)
            }
            "control_request" => {
                let answer = match line["request"]["subtype"].as_str().unwrap_or_default() {
                    "interrupt" => {
                        stop.cancel();
                        json!({ "still_queued": [] })
                    }
                    _ => json!({ "commands": [], "models": [] }),
                };
                self.out.line(&json!({ "type": "control_response", "response": {
                    "subtype": "success", "request_id": line["request_id"], "response": answer,
                } }));
                Heard::Else
            }
            "control_response" => {
                let id = line["response"]["request_id"].as_str().unwrap_or_default();
                if let Some(waiting) = self.asked.lock().unwrap().remove(id) {
                    let _ = waiting.send(line["response"]["response"].clone());
                }
                Heard::Else
            }
            _ => Heard::Else,
        }
    }

    /// Stdin is closed: who asked is denied.
    fn nobody_answers(&self) {
        self.asked.lock().unwrap().clear();
    }

    fn init(&self) {
        self.event(None, json!({
            "type": "system", "subtype": "init", "cwd": self.dir, "model": self.model, "claude_code_version": VERSION,
            "tools": ["Task", "Bash", "Read", "Write"], "permissionMode": "default", "apiKeySource": "ANTHROPIC_API_KEY",
            "mcp_servers": self.servers.iter().map(|server| json!({ "name": server.name, "status": "connected" }))
                .collect::<Vec<_>>(),
        }));
    }

    fn event(&self, parent: Option<&str>, mut event: Value) {
        event["session_id"] = self.session.as_str().into();
        event["uuid"] = id().into();
        if event["type"] != "result" && event["type"] != "system" {
            event["parent_tool_use_id"] = parent.into();
        }
        self.out.line(&event);
    }

    fn result(&self, more: &Value) {
        let mut result = json!({
            "type": "result", "subtype": "success", "is_error": false, "total_cost_usd": self.total(),
            "duration_ms": 1, "duration_api_ms": 1, "modelUsage": self.model_usage(), "permission_denials": [],
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            result[name] = value.clone();
        }
        self.event(None, result);
    }

    fn ended(&self, end: End, turns: u32, took: Duration) {
        let used = std::mem::take(&mut *self.of_turn.lock().unwrap());
        let usage = json!({
            "input_tokens": used.input, "output_tokens": used.output, "cache_read_input_tokens": used.cache_read,
            "cache_creation_input_tokens": used.cache_write,
        });
        let took = took.as_millis() as u64;
        let mut result = json!({ "num_turns": turns, "usage": usage, "duration_ms": took });
        match end {
            End::Done(text) => {
                result["result"] = text.into();
                result["terminal_reason"] = "completed".into();
            }
            End::Turns => {
                result["subtype"] = "error_max_turns".into();
                result["is_error"] = true.into();
            }
            End::Interrupted => {
                self.event(
                    None,
                    json!({ "type": "user", "message": {
                    "role": "user", "content": [{ "type": "text", "text": "[Request interrupted by user]" }],
                } }),
                );
                result["subtype"] = "error_during_execution".into();
                result["is_error"] = true.into();
                result["terminal_reason"] = "aborted_streaming".into();
            }
            End::Failed(failure) => {
                let text = match (&failure, &self.api) {
                    (_, None) => "Not logged in · Please run /login".to_owned(),
                    (Failure::Refused { status: 401, .. }, _) => "Invalid API key · Fix external API key".to_owned(),
                    (Failure::Refused { status, message, .. }, _) => format!("API Error: {status} {message}"),
                    (Failure::Cut(why), _) => format!("API Error: {why}"),
                };
                self.event(
                    None,
                    json!({ "type": "assistant", "message": {
                    "id": id(), "role": "assistant", "model": "<synthetic>", "type": "message",
                    "content": [{ "type": "text", "text": text }], "stop_reason": "stop_sequence",
                    "usage": { "input_tokens": 0, "output_tokens": 0 },
                } }),
                );
                result["is_error"] = true.into();
                result["result"] = text.into();
                result["terminal_reason"] = "api_error".into();
                result["api_error_status"] = failure.status().into();
                if let Failure::Refused { kind, .. } = &failure {
                    result["api_error_type"] = kind.as_str().into();
                }
            }
        }
        self.result(&result);
    }

    fn model_usage(&self) -> Value {
        let spent = self.spent.lock().unwrap();
        let models = spent.iter().map(|(model, usage)| {
            let of_model = json!({
                "inputTokens": usage.input, "outputTokens": usage.output, "cacheReadInputTokens": usage.cache_read,
                "cacheCreationInputTokens": usage.cache_write, "costUSD": price(model, *usage),
            });
            (model.clone(), of_model)
        });
        Value::Object(models.collect())
    }

    fn total(&self) -> f64 {
        self.spent.lock().unwrap().iter().map(|(model, usage)| price(model, *usage)).sum()
    }
}

/// The program's own price of what was used, in dollars.
fn price(model: &str, usage: Usage) -> f64 {
    let (input, output) = match model {
        m if m.contains("opus") => (5.0, 25.0),
        m if m.contains("haiku") => (1.0, 5.0),
        _ => (3.0, 15.0),
    };
    let tokens = |count: i64| count as f64;
    (tokens(usage.input) * input
        + tokens(usage.output) * output
        + tokens(usage.cache_read) * input / 10.0
        + tokens(usage.cache_write) * input * 1.25)
        / 1e6
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

#[async_trait]
impl Front for Claude {
    fn out(&self) -> &Out {
        &self.out
    }

    fn delta(&self, parent: Option<&str>, text: &str) {
        if self.shows_deltas && parent.is_none() {
            self.event(
                parent,
                json!({ "type": "stream_event", "event": {
                "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text },
            } }),
            );
        }
    }

    fn said(&self, parent: Option<&str>, reply: &str, text: &str) {
        if parent.is_none() || self.forwards {
            self.block(parent, reply, json!({ "type": "text", "text": text }));
        }
    }

    fn thought(&self, parent: Option<&str>, reply: &str, text: &str) {
        if parent.is_none() || self.forwards {
            self.block(parent, reply, json!({ "type": "thinking", "thinking": text, "signature": "" }));
        }
    }

    fn started(&self, parent: Option<&str>, reply: &str, call: &Call) {
        self.block(parent, reply, json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.input }));
    }

    fn finished(&self, parent: Option<&str>, call: &Call, done: &Done) {
        let text = match done.exit {
            Some(code) if code != 0 => format!("Exit code {code}\n{}", done.text),
            _ => done.text.clone(),
        };
        let result = json!({ "type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": !done.ok });
        self.event(parent, json!({ "type": "user", "message": { "role": "user", "content": [result] } }));
    }

    fn used(&self, parent: Option<&str>, model: &str, usage: Usage) {
        *self.spent.lock().unwrap().entry(model.to_owned()).or_default() += usage;
        if parent.is_none() {
            *self.of_turn.lock().unwrap() += usage;
        }
    }

    fn retry(&self, attempt: u32, failure: &Failure, wait: Duration) {
        let error = match failure.status() {
            Some(401) => "authentication_failed",
            Some(429) => "rate_limit",
            Some(529) => "overloaded",
            Some(_) => "server_error",
            None => "unknown",
        };
        self.event(
            None,
            json!({
                "type": "system", "subtype": "api_retry", "attempt": attempt, "max_retries": self.retries,
                "retry_delay_ms": wait.as_millis() as u64, "error_status": failure.status(), "error": error,
            }),
        );
    }

    async fn leave(&self, _: Option<&str>, call: &Call) -> Result<(), String> {
        let free = ["Read", "Agent"].contains(&call.name.as_str()) || self.allowed.contains(&call.name);
        if !self.asks || free {
            return Ok(());
        }
        let (sender, answer) = oneshot::channel();
        let id = id();
        self.asked.lock().unwrap().insert(id.clone(), sender);
        self.out.line(&json!({ "type": "control_request", "request_id": id, "request": {
            "subtype": "can_use_tool", "tool_name": call.name, "display_name": call.name, "input": call.input,
            "tool_use_id": call.id, "permission_suggestions": [],
        } }));
        match answer.await {
            Ok(answer) if answer["behavior"] == "allow" => Ok(()),
            Ok(answer) => Err(answer["message"].as_str().unwrap_or_default().to_owned()),
            Err(_) => Err("Nobody is there to be asked.".into()),
        }
    }

    async fn special(&self, call: &Call, stop: &CancellationToken) -> Option<Done> {
        if call.name != "Agent" && call.name != "Task" {
            return None;
        }
        let role = call.text("subagent_type");
        let Some(spec) = self.agents.get(role) else {
            return Some(Done::failed(format!("Agent type '{role}' not found.")));
        };
        let task = id();
        self.event(
            None,
            json!({
                "type": "system", "subtype": "task_started", "task_id": task, "tool_use_id": call.id,
                "description": call.text("description"), "subagent_type": role, "prompt": call.text("prompt"),
            }),
        );
        let mut agent = self.agent(Vec::new());
        agent.parent = Some(call.id.clone());
        agent.system = spec["prompt"].as_str().unwrap_or_default().to_owned();
        agent.tools.retain(|tool| tool.name != "Agent");
        if let Some(tools) = spec["tools"].as_array() {
            agent.tools.retain(|tool| tools.iter().any(|name| *name == json!(tool.name)));
        }
        match spec["model"].as_str() {
            Some(short @ ("opus" | "sonnet" | "haiku")) => agent.api.model = format!("claude-{short}-5-5"),
            Some(model) if model != "inherit" => agent.api.model = model.to_owned(),
            _ => {}
        }
        let (end, _) = Box::pin(agent.work(call.text("prompt"), self, stop)).await;
        let (done, status) = match end {
            End::Done(text) => (Done::ok(text), "completed"),
            End::Interrupted => (Done::failed("interrupted"), "killed"),
            End::Turns => (Done::failed("Reached the limit of turns."), "failed"),
            End::Failed(failure) => (Done::failed(format!("API Error: {failure:?}")), "failed"),
        };
        self.event(
            None,
            json!({
                "type": "system", "subtype": "task_notification", "task_id": task, "tool_use_id": call.id,
                "status": status, "summary": done.text,
            }),
        );
        Some(done)
    }
}

impl Claude {
    fn block(&self, parent: Option<&str>, reply: &str, block: Value) {
        // Its usage is the start value: a trap for whoever sums it up.
        self.event(
            parent,
            json!({ "type": "assistant", "message": {
            "id": reply, "type": "message", "role": "assistant", "model": self.model, "content": [block],
            "stop_reason": null, "usage": { "input_tokens": 9_999, "output_tokens": 1 },
        } }),
        );
    }
}
