//! An answer as it streams in.

use std::collections::BTreeMap;
use std::pin::pin;

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::StreamExt;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::time::timeout;

use super::failure;
use crate::model::{Answer, Block, Heard, ModelError, StopReason, Usage};
use crate::patience::Patience;

/// Bytes of one line, at most.
const MAX_LINE: usize = 1024 * 1024;
/// Bytes of a whole answer, at most.
const MAX_STREAM: usize = 64 * 1024 * 1024;
/// Bytes of what an answer says, at most.
const MAX_SAID: usize = 8 * 1024 * 1024;
/// Blocks of an answer, at most.
const MAX_BLOCKS: u64 = 1_000;

/// What ends reading the connection.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{}", failure::causes(.0))]
    Connection(#[from] reqwest::Error),
    #[error("more than {MAX_LINE} bytes in a line")]
    LongLine,
    #[error("more than {MAX_STREAM} bytes")]
    LongStream,
}

/// Reads an answer to its end.
pub(crate) async fn read(response: Response, patience: &Patience, heard: &Heard<'_>) -> Result<Answer, ModelError> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("text/event-stream") {
        return Err(failure::cut("it is no event stream"));
    }
    let (mut total, mut line) = (0, 0);
    let bounded = response.bytes_stream().map(move |chunk| {
        let chunk = chunk?;
        total += chunk.len();
        for byte in &chunk {
            line = if matches!(byte, b'\n' | b'\r') { 0 } else { line + 1 };
            if line > MAX_LINE {
                return Err(Broken::LongLine);
            }
        }
        if total > MAX_STREAM { Err(Broken::LongStream) } else { Ok(chunk) }
    });
    let mut events = pin!(bounded.eventsource());
    let mut reading = Reading::default();
    loop {
        let patience = if reading.begun() { patience.stall } else { patience.first_byte };
        let event = match timeout(patience, events.next()).await {
            Err(_) if reading.is_whole() => return reading.answer(),
            Err(_) => return Err(failure::cut(&format!("silent for {} s", patience.as_secs_f64()))),
            Ok(None) if reading.is_whole() => return reading.answer(),
            Ok(None) => return Err(failure::cut("the connection was closed")),
            Ok(Some(Err(_))) if reading.is_whole() => return reading.answer(),
            Ok(Some(Err(EventStreamError::Transport(error)))) => return Err(failure::cut(&error.to_string())),
            Ok(Some(Err(EventStreamError::Utf8(_) | EventStreamError::Parser(_)))) => {
                return Err(failure::cut("it is no text"));
            }
            Ok(Some(Ok(event))) => event,
        };
        let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
            return Err(failure::cut("an event is no JSON"));
        };
        if reading.take(&data, heard)? {
            return reading.answer();
        }
    }
}

/// A block that is being said.
enum Part {
    Text(String),
    Thinking { text: String, signature: String },
    Opaque(Value),
    Call { id: String, name: String, json: String, given: Value },
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    model: String,
    usage: Option<Usage>,
    parts: BTreeMap<u64, Part>,
    open: u64,
    said: usize,
    stop: Option<StopReason>,
}

impl Reading {
    fn begun(&self) -> bool {
        self.usage.is_some()
    }

    /// Whether all was said, though the last event is missing.
    fn is_whole(&self) -> bool {
        self.stop.is_some() && self.open == 0
    }

