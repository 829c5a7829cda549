//! Codex: `codex app-server -c …`, JSON-RPC without its version field, a line a message.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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

const VERSION: &str = "0.169.0";
/// How often a broken call is tried again.
const RETRIES: u32 = 5;

/// Plays it until it ends.
pub async fn run(options: Options) -> i32 {
    if options.has("--version") || options.has("-V") {
        println!("codex-cli {VERSION}");
        return 0;
    }
    if !options.has("app-server") {
        eprintln!("error: only `app-server` has a stand-in");
        return 2;
    }
    let server = Arc::new(AppServer { options, out: Out::default(), ..AppServer::default() });
    tokio::select! {
        code = serve(&server) => code,
        // The real one leaves its commands behind.
        code = ended() => code,
    }
}

async fn ended() -> i32 {
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    signal.recv().await;
    143
}

async fn serve(server: &Arc<AppServer>) -> i32 {
    let mut input = Input::new();
    while let Some(line) = input.next().await {
        let Ok(line) = line else { continue };
        if line["method"].is_null() {
            let waiting = server.asked.lock().unwrap().remove(&line["id"].to_string());
            if let Some(waiting) = waiting {
                let _ = waiting.send(line["result"].clone());
            }
            continue;
        }
        let params = &line["params"];
        let result = match line["method"].as_str().unwrap_or_default() {
            "initialize" => Ok(json!({ "userAgent": format!("scripted/{VERSION}"), "codexHome": home() })),
            "thread/start" => server.thread(params, None).await,
            "thread/resume" => server.thread(params, params["threadId"].as_str()).await,
            "turn/start" => server.turn(params),
            "turn/steer" => server.steer(params),
            "turn/interrupt" => {
                server.stop.lock().unwrap().cancel();
                Ok(json!({}))
            }
            "initialized" => continue,
            other => Err(format!("unknown method {other}")),
        };
        server.out.line(&match result {
            Ok(result) => json!({ "id": line["id"], "result": result }),
            Err(message) => json!({ "id": line["id"], "error": { "code": -32600, "message": message } }),
        });
        if line["method"] == "turn/start" {
            server.begin();
        }
    }
    tools::closed().await;
    0
}

#[derive(Default)]
struct AppServer {
    options: Options,
    out: Out,
    thread: Mutex<Option<Thread>>,
    next: Mutex<Option<(String, String)>>,
    stop: Mutex<CancellationToken>,
    asked: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    ids: AtomicU64,
    inbox: Arc<Mutex<Vec<String>>>,
    used: Mutex<(Usage, Usage)>,
    now: Mutex<(String, String)>,
    asks: std::sync::atomic::AtomicBool,
}

struct Thread {
    id: String,
    agent: Agent,
}

fn home() -> PathBuf {
    let home = || PathBuf::from(std::env::var("HOME").unwrap_or_default()).join(".codex");
    std::env::var("CODEX_HOME").map_or_else(|_| home(), PathBuf::from)
}

fn kept(id: &str) -> PathBuf {
    home().join("sessions").join(format!("rollout-{id}.jsonl"))
}

/// A config as dotted keys.
fn flat(prefix: &str, value: &Value, out: &mut HashMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flat(&key, value, out);
            }
        }
        Value::String(text) => drop(out.insert(prefix.to_owned(), text.clone())),
        other => drop(out.insert(prefix.to_owned(), other.to_string())),
    }
}

