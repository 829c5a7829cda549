//! Trying an engine: one short question, put to it as a run would, with no job and no company. It costs a cent at most.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contract::{
    CostBasis, EngineTrial, EngineTryParams, Error, ErrorCode, JobId, Money, RunId, RunLimits, SandboxSpec, Settings,
    Time, WORKER_PROTOCOL, WorkerSpec, one_line,
};
use process::{Command, Input, Mark, Output};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::app::App;
use crate::clis;
use crate::engines::{self, Ground, Planned, marks};

/// The worker's argument that makes it try an engine.
const TRIAL: &str = "--trial";
/// What it may cost.
const MOST: Money = Money::nanos(10_000_000);
/// How long it may take, and how long beyond that the worker may need to say so.
const PATIENCE: Duration = Duration::from_secs(150);
const BEYOND: Duration = Duration::from_secs(20);
/// Bytes of what the worker says, and of the end of its log that goes into an error.
const ANSWER_BYTES: usize = 256 * 1024;
const LOG_BYTES: usize = 600;
/// The question.
const QUESTION: &str = "Answer with the one word: ready";
/// The variable that marks the processes of a trial.
const MARK: &str = "AICIB_TRIAL";

/// Tries an engine.
///
/// # Errors
/// [`ErrorCode::BAD_REQUEST`] for an engine that there is not, what is in its way where it is not ready, and what
/// becomes of the worker. What the engine itself says is no error of the call: it stands in the answer.
pub async fn run(app: &App, params: EngineTryParams) -> Result<EngineTrial, Error> {
    let ground = Ground::read(app).await?;
    let name = params.engine.as_str();
    let stand = ground.stand(&app.clis, name).await.ok_or_else(|| {
        Error::new(
            ErrorCode::BAD_REQUEST,
            format!("There is no engine {:?}.", one_line(name, 60)),
            "`aicib engines` lists them.",
        )
    })?;
    let began = Time::now();
    if let Some(problem) = stand.problem {
        return Ok(failed(problem, began));
    }
    let model = match params.model.filter(|model| !model.is_empty()) {
        Some(model) if !company::is_model_name(&model) => {
            return Err(Error::new(
                ErrorCode::BAD_REQUEST,
                format!("{:?} is no name for a model.", one_line(&model, 60)),
                "Leave it out for the cheapest one that is known.",
            ));
        }
        Some(model) => Some(model),
        None => engines::model_of_settings(&ground.settings, stand.kind),
    };
    let planned = Planned::of(&ground, &stand, model);
    let path = match &planned.program {
        Some(program) => Some(clis::with_own(Path::new(program), &app.clis.path().await)),
        None => None,
    };
    let key = match planned.pays_with {
        Some(provider) => Some(app.secrets.get(provider).await?.expose_secret().to_owned()),
        None => None,
    };
    let folder = tempfile::Builder::new().prefix("trial-").tempdir_in(app.home.root()).map_err(Error::internal)?;
    let spec = spec(app, folder.path(), planned, key, &ground.settings)?;
    let trial = work(app, folder.path(), &spec, path).await;
    let trial = trial.unwrap_or_else(|error| failed(error, began));
    if trial.ok {
        let name = name.to_owned();
        app.store.write(move |db| marks::answers(db, &name, Time::now())).await?;
    }
    Ok(trial)
}

/// A run in a folder of its own. The worker makes a company for it.
fn spec(
    app: &App,
    folder: &Path,
    engine: Planned,
    key: Option<String>,
    settings: &Settings,
) -> Result<WorkerSpec, Error> {
    let below = |name: &str| folder.join(name);
    for name in ["run", "state", "company"] {
        std::fs::create_dir(below(name)).map_err(Error::internal)?;
    }
    let text = |name: &str| below(name).display().to_string();
    Ok(WorkerSpec {
        protocol: WORKER_PROTOCOL,
        home: app.home.root().display().to_string(),
        run_id: RunId(0),
        job_id: JobId(0),
        token: String::new(),
        run_dir: text("run"),
        company_dir: text("company"),
        agent: company::CEO.to_owned(),
        directive: QUESTION.to_owned(),
        history: Vec::new(),
        journal: Vec::new(),
        resume_dir: None,
        engine: engine.spec(key, 100.0),
        engines: BTreeMap::new(),
        conversation: None,
        state_dir: text("state"),
        rules: Vec::new(),
        granted: Vec::new(),
        sandbox: SandboxSpec {
            mode: settings.sandbox,
            network: settings.sandbox_network,
            read: settings.sandbox_read.clone(),
        },
        limits: RunLimits {
            wall_ms: PATIENCE.as_millis() as u64,
            ceo_turns: 1,
            agent_turns: 1,
            max_cost_usd: MOST,
            ..RunLimits::default()
        },
        held: false,
        grace_ms: 1_000,
    })
}

