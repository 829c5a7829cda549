//! Shell commands, from well-behaved to hostile.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{BOUND, Sweep, fresh_mark, registered};
use process::{Command, Grace, Mark, Shell, ShellOutcome, SpawnError, Stopped, census, run_shell, spawn, stop_tree};
use tokio_util::sync::CancellationToken;

const CAP: usize = 10_000;

fn shell(command: &str, mark: &Mark) -> Shell {
    let grace = Duration::from_millis(200);
    Shell {
        command: command.into(),
        dir: std::env::temp_dir(),
        env: Vec::new(),
        mark: mark.clone(),
        grace: grace.into(),
        confine: None,
    }
}

/// The most memory that we have held so far, in kB.
fn largest_size() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Runs it, and sees to it that nothing is left.
async fn run(command: &str, limit: Duration) -> ShellOutcome {
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let stop = CancellationToken::new();
    let running = run_shell(shell(command, &mark), limit, CAP, &stop, &|_| {});
    let outcome = tokio::time::timeout(BOUND, running).await.expect("it hangs").unwrap();
    assert_eq!(census(None, &mark), [], "left behind by: {command}");
    outcome
}

#[tokio::test]
async fn a_command_gives_its_output_in_order_and_its_exit() {
    let outcome = run("echo one; echo two >&2; echo three; exit 7", BOUND).await;
    assert_eq!(outcome.output, "one\ntwo\nthree\n");
    assert_eq!((outcome.exit, outcome.signal), (Some(7), None));
    assert_eq!(outcome.total_bytes, 14);
    assert!(!outcome.timed_out && !outcome.interrupted);
    assert_eq!(outcome.stopped, Stopped::default());
}

#[tokio::test]
async fn a_command_has_nothing_to_read() {
    let outcome = run("cat; echo end", BOUND).await;
    assert_eq!(outcome.output, "end\n");
}

#[tokio::test]
async fn two_gigabytes_are_counted_and_not_kept() {
    let before = largest_size();
    let mark = fresh_mark();
    let told = AtomicU64::new(0);
    let on_output = |bytes: usize| {
        told.fetch_add(bytes as u64, Ordering::Relaxed);
    };
    let command = "echo begin; head -c 2147483648 /dev/zero; echo; echo end";
    let stop = CancellationToken::new();
    let outcome = run_shell(shell(command, &mark), BOUND, CAP, &stop, &on_output).await.unwrap();
    assert!(told.into_inner() > outcome.total_bytes / 2, "each piece is told as it comes");
    assert!(
        largest_size().saturating_sub(before) < 32 * 1024,
        "memory stays flat: {before} kB before, {} after",
        largest_size()
    );
    assert_eq!(outcome.exit, Some(0));
    assert_eq!(outcome.total_bytes, 2_147_483_648 + 11);
    assert!(outcome.output.starts_with("begin\n") && outcome.output.ends_with("\nend\n"));
    assert!(outcome.output.len() < CAP + 100);
    let left_out = outcome.total_bytes - CAP as u64;
    assert!(outcome.output.contains(&format!("\n[… {left_out} bytes left out …]\n")));
}

#[tokio::test]
async fn a_flood_without_end_ends_at_the_limit() {
    let outcome = run("yes & yes", Duration::from_millis(200)).await;
    assert!(outcome.timed_out);
    assert!(outcome.total_bytes > 0 && outcome.output.len() < CAP + 100);
    assert_eq!(outcome.stopped.left, 0);
    assert!(outcome.stopped.ended >= 2, "{:?}", outcome.stopped);
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_with_what_it_wrote() {
    let outcome = run("echo working; sleep 1000", Duration::from_millis(200)).await;
    assert_eq!(outcome.output, "working\n");
    assert!(outcome.timed_out);
    assert_eq!((outcome.exit, outcome.signal), (None, Some(15)));
}

#[tokio::test]
async fn what_runs_on_in_the_background_neither_delays_nor_survives() {
    let started = Instant::now();
    let outcome = run("sleep 1000 & setsid sleep 1000 & echo done", BOUND).await;
    assert_eq!((outcome.output.as_str(), outcome.exit), ("done\n", Some(0)));
    assert_eq!(outcome.stopped, Stopped { ended: 2, forced: 0, left: 0 });
    assert!(started.elapsed() < BOUND / 2);
}

#[tokio::test]
async fn a_background_process_that_ignores_everything_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let command = format!(
        r#"cd {}; (trap '' TERM HUP; env -i PATH="$PATH" sh -c 'echo $$ > pid; while :; do sleep 1000; done' &)
        until [ -s pid ]; do sleep 0.01; done; echo started"#,
        dir.path().display()
    );
    let outcome = run(&command, BOUND).await;
    assert_eq!(outcome.output, "started\n");
    assert_eq!(outcome.stopped.left, 0);
    assert!(outcome.stopped.forced >= 1, "{:?}", outcome.stopped);
    let pid: u32 = std::fs::read_to_string(dir.path().join("pid")).unwrap().trim().parse().unwrap();
    assert_eq!(process::Identity::of(pid), None);
}

