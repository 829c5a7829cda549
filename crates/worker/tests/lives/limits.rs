//! Limits of a run, and what does not count against them.

use std::time::{Duration, Instant};

use contract::{Outcome, WaitReason};
use rustix::process::Signal;
use serde_json::json;
use testkit::{Provider, Script, Turn, wait_for};

use crate::daemon::Daemon;
use crate::stage::{SOON, Stage, command, exists};

#[tokio::test]
async fn each_limit_in_time_ends_the_run_and_says_which_it_was() {
    let sleeps = || command("sleep 300", 600_000, Turn::text("Ran."));
    let late = Script::of([Turn::text("late").before(Duration::from_secs(60))]);
    for (limit, script, code, setting) in [
        ("wall", sleeps(), "run.time_reached", "run_minutes"),
        ("silence", sleeps(), "run.silent", "run_silence_minutes"),
        ("first", late, "run.no_output", "run_first_output_minutes"),
    ] {
        let stage = Stage::new();
        let daemon = Daemon::start(&stage.home);
        let provider = Provider::start(script).await;
        let mut spec = stage.api(&provider);
        match limit {
            "wall" => spec.limits.wall_ms = 700,
            "silence" => spec.limits.silence_ms = 700,
            _ => spec.limits.first_output_ms = 700,
        }
        let began = Instant::now();
        let mut worker = stage.start(&spec).await;
        let ended = worker.ends().await;
        assert!(began.elapsed() >= Duration::from_millis(700), "{limit}: {:?}", began.elapsed());
        assert_eq!((ended.outcome, ended.code()), (Outcome::Failed, code), "{limit}");
        assert_eq!(ended.stopped.left, 0);
        let error = ended.error.unwrap();
        assert!(error.message.contains("700 ms") && error.fix.contains(setting), "{limit}: {error}");
        daemon.leave().await;
    }
}

#[tokio::test]
async fn what_a_command_prints_is_a_sign_of_work() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let text = "for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.5; printf .; done";
    let script = command(text, 600_000, Turn::text("Ran."));
    let provider = Provider::start(script).await;
    let mut spec = stage.api(&provider);
    spec.limits.silence_ms = 3_500;
    let ended = stage.start(&spec).await.ends().await;
    assert_eq!((ended.outcome, ended.code()), (Outcome::Completed, ""));
    daemon.leave().await;
}

#[tokio::test]
async fn thinking_is_a_sign_of_work() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    // A long tool input: no word of it is said before it is whole.
    let input = json!({ "file_path": "docs/long.md", "content": "word ".repeat(100) });
    let slow = Turn::tool("Write", input).between(Duration::from_millis(60));
    let provider = Provider::start(Script::of([slow, Turn::text("Done.")])).await;
    let mut spec = stage.api(&provider);
    spec.limits.silence_ms = 1_000;
    spec.limits.first_output_ms = 1_000;
    let began = Instant::now();
    let ended = stage.start(&spec).await.ends().await;
    assert_eq!((ended.outcome, ended.code()), (Outcome::Completed, ""));
    assert!(began.elapsed() > Duration::from_millis(1_500), "{:?}", began.elapsed());
    daemon.leave().await;
}

#[tokio::test]
async fn no_clock_runs_while_the_run_is_on_hold() {
    let stage = Stage::new();
    let daemon = Daemon::holding(&stage.home, true);
    let mut spec = stage.practice(100.0);
    spec.held = true;
    (spec.limits.wall_ms, spec.limits.first_output_ms, spec.limits.silence_ms) = (1_500, 1_500, 1_500);
    let mut worker = stage.start(&spec).await;
    worker.waits_as_a_whole(WaitReason::Paused).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    daemon.hold(false);
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, ended.code()), (Outcome::Completed, ""));
    daemon.leave().await;
}

#[tokio::test]
async fn a_worker_that_was_stopped_for_a_while_has_not_been_silent() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let text = "touch started; sleep 3.6; echo there";
    let script = command(text, 600_000, Turn::text("Ran."));
    let provider = Provider::start(script).await;
    let mut spec = stage.api(&provider);
    (spec.limits.wall_ms, spec.limits.silence_ms) = (10_000, 1_500);
    let mut worker = stage.start(&spec).await;
    assert!(wait_for(SOON, || exists(&stage.company.join("started"))).await, "{}", worker.story());
    worker.signal(Signal::STOP);
    tokio::time::sleep(Duration::from_secs(3)).await;
    worker.signal(Signal::CONT);
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, ended.code()), (Outcome::Completed, ""));
    daemon.leave().await;
}

#[tokio::test]
async fn a_run_that_records_too_much_ends_and_its_last_word_is_there() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let talk = || Turn::text("word ".repeat(40_000)).and_tool("List", json!({ "path": "." }));
    let provider = Provider::start(Script::of(vec![talk(); 30])).await;
    let mut spec = stage.api(&provider);
    spec.limits.output_bytes = 1024 * 1024;
    let ended = stage.start(&spec).await.ends().await;
    assert_eq!((ended.outcome, ended.code()), (Outcome::Failed, "run.output_reached"));
    let error = ended.error.unwrap();
    assert!(error.message.contains("1 MB") && error.fix.contains("run_output_mb"), "{error}");
    let calls = provider.requests().len();
    assert!((5..=7).contains(&calls), "{calls} calls");
    daemon.leave().await;
}

#[tokio::test]
async fn a_run_that_is_out_of_quota_waits_as_a_whole_and_a_cancel_ends_it() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let later = Turn::error(429, "rate_limit_error", "out of quota until tomorrow").header("retry-after", "7200");
    let provider = Provider::start(Script::of([later])).await;
    let mut spec = stage.api(&provider);
    // What waits as a whole is on no clock.
    spec.limits.wall_ms = 1_500;
    let mut worker = stage.start(&spec).await;
    worker.waits_as_a_whole(WaitReason::Quota).await;
    tokio::time::sleep(Duration::from_millis(1_800)).await;
    assert_eq!(provider.requests().len(), 1, "it is not asked before its time");
    let began = Instant::now();
    daemon.cancel();
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Cancelled, "{}", worker.story());
    assert!(began.elapsed() < Duration::from_secs(5));
    let until = ended.entries.iter().find_map(|entry| match entry.body {
        contract::EventBody::Waiting { reason: WaitReason::Quota, until, .. } => {
            until.map(|until| until.0 - entry.at.0)
        }
        _ => None,
    });
    assert!(until.unwrap() > 7_000_000, "{until:?}");
    daemon.leave().await;
}
