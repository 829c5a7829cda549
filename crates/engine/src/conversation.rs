//! A conversation that stays within bounds, however long an agent works.

use std::io;

use contract::{Exchange, clip};
use serde_json::Value;

use crate::memory::Keeper;
use crate::model::{Block, Message, Speaker};
use crate::repair::repaired;

/// Bytes of a conversation, about, before old parts are left out.
const MAX_BYTES: usize = 600_000;
/// Bytes that are left then, so that it does not happen at every turn: each time costs the provider's cache.
const TARGET_BYTES: usize = 400_000;
/// Bytes of the results of one turn's tools, together.
const MAX_RESULTS: usize = 260 * 1024;
/// Bytes of a text or tool input that a model says, at most.
const MAX_SAID: usize = 256 * 1024;
/// Bytes of a brief or answer of earlier in the session.
const MAX_EXCHANGE: usize = 32 * 1024;
/// Bytes of all of them.
const MAX_HISTORY: usize = 200_000;
/// Messages at the end that stay whole.
const FRESH: usize = 4;
/// Percent of a conversation that is worth summing up.
const WORTH: usize = 40;
/// Texts up to this length are not worth leaving out.
const SHORT: usize = 300;
const LEFT_OUT: &str = "[left out to save room; use the tool again if it is needed]";
const GAP: &str = "[Earlier steps of this work were left out to save room.]";

/// What was said between us and a model.
pub(crate) struct Conversation {
    messages: Vec<Message>,
    /// Messages at the start that stay: history and brief.
    opening: usize,
    /// Where it is kept, if anywhere.
    keeper: Option<Keeper>,
    /// What was said and is not kept yet.
    unkept: Vec<Message>,
}

impl Conversation {
    /// A conversation that begins with `first`, after what was said before in the session.
    pub fn new(history: &[Exchange], first: String) -> Conversation {
        let mut messages = Vec::new();
        let mut room = MAX_HISTORY;
        for exchange in history.iter().rev() {
            let directive = clip(&exchange.directive, MAX_EXCHANGE);
            let answer = clip(&exchange.answer, MAX_EXCHANGE);
            // The provider takes no empty text.
            if directive.trim().is_empty() || answer.trim().is_empty() {
                continue;
            }
            let size = directive.len() + answer.len();
            if size > room {
                break;
            }
            room -= size;
            messages.push(Message::assistant(answer));
            messages.push(Message::user(directive));
        }
        messages.reverse();
        messages.push(Message::user(first));
        Conversation { opening: messages.len(), messages, keeper: None, unkept: Vec::new() }
    }

    /// From now on it is kept on disk, with what was said so far.
    ///
    /// # Errors
    /// What the disk said; it is not kept then.
    pub fn kept(&mut self, keeper: io::Result<Keeper>) -> io::Result<()> {
        let mut keeper = keeper?;
        keeper.opening(&self.messages[..self.opening])?;
        self.keeper = Some(keeper);
        Ok(())
    }

    /// Takes up what was said in an earlier run, as far as it is left. How many answers of the model's there are in it.
    /// `unanswered` says what came of a call whose result is missing, by its id and name.
    pub fn takes_up(&mut self, said: Vec<Message>, unanswered: impl Fn(&str, &str) -> String) -> u32 {
        let mut answers = 0;
        for message in repaired(said, unanswered) {
            answers += u32::from(message.speaker == Speaker::Assistant);
            self.add(message);
        }
        answers
    }

    /// Writes to disk what was said since the last time.
    ///
    /// # Errors
    /// What the disk said; it is not kept from then on.
    pub fn keep(&mut self) -> io::Result<()> {
        let unkept = std::mem::take(&mut self.unkept);
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        if unkept.is_empty() {
            return Ok(());
        }
        let kept = keeper.said(&unkept);
        if kept.is_err() {
            self.keeper = None;
        }
        kept
    }

    fn add(&mut self, message: Message) {
        self.unkept.push(message.clone());
        match self.messages.last_mut() {
            Some(last) if last.speaker == message.speaker => last.blocks.extend(message.blocks),
            _ => self.messages.push(message),
        }
    }

