//! Any agent that speaks the Agent Client Protocol: JSON-RPC on stdio.
//!
//! Costs, where an agent reports them, are running totals of its session; tokens are a turn's own.

use contract::{Error, ErrorCode, Money, NoticeLevel, clip, one_line};
use serde_json::{Map, Value, json};

use super::ending::{self, Fault};
use super::json::{Calls, Known, count, dollars, id, kept, text, words};
use super::{End, Happened, Reader, event_of};
use crate::model::Usage;

const NAME: &str = "The agent";
/// Bytes of a message that is put together from its pieces.
const SAID: usize = 4 * 1024 * 1024;
/// Bytes of a title that leave is asked by: more than anybody is asked about, so that none is decided on by a part of it.
const MAX_TITLE: usize = 2 * contract::limits::MAX_EVENT_TEXT_BYTES;

/// Reads what an ACP agent writes. Of answers to requests, those are events that name a session or end a turn, and
/// errors once there is a session; whoever sent the requests keeps the others from here.
pub(crate) struct Acp {
    model: String,
    version: String,
    session: Option<String>,
    open: bool,
    calls: Calls,
    /// Words that are still coming, and the message that they belong to.
    saying: Option<(String, String)>,
    thinking: String,
    /// The last words of the turn.
    words: String,
    tools: Known<Tool>,
    /// The session's cost: as reported, and as far as it was passed on.
    cost: Option<Money>,
    booked: Money,
    spent: Option<Money>,
    fault: Option<Fault>,
    last: Option<End>,
    turns: i64,
}

struct Tool {
    name: String,
    input: Value,
    output: String,
    started: bool,
    handed_out: bool,
    parent: Option<String>,
}

impl Acp {
    /// A reader of one process. `before`: what the session that it takes up had cost by then, where that is known.
    pub fn new(before: Option<Money>) -> Acp {
        Acp {
            model: String::new(),
            version: String::new(),
            session: None,
            open: false,
            calls: Calls::default(),
            saying: None,
            thinking: String::new(),
            words: String::new(),
            tools: Known::default(),
            cost: None,
            booked: before.unwrap_or(Money::ZERO),
            spent: None,
            fault: None,
            last: None,
            turns: 0,
        }
    }

    fn message(&mut self, message: &Value, out: &mut Vec<Happened>) {
        let params = &message["params"];
        match (text(message, "method"), message.get("id").filter(|id| !id.is_null())) {
            ("session/update", _) => self.update(&params["update"], out),
            ("session/request_permission", Some(asked)) => self.asked(asked, params, out),
            ("", Some(_)) => self.answered(message, out),
            // Files and terminals of the client's: whoever drives the agent answers those.
            _ => {}
        }
    }

    fn answered(&mut self, message: &Value, out: &mut Vec<Happened>) {
        let result = &message["result"];
        if result["agentInfo"].is_object() {
            self.version = one_line(text(&result["agentInfo"], "version"), 40);
        }
        if let Some(id) = id(&result["sessionId"]) {
            self.model = model_of(result);
            self.session = Some(id.clone());
            out.push(Happened::Conversation { id, version: self.version.clone(), model: self.model.clone() });
        }
        if let Some(reason) = result["stopReason"].as_str() {
            self.stopped(reason, &result["usage"], out);
        } else if message["error"].is_object() {
            let fault = fault(&message["error"]);
            if self.session.is_some() {
                self.flush(out);
                self.over(End::failed(fault.error()), &Value::Null, out);
            } else {
                self.fault = Some(fault);
            }
        }
    }

    fn update(&mut self, update: &Value, out: &mut Vec<Happened>) {
        let parent = id(&update["_meta"]["claudeCode"]["parentToolUseId"]);
        match text(update, "sessionUpdate") {
            "agent_message_chunk" => self.said(update, parent, out),
            "agent_thought_chunk" => {
                self.open = true;
                self.calls.output();
                let piece = text(&update["content"], "text");
                if self.thinking.len() + piece.len() <= SAID {
                    self.thinking.push_str(piece);
                }
            }
            "tool_call" | "tool_call_update" => self.tool(update, parent, out),
            "usage_update" => self.costs(&update["cost"], out),
            "current_model_update" => self.model = text(update, "currentModelId").to_owned(),
            // What it can do, its plans, and what we said ourselves.
            _ => {}
        }
    }

