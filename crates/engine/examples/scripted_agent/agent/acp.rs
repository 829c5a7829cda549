//! An agent that speaks the Agent Client Protocol: JSON-RPC 2.0 on stdin and stdout, a line a message.

use std::collections::HashMap;
use std::path::PathBuf;
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

/// Plays it until it ends.
pub async fn run(options: Options) -> i32 {
    if options.has("--version") {
        println!("1.0.0");
        return 0;
    }
    let agent = Arc::new(Acp { options, ..Acp::default() });
    tokio::select! {
        code = serve(&agent) => code,
        code = tools::terminated() => code,
    }
}

async fn serve(acp: &Arc<Acp>) -> i32 {
    let mut input = Input::new();
    while let Some(line) = input.next().await {
        let Ok(line) = line else { continue };
        if line["method"].is_null() {
            let waiting = acp.asked.lock().unwrap().remove(&line["id"].to_string());
            if let Some(waiting) = waiting {
                let _ = waiting.send(line["result"].clone());
            }
            continue;
        }
        let (id, params) = (line["id"].clone(), line["params"].clone());
        let result = match line["method"].as_str().unwrap_or_default() {
            "initialize" => Ok(json!({
                "protocolVersion": 1, "authMethods": [],
                "agentCapabilities": {
                    "loadSession": true, "mcpCapabilities": { "http": true, "sse": false },
                    "promptCapabilities": { "image": false, "embeddedContext": true, "audio": false },
                },
                "agentInfo": { "name": "scripted-agent", "title": "Scripted agent", "version": "1.0.0" },
            })),
            "session/new" => acp.session(&params, None).await,
            "session/load" => acp.session(&params, params["sessionId"].as_str()).await,
            "session/set_mode" | "session/set_model" | "session/set_config_option" => Ok(json!({})),
            "session/cancel" => {
                acp.stop.lock().unwrap().cancel();
                continue;
            }
            "session/prompt" => {
                acp.clone().prompt(id, &params);
                continue;
            }
            other => Err((-32601, format!("Method not found: {other}"))),
        };
        acp.answer(&id, result);
    }
    tools::closed().await;
    0
}

#[derive(Default)]
struct Acp {
    options: Options,
    out: Out,
    session: Mutex<Option<(String, Agent)>>,
    now: Mutex<String>,
    stop: Mutex<CancellationToken>,
    asked: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    ids: AtomicU64,
    of_turn: Mutex<Usage>,
    /// The number of the message that is being written.
    message: AtomicU64,
    /// What the session has cost in all, in dollars.
    total: Mutex<f64>,
}

fn kept(id: &str) -> PathBuf {
    PathBuf::from(std::env::var("HOME").unwrap_or_default()).join(".scripted-agent").join(format!("{id}.json"))
}

