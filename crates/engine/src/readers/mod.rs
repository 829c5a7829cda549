//! What programs of others say, line by line, as what happened.
//!
//! A reader is pure: it gets the lines that a program wrote, and at the end how it ended, and says what that means.
//! It starts nothing and asks nobody, so that recordings of real programs can be played through it.
//! Lines are hostile: ids, lengths, order and totals are believed as far as they make sense, and whatever makes none
//! is kept as [`Happened::Garbage`] and does no harm.

mod acp;
mod claude;
mod claude_money;
mod codex;
mod codex_items;
mod codex_server;
mod ending;
mod gemini;
mod json;
mod opencode;

use contract::{Error, Money, NoticeLevel, Outcome, WaitReason};
use serde_json::Value;

pub(crate) use acp::Acp;
pub(crate) use claude::Claude;
pub(crate) use codex::CodexExec;
pub(crate) use codex_server::CodexServer;
pub(crate) use ending::RESETS_AT;
pub(crate) use gemini::Gemini;
pub(crate) use opencode::Opencode;

use crate::model::Usage;

/// Reads what one process of a program says.
pub(crate) trait Reader: Send {
    /// A line of its stdout, without the line's end.
    fn line(&mut self, line: &str) -> Vec<Happened>;

    /// It has ended: with this exit code, or by this signal, and these last words on stderr. What is said sums up the
    /// whole process: how its last turn ended, or how it died in mid-turn; all turns; all costs that were reported,
    /// those included that no [`Happened::Used`] has said yet.
    fn end(&mut self, exit: Option<i32>, signal: Option<i32>, stderr_tail: &str) -> End;
}

/// Something that happened in a program.
///
/// `parent` is the call by which the agent concerned was handed its task ([`Happened::HandedOut`]'s `span`); none for
/// the agent that the conversation is with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    /// A conversation began or was taken up. It may be said again and again: before each turn.
    Conversation {
        /// The program's own name for it, by which it is taken up later.
        id: String,
        /// The program's version; empty where it does not say.
        version: String,
        /// The model; empty where it does not say.
        model: String,
    },
    /// Words, whole. Deltas of the same words came before, where the program tells them.
    Said { text: String, parent: Option<String> },
    /// Reasoning, whole.
    Thought { text: String, parent: Option<String> },
    /// A piece of words to come; the whole follows as [`Happened::Said`].
    Delta { text: String, parent: Option<String> },
    /// A tool call began, or more is known of one that did: the same id may come again with a fuller input.
    ToolStarted { id: String, tool: String, input: Value, parent: Option<String> },
    /// A tool call ended. `output` is cut.
    ToolFinished { id: String, ok: bool, output: String, parent: Option<String> },
    /// An agent handed work to another, by the call `span`, which is no tool call of its own here.
    HandedOut { span: String, to: String, task: String, parent: Option<String> },
    /// That work came back.
    CameBack { span: String, ok: bool, summary: String },
    /// What was used since the last time: a difference, never a running total. Without a cost, the price is to be
    /// found in the table.
    Used { model: String, usage: Usage, cost: Option<Money>, parent: Option<String> },
    /// What calls of the turn under way have used since the last time, for limits in mid-turn. The turn's
    /// [`Happened::Used`] covers it, so it is never added to that; it is what is left to book where the program ends
    /// without one.
    Estimated { model: String, usage: Usage, parent: Option<String> },
    /// The program tries a call of its own again.
    Retry { reason: WaitReason, detail: String, until_ms: Option<i64> },
    /// The call that was tried again got through.
    RetryOver,
    /// The program wants leave for a tool call, and waits for the answer. `id` is what the answer names: for JSON-RPC
    /// the id as JSON text (`7`, `"a"`).
    Asks { id: String, tool: String, input: Value, parent: Option<String> },
    /// It waits for that answer no more; some say so of one that they got, too.
    Withdrawn { id: String },
    /// Something worth knowing.
    Noted { level: NoticeLevel, text: String },
    /// The turn that a message of ours began is over. Turns and cost are this turn's alone. The process may live on.
    TurnEnded(End),
    /// A line that makes no sense, cut.
    Garbage { line: String },
}

/// How a turn or a process ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    /// How.
    pub outcome: Outcome,
    /// Whether it was interrupted in mid-work by our word or a Ctrl-C, and said so itself: the conversation is whole
    /// and can go on. The outcome is then [`Outcome::Cancelled`].
    pub interrupted: bool,
    /// Why it failed. `data` has [`RESETS_AT`] where a quota is there again at a known time.
    pub error: Option<Error>,
    /// The answer, where there is one.
    pub text: Option<String>,
    /// Model calls of the agent that the conversation is with.
    pub turns: i64,
    /// What it cost, where the program says so.
    pub cost: Option<Money>,
}

/// The event that a line is, if it is one. What else stands in it is garbage.
fn event_of(line: &str, out: &mut Vec<Happened>) -> Option<Value> {
    let (event, garbage) = match json::read(line) {
        json::Line::Blank => (None, None),
        json::Line::Garbage(line) => (None, Some(line)),
        json::Line::Event(event, before) => (Some(event), before),
    };
    out.extend(garbage.map(|line| Happened::Garbage { line }));
    event
}

/// What is in `now` beyond `known`.
fn beyond(now: &Usage, known: &Usage) -> Usage {
    let part = |now: i64, known: i64| now.saturating_sub(known).max(0);
    Usage {
        input: part(now.input, known.input),
        output: part(now.output, known.output),
        cache_read: part(now.cache_read, known.cache_read),
        cache_write: part(now.cache_write, known.cache_write),
    }
}
