//! An answer as OpenAI's two APIs stream it, and as they give it whole.

use serde_json::{Value, json};

use crate::Usage;
use crate::script::Block;
use crate::sse::{Piece, split};

/// When every answer was made.
const MADE: i64 = 1_700_000_000;

fn data(value: &Value) -> Piece {
    Piece { bytes: format!("data: {value}\n\n").into_bytes(), known: None }
}

/// What was used, as Chat Completions says it. Cached input is part of the input.
fn chat_usage(usage: Usage) -> Value {
    let input = usage.input + usage.cache_read + usage.cache_write;
    json!({
        "prompt_tokens": input, "completion_tokens": usage.output, "total_tokens": input + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cache_read },
    })
}

fn calls(id: u64, blocks: &[Block]) -> Vec<(String, &str, &str)> {
    let calls = blocks.iter().enumerate().filter_map(|(index, block)| match block {
        Block::Tool { name, json, .. } => Some((format!("call_{id:04}_{index}"), name.as_str(), json.as_str())),
        _ => None,
    });
    calls.collect()
}

fn words(blocks: &[Block]) -> String {
    let texts = blocks.iter().filter_map(|block| match block {
        Block::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

fn finish(blocks: &[Block], stop_reason: Option<&str>) -> &'static str {
    match stop_reason {
        Some("max_tokens") => "length",
        _ if blocks.iter().any(|block| matches!(block, Block::Tool { .. })) => "tool_calls",
        _ => "stop",
    }
}

/// The events of an answer of Chat Completions.
pub(crate) fn chat_events(
    id: u64,
    model: &str,
    blocks: &[Block],
    usage: Usage,
    stop_reason: Option<&str>,
) -> Vec<Piece> {
    let chunk = |delta: Value, finish: Option<&str>| {
        data(&json!({
            "id": format!("chatcmpl_{id:04}"), "object": "chat.completion.chunk", "created": MADE, "model": model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        }))
    };
    let mut out = vec![chunk(json!({ "role": "assistant", "content": "" }), None)];
    for block in blocks {
        match block {
            Block::Text(text) => out.extend(split(text).iter().map(|part| chunk(json!({ "content": part }), None))),
            Block::Thinking(text) => out.push(chunk(json!({ "reasoning_content": text }), None)),
            Block::Tool { .. } => {}
        }
    }
    for (index, (call, name, arguments)) in calls(id, blocks).into_iter().enumerate() {
        let opening = json!({ "index": index, "id": call, "type": "function",
            "function": { "name": name, "arguments": "" } });
        out.push(chunk(json!({ "tool_calls": [opening] }), None));
        for part in split(arguments) {
            let more = json!({ "index": index, "function": { "arguments": part } });
            out.push(chunk(json!({ "tool_calls": [more] }), None));
        }
    }
    out.push(chunk(json!({}), Some(finish(blocks, stop_reason))));
    let mut last = data(&json!({
        "id": format!("chatcmpl_{id:04}"), "object": "chat.completion.chunk", "created": MADE, "model": model,
        "choices": [], "usage": chat_usage(usage),
    }));
    last.known = Some(usage);
    out.push(last);
    out.push(Piece { bytes: b"data: [DONE]\n\n".to_vec(), known: None });
    out
}

/// An answer of Chat Completions, whole.
pub(crate) fn chat_whole(id: u64, model: &str, blocks: &[Block], usage: Usage, stop_reason: Option<&str>) -> Value {
    let calls: Vec<Value> = calls(id, blocks)
        .into_iter()
        .map(|(call, name, arguments)| {
            json!({ "id": call, "type": "function", "function": { "name": name, "arguments": arguments } })
        })
        .collect();
    let mut message = json!({ "role": "assistant", "content": words(blocks) });
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    json!({
        "id": format!("chatcmpl_{id:04}"), "object": "chat.completion", "created": MADE, "model": model,
        "choices": [{ "index": 0, "finish_reason": finish(blocks, stop_reason), "message": message }],
        "usage": chat_usage(usage),
    })
}

fn responses_usage(usage: Usage) -> Value {
    let input = usage.input + usage.cache_read + usage.cache_write;
    json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": usage.cache_read },
        "output_tokens": usage.output, "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": input + usage.output,
    })
}

