//! Changing one value of a YAML text and no other byte.
//!
//! Every edit is read back and compared: what was meant has changed, and nothing else has. What cannot be changed
//! alone (a value that others share by an alias, say) is refused.

use std::ops::Range;

use contract::{Error, ErrorCode};
use serde_json::{Map, Value};

use crate::CONFIG_FILE;
use crate::yaml::{Entry, Kind, Node, Style, parse};

/// The text with the value at `path` replaced, or added where it is not there yet.
pub(super) fn replace(
    text: &str,
    root: Option<&Node>,
    path: &[&str],
    value: &str,
    wants_text: bool,
) -> Result<String, Error> {
    let old = root.map_or_else(|| Value::Object(Map::new()), Node::to_json);
    for (written, meant) in ways_to_write(value, wants_text) {
        let Some(edited) = edit(text, root, path, &written) else { break };
        let mut wanted = old.clone();
        if put(&mut wanted, path, meant)
            && parse(&edited).is_ok_and(|new| new.is_some_and(|new| new.to_json() == wanted))
        {
            return Ok(edited);
        }
    }
    Err(Error::new(
        ErrorCode::CONFIG_INVALID,
        format!("{} cannot be changed by itself, the way {CONFIG_FILE} is written.", path.join(".")),
        "`aicib config edit` opens the file.",
    ))
}

/// How a value may stand in the text and what it then means: as it was given where that reads as one value on one
/// line, and quoted.
fn ways_to_write(value: &str, wants_text: bool) -> Vec<(String, Value)> {
    let mut ways = Vec::new();
    let bare = value.trim();
    if !bare.contains(['\n', '\r'])
        && let Ok(Some(node)) = parse(bare)
        && node.span == (0..bare.len())
        && matches!(node.style, Style::Plain | Style::Quoted | Style::Flow)
        && (!wants_text || node.text().is_some())
    {
        ways.push((bare.to_owned(), node.to_json()));
    }
    // What fails bare between brackets ("a, b") may do quoted.
    if ways.first().is_none_or(|(_, meant)| meant.is_string()) {
        let text = ways.first().and_then(|(_, meant)| meant.as_str()).unwrap_or(value);
        ways.push((quote(text), Value::String(text.to_owned())));
    }
    ways
}

/// A text in double quotes.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text as it reads best in YAML: bare where that means the same.
pub(crate) fn scalar(text: &str) -> String {
    ways_to_write(text, true).into_iter().find(|(_, meant)| meant == text).map_or_else(|| quote(text), |(way, _)| way)
}

fn put(value: &mut Value, path: &[&str], new: Value) -> bool {
    let Some((name, rest)) = path.split_first() else {
        *value = new;
        return true;
    };
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => put(fields.entry(*name).or_insert(Value::Null), rest, new),
        // Roles, or roles with settings.
        Value::Array(items) if !rest.is_empty() => items.iter_mut().any(|item| match item {
            Value::String(role) if role == name => {
                let mut settings = Value::Null;
                let took = put(&mut settings, rest, new.clone());
                *item = Value::Object(Map::from_iter([((*name).to_owned(), settings)]));
                took
            }
            Value::Object(fields) => fields.get_mut(*name).is_some_and(|below| put(below, rest, new.clone())),
            _ => false,
        }),
        _ => false,
    }
}

/// The edited text; `None` where a value stands in the way.
fn edit(text: &str, root: Option<&Node>, path: &[&str], written: &str) -> Option<String> {
    let Some(root) = root else {
        return Some(insert_lines(text, text.len(), &lines(text, path, 0, written)));
    };
    let mut node = root;
    let mut owner: Option<&Entry> = None;
    for (depth, name) in path.iter().enumerate() {
        let rest = path.get(depth..)?;
        match (&node.kind, node.entry(name)) {
            (_, Some(entry)) => {
                owner = Some(entry);
                node = &entry.value;
            }
            (Kind::Map(entries), None) if node.style == Style::Flow => {
                return Some(insert_in_braces(text, node, entries, rest, written));
            }
            (Kind::Map(entries), None) => {
                let column = entries.first()?.key_column;
                let mut new = lines(text, rest, column, written);
                if depth == 0 {
                    new.insert_str(0, eol(text));
                }
                return Some(insert_lines(text, content_end(text, node)?, &new));
            }
            (Kind::List(items), None) => {
                let flow = node.style == Style::Flow;
                if let Some(entry) = items.iter().find_map(|item| item.entry(name)) {
                    owner = Some(entry);
                    node = &entry.value;
                    continue;
                }
                let role = items.iter().find(|item| item.text() == Some(name) && item.style != Style::BlockText)?;
                if depth + 1 == path.len() {
                    return None;
                }
                return Some(splice(text, role.span.clone(), &in_braces(rest, written, flow)));
            }
            (Kind::Null, None) if node.span.is_empty() => {
                let owner = owner?;
                let new = lines(text, rest, owner.key_column + 2, written);
                return Some(insert_lines(text, colon(text, owner)?, &new));
            }
            _ => return None,
        }
    }
    overwrite(text, owner?, written)
}

