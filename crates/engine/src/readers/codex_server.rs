//! Codex as a server: `codex app-server`, JSON-RPC on stdio.
//!
//! Agents that Codex spawns have conversations ("threads") of their own, whose events come on the same stream. The
//! first thread is the one that we asked for.

use contract::{NoticeLevel, one_line};
use serde_json::{Value, json};

use super::codex::{is_retry, retry, told};
use super::codex_items::{Items, either, snake, usage};
use super::ending::{self, Fault};
use super::json::{Known, id, kept, text};
use super::{End, Happened, Reader, beyond, event_of};
use crate::model::Usage;

const NAME: &str = "Codex";

/// Reads `codex app-server`. Answers to requests of ours are no events but for the one that names the conversation;
/// whoever sent the requests reads them.
pub(crate) struct CodexServer {
    model: String,
    version: String,
    root: Option<String>,
    items: Items,
    totals: Known<Usage>,
    /// The last words of agents that were spawned, by their thread.
    words: Known<String>,
    open: bool,
    retrying: bool,
    fault: Option<Fault>,
    last: Option<End>,
    turns: i64,
}

impl CodexServer {
    /// A reader of one process. `model`: the one that was asked for, until the program says which it is.
    pub fn new(model: &str) -> CodexServer {
        CodexServer {
            model: model.to_owned(),
            version: String::new(),
            root: None,
            items: Items::default(),
            totals: Known::default(),
            words: Known::default(),
            open: false,
            retrying: false,
            fault: None,
            last: None,
            turns: 0,
        }
    }

    fn message(&mut self, message: &Value, out: &mut Vec<Happened>) {
        let method = text(message, "method");
        match (method.is_empty(), message.get("id")) {
            (false, Some(asked)) if !asked.is_null() => self.asked(asked, method, &message["params"], out),
            (false, _) => self.notice(method, &message["params"], out),
            (true, _) => self.answered(message, out),
        }
    }

    fn answered(&mut self, message: &Value, out: &mut Vec<Happened>) {
        let result = &message["result"];
        if let Some((_, version)) = text(result, "userAgent").split_once('/') {
            self.version = one_line(version.split([' ', '(']).next().unwrap_or_default(), 40);
        }
        if result["thread"].is_object() {
            if !text(result, "model").is_empty() {
                self.model = text(result, "model").to_owned();
            }
            self.conversation(&result["thread"], out);
        }
        if !self.open && message["error"].is_object() {
            self.fault = Some(fault(&message["error"]));
        }
    }

    fn conversation(&mut self, thread: &Value, out: &mut Vec<Happened>) {
        let Some(id) = id(&thread["id"]) else { return };
        if self.root.get_or_insert_with(|| id.clone()) == &id {
            out.push(Happened::Conversation { id, version: self.version.clone(), model: self.model.clone() });
        }
    }

    /// Whose event it is: none for the agent that the conversation is with.
    fn owner(&self, params: &Value) -> Option<String> {
        id(&params["threadId"]).filter(|thread| self.root.as_ref().is_some_and(|root| root != thread))
    }

    fn notice(&mut self, method: &str, params: &Value, out: &mut Vec<Happened>) {
        let owner = self.owner(params);
        let own = owner.is_none();
        match method {
            "thread/started" if self.root.is_none() => self.conversation(&params["thread"], out),
            "turn/started" if own => {
                self.open = true;
                self.fault = None;
            }
            "turn/completed" => self.over(owner, &params["turn"], out),
            "item/started" => {
                self.alive(out);
                self.items.started(&params["item"], owner.as_deref(), out);
            }
            "item/completed" => {
                self.alive(out);
                let item = &params["item"];
                if let Some(thread) = &owner
                    && snake(text(item, "type")) == "agent_message"
                {
                    self.words.insert(thread.clone(), kept(text(item, "text")));
                }
                self.items.completed(item, owner.as_deref(), out);
            }
            "item/agentMessage/delta" => {
                self.alive(out);
                let text = kept(text(params, "delta"));
                if !text.is_empty() {
                    out.push(Happened::Delta { text, parent: owner });
                }
            }
            "thread/tokenUsage/updated" => self.used(owner, params, out),
            "error" => self.error(params, out),
            "warning" | "configWarning" => {
                let said = one_line([text(params, "message"), text(params, "summary")].concat().as_str(), 300);
                if !said.is_empty() {
                    out.push(Happened::Noted { level: NoticeLevel::Info, text: said });
                }
            }
            "serverRequest/resolved" => {
                let asked = &params["requestId"];
                if !asked.is_null() {
                    out.push(Happened::Withdrawn { id: asked.to_string() });
                }
            }
            _ => {}
        }
    }

