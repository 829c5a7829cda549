//! Work that goes round in circles: the same call over and over, work handed out again and again, turns that bring
//! nothing new. Pure: it sees calls and results, and says when it is time for a word.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

/// The same call with the same result, in a row, before a word is said. At twice that somebody is asked.
const SAME_CALLS: u32 = 5;
/// The same task to the same agent.
const SAME_TASKS: u32 = 3;
/// Turns in a row that change nothing and find out nothing new.
const IDLE_TURNS: u32 = 12;
/// Results and tasks that are remembered.
const MAX_KNOWN: usize = 10_000;

/// What a call was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To change something.
    Effect,
    /// To have somebody do something: whom.
    HandOut(String),
    /// To find something out.
    Look,
}

/// A tool call, as far as it matters here.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    aim: Aim,
    /// The tool, and what it was about, in a few words.
    name: String,
    /// Tool and input.
    call: u64,
}

impl Made {
    /// A call of the tool with that name; `about`: in a few words.
    pub fn new(aim: Aim, name: &str, about: &str, input: &Value) -> Made {
        let name = if about.is_empty() { name.to_owned() } else { format!("{name} {about}") };
        Made { aim, call: hash(&(&name, input.to_string())), name }
    }
}

/// What to make of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Fine,
    /// It may be going round in circles, in these words.
    Warn(String),
    /// It still does: somebody has to say whether it is to go on.
    Ask(String),
}

/// Watches over one agent's turns.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    /// The last call and its result, and how often in a row.
    last: Option<(u64, u64)>,
    same: u32,
    /// Tasks handed out, and how often.
    tasks: HashMap<(String, u64), u32>,
    /// Results that were seen.
    seen: HashSet<u64>,
    idle: u32,
}

impl Guard {
    /// A turn: each call with the text that came of it.
    pub fn turn<'r>(&mut self, turn: impl IntoIterator<Item = (&'r Made, &'r str)>) -> Verdict {
        let mut verdict = Verdict::Fine;
        let mut moved = false;
        for (made, result) in turn {
            let result = hash(&result);
            moved |= made.aim != Aim::Look;
            moved |= self.is_new(result);
            verdict = verdict.or(match &made.aim {
                Aim::HandOut(to) => self.handed_out(to, made.call),
                _ => self.called(made, result),
            });
        }
        self.idle = if moved { 0 } else { self.idle + 1 };
        verdict.or(of(self.idle, IDLE_TURNS, || format!("{} turns in a row brought nothing new", self.idle)))
    }

    /// It was said to go on: all is counted anew.
    pub fn goes_on(&mut self) {
        *self = Guard { seen: std::mem::take(&mut self.seen), ..Guard::default() };
    }

    fn is_new(&mut self, result: u64) -> bool {
        if self.seen.len() >= MAX_KNOWN {
            self.seen.clear();
        }
        self.seen.insert(result)
    }

    fn handed_out(&mut self, to: &str, task: u64) -> Verdict {
        if self.tasks.len() >= MAX_KNOWN {
            self.tasks.clear();
        }
        let count = self.tasks.entry((to.to_owned(), task)).or_default();
        *count += 1;
        of(*count, SAME_TASKS, || format!("the same task went to {to} {count} times"))
    }

    fn called(&mut self, made: &Made, result: u64) -> Verdict {
        self.same = if self.last == Some((made.call, result)) { self.same + 1 } else { 1 };
        self.last = Some((made.call, result));
        of(self.same, SAME_CALLS, || {
            format!("{} was called {} times in a row with the same result", made.name, self.same)
        })
    }
}

impl Verdict {
    /// The graver of two.
    fn or(self, other: Verdict) -> Verdict {
        match (&self, &other) {
            (Verdict::Ask(_), _) | (_, Verdict::Fine) => self,
            (Verdict::Warn(_), Verdict::Warn(_)) => self,
            _ => other,
        }
    }
}

