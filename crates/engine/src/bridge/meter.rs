//! What a call used, read off the answer as it passes by. Pure.

use contract::{Money, one_line};
use memchr::memchr;
use serde_json::Value;

use super::upstream::Endpoint;
use crate::model::Usage;

/// Bytes of a line of a stream, at most: OpenAI says the whole answer again in its last event. A longer one is not read.
const MAX_LINE: usize = 16 * 1024 * 1024;
/// Bytes of an answer that is no stream, at most.
const MAX_WHOLE: usize = 64 * 1024 * 1024;
/// Bytes a token stands for, about, where the provider did not live to say how many there were.
const BYTES_PER_TOKEN: i64 = 4;
/// Characters of the provider's words that are passed on.
const WORDS: usize = 500;

/// Reads one answer.
pub(super) struct Meter {
    endpoint: Endpoint,
    is_stream: bool,
    /// The line that has begun, or the whole answer so far.
    line: Vec<u8>,
    /// Whether the rest of the line is not read, since it is too long.
    skips: bool,
    model: String,
    usage: Option<Usage>,
    cost: Option<Money>,
    /// Bytes of what was said.
    said: i64,
    failure: Option<Failure>,
    is_whole: bool,
}

/// What a provider says in mid-answer of why it breaks off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Its name for it.
    pub kind: String,
    /// Its words, in a line.
    pub words: String,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Total {
    /// The model, as the answer says; empty where it does not.
    pub model: String,
    /// What was used; none where the answer did not begin.
    pub usage: Option<Usage>,
    /// What the provider says that costs.
    pub cost: Option<Money>,
    /// Why it broke off.
    pub failure: Option<Failure>,
    /// Whether it came to its own end.
    pub is_whole: bool,
}

impl Meter {
    /// For an answer of that call, a stream of events or not.
    pub fn new(endpoint: Endpoint, is_stream: bool) -> Meter {
        Meter {
            endpoint,
            is_stream,
            line: Vec::new(),
            skips: false,
            model: String::new(),
            usage: None,
            cost: None,
            said: 0,
            failure: None,
            is_whole: false,
        }
    }

    /// The next piece of the answer.
    pub fn piece(&mut self, mut bytes: &[u8]) {
        if !self.is_stream {
            let room = MAX_WHOLE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return;
        }
        while let Some(end) = memchr(b'\n', bytes) {
            self.keep(&bytes[..end]);
            if !std::mem::take(&mut self.skips) {
                let line = std::mem::take(&mut self.line);
                self.event(&line);
            }
            self.line.clear();
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > MAX_LINE {
            self.skips = true;
            self.line = Vec::new();
        }
        if !self.skips {
            self.line.extend_from_slice(bytes);
        }
    }

    /// The answer has ended, one way or another. `asked`: bytes of the request, to guess by where an answer began and
    /// the provider did not live to say what it used.
    pub fn end(mut self, asked: usize) -> Total {
        let line = std::mem::take(&mut self.line);
        if !self.is_stream {
            match serde_json::from_slice::<Value>(&line) {
                Ok(value) => {
                    self.model(&value);
                    self.count(&value["usage"]);
                    self.is_whole = true;
                }
                // An answer that comes whole was made whole, and is charged, however much of it arrives.
                Err(_) => self.said = i64::try_from(line.len()).unwrap_or(i64::MAX),
            }
        } else if !self.skips {
            self.event(&line);
        }
        if self.usage.is_none() && self.said > 0 {
            let asked = i64::try_from(asked).unwrap_or(i64::MAX);
            self.usage = Some(Usage {
                input: asked / BYTES_PER_TOKEN,
                output: (self.said / BYTES_PER_TOKEN).max(1),
                ..Usage::default()
            });
        }
        Total { model: self.model, usage: self.usage, cost: self.cost, failure: self.failure, is_whole: self.is_whole }
    }

    /// A line of the stream. What makes no sense is the program's business: it gets the bytes as they are.
    fn event(&mut self, line: &[u8]) {
        let Some(data) = line.strip_prefix(b"data:") else { return };
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.is_whole = true;
            return;
        }
        let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
        match self.endpoint {
            Endpoint::Responses => self.responses(&event),
            Endpoint::Chat => self.chat(&event),
            _ => self.messages(&event),
        }
    }

