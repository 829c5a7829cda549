//! A conversation with one process of Claude Code.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use contract::{Decision, Error, ErrorCode};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::args;
use crate::Host;
use crate::programs::{Line, NotOpened, Program, Stand, Talk};
use crate::readers::{Claude, Happened, Reader};

/// How long it may take to be ready for the first turn.
const READY: Duration = Duration::from_secs(90);
/// Questions whose input is remembered, at most.
const MAX_ASKED: usize = 256;
/// What it says of an option that it does not know.
const UNKNOWN_OPTION: &str = "unknown option";

/// A conversation.
pub(super) struct ClaudeTalk<'a> {
    program: Program<'a>,
    host: &'a dyn Host,
    reader: Claude,
    queue: VecDeque<Happened>,
    /// Inputs of tool calls that it wants leave for: an answer gives them back.
    asked: HashMap<String, Value>,
    requests: u32,
    /// Messages of ours that it has not taken up yet.
    owed: usize,
    in_turn: bool,
    /// Turns that were told as ended.
    turns: i64,
    is_gone: bool,
}

impl<'a> ClaudeTalk<'a> {
    pub(super) async fn open(stand: &Stand<'a>) -> Result<ClaudeTalk<'a>, NotOpened> {
        let program = Program::start(stand, args::setup(stand)?)?;
        let mut talk = ClaudeTalk {
            program,
            host: stand.host,
            reader: Claude::new(None),
            queue: VecDeque::new(),
            asked: HashMap::new(),
            requests: 0,
            owed: 0,
            in_turn: false,
            turns: 0,
            is_gone: false,
        };
        let request = talk.request();
        // Whether it took that is seen by its answer.
        let told = talk.program.tell(args::initialize(stand, &request).to_string());
        let ready = match told {
            Ok(()) => talk.ready(&request).await,
            Err(error) => Err(error.into()),
        };
        if ready.is_err() {
            talk.program.close().await;
        }
        ready.map(|()| talk)
    }

    /// Waits until it has understood what it is to be. A conversation that it does not know ends it before that.
    async fn ready(&mut self, request: &str) -> Result<(), NotOpened> {
        let until = Instant::now() + READY;
        loop {
            match timeout_at(until, self.program.next_line()).await {
                Ok(Some(Line::Whole(line))) => {
                    if let Some(answer) = answered(&line, request) {
                        return answer.map_err(NotOpened::from);
                    }
                    self.hear(&line);
                }
                Ok(Some(Line::TooLong(_))) => {}
                Ok(None) => break,
                Err(_) => {
                    let what = format!("{} was not ready within {} s.", super::LABEL, READY.as_secs());
                    return Err(Error::new(
                        ErrorCode::ENGINE_FAILED,
                        what,
                        "Send the brief again; `aicib doctor` tries it.",
                    )
                    .into());
                }
            }
        }
        let exit = self.program.exit().await;
        if exit.stderr.contains(UNKNOWN_OPTION) {
            return Err(Error::new(
                ErrorCode::ENGINE_UNSUPPORTED,
                "This version of Claude Code is too old: it does not know how to be confined to the company's folder.",
                "Update it with `claude update`.",
            )
            .into());
        }
        let end = self.reader.end(exit.code, exit.signal, &exit.stderr);
        let error = end.error.unwrap_or_else(|| {
            Error::new(
                ErrorCode::ENGINE_FAILED,
                "Claude Code ended before it began.",
                "See `aicib doctor` for how it stands.",
            )
        });
        if error.code == ErrorCode::SESSION_NOT_FOUND { Err(NotOpened::Unknown) } else { Err(error.into()) }
    }

    fn request(&mut self) -> String {
        self.requests += 1;
        format!("aicib-{}", self.requests)
    }

    fn hear(&mut self, line: &str) {
        // Most lines need no second look.
        if line.contains("\"control_request\"") || line.contains("\"isReplay\"") {
            self.look(line);
        }
        let happened = self.reader.line(line);
        if happened.is_empty() && line.contains("\"stream_event\"") {
            self.host.alive();
        }
        for happened in &happened {
            match happened {
                Happened::Conversation { .. } => self.in_turn = true,
                Happened::TurnEnded(end) => {
                    self.turns = self.turns.saturating_add(end.turns);
                    self.in_turn = self.owed > 0;
                }
                Happened::Withdrawn { id } => {
                    self.asked.remove(id);
                }
                _ => {}
            }
        }
        self.queue.extend(happened);
    }

    fn look(&mut self, line: &str) {
        let Ok(mut event) = serde_json::from_str::<Value>(line) else { return };
        if event["isReplay"] == true && event["parent_tool_use_id"].is_null() {
            self.owed = self.owed.saturating_sub(1);
        }
        let (Some(id), true) = (event["request_id"].as_str().map(str::to_owned), event["type"] == "control_request")
        else {
            return;
        };
        if event["request"]["subtype"] != "can_use_tool" {
            // Whatever it wants of us beside that, it is told that there is no such thing, or it would wait.
            let error = json!({ "subtype": "error", "request_id": id, "error": "not supported" });
            let told = self.program.tell(json!({ "type": "control_response", "response": error }).to_string());
            if let Err(error) = told {
                tracing::debug!(%error, "a request could not be refused");
            }
        } else if self.asked.len() < MAX_ASKED {
            self.asked.insert(id, event["request"]["input"].take());
        }
    }
}

/// The answer to a request of ours, where a line is that.
fn answered(line: &str, request: &str) -> Option<Result<(), Error>> {
    if !line.contains("\"control_response\"") {
        return None;
    }
    let event: Value = serde_json::from_str(line).ok()?;
    let response = &event["response"];
    if event["type"] != "control_response" || response["request_id"] != request {
        return None;
    }
    if response["subtype"] == "success" {
        return Some(Ok(()));
    }
    let why = contract::one_line(response["error"].as_str().unwrap_or_default(), 300);
    let what = format!("Claude Code does not accept how it is to work: {why}.");
    Some(Err(Error::new(ErrorCode::ENGINE_FAILED, what, "Update it with `claude update`; `aicib doctor` tries it.")))
}

#[async_trait]
impl Talk for ClaudeTalk<'_> {
    async fn send(&mut self, text: &str) -> Result<(), Error> {
        let content = json!([{ "type": "text", "text": text }]);
        let message = json!({ "type": "user", "message": { "role": "user", "content": content } });
        self.in_turn = true;
        self.program.tell(message.to_string())?;
        self.owed += 1;
        Ok(())
    }