impl AppServer {
    async fn thread(&self, params: &Value, resumed: Option<&str>) -> Result<Value, String> {
        let mut config = self.options.overrides();
        flat("", &params["config"], &mut config);
        let messages = match resumed {
            Some(id) => {
                let text =
                    std::fs::read_to_string(kept(id)).map_err(|_| format!("no rollout found for thread id {id}"))?;
                let kept: Value = serde_json::from_str(&text).unwrap_or_default();
                let tokens = |name: &str| kept["used"][name].as_i64().unwrap_or_default();
                self.used.lock().unwrap().0 = Usage {
                    input: tokens("inputTokens") - tokens("cachedInputTokens"),
                    output: tokens("outputTokens"),
                    cache_read: tokens("cachedInputTokens"),
                    cache_write: 0,
                };
                kept["messages"].as_array().cloned().unwrap_or_default()
            }
            None => Vec::new(),
        };
        let id = resumed.map_or_else(id, str::to_owned);
        let dir = params["cwd"].as_str().map_or_else(|| std::env::current_dir().unwrap(), PathBuf::from);
        let model = params["model"].as_str().or(config.get("model").map(String::as_str)).unwrap_or("gpt-5").to_owned();
        let api = self.api(&config, &model, params)?;
        let servers = servers(&config).await;
        let mut tools = vec![Tool::new("exec_command", "Runs a command", json!({ "cmd": { "type": "string" } }))];
        tools.extend(offered(&servers));
        let words = ["baseInstructions", "developerInstructions"].map(|name| params[name].as_str().unwrap_or_default());
        let policy = params["approvalPolicy"].as_str().or(config.get("approval_policy").map(String::as_str));
        self.asks.store(policy != Some("never"), Ordering::SeqCst);
        let agent = Agent {
            api,
            system: format!("You are a coding agent running in the Codex CLI.\n{}\n{}", words[0], words[1]),
            tools,
            servers,
            messages,
            dir: dir.clone(),
            inbox: self.inbox.clone(),
            parent: None,
            turns: 0,
            retries: RETRIES,
            hopeless: |failure| matches!(failure.status(), Some(400 | 403 | 404 | 413)),
        };
        *self.thread.lock().unwrap() = Some(Thread { id: id.clone(), agent });
        self.now.lock().unwrap().0 = id.clone();
        let thread = json!({
            "id": id, "sessionId": id, "preview": "", "modelProvider": "scripted", "model": model, "cwd": dir,
            "cliVersion": VERSION, "status": { "type": "idle" }, "turns": [], "source": "vscode",
        });
        if resumed.is_none() {
            self.notify("thread/started", json!({ "thread": thread }));
        }
        Ok(json!({ "thread": thread, "model": model, "modelProvider": "scripted", "cwd": dir }))
    }

    fn api(&self, config: &HashMap<String, String>, model: &str, params: &Value) -> Result<Api, String> {
        let provider = params["modelProvider"].as_str().or(config.get("model_provider").map(String::as_str));
        let of_provider = |name: &str| config.get(&format!("model_providers.{}.{name}", provider?)).cloned();
        let var = |name: String| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (base_url, key) = match of_provider("base_url") {
            Some(base_url) => {
                let name = of_provider("env_key").unwrap_or_default();
                (base_url, var(name.clone()).ok_or_else(|| format!("Missing environment variable: `{name}`."))?)
            }
            None => self.options.own_login().map(|(url, key)| (format!("{url}/v1"), key)).ok_or("Not logged in")?,
        };
        Ok(Api {
            dialect: Dialect::Responses,
            base_url,
            key: ("authorization".into(), format!("Bearer {key}")),
            model: model.to_owned(),
            user_agent: format!("scripted/{VERSION}"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        })
    }

    fn turn(&self, params: &Value) -> Result<Value, String> {
        let texts = params["input"].as_array().into_iter().flatten().filter_map(|item| item["text"].as_str());
        let said = texts.collect::<Vec<_>>().join("\n");
        if self.thread.lock().unwrap().is_none() {
            return Err("no such thread, or a turn is under way".into());
        }
        let turn = id();
        *self.stop.lock().unwrap() = CancellationToken::new();
        *self.next.lock().unwrap() = Some((turn.clone(), said));
        Ok(json!({ "turn": { "id": turn, "status": "inProgress", "items": [], "error": null } }))
    }

    /// Something is said in mid-turn.
    fn steer(&self, params: &Value) -> Result<Value, String> {
        let turn = self.now.lock().unwrap().1.clone();
        // While it works, the thread is with the turn.
        if self.thread.lock().unwrap().is_some() || params["expectedTurnId"] != json!(turn) {
            return Err("no active turn to steer".into());
        }
        let texts = params["input"].as_array().into_iter().flatten().filter_map(|item| item["text"].as_str());
        self.inbox.lock().unwrap().extend(texts.map(str::to_owned));
        Ok(json!({ "turnId": turn }))
    }

    /// Works on the turn that was asked for, beside the reading.
    fn begin(self: &Arc<Self>) {
        let Some((turn, said)) = self.next.lock().unwrap().take() else { return };
        let Some(mut thread) = self.thread.lock().unwrap().take() else { return };
        self.now.lock().unwrap().1 = turn.clone();
        let (server, stop) = (self.clone(), self.stop.lock().unwrap().clone());
        tokio::spawn(async move {
            let status = |status: Value| server.notify("thread/status/changed", json!({ "status": status }));
            status(json!({ "type": "active", "activeFlags": [] }));
            server.notify("turn/started", json!({ "turn": { "id": turn, "status": "inProgress", "items": [] } }));
            let (end, _) = thread.agent.work(&said, server.as_ref(), &stop).await;
            let (how, text, error) = match end {
                End::Done(text) => ("completed", Value::from(text), Value::Null),
                End::Turns => ("completed", Value::Null, Value::Null),
                End::Interrupted => ("interrupted", Value::Null, Value::Null),
                End::Failed(failure) => ("failed", Value::Null, failed(&failure, &thread.agent.api.base_url)),
            };
            if !error.is_null() {
                server.notify("error", json!({ "error": error, "willRetry": false }));
            }
            server.save(&thread);
            *server.thread.lock().unwrap() = Some(thread);
            status(json!({ "type": "idle" }));
            let items = if text.is_null() {
                json!([])
            } else {
                json!([{ "type": "agentMessage", "id": "msg_last", "text": text }])
            };
            let ended = json!({ "id": turn, "status": how, "items": items, "error": error });
            server.notify("turn/completed", json!({ "turn": ended }));
        });
    }

    fn save(&self, thread: &Thread) {
        let used = tokens(self.used.lock().unwrap().0);
        let text = json!({ "messages": thread.agent.messages, "used": used }).to_string();
        let file = kept(&thread.id);
        let folder = file.parent().unwrap_or(Path::new("/"));
        if std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)).is_err() {
            eprintln!("ERROR codex_core::session: failed to record rollout items");
        }
    }

    fn notify(&self, method: &str, mut params: Value) {
        let (thread, turn) = self.now.lock().unwrap().clone();
        params["threadId"] = thread.into();
        params["turnId"] = turn.into();
        self.out.line(&json!({ "method": method, "params": params, "emittedAtMs": 1 }));
    }

    fn item(&self, when: &str, item: Value) {
        self.notify(&format!("item/{when}"), json!({ "item": item }));
    }

    async fn request(&self, method: &str, mut params: Value) -> Value {
        let id = self.ids.fetch_add(1, Ordering::SeqCst);
        let (sender, answer) = oneshot::channel();
        self.asked.lock().unwrap().insert(id.to_string(), sender);
        let (thread, turn) = self.now.lock().unwrap().clone();
        params["threadId"] = thread.into();
        params["turnId"] = turn.into();
        self.out.line(&json!({ "method": method, "id": id, "params": params }));
        answer.await.unwrap_or_default()
    }

    fn command_item(&self, call: &Call, status: &str, done: Option<&Done>) -> Value {
        json!({
            "type": "commandExecution", "id": call.id, "cwd": std::env::current_dir().unwrap_or_default(),
            "command": format!("/bin/bash -lc {:?}", call.command().unwrap_or_default()), "status": status,
            "commandActions": [{ "type": "unknown", "command": call.command() }], "source": "agent",
            "aggregatedOutput": done.map(|done| &done.text), "exitCode": done.and_then(|done| done.exit),
        })
    }
}

