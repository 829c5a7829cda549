//! A turn as it shows it, its questions, and its agents.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Claude;
use crate::agent::lines::{Out, id};
use crate::agent::provider::{Failure, Usage};
use crate::agent::tools::Done;
use crate::agent::work::{Call, End, Front};

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
        self.of_reply.lock().unwrap().insert(parent.map(str::to_owned), usage);
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
        let Some(spec) = self.agents.lock().unwrap().get(role).cloned() else {
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