fn overwrite(text: &str, entry: &Entry, written: &str) -> Option<String> {
    let node = &entry.value;
    if matches!(node.style, Style::Plain | Style::Quoted | Style::Flow) && !node.span.is_empty() {
        return Some(splice(text, node.span.clone(), written));
    }
    let after_colon = colon(text, entry)?;
    let value = format!(" {written}");
    if node.style == Style::BlockText {
        // Its span begins below the header (`|`), which goes as well.
        let header = after_colon + text[after_colon..].find(['\r', '\n']).unwrap_or(text.len() - after_colon);
        return Some(splice(text, after_colon..content_end(text, node)?.max(header), &value));
    }
    if node.span.is_empty() {
        return Some(splice(text, after_colon..after_colon, &value));
    }
    // A block below its key: its lines go, what stands between the key and them stays.
    let from = line_start(text, node.span.start);
    if from < after_colon {
        return None;
    }
    let without = splice(text, from..line_end(text, content_end(text, node)?), "");
    Some(splice(&without, after_colon..after_colon, &value))
}

/// A value with the keys above it, on one line; in braces as a whole where that is asked for.
fn in_braces(path: &[&str], written: &str, whole: bool) -> String {
    let mut new = written.to_owned();
    for (depth, name) in path.iter().enumerate().rev() {
        new = format!("{}: {new}", key(name));
        if depth > 0 || whole {
            new = format!("{{{new}}}");
        }
    }
    new
}

fn insert_in_braces(text: &str, map: &Node, entries: &[Entry], path: &[&str], written: &str) -> String {
    let new = in_braces(path, written, false);
    match entries.last().and_then(|last| entry_end(text, last)) {
        Some(end) => splice(text, end..end, &format!(", {new}")),
        None => splice(text, map.span.start + 1..map.span.start + 1, &new),
    }
}

/// The lines of a new value with the keys above it, from a column on.
fn lines(text: &str, path: &[&str], column: usize, written: &str) -> String {
    let mut new = String::new();
    for (depth, name) in path.iter().enumerate() {
        new.push_str(&" ".repeat(column + 2 * depth));
        new.push_str(&key(name));
        new.push(':');
        if depth + 1 == path.len() {
            new.push(' ');
            new.push_str(written);
        }
        new.push_str(eol(text));
    }
    new
}

fn key(name: &str) -> String {
    let reads = parse(&format!("{name}: 1")).is_ok_and(|node| node.is_some_and(|node| node.entry(name).is_some()));
    if reads { name.to_owned() } else { quote(name) }
}

/// Puts whole lines below the line in which a byte stands.
fn insert_lines(text: &str, byte: usize, new: &str) -> String {
    let at = line_end(text, byte);
    if at > 0 && !text[..at].ends_with('\n') {
        let end = eol(text);
        return splice(text, at..at, &format!("{end}{}", new.strip_suffix(end).unwrap_or(new)));
    }
    splice(text, at..at, new)
}

fn splice(text: &str, range: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..range.start], &text[range.end..])
}

