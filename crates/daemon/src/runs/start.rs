//! Starts a run's worker: folder, key, process, spec.

use std::path::Path;

use contract::{EngineSpec, Error, ErrorCode, JobChange, JobState, RunLimits, Time, WORKER_PROTOCOL, WorkerSpec};
use process::{Identity, Input, Output, Spawned};
use secrecy::ExposeSecret;
use tokio::io::AsyncWriteExt;

use super::finish::End;
use super::{LiveRun, random_token, token_hash};
use crate::app::App;
use crate::engines;
use crate::hub::Touched;

/// Earlier briefs of the session that the CEO is reminded of.
const HISTORY: i64 = 20;
/// How often a run's worker is started again that ended, each time with its daemon, before it had begun.
const MAX_TRIES: u64 = 10;

/// A worker that is under way.
pub enum Started {
    /// Our own child.
    Child(Spawned),
    /// The child of an earlier daemon.
    Adopted(Identity),
}

impl Started {
    /// Which process it is.
    pub fn identity(&self) -> &Identity {
        match self {
            Started::Child(spawned) => &spawned.identity,
            Started::Adopted(identity) => identity,
        }
    }

    /// Waits until the process has ended.
    pub async fn exited(&mut self) {
        match self {
            Started::Child(spawned) => match spawned.child.wait().await {
                Ok(status) => tracing::info!(pid = spawned.identity.pid, %status, "a worker ended"),
                Err(error) => {
                    tracing::warn!(%error, "a worker could not be waited for");
                    process::exited(&spawned.identity).await;
                }
            },
            Started::Adopted(identity) => process::exited(identity).await,
        }
    }
}

/// Starts the worker. Its identity is stored before it is told what to do: a daemon that dies in between leaves a
/// worker that does nothing.
///
/// # Errors
/// The end of a run that never began.
pub async fn start(app: &App, run: &LiveRun, token: String) -> Result<Started, End> {
    let spec = tokio::select! {
        spec = prepare(app, run, token) => spec.map_err(End::NotStarted)?,
        () = run.stop.cancelled() => return Err(End::Exited),
    };
    spawn(app, run, &spec).await.map_err(End::NotStarted)
}

async fn prepare(app: &App, run: &LiveRun, token: String) -> Result<WorkerSpec, Error> {
    let job_id = run.job_id;
    let (detail, history, company) = app
        .store
        .read(move |db| {
            let detail = db.job_detail(job_id)?;
            let history = db.exchanges(detail.job.session_id, HISTORY)?;
            let company = db.company(detail.job.company_id)?;
            Ok((detail, history, company))
        })
        .await?;
    make_dir(&run.dir)?;
    let settings = app.settings().await?;
    let api_key = match engines::provider(detail.job.engine) {
        Some(provider) => Some(key_when_unlocked(app, run, provider).await?),
        None => None,
    };
    let base_url = engines::base_url(detail.job.engine, &settings);
    Ok(WorkerSpec {
        protocol: WORKER_PROTOCOL,
        home: app.home.root().display().to_string(),
        run_id: run.run_id,
        job_id,
        token,
        run_dir: run.dir.display().to_string(),
        company_dir: company.dir,
        directive: detail.directive,
        history,
        engine: EngineSpec { kind: detail.job.engine, base_url, api_key, pace: settings.practice_pace },
        limits: RunLimits { max_cost_usd: detail.job.max_cost_usd, ..RunLimits::default() },
        grace_ms: u64::try_from(settings.stop_grace_ms).unwrap_or_default(),
    })
}

/// The provider's key. While the keychain is locked the job waits, and holds no slot.
async fn key_when_unlocked(app: &App, run: &LiveRun, provider: &str) -> Result<String, Error> {
    let mut changes = app.secrets.changes();
    loop {
        match app.secrets.get(provider).await {
            Ok(key) => {
                set_waiting(app, run, JobChange::GoOn, "").await?;
                return Ok(key.expose_secret().to_owned());
            }
            Err(error) if error.code == ErrorCode::KEYCHAIN_LOCKED => {
                set_waiting(app, run, JobChange::Wait, &error.to_string()).await?;
                tokio::select! {
                    _ = changes.changed() => {}
                    // The system does not say when the founder unlocks it.
                    () = tokio::time::sleep(std::time::Duration::from_secs(5)) => {}
                }
            }
            Err(error) => return Err(error),
        }
    }
}