impl Acp {
    fn answer(&self, id: &Value, result: Result<Value, (i64, String)>) {
        self.out.line(&match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err((code, message)) => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
            }
        });
    }

    async fn session(&self, params: &Value, loaded: Option<&str>) -> Result<Value, (i64, String)> {
        let text = loaded
            .map(|id| std::fs::read_to_string(kept(id)).map_err(|_| (-32002, format!("Resource not found: {id}"))));
        let messages = match text {
            Some(text) => {
                let kept: Value = serde_json::from_str(&text?).unwrap_or_default();
                *self.total.lock().unwrap() = kept["total"].as_f64().unwrap_or_default();
                kept["messages"].as_array().cloned().unwrap_or_default()
            }
            None => Vec::new(),
        };
        let id = loaded.map_or_else(id, str::to_owned);
        *self.now.lock().unwrap() = id.clone();
        // What was said is played again, as the protocol has it.
        for message in &messages {
            let kind = if message["role"] == "user" { "user_message_chunk" } else { "agent_message_chunk" };
            for block in message["content"].as_array().into_iter().flatten().filter(|block| block["type"] == "text") {
                self.update(json!({ "sessionUpdate": kind, "content": { "type": "text", "text": block["text"] } }));
            }
        }
        if loaded.is_some() {
            self.cost();
        }
        let mut servers = Vec::new();
        for server in params["mcpServers"].as_array().into_iter().flatten().filter(|server| server["type"] == "http") {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let headers = server["headers"].as_array().into_iter().flatten();
            let headers = headers.map(|header| (text(&header["name"]), text(&header["value"]))).collect();
            servers.extend(Server::connect(&text(&server["name"]), &text(&server["url"]), headers).await);
        }
        let string = || json!({ "type": "string" });
        let mut tools = vec![
            Tool::new("Bash", "Runs a command", json!({ "command": string() })),
            Tool::new("Write", "Writes a file", json!({ "file_path": string(), "content": string() })),
            Tool::new("Read", "Reads a file", json!({ "file_path": string() })),
        ];
        tools.extend(offered(&servers));
        let agent = Agent {
            api: self.api().ok_or((-32000, "Authentication required".to_owned()))?,
            system: "You are an agent.".into(),
            tools,
            servers,
            messages,
            dir: params["cwd"].as_str().map(PathBuf::from).unwrap_or_default(),
            inbox: Arc::default(),
            parent: None,
            turns: 0,
            retries: 3,
            hopeless: |failure| matches!(failure.status(), Some(400 | 401 | 403 | 404 | 413)),
        };
        *self.session.lock().unwrap() = Some((id.clone(), agent));
        Ok(json!({ "sessionId": id }))
    }

    fn api(&self) -> Option<Api> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let bearer = |key: String| ("authorization".to_owned(), format!("Bearer {key}"));
        let anthropic = || {
            let key = var("ANTHROPIC_API_KEY").map(|key| ("x-api-key".to_owned(), key));
            let key = key.or_else(|| var("ANTHROPIC_AUTH_TOKEN").map(bearer))?;
            Some((Dialect::Messages, var("ANTHROPIC_BASE_URL")?, key, "claude-opus-5-5"))
        };
        let openai = || Some((Dialect::Chat, var("OPENAI_BASE_URL")?, bearer(var("OPENAI_API_KEY")?), "gpt-5"));
        let own = || {
            let (url, key) = self.options.own_login()?;
            Some((Dialect::Chat, format!("{url}/v1"), bearer(key), "gpt-5"))
        };
        let (dialect, base_url, key, model) = anthropic().or_else(openai).or_else(own)?;
        let http = reqwest::Client::builder().no_proxy().build().ok()?;
        Some(Api { dialect, base_url, key, model: model.into(), user_agent: "scripted-agent/1.0.0".into(), http })
    }

    fn prompt(self: Arc<Self>, id: Value, params: &Value) {
        let texts = params["prompt"].as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
        let said = texts.collect::<Vec<_>>().join("\n");
        let Some((session, mut agent)) = self.session.lock().unwrap().take() else {
            return self.answer(&id, Err((-32602, "There is no such session, or it is at work.".into())));
        };
        let stop = CancellationToken::new();
        *self.stop.lock().unwrap() = stop.clone();
        *self.of_turn.lock().unwrap() = Usage::default();
        tokio::spawn(async move {
            let (end, _) = agent.work(&said, self.as_ref(), &stop).await;
            let total = *self.total.lock().unwrap();
            let kept_in = kept(&session);
            let text = json!({ "messages": agent.messages, "total": total }).to_string();
            let folder = kept_in.parent().map_or(Ok(()), std::fs::create_dir_all);
            if folder.and_then(|()| std::fs::write(&kept_in, text)).is_err() {
                eprintln!("The session could not be saved.");
            }
            *self.session.lock().unwrap() = Some((session, agent));
            self.cost();
            let used = *self.of_turn.lock().unwrap();
            let usage = json!({
                "inputTokens": used.input, "outputTokens": used.output, "cachedReadTokens": used.cache_read,
                "cachedWriteTokens": used.cache_write,
                "totalTokens": used.input + used.output + used.cache_read + used.cache_write,
            });
            self.answer(
                &id,
                match end {
                    End::Done(_) => Ok(json!({ "stopReason": "end_turn", "usage": usage })),
                    End::Turns => Ok(json!({ "stopReason": "max_turn_requests", "usage": usage })),
                    End::Interrupted => Ok(json!({ "stopReason": "cancelled" })),
                    End::Failed(Failure::Refused { status: 401, message, .. }) => Err((-32000, message)),
                    End::Failed(Failure::Refused { status, message, .. }) => {
                        Err((-32603, format!("Internal error: API Error: {status} {message}")))
                    }
                    End::Failed(Failure::Cut(why)) => Err((-32603, format!("Internal error: {why}"))),
                },
            );
        });
    }

    /// What the session has cost in all.
    fn cost(&self) {
        let cost = json!({ "amount": *self.total.lock().unwrap(), "currency": "USD" });
        self.update(json!({ "sessionUpdate": "usage_update", "used": 1, "size": 100_000, "cost": cost }));
    }

    fn update(&self, update: Value) {
        let session = self.now.lock().unwrap().clone();
        let params = json!({ "sessionId": session, "update": update });
        self.out.line(&json!({ "jsonrpc": "2.0", "method": "session/update", "params": params }));
    }
}

