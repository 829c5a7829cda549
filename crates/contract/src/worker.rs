//! What the daemon tells a worker on its stdin, and the format of the spool.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{EngineKind, Entry, JobId, JournalEntry, Money, Rule, RunId, Sandbox};

/// The version of the spool and of the worker's part of the protocol. A daemon reads this and the one before.
pub const WORKER_PROTOCOL: u32 = 3;
/// The oldest version of a worker that this daemon still reads and follows.
pub const WORKER_PROTOCOL_OLDEST: u32 = 2;

/// The environment variable that marks every process of a run, with [`run_mark`] as its value.
pub const RUN_MARK: &str = "AICIB_RUN";

/// The mark of a run's processes. The home keeps runs of two daemons apart.
pub fn run_mark(home: &str, run_id: RunId) -> String {
    format!("{home}:{run_id}")
}

/// All that a worker needs: one JSON object, one line, on stdin. Secrets come this way and no other.
#[derive(Clone, Serialize, Deserialize)]
pub struct WorkerSpec {
    /// [`WORKER_PROTOCOL`] of the daemon.
    pub protocol: u32,
    /// The home whose daemon this is.
    pub home: String,
    /// The run.
    pub run_id: RunId,
    /// The job.
    pub job_id: JobId,
    /// The run's credential at the daemon's socket.
    pub token: String,
    /// The run's folder: `spool.jsonl`, `worker.log`, `tmp/`.
    pub run_dir: String,
    /// The company's folder.
    pub company_dir: String,
    /// Whom the brief goes to (role).
    #[serde(default = "ceo")]
    pub agent: String,
    /// The brief.
    pub directive: String,
    /// What was said before in the session, oldest first.
    pub history: Vec<Exchange>,
    /// The latest entries of the company's journal, oldest first.
    #[serde(default)]
    pub journal: Vec<JournalEntry>,
    /// The folder of the run that this one takes up where it was cut off: its conversations are in it.
    #[serde(default)]
    pub resume_dir: Option<String>,
    /// The engine.
    pub engine: EngineSpec,
    /// Engines of agents that have one of their own, by role.
    #[serde(default)]
    pub engines: BTreeMap<String, EngineSpec>,
    /// The engine's own name for the session's conversation so far, where the same engine had the brief before this.
    #[serde(default)]
    pub conversation: Option<String>,
    /// Where engines that are programs keep what they know of the session: a folder of the home.
    #[serde(default)]
    pub state_dir: String,
    /// The founder's rules for the company, those for other jobs left out.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What the founder allowed or denied to the run that this one takes up.
    #[serde(default)]
    pub granted: Vec<Granted>,
    /// How commands and agents' programs are confined.
    #[serde(default)]
    pub sandbox: SandboxSpec,
    /// Limits of the run.
    pub limits: RunLimits,
    /// Whether it is to hold before its first call.
    #[serde(default)]
    pub held: bool,
    /// How long a process may take to end when told to, in milliseconds.
    pub grace_ms: u64,
}

/// Who takes a brief that names nobody.
fn ceo() -> String {
    "ceo".to_owned()
}

/// A brief that came before, and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The brief.
    pub directive: String,
    /// The answer.
    pub answer: String,
}

/// An answer of the founder's that a run did not live to act on: it holds for the identical call alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Who asked (role).
    pub agent: String,
    /// [`crate::Approval::digest`] of what was asked.
    pub digest: String,
    /// The answer, as [`crate::Decision`] writes it.
    pub answer: String,
}

/// How commands and agents' programs are confined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSpec {
    /// Whether.
    pub mode: Sandbox,
    /// Whether they may use the network. Programs of engines reach their provider in any case.
    pub network: bool,
    /// Folders that they may read beside the system's and the company's.
    pub read: Vec<String>,
}

impl Default for SandboxSpec {
    fn default() -> SandboxSpec {
        SandboxSpec { mode: Sandbox::Auto, network: true, read: Vec::new() }
    }
}

/// The engine of a run.
#[derive(Clone, Serialize, Deserialize)]
pub struct EngineSpec {
    /// Which.
    pub kind: EngineKind,
    /// Where its provider is; none for the engine's own default.
    pub base_url: Option<String>,
    /// The provider's key. A program never sees it: it gets the address of a proxy. None: the program's own login.
    pub api_key: Option<String>,
    /// Speed of practice.
    pub pace: f64,
    /// Which of the agents that speak ACP; empty for any other engine.
    #[serde(default)]
    pub agent: String,
    /// The model, where it is not the agents' own: engines whose models are not Claude's.
    #[serde(default)]
    pub model: Option<String>,
    /// The program, absolute, where the engine is one.
    #[serde(default)]
    pub program: Option<String>,
    /// What it is started with, before what the engine itself adds.
    #[serde(default)]
    pub args: Vec<String>,
}

/// Limits of a run. Zero means none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLimits {
    /// Wall time, in milliseconds. Like all clocks here it stands while the run as a whole waits.
    pub wall_ms: u64,
    /// From the start to the first word or tool call, in milliseconds.
    #[serde(default)]
    pub first_output_ms: u64,
    /// From one sign of work to the next, in milliseconds.
    #[serde(default)]
    pub silence_ms: u64,
    /// Bytes of the spool.
    #[serde(default)]
    pub output_bytes: u64,
    /// Model calls of the CEO.
    pub ceo_turns: u32,
    /// Model calls of each other agent, a delegation.
    pub agent_turns: u32,
    /// The brief's own limit. The daemon holds it when it grants leases; here it is for the prompt.
    pub max_cost_usd: Money,
}

impl Default for RunLimits {
    /// 120 minutes (the daemon seed's `action_timeout_minutes`), 500 and 200 turns (E028), 10 minutes to the first
    /// output, 30 minutes of silence, 256 MB.
    fn default() -> RunLimits {
        RunLimits {
            wall_ms: 120 * 60 * 1000,
            first_output_ms: 10 * 60 * 1000,
            silence_ms: 30 * 60 * 1000,
            output_bytes: 256 * 1024 * 1024,
            ceo_turns: 500,
            agent_turns: 200,
            max_cost_usd: Money::ZERO,
        }
    }
}

/// A line of the spool file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpoolLine {
    /// [`WORKER_PROTOCOL`] of the worker.
    pub v: u32,
    /// The line's number in its run, from 1, without gaps.
    pub n: i64,
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
}