    fn alive(&mut self, out: &mut Vec<Happened>) {
        if std::mem::take(&mut self.retrying) {
            out.push(Happened::RetryOver);
        }
    }

    /// Totals of a thread. Those of a thread that was taken up begin with what it had used before; a report outside
    /// any turn tells of that alone.
    fn used(&mut self, owner: Option<String>, params: &Value, out: &mut Vec<Happened>) {
        let report = either(params, "token_usage", "tokenUsage");
        let thread = id(&params["threadId"]).unwrap_or_default();
        let (total, last) = match report["total"].is_object() {
            true => (usage(&report["total"]), usage(&report["last"])),
            false => (usage(report), usage(report)),
        };
        let known = self.totals.get(&thread).copied();
        self.totals.insert(thread, total);
        let grown = match known {
            Some(known) => beyond(&total, &known),
            None if self.open || owner.is_some() => last,
            None => Usage::default(),
        };
        if grown != Usage::default() {
            out.push(Happened::Used { model: self.model.clone(), usage: grown, cost: None, parent: owner });
        }
    }

    fn error(&mut self, params: &Value, out: &mut Vec<Happened>) {
        let words = text(&params["error"], "message");
        if params["willRetry"] == true || is_retry(words) {
            self.retrying = true;
            let why = text(&params["error"], "additionalDetails");
            let words = if why.is_empty() { words.to_owned() } else { format!("{words} ({why})") };
            out.push(retry(&words));
        } else {
            self.fault = Some(fault(&params["error"]));
        }
    }

    fn over(&mut self, owner: Option<String>, turn: &Value, out: &mut Vec<Happened>) {
        let status = text(turn, "status");
        if let Some(thread) = owner {
            if self.items.is_out(&thread) {
                let summary = self.words.remove(&thread).unwrap_or_default();
                self.items.came_back(thread, status == "completed", summary, out);
            }
            return;
        }
        self.alive(out);
        let words = std::mem::take(&mut self.items.words);
        let mut end = match status {
            "completed" => End::completed((!words.is_empty()).then_some(words)),
            "interrupted" => End::cancelled(true),
            _ => {
                let told = if turn["error"].is_object() { Some(fault(&turn["error"])) } else { self.fault.take() };
                let told = told.unwrap_or(Fault { program: NAME, ..Fault::default() });
                End::failed(told.error())
            }
        };
        end.turns = self.items.calls.take();
        self.turns = self.turns.saturating_add(end.turns);
        self.open = false;
        self.last = Some(end.clone());
        out.push(Happened::TurnEnded(end));
    }

    /// The program waits for an answer of ours.
    fn asked(&mut self, asked: &Value, method: &str, params: &Value, out: &mut Vec<Happened>) {
        let item = id(either(params, "itemId", "callId")).unwrap_or_default();
        let known = self.items.input(&item).cloned().unwrap_or_else(|| json!({}));
        let with = |mut input: Value, fields: &[&str]| {
            for field in fields {
                if !params[*field].is_null() {
                    input[*field] = params[*field].clone();
                }
            }
            input
        };
        let (tool, input) = match method {
            "item/commandExecution/requestApproval" | "execCommandApproval" => {
                ("command_execution", with(known, &["command", "cwd", "reason", "networkApprovalContext"]))
            }
            "item/fileChange/requestApproval" | "applyPatchApproval" => {
                ("file_change", with(known, &["fileChanges", "reason", "grantRoot"]))
            }
            other => (other, params.clone()),
        };
        let input = if input.is_object() { input } else { json!({}) };
        out.push(Happened::Asks {
            id: asked.to_string(),
            tool: one_line(tool, 200),
            input,
            parent: self.owner(params),
        });
    }
}

/// What an error of Codex's tells. Its kind is a name, or an object by that name with an HTTP status in it.
fn fault(error: &Value) -> Fault {
    let info = either(error, "codexErrorInfo", "codex_error_info");
    let named = info.as_object().and_then(|info| info.iter().next());
    let (kind, status) = match named {
        Some((kind, details)) => (kind.as_str(), details["httpStatusCode"].as_u64()),
        None => (info.as_str().unwrap_or_default(), None),
    };
    let mut words = told(text(error, "message"));
    let more = text(error, "additionalDetails");
    if !more.is_empty() {
        words = format!("{words} ({})", told(more));
    }
    Fault {
        program: NAME,
        status: status.and_then(|status| u16::try_from(status).ok()),
        kind: kind.to_owned(),
        words,
        resets_at: None,
    }
}

impl Reader for CodexServer {
    fn line(&mut self, line: &str) -> Vec<Happened> {
        let mut out = Vec::new();
        if let Some(event) = event_of(line, &mut out) {
            self.message(&event, &mut out);
        }
        out
    }

