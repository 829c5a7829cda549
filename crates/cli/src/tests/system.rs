//! `aicib daemon`.

use contract::{Health, JobId, LogLevel, LoggedError, RunId, Time, WorkerHealth};

use super::sample::{NOON, daemon_status, sheet};
use crate::commands::health_lines;
use crate::text::columns;

fn health() -> Health {
    let worker = |number: i64, connected: bool| WorkerHealth {
        run_id: RunId(number + 2),
        job_id: JobId(number),
        pid: connected.then_some(4_321),
        children: 3,
        memory_bytes: 44_040_192,
        cpu_ms: 75_000,
        heard_at: Time(NOON + 58_000),
        connected,
        lag_bytes: 2_048,
    };
    Health {
        status: daemon_status(),
        uptime_ms: 7_800_000,
        beat_at: Time(NOON + 52_000),
        memory_bytes: 18_874_368,
        cpu_ms: 1_240,
        max_parallel_jobs: 10,
        workers: vec![worker(7, true), worker(112, false)],
        lag_bytes: 4_096,
        disk_free_bytes: Some(12_884_901_888),
        backup_at: Some(Time(NOON - 32_400_000)),
        repaired: "The database was damaged: it was made anew from the copy of 2026-11-19.".into(),
        errors: vec![
            LoggedError { at: Time(NOON), level: LogLevel::Warn, text: "a client read too slowly".into() },
            LoggedError { at: Time(NOON), level: LogLevel::Error, text: "the disk is full \u{1b}[2J".repeat(9) },
        ],
    }
}

#[test]
fn health_is_a_report_that_people_can_read() {
    let lines = health_lines(&health(), &sheet());
    assert!(lines.iter().all(|line| columns(line) <= 90), "{lines:#?}");
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn health_of_an_idle_daemon_says_what_there_is_not() {
    let idle = Health {
        workers: vec![],
        errors: vec![],
        repaired: String::new(),
        backup_at: None,
        disk_free_bytes: None,
        ..health()
    };
    let shown = health_lines(&idle, &sheet()).join("\n");
    for part in ["Backup    none yet", "Disk      unknown", "No worker is alive."] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("Last errors") && !shown.contains("Repaired"), "{shown}");
}
