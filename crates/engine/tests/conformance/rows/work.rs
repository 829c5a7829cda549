//! What an engine is for.

use std::time::Duration;

use contract::{Ask, EventBody, Exchange, Seq};
use testkit::{On, Script, Turn};

use crate::trial::Trial;

pub async fn plain_answer(trial: Trial) {
    trial.provider.play(Script::of([Turn::text("All is well.").usage(1_200, 80, 300, 0)]));
    let ending = trial.run(&trial.brief("Say how things are")).await;
    trial.completed(&ending, "All is well.");
    assert!(ending.turns >= 1);
    let said = trial.host.has(|body| matches!(body, EventBody::Message { text } if !text.is_empty()));
    assert!(said, "{}", trial.story());
    if trial.engine.is_program() {
        let begun = trial.host.has(|body| matches!(body, EventBody::EngineStarted { .. }));
        assert!(begun && !trial.host.raw.lock().unwrap().is_empty(), "its raw lines are kept");
    }
}

pub async fn tools(trial: Trial) {
    trial.provider.play(Script::of([
        Turn::command("echo hi-from-shell > said.txt; echo hi-from-shell; exit 3").usage(900, 60, 0, 0),
        Turn::write(&trial.folder.dir, "docs/made.md", "line one\nline two\n").usage(1_100, 70, 200, 0),
        Turn::text("Both are done.").usage(1_300, 20, 900, 0),
    ]));
    let ending = trial.run(&trial.brief("Run a command and write a file")).await;
    trial.completed(&ending, "Both are done.");
    let tools = trial.host.tools();
    assert!(!tools.is_empty(), "{}", trial.story());
    if trial.engine.is_practice() {
        return;
    }
    assert_eq!(std::fs::read_to_string(trial.file("said.txt")).unwrap(), "hi-from-shell\n", "{}", trial.story());
    assert_eq!(std::fs::read_to_string(trial.file("docs/made.md")).unwrap().trim_end(), "line one\nline two");
    assert_eq!(tools.len(), 2, "{tools:?}");
    assert!(tools[0].2.contains("hi-from-shell"), "{tools:?}");
    assert!(tools[1].1, "{tools:?}");
}

pub async fn delegation(trial: Trial) {
    let of_the_head = [
        Turn::write(&trial.folder.dir, "docs/facts.md", "# Facts\n").usage(700, 50, 0, 0),
        Turn::text("The facts are in docs/facts.md.").usage(800, 30, 0, 0),
    ];
    let of_the_ceo = [
        Turn::delegate("cto", "Collect the facts, please.").usage(1_000, 60, 0, 0),
        Turn::text("The CTO has the facts.").usage(1_400, 20, 0, 0),
    ];
    let script = Script::default().when(On::Said("Collect the facts".into()), of_the_head).when(On::Any, of_the_ceo);
    trial.provider.play(script);
    let mut brief = trial.brief("Get the facts together");
    brief.agent = "ceo".into();
    let ending = trial.run(&brief).await;
    trial.completed(&ending, "The CTO has the facts.");
    let begun = trial.host.has(|body| matches!(body, EventBody::DelegationStarted { .. }));
    let ended = trial.host.has(|body| matches!(body, EventBody::DelegationFinished { ok: true, .. }));
    assert!(begun && ended, "{}", trial.story());
    if trial.engine.is_practice() {
        return;
    }
    assert!(trial.file("docs/facts.md").exists(), "{}", trial.story());
    let entries = trial.host.entries.lock().unwrap().clone();
    let wrote = entries.iter().find(|entry| matches!(entry.body, EventBody::ToolFinished { .. }));
    let wrote = wrote.expect("the head's call is told");
    assert!(wrote.agent == "cto" && wrote.parent.is_some(), "{wrote:?}");
    let told = trial.provider.requests().iter().any(|request| request.last_user().contains("docs/facts.md"));
    assert!(told, "the CEO is told what came back");
}

