//! What the provider answers, and to whom.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::Request;

/// Tokens that an answer says it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens, cached ones left out.
    pub input: i64,
    /// Output tokens.
    pub output: i64,
    /// Input tokens read from the cache.
    pub cache_read: i64,
    /// Input tokens written to the cache.
    pub cache_write: i64,
}

impl Default for Usage {
    fn default() -> Usage {
        Usage { input: 100, output: 20, cache_read: 0, cache_write: 0 }
    }
}

/// Which conversations a list of turns is for.
#[derive(Clone, Debug)]
pub enum On {
    /// Those whose system prompt holds this text.
    System(String),
    /// Those whose first message, a brief or a task, holds this text.
    Task(String),
    /// Those in which the latest that was said, results of tools apart, holds this text.
    Said(String),
    /// Those with a model whose name holds this text.
    Model(String),
    /// Requests for an entry in the journal. Without turns of their own they get a sentence.
    Journal,
    /// All that are no requests for the journal.
    Any,
}

impl On {
    fn holds(&self, request: &Request) -> bool {
        if request.is_for_journal() {
            return matches!(self, On::Journal);
        }
        match self {
            On::Journal => false,
            On::System(text) => request.system().contains(text),
            On::Task(text) => request.first_user().contains(text),
            On::Said(text) => request.latest().contains(text),
            On::Model(text) => request.model().contains(text),
            On::Any => true,
        }
    }
}

/// A block of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    Text(String),
    Thinking(String),
    /// A tool call with its input as it goes over the wire, JSON or not.
    Tool {
        name: String,
        json: String,
        /// The group of tools that it is in, where the dialect has such.
        namespace: Option<String>,
        /// Whether its input is text and no JSON.
        free: bool,
    },
}

/// How an answer's stream ends.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    Whole,
    Cut(usize),
    Stall(usize),
    Fail(usize, String, String),
    Line(usize, usize),
}

type Maker = Arc<dyn Fn(&Request) -> Turn + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Reply {
    Blocks(Vec<Block>),
    Status { status: u16, kind: String, message: String, headers: Vec<(String, String)> },
    HangUp,
    Made(Maker),
}

/// One answer.
#[derive(Clone)]
pub struct Turn {
    pub(crate) reply: Reply,
    pub(crate) usage: Usage,
    pub(crate) model: Option<String>,
    pub(crate) stop_reason: Option<String>,
    pub(crate) before: Duration,
    pub(crate) between: Duration,
    pub(crate) fate: Fate,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("usage", &self.usage).field("fate", &self.fate).finish_non_exhaustive()
    }
}

impl Turn {
    fn with(reply: Reply) -> Turn {
        Turn {
            reply,
            usage: Usage::default(),
            model: None,
            stop_reason: None,
            before: Duration::ZERO,
            between: Duration::ZERO,
            fate: Fate::Whole,
        }
    }

    /// An answer in words.
    pub fn text(text: impl Into<String>) -> Turn {
        Turn::with(Reply::Blocks(vec![Block::Text(text.into())]))
    }

    /// An answer that is reasoned about first.
    pub fn thought(thinking: impl Into<String>, text: impl Into<String>) -> Turn {
        Turn::with(Reply::Blocks(vec![Block::Thinking(thinking.into()), Block::Text(text.into())]))
    }

    /// An answer that calls a tool.
    pub fn tool(name: &str, input: Value) -> Turn {
        Turn::with(Reply::Blocks(Vec::new())).and_tool(name, input)
    }

    /// An answer that calls a tool with an input that is no JSON.
    pub fn broken_tool(name: &str, json: &str) -> Turn {
        Turn::with(Reply::Blocks(Vec::new())).and_tool_in(None, name, json.into(), false)
    }

    /// A refusal with an HTTP status.
    pub fn error(status: u16, kind: &str, message: &str) -> Turn {
        Turn::with(Reply::Status { status, kind: kind.into(), message: message.into(), headers: Vec::new() })
    }

    /// No answer: the connection is closed before the headers.
    pub fn hang_up() -> Turn {
        Turn::with(Reply::HangUp)
    }

    /// An answer that depends on the request.
    pub fn made(make: impl Fn(&Request) -> Turn + Send + Sync + 'static) -> Turn {
        Turn::with(Reply::Made(Arc::new(make)))
    }

    fn and(mut self, block: Block) -> Turn {
        if let Reply::Blocks(blocks) = &mut self.reply {
            blocks.push(block);
        }
        self
    }

    /// The same answer, with reasoning after it.
    #[must_use]
    pub fn and_thinking(self, text: impl Into<String>) -> Turn {
        self.and(Block::Thinking(text.into()))
    }

    /// The same answer, with a tool call after it.
    #[must_use]
    pub fn and_tool(self, name: &str, input: Value) -> Turn {
        self.and_tool_in(None, name, input.to_string(), false)
    }

    pub(crate) fn and_tool_in(self, namespace: Option<&str>, name: &str, json: String, free: bool) -> Turn {
        self.and(Block::Tool { name: name.into(), json, namespace: namespace.map(str::to_owned), free })
    }

    /// What the answer says it used.
    #[must_use]
    pub fn usage(mut self, input: i64, output: i64, cache_read: i64, cache_write: i64) -> Turn {
        self.usage = Usage { input, output, cache_read, cache_write };
        self
    }

