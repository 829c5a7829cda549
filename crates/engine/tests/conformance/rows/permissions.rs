//! Asking before acting.

use contract::{Ask, EngineKind, Outcome, Verdict};
use testkit::{On, Script, Turn};

use crate::folder::rules;
use crate::trial::Trial;

pub async fn allowed(trial: Trial) {
    ask(&trial, "Allow").await;
    assert!(trial.file("acted.txt").exists(), "{}", trial.story());
}

pub async fn denied(trial: Trial) {
    ask(&trial, "Deny: not on a Friday").await;
    assert!(!trial.file("acted.txt").exists(), "it was denied and happened; events:\n  {}", trial.story());
    let told = trial.provider.requests().iter().any(|request| request.body.to_string().contains("not on a Friday"));
    assert!(told || !takes_words(&trial), "the agent is told why; events:\n  {}", trial.story());
    let tools = trial.host.tools();
    assert!(tools.iter().any(|(_, ok, _)| !ok), "{tools:?}");
}

/// Whether its protocol has room for a reason beside a no. ACP has none.
fn takes_words(trial: &Trial) -> bool {
    trial.engine.kind != EngineKind::Acp
}

/// A command that needs leave, and this answer.
async fn ask(trial: &Trial, answer: &str) {
    trial.provider.play(Script::default().always(
        On::Any,
        [
            Turn::command("touch acted.txt && echo acted").usage(500, 30, 0, 0),
            Turn::text("So be it.").usage(600, 10, 0, 0),
        ],
    ));
    trial.host.answers.lock().unwrap().push_back(answer.into());
    let mut brief = trial.brief("Act, if you may");
    brief.rules = rules(Verdict::Ask);
    let ending = trial.run(&brief).await;
    trial.ended(&ending, Outcome::Completed, "");
    let questions = trial.host.questions.lock().unwrap().clone();
    assert_eq!(questions.len(), 1, "{questions:?}; events:\n  {}", trial.story());
    assert_eq!(questions[0].ask, Ask::Approval);
    let approval = questions[0].approval.clone().expect("it says what it is about");
    assert!(approval.action.contains("touch acted.txt && echo acted"), "{approval:?}");
}
