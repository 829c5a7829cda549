//! An answer as it comes in: as events, or in one piece from a server that does not stream.

use std::pin::pin;
use std::time::Duration;

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt, stream};
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use super::reading::Reading;
use super::{Waits, failure};
use crate::model::{Answer, Heard, ModelError, Request};
use crate::provider::{causes, cut};

/// Bytes of one line, at most.
const MAX_LINE: usize = 8 * 1024 * 1024;
/// Bytes of a whole answer, at most.
const MAX_STREAM: usize = 64 * 1024 * 1024;
/// How long after the last word a server may take to say what was used, or that this is all.
const AFTER: Duration = Duration::from_secs(5);

/// What ends reading the connection.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{}", causes(.0))]
    Connection(#[from] reqwest::Error),
    #[error("more than {MAX_LINE} bytes in a line")]
    LongLine,
    #[error("more than {MAX_STREAM} bytes")]
    LongStream,
    #[error("silent for {} s", .0.as_secs_f64())]
    Silent(Duration),
}

/// Reads an answer to its end.
pub(crate) async fn read(
    response: Response,
    waits: Waits,
    request: &Request<'_>,
    guess: i64,
    heard: &Heard<'_>,
) -> Result<Answer, ModelError> {
    let mut bytes = pin!(bounded(response, waits));
    let mut reading = Reading::new(request, guess);
    // What an answer is shows in its first character, whatever the server calls it.
    let mut start = Vec::new();
    let first = loop {
        match bytes.next().await {
            None => return Err(cut("the connection was closed")),
            Some(Err(broken)) => return Err(cut(&broken.to_string())),
            Some(Ok(chunk)) => start.extend_from_slice(&chunk),
        }
        let rest = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
        if let Some(first) = rest.iter().find(|byte| !byte.is_ascii_whitespace()) {
            break *first;
        }
    };
    if matches!(first, b'{' | b'[') {
        while let Some(chunk) = bytes.next().await {
            start.extend_from_slice(&chunk.map_err(|broken| cut(&broken.to_string()))?);
        }
        let whole: Value = serde_json::from_slice(&start).map_err(|_| cut("it is no JSON"))?;
        reading.take(whole.get(0).unwrap_or(&whole), heard)?;
        return if reading.begun() { Ok(reading.answer()) } else { Err(cut("there is nothing in it")) };
    }
    let events = stream::iter([Ok(start)]).chain(bytes).eventsource();
    let mut events = pin!(events);
    loop {
        let next = if reading.is_whole() {
            match timeout(AFTER.min(waits.stall), events.next()).await {
                Err(_) => return Ok(reading.answer()),
                Ok(next) => next,
            }
        } else {
            events.next().await
        };
        let event = match next {
            None | Some(Err(_)) if reading.is_whole() => return Ok(reading.answer()),
            None => return Err(cut("the connection was closed")),
            Some(Err(EventStreamError::Transport(broken))) => return Err(cut(&broken.to_string())),
            Some(Err(EventStreamError::Utf8(_) | EventStreamError::Parser(_))) => return Err(cut("it is no text")),
            Some(Ok(event)) => event,
        };
        let data = event.data.trim();
        if data.is_empty() {
            continue;
        }
        if data == "[DONE]" {
            return if reading.is_whole() || reading.has_words() {
                Ok(reading.answer())
            } else {
                Err(cut("there is nothing in it"))
            };
        }
        let Ok(chunk) = serde_json::from_str::<Value>(data) else {
            return Err(cut("an event is no JSON"));
        };
        if event.event == "error" {
            return Err(failure::in_stream(&chunk));
        }
        reading.take(&chunk, heard)?;
    }
}

/// The bytes of an answer, as long as they keep coming and are not too many. Anything that comes counts: servers that
/// are not done thinking say so in comments.
fn bounded(response: Response, waits: Waits) -> impl Stream<Item = Result<Vec<u8>, Broken>> {
    let bytes = Box::pin(response.bytes_stream());
    let start = (bytes, 0_usize, 0_usize, waits.first, false);
    stream::unfold(start, move |(mut bytes, mut total, mut line, wait, over)| async move {
        if over {
            return None;
        }
        let chunk = match timeout(wait, bytes.next()).await {
            Err(_) => Err(Broken::Silent(wait)),
            Ok(None) => return None,
            Ok(Some(chunk)) => chunk.map_err(Broken::from).and_then(|chunk| {
                total += chunk.len();
                for byte in &chunk {
                    line = if matches!(byte, b'\n' | b'\r') { 0 } else { line + 1 };
                    if line > MAX_LINE {
                        return Err(Broken::LongLine);
                    }
                }
                if total > MAX_STREAM { Err(Broken::LongStream) } else { Ok(chunk.to_vec()) }
            }),
        };
        let over = chunk.is_err();
        Some((chunk, (bytes, total, line, waits.stall, over)))
    })
}
