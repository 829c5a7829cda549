//! `aicib brief`: sends the CEO a brief, and watches the work.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use contract::limits::MAX_PRIORITY;
use contract::{
    EngineKind, Error, ErrorCode, Job, JobState, JobSubmitListParams, JobSubmitParams, Money, Origin, Seq, methods,
    role_name,
};
use rpc::NoteReceiver;

use crate::args::BriefArgs;
use crate::commands::input::{of_file, typed_or_stdin, whole};
use crate::commands::watch::{Printed, interrupt, leave, watch};
use crate::context::{Context, Sheet, job_number};
use crate::daemon::Daemon;
use crate::facts::{PRACTICE, in_line};
use crate::failure::{EXIT_CANCELLED, Failure, Outcome};
use crate::follow::Follow;
use crate::out::{Ink, aside};
use crate::signals::{Signals, Wanted};
use crate::text::{count, fit, line};
use crate::when;

/// Jobs of a list that are named, at most.
const LISTED: usize = 20;

/// Sends a brief.
pub(crate) async fn brief(context: &mut Context, args: BriefArgs) -> Outcome {
    let max_cost_usd = args.max_cost.as_deref().map(|typed| money(typed, "--max-cost")).transpose()?;
    let priority = args.priority.as_deref().map(priority).transpose()?.unwrap_or(0);
    let after_job_id = args.after.as_deref().map(|job| job_number(job, "--after")).transpose()?;
    let not_before = args.at.as_deref().map(|typed| when::to_come(typed, &context.clock())).transpose()?;
    // Nobody sits there until tomorrow.
    let background = args.background || not_before.is_some();
    if args.keep_going && args.list.is_none() {
        return Err(Failure::usage("--keep-going is for the tasks of a --list: one brief has no next."));
    }
    if let Some(file) = &args.list {
        return list(context, file, args.keep_going, max_cost_usd).await;
    }
    let attachments = args.attach.iter().map(|file| whole(file, "The attached file")).collect::<Result<_, _>>()?;
    let directive = typed_or_stdin(args.directive.unwrap_or_default(), "The brief")?;
    let params = JobSubmitParams {
        company: context.company_ref()?,
        directive,
        agent: args.to,
        origin: Origin::Cli,
        foreground: !background,
        queue: false,
        start_session: false,
        priority,
        after_job_id,
        not_before,
        max_cost_usd,
        attachments,
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

/// Sends the tasks of a list; says so, and does not wait for them.
async fn list(context: &mut Context, file: &Path, keep_going: bool, max_cost_usd: Option<Money>) -> Outcome {
    let text = of_file(file, "The list")?;
    let params = JobSubmitListParams {
        company: context.company_ref()?,
        file: list_name(file),
        text,
        origin: Origin::Cli,
        start_session: false,
        keep_going,
        max_cost_usd,
    };
    let stored = context.daemon().await?.call::<methods::JobSubmitList>(params).await.map_err(busy)?;
    if context.out.json {
        return Ok(context.out.value(&stored)?);
    }
    let sheet = context.sheet();
    for line in list_lines(&stored.jobs, keep_going, &sheet) {
        context.out.line(&line)?;
    }
    Ok(())
}

/// The list's name, whose ending says how it reads; what comes from standard input has none, and reads as it looks.
fn list_name(file: &Path) -> String {
    file.file_name().map_or_else(|| "list".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn list_lines(jobs: &[Job], keep_going: bool, sheet: &Sheet) -> Vec<String> {
    let (Some(first), Some(last)) = (jobs.first(), jobs.last()) else {
        return vec!["The list has no tasks: nothing was sent.".to_owned()];
    };
    let number = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
    let what = match jobs.len() {
        1 => format!("job #{}", first.job_id),
        2 => format!("jobs #{} and #{}, one after the other", first.job_id, last.job_id),
        _ => format!("jobs #{} to #{}, one after the other", first.job_id, last.job_id),
    };
    let mut lines = vec![format!("{} sent: {what}.", count(number, "brief", "briefs"))];
    lines.extend(jobs.iter().take(LISTED).map(|job| {
        let id = format!("#{}", job.job_id);
        let title = fit(&job.title, sheet.left(4 + id.len()));
        format!("  {}  {title}", sheet.paint.ink(Ink::Bold, &id))
    }));
    if jobs.len() > LISTED {
        lines.push(format!("  and {} more", jobs.len() - LISTED));
    }
    if jobs.len() > 1 {
        let fails =
            if keep_going { "one that fails does not stop the next" } else { "when one fails, so do those after it" };
        lines.push(format!("See how far they are with `aicib jobs`; {fails}."));
    }
    if first.engine == EngineKind::Practice {
        lines.push(sheet.paint.ink(Ink::Yellow, PRACTICE));
    }
    lines
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
        _ => out.line(&format!("{sent} The {} is working on it. {number}", line(&role_name(&job.agent), 40)))?,
    }
    if job.state == JobState::Queued && !job.reason.is_empty() {
        out.line(&out.paint.ink(Ink::Yellow, &line(&job.reason, 400)))?;
    }
    if job.engine == EngineKind::Practice {
        out.line(&out.paint.ink(Ink::Yellow, PRACTICE))?;
    }
    Ok(out.line(&format!("Watch it with `aicib logs {} -f`; see where it stands with `aicib status`.", job.job_id))?)
}

/// An amount of dollars as it was typed for `flag`.
pub(crate) fn money(typed: &str, flag: &str) -> Result<Money, Failure> {
    let amount = typed.trim_start_matches('$').parse().ok().and_then(Money::dollars);
    amount
        .filter(|amount| *amount >= Money::ZERO)
        .ok_or_else(|| Failure::usage(format!("{flag} must be an amount of dollars, such as 2.50.")))
}

fn priority(typed: &str) -> Result<i64, Failure> {
    let number = typed.parse().ok().filter(|number| (-MAX_PRIORITY..=MAX_PRIORITY).contains(number));
    number.ok_or_else(|| {
        Failure::usage(format!("--priority must be a whole number from -{MAX_PRIORITY} to {MAX_PRIORITY}."))
    })
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
