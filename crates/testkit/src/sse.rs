//! An answer as the events of a stream, in the provider's shapes.

use serde_json::{Value, json};

use crate::Usage;
use crate::script::Block;

/// An event, ready to send.
pub(crate) struct Piece {
    pub bytes: Vec<u8>,
    /// What the client knows to have used once it has this event.
    pub known: Option<Usage>,
}

fn piece(kind: &str, data: &Value) -> Piece {
    Piece { bytes: format!("event: {kind}\ndata: {data}\n\n").into_bytes(), known: None }
}

/// An `error` event.
pub(crate) fn failure(kind: &str, message: &str) -> Piece {
    piece("error", &json!({ "type": "error", "error": { "type": kind, "message": message } }))
}

/// All events of an answer.
pub(crate) fn events(id: u64, model: &str, blocks: &[Block], usage: Usage, stop_reason: Option<&str>) -> Vec<Piece> {
    let mut out = vec![start(id, model, usage), piece("ping", &json!({ "type": "ping" }))];
    for (index, block) in blocks.iter().enumerate() {
        let (opening, deltas) = match block {
            Block::Text(text) => (
                json!({ "type": "text", "text": "" }),
                split(text).into_iter().map(|part| json!({ "type": "text_delta", "text": part })).collect::<Vec<_>>(),
            ),
            Block::Thinking(text) => (
                json!({ "type": "thinking", "thinking": "", "signature": "" }),
                vec![
                    json!({ "type": "thinking_delta", "thinking": text }),
                    json!({ "type": "signature_delta", "signature": "c2lnbmF0dXJl" }),
                ],
            ),
            Block::Tool { name, json: input, .. } => (
                json!({ "type": "tool_use", "id": format!("toolu_{id:04}_{index}"), "name": name, "input": {} }),
                split(input)
                    .into_iter()
                    .map(|part| json!({ "type": "input_json_delta", "partial_json": part }))
                    .collect::<Vec<_>>(),
            ),
        };
        out.push(piece(
            "content_block_start",
            &json!({ "type": "content_block_start", "index": index, "content_block": opening }),
        ));
        for delta in deltas {
            let data = json!({ "type": "content_block_delta", "index": index, "delta": delta });
            out.push(piece("content_block_delta", &data));
        }
        out.push(piece("content_block_stop", &json!({ "type": "content_block_stop", "index": index })));
    }
    let reason = reason(blocks, stop_reason);
    let mut end = piece(
        "message_delta",
        &json!({
            "type": "message_delta",
            "delta": { "stop_reason": reason, "stop_sequence": null },
            "usage": wire(usage),
        }),
    );
    end.known = Some(usage);
    out.push(end);
    out.push(piece("message_stop", &json!({ "type": "message_stop" })));
    out
}

/// An answer, whole.
pub(crate) fn whole(id: u64, model: &str, blocks: &[Block], usage: Usage, stop_reason: Option<&str>) -> Value {
    let content = blocks.iter().enumerate().map(|(index, block)| match block {
        Block::Text(text) => json!({ "type": "text", "text": text }),
        Block::Thinking(text) => json!({ "type": "thinking", "thinking": text, "signature": "c2lnbmF0dXJl" }),
        Block::Tool { name, json: input, .. } => {
            let input: Value = serde_json::from_str(input).unwrap_or_default();
            json!({ "type": "tool_use", "id": format!("toolu_{id:04}_{index}"), "name": name, "input": input })
        }
    });
    json!({
        "id": format!("msg_{id:04}"), "type": "message", "role": "assistant", "model": model,
        "content": content.collect::<Vec<_>>(), "stop_reason": reason(blocks, stop_reason), "stop_sequence": null,
        "usage": wire(usage),
    })
}

fn reason<'a>(blocks: &[Block], stop_reason: Option<&'a str>) -> &'a str {
    let calls = blocks.iter().any(|block| matches!(block, Block::Tool { .. }));
    stop_reason.unwrap_or(if calls { "tool_use" } else { "end_turn" })
}

fn start(id: u64, model: &str, usage: Usage) -> Piece {
    let begun = Usage { output: 1, ..usage };
    let message = json!({
        "id": format!("msg_{id:04}"), "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": wire(begun),
    });
    let mut first = piece("message_start", &json!({ "type": "message_start", "message": message }));
    first.known = Some(begun);
    first
}

fn wire(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write,
        "service_tier": "standard",
    })
}

/// `text` in pieces of odd sizes, so that words, escapes and keys are split; at most some forty of them.
pub(crate) fn split(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let scale = chars.len() / 150 + 1;
    let (mut parts, mut at) = (Vec::new(), 0);
    for size in [1, 4, 2, 7].into_iter().cycle() {
        if at >= chars.len() {
            break;
        }
        let end = (at + size * scale).min(chars.len());
        parts.push(chars[at..end].iter().collect());
        at = end;
    }
    parts
}