    /// What may be put in a few words: the steps between the brief and the last ones. None where that would not be worth
    /// a call.
    pub fn middle(&self) -> Option<&[Message]> {
        let middle = &self.messages[self.opening..self.fresh()];
        let worth: usize = middle.iter().map(weight).sum();
        (middle.len() >= 2 && worth >= self.size() / 100 * WORTH).then_some(middle)
    }

    /// Where the last steps begin: with an answer of the model's.
    fn fresh(&self) -> usize {
        let mut start = self.messages.len().saturating_sub(FRESH).max(self.opening);
        while start < self.messages.len() && self.messages[start].speaker != Speaker::Assistant {
            start += 1;
        }
        start
    }

    /// Puts words in the place of the middle. The name of the file that what was there is kept in, if it is.
    ///
    /// # Errors
    /// What the disk said; the words are in place, and the conversation is not kept from then on.
    pub fn sum_up(&mut self, words: String) -> io::Result<Option<String>> {
        let end = self.fresh();
        let brief = self.messages[..self.opening].to_vec();
        self.messages.drain(self.opening..end);
        let summary = Message::user(words);
        if let Some(last) = self.messages.get_mut(self.opening - 1) {
            last.blocks.extend(summary.blocks.clone());
        }
        self.keep()?;
        let Some(keeper) = &mut self.keeper else { return Ok(None) };
        let mut said = vec![summary];
        said.extend_from_slice(&self.messages[self.opening..]);
        let aside = keeper.anew(&brief, &said);
        if aside.is_err() {
            self.keeper = None;
        }
        aside.map(Some)
    }

    /// All of it.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Adds what a model said.
    pub fn said(&mut self, blocks: Vec<Block>) {
        let mut blocks: Vec<Block> = blocks.into_iter().filter_map(bounded).collect();
        // A thought that was cut before anything followed it: the provider does not take it back.
        while matches!(blocks.last(), Some(Block::Thinking { .. })) {
            blocks.pop();
        }
        if !blocks.is_empty() {
            // An answer that was paused goes on in the one after it.
            self.add(Message { speaker: Speaker::Assistant, blocks });
        }
    }

    /// Adds words of ours.
    pub fn told(&mut self, text: &str) {
        self.add(Message::user(text));
    }

    /// Adds what came of a turn's tools.
    pub fn results(&mut self, mut outcomes: Vec<Block>) {
        let share = MAX_RESULTS / outcomes.len().max(1);
        for outcome in &mut outcomes {
            if let Block::Outcome { text, .. } = outcome
                && text.len() > share
            {
                *text = clip(text, share).into_owned();
            }
        }
        self.add(Message { speaker: Speaker::User, blocks: outcomes });
    }

    /// Leaves out old results, then old steps, when it has grown too long.
    pub fn shrink(&mut self) {
        if self.size() > MAX_BYTES {
            self.cut_to(TARGET_BYTES);
        }
    }

    /// About how many bytes it has.
    fn size(&self) -> usize {
        self.messages.iter().map(weight).sum()
    }

    /// Leaves out old results, then old steps, until about so many bytes are left.
    pub fn cut_to(&mut self, target: usize) {
        let mut size = self.size();
        let old = self.messages.len().saturating_sub(FRESH);
        for message in self.messages.iter_mut().take(old).skip(self.opening) {
            if size <= target {
                return;
            }
            let before = weight(message);
            message.blocks.iter_mut().for_each(hollow);
            size -= before.saturating_sub(weight(message));
        }
        let mut dropped = false;
        while size > target && self.messages.len() >= self.opening + FRESH + 2 {
            // A step is what the model said and what came of it: tool calls and results go together.
            let step: usize = self.messages.drain(self.opening..self.opening + 2).map(|message| weight(&message)).sum();
            size -= step.min(size);
            dropped = true;
        }
        if dropped && let Some(brief) = self.messages.get_mut(self.opening - 1) {
            let told = brief.blocks.iter().any(|block| matches!(block, Block::Text(text) if text == GAP));
            if !told {
                brief.blocks.push(Block::Text(GAP.into()));
            }
        }
    }
}

