//! The queue: claims the next job while there is a slot, and takes up what an earlier daemon left.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::{Error, Time};
use store::{Claim, StoreError};

use super::drive::{Begin, drive};
use super::finish::{put_away_the_rest, with_folder};
use super::{LiveRun, random_token, token_hash};
use crate::app::App;
use crate::hub::Touched;

/// How often the queue is looked at without being told to: a timer stops in sleep, a wake-up may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long to wait after the database said no.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// Claims jobs until the daemon stops.
pub async fn keep_claiming(app: App) {
    loop {
        let pause = match claim_all(&app).await {
            Ok(()) => LOOK_EVERY,
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

async fn claim_all(app: &App) -> Result<(), Error> {
    let max = app.settings().await?.max_parallel_jobs;
    while !app.stop.is_cancelled() {
        let token = random_token()?;
        let hash = token_hash(&token);
        let home = app.home.clone();
        let claimed = app
            .store
            .write(move |db| {
                db.claim_next(&Claim {
                    max_parallel: max,
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
    let runs = app.home.runs_dir();
    // Listed before anything is claimed or settled: whoever settles a run puts it away.
    let mut ended = tokio::task::spawn_blocking(move || with_folder(&runs)).await.map_err(Error::internal)?;
    ended.retain(|run_id| !left.iter().any(|(_, row)| row.run_id == *run_id));
    tokio::spawn(put_away_the_rest(app.clone(), ended));
    for (company_id, row) in left {
        let run = app.runs.add(LiveRun::new(app, row.run_id, row.job_id, company_id, row.dir.clone()));
        tracing::info!(run_id = %row.run_id, job_id = %row.job_id, process = ?row.process, "adopting a run");
        tokio::spawn(keep_driving(app.clone(), run, Begin::Adopted(row)));
    }
    Ok(())
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
                        run.done.send_if_modified(|done| done.replace(done.unwrap_or_default()).is_none());
                        return;
                    }
                },
                Err(error) => tracing::error!(%error, "the runs could not be read"),
            }
        };
    }
}
