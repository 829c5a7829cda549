//! Whether the provider would take a request: words of both sides in turn, every tool call followed at once by its
//! result, no result without its call, no text without words.

use std::collections::HashSet;

use serde_json::Value;

use crate::{Dialect, Request};

/// Why the provider refuses a request, in words like its own; none where it takes it.
pub(crate) fn refused(dialect: Dialect, request: &Request) -> Option<String> {
    match dialect {
        Dialect::Messages if request.is_ours() => refused_by_messages(&request.body),
        // Both of OpenAI's take words in any order, and so does the Messages API by now where it must.
        _ => unpaired(request),
    }
}

/// Calls without results, and results without calls.
fn unpaired(request: &Request) -> Option<String> {
    if request.model().is_empty() {
        return Some("you must provide a model parameter".into());
    }
    let mut open: HashSet<&str> = HashSet::new();
    for message in request.messages() {
        for block in message["content"].as_array().map_or(&[][..], Vec::as_slice) {
            match block["type"].as_str().unwrap_or_default() {
                "tool_use" => {
                    open.insert(block["id"].as_str().unwrap_or_default());
                }
                "tool_result" => {
                    let id = block["tool_use_id"].as_str().unwrap_or_default();
                    if !open.remove(id) {
                        return Some(format!("No tool call found for tool output with call_id {id}."));
                    }
                }
                _ => {}
            }
        }
    }
    open.into_iter().next().map(|id| format!("No tool output found for tool call {id}."))
}

fn refused_by_messages(body: &Value) -> Option<String> {
    if body["model"].as_str().is_none_or(str::is_empty) {
        return Some("model: Field required".into());
    }
    if body["max_tokens"].as_i64().is_none_or(|tokens| tokens < 1) {
        return Some("max_tokens: must be greater than or equal to 1".into());
    }
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    if messages.is_empty() {
        return Some("messages: at least one message is required".into());
    }
    let has_tools = body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    let mut ids = HashSet::new();
    let mut open: Vec<String> = Vec::new();
    for (place, message) in messages.iter().enumerate() {
        let expected = if place % 2 == 0 { "user" } else { "assistant" };
        if message["role"] != expected {
            return Some(format!("messages.{place}: roles must alternate between \"user\" and \"assistant\""));
        }
        let last = place + 1 == messages.len();
        let blocks = match &message["content"] {
            Value::String(text) if text.trim().is_empty() => {
                return Some(format!("messages.{place}: all messages must have non-empty content"));
            }
            Value::String(_) if !open.is_empty() => return Some(unanswered(place, &open)),
            Value::String(_) => continue,
            Value::Array(blocks) if !blocks.is_empty() => blocks,
            _ => return Some(format!("messages.{place}: all messages must have non-empty content")),
        };
        let asked = std::mem::take(&mut open);
        let mut answered = HashSet::new();
        let mut words = false;
        for block in blocks {
            match block["type"].as_str().unwrap_or_default() {
                "text" if block["text"].as_str().is_none_or(|text| text.trim().is_empty()) => {
                    return Some(format!("messages.{place}: text content blocks must contain non-whitespace text"));
                }
                "text" => words = true,
                "tool_result" if expected == "user" => {
                    let id = block["tool_use_id"].as_str().unwrap_or_default();
                    if !asked.iter().any(|call| call == id) {
                        return Some(format!(
                            "messages.{place}: unexpected `tool_use_id` in `tool_result` blocks: {id}"
                        ));
                    }
                    if words {
                        return Some(format!("messages.{place}: `tool_result` blocks must come first"));
                    }
                    if !answered.insert(id.to_owned()) {
                        return Some(format!("messages.{place}: each tool_use must have a single result: {id}"));
                    }
                }
                "tool_use" if expected == "assistant" => {
                    let id = block["id"].as_str().unwrap_or_default();
                    if id.is_empty() || !ids.insert(id.to_owned()) {
                        return Some(format!("messages.{place}: `tool_use` ids must be unique"));
                    }
                    if !block["input"].is_object() {
                        return Some(format!("messages.{place}: tool_use.input: Input should be a valid dictionary"));
                    }
                    if !has_tools {
                        return Some("Requests which include `tool_use` blocks must define tools".into());
                    }
                    open.push(id.to_owned());
                }
                "thinking" | "redacted_thinking" if expected == "assistant" => {}
                other => return Some(format!("messages.{place}: unexpected block {other:?}")),
            }
        }
        let missing: Vec<String> = asked.into_iter().filter(|id| !answered.contains(id)).collect();
        if !missing.is_empty() {
            return Some(unanswered(place, &missing));
        }
        if !last && blocks.last().is_some_and(|block| block["type"] == "thinking") {
            return Some(format!("messages.{place}: the final block in an assistant message cannot be `thinking`"));
        }
    }
    (!open.is_empty()).then(|| unanswered(messages.len(), &open))
}

fn unanswered(place: usize, ids: &[String]) -> String {
    format!(
        "messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {}",
        ids.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(messages: Value) -> Value {
        json!({ "model": "claude-x", "max_tokens": 10, "tools": [{ "name": "Read" }], "messages": messages })
    }

    #[test]
    fn what_the_provider_refuses_is_refused() {
        let call =
            json!({ "role": "assistant", "content": [{ "type": "tool_use", "id": "a", "name": "Read", "input": {} }] });
        let result = json!({ "type": "tool_result", "tool_use_id": "a", "content": "x" });
        let brief = json!({ "role": "user", "content": "Do it" });
        let text = json!({ "type": "text", "text": "go on" });
        let user = |blocks: &[&Value]| json!({ "role": "user", "content": blocks });
        assert_eq!(refused_by_messages(&body(json!([brief, call, user(&[&result, &text])]))), None);
        for (messages, why) in [
            (json!([]), "at least one"),
            (json!([call]), "alternate"),
            (json!([brief, brief]), "alternate"),
            (json!([brief, call]), "without `tool_result`"),
            (json!([brief, call, user(&[&text])]), "without `tool_result`"),
            (json!([brief, call, { "role": "user", "content": "words" }]), "without `tool_result`"),
            (json!([brief, call, user(&[&text, &result])]), "come first"),
            (json!([brief, call, user(&[&result, &result])]), "single result"),
            (json!([user(&[&result])]), "unexpected `tool_use_id`"),
            (json!([brief, call, user(&[&result]), call, user(&[&result])]), "unique"),
            (json!([user(&[&json!({ "type": "text", "text": " " })])]), "non-whitespace"),
            (json!([{ "role": "user", "content": [] }]), "non-empty"),
        ] {
            let refusal = refused_by_messages(&body(messages.clone())).unwrap_or_default();
            assert!(refusal.contains(why), "{messages}: {refusal}");
        }
        let mut without = body(json!([brief, call, user(&[&result])]));
        without["tools"] = json!([]);
        assert!(refused_by_messages(&without).unwrap().contains("define tools"));
    }
}
