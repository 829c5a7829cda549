//! Claude Code: `claude -p --output-format stream-json --verbose`.
//!
//! A process may play several turns, each with an `init` at its beginning and a `result` at its end; subagents in the
//! background bring turns of their own, and the process may go on after the last. Costs are running totals over the
//! whole conversation, processes before this one included.

use contract::{Error, ErrorCode, Money, NoticeLevel, Outcome, Time, WaitReason, one_line};
use serde_json::Value;

use super::claude_money::Bill;
use super::ending::{self, Fault};
use super::json::{Known, count, id, kept, text, words};
use super::{End, Happened, Reader, event_of};

const NAME: &str = "Claude Code";
/// The model of words that come from the program and not from a model.
const SYNTHETIC: &str = "<synthetic>";
/// What the program says in the founder's name when it is interrupted.
const INTERRUPTED: &str = "[Request interrupted by user";

/// Reads Claude Code.
pub(crate) struct Claude {
    bill: Bill,
    model: String,
    /// Whether a turn is under way.
    open: bool,
    turn: Turn,
    retrying: bool,
    tools: Known<Option<String>>,
    spans: Known<Span>,
    /// The call that handed out an agent's work, by the program's own name for that agent.
    agents: Known<String>,
    last: Option<End>,
    turns: i64,
    warned: bool,
}

/// What is known of the turn under way.
#[derive(Default)]
struct Turn {
    /// Messages of the agent itself, by the id of the last.
    messages: i64,
    message: String,
    /// Its last words.
    words: String,
    interrupted: bool,
    /// What the program said of a failure.
    fault: Fault,
}

/// Work that was handed out.
struct Span {
    /// Whether the call that handed it out returns before the work does.
    background: bool,
}

impl Claude {
    /// A reader of one process. `before`: what the conversation that it takes up had cost by then, where that is
    /// known; a version of the program that says so itself goes before it.
    pub fn new(before: Option<Money>) -> Claude {
        Claude {
            bill: Bill::new(before.unwrap_or(Money::ZERO)),
            model: String::new(),
            open: false,
            turn: Turn::default(),
            retrying: false,
            tools: Known::default(),
            spans: Known::default(),
            agents: Known::default(),
            last: None,
            turns: 0,
            warned: false,
        }
    }

    fn event(&mut self, event: &Value, out: &mut Vec<Happened>) {
        let parent = id(&event["parent_tool_use_id"]);
        match text(event, "type") {
            "system" => self.system(event, out),
            "assistant" => self.assistant(event, parent, out),
            "user" => self.user(event, parent, out),
            "stream_event" => self.stream(&event["event"], parent, out),
            "result" => self.result(event, out),
            "control_request" => self.asked(event, out),
            "control_cancel_request" => {
                out.extend(id(&event["request_id"]).map(|id| Happened::Withdrawn { id }));
            }
            "rate_limit_event" => self.limits(&event["rate_limit_info"], out),
            // Answers to our own requests, and what later versions add.
            _ => {}
        }
    }

    fn system(&mut self, event: &Value, out: &mut Vec<Happened>) {
        match text(event, "subtype") {
            "init" => {
                self.begin();
                self.model = text(event, "model").to_owned();
                if let Some(id) = id(&event["session_id"]) {
                    let version = one_line(text(event, "claude_code_version"), 40);
                    out.push(Happened::Conversation { id, version, model: self.model.clone() });
                }
                self.servers(&event["mcp_servers"], out);
            }
            "api_retry" => {
                self.retrying = true;
                let status = event["error_status"].as_u64();
                let reason = if status == Some(429) { WaitReason::RateLimit } else { WaitReason::Provider };
                let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
                let detail = format!(
                    "The provider refused a call{status}: {}. Try {} of {}.",
                    one_line(text(event, "error"), 80),
                    count(&event["attempt"]),
                    count(&event["max_retries"])
                );
                let delay = event["retry_delay_ms"].as_f64().map(|_| count(&event["retry_delay_ms"]));
                let until_ms = delay.map(|delay| Time::now().0.saturating_add(delay));
                out.push(Happened::Retry { reason, detail, until_ms });
            }
            "task_started" => {
                let background = event["is_backgrounded"] == true;
                if let (Some(agent), Some(call)) = (id(&event["task_id"]), id(&event["tool_use_id"])) {
                    self.agents.insert(agent, call);
                }
                if let Some(span) = id(&event["tool_use_id"]).and_then(|id| self.spans.get_mut(&id)) {
                    span.background |= background;
                }
            }
            "task_notification" => {
                let Some(span) = id(&event["tool_use_id"]) else { return };
                if self.spans.remove(&span).is_some() {
                    let ok = text(event, "status") == "completed";
                    out.push(Happened::CameBack { span, ok, summary: kept(text(event, "summary")) });
                }
            }
            "compact_boundary" => out.push(Happened::Noted {
                level: NoticeLevel::Info,
                text: "The conversation was shortened to fit the model.".into(),
            }),
            _ => {}
        }
    }

