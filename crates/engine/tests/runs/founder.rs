//! What the founder has to say while a run is under way: answers to questions, limits and circles, and follow-ups.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::{Ask, EventBody, NoticeLevel, Outcome, Seq};
use serde_json::json;
use testkit::{On, Provider, Script, Turn, wait_for};

use crate::support::{Folder, TestHost, code, run};

fn ask() -> Turn {
    let input = json!({ "question": "Which name?", "detail": "Both are free.", "options": ["Acme", "Zenith"] });
    Turn::tool("ask_founder", input)
}

#[tokio::test]
async fn a_question_is_answered_and_the_agent_goes_on_with_the_answer() {
    let script = Script::of([ask(), Turn::made(|request| Turn::text(format!("Noted: {}", request.last_user())))]);
    let (folder, host) = (Folder::new("minimal"), TestHost::new());
    host.answers.lock().unwrap().push_back("Zenith".into());
    let provider = Provider::start(script).await;
    let ending = run(&provider, &folder.brief("Name it"), &host).await;
    assert_eq!(ending.answer.as_deref(), Some("Noted: The founder answers: Zenith"), "{:?}", ending.error);
    let asked = host.questions.lock().unwrap().clone();
    assert_eq!((asked[0].ask, asked[0].text.as_str()), (Ask::Decision, "Which name?"));
    assert_eq!(asked[0].options, ["Acme", "Zenith"]);
    assert_eq!(host.syncs.load(Ordering::SeqCst), 0, "a question changes nothing outside");
}