pub async fn question(trial: Trial) {
    trial.provider.play(Script::of([
        Turn::ask_founder("Blue or green?").usage(500, 30, 0, 0),
        Turn::text("Green it is.").usage(600, 10, 0, 0),
    ]));
    trial.host.answers.lock().unwrap().push_back("Green, please".into());
    let ending = trial.run(&trial.brief("Choose a colour, and ask me")).await;
    trial.completed(&ending, "Green it is.");
    let questions = trial.host.questions.lock().unwrap().clone();
    assert_eq!(questions.len(), 1, "{questions:?}; events:\n  {}", trial.story());
    assert_eq!(questions[0].ask, Ask::Decision);
    if !trial.engine.is_practice() {
        assert!(questions[0].text.contains("Blue or green?"), "{questions:?}");
        let told = trial.provider.requests().iter().any(|request| request.last_user().contains("Green, please"));
        assert!(told, "the agent is told the answer");
    }
}

pub async fn follow_up(trial: Trial) {
    let wait = "touch started; until [ -e go ]; do sleep 0.05; done";
    trial.provider.play(Script::of([
        Turn::command(wait).usage(500, 30, 0, 0),
        Turn::text("The first is done.").usage(600, 10, 0, 0),
        Turn::text("And the second.").usage(600, 10, 0, 0),
    ]));
    let brief = trial.brief("Do the first thing");
    let meanwhile = async {
        trial.until("the command", || trial.file("started").exists()).await;
        trial.host.more.lock().unwrap().push((Seq(41), "Also do the second thing".into()));
        if trial.engine.is_program() {
            // One that listens is told in mid-turn.
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        std::fs::write(trial.file("go"), "").unwrap();
    };
    let ending = trial.run_while(&brief, meanwhile).await;
    trial.completed(&ending, "");
    let taken = |body: &EventBody| matches!(body, EventBody::FollowUpTaken { seqs } if seqs.contains(&Seq(41)));
    assert!(trial.host.has(taken), "{}", trial.story());
    let told =
        trial.provider.requests().iter().any(|request| request.body.to_string().contains("Also do the second thing"));
    assert!(told, "the model is told; events:\n  {}", trial.story());
}

pub async fn resume(trial: Trial) {
    trial.provider.play(Script::of([Turn::text("Noted: the number is 4711.").usage(500, 30, 0, 0)]));
    let ending = trial.run(&trial.brief("Remember the number 4711")).await;
    trial.completed(&ending, "4711");
    let answer = ending.answer.unwrap();
    trial.provider.play(Script::of([Turn::text("It was 4711.").usage(700, 20, 300, 0)]));
    let before = trial.provider.requests().len();
    let mut brief = trial.brief("Which number was it?");
    brief.history = vec![Exchange { directive: "Remember the number 4711".into(), answer: answer.clone() }];
    brief.conversation = trial.host.conversation();
    assert_eq!(brief.conversation.is_some(), trial.engine.is_program(), "{}", trial.story());
    let ending = trial.run(&brief).await;
    trial.completed(&ending, "It was 4711.");
    let second = &trial.provider.requests()[before];
    let said = second.messages().iter().map(ToString::to_string).collect::<String>();
    for words in ["Remember the number 4711", &answer, "Which number was it?"] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
}

pub async fn lost(trial: Trial) {
    trial.provider.play(Script::of([Turn::text("It was 4711.").usage(700, 20, 0, 0)]));
    let mut brief = trial.brief("Which number was it?");
    brief.history = vec![Exchange { directive: "Remember the number 4711".into(), answer: "Noted.".into() }];
    brief.conversation = Some("99999999-2222-4333-8444-555555555555".into());
    let ending = trial.run(&brief).await;
    trial.completed(&ending, "It was 4711.");
    let requests = trial.provider.requests();
    let said = requests.last().unwrap().messages().iter().map(ToString::to_string).collect::<String>();
    assert!(said.contains("Remember the number 4711"), "what was said before is handed over: {said}");
}
