//! A request as the provider got it.

use serde_json::Value;

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
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The model asked for.
    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }

    /// The system prompt.
    pub fn system(&self) -> String {
        text_of(&self.body["system"])
    }

    /// The first message: a brief or a task.
    pub fn first_user(&self) -> String {
        self.messages().first().map(|message| text_of(&message["content"])).unwrap_or_default()
    }

    /// The last message as text, results of tools included.
    pub fn last_user(&self) -> String {
        self.messages().last().map(|message| text_of(&message["content"])).unwrap_or_default()
    }

    /// The conversation.
    pub fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Names of the tools offered.
    pub fn tools(&self) -> Vec<String> {
        let tools = self.body["tools"].as_array().map_or(&[][..], Vec::as_slice);
        tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    /// Results of tools in the last message: whether each is an error, and its text.
    pub fn results(&self) -> Vec<(bool, String)> {
        let blocks = self.messages().last().and_then(|message| message["content"].as_array());
        let results = blocks.into_iter().flatten().filter(|block| block["type"] == "tool_result");
        results.map(|block| (block["is_error"] == true, text_of(&block["content"]))).collect()
    }

    /// The roles that the delegate tool offers.
    pub fn roles(&self) -> Vec<String> {
        let tools = self.body["tools"].as_array().map_or(&[][..], Vec::as_slice);
        let delegate = tools.iter().find(|tool| tool["name"] == "delegate");
        let roles = delegate.and_then(|tool| tool["input_schema"]["properties"]["to"]["enum"].as_array());
        roles.into_iter().flatten().filter_map(|role| role.as_str().map(str::to_owned)).collect()
    }

    /// Whether it asks for an entry in the company's journal, and is no agent's work.
    pub fn is_for_journal(&self) -> bool {
        self.system().starts_with("You keep the company's journal.")
    }

    /// What tells this conversation from others: who is asked, and what was said first.
    pub(crate) fn conversation(&self) -> String {
        // What is added to the first message later, such as a summary of old steps, makes no other conversation of it.
        let first = self.messages().first().map(|message| match &message["content"] {
            Value::Array(blocks) => blocks.first().map(text_of).unwrap_or_default(),
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

/// The text in a string, a block, or a list of blocks.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Object(block) => block.get("text").or(block.get("content")).map(text_of).unwrap_or_default(),
        _ => String::new(),
    }
}
