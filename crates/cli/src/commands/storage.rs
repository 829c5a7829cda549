//! `aicib storage`: what is kept on disk.

use contract::{Empty, StorageReport, methods};

use crate::context::Context;
use crate::failure::Outcome;
use crate::text::{bytes, grouped, pad_left, safe};

/// Prints sizes.
pub(crate) async fn storage(context: &mut Context) -> Outcome {
    let report = context.daemon().await?.call::<methods::StorageGet>(Empty {}).await?;
    if context.out.json {
        return Ok(context.out.value(&report)?);
    }
    for row in storage_lines(&report) {
        context.out.line(&row)?;
    }
    Ok(())
}

/// The sizes, and how to make room.
pub(crate) fn storage_lines(report: &StorageReport) -> Vec<String> {
    let counted =
        |number: i64, one: &str, many: &str| format!("{} {}", grouped(number), if number == 1 { one } else { many });
    let (jobs, events) = (counted(report.jobs, "job", "jobs"), counted(report.events, "event", "events"));
    let what = [
        ("database", report.database_bytes, format!("{jobs}, {events}")),
        ("copies of it", report.backups_bytes, String::new()),
        ("runs", report.runs_bytes, "what they said, and earlier contents of files".to_owned()),
        ("engines", report.engines_bytes, "what programs keep of their conversations".to_owned()),
        ("logs", report.logs_bytes, String::new()),
    ];
    let mut rows = vec![safe(&report.home)];
    for (name, size, about) in &what {
        rows.push(format!("{name:14}{}  {about}", pad_left(&bytes(*size), 9)).trim_end().to_owned());
    }
    let all: i64 = what.iter().map(|(_, size, _)| size).sum();
    let free = report.free_bytes.map(|free| format!("  {} free on this disk", bytes(free))).unwrap_or_default();
    rows.push(format!("{:14}{}{free}", "in all", pad_left(&bytes(all), 9)));
    rows.push("`aicib prune` forgets jobs that ended long ago.".to_owned());
    rows
}