    /// Tool servers that did not start are said once.
    fn servers(&mut self, servers: &Value, out: &mut Vec<Happened>) {
        let failed = servers.as_array().into_iter().flatten().filter(|server| text(server, "status") == "failed");
        let names: Vec<String> = failed.map(|server| one_line(text(server, "name"), 60)).take(8).collect();
        if !names.is_empty() && !self.warned {
            self.warned = true;
            let text = format!("Tool servers that did not start: {}.", names.join(", "));
            out.push(Happened::Noted { level: NoticeLevel::Warning, text });
        }
    }

    fn begin(&mut self) {
        if !self.open {
            self.open = true;
            // What is known of the account's limits outlives a turn.
            let resets_at = self.turn.fault.resets_at;
            self.turn = Turn { fault: Fault { program: NAME, resets_at, ..Fault::default() }, ..Turn::default() };
        }
    }

    /// The provider answers again.
    fn alive(&mut self, out: &mut Vec<Happened>) {
        if std::mem::take(&mut self.retrying) {
            out.push(Happened::RetryOver);
        }
    }

    fn assistant(&mut self, event: &Value, parent: Option<String>, out: &mut Vec<Happened>) {
        // An agent in the background may work on after the turn that sent it.
        if parent.is_none() {
            self.begin();
        }
        let message = &event["message"];
        if text(message, "model") == SYNTHETIC || event["is_api_error_message"] == true {
            self.turn.fault.kind = text(event, "error").to_owned();
            self.turn.fault.words = words(&message["content"]);
            return;
        }
        self.alive(out);
        let own = id(&message["id"]).unwrap_or_default();
        if parent.is_none() && (own.is_empty() || own != self.turn.message) {
            self.turn.messages += 1;
            self.turn.message.clone_from(&own);
            self.turn.words.clear();
        }
        if let Some((model, usage)) = self.bill.began(&own, message) {
            out.push(Happened::Estimated { model, usage, parent: parent.clone() });
        }
        let blocks = message["content"].as_array().into_iter().flatten();
        for block in blocks {
            match text(block, "type") {
                "text" if !text(block, "text").trim().is_empty() => {
                    let said = kept(text(block, "text"));
                    if parent.is_none() {
                        if !self.turn.words.is_empty() {
                            self.turn.words.push_str("\n\n");
                        }
                        self.turn.words.push_str(&said);
                    }
                    out.push(Happened::Said { text: said, parent: parent.clone() });
                }
                "thinking" if !text(block, "thinking").trim().is_empty() => {
                    out.push(Happened::Thought { text: kept(text(block, "thinking")), parent: parent.clone() });
                }
                "tool_use" | "server_tool_use" | "mcp_tool_use" => self.called(block, parent.clone(), out),
                "tool_result" | "web_search_tool_result" | "mcp_tool_result" => self.returned(block, false, out),
                _ => {}
            }
        }
    }

