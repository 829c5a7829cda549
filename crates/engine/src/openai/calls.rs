//! Tool calls, put together from their pieces. Small servers leave out what others need to tell the pieces apart, and
//! say twice what was said.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::Time;
use serde_json::{Map, Value};

use crate::model::{Block, ToolSpec};

/// Calls of an answer, at most.
const MOST: usize = 200;
/// Characters of an id, at most: more than any provider takes.
const ID_CHARS: usize = 128;
/// Names given to calls that have none.
static NAMED: AtomicU64 = AtomicU64::new(0);

/// A call that is being said.
#[derive(Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    text: String,
    given: Option<Value>,
}

impl Call {
    /// Whether its input could be whole.
    fn is_whole(&self) -> bool {
        self.given.is_some() || serde_json::from_str::<Value>(&self.text).is_ok()
    }
}

/// The calls of an answer.
#[derive(Default)]
pub(crate) struct Calls(Vec<Call>);

impl Calls {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a piece, and says how many bytes it had.
    pub fn take(&mut self, piece: &Value, tools: &[ToolSpec]) -> usize {
        let function = if piece["function"].is_object() { &piece["function"] } else { piece };
        let index = piece["index"].as_u64();
        let id: String = piece["id"].as_str().unwrap_or_default().chars().take(ID_CHARS).collect();
        let name = function["name"].as_str().unwrap_or_default();
        let Some(at) = self.place(index, &id, name, tools) else { return 0 };
        let call = &mut self.0[at];
        if call.id.is_empty() {
            call.id = id;
        }
        // A name may come in pieces, or again and again.
        if call.name != name && (call.name.is_empty() || !tools.iter().any(|tool| tool.name == call.name)) {
            call.name.push_str(name);
        }
        match &function["arguments"] {
            Value::String(text) => {
                call.text.push_str(text);
                name.len() + text.len()
            }
            Value::Null => name.len(),
            whole => {
                call.given = Some(whole.clone());
                name.len() + whole.to_string().len()
            }
        }
    }

    /// The call that a piece belongs to, a new one where it begins one. None where there are too many.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str, tools: &[ToolSpec]) -> Option<usize> {
        let by_index = index.and_then(|index| self.0.iter().rposition(|call| call.index == Some(index)));
        let by_id = || self.0.iter().rposition(|call| !id.is_empty() && call.id == id);
        let found = match (index, by_index) {
            (Some(_), found) => found,
            (None, _) => by_id().or_else(|| self.0.len().checked_sub(1)),
        };
        let is_other = |call: &Call| {
            let other_id = !id.is_empty() && !call.id.is_empty() && call.id != id;
            let named = !name.is_empty() && tools.iter().any(|tool| tool.name == name);
            // Where all calls have the same index, or none, a new one is known by its id, or by its name after a whole
            // input.
            (other_id && (named || call.is_whole()))
                || (index.is_none() && id.is_empty() && named && !call.name.is_empty() && call.is_whole())
        };
        match found.filter(|at| !is_other(&self.0[*at])) {
            Some(at) => Some(at),
            None if self.0.len() >= MOST => None,
            None => {
                self.0.push(Call { index, ..Call::default() });
                Some(self.0.len() - 1)
            }
        }
    }

    /// The calls as blocks, each with an id of its own.
    pub fn blocks(self) -> Vec<Block> {
        let mut ids = HashSet::new();
        let calls = self.0.into_iter().filter(|call| !call.name.trim().is_empty());
        let named = calls.map(|call| {
            let input = input(call.text, call.given);
            let id = if call.id.is_empty() || ids.contains(&call.id) { fresh() } else { call.id };
            ids.insert(id.clone());
            Block::Call { id, name: call.name.trim().to_owned(), input }
        });
        named.collect()
    }
}

/// A name for a call that has none; one that no other call of the conversation has.
fn fresh() -> String {
    format!("call_{:x}_{}", Time::now().0, NAMED.fetch_add(1, Ordering::Relaxed))
}

