//! Jobs: briefs, their stop, their end, their money.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use company::CEO;
use contract::*;
use store::{CompanyRow, Inserted, Need, NewJob, StoreError};

use crate::app::App;
use crate::attach;
use crate::budget;
use crate::companies;
use crate::engines;
use crate::handlers::{people, sessions};
use crate::hub::Touched;
use crate::runs::{self, LiveRun};
use crate::service::Connection;

/// The answer to a question about a limit that needs none any more.
const ROOM_AGAIN: &str = "There is room for it again.";
/// How long one call waits for the end of a job, at most.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

pub async fn submit(app: &App, params: JobSubmitParams) -> Result<Job, Error> {
    let directive = readable(&params.directive, "directive")?;
    check_priority(params.priority)?;
    let row = companies::resolve(app, params.company).await?;
    let Ready { agent, engine, engine_agent } = ready(app, &row, params.agent.as_deref().unwrap_or(CEO)).await?;
    let session = sessions::current(app, &row, &agent, params.start_session).await?;
    let max_cost_usd = brief_limit(app, params.max_cost_usd).await?;
    let (company, files) = (PathBuf::from(&row.dir), params.attachments);
    let attached = companies::blocking(move || attach::copy(&company, &files)).await?;
    let new = NewJob {
        company_id: row.company_id,
        session_id: session.session_id,
        agent,
        parent_job_id: None,
        directive: attach::named_in(&directive, &attached.names()),
        engine,
        engine_agent,
        origin: params.origin,
        foreground: params.foreground,
        max_cost: max_cost_usd,
        idempotency_key: params.idempotency_key,
        queue: params.queue,
        priority: params.priority,
        after: params.after_job_id,
        not_before: params.not_before,
    };
    let inserted = insert(app, new).await;
    // One that is not stored has no files, and one that was stored before has them already.
    if !matches!(inserted, Ok((_, true))) {
        companies::blocking(move || {
            attached.take_back();
            Ok(())
        })
        .await?;
    }
    Ok(inserted?.0)
}

pub async fn restart(app: &App, params: JobRestartParams) -> Result<Job, Error> {
    let job_id = params.job_id;
    let old = app.store.read(move |db| db.job_detail(job_id)).await?;
    if !old.job.state.is_final() {
        let what = format!("Job {job_id} has not ended: it is {}.", old.job.state.name());
        return Err(Error::new(
            ErrorCode::JOB_NOT_FINAL,
            what,
            format!("Wait for it, or stop it: `aicib cancel {job_id}`."),
        ));
    }
    let row = companies::resolve(app, CompanyRef { company_id: Some(old.job.company_id), dir: None }).await?;
    let Ready { agent, engine, engine_agent } = ready(app, &row, &old.job.agent).await?;
    let session = sessions::current(app, &row, &agent, true).await?;
    let new = NewJob {
        company_id: row.company_id,
        session_id: session.session_id,
        agent,
        parent_job_id: Some(job_id),
        directive: old.directive,
        engine,
        engine_agent,
        origin: old.job.origin,
        foreground: params.foreground,
        max_cost: old.job.max_cost_usd,
        idempotency_key: None,
        queue: true,
        priority: old.job.priority,
        after: None,
        not_before: None,
    };
    Ok(insert(app, new).await?.0)
}

/// What the next brief of a company runs with.
pub struct Ready {
    /// Who takes it (role).
    pub agent: String,
    /// The engine.
    pub engine: EngineKind,
    /// Which of the agents that speak ACP; empty for any other engine.
    pub engine_agent: String,
}

/// Who takes the company's next brief, and on which engine, if there is somebody and something to run on, and its limits
/// leave something to spend.
pub async fn ready(app: &App, row: &CompanyRow, agent: &str) -> Result<Ready, Error> {
    let loaded = companies::load(row).await?;
    let agent = people::who_takes(&loaded, agent)?.role.clone();
    let choice = engines::choose(app, &loaded, &agent).await?;
    let engine = match (choice.kind, choice.problem) {
        (Some(kind), _) => kind,
        (None, problem) => return Err(problem.unwrap_or_else(|| Error::internal("There is no engine."))),
    };
    check_limits(app, row.company_id, budget::limits(&loaded, &agent), &agent).await?;
    Ok(Ready { agent, engine, engine_agent: choice.agent })
}

