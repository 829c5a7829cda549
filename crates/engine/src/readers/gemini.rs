//! Gemini CLI: `gemini -p … -o stream-json`.

use contract::{ErrorCode, NoticeLevel, one_line};
use serde_json::Value;

use super::ending::{self, Fault};
use super::json::{Calls, Known, count, id, kept, text, words};
use super::{End, Happened, Reader, event_of};
use crate::model::Usage;

const NAME: &str = "Gemini CLI";
/// Bytes of a message that is put together from its pieces.
const SAID: usize = 4 * 1024 * 1024;
/// Exit codes of its own: the login failed, it reached its turns.
const EXIT_AUTH: i32 = 41;
const EXIT_TURNS: i32 = 53;

/// Reads Gemini CLI.
#[derive(Default)]
pub(crate) struct Gemini {
    model: String,
    saying: String,
    words: String,
    tools: Known<bool>,
    calls: Calls,
    open: bool,
    fault: Option<Fault>,
    last: Option<End>,
    turns: i64,
}

impl Gemini {
    /// A reader of one process.
    pub fn new() -> Gemini {
        Gemini::default()
    }

    fn event(&mut self, event: &Value, out: &mut Vec<Happened>) {
        match text(event, "type") {
            "init" => {
                self.open = true;
                self.model = one_line(text(event, "model"), 200);
                if let Some(id) = id(&event["session_id"]) {
                    out.push(Happened::Conversation { id, version: String::new(), model: self.model.clone() });
                }
            }
            "message" if text(event, "role") == "assistant" => self.said(event, out),
            "tool_use" => self.called(event, out),
            "tool_result" => self.returned(event, out),
            "error" => {
                let words = kept(text(event, "message"));
                let text = one_line(&words, 300);
                if text_is_error(event) {
                    self.fault = Some(Fault { program: NAME, words, ..Fault::default() });
                }
                out.push(Happened::Noted { level: NoticeLevel::Warning, text });
            }
            "result" => self.result(event, out),
            _ => {}
        }
    }

    fn said(&mut self, event: &Value, out: &mut Vec<Happened>) {
        self.open = true;
        let piece = text(event, "content");
        if piece.is_empty() {
            return;
        }
        self.calls.output();
        if self.saying.len() + piece.len() <= SAID {
            self.saying.push_str(piece);
        }
        if event["delta"] == true {
            out.push(Happened::Delta { text: kept(piece), parent: None });
        } else {
            self.flush(out);
        }
    }

    fn flush(&mut self, out: &mut Vec<Happened>) {
        let said = std::mem::take(&mut self.saying);
        if !said.trim().is_empty() {
            self.words = kept(&said);
            out.push(Happened::Said { text: self.words.clone(), parent: None });
        }
    }

    fn called(&mut self, event: &Value, out: &mut Vec<Happened>) {
        self.open = true;
        self.flush(out);
        self.calls.output();
        let Some(call) = id(&event["tool_id"]) else { return };
        let tool = one_line(text(event, "tool_name"), 200);
        let input = event["parameters"].clone();
        let to = text(&input, "agent_name");
        let is_agent = matches!(tool.as_str(), "invoke_agent" | "delegate_to_agent") && !to.is_empty();
        self.tools.insert(call.clone(), is_agent);
        out.push(if is_agent {
            let task = [text(&input, "prompt"), text(&input, "objective")].into_iter().find(|task| !task.is_empty());
            let task = kept(task.unwrap_or_default());
            Happened::HandedOut { span: call, to: one_line(to, 100), task, parent: None }
        } else {
            Happened::ToolStarted { id: call, tool, input, parent: None }
        });
    }

    /// A command that failed is said to have succeeded: this is what the program says.
    fn returned(&mut self, event: &Value, out: &mut Vec<Happened>) {
        let Some(call) = id(&event["tool_id"]) else { return };
        let Some(is_agent) = self.tools.remove(&call) else { return };
        self.calls.input();
        let ok = text(event, "status") == "success";
        let output = words(&event["output"]);
        let output = if output.is_empty() { kept(text(&event["error"], "message")) } else { output };
        out.push(if is_agent {
            Happened::CameBack { span: call, ok, summary: output }
        } else {
            Happened::ToolFinished { id: call, ok, output, parent: None }
        });
    }

    fn result(&mut self, event: &Value, out: &mut Vec<Happened>) {
        self.flush(out);
        let stats = &event["stats"];
        let models = stats["models"].as_object().filter(|models| !models.is_empty());
        let parts: Vec<(String, Usage)> = match models {
            Some(models) => models.iter().take(64).map(|(model, part)| (model.clone(), usage(part))).collect(),
            None => vec![(self.model.clone(), usage(stats))],
        };
        let parts = parts.into_iter().filter(|(_, usage)| *usage != Usage::default());
        out.extend(parts.map(|(model, usage)| Happened::Used { model, usage, cost: None, parent: None }));
        let said = std::mem::take(&mut self.words);
        let mut end = if text(event, "status") == "success" {
            End::completed((!said.is_empty()).then_some(said))
        } else {
            let error = &event["error"];
            let mut fault = self.fault.take().unwrap_or_default();
            fault.program = NAME;
            fault.kind = text(error, "type").to_owned();
            if !text(error, "message").is_empty() {
                fault.words = kept(text(error, "message"));
            }
            End::failed(match fault.kind.as_str() {
                "FatalTurnLimitedError" => fault.as_code(ErrorCode::RUN_TURNS),
                _ => fault.error(),
            })
        };
        end.turns = self.calls.take();
        self.turns = self.turns.saturating_add(end.turns);
        self.open = false;
        self.last = Some(end.clone());
        out.push(Happened::TurnEnded(end));
    }
}

fn text_is_error(event: &Value) -> bool {
    text(event, "severity") != "warning"
}

/// Its `input` is what was not read from the cache; `input_tokens` is all.
fn usage(part: &Value) -> Usage {
    let cached = count(&part["cached"]);
    let input = match part["input"].is_number() {
        true => count(&part["input"]),
        false => (count(&part["input_tokens"]) - cached).max(0),
    };
    Usage { input, output: count(&part["output_tokens"]), cache_read: cached, cache_write: 0 }
}

impl Reader for Gemini {
    fn line(&mut self, line: &str) -> Vec<Happened> {
        let mut out = Vec::new();
        if let Some(event) = event_of(line, &mut out) {
            self.event(&event, &mut out);
        }
        out
    }

    fn end(&mut self, exit: Option<i32>, signal: Option<i32>, stderr_tail: &str) -> End {
        let mut end = match self.last.take() {
            Some(last) if !self.open => last,
            _ => {
                self.turns = self.turns.saturating_add(self.calls.take());
                let words = stderr_tail.to_owned();
                let fault = Fault { program: NAME, words, ..Fault::default() };
                match exit {
                    Some(EXIT_TURNS) => End::failed(fault.as_code(ErrorCode::RUN_TURNS)),
                    Some(EXIT_AUTH) => End::failed(fault.as_code(ErrorCode::ENGINE_LOGIN)),
                    _ => ending::died(NAME, exit, signal, stderr_tail).explained(self.fault.take()),
                }
            }
        };
        self.open = false;
        end.turns = self.turns;
        end
    }
}
