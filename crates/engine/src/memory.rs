//! Conversations on disk: a file each, a line for each thing said, written as it is said.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use contract::one_line;
use serde::{Deserialize, Serialize};

use crate::model::{Block, Message, Speaker};

/// Bytes of a line that is read back. One that is longer is left out.
const MAX_LINE: usize = 16 * 1024 * 1024;
/// Bytes of a conversation that are read back: its end. A model holds less.
const MAX_KEPT: usize = 4 * 1024 * 1024;
/// Conversations that are looked through for a delegation's last words.
const MAX_FILES: u32 = 2_000;
/// Characters of an agent's last words.
const LAST_WORDS: usize = 1_500;

/// A line of a conversation's file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// Whose it is: the first line of a delegation's.
    About(About),
    /// What stands before the work: earlier briefs, and this one.
    Opening(Message),
    /// What was said since.
    Said(Message),
}

/// Whose conversation it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// The agent's role.
    pub role: String,
    /// The number of the conversation that it was handed out in.
    pub above: u32,
    /// The tool call that handed it out.
    pub call: String,
}

/// A conversation's file, open for appending.
#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    number: u32,
    file: File,
    /// How often it was begun anew.
    begun: u32,
}

impl Keeper {
    /// The file of the conversation with that number, new.
    ///
    /// # Errors
    /// What the disk said.
    pub fn create(dir: &Path, number: u32, about: Option<About>) -> io::Result<Keeper> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)?;
        let file = open_new(&path(dir, number))?;
        let mut keeper = Keeper { dir: dir.to_owned(), number, file, begun: 0 };
        if let Some(about) = about {
            keeper.write(&[Line::About(about)])?;
        }
        Ok(keeper)
    }

    /// Appends what stands before the work.
    ///
    /// # Errors
    /// What the disk said.
    pub fn opening(&mut self, messages: &[Message]) -> io::Result<()> {
        self.write(&messages.iter().cloned().map(Line::Opening).collect::<Vec<_>>())
    }

    /// Appends what was said.
    ///
    /// # Errors
    /// What the disk said.
    pub fn said(&mut self, messages: &[Message]) -> io::Result<()> {
        self.write(&messages.iter().cloned().map(Line::Said).collect::<Vec<_>>())
    }

    /// Puts the file aside and begins it anew: the name of what was put aside.
    ///
    /// # Errors
    /// What the disk said; the file is then as it was, or gone to the name that it was to have.
    pub fn anew(&mut self, opening: &[Message], said: &[Message]) -> io::Result<String> {
        self.begun += 1;
        let aside = format!("{}.before-{}.jsonl", self.number, self.begun);
        let own = path(&self.dir, self.number);
        std::fs::rename(&own, self.dir.join(&aside))?;
        self.file = open_new(&own)?;
        self.opening(opening)?;
        self.said(said)?;
        Ok(aside)
    }

    fn write(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, line)?;
            bytes.push(b'\n');
        }
        self.file.write_all(&bytes)
    }
}

fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number}.jsonl"))
}

fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What was said in a conversation since its opening, as far as it can be read: its end, where it is long.
///
/// # Errors
/// Where the file cannot be read at all.
pub(crate) fn load(dir: &Path, number: u32) -> io::Result<Vec<Message>> {
    Ok(read(dir, number)?.1)
}

/// What came of the work that the call handed out in the root's conversation, as far as its own conversation tells.
pub(crate) fn last_words(dir: &Path, call: &str) -> Option<String> {
    for number in 1..=MAX_FILES {
        let Ok((about, said)) = read(dir, number) else {
            // Numbers go to the conversations in turn: what is not there has none after it.
            return None;
        };
        let Some(about) = about.filter(|about| about.call == call && about.above == 0) else { continue };
        let texts = said.iter().rev().filter(|message| message.speaker == Speaker::Assistant);
        let last = texts.flat_map(|message| message.blocks.iter().rev()).find_map(|block| match block {
            Block::Text(text) if !text.trim().is_empty() => Some(one_line(text, LAST_WORDS)),
            _ => None,
        });
        return Some(match last {
            Some(last) => format!("The last that {} said was: {last}", about.role),
            None => format!("{} had begun and said nothing yet.", about.role),
        });
    }
    None
}