/// What the provider said, as the program tells it.
fn failed(failure: &Failure, base_url: &str) -> Value {
    let (message, info) = match failure {
        Failure::Refused { status: 400, message, .. } => {
            (json!({ "error": { "message": message, "type": "invalid_request_error" } }).to_string(), json!("other"))
        }
        Failure::Refused { status: 429, .. } => (
            "exceeded retry limit, last status: 429 Too Many Requests".to_owned(),
            json!({ "responseTooManyFailedAttempts": { "httpStatusCode": 429 } }),
        ),
        Failure::Refused { status, message, .. } => (
            format!("unexpected status {status}: {message}, url: {base_url}/responses"),
            json!({ "httpConnectionFailed": { "httpStatusCode": status } }),
        ),
        Failure::Cut(why) => (
            format!("stream disconnected before completion: {why}"),
            json!({ "responseStreamDisconnected": { "httpStatusCode": null } }),
        ),
    };
    json!({ "message": message, "codexErrorInfo": info, "additionalDetails": null })
}

async fn servers(config: &HashMap<String, String>) -> Vec<Server> {
    let mut servers = Vec::new();
    for (key, url) in config {
        let Some(name) = key.strip_prefix("mcp_servers.").and_then(|rest| rest.strip_suffix(".url")) else { continue };
        let var = config.get(&format!("mcp_servers.{name}.bearer_token_env_var"));
        let token = var.and_then(|var| std::env::var(var).ok());
        let headers = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        let prefix = format!("mcp_servers.{name}.http_headers.");
        let more =
            config.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())));
        let of_env = format!("mcp_servers.{name}.env_http_headers.");
        let from_env = config
            .iter()
            .filter_map(|(key, var)| Some((key.strip_prefix(&of_env)?.to_owned(), std::env::var(var).ok()?)));
        servers.extend(Server::connect(name, url, headers.into_iter().chain(more).chain(from_env).collect()).await);
    }
    servers
}