    fn messages(&mut self, event: &Value) {
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                self.model(&event["message"]);
                self.count(&event["message"]["usage"]);
            }
            "message_delta" => self.count(&event["usage"]),
            "message_stop" => self.is_whole = true,
            "error" => self.fail(&event["error"]),
            _ => {}
        }
    }

    fn responses(&mut self, event: &Value) {
        let kind = event["type"].as_str().unwrap_or_default();
        self.model(&event["response"]);
        match kind {
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                self.count(&event["response"]["usage"]);
                self.is_whole = true;
                if kind == "response.failed" {
                    self.fail(&event["response"]["error"]);
                }
            }
            "error" => self.fail(if event["error"].is_object() { &event["error"] } else { event }),
            _ => self.heard(&event["delta"]),
        }
    }

    fn chat(&mut self, event: &Value) {
        self.model(event);
        self.count(&event["usage"]);
        if event["error"].is_object() {
            self.fail(&event["error"]);
        }
        for choice in event["choices"].as_array().into_iter().flatten() {
            let delta = &choice["delta"];
            self.heard(&delta["content"]);
            self.heard(&delta["reasoning_content"]);
            self.heard(&delta["reasoning"]);
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                self.heard(&call["function"]["arguments"]);
            }
        }
    }

    fn heard(&mut self, text: &Value) {
        let bytes = text.as_str().map_or(0, str::len);
        self.said = self.said.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    fn model(&mut self, of: &Value) {
        if let Some(model) = of["model"].as_str().filter(|model| !model.is_empty()) {
            self.model = one_line(model, 200);
        }
    }

    fn fail(&mut self, error: &Value) {
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        let kind = if text("type").is_empty() || text("type") == "error" { text("code") } else { text("type") };
        self.failure = Some(Failure { kind: one_line(kind, 80), words: one_line(text("message"), WORDS) });
    }

    /// Later counts replace earlier ones; what a later one leaves out stays. OpenAI's input tokens hold the cached
    /// ones, ours do not.
    fn count(&mut self, usage: &Value) {
        if !usage.is_object() {
            return;
        }
        let known = self.usage.unwrap_or_default();
        let count = |value: &Value| value.as_i64().map(|count| count.max(0));
        let field = |name: &str, known: i64| count(&usage[name]).unwrap_or(known);
        let openai = |input: &str, details: &str, output: &str| {
            let cached = count(&usage[details]["cached_tokens"]).unwrap_or(known.cache_read);
            let input = count(&usage[input]).map_or(known.input, |all| all.saturating_sub(cached).max(0));
            Usage { input, output: field(output, known.output), cache_read: cached, cache_write: 0 }
        };
        self.usage = Some(match self.endpoint {
            Endpoint::Responses => openai("input_tokens", "input_tokens_details", "output_tokens"),
            Endpoint::Chat => openai("prompt_tokens", "prompt_tokens_details", "completion_tokens"),
            _ => Usage {
                input: field("input_tokens", known.input),
                output: field("output_tokens", known.output),
                cache_read: field("cache_read_input_tokens", known.cache_read),
                cache_write: field("cache_creation_input_tokens", known.cache_write),
            },
        });
        // OpenRouter says what a call cost.
        self.cost = usage["cost"].as_f64().and_then(Money::dollars).or(self.cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGES: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\",\
        \"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":42}}\n\n\
        data: {\"type\":\"message_stop\"}\n\n";

    fn read(endpoint: Endpoint, is_stream: bool, text: &str) -> Total {
        let mut meter = Meter::new(endpoint, is_stream);
        meter.piece(text.as_bytes());
        meter.end(400)
    }

    fn usage(input: i64, output: i64, cache_read: i64) -> Option<Usage> {
        Some(Usage { input, output, cache_read, cache_write: 0 })
    }

    #[test]
    fn each_api_says_what_was_used_in_its_own_way() {
        let total = read(Endpoint::Messages, true, MESSAGES);
        assert_eq!((total.usage, total.model.as_str(), total.is_whole), (usage(10, 42, 7), "claude-x", true));
        let text = "data: {\"type\":\"response.created\",\"response\":{\"model\":\"gpt-5\",\"usage\":null}}\r\n\r\n\
            data: {\"type\":\"response.completed\",\"response\":{\"model\":\"gpt-5\",\"usage\":{\"input_tokens\":100,\
            \"input_tokens_details\":{\"cached_tokens\":60},\"output_tokens\":20}}}\r\n\r\n";
        let total = read(Endpoint::Responses, true, text);
        assert_eq!((total.usage, total.model.as_str(), total.is_whole), (usage(40, 20, 60), "gpt-5", true));
        let text = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n\
            data: {\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"cost\":0.5}}\n\n\
            data: [DONE]\n\n";
        let total = read(Endpoint::Chat, true, text);
        assert_eq!((total.usage, total.cost, total.is_whole), (usage(9, 3, 0), Money::dollars(0.5), true));
    }

    #[test]
    fn an_answer_that_is_no_stream_is_counted_too() {
        let text = r#"{"model":"gpt-5","usage":{"prompt_tokens":9,"completion_tokens":3,
            "prompt_tokens_details":{"cached_tokens":4}}}"#;
        assert_eq!(read(Endpoint::Chat, false, text).usage, usage(5, 3, 4));
        assert_eq!(
            read(Endpoint::Messages, false, r#"{"usage":{"input_tokens":1,"output_tokens":2}}"#).usage,
            usage(1, 2, 0)
        );
        assert_eq!(read(Endpoint::Messages, false, "{\"cut off\": tru").usage, usage(100, 3, 0));
        assert_eq!(read(Endpoint::Messages, false, "").usage, None);
    }

    #[test]
    fn a_cut_answer_counts_as_far_as_it_came() {
        let cut = MESSAGES.find("event: message_delta").unwrap();
        let total = read(Endpoint::Messages, true, &MESSAGES[..cut]);
        assert_eq!((total.usage, total.is_whole), (usage(10, 1, 7), false));
        let text = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"twelve bytes\"}\n\n";
        assert_eq!(read(Endpoint::Responses, true, text).usage, usage(100, 3, 0), "guessed from what was said");
        assert_eq!(read(Endpoint::Responses, true, "data: {\"type\":\"response.created\"}\n\n").usage, None);
    }

    #[test]
    fn why_a_provider_broke_off_is_kept() {
        let text =
            "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
        let failure = read(Endpoint::Messages, true, text).failure.unwrap();
        assert_eq!((failure.kind.as_str(), failure.words.as_str()), ("overloaded_error", "Overloaded"));
        let text = "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\",\
            \"message\":\"Slow down\"}}}\n\n";
        assert_eq!(read(Endpoint::Responses, true, text).failure.unwrap().kind, "rate_limit_exceeded");
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut meter = Meter::new(Endpoint::Messages, true);
        let junk = vec![b'x'; 1024 * 1024];
        for _ in 0..40 {
            meter.piece(&junk);
            assert!(meter.line.len() <= MAX_LINE);
        }
        meter.piece(b"\n");
        meter.piece(MESSAGES.as_bytes());
        assert_eq!(meter.end(0).usage, usage(10, 42, 7));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_an_answer_is_cut_into_pieces(cuts in prop::collection::vec(0usize..400, 0..6)) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(MESSAGES.len())).collect();
            cuts.sort_unstable();
            let mut meter = Meter::new(Endpoint::Messages, true);
            let mut from = 0;
            for cut in cuts.into_iter().chain([MESSAGES.len()]) {
                meter.piece(&MESSAGES.as_bytes()[from..cut]);
                from = cut;
            }
            prop_assert_eq!(meter.end(0), read(Endpoint::Messages, true, MESSAGES));
        }

        #[test]
        fn hostile_streams_do_no_harm(text in "(data: |\\{|\\}|\"usage\":|\"type\":\"error\"|[0-9-]{1,20}|\n){0,60}") {
            for endpoint in [Endpoint::Messages, Endpoint::Responses, Endpoint::Chat] {
                read(endpoint, true, &text);
            }
        }
    }
}
