//! Notes on their way to a page, as JSON: cut where they are long, and batched. The web process keeps large
//! payloads, so a message stays below [`FRAME_BYTES`] wherever its parts allow.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

/// Bytes of one message to a page, where its parts allow. Tauri hands longer ones over by a detour.
pub const FRAME_BYTES: usize = 8 * 1024 - 64;

/// A note as JSON texts; several where it carries a list of events that is too long for one frame.
pub fn encode(note: &str, params: Value) -> Vec<String> {
    let Value::Object(mut fields) = params else { return vec![frame(note, &params)] };
    let Some(Value::Array(events)) = fields.remove("events") else {
        return vec![frame(note, &Value::Object(fields))];
    };
    let mut frames = Vec::new();
    let mut part: Vec<Value> = Vec::new();
    let mut bytes = 0;
    for event in events {
        let size = event.to_string().len() + 1;
        if !part.is_empty() && bytes + size > FRAME_BYTES - 256 {
            frames.push(with_events(note, &fields, std::mem::take(&mut part)));
            bytes = 0;
        }
        bytes += size;
        part.push(event);
    }
    frames.push(with_events(note, &fields, part));
    frames
}

fn with_events(note: &str, fields: &Map<String, Value>, events: Vec<Value>) -> String {
    let mut fields = fields.clone();
    fields.insert("events".into(), Value::Array(events));
    frame(note, &Value::Object(fields))
}

fn frame(note: &str, params: &Value) -> String {
    json!({ "note": note, "params": params }).to_string()
}

/// Takes as many frames from the front as fit one message, and makes it: an array.
pub fn batch(queue: &mut VecDeque<String>) -> Option<String> {
    let mut message = String::from("[");
    message.push_str(&queue.pop_front()?);
    while let Some(next) = queue.front() {
        if message.len() + next.len() + 2 > FRAME_BYTES {
            break;
        }
        message.push(',');
        message.push_str(next);
        queue.pop_front();
    }
    message.push(']');
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_events_is_cut_and_nothing_is_lost_or_reordered() {
        let events: Vec<Value> = (0..200).map(|seq| json!({ "seq": seq, "text": "x".repeat(300) })).collect();
        let frames = encode("event.added", json!({ "subscription": 4, "events": events }));
        assert!(frames.len() > 1);
        let mut seen = Vec::new();
        for frame in &frames {
            assert!(frame.len() <= FRAME_BYTES, "{}", frame.len());
            let frame: Value = serde_json::from_str(frame).unwrap();
            assert_eq!(frame["params"]["subscription"], 4);
            seen.extend(
                frame["params"]["events"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()),
            );
        }
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn one_event_that_is_too_long_still_goes_through() {
        let frames = encode("event.added", json!({ "subscription": 1, "events": [{ "text": "y".repeat(50_000) }] }));
        assert_eq!(frames.len(), 1);
        let mut queue = VecDeque::from(frames);
        assert!(batch(&mut queue).unwrap().len() > 50_000);
        assert_eq!(batch(&mut queue), None);
    }

    #[test]
    fn batches_are_arrays_of_at_most_a_frame() {
        let mut queue: VecDeque<String> = (0..500).flat_map(|n| encode("desk.changed", json!({ "n": n }))).collect();
        let mut seen = Vec::new();
        while let Some(message) = batch(&mut queue) {
            assert!(message.len() <= FRAME_BYTES);
            let notes: Vec<Value> = serde_json::from_str(&message).unwrap();
            seen.extend(notes.iter().map(|note| note["params"]["n"].as_i64().unwrap()));
        }
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
    }
}