/// A word at `most`, and once more, and graver, from twice that on.
fn of(count: u32, most: u32, what: impl Fn() -> String) -> Verdict {
    if count >= most * 2 {
        Verdict::Ask(what())
    } else if count == most {
        Verdict::Warn(what())
    } else {
        Verdict::Fine
    }
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn look(path: &str) -> Made {
        Made::new(Aim::Look, "Read", path, &json!({ "file_path": path }))
    }

    fn write(path: &str) -> Made {
        Made::new(Aim::Effect, "Write", path, &json!({ "file_path": path }))
    }

    fn hand_out(to: &str, task: &str) -> Made {
        Made::new(Aim::HandOut(to.into()), "delegate", to, &json!({ "to": to, "task": task }))
    }

    #[test]
    fn the_same_call_with_the_same_result_gets_a_word_at_five_and_a_question_at_ten() {
        let mut guard = Guard::default();
        for count in 1..=10 {
            let verdict = guard.turn([(&write("a.md"), "written")]);
            match count {
                5 => assert!(matches!(&verdict, Verdict::Warn(text) if text.contains("Write a.md was called 5 times"))),
                10 => assert!(matches!(&verdict, Verdict::Ask(text) if text.contains("10 times")), "{verdict:?}"),
                _ => assert_eq!(verdict, Verdict::Fine, "{count}"),
            }
        }
        guard.goes_on();
        assert_eq!(guard.turn([(&write("a.md"), "written")]), Verdict::Fine);
    }

    #[test]
    fn another_result_or_another_call_between_breaks_the_row() {
        let mut guard = Guard::default();
        for count in 0..100 {
            let result = format!("line {count}");
            assert_eq!(guard.turn([(&look("log.txt"), result.as_str())]), Verdict::Fine);
            assert_eq!(guard.turn([(&write("a"), "written"), (&write("b"), "written")]), Verdict::Fine);
        }
    }

    #[test]
    fn work_that_bounces_gets_a_word_at_three_and_a_question_at_six() {
        let mut guard = Guard::default();
        for count in 1..=6 {
            let result = format!("report {count}");
            let verdict = guard.turn([(&hand_out("cto", "Fix it"), result.as_str()), (&write("a"), result.as_str())]);
            match count {
                3 => assert!(matches!(&verdict, Verdict::Warn(text) if text.contains("cto 3 times"))),
                6 => assert!(matches!(verdict, Verdict::Ask(_))),
                _ => assert_eq!(verdict, Verdict::Fine),
            }
            assert_eq!(guard.turn([(&hand_out("cfo", &result), "done")]), Verdict::Fine, "other work is none of it");
        }
    }

    #[test]
    fn turns_that_bring_nothing_new_get_a_word_at_twelve_and_a_question_at_twenty_four() {
        let mut guard = Guard::default();
        let files = [look("a"), look("b")];
        assert_eq!(guard.turn([(&files[0], "A"), (&files[1], "B")]), Verdict::Fine);
        for count in 1..=24 {
            let (file, text) = if count % 2 == 0 { (&files[0], "A") } else { (&files[1], "B") };
            match guard.turn([(file, text)]) {
                Verdict::Warn(text) => assert!(count == 12 && text.contains("12 turns"), "{count} {text}"),
                Verdict::Ask(_) => assert_eq!(count, 24),
                Verdict::Fine => assert!(count != 12 && count != 24),
            }
        }
    }

    proptest! {
        /// Whatever an agent does: no question comes without a word before it, and none while every turn brings
        /// something new that is not the same call.
        #[test]
        fn a_word_comes_before_a_question(turns in prop::collection::vec((0u8..3, 0u8..3, 0u8..3), 1..200)) {
            let mut guard = Guard::default();
            let mut warned = false;
            for (aim, what, result) in turns {
                let made = match aim {
                    0 => look(&what.to_string()),
                    1 => write(&what.to_string()),
                    _ => hand_out("cto", &what.to_string()),
                };
                match guard.turn([(&made, result.to_string().as_str())]) {
                    Verdict::Fine => {}
                    Verdict::Warn(text) => { prop_assert!(!text.is_empty()); warned = true }
                    Verdict::Ask(_) => {
                        prop_assert!(warned);
                        guard.goes_on();
                        warned = false;
                    }
                }
            }
        }

        #[test]
        fn who_always_does_something_else_is_let_be(turns in 1usize..300) {
            let mut guard = Guard::default();
            for turn in 0..turns {
                let text = turn.to_string();
                prop_assert_eq!(guard.turn([(&look(&text), text.as_str())]), Verdict::Fine);
            }
        }
    }
}
