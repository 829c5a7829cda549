//! Stops a job, and answers once nothing of it runs any more.

use std::time::Duration;

use contract::{Error, ErrorCode, Event, Job, JobChange, JobId, JobState, RunState, StopCounts, Time};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{LiveRun, counts};
use crate::app::App;
use crate::hub::Touched;

/// What a worker may take beyond the grace to sweep up and say its last word.
const LAST_WORD: Duration = Duration::from_secs(3);
/// How long a worker that is not connected may take to connect and be told.
const CONNECTING: Duration = Duration::from_secs(1);
/// How long a run may take to be known once its job is claimed, and how often to look.
const STARTING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_millis(10));
/// Two stops this close to each other are one wish, in milliseconds.
const AT_ONCE_MS: i64 = 1_000;

/// What a look at a job that is to be stopped found.
enum Found {
    /// It had not begun; now it never will.
    Ended(Box<(Job, Event)>),
    /// It had ended.
    Final(Box<Job>),
    /// A run of it is alive.
    AtWork,
}

/// Stops a job: the job as it is then, and what became of its processes. A job that ends by itself in the same moment
/// keeps its own end (E013). A job is not final only where the system does not let go of some of its processes.
///
/// # Errors
/// [`ErrorCode::JOB_NOT_FOUND`], [`ErrorCode::JOB_FINAL`], or the database's.
pub async fn cancel(app: &App, job_id: JobId, reason: &str) -> Result<(Job, StopCounts), Error> {
    let give_up = Instant::now() + STARTING.0;
    let mut stopped_a_run = false;
    loop {
        match look(app, job_id, reason).await? {
            Found::Ended(ended) => {
                let (job, event) = *ended;
                app.announce(job.company_id, &Touched::line(job_id), &[event]);
                app.runs.wake_queue();
                return Ok(answer(job));
            }
            Found::Final(job) if stopped_a_run || was_stopped_now(&job) => return Ok(answer(*job)),
            Found::Final(job) => {
                return Err(Error::new(
                    ErrorCode::JOB_FINAL,
                    format!("Job {job_id} has ended already: {}.", job.state.name()),
                    "There is nothing to stop.",
                )
                .with(serde_json::json!({ "job_id": job_id, "state": job.state })));
            }
            Found::AtWork => {}
        }
        if let Some(run) = app.runs.of_job(job_id) {
            if let Some(left) = stop_run(app, &run, reason).await? {
                return Ok((app.store.read(move |db| db.job(job_id)).await?, left));
            }
            // It has ended, and its job with it, unless it was to be tried again.
            stopped_a_run = true;
            continue;
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

/// Looks at the job, and ends it where no run of it is alive: in one transaction, so that the queue does not claim it
/// in between.
async fn look(app: &App, job_id: JobId, reason: &str) -> Result<Found, Error> {
    let why = reason.to_owned();
    let found = app.store.write(move |db| {
        let job = db.job(job_id)?;
        if job.state.is_final() {
            return Ok(Found::Final(Box::new(job)));
        }
        if job.state.is_at_work() {
            return Ok(Found::AtWork);
        }
        Ok(Found::Ended(Box::new(db.transition(job_id, JobChange::Cancel, &why, Time::now())?)))
    });
    Ok(found.await?)
}

fn answer(job: Job) -> (Job, StopCounts) {
    let stopped = job.stopped.unwrap_or_default();
    (job, stopped)
}

/// Whether another stop ended the job in this very moment: both meant the same.
fn was_stopped_now(job: &Job) -> bool {
    let age = job.finished_at.map(|at| Time::now().since(at));
    job.state == JobState::Cancelled && age.is_some_and(|age| (0..AT_ONCE_MS).contains(&age))
}

/// Stops a run: asks its worker, and takes its whole tree down where it does not go. What is left, where the system
/// does not let go of it.
async fn stop_run(app: &App, run: &LiveRun, reason: &str) -> Result<Option<StopCounts>, Error> {
    let mut done = run.done.subscribe();
    run.is_to_stop(reason);
    let told = run.tell_to_stop();
    note_stopping(app, run);
    let grace = Duration::from_millis(u64::try_from(app.settings().await?.stop_grace_ms).unwrap_or_default());
    let mut told_long_ago = false;
    if told {
        told_long_ago = true;
    } else if ended_within(&mut done, CONNECTING).await? {
        return Ok(None);
    }
    // One that has connected meanwhile was told then.
    if told || run.is_connected() {
        if ended_within(&mut done, grace + LAST_WORD).await? {
            return Ok(None);
        }
        told_long_ago = true;
    }
    tracing::warn!(run_id = %run.run_id, told_long_ago, "the worker does not stop by itself");
    let stopped = {
        // Whoever settles the run waits for this, and counts it.
        let mut forced = run.forced.lock().await;
        if !*done.borrow() {
            // Who was told has had its grace.
            let grace = if told_long_ago { Duration::ZERO } else { grace };
            *forced = *forced + counts(process::stop_tree(run.identity().as_ref(), true, &run.mark, grace).await);
        }
        *forced
    };
    if stopped.left == 0 {
        done.wait_for(|done| *done).await.map_err(Error::internal)?;
        return Ok(None);
    }
    // The run may never end, and who asked must hear that.
    Ok(if ended_within(&mut done, LAST_WORD).await? { None } else { Some(stopped) })
}

/// Notes that the run is to stop: a daemon that dies now leaves that to the next.
fn note_stopping(app: &App, run: &LiveRun) {
    let (store, run_id) = (app.store.clone(), run.run_id);
    tokio::spawn(async move {
        match store.write(move |db| db.run_state(run_id, RunState::Stopping)).await {
            Ok(()) | Err(store::StoreError::RunFinal(_)) => {}
            Err(error) => tracing::warn!(%error, %run_id, "a stop could not be noted"),
        }
    });
}

async fn ended_within(done: &mut watch::Receiver<bool>, patience: Duration) -> Result<bool, Error> {
    match timeout(patience, done.wait_for(|done| *done)).await {
        Ok(ended) => ended.map(|_| true).map_err(Error::internal),
        Err(_) => Ok(false),
    }
}