/// A brief's own limit: the one that is given, else the setting's.
pub async fn brief_limit(app: &App, given: Option<Money>) -> Result<Money, Error> {
    match given {
        // Below zero there is nothing to spend, and zero would mean that there is no limit.
        Some(limit) if limit < Money::ZERO => Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("A brief's limit cannot be {limit}."),
            "Name an amount, or 0 for none.",
        )),
        Some(limit) => Ok(limit),
        None => Ok(app.settings().await?.brief_limit_usd),
    }
}

/// Stores a job, and says whether it is new: one of the same key may be there already.
async fn insert(app: &App, new: NewJob) -> Result<(Job, bool), Error> {
    let again = new.clone();
    let inserted = app.store.write(move |db| Ok((db.job_insert(&new, Time::now())?, db.all_held()?))).await;
    let (Inserted { mut job, event }, all_held) = match inserted {
        // E010: the one at work may have lost its worker in this moment.
        Err(StoreError::SessionBusy { job, .. }) => {
            runs::settle_the_gone(Vec::from_iter(app.runs.of_job(job))).await;
            app.store.write(move |db| Ok((db.job_insert(&again, Time::now())?, db.all_held()?))).await?
        }
        inserted => inserted?,
    };
    let is_new = event.is_some();
    if let Some(event) = event {
        app.announce(job.company_id, &Touched::job(job.job_id), &[event]);
        app.runs.wake_queue();
    }
    tell_of_hold(&mut job, all_held);
    Ok((job, is_new))
}

/// Whoever sent a brief while all jobs are on hold would wait in vain for it to begin.
pub fn tell_of_hold(job: &mut Job, all_held: bool) {
    if all_held && job.state == JobState::Queued && job.reason.is_empty() {
        job.reason = "All jobs are on hold: `aicib resume` lets them go on.".into();
    }
}

fn check_priority(priority: i64) -> Result<(), Error> {
    let most = limits::MAX_PRIORITY;
    if (-most..=most).contains(&priority) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::BAD_REQUEST,
        format!("A brief's priority cannot be {priority}."),
        format!("Name a number from -{most} to {most}; higher goes first."),
    ))
}

pub async fn get(app: &App, params: JobRef) -> Result<JobDetail, Error> {
    let job_id = params.job_id;
    runs::settle_the_gone(Vec::from_iter(app.runs.of_job(job_id))).await;
    let detail = app.store.read(move |db| db.job_detail(job_id)).await?;
    Ok(companies::with_live(app, detail))
}

pub async fn cancel(app: &App, params: JobRef) -> Result<JobCancelResult, Error> {
    let (job, stopped) = runs::cancel(app, params.job_id, runs::STOPPED).await?;
    Ok(JobCancelResult { job, stopped })
}

/// Answers when the job has ended, or after a while.
pub async fn wait(app: &App, conn: &Arc<Connection>, params: JobWaitParams) -> Result<JobWaitResult, Error> {
    let job_id = params.job_id;
    let patience = match params.timeout_ms {
        None => LONGEST_WAIT,
        Some(ms) => Duration::from_millis(u64::try_from(ms).unwrap_or_default()).min(LONGEST_WAIT),
    };
    // Before the look: an end in between is not missed.
    let mut end = app.hub.end_of(job_id);
    let mut job = app.store.read(move |db| db.job(job_id)).await?;
    if !job.state.is_final() && !patience.is_zero() {
        tokio::select! {
            // The hub lives as long as the daemon; either way the job is looked at.
            _ = end.wait_for(|ended| *ended) => {}
            () = tokio::time::sleep(patience) => {}
            () = conn.state.ended() => {}
            () = app.stop.cancelled() => return Err(stopping()),
        }
        job = app.store.read(move |db| db.job(job_id)).await?;
    }
    let ended = job.state.is_final();
    Ok(JobWaitResult { job, ended })
}

