//! `aicib worker --trial`: an engine is tried in a process of its own, without a job and without a daemon. The spec
//! comes on stdin as a worker's does, and what came of it goes to stdout as one line of JSON.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use contract::{CostBasis, EngineTrial, Error, ErrorCode, Money, RUN_MARK, WorkerSpec};
use engine::{Rules, TRIAL_MODEL, TRIAL_QUESTION};
use process::{Grace, Identity, Mark, stop_tree};
use tokio_util::sync::CancellationToken;

use crate::prepare::{Prepared, prepare_for};

/// What a trial may cost.
const MOST: Money = Money::nanos(10_000_000);
/// How long it may take in all.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long an engine may take to come back beyond the grace.
const LATE: Duration = Duration::from_secs(1);

/// The process: a spec on stdin, an [`EngineTrial`] on stdout. Whatever it made on disk is gone when it ends, and so is
/// every process that it started.
pub fn main() -> ExitCode {
    crate::log_to_stderr();
    let spec = match crate::read_spec() {
        Ok(spec) => spec,
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::from(crate::EXIT_NO_SPEC);
        }
    };
    let trial = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let trial = runtime.block_on(trial(spec));
            runtime.shutdown_background();
            trial
        }
        Err(error) => failed(Error::internal(format!("The trial has no runtime: {error}."))),
    };
    let mut line = serde_json::to_vec(&trial).unwrap_or_default();
    line.push(b'\n');
    match std::io::stdout().lock().write_all(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "nobody hears what came of the trial");
            ExitCode::FAILURE
        }
    }
}

async fn trial(mut spec: WorkerSpec) -> EngineTrial {
    let base = if spec.run_dir.is_empty() { std::env::temp_dir() } else { PathBuf::from(&spec.run_dir) };
    let folder = base.join(format!("trial-{}", std::process::id()));
    spec.run_dir = folder.display().to_string();
    let mark = Mark::new(RUN_MARK, format!("{}:trial-{}", spec.home, std::process::id()));
    let trial = tried(&mut spec, &folder, &mark).await.unwrap_or_else(|error| failed(*error));
    let left = stop_tree(Identity::own().ok().as_ref(), false, &mark, Duration::from_millis(spec.grace_ms)).await.left;
    if left > 0 {
        tracing::error!(left, "processes of the trial are left that do not die");
    }
    if let Err(error) = std::fs::remove_dir_all(&folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::error!(%error, folder = %folder.display(), "the trial's folder stays behind");
    }
    trial
}

async fn tried(spec: &mut WorkerSpec, folder: &Path, mark: &Mark) -> Result<EngineTrial, Box<Error>> {
    process::become_subreaper().map_err(|error| Error::internal(format!("Orphans cannot be adopted: {error}.")))?;
    process::reap_strangers().map_err(|error| Error::internal(format!("Orphans cannot be reaped: {error}.")))?;
    let company = company(folder, spec)?;
    spec.agent = company::CEO.to_owned();
    spec.directive = TRIAL_QUESTION.to_owned();
    spec.limits.ceo_turns = 1;
    spec.limits.max_cost_usd = MOST;
    if spec.state_dir.is_empty() {
        spec.state_dir = folder.join("state").display().to_string();
    }
    (spec.history, spec.journal, spec.conversation, spec.resume_dir) = Default::default();
    spec.engines.clear();
    let grace = Grace::new(Duration::from_millis(spec.grace_ms));
    let Prepared { brief, warnings } = prepare_for(spec, company, mark, &grace, &Rules::default())?;
    warnings.iter().for_each(|warning| tracing::debug!("{warning}"));
    let stop = CancellationToken::new();
    let mut signals =
        process::StopSignals::listen().map_err(|error| Error::internal(format!("Signals are not heard: {error}.")))?;
    let mut trying = std::pin::pin!(engine::trial(&brief, MOST, &stop));
    tokio::select! {
        trial = &mut trying => return Ok(trial),
        () = tokio::time::sleep(PATIENCE) => {}
        signal = signals.next() => tracing::info!(signal, "the trial is told to end"),
    }
    stop.cancel();
    grace.begin();
    match tokio::time::timeout(grace.left() + LATE, trying).await {
        Ok(trial) => Ok(trial),
        Err(_) => {
            let what = format!("The engine did not answer within {} s.", PATIENCE.as_secs());
            Err(Box::new(Error::new(ErrorCode::ENGINE_FAILED, what, "See `aicib doctor`, then try again.")))
        }
    }
}

/// A company of one agent that has no tools, in the trial's own folder.
fn company(folder: &Path, spec: &WorkerSpec) -> Result<company::Company, Error> {
    let dir = folder.join("company");
    let create = company::Create {
        name: "Trial".into(),
        dir: dir.clone(),
        structure: Some("custom".into()),
        engine: Some("practice".into()),
        ..company::Create::default()
    };
    company::create(&create)?;
    let mut company = company::load(&dir)?;
    company.config.commands = Some(false);
    company.agents.retain(|agent| agent.role == company::CEO);
    let model = spec.engine.model.as_deref().map(str::trim).filter(|model| !model.is_empty());
    for agent in &mut company.agents {
        agent.model = model.unwrap_or(TRIAL_MODEL).to_owned();
        agent.tools.clear();
        agent.skills.clear();
        agent.body = "You are tried out. Answer as briefly as you can, and use no tools.".to_owned();
    }
    Ok(company)
}

fn failed(error: Error) -> EngineTrial {
    EngineTrial {
        ok: false,
        text: String::new(),
        model: String::new(),
        cost_usd: Money::ZERO,
        basis: CostBasis::Estimated,
        duration_ms: 0,
        error: Some(error),
    }
}