fn kind(call: &Call) -> &'static str {
    match call.name.as_str() {
        "Bash" => "execute",
        "Write" => "edit",
        "Read" => "read",
        _ => "other",
    }
}

fn title(call: &Call) -> String {
    match call.name.as_str() {
        "Bash" => call.text("command").to_owned(),
        "Write" => format!("Write {}", call.text("file_path")),
        other => other.to_owned(),
    }
}

/// The program's own price of what was used, in dollars.
fn price(model: &str, usage: Usage) -> f64 {
    let (input, output) = if model.starts_with("gpt-5") { (1.25, 10.0) } else { (5.0, 25.0) };
    (usage.input as f64 * input
        + usage.output as f64 * output
        + usage.cache_read as f64 * input / 10.0
        + usage.cache_write as f64 * input * 1.25)
        / 1e6
}

#[async_trait]
impl Front for Acp {
    fn out(&self) -> &Out {
        &self.out
    }

    fn delta(&self, _: Option<&str>, text: &str) {
        let message = format!("msg_{}", self.message.load(Ordering::SeqCst));
        let content = json!({ "type": "text", "text": text });
        self.update(json!({ "sessionUpdate": "agent_message_chunk", "content": content, "messageId": message }));
    }

    fn said(&self, _: Option<&str>, _: &str, _: &str) {}

    fn thought(&self, _: Option<&str>, _: &str, text: &str) {
        self.update(json!({ "sessionUpdate": "agent_thought_chunk", "content": { "type": "text", "text": text } }));
    }

    fn started(&self, _: Option<&str>, _: &str, call: &Call) {
        self.update(json!({
            "sessionUpdate": "tool_call", "toolCallId": call.id, "title": title(call), "kind": kind(call),
            "status": "pending", "rawInput": call.input, "content": [], "locations": [],
        }));
    }

    fn finished(&self, _: Option<&str>, call: &Call, done: &Done) {
        let text = json!({ "type": "content", "content": { "type": "text", "text": done.text } });
        self.update(json!({
            "sessionUpdate": "tool_call_update", "toolCallId": call.id,
            "status": if done.ok { "completed" } else { "failed" }, "rawOutput": done.text, "content": [text],
        }));
    }

    fn used(&self, _: Option<&str>, model: &str, usage: Usage) {
        self.message.fetch_add(1, Ordering::SeqCst);
        *self.of_turn.lock().unwrap() += usage;
        *self.total.lock().unwrap() += price(model, usage);
    }

    fn retry(&self, _: u32, _: &Failure, _: Duration) {
        self.message.fetch_add(1, Ordering::SeqCst);
    }

    async fn leave(&self, _: Option<&str>, call: &Call) -> Result<(), String> {
        if call.name == "Read" || call.name.starts_with("mcp__") {
            return Ok(());
        }
        let id = self.ids.fetch_add(1, Ordering::SeqCst);
        let (sender, answer) = oneshot::channel();
        self.asked.lock().unwrap().insert(id.to_string(), sender);
        let session = self.now.lock().unwrap().clone();
        let params = json!({
            "sessionId": session,
            "options": [
                { "kind": "allow_always", "name": "Always Allow", "optionId": "allow_always" },
                { "kind": "allow_once", "name": "Allow", "optionId": "allow" },
                { "kind": "reject_once", "name": "Reject", "optionId": "reject" },
            ],
            "toolCall": {
                "toolCallId": call.id, "title": title(call), "kind": kind(call), "rawInput": call.input,
                "status": "pending", "content": [],
            },
        });
        self.out.line(&json!({ "jsonrpc": "2.0", "id": id, "method": "session/request_permission", "params": params }));
        let answer = answer.await.unwrap_or_default();
        match answer["outcome"]["optionId"].as_str() {
            Some("allow" | "allow_always") => Ok(()),
            Some(_) => Err("The user rejected this.".into()),
            None => {
                self.stop.lock().unwrap().cancel();
                Err("cancelled".into())
            }
        }
    }

    async fn special(&self, _: &Call, _: &CancellationToken) -> Option<Done> {
        None
    }
}
