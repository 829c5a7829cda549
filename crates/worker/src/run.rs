//! A run, from its spec to its last word.

use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use contract::{Error, ErrorCode, EventBody, NoticeLevel, Outcome, RUN_MARK, StopCounts, WorkerSpec, run_mark};
use engine::{Ending, KeptFiles, Rules};
use process::{Grace, Identity, Mark, Stopped, stop_tree};
use rpc::Home;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::files::Files;
use crate::host::{RunHost, notice};
use crate::link::{Link, Orders, StopReason, Why};
use crate::prepare::{Prepared, engine_of, prepare};
use crate::raw::Raw;
use crate::spool::Spool;

/// How long an engine may take to come back beyond the grace, and then once more when all its processes are gone.
const LATE: Duration = Duration::from_secs(1);
/// How long the last word is tried on a disk that refuses it, and how often.
const LAST_WORD_PATIENCE: Duration = Duration::from_secs(15 * 60);
const LAST_WORD_EVERY: Duration = Duration::from_millis(500);

/// Runs `spec` to its end. The exit code is for the log only: the outcome is the spool's `run_exited`.
pub async fn run(spec: WorkerSpec) -> ExitCode {
    let mark = Mark::new(RUN_MARK, run_mark(&spec.home, spec.run_id));
    let rules = Rules::new(spec.rules.clone());
    match start(&spec, &mark, &rules) {
        Ok(host) => live(spec, mark, rules, host).await,
        Err(error) => {
            tracing::error!("run {} cannot start: {error}", spec.run_id);
            ExitCode::FAILURE
        }
    }
}

fn start(spec: &WorkerSpec, mark: &Mark, rules: &Rules) -> Result<Arc<RunHost>, String> {
    // Descendants whose parents die come to us, so that none is missed at the end.
    process::become_subreaper().map_err(|error| format!("cannot adopt orphans: {error}"))?;
    process::reap_strangers().map_err(|error| format!("cannot reap orphans: {error}"))?;
    let home = Home::at(PathBuf::from(&spec.home)).map_err(|error| error.to_string())?;
    let spool = Spool::create(Path::new(&spec.run_dir), spec.limits.output_bytes)
        .map_err(|error| format!("cannot make the spool: {error}"))?;
    let stop = CancellationToken::new();
    let reason = StopReason::default();
    listen_for_signals(&stop, &reason).map_err(|error| format!("cannot listen for signals: {error}"))?;
    let keys = std::iter::once(&spec.engine).chain(spec.engines.values()).filter_map(|engine| engine.api_key.clone());
    let raw = Raw::new(Path::new(&spec.run_dir), spec.limits.output_bytes, keys);
    let orders = Orders { stop: stop.clone(), reason: reason.clone(), rules: rules.clone() };
    let link = Link::start(home, spec.run_id, spec.token.clone(), mark.clone(), spec.held, orders);
    Ok(Arc::new(RunHost::new(spec.job_id, &spec.limits, spool, raw, Arc::new(link), stop, reason)))
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
            let _ = reason.set(Why::CannotGoOn(Error::new(ErrorCode::RUN_INTERRUPTED, what, fix)));
            stop.cancel();
        }
    });
    Ok(())
}

async fn live(spec: WorkerSpec, mark: Mark, rules: Rules, host: Arc<RunHost>) -> ExitCode {
    let grace = Grace::new(Duration::from_millis(spec.grace_ms));
    let files = Files { kept: KeptFiles::new(Path::new(&spec.run_dir)), company: PathBuf::from(&spec.company_dir) };
    let mut working = pin!(work(&spec, &mark, &grace, &rules, &files, &host));
    let ended = tokio::select! {
        // Whoever ends in the same instant in which he is stopped has ended.
        biased;
        ending = &mut working => Some(ending),
        () = host.stop.cancelled() => None,
        error = host.watch() => {
            host.cannot_go_on(error);
            None
        }
    };
    if host.stop.is_cancelled() {
        grace.begin();
    }
    let (mut ending, early) = match ended {
        Some(ending) => (ending, Stopped::default()),
        None => wind_down(working, &mark, &grace).await,
    };
    if ending.outcome == Outcome::Cancelled && ending.error.is_none() {
        match host.reason.get() {
            Some(Why::Told(why)) if !why.is_empty() => {
                if let Err(error) = host.emit_own(notice(NoticeLevel::Info, why)) {
                    tracing::warn!(%error, "the reason of the stop could not be recorded");
                }
            }
            Some(Why::CannotGoOn(error)) => {
                ending.outcome = Outcome::Failed;
                ending.error = Some(error.clone());
            }
            _ => {}
        }
    }
    let untaken = host.link.words().untaken();
    if untaken > 0 {
        let what = if untaken == 1 { "A follow-up".to_owned() } else { format!("{untaken} follow-ups") };
        let text = format!("{what} came too late: the run ended before anybody was told. Send it as a new brief.");
        if let Err(error) = host.emit_own(notice(NoticeLevel::Warning, text)) {
            tracing::warn!(%error, "follow-ups that came too late could not be recorded");
        }
    }
    // What the engine had left behind gets what is left of the one grace.
    let swept = stop_tree(Identity::own().ok().as_ref(), false, &mark, grace.left()).await;
    let stopped = ending.stopped + counts(early) + counts(swept);
    files.look_after(&host).await;
    last_word(&host, ending, stopped).await
}

