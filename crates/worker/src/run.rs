//! A run, from its spec to its last word.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use contract::{Error, ErrorCode, EventBody, JobId, NoticeLevel, Outcome, RUN_MARK, WorkerSpec, run_mark};
use engine::{Brief, Ending};
use process::Mark;
use rpc::Home;
use tokio_util::sync::CancellationToken;

use crate::host::{RunHost, notice};
use crate::link::{Link, StopReason, Why};
use crate::spool::Spool;

/// How often processes under the worker are counted.
const CENSUS_EVERY: Duration = Duration::from_secs(2);
/// How long the last word is tried on a disk that refuses it, and how often.
const LAST_WORD_PATIENCE: Duration = Duration::from_secs(15 * 60);
const LAST_WORD_EVERY: Duration = Duration::from_millis(500);

/// Runs `spec` to its end. The exit code is for the log only: the outcome is the spool's `run_exited`.
pub async fn run(spec: WorkerSpec) -> ExitCode {
    let mark = Mark::new(RUN_MARK, run_mark(&spec.home, spec.run_id));
    match start(&spec, &mark) {
        Ok((host, reason)) => live(spec, mark, host, reason).await,
        Err(error) => {
            tracing::error!("run {} cannot start: {error}", spec.run_id);
            ExitCode::FAILURE
        }
    }
}

fn start(spec: &WorkerSpec, mark: &Mark) -> Result<(Arc<RunHost>, StopReason), String> {
    // Descendants whose parents die come to us, so that none is missed at the end.
    process::become_subreaper().map_err(|error| format!("cannot adopt orphans: {error}"))?;
    process::reap_strangers().map_err(|error| format!("cannot reap orphans: {error}"))?;
    let home = Home::at(PathBuf::from(&spec.home)).map_err(|error| error.to_string())?;
    let spool = Spool::create(Path::new(&spec.run_dir)).map_err(|error| format!("cannot make the spool: {error}"))?;
    let stop = CancellationToken::new();
    let reason = StopReason::default();
    listen_for_signals(&stop, &reason).map_err(|error| format!("cannot listen for signals: {error}"))?;
    let link = Arc::new(Link::start(home, spec.run_id, spec.token.clone(), stop.clone(), reason.clone()));
    tokio::spawn(count_children(link.clone(), mark.clone()));
    Ok((Arc::new(RunHost { job_id: spec.job_id, spool, link, stop, unreturned: Default::default() }), reason))
}

/// A request to end stops the run as a cancel does, but it is nobody's wish for the job.
fn listen_for_signals(stop: &CancellationToken, reason: &StopReason) -> std::io::Result<()> {
    let mut signals = process::StopSignals::listen()?;
    let (stop, reason) = (stop.clone(), reason.clone());
    tokio::spawn(async move {
        loop {
            let name = signals.next().await;
            let what = format!("The worker was interrupted: the system told it to end ({name}).");
            let fix = "Restart the job; what it had written to files is still there.";
            let _ = reason.set(Why::Interrupted(Error::new(ErrorCode::RUN_INTERRUPTED, what, fix)));
            stop.cancel();
        }
    });
    Ok(())
}

async fn count_children(link: Arc<Link>, mark: Mark) {
    loop {
        let children = process::census(process::Identity::own().ok().as_ref(), &mark).len();
        link.set_children(i64::try_from(children).unwrap_or(i64::MAX));
        tokio::time::sleep(CENSUS_EVERY).await;
    }
}

