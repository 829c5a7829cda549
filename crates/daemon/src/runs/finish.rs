//! The end of a run: sweeps its tree, settles its job, tells the founder, puts its spool away.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use contract::{Error, ErrorCode, EventBody, JobChange, Notice, Outcome, RunId, RunState, StopCounts, Time, one_line};
use store::Settlement;

use super::drive::not_started;
use super::raw;
use super::retry::Tries;
use super::{LiveRun, counts, lock};
use crate::app::App;
use crate::companies;
use crate::engines::marks;
use crate::hub::Touched;
use crate::kept;
use crate::notices;

/// Bytes of a worker's log that go into an error.
const LOG_TAIL_BYTES: usize = 600;
/// How long to wait after the database said no.
const AFTER_TROUBLE: Duration = Duration::from_millis(500);

/// How a run came to its end.
pub enum End {
    /// Its worker is gone; the spool says how it went, or is silent.
    Exited,
    /// There never was a worker.
    NotStarted(Error),
    /// The daemon stops; the worker goes on.
    DaemonLeaves,
}

/// Brings a run and its job to their final states.
pub async fn settle(app: &App, run: &LiveRun, end: End) {
    let swept = counts(process::stop_tree(None, false, &run.mark, Duration::ZERO).await);
    // A stop that is under way counts what it ends.
    let swept = *run.forced.lock().await + swept;
    keep_what_is_left(app, run).await;
    let settled = loop {
        match try_settle(app, run, &end, swept).await {
            Ok(settled) => break settled,
            Err(error) if error.code == ErrorCode::JOB_NOT_FOUND => {
                tracing::error!(%error, run_id = %run.run_id, "a run without a job ended");
                break Settled { notice: None, watched: false };
            }
            Err(error) => tracing::error!(%error, run_id = %run.run_id, "a run could not be settled; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(AFTER_TROUBLE) => {}
            () = app.stop.cancelled() => return,
        }
    };
    app.runs.remove(run.run_id);
    run.done.send_replace(true);
    app.runs.wake_queue();
    if let Some(notice) = settled.notice {
        notices::tell(app, notice, settled.watched).await;
    }
    let dir = run.dir.clone();
    let stored = tokio::task::spawn_blocking(move || put_away(&dir)).await;
    match stored {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, run_id = %run.run_id, "the run's folder was not tidied"),
        Err(error) => tracing::warn!(%error, run_id = %run.run_id, "tidying the run's folder failed"),
    }
}

/// Keeps what a run left of the company's files where its worker could not: before anybody else changes them.
async fn keep_what_is_left(app: &App, run: &LiveRun) {
    let company_id = run.company_id;
    let kept = async {
        let company = app.store.read(move |db| Ok(db.company(company_id)?.dir)).await?;
        let dir = run.dir.clone();
        companies::blocking(move || kept::keep_what_is_left(&dir, Path::new(&company)).map_err(Error::internal)).await
    };
    if let Err(error) = kept.await {
        tracing::warn!(%error, run_id = %run.run_id, "what the run left of files is not kept");
    }
}

/// A run that was brought to its end.
struct Settled {
    /// What the founder is to be told.
    notice: Option<Notice>,
    /// Whether somebody followed the job in a terminal up to its end.
    watched: bool,
}

async fn try_settle(app: &App, run: &LiveRun, end: &End, swept: StopCounts) -> Result<Settled, Error> {
    let (run_id, job_id) = (run.run_id, run.job_id);
    let (last_word, attempts) = app.store.read(move |db| Ok((db.last_word(run_id)?, db.attempts(job_id)?))).await?;
    let said = last_word.clone();
    let tries = Tries { attempts, retries: app.settings().await?.run_retries, now: Time::now() };
    let stop = run.stop.is_cancelled().then(|| lock(&run.stop_reason).clone());
    let was_started = run.identity().is_some();
    let (state, change, settlement) = match end {
        End::NotStarted(error) => {
            let (state, change, error) = not_started(error.clone());
            (state, change, failed(error, None))
        }
        _ => judge(last_word, stop, was_started, swept, tries)
            .unwrap_or_else(|| (RunState::Crashed, JobChange::Fail, failed(vanished(&run.log()), Some(swept)))),
    };
    // Looked at before it is announced: who follows the job leaves when it ends.
    let watched = app.watchers.is_watched(job_id);
    // In one transaction: a daemon that dies right after it leaves the notice to the next.
    let (events, notice) = app
        .store
        .write(move |db| {
            let (job, events) = db.settle(run_id, state, change, &settlement, Time::now())?;
            marks::ended(db, &job, said.as_ref(), Time::now())?;
            let words = words::of(&db.settings()?.language);
            let notice = notices::due(&job, words).map(|new| db.notice_put(&new, Time::now())).transpose()?;
            Ok((events, notice.flatten()))
        })
        .await?;
    app.announce(run.company_id, &Touched { spend: true, questions: true, ..Touched::line(job_id) }, &events);
    Ok(Settled { notice, watched })
}

