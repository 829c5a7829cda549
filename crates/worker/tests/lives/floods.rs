//! Commands that print without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use contract::{EventBody, Outcome};
use testkit::{Provider, Turn};

use crate::daemon::Daemon;
use crate::stage::{Stage, command, peak_memory};

/// Runs one command. What it printed, as the event keeps it, and the most memory that the worker had by then.
async fn output_of(text: &str, timeout_ms: u64) -> (String, u64) {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let (pid, peak) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU64::new(0)));
    let (of, to) = (pid.clone(), peak.clone());
    let looks = Turn::made(move |_| {
        to.store(peak_memory(of.load(Ordering::SeqCst)), Ordering::SeqCst);
        Turn::text("Ran.")
    });
    let provider = Provider::start(command(text, timeout_ms, looks)).await;
    let mut worker = stage.start(&stage.api(&provider)).await;
    pid.store(worker.pid(), Ordering::SeqCst);
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, ended.code()), (Outcome::Completed, ""));
    let output = ended.entries.into_iter().find_map(|entry| match entry.body {
        EventBody::ToolFinished { output, .. } => Some(output),
        _ => None,
    });
    daemon.leave().await;
    (output.unwrap(), peak.load(Ordering::SeqCst))
}

#[tokio::test]
async fn three_hundred_megabytes_in_one_line_leave_memory_flat() {
    let (small, before) = output_of("echo little", 60_000).await;
    assert_eq!(small, "little\n");
    let flood = "echo first; head -c 150000000 /dev/zero | tr '\\0' x; head -c 150000000 /dev/zero | tr '\\0' x >&2; \
                 echo; echo last";
    let (output, peak) = output_of(flood, 60_000).await;
    assert!(output.starts_with("first\nxxx") && output.len() < 10_000, "{}", output.len());
    assert!(peak < before + 16 * 1024 * 1024, "{before} became {peak}");
}

#[tokio::test]
async fn a_command_that_never_stops_printing_ends_on_time() {
    let began = std::time::Instant::now();
    let (output, peak) = output_of("yes", 700).await;
    assert!(output.starts_with("y\ny\n"), "{output}");
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(peak < 100 * 1024 * 1024, "{peak}");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept_as_text() {
    let (output, _) = output_of("printf 'a\\377\\376\\0b\\xc3'; printf '\\033[31m'", 60_000).await;
    assert!(output.starts_with('a') && output.contains('b') && output.contains('\u{fffd}'), "{output:?}");
}
