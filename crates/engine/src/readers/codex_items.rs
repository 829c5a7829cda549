//! What Codex does in a turn: the items of `codex exec --json` and of `codex app-server`, which differ in their
//! spelling alone.

use contract::{NoticeLevel, one_line};
use serde_json::{Value, json};

use super::Happened;
use super::json::{Calls, Known, count, id, kept, text, words};
use crate::model::Usage;

/// Changed files that a result names.
const FILES: usize = 20;

/// The items so far.
#[derive(Default)]
pub(super) struct Items {
    open: Known<Value>,
    spans: Known<()>,
    /// Model calls of the agent that the conversation is with.
    pub calls: Calls,
    /// Its last words.
    pub words: String,
}

impl Items {
    /// An item began.
    pub fn started(&mut self, item: &Value, parent: Option<&str>, out: &mut Vec<Happened>) {
        let Some(call) = id(&item["id"]) else { return };
        let Some((tool, input)) = tool(item) else { return };
        if parent.is_none() {
            self.calls.output();
        }
        if self.open.has(&call) {
            return;
        }
        self.open.insert(call.clone(), input.clone());
        out.push(Happened::ToolStarted { id: call, tool, input, parent: parent.map(str::to_owned) });
    }

    /// An item is whole.
    pub fn completed(&mut self, item: &Value, parent: Option<&str>, out: &mut Vec<Happened>) {
        let owner = parent.map(str::to_owned);
        let kind = snake(text(item, "type"));
        let own = parent.is_none();
        match kind.as_str() {
            "agent_message" if !text(item, "text").trim().is_empty() => {
                let said = kept(text(item, "text"));
                if own {
                    self.calls.output();
                    self.words.clone_from(&said);
                }
                out.push(Happened::Said { text: said, parent: owner });
            }
            "reasoning" => {
                if own {
                    self.calls.output();
                }
                let thought = [&item["text"], &item["summary"], &item["content"]].into_iter().map(lines);
                if let Some(text) = thought.into_iter().find(|thought| !thought.trim().is_empty()) {
                    out.push(Happened::Thought { text, parent: owner });
                }
            }
            "error" => {
                let text = one_line(text(item, "message"), 300);
                out.push(Happened::Noted { level: NoticeLevel::Info, text });
            }
            "context_compaction" => {
                let text = "The conversation was shortened to fit the model.".into();
                out.push(Happened::Noted { level: NoticeLevel::Info, text });
            }
            "collab_tool_call" | "collab_agent_tool_call" => {
                if own {
                    self.calls.output();
                    self.calls.input();
                }
                self.collaborated(item, owner, out);
            }
            _ => {
                if tool(item).is_none() {
                    return;
                }
                self.started(item, parent, out);
                let Some(call) = id(&item["id"]) else { return };
                self.open.remove(&call);
                if own {
                    self.calls.input();
                }
                out.push(Happened::ToolFinished { id: call, ok: went_well(item), output: output(item), parent: owner });
            }
        }
    }

    /// What a call under way was given.
    pub fn input(&self, call: &str) -> Option<&Value> {
        self.open.get(call)
    }

    /// An agent that was handed work answered, where it has not before.
    pub fn came_back(&mut self, span: String, ok: bool, summary: String, out: &mut Vec<Happened>) {
        if self.spans.remove(&span).is_some() {
            out.push(Happened::CameBack { span, ok, summary });
        }
    }

    /// Whether work was handed out by that name.
    pub fn is_out(&self, span: &str) -> bool {
        self.spans.has(span)
    }

    /// Agents are called by their conversations' ids: one that is spawned has work to do, and its state says when that
    /// is done.
    fn collaborated(&mut self, item: &Value, parent: Option<String>, out: &mut Vec<Happened>) {
        let several = either(item, "receiver_thread_ids", "receiverThreadIds").as_array().into_iter().flatten();
        let single = [&item["newThreadId"], &item["receiverThreadId"]];
        if snake(text(item, "tool")) == "spawn_agent" {
            for span in several.chain(single).filter_map(id) {
                if !self.spans.has(&span) {
                    self.spans.insert(span.clone(), ());
                    let task = kept(text(item, "prompt"));
                    out.push(Happened::HandedOut { span, to: "agent".into(), task, parent: parent.clone() });
                }
            }
        }
        for (span, state) in either(item, "agents_states", "agentsStates").as_object().into_iter().flatten() {
            let ok = match snake(text(state, "status")).as_str() {
                "completed" => true,
                "errored" | "interrupted" | "shutdown" | "not_found" => false,
                _ => continue,
            };
            self.came_back(span.clone(), ok, kept(text(state, "message")), out);
        }
    }
}

/// The name and input of an item that is a tool call.
fn tool(item: &Value) -> Option<(String, Value)> {
    Some(match snake(text(item, "type")).as_str() {
        "command_execution" => {
            let mut input = json!({ "command": item["command"] });
            if item["cwd"].is_string() {
                input["cwd"] = item["cwd"].clone();
            }
            ("command_execution".to_owned(), input)
        }
        "file_change" => ("file_change".to_owned(), json!({ "changes": item["changes"] })),
        "mcp_tool_call" => {
            let name = format!("mcp__{}__{}", text(item, "server"), text(item, "tool"));
            (one_line(&name, 200), item["arguments"].clone())
        }
        "dynamic_tool_call" => (one_line(text(item, "tool"), 200), item["arguments"].clone()),
        "web_search" => ("web_search".to_owned(), json!({ "query": item["query"] })),
        _ => return None,
    })
}

/// A command's exit code says more than the item's status.
fn went_well(item: &Value) -> bool {
    let exit = either(item, "exit_code", "exitCode").as_i64();
    let failed = matches!(text(item, "status"), "failed" | "declined") || item["success"] == false;
    !failed && exit.is_none_or(|exit| exit == 0) && !item["error"].is_object()
}

fn output(item: &Value) -> String {
    let said = either(item, "aggregated_output", "aggregatedOutput");
    if said.is_string() {
        return words(said);
    }
    if item["error"].is_object() {
        return kept(text(&item["error"], "message"));
    }
    if item["result"].is_object() {
        return words(&item["result"]["content"]);
    }
    let changes = item["changes"].as_array().into_iter().flatten().take(FILES);
    changes.map(|change| one_line(text(change, "path"), 300)).collect::<Vec<_>>().join("\n")
}

/// A list of texts, or a text.
fn lines(value: &Value) -> String {
    match value.as_array() {
        Some(parts) if parts.iter().all(Value::is_string) => {
            kept(&parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
        }
        _ if value.is_null() => String::new(),
        _ => words(value),
    }
}

/// A field by the one spelling or the other.
pub(super) fn either<'v>(value: &'v Value, snake: &str, camel: &str) -> &'v Value {
    let found = &value[snake];
    if found.is_null() { &value[camel] } else { found }
}

/// `agentMessage` as `agent_message`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars().take(80) {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// What a report of tokens says. Its input has what was read from the cache in it.
pub(super) fn usage(report: &Value) -> Usage {
    let of = |snake, camel| count(either(report, snake, camel));
    let (read, write) =
        (of("cached_input_tokens", "cachedInputTokens"), of("cache_write_input_tokens", "cacheWriteInputTokens"));
    Usage {
        input: (of("input_tokens", "inputTokens") - read - write).max(0),
        output: of("output_tokens", "outputTokens"),
        cache_read: read,
        cache_write: write,
    }
}
