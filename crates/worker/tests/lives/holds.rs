//! Runs on hold, and runs that wait for a slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::{EventBody, Outcome, SYSTEM, WaitReason};
use serde_json::json;
use testkit::{On, Provider, Script, Turn, wait_for};

use crate::daemon::Daemon;
use crate::stage::{SOON, Stage};

/// A CEO who gives eight tasks out at once; each goes on until it is `enough`.
fn eight_at_work(enough: &Arc<AtomicBool>) -> Script {
    let mut start = Turn::text("All at once.");
    for number in 0..8 {
        start = start.and_tool("delegate", json!({ "to": "cto", "task": format!("Part {number}") }));
    }
    let enough = enough.clone();
    let goes_on = Turn::made(move |request| {
        if enough.load(Ordering::SeqCst) {
            return Turn::text("Part done.");
        }
        // Each time something new: who goes round in circles is asked about.
        Turn::tool("Read", json!({ "file_path": format!("part-{}.md", request.messages().len()) }))
    });
    Script::default()
        .when(On::Task("Part".into()), vec![goes_on; 10_000])
        .when(On::Any, [start, Turn::text("All done.")])
}

#[tokio::test]
async fn a_run_that_begins_on_hold_makes_no_call_before_it_may() {
    let stage = Stage::new();
    let daemon = Daemon::holding(&stage.home, true);
    let mut spec = stage.practice(100.0);
    spec.held = true;
    let mut worker = stage.start(&spec).await;
    let line = worker.waits_as_a_whole(WaitReason::Paused).await;
    let asked = worker.entries().iter().filter(|entry| entry.body.kind() == "usage").count();
    assert_eq!((asked, daemon.asked()), (0, vec![]), "who is held asks for nothing");
    daemon.hold(false);
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{:?}", ended.error);
    assert_eq!(daemon.asked(), [line], "the slot is asked for by the line that gave it up");
    assert_eq!(ended.whole_waits(), [(WaitReason::Paused, false), (WaitReason::Paused, true)]);
    assert_eq!(ended.agents_waits(), [(WaitReason::Paused, false), (WaitReason::Paused, true)]);
    daemon.leave().await;
}

#[tokio::test]
async fn a_hold_that_comes_and_goes_under_eight_agents_loses_none_of_them() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let enough = Arc::new(AtomicBool::new(false));
    let provider = Provider::start(eight_at_work(&enough)).await;
    let mut spec = stage.api(&provider);
    spec.limits.agent_turns = 0;
    let mut worker = stage.start(&spec).await;
    assert!(wait_for(SOON, || provider.requests().len() > 1).await);
    for round in 0..80_u64 {
        daemon.hold(true);
        if round % 8 == 0 {
            // Long enough to be said of the run as a whole, and then to be over.
            worker.rests(false).await;
            daemon.hold(false);
            worker.rests(true).await;
            continue;
        }
        // From far below what it takes to notice.
        tokio::time::sleep(Duration::from_micros((round * 977) % 5_000)).await;
        daemon.hold(false);
        tokio::time::sleep(Duration::from_micros((round * 571) % 3_000)).await;
    }
    enough.store(true, Ordering::SeqCst);
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{:?}", ended.error);
    let reports = ended.entries.iter().filter(|entry| entry.body.kind() == "delegation_finished").count();
    assert_eq!(reports, 8);
    assert!(ended.whole_waits().len() >= 16, "{:?}", ended.whole_waits());
    // Whoever was said to wait as a whole asked for its slot, and nobody else did.
    let lines: Vec<i64> = (1..)
        .zip(&ended.entries)
        .filter_map(|(line, entry)| {
            let begins = matches!(entry.body, EventBody::Waiting { over: false, .. });
            (begins && entry.agent == SYSTEM).then_some(line)
        })
        .collect();
    let mut asked = daemon.asked();
    asked.dedup();
    assert_eq!(asked, lines);
    daemon.leave().await;
}

#[tokio::test]
async fn a_call_under_way_ends_and_the_next_is_not_begun() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let write = Turn::tool("Write", json!({ "file_path": "docs/a.md", "content": "a" }));
    let script = Script::of([write.before(Duration::from_millis(300)), Turn::text("Done.")]);
    let provider = Provider::start(script).await;
    let mut worker = stage.start(&stage.api(&provider)).await;
    assert!(wait_for(SOON, || provider.requests().len() == 1).await);
    daemon.hold(true);
    worker.waits_as_a_whole(WaitReason::Paused).await;
    assert!(!stage.company.join("docs/a.md").exists(), "a tool with effects is a call too");
    assert_eq!(provider.requests().len(), 1);
    daemon.hold(false);
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{:?}", ended.error);
    assert!(stage.company.join("docs/a.md").exists());
    daemon.leave().await;
}