#[tokio::test]
async fn a_question_that_is_none_is_a_failed_call() {
    let script = Script::of([
        Turn::tool("ask_founder", json!({ "question": " " })).and_tool("ask_founder", json!({ "about": 1 })),
        Turn::made(|request| {
            assert!(request.results().iter().all(|(failed, _)| *failed));
            Turn::text("I decide it myself.")
        }),
    ]);
    let (_f, _p, host, ending) = crate::support::played(script).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    assert!(host.questions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_stop_gets_through_while_a_question_waits() {
    let (folder, host) = (Folder::new("minimal"), TestHost::new());
    host.silent.store(true, Ordering::SeqCst);
    let provider = Provider::start(Script::of([ask(), Turn::text("Never.")])).await;
    let stopping = async {
        assert!(wait_for(Duration::from_secs(10), || !host.questions.lock().unwrap().is_empty()).await);
        host.stop.cancel();
    };
    let brief = folder.brief("Name it");
    let (ending, ()) = tokio::join!(run(&provider, &brief, &host), stopping);
    assert_eq!(ending.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn a_follow_up_reaches_the_ceo_at_its_next_turn_and_is_said_to_be_taken() {
    let folder = Folder::new("full-c-suite");
    let host = Arc::new(TestHost::new());
    let (late, told) = (host.clone(), host.clone());
    let script = Script::default()
        .when(
            On::Task("Draft it".into()),
            [Turn::made(move |_| {
                told.more.lock().unwrap().push((Seq(41), "Use the second headline.".into()));
                Turn::text("Drafted.")
            })],
        )
        .when(
            On::Any,
            [
                Turn::tool("delegate", json!({ "to": "cmo", "task": "Draft it" })),
                Turn::made(move |request| {
                    assert!(
                        request.last_user().contains("The founder adds, while you work:\n\nUse the second headline.")
                    );
                    late.more.lock().unwrap().push((Seq(42), "And make it short.".into()));
                    Turn::text("Almost done.")
                }),
                Turn::made(|request| {
                    assert!(request.last_user().contains("And make it short."));
                    Turn::text("Short, with the second headline.")
                }),
            ],
        );
    let provider = Provider::start(script).await;
    let ending = run(&provider, &folder.brief("Write a page"), &host).await;
    assert_eq!(ending.answer.as_deref(), Some("Short, with the second headline."), "{:?}", ending.error);
    let taken: Vec<_> = host
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            EventBody::FollowUpTaken { seqs } => Some(seqs),
            _ => None,
        })
        .collect();
    assert_eq!(taken, [[Seq(41)], [Seq(42)]]);
    let drafts = provider.requests().into_iter().filter(|request| request.first_user().contains("Draft it"));
    assert!(drafts.into_iter().all(|request| !request.last_user().contains("founder adds")), "only the CEO is told");
}

#[tokio::test]
async fn e024_a_limit_in_mid_run_asks_and_a_raise_lets_it_go_on() {
    let folder = Folder::new("minimal");
    let provider =
        Provider::start(Script::of([Turn::tool("List", json!({ "path": "." })), Turn::text("All listed.")])).await;
    let host = TestHost::new();
    host.only_first.store(1, Ordering::SeqCst);
    host.answers.lock().unwrap().push_back("Go on up to $1.50".into());
    host.raises.store(true, Ordering::SeqCst);
    let ending = run(&provider, &folder.brief("List it"), &host).await;
    assert_eq!(ending.answer.as_deref(), Some("All listed."), "{:?}", ending.error);
    let asked = host.questions.lock().unwrap().clone();
    assert_eq!((asked.len(), asked[0].ask), (1, Ask::Limit));
    assert!(asked[0].options[0].starts_with("Go on up to $") && asked[0].options[1] == "End", "{asked:?}");
    assert_eq!(host.cost(), provider.spent_nanos());
}

#[tokio::test]
async fn e024_end_at_a_limit_ends_the_run_with_the_limit() {
    let folder = Folder::new("minimal");
    let provider =
        Provider::start(Script::of([Turn::tool("List", json!({ "path": "." })), Turn::text("Never.")])).await;
    let host = TestHost::new();
    host.only_first.store(1, Ordering::SeqCst);
    let ending = run(&provider, &folder.brief("List it"), &host).await;
    assert_eq!((ending.outcome, code(&ending)), (Outcome::Failed, "budget.brief_reached"));
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn a_limit_that_is_raised_elsewhere_lets_it_go_on_without_an_answer() {
    let folder = Folder::new("full-c-suite");
    let hand = |to: &str| json!({ "to": to, "task": "A part of it" });
    let script = Script::default().when(On::Task("A part of it".into()), [Turn::text("Done.")]).when(
        On::Any,
        [
            Turn::tool("delegate", hand("cto")).and_tool("delegate", hand("cfo")).and_tool("delegate", hand("cmo")),
            Turn::text("All three are done."),
        ],
    );
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    host.only_first.store(1, Ordering::SeqCst);
    host.silent.store(true, Ordering::SeqCst);
    let raising = async {
        let waiting = || host.kinds().iter().filter(|kind| **kind == "waiting").count() >= 2;
        assert!(wait_for(Duration::from_secs(10), waiting).await, "the others wait for the one that asks");
        host.only_first.store(i64::MAX, Ordering::SeqCst);
    };
    let brief = folder.brief("Go");
    let (ending, ()) = tokio::join!(run(&provider, &brief, &host), raising);
    assert_eq!(ending.answer.as_deref(), Some("All three are done."), "{:?}", ending.error);
    assert_eq!(host.questions.lock().unwrap().len(), 1, "three at a limit are one question");
}

#[tokio::test]
async fn work_that_goes_round_in_circles_gets_a_word_then_a_question() {
    let list = || Turn::tool("List", json!({ "path": "docs" }));
    for (answers, requests, expected) in
        [(vec!["Go on", "End"], 20, "run.loop"), (vec!["End"], 10, "run.loop"), (vec!["Go on"], 13, "")]
    {
        let turns = if expected.is_empty() {
            [vec![list(); 12], vec![Turn::text("There is nothing.")]].concat()
        } else {
            vec![list(); 100]
        };
        let (folder, host) = (Folder::new("minimal"), TestHost::new());
        let provider = Provider::start(Script::of(turns)).await;
        host.answers.lock().unwrap().extend(answers.iter().map(|answer| (*answer).to_owned()));
        let ending = run(&provider, &folder.brief("Look"), &host).await;
        assert_eq!((code(&ending), provider.requests().len()), (expected, requests), "{answers:?}");
        assert!(host.questions.lock().unwrap().iter().all(|question| question.ask == Ask::Loop));
        assert_eq!(host.questions.lock().unwrap().len(), answers.len());
        let warned = host.bodies().into_iter().any(|body| {
            matches!(body, EventBody::Notice { level: NoticeLevel::Warning, text } if text.contains("5 times in a row"))
        });
        assert!(warned);
        assert!(provider.requests()[5].last_user().contains("going round in circles"), "the agent is told too");
    }
}

#[tokio::test]
async fn leases_name_the_tokens_of_the_worst_case() {
    let (_f, _p, host, _) = crate::support::played(Script::of([Turn::text("Done.")])).await;
    let tokens = host.tokens.lock().unwrap().clone();
    assert!(tokens[0] > 8_192 && tokens[0] < 30_000, "{tokens:?}");
}