fn items(id: u64, blocks: &[Block]) -> Vec<Value> {
    let items = blocks.iter().enumerate().map(|(index, block)| match block {
        Block::Text(text) => json!({
            "type": "message", "id": format!("msg_{id:04}_{index}"), "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": text, "annotations": [] }],
        }),
        Block::Thinking(text) => json!({
            "type": "reasoning", "id": format!("rs_{id:04}_{index}"), "encrypted_content": "ZW5j",
            "summary": [{ "type": "summary_text", "text": text }],
        }),
        Block::Tool { name, json, free: true, .. } => json!({
            "type": "custom_tool_call", "id": format!("ctc_{id:04}_{index}"), "call_id": format!("call_{id:04}_{index}"),
            "name": name, "input": json, "status": "completed",
        }),
        Block::Tool { name, json, namespace, .. } => {
            let mut call = json!({
                "type": "function_call", "id": format!("fc_{id:04}_{index}"),
                "call_id": format!("call_{id:04}_{index}"), "name": name, "arguments": json, "status": "completed",
            });
            if let Some(namespace) = namespace {
                call["namespace"] = namespace.as_str().into();
            }
            call
        }
    });
    items.collect()
}

/// An answer of Responses, whole.
pub(crate) fn responses_whole(id: u64, model: &str, blocks: &[Block], usage: Usage) -> Value {
    json!({
        "id": format!("resp_{id:04}"), "object": "response", "created_at": MADE, "model": model, "error": null,
        "status": "completed", "output": items(id, blocks), "usage": responses_usage(usage),
    })
}

/// The events of an answer of Responses.
pub(crate) fn responses_events(id: u64, model: &str, blocks: &[Block], usage: Usage) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut say = |kind: &str, mut body: Value| {
        body["type"] = kind.into();
        body["sequence_number"] = out.len().into();
        out.push(Piece { bytes: format!("event: {kind}\ndata: {body}\n\n").into_bytes(), known: None });
    };
    let mut begun = responses_whole(id, model, &[], usage);
    begun["status"] = "in_progress".into();
    begun["usage"] = Value::Null;
    say("response.created", json!({ "response": begun }));
    for (index, item) in items(id, blocks).into_iter().enumerate() {
        let mut opening = item.clone();
        opening["status"] = "in_progress".into();
        if item["type"] == "message" {
            opening["content"] = json!([]);
        }
        say("response.output_item.added", json!({ "output_index": index, "item": opening }));
        let at = |more: Value| {
            let mut body = json!({ "item_id": item["id"], "output_index": index });
            if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
                body.extend(more);
            }
            body
        };
        match &blocks[index] {
            Block::Text(text) => {
                let part = json!({ "type": "output_text", "text": "", "annotations": [] });
                say("response.content_part.added", at(json!({ "content_index": 0, "part": part })));
                for piece in split(text) {
                    say("response.output_text.delta", at(json!({ "content_index": 0, "delta": piece })));
                }
                say("response.output_text.done", at(json!({ "content_index": 0, "text": text })));
            }
            Block::Thinking(text) => {
                say("response.reasoning_summary_text.delta", at(json!({ "summary_index": 0, "delta": text })));
            }
            Block::Tool { json, .. } => {
                for piece in split(json) {
                    say("response.function_call_arguments.delta", at(json!({ "delta": piece })));
                }
                say("response.function_call_arguments.done", at(json!({ "arguments": json })));
            }
        }
        say("response.output_item.done", json!({ "output_index": index, "item": item }));
    }
    say("response.completed", json!({ "response": responses_whole(id, model, blocks, usage) }));
    if let Some(last) = out.last_mut() {
        last.known = Some(usage);
    }
    out
}

/// What either of them sends when an answer fails in mid-stream.
pub(crate) fn failure(is_chat: bool, kind: &str, message: &str) -> Piece {
    let error = json!({ "message": message, "type": kind, "code": kind, "param": null });
    if is_chat {
        return data(&json!({ "error": error }));
    }
    let body = json!({
        "type": "response.failed", "sequence_number": 99,
        "response": { "id": "resp_failed", "object": "response", "status": "failed", "error": error },
    });
    Piece { bytes: format!("event: response.failed\ndata: {body}\n\n").into_bytes(), known: None }
}
