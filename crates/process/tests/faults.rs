//! Processes that do their worst while they are counted and ended.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;
#[path = "common/roles.rs"]
mod roles;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::{BOUND, Sweep, fresh_mark, group_of, has_group, registered, wait_for};
use process::{Command, Identity, Mark, Stopped, census, exited, own_usage, spawn, stop_tree, usage};
use roles::{escaping, role};

const GRACE: Duration = Duration::from_millis(300);

#[test]
#[ignore = "the other tests start it as a child"]
fn play() {
    roles::play();
}

#[test]
fn all_of_this_holds_without_control_groups() {
    common::again_without_groups("all_of_this_holds_without_control_groups");
}

fn state_of(process: &Identity) -> char {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap();
    stat.rsplit_once(')').unwrap().1.trim_start().chars().next().unwrap()
}

/// Whether the system lets us make control groups; where not, there is less to test.
async fn groups_can_be_made() -> bool {
    let mark = fresh_mark();
    let mut probe = spawn(Command::new("sleep").arg("60").mark(&mark)).unwrap();
    let has = has_group(&probe.identity);
    assert_eq!(stop_tree(None, false, &mark, GRACE).await.left, 0);
    probe.child.wait().await.unwrap();
    has
}

fn own_group() -> PathBuf {
    group_of(&Identity::own().unwrap()).unwrap()
}

#[tokio::test]
async fn processes_that_are_traced_or_stopped_end() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let mut root = spawn(role("tracer", dir.path()).mark(&mark)).unwrap();
    let mut halted = spawn(Command::new("sh").arg("-c").arg("kill -STOP $$; sleep 60").mark(&mark)).unwrap();
    let known = registered(dir.path(), 2).await;
    wait_for("it to stop", || (state_of(&halted.identity) == 'T').then_some(())).await;
    let traced = known.iter().find(|process| **process != root.identity).unwrap();
    assert!(matches!(state_of(traced), 't' | 'T'), "{}", state_of(traced));
    assert!(traced.is_alive() && halted.identity.is_alive(), "one that is stopped is alive");

    let stopped = stop_tree(Some(&root.identity), true, &mark, GRACE).await;
    assert_eq!(stopped.left, 0, "{stopped:?}");
    assert!(known.iter().all(|process| !process.is_alive()));
    root.child.wait().await.unwrap();
    halted.child.wait().await.unwrap();
}

#[tokio::test]
async fn the_dead_of_another_parent_are_not_counted() {
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    // Its child ends, and nobody waits for it.
    let mut parent = spawn(Command::new("sh").arg("-c").arg("true & exec sleep 60").mark(&mark)).unwrap();
    let children = format!("/proc/{0}/task/{0}/children", parent.identity.pid);
    let zombie = wait_for("the child to end", || {
        let pid: u32 = fs::read_to_string(&children).unwrap().trim().parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let start = fields.get(19)?.parse().ok()?;
        (fields[0] == "Z").then(|| Identity { pid, start, ..parent.identity.clone() })
    })
    .await;
    assert!(!zombie.is_alive());
    assert_eq!(census(None, &mark), [parent.identity.clone()]);
    tokio::time::timeout(BOUND, exited(&zombie)).await.unwrap();
    assert_eq!(stop_tree(Some(&zombie), true, &fresh_mark(), GRACE).await, Stopped::default());
    let stopped = stop_tree(None, false, &mark, GRACE).await;
    assert_eq!(stopped, Stopped { ended: 1, forced: 0, left: 0 });
    parent.child.wait().await.unwrap();
}

#[tokio::test]
async fn the_grace_lasts_no_longer_than_the_processes() {
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let mut children = Vec::new();
    for _ in 0..20 {
        children.push(spawn(Command::new("sleep").arg("60").mark(&mark)).unwrap());
    }
    let started = Instant::now();
    let stopped = stop_tree(None, false, &mark, BOUND).await;
    assert_eq!(stopped, Stopped { ended: 20, forced: 0, left: 0 });
    assert!(started.elapsed() < BOUND / 10, "{:?}", started.elapsed());
    for mut child in children {
        child.child.wait().await.unwrap();
    }
}

#[tokio::test]
async fn a_newcomer_is_told_to_end_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    // The parent stays for the whole grace, and starts another process when it is told to end.
    let text = r#"trap 'sleep 1000 & echo $! > $1/newcomer' TERM; echo $$ > $1/pid; while :; do sleep 0.01; done"#;
    let mut root = spawn(Command::new("sh").arg("-c").arg(text).arg("sh").arg(dir.path()).mark(&mark)).unwrap();
    registered(dir.path(), 1).await;
    let stopping = tokio::spawn({
        let (root, mark) = (root.identity.clone(), mark.clone());
        async move { stop_tree(Some(&root), true, &mark, BOUND).await }
    });
    let newcomer: u32 =
        wait_for("the newcomer", || fs::read_to_string(dir.path().join("newcomer")).ok()?.trim().parse().ok()).await;
    wait_for("the newcomer to end", || Identity::of(newcomer).is_none().then_some(())).await;
    assert!(root.identity.is_alive(), "within the grace");
    root.child.start_kill().unwrap();
    assert_eq!(stopping.await.unwrap().left, 0);
    root.child.wait().await.unwrap();
}