/// Lets a run whose job waited go on, where there is a slot for it.
pub async fn go_on(app: &App, run_id: RunId, params: GoOnParams) -> Result<GoOn, Error> {
    let run = live(app, run_id)?;
    Ok(GoOn { granted: runs::go_on(app, &run, params.line).await? })
}

/// The live run whose worker calls.
fn live(app: &App, run_id: RunId) -> Result<Arc<LiveRun>, Error> {
    if app.stop.is_cancelled() {
        return Err(stopping());
    }
    app.runs.get(run_id).ok_or_else(|| {
        Error::new(ErrorCode::UNAUTHORIZED, format!("Run {run_id} has ended."), "A run that has ended makes no calls.")
    })
}

fn stopping() -> Error {
    Error::new(ErrorCode::STOPPING, "The daemon is stopping.", "The next one answers.")
}

/// Grants a model call its worst case from every limit at once, or says which limit says no.
pub async fn lease(app: &App, run_id: RunId, params: LeaseParams) -> Result<Lease, Error> {
    let run = live(app, run_id)?;
    let company_id = run.company_id;
    let row = app.store.read(move |db| db.company(company_id)).await?;
    let loaded = companies::load(&row).await?;
    let limits = budget::limits(&loaded, &params.agent);
    let need = Need { agent: params.agent.clone(), cost: params.worst_usd, tokens: params.worst_tokens };
    let job_id = run.job_id;
    let (granted, closed) = app
        .store
        .write(move |db| {
            let limits = store::Limits { job: db.job(job_id)?.max_cost_usd, ..limits };
            let granted = db.lease_grant(run_id, &need, &limits, Time::now())?;
            // Whoever asked about a limit, and has room now, needs no answer any more.
            let closed = match &granted {
                Ok(_) => db.limit_has_room(run_id, &need.agent, ROOM_AGAIN, Time::now())?,
                Err(_) => Vec::new(),
            };
            Ok((granted, closed))
        })
        .await?;
    if !closed.is_empty() {
        app.announce(company_id, &Touched::questions(job_id), &closed);
    }
    match granted {
        Ok(lease_id) => Ok(Lease { lease_id }),
        Err(refused) => Err(budget::refused(&refused, &params.agent, params.worst_usd, params.worst_tokens)),
    }
}

/// E003, E024, E025: refused before any model call.
async fn check_limits(app: &App, company_id: CompanyId, limits: store::Limits, agent: &str) -> Result<(), Error> {
    let role = agent.to_owned();
    let standings = app
        .store
        .read(move |db| {
            let now = Time::now();
            let mut standings = budget::standings(db, company_id, &limits, now)?;
            if let Some(session) = db.open_session(company_id, &role)? {
                standings.push(budget::of_session(db, company_id, session, &limits)?);
            }
            Ok(standings)
        })
        .await?;
    budget::check(&standings, agent)
}

/// What the founder wrote without what nobody can read: control characters other than line ends and tabs. `what` names
/// it where it does not do.
pub fn readable(directive: &str, what: &str) -> Result<String, Error> {
    let fault = |message: &str, fix: &str| Err(Error::new(ErrorCode::DIRECTIVE_INVALID, message, fix));
    if directive.len() > limits::MAX_DIRECTIVE_BYTES {
        let kilobytes = limits::MAX_DIRECTIVE_BYTES / 1024;
        return fault(
            &format!("The {what} is {} bytes long; {kilobytes} KB is the most.", directive.len()),
            "Put the long part into a file of the company folder, and name the file in the brief.",
        );
    }
    let text: String = directive.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if title(&text).is_empty() {
        return fault(&format!("The {what} is empty: there is nothing in it to read."), "Say what is to be done.");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_must_hold_something_to_read() {
        for bad in ["", "  \n\t", "\u{1}\u{2}\u{1b}", "\u{200b}\u{feff}"] {
            assert_eq!(readable(bad, "directive").unwrap_err().code, ErrorCode::DIRECTIVE_INVALID, "{bad:?}");
        }
        assert!(readable(&"x".repeat(limits::MAX_DIRECTIVE_BYTES + 1), "directive").is_err());
        assert_eq!(readable("Write\u{1b}[31m a\npage", "directive").unwrap(), "Write[31m a\npage");
    }
}