    /// The model that the answer says it is from, in place of the one asked for.
    #[must_use]
    pub fn model(mut self, model: &str) -> Turn {
        self.model = Some(model.into());
        self
    }

    /// Why the answer says it ended, in place of `end_turn` or `tool_use`.
    #[must_use]
    pub fn stop_reason(mut self, reason: &str) -> Turn {
        self.stop_reason = Some(reason.into());
        self
    }

    /// A header of a refusal.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Turn {
        if let Reply::Status { headers, .. } = &mut self.reply {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Waits before the headers.
    #[must_use]
    pub fn before(mut self, wait: Duration) -> Turn {
        self.before = wait;
        self
    }

    /// Waits before each event of the stream.
    #[must_use]
    pub fn between(mut self, wait: Duration) -> Turn {
        self.between = wait;
        self
    }

    /// Closes the connection in the middle of the event after the first `events`.
    #[must_use]
    pub fn cut_after(mut self, events: usize) -> Turn {
        self.fate = Fate::Cut(events);
        self
    }

    /// Says nothing more after that many events, and keeps the connection.
    #[must_use]
    pub fn stall_after(mut self, events: usize) -> Turn {
        self.fate = Fate::Stall(events);
        self
    }

    /// Sends one line of that many bytes after that many events, and nothing more.
    #[must_use]
    pub fn long_line_after(mut self, events: usize, bytes: usize) -> Turn {
        self.fate = Fate::Line(events, bytes);
        self
    }

    /// Sends an `error` event after that many events.
    #[must_use]
    pub fn fail_after(mut self, events: usize, kind: &str, message: &str) -> Turn {
        self.fate = Fate::Fail(events, kind.into(), message.into());
        self
    }
}

#[derive(Clone, Debug)]
struct Rule {
    on: On,
    turns: Vec<Turn>,
    /// Whether the last turn is played for ever.
    is_endless: bool,
}

/// Answers, by conversation. Each conversation (same model, system prompt and first message) that a rule is for
/// plays its turns from the start, one a request, so agents that work at the same time do not disturb each other.
#[derive(Clone, Debug, Default)]
pub struct Script {
    rules: Vec<Rule>,
    played: HashMap<(usize, String), usize>,
}

impl Script {
    /// A script that plays these turns in every conversation.
    pub fn of(turns: impl Into<Vec<Turn>>) -> Script {
        Script::default().when(On::Any, turns)
    }

    /// The same script, with turns for some conversations. Rules that came before win.
    #[must_use]
    pub fn when(mut self, on: On, turns: impl Into<Vec<Turn>>) -> Script {
        self.rules.push(Rule { on, turns: turns.into(), is_endless: false });
        self
    }

    /// The same script, with turns for some conversations of which the last is played again and again.
    #[must_use]
    pub fn always(mut self, on: On, turns: impl Into<Vec<Turn>>) -> Script {
        self.rules.push(Rule { on, turns: turns.into(), is_endless: true });
        self
    }

    /// The next turn for a request. When all are played, a new brief starts over; everybody else is told "Done."
    pub(crate) fn next(&mut self, request: &Request) -> Turn {
        let Some((index, rule)) = self.rules.iter().enumerate().find(|(_, rule)| rule.on.holds(request)) else {
            if request.is_for_journal() {
                // For nothing: tests of what briefs cost are not about this.
                return Turn::text("The brief was worked on.").usage(0, 0, 0, 0);
            }
            return Turn::text("Done.");
        };
        let played = self.played.entry((index, request.conversation())).or_default();
        if *played >= rule.turns.len() && !request.goes_on() && !rule.is_endless {
            *played = 0;
        }
        let last = rule.turns.last().filter(|_| rule.is_endless);
        let turn = rule.turns.get(*played).or(last).cloned().unwrap_or_else(|| Turn::text("Done."));
        *played += 1;
        match turn.reply {
            Reply::Made(make) => {
                let made = make(request);
                if turn.usage == Usage::default() { made } else { Turn { usage: turn.usage, ..made } }
            }
            _ => turn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(first: &str, results: usize) -> Request {
        let mut messages = vec![json!({ "role": "user", "content": first })];
        for number in 0..results {
            messages.push(json!({ "role": "assistant", "content": [{ "type": "tool_use", "id": number }] }));
            messages.push(json!({ "role": "user", "content": [{ "type": "tool_result", "content": "x" }] }));
        }
        let body = json!({ "model": "claude-opus-5-5", "system": "You are the CEO", "messages": messages });
        Request::new("POST".into(), "/v1/messages".into(), Vec::new(), body)
    }

    fn said(script: &mut Script, request: &Request) -> String {
        match script.next(request).reply {
            Reply::Blocks(blocks) => format!("{blocks:?}"),
            _ => "no blocks".into(),
        }
    }

    #[test]
    fn each_conversation_plays_its_own_turns_and_a_new_brief_starts_over() {
        let mut script = Script::default()
            .when(On::Task("left".into()), [Turn::text("left 1"), Turn::text("left 2")])
            .when(On::System("CEO".into()), [Turn::text("other 1")]);
        for (first, results, expected) in [
            ("go left", 0, "left 1"),
            ("go right", 0, "other 1"),
            ("also left", 0, "left 1"),
            ("go left", 1, "left 2"),
            ("go right", 1, "Done."),
            ("go left", 0, "left 1"),
        ] {
            let text = said(&mut script, &request(first, results));
            assert!(text.contains(expected), "{first} {results}: {text}");
        }
    }
}
