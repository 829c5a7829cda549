//! A home, a company and a worker's process.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use contract::{
    EngineKind, EngineSpec, Entry, Error, EventBody, JobId, Outcome, RUN_MARK, RunId, RunLimits, SYSTEM, Sandbox,
    SandboxSpec, SpoolLine, StopCounts, WORKER_PROTOCOL, WaitReason, WorkerSpec, run_mark,
};
use process::{Command, Input, Mark, Output, Spawned};
use rpc::Home;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use testkit::{On, Provider, Script, Turn, wait_for, wait_for_some};
use tokio::io::AsyncWriteExt;

pub const BE_A_WORKER: &str = "AICIB_TEST_BE_A_WORKER";
/// For what takes a moment.
pub const SOON: Duration = Duration::from_secs(20);

/// A home with one company that allows commands.
pub struct Stage {
    _temp: TempDir,
    pub home: Home,
    pub company: PathBuf,
}

impl Stage {
    pub fn new() -> Stage {
        let temp = testkit::temp_home();
        let home = Home::at(temp.path().join("home")).unwrap();
        let company = temp.path().join("acme");
        let spec = company::Create {
            name: "Acme".into(),
            dir: company.clone(),
            structure: Some("full-c-suite".into()),
            engine: Some("practice".into()),
            ..company::Create::default()
        };
        company::create(&spec).unwrap();
        let file = company.join(company::CONFIG_FILE);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, company::config::set(&text, "tools.commands", "true").unwrap()).unwrap();
        std::fs::create_dir_all(home.run_dir(RunId(1))).unwrap();
        Stage { _temp: temp, home, company }
    }

    fn spec(&self, engine: EngineSpec) -> WorkerSpec {
        WorkerSpec {
            protocol: WORKER_PROTOCOL,
            home: self.home.root().display().to_string(),
            run_id: RunId(1),
            job_id: JobId(7),
            token: "token".into(),
            run_dir: self.home.run_dir(RunId(1)).display().to_string(),
            company_dir: self.company.display().to_string(),
            agent: "ceo".into(),
            directive: "Write a company description".into(),
            history: Vec::new(),
            journal: Vec::new(),
            resume_dir: None,
            engine,
            engines: BTreeMap::new(),
            conversation: None,
            state_dir: String::new(),
            rules: Vec::new(),
            granted: Vec::new(),
            // The test's own program does not confine.
            sandbox: SandboxSpec { mode: Sandbox::Off, ..SandboxSpec::default() },
            limits: RunLimits::default(),
            held: false,
            grace_ms: 500,
        }
    }

    /// A brief for the practice engine.
    pub fn practice(&self, pace: f64) -> WorkerSpec {
        self.spec(engine(EngineKind::Practice, None, None, pace))
    }

    /// A brief for a model.
    pub fn api(&self, provider: &Provider) -> WorkerSpec {
        let (kind, base_url) = (EngineKind::AnthropicApi, Some(provider.url()));
        self.spec(engine(kind, base_url, Some("sk-ant-planted".into()), 1.0))
    }

    /// Starts a worker as the daemon does.
    pub async fn start(&self, spec: &WorkerSpec) -> Worker {
        self.begin(spec).await
    }

    /// Starts a worker for another run.
    pub async fn start_as(&self, spec: &mut WorkerSpec, run: RunId) -> Worker {
        let dir = self.home.run_dir(run);
        std::fs::create_dir_all(&dir).unwrap();
        spec.run_id = run;
        spec.run_dir = dir.display().to_string();
        self.begin(spec).await
    }

    async fn begin(&self, spec: &WorkerSpec) -> Worker {
        let dir = PathBuf::from(&spec.run_dir);
        let mark = Mark::new(RUN_MARK, run_mark(&spec.home, spec.run_id));
        let log = OpenOptions::new().create(true).append(true).open(dir.join("worker.log")).unwrap();
        let command = Command::new(std::env::current_exe().unwrap())
            .args(["as_a_worker", "--exact", "--nocapture", "--quiet"])
            .dir(&dir)
            .env(BE_A_WORKER, "1")
            .mark(&mark)
            .input(Input::Piped)
            .output(Output::File(log));
        let mut spawned = process::spawn(command).unwrap();
        let mut line = serde_json::to_vec(spec).unwrap();
        line.push(b'\n');
        spawned.child.stdin.take().unwrap().write_all(&line).await.unwrap();
        Worker { spawned, spool: dir.join("spool.jsonl"), log: dir.join("worker.log"), mark }
    }
}

