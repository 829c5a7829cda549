//! How what is known of a job is said, wherever it is said.

use contract::{Band, CostBasis, EngineKind, Job, JobState, StopCounts, role_name};

use crate::context::{Clock, Sheet};
use crate::out::{Ink, Paint};
use crate::text::{count, length, line, roughly};

/// What is said wherever the practice engine works.
pub(crate) const PRACTICE: &str = "Practice: a rehearsal without a model; nothing is charged.";
/// What is said where everything stands still by the founder's will.
pub(crate) const ALL_HELD: &str = "All jobs are on hold: `aicib resume` lets them go on.";

/// Who takes a brief that names nobody: not worth saying.
pub(crate) const CEO: &str = "ceo";
/// What a worker says of a job that it holds.
const ON_HOLD: &str = "It is on hold.";

/// A job's state, as it is said everywhere.
pub(crate) fn state(state: JobState, paint: Paint) -> String {
    paint.ink(ink(state), state.name())
}

/// A state's colour.
pub(crate) fn ink(state: JobState) -> Ink {
    match state {
        JobState::Completed => Ink::Green,
        JobState::Running => Ink::Cyan,
        JobState::Failed => Ink::Red,
        JobState::Scheduled | JobState::Blocked | JobState::Queued => Ink::Dim,
        JobState::Waiting | JobState::Retrying | JobState::Cancelled => Ink::Yellow,
    }
}

/// How long a job took, once it ended.
pub(crate) fn took(job: &Job) -> Option<String> {
    Some(length(job.finished_at?.since(job.started_at.unwrap_or(job.created_at))))
}

/// What a job cost, and how sure that is.
pub(crate) fn cost(job: &Job) -> String {
    match job.cost_basis {
        CostBasis::Reported => job.cost_usd.to_string(),
        CostBasis::Estimated => format!("{} estimated", job.cost_usd),
        CostBasis::Free => format!("{} free", job.cost_usd),
        CostBasis::Unknown => format!("{} or more, price unknown", job.cost_usd),
    }
}

/// Where a figure comes from, in a word or two.
pub(crate) const fn basis(basis: CostBasis) -> &'static str {
    match basis {
        CostBasis::Reported => "reported",
        CostBasis::Estimated => "estimated",
        CostBasis::Free => "free",
        CostBasis::Unknown => "price unknown",
    }
}

/// A band's colour; none where all is well.
pub(crate) const fn band_ink(band: Band) -> Option<Ink> {
    match band {
        Band::Green => None,
        Band::Yellow => Some(Ink::Yellow),
        Band::Red => Some(Ink::Red),
    }
}

/// What is used of a limit, in its band's colour.
pub(crate) fn banded(text: &str, band: Band, paint: Paint) -> String {
    band_ink(band).map_or_else(|| text.to_owned(), |ink| paint.ink(ink, text))
}

/// How far a job at work is ("60 %, step 3 of 5"); none where nobody says.
pub(crate) fn how_far(job: &Job) -> Option<String> {
    let progress = job.progress.as_ref().filter(|_| job.state.is_at_work() || job.state == JobState::Retrying)?;
    let steps = if progress.total > 0 { format!(", {} of {}", progress.done, progress.total) } else { String::new() };
    Some(format!("{} %{steps}", progress.percent))
}

/// How long it still takes ("about 4 min left"); none where nobody knows, or it should have ended by now.
pub(crate) fn time_left(job: &Job, clock: &Clock) -> Option<String> {
    let eta = job.eta.filter(|_| job.state == JobState::Running)?;
    let left = eta.0.saturating_sub(clock.now.0);
    match left {
        ..=0 => None,
        1..60_000 => Some("less than a minute left".to_owned()),
        _ => Some(format!("about {} left", roughly(left))),
    }
}

/// Why a job that has not ended is not at work, when it goes on, and what to do about it; a sentence a line.
pub(crate) fn why_not(job: &Job, clock: &Clock) -> Vec<String> {
    let mut lines = Vec::new();
    let until = job.until.filter(|until| *until > clock.now);
    match job.state {
        JobState::Scheduled => {
            lines.extend(job.until.map(|until| format!("Begins {}.", clock.to_come(until))));
            if let Some(after) = job.after_job_id {
                lines.push(format!("Then waits for job #{after} to complete."));
            }
        }
        JobState::Blocked => lines.extend(job.after_job_id.map(|after| format!("Waits for job #{after} to complete."))),
        JobState::Waiting => lines.extend(until.map(|until| format!("Waits until {}.", clock.to_come(until)))),
        JobState::Retrying => {
            let when = until.map_or_else(|| "soon".to_owned(), |until| clock.to_come(until));
            lines.push(format!("Attempt {} begins {when}.", job.attempts + 1));
        }
        // Its place in line is said with its state.
        JobState::Queued | JobState::Running | JobState::Completed | JobState::Failed | JobState::Cancelled => {}
    }
    // What the others wait for is said above, with more to it.
    let is_said = matches!(job.state, JobState::Scheduled | JobState::Blocked) && !lines.is_empty();
    if !job.state.is_final() && !is_said {
        lines.splice(0..0, reason(job));
    }
    if job.held && !job.state.is_final() {
        lines.push(format!("On hold: `aicib resume {}` lets it go on.", job.job_id));
    }
    lines
}

