//! Processes that multiply while they are ended. A test binary of its own, one test at a time: they keep the system busy.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;
#[path = "common/roles.rs"]
mod roles;

use std::time::Duration;

use common::{Sweep, fresh_mark, wait_for};
use process::{census, spawn, stop_tree};
use roles::role;

const GRACE: Duration = Duration::from_millis(300);
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[test]
#[ignore = "the other tests start it as a child"]
fn play() {
    roles::play();
}

#[tokio::test]
async fn all_of_this_holds_without_control_groups() {
    let _alone = ALONE.lock().await;
    common::again_without_groups("all_of_this_holds_without_control_groups");
}

#[tokio::test]
async fn processes_that_multiply_while_they_are_ended_end() {
    let _alone = ALONE.lock().await;
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let mut root = spawn(role("bomb", dir.path()).mark(&mark)).unwrap();
    wait_for("the bomb to grow", || (census(Some(&root.identity), &mark).len() >= 20).then_some(())).await;
    let stopped = stop_tree(Some(&root.identity), true, &mark, GRACE).await;
    assert_eq!(stopped.left, 0, "{stopped:?}");
    assert!(stopped.forced >= 20, "{stopped:?}");
    assert_eq!(census(Some(&root.identity), &mark), []);
    root.child.wait().await.unwrap();
}

#[tokio::test]
async fn a_process_that_is_another_one_all_the_time_ends() {
    let _alone = ALONE.lock().await;
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let mut root = spawn(role("rabbit", dir.path()).mark(&mark)).unwrap();
    let ready = dir.path().join("ready");
    wait_for("it to run", || ready.exists().then_some(())).await;
    root.child.wait().await.unwrap();
    let stopped = stop_tree(Some(&root.identity), true, &mark, GRACE).await;
    assert_eq!(stopped.left, 0, "{stopped:?}");
    for _ in 0..10 {
        assert_eq!(census(None, &mark), []);
    }
}