    fn called(&mut self, block: &Value, parent: Option<String>, out: &mut Vec<Happened>) {
        let Some(call) = id(&block["id"]) else { return };
        if self.tools.has(&call) || self.spans.has(&call) {
            return;
        }
        let tool = one_line(text(block, "name"), 200);
        let input = block["input"].clone();
        if matches!(tool.as_str(), "Agent" | "Task") {
            let to = text(&input, "subagent_type");
            let to = one_line(if to.is_empty() { "general-purpose" } else { to }, 100);
            let task = kept(text(&input, "prompt"));
            self.spans.insert(call.clone(), Span { background: input["run_in_background"] == true });
            out.push(Happened::HandedOut { span: call, to, task, parent });
        } else {
            self.tools.insert(call.clone(), parent.clone());
            out.push(Happened::ToolStarted { id: call, tool, input, parent });
        }
    }

    /// What goes in to the model. It begins no turn: answers to commands of the program itself look the same.
    fn user(&mut self, event: &Value, parent: Option<String>, out: &mut Vec<Happened>) {
        let content = &event["message"]["content"];
        let launched = text(&event["tool_use_result"], "status") == "async_launched";
        for block in content.as_array().into_iter().flatten() {
            match text(block, "type") {
                "tool_result" => self.returned(block, launched, out),
                "text" if parent.is_none() => {
                    self.turn.interrupted |= text(block, "text").starts_with(INTERRUPTED);
                }
                _ => {}
            }
        }
        if parent.is_none() {
            self.turn.interrupted |= content.as_str().is_some_and(|words| words.starts_with(INTERRUPTED));
        }
    }

    fn returned(&mut self, block: &Value, launched: bool, out: &mut Vec<Happened>) {
        let Some(call) = id(&block["tool_use_id"]) else { return };
        let ok = block["is_error"] != true;
        if let Some(parent) = self.tools.remove(&call) {
            out.push(Happened::ToolFinished { id: call, ok, output: words(&block["content"]), parent });
        } else if let Some(span) = self.spans.get(&call) {
            if ok && (launched || span.background) {
                return;
            }
            self.spans.remove(&call);
            out.push(Happened::CameBack { span: call, ok, summary: words(&block["content"]) });
        }
    }

    fn stream(&mut self, event: &Value, parent: Option<String>, out: &mut Vec<Happened>) {
        if parent.is_none() {
            self.begin();
        }
        self.alive(out);
        match text(event, "type") {
            "message_start" => {
                let message = &event["message"];
                self.bill.streams(message);
                // A call that is broken off is charged for what went in all the same.
                if let Some((model, usage)) = self.bill.began(&id(&message["id"]).unwrap_or_default(), message) {
                    out.push(Happened::Estimated { model, usage, parent });
                }
            }
            "content_block_delta" => {
                let piece = text(&event["delta"], "text");
                if text(&event["delta"], "type") == "text_delta" && !piece.is_empty() {
                    out.push(Happened::Delta { text: kept(piece), parent });
                }
            }
            "message_delta" => {
                if let Some((model, usage)) = self.bill.used(&event["usage"]) {
                    out.push(Happened::Estimated { model, usage, parent });
                }
            }
            _ => {}
        }
    }

    fn asked(&mut self, event: &Value, out: &mut Vec<Happened>) {
        let request = &event["request"];
        let Some(ask) = id(&event["request_id"]) else { return };
        if text(request, "subtype") != "can_use_tool" {
            let what = one_line(text(request, "subtype"), 60);
            let text = format!("Claude Code asked for something that it cannot be given here ({what}).");
            out.push(Happened::Noted { level: NoticeLevel::Warning, text });
            return;
        }
        // An agent below may ask before its call is told.
        let agent = id(&request["agent_id"]);
        let by_agent = agent.as_ref().and_then(|agent| self.agents.get(agent).cloned());
        let by_call = || id(&request["tool_use_id"]).and_then(|call| self.tools.get(&call).cloned().flatten());
        // An agent that nobody knows is not the one that leads the conversation: it keeps its own name.
        let parent = by_agent.or_else(by_call).or(agent);
        let tool = one_line(text(request, "tool_name"), 200);
        out.push(Happened::Asks { id: ask, tool, input: request["input"].clone(), parent });
    }

    fn limits(&mut self, info: &Value, out: &mut Vec<Happened>) {
        let seconds = info["resetsAt"].as_i64().filter(|at| *at > 0);
        match text(info, "status") {
            "rejected" => self.turn.fault.resets_at = seconds.map(|at| at.saturating_mul(1000)),
            "allowed_warning" => {
                let which = one_line(text(info, "rateLimitType"), 40);
                let text = format!("The account's limit is near ({which}).");
                out.push(Happened::Noted { level: NoticeLevel::Warning, text });
            }
            _ => {}
        }
    }