#[tokio::test]
async fn what_got_away_altogether_is_found_by_its_group_after_its_worker_was_killed() {
    if !groups_can_be_made().await {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let mut worker = spawn(escaping(dir.path(), "escaped").mark(&mark)).unwrap();
    worker.child.wait().await.unwrap();
    let escaped = registered(dir.path(), 1).await.remove(0);
    assert!(census(None, &mark).contains(&escaped));
    let stopped = stop_tree(None, false, &mark, Duration::ZERO).await;
    assert_eq!(stopped.left, 0);
    assert!(!escaped.is_alive());
}

#[tokio::test]
async fn a_group_made_elsewhere_is_found_by_the_mark() {
    if !groups_can_be_made().await {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    fs::write(dir.path().join("mark"), format!("{}={}", mark.name, mark.value)).unwrap();
    // As a daemon of another login would be: in a group beside ours, and gone when we look.
    let elsewhere = own_group().join(format!("elsewhere-{}", std::process::id()));
    fs::create_dir(&elsewhere).unwrap();
    fs::write(dir.path().join("elsewhere"), elsewhere.to_str().unwrap()).unwrap();
    let mut daemon = spawn(role("daemon", dir.path())).unwrap();
    assert!(daemon.child.wait().await.unwrap().success());
    let escaped: u32 =
        wait_for("it to escape", || fs::read_to_string(dir.path().join("escaped")).ok()?.trim().parse().ok()).await;
    let escaped = Identity::of(escaped).unwrap();

    let stopped = stop_tree(None, false, &mark, GRACE).await;
    assert_eq!(stopped.left, 0);
    assert!(stopped.forced >= 1, "{stopped:?}");
    assert!(!escaped.is_alive());
    // Nothing is left of the groups either.
    wait_for("the groups to be empty", || fs::remove_dir(&elsewhere).ok()).await;
}

#[tokio::test]
async fn a_worker_ends_all_that_is_its_own_but_not_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    fs::write(dir.path().join("mark"), format!("{}={}", mark.name, mark.value)).unwrap();
    let mut worker = spawn(role("worker", dir.path()).mark(&mark)).unwrap();
    let group = group_of(&worker.identity).filter(|_| has_group(&worker.identity));
    let status = tokio::time::timeout(BOUND, worker.child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(fs::read_to_string(dir.path().join("stopped")).unwrap(), "0 left, still here");
    // The shell that got away with its sleep, and the other sleep.
    let counted: usize = fs::read_to_string(dir.path().join("census")).unwrap().parse().unwrap();
    assert!((2..=4).contains(&counted), "{counted}");
    let escaped: u32 = fs::read_to_string(dir.path().join("one")).unwrap().trim().parse().unwrap();
    assert_eq!(Identity::of(escaped), None);
    assert_eq!(stop_tree(None, false, &mark, GRACE).await, Stopped::default());
    assert!(group.is_none_or(|group| !group.exists()), "its group is removed");
}

#[tokio::test]
async fn empty_groups_of_the_dead_are_removed() {
    if !groups_can_be_made().await {
        return;
    }
    let leftover = own_group().join(format!("aicib-{:032x}", std::process::id()));
    fs::create_dir_all(leftover.join("aicib-below")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    // Another process tidies up when it makes its first group. It may be kept from it by one that just makes its own.
    wait_for("the leftover to go", || {
        let mark = fresh_mark();
        fs::write(dir.path().join("mark"), format!("{}={}", mark.name, mark.value)).unwrap();
        let play = ["--ignored", "--exact", "play", "role=worker"];
        let mut worker = std::process::Command::new(std::env::current_exe().unwrap());
        let worker = worker.args(play).arg(format!("dir={}", dir.path().display())).output().unwrap();
        assert!(worker.status.success());
        (!leftover.exists()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_tree_uses_is_added_up() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    // The shell holds 20 MB; it has waited for a child that counted; another sleeps in a session of its own.
    let text = r#"
        held=$(head -c 20000000 /dev/zero | tr '\0' x)
        sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'
        setsid sleep 60 &
        echo $$ > "$1/pid"
        wait
    "#;
    let mut root = spawn(Command::new("sh").arg("-c").arg(text).arg("sh").arg(dir.path()).mark(&mark)).unwrap();
    registered(dir.path(), 1).await;
    let used = wait_for("both", || Some(usage(&root.identity, &mark)).filter(|used| used.processes == 2)).await;
    assert!((20_000_000..200_000_000).contains(&used.memory_bytes), "{used:?}");
    assert!(used.cpu_ms >= 20, "{used:?}");
    assert_eq!(stop_tree(Some(&root.identity), true, &mark, GRACE).await.left, 0);
    assert_eq!(usage(&root.identity, &mark), process::Usage::default());
    root.child.wait().await.unwrap();

    let own = own_usage();
    assert_eq!(own.processes, 1);
    assert!(own.memory_bytes > 1_000_000, "{own:?}");
}

#[test]
fn a_mark_with_odd_characters_is_found() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mark = Mark::new("AICIB_TEST_MARK", format!("/home/ä b/=x:\n{}", std::process::id()));
        let mut one = spawn(Command::new("sleep").arg("60").mark(&mark)).unwrap();
        assert_eq!(census(None, &mark), [one.identity.clone()]);
        assert_eq!(stop_tree(None, false, &mark, GRACE).await.ended, 1);
        one.child.wait().await.unwrap();
    });
}