/// What a model said, no longer than anybody needs. The provider takes no blank text back.
fn bounded(block: Block) -> Option<Block> {
    match block {
        Block::Text(text) if text.trim().is_empty() => None,
        Block::Text(text) if text.len() > MAX_SAID => Some(Block::Text(clip(&text, MAX_SAID).into_owned())),
        Block::Call { id, name, input: Ok(input) } if size_of(&input) > MAX_SAID => {
            let mut input = input;
            shorten(&mut input);
            Some(Block::Call { id, name, input: Ok(input) })
        }
        block => Some(block),
    }
}

fn weight(message: &Message) -> usize {
    let blocks = message.blocks.iter().map(|block| match block {
        Block::Text(text) | Block::Outcome { text, .. } => text.len(),
        Block::Thinking { text, signature } => text.len() + signature.len(),
        Block::Opaque(value) | Block::Call { input: Ok(value), .. } => size_of(value),
        Block::Call { input: Err(text), .. } => text.len(),
    });
    blocks.map(|bytes| bytes + 100).sum()
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size_of(item) + 1).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(key, item)| key.len() + size_of(item) + 4).sum::<usize>() + 2,
        _ => 8,
    }
}

fn hollow(block: &mut Block) {
    match block {
        Block::Outcome { text, .. } if text.len() > SHORT => *text = LEFT_OUT.into(),
        Block::Call { input: Ok(input), .. } => shorten(input),
        Block::Call { input, .. } => *input = Err(String::new()),
        _ => {}
    }
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > SHORT => *text = LEFT_OUT.into(),
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn step(talk: &mut Conversation, number: usize, bytes: usize) {
        let id = format!("toolu_{number}");
        let input = Ok(json!({ "file_path": "a", "content": "c".repeat(bytes) }));
        talk.said(vec![Block::Call { id: id.clone(), name: "Write".into(), input }]);
        talk.results(vec![Block::Outcome { id, ok: true, text: "r".repeat(bytes) }]);
    }

    fn total(talk: &Conversation) -> usize {
        talk.messages().iter().map(weight).sum()
    }

    #[test]
    fn it_stays_bounded_and_each_result_keeps_its_call() {
        let mut talk = Conversation::new(&[], "The brief".into());
        for number in 0..400 {
            step(&mut talk, number, 20_000 - number % 7);
            talk.shrink();
            assert!(total(&talk) <= MAX_BYTES, "{}", total(&talk));
        }
        let messages = talk.messages();
        assert!(matches!(&messages[0].blocks[0], Block::Text(text) if text == "The brief"));
        for pair in messages[1..].chunks(2) {
            let Block::Call { id: call, .. } = &pair[0].blocks[0] else { panic!("no call") };
            let Block::Outcome { id: outcome, .. } = &pair[1].blocks[0] else { panic!("no outcome") };
            assert_eq!(call, outcome);
        }
        let Block::Outcome { text, .. } = &messages[messages.len() - 1].blocks[0] else { panic!("no outcome") };
        assert!(text.len() > 10_000, "the latest result is whole");
    }

    #[test]
    fn thousands_of_small_steps_stay_bounded_too() {
        let mut talk = Conversation::new(&[], "The brief".into());
        for number in 0..4_000 {
            step(&mut talk, number, 200);
            talk.shrink();
        }
        assert!(total(&talk) <= MAX_BYTES);
        assert!(talk.messages()[0].blocks.iter().filter(|b| matches!(b, Block::Text(t) if t == GAP)).count() == 1);
    }

    #[test]
    fn one_turn_of_huge_results_is_cut() {
        let mut talk = Conversation::new(&[], "The brief".into());
        let outcomes = (0..20).map(|n| Block::Outcome { id: n.to_string(), ok: true, text: "x".repeat(300_000) });
        talk.results(outcomes.collect());
        assert!(total(&talk) < 300_000);
    }

    #[test]
    fn history_comes_first_and_the_newest_wins() {
        let history: Vec<Exchange> =
            (0..50).map(|n| Exchange { directive: format!("brief {n}"), answer: "a".repeat(20_000) }).collect();
        let talk = Conversation::new(&history, "now".into());
        let messages = talk.messages();
        assert!(total(&talk) < 220_000 && messages.len() % 2 == 1);
        let Block::Text(last) = &messages[messages.len() - 3].blocks[0] else { panic!("no text") };
        assert_eq!(last, "brief 49");
        assert_eq!(messages[0].speaker, Speaker::User);
    }
}
