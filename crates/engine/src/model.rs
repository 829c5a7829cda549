//! One call to a model: what goes in, what comes out, how it fails.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contract::{Error, ErrorCode, EventBody, WaitReason};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::voice::Voice;

/// Something that answers. One call is one attempt: trying again is the caller's business.
#[async_trait]
pub(crate) trait Model: Send + Sync {
    /// Whether calls cost money and need leases.
    fn charges(&self) -> bool;

    /// The id of the model that a company calls `name`, and what its tokens cost.
    fn resolve(&self, name: &str) -> crate::prices::Resolved;

    /// Whether its models are Claude's, so that the agents' own names for models mean something to it.
    fn is_claude(&self) -> bool {
        true
    }

    /// Whether it only plays at being a model: it runs no commands, and its conversations need no care.
    fn rehearses(&self) -> bool {
        false
    }

    /// Whether the founder is to be asked about this call of a tool, whatever the agent may do: a rehearsal of asking.
    fn wants_leave(&self, _call: &str) -> bool {
        false
    }

    /// How many calls all agents together will make, where that is known beforehand.
    fn script(&self) -> Option<i64> {
        None
    }

    /// What it writes into the journal of itself, without being asked: a rehearsal does.
    fn own_entry(&self, _answer: &str) -> Option<String> {
        None
    }

    /// How many input tokens a request has, at most, about.
    fn input_tokens(&self, request: &Request<'_>) -> i64;

    /// Answers a request, telling `heard` as it goes. Dropping the future abandons the call.
    async fn complete(&self, request: &Request<'_>, heard: &Heard<'_>) -> Result<Answer, ModelError>;
}

/// What is asked of a model.
pub(crate) struct Request<'a> {
    /// The agent that asks.
    pub role: &'a str,
    /// The model's id.
    pub model: &'a str,
    /// The system prompt.
    pub system: &'a str,
    /// The tools that it may call.
    pub tools: &'a [ToolSpec],
    /// The conversation so far; the last message is not the model's.
    pub messages: &'a [Message],
    /// Calls of this conversation that were answered, since the brief or task.
    pub turn: u32,
    /// Output tokens, at most.
    pub max_tokens: u32,
}

/// A tool as a model sees it.
#[derive(Clone, Debug)]
pub(crate) struct ToolSpec {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: String,
    /// JSON Schema of its input.
    pub schema: Value,
}

/// Who said a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Speaker {
    /// We, for the founder, another agent, or a tool.
    User,
    /// The model.
    Assistant,
}

/// A part of a conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said; never empty.
    pub blocks: Vec<Block>,
}

impl Message {
    /// Words to a model.
    pub fn user(text: impl Into<String>) -> Message {
        Message { speaker: Speaker::User, blocks: vec![Block::Text(text.into())] }
    }

    /// Words of a model.
    pub fn assistant(text: impl Into<String>) -> Message {
        Message { speaker: Speaker::Assistant, blocks: vec![Block::Text(text.into())] }
    }
}

/// A part of a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Block {
    /// Words.
    Text(String),
    /// Reasoning, with the provider's signature: it goes back as it came.
    Thinking { text: String, signature: String },
    /// Something that goes back as it came.
    Opaque(Value),
    /// A tool call. The input is the text itself where it was no JSON.
    Call { id: String, name: String, input: Result<Value, String> },
    /// What came of a tool call.
    Outcome { id: String, ok: bool, text: String },
}

/// Tokens that a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens, cached ones left out.
    pub input: i64,
    /// Output tokens.
    pub output: i64,
    /// Input tokens read from the provider's cache.
    pub cache_read: i64,
    /// Input tokens written to it.
    pub cache_write: i64,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// It is done.
    Done,
    /// It waits for its tools.
    Tools,
    /// It reached the output tokens allowed.
    TooLong,
    /// The provider paused it; sending it back goes on.
    Paused,
    /// The model will not.
    Refused,
    /// The conversation is longer than the model can hold.
    Full,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// What was said; may be empty.
    pub blocks: Vec<Block>,
    /// Why it ended.
    pub stop: StopReason,
}

impl Answer {
    /// Its words.
    pub fn text(&self) -> String {
        let texts = self.blocks.iter().filter_map(|block| match block {
            Block::Text(text) if !text.trim().is_empty() => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n\n")
    }
}

/// Why a call did not work.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ModelError {
    /// Trying again will not help.
    #[error("{0}")]
    Final(Box<Error>),
    /// Trying again may help.
    #[error("{error}")]
    Passing {
        /// What to say when it does not.
        error: Box<Error>,
        /// When the provider wants to be asked again.
        after: Option<Duration>,
    },
}

impl ModelError {
    /// An error that ends the conversation.
    pub fn end(code: ErrorCode, message: impl Into<String>, fix: impl Into<String>) -> ModelError {
        ModelError::Final(Box::new(Error::new(code, message, fix)))
    }

    /// An error that may pass.
    pub fn passing(code: ErrorCode, message: impl Into<String>, fix: impl Into<String>) -> ModelError {
        ModelError::Passing { error: Box::new(Error::new(code, message, fix)), after: None }
    }
}

/// What is heard of a call while it runs, and what is known of it when it breaks off.
pub(crate) struct Heard<'a> {
    voice: &'a Voice<'a>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    usage: Option<(String, Usage)>,
    waiting: Option<WaitReason>,
    fault: Option<Error>,
}

impl<'a> Heard<'a> {
    /// Hears for an agent. `waiting`: what the agent was said to wait for, if anything.
    pub fn new(voice: &'a Voice<'a>, waiting: Option<WaitReason>) -> Heard<'a> {
        Heard { voice, state: Mutex::new(State { waiting, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sign that the model is at work, which is no piece of the text: it thinks, or writes a tool's input.
    pub fn work(&self) {
        self.voice.alive();
    }

    /// A piece of the answer's text.
    pub fn text(&self, text: &str) {
        self.alive();
        if !text.is_empty() {
            self.voice.delta(text);
        }
    }

    /// The answer has begun: whatever was waited for is over.
    pub fn alive(&self) {
        let mut state = self.state();
        let Some(reason) = state.waiting.take() else { return };
        let body = EventBody::Waiting { reason, detail: "The provider answers again.".into(), until: None, over: true };
        if let Err(error) = self.voice.emit(body) {
            state.fault.get_or_insert(error);
        }
    }

    /// What the call has used so far, and the model that says so.
    pub fn usage(&self, model: &str, usage: Usage) {
        self.alive();
        self.state().usage = Some((model.to_owned(), usage));
    }

    /// What is known: the usage, what the agent still waits for, and whether an event could not be recorded.
    pub fn known(self) -> (Option<(String, Usage)>, Option<WaitReason>, Option<Error>) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        (state.usage, state.waiting, state.fault)
    }
}
