//! `aicib brief`: sends the CEO a brief, and watches the work.

use std::io::{IsTerminal as _, Read as _};
use std::time::{SystemTime, UNIX_EPOCH};

use contract::limits::{MAX_DIRECTIVE_BYTES, MAX_PRIORITY};
use contract::{
    EngineKind, Error, ErrorCode, Event, Job, JobDetail, JobId, JobRef, JobState, JobSubmitParams, Money, Origin, Seq,
    methods,
};
use rpc::NoteReceiver;

use crate::args::BriefArgs;
use crate::commands::logs::summary;
use crate::context::{Context, job_number};
use crate::daemon::Daemon;
use crate::events::EventLines;
use crate::facts::{PRACTICE, header, in_line, processes};
use crate::failure::{EXIT_CANCELLED, EXIT_FAILED, EXIT_LEFT, Failure, Outcome};
use crate::follow::{Follow, Sink};
use crate::out::{Ink, aside};
use crate::signals::{Signals, Wanted};
use crate::text::line;
use crate::when;

/// Sends a brief.
pub(crate) async fn brief(context: &mut Context, args: BriefArgs) -> Outcome {
    let max_cost_usd = args.max_cost.as_deref().map(money).transpose()?;
    let priority = args.priority.as_deref().map(priority).transpose()?.unwrap_or(0);
    let after_job_id = args.after.as_deref().map(|job| job_number(job, "--after")).transpose()?;
    let not_before = args.at.as_deref().map(|typed| when::to_come(typed, &context.clock())).transpose()?;
    // Nobody sits there until tomorrow.
    let background = args.background || not_before.is_some();
    let directive = if args.directive == "-" { from_stdin()? } else { args.directive };
    let params = JobSubmitParams {
        company: context.company_ref()?,
        directive,
        origin: Origin::Cli,
        foreground: !background,
        queue: false,
        start_session: false,
        priority,
        after_job_id,
        not_before,
        max_cost_usd,
        idempotency_key: Some(fresh_key()),
    };
    if background {
        let (_, job) = submit(context, params, args.queue).await?;
        return said(context, &job);
    }
    let mut signals = Signals::listen()?;
    let (connection, job, wanted) = {
        let submit = submit(context, params, args.queue);
        tokio::pin!(submit);
        let wanted = tokio::select! {
            biased;
            submitted = &mut submit => Err(submitted?),
            wanted = signals.next() => Ok(wanted),
        };
        match wanted {
            Err((connection, job)) => (connection, job, None),
            Ok(wanted) => {
                // Whether there is a job by now, only the daemon knows.
                aside("\nThe brief is on its way, and has no number yet. (Ctrl-C again leaves it.)");
                let (connection, job) = tokio::select! {
                    submitted = &mut submit => submitted?,
                    _again = signals.next() => {
                        aside("Left. `aicib jobs` says whether the brief arrived.");
                        return Err(Failure::Exit(EXIT_CANCELLED));
                    }
                };
                (connection, job, Some(wanted))
            }
        }
    };
    match wanted {
        None => watch(context, connection, job, signals).await,
        Some(wanted) => early(context, &connection.0, &job, wanted, signals).await,
    }
}

/// What to do with a job whose sender wanted out before it had a number.
async fn early(context: &mut Context, daemon: &Daemon, job: &Job, wanted: Wanted, signals: Signals) -> Outcome {
    match wanted {
        Wanted::Leave => leave(context, job.job_id),
        Wanted::Stop => {
            let sink = Printed::new(context);
            interrupt(context, daemon, job.job_id, Follow::after(job.job_id, Seq(0)), sink, signals).await
        }
    }
}

/// Sends it; in line where the session is busy and that was asked for. A daemon that goes away before it answers is
/// asked again: the key sees to it that one brief is one job.
async fn submit(
    context: &Context,
    mut params: JobSubmitParams,
    queue: bool,
) -> Result<((Daemon, NoteReceiver), Job), Error> {
    let mut again = true;
    loop {
        let (daemon, notes, sent) = context.daemon_and_call::<methods::JobSubmit>(params.clone()).await?;
        match sent {
            Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE && again => again = false,
            Err(error) if error.code == ErrorCode::SESSION_BUSY && queue && !params.queue => params.queue = true,
            outcome => return Ok(((daemon, notes), outcome.map_err(busy)?)),
        }
    }
}

