//! A session with an agent, under way.

use std::collections::{HashMap, VecDeque};

use agent_client_protocol::JsonRpcMessage;
use agent_client_protocol::v1::schema::{
    CancelNotification, ContentBlock, PermissionOption, PromptRequest, RequestPermissionResponse, TextContent,
};
use async_trait::async_trait;
use contract::{Decision, Error, ErrorCode, Outcome};
use serde_json::{Value, json};

use super::answer;
use super::calls::Calls;
use crate::programs::jsonrpc::{Fault, METHOD_NOT_FOUND, Message, Peer, ask_id, message};
use crate::programs::{Line, Talk};
use crate::readers::{Acp as AcpReader, End, Happened, Reader};

/// Questions of an agent's that are open at a time, at most.
const MAX_ASKS: usize = 64;

pub(super) struct AcpTalk<'a> {
    peer: Peer<'a>,
    reader: AcpReader,
    session: String,
    /// What is said before the first words.
    told: Option<String>,
    /// The number of the request that is the turn under way.
    turn: Option<i64>,
    /// Questions of the agent's, by the id that the reader gives them.
    asks: HashMap<String, Asked>,
    calls: Calls,
    happened: VecDeque<Happened>,
    is_gone: bool,
}

/// A question of the agent's.
struct Asked {
    id: Value,
    options: Vec<PermissionOption>,
}

impl<'a> AcpTalk<'a> {
    pub fn new(
        peer: Peer<'a>,
        reader: AcpReader,
        session: String,
        told: Option<String>,
        happened: Vec<Happened>,
    ) -> AcpTalk<'a> {
        let mut calls = Calls::default();
        happened.iter().for_each(|one| calls.heard(one));
        AcpTalk {
            peer,
            reader,
            session,
            told,
            turn: None,
            asks: HashMap::new(),
            calls,
            happened: happened.into(),
            is_gone: false,
        }
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
        match message(line) {
            Some(Message::Answer { id, result }) if self.turn == Some(id) => {
                self.turn = None;
                self.calls.over();
                let happened = self.reader.line(text);
                let is_told = happened.iter().any(|one| matches!(one, Happened::TurnEnded(_)));
                self.happened.extend(happened);
                if !is_told {
                    self.happened.push_back(Happened::TurnEnded(senseless(result)));
                }
                // Nobody waits for those any more.
                let open: Vec<_> = self.asks.drain().collect();
                for (key, Asked { id, .. }) in open {
                    self.happened.push_back(Happened::Withdrawn { id: key });
                    self.reply(&id, &answer::cancelled())?;
                }
                Ok(())
            }
            // Answers to anything else are no part of the conversation.
            Some(Message::Answer { .. }) => Ok(()),
            Some(Message::Request { id, method, params }) => self.asked(&id, &method, &params, text),
            Some(Message::Notification { params, .. }) => {
                let happened = self.reader.line(text);
                happened.iter().for_each(|one| self.calls.heard(one));
                self.happened.extend(happened);
                self.happened.extend(self.calls.update(&params["update"]));
                Ok(())
            }
            None => {
                self.happened.extend(self.reader.line(text));
                Ok(())
            }
        }
    }

    fn asked(&mut self, id: &Value, method: &str, params: &Value, line: &str) -> Result<(), Error> {
        if method != "session/request_permission" {
            // Files and terminals of ours were never offered.
            return self.peer.refuse(id, METHOD_NOT_FOUND, "There is no such method here.");
        }
        let options = answer::options(params);
        if self.asks.len() >= MAX_ASKS {
            return self.reply(id, &answer::answer(&options, false));
        }
        let happened = self.reader.line(line);
        let is_told = happened.iter().any(|one| matches!(one, Happened::Asks { .. }));
        self.happened.extend(happened);
        if !is_told {
            return self.reply(id, &answer::answer(&options, false));
        }
        self.asks.insert(ask_id(id), Asked { id: id.clone(), options });
        Ok(())
    }

    fn reply(&mut self, id: &Value, response: &RequestPermissionResponse) -> Result<(), Error> {
        self.peer.answer(id, &as_json(response))
    }

    /// It ended: a turn that was under way ends with it.
    async fn gone(&mut self) {
        let exit = self.peer.program.exit().await;
        let end = self.reader.end(exit.code, exit.signal, &exit.stderr);
        self.is_gone = true;
        if self.turn.take().is_some() {
            self.happened.push_back(Happened::TurnEnded(end));
        }
    }
}

/// A message of ours, which has no value that JSON does not know.
fn as_json(message: &impl serde::Serialize) -> Value {
    serde_json::to_value(message).unwrap_or_else(|_| json!({}))
}

/// The end of a turn whose answer the reader makes nothing of.
fn senseless(result: Result<Value, Fault>) -> End {
    let words = match result {
        Ok(_) => "it did not say how the turn ended".to_owned(),
        Err(fault) => fault.words,
    };
    let error = Error::new(
        ErrorCode::ENGINE_FAILED,
        format!("The agent broke off ({}).", words.trim_end_matches('.')),
        "Restart the job; `aicib logs --raw` shows what the agent said.",
    );
    let outcome = Outcome::Failed;
    End { outcome, interrupted: false, error: Some(error), text: None, turns: 0, cost: None }
}

#[async_trait]
impl Talk for AcpTalk<'_> {
    async fn send(&mut self, text: &str) -> Result<(), Error> {
        let told = self.told.take().into_iter();
        let blocks = told.chain([text.to_owned()]).map(|text| ContentBlock::Text(TextContent::new(text))).collect();
        let prompt = PromptRequest::new(self.session.clone(), blocks);
        let id = self.peer.request(prompt.method(), &as_json(&prompt))?;
        self.turn = Some(id);
        Ok(())
    }

    async fn interrupt(&mut self) -> Result<(), Error> {
        if self.turn.is_none() {
            return Ok(());
        }
        let cancel = CancelNotification::new(self.session.clone());
        self.peer.notify(cancel.method(), &as_json(&cancel))?;
        let open: Vec<_> = self.asks.drain().collect();
        for (key, Asked { id, .. }) in open {
            self.happened.push_back(Happened::Withdrawn { id: key });
            self.reply(&id, &answer::cancelled())?;
        }
        Ok(())
    }

    async fn answer(&mut self, ask: &str, decision: &Decision) -> Result<(), Error> {
        match self.asks.remove(ask) {
            Some(Asked { id, options }) => self.reply(&id, &answer::answer(&options, decision.allow)),
            None => Ok(()),
        }
    }

    async fn next(&mut self) -> Option<Happened> {
        loop {
            if let Some(happened) = self.happened.pop_front() {
                return Some(happened);
            }
            if self.is_gone {
                return None;
            }
            match self.peer.program.next_line().await {
                // One that does not read what it is told has ended or is about to: that is seen in its output.
                Some(line) => {
                    if let Err(error) = self.heard(&line) {
                        tracing::debug!(%error, "an agent was not told something");
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