    async fn interrupt(&mut self) -> Result<(), Error> {
        let id = self.request();
        let request = json!({ "type": "control_request", "request_id": id, "request": { "subtype": "interrupt" } });
        self.program.tell(request.to_string())
    }

    async fn answer(&mut self, ask: &str, decision: &Decision) -> Result<(), Error> {
        let Some(input) = self.asked.remove(ask) else { return Ok(()) };
        let answer = match decision.allow {
            true => json!({ "behavior": "allow", "updatedInput": input }),
            false => json!({ "behavior": "deny", "message": decision.reason }),
        };
        let response = json!({ "subtype": "success", "request_id": ask, "response": answer });
        self.program.tell(json!({ "type": "control_response", "response": response }).to_string())
    }

    async fn next(&mut self) -> Option<Happened> {
        loop {
            if let Some(happened) = self.queue.pop_front() {
                return Some(happened);
            }
            if self.is_gone {
                return None;
            }
            match self.program.next_line().await {
                Some(Line::Whole(line)) => self.hear(&line),
                Some(Line::TooLong(line)) => self.queue.push_back(Happened::Garbage { line }),
                None => {
                    let exit = self.program.exit().await;
                    self.is_gone = true;
                    let mut end = self.reader.end(exit.code, exit.signal, &exit.stderr);
                    if std::mem::take(&mut self.in_turn) {
                        end.turns = end.turns.saturating_sub(self.turns);
                        self.queue.push_back(Happened::TurnEnded(end));
                    }
                }
            }
        }
    }

    fn owes(&self) -> bool {
        self.owed > 0 && !self.is_gone
    }

    async fn close(&mut self) -> process::Stopped {
        self.program.close().await
    }
}
