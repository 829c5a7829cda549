//! Jobs: briefs, their stop, their end, their money.

use std::sync::Arc;
use std::time::Duration;

use contract::*;
use store::{CompanyRow, Inserted, NewJob, Refused, StoreError};

use crate::app::App;
use crate::companies::{self, Limits};
use crate::engines;
use crate::handlers::sessions;
use crate::hub::Touched;
use crate::runs::{self, LiveRun};
use crate::service::Connection;

/// How long one call waits for the end of a job, at most.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

pub async fn submit(app: &App, params: JobSubmitParams) -> Result<Job, Error> {
    let directive = readable(&params.directive)?;
    check_priority(params.priority)?;
    let row = companies::resolve(app, params.company).await?;
    let engine = ready(app, &row).await?;
    let session = sessions::current(app, &row, params.start_session).await?;
    let max_cost_usd = match params.max_cost_usd {
        // Below zero there is nothing to spend, and zero would mean that there is no limit.
        Some(limit) if limit < Money::ZERO => {
            return Err(Error::new(
                ErrorCode::BAD_REQUEST,
                format!("A brief's limit cannot be {limit}."),
                "Name an amount, or 0 for none.",
            ));
        }
        Some(limit) => limit,
        None => app.settings().await?.brief_limit_usd,
    };
    let new = NewJob {
        company_id: row.company_id,
        session_id: session.session_id,
        parent_job_id: None,
        directive,
        engine,
        origin: params.origin,
        foreground: params.foreground,
        max_cost: max_cost_usd,
        idempotency_key: params.idempotency_key,
        queue: params.queue,
        priority: params.priority,
        after: params.after_job_id,
        not_before: params.not_before,
    };
    insert(app, new).await
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
    let engine = ready(app, &row).await?;
    let session = sessions::current(app, &row, true).await?;
    let new = NewJob {
        company_id: row.company_id,
        session_id: session.session_id,
        parent_job_id: Some(job_id),
        directive: old.directive,
        engine,
        origin: old.job.origin,
        foreground: params.foreground,
        max_cost: old.job.max_cost_usd,
        idempotency_key: None,
        queue: true,
        priority: old.job.priority,
        after: None,
        not_before: None,
    };
    insert(app, new).await
}

/// The engine for the company's next brief, if it has a CEO and an engine and its limits leave something to spend.
async fn ready(app: &App, row: &CompanyRow) -> Result<EngineKind, Error> {
    let loaded = companies::load(row).await?;
    loaded.ceo()?;
    let choice = engines::choose(app, &loaded.config.engine).await?;
    let engine = match (choice.kind, choice.problem) {
        (Some(kind), _) => kind,
        (None, problem) => return Err(problem.unwrap_or_else(|| Error::internal("There is no engine."))),
    };
    check_limits(app, row.company_id, Limits::of(&loaded)).await?;
    Ok(engine)
}

async fn insert(app: &App, new: NewJob) -> Result<Job, Error> {
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
    if let Some(event) = event {
        app.announce(job.company_id, &Touched::job(job.job_id), &[event]);
        app.runs.wake_queue();
    }
    if all_held && job.state == JobState::Queued && job.reason.is_empty() {
        // Whoever sent it would wait in vain for it to begin.
        job.reason = "All jobs are on hold: `aicib resume` lets them go on.".into();
    }
    Ok(job)
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
    let job_id = run.job_id;
    let granted = app
        .store
        .write(move |db| {
            let Limits { daily, monthly } = Limits::of(&loaded);
            let limits = store::Limits { daily, monthly, job: db.job(job_id)?.max_cost_usd };
            db.lease_grant(run_id, params.worst_usd, &limits, Time::now())
        })
        .await?;
    match granted {
        Ok(lease_id) => Ok(Lease { lease_id }),
        Err(refused) => Err(over_limit(&refused, params.worst_usd)),
    }
}

/// E003, E024, E025: refused before any model call.
async fn check_limits(app: &App, company_id: CompanyId, limits: Limits) -> Result<(), Error> {
    let spend = companies::spend(app, company_id, limits).await?;
    if limits.daily > Money::ZERO && spend.today_usd >= limits.daily {
        return Err(limit_reached(ErrorCode::BUDGET_DAILY, "Daily", spend.today_usd, limits.daily));
    }
    if limits.monthly > Money::ZERO && spend.month_usd >= limits.monthly {
        return Err(limit_reached(ErrorCode::BUDGET_MONTHLY, "Monthly", spend.month_usd, limits.monthly));
    }
    Ok(())
}

fn limit_reached(code: ErrorCode, which: &str, spent: Money, limit: Money) -> Error {
    let (key, until) = match which {
        "Daily" => ("settings.cost_limit_daily", "tomorrow"),
        _ => ("settings.cost_limit_monthly", "next month"),
    };
    Error::new(
        code,
        format!("{which} cost limit reached ({spent} / {limit})."),
        format!("Raise it with `aicib config set {key} AMOUNT`, or wait until {until}."),
    )
    .with(serde_json::json!({ "spent_usd": spent, "limit_usd": limit }))
}

/// A call whose worst case does not fit under a limit is not made.
fn over_limit(refused: &Refused, worst: Money) -> Error {
    let (code, which, fix) = match refused.which {
        store::Limit::Daily => (
            ErrorCode::BUDGET_DAILY,
            "The daily cost limit",
            "Raise it with `aicib config set settings.cost_limit_daily AMOUNT`, or wait until tomorrow.",
        ),
        store::Limit::Monthly => (
            ErrorCode::BUDGET_MONTHLY,
            "The monthly cost limit",
            "Raise it with `aicib config set settings.cost_limit_monthly AMOUNT`, or wait until next month.",
        ),
        store::Limit::Job => (
            ErrorCode::BUDGET_BRIEF,
            "The brief's own limit",
            "Send the brief again with more: `aicib brief --max-cost AMOUNT`.",
        ),
    };
    let message = format!(
        "{which} of {} does not cover the next call: {} is spent or set aside, and the call may cost up to {worst}.",
        refused.limit, refused.spent
    );
    Error::new(code, message, fix)
        .with(serde_json::json!({ "spent_usd": refused.spent, "limit_usd": refused.limit, "worst_usd": worst }))
}

/// The directive without what nobody can read: control characters other than line ends and tabs.
fn readable(directive: &str) -> Result<String, Error> {
    let fault = |what: &str, fix: &str| Err(Error::new(ErrorCode::DIRECTIVE_INVALID, what, fix));
    if directive.len() > limits::MAX_DIRECTIVE_BYTES {
        let kilobytes = limits::MAX_DIRECTIVE_BYTES / 1024;
        return fault(
            &format!("The directive is {} bytes long; {kilobytes} KB is the most.", directive.len()),
            "Put the long part into a file of the company folder, and name the file in the brief.",
        );
    }
    let text: String = directive.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if title(&text).is_empty() {
        return fault("The directive is empty: there is nothing in it to read.", "Say what the CEO is to do.");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_must_hold_something_to_read() {
        for bad in ["", "  \n\t", "\u{1}\u{2}\u{1b}", "\u{200b}\u{feff}"] {
            assert_eq!(readable(bad).unwrap_err().code, ErrorCode::DIRECTIVE_INVALID, "{bad:?}");
        }
        assert!(readable(&"x".repeat(limits::MAX_DIRECTIVE_BYTES + 1)).is_err());
        assert_eq!(readable("Write\u{1b}[31m a\npage").unwrap(), "Write[31m a\npage");
    }
}