fn read(dir: &Path, number: u32) -> io::Result<(Option<About>, Vec<Message>)> {
    let mut reader = BufReader::new(File::open(path(dir, number))?);
    let (mut about, mut said, mut size) = (None, VecDeque::new(), 0);
    let mut line = Vec::new();
    while next_line(&mut reader, &mut line)? {
        match serde_json::from_slice(&line) {
            Ok(Line::About(found)) => about = about.or(Some(found)),
            Ok(Line::Said(message)) => {
                size += line.len();
                said.push_back((line.len(), message));
            }
            Ok(Line::Opening(_)) => {}
            // The line that was cut off, or one that something else has damaged: what is around it still counts.
            Err(error) => tracing::debug!(%error, number, "a line of a conversation does not read"),
        }
        while size > MAX_KEPT
            && said.len() > 1
            && let Some((bytes, _)) = said.pop_front()
        {
            size -= bytes;
        }
    }
    Ok((about, said.into_iter().map(|(_, message)| message).collect()))
}

/// Reads a line into `line`; false at the end. One that is too long comes out empty.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    if reader.by_ref().take(most).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.len() >= MAX_LINE && line.last() != Some(&b'\n') {
        line.clear();
        reader.skip_until(b'\n')?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repair::{fault, repaired};
    use proptest::prelude::*;
    use serde_json::json;

    fn call(id: String) -> Block {
        Block::Call { id, name: "Read".into(), input: Ok(json!({ "file_path": "a" })) }
    }

    /// A conversation as it is lived: answers with calls, their results, words between.
    fn lived() -> impl Strategy<Value = Vec<Message>> {
        let step = (0usize..4, prop::bool::ANY, prop::bool::ANY);
        prop::collection::vec(step, 1..12).prop_map(|steps| {
            let mut messages = Vec::new();
            for (number, (calls, thinks, told)) in steps.into_iter().enumerate() {
                let ids: Vec<_> = (0..calls).map(|place| format!("toolu_{number}_{place}")).collect();
                let mut blocks = Vec::new();
                if thinks {
                    blocks.push(Block::Thinking { text: "hm".into(), signature: "s".into() });
                }
                blocks.push(Block::Text(format!("answer {number}\nwith \"two\" lines")));
                blocks.extend(ids.iter().cloned().map(call));
                messages.push(Message { speaker: Speaker::Assistant, blocks });
                let mut ours: Vec<_> =
                    ids.into_iter().map(|id| Block::Outcome { id, ok: true, text: "there".into() }).collect();
                if told || ours.is_empty() {
                    ours.push(Block::Text("More of ours.".into()));
                }
                messages.push(Message { speaker: Speaker::User, blocks: ours });
            }
            messages
        })
    }

    fn resumed(dir: &Path) -> Vec<Message> {
        let mut messages = vec![Message::user("The brief")];
        messages.extend(repaired(load(dir, 0).unwrap(), |_, _| "It was interrupted.".into()));
        match messages.last_mut() {
            Some(last) if last.speaker == Speaker::User => last.blocks.push(Block::Text("Go on.".into())),
            _ => messages.push(Message::user("Go on.")),
        }
        // What follows the brief begins with an answer, or is words of ours that belong to it.
        let mut joined: Vec<Message> = Vec::new();
        for message in messages {
            match joined.last_mut() {
                Some(last) if last.speaker == message.speaker => last.blocks.extend(message.blocks),
                _ => joined.push(message),
            }
        }
        joined
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// Whatever beginning of the file is left, and whatever lines and bytes are cut out of it, what is made of it is
        /// a conversation that the provider accepts.
        #[test]
        fn whatever_is_left_of_a_conversation_can_go_on(
            said in lived(), end in 0.0f64..=1.0, holes in prop::collection::vec((0.0f64..1.0, 0usize..200), 0..4),
            lost in prop::collection::vec(0usize..24, 0..4),
        ) {
            let temp = tempfile::tempdir().unwrap();
            let mut keeper = Keeper::create(temp.path(), 0, None).unwrap();
            keeper.opening(&[Message::user("The brief")]).unwrap();
            keeper.said(&said).unwrap();
            let file = path(temp.path(), 0);
            let text = std::fs::read(&file).unwrap();
            let lines = text.split_inclusive(|byte| *byte == b'\n').enumerate();
            let mut left: Vec<u8> =
                lines.filter(|(place, _)| !lost.contains(place)).flat_map(|(_, line)| line.to_vec()).collect();
            for (at, bytes) in holes {
                let at = (left.len() as f64 * at) as usize;
                left.drain(at..(at + bytes).min(left.len()));
            }
            left.truncate((left.len() as f64 * end) as usize);
            std::fs::write(&file, left).unwrap();
            let messages = resumed(temp.path());
            prop_assert_eq!(fault(&messages), None, "{:?}", messages);
        }
    }

    #[test]
    fn a_whole_conversation_comes_back_as_it_was() {
        let temp = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::create(&temp.path().join("talk"), 0, None).unwrap();
        let said = vec![
            Message { speaker: Speaker::Assistant, blocks: vec![call("a".into())] },
            Message {
                speaker: Speaker::User,
                blocks: vec![Block::Outcome { id: "a".into(), ok: false, text: "no".into() }],
            },
        ];
        keeper.opening(&[Message::user("The brief")]).unwrap();
        keeper.said(&said).unwrap();
        let back = load(&temp.path().join("talk"), 0).unwrap();
        assert_eq!(format!("{back:?}"), format!("{said:?}"));
        assert!(load(temp.path(), 0).is_err(), "no file is not an empty conversation");
    }

    #[test]
    fn what_is_put_aside_is_whole_and_the_file_goes_on() {
        let temp = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::create(temp.path(), 3, None).unwrap();
        keeper.said(&[Message::assistant("old")]).unwrap();
        for number in 1..=2 {
            let aside = keeper.anew(&[Message::user("The brief")], &[Message::assistant("short")]).unwrap();
            assert_eq!(aside, format!("3.before-{number}.jsonl"));
        }
        keeper.said(&[Message::user("new")]).unwrap();
        assert!(std::fs::read_to_string(temp.path().join("3.before-1.jsonl")).unwrap().contains("old"));
        let back = format!("{:?}", load(temp.path(), 3).unwrap());
        assert!(back.contains("short") && back.contains("new") && !back.contains("old"), "{back}");
    }

    #[test]
    fn the_last_words_of_work_that_was_cut_off_are_found_by_its_call() {
        let temp = tempfile::tempdir().unwrap();
        let about = |call: &str, above| Some(About { role: "cto".into(), above, call: call.into() });
        for (number, about) in [(1, about("x", 0)), (2, about("y", 1)), (3, about("y", 0))] {
            let mut keeper = Keeper::create(temp.path(), number, about).unwrap();
            keeper.said(&[Message::assistant(format!("I am at part {number}."))]).unwrap();
        }
        let words = last_words(temp.path(), "y").unwrap();
        assert!(words.contains("cto") && words.contains("I am at part 3."), "{words}");
        assert_eq!(last_words(temp.path(), "z"), None);
    }

    #[test]
    fn a_huge_conversation_is_read_from_its_end_in_bounded_memory() {
        let temp = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::create(temp.path(), 0, None).unwrap();
        for number in 0..100 {
            keeper.said(&[Message::user(format!("{number} {}", "x".repeat(200_000)))]).unwrap();
        }
        keeper.said(&[Message::user("y".repeat(MAX_LINE))]).unwrap();
        keeper.said(&[Message::user("the end")]).unwrap();
        let back = load(temp.path(), 0).unwrap();
        assert!(back.len() > 10 && back.len() < 25, "{}", back.len());
        assert!(format!("{:?}", back.last()).contains("the end"));
    }
}