/// Waits for an engine that was told to stop: it has the grace to end what it holds on to, and a moment to say so. One
/// that does not come back loses its processes, and then its say.
async fn wind_down(
    mut working: Pin<&mut impl Future<Output = Ending>>,
    mark: &Mark,
    grace: &Grace,
) -> (Ending, Stopped) {
    if let Ok(ending) = timeout(grace.left() + LATE, &mut working).await {
        return (ending, Stopped::default());
    }
    tracing::error!("the engine does not come back; its processes are ended");
    let early = stop_tree(Identity::own().ok().as_ref(), false, mark, Duration::ZERO).await;
    let stopped = StopCounts::default();
    let gone = Ending { outcome: Outcome::Cancelled, answer: None, error: None, turns: 0, stopped };
    (timeout(LATE, working).await.unwrap_or(gone), early)
}

fn counts(stopped: Stopped) -> StopCounts {
    StopCounts { ended: stopped.ended, forced: stopped.forced, left: stopped.left }
}

async fn work(
    spec: &WorkerSpec,
    mark: &Mark,
    grace: &Grace,
    rules: &Rules,
    files: &Files,
    host: &Arc<RunHost>,
) -> Ending {
    let prepared = || {
        let Prepared { mut brief, warnings } = prepare(spec, mark, grace, rules)?;
        brief.kept = files.kept.clone();
        for text in warnings {
            host.emit_own(notice(NoticeLevel::Warning, text))?;
        }
        Ok::<_, Error>((engine::open(engine_of(spec))?, brief))
    };
    match prepared() {
        Ok((engine, brief)) => {
            files.look_before(&brief, &host.stop).await;
            engine.run(&brief, host.as_ref()).await
        }
        Err(error) => failed(error, 0),
    }
}

/// Writes `run_exited` and leaves. On a full disk it tries for a while: the daemon waits for that line.
async fn last_word(host: &RunHost, ending: Ending, stopped: StopCounts) -> ExitCode {
    let StopCounts { ended, forced, left } = stopped;
    if left > 0 {
        tracing::error!(left, "processes are left that do not die");
    }
    let body = EventBody::RunExited {
        outcome: ending.outcome,
        result: ending.answer,
        error: ending.error,
        turns: ending.turns,
        effects: host.had_effects(),
        ended,
        forced,
        left,
    };
    host.make_room();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_engine_that_does_not_come_back_is_left_behind() {
        let mark = Mark::new("AICIB_RUN", "an engine that does not come back");
        let began = tokio::time::Instant::now();
        let stuck = pin!(std::future::pending());
        let (ending, stopped) = wind_down(stuck, &mark, &Grace::new(Duration::from_millis(500))).await;
        assert_eq!((ending.outcome, stopped), (Outcome::Cancelled, Stopped::default()));
        assert!(began.elapsed() < LATE * 30, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn an_engine_that_comes_back_in_time_has_its_say() {
        let mark = Mark::new("AICIB_RUN", "an engine that comes back");
        let late = pin!(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            failed(Error::internal("a fault"), 3)
        });
        let (ending, _) = wind_down(late, &mark, &Grace::new(Duration::from_millis(10))).await;
        assert_eq!((ending.outcome, ending.turns), (Outcome::Failed, 3));
    }
}
