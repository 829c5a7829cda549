//! opencode: `opencode run --format json`.
//!
//! It has no event for its end: the last step's end and the exit are it.

use contract::{Money, one_line};
use serde_json::Value;

use super::ending::{self, Fault};
use super::json::{Known, count, dollars, id, kept, text, words};
use super::{End, Happened, Reader, event_of};
use crate::model::Usage;

const NAME: &str = "opencode";

/// Reads opencode.
#[derive(Default)]
pub(crate) struct Opencode {
    session: Option<String>,
    tools: Known<()>,
    /// Steps begun, each a model call.
    turns: i64,
    open: bool,
    /// Why the last step ended.
    reason: String,
    words: String,
    cost: Option<Money>,
    fault: Option<Fault>,
}

impl Opencode {
    /// A reader of one process.
    pub fn new() -> Opencode {
        Opencode::default()
    }

    fn event(&mut self, event: &Value, out: &mut Vec<Happened>) {
        let part = &event["part"];
        if self.session.is_none()
            && let Some(id) = id(&event["sessionID"])
        {
            self.session = Some(id.clone());
            out.push(Happened::Conversation { id, version: String::new(), model: String::new() });
        }
        match text(event, "type") {
            "step_start" => {
                self.open = true;
                self.turns = self.turns.saturating_add(1);
                self.words.clear();
            }
            "text" if !text(part, "text").trim().is_empty() => {
                let said = kept(text(part, "text"));
                self.words.clone_from(&said);
                out.push(Happened::Said { text: said, parent: None });
            }
            "reasoning" if !text(part, "text").trim().is_empty() => {
                out.push(Happened::Thought { text: kept(text(part, "text")), parent: None });
            }
            "tool_use" => self.called(part, out),
            "step_finish" => self.stepped(part, out),
            "error" => {
                let error = &event["error"];
                let data = &error["data"];
                let said = [text(data, "message"), text(error, "message"), text(error, "name")];
                let status = data["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
                let words = kept(said.into_iter().find(|words| !words.is_empty()).unwrap_or_default());
                self.fault = Some(Fault { program: NAME, status, words, ..Fault::default() });
            }
            _ => {}
        }
    }

    /// A call is told of once it is over.
    fn called(&mut self, part: &Value, out: &mut Vec<Happened>) {
        let Some(call) = id(&part["callID"]) else { return };
        let state = &part["state"];
        let status = text(state, "status");
        let tool = one_line(text(part, "tool"), 200);
        let input = state["input"].clone();
        let is_agent = tool == "task" && input["prompt"].is_string();
        if !self.tools.has(&call) {
            self.tools.insert(call.clone(), ());
            out.push(if is_agent {
                let to = one_line(text(&input, "subagent_type"), 100);
                Happened::HandedOut { span: call.clone(), to, task: kept(text(&input, "prompt")), parent: None }
            } else {
                Happened::ToolStarted { id: call.clone(), tool, input, parent: None }
            });
        }
        if !matches!(status, "completed" | "error") || self.tools.remove(&call).is_none() {
            return;
        }
        let exit = state["metadata"]["exit"].as_i64();
        let ok = status == "completed" && exit.is_none_or(|exit| exit == 0);
        let output = words(if status == "error" { &state["error"] } else { &state["output"] });
        out.push(if is_agent {
            Happened::CameBack { span: call, ok, summary: output }
        } else {
            Happened::ToolFinished { id: call, ok, output, parent: None }
        });
    }

    fn stepped(&mut self, part: &Value, out: &mut Vec<Happened>) {
        self.open = false;
        self.reason = text(part, "reason").to_owned();
        // A step that ends well has got over whatever was wrong before.
        self.fault = None;
        let tokens = &part["tokens"];
        let usage = Usage {
            input: count(&tokens["input"]),
            output: count(&tokens["output"]).saturating_add(count(&tokens["reasoning"])),
            cache_read: count(&tokens["cache"]["read"]),
            cache_write: count(&tokens["cache"]["write"]),
        };
        let cost = dollars(&part["cost"]);
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or_default() + cost);
        }
        let cost = cost.filter(|cost| *cost > Money::ZERO);
        if usage != Usage::default() || cost.is_some() {
            out.push(Happened::Used { model: String::new(), usage, cost, parent: None });
        }
    }
}

impl Reader for Opencode {
    fn line(&mut self, line: &str) -> Vec<Happened> {
        let mut out = Vec::new();
        if let Some(event) = event_of(line, &mut out) {
            self.event(&event, &mut out);
        }
        out
    }

    fn end(&mut self, exit: Option<i32>, signal: Option<i32>, stderr_tail: &str) -> End {
        // After its tools a model is asked again: only another end of the last step is the end.
        let is_whole = !self.open && !self.reason.is_empty() && self.reason != "tool-calls" && self.fault.is_none();
        let words = std::mem::take(&mut self.words);
        let words = (!words.is_empty()).then_some(words);
        let mut end = if is_whole && !ending::went_wrong(exit, signal) {
            End::completed(words)
        } else {
            let died = ending::died(NAME, exit, signal, stderr_tail).explained(self.fault.take());
            End { text: words.filter(|_| is_whole), ..died }
        };
        end.turns = self.turns;
        end.cost = self.cost;
        end
    }
}
