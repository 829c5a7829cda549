//! Holds: what the founder has paused is not begun, and what is at work stops before its next call.

use std::sync::Arc;
use std::time::Duration;

use contract::methods::RunHeld;
use contract::{Error, JobChange, JobHoldResult, JobId, JobState, RunHold, Time};

use super::LiveRun;
use crate::app::App;
use crate::hub::Touched;

/// How long to wait for a worker whose queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(50);

/// Puts a job, or all jobs, on hold, or lets them go on. A job that waits to be tried again is tried at once when it is
/// let go on.
///
/// # Errors
/// [`contract::ErrorCode::JOB_NOT_FOUND`], [`contract::ErrorCode::JOB_FINAL`], or the database's.
pub async fn hold(app: &App, job_id: Option<JobId>, held: bool) -> Result<JobHoldResult, Error> {
    match job_id {
        Some(job_id) => hold_one(app, job_id, held).await,
        None => hold_all(app, held).await,
    }
}

async fn hold_one(app: &App, job_id: JobId, held: bool) -> Result<JobHoldResult, Error> {
    let (job, events, all) = app
        .store
        .write(move |db| {
            let (mut job, event) = db.hold(job_id, held, Time::now())?;
            let mut events = Vec::from_iter(event);
            if !held && job.state == JobState::Retrying {
                let (queued, event) = db.transition(job_id, JobChange::Requeue, "", Time::now())?;
                job = queued;
                events.push(event);
            }
            Ok((job, events, db.all_held()?))
        })
        .await?;
    if !events.is_empty() {
        app.announce(job.company_id, &Touched::line(job_id), &events);
        if let Some(run) = app.runs.of_job(job_id) {
            tokio::spawn(tell(app.clone(), run));
        }
        app.runs.wake_queue();
    }
    Ok(JobHoldResult { all, job: Some(job) })
}

async fn hold_all(app: &App, held: bool) -> Result<JobHoldResult, Error> {
    let changed = app.store.write(move |db| db.hold_all(held, Time::now())).await?;
    for (job, event) in changed {
        app.announce(job.company_id, &Touched::row(job.job_id), &[event]);
    }
    app.hub.reload_all();
    for run in app.runs.all() {
        tokio::spawn(tell(app.clone(), run));
    }
    app.runs.wake_queue();
    Ok(JobHoldResult { all: held, job: None })
}

/// Whether a job is not to go on now.
///
/// # Errors
/// The database's.
pub async fn is_held(app: &App, job_id: JobId) -> Result<bool, Error> {
    Ok(app.store.read(move |db| Ok(db.all_held()? || db.job(job_id)?.held)).await?)
}

/// Tells a run's worker, if it is connected, whether it is on hold. What is told is read after what changed it was
/// stored, and one at a time, so that the last word is the right one.
pub async fn tell(app: App, run: Arc<LiveRun>) {
    let _turn = run.telling_hold.lock().await;
    let held = match is_held(&app, run.job_id).await {
        Ok(held) => held,
        // It still asks before it goes on after a wait, and is told again when it next connects.
        Err(error) => return tracing::error!(%error, run_id = %run.run_id, "a hold could not be told"),
    };
    while let Some(conn) = run.worker() {
        if conn.try_note::<RunHeld>(&RunHold { held }).is_ok() {
            return;
        }
        tokio::time::sleep(FULL_PAUSE).await;
    }
}
