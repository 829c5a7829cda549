//! A streamed answer, put together.

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use serde_json::Value;

use super::provider::{Dialect, Failure, Part, Reply, Usage};

/// Reads an answer to its end.
pub async fn read(
    dialect: Dialect,
    response: reqwest::Response,
    on_delta: &(dyn Fn(&str) + Sync),
) -> Result<Reply, Failure> {
    let mut events = response.bytes_stream().eventsource();
    let mut reply = Reply::default();
    let mut calls: Vec<(String, String, String)> = Vec::new();
    let mut is_over = false;
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| Failure::Cut(format!("stream disconnected: {error}")))?;
        if event.data == "[DONE]" {
            break;
        }
        let data: Value = serde_json::from_str(&event.data).map_err(|error| Failure::Cut(error.to_string()))?;
        if !data["error"].is_null() || data["type"] == "error" || data["type"] == "response.failed" {
            return Err(Failure::Cut(format!("the stream failed: {data}")));
        }
        is_over |= match dialect {
            Dialect::Messages => of_messages(&data, &mut reply, &mut calls, on_delta),
            Dialect::Responses => of_responses(&data, &mut reply, on_delta),
            Dialect::Chat => of_chat(&data, &mut reply, &mut calls, on_delta),
        };
    }
    if !is_over {
        return Err(Failure::Cut("stream disconnected before completion".into()));
    }
    for (id, name, json) in calls {
        let input = serde_json::from_str(&json).unwrap_or_default();
        reply.parts.push(Part::Call { id, name, input });
    }
    Ok(reply)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn say(reply: &mut Reply, text: &str, on_delta: &(dyn Fn(&str) + Sync)) {
    on_delta(text);
    match reply.parts.last_mut() {
        Some(Part::Text(whole)) => whole.push_str(text),
        _ => reply.parts.push(Part::Text(text.to_owned())),
    }
}

fn of_messages(
    data: &Value,
    reply: &mut Reply,
    calls: &mut Vec<(String, String, String)>,
    on_delta: &(dyn Fn(&str) + Sync),
) -> bool {
    let used = |usage: &Value| Usage {
        input: usage["input_tokens"].as_i64().unwrap_or_default(),
        output: usage["output_tokens"].as_i64().unwrap_or_default(),
        cache_read: usage["cache_read_input_tokens"].as_i64().unwrap_or_default(),
        cache_write: usage["cache_creation_input_tokens"].as_i64().unwrap_or_default(),
    };
    match data["type"].as_str().unwrap_or_default() {
        "message_start" => {
            reply.id = string(&data["message"]["id"]);
            reply.usage = used(&data["message"]["usage"]);
        }
        "content_block_start" if data["content_block"]["type"] == "tool_use" => {
            let block = &data["content_block"];
            calls.push((string(&block["id"]), string(&block["name"]), String::new()));
        }
        "content_block_start" if data["content_block"]["type"] == "text" => {
            reply.parts.push(Part::Text(String::new()));
        }
        "content_block_delta" => match data["delta"]["type"].as_str().unwrap_or_default() {
            "text_delta" => say(reply, data["delta"]["text"].as_str().unwrap_or_default(), on_delta),
            "thinking_delta" => reply.parts.push(Part::Thought(string(&data["delta"]["thinking"]))),
            "input_json_delta" => {
                if let Some((_, _, json)) = calls.last_mut() {
                    json.push_str(data["delta"]["partial_json"].as_str().unwrap_or_default());
                }
            }
            _ => {}
        },
        "message_delta" => {
            reply.usage = used(&data["usage"]);
            return true;
        }
        _ => {}
    }
    false
}

fn of_responses(data: &Value, reply: &mut Reply, on_delta: &(dyn Fn(&str) + Sync)) -> bool {
    match data["type"].as_str().unwrap_or_default() {
        "response.created" => reply.id = string(&data["response"]["id"]),
        "response.output_text.delta" => say(reply, data["delta"].as_str().unwrap_or_default(), on_delta),
        "response.output_item.done" => {
            let item = &data["item"];
            match item["type"].as_str().unwrap_or_default() {
                "reasoning" => reply.parts.push(Part::Thought(string(&item["summary"][0]["text"]))),
                "function_call" => {
                    let arguments = item["arguments"].as_str().unwrap_or_default();
                    let input = serde_json::from_str(arguments).unwrap_or_default();
                    let (id, name) = (string(&item["call_id"]), string(&item["name"]));
                    reply.parts.push(Part::Call { id, name, input });
                }
                _ => {}
            }
        }
        "response.completed" => {
            let usage = &data["response"]["usage"];
            let cached = usage["input_tokens_details"]["cached_tokens"].as_i64().unwrap_or_default();
            reply.usage = Usage {
                input: usage["input_tokens"].as_i64().unwrap_or_default() - cached,
                output: usage["output_tokens"].as_i64().unwrap_or_default(),
                cache_read: cached,
                cache_write: 0,
            };
            return true;
        }
        _ => {}
    }
    false
}

fn of_chat(
    data: &Value,
    reply: &mut Reply,
    calls: &mut Vec<(String, String, String)>,
    on_delta: &(dyn Fn(&str) + Sync),
) -> bool {
    reply.id = string(&data["id"]);
    let choice = &data["choices"][0];
    if let Some(text) = choice["delta"]["content"].as_str().filter(|text| !text.is_empty()) {
        say(reply, text, on_delta);
    }
    for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
        let index = call["index"].as_u64().unwrap_or_default() as usize;
        if calls.len() <= index {
            calls.resize(index + 1, Default::default());
        }
        let (id, name, json) = &mut calls[index];
        id.push_str(call["id"].as_str().unwrap_or_default());
        name.push_str(call["function"]["name"].as_str().unwrap_or_default());
        json.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
    }
    if let Some(usage) = data.get("usage").filter(|usage| usage.is_object()) {
        let cached = usage["prompt_tokens_details"]["cached_tokens"].as_i64().unwrap_or_default();
        reply.usage = Usage {
            input: usage["prompt_tokens"].as_i64().unwrap_or_default() - cached,
            output: usage["completion_tokens"].as_i64().unwrap_or_default(),
            cache_read: cached,
            cache_write: 0,
        };
    }
    choice["finish_reason"].is_string()
}