    fn said(&mut self, update: &Value, parent: Option<String>, out: &mut Vec<Happened>) {
        let piece = text(&update["content"], "text");
        if piece.is_empty() {
            return;
        }
        self.open = true;
        if parent.is_some() {
            out.push(Happened::Said { text: kept(piece), parent });
            return;
        }
        let message = id(&update["messageId"]).unwrap_or_default();
        if self.saying.as_ref().is_some_and(|(known, _)| *known != message) {
            self.flush(out);
            self.calls.input();
        }
        self.thought(out);
        self.calls.output();
        let (_, so_far) = self.saying.get_or_insert_with(|| (message, String::new()));
        if so_far.len() + piece.len() <= SAID {
            so_far.push_str(piece);
        }
        out.push(Happened::Delta { text: kept(piece), parent: None });
    }

    fn thought(&mut self, out: &mut Vec<Happened>) {
        let thought = std::mem::take(&mut self.thinking);
        if !thought.trim().is_empty() {
            out.push(Happened::Thought { text: kept(&thought), parent: None });
        }
    }

    /// What was being said is whole.
    fn flush(&mut self, out: &mut Vec<Happened>) {
        self.thought(out);
        if let Some((_, said)) = self.saying.take().filter(|(_, said)| !said.trim().is_empty()) {
            self.words = kept(&said);
            out.push(Happened::Said { text: self.words.clone(), parent: None });
        }
    }

    fn tool(&mut self, update: &Value, parent: Option<String>, out: &mut Vec<Happened>) {
        let Some(call) = id(&update["toolCallId"]) else { return };
        self.open = true;
        self.flush(out);
        let status = text(update, "status");
        let is_over = matches!(status, "completed" | "failed");
        if !self.tools.has(&call) {
            if text(update, "sessionUpdate") == "tool_call_update" && is_over {
                return;
            }
            if parent.is_none() {
                self.calls.output();
            }
            let tool = Tool {
                name: String::new(),
                input: json!({}),
                output: String::new(),
                started: false,
                handed_out: false,
                parent,
            };
            self.tools.insert(call.clone(), tool);
        }
        let Some(tool) = self.tools.get_mut(&call) else { return };
        let grew = tool.learn(update);
        // Many agents tell of a call first and of its input after.
        let known = tool.input.as_object().is_some_and(|input| input.contains_key("title") && input.len() > 1);
        let is_time = known || is_over || (status == "in_progress" && !tool.is_delegation());
        if tool.handed_out {
            // A task does not change.
        } else if tool.started {
            out.extend(grew.then(|| tool.started(&call)));
        } else if is_time && tool.is_delegation() {
            tool.handed_out = true;
            out.push(tool.handed_out(&call));
        } else if is_time {
            tool.started = true;
            out.push(tool.started(&call));
        }
        if is_over && let Some(tool) = self.tools.remove(&call) {
            if tool.parent.is_none() {
                self.calls.input();
            }
            out.push(tool.finished(call, update));
        }
    }

    fn asked(&mut self, asked: &Value, params: &Value, out: &mut Vec<Happened>) {
        self.open = true;
        let about = &params["toolCall"];
        let call = id(&about["toolCallId"]).unwrap_or_default();
        let mut fresh = Tool {
            name: String::new(),
            input: json!({}),
            output: String::new(),
            started: false,
            handed_out: false,
            parent: None,
        };
        let tool = self.tools.get_mut(&call).unwrap_or(&mut fresh);
        tool.learn(about);
        let (mut tool, mut input, parent) = (tool.name.clone(), tool.input.clone(), tool.parent.clone());
        // A tool of a server is of no kind; its own name says whose it is. A title may be an agent's own words: it never
        // makes anything one of ours, about which nobody is asked.
        let is_servers = |name: &str| name.starts_with("mcp__") && !name.contains(char::is_whitespace);
        let (own, title) = (text(&about["_meta"]["claudeCode"], "toolName"), text(about, "title"));
        if is_servers(own) {
            tool = one_line(own, 100);
        } else if tool == "other" && is_servers(title) && !title.starts_with("mcp__aicib") {
            tool = one_line(title, 100);
        }
        // What is asked now counts, and all of it: for some agents this is all that says what a command is.
        if !title.is_empty() {
            input["title"] = Value::String(clip(title, MAX_TITLE).into_owned());
        }
        out.push(Happened::Asks { id: asked.to_string(), tool, input, parent });
    }

