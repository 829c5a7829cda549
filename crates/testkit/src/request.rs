//! A request as the provider got it.

use serde_json::Value;

use crate::Dialect;

/// A request, recorded.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path, query included.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; null where it is not JSON.
    pub body: Value,
    /// The body as the Messages API would have it, whatever the client speaks.
    pub(crate) talk: Value,
}

impl Request {
    pub(crate) fn new(method: String, path: String, headers: Vec<(String, String)>, body: Value) -> Request {
        let talk = Dialect::at(&path).unwrap_or(Dialect::Messages).as_messages(&body);
        Request { method, path, headers, body, talk }
    }

    /// The dialect it is in; none for what asks no model.
    pub fn dialect(&self) -> Option<Dialect> {
        Dialect::at(&self.path).filter(|_| self.method == "POST")
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The key that it came with.
    pub fn key(&self) -> Option<&str> {
        let bearer = || self.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        self.header("x-api-key").or_else(bearer)
    }

    /// The model asked for.
    pub fn model(&self) -> &str {
        self.talk["model"].as_str().unwrap_or_default()
    }

    /// The system prompt.
    pub fn system(&self) -> String {
        match &self.talk["system"] {
            // The first block of Claude Code's is a stamp that differs from request to request.
            Value::Array(blocks) => {
                let texts = blocks.iter().map(text_of).filter(|text| !text.starts_with("x-anthropic-billing-header"));
                texts.collect::<Vec<_>>().join("\n")
            }
            system => text_of(system),
        }
    }

    /// The first message: a brief or a task.
    pub fn first_user(&self) -> String {
        self.messages().first().map(|message| text_of(&message["content"])).unwrap_or_default()
    }

    /// The last message as text, results of tools included.
    pub fn last_user(&self) -> String {
        self.messages().last().map(|message| text_of(&message["content"])).unwrap_or_default()
    }

    /// The latest that was said to the model and is no result of a tool: a brief, or what was said after it.
    pub fn latest(&self) -> String {
        let said = self.messages().iter().rev().filter(|message| message["role"] == "user").map(words);
        said.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default()
    }

    /// The conversation, as the Messages API has it.
    pub fn messages(&self) -> &[Value] {
        self.talk["messages"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Names of the tools offered.
    pub fn tools(&self) -> Vec<String> {
        self.offered().iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    pub(crate) fn offered(&self) -> &[Value] {
        self.talk["tools"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Results of tools in the last message: whether each is an error, and its text.
    pub fn results(&self) -> Vec<(bool, String)> {
        let blocks = self.messages().last().and_then(|message| message["content"].as_array());
        let results = blocks.into_iter().flatten().filter(|block| block["type"] == "tool_result");
        results.map(|block| (block["is_error"] == true, text_of(&block["content"]))).collect()
    }

    /// The roles that the delegate tool offers.
    pub fn roles(&self) -> Vec<String> {
        let delegate = self.offered().iter().find(|tool| tool["name"] == "delegate");
        let roles = delegate.and_then(|tool| tool["input_schema"]["properties"]["to"]["enum"].as_array());
        roles.into_iter().flatten().filter_map(|role| role.as_str().map(str::to_owned)).collect()
    }

    /// Whether it asks for an entry in the company's journal, and is no agent's work.
    pub fn is_for_journal(&self) -> bool {
        self.system().starts_with("You keep the company's journal.")
    }

    /// Whether it is one of the calls that agents' programs make beside the work: a title for a list, a count of
    /// tokens, a list of models, a look whether anybody is there.
    pub fn is_aside(&self) -> bool {
        self.dialect().is_none() || (self.offered().is_empty() && !self.is_ours() && !self.is_for_journal())
    }

    /// Whether it comes from our own engine, and not from somebody else's program.
    pub(crate) fn is_ours(&self) -> bool {
        // Codex calls itself as its client does.
        self.dialect() != Some(Dialect::Responses)
            && self.header("user-agent").is_none_or(|agent| agent.starts_with("aicib/"))
    }

    /// What tells this conversation from others: who is asked, and what was said first.
    pub(crate) fn conversation(&self) -> String {
        // What is added to the first message later, such as a summary of old steps, makes no other conversation of it.
        let first = self.messages().first().map(|message| match &message["content"] {
            Value::Array(blocks) if self.is_ours() => blocks.first().map(text_of).unwrap_or_default(),
            content => text_of(content),
        });
        format!("{}\n{}\n{}", self.model(), self.system(), first.unwrap_or_default())
    }

    /// Whether the last message holds results of tools.
    pub(crate) fn goes_on(&self) -> bool {
        self.messages().last().is_some_and(is_results)
    }
}

fn is_results(message: &Value) -> bool {
    message["content"].as_array().is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_result"))
}

/// What a message says, results of tools and reminders of the program left out.
fn words(message: &Value) -> String {
    let blocks = match &message["content"] {
        Value::Array(blocks) => blocks.as_slice(),
        content => std::slice::from_ref(content),
    };
    let texts = blocks.iter().filter(|block| block["type"] != "tool_result").map(text_of);
    texts.filter(|text| !text.trim_start().starts_with("<system-reminder>")).collect::<Vec<_>>().join("\n")
}

/// The text in a string, a block, or a list of blocks.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Object(block) => block.get("text").or(block.get("content")).map(text_of).unwrap_or_default(),
        _ => String::new(),
    }
}