fn engine(kind: EngineKind, base_url: Option<String>, api_key: Option<String>, pace: f64) -> EngineSpec {
    EngineSpec { kind, base_url, api_key, pace, agent: String::new(), model: None, program: None, args: Vec::new() }
}

/// A worker's process. Killed when dropped: a test that failed leaves nothing behind.
pub struct Worker {
    spawned: Spawned,
    spool: PathBuf,
    log: PathBuf,
    mark: Mark,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.spawned.child.start_kill();
        for left in process::census(None, &self.mark) {
            if let Some(pid) = Pid::from_raw(left.pid.cast_signed()) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

impl Worker {
    pub fn pid(&self) -> u32 {
        self.spawned.identity.pid
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid().cast_signed()).unwrap(), signal).unwrap();
    }

    /// The events so far. Panics on a line that does not read or is out of order.
    pub fn entries(&self) -> Vec<Entry> {
        let text = std::fs::read_to_string(&self.spool).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines = whole.lines().enumerate().map(|(place, line)| {
            let line: SpoolLine = serde_json::from_str(line).unwrap();
            assert_eq!((line.n, line.v), (i64::try_from(place).unwrap() + 1, WORKER_PROTOCOL));
            line.entry
        });
        lines.collect()
    }

    /// Waits for an event, and returns its line.
    pub async fn sees(&self, what: &str, mut is_it: impl FnMut(&Entry) -> bool) -> i64 {
        let look = || self.entries().iter().position(&mut is_it);
        let found = wait_for_some(SOON, look).await;
        let place = found.unwrap_or_else(|| panic!("{what} never came: {}", self.story()));
        i64::try_from(place).unwrap() + 1
    }

    /// Waits until the run as a whole waits, or (`over`) does no more, or has ended.
    pub async fn rests(&self, over: bool) {
        let found = wait_for(SOON, || {
            let entries = self.entries();
            let last = entries.iter().rev().find_map(|entry| match entry.body {
                EventBody::Waiting { over, .. } if entry.agent == SYSTEM => Some(over),
                EventBody::RunExited { .. } => Some(over),
                _ => None,
            });
            last.unwrap_or(true) == over
        });
        assert!(found.await, "it waits or does not: {}", self.story());
    }

    /// Waits until the run as a whole waits; its line.
    pub async fn waits_as_a_whole(&self, reason: WaitReason) -> i64 {
        self.sees("a wait of the run", |entry| {
            entry.agent == SYSTEM
                && matches!(&entry.body, EventBody::Waiting { reason: why, over: false, .. } if *why == reason)
        })
        .await
    }

    /// Waits for the process to end.
    pub async fn ends(&mut self) -> Ended {
        let ended = tokio::time::timeout(SOON, self.spawned.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("it never ended: {}", self.story())).unwrap();
        assert!(wait_for(SOON, || process::census(None, &self.mark).is_empty()).await, "processes are left");
        let entries = self.entries();
        check(&entries);
        let Some(EventBody::RunExited { outcome, error, effects, ended, forced, left, .. }) =
            entries.last().map(|entry| entry.body.clone())
        else {
            panic!("no last word: {}", self.story())
        };
        Ended { status, outcome, error, effects, stopped: StopCounts { ended, forced, left }, entries }
    }

