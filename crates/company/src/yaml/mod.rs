//! YAML as a tree whose every value knows where it stands in the text.
//!
//! Faults name lines and `config set` changes one span of the text, so positions matter as much as values. Scalars
//! are read by YAML 1.2's core schema. Depth and size are bounded, aliases expanded included: a file may be hostile.

mod scalar;

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag};
use serde_json::Value;

/// Levels of nesting, at most.
const MAX_DEPTH: usize = 64;
/// Values in a document, at most; an alias counts as all that it stands for.
const MAX_NODES: usize = 100_000;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    /// The line it begins in, from 1.
    pub line: usize,
    /// Its bytes. A value that is not written at all (`key:`) has an empty range.
    pub span: Range<usize>,
    pub style: Style,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `word`, or nothing at all.
    Plain,
    /// `'word'` or `"word"`.
    Quoted,
    /// `|` or `>` with lines below.
    BlockText,
    /// `[a, b]` or `{a: b}`.
    Flow,
    /// Lines of `- a` or `a: b`.
    Block,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub key_line: usize,
    /// Columns before the key, from 0.
    pub key_column: usize,
    pub key_span: Range<usize>,
    pub value: Node,
}

/// Why a text is no YAML that we read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub(crate) struct Unreadable {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What was expected, in a sentence.
    pub message: String,
}

impl Node {
    /// The value of a map's key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A map's entry.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// A map's entries; none for what is no map.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a text.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, whichever way it is written.
    pub fn number(&self) -> Option<f64> {
        match self.kind {
            Kind::Int(number) => Some(number as f64),
            Kind::Float(number) => Some(number),
            _ => None,
        }
    }

    /// A yes or no.
    pub fn boolean(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The value as JSON. Numbers that JSON does not have become text.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Int(number) => Value::from(*number),
            Kind::Float(number) => {
                serde_json::Number::from_f64(*number).map_or_else(|| Value::String(number.to_string()), Value::Number)
            }
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect())
            }
        }
    }

    fn count(&self) -> usize {
        1 + match &self.kind {
            Kind::List(items) => items.iter().map(Node::count).sum(),
            Kind::Map(entries) => entries.iter().map(|entry| 1 + entry.value.count()).sum(),
            _ => 0,
        }
    }
}

/// Reads a text that holds one document. `None` where it holds nothing but comments.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, Unreadable> {
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes: 0,
        last_line: 1,
    };
    let mut root = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            _ if root.is_some() => return Err(at(&span, "Expected one YAML document, and a second one begins here.")),
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    Ok(root.filter(|node: &Node| !(node.is_null() && node.span.is_empty())))
}

struct Reader<'t, I: granit_parser::BorrowedInput<'t>> {
    parser: Parser<'t, I>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    last_line: usize,
}

impl<'t, I: granit_parser::BorrowedInput<'t>> Reader<'t, I> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Unreadable> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                self.last_line = span.start.line();
                Ok(Some((event, span)))
            }
            Some(Err(error)) => {
                let marker = error.marker();
                Err(Unreadable {
                    line: marker.line().max(1),
                    column: marker.col() + 1,
                    message: format!("This is not YAML: {}.", error.info().trim_end_matches('.')),
                })
            }
        }
    }

    fn must(&mut self) -> Result<(Event<'t>, Span), Unreadable> {
        match self.next()? {
            Some(next) => Ok(next),
            None => Err(Unreadable {
                line: self.last_line,
                column: 1,
                message: "The text ends in the middle of a value.".to_owned(),
            }),
        }
    }

    fn charge(&mut self, nodes: usize, span: &Span) -> Result<(), Unreadable> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(at(span, &format!("Expected at most {MAX_NODES} values, aliases expanded.")));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(at(&span, &format!("Expected at most {MAX_DEPTH} levels of nesting.")));
        }
        self.charge(1, &span)?;
        let start = byte(&span, true);
        let line = span.start.line();
        let (anchor, node) = match event {
            Event::Scalar(value, style, anchor, tag) => {
                let kind = scalar::read(&value, style, tag.as_deref()).map_err(|message| at(&span, &message))?;
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::BlockText,
                };
                (anchor, Node { kind, line, span: start..byte(&span, false), style })
            }
            Event::SequenceStart(style, anchor, tag) => {
                only_core(tag.as_deref(), "seq").map_err(|message| at(&span, &message))?;
                let mut items = Vec::new();
                let end = loop {
                    match self.must()? {
                        (Event::SequenceEnd, end) => break byte(&end, false),
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                };
                (anchor, Node { kind: Kind::List(items), line, span: start..end, style: collection(style) })
            }
            Event::MappingStart(style, anchor, tag) => {
                only_core(tag.as_deref(), "map").map_err(|message| at(&span, &message))?;
                let (entries, end) = self.entries(depth)?;
                (anchor, Node { kind: Kind::Map(entries), line, span: start..end, style: collection(style) })
            }
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(&anchor) else {
                    return Err(at(&span, "This alias stands inside the value that it names."));
                };
                let (count, mut node) = (target.count(), target.clone());
                self.charge(count, &span)?;
                node.line = line;
                node.span = start..byte(&span, false);
                node.style = Style::Plain;
                (0, node)
            }
            _ => return Err(at(&span, "Expected a value.")),
        };
        if anchor != 0 {
            self.charge(node.count(), &span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn entries(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), Unreadable> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut merged: Vec<Entry> = Vec::new();
        let end = loop {
            let (event, span) = self.must()?;
            if event == Event::MappingEnd {
                break byte(&span, false);
            }
            let merges = matches!(&event, Event::Scalar(key, ScalarStyle::Plain, _, None) if key == "<<");
            let Event::Scalar(key, ..) = &event else {
                return Err(at(&span, "Expected a plain word as the key."));
            };
            let key = key.to_string();
            self.charge(1, &span)?;
            let (event, value_span) = self.must()?;
            let value = self.node(event, value_span, depth + 1)?;
            if merges {
                merged.extend(merge_source(value).map_err(|message| at(&span, &message))?);
                continue;
            }
            if !seen.insert(key.clone()) {
                return Err(at(&span, &format!("Expected each key once, and \"{}\" stands here again.", short(&key))));
            }
            entries.push(Entry {
                key,
                key_line: span.start.line(),
                key_column: span.start.col(),
                key_span: byte(&span, true)..byte(&span, false),
                value,
            });
        };
        entries.extend(merged.into_iter().filter(|entry| seen.insert(entry.key.clone())));
        Ok((entries, end))
    }
}

