//! A request as JSON, and what a server is known to take of it.

use serde_json::{Value, json};

use super::failure::Said;
use crate::model::{Block, Message, Request, Speaker};

/// What to leave out of requests, or call by another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Habits {
    /// How the number of output tokens is called; none where it is not taken.
    limit: Option<&'static str>,
    /// The most output tokens that it takes.
    most: Option<u32>,
    /// Whether it takes `stream_options`.
    usage: bool,
    /// Whether it streams.
    streams: bool,
}

const OLD_LIMIT: &str = "max_tokens";
const NEW_LIMIT: &str = "max_completion_tokens";

impl Habits {
    /// What is to be expected of a server.
    pub fn of(host: &str) -> Habits {
        // The old name is what everybody took over; OpenAI's own newer models refuse it.
        let limit = if host == "api.openai.com" { NEW_LIMIT } else { OLD_LIMIT };
        Habits { limit: Some(limit), most: None, usage: true, streams: true }
    }

    /// Learns from a refusal. False where there is nothing to be learned from it.
    pub fn learn(&mut self, status: u16, said: &Said, asked: u32) -> bool {
        if !matches!(status, 400 | 404 | 415 | 422 | 500 | 501) {
            return false;
        }
        let before = self.clone();
        let names = |word: &str| said.param == word || said.words.contains(word);
        if names("stream_options") || names("include_usage") {
            self.usage = false;
        } else if names(NEW_LIMIT) && self.limit == Some(OLD_LIMIT) {
            self.limit = Some(NEW_LIMIT);
        } else if names(NEW_LIMIT) || names(OLD_LIMIT) || said.words.contains("completion tokens") {
            self.limits(said, asked);
        } else if said.words.contains("stream") && !said.words.contains("upstream") {
            self.streams = false;
            self.usage = false;
        }
        *self != before
    }

    /// A number that is too large is cut to the one that the server names; a name that it does not know is left off.
    fn limits(&mut self, said: &Said, asked: u32) {
        let asked = self.most.unwrap_or(asked);
        let named = said.numbers().filter(|number| (1..asked).contains(number)).max();
        let too_large = ["too large", "at most", "less than", "exceed", "maximum", "must be"];
        match named.filter(|_| too_large.iter().any(|words| said.words.contains(words))) {
            Some(most) => self.most = Some(most),
            None if self.limit == Some(NEW_LIMIT) => self.limit = Some(OLD_LIMIT),
            None => self.limit = None,
        }
    }
}

/// The body of a request.
pub(crate) fn body(request: &Request<'_>, habits: &Habits) -> String {
    let mut messages = Vec::with_capacity(request.messages.len() + 1);
    if !request.system.trim().is_empty() {
        messages.push(json!({ "role": "system", "content": request.system }));
    }
    request.messages.iter().for_each(|message| add(message, &mut messages));
    let mut body = json!({ "model": request.model, "messages": messages, "stream": habits.streams });
    if habits.streams && habits.usage {
        body["stream_options"] = json!({ "include_usage": true });
    }
    if let Some(name) = habits.limit {
        body[name] = json!(request.max_tokens.min(habits.most.unwrap_or(u32::MAX)));
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function",
                "function": { "name": tool.name, "description": tool.description, "parameters": tool.schema },
            })
        });
        body["tools"] = tools.collect();
    }
    body.to_string()
}

/// Adds a message: what tools said comes before anything else, as a message each.
fn add(message: &Message, out: &mut Vec<Value>) {
    let texts = message.blocks.iter().filter_map(|block| match block {
        Block::Text(text) if !text.trim().is_empty() => Some(text.as_str()),
        _ => None,
    });
    let words = texts.collect::<Vec<_>>().join("\n\n");
    match message.speaker {
        Speaker::User => {
            for block in &message.blocks {
                if let Block::Outcome { id, ok, text } = block {
                    let text = if text.trim().is_empty() { "[nothing]" } else { text };
                    // There is no field for it.
                    let text = if *ok { text.to_owned() } else { format!("[failed] {text}") };
                    out.push(json!({ "role": "tool", "tool_call_id": id, "content": text }));
                }
            }
            if !words.is_empty() {
                out.push(json!({ "role": "user", "content": words }));
            }
        }
        Speaker::Assistant => {
            let calls: Vec<Value> = message.blocks.iter().filter_map(call).collect();
            let mut said = json!({ "role": "assistant", "content": words });
            if !calls.is_empty() {
                if words.is_empty() {
                    said["content"] = Value::Null;
                }
                said["tool_calls"] = Value::Array(calls);
            } else if words.is_empty() {
                // Nobody takes a message of nothing.
                said["content"] = json!("[nothing]");
            }
            out.push(said);
        }
    }
}

fn call(block: &Block) -> Option<Value> {
    let Block::Call { id, name, input } = block else { return None };
    // Servers parse it, also of a call whose input was no JSON.
    let input = input.as_ref().ok().filter(|input| input.is_object()).map_or_else(|| "{}".into(), Value::to_string);
    Some(json!({ "id": id, "type": "function", "function": { "name": name, "arguments": input } }))
}
