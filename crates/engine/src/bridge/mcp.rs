//! Our tools for programs, by the Model Context Protocol over streamable HTTP.
//!
//! Each request is answered for itself: there are no sessions to keep. A tool call may take hours, since somebody else
//! works or the founder is asked meanwhile. Its answer is a stream where the program takes one, with a sign of life
//! every few seconds: HTTP libraries give up on an answer that does not begin, or that falls silent.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use contract::{clip, one_line};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::reply::{self, Body};
use super::{BridgeCall, MCP_SERVER, Taken, ToolReply};

/// Versions of the protocol that are spoken here, the newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// Time between two signs of life of a call that takes long.
const PULSE: Duration = Duration::from_secs(10);
/// Messages of one batch, at most.
const MAX_BATCH: usize = 32;
/// Bytes of a tool's answer.
const MAX_ANSWER: usize = 256 * 1024;

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// Answers what a program sends.
pub(super) async fn answer(headers: &HeaderMap, body: &[u8], seat: &Arc<Taken>) -> Response<Body> {
    let message: Value = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(_) => return reply::json(StatusCode::BAD_REQUEST, &failed(&Value::Null, PARSE_ERROR, "That is no JSON.")),
    };
    let streams = headers
        .get_all(ACCEPT)
        .into_iter()
        .any(|value| value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains("text/event-stream")));
    match message {
        // Older versions of the protocol send several messages at once.
        Value::Array(messages) => {
            let mut answers = Vec::new();
            for message in messages.iter().take(MAX_BATCH) {
                answers.extend(match one(message, seat) {
                    Answer::Call(call) => Some(call.finish().await),
                    Answer::Now(answer) => Some(answer),
                    Answer::None => None,
                });
            }
            if answers.is_empty() {
                return reply::nothing(StatusCode::ACCEPTED);
            }
            reply::json(StatusCode::OK, &Value::Array(answers))
        }
        message => match one(&message, seat) {
            Answer::Call(call) if streams => call.stream(),
            Answer::Call(call) => reply::json(StatusCode::OK, &call.finish().await),
            Answer::Now(answer) => reply::json(StatusCode::OK, &answer),
            Answer::None => reply::nothing(StatusCode::ACCEPTED),
        },
    }
}

/// What becomes of one message.
enum Answer {
    /// It was a notification, or an answer to nothing that we asked.
    None,
    Now(Value),
    Call(Box<Call>),
}

/// A call of one of our tools.
struct Call {
    id: Value,
    /// What its signs of life name.
    progress: Option<Value>,
    name: String,
    input: Value,
    seat: Arc<Taken>,
}

fn one(message: &Value, seat: &Arc<Taken>) -> Answer {
    let Some(method) = message["method"].as_str() else {
        let is_answer = message.get("result").is_some() || message.get("error").is_some();
        let wrong = || failed(&message["id"], INVALID_REQUEST, "That is no request.");
        return if is_answer { Answer::None } else { Answer::Now(wrong()) };
    };
    let Some(id) = message.get("id").filter(|id| id.is_string() || id.is_number()) else { return Answer::None };
    let params = &message["params"];
    Answer::Now(match method {
        "initialize" => {
            let asked = params["protocolVersion"].as_str().unwrap_or_default();
            let version = VERSIONS.into_iter().find(|version| *version == asked).unwrap_or(VERSIONS[0]);
            done(
                id,
                json!({
                    "protocolVersion": version,
                    "capabilities": { "tools": { "listChanged": false } },
                    "serverInfo": { "name": MCP_SERVER, "version": env!("CARGO_PKG_VERSION") },
                }),
            )
        }
        "ping" => done(id, json!({})),
        "tools/list" => {
            let tools = seat.tools.iter().map(|tool| {
                json!({
                    "name": tool.name,
                    "description": tool.description,
                    "inputSchema": tool.schema,
                })
            });
            done(id, json!({ "tools": tools.collect::<Vec<_>>() }))
        }
        "resources/list" => done(id, json!({ "resources": [] })),
        "resources/templates/list" => done(id, json!({ "resourceTemplates": [] })),
        "prompts/list" => done(id, json!({ "prompts": [] })),
        "tools/call" => {
            let name = params["name"].as_str().unwrap_or_default();
            let Some(tool) = seat.tools.iter().find(|tool| tool.name == name) else {
                let what = format!("There is no tool {} here.", one_line(name, 60));
                return Answer::Now(failed(id, INVALID_PARAMS, &what));
            };
            let input = params.get("arguments").filter(|input| input.is_object());
            return Answer::Call(Box::new(Call {
                id: id.clone(),
                progress: params["_meta"].get("progressToken").filter(|token| !token.is_null()).cloned(),
                name: tool.name.to_owned(),
                input: input.cloned().unwrap_or_else(|| json!({})),
                seat: seat.clone(),
            }));
        }
        _ => failed(id, METHOD_NOT_FOUND, "There is no such method here."),
    })
}

impl Call {
    /// Makes the call, and gives the whole message. Dropping the future tells who does the work that nobody waits.
    async fn finish(self: Box<Call>) -> Value {
        let Call { id, name, input, seat, .. } = *self;
        let (reply, answer) = oneshot::channel();
        let gone = || ToolReply { ok: false, text: "The run has ended, and the call was not made.".to_owned() };
        let reply = match seat.calls.send(BridgeCall::Tool { name, input, reply }).await {
            Err(_) => gone(),
            Ok(()) => tokio::select! {
                () = seat.left.cancelled() => gone(),
                answer = answer => answer.unwrap_or_else(|_| gone()),
            },
        };
        let text = clip(&reply.text, MAX_ANSWER);
        done(&id, json!({ "content": [{ "type": "text", "text": text }], "isError": !reply.ok }))
    }

    /// The same as a stream of events, which begins at once and is never silent for long.
    fn stream(self: Box<Call>) -> Response<Body> {
        let progress = self.progress.clone();
        let working = Some(Box::pin(self.finish()));
        let events = stream::unfold((working, progress, 0u64), |(working, progress, pulses)| async move {
            let mut working = working?;
            let (event, state) = match timeout(PULSE, &mut working).await {
                Ok(answer) => (event(&answer), (None, progress, pulses)),
                Err(_) => {
                    let pulses = pulses + 1;
                    (pulse(progress.as_ref(), pulses), (Some(working), progress, pulses))
                }
            };
            Some((Ok::<_, io::Error>(Frame::data(Bytes::from(event))), state))
        });
        // Headers go out with the first piece, and that is not to wait for the answer.
        let begun = stream::once(async { Ok(Frame::data(Bytes::from_static(b": at work\n\n"))) });
        let body = futures_util::StreamExt::chain(begun, events);
        let mut response = Response::new(BodyExt::boxed(StreamBody::new(body)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

/// A sign of life: progress where the program asked to be told, else a comment, which every reader skips.
fn pulse(progress: Option<&Value>, count: u64) -> String {
    match progress {
        Some(token) => event(&json!({
            "jsonrpc": "2.0",
            "method": "notifications/progress",
            "params": { "progressToken": token, "progress": count },
        })),
        None => ": at work\n\n".to_owned(),
    }
}

fn event(message: &Value) -> String {
    format!("event: message\ndata: {message}\n\n")
}

fn done(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn failed(id: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}