/// The entries that `<<: *a` or `<<: [*a, *b]` brings in; the first one to name a key wins.
fn merge_source(value: Node) -> Result<Vec<Entry>, String> {
    match value.kind {
        Kind::Map(entries) => Ok(entries),
        Kind::List(items) => {
            let mut all = Vec::new();
            for item in items {
                all.extend(merge_source(item)?);
            }
            Ok(all)
        }
        _ => Err("Expected a mapping after \"<<\".".to_owned()),
    }
}

fn collection(style: StructureStyle) -> Style {
    match style {
        StructureStyle::Block => Style::Block,
        StructureStyle::Flow => Style::Flow,
    }
}

fn byte(span: &Span, start: bool) -> usize {
    let marker = if start { span.start } else { span.end };
    marker.byte_offset().unwrap_or_default()
}

fn at(span: &Span, message: &str) -> Unreadable {
    Unreadable { line: span.start.line().max(1), column: span.start.col() + 1, message: message.to_owned() }
}

/// A text short enough to be quoted in a message.
pub(crate) fn short(text: &str) -> String {
    contract::one_line(text, 60)
}

fn only_core(tag: Option<&Tag>, expected: &str) -> Result<(), String> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.is_yaml_core_schema_tag(expected) => Ok(()),
        Some(tag) => Err(format!("Expected no tag \"{}\" here.", short(&tag.original()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        parse(text).unwrap().unwrap().to_json()
    }

    #[test]
    fn spans_are_the_bytes_of_values() {
        let text = "# größe\na: größe # x\r\nb:\r\n  c: 'it''s'\r\n  d: [1, {e: 2}]\r\nf:\r\n";
        let root = parse(text).unwrap().unwrap();
        let span = |path: &[&str]| {
            let node = path.iter().fold(&root, |node, key| node.get(key).unwrap());
            &text[node.span.clone()]
        };
        assert_eq!(span(&["a"]), "größe");
        assert_eq!(span(&["b", "c"]), "'it''s'");
        assert_eq!(span(&["b", "d"]), "[1, {e: 2}]");
        assert_eq!(span(&["f"]), "");
        let entry = root.get("b").unwrap().entry("d").unwrap();
        assert_eq!((entry.key_line, entry.key_column, &text[entry.key_span.clone()]), (5, 2, "d"));
    }

    #[test]
    fn merge_keys_and_aliases_are_followed() {
        let text = "base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\nsame: *b\n";
        assert_eq!(read(text), json!({"base": {"x": 1, "y": 2}, "more": {"y": 3, "x": 1}, "same": {"x": 1, "y": 2}}));
        let root = parse(text).unwrap().unwrap();
        assert_eq!(&text[root.get("same").unwrap().span.clone()], "*b");
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "));
        }
        let error = parse(&text).unwrap_err();
        assert!(error.message.contains("aliases expanded"), "{error}");
        let deep = "[".repeat(5_000);
        assert!(parse(&deep).is_err());
        let deep = (0..200).map(|n| format!("{}k:\n", " ".repeat(n))).collect::<String>();
        assert!(parse(&deep).unwrap_err().message.contains("levels"));
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_place() {
        for (text, line) in [
            ("a: 1\nb: [1,\n", 2),
            ("a: 1\na: 2\n", 2),
            ("a: *nobody\n", 1),
            ("a: 1\n---\nb: 2\n", 3),
            ("a: !x 1\n", 1),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}: {error}");
        }
        assert!(parse("# nothing\n").unwrap().is_none());
        assert!(parse("").unwrap().is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "[ -~\n\r\té:{}\\[\\]#&*!|>'\"%@`-]{0,80}") {
            if let Ok(Some(root)) = parse(&text) {
                proptest::prop_assert!(text.get(root.span.clone()).is_some());
            }
        }
    }
}