    fn costs(&mut self, cost: &Value, out: &mut Vec<Happened>) {
        let Some(amount) = dollars(&cost["amount"]) else { return };
        if !text(cost, "currency").eq_ignore_ascii_case("usd") {
            let text = format!("The agent counts its costs in {}.", one_line(text(cost, "currency"), 10));
            out.push(Happened::Noted { level: NoticeLevel::Warning, text });
            return;
        }
        self.cost = Some(amount);
        // Most say it before the turn's end, with which it is passed on.
        if !self.open
            && let Some(cost) = self.unbooked().filter(|cost| *cost > Money::ZERO)
        {
            let model = self.model.clone();
            out.push(Happened::Used { model, usage: Usage::default(), cost: Some(cost), parent: None });
        }
    }

    /// What the session cost beyond what was passed on, which it is by this.
    fn unbooked(&mut self) -> Option<Money> {
        let cost = self.cost?;
        // A total that fell begins anew.
        let grown = if cost >= self.booked { cost - self.booked } else { Money::ZERO };
        self.booked = cost;
        self.spent = Some(self.spent.unwrap_or_default() + grown);
        Some(grown)
    }

    fn stopped(&mut self, reason: &str, report: &Value, out: &mut Vec<Happened>) {
        self.flush(out);
        let words = std::mem::take(&mut self.words);
        let words = (!words.is_empty()).then_some(words);
        let end = match reason {
            "end_turn" => End::completed(words),
            "cancelled" => End::cancelled(true),
            "max_turn_requests" => End { text: words, ..End::failed(because(ErrorCode::RUN_TURNS, reason)) },
            "refusal" => End { text: words, ..End::failed(because(ErrorCode::PROVIDER_REFUSED, reason)) },
            other => {
                let why = format!("it stopped for another reason than being done ({})", one_line(other, 60));
                End { text: words, ..End::failed(because(ErrorCode::ENGINE_FAILED, &why)) }
            }
        };
        self.over(end, report, out);
    }

    fn over(&mut self, mut end: End, report: &Value, out: &mut Vec<Happened>) {
        let usage = Usage {
            input: count(&report["inputTokens"]),
            output: count(&report["outputTokens"]),
            cache_read: count(&report["cachedReadTokens"]),
            cache_write: count(&report["cachedWriteTokens"]),
        };
        let cost = self.unbooked();
        let charged = cost.filter(|cost| *cost > Money::ZERO);
        if usage != Usage::default() || charged.is_some() {
            out.push(Happened::Used { model: self.model.clone(), usage, cost: charged, parent: None });
        }
        end.turns = self.calls.take();
        end.cost = cost;
        self.turns = self.turns.saturating_add(end.turns);
        self.open = false;
        self.words.clear();
        self.last = Some(end.clone());
        out.push(Happened::TurnEnded(end));
    }
}

impl Tool {
    /// Takes what an update says. True where it says something new of the input.
    fn learn(&mut self, update: &Value) -> bool {
        let kind = text(update, "kind");
        let own = text(&update["_meta"]["claudeCode"], "toolName");
        if matches!(own, "Agent" | "Task") {
            self.name = own.to_owned();
        } else if !kind.is_empty() {
            self.name = one_line(kind, 100);
        } else if self.name.is_empty() {
            self.name = "other".into();
        }
        let mut input = self.input.as_object().cloned().unwrap_or_default();
        let before = input.clone();
        for (field, value) in update["rawInput"].as_object().into_iter().flatten() {
            input.insert(field.clone(), value.clone());
        }
        let title = text(update, "title");
        if !title.is_empty() && before.get("title").is_none() {
            input.insert("title".into(), Value::String(one_line(title, 1000)));
        }
        let places = update["locations"].as_array().filter(|places| !places.is_empty());
        if let Some(places) = places {
            input.insert("locations".into(), Value::Array(places.clone()));
        }
        changes(update, &mut input);
        let grew = input != before;
        self.input = Value::Object(input);
        let output = words(&update["content"]);
        if !output.is_empty() {
            self.output = output;
        }
        grew
    }

