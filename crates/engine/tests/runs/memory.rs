//! Conversations on disk: what is kept, what a run that was cut off goes on from, and what becomes of one that is long.

use std::time::Duration;

use contract::{EventBody, Outcome};
use serde_json::json;
use testkit::{On, Provider, Script, Turn, wait_for};

use crate::support::{Folder, TestHost, api, impatient, run};

#[tokio::test]
async fn a_run_that_is_cut_off_in_mid_delegation_is_taken_up_where_it_was() {
    let folder = Folder::new("full-c-suite");
    let hand = |to: &str, task: &str| json!({ "to": to, "task": task });
    let script = Script::default()
        .when(On::Task("Draft the facts".into()), [Turn::text("The facts are in.")])
        .when(
            On::Task("Draft the page".into()),
            [
                Turn::text("I have the outline and begin with the head.").and_tool("List", json!({ "path": "." })),
                Turn::text("Never said.").before(Duration::from_secs(60)),
            ],
        )
        .when(
            On::Any,
            [
                Turn::text("First the plan.").and_tool("List", json!({ "path": "." })),
                Turn::tool("delegate", hand("cfo", "Draft the facts"))
                    .and_tool("delegate", hand("cmo", "Draft the page")),
            ],
        );
    let provider = Provider::start(script).await;
    let host = TestHost::new();
    let engine = engine::open_with(api(&provider.url()), impatient()).unwrap();
    let brief = folder.brief("Write a page");
    let cut = async {
        let busy = || host.text().contains("I have the outline") && host.text().contains("The facts are in.");
        assert!(wait_for(Duration::from_secs(10), busy).await);
        let asked = || provider.requests().len() >= 5;
        assert!(wait_for(Duration::from_secs(10), asked).await);
    };
    // As good as killed: it is dropped where it stands.
    tokio::select! {
        _ = engine.run(&brief, &host) => panic!("it does not end"),
        () = cut => {}
    }

    provider.play(Script::of([Turn::made(|request| {
        let said = serde_json::to_string(&request.body["messages"]).unwrap();
        assert!(said.contains("First the plan."), "{said}");
        assert_eq!(request.messages().len(), 5, "{said}");
        let results = request.results();
        assert_eq!(results.len(), 2);
        assert!(results.iter().all(|(failed, text)| *failed && text.contains("Interrupted")), "{results:?}");
        assert!(results[0].1.contains("The facts are in."), "{results:?}");
        assert!(results[1].1.contains("I have the outline and begin with the head."), "{results:?}");
        assert!(request.last_user().contains("was cut off"));
        Turn::text("Taken up and done.")
    })]));
    let mut brief = folder.brief("Write a page");
    brief.memory.resume = brief.memory.dir.replace(folder.tmp.join("again"));
    let ending = run(&provider, &brief, &TestHost::new()).await;
    assert_eq!(ending.answer.as_deref(), Some("Taken up and done."), "{:?}", ending.error);
    let kept = std::fs::read_to_string(folder.tmp.join("again/0.jsonl")).unwrap();
    assert!(kept.contains("First the plan.") && kept.contains("Taken up and done."), "it could be taken up again");
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_begins_anew_and_says_so() {
    let folder = Folder::new("minimal");
    let provider = Provider::start(Script::of([Turn::text("Done.")])).await;
    let mut brief = folder.brief("Go");
    brief.memory.resume = Some(folder.tmp.join("not-there"));
    let host = TestHost::new();
    let ending = run(&provider, &brief, &host).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    assert!(host.text().contains("it begins anew"));
}

#[tokio::test]
async fn a_conversation_that_cannot_be_kept_is_a_warning_and_the_brief_is_done() {
    let folder = Folder::new("minimal");
    std::fs::write(folder.talk(), "a file in the way").unwrap();
    let provider = Provider::start(Script::of([Turn::text("Done.")])).await;
    let host = TestHost::new();
    let ending = run(&provider, &folder.brief("Go"), &host).await;
    assert_eq!(ending.outcome, Outcome::Completed);
    assert_eq!(host.text().matches("is not kept from here on").count(), 1);
}

/// Turns that each say a lot, and a last one that says how many messages it was sent.
fn long_work(turns: usize) -> Vec<Turn> {
    let say = |number: usize| {
        let path = format!("docs/{number}.md");
        let text = format!("Step {number}. {}", "word ".repeat(14_000));
        Turn::text(text).and_tool("Write", json!({ "file_path": path, "content": "x" })).usage(100, 10, 0, 0)
    };
    let mut all: Vec<_> = (0..turns).map(say).collect();
    all.push(Turn::text("All steps are done."));
    all
}

#[tokio::test]
async fn near_the_end_of_its_context_a_conversation_is_summed_up_and_kept_whole_on_disk() {
    let script = Script::default()
        .when(
            On::System("You keep the memory of an agent".into()),
            [Turn::text("Steps 0 to 4 are written in docs/.").usage(5_000, 100, 0, 0)],
        )
        .when(On::Any, long_work(9));
    let (folder, provider, host, ending) = crate::support::played(script).await;
    assert_eq!(ending.answer.as_deref(), Some("All steps are done."), "{:?}", ending.error);
    let summed = provider.requests().into_iter().filter(|request| request.system().contains("keep the memory")).count();
    assert_eq!(summed, 1);
    let last = provider.requests().pop().unwrap();
    assert!(last.first_user().contains("Write a company description"), "the brief stays");
    assert!(last.first_user().contains("Steps 0 to 4 are written in docs/."));
    let body = last.body.to_string();
    assert!(!body.contains("Step 0.") && body.contains("Step 8."));
    let before = std::fs::read_to_string(folder.talk().join("0.before-1.jsonl")).unwrap();
    assert!(before.contains("Step 0.") && before.contains("Step 4."));
    assert!(host.text().contains("talk/0.before-1.jsonl"));
    assert!(host.messages().iter().all(|text| !text.contains("Steps 0 to 4")), "a summary is no message");
    assert_eq!(host.cost(), provider.spent_nanos());

    // And it can be taken up from what is kept.
    let mut brief = folder.brief("Write a company description");
    brief.memory.resume = brief.memory.dir.replace(folder.tmp.join("again"));
    provider.play(Script::of([Turn::made(|request| {
        assert!(request.first_user().contains("Steps 0 to 4"));
        Turn::text("Taken up.")
    })]));
    let ending = run(&provider, &brief, &TestHost::new()).await;
    assert_eq!(ending.answer.as_deref(), Some("Taken up."), "{:?}", ending.error);
}

#[tokio::test]
async fn a_summary_that_fails_leaves_the_oldest_steps_out_instead() {
    let script = Script::default()
        .when(On::System("You keep the memory of an agent".into()), [Turn::error(400, "invalid_request_error", "no")])
        .when(On::Any, long_work(9));
    let (_folder, provider, host, ending) = crate::support::played(script).await;
    assert_eq!(ending.answer.as_deref(), Some("All steps are done."), "{:?}", ending.error);
    let said = host
        .bodies()
        .into_iter()
        .any(|body| matches!(body, EventBody::Notice { text, .. } if text.contains("could not be summed up")));
    assert!(said);
    assert!(provider.requests().iter().all(|request| request.body.to_string().len() < 600_000));
}
