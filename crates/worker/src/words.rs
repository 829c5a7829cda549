//! What the founder has said to a run: answers to its questions, and more to the brief. The daemon says it again each
//! time that it is there again, so everything is taken once, by its key or place.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::{ErrorCode, RunAnswer, RunFollowUp, Seq, limit_question};
use tokio::sync::oneshot;

/// Follow-ups that wait to be taken, at most. What is more is in the job's events, and is said again later.
const MAX_WAITING: usize = 200;

/// What was said.
#[derive(Default)]
pub struct Words {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Questions that somebody waits for.
    asked: HashMap<String, oneshot::Sender<String>>,
    /// Questions that there were, for their keys.
    count: u64,
    /// Follow-ups that were not taken yet.
    waiting: BTreeMap<Seq, String>,
    /// The last follow-up that was taken: they come in order.
    taken: Vec<Seq>,
}

impl Words {
    /// A key for a question, unique in the run, and where its answer comes. Before anybody hears of the question: no
    /// answer is faster than this. The key of a question about a limit names the refusal.
    pub fn expect(&self, refusal: Option<&ErrorCode>) -> (String, oneshot::Receiver<String>) {
        let mut state = self.state();
        state.count += 1;
        // Whoever waited and left does not wait any more.
        state.asked.retain(|_, waits| !waits.is_closed());
        let key = format!("q{}", state.count);
        let key = refusal.map_or(key.clone(), |refusal| limit_question(refusal, &key));
        let (tell, answer) = oneshot::channel();
        state.asked.insert(key.clone(), tell);
        (key, answer)
    }

    /// The founder's answer. One that nobody waits for is none.
    pub fn answered(&self, answer: RunAnswer) {
        let Some(waits) = self.state().asked.remove(&answer.key) else {
            tracing::debug!(key = answer.key, "nobody waits for this answer");
            return;
        };
        if waits.send(answer.answer).is_err() {
            tracing::debug!(key = answer.key, "nobody waits for this answer any more");
        }
    }

    /// The founder has more to say.
    pub fn told_more(&self, more: RunFollowUp) {
        let mut state = self.state();
        if state.waiting.len() < MAX_WAITING && !state.taken.contains(&more.seq) {
            state.waiting.insert(more.seq, more.text);
        }
    }

    /// Takes what the founder has to say, in order.
    pub fn follow_ups(&self) -> Vec<(Seq, String)> {
        let mut state = self.state();
        let taken: Vec<_> = std::mem::take(&mut state.waiting).into_iter().collect();
        state.taken.extend(taken.iter().map(|(seq, _)| *seq));
        taken
    }

    /// How much of it nobody has taken.
    pub fn untaken(&self) -> usize {
        self.state().waiting.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(seq: i64) -> RunFollowUp {
        RunFollowUp { seq: Seq(seq), text: format!("more {seq}") }
    }

    #[tokio::test]
    async fn the_first_answer_to_a_question_counts_and_others_are_nobodys() {
        let words = Words::default();
        let (key, answer) = words.expect(None);
        let (other, _) = words.expect(Some(&ErrorCode::BUDGET_SESSION));
        assert_ne!(key, other);
        assert_eq!(contract::refusal_of(&other), Some(ErrorCode::BUDGET_SESSION));
        words.answered(RunAnswer { key: "q99".into(), answer: "no".into() });
        words.answered(RunAnswer { key: key.clone(), answer: "blue".into() });
        words.answered(RunAnswer { key, answer: "red".into() });
        assert_eq!(answer.await.unwrap(), "blue");
        words.answered(RunAnswer { key: other, answer: "to somebody who left".into() });
    }

    #[test]
    fn what_is_said_twice_is_taken_once_and_in_order() {
        let words = Words::default();
        for seq in [8, 5, 8] {
            words.told_more(more(seq));
        }
        assert_eq!(words.untaken(), 2);
        assert_eq!(words.follow_ups(), [(Seq(5), "more 5".to_owned()), (Seq(8), "more 8".to_owned())]);
        // As after a connection that broke before the daemon knew that they were taken.
        for seq in [5, 8, 9] {
            words.told_more(more(seq));
        }
        assert_eq!(words.follow_ups(), [(Seq(9), "more 9".to_owned())]);
        assert_eq!((words.untaken(), words.follow_ups()), (0, Vec::new()));
    }

    #[test]
    fn a_flood_is_bounded() {
        let words = Words::default();
        (0..10_000).for_each(|seq| words.told_more(more(seq)));
        assert_eq!(words.untaken(), MAX_WAITING);
    }
}
