//! The queue: claims the next job while there is a slot, and takes up what an earlier daemon left.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::{Error, RunState, Time};
use store::{Claim, StoreError};

use super::drive::{Begin, drive, worker_of};
use super::finish::put_away_the_rest;
use super::{LiveRun, STOPPED, cancel, lock, random_token, token_hash};
use crate::app::App;
use crate::hub::Touched;
use crate::notices;

/// How often the queue is looked at without being told to: a timer stops in sleep, a wake-up may be lost, and clocks
/// are set.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The same while a slot is kept for a worker that may not come back for it, and where what is due does not move.
const LOOK_SOON: Duration = Duration::from_secs(1);
/// How long to wait after the database said no.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// Moves on what is due, and claims jobs, until the daemon stops.
pub async fn keep_claiming(app: App) {
    loop {
        let pause = match look(&app).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the queue could not be read");
                AFTER_TROUBLE
            }
        };
        tokio::select! {
            () = app.runs.queue.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = app.stop.cancelled() => return,
        }
    }
}

/// One look at the queue; how long until the next is needed.
async fn look(app: &App) -> Result<Duration, Error> {
    move_due(app).await?;
    claim_all(app).await?;
    let next = app.store.read(|db| db.next_due()).await?;
    Ok(pause(next, Time::now(), app.runs.slots.kept() > 0))
}

/// How long to sleep where the next job is due at `next`.
fn pause(next: Option<Time>, now: Time, slots_kept: bool) -> Duration {
    let longest = if slots_kept { LOOK_SOON } else { LOOK_EVERY };
    let until_due = match next.map(|next| next.since(now)) {
        None => longest,
        // It was just looked for, and did not move.
        Some(ms) if ms <= 0 => LOOK_SOON,
        Some(ms) => Duration::from_millis(ms.unsigned_abs()),
    };
    until_due.min(longest)
}

/// Moves the jobs whose time has come, or whose blocker has ended.
async fn move_due(app: &App) -> Result<(), Error> {
    while !app.stop.is_cancelled() {
        // In one transaction: a daemon that dies right after it leaves the notices to the next.
        let (moved, untold) = app
            .store
            .write(|db| {
                let moved = db.due(Time::now())?;
                if moved.is_empty() {
                    return Ok((moved, Vec::new()));
                }
                let words = words::of(&db.settings()?.language);
                let ended = moved.iter().filter_map(|(job, _)| notices::due(job, words));
                let untold = ended.map(|new| db.notice_put(&new, Time::now())).collect::<Result<Vec<_>, _>>()?;
                Ok((moved, untold))
            })
            .await?;
        if moved.is_empty() {
            return Ok(());
        }
        for (job, event) in moved {
            app.announce(job.company_id, &Touched::line(job.job_id), &[event]);
        }
        let untold: Vec<_> = untold.into_iter().flatten().collect();
        if !untold.is_empty() {
            let app = app.clone();
            tokio::spawn(async move { notices::tell_the_rest(&app, untold).await });
        }
    }
    Ok(())
}

async fn claim_all(app: &App) -> Result<(), Error> {
    let max = app.settings().await?.max_parallel_jobs;
    while !app.stop.is_cancelled() {
        let token = random_token()?;
        let hash = token_hash(&token);
        let home = app.home.clone();
        // Who waited goes on first.
        let max_parallel = max - app.runs.slots.kept();
        let claimed = app
            .store
            .write(move |db| {
                db.claim_next(&Claim {
                    max_parallel,
                    token_hash: &hash,
                    run_dir: &|run_id| unused(home.run_dir(run_id)).display().to_string(),
                    at: Time::now(),
                })
            })
            .await?;
        let Some(claimed) = claimed else { return Ok(()) };
        let job = &claimed.job.job;
        let run = LiveRun::new(app, claimed.run_id, job.job_id, job.company_id, claimed.run_dir);
        let run = app.runs.add(run);
        app.announce(job.company_id, &Touched::line(job.job_id), &[claimed.event]);
        tokio::spawn(keep_driving(app.clone(), run, Begin::Fresh { token }));
    }
    Ok(())
}

