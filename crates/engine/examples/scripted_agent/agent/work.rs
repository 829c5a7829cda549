//! The loop that all of them share: ask the model, do what it calls for, ask again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::lines::Out;
use super::mcp::Server;
use super::mischief;
use super::provider::{Api, Asked, Failure, Part, Usage};
use super::tools::{self, Done, Tool};

/// How a protocol shows what goes on.
#[async_trait]
pub trait Front: Send + Sync {
    fn out(&self) -> &Out;
    fn delta(&self, parent: Option<&str>, text: &str);
    fn said(&self, parent: Option<&str>, reply: &str, text: &str);
    fn thought(&self, parent: Option<&str>, reply: &str, text: &str);
    fn started(&self, parent: Option<&str>, reply: &str, call: &Call);
    fn finished(&self, parent: Option<&str>, call: &Call, done: &Done);
    fn used(&self, parent: Option<&str>, model: &str, usage: Usage);
    fn retry(&self, attempt: u32, failure: &Failure, wait: Duration);
    /// Asks for leave; `Err` is why not.
    async fn leave(&self, parent: Option<&str>, call: &Call) -> Result<(), String>;
    /// Does what only this protocol can, such as an agent of its own.
    async fn special(&self, call: &Call, stop: &CancellationToken) -> Option<Done>;
}

/// A tool call.
#[derive(Clone)]
pub struct Call {
    pub id: String,
    pub name: String,
    pub input: Value,
}

impl Call {
    pub fn text(&self, name: &str) -> &str {
        self.input[name].as_str().unwrap_or_default()
    }

    /// The command, where it is one.
    pub fn command(&self) -> Option<&str> {
        match self.name.as_str() {
            "Bash" => Some(self.text("command")),
            "exec_command" => Some(self.text("cmd")),
            _ => None,
        }
    }
}

/// An agent and its conversation.
#[derive(Clone)]
pub struct Agent {
    pub api: Api,
    pub system: String,
    pub tools: Vec<Tool>,
    pub servers: Vec<Server>,
    /// The conversation, as the Messages API has it.
    pub messages: Vec<Value>,
    pub dir: PathBuf,
    /// What is said to it in mid-turn.
    pub inbox: Arc<Mutex<Vec<String>>>,
    /// The call that it was handed its task by.
    pub parent: Option<String>,
    /// Model calls for one message; 0 for no limit.
    pub turns: u32,
    /// How often a call is tried again.
    pub retries: u32,
    /// What is not tried again.
    pub hopeless: fn(&Failure) -> bool,
}

/// How a turn ended.
pub enum End {
    Done(String),
    Failed(Failure),
    Interrupted,
    Turns,
}

impl Agent {
    /// Works on what was said until the model calls for nothing more; the number of model calls beside.
    pub async fn work(&mut self, said: &str, front: &dyn Front, stop: &CancellationToken) -> (End, u32) {
        self.messages.push(json!({ "role": "user", "content": [{ "type": "text", "text": said }] }));
        let mut turns = 0;
        let end = loop {
            if self.turns > 0 && turns == self.turns {
                break End::Turns;
            }
            turns += 1;
            match self.turn(front, stop).await {
                Ok(None) => {}
                Ok(Some(text)) => break End::Done(text),
                Err(end) => break end,
            }
        };
        (end, turns)
    }