async fn live(spec: WorkerSpec, mark: Mark, host: Arc<RunHost>, reason: StopReason) -> ExitCode {
    let grace = process::Grace::new(Duration::from_millis(spec.grace_ms));
    let wall = Duration::from_millis(spec.limits.wall_ms);
    let wall_clock = async {
        match spec.limits.wall_ms {
            0 => std::future::pending().await,
            _ => tokio::time::sleep(wall).await,
        }
    };
    tokio::pin!(wall_clock);
    let working = work(&spec, &mark, &grace, &host);
    tokio::pin!(working);
    let mut ending = tokio::select! {
        ending = &mut working => ending,
        () = &mut wall_clock => {
            host.stop.cancel();
            let mut ending = working.await;
            if ending.outcome == Outcome::Cancelled {
                ending = failed(out_of_time(wall), ending.turns);
            }
            ending
        }
    };
    if ending.outcome == Outcome::Cancelled && ending.error.is_none() {
        match reason.get() {
            Some(Why::Told(why)) if !why.is_empty() => {
                if let Err(error) = host.emit_own(notice(NoticeLevel::Info, why)) {
                    tracing::warn!(%error, "the reason of the stop could not be recorded");
                }
            }
            Some(Why::Interrupted(error)) => ending = failed(error.clone(), ending.turns),
            _ => {}
        }
    }
    grace.begin();
    let swept = process::stop_tree(process::Identity::own().ok().as_ref(), false, &mark, grace.left()).await;
    last_word(&host, ending, swept).await
}

async fn work(spec: &WorkerSpec, mark: &Mark, grace: &process::Grace, host: &Arc<RunHost>) -> Ending {
    let prepared = async {
        let company = company::load(Path::new(&spec.company_dir)).map_err(|error| config_failed(error, spec.job_id))?;
        let tmp_dir = Path::new(&spec.run_dir).join("tmp");
        tokio::fs::create_dir_all(&tmp_dir).await.map_err(|error| {
            Error::internal(format!("The run's temp folder {} cannot be made: {error}.", tmp_dir.display()))
        })?;
        for problem in company.problems() {
            host.emit_own(notice(NoticeLevel::Warning, problem))?;
        }
        let brief = Brief {
            company: Arc::new(company),
            job_id: spec.job_id,
            directive: spec.directive.clone(),
            history: spec.history.clone(),
            limits: spec.limits.clone(),
            mark: (mark.name.clone(), mark.value.clone()),
            tmp_dir,
            grace: grace.clone(),
        };
        Ok::<_, Error>((engine::open(spec.engine.clone())?, brief))
    };
    match prepared.await {
        Ok((engine, brief)) => engine.run(&brief, host.as_ref()).await,
        Err(error) => failed(error, 0),
    }
}

/// Writes `run_exited` and leaves. On a full disk it tries for a while: the daemon waits for that line.
async fn last_word(host: &RunHost, ending: Ending, swept: process::Stopped) -> ExitCode {
    if swept.left > 0 {
        tracing::error!(left = swept.left, "processes are left that do not die");
    }
    let body = EventBody::RunExited {
        outcome: ending.outcome,
        result: ending.answer,
        error: ending.error,
        turns: ending.turns,
        effects: true,
        ended: swept.ended,
        forced: swept.forced,
        left: swept.left,
    };
    host.spool.release_reserve();
    let give_up = tokio::time::Instant::now() + LAST_WORD_PATIENCE;
    while tokio::time::Instant::now() < give_up {
        match host.emit_own(body.clone()) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => tracing::error!(%error, "the run's end could not be recorded"),
        }
        tokio::time::sleep(LAST_WORD_EVERY).await;
    }
    ExitCode::FAILURE
}

fn failed(error: Error, turns: i64) -> Ending {
    Ending { outcome: Outcome::Failed, answer: None, error: Some(error), turns, stopped: Default::default() }
}

/// E014: the config went away or broke between the brief and the run.
fn config_failed(mut error: Error, job_id: JobId) -> Error {
    error.message = format!("Config load failed for job {job_id}: {}", error.message);
    error
}

fn out_of_time(wall: Duration) -> Error {
    let minutes = wall.as_secs().div_ceil(60);
    Error::new(
        ErrorCode::RUN_TIME,
        format!("The run reached its limit of {minutes} minutes."),
        "Split the work into smaller briefs, then restart the job.",
    )
}