    fn result(&mut self, event: &Value, out: &mut Vec<Happened>) {
        self.begin();
        self.alive(out);
        let (used, cost) = self.bill.settle(event, &self.model);
        out.extend(used.into_iter().map(|(model, usage, cost)| Happened::Used { model, usage, cost, parent: None }));
        let mut end = self.judged(event);
        end.turns = match event["num_turns"].as_f64() {
            Some(_) => count(&event["num_turns"]),
            None => self.turn.messages,
        };
        end.cost = cost;
        self.turns = self.turns.saturating_add(end.turns);
        self.open = false;
        self.last = Some(end.clone());
        out.push(Happened::TurnEnded(end));
    }

    /// `subtype` alone is not to be believed: it says `success` beside `is_error`.
    fn judged(&mut self, event: &Value) -> End {
        let errors: Vec<&str> = event["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fault = std::mem::take(&mut self.turn.fault);
        fault.program = NAME;
        fault.status = event["api_error_status"].as_u64().and_then(|status| u16::try_from(status).ok());
        if !text(event, "api_error_type").is_empty() {
            fault.kind = text(event, "api_error_type").to_owned();
        }
        self.turn.fault.resets_at = fault.resets_at;
        let aborted = text(event, "terminal_reason").starts_with("aborted") || self.turn.interrupted;
        match text(event, "subtype") {
            "error_max_turns" => End::failed(Fault { words: errors.join("; "), ..fault }.as_code(ErrorCode::RUN_TURNS)),
            "error_max_budget_usd" => {
                End::failed(Fault { words: errors.join("; "), ..fault }.as_code(ErrorCode::BUDGET_BRIEF))
            }
            "error_during_execution" if aborted => End::cancelled(true),
            "success" | "" if event["is_error"] != true => {
                let said = text(event, "result");
                let said = if said.trim().is_empty() { self.turn.words.trim() } else { said };
                End::completed((!said.is_empty()).then(|| kept(said)))
            }
            _ => {
                for words in [text(event, "result"), &errors.join("; ")] {
                    if !words.is_empty() {
                        fault.words = words.to_owned();
                    }
                }
                End::failed(limited(fault))
            }
        }
    }
}

/// The error of a fault. A limit that the program said when it is lifted is a quota, and so is one that its words give
/// the time of (`…|1763600000`).
fn limited(mut fault: Fault) -> Error {
    let seconds = fault.words.rsplit_once('|').and_then(|(_, at)| at.trim().parse::<i64>().ok());
    if let Some(seconds) = seconds.filter(|seconds| *seconds > 1_000_000_000) {
        fault.resets_at = Some(seconds.saturating_mul(1000));
    }
    let code = fault.error().code;
    if code == ErrorCode::PROVIDER_QUOTA || (code == ErrorCode::PROVIDER_RATE_LIMIT && fault.resets_at.is_some()) {
        return fault.as_code(ErrorCode::PROVIDER_QUOTA);
    }
    fault.resets_at = None;
    fault.as_code(code)
}

impl Reader for Claude {
    fn line(&mut self, line: &str) -> Vec<Happened> {
        let mut out = Vec::new();
        if let Some(event) = event_of(line, &mut out) {
            self.event(&event, &mut out);
        }
        out
    }

    fn end(&mut self, exit: Option<i32>, signal: Option<i32>, stderr_tail: &str) -> End {
        let mut end = match self.last.take() {
            // A program that was ended while it lingered had done its work.
            Some(last) if !self.open => {
                if last.outcome == Outcome::Completed && ending::went_wrong(exit, signal) {
                    End { text: last.text, ..ending::died(NAME, exit, signal, stderr_tail) }
                } else {
                    last
                }
            }
            _ => {
                self.turns = self.turns.saturating_add(self.turn.messages);
                ending::died(NAME, exit, signal, stderr_tail)
            }
        };
        self.open = false;
        self.turn = Turn::default();
        end.turns = self.turns;
        end.cost = self.bill.total();
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(lines: &[&str]) -> (Vec<Happened>, Claude) {
        let mut claude = Claude::new(None);
        let happened = lines.iter().flat_map(|line| claude.line(line)).collect();
        (happened, claude)
    }

    const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"s","model":"claude-opus-5-5"}"#;

