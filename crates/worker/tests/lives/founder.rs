//! What the founder says to a run: answers, also through a daemon that left and came again, and more to the brief. And
//! a run that is killed in the middle and taken up by another.

use std::time::Duration;

use contract::{EventBody, Outcome, RunId, Seq, WaitReason};
use rustix::process::Signal;
use serde_json::json;
use testkit::{On, Provider, Script, Turn, wait_for};

use crate::daemon::Daemon;
use crate::stage::{SOON, Stage, Worker};

/// Waits for a question; its key.
async fn asked(worker: &Worker) -> String {
    let mut found = None;
    worker
        .sees("a question", |entry| {
            if let EventBody::Asked { key, .. } = &entry.body {
                found = Some(key.clone());
            }
            found.is_some()
        })
        .await;
    found.unwrap()
}

#[tokio::test]
async fn an_answer_that_came_while_the_daemon_was_away_is_heard_and_others_are_not() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let mut spec = stage.practice(100.0);
    spec.directive = "Write a page. Ask me first.".into();
    let mut worker = stage.start(&spec).await;
    let key = asked(&worker).await;
    worker.waits_as_a_whole(WaitReason::Answer).await;
    daemon.answer("somebody else's", "Never.");
    daemon.leave().await;
    let daemon = Daemon::start(&stage.home);
    daemon.answer(&key, "A first sketch");
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{}", worker.story());
    assert_eq!(ended.whole_waits(), [(WaitReason::Answer, false), (WaitReason::Answer, true)]);
    let said = ended.entries.iter().rev().find_map(|entry| match &entry.body {
        EventBody::RunExited { result, .. } => result.clone(),
        _ => None,
    });
    assert!(said.unwrap().contains("A first sketch"));
    let report = stage.company.join("reports");
    let report = std::fs::read_dir(report).unwrap().next().unwrap().unwrap().path();
    assert!(std::fs::read_to_string(report).unwrap().contains("A first sketch"));
    assert!(ended.entries.iter().any(|entry| matches!(entry.body, EventBody::Journal { .. })));
    daemon.leave().await;
}

#[tokio::test]
async fn a_cancel_ends_a_run_that_waits_for_an_answer() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let mut spec = stage.practice(100.0);
    spec.directive = "Ask me.".into();
    let mut worker = stage.start(&spec).await;
    worker.waits_as_a_whole(WaitReason::Answer).await;
    daemon.cancel();
    assert_eq!(worker.ends().await.outcome, Outcome::Cancelled);
    daemon.leave().await;
}

#[tokio::test]
async fn a_follow_up_is_taken_once_however_often_it_is_said() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let mut spec = stage.practice(100.0);
    spec.directive = "Write a page. Ask me first.".into();
    let mut worker = stage.start(&spec).await;
    let key = asked(&worker).await;
    worker.waits_as_a_whole(WaitReason::Answer).await;
    daemon.tell(9, "Use the second headline.");
    daemon.tell(9, "Use the second headline.");
    daemon.answer(&key, "All of it");
    let ended = worker.ends().await;
    let taken: Vec<_> = ended
        .entries
        .iter()
        .filter_map(|entry| match &entry.body {
            EventBody::FollowUpTaken { seqs } => Some(seqs.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(taken, [[Seq(9)]]);
    let report = std::fs::read_dir(stage.company.join("reports")).unwrap().next().unwrap().unwrap().path();
    let report = std::fs::read_to_string(report).unwrap();
    assert_eq!(report.matches("Use the second headline.").count(), 1, "{report}");
    daemon.leave().await;
}

#[tokio::test]
async fn a_follow_up_that_nobody_took_is_said_at_the_end() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let provider = Provider::start(Script::of([Turn::text("Never.").before(Duration::from_secs(60))])).await;
    let mut worker = stage.start(&stage.api(&provider)).await;
    assert!(wait_for(SOON, || !provider.requests().is_empty()).await);
    daemon.tell(3, "Shorter, please.");
    // Heard after the first, on the same line.
    daemon.cancel();
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Cancelled);
    let said = ended.entries.iter().any(
        |entry| matches!(&entry.body, EventBody::Notice { text, .. } if text.contains("A follow-up came too late")),
    );
    assert!(said, "{}", worker.story());
    daemon.leave().await;
}

#[tokio::test]
async fn a_worker_that_is_killed_in_mid_delegation_is_taken_up_and_the_provider_accepts_it() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let script = Script::default()
        .when(
            On::Task("Draft the page".into()),
            [
                Turn::text("The outline stands.")
                    .and_tool("Write", json!({ "file_path": "docs/a.md", "content": "a" })),
                Turn::text("Never.").before(Duration::from_secs(60)),
            ],
        )
        .when(
            On::Any,
            [
                Turn::text("First I look around.").and_tool("List", json!({ "path": "." })),
                Turn::tool("delegate", json!({ "to": "cmo", "task": "Draft the page" })),
            ],
        );
    let provider = Provider::start(script).await;
    let mut worker = stage.start(&stage.api(&provider)).await;
    assert!(wait_for(SOON, || provider.requests().len() >= 4).await, "{}", worker.story());
    worker.signal(Signal::KILL);
    worker.is_gone().await;

    provider.play(Script::default().when(
        On::Any,
        [
            Turn::made(|request| {
                let said = request.body["messages"].to_string();
                assert!(said.contains("First I look around.") && said.contains("The outline stands."), "{said}");
                assert!(request.last_user().contains("was cut off"));
                Turn::tool("Read", json!({ "file_path": "docs/a.md" }))
            }),
            Turn::text("The page is done."),
        ],
    ));
    let mut spec = stage.api(&provider);
    spec.resume_dir = Some(spec.run_dir.clone());
    let mut worker = stage.start_as(&mut spec, RunId(2)).await;
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{}", worker.story());
    assert!(ended.entries.iter().all(|entry| !matches!(entry.body, EventBody::Error { .. })), "{}", worker.story());
    daemon.leave().await;
}
