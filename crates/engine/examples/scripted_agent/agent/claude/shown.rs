//! What it shows of itself: events, results, and what it has cost.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Claude, VERSION};
use crate::agent::lines::id;
use crate::agent::provider::{Failure, Usage};
use crate::agent::work::End;

impl Claude {
    pub(super) fn init(&self) {
        self.event(None, json!({
            "type": "system", "subtype": "init", "cwd": self.dir, "model": self.model, "claude_code_version": VERSION,
            "tools": ["Task", "Bash", "Read", "Write"], "permissionMode": "default", "apiKeySource": "ANTHROPIC_API_KEY",
            "mcp_servers": self.servers.iter().map(|server| json!({ "name": server.name, "status": "connected" }))
                .collect::<Vec<_>>(),
        }));
    }

    pub(super) fn event(&self, parent: Option<&str>, mut event: Value) {
        event["session_id"] = self.session.as_str().into();
        event["uuid"] = id().into();
        if event["type"] != "result" && event["type"] != "system" {
            event["parent_tool_use_id"] = parent.into();
        }
        self.out.line(&event);
    }

    pub(super) fn result(&self, more: &Value) {
        let mut result = json!({
            "type": "result", "subtype": "success", "is_error": false, "total_cost_usd": self.total(),
            "duration_ms": 1, "duration_api_ms": 1, "modelUsage": self.model_usage(), "permission_denials": [],
        });
        // Totals are the conversation's, also of processes before this one: this is what came since.
        let (since, index) = self.since();
        result["model_usage_since_last_result"] = since;
        result["result_index"] = index.into();
        for (name, value) in more.as_object().into_iter().flatten() {
            result[name] = value.clone();
        }
        self.event(None, result);
    }

    pub(super) fn ended(&self, end: End, turns: u32, took: Duration) {
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

    pub(super) fn model_usage(&self) -> Value {
        let spent = self.spent.lock().unwrap();
        Value::Object(spent.iter().map(|(model, usage)| (model.clone(), of_model(model, *usage))).collect())
    }

    /// What was used since the last result, and its number.
    fn since(&self) -> (Value, u32) {
        let spent = self.spent.lock().unwrap().clone();
        let mut told = self.told.lock().unwrap();
        let models = spent.iter().map(|(model, usage)| {
            let before = told.0.get(model).copied().unwrap_or_default();
            let since = Usage {
                input: usage.input - before.input,
                output: usage.output - before.output,
                cache_read: usage.cache_read - before.cache_read,
                cache_write: usage.cache_write - before.cache_write,
            };
            (model.clone(), of_model(model, since))
        });
        let since = Value::Object(models.collect());
        let index = told.1;
        *told = (spent, index + 1);
        (since, index)
    }

    fn total(&self) -> f64 {
        self.spent.lock().unwrap().iter().map(|(model, usage)| price(model, *usage)).sum()
    }

    pub(super) fn block(&self, parent: Option<&str>, reply: &str, block: Value) {
        let used = self.of_reply.lock().unwrap().get(&parent.map(str::to_owned)).copied().unwrap_or_default();
        let usage = |output: i64| {
            json!({
                "input_tokens": used.input, "output_tokens": output, "cache_read_input_tokens": used.cache_read,
                "cache_creation_input_tokens": used.cache_write,
            })
        };
        // Its usage is the start value, and comes again with each block: a trap for whoever sums it up.
        let mut message = json!({
            "id": reply, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "usage": usage(1),
        });
        let is_first =
            parent.is_none() && std::mem::replace(&mut *self.streamed.lock().unwrap(), reply.into()) != reply;
        if is_first && self.shows_deltas {
            let start = json!({ "type": "message_start", "message": message });
            self.event(None, json!({ "type": "stream_event", "event": start }));
            let end = json!({ "type": "message_delta", "delta": {}, "usage": usage(used.output) });
            self.event(None, json!({ "type": "stream_event", "event": end }));
        }
        message["content"] = json!([block]);
        self.event(parent, json!({ "type": "assistant", "message": message }));
    }
}

fn of_model(model: &str, usage: Usage) -> Value {
    json!({
        "inputTokens": usage.input, "outputTokens": usage.output, "cacheReadInputTokens": usage.cache_read,
        "cacheCreationInputTokens": usage.cache_write, "costUSD": price(model, usage),
    })
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
