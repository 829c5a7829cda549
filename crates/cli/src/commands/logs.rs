//! `aicib logs`: what a job's agents said and did.

use contract::{
    CostBasis, EngineKind, EventListParams, Job, JobDetail, JobId, JobListParams, JobRef, JobState, Seq, methods,
};
use rpc::Client;

use crate::args::LogsArgs;
use crate::commands::brief::{PRACTICE, Printed};
use crate::context::{Clock, Context, job_number, line_count};
use crate::failure::{Failure, Outcome};
use crate::follow::Follow;
use crate::out::{Ink, Paint};
use crate::text::{count, length, line};

/// Events looked back at once.
const PAGE: i64 = 500;

/// Prints a job's events, the last ones or all, and with `-f` those that are still to come.
pub(crate) async fn logs(context: &mut Context, args: LogsArgs) -> Outcome {
    let lines = args.lines.as_deref().map(line_count).transpose()?;
    let job_id = args.job.as_deref().map(|job| job_number(job, "--job")).transpose()?;
    let (client, notes) = context.daemon_with_notes().await?;
    let job_id = match job_id {
        Some(job_id) => job_id,
        None => match newest(context, &client).await? {
            Some(job_id) => job_id,
            None => {
                if !context.out.json {
                    context.out.line("There are no jobs yet. Send one with `aicib brief --background \"…\"`.")?;
                }
                return Ok(());
            }
        },
    };
    let job = client.call::<methods::JobGet>(JobRef { job_id }).await?;
    if !context.out.json {
        for line in header(&job.job, context.out.paint, &context.clock()) {
            context.out.line(&line)?;
        }
    }
    let from = match lines {
        Some(lines) => before_the_last(&client, job_id, lines).await?,
        None => Seq(0),
    };
    let mut sink = Printed::new(context);
    let mut follow = Follow::after(job_id, from);
    let job = if args.follow {
        follow.until_the_end(context, (client, notes), &mut sink).await?
    } else {
        follow.catch_up(context, &client, &mut sink).await?;
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

/// The company's newest job.
pub(crate) async fn newest(context: &Context, client: &Client) -> Result<Option<JobId>, Failure> {
    let company = context.company(client).await?;
    let params = JobListParams { company_id: Some(company.company_id), limit: Some(1), ..JobListParams::default() };
    let page = client.call::<methods::JobList>(params).await?;
    Ok(page.jobs.first().map(|job| job.job_id))
}

/// The event after which the last `lines` ones come. Looks back page by page and keeps only the place.
async fn before_the_last(client: &Client, job_id: JobId, lines: i64) -> Result<Seq, Failure> {
    let mut left = lines;
    let mut before = None;
    loop {
        let params = EventListParams { job_id, after: None, before, limit: Some(left.min(PAGE)) };
        let page = client.call::<methods::EventList>(params).await?;
        let Some(first) = page.events.first() else { return Ok(Seq(0)) };
        left -= i64::try_from(page.events.len()).unwrap_or(i64::MAX);
        if left <= 0 || !page.more_before {
            return Ok(Seq(first.seq.0 - 1));
        }
        before = Some(first.seq);
    }
}

/// What stands above a job's events (E031: it says how the brief was sent).
pub(crate) fn header(job: &Job, paint: Paint, clock: &Clock) -> Vec<String> {
    let kind = if job.foreground { "Foreground" } else { "Background" };
    let title = paint.ink(Ink::Bold, &format!("{kind} Job #{}", job.job_id));
    let mut lines = vec![
        format!("{title}  {}", state(job.state, paint)),
        line(&job.title, 100),
        paint.ink(Ink::Dim, &format!("Sent {} · {}", clock.show(job.created_at), job.engine.label())),
    ];
    if let Some(parent) = job.parent_job_id {
        lines.push(format!("Sends the brief of job #{parent} again."));
    }
    if job.engine == EngineKind::Practice {
        lines.push(paint.ink(Ink::Yellow, PRACTICE));
    }
    lines.push(String::new());
    lines
}

/// What stands below a job's events.
pub(crate) fn summary(job: &JobDetail, paint: Paint) -> Vec<String> {
    let row = &job.job;
    let mut facts = Vec::new();
    if let Some(took) = took(row) {
        facts.push(took);
    }
    facts.push(cost(row));
    facts.push(count(row.turns, "turn", "turns"));
    if job.files > 0 {
        facts.push(count(job.files, "file", "files"));
    }
    let state = state(row.state, paint);
    let mut lines = vec![format!("Job #{} {state} · {}", row.job_id, facts.join(" · "))];
    if let Some(error) = &row.error {
        lines.push(paint.ink(Ink::Red, &format!("Error: {}", line(&error.to_string(), 1000))));
    } else if !row.reason.is_empty() {
        lines.push(line(&row.reason, 400));
    }
    if let Some(result) = row.result.as_deref().filter(|_| row.state == JobState::Completed) {
        lines.push(format!("Result: {}", line(result, 200)));
    }
    lines
}

/// A job's state, as it is said everywhere.
pub(crate) fn state(state: JobState, paint: Paint) -> String {
    let ink = match state {
        JobState::Completed => Ink::Green,
        JobState::Running => Ink::Cyan,
        JobState::Failed => Ink::Red,
        JobState::Queued | JobState::Waiting | JobState::Cancelled => Ink::Yellow,
    };
    paint.ink(ink, state.name())
}

/// How long a job took, once it ended.
fn took(job: &Job) -> Option<String> {
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
