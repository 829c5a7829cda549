//! Codex, one turn a process: `codex exec --json`.
//!
//! It names no costs, and its tokens are totals of the whole conversation, of turns before this process too.

use contract::{WaitReason, one_line};
use serde_json::Value;

use super::codex_items::{Items, usage};
use super::ending::{self, Fault};
use super::json::{id, kept, text};
use super::{End, Happened, Reader, beyond, event_of};
use crate::model::Usage;

const NAME: &str = "Codex";

/// Reads `codex exec --json`.
pub(crate) struct CodexExec {
    model: String,
    known: Usage,
    items: Items,
    open: bool,
    retrying: bool,
    fault: String,
    last: Option<End>,
    turns: i64,
}

impl CodexExec {
    /// A reader of one process. It does not say which model it asks, so that is given; and so is what the
    /// conversation that it takes up had used by then.
    pub fn new(model: &str, before: Usage) -> CodexExec {
        CodexExec {
            model: model.to_owned(),
            known: before,
            items: Items::default(),
            open: false,
            retrying: false,
            fault: String::new(),
            last: None,
            turns: 0,
        }
    }

    fn event(&mut self, event: &Value, out: &mut Vec<Happened>) {
        match text(event, "type") {
            "thread.started" => {
                if let Some(id) = id(&event["thread_id"]) {
                    out.push(Happened::Conversation { id, version: String::new(), model: self.model.clone() });
                }
            }
            "turn.started" => self.open = true,
            "item.started" | "item.updated" => {
                self.alive(out);
                self.open = true;
                self.items.started(&event["item"], None, out);
            }
            "item.completed" => {
                // The first notices come before the turn.
                if text(&event["item"], "type") != "error" {
                    self.alive(out);
                    self.open = true;
                }
                self.items.completed(&event["item"], None, out);
            }
            "turn.completed" => {
                self.alive(out);
                self.used(&event["usage"], out);
                let words = std::mem::take(&mut self.items.words);
                self.over(End::completed((!words.is_empty()).then_some(words)), out);
            }
            "turn.failed" => {
                self.used(&event["usage"], out);
                let words = text(&event["error"], "message");
                let words = if words.is_empty() { self.fault.clone() } else { kept(words) };
                let error = Fault { program: NAME, words: told(&words), ..Fault::default() }.error();
                self.over(End::failed(error), out);
            }
            "error" => self.error(text(event, "message"), out),
            _ => {}
        }
    }

    fn error(&mut self, words: &str, out: &mut Vec<Happened>) {
        if !is_retry(words) {
            self.fault = kept(words);
            return;
        }
        self.retrying = true;
        out.push(retry(words));
    }

    fn alive(&mut self, out: &mut Vec<Happened>) {
        if std::mem::take(&mut self.retrying) {
            out.push(Happened::RetryOver);
        }
    }

    fn used(&mut self, report: &Value, out: &mut Vec<Happened>) {
        if !report.is_object() {
            return;
        }
        let now = usage(report);
        let grown = beyond(&now, &self.known);
        self.known = now;
        if grown != Usage::default() {
            out.push(Happened::Used { model: self.model.clone(), usage: grown, cost: None, parent: None });
        }
    }

    fn over(&mut self, mut end: End, out: &mut Vec<Happened>) {
        end.turns = self.items.calls.take();
        self.turns = self.turns.saturating_add(end.turns);
        self.open = false;
        self.retrying = false;
        self.last = Some(end.clone());
        out.push(Happened::TurnEnded(end));
    }
}

/// Whether an error is one that the program tries again.
pub(super) fn is_retry(words: &str) -> bool {
    words.starts_with("Reconnecting")
}

/// Such an error.
pub(super) fn retry(words: &str) -> Happened {
    let reason = if words.contains("429") { WaitReason::RateLimit } else { WaitReason::Provider };
    let detail = format!("Codex asks its provider again. {}.", one_line(words, 200).trim_end_matches('.'));
    Happened::Retry { reason, detail, until_ms: None }
}