fn eol(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn line_start(text: &str, byte: usize) -> usize {
    text[..byte].rfind('\n').map_or(0, |at| at + 1)
}

/// The byte after the line break that ends the line of `byte`.
fn line_end(text: &str, byte: usize) -> usize {
    text[byte..].find('\n').map_or(text.len(), |at| byte + at + 1)
}

/// The byte after a key's colon.
fn colon(text: &str, entry: &Entry) -> Option<usize> {
    let after = text.get(entry.key_span.end..)?;
    let gap = after.len() - after.trim_start_matches([' ', '\t']).len();
    after[gap..].starts_with(':').then_some(entry.key_span.end + gap + 1)
}

fn entry_end(text: &str, entry: &Entry) -> Option<usize> {
    if entry.value.span.is_empty() { colon(text, entry) } else { content_end(text, &entry.value) }
}

/// The byte after the last one that belongs to a value: parsers let a block reach to the next key.
fn content_end(text: &str, node: &Node) -> Option<usize> {
    match (&node.kind, node.style) {
        (Kind::Map(entries), Style::Block) => entries.iter().map(|entry| entry_end(text, entry)).max()?,
        (Kind::List(items), Style::Block) => match items.last() {
            Some(last) if !last.span.is_empty() => content_end(text, last),
            _ => Some(node.span.end),
        },
        _ => {
            let written = text.get(node.span.clone())?;
            let end = if node.style == Style::BlockText { written.trim_end().len() } else { written.len() };
            Some(node.span.start + end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(text: &str, key: &str, value: &str) -> Option<String> {
        let root = parse(text).unwrap();
        let path: Vec<&str> = key.split('.').collect();
        replace(text, root.as_ref(), &path, value, false).ok()
    }

    const TEXT: &str = "# Ours\r\na:\r\n    b: 1   # the b\r\n    c: 'x'\r\n    empty:\r\n    long: |\r\n      one\r\n      two\r\n\r\n    list: # of things\r\n    - p\r\n    - q: 1\r\n      r: 2 # last\r\n\r\nflow: {x: 1, y: [1, 2], z: {}} # flow\r\nnone:\r\nlast: end";

    #[test]
    fn only_the_span_changes() {
        let one = |key: &str, value: &str, from: &str, to: &str| {
            assert!(TEXT.contains(from), "{from:?}");
            assert_eq!(set(TEXT, key, value).expect(key), TEXT.replacen(from, to, 1), "{key}");
        };
        one("a.b", "20", "b: 1   # the b", "b: 20   # the b");
        one("a.c", "it's", "c: 'x'", "c: it's");
        one("a.c", "yes: no", "c: 'x'", "c: \"yes: no\"");
        one("a.c", "# no comment", "c: 'x'", "c: \"# no comment\"");
        one("a.c", "[1, 2]", "c: 'x'", "c: [1, 2]");
        one("a.c", "two\nlines", "c: 'x'", "c: \"two\\nlines\"");
        one("a.c", "", "c: 'x'", "c: \"\"");
        one("a.empty", "5", "empty:\r\n", "empty: 5\r\n");
        one("a.long", "short", "long: |\r\n      one\r\n      two\r\n", "long: short\r\n");
        one(
            "a.list",
            "[]",
            "list: # of things\r\n    - p\r\n    - q: 1\r\n      r: 2 # last\r\n",
            "list: [] # of things\r\n",
        );
        one("flow.x", "a, b", "{x: 1,", "{x: \"a, b\",");
        one("flow.new", "1", "z: {}}", "z: {}, new: 1}");
        one("flow.z.deep.er", "1", "z: {}}", "z: {deep: {er: 1}}}");
        one("a.d", "1", "      r: 2 # last\r\n", "      r: 2 # last\r\n    d: 1\r\n");
        one("a.e.f", "1", "      r: 2 # last\r\n", "      r: 2 # last\r\n    e:\r\n      f: 1\r\n");
        one("none.k", "1", "none:\r\n", "none:\r\n  k: 1\r\n");
        one("last", "fin", "last: end", "last: fin");
        one("more.k", "1", "last: end", "last: end\r\n\r\nmore:\r\n  k: 1");
        one("a", "1", &TEXT[TEXT.find("a:").unwrap()..TEXT.find("\r\nflow").unwrap()], "a: 1\r\n");
    }

    #[test]
    fn what_cannot_change_alone_is_refused() {
        assert_eq!(set("a: &x 1\nb: *x\n", "a", "2"), None);
        assert_eq!(set("a: &x 1\nb: *x\n", "b", "2").unwrap(), "a: &x 1\nb: 2\n");
        assert_eq!(set("a: &x {k: 1}\nb: *x\n", "b.k", "2"), None);
        assert_eq!(set("a: 1\n", "a.b", "2"), None);
        assert_eq!(set("a: [1]\n", "a.b", "2"), None);
    }

    #[test]
    fn an_empty_text_takes_a_first_value() {
        assert_eq!(set("", "a.b", "1").unwrap(), "a:\n  b: 1\n");
        assert_eq!(set("# only this", "a.b", "1").unwrap(), "# only this\na:\n  b: 1");
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        assert_eq!(set("\u{feff}a: 1\n", "a", "2").unwrap(), "\u{feff}a: 2\n");
    }

    proptest! {
        #[test]
        fn what_is_set_is_what_is_read(value in "\\PC{0,40}", key in 0usize..9) {
            let keys = ["a.b", "a.c", "a.empty", "flow.x", "flow.new", "none.k", "last", "new.section", "a.brand-new"];
            let key = keys[key];
            let after = set(TEXT, key, &value);
            prop_assert!(after.is_some(), "{key} = {value:?}");
            let after = after.unwrap();
            let root = parse(&after).unwrap().unwrap();
            let read = key.split('.').fold(&root, |node, name| node.get(name).unwrap());
            let bare = parse(value.trim()).ok().flatten().map(|node| node.to_json());
            let read = read.to_json();
            prop_assert!(read.as_str() == Some(&value) || Some(&read) == bare.as_ref(), "{key}: {value:?} -> {read}");

            // Outside one line (for new keys: the lines added) the text is the same, byte for byte.
            let (old, new): (Vec<&str>, Vec<&str>) = (TEXT.split('\n').collect(), after.split('\n').collect());
            let same = |(a, b): &(&&str, &&str)| a == b;
            let head = old.iter().zip(&new).take_while(same).count();
            let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count().min(old.len() - head);
            prop_assert!(old.len() - head - tail <= 1, "{after}");
        }

        #[test]
        fn no_edit_breaks_a_text(text in "[a-c:\\-\\[\\]{}, #&*'\"|>~!\n\r\t ]{0,40}", value in "[a-c:\\-\\[\\], #\n]{0,8}") {
            if let Ok(root) = parse(&text) {
                for path in [&["a"][..], &["a", "b"]] {
                    if let Ok(edited) = replace(&text, root.as_ref(), path, &value, false) {
                        prop_assert!(parse(&edited).is_ok());
                    }
                }
            }
        }
    }
}
