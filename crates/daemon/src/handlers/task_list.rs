//! Lists of tasks, each of which becomes a brief.

use company::{CEO, task_list};
use contract::*;
use store::NewJob;

use super::jobs::{Ready, brief_limit, readable, ready, tell_of_hold};
use super::sessions;
use crate::app::App;
use crate::companies;
use crate::hub::Touched;

/// Bytes of a list, at most.
const MAX_LIST_BYTES: usize = 2 * 1024 * 1024;

/// Stores all tasks of a list, or none. Each waits for the one before it to complete, unless the list is to go on after
/// a failure: then they stand in line by what the list says of their urgency.
pub async fn submit(app: &App, params: JobSubmitListParams) -> Result<JobsStored, Error> {
    if params.text.len() > MAX_LIST_BYTES {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("The list is {} bytes long; {} MB is the most.", params.text.len(), MAX_LIST_BYTES / 1024 / 1024),
            "Split it into several files.",
        ));
    }
    let tasks = task_list::read(&params.file, &params.text)?;
    let mut briefs = Vec::with_capacity(tasks.len());
    for (task, place) in tasks.iter().zip(1..) {
        let directive = readable(&task.directive(), "task")
            .map_err(|error| Error { message: format!("Task {place}: {}", error.message), ..error })?;
        briefs.push((directive, if params.keep_going { priority(task.priority.as_deref()) } else { 0 }));
    }
    let row = companies::resolve(app, params.company).await?;
    let Ready { engine, engine_agent, .. } = ready(app, &row, CEO).await?;
    let session = sessions::current(app, &row, CEO, params.start_session).await?;
    let max_cost = brief_limit(app, params.max_cost_usd).await?;
    let (origin, chained) = (params.origin, !params.keep_going);
    let stored = app.store.write(move |db| {
        let mut stored: Vec<(Job, Option<Event>)> = Vec::with_capacity(briefs.len());
        for (directive, priority) in &briefs {
            let before = stored.last().map(|(job, _)| job.job_id);
            let new = NewJob {
                company_id: row.company_id,
                session_id: session.session_id,
                agent: CEO.to_owned(),
                parent_job_id: None,
                directive: directive.clone(),
                engine,
                engine_agent: engine_agent.clone(),
                origin,
                foreground: false,
                max_cost,
                idempotency_key: None,
                queue: true,
                priority: *priority,
                after: before.filter(|_| chained),
                not_before: None,
            };
            let inserted = db.job_insert(&new, Time::now())?;
            stored.push((inserted.job, inserted.event));
        }
        Ok((stored, db.all_held()?))
    });
    let (stored, all_held) = stored.await?;
    let mut jobs = Vec::with_capacity(stored.len());
    for (mut job, event) in stored {
        app.announce(job.company_id, &Touched::job(job.job_id), event.as_slice());
        tell_of_hold(&mut job, all_held);
        jobs.push(job);
    }
    app.runs.wake_queue();
    Ok(JobsStored { jobs })
}

/// What a list's own word for urgency means for the line.
fn priority(word: Option<&str>) -> i64 {
    match word.map(|word| word.trim().to_lowercase()).as_deref() {
        Some("critical" | "urgent" | "highest" | "1" | "p1" | "1 - critical") => 20,
        Some("high" | "2" | "p2" | "2 - high") => 10,
        Some("low" | "4" | "p4" | "4 - low") => -10,
        Some("lowest" | "planning" | "5" | "p5" | "5 - planning") => -20,
        _ => 0,
    }
}
