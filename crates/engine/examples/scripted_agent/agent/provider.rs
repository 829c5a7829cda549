//! A model provider, called as the real programs call it: streamed, in the dialect of the program.

use std::time::Duration;

use serde_json::{Value, json};

use super::stream;
use super::tools::Tool;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Messages,
    Responses,
    Chat,
}

/// Where the model is.
#[derive(Clone)]
pub struct Api {
    pub dialect: Dialect,
    /// What stands before `/v1/messages`, `/responses` or `/chat/completions`.
    pub base_url: String,
    /// The header that the key goes into, and what it says.
    pub key: (String, String),
    pub model: String,
    pub user_agent: String,
    pub http: reqwest::Client,
}

/// Tokens of a call: the input without what was cached.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub input: i64,
    pub output: i64,
    pub cache_read: i64,
    pub cache_write: i64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
    }
}

/// A part of an answer.
#[derive(Clone, Debug)]
pub enum Part {
    Text(String),
    Thought(String),
    Call { id: String, name: String, input: Value },
}

/// An answer.
#[derive(Default)]
pub struct Reply {
    pub id: String,
    pub parts: Vec<Part>,
    pub usage: Usage,
}

/// Why there is none.
#[derive(Clone, Debug)]
pub enum Failure {
    Refused { status: u16, kind: String, message: String, retry_after: Option<Duration> },
    Cut(String),
}

impl Failure {
    pub fn status(&self) -> Option<u16> {
        match self {
            Failure::Refused { status, .. } => Some(*status),
            Failure::Cut(_) => None,
        }
    }
}

/// What a model is asked: the conversation is kept as the Messages API has it.
pub struct Asked<'a> {
    pub system: &'a str,
    pub messages: &'a [Value],
    pub tools: &'a [Tool],
}

impl Api {
    /// Asks the model; `on_delta` hears each piece of text as it comes.
    pub async fn ask(&self, asked: &Asked<'_>, on_delta: &(dyn Fn(&str) + Sync)) -> Result<Reply, Failure> {
        let (path, body) = match self.dialect {
            Dialect::Messages => ("/v1/messages?beta=true", self.messages(asked)),
            Dialect::Responses => ("/responses", self.responses(asked)),
            Dialect::Chat => ("/chat/completions", self.chat(asked)),
        };
        let sent = self
            .http
            .post(format!("{}{path}", self.base_url.trim_end_matches('/')))
            .header("user-agent", &self.user_agent)
            .header("anthropic-version", "2023-06-01")
            .header(&self.key.0, &self.key.1)
            .json(&body)
            .send()
            .await
            .map_err(|error| Failure::Cut(error.to_string()))?;
        let status = sent.status();
        if !status.is_success() {
            let seconds = sent.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let body: Value = sent.json().await.unwrap_or_default();
            let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
            let (kind, message) = (text("type"), text("message"));
            let retry_after = seconds.map(Duration::from_secs);
            return Err(Failure::Refused { status: status.as_u16(), kind, message, retry_after });
        }
        stream::read(self.dialect, sent, on_delta).await
    }

    fn messages(&self, asked: &Asked<'_>) -> Value {
        let tools: Vec<Value> = asked
            .tools
            .iter()
            .map(|tool| json!({ "name": tool.name, "description": tool.description, "input_schema": tool.schema }))
            .collect();
        json!({
            "model": self.model, "max_tokens": 32_000, "stream": true, "tools": tools, "messages": asked.messages,
            "system": [
                { "type": "text", "text": format!("x-anthropic-billing-header: cc={};", super::lines::id()) },
                { "type": "text", "text": asked.system },
            ],
        })
    }

    fn responses(&self, asked: &Asked<'_>) -> Value {
        let mut input = vec![json!({
            "type": "message", "role": "developer", "content": [{ "type": "input_text", "text": asked.system }],
        })];
        for (role, block) in blocks(asked.messages) {
            input.push(match block["type"].as_str().unwrap_or_default() {
                "tool_use" => json!({
                    "type": "function_call", "call_id": block["id"], "name": block["name"],
                    "arguments": block["input"].to_string(),
                }),
                "tool_result" => json!({
                    "type": "function_call_output", "call_id": block["tool_use_id"], "output": block["content"],
                }),
                _ => {
                    let kind = if role == "user" { "input_text" } else { "output_text" };
                    json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": block["text"] }] })
                }
            });
        }
        let tools: Vec<Value> = asked
            .tools
            .iter()
            .map(|tool| {
                json!({ "type": "function", "name": tool.name, "description": tool.description,
                    "parameters": tool.schema })
            })
            .collect();
        json!({ "model": self.model, "stream": true, "store": false, "tools": tools, "input": input })
    }

    fn chat(&self, asked: &Asked<'_>) -> Value {
        let mut messages = vec![json!({ "role": "system", "content": asked.system })];
        for message in asked.messages {
            let mut said = json!({ "role": message["role"], "content": null });
            let mut calls = Vec::new();
            for (_, block) in blocks(std::slice::from_ref(message)) {
                match block["type"].as_str().unwrap_or_default() {
                    "tool_use" => calls.push(json!({
                        "id": block["id"], "type": "function",
                        "function": { "name": block["name"], "arguments": block["input"].to_string() },
                    })),
                    "tool_result" => messages.push(json!({
                        "role": "tool", "tool_call_id": block["tool_use_id"], "content": block["content"],
                    })),
                    _ => said["content"] = block["text"].clone(),
                }
            }
            if !calls.is_empty() {
                said["tool_calls"] = Value::Array(calls);
            }
            if !said["content"].is_null() || said.get("tool_calls").is_some() {
                messages.push(said);
            }
        }
        let tools: Vec<Value> = asked
            .tools
            .iter()
            .map(|tool| {
                json!({ "type": "function", "function": {
                    "name": tool.name, "description": tool.description, "parameters": tool.schema,
                } })
            })
            .collect();
        json!({
            "model": self.model, "stream": true, "stream_options": { "include_usage": true }, "tools": tools,
            "messages": messages,
        })
    }
}

/// All blocks of a conversation, with the role of their message.
fn blocks(messages: &[Value]) -> impl Iterator<Item = (&str, &Value)> {
    messages.iter().flat_map(|message| {
        let role = message["role"].as_str().unwrap_or_default();
        message["content"].as_array().map_or(&[][..], Vec::as_slice).iter().map(move |block| (role, block))
    })
}
