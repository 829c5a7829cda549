//! Starts a run's worker: folder, key, process, spec.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use contract::{
    EngineSpec, Error, ErrorCode, Exchange, Granted, JobDetail, JobState, Money, RunId, RunLimits, SandboxSpec,
    Settings, Time, WORKER_PROTOCOL, WorkerSpec,
};
use process::{Identity, Input, Output, Spawned};
use secrecy::ExposeSecret;
use store::{CompanyRow, JobRecord, LiveRun as Row, RECORD_FILE};
use tokio::io::AsyncWriteExt;

use super::finish::End;
use super::hold::is_held;
use super::{LiveRun, lock, random_token, slots, token_hash};
use crate::app::App;
use crate::clis;
use crate::companies;
use crate::engines::{self, Ground, Planned};
use crate::hub::Touched;
use crate::memory;

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
    // Nothing fails because the daemon leaves: the next one starts the worker.
    let not_started = |error| if app.stop.is_cancelled() { End::DaemonLeaves } else { End::NotStarted(error) };
    let (spec, record, path) = tokio::select! {
        prepared = prepare(app, run, token) => prepared.map_err(not_started)?,
        () = run.stop.cancelled() => return Err(End::Exited),
        () = app.stop.cancelled() => return Err(End::DaemonLeaves),
    };
    spawn(app, run, &spec, record, path).await.map_err(not_started)
}

/// What the worker is told, what the run can be made again from, and the worker's PATH where it is not ours.
async fn prepare(app: &App, run: &LiveRun, token: String) -> Result<(WorkerSpec, JobRecord, Option<OsString>), Error> {
    let job_id = run.job_id;
    let Told { detail, history, company, cut_off, granted, conversation } = app
        .store
        .read(move |db| {
            let detail = db.job_detail(job_id)?;
            let job = &detail.job;
            let history = db.exchanges(job.session_id, HISTORY)?;
            let company = db.company(job.company_id)?;
            let cut_off = memory::cut_off(db, &detail)?;
            let granted = match &cut_off {
                Some((run_id, _)) => db.granted_of(*run_id)?,
                None => Vec::new(),
            };
            let conversation = memory::conversation(db, job)?;
            Ok(Told { detail, history, company, cut_off, granted, conversation })
        })
        .await?;
    let journal = memory::journal(app, company.company_id).await;
    let resume_dir =
        tokio::task::spawn_blocking(move || cut_off.map(|(_, dir)| dir).filter(|dir| memory::has_talk(dir)));
    let resume_dir = resume_dir.await.map_err(Error::internal)?;
    let record = record(run, &detail, &company, token_hash(&token));
    make_dir(&run.dir)?;
    write_record(run, &record).await?;
    let ground = Ground::read(app).await?;
    let settings = &ground.settings;
    // One that does not read is the worker's to tell of.
    let loaded = companies::load(&company).await.ok();
    let (own, others) = engines::of_run(&app.clis, &ground, loaded.as_ref(), &detail.job).await?;
    let path = path_of(app, [&own].into_iter().chain(others.values())).await;
    let engine = with_key(app, run, own, settings.practice_pace).await?;
    let mut engines = BTreeMap::new();
    for (role, planned) in others {
        engines.insert(role, with_key(app, run, planned, settings.practice_pace).await?);
    }
    // What waited gives no slot back that it does not have.
    while app.store.read(move |db| db.job(job_id)).await?.state == JobState::Waiting {
        slots::go_on(app, run, 0).await?;
    }
    // As late as may be: what is said after this is told once the worker connects.
    let company_id = company.company_id;
    let rules = app.store.read(move |db| db.rules_for(company_id, job_id)).await?;
    let state_dir = app.home.engine_dir(detail.job.session_id);
    let spec = WorkerSpec {
        protocol: WORKER_PROTOCOL,
        home: app.home.root().display().to_string(),
        run_id: run.run_id,
        job_id,
        token,
        run_dir: run.dir.display().to_string(),
        company_dir: company.dir,
        agent: detail.job.agent.clone(),
        directive: detail.directive,
        history,
        journal,
        resume_dir,
        engine,
        engines,
        conversation,
        state_dir: state_dir.display().to_string(),
        rules,
        granted,
        sandbox: SandboxSpec {
            mode: settings.sandbox,
            network: settings.sandbox_network,
            read: settings.sandbox_read.clone(),
        },
        limits: limits(settings, detail.job.max_cost_usd),
        // What changes after this is told once the worker connects.
        held: is_held(app, job_id).await?,
        grace_ms: u64::try_from(settings.stop_grace_ms).unwrap_or_default(),
    };
    Ok((spec, record, path))
}

