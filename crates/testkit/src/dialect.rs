//! The ways to talk to a model provider, and each one's requests as the Messages API would have them.

use serde_json::{Value, json};

/// How a client talks to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's Chat Completions.
    Chat,
}

impl Dialect {
    /// The dialect that is spoken at a path.
    pub(crate) fn at(path: &str) -> Option<Dialect> {
        match path.split('?').next().unwrap_or_default() {
            "/v1/messages" => Some(Dialect::Messages),
            "/v1/responses" => Some(Dialect::Responses),
            "/v1/chat/completions" => Some(Dialect::Chat),
            _ => None,
        }
    }

    /// A request of this dialect as one of [`Dialect::Messages`].
    pub(crate) fn as_messages(self, body: &Value) -> Value {
        let mut talk = match self {
            Dialect::Messages => return without_asides(body.clone()),
            Dialect::Responses => of_responses(body),
            Dialect::Chat => of_chat(body),
        };
        talk["model"] = body["model"].clone();
        talk["tools"] = Value::Array(list(&body["tools"]).iter().flat_map(tools).collect());
        talk
    }
}

/// Claude Code puts messages of the system between those of the two sides.
fn without_asides(mut body: Value) -> Value {
    if let Some(messages) = body.get_mut("messages").and_then(Value::as_array_mut) {
        messages.retain(|message| message["role"] != "system");
    }
    body
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A tool of either of OpenAI's APIs: flat, inside a `function`, or several in a namespace.
fn tools(tool: &Value) -> Vec<Value> {
    if tool["type"] == "namespace" {
        let inside = list(&tool["tools"]).iter().flat_map(tools);
        return inside
            .map(|mut inner| {
                inner["namespace"] = tool["name"].clone();
                inner
            })
            .collect();
    }
    let function = if tool["function"].is_object() { &tool["function"] } else { tool };
    let name = function["name"].as_str().or(tool["type"].as_str()).unwrap_or_default();
    vec![json!({ "name": name, "type": tool["type"], "input_schema": function["parameters"] })]
}

/// A conversation as it grows: texts of the system apart, words of one side in a row are one message.
#[derive(Default)]
struct Talk {
    system: Vec<String>,
    messages: Vec<Value>,
}

impl Talk {
    fn add(&mut self, role: &str, block: Value) {
        match self.messages.last_mut().filter(|last| last["role"] == role) {
            Some(last) => {
                if let Some(content) = last["content"].as_array_mut() {
                    content.push(block);
                }
            }
            None => self.messages.push(json!({ "role": role, "content": [block] })),
        }
    }

    fn say(&mut self, role: &str, content: &Value) {
        let texts = match content {
            Value::String(text) => vec![text.clone()],
            parts => list(parts).iter().filter_map(|part| part["text"].as_str().map(str::to_owned)).collect(),
        };
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            match role {
                "user" | "assistant" => self.add(role, json!({ "type": "text", "text": text })),
                _ => self.system.push(text),
            }
        }
    }

    fn call(&mut self, id: &Value, name: &Value, arguments: &Value) {
        let text = arguments.as_str().unwrap_or_default();
        let input = serde_json::from_str(text).unwrap_or_else(|_| json!({ "input": text }));
        self.add("assistant", json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
    }

    fn result(&mut self, id: &Value, output: &Value) {
        self.add("user", json!({ "type": "tool_result", "tool_use_id": id, "content": output }));
    }

    fn done(self) -> Value {
        json!({ "system": self.system.join("\n"), "messages": self.messages })
    }
}

fn of_responses(body: &Value) -> Value {
    let mut talk = Talk::default();
    talk.say("system", &body["instructions"]);
    if body["input"].is_string() {
        talk.say("user", &body["input"]);
    }
    for item in list(&body["input"]) {
        match item["type"].as_str().unwrap_or("message") {
            "message" => talk.say(item["role"].as_str().unwrap_or_default(), &item["content"]),
            "function_call" => talk.call(&item["call_id"], &item["name"], &item["arguments"]),
            "custom_tool_call" => talk.call(&item["call_id"], &item["name"], &item["input"]),
            kind if kind.ends_with("_output") => talk.result(&item["call_id"], &item["output"]),
            _ => {}
        }
    }
    talk.done()
}

fn of_chat(body: &Value) -> Value {
    let mut talk = Talk::default();
    for message in list(&body["messages"]) {
        match message["role"].as_str().unwrap_or_default() {
            "tool" => talk.result(&message["tool_call_id"], &message["content"]),
            role => {
                talk.say(role, &message["content"]);
                for call in list(&message["tool_calls"]) {
                    talk.call(&call["id"], &call["function"]["name"], &call["function"]["arguments"]);
                }
            }
        }
    }
    talk.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_dialects_say_the_same() {
        let responses = json!({
            "model": "m", "instructions": "You are the CEO", "tools": [
                { "type": "function", "name": "shell", "parameters": {} },
                { "type": "namespace", "name": "mcp", "tools": [{ "type": "function", "name": "delegate" }] },
            ],
            "input": [
                { "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "Go" }] },
                { "type": "function_call", "call_id": "c1", "name": "shell", "arguments": "{\"cmd\":\"ls\"}" },
                { "type": "function_call_output", "call_id": "c1", "output": "a" },
            ],
        });
        let chat = json!({
            "model": "m", "tools": [{ "type": "function", "function": { "name": "shell", "parameters": {} } }],
            "messages": [
                { "role": "system", "content": "You are the CEO" },
                { "role": "user", "content": "Go" },
                { "role": "assistant", "content": null, "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "shell", "arguments": "{\"cmd\":\"ls\"}" } },
                ] },
                { "role": "tool", "tool_call_id": "c1", "content": "a" },
            ],
        });
        let (one, other) = (Dialect::Responses.as_messages(&responses), Dialect::Chat.as_messages(&chat));
        assert_eq!(one["messages"], other["messages"]);
        assert_eq!(one["system"], other["system"]);
        assert_eq!(one["messages"][1]["content"][0]["input"]["cmd"], "ls");
        assert_eq!(one["tools"][1]["namespace"], "mcp");
    }
}
