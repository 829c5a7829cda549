//! Stops a job, and answers once nothing of it runs any more.

use std::time::Duration;

use contract::{Error, ErrorCode, JobChange, JobId, JobState, Time};

use tokio::sync::watch;
use tokio::time::Instant;

use super::{LiveRun, Swept, lock};
use crate::app::App;
use crate::hub::Touched;

/// What a worker may take beyond the grace to sweep up and say its last word.
const LAST_WORD: Duration = Duration::from_secs(3);
/// How long a run may take to be known once its job is claimed, and how often to look.
const STARTING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_millis(10));

/// Stops a job. A job that ends by itself in the same moment keeps its own end.
///
/// # Errors
/// [`ErrorCode::JOB_NOT_FOUND`], [`ErrorCode::JOB_FINAL`], or the database's.
pub async fn cancel(app: &App, job_id: JobId, reason: &str) -> Result<Swept, Error> {
    let give_up = Instant::now() + STARTING.0;
    loop {
        let why = reason.to_owned();
        // In one transaction with the look: the queue must not claim it in between.
        let queued = app
            .store
            .write(move |db| {
                let job = db.job(job_id)?;
                match job.state {
                    JobState::Queued => db.transition(job_id, JobChange::Cancel, &why, Time::now()).map(Ok),
                    _ => Ok(Err(job)),
                }
            })
            .await?;
        let job = match queued {
            Ok((job, event)) => {
                app.announce(job.company_id, &Touched::line(job_id), &[event]);
                app.runs.wake_queue();
                return Ok(Swept::default());
            }
            Err(job) => job,
        };
        if job.state.is_final() {
            return Err(Error::new(
                ErrorCode::JOB_FINAL,
                format!("Job {job_id} has ended already: {}.", job.state.name()),
                "There is nothing to stop.",
            ));
        }
        if let Some(run) = app.runs.of_job(job_id) {
            return stop_run(app, &run, reason).await;
        }
        // Claimed, and its run not known yet.
        if Instant::now() >= give_up {
            return Err(Error::new(
                ErrorCode::OVERLOADED,
                format!("Job {job_id} is just starting or ending."),
                "Try again.",
            ));
        }
        tokio::time::sleep(STARTING.1).await;
    }
}

/// Stops a run: asks its worker, and takes its whole tree down where it does not go.
async fn stop_run(app: &App, run: &LiveRun, reason: &str) -> Result<Swept, Error> {
    let mut done = run.done.subscribe();
    {
        let mut kept = lock(&run.stop_reason);
        if kept.is_empty() {
            reason.clone_into(&mut kept);
        }
    }
    run.stop.cancel();
    let told = run.tell_to_stop();
    let grace = Duration::from_millis(u64::try_from(app.settings().await?.stop_grace_ms).unwrap_or_default());
    let patience = if told { grace + LAST_WORD } else { LAST_WORD };
    let in_time = tokio::time::timeout(patience, ended(&mut done)).await.is_ok();
    let forced = if in_time {
        Swept::default()
    } else {
        tracing::warn!(run_id = %run.run_id, "the worker does not stop by itself");
        let stopped = process::stop_tree(run.identity().as_ref(), true, &run.mark, grace).await;
        Swept { ended: stopped.ended, forced: stopped.forced, left: stopped.left }
    };
    let settled = if forced.left == 0 {
        ended(&mut done).await?
    } else {
        // The system does not let go of some: the run may never end, and who asked must hear that.
        match tokio::time::timeout(LAST_WORD, ended(&mut done)).await {
            Ok(settled) => settled?,
            Err(_) => return Ok(forced),
        }
    };
    Ok(Swept { ended: settled.ended + forced.ended, forced: settled.forced + forced.forced, left: settled.left })
}

async fn ended(done: &mut watch::Receiver<Option<Swept>>) -> Result<Swept, Error> {
    let swept = done.wait_for(Option::is_some).await.map_err(Error::internal)?;
    Ok(swept.unwrap_or_default())
}
