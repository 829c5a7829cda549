//! Stops: how long they take, what they leave, what they count.

use std::time::{Duration, Instant};

use contract::{EventBody, Outcome, StopCounts, WORKER_PROTOCOL_OLDEST};
use rustix::process::Signal;
use serde_json::json;
use testkit::{Provider, Script, Turn, wait_for};

use crate::daemon::Daemon;
use crate::stage::{SOON, Stage, command, exists};

/// A grace so long that a second one behind it cannot be taken for a machine that has other things to do.
const GRACE: Duration = Duration::from_secs(3);

/// Stops a run in the middle of a command that has made the file `started`. How long that took.
async fn stop_in(stage: &Stage, text: &str, grace: Duration) -> (Duration, crate::stage::Ended) {
    let daemon = Daemon::start(&stage.home);
    let provider = Provider::start(command(text, 600_000, Turn::text("Ran."))).await;
    let mut spec = stage.api(&provider);
    spec.grace_ms = u64::try_from(grace.as_millis()).unwrap();
    let mut worker = stage.start(&spec).await;
    assert!(wait_for(SOON, || exists(&stage.company.join("started"))).await, "{}", worker.story());
    let told = Instant::now();
    daemon.cancel();
    worker.sees("the last word", |entry| matches!(entry.body, EventBody::RunExited { .. })).await;
    let took = told.elapsed();
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, ended.error.clone()), (Outcome::Cancelled, None));
    assert!(ended.effects, "a command was started");
    daemon.leave().await;
    (took, ended)
}

#[tokio::test]
async fn e012_a_tree_that_hears_a_stop_is_gone_long_before_the_grace_is_over() {
    let stage = Stage::new();
    let tree = "for n in $(seq 24); do sleep 300 & setsid sleep 301 & done; touch started; wait";
    let (took, ended) = stop_in(&stage, tree, Duration::from_secs(30)).await;
    assert!(took < Duration::from_secs(15), "{took:?}");
    let StopCounts { ended, forced, left } = ended.stopped;
    assert!(ended >= 48 && forced == 0 && left == 0, "{ended} {forced} {left}");
}

#[tokio::test]
async fn e012_a_tree_that_does_not_hear_is_gone_after_one_grace() {
    let stage = Stage::new();
    // In sessions of their own, in the shell's, and one that left the tree altogether.
    let deaf = "sh -c \"trap '' TERM; while :; do sleep 1; done\"";
    let tree = format!(
        "for n in $(seq 10); do {deaf} & setsid {deaf} & done; \
         env -i setsid sh -c \"trap '' TERM; sleep 300 & wait\" & touch started; wait"
    );
    let (took, ended) = stop_in(&stage, &tree, GRACE).await;
    assert!(took >= GRACE && took < GRACE * 2, "{took:?}");
    let StopCounts { ended, forced, left } = ended.stopped;
    assert!(forced >= 20 && ended + forced >= 40 && left == 0, "{ended} {forced} {left}");
}

#[tokio::test]
async fn what_a_command_left_outside_of_its_tree_has_no_second_grace() {
    let stage = Stage::new();
    let escaped = "env -i setsid sh -c \"trap '' TERM; while :; do sleep 1; done\"";
    let text = format!("({escaped} &) ; trap '' TERM; touch started; while :; do sleep 1; done");
    let (took, ended) = stop_in(&stage, &text, GRACE).await;
    assert!(took >= GRACE && took < GRACE * 2, "{took:?}");
    assert!(ended.stopped.forced >= 2 && ended.stopped.left == 0, "{:?}", ended.stopped);
}

#[tokio::test]
async fn the_daemon_hears_how_many_processes_there_are() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let text = "sleep 300 & sleep 301 & wait";
    let provider = Provider::start(command(text, 600_000, Turn::text("Ran."))).await;
    let mut worker = stage.start(&stage.api(&provider)).await;
    let hears = |children| daemon.desk.grew.lock().unwrap().iter().any(|hint| hint.children == children);
    assert!(wait_for(SOON, || hears(3)).await, "{:?}", daemon.desk.grew.lock().unwrap());
    daemon.cancel();
    let ended = worker.ends().await;
    assert_eq!(ended.stopped.ended + ended.stopped.forced, 3);
    daemon.leave().await;
}

#[tokio::test]
async fn a_run_that_was_told_to_end_by_the_system_is_interrupted() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let provider = Provider::start(command("touch started; sleep 300", 600_000, Turn::text("Ran."))).await;
    let mut worker = stage.start(&stage.api(&provider)).await;
    assert!(wait_for(SOON, || exists(&stage.company.join("started"))).await, "{}", worker.story());
    worker.signal(Signal::TERM);
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, ended.code()), (Outcome::Failed, "run.interrupted"));
    assert!(ended.stopped.ended + ended.stopped.forced >= 1, "{:?}", ended.stopped);
    daemon.leave().await;
}

#[tokio::test]
async fn e016_a_worker_whose_run_nobody_knows_ends() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    daemon.desk.knows_runs.store(false, std::sync::atomic::Ordering::SeqCst);
    let mut worker = stage.start(&stage.practice(0.5)).await;
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, ended.code(), ended.effects), (Outcome::Failed, "run.interrupted", false));
    daemon.leave().await;
}

#[tokio::test]
async fn a_second_worker_of_a_run_refuses_and_the_first_goes_on() {
    let stage = Stage::new();
    let daemon = Daemon::holding(&stage.home, true);
    let mut spec = stage.practice(100.0);
    spec.held = true;
    let mut first = stage.start(&spec).await;
    first.waits_as_a_whole(contract::WaitReason::Paused).await;
    let mut second = stage.start(&spec).await;
    let log = second.refuses().await;
    assert!(log.contains("cannot make the spool"), "{log}");
    // Not dropped before: it would take the first one with it.
    daemon.hold(false);
    let ended = first.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{:?}", ended.error);
    daemon.leave().await;
}

#[tokio::test]
async fn the_daemon_of_the_version_before_is_understood_and_no_other() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let mut spec = stage.practice(100.0);
    spec.protocol = contract::WORKER_PROTOCOL + 1;
    let mut worker = stage.start(&spec).await;
    let log = worker.refuses().await;
    assert!(log.contains("speaks worker protocol"), "{log}");
    spec.protocol = WORKER_PROTOCOL_OLDEST;
    let ended = stage.start(&spec).await.ends().await;
    assert_eq!((ended.outcome, ended.effects), (Outcome::Completed, true), "it wrote a report");
    assert!(ended.status.success());
    daemon.leave().await;
}

#[tokio::test]
async fn a_run_that_failed_before_it_changed_anything_says_so() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let look = Turn::tool("List", json!({ "path": "." }));
    let provider = Provider::start(Script::of([look, Turn::error(401, "authentication_error", "no")])).await;
    let mut worker = stage.start(&stage.api(&provider)).await;
    let ended = worker.ends().await;
    assert_eq!((ended.code(), ended.effects), ("provider.auth", false));
    daemon.leave().await;
}
