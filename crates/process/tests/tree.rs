//! Trees of real processes that try to get away, and how they end.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use common::{BOUND, Sweep, fresh_mark, registered, wait_for};
use process::{Command, Identity, Stopped, census, exited, spawn, stop_tree};

const GRACE: Duration = Duration::from_millis(300);

#[test]
fn all_of_this_holds_without_control_groups() {
    common::again_without_groups("all_of_this_holds_without_control_groups");
}

fn script(text: &str, dir: &std::path::Path) -> Command {
    Command::new("sh").arg("-c").arg(text).arg("sh").arg(dir)
}

#[tokio::test]
async fn nothing_is_left_of_a_tree_that_tries_everything() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    // $1 is the folder to register in. Each line is one process that goes its own way.
    let text = r#"
        sh -c 'echo $$ > $0/plain; exec sleep 1000' "$1" &
        setsid sh -c 'echo $$ > $0/session; exec sleep 1000' "$1" &
        (setsid sh -c 'echo $$ > $0/orphan; exec sleep 1000' "$1" &)
        env -i PATH="$PATH" sh -c 'echo $$ > $0/cleared; exec sleep 1000' "$1" &
        env -i PATH="$PATH" setsid sh -c 'echo $$ > $0/cleared-session; exec sleep 1000' "$1" &
        (env -i PATH="$PATH" sh -c 'echo $$ > $0/cleared-orphan; exec sleep 1000' "$1" &)
        sh -c 'trap "" TERM; echo $$ > $0/stubborn; while :; do sleep 1000; done' "$1" &
        sh -c 'trap "" TERM HUP INT; echo $$ > $0/parent; (env -i setsid /bin/sleep 1000) & wait; sleep 1000' "$1" &
        sh -c 'echo $$ > $0/paused; kill -STOP $$' "$1" &
        echo $$ > "$1/root"
        wait
    "#;
    let mut root = spawn(script(text, dir.path()).mark(&mark)).unwrap();
    let known = registered(dir.path(), 10).await;
    // And the two that do not register: a sleep below "stubborn", and one below "parent".
    let found = wait_for("the whole tree", || {
        let found = census(Some(&root.identity), &mark);
        (found.len() == 11).then_some(found)
    })
    .await;
    let found: HashSet<_> = found.into_iter().collect();
    for process in known.iter().filter(|process| **process != root.identity) {
        assert!(found.contains(process), "not found: {process:?}");
    }
    assert!(!found.contains(&root.identity), "the root is not part of its own census");

    let started = Instant::now();
    let stopped = stop_tree(Some(&root.identity), true, &mark, GRACE).await;
    assert_eq!(stopped.left, 0);
    assert!(stopped.ended + stopped.forced >= 12, "{stopped:?}");
    assert!(stopped.forced >= 3, "those that ignore being told must be killed: {stopped:?}");
    assert!(started.elapsed() >= GRACE, "the grace was cut short");
    for process in known.iter().chain(&found) {
        assert!(!process.is_alive(), "{process:?} is still there");
    }
    assert_eq!(census(Some(&root.identity), &mark), []);
    root.child.wait().await.unwrap();
}

#[tokio::test]
async fn one_that_ends_when_told_to_gets_the_time_to_tidy_up() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let text = r#"trap 'echo bye > "$1/bye"; exit 0' TERM; echo $$ > "$1/pid"; while :; do sleep 0.02; done"#;
    let mut root = spawn(script(text, dir.path()).mark(&mark)).unwrap();
    registered(dir.path(), 1).await;

    let started = Instant::now();
    let stopped = stop_tree(Some(&root.identity), true, &mark, BOUND).await;
    assert_eq!((stopped.forced, stopped.left), (0, 0));
    assert!(stopped.ended >= 1);
    assert!(started.elapsed() < BOUND, "it was not waited for longer than needed");
    assert_eq!(std::fs::read_to_string(dir.path().join("bye")).unwrap(), "bye\n");
    assert!(root.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_tree_that_grows_while_it_is_ended_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    // Each leaves a successor without parent or session when it is told to end.
    let text = r#"
        echo 'trap "setsid sh $0 $0 & exit" TERM; : > $0.ready; while :; do sleep 0.01; done' > "$1/hydra"
        exec sh "$1/hydra" "$1/hydra"
    "#;
    let mut root = spawn(script(text, dir.path()).mark(&mark)).unwrap();
    wait_for("the hydra", || dir.path().join("hydra.ready").exists().then_some(())).await;
    let stopped = stop_tree(Some(&root.identity), true, &mark, GRACE).await;
    assert_eq!(stopped.left, 0, "{stopped:?}");
    assert_eq!(census(None, &mark), []);
    root.child.wait().await.unwrap();
}

