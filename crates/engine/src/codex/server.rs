//! A conversation with `codex app-server`.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use contract::{Decision, Error, ErrorCode, Outcome, one_line};
use serde_json::{Value, json};

use super::args;
use crate::bridge::MCP_SERVER;
use crate::programs::jsonrpc::{Fault, METHOD_NOT_FOUND, Message, NoAnswer, Peer, ask_id, message};
use crate::programs::{Line, NotOpened, Program, Stand, Talk};
use crate::readers::{CodexServer, End, Happened, Reader};

/// How long Codex may take to answer when it begins: it looks for its tools then.
const BEGIN: Duration = Duration::from_secs(60);
/// Questions of Codex's that are open at a time, at most.
const MAX_ASKS: usize = 64;
/// Words that a turn did not take, at most.
const MAX_LATER: usize = 64;
/// Exit codes of a program that does not know its arguments.
const BAD_ARGUMENTS: i32 = 2;

/// Starts Codex, and begins a conversation or takes one up.
///
/// # Errors
/// `engine.unsupported` where this Codex has no app-server.
pub(super) async fn open<'a>(stand: &Stand<'a>) -> Result<Box<dyn Talk + 'a>, NotOpened> {
    let setup = args::setup(stand, &["app-server"])?;
    let program = Program::start(stand, setup)?;
    let mut talk = ServerTalk {
        peer: Peer::new(program),
        reader: CodexServer::new(stand.model.unwrap_or_default()),
        thread: String::new(),
        turn: Turn::None,
        ours: HashMap::new(),
        asks: HashMap::new(),
        happened: VecDeque::new(),
        later: VecDeque::new(),
        held: None,
        is_gone: false,
    };
    match talk.begin(stand).await {
        Ok(()) => Ok(Box::new(talk)),
        Err(error) => {
            talk.peer.program.close().await;
            Err(error)
        }
    }
}

struct ServerTalk<'a> {
    peer: Peer<'a>,
    reader: CodexServer,
    /// Codex's name for the conversation.
    thread: String,
    turn: Turn,
    /// Requests of ours that are not answered yet.
    ours: HashMap<i64, Ours>,
    /// Questions of Codex's, by the id that the reader gives them.
    asks: HashMap<String, Asked>,
    happened: VecDeque<Happened>,
    /// Words that a turn did not take.
    later: VecDeque<String>,
    /// A turn that has ended while words were on their way into it: they may need another.
    held: Option<End>,
    is_gone: bool,
}

/// The turn under way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Turn {
    None,
    /// It was asked for. Whether it is to be broken off as soon as it has a name.
    Asked {
        break_off: bool,
    },
    /// By its name.
    Named(String),
}

/// A request of ours.
enum Ours {
    /// A turn.
    Start,
    /// Words into a turn: what was said, to be said again where the turn was over before they came.
    Steer(String),
    /// Anything whose answer says nothing.
    Other,
}

/// A question of Codex's.
struct Asked {
    id: Value,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// About an item: answered with a decision.
    Item,
    /// The same in words of older versions.
    Review,
    /// About a tool of somebody's MCP server.
    Tool,
}

