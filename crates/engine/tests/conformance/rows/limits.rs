//! Limits of money and of turns.

use std::sync::atomic::Ordering;

use contract::{Ask, Outcome};
use testkit::{On, Script, Turn};

use crate::trial::Trial;

pub async fn budget(trial: Trial) {
    let dear = Turn::command("echo again >> again.txt").usage(400_000, 2_000, 0, 0);
    trial.provider.play(Script::default().always(On::Any, [dear]));
    trial.host.leases.store(1, Ordering::SeqCst);
    let ending = trial.run(&trial.brief("Go on until the money ends")).await;
    trial.ended(&ending, Outcome::Failed, "budget.brief_reached");
    let asked = trial.host.questions.lock().unwrap().iter().any(|question| question.ask == Ask::Limit);
    assert!(asked, "the founder is asked whether the limit is to be raised");
    assert!(trial.provider.requests().len() <= 3, "{} calls were made", trial.provider.requests().len());
}

pub async fn turns(trial: Trial) {
    // One answer may be under way when the turns are over.
    trial.breaks_off();
    let again = Turn::command("echo again >> again.txt").usage(500, 20, 0, 0);
    trial.provider.play(Script::default().always(On::Any, [again]));
    let mut brief = trial.brief("Go on for ever");
    brief.limits.ceo_turns = 3;
    let ending = trial.run(&brief).await;
    trial.ended(&ending, Outcome::Failed, "run.turns_reached");
    assert!(trial.provider.requests().len() <= 4, "{} calls were made", trial.provider.requests().len());
}