/// A call's input: an object, or else the text that is none.
fn input(text: String, given: Option<Value>) -> Result<Value, String> {
    if text.trim().is_empty() {
        return match given {
            None => Ok(Value::Object(Map::new())),
            Some(given) if given.is_object() => Ok(given),
            Some(given) => Err(given.to_string()),
        };
    }
    // The same twice, or nothing before something: both are one.
    let mut objects: Vec<Value> = Vec::new();
    for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
        let object = match value {
            // JSON in JSON.
            Ok(Value::String(inner)) => serde_json::from_str::<Value>(&inner).ok(),
            Ok(value) => Some(value),
            Err(_) => None,
        };
        match object.filter(Value::is_object) {
            Some(object) if !objects.contains(&object) => objects.push(object),
            Some(_) => {}
            None => return Err(text),
        }
    }
    if objects.len() > 1 {
        objects.retain(|object| object.as_object().is_some_and(|fields| !fields.is_empty()));
    }
    match <[Value; 1]>::try_from(objects) {
        Ok([object]) => Ok(object),
        Err(_) => Err(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tools() -> Vec<ToolSpec> {
        ["Read", "Write"]
            .map(|name| ToolSpec { name, description: String::new(), schema: json!({}) })
            .into_iter()
            .collect()
    }

    /// What comes of pieces: name and input of each call. All have ids, and no two the same.
    fn calls(pieces: &[Value]) -> Vec<(String, Result<Value, String>)> {
        let mut calls = Calls::default();
        for piece in pieces {
            calls.take(piece, &tools());
        }
        let blocks = calls.blocks();
        let mut ids = HashSet::new();
        let all = blocks.into_iter().map(|block| match block {
            Block::Call { id, name, input } => {
                assert!(!id.is_empty() && ids.insert(id));
                (name, input)
            }
            other => panic!("{other:?}"),
        });
        all.collect()
    }

    fn read(path: &str) -> (String, Result<Value, String>) {
        ("Read".to_owned(), Ok(json!({ "path": path })))
    }

    #[test]
    fn pieces_come_together_however_a_server_cuts_them() {
        let both = [read("a"), read("b")];
        let f = |name: &str, arguments: &str| json!({"name": name, "arguments": arguments});
        for (how, pieces) in [
            (
                "as the standard has it",
                vec![
                    json!({"index": 0, "id": "x", "function": f("Read", "")}),
                    json!({"index": 0, "function": {"arguments": "{\"path\":"}}),
                    json!({"index": 0, "function": {"arguments": "\"a\"}"}}),
                    json!({"index": 1, "id": "y", "function": f("Read", "{\"path\":\"b\"}")}),
                ],
            ),
            (
                "no index",
                vec![
                    json!({"id": "x", "function": f("Read", "{\"path\":")}),
                    json!({"function": {"arguments": "\"a\"}"}}),
                    json!({"id": "y", "function": f("Read", "{\"path\":\"b\"}")}),
                ],
            ),
            (
                "no index and no id",
                vec![
                    json!({"function": f("Read", "{\"path\":\"a\"}")}),
                    json!({"function": f("Read", "{\"path\":\"b\"}")}),
                ],
            ),
            (
                "always the index 0",
                vec![
                    json!({"index": 0, "id": "x", "function": f("Read", "{\"path\":\"a\"}")}),
                    json!({"index": 0, "id": "y", "function": f("Read", "{\"path\":\"b\"}")}),
                ],
            ),
            (
                "the same id for all",
                vec![
                    json!({"index": 0, "id": "x", "function": f("Read", "{\"path\":\"a\"}")}),
                    json!({"index": 1, "id": "x", "function": f("Read", "{\"path\":\"b\"}")}),
                ],
            ),
            (
                "id and name in each piece",
                vec![
                    json!({"index": 0, "id": "x", "function": f("Read", "{\"path\"")}),
                    json!({"index": 0, "id": "x", "function": f("Read", ":\"a\"}")}),
                    json!({"index": 1, "id": "y", "function": f("Read", "{\"path\":")}),
                    json!({"index": 1, "id": "y", "function": f("Read", "\"b\"}")}),
                ],
            ),
            (
                "objects for texts",
                vec![
                    json!({"index": 0, "id": "", "function": {"name": "Read", "arguments": {"path": "a"}}}),
                    json!({"index": 1, "id": "", "function": {"name": "Read", "arguments": {"path": "b"}}}),
                ],
            ),
            (
                "a name in pieces",
                vec![
                    json!({"index": 0, "id": "x", "function": f("Re", "")}),
                    json!({"index": 0, "function": f("ad", "{\"path\":\"a\"}")}),
                    json!({"index": 1, "id": "y", "function": f("Read", "{}")}),
                    json!({"index": 1, "function": {"arguments": "{\"path\":\"b\"}"}}),
                ],
            ),
            (
                "all of it twice",
                vec![
                    json!({"index": 0, "id": "x", "function": f("Read", "{\"path\":\"a\"}")}),
                    json!({"index": 1, "id": "y", "function": f("Read", "{\"path\":\"b\"}")}),
                    json!({"index": 0, "id": "x", "function": f("Read", "{\"path\":\"a\"}")}),
                    json!({"index": 1, "id": "y", "function": f("Read", "{\"path\":\"b\"}")}),
                ],
            ),
            (
                "JSON in JSON",
                vec![
                    json!({"index": 0, "id": "x", "function": f("Read", "\"{\\\"path\\\":\\\"a\\\"}\"")}),
                    json!({"index": 1, "id": "y", "function": f("Read", "{\"path\":\"b\"}")}),
                ],
            ),
        ] {
            assert_eq!(calls(&pieces), both, "{how}");
        }
    }

    #[test]
    fn an_input_that_is_no_object_is_kept_as_it_is() {
        for arguments in ["{\"path\":", "[1]", "{\"a\":1}{\"b\":2}"] {
            let piece = json!({"index": 0, "function": {"name": "Read", "arguments": arguments}});
            assert_eq!(calls(&[piece]), [("Read".to_owned(), Err(arguments.to_owned()))]);
        }
        let none = json!({"index": 0, "function": {"name": "Read"}});
        assert_eq!(calls(&[none]), [("Read".to_owned(), Ok(json!({})))]);
    }
}