async fn work(
    app: &App,
    folder: &Path,
    spec: &WorkerSpec,
    path: Option<std::ffi::OsString>,
) -> Result<EngineTrial, Error> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mark = Mark::new(MARK, format!("{}:{}:{number}", spec.home, std::process::id()));
    let mut line = serde_json::to_vec(spec).map_err(Error::internal)?;
    line.push(b'\n');
    let command = Command::new(app.worker_program()?)
        .args(["worker", TRIAL])
        .dir(folder.join("run"))
        .env("AICIB_HOME", &spec.home)
        .envs(path.map(|path| ("PATH", path)))
        .mark(&mark)
        .input(Input::Piped)
        .output(Output::Piped);
    let spawned = tokio::task::spawn_blocking(move || process::spawn(command)).await.map_err(Error::internal)?;
    let mut spawned = spawned.map_err(|error| {
        Error::new(
            ErrorCode::RUN_SPAWN,
            format!("The worker could not be started: {error}."),
            "Free memory, then try again.",
        )
    })?;
    let (stdin, stdout, stderr) =
        (spawned.child.stdin.take(), spawned.child.stdout.take(), spawned.child.stderr.take());
    let talk = async {
        let tell = async {
            let Some(mut stdin) = stdin else { return };
            // A worker that is gone already says nothing, and that is told below.
            let _ = stdin.write_all(&line).await;
            let _ = stdin.shutdown().await;
        };
        let (mut said, mut log) = (Vec::new(), Vec::new());
        tokio::join!(tell, read(stdout, &mut said), read_tail(stderr, &mut log));
        (said, log)
    };
    let talked = tokio::select! {
        talked = tokio::time::timeout(PATIENCE + BEYOND, talk) => talked.ok(),
        () = app.stop.cancelled() => None,
    };
    process::stop_tree(Some(&spawned.identity), true, &mark, Duration::ZERO).await;
    // Ended by now: reaped, so that nothing of it is left.
    let _ = tokio::time::timeout(BEYOND, spawned.child.wait()).await;
    let Some((said, log)) = talked else {
        return Err(Error::new(
            ErrorCode::RUN_TIME,
            format!("The engine did not answer within {} s.", PATIENCE.as_secs()),
            "Look at how it works in a terminal, and try again.",
        ));
    };
    serde_json::from_slice::<EngineTrial>(&said).map_err(|_| {
        let log = one_line(&String::from_utf8_lossy(&log), LOG_BYTES);
        let log = if log.is_empty() { String::new() } else { format!(" Its log ends with: {log}") };
        Error::new(
            ErrorCode::ENGINE_FAILED,
            format!("The trial ended without a word.{log}"),
            "Try again; `aicib doctor` says what is wrong with the engine.",
        )
    })
}

fn failed(error: Error, began: Time) -> EngineTrial {
    EngineTrial {
        ok: false,
        text: String::new(),
        model: String::new(),
        cost_usd: Money::ZERO,
        basis: CostBasis::Free,
        duration_ms: Time::now().0 - began.0,
        error: Some(error),
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut piece = [0u8; 8 * 1024];
    // A pipe that breaks is at its end.
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let room = ANSWER_BYTES.saturating_sub(into.len()).min(count);
        into.extend_from_slice(&piece[..room]);
    }
}

async fn read_tail(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut piece = [0u8; 8 * 1024];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        into.extend_from_slice(&piece[..count]);
        let over = into.len().saturating_sub(LOG_BYTES);
        into.drain(..over);
    }
}