/// Why a job stands where it stands; none where that is its own hold, which is said with how to end it.
pub(crate) fn reason(job: &Job) -> Option<String> {
    let is_its_hold = job.held && job.reason == ON_HOLD;
    (!job.reason.is_empty() && !is_its_hold).then(|| line(&job.reason, 400))
}

/// How to send a job again that failed.
pub(crate) fn again(job: &Job) -> Option<String> {
    (job.state == JobState::Failed).then(|| format!("Send it again: `aicib restart {}`", job.job_id))
}

fn starts(position: i64) -> String {
    match position {
        1 => "it starts when the one before it has ended.".to_owned(),
        several => format!("it starts when the {several} before it have ended."),
    }
}

/// Where in line a job is, with so many before it.
pub(crate) fn in_line(position: i64) -> String {
    format!("in line at position {position}: {}", starts(position))
}

/// The same as a sentence of its own.
pub(crate) fn said_in_line(position: i64) -> String {
    format!("In line at position {position}: {}", starts(position))
}

/// What stopping came to, with the number left in plain sight.
pub(crate) fn processes(stopped: &StopCounts) -> String {
    let StopCounts { ended, forced, left } = stopped;
    format!("{} ended, {forced} by force, {left} left", count(*ended, "process", "processes"))
}

/// The same where there may have been nothing to stop.
pub(crate) fn left(stopped: &StopCounts) -> String {
    if stopped.ended == 0 {
        format!("{} left", count(stopped.left, "process", "processes"))
    } else {
        processes(stopped)
    }
}

/// What stands above a job's events (E031: it says how the brief was sent).
pub(crate) fn header(job: &Job, sheet: &Sheet) -> Vec<String> {
    let (paint, clock) = (sheet.paint, &sheet.clock);
    let kind = if job.foreground { "Foreground" } else { "Background" };
    let title = paint.ink(Ink::Bold, &format!("{kind} Job #{}", job.job_id));
    let held = if job.held && !job.state.is_final() { ", on hold" } else { "" };
    let mut times = vec![format!("Sent {}", clock.show(job.created_at))];
    times.extend(job.started_at.map(|at| format!("begun {}", clock.show(at))));
    times.extend(job.finished_at.map(|at| format!("ended {}", clock.show(at))));
    times.push(job.engine.label().to_owned());
    if job.agent != CEO {
        times.push(format!("to the {}", line(&role_name(&job.agent), 40)));
    }
    if job.attempts > 1 {
        times.push(format!("attempt {}", job.attempts));
    }
    if job.priority != 0 {
        times.push(format!("priority {}", job.priority));
    }
    let mut lines = vec![
        format!("{title}  {}{held}", state(job.state, paint)),
        crate::text::fit(&job.title, sheet.columns),
        paint.ink(Ink::Dim, &times.join(" · ")),
    ];
    if let Some(parent) = job.parent_job_id {
        lines.push(format!("Sends the brief of job #{parent} again."));
    }
    if let Some(position) = job.position.filter(|_| job.state == JobState::Queued) {
        lines.push(paint.ink(Ink::Yellow, &said_in_line(position)));
    }
    lines.extend(why_not(job, clock).into_iter().map(|why| paint.ink(Ink::Yellow, &why)));
    if let Some(error) = &job.error {
        lines.push(paint.ink(Ink::Red, &line(&error.message, 400)));
    }
    if let Some(stopped) = &job.stopped {
        lines.push(stop_line(stopped, paint));
    }
    if job.engine == EngineKind::Practice {
        lines.push(paint.ink(Ink::Yellow, PRACTICE));
    }
    lines.push(String::new());
    lines
}

/// What became of a job's processes, as a line of its own; in red where something is left.
pub(crate) fn stop_line(stopped: &StopCounts, paint: Paint) -> String {
    let text = format!("Processes: {} ended, {} by force, {} left.", stopped.ended, stopped.forced, stopped.left);
    if stopped.left > 0 { paint.ink(Ink::Red, &text) } else { text }
}
