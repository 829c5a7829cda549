//! `aicib daemon logs`: what the daemon has to say for itself, whether it runs or not.

use std::time::Duration;

use contract::{Error, ErrorCode, LogLevel, LoggedError, Time};
use jiff::Timestamp;
use serde_json::json;

use super::log_files::{Reader, files};
use crate::context::{Context, line_count};
use crate::failure::{Failure, Outcome};
use crate::out::{Ink, Out};
use crate::text::safe;

/// Lines shown where no number is given.
const DEFAULT_LINES: i64 = 100;
/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Prints the last lines, and with `-f` those to come.
pub(super) async fn logs(context: &mut Context, lines: Option<&str>, follow: bool) -> Outcome {
    let lines = lines.map(line_count).transpose()?.unwrap_or(DEFAULT_LINES);
    let log = context.home.daemon_log();
    if files(&log).is_empty() && !follow {
        return Err(no_log().into());
    }
    let unreadable = |error: std::io::Error| {
        Error::new(
            ErrorCode::INTERNAL,
            format!("The log {} cannot be read: {error}.", log.display()),
            "Check who owns it.",
        )
    };
    let mut reader = Reader::before_the_last(&log, lines.unsigned_abs()).map_err(unreadable)?;
    loop {
        let mut print = |line: &str| print(&mut context.out, line);
        reader.read(&mut print)?;
        if !follow {
            reader.last_words(&mut print)?;
            return Ok(());
        }
        context.out.flush()?;
        tokio::time::sleep(LOOK).await;
    }
}

/// The error of a home in which no daemon ever ran.
pub(super) fn no_log() -> Error {
    Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        "There is no log: no daemon has run here yet.",
        "Start it with `aicib daemon start`.",
    )
}

fn print(out: &mut Out, line: &str) -> Result<(), Failure> {
    let parsed = parse(line);
    if out.json {
        return match parsed {
            Some(logged) => Ok(out.value(&logged)?),
            None => Ok(out.value(&json!({"text": safe(line)}))?),
        };
    }
    let text = safe(line);
    let ink = match parsed.map(|logged| logged.level) {
        Some(LogLevel::Error) => Ink::Red,
        Some(LogLevel::Warn) => Ink::Yellow,
        Some(LogLevel::Debug | LogLevel::Trace) => Ink::Dim,
        Some(LogLevel::Info) | None => return Ok(out.line(&text)?),
    };
    Ok(out.line(&out.paint.ink(ink, &text))?)
}

/// A line's time, level and words; none for what goes on from the line before, or is no line of ours.
fn parse(line: &str) -> Option<LoggedError> {
    let (at, rest) = line.split_once(' ')?;
    let at = at.parse::<Timestamp>().ok()?;
    let (level, text) = rest.trim_start().split_once(' ')?;
    let level = LogLevel::from_name(&level.to_lowercase())?;
    Some(LoggedError { at: Time(at.as_millisecond()), level, text: safe(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_time_a_level_and_words() {
        let logged = parse("2026-11-20T12:00:00.500Z  WARN daemon: the disk is\u{1b}[2J full").unwrap();
        assert_eq!((logged.at, logged.level), (Time(1_795_176_000_500), LogLevel::Warn));
        assert_eq!(logged.text, "daemon: the disk is full");
        for line in ["", "thread 'main' panicked", "2026-11-20T12:00:00Z nothing", "   at src/main.rs"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