impl ServerTalk<'_> {
    async fn begin(&mut self, stand: &Stand<'_>) -> Result<(), NotOpened> {
        let client = json!({ "name": "aicib", "title": "AICIB", "version": env!("CARGO_PKG_VERSION") });
        let params = json!({ "clientInfo": client, "capabilities": null });
        if let Err(why) = self.call("initialize", &params).await {
            return Err(self.not_a_server(why).await.into());
        }
        self.peer.notify("initialized", &json!({}))?;
        let mut params = json!({
            "cwd": stand.brief.company.dir,
            "approvalPolicy": "untrusted",
            "sandbox": "read-only",
            "developerInstructions": stand.system,
        });
        if let Some(model) = stand.model {
            params["model"] = json!(model);
        }
        let begun = match stand.conversation.as_deref() {
            Some(thread) => {
                params["threadId"] = json!(thread);
                params["excludeTurns"] = json!(true);
                match self.call("thread/resume", &params).await {
                    // Whatever it is about the old one, a new one can be begun.
                    Err(NoAnswer::Fault(_)) => return Err(NotOpened::Unknown),
                    begun => begun,
                }
            }
            None => self.call("thread/start", &params).await,
        };
        let begun = match begun {
            Ok(begun) => begun,
            Err(why) => return Err(self.peer.not_begun("begin a conversation", why).await.into()),
        };
        let Some(thread) = begun["thread"]["id"].as_str() else {
            let why = NoAnswer::Fault(Fault { words: "it gave the conversation no name".into(), ..Fault::default() });
            return Err(self.peer.not_begun("begin a conversation", why).await.into());
        };
        self.thread = thread.to_owned();
        Ok(())
    }

    async fn call(&mut self, method: &str, params: &Value) -> Result<Value, NoAnswer> {
        let ServerTalk { peer, reader, happened, .. } = self;
        let heard = |line: &Line| {
            if let Line::Whole(line) = line {
                // What it asks now is refused.
                happened.extend(reader.line(line).into_iter().filter(|one| !matches!(one, Happened::Asks { .. })));
            }
        };
        peer.call(method, params, BEGIN, heard).await
    }

    /// The error for a Codex that is no server: an old one says that its arguments are wrong.
    async fn not_a_server(&mut self, why: NoAnswer) -> Error {
        let error = self.peer.not_begun("be started", why).await;
        let exit = self.peer.program.exit().await;
        let knows_not = ["unrecognized subcommand", "unexpected argument", "invalid subcommand"];
        if exit.code == Some(BAD_ARGUMENTS) && knows_not.iter().any(|words| exit.stderr.contains(words)) {
            return Error { code: ErrorCode::ENGINE_UNSUPPORTED, ..error };
        }
        error
    }

    fn start_turn(&mut self, text: &str) -> Result<(), Error> {
        let params = json!({
            "threadId": self.thread,
            "input": [{ "type": "text", "text": text, "text_elements": [] }],
            "approvalPolicy": "untrusted",
            // We confine it ourselves, and its commands with it.
            "sandboxPolicy": { "type": "externalSandbox", "networkAccess": "enabled" },
        });
        let id = self.peer.request("turn/start", &params)?;
        self.ours.insert(id, Ours::Start);
        self.turn = Turn::Asked { break_off: false };
        Ok(())
    }

    fn steer(&mut self, turn: &str, text: &str, ours: Ours) -> Result<(), Error> {
        let params = json!({
            "threadId": self.thread,
            "expectedTurnId": turn,
            "input": [{ "type": "text", "text": text, "text_elements": [] }],
        });
        let id = self.peer.request("turn/steer", &params)?;
        self.ours.insert(id, ours);
        Ok(())
    }

    fn break_off(&mut self, turn: &str) -> Result<(), Error> {
        let id = self.peer.request("turn/interrupt", &json!({ "threadId": self.thread, "turnId": turn }))?;
        self.ours.insert(id, Ours::Other);
        Ok(())
    }

    /// Takes a line.
    fn heard(&mut self, line: &Line) -> Result<(), Error> {
        let text = match line {
            Line::Whole(text) => text,
            Line::TooLong(beginning) => {
                self.happened.push_back(Happened::Garbage { line: beginning.clone() });
                return Ok(());
            }
        };
        let mut happened = self.reader.line(text);
        match message(line) {
            Some(Message::Request { id, method, params }) => self.asked(&id, &method, &params, &mut happened)?,
            Some(Message::Notification { method, params }) if params["threadId"] == json!(self.thread) => {
                match method.as_str() {
                    "turn/started" => self.named(params["turn"]["id"].as_str())?,
                    "turn/completed" => self.turn = Turn::None,
                    _ => {}
                }
            }
            Some(Message::Answer { id, result }) => self.answered(id, result, &mut happened)?,
            _ => {}
        }
        for one in happened {
            match one {
                Happened::TurnEnded(end) => self.held = Some(self.with_held(end)),
                one => self.happened.push_back(one),
            }
        }
        let is_steered = self.ours.values().any(|ours| matches!(ours, Ours::Steer(_)));
        if self.turn == Turn::None && !is_steered {
            self.over()?;
        }
        Ok(())
    }

    /// Tells that a turn has ended, unless there is more to say that it did not take.
    fn over(&mut self) -> Result<(), Error> {
        let Some(end) = self.held.take() else { return Ok(()) };
        let more: Vec<String> = self.later.drain(..).collect();
        if end.outcome == Outcome::Completed && !more.is_empty() {
            self.held = Some(end);
            return self.start_turn(&more.join("\n\n"));
        }
        self.happened.push_back(Happened::TurnEnded(end));
        Ok(())
    }

    /// An end, with the calls of one that was not told, since the turn went on.
    fn with_held(&mut self, mut end: End) -> End {
        end.turns += self.held.take().map_or(0, |held| held.turns);
        end
    }

    fn named(&mut self, turn: Option<&str>) -> Result<(), Error> {
        let Some(turn) = turn else { return Ok(()) };
        if let Turn::Asked { break_off } = self.turn {
            self.turn = Turn::Named(turn.to_owned());
            if break_off {
                self.break_off(turn)?;
            }
        }
        Ok(())
    }

    fn answered(&mut self, id: i64, result: Result<Value, Fault>, happened: &mut Vec<Happened>) -> Result<(), Error> {
        match (self.ours.remove(&id), result) {
            (Some(Ours::Start), Ok(begun)) => self.named(begun["turn"]["id"].as_str()),
            (Some(Ours::Start), Err(fault)) => {
                self.turn = Turn::None;
                happened.push(Happened::TurnEnded(not_started(&fault)));
                Ok(())
            }
            // The turn was over before the words came.
            (Some(Ours::Steer(text)), Err(_)) if self.turn == Turn::None => self.start_turn(&text),
            // It takes no words now: they are said after the turn.
            (Some(Ours::Steer(text)), Err(_)) => {
                if self.later.len() < MAX_LATER {
                    self.later.push_back(text);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What Codex wants to know: whether something may be done is passed on, the rest is refused here.
    fn asked(&mut self, id: &Value, method: &str, params: &Value, happened: &mut Vec<Happened>) -> Result<(), Error> {
        let key = ask_id(id);
        let kind = match method {
            "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" => Some(Kind::Item),
            "execCommandApproval" | "applyPatchApproval" => Some(Kind::Review),
            "mcpServer/elicitation/request" if params["_meta"]["codex_approval_kind"] == "mcp_tool_call" => {
                Some(Kind::Tool)
            }
            _ => None,
        };
        let is_ours = kind == Some(Kind::Tool) && params["serverName"] == MCP_SERVER;
        match kind {
            Some(kind) if !is_ours && self.asks.len() < MAX_ASKS => {
                if kind == Kind::Tool {
                    happened.iter_mut().for_each(|one| of_tool(one, params));
                }
                self.asks.insert(key, Asked { id: id.clone(), kind });
                Ok(())
            }
            Some(kind) => {
                happened.retain(|one| !matches!(one, Happened::Asks { .. }));
                self.peer.answer(id, &answer(kind, is_ours))
            }
            None => {
                happened.retain(|one| !matches!(one, Happened::Asks { .. }));
                match method {
                    "mcpServer/elicitation/request" => self.peer.answer(id, &answer(Kind::Tool, false)),
                    _ => self.peer.refuse(id, METHOD_NOT_FOUND, "Nobody can answer that here."),
                }
            }
        }
    }

    /// It ended: a turn that was under way ends with it.
    async fn gone(&mut self) {
        let exit = self.peer.program.exit().await;
        let end = self.reader.end(exit.code, exit.signal, &exit.stderr);
        self.is_gone = true;
        match self.held.take() {
            Some(held) if self.turn == Turn::None => self.happened.push_back(Happened::TurnEnded(held)),
            held if self.turn != Turn::None => {
                self.held = held;
                let end = self.with_held(end);
                self.happened.push_back(Happened::TurnEnded(end));
            }
            _ => {}
        }
        self.turn = Turn::None;
    }
}

/// A question about a tool of an MCP server, in words that others use for it.
fn of_tool(one: &mut Happened, params: &Value) {
    if let Happened::Asks { tool, input, .. } = one {
        let name = |value: &Value| one_line(value.as_str().unwrap_or_default(), 80);
        *tool = format!("mcp__{}__{}", name(&params["serverName"]), name(&params["_meta"]["tool_name"]));
        let given = &params["_meta"]["tool_params"];
        *input = if given.is_object() { given.clone() } else { json!({}) };
    }
}

fn answer(kind: Kind, allow: bool) -> Value {
    match (kind, allow) {
        (Kind::Item, true) => json!({ "decision": "accept" }),
        (Kind::Item, false) => json!({ "decision": "decline" }),
        (Kind::Review, true) => json!({ "decision": "approved" }),
        (Kind::Review, false) => json!({ "decision": "denied" }),
        (Kind::Tool, true) => json!({ "action": "accept", "content": {} }),
        (Kind::Tool, false) => json!({ "action": "decline", "content": null }),
    }
}

fn not_started(fault: &Fault) -> End {
    let words = fault.words.trim_end_matches('.');
    let error = Error::new(
        ErrorCode::ENGINE_FAILED,
        format!("Codex did not begin to work ({words})."),
        "Check the model and Codex's own settings, then restart the job.",
    );
    let outcome = Outcome::Failed;
    End { outcome, interrupted: false, error: Some(error), text: None, turns: 0, cost: None }
}

#[async_trait]
impl Talk for ServerTalk<'_> {
    async fn send(&mut self, text: &str) -> Result<(), Error> {
        match self.turn.clone() {
            Turn::Named(turn) => self.steer(&turn, text, Ours::Steer(text.to_owned())),
            _ => self.start_turn(text),
        }
    }

    async fn interrupt(&mut self) -> Result<(), Error> {
        match self.turn.clone() {
            Turn::Named(turn) => self.break_off(&turn),
            Turn::Asked { .. } => {
                self.turn = Turn::Asked { break_off: true };
                Ok(())
            }
            Turn::None => Ok(()),
        }
    }

    async fn answer(&mut self, ask: &str, decision: &Decision) -> Result<(), Error> {
        let Some(Asked { id, kind }) = self.asks.remove(ask) else { return Ok(()) };
        self.peer.answer(&id, &answer(kind, decision.allow))?;
        // Codex tells its model that it may not, but has no words for why.
        if let (Turn::Named(turn), false) = (self.turn.clone(), decision.allow || decision.reason.is_empty()) {
            self.steer(&turn, &format!("That was not allowed: {}", decision.reason), Ours::Other)?;
        }
        Ok(())
    }

    async fn next(&mut self) -> Option<Happened> {
        loop {
            if let Some(happened) = self.happened.pop_front() {
                if let Happened::Withdrawn { id } = &happened {
                    self.asks.remove(id);
                }
                return Some(happened);
            }
            if self.is_gone {
                return None;
            }
            match self.peer.program.next_line().await {
                // One that does not read what it is told has ended or is about to: that is seen in its output.
                Some(line) => {
                    if let Err(error) = self.heard(&line) {
                        tracing::debug!(%error, "Codex was not told something");
                    }
                }
                None => self.gone().await,
            }
        }
    }

    async fn close(&mut self) -> ::process::Stopped {
        self.peer.program.close().await
    }
}
