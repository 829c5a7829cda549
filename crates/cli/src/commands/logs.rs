//! `aicib logs`: what a job's agents said and did.

use contract::{Event, EventListParams, JobDetail, JobId, JobListParams, JobRef, JobState, Seq, methods};

use crate::args::LogsArgs;
use crate::commands::raw;
use crate::commands::watch::Printed;
use crate::context::{Context, job_number, line_count};
use crate::daemon::Daemon;
use crate::events::EventLines;
use crate::facts::{again, cost, header, reason, state, stop_line, took};
use crate::failure::{Failure, Outcome};
use crate::follow::{Follow, Sink};
use crate::out::{Ink, Paint};
use crate::text::{count, line};

/// Events looked back at once.
const PAGE: i64 = 500;

/// Prints a job's events, the last ones or all, and with `-f` those that are still to come.
pub(crate) async fn logs(context: &mut Context, args: LogsArgs) -> Outcome {
    let lines = args.lines.as_deref().map(line_count).transpose()?;
    let number = args.number.as_deref().map(|job| job_number(job, "N")).transpose()?;
    let job_id = args.job.as_deref().map(|job| job_number(job, "--job")).transpose()?.or(number);
    let (daemon, notes) = context.daemon_with_notes().await?;
    let job_id = match job_id {
        Some(job_id) => job_id,
        None => match newest(context, &daemon).await? {
            Some(job_id) => job_id,
            None => {
                if !context.out.json {
                    context.out.line("There are no jobs yet. Send one with `aicib brief --background \"…\"`.")?;
                }
                return Ok(());
            }
        },
    };
    let job = daemon.call::<methods::JobGet>(JobRef { job_id }).await?;
    if args.raw {
        if raw::is_there(&daemon, &job.job).await? {
            return raw::raw(context, &daemon, job_id, args.follow).await;
        }
        context.out.json = true;
    }
    if args.prompt {
        return prompts(context, &daemon, job_id).await;
    }
    if !context.out.json {
        for line in header(&job.job, &context.sheet()) {
            context.out.line(&line)?;
        }
    }
    let from = match lines {
        Some(lines) => before_the_last(&daemon, job_id, lines).await?,
        None => Seq(0),
    };
    let mut sink = Printed::new(context);
    let mut follow = Follow::after(job_id, from);
    let job = if args.follow {
        follow.until_the_end(context, (daemon, notes), &mut sink).await?
    } else {
        follow.catch_up(context, &daemon, &mut sink).await?;
        job
    };
    if !context.out.json {
        if job.events == 0 && follow.last == Seq(0) {
            context.out.line("No log entries yet.")?;
        }
        context.out.line("")?;
        for line in summary(&job, context.out.paint) {
            context.out.line(&line)?;
        }
    }
    Ok(())
}

/// Prints what the job's agents were told, to the letter.
async fn prompts(context: &mut Context, daemon: &Daemon, job_id: JobId) -> Outcome {
    let mut sink = Prompts { lines: EventLines::new(context.out.paint, context.clock()), found: false };
    Follow::after(job_id, Seq(0)).catch_up(context, daemon, &mut sink).await?;
    if !sink.found && !context.out.json {
        context.out.line("No prompts are recorded: no model has been called in this job.")?;
    }
    Ok(())
}

/// Prints prompts, and nothing else.
struct Prompts {
    lines: EventLines,
    found: bool,
}

impl Sink for Prompts {
    fn event(&mut self, context: &mut Context, event: &Event) -> Outcome {
        let Some(text) = self.lines.prompt(event) else { return Ok(()) };
        self.found = true;
        if context.out.json { Ok(context.out.value(event)?) } else { Ok(context.out.line(&text)?) }
    }
}

/// The company's newest job.
pub(crate) async fn newest(context: &Context, daemon: &Daemon) -> Result<Option<JobId>, Failure> {
    let company = context.company(daemon).await?;
    let params = JobListParams { company_id: Some(company.company_id), limit: Some(1), ..JobListParams::default() };
    let page = daemon.call::<methods::JobList>(params).await?;
    Ok(page.jobs.first().map(|job| job.job_id))
}

/// The event after which the last `lines` ones come. Looks back page by page and keeps only the place.
async fn before_the_last(daemon: &Daemon, job_id: JobId, lines: i64) -> Result<Seq, Failure> {
    let mut left = lines;
    let mut before = None;
    loop {
        let params = EventListParams { job_id, after: None, before, limit: Some(left.min(PAGE)) };
        let page = daemon.call::<methods::EventList>(params).await?;
        let Some(first) = page.events.first() else { return Ok(Seq(0)) };
        left -= i64::try_from(page.events.len()).unwrap_or(i64::MAX);
        if left <= 0 || !page.more_before {
            return Ok(Seq(first.seq.0 - 1));
        }
        before = Some(first.seq);
    }
}

/// What stands below a job's events.
pub(crate) fn summary(job: &JobDetail, paint: Paint) -> Vec<String> {
    let row = &job.job;
    let mut facts = Vec::new();
    if let Some(took) = took(row) {
        facts.push(took);
    }
    facts.push(cost(row));
    if row.started_at.is_some() {
        facts.push(count(row.turns, "turn", "turns"));
    }
    if job.files > 0 {
        facts.push(count(job.files, "file", "files"));
    }
    let state = state(row.state, paint);
    let held = if row.held && !row.state.is_final() { ", on hold" } else { "" };
    let mut lines = vec![format!("Job #{} {state}{held} · {}", row.job_id, facts.join(" · "))];
    if let Some(error) = &row.error {
        lines.push(paint.ink(Ink::Red, &format!("Error: {}", line(&error.to_string(), 1000))));
    } else {
        lines.extend(reason(row));
    }
    if let Some(result) = row.result.as_deref().filter(|_| row.state == JobState::Completed) {
        lines.push(format!("Result: {}", line(result, 200)));
    }
    let stopped = row
        .stopped
        .as_ref()
        .filter(|stopped| stopped.ended > 0 || stopped.left > 0 || row.state == JobState::Cancelled);
    lines.extend(stopped.map(|stopped| stop_line(stopped, paint)));
    lines.extend(again(row));
    lines
}