/// The refusal of a brief to a session that has one under way, with the three ways on (E009).
pub(crate) fn busy(mut error: Error) -> Error {
    let job = error.data.as_ref().and_then(|data| data["job_id"].as_i64());
    if let Some(job) = job.filter(|_| error.code == ErrorCode::SESSION_BUSY) {
        error.fix = format!(
            "Wait for it (`aicib wait {job}`), get in line behind it (`aicib brief --queue …`), \
             or stop it (`aicib cancel {job}`)."
        );
    }
    error
}

/// Says that the brief is on its way.
pub(crate) fn said(context: &mut Context, job: &Job) -> Outcome {
    if context.out.json {
        return Ok(context.out.value(job)?);
    }
    let clock = context.clock();
    let out = &mut context.out;
    let number = out.paint.ink(Ink::Bold, &format!("Job #{}", job.job_id));
    let sent = match job.parent_job_id {
        Some(parent) => format!("The brief of job #{parent} is sent again."),
        None => "Brief sent.".to_owned(),
    };
    match (job.state, job.position, job.until, job.after_job_id) {
        (JobState::Scheduled, _, Some(until), after) => {
            let then = after.map(|after| format!(", once job #{after} has completed")).unwrap_or_default();
            out.line(&format!("{sent} {number} begins {}{then}.", clock.to_come(until)))?;
        }
        (JobState::Blocked, _, _, Some(after)) => {
            out.line(&format!("{sent} {number} waits for job #{after} to complete."))?;
        }
        (_, Some(position), ..) => out.line(&format!("{sent} {number} is {}", in_line(position)))?,
        (JobState::Queued, ..) if !job.reason.is_empty() => out.line(&format!("{sent} {number} is in line."))?,
        _ => out.line(&format!("{sent} The CEO is working on it. {number}"))?,
    }
    if job.state == JobState::Queued && !job.reason.is_empty() {
        out.line(&out.paint.ink(Ink::Yellow, &line(&job.reason, 400)))?;
    }
    if job.engine == EngineKind::Practice {
        out.line(&out.paint.ink(Ink::Yellow, PRACTICE))?;
    }
    Ok(out.line(&format!("Watch it with `aicib logs {} -f`; see where it stands with `aicib status`.", job.job_id))?)
}

/// Shows the work until it ends. Ctrl-C stops it; a second one leaves it to the daemon.
pub(crate) async fn watch(
    context: &mut Context,
    connection: (Daemon, NoteReceiver),
    job: Job,
    mut signals: Signals,
) -> Outcome {
    let job_id = job.job_id;
    if !context.out.json {
        for line in header(&job, &context.sheet()) {
            context.out.line(&line)?;
        }
        context.out.flush()?;
    }
    let daemon = connection.0.clone();
    let mut follow = Follow::after(job_id, Seq(0));
    let mut sink = Printed::new(context);
    let wanted = tokio::select! {
        ended = follow.until_the_end(context, connection, &mut sink) => return finish(context, &ended?),
        wanted = signals.next() => wanted,
    };
    match wanted {
        Wanted::Stop => interrupt(context, &daemon, job_id, follow, sink, signals).await,
        Wanted::Leave => leave(context, job_id),
    }
}

/// Goes away, and leaves the work be.
fn leave(context: &mut Context, job_id: JobId) -> Outcome {
    aside(&format!(
        "Detached. Job #{job_id} goes on: `aicib logs {job_id} -f` follows it, `aicib cancel {job_id}` stops it."
    ));
    Err(exit(context, EXIT_LEFT)?)
}

/// Prints the end, and turns it into an exit code.
fn finish(context: &mut Context, job: &JobDetail) -> Outcome {
    if context.out.json {
        context.out.value(job)?;
    } else {
        context.out.line("")?;
        for line in summary(job, context.out.paint) {
            context.out.line(&line)?;
        }
    }
    match job.job.state {
        JobState::Failed => Err(exit(context, EXIT_FAILED)?),
        JobState::Cancelled => Err(exit(context, EXIT_CANCELLED)?),
        _ => Ok(()),
    }
}

fn exit(context: &mut Context, code: u8) -> Result<Failure, Failure> {
    context.out.flush()?;
    Ok(Failure::Exit(code))
}