#[tokio::test]
async fn a_hold_outlives_the_daemon_and_the_next_one_ends_it() {
    let stage = Stage::new();
    let daemon = Daemon::holding(&stage.home, true);
    let mut spec = stage.practice(100.0);
    spec.held = true;
    let mut worker = stage.start(&spec).await;
    worker.waits_as_a_whole(WaitReason::Paused).await;
    daemon.leave().await;
    let second = Daemon::holding(&stage.home, true);
    assert!(wait_for(SOON, || second.is_connected()).await);
    assert_eq!(second.asked(), Vec::<i64>::new());
    second.leave().await;
    let third = Daemon::start(&stage.home);
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{:?}", ended.error);
    assert_eq!(third.asked().len(), 1);
    third.leave().await;
}

#[tokio::test]
async fn without_a_slot_it_waits_and_says_so_and_a_word_of_the_daemon_is_enough() {
    let stage = Stage::new();
    let daemon = Daemon::holding(&stage.home, true);
    daemon.desk.slots.store(false, Ordering::SeqCst);
    let mut spec = stage.practice(100.0);
    spec.held = true;
    let mut worker = stage.start(&spec).await;
    worker.waits_as_a_whole(WaitReason::Paused).await;
    daemon.hold(false);
    worker
        .sees("a wait for a slot", |entry| {
            matches!(entry.body, EventBody::Waiting { reason: WaitReason::Slot, over: false, .. })
        })
        .await;
    // By now it asks every second or two; told that there may be one, it asks at once.
    assert!(wait_for(SOON, || daemon.asked().len() >= 4).await);
    let asked = daemon.asked().len();
    assert!(asked < 12, "{asked} times in a second or two");
    daemon.desk.slots.store(true, Ordering::SeqCst);
    daemon.nudge();
    let told = Instant::now();
    assert!(wait_for(SOON, || daemon.asked().len() > asked).await);
    assert!(told.elapsed() < Duration::from_millis(1_000), "{:?}", told.elapsed());
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{:?}", ended.error);
    assert_eq!(ended.whole_waits().len(), 2);
    daemon.leave().await;
}

#[tokio::test]
async fn a_provider_that_asks_to_wait_gives_the_slot_to_others() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let late = Turn::error(429, "rate_limit_error", "slow down").header("retry-after", "1");
    let provider = Provider::start(Script::of([late, Turn::text("Now.")])).await;
    let mut worker = stage.start(&stage.api(&provider)).await;
    let line = worker.waits_as_a_whole(WaitReason::RateLimit).await;
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{:?}", ended.error);
    assert_eq!(daemon.asked(), [line]);
    let said = ended.entries.iter().find_map(|entry| match &entry.body {
        EventBody::Waiting { until, detail, over: false, .. } if entry.agent == SYSTEM => {
            Some((*until, detail.clone()))
        }
        _ => None,
    });
    let (until, detail) = said.unwrap();
    assert!(until.is_some() && detail.contains("slow down"), "{detail}");
    daemon.leave().await;
}

#[tokio::test]
async fn stop_gets_through_to_whoever_waits() {
    for slots in [true, false] {
        let stage = Stage::new();
        let daemon = Daemon::holding(&stage.home, true);
        daemon.desk.slots.store(slots, Ordering::SeqCst);
        let mut spec = stage.practice(100.0);
        spec.held = true;
        let mut worker = stage.start(&spec).await;
        worker.waits_as_a_whole(WaitReason::Paused).await;
        if !slots {
            daemon.hold(false);
            assert!(wait_for(SOON, || daemon.asked().len() > 1).await);
        }
        assert!(wait_for(SOON, || daemon.is_connected()).await);
        let told = Instant::now();
        daemon.cancel();
        let ended = worker.ends().await;
        assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
        assert_eq!((ended.outcome, ended.error), (Outcome::Cancelled, None));
        daemon.leave().await;
    }
}

#[tokio::test]
async fn a_daemon_that_is_away_is_waited_for_by_the_agent_and_not_by_the_run() {
    let stage = Stage::new();
    let provider = Provider::start(Script::of([Turn::text("Done.")])).await;
    let mut spec = stage.api(&provider);
    // No clock runs meanwhile.
    spec.limits.silence_ms = 1_500;
    let mut worker = stage.start(&spec).await;
    worker
        .sees("a wait for the daemon", |entry| {
            entry.agent == "ceo" && matches!(entry.body, EventBody::Waiting { reason: WaitReason::Daemon, .. })
        })
        .await;
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    let daemon = Daemon::start(&stage.home);
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, ended.code()), (Outcome::Completed, ""));
    assert_eq!((ended.whole_waits(), daemon.asked()), (vec![], vec![]));
    daemon.leave().await;
}