#[tokio::test]
async fn another_process_of_that_pid_is_never_touched() {
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let mut bystander = spawn(Command::new("sleep").arg("1000").mark(&mark)).unwrap();
    let earlier_start = Identity { start: bystander.identity.start - 1, ..bystander.identity.clone() };
    let earlier_boot = Identity { boot: "another".into(), ..bystander.identity.clone() };
    for impostor in [earlier_start, earlier_boot] {
        assert!(!impostor.is_alive());
        tokio::time::timeout(BOUND, exited(&impostor)).await.expect("one that is gone is not waited for");
        assert_eq!(stop_tree(Some(&impostor), true, &fresh_mark(), GRACE).await, Stopped::default());
        assert!(bystander.identity.is_alive());
    }
    let stopped = stop_tree(Some(&bystander.identity), true, &mark, GRACE).await;
    assert_eq!(stopped, Stopped { ended: 1, forced: 0, left: 0 });
    bystander.child.wait().await.unwrap();
}

#[tokio::test]
async fn a_root_that_is_to_stay_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let text = r#"(trap '' TERM; echo $$ > "$1/root"; sleep 1000) & sleep 1000 & trap '' TERM; wait; wait; exit 5"#;
    let mut root = spawn(script(text, dir.path()).mark(&mark)).unwrap();
    registered(dir.path(), 1).await;
    let stopped = stop_tree(Some(&root.identity), false, &mark, GRACE).await;
    assert_eq!(stopped.left, 0);
    assert!(stopped.forced >= 1 && stopped.ended + stopped.forced >= 2, "{stopped:?}");
    assert_eq!(root.child.wait().await.unwrap().code(), Some(5), "it ended by itself");
    assert_eq!(stop_tree(None, false, &mark, GRACE).await, Stopped::default());
}

#[tokio::test]
async fn only_the_very_mark_counts() {
    let mark = fresh_mark();
    let longer = process::Mark::new(&mark.name, format!("{}1", mark.value));
    let _sweeps = (Sweep(mark.clone()), Sweep(longer.clone()));
    let mut one = spawn(Command::new("sleep").arg("1000").mark(&mark)).unwrap();
    let mut other = spawn(Command::new("sleep").arg("1000").mark(&longer)).unwrap();
    assert_eq!(census(None, &mark), [one.identity.clone()]);
    assert_eq!(census(None, &longer), [other.identity.clone()]);
    assert_eq!(stop_tree(None, false, &longer, GRACE).await.ended, 1);
    assert!(one.identity.is_alive());
    assert_eq!(stop_tree(None, false, &mark, GRACE).await.ended, 1);
    one.child.wait().await.unwrap();
    other.child.wait().await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_process_is_seen_before_it_is_reaped() {
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let mut sleeper = spawn(Command::new("sleep").arg("1000").mark(&mark)).unwrap();
    let watch = tokio::spawn({
        let identity = sleeper.identity.clone();
        async move { exited(&identity).await }
    });
    assert!(sleeper.identity.is_alive());
    sleeper.child.start_kill().unwrap();
    tokio::time::timeout(BOUND, watch).await.unwrap().unwrap();
    assert!(!sleeper.identity.is_alive(), "one that waits to be reaped is gone");
    assert_eq!(Identity::of(sleeper.identity.pid), None);
    sleeper.child.wait().await.unwrap();
    assert_eq!(stop_tree(None, false, &mark, GRACE).await, Stopped::default());
}

#[test]
fn we_know_ourselves() {
    let own = Identity::own().unwrap();
    assert_eq!(own.pid, std::process::id());
    assert!(own.is_alive());
    assert!(own.start > 0 && !own.boot.is_empty());
    assert_eq!(Identity::of(u32::MAX), None);
}