/// What a run that had a worker, or was stopped before it had one, means for its job: from the worker's last word,
/// from the founder's reason where the founder stopped it, and from what was swept up after it. `None` where the worker
/// went without a word and nobody had told it to.
fn judge(
    last_word: Option<EventBody>,
    stop: Option<String>,
    was_started: bool,
    swept: StopCounts,
    tries: Tries,
) -> Option<(RunState, JobChange, Settlement)> {
    let Some(EventBody::RunExited { outcome, result, error, effects, ended, forced, .. }) = last_word else {
        let state = if was_started { RunState::Killed } else { RunState::Exited };
        let settlement = Settlement { reason: stop?, stopped: Some(swept), ..Settlement::default() };
        return Some((state, JobChange::Cancel, settlement));
    };
    // What the worker could not end may have ended since: of what is left, our own sweep has the last say.
    let stopped = Some(StopCounts { ended, forced, left: 0 } + swept);
    let base = Settlement { stopped, ..Settlement::default() };
    let told = match outcome {
        Outcome::Completed => {
            let answer = Some(result.unwrap_or_default());
            (RunState::Exited, JobChange::Complete, Settlement { answer, ..base })
        }
        Outcome::Failed => {
            let error = error.unwrap_or_else(|| Error::internal("The run failed and did not say why."));
            match (stop, tries.next(&error, effects)) {
                // A worker that did not hear of the founder's stop was ended by us.
                (Some(reason), _) if error.code == ErrorCode::RUN_INTERRUPTED => {
                    (RunState::Killed, JobChange::Cancel, Settlement { reason, ..base })
                }
                (None, Some(until)) => {
                    let reason = error.message;
                    (RunState::Exited, JobChange::Retry, Settlement { reason, until: Some(until), ..base })
                }
                _ => (RunState::Exited, JobChange::Fail, failed(error, stopped)),
            }
        }
        Outcome::Cancelled => {
            let reason = stop.unwrap_or_else(|| "Its worker was told to stop.".into());
            (RunState::Exited, JobChange::Cancel, Settlement { reason, ..base })
        }
    };
    Some(told)
}

fn failed(error: Error, stopped: Option<StopCounts>) -> Settlement {
    Settlement { reason: error.message.clone(), error: Some(error), stopped, ..Settlement::default() }
}

/// The worker went without a word: killed, crashed, or the machine went down.
fn vanished(log: &Path) -> Error {
    let tail = log_tail(log);
    let detail = if tail.is_empty() { String::new() } else { format!(" Its log ends with: {tail}") };
    Error::new(
        ErrorCode::RUN_INTERRUPTED,
        format!("The worker was interrupted: it ended without a word (crash, kill or power loss).{detail}"),
        "Restart the job; what it had written to files is still there.",
    )
}

fn log_tail(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(log)?;
        let from = file.metadata()?.len().saturating_sub(LOG_TAIL_BYTES as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    // Without a log there is nothing to add to the error.
    one_line(&String::from_utf8_lossy(&read().unwrap_or_default()), LOG_TAIL_BYTES)
}

/// The runs whose spool is not put away, by their folder's name.
fn with_spool(runs: &Path) -> Vec<RunId> {
    // No folder, no runs.
    let Ok(dirs) = std::fs::read_dir(runs) else { return Vec::new() };
    let open = dirs.flatten().filter(|entry| entry.path().join("spool.jsonl").exists());
    open.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok())).map(RunId).collect()
}