    /// Waits for a process that was killed.
    pub async fn is_gone(&mut self) {
        tokio::time::timeout(SOON, self.spawned.child.wait()).await.unwrap().unwrap();
    }

    /// Waits for the end of a process that never had a run.
    pub async fn refuses(&mut self) -> String {
        let status = tokio::time::timeout(SOON, self.spawned.child.wait()).await.unwrap().unwrap();
        assert!(!status.success());
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub fn story(&self) -> String {
        let told = self.entries().into_iter().filter(|entry| entry.body.kind() != "prompt");
        let lines: Vec<String> = told.map(|entry| format!("{entry:?}")).collect();
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let text = format!("{}\n{log}", lines.join("\n"));
        text.chars().take(20_000).collect()
    }
}

/// A CEO who has somebody run a command, and is done when that one is. `then`: what that one says of it.
pub fn command(text: &str, timeout_ms: u64, then: Turn) -> Script {
    let input = json!({ "command": text, "timeout": timeout_ms });
    Script::default()
        .when(On::Task("Run it".into()), [Turn::tool("Bash", input), then])
        .when(On::Any, [Turn::tool("delegate", json!({ "to": "cto", "task": "Run it" })), Turn::text("Done.")])
}

/// The most memory that a process has had, in bytes.
pub fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim_end().parse::<u64>().unwrap() * 1024
}

/// A file of a command's, to be waited for.
pub fn exists(file: &PathBuf) -> bool {
    File::open(file).is_ok()
}

/// How a run ended.
pub struct Ended {
    pub status: ExitStatus,
    pub outcome: Outcome,
    pub error: Option<Error>,
    pub effects: bool,
    pub stopped: StopCounts,
    pub entries: Vec<Entry>,
}

impl Ended {
    pub fn code(&self) -> &str {
        self.error.as_ref().map_or("", |error| error.code.as_str())
    }

    /// Waits of the run as a whole: why, and whether it was the end of one.
    pub fn whole_waits(&self) -> Vec<(WaitReason, bool)> {
        self.waits(|agent| agent == SYSTEM)
    }

    /// Waits of agents.
    pub fn agents_waits(&self) -> Vec<(WaitReason, bool)> {
        self.waits(|agent| agent != SYSTEM)
    }

    fn waits(&self, whose: impl Fn(&str) -> bool) -> Vec<(WaitReason, bool)> {
        let waits = self.entries.iter().filter(|entry| whose(&entry.agent)).filter_map(|entry| match entry.body {
            EventBody::Waiting { reason, over, .. } => Some((reason, over)),
            _ => None,
        });
        waits.collect()
    }
}

/// What holds of every run: what began has ended, nobody is left waiting, and the run as a whole waits only where it
/// does not wait already.
fn check(entries: &[Entry]) {
    let (mut open, mut waiting) = (Vec::new(), Vec::new());
    let mut whole = false;
    for entry in entries {
        let who = (entry.agent.clone(), entry.parent.clone());
        match &entry.body {
            EventBody::Waiting { over, .. } if entry.agent == SYSTEM => {
                assert_ne!(whole, !over, "twice: {entry:?}");
                whole = !over;
            }
            EventBody::Waiting { over: false, .. } if !waiting.contains(&who) => waiting.push(who),
            EventBody::Waiting { over: true, .. } => waiting.retain(|open| *open != who),
            EventBody::ToolStarted { call, .. } => open.push(call.clone()),
            EventBody::ToolFinished { call, .. } => open.retain(|other| other != call),
            EventBody::DelegationStarted { span, .. } => open.push(span.clone()),
            EventBody::DelegationFinished { span, .. } => open.retain(|other| other != span),
            EventBody::Usage { .. } => assert!(!whole, "a call was made while the run waited: {entry:?}"),
            _ => {}
        }
    }
    assert_eq!(open, Vec::<String>::new(), "began and did not end");
    assert_eq!(waiting, Vec::new(), "still waiting");
}
