//! Values out of lines that somebody else wrote: whatever is missing, of another kind or out of this world reads as
//! nothing.

use std::collections::HashMap;

use contract::limits::MAX_EVENT_TEXT_BYTES;
use contract::{Money, clip};
use serde_json::Value;

/// Characters of an id that count.
const ID_CHARS: usize = 200;
/// Bytes of a garbled line that are kept.
const GARBAGE_BYTES: usize = 2000;
/// The most tokens that are believed of one report.
const MOST_TOKENS: f64 = 1e12;
/// The most dollars that are believed of one report.
const MOST_DOLLARS: f64 = 1e6;
/// Where a line is looked at for an event that stands behind something else, at most.
const PLACES: usize = 64;
/// How the events of these programs begin.
const BEGINNINGS: [&str; 6] =
    [r#"{"type":"#, r#"{"jsonrpc":"#, r#"{"method":"#, r#"{"id":"#, r#"{"duration"#, r#"{"timestamp":"#];

/// What a line is.
pub(super) enum Line {
    /// Nothing but blanks.
    Blank,
    /// An event, and what stood before it that is none.
    Event(Value, Option<String>),
    /// No event.
    Garbage(String),
}

/// Reads a line. An event whose line another one was cut into, or that stands behind a stray word, is found: what it
/// says of money must not be lost.
pub(super) fn read(line: &str) -> Line {
    let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    if line.is_empty() {
        return Line::Blank;
    }
    if let Some(event) = object(line) {
        return Line::Event(event, None);
    }
    let mut places: Vec<usize> =
        BEGINNINGS.iter().flat_map(|begin| line.match_indices(begin)).map(|hit| hit.0).collect();
    places.sort_unstable();
    // The last ones first: they are the shortest to try, and no more than one reaches to the line's end.
    let mut last = places.into_iter().rev().take(PLACES).filter(|at| *at > 0);
    match last.find_map(|at| Some((at, object(&line[at..])?))) {
        Some((at, event)) => Line::Event(event, Some(garbage(&line[..at]))),
        None => Line::Garbage(garbage(line)),
    }
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str::<Value>(text).ok().filter(Value::is_object)
}

fn garbage(line: &str) -> String {
    clip(line, GARBAGE_BYTES).into_owned()
}

/// A text, or nothing.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// An id: cut, and none where it is empty. Numbers are taken for theirs.
pub(super) fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id.chars().take(ID_CHARS).collect()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// A number of tokens or turns.
pub(super) fn count(value: &Value) -> i64 {
    let count = value.as_f64().unwrap_or_default();
    if count.is_finite() { count.clamp(0.0, MOST_TOKENS) as i64 } else { 0 }
}

/// An amount of dollars; none where it is no amount that could be.
pub(super) fn dollars(value: &Value) -> Option<Money> {
    let amount = value.as_f64().filter(|amount| (0.0..=MOST_DOLLARS).contains(amount))?;
    Money::dollars(amount)
}

/// What is kept of a text that goes into an event.
pub(super) fn kept(text: &str) -> String {
    clip(text, MAX_EVENT_TEXT_BYTES).into_owned()
}

/// The words of a list of content blocks, or of what is a text by itself.
pub(super) fn words(content: &Value) -> String {
    match content {
        Value::String(text) => kept(text),
        Value::Array(blocks) => {
            let mut out = String::new();
            for block in blocks {
                // ACP wraps a block once more.
                let inner = if block["content"].is_object() { &block["content"] } else { block };
                let Some(text) = inner["text"].as_str() else { continue };
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(text);
                if out.len() > MAX_EVENT_TEXT_BYTES {
                    break;
                }
            }
            kept(&out)
        }
        Value::Object(_) if content["text"].is_string() => kept(text(content, "text")),
        Value::Null => String::new(),
        other => kept(&other.to_string()),
    }
}

/// What is known of things by their ids, as many as fit. When it is full, all are forgotten: no program has so many
/// things under way, and one that pretends to must not take the memory.
pub(super) struct Known<T>(HashMap<String, T>);

impl<T> Known<T> {
    const MOST: usize = 20_000;

    pub fn insert(&mut self, id: String, thing: T) {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert(id, thing);
    }

    pub fn get(&self, id: &str) -> Option<&T> {
        self.0.get(id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.0.get_mut(id)
    }

    pub fn remove(&mut self, id: &str) -> Option<T> {
        self.0.remove(id)
    }

    pub fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }
}

impl<T> Default for Known<T> {
    fn default() -> Known<T> {
        Known(HashMap::new())
    }
}

/// Counts model calls of a program that does not: an answer begins with the first thing said or called after the
/// brief, or after a tool's result.
#[derive(Default)]
pub(super) struct Calls {
    answering: bool,
    count: i64,
}

impl Calls {
    /// The model said something, or called a tool.
    pub fn output(&mut self) {
        self.count += i64::from(!self.answering);
        self.answering = true;
    }

    /// It will be asked next: a tool came back, or a message went in.
    pub fn input(&mut self) {
        self.answering = false;
    }

    /// How many there were since the last time this was asked.
    pub fn take(&mut self) -> i64 {
        self.answering = false;
        std::mem::take(&mut self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &str) -> (Value, bool) {
        match read(line) {
            Line::Event(event, before) => (event, before.is_some()),
            Line::Blank => panic!("blank: {line}"),
            Line::Garbage(_) => panic!("garbage: {line}"),
        }
    }

    #[test]
    fn an_event_behind_something_else_is_found() {
        let whole = r#"{"type":"result","n":1}"#;
        assert_eq!(event(whole), (serde_json::json!({"type": "result", "n": 1}), false));
        for before in ["npm warn x ", r#"{"type":"assistant","text":"half "#, r#"{"a":{"type":"text"},"#] {
            let (found, garbled) = event(&format!("{before}{whole}"));
            assert_eq!((found["n"].as_i64(), garbled), (Some(1), true), "{before}");
        }
        assert!(matches!(read("{\"type\":\"resu"), Line::Garbage(_)));
        assert!(matches!(read(" \r"), Line::Blank));
    }

    #[test]
    fn what_a_text_quotes_is_no_event() {
        let line = serde_json::json!({"type": "assistant", "text": r#"x{"type":"result"}"#}).to_string();
        let cut = &line[..line.len() - 2];
        assert!(matches!(read(cut), Line::Garbage(_)), "{cut}");
    }

    #[test]
    fn numbers_out_of_this_world_are_none() {
        for wild in ["-5", "1e300", "\"12\"", "null", "[1]"] {
            let value: Value = serde_json::from_str(wild).unwrap();
            assert_eq!(dollars(&value), None, "{wild}");
        }
        assert_eq!(count(&serde_json::json!(-3)), 0);
        assert_eq!(count(&serde_json::json!(1200.0)), 1200);
    }
}