/// Puts away what an earlier daemon had no time for: the spools of runs that had ended before this one began. (What ends
/// since is put away by who settles it.)
pub async fn put_away_the_rest(app: App) {
    let runs = app.home.runs_dir();
    let left = match tokio::task::spawn_blocking(move || with_spool(&runs)).await {
        Ok(left) => left,
        Err(error) => return tracing::warn!(%error, "the runs' folders could not be listed"),
    };
    for run_id in left {
        // A run that the database does not know may have a worker that still writes.
        let known = app.store.read(move |db| db.run(run_id)).await;
        if !known.is_ok_and(|(run, _)| run.ended_at.is_some_and(|ended| ended < app.heart.started_at())) {
            continue;
        }
        let dir = app.home.run_dir(run_id);
        let tidied = tokio::task::spawn_blocking(move || put_away(&dir)).await;
        if let Err(error) = tidied.map_err(std::io::Error::other).flatten() {
            tracing::warn!(%error, %run_id, "a run's folder was not tidied");
        }
    }
}

/// Compresses the spool and removes what only the worker needed. The spool stays: the database can be rebuilt from it.
fn put_away(dir: &Path) -> std::io::Result<()> {
    for leftover in ["tmp", "reserve", "tried"] {
        let path = dir.join(leftover);
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    raw::put_away(dir)?;
    let spool = dir.join("spool.jsonl");
    let bytes = match std::fs::File::open(&spool) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let fresh = tempfile::NamedTempFile::new_in(dir)?;
    let mut packer = flate2::write::GzEncoder::new(fresh, flate2::Compression::default());
    std::io::copy(&mut std::io::BufReader::new(bytes), &mut packer)?;
    let mut fresh = packer.finish()?;
    fresh.flush()?;
    fresh.as_file().sync_all()?;
    fresh.persist(dir.join("spool.jsonl.gz")).map_err(|error| error.error)?;
    std::fs::remove_file(spool)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWEPT: StopCounts = StopCounts { ended: 1, forced: 2, left: 0 };
    const TRIES: Tries = Tries { attempts: 1, retries: 2, now: Time(1_000) };

    fn exited(outcome: Outcome, error: Option<ErrorCode>, effects: bool) -> Option<EventBody> {
        let error = error.map(|code| Error::new(code, "It did not work.", ""));
        Some(EventBody::RunExited { outcome, result: None, error, turns: 1, effects, ended: 3, forced: 4, left: 5 })
    }

    #[test]
    fn the_workers_last_word_counts_and_our_own_sweep_with_it() {
        let word = exited(Outcome::Completed, None, true);
        let (state, change, settlement) = judge(word, Some("Stopped.".into()), true, SWEPT, TRIES).unwrap();
        assert_eq!((state, change), (RunState::Exited, JobChange::Complete), "E013");
        assert_eq!(settlement.stopped, Some(StopCounts { ended: 4, forced: 6, left: 0 }));
    }

    #[test]
    fn who_was_stopped_and_had_no_word_left_was_stopped() {
        let (state, change, settlement) = judge(None, Some("Stopped.".into()), true, SWEPT, TRIES).unwrap();
        assert_eq!((state, change, settlement.reason.as_str()), (RunState::Killed, JobChange::Cancel, "Stopped."));
        let word = exited(Outcome::Failed, Some(ErrorCode::RUN_INTERRUPTED), true);
        let (_, change, _) = judge(word, Some("Stopped.".into()), true, SWEPT, TRIES).unwrap();
        assert_eq!(change, JobChange::Cancel);
        assert!(judge(None, None, true, SWEPT, TRIES).is_none());
    }

    #[test]
    fn an_outage_without_effects_is_tried_again_unless_the_founder_stops_it() {
        let word = || exited(Outcome::Failed, Some(ErrorCode::PROVIDER_DOWN), false);
        let (_, change, settlement) = judge(word(), None, true, SWEPT, TRIES).unwrap();
        assert_eq!((change, settlement.until), (JobChange::Retry, Some(Time(31_000))));
        let (_, change, settlement) = judge(word(), Some("Stopped.".into()), true, SWEPT, TRIES).unwrap();
        assert_eq!((change, settlement.until), (JobChange::Fail, None));
        let effects = exited(Outcome::Failed, Some(ErrorCode::PROVIDER_DOWN), true);
        assert_eq!(judge(effects, None, true, SWEPT, TRIES).unwrap().1, JobChange::Fail);
    }
}
