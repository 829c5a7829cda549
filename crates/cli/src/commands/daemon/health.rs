//! `aicib daemon health`: how the daemon and its workers fare.

use contract::{Health, LogLevel, WorkerHealth};

use crate::context::Sheet;
use crate::out::Ink;
use crate::text::{bytes, fit, length, line, pad, pad_left, short_length};

/// A heart that has not beaten for so long, in milliseconds, is said in red: it beats every 15 seconds.
const BEAT_MS: i64 = 60_000;
/// Less free disk than this, in bytes, is said in red.
const LITTLE_DISK: i64 = 512 * 1024 * 1024;
/// A copy of the database that is older than this, in milliseconds, is said in yellow: one is made each day.
const OLD_BACKUP_MS: i64 = 2 * 86_400_000;

/// The report, for people.
pub(crate) fn health_lines(health: &Health, sheet: &Sheet) -> Vec<String> {
    let (paint, clock) = (sheet.paint, &sheet.clock);
    let status = &health.status;
    let jobs = super::jobs(status);
    let beat = format!("last beat {}", clock.ago(health.beat_at));
    let beat = if clock.now.since(health.beat_at) > BEAT_MS { paint.ink(Ink::Red, &beat) } else { beat };
    let disk = health.disk_free_bytes.map_or_else(
        || "unknown".to_owned(),
        |free| {
            let text = format!("{} free", bytes(free));
            if free < LITTLE_DISK { paint.ink(Ink::Red, &text) } else { text }
        },
    );
    let backup = health.backup_at.map_or_else(
        || paint.ink(Ink::Yellow, "none yet"),
        |at| {
            let text = format!("{} ({})", clock.show(at), clock.ago(at));
            if clock.now.since(at) > OLD_BACKUP_MS { paint.ink(Ink::Yellow, &text) } else { text }
        },
    );
    let mut lines = vec![
        format!(
            "Daemon    process {}, version {}, up {}, {beat}",
            status.pid,
            line(&status.version, 40),
            length(health.uptime_ms)
        ),
        format!("Home      {}", line(&status.home, 400)),
        format!("Memory    {}; {} of processor time", bytes(health.memory_bytes), length(health.cpu_ms)),
        format!("Jobs      {jobs}"),
        format!("Queue     at most {} at once", health.max_parallel_jobs),
    ];
    if status.held {
        lines.push(format!("          {}", paint.ink(Ink::Yellow, crate::facts::ALL_HELD)));
    }
    lines.extend([
        format!("Lag       {} written and not stored yet", bytes(health.lag_bytes)),
        format!("Database  {}, event {}", bytes(status.database_bytes), status.seq),
        format!("Disk      {disk}"),
        format!("Backup    {backup}"),
        format!("Desktop   {}", if status.desktop { "attached" } else { "not attached" }),
        format!("Log       {}", status.log_level.name()),
    ]);
    if !health.repaired.is_empty() {
        lines.push(format!("Repaired  {}", paint.ink(Ink::Yellow, &line(&health.repaired, 1000))));
    }
    lines.push(String::new());
    if health.workers.is_empty() {
        lines.push("No worker is alive.".to_owned());
    } else {
        lines.extend(workers(&health.workers, sheet));
    }
    if !health.errors.is_empty() {
        lines.push(String::new());
        lines.push(paint.ink(Ink::Bold, "Last errors"));
        for error in &health.errors {
            let ink = if error.level == LogLevel::Error { Ink::Red } else { Ink::Yellow };
            let (at, level) = (clock.show(error.at), pad(error.level.name(), LogLevel::Error.name().len()));
            let taken = at.chars().count() + level.len() + 6;
            lines.push(format!("  {at}  {}  {}", paint.ink(ink, &level), fit(&error.text, sheet.left(taken))));
        }
    }
    lines
}

/// The workers as a table.
fn workers(workers: &[WorkerHealth], sheet: &Sheet) -> Vec<String> {
    let mut rows = vec![["JOB", "RUN", "PROCESS", "UNDER IT", "MEMORY", "CPU", "LAG", "HEARD"].map(str::to_owned)];
    rows.extend(workers.iter().map(|worker| {
        let heard = sheet.clock.ago(worker.heard_at);
        [
            format!("#{}", worker.job_id),
            worker.run_id.to_string(),
            worker.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            worker.children.to_string(),
            bytes(worker.memory_bytes),
            short_length(worker.cpu_ms),
            bytes(worker.lag_bytes),
            if worker.connected { heard } else { format!("{heard}, away") },
        ]
    }));
    let widths: [usize; 8] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().zip(widths).map(|(cell, width)| pad_left(cell, width));
            cells.collect::<Vec<_>>().join("  ")
        })
        .collect();
    if let Some(head) = lines.first_mut() {
        *head = sheet.paint.ink(Ink::Dim, head);
    }
    lines
}