/// The folder, or one beside it that is not there yet: where a copy of the database was put back, a run gets a number
/// that another one had, whose spool is kept.
fn unused(dir: PathBuf) -> PathBuf {
    let mut free = dir.clone();
    for again in 2..1000 {
        if !free.exists() {
            break;
        }
        free = dir.with_extension(again.to_string());
    }
    free
}

/// Takes up the runs that an earlier daemon left: those that live are followed, the others are settled.
///
/// # Errors
/// The database's.
pub async fn adopt(app: &App) -> Result<(), Error> {
    let left = app
        .store
        .read(|db| {
            let runs = db.live_runs()?.into_iter();
            runs.map(|row| Ok((db.job(row.job_id)?.company_id, row))).collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
    tokio::spawn(put_away_the_rest(app.clone()));
    for (company_id, row) in left {
        let run = app.runs.add(LiveRun::new(app, row.run_id, row.job_id, company_id, row.dir.clone()));
        // Known before anybody asks for the job: its worker may be gone (E010, E011).
        *lock(&run.identity) = worker_of(&row);
        tracing::info!(run_id = %row.run_id, job_id = %row.job_id, process = ?row.process, "adopting a run");
        let was_stopping = row.state == RunState::Stopping;
        if was_stopping {
            // Before it is followed: one whose worker is gone was stopped, and did not fail.
            run.is_to_stop(STOPPED);
        }
        tokio::spawn(keep_driving(app.clone(), run.clone(), Begin::Adopted(row)));
        if was_stopping {
            tokio::spawn(go_on_stopping(app.clone(), run));
        }
    }
    Ok(())
}

/// Stops a run whose stop an earlier daemon had begun.
async fn go_on_stopping(app: App, run: Arc<LiveRun>) {
    match cancel(&app, run.job_id, STOPPED).await {
        Ok((_, stopped)) => tracing::info!(run_id = %run.run_id, ?stopped, "a stop went on"),
        Err(error) => tracing::warn!(%error, run_id = %run.run_id, "a stop could not go on"),
    }
}

/// Drives a run to its end. A fault of ours in between does not leave the job without anybody who follows it: the run
/// is taken up again, as from an earlier daemon.
async fn keep_driving(app: App, run: Arc<LiveRun>, mut begin: Begin) {
    loop {
        let Err(fault) = tokio::spawn(drive(app.clone(), run.clone(), begin)).await else { return };
        tracing::error!(%fault, run_id = %run.run_id, "a run was dropped; taking it up again");
        begin = loop {
            tokio::select! {
                () = tokio::time::sleep(AFTER_TROUBLE) => {}
                () = app.stop.cancelled() => return,
            }
            match app.store.read(|db| db.live_runs()).await {
                Ok(left) => match left.into_iter().find(|row| row.run_id == run.run_id) {
                    Some(row) => break Begin::Adopted(row),
                    None => {
                        app.runs.remove(run.run_id);
                        // Who waits for its end must not wait for ever.
                        run.done.send_replace(true);
                        return;
                    }
                },
                Err(error) => tracing::error!(%error, "the runs could not be read"),
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_comes_when_something_is_due_and_never_late() {
        let now = Time(1_000_000);
        assert_eq!(pause(None, now, false), LOOK_EVERY);
        assert_eq!(pause(None, now, true), LOOK_SOON);
        assert_eq!(pause(Some(Time(1_000_250)), now, false), Duration::from_millis(250));
        assert_eq!(pause(Some(Time(9_000_000)), now, false), LOOK_EVERY, "a clock may be set meanwhile");
        assert_eq!(pause(Some(Time(1)), now, false), LOOK_SOON);
    }
}