/// What the database has to say of a run that begins.
struct Told {
    detail: JobDetail,
    history: Vec<Exchange>,
    company: CompanyRow,
    /// The run that it takes up, and its folder.
    cut_off: Option<(RunId, String)>,
    granted: Vec<Granted>,
    conversation: Option<String>,
}

/// An engine with its key, where it is to have one.
async fn with_key(app: &App, run: &LiveRun, engine: Planned, pace: f64) -> Result<EngineSpec, Error> {
    let key = match engine.pays_with {
        Some(provider) => Some(key_when_unlocked(app, run, provider).await?),
        None => None,
    };
    Ok(engine.spec(key, pace))
}

/// The PATH for a worker that starts programs of engines: those of a founder's login shell, with the programs' own
/// folders. A daemon that was started from a dock knows less.
async fn path_of(app: &App, engines: impl Iterator<Item = &Planned>) -> Option<OsString> {
    let programs: Vec<&str> = engines.filter_map(|engine| engine.program.as_deref()).collect();
    if programs.is_empty() {
        return None;
    }
    let path = app.clis.path().await;
    Some(programs.iter().rev().fold(path, |path, program| clis::with_own(Path::new(program), &path)))
}

/// The limits of a run, from the founder's settings and the brief's own.
fn limits(settings: &Settings, max_cost_usd: Money) -> RunLimits {
    let ms = |minutes: i64| u64::try_from(minutes).unwrap_or_default().saturating_mul(60_000);
    RunLimits {
        wall_ms: ms(settings.run_minutes),
        first_output_ms: ms(settings.run_first_output_minutes),
        silence_ms: ms(settings.run_silence_minutes),
        output_bytes: u64::try_from(settings.run_output_mb).unwrap_or_default().saturating_mul(1024 * 1024),
        ceo_turns: u32::try_from(settings.run_turns).unwrap_or(u32::MAX),
        max_cost_usd,
        ..RunLimits::default()
    }
}

/// What the database can be made again from, where it is lost.
fn record(run: &LiveRun, detail: &JobDetail, company: &CompanyRow, token_hash: String) -> JobRecord {
    let job = &detail.job;
    JobRecord {
        run_id: run.run_id,
        job_id: job.job_id,
        session_id: job.session_id,
        company_id: job.company_id,
        company_dir: company.dir.clone(),
        company_name: company.name.clone(),
        parent_job_id: job.parent_job_id,
        agent: job.agent.clone(),
        directive: detail.directive.clone(),
        engine: job.engine,
        engine_agent: job.engine_agent.clone(),
        origin: job.origin,
        foreground: job.foreground,
        max_cost: job.max_cost_usd,
        priority: job.priority,
        created_at: job.created_at,
        claimed_at: detail.run.as_ref().map_or_else(Time::now, |run| run.started_at),
        token_hash,
        process: None,
    }
}