    fn end(&mut self, exit: Option<i32>, signal: Option<i32>, stderr_tail: &str) -> End {
        let mut end = match self.last.take() {
            Some(last) if !self.open => last,
            _ => {
                self.turns = self.turns.saturating_add(self.items.calls.take());
                ending::died(NAME, exit, signal, stderr_tail).explained(self.fault.take())
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

    fn played(lines: &[Value]) -> (Vec<Happened>, CodexServer) {
        let mut codex = CodexServer::new("gpt-5");
        let happened = lines.iter().flat_map(|line| codex.line(&line.to_string())).collect();
        (happened, codex)
    }

    fn began() -> Vec<Value> {
        vec![
            json!({"id": 1, "result": {"userAgent": "codex_cli_rs/0.169.0 (Linux)"}}),
            json!({"id": 2, "result": {"thread": {"id": "root"}, "model": "gpt-5"}}),
            json!({"method": "turn/started", "params": {"threadId": "root", "turn": {"id": "t"}}}),
        ]
    }

    #[test]
    fn a_turn_has_a_conversation_words_usage_and_an_end() {
        let mut lines = began();
        lines.extend([
            json!({"method": "item/agentMessage/delta", "params": {"threadId": "root", "itemId": "i", "delta": "Do"}}),
            json!({"method": "item/completed", "params": {"threadId": "root", "item": {"id": "i", "type": "agentMessage", "text": "Done."}}}),
            json!({"method": "thread/tokenUsage/updated", "params": {"threadId": "root", "tokenUsage": {
                "total": {"inputTokens": 5000, "cachedInputTokens": 0, "outputTokens": 50},
                "last": {"inputTokens": 1200, "cachedInputTokens": 300, "outputTokens": 9}}}}),
            json!({"method": "turn/completed", "params": {"threadId": "root", "turn": {"id": "t", "status": "completed"}}}),
        ]);
        let (happened, mut codex) = played(&lines);
        let usage = Usage { input: 900, output: 9, cache_read: 300, cache_write: 0 };
        let end = End { turns: 1, ..End::completed(Some("Done.".into())) };
        let expected = [
            Happened::Conversation { id: "root".into(), version: "0.169.0".into(), model: "gpt-5".into() },
            Happened::Delta { text: "Do".into(), parent: None },
            Happened::Said { text: "Done.".into(), parent: None },
            Happened::Used { model: "gpt-5".into(), usage, cost: None, parent: None },
            Happened::TurnEnded(end.clone()),
        ];
        assert_eq!(happened, expected);
        assert_eq!(codex.end(Some(0), None, ""), end);
    }

    #[test]
    fn leave_is_asked_for_with_what_is_known_of_the_call() {
        let mut lines = began();
        lines.extend([
            json!({"method": "item/started", "params": {"threadId": "root", "item": {"id": "c", "type": "fileChange", "changes": [{"path": "a", "diff": "+x"}]}}}),
            json!({"id": 7, "method": "item/fileChange/requestApproval", "params": {"threadId": "root", "itemId": "c"}}),
            json!({"id": "x", "method": "item/commandExecution/requestApproval", "params": {"threadId": "root", "itemId": "d", "command": "ls"}}),
        ]);
        let (happened, _) = played(&lines);
        let asks: Vec<_> = happened
            .into_iter()
            .filter_map(|one| match one {
                Happened::Asks { id, tool, input, .. } => Some((id, tool, input)),
                _ => None,
            })
            .collect();
        let changes = json!({"changes": [{"path": "a", "diff": "+x"}]});
        let expected = [
            ("7".to_owned(), "file_change".to_owned(), changes),
            ("\"x\"".to_owned(), "command_execution".to_owned(), json!({"command": "ls"})),
        ];
        assert_eq!(asks, expected);
    }

    #[test]
    fn an_interrupt_and_a_refusal_are_told_apart() {
        let ended = |turn: Value| {
            let mut lines = began();
            lines.push(json!({"method": "turn/completed", "params": {"threadId": "root", "turn": turn}}));
            let end = played(&lines).1.end(Some(0), None, "");
            (end.outcome, end.interrupted, end.error.map(|error| error.code))
        };
        assert_eq!(ended(json!({"status": "interrupted"})), (Outcome::Cancelled, true, None));
        let refused = json!({"status": "failed", "error": {
            "message": "no", "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": 401}}}});
        assert_eq!(ended(refused), (Outcome::Failed, false, Some(ErrorCode::PROVIDER_AUTH)));
        let quota = json!({"status": "failed", "error": {"message": "", "codexErrorInfo": "usageLimitExceeded"}});
        assert_eq!(ended(quota), (Outcome::Failed, false, Some(ErrorCode::PROVIDER_QUOTA)));
    }
}
