//! A subreaper's duties. A test binary of its own: they change the whole process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;
#[path = "common/roles.rs"]
mod roles;

use std::time::Duration;

use common::{BOUND, fresh_mark, has_group, registered, wait_for};
use process::{Command, Identity, become_subreaper, census, reap_strangers, spawn, stop_tree};

/// Ended children of ours that nobody has reaped.
fn zombies() -> usize {
    let parent = format!("PPid:\t{}", std::process::id());
    let is_ours = |status: &String| status.contains("State:\tZ") && status.lines().any(|line| line == parent);
    let statuses = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("status"));
    statuses.filter_map(|status| std::fs::read_to_string(status).ok()).filter(is_ours).count()
}

#[test]
#[ignore = "the other test starts it as a child"]
fn play() {
    roles::play();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphans_come_to_us_are_found_ended_and_reaped_and_our_own_keep_their_exit() {
    become_subreaper().unwrap();
    reap_strangers().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let own = Identity::own().unwrap();
    let mark = fresh_mark();

    // No parent, no session, no environment: only a subreaper still sees it.
    let text =
        r#"(env -i /usr/bin/setsid /bin/sh -c 'trap "" TERM; echo $$ > $0/pid; while :; do sleep 1000; done' "$1" &)"#;
    let mut gone = spawn(Command::new("sh").arg("-c").arg(text).arg("sh").arg(dir.path()).mark(&mark)).unwrap();
    assert!(gone.child.wait().await.unwrap().success());
    let escaped = registered(dir.path(), 1).await.remove(0);
    if !has_group(&escaped) {
        assert!(!census(None, &mark).contains(&escaped), "it is not found by its mark");
    }
    assert!(census(Some(&own), &mark).contains(&escaped));

    let stopped = stop_tree(Some(&own), false, &mark, Duration::from_millis(200)).await;
    assert_eq!(stopped.left, 0);
    assert!(stopped.forced >= 1);
    assert!(!escaped.is_alive());
    assert_eq!(zombies(), 0, "the orphan is reaped");

    // Strangers and our own end at the same time, many of them; each of our own keeps its exit status.
    let mut ours = Vec::new();
    for code in 0..40 {
        let text = format!("(sh -c 'exit 1' &); (sleep 0.01 &); exit {code}");
        ours.push((code, spawn(Command::new("sh").arg("-c").arg(text)).unwrap()));
    }
    for (code, spawned) in &mut ours {
        let status = tokio::time::timeout(BOUND, spawned.child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(*code));
    }
    wait_for("all orphans to be reaped", || (zombies() == 0).then_some(())).await;

    // Thousands of orphans, while one of ours has ended that nobody waits for yet and that the system names first.
    let mut first = spawn(Command::new("sh").arg("-c").arg("exit 3")).unwrap();
    process::exited(&first.identity).await;
    let mut litter = spawn(roles::role("litter", dir.path())).unwrap();
    assert!(litter.child.wait().await.unwrap().success());
    wait_for("thousands of orphans to be reaped", || (zombies() == 1).then_some(())).await;
    assert_eq!(first.child.wait().await.unwrap().code(), Some(3));

    // One of our own that has ended and is not waited for yet does not stand before the strangers.
    let mut late = spawn(Command::new("sh").arg("-c").arg("exit 9")).unwrap();
    process::exited(&late.identity).await;
    let mut parent = spawn(Command::new("sh").arg("-c").arg("(sleep 0.01 &)")).unwrap();
    assert!(parent.child.wait().await.unwrap().success());
    wait_for("only ours to be left", || (census(Some(&own), &mark).is_empty() && zombies() == 1).then_some(())).await;
    assert_eq!(late.child.wait().await.unwrap().code(), Some(9));
}
