//! A request as JSON.

use serde_json::{Value, json};

use crate::model::{Block, Message, Request, Speaker};

/// The body of a request. System prompt, tools and the conversation up to now are marked for the provider's cache.
pub(crate) fn body(request: &Request<'_>) -> String {
    let mut tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| json!({ "name": tool.name, "description": tool.description, "input_schema": tool.schema }))
        .collect();
    if let Some(last) = tools.last_mut() {
        mark(last);
    }
    let mut messages: Vec<Value> = request.messages.iter().map(message).collect();
    let last_user = messages.iter_mut().rev().find(|message| message["role"] == "user");
    if let Some(block) = last_user.and_then(|message| message["content"].as_array_mut()).and_then(|all| all.last_mut())
    {
        mark(block);
    }
    let mut body = json!({
        "model": request.model,
        "max_tokens": request.max_tokens,
        "stream": true,
        "messages": messages,
    });
    if !request.system.trim().is_empty() {
        let mut system = json!({ "type": "text", "text": request.system });
        mark(&mut system);
        body["system"] = json!([system]);
    }
    if !tools.is_empty() {
        body["tools"] = Value::Array(tools);
    }
    body.to_string()
}

fn mark(block: &mut Value) {
    block["cache_control"] = json!({ "type": "ephemeral" });
}

fn message(message: &Message) -> Value {
    let role = match message.speaker {
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    };
    json!({ "role": role, "content": message.blocks.iter().map(block).collect::<Vec<_>>() })
}

fn block(block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({ "type": "text", "text": text }),
        Block::Thinking { text, signature } => json!({ "type": "thinking", "thinking": text, "signature": signature }),
        Block::Opaque(value) => value.clone(),
        Block::Call { id, name, input } => {
            // The provider takes objects only, also for a call whose input was none.
            let input = input.as_ref().ok().filter(|input| input.is_object()).cloned().unwrap_or_else(|| json!({}));
            json!({ "type": "tool_use", "id": id, "name": name, "input": input })
        }
        Block::Outcome { id, ok, text } => {
            let text = if text.trim().is_empty() { "[nothing]" } else { text };
            json!({ "type": "tool_result", "tool_use_id": id, "content": text, "is_error": !ok })
        }
    }
}