    /// Takes an event. True when it was the last.
    fn take(&mut self, event: &Value, heard: &Heard<'_>) -> Result<bool, ModelError> {
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                self.model = event["message"]["model"].as_str().unwrap_or_default().to_owned();
                self.count(&event["message"]["usage"], heard);
            }
            "content_block_start" => self.begin(event)?,
            "content_block_delta" => self.add(event, heard)?,
            "content_block_stop" => self.open = self.open.saturating_sub(1),
            "message_delta" => {
                self.count(&event["usage"], heard);
                if let Some(reason) = event["delta"]["stop_reason"].as_str() {
                    self.stop = Some(match reason {
                        "tool_use" => StopReason::Tools,
                        "max_tokens" => StopReason::TooLong,
                        "pause_turn" => StopReason::Paused,
                        "refusal" => StopReason::Refused,
                        "model_context_window_exceeded" => StopReason::Full,
                        _ => StopReason::Done,
                    });
                }
            }
            "message_stop" if self.begun() => return Ok(true),
            "message_stop" => return Err(failure::cut("it ended before it began")),
            "error" => return Err(failure::in_stream(&event["error"])),
            // Pings, and what later versions add.
            _ => {}
        }
        Ok(false)
    }

    /// Later counts replace earlier ones; what a later event leaves out stays.
    fn count(&mut self, usage: &Value, heard: &Heard<'_>) {
        let known = self.usage.unwrap_or_default();
        let field = |name: &str, known: i64| usage[name].as_i64().map_or(known, |count| count.max(0));
        let usage = Usage {
            input: field("input_tokens", known.input),
            output: field("output_tokens", known.output),
            cache_read: field("cache_read_input_tokens", known.cache_read),
            cache_write: field("cache_creation_input_tokens", known.cache_write),
        };
        self.usage = Some(usage);
        heard.usage(&self.model, usage);
    }

    fn begin(&mut self, event: &Value) -> Result<(), ModelError> {
        let index = event["index"].as_u64().filter(|index| *index < MAX_BLOCKS);
        let index = index.ok_or_else(|| failure::cut("a block has no place"))?;
        let block = &event["content_block"];
        let text = |field: &str| block[field].as_str().unwrap_or_default().to_owned();
        let part = match block["type"].as_str().unwrap_or_default() {
            "text" => Part::Text(text("text")),
            "thinking" => Part::Thinking { text: text("thinking"), signature: text("signature") },
            "tool_use" => {
                Part::Call { id: text("id"), name: text("name"), json: String::new(), given: block["input"].clone() }
            }
            _ => Part::Opaque(block.clone()),
        };
        self.parts.insert(index, part);
        self.open += 1;
        Ok(())
    }

    fn add(&mut self, event: &Value, heard: &Heard<'_>) -> Result<(), ModelError> {
        let delta = &event["delta"];
        let part = event["index"].as_u64().and_then(|index| self.parts.get_mut(&index));
        let part = part.ok_or_else(|| failure::cut("a piece belongs to no block"))?;
        let piece = |field: &str| delta[field].as_str().unwrap_or_default();
        let piece = match (delta["type"].as_str().unwrap_or_default(), part) {
            ("text_delta", Part::Text(text)) => {
                let piece = piece("text");
                text.push_str(piece);
                heard.text(piece);
                piece
            }
            ("thinking_delta", Part::Thinking { text, .. }) => {
                let piece = piece("thinking");
                text.push_str(piece);
                piece
            }
            ("signature_delta", Part::Thinking { signature, .. }) => {
                let piece = piece("signature");
                signature.push_str(piece);
                piece
            }
            ("input_json_delta", Part::Call { json, .. }) => {
                let piece = piece("partial_json");
                json.push_str(piece);
                piece
            }
            _ => "",
        };
        if !piece.is_empty() {
            heard.work();
        }
        self.said += piece.len();
        if self.said > MAX_SAID { Err(failure::cut("it is too long")) } else { Ok(()) }
    }

    fn answer(self) -> Result<Answer, ModelError> {
        let blocks: Vec<Block> = self.parts.into_values().map(finished).collect();
        let called = blocks.iter().any(|block| matches!(block, Block::Call { .. }));
        let stop = self.stop.unwrap_or(if called { StopReason::Tools } else { StopReason::Done });
        Ok(Answer { blocks, stop })
    }
}

fn finished(part: Part) -> Block {
    match part {
        Part::Text(text) => Block::Text(text),
        Part::Thinking { text, signature } => Block::Thinking { text, signature },
        Part::Opaque(value) => Block::Opaque(value),
        Part::Call { id, name, json, given } => {
            let input = if json.trim().is_empty() {
                Ok(if given.is_object() { given } else { Value::Object(serde_json::Map::new()) })
            } else {
                match serde_json::from_str::<Value>(&json) {
                    Ok(input) if input.is_object() => Ok(input),
                    _ => Err(json),
                }
            };
            Block::Call { id, name, input }
        }
    }
}