    /// One model call and what it calls for. The text where it called for nothing.
    async fn turn(&mut self, front: &dyn Front, stop: &CancellationToken) -> Result<Option<String>, End> {
        let parent = self.parent.clone();
        let parent = parent.as_deref();
        let reply = self.ask(front, stop).await?;
        front.used(parent, &self.api.model, reply.usage);
        let mut content = Vec::new();
        let mut calls = Vec::new();
        let mut text = String::new();
        for part in reply.parts {
            match part {
                Part::Text(words) => {
                    front.said(parent, &reply.id, &words);
                    content.push(json!({ "type": "text", "text": words }));
                    text.push_str(&words);
                }
                Part::Thought(words) => front.thought(parent, &reply.id, &words),
                Part::Call { id, name, input } => {
                    content.push(json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
                    let call = Call { id, name, input };
                    front.started(parent, &reply.id, &call);
                    calls.push(call);
                }
            }
        }
        self.messages.push(json!({ "role": "assistant", "content": content }));
        mischief::play(&text, front.out()).await;
        if calls.is_empty() {
            let more = self.said_meanwhile();
            if more.is_empty() {
                return Ok(Some(text));
            }
            self.messages.push(json!({ "role": "user", "content": more }));
            return Ok(None);
        }
        let done = join_all(calls.iter().map(|call| self.call(call, front, stop))).await;
        let mut results = Vec::new();
        for (call, done) in calls.iter().zip(&done) {
            front.finished(parent, call, done);
            results.push(json!({
                "type": "tool_result", "tool_use_id": call.id, "content": done.text, "is_error": !done.ok,
            }));
        }
        results.extend(self.said_meanwhile());
        self.messages.push(json!({ "role": "user", "content": results }));
        if stop.is_cancelled() { Err(End::Interrupted) } else { Ok(None) }
    }

    fn said_meanwhile(&self) -> Vec<Value> {
        let said = std::mem::take(&mut *self.inbox.lock().unwrap());
        said.into_iter().map(|text| json!({ "type": "text", "text": text })).collect()
    }

    async fn ask(&self, front: &dyn Front, stop: &CancellationToken) -> Result<super::provider::Reply, End> {
        let asked = Asked { system: &self.system, messages: &self.messages, tools: &self.tools };
        let parent = self.parent.as_deref();
        let mut attempt = 0;
        loop {
            let on_delta = |text: &str| front.delta(parent, text);
            let answer = tokio::select! {
                answer = self.api.ask(&asked, &on_delta) => answer,
                () = stop.cancelled() => return Err(End::Interrupted),
            };
            let failure = match answer {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            if attempt == self.retries || (self.hopeless)(&failure) {
                return Err(End::Failed(failure));
            }
            attempt += 1;
            let asked_for = match &failure {
                Failure::Refused { retry_after, .. } => *retry_after,
                Failure::Cut(_) => None,
            };
            let wait = asked_for.unwrap_or(Duration::from_millis(50) * 2u32.pow(attempt.min(5)));
            front.retry(attempt, &failure, wait);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return Err(End::Interrupted),
            }
        }
    }

    async fn call(&self, call: &Call, front: &dyn Front, stop: &CancellationToken) -> Done {
        let leave = tokio::select! {
            leave = front.leave(self.parent.as_deref(), call) => leave,
            () = stop.cancelled() => Err("interrupted".into()),
        };
        if let Err(why) = leave {
            return Done::failed(why);
        }
        if let Some(done) = front.special(call, stop).await {
            return done;
        }
        if let Some(command) = call.command() {
            return tools::command(command, &self.dir, stop).await;
        }
        for server in &self.servers {
            let name = call.name.strip_prefix(&format!("mcp__{}__", server.name));
            if let Some(tool) = name.filter(|name| server.tools.iter().any(|tool| tool.name == *name)) {
                return tokio::select! {
                    done = server.call(tool, &call.input) => done,
                    () = stop.cancelled() => Done::failed("interrupted"),
                };
            }
        }
        let path = self.dir.join(call.text("file_path"));
        match call.name.as_str() {
            "Write" => tools::write(&path, call.text("content")),
            "Read" => tools::read(&path),
            other => Done::failed(format!("There is no tool {other}.")),
        }
    }
}

/// The tools of servers, by the names that the model is told.
pub fn offered(servers: &[Server]) -> Vec<Tool> {
    let all = servers.iter().flat_map(|server| server.tools.iter().map(move |tool| (server, tool)));
    all.map(|(server, tool)| Tool { name: format!("mcp__{}__{}", server.name, tool.name), ..tool.clone() }).collect()
}