    #[test]
    fn an_agent_in_the_background_comes_back_when_it_is_done_and_not_when_it_is_launched() {
        let call = r#"{"type":"assistant","message":{"id":"m","content":[{"type":"tool_use","id":"a","name":"Agent","input":{"subagent_type":"cto","prompt":"Do","run_in_background":true}}]}}"#;
        let launched =
            r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"a","content":"Launched."}]}}"#;
        let done = r#"{"type":"system","subtype":"task_notification","tool_use_id":"a","status":"completed","summary":"Did."}"#;
        let (happened, mut claude) = read_all(&[INIT, call, launched]);
        assert!(happened.iter().any(|one| matches!(one, Happened::HandedOut { to, .. } if to == "cto")));
        assert!(!happened.iter().any(|one| matches!(one, Happened::CameBack { .. })));
        let back = Happened::CameBack { span: "a".into(), ok: true, summary: "Did.".into() };
        assert_eq!(claude.line(done), [back]);
        assert_eq!(claude.line(done), [], "once");
    }

    #[test]
    fn a_limit_with_a_time_is_a_quota_that_says_when_it_is_there_again() {
        let rejected = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795150000}}"#;
        let result = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"Limit reached","num_turns":1}"#;
        let (mut happened, _) = read_all(&[INIT, rejected, result]);
        let Some(Happened::TurnEnded(end)) = happened.pop() else { panic!("{happened:?}") };
        let error = end.error.unwrap();
        assert_eq!(error.code, ErrorCode::PROVIDER_QUOTA);
        assert_eq!(error.data, Some(serde_json::json!({ "resets_at": 1_795_150_000_000_i64 })));
    }

    #[test]
    fn an_answer_whose_result_is_empty_is_the_last_thing_said() {
        let said = r#"{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"Hello."}]}}"#;
        let result = r#"{"type":"result","subtype":"success","is_error":false,"result":"","num_turns":1}"#;
        let (_, mut claude) = read_all(&[INIT, said, result]);
        assert_eq!(claude.end(Some(0), None, "").text.as_deref(), Some("Hello."));
    }

    #[test]
    fn an_agent_that_is_not_known_does_not_ask_as_the_one_that_leads() {
        let asks = r#"{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"ls"},"agent_id":"stranger","tool_use_id":"t"}}"#;
        let (happened, _) = read_all(&[asks]);
        let [Happened::Asks { parent, .. }] = &happened[..] else { panic!("{happened:?}") };
        assert_eq!(parent.as_deref(), Some("stranger"));
    }

    #[test]
    fn a_question_that_is_withdrawn_is_said_to_be() {
        let asks = r#"{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"ls"}}}"#;
        let (happened, mut claude) = read_all(&[asks]);
        assert!(matches!(&happened[..], [Happened::Asks { id, tool, .. }] if id == "r" && tool == "Bash"));
        let withdrawn = claude.line(r#"{"type":"control_cancel_request","request_id":"r"}"#);
        assert_eq!(withdrawn, [Happened::Withdrawn { id: "r".into() }]);
    }

    #[test]
    fn a_bad_exit_after_a_good_answer_is_a_failure_that_keeps_the_answer() {
        let result = r#"{"type":"result","subtype":"success","is_error":false,"result":"Done.","num_turns":1}"#;
        for (exit, signal, outcome) in [
            (Some(0), None, Outcome::Completed),
            (Some(143), None, Outcome::Completed),
            (None, Some(9), Outcome::Completed),
            (Some(1), None, Outcome::Failed),
        ] {
            let (_, mut claude) = read_all(&[INIT, result]);
            let end = claude.end(exit, signal, "");
            assert_eq!((end.outcome, end.text.as_deref()), (outcome, Some("Done.")), "{exit:?} {signal:?}");
        }
    }
}