fn tokens(usage: Usage) -> Value {
    let input = usage.input + usage.cache_read + usage.cache_write;
    json!({
        "totalTokens": input + usage.output, "inputTokens": input, "cachedInputTokens": usage.cache_read,
        "outputTokens": usage.output, "reasoningOutputTokens": 0,
    })
}

#[async_trait]
impl Front for AppServer {
    fn out(&self) -> &Out {
        &self.out
    }

    fn delta(&self, _: Option<&str>, text: &str) {
        self.notify("item/agentMessage/delta", json!({ "itemId": "msg", "delta": text }));
    }

    fn said(&self, _: Option<&str>, reply: &str, text: &str) {
        let item = json!({ "type": "agentMessage", "id": format!("msg_{reply}"), "text": text });
        self.item("completed", item);
    }

    fn thought(&self, _: Option<&str>, reply: &str, text: &str) {
        self.item(
            "completed",
            json!({ "type": "reasoning", "id": format!("rs_{reply}"), "summary": [text], "content": [] }),
        );
    }

    fn started(&self, _: Option<&str>, _: &str, call: &Call) {
        if call.command().is_some() {
            self.item("started", self.command_item(call, "inProgress", None));
        } else if let Some((server, tool)) = of_server(&call.name) {
            self.item(
                "started",
                json!({
                    "type": "mcpToolCall", "id": call.id, "server": server, "tool": tool, "status": "inProgress",
                    "arguments": call.input, "result": null, "error": null,
                }),
            );
        }
    }

    fn finished(&self, _: Option<&str>, call: &Call, done: &Done) {
        let status = match (done.ok, done.exit) {
            (true, _) => "completed",
            (false, None) if done.text.starts_with("exec_command failed: rejected") => "declined",
            (false, _) => "failed",
        };
        if call.command().is_some() {
            self.item("completed", self.command_item(call, status, Some(done)));
        } else if let Some((server, tool)) = of_server(&call.name) {
            let content = json!({ "content": [{ "type": "text", "text": done.text }], "isError": !done.ok });
            self.item(
                "completed",
                json!({
                    "type": "mcpToolCall", "id": call.id, "server": server, "tool": tool, "status": status,
                    "arguments": call.input, "result": content, "error": null,
                }),
            );
        }
    }

    fn used(&self, _: Option<&str>, _: &str, usage: Usage) {
        let total = {
            let mut used = self.used.lock().unwrap();
            used.0 += usage;
            used.1 = usage;
            used.0
        };
        let usage = json!({ "total": tokens(total), "last": tokens(usage), "modelContextWindow": 258_400 });
        self.notify("thread/tokenUsage/updated", json!({ "tokenUsage": usage }));
    }

    fn retry(&self, attempt: u32, failure: &Failure, _: Duration) {
        let details = match failure {
            Failure::Refused { status, message, .. } => format!("unexpected status {status}: {message}"),
            Failure::Cut(why) => format!("stream disconnected before completion: {why}"),
        };
        let info = json!({ "responseStreamDisconnected": { "httpStatusCode": failure.status() } });
        let message = format!("Reconnecting... {attempt}/{RETRIES}");
        let error = json!({ "message": message, "codexErrorInfo": info, "additionalDetails": details });
        self.notify("error", json!({ "error": error, "willRetry": true }));
    }

    async fn leave(&self, _: Option<&str>, call: &Call) -> Result<(), String> {
        let Some(command) = call.command().filter(|_| self.asks.load(Ordering::SeqCst)) else { return Ok(()) };
        let answer = self
            .request(
                "item/commandExecution/requestApproval",
                json!({
                    "kind": "command", "itemId": call.id, "command": format!("/bin/bash -lc {command:?}"),
                    "cwd": std::env::current_dir().unwrap_or_default(),
                    "commandActions": [{ "type": "unknown", "command": command }],
                    "availableDecisions": ["accept", "cancel"],
                }),
            )
            .await;
        match answer["decision"].as_str() {
            Some("accept" | "acceptForSession") => Ok(()),
            Some("cancel") => {
                self.stop.lock().unwrap().cancel();
                Err("exec_command failed: rejected by user".into())
            }
            _ => Err("exec_command failed: rejected by user".into()),
        }
    }

    async fn special(&self, _: &Call, _: &CancellationToken) -> Option<Done> {
        None
    }
}

/// The server and the tool that a name such as `mcp__aicib__delegate` is made of.
fn of_server(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("mcp__")?.split_once("__")
}
