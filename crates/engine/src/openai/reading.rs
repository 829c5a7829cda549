//! An answer, put together from its chunks.

use serde_json::Value;

use super::calls::Calls;
use super::failure;
use crate::model::{Answer, Block, Heard, ModelError, Request, StopReason, Usage};
use crate::provider::cut;

/// Bytes of what an answer says, at most.
const MAX_SAID: usize = 8 * 1024 * 1024;
/// Bytes a token stands for, about, where nobody counts them.
const BYTES_PER_TOKEN: usize = 4;

/// What has been read so far.
pub(crate) struct Reading<'a> {
    request: &'a Request<'a>,
    /// Input tokens, where the server does not count them.
    guess: i64,
    model: String,
    text: String,
    thinking: String,
    calls: Calls,
    finish: Option<String>,
    refused: bool,
    counted: bool,
    begun: bool,
    said: usize,
}

impl<'a> Reading<'a> {
    /// Begins. `guess`: how many input tokens the request has, about.
    pub fn new(request: &'a Request<'a>, guess: i64) -> Reading<'a> {
        Reading {
            request,
            guess,
            model: String::new(),
            text: String::new(),
            thinking: String::new(),
            calls: Calls::default(),
            finish: None,
            refused: false,
            counted: false,
            begun: false,
            said: 0,
        }
    }

    /// Whether the answer has begun.
    pub fn begun(&self) -> bool {
        self.begun
    }

    /// Whether all was said; what may still come is what it used.
    pub fn is_whole(&self) -> bool {
        self.finish.is_some()
    }

    /// Takes a chunk, or an answer that came in one piece.
    pub fn take(&mut self, chunk: &Value, heard: &Heard<'_>) -> Result<(), ModelError> {
        if !chunk["error"].is_null() || chunk["object"] == "error" {
            return Err(failure::in_stream(chunk));
        }
        if let Some(model) = chunk["model"].as_str().filter(|model| !model.is_empty()) {
            model.clone_into(&mut self.model);
        }
        // One choice is asked for; whatever else comes is nobody's.
        let choices = chunk["choices"].as_array().into_iter().flatten();
        for choice in choices.filter(|choice| choice["index"].as_u64().unwrap_or_default() == 0).take(1) {
            self.choice(choice, heard)?;
        }
        self.count(&chunk["usage"], heard);
        Ok(())
    }

    fn choice(&mut self, choice: &Value, heard: &Heard<'_>) -> Result<(), ModelError> {
        let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
        let mut grew = 0;
        let text = words(&delta["content"]);
        if !text.is_empty() {
            self.text.push_str(&text);
            heard.text(&text);
            grew += text.len();
        }
        let thought = [&delta["reasoning_content"], &delta["reasoning"]].into_iter().map(words);
        if let Some(thought) = thought.into_iter().find(|thought| !thought.is_empty()) {
            self.thinking.push_str(&thought);
            grew += thought.len();
        }
        if let Some(refusal) = delta["refusal"].as_str().filter(|refusal| !refusal.is_empty()) {
            self.text.push_str(refusal);
            self.refused = true;
            grew += refusal.len();
        }
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            grew += self.calls.take(piece, self.request.tools);
        }
        // What calls were before there could be several.
        if delta["function_call"].is_object() {
            grew += self.calls.take(&delta["function_call"], self.request.tools);
        }
        if let Some(reason) = choice["finish_reason"].as_str().filter(|reason| !reason.is_empty()) {
            self.finish = Some(reason.to_owned());
        }
        self.begun = true;
        self.said += grew;
        if grew > 0 {
            heard.work();
        }
        self.guess_usage(heard);
        if self.said > MAX_SAID { Err(cut("it is too long")) } else { Ok(()) }
    }

    /// Later counts replace earlier ones: some servers count in each chunk.
    fn count(&mut self, usage: &Value, heard: &Heard<'_>) {
        let field = |value: &Value| value.as_i64().map(|count| count.max(0));
        let Some(input) = field(&usage["prompt_tokens"]).or(field(&usage["input_tokens"])) else { return };
        let output = field(&usage["completion_tokens"]).or(field(&usage["output_tokens"])).unwrap_or_default();
        let cached = field(&usage["prompt_tokens_details"]["cached_tokens"])
            .or(field(&usage["prompt_cache_hit_tokens"]))
            .unwrap_or_default()
            .min(input);
        self.counted = true;
        heard.usage(&self.model, Usage { input: input - cached, output, cache_read: cached, cache_write: 0 });
    }

    /// A server that does not count is guessed at: what it did is not nothing.
    fn guess_usage(&self, heard: &Heard<'_>) {
        if !self.counted {
            let output = i64::try_from(self.said.div_ceil(BYTES_PER_TOKEN)).unwrap_or(i64::MAX);
            heard.usage(&self.model, Usage { input: self.guess, output, cache_read: 0, cache_write: 0 });
        }
    }

    /// The answer.
    pub fn answer(self) -> Answer {
        let mut blocks = Vec::new();
        let (thought, text) = thought_and_said(self.text);
        let thinking = if self.thinking.trim().is_empty() { thought } else { self.thinking };
        if !thinking.trim().is_empty() {
            blocks.push(Block::Thinking { text: thinking, signature: String::new() });
        }
        if !text.trim().is_empty() {
            blocks.push(Block::Text(text));
        }
        let calls = self.calls.blocks();
        let called = !calls.is_empty();
        blocks.extend(calls);
        let stop = match self.finish.as_deref() {
            Some("length") => StopReason::TooLong,
            Some("content_filter") => StopReason::Refused,
            _ if self.refused && !called => StopReason::Refused,
            // Some say "stop" beside calls, and "tool_calls" without any.
            _ if called => StopReason::Tools,
            _ => StopReason::Done,
        };
        Answer { blocks, stop }
    }

    /// Whether anything was said that makes an answer, should the stream end here.
    pub fn has_words(&self) -> bool {
        !self.text.trim().is_empty() || !self.calls.is_empty()
    }
}

/// A text, or the texts of a list of parts.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// Servers that do not know a model's way of thinking leave it in the text.
fn thought_and_said(text: String) -> (String, String) {
    let inside = text.trim_start().strip_prefix("<think>").and_then(|rest| rest.split_once("</think>"));
    match inside {
        Some((thought, said)) => (thought.trim().to_owned(), said.trim_start().to_owned()),
        None => (String::new(), text),
    }
}