/// The provider's own words, where it answered with an object that has them.
pub(super) fn told(words: &str) -> String {
    let inner = words.find('{').and_then(|at| serde_json::from_str::<Value>(words[at..].trim()).ok());
    match inner {
        Some(inner) => {
            let error = if inner["error"].is_object() { &inner["error"] } else { &inner };
            let mut parts = vec![words[..words.find('{').unwrap_or_default()].trim()];
            parts.extend([text(error, "type"), text(error, "code"), text(error, "message")]);
            parts.retain(|part| !part.is_empty());
            if parts.is_empty() { words.to_owned() } else { parts.join(" ") }
        }
        None => words.to_owned(),
    }
}

impl Reader for CodexExec {
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
                self.turns = self.turns.saturating_add(self.items.calls.take());
                let fault = Fault { program: NAME, words: told(&self.fault), ..Fault::default() };
                ending::died(NAME, exit, signal, stderr_tail).explained((!self.fault.is_empty()).then_some(fault))
            }
        };
        self.open = false;
        end.turns = self.turns;
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{ErrorCode, Outcome};

    fn usage_of(before: Usage, lines: &[&str]) -> Vec<Usage> {
        let mut codex = CodexExec::new("gpt-5", before);
        let happened = lines.iter().flat_map(|line| codex.line(line));
        let used = happened.filter_map(|one| match one {
            Happened::Used { usage, .. } => Some(usage),
            _ => None,
        });
        used.collect()
    }

    #[test]
    fn tokens_of_turns_before_are_not_counted_again_and_cached_ones_once() {
        let done =
            r#"{"type":"turn.completed","usage":{"input_tokens":2400,"cached_input_tokens":600,"output_tokens":160}}"#;
        let before = Usage { input: 900, output: 80, cache_read: 300, cache_write: 0 };
        assert_eq!(usage_of(before, &[done]), [before], "the second turn is as large as the first");
        let all = Usage { input: 1800, output: 160, cache_read: 600, cache_write: 0 };
        assert_eq!(usage_of(Usage::default(), &[done, done]), [all], "a report that comes twice counts once");
    }

    #[test]
    fn an_agent_that_was_spawned_comes_back_when_it_is_waited_for() {
        let mut codex = CodexExec::new("gpt-5", Usage::default());
        let spawn = r#"{"type":"item.completed","item":{"id":"i","type":"collab_tool_call","tool":"spawn_agent","receiver_thread_ids":["t"],"prompt":"Do","agents_states":{"t":{"status":"running"}},"status":"completed"}}"#;
        let wait = r#"{"type":"item.completed","item":{"id":"j","type":"collab_tool_call","tool":"wait","receiver_thread_ids":["t"],"agents_states":{"t":{"status":"completed","message":"Did."}},"status":"completed"}}"#;
        assert!(
            matches!(&codex.line(spawn)[..], [Happened::HandedOut { span, task, .. }] if span == "t" && task == "Do")
        );
        assert_eq!(codex.line(wait), [Happened::CameBack { span: "t".into(), ok: true, summary: "Did.".into() }]);
        assert_eq!(codex.line(wait), []);
    }

    #[test]
    fn a_provider_that_refuses_says_why_in_its_own_words() {
        let mut codex = CodexExec::new("gpt-5", Usage::default());
        let error = serde_json::json!({
            "type": "turn.failed",
            "error": {"message": "{\n \"error\": {\"type\": \"invalid_request_error\", \"message\": \"bad request\"}\n}"},
        });
        codex.line(&error.to_string());
        let end = codex.end(Some(1), None, "");
        let error = end.error.unwrap();
        assert_eq!((end.outcome, error.code), (Outcome::Failed, ErrorCode::PROVIDER_REFUSED));
        assert!(error.message.contains("bad request"), "{}", error.message);
    }
}