    fn is_delegation(&self) -> bool {
        matches!(self.name.as_str(), "Agent" | "Task")
            || (self.input["subagent_type"].is_string() && self.input["prompt"].is_string())
    }

    fn handed_out(&self, call: &str) -> Happened {
        let to = text(&self.input, "subagent_type");
        Happened::HandedOut {
            span: call.to_owned(),
            to: one_line(if to.is_empty() { "agent" } else { to }, 100),
            task: kept(text(&self.input, "prompt")),
            parent: self.parent.clone(),
        }
    }

    fn started(&self, call: &str) -> Happened {
        Happened::ToolStarted {
            id: call.to_owned(),
            tool: self.name.clone(),
            input: self.input.clone(),
            parent: self.parent.clone(),
        }
    }

    fn finished(self, call: String, update: &Value) -> Happened {
        // Some call a command that failed completed, and say its exit code beside.
        let exit = update["rawOutput"]["metadata"]["exit"].as_i64();
        let ok = text(update, "status") == "completed" && exit.is_none_or(|exit| exit == 0);
        let output = match self.output.is_empty() {
            true => words(&update["rawOutput"]),
            false => self.output,
        };
        match self.handed_out {
            true => Happened::CameBack { span: call, ok, summary: output },
            false => Happened::ToolFinished { id: call, ok, output, parent: self.parent },
        }
    }
}

/// What a call changes in files, as its content shows it.
fn changes(update: &Value, input: &mut Map<String, Value>) {
    let diffs = update["content"].as_array().into_iter().flatten().filter(|part| text(part, "type") == "diff");
    let diffs: Vec<Value> = diffs
        .map(|part| json!({ "path": part["path"], "oldText": part["oldText"], "newText": part["newText"] }))
        .collect();
    if !diffs.is_empty() {
        input.insert("changes".into(), Value::Array(diffs));
    }
}

/// The model that a session has, by what it says of its settings.
fn model_of(session: &Value) -> String {
    let settings = session["configOptions"].as_array().into_iter().flatten();
    let chosen =
        settings.filter(|option| text(option, "id") == "model").map(|option| text(option, "currentValue")).next();
    one_line(chosen.unwrap_or_else(|| text(&session["models"], "currentModelId")), 200)
}

fn because(code: ErrorCode, words: &str) -> Error {
    Fault { program: NAME, words: words.to_owned(), ..Fault::default() }.as_code(code)
}

