//! A conversation that was cut off, made one that the provider accepts again. Pure.
//!
//! The provider wants words of ours and of the model's in turn, every tool call followed at once by its result, no
//! result without its call, no id twice and no text without words.

use std::collections::HashSet;

use crate::model::{Block, Message, Speaker};

/// Makes what was kept of a conversation one that can follow words of ours. `unanswered` says what came of a call whose
/// result is not there, by its id and name.
pub(crate) fn repaired(kept: Vec<Message>, unanswered: impl Fn(&str, &str) -> String) -> Vec<Message> {
    let mut out = Repaired { messages: Vec::new(), open: Vec::new(), ids: HashSet::new(), unanswered };
    for message in kept {
        match message.speaker {
            Speaker::Assistant => out.model_said(message.blocks),
            Speaker::User => out.we_said(message.blocks),
        }
    }
    out.close();
    out.messages
}

struct Repaired<F> {
    messages: Vec<Message>,
    /// Calls without a result yet: id and name.
    open: Vec<(String, String)>,
    /// All ids of calls.
    ids: HashSet<String>,
    unanswered: F,
}

impl<F: Fn(&str, &str) -> String> Repaired<F> {
    fn model_said(&mut self, blocks: Vec<Block>) {
        self.close();
        let mut blocks: Vec<Block> = blocks.into_iter().filter(|block| self.may_model_say(block)).collect();
        // Nothing came of a thought that nothing follows, and it cannot be sent back as it is.
        while matches!(blocks.last(), Some(Block::Thinking { .. } | Block::Opaque(_))) {
            blocks.pop();
        }
        for block in &blocks {
            if let Block::Call { id, name, .. } = block {
                self.ids.insert(id.clone());
                self.open.push((id.clone(), name.clone()));
            }
        }
        self.add(Speaker::Assistant, blocks);
    }

    fn may_model_say(&mut self, block: &Block) -> bool {
        match block {
            Block::Text(text) => !text.trim().is_empty(),
            Block::Thinking { text, signature } => !text.trim().is_empty() && !signature.is_empty(),
            Block::Opaque(_) => true,
            Block::Call { id, name, .. } => {
                !id.trim().is_empty() && !name.trim().is_empty() && self.ids.insert(id.clone())
            }
            Block::Outcome { .. } => false,
        }
    }

    fn we_said(&mut self, blocks: Vec<Block>) {
        let mut said = Vec::new();
        for block in blocks {
            match &block {
                Block::Outcome { id, .. } => {
                    if let Some(place) = self.open.iter().position(|(open, _)| open == id) {
                        self.open.remove(place);
                        said.push(block);
                    }
                }
                Block::Text(text) if !text.trim().is_empty() => said.push(block),
                _ => {}
            }
        }
        self.add(Speaker::User, said);
    }

    /// Gives every call without a result one.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        let results = open.into_iter().map(|(id, name)| {
            let text = (self.unanswered)(&id, &name);
            Block::Outcome { id, ok: false, text }
        });
        let results = results.collect();
        self.add(Speaker::User, results);
    }

    fn add(&mut self, speaker: Speaker, blocks: Vec<Block>) {
        if blocks.is_empty() {
            return;
        }
        match self.messages.last_mut() {
            Some(last) if last.speaker == speaker => last.blocks.extend(blocks),
            _ => self.messages.push(Message { speaker, blocks }),
        }
        // Results come before words.
        if speaker == Speaker::User
            && let Some(last) = self.messages.last_mut()
        {
            last.blocks.sort_by_key(|block| !matches!(block, Block::Outcome { .. }));
        }
    }
}

/// Why the provider would not take a conversation, as far as that can be told from it.
#[cfg(test)]
pub(crate) fn fault(messages: &[Message]) -> Option<String> {
    let mut open: Vec<String> = Vec::new();
    let mut ids = HashSet::new();
    for (place, message) in messages.iter().enumerate() {
        let expected = if place % 2 == 0 { Speaker::User } else { Speaker::Assistant };
        if message.speaker != expected {
            return Some(format!("{place}: out of turn"));
        }
        if message.blocks.is_empty() {
            return Some(format!("{place}: empty"));
        }
        let mut words = false;
        for block in &message.blocks {
            match block {
                Block::Text(text) if text.trim().is_empty() => return Some(format!("{place}: no words")),
                Block::Text(_) => words = true,
                Block::Outcome { id, .. } => {
                    let Some(at) = open.iter().position(|call| call == id) else {
                        return Some(format!("{place}: a result of no call"));
                    };
                    if words || message.speaker != Speaker::User {
                        return Some(format!("{place}: a result out of place"));
                    }
                    open.remove(at);
                }
                _ if message.speaker == Speaker::User => return Some(format!("{place}: not ours to say")),
                _ => {}
            }
        }
        if !open.is_empty() {
            return Some(format!("{place}: calls without results"));
        }
        for block in &message.blocks {
            if let Block::Call { id, .. } = block {
                if !ids.insert(id.clone()) {
                    return Some(format!("{place}: {id} twice"));
                }
                open.push(id.clone());
            }
        }
        if matches!(message.blocks.last(), Some(Block::Thinking { .. })) {
            return Some(format!("{place}: ends in a thought"));
        }
    }
    (messages.last().map(|last| last.speaker) != Some(Speaker::User)).then(|| "the last word is not ours".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(id: &str) -> Block {
        Block::Call { id: id.into(), name: "Read".into(), input: Ok(json!({})) }
    }

    fn result(id: &str) -> Block {
        Block::Outcome { id: id.into(), ok: true, text: "there".into() }
    }

    fn said(speaker: Speaker, blocks: Vec<Block>) -> Message {
        Message { speaker, blocks }
    }

    #[test]
    fn a_call_that_was_cut_off_gets_a_result_that_says_so() {
        let kept = vec![
            said(Speaker::Assistant, vec![Block::Text("I look.".into()), call("a"), call("b")]),
            said(Speaker::User, vec![Block::Text("More.".into()), result("b"), result("zz")]),
        ];
        let out = repaired(kept, |id, name| format!("{name} {id} was interrupted"));
        assert_eq!(out.len(), 2);
        let texts: Vec<_> = out[1]
            .blocks
            .iter()
            .map(|block| match block {
                Block::Outcome { id, ok, text } => format!("{id} {ok} {text}"),
                Block::Text(text) => text.clone(),
                _ => panic!("{block:?}"),
            })
            .collect();
        assert_eq!(texts, ["b true there", "a false Read a was interrupted", "More."]);
    }

    #[test]
    fn what_says_nothing_is_dropped_and_neighbours_are_put_together() {
        let thought = |signature: &str| Block::Thinking { text: "hm".into(), signature: signature.into() };
        let kept = vec![
            said(Speaker::Assistant, vec![thought("s")]),
            said(Speaker::Assistant, vec![Block::Text(" ".into()), Block::Text("One.".into())]),
            said(Speaker::Assistant, vec![call("a"), call("a")]),
            said(Speaker::Assistant, vec![thought("s"), call("a"), call("b")]),
        ];
        let mut messages = vec![Message::user("The brief")];
        messages.extend(repaired(kept, |_, _| "cut".into()));
        messages.push(Message::user("Go on"));
        let last = messages.pop();
        assert_eq!(fault(&messages), None, "{messages:?} {last:?}");
        assert_eq!(messages.len(), 5);
    }
}