/// Writes the record of a run that an earlier version started, which wrote none. Without it the run would be lost with
/// the database, and nothing else.
pub async fn record_adopted(app: &App, run: &LiveRun, row: &Row) {
    if run.dir.join(RECORD_FILE).exists() {
        return;
    }
    let job_id = run.job_id;
    let known = app.store.read(move |db| {
        let detail = db.job_detail(job_id)?;
        let company = db.company(detail.job.company_id)?;
        Ok((detail, company))
    });
    let written = match known.await {
        Ok((detail, company)) => {
            let record = record(run, &detail, &company, row.token_hash.clone());
            write_record(run, &JobRecord { process: row.process.clone(), ..record }).await
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = written {
        tracing::warn!(%error, run_id = %run.run_id, "an adopted run's record could not be written");
    }
}

async fn write_record(run: &LiveRun, record: &JobRecord) -> Result<(), Error> {
    let (dir, record) = (run.dir.clone(), record.clone());
    let written = tokio::task::spawn_blocking(move || record.write(&dir)).await.map_err(Error::internal)?;
    written.map_err(|error| not_made("record", &run.dir, &error))
}

/// The provider's key. While the keychain is locked the job waits, and holds no slot.
async fn key_when_unlocked(app: &App, run: &LiveRun, provider: &str) -> Result<String, Error> {
    let mut changes = app.secrets.changes();
    loop {
        match app.secrets.get(provider).await {
            Ok(key) => return Ok(key.expose_secret().to_owned()),
            Err(error) if error.code == ErrorCode::KEYCHAIN_LOCKED => {
                wait(app, run, error.to_string()).await?;
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

async fn wait(app: &App, run: &LiveRun, reason: String) -> Result<(), Error> {
    let run_id = run.run_id;
    let moved = app.store.write(move |db| db.run_waits(run_id, &reason, None, Time::now())).await?;
    if let Some((job, event)) = moved {
        app.announce(job.company_id, &Touched::job(job.job_id), &[event]);
        app.runs.wake_queue();
    }
    Ok(())
}

async fn spawn(
    app: &App,
    run: &LiveRun,
    spec: &WorkerSpec,
    mut record: JobRecord,
    path: Option<OsString>,
) -> Result<Started, Error> {
    let mut line = serde_json::to_vec(spec).map_err(Error::internal)?;
    line.push(b'\n');
    let mut log = std::fs::OpenOptions::new();
    log.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut log, 0o600);
    let log = log.open(run.log()).map_err(|error| not_made("log", &run.log(), &error))?;
    let command = process::Command::new(app.worker_program()?)
        .arg("worker")
        .dir(&run.dir)
        .env("AICIB_HOME", &spec.home)
        .envs(path.map(|path| ("PATH", path)))
        .mark(&run.mark)
        .input(Input::Piped)
        .output(Output::File(log));
    // Off the async threads: it takes the system a moment, and many may start at once.
    let spawned = tokio::task::spawn_blocking(move || process::spawn(command)).await.map_err(Error::internal)?;
    let mut spawned = spawned.map_err(|error| {
        Error::new(
            ErrorCode::RUN_SPAWN,
            format!("The worker could not be started: {error}."),
            "Free memory or processes, then restart the job.",
        )
    })?;
    *lock(&run.identity) = Some(spawned.identity.clone());
    if let Err(error) = keep_identity(app, run, &spawned.identity, &mut record).await {
        // Without its spec the worker ends by itself when stdin does.
        drop(spawned.child.stdin.take());
        return Err(error);
    }
    let Some(mut stdin) = spawned.child.stdin.take() else { return Err(Error::internal("The worker has no stdin.")) };
    if let Err(error) = stdin.write_all(&line).await {
        tracing::error!(%error, run_id = %run.run_id, "the worker did not take its spec");
    }
    tracing::info!(run_id = %run.run_id, job_id = %run.job_id, pid = spawned.identity.pid, "a worker started");
    Ok(Started::Child(spawned))
}

/// Keeps who the worker is, in the database and in the run's folder.
async fn keep_identity(app: &App, run: &LiveRun, who: &Identity, record: &mut JobRecord) -> Result<(), Error> {
    let (run_id, identity) = (run.run_id, who.clone());
    record.process = Some((who.pid, who.start, who.boot.clone()));
    app.store.write(move |db| db.run_spawned(run_id, identity.pid, identity.start, &identity.boot)).await?;
    write_record(run, record).await
}

fn not_made(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let code = if full { ErrorCode::DISK_FULL } else { ErrorCode::RUN_SPAWN };
    Error::new(code, format!("The run's {what} {} cannot be made: {error}.", path.display()), "Check the disk.")
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| not_made("folder", dir, &error))
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