#[tokio::test]
async fn a_command_ends_when_we_are_told_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let stop = CancellationToken::new();
    let command = format!("echo $$ > {}/pid; echo here; sleep 1000", dir.path().display());
    let running = tokio::spawn({
        let (shell, stop) = (shell(&command, &mark), stop.clone());
        async move { run_shell(shell, BOUND, CAP, &stop, &|_| {}).await }
    });
    registered(dir.path(), 1).await;
    stop.cancel();
    let outcome = tokio::time::timeout(BOUND, running).await.unwrap().unwrap().unwrap();
    assert!(outcome.interrupted && !outcome.timed_out);
    assert_eq!(outcome.signal, Some(15));
    assert_eq!(census(None, &mark), []);
}

#[tokio::test]
async fn what_follows_a_stopped_command_has_only_the_rest_of_its_grace() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let stop = CancellationToken::new();
    let grace = Grace::new(Duration::from_secs(1));
    let command = format!("trap '' TERM; echo $$ > {}/pid; while :; do sleep 1000; done", dir.path().display());
    let running = tokio::spawn({
        let (shell, stop) = (Shell { grace: grace.clone(), ..shell(&command, &mark) }, stop.clone());
        async move { run_shell(shell, BOUND, CAP, &stop, &|_| {}).await }
    });
    registered(dir.path(), 1).await;
    let stubborn = Command::new("sh").arg("-c").arg("trap '' TERM; while :; do sleep 1000; done").mark(&mark);
    let mut stubborn = spawn(stubborn).unwrap();
    let began = Instant::now();
    stop.cancel();
    let outcome = tokio::time::timeout(BOUND, running).await.unwrap().unwrap().unwrap();
    assert!(outcome.stopped.forced >= 1, "{:?}", outcome.stopped);
    let rest = stop_tree(None, false, &mark, grace.left()).await;
    assert_eq!(rest.left, 0);
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1) && took < Duration::from_millis(1900), "{took:?}");
    stubborn.child.wait().await.unwrap();
}

#[tokio::test]
async fn a_signal_is_told_from_an_exit() {
    let outcome = run("kill -9 $$", BOUND).await;
    assert_eq!((outcome.exit, outcome.signal), (None, Some(9)));
}

#[tokio::test]
async fn two_commands_of_one_run_do_not_end_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    let stop = CancellationToken::new();
    let wait =
        format!("echo $$ > {0}/pid; until [ -e {0}/go ]; do sleep 0.01; done; echo went on", dir.path().display());
    let long = tokio::spawn({
        let (shell, stop) = (shell(&wait, &mark), stop.clone());
        async move { run_shell(shell, BOUND, CAP, &stop, &|_| {}).await }
    });
    registered(dir.path(), 1).await;
    run_shell(shell("sleep 1000 & echo short", &mark), BOUND, CAP, &stop, &|_| {}).await.unwrap();
    std::fs::write(dir.path().join("go"), "").unwrap();
    assert_eq!(long.await.unwrap().unwrap().output, "went on\n");
}

#[tokio::test]
async fn variables_are_added_and_the_mark_is_there() {
    let mark = fresh_mark();
    let mut shell = shell(&format!(r#"echo "$GREETING ${}""#, mark.name), &mark);
    shell.env.push(("GREETING".into(), "hello".into()));
    let outcome = run_shell(shell, BOUND, CAP, &CancellationToken::new(), &|_| {}).await.unwrap();
    assert_eq!(outcome.output, format!("hello {}\n", mark.value));
}

#[tokio::test]
async fn a_folder_that_is_gone_is_said() {
    let mut shell = shell("true", &fresh_mark());
    shell.dir = "/no/such/folder".into();
    let error = run_shell(shell, BOUND, CAP, &CancellationToken::new(), &|_| {}).await.unwrap_err();
    assert!(matches!(error, SpawnError::NoFolder(_)));
}