async fn interrupt(
    context: &mut Context,
    daemon: &Daemon,
    job_id: JobId,
    mut follow: Follow,
    mut sink: Printed,
    mut signals: Signals,
) -> Outcome {
    aside(&format!("\nStopping job #{job_id}… (Ctrl-C again leaves it to the daemon)"));
    let cancelled = tokio::select! {
        cancelled = cancel(context, daemon, job_id) => cancelled,
        wanted = signals.next() => {
            aside(&format!(
                "Detached. Job #{job_id} is being stopped by the daemon: `aicib logs {job_id} -f` shows how it ends."
            ));
            let code = if wanted == Wanted::Leave { EXIT_LEFT } else { EXIT_CANCELLED };
            return Err(exit(context, code)?);
        }
    };
    match cancelled {
        Ok((job, stopped)) => {
            follow.catch_up(context, &context.daemon().await?, &mut sink).await?;
            aside(&stopped);
            finish(context, &job)
        }
        // It ended by itself in that very moment.
        Err(error) if error.code == ErrorCode::JOB_FINAL => {
            let daemon = context.daemon().await?;
            follow.catch_up(context, &daemon, &mut sink).await?;
            let job = daemon.call::<methods::JobGet>(JobRef { job_id }).await?;
            finish(context, &job)
        }
        Err(error) => Err(error.into()),
    }
}

async fn cancel(context: &Context, daemon: &Daemon, job_id: JobId) -> Result<(JobDetail, String), Error> {
    let daemon = match daemon.call_at_length::<methods::Ping>(contract::Empty {}).await {
        Ok(_) => daemon.clone(),
        Err(_) => context.daemon().await?,
    };
    let result = daemon.call_at_length::<methods::JobCancel>(JobRef { job_id }).await?;
    let job = daemon.call::<methods::JobGet>(JobRef { job_id }).await?;
    Ok((job, format!("Stopped: {}.", processes(&result.stopped))))
}

/// Prints events as they come: lines for people, objects for programs.
pub(crate) struct Printed {
    lines: EventLines,
}

impl Printed {
    pub(crate) fn new(context: &Context) -> Printed {
        Printed { lines: EventLines::new(context.out.paint, context.clock()) }
    }
}

impl Sink for Printed {
    fn event(&mut self, context: &mut Context, event: &Event) -> Outcome {
        if context.out.json {
            return Ok(context.out.value(event)?);
        }
        if let Some(lines) = self.lines.of(event) {
            context.out.line(&lines)?;
        }
        Ok(())
    }
}

fn money(typed: &str) -> Result<Money, Failure> {
    let amount = typed.trim_start_matches('$').parse().ok().and_then(Money::dollars);
    amount
        .filter(|amount| *amount >= Money::ZERO)
        .ok_or_else(|| Failure::usage("--max-cost must be an amount of dollars, such as 2.50."))
}

fn priority(typed: &str) -> Result<i64, Failure> {
    let number = typed.parse().ok().filter(|number| (-MAX_PRIORITY..=MAX_PRIORITY).contains(number));
    number.ok_or_else(|| {
        Failure::usage(format!("--priority must be a whole number from -{MAX_PRIORITY} to {MAX_PRIORITY}."))
    })
}

fn from_stdin() -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        aside("Type the brief; Ctrl-D on a line of its own ends it.");
    }
    let mut text = Vec::new();
    let limit = u64::try_from(MAX_DIRECTIVE_BYTES).unwrap_or(u64::MAX);
    let read = std::io::stdin().lock().take(limit + 1).read_to_end(&mut text);
    let invalid = |message: String| Error::new(ErrorCode::DIRECTIVE_INVALID, message, "Put long texts into a file.");
    read.map_err(|error| invalid(format!("The directive cannot be read: {error}.")))?;
    if text.len() > MAX_DIRECTIVE_BYTES {
        return Err(invalid(format!("The directive is longer than {} KB.", MAX_DIRECTIVE_BYTES / 1024)).into());
    }
    Ok(String::from_utf8(text).map_err(|_| invalid("The directive is not UTF-8 text.".into()))?)
}

/// Names this very submit.
fn fresh_key() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("cli-{}-{now}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e009_a_refusal_names_the_three_ways_on() {
        let refusal = Error::new(ErrorCode::SESSION_BUSY, "Job #7 is already running: “Write”.", "Wait.");
        let told = busy(refusal.clone().with(serde_json::json!({"job_id": 7}))).to_string();
        for part in ["Job #7 is already running: “Write”.", "`aicib wait 7`", "--queue", "`aicib cancel 7`"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(busy(refusal).fix, "Wait.", "without a number nothing better is known");
    }

    #[test]
    fn a_priority_is_a_number_in_its_range() {
        assert_eq!((priority("100").unwrap(), priority("-100").unwrap()), (100, -100));
        for typed in ["101", "-101", "1.5", "high", ""] {
            assert!(matches!(priority(typed), Err(Failure::Usage(_))), "{typed}");
        }
    }
}