fn fault(error: &Value) -> Fault {
    let mut said = kept(text(error, "message"));
    let details = match &error["data"] {
        Value::String(details) => details.clone(),
        data => [text(data, "details"), text(data, "message")]
            .into_iter()
            .find(|words| !words.is_empty())
            .unwrap_or_default()
            .to_owned(),
    };
    if !details.is_empty() {
        said = format!("{said}: {details}");
    }
    // The protocol's own code for "authenticate first".
    if error["code"].as_i64() == Some(-32000) && said.is_empty() {
        said = "Authentication required".into();
    }
    let status = error["data"]["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    Fault { program: NAME, status, kind: text(&error["data"], "errorKind").to_owned(), words: said, resets_at: None }
}

impl Reader for Acp {
    fn line(&mut self, line: &str) -> Vec<Happened> {
        let mut out = Vec::new();
        if let Some(event) = event_of(line, &mut out) {
            self.message(&event, &mut out);
        }
        out
    }

    fn end(&mut self, exit: Option<i32>, signal: Option<i32>, stderr_tail: &str) -> End {
        self.unbooked();
        let mut end = match self.last.take() {
            Some(last) if !self.open => last,
            _ => {
                self.turns = self.turns.saturating_add(self.calls.take());
                ending::died(NAME, exit, signal, stderr_tail).explained(self.fault.take())
            }
        };
        self.open = false;
        end.turns = self.turns;
        end.cost = self.spent;
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Outcome;

    fn update(update: Value) -> String {
        json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": update}})
            .to_string()
    }

    fn session() -> String {
        json!({"jsonrpc": "2.0", "id": 2, "result": {"sessionId": "s", "models": {"currentModelId": "m"}}}).to_string()
    }

    #[test]
    fn a_call_is_told_of_once_its_input_is_known_and_leave_is_asked_with_the_diff() {
        let mut acp = Acp::new(None);
        acp.line(&session());
        let empty = update(
            json!({"sessionUpdate": "tool_call", "toolCallId": "c", "kind": "edit", "title": "Write", "rawInput": {}, "status": "pending"}),
        );
        assert_eq!(acp.line(&empty), []);
        let asks = json!({"jsonrpc": "2.0", "id": 0, "method": "session/request_permission", "params": {
            "options": [{"optionId": "ok", "kind": "allow_once"}],
            "toolCall": {"toolCallId": "c", "rawInput": {"file_path": "/x"},
                "content": [{"type": "diff", "path": "/x", "oldText": null, "newText": "y"}]}}});
        let happened = acp.line(&asks.to_string());
        let [Happened::Asks { id, tool, input, .. }] = &happened[..] else { panic!("{happened:?}") };
        assert_eq!((id.as_str(), tool.as_str()), ("0", "edit"));
        assert_eq!((&input["file_path"], &input["changes"][0]["newText"]), (&json!("/x"), &json!("y")));
    }

    #[test]
    fn leave_is_asked_by_what_the_question_says_and_all_of_it() {
        let mut acp = Acp::new(None);
        acp.line(&session());
        let begun = json!({"sessionUpdate": "tool_call", "toolCallId": "c", "kind": "execute", "title": "ls", "status": "pending"});
        acp.line(&update(begun));
        let line = format!("echo {}\n  rm -rf docs", "x".repeat(2_000));
        let asks = json!({"jsonrpc": "2.0", "id": 0, "method": "session/request_permission", "params": {
            "options": [{"optionId": "ok", "kind": "allow_once"}], "toolCall": {"toolCallId": "c", "title": line}}});
        let happened = acp.line(&asks.to_string());
        let [Happened::Asks { tool, input, .. }] = &happened[..] else { panic!("{happened:?}") };
        assert_eq!((tool.as_str(), &input["title"]), ("execute", &json!(line)));
        let of_server = json!({"jsonrpc": "2.0", "id": 1, "method": "session/request_permission", "params": {
            "options": [], "toolCall": {"toolCallId": "d", "kind": "other", "title": "mcp__mail__send", "rawInput": {}}}});
        let happened = acp.line(&of_server.to_string());
        assert!(matches!(&happened[..], [Happened::Asks { tool, .. }] if tool == "mcp__mail__send"), "{happened:?}");
        // What an agent says of a command does not make it a tool of ours.
        for (kind, expected) in [("execute", "execute"), ("other", "other")] {
            let posing = json!({"jsonrpc": "2.0", "id": 2, "method": "session/request_permission", "params": {
                "options": [], "toolCall": {"toolCallId": kind, "kind": kind, "title": "mcp__aicib__delegate",
                    "rawInput": {"command": "git push"}}}});
            let happened = acp.line(&posing.to_string());
            assert!(matches!(&happened[..], [Happened::Asks { tool, .. }] if tool == expected), "{happened:?}");
        }
    }

    #[test]
    fn a_cost_is_charged_once_and_one_that_comes_late_is_not_lost() {
        let mut acp = Acp::new(Some(Money::nanos(10_000_000)));
        acp.line(&session());
        acp.line(&update(json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "Hi"}})));
        acp.line(&update(json!({"sessionUpdate": "usage_update", "cost": {"amount": 0.03, "currency": "USD"}})));
        let done = acp.line(r#"{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end_turn"}}"#);
        let cost = |happened: &[Happened]| {
            happened.iter().find_map(|one| match one {
                Happened::Used { cost, .. } => *cost,
                _ => None,
            })
        };
        assert_eq!(cost(&done), Some(Money::nanos(20_000_000)));
        let late =
            acp.line(&update(json!({"sessionUpdate": "usage_update", "cost": {"amount": 0.035, "currency": "USD"}})));
        assert_eq!(cost(&late), Some(Money::nanos(5_000_000)));
        assert_eq!(acp.end(Some(0), None, "").cost, Some(Money::nanos(25_000_000)));
    }

    #[test]
    fn an_agent_that_is_not_logged_in_says_so() {
        let mut acp = Acp::new(None);
        acp.line(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"Authentication required"}}"#);
        let end = acp.end(Some(0), None, "");
        assert_eq!((end.outcome, end.error.unwrap().code), (Outcome::Failed, ErrorCode::ENGINE_LOGIN));
    }
}
