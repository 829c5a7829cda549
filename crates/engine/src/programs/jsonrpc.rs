//! A program that speaks JSON-RPC, a message a line: Codex's app-server, agents of the Agent Client Protocol.

use std::time::Duration;

use contract::{Error, ErrorCode, one_line};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{Line, Program};

/// Characters of a program's words that are passed on.
const WORDS: usize = 500;
/// The code of a method that is not there.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;

/// A program, and the messages to it.
pub(crate) struct Peer<'a> {
    /// The process.
    pub program: Program<'a>,
    /// The number of the next request of ours.
    next: i64,
}

/// A message of the program's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    /// It wants an answer. `id` goes back as it came.
    Request { id: Value, method: String, params: Value },
    /// It tells something.
    Notification { method: String, params: Value },
    /// It answers a request of ours.
    Answer { id: i64, result: Result<Value, Fault> },
}

/// Why a program did not do what it was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fault {
    /// Its number for it.
    pub code: i64,
    /// Its words, in a line.
    pub words: String,
}

/// Why a request has no result.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The program refused.
    Fault(Fault),
    /// It has ended, or says nothing more.
    Gone,
    /// It did not answer in time.
    Late,
}

impl<'a> Peer<'a> {
    /// Speaks with that program.
    pub fn new(program: Program<'a>) -> Peer<'a> {
        Peer { program, next: 1 }
    }

    /// Asks something; the answer bears the number that is returned.
    ///
    /// # Errors
    /// `engine.failed` where the program does not read any more.
    pub fn request(&mut self, method: &str, params: &Value) -> Result<i64, Error> {
        let id = self.next;
        self.next += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        Ok(id)
    }

    /// Tells something.
    ///
    /// # Errors
    /// As [`Peer::request`].
    pub fn notify(&mut self, method: &str, params: &Value) -> Result<(), Error> {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// Answers a request of the program's.
    ///
    /// # Errors
    /// As [`Peer::request`].
    pub fn answer(&mut self, id: &Value, result: &Value) -> Result<(), Error> {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    }

    /// Refuses a request of the program's.
    ///
    /// # Errors
    /// As [`Peer::request`].
    pub fn refuse(&mut self, id: &Value, code: i64, why: &str) -> Result<(), Error> {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": why } }))
    }

    fn say(&mut self, message: &Value) -> Result<(), Error> {
        self.program.tell(message.to_string())
    }

    /// Asks something, and waits for the answer. Every line that comes until then goes to `heard`, the answer's too;
    /// requests of the program's are refused.
    pub async fn call(
        &mut self,
        method: &str,
        params: &Value,
        patience: Duration,
        mut heard: impl FnMut(&Line),
    ) -> Result<Value, NoAnswer> {
        let until = Instant::now() + patience;
        let asked = self.request(method, params).map_err(|_| NoAnswer::Gone)?;
        loop {
            let line = match timeout_at(until, self.program.next_line()).await {
                Err(_) => return Err(NoAnswer::Late),
                Ok(None) => return Err(NoAnswer::Gone),
                Ok(Some(line)) => line,
            };
            heard(&line);
            match message(&line) {
                Some(Message::Answer { id, result }) if id == asked => return result.map_err(NoAnswer::Fault),
                Some(Message::Request { id, .. }) => {
                    self.refuse(&id, METHOD_NOT_FOUND, "Not now.").map_err(|_| NoAnswer::Gone)?;
                }
                _ => {}
            }
        }
    }

    /// The error for a program that does not begin as it should.
    pub async fn not_begun(&mut self, what: &str, why: NoAnswer) -> Error {
        let label = self.program.label().to_owned();
        let (detail, code) = match why {
            NoAnswer::Fault(fault) => (fault.words, ErrorCode::ENGINE_FAILED),
            NoAnswer::Late => ("it does not answer".to_owned(), ErrorCode::ENGINE_FAILED),
            NoAnswer::Gone => {
                let exit = self.program.exit().await;
                let last = exit.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
                let how = match (exit.code, exit.signal) {
                    (Some(code), _) => format!("it ended with exit code {code}"),
                    (None, Some(signal)) => format!("signal {signal} ended it"),
                    (None, None) => "it ended".to_owned(),
                };
                let last = last.map(|line| format!(": {}", one_line(line, WORDS))).unwrap_or_default();
                (format!("{how}{last}"), ErrorCode::ENGINE_FAILED)
            }
        };
        let detail = detail.trim_end_matches('.');
        Error::new(
            code,
            format!("{label} could not {what} ({detail})."),
            "See `aicib doctor` for how it stands, and `aicib logs --raw` for what it said.",
        )
    }
}

/// The message in a line, if it is one. Versions of the protocol are not looked at: Codex says none.
pub(crate) fn message(line: &Line) -> Option<Message> {
    let Line::Whole(text) = line else { return None };
    let mut value: Value = serde_json::from_str(text).ok()?;
    let fields = value.as_object_mut()?;
    let id = fields.remove("id").filter(|id| id.is_number() || id.is_string());
    let method = fields.get("method").and_then(Value::as_str).map(str::to_owned);
    let params = fields.remove("params").unwrap_or_default();
    Some(match (method, id) {
        (Some(method), Some(id)) => Message::Request { id, method, params },
        (Some(method), None) => Message::Notification { method, params },
        (None, Some(id)) => {
            let result = match fields.remove("error").filter(|error| !error.is_null()) {
                Some(error) => Err(fault(&error)),
                None => Ok(fields.remove("result").unwrap_or_default()),
            };
            Message::Answer { id: id.as_i64()?, result }
        }
        (None, None) => return None,
    })
}

fn fault(error: &Value) -> Fault {
    let said = error["message"].as_str().unwrap_or("it did not say why");
    // Agents of the protocol say what matters in `data` at times ("Internal error" beside it).
    let more = error["data"]["details"].as_str().or_else(|| error["data"]["message"].as_str());
    let words = match more.or_else(|| error["data"].as_str()) {
        Some(more) if !said.contains(more) => format!("{said}: {more}"),
        _ => said.to_owned(),
    };
    Fault { code: error["code"].as_i64().unwrap_or_default(), words: one_line(&words, WORDS) }
}

/// A request's id as the reader names what the program asks: JSON text.
pub(crate) fn ask_id(id: &Value) -> String {
    id.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<Message> {
        message(&Line::Whole(text.to_owned()))
    }

    #[test]
    fn messages_are_told_apart() {
        let request = Message::Request { id: json!("a"), method: "m".into(), params: json!({ "x": 1 }) };
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":"a","method":"m","params":{"x":1}}"#), Some(request));
        let told = Message::Notification { method: "m".into(), params: Value::Null };
        assert_eq!(read(r#"{"method":"m"}"#), Some(told));
        assert_eq!(read(r#"{"id":7,"result":{}}"#), Some(Message::Answer { id: 7, result: Ok(json!({})) }));
        let fault = Fault { code: -32603, words: "Internal error: no such session".into() };
        assert_eq!(
            read(r#"{"id":7,"error":{"code":-32603,"message":"Internal error","data":{"details":"no such session"}}}"#),
            Some(Message::Answer { id: 7, result: Err(fault) })
        );
    }

    proptest! {
        #[test]
        fn no_line_does_harm(text in "[{}\\[\\]:,\"a-z0-9 ]{0,80}") {
            let _ = read(&text);
        }

        #[test]
        fn no_object_does_harm(id in "(null|1|\"x\"|[1]|1e400|-1)", error in "(null|1|\"x\"|\\{\\}|\\{\"data\":[1]\\})") {
            let _ = read(&format!("{{\"id\":{id},\"error\":{error}}}"));
        }
    }
}