async fn set_waiting(app: &App, run: &LiveRun, change: JobChange, reason: &str) -> Result<(), Error> {
    let (job_id, reason) = (run.job_id, reason.to_owned());
    let changed = app
        .store
        .write(move |db| {
            let waits = db.job(job_id)?.state == JobState::Waiting;
            if waits == (change == JobChange::Wait) {
                return Ok(None);
            }
            db.transition(job_id, change, &reason, Time::now()).map(Some)
        })
        .await?;
    if let Some((_, event)) = changed {
        app.announce(run.company_id, &Touched::job(job_id), &[event]);
        app.runs.wake_queue();
    }
    Ok(())
}

async fn spawn(app: &App, run: &LiveRun, spec: &WorkerSpec) -> Result<Started, Error> {
    let mut line = serde_json::to_vec(spec).map_err(Error::internal)?;
    line.push(b'\n');
    let mut log = std::fs::OpenOptions::new();
    log.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut log, 0o600);
    let log = log
        .open(run.log())
        .map_err(|error| Error::internal(format!("The run's log {} cannot be made: {error}.", run.log().display())))?;
    let command = process::Command::new(app.program()?)
        .arg("worker")
        .dir(&run.dir)
        .env("AICIB_HOME", &spec.home)
        .mark(&run.mark)
        .input(Input::Piped)
        .output(Output::File(log));
    let mut spawned = process::spawn(command).map_err(|error| {
        Error::new(
            ErrorCode::RUN_SPAWN,
            format!("The worker could not be started: {error}."),
            "Free memory or processes, then restart the job.",
        )
    })?;
    let (run_id, identity) = (run.run_id, spawned.identity.clone());
    let stored = app.store.write(move |db| db.run_spawned(run_id, identity.pid, identity.start, &identity.boot)).await;
    if let Err(error) = stored {
        // Without its spec the worker ends by itself when stdin does.
        drop(spawned.child.stdin.take());
        return Err(error.into());
    }
    let Some(mut stdin) = spawned.child.stdin.take() else { return Err(Error::internal("The worker has no stdin.")) };
    if let Err(error) = stdin.write_all(&line).await {
        tracing::error!(%error, run_id = %run.run_id, "the worker did not take its spec");
    }
    tracing::info!(run_id = %run.run_id, job_id = %run.job_id, pid = spawned.identity.pid, "a worker started");
    Ok(Started::Child(spawned))
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| {
        let code =
            if error.kind() == std::io::ErrorKind::StorageFull { ErrorCode::DISK_FULL } else { ErrorCode::RUN_SPAWN };
        Error::new(code, format!("The run's folder {} cannot be made: {error}.", dir.display()), "Check the disk.")
    })
}

/// Whether so many workers of this run did not come to begin that it may be the run that takes daemons down.
pub fn was_tried_often(run: &LiveRun) -> bool {
    std::fs::metadata(run.dir.join("tried")).is_ok_and(|tried| tried.len() >= MAX_TRIES)
}

/// A new token for a run whose worker is started again; `counts` where there was one that ended before it began.
///
/// # Errors
/// The database's, or the disk's.
pub async fn renew_token(app: &App, run: &LiveRun, counts: bool) -> Result<String, Error> {
    make_dir(&run.dir)?;
    // A spool without a line in it would be in the next worker's way.
    match std::fs::remove_file(run.spool()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::internal(error)),
        _ => {}
    }
    if counts {
        let tried = std::fs::OpenOptions::new().create(true).append(true).open(run.dir.join("tried"));
        tried.and_then(|mut tried| std::io::Write::write_all(&mut tried, b"+")).map_err(Error::internal)?;
    }
    let token = random_token()?;
    let (run_id, hash) = (run.run_id, token_hash(&token));
    app.store.write(move |db| db.run_token(run_id, &hash)).await?;
    Ok(token)
}
