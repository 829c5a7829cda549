//! What the daemon tells a worker on its stdin, and the format of the spool.

use serde::{Deserialize, Serialize};

use crate::{EngineKind, Entry, JobId, JournalEntry, Money, RunId};

/// The version of the spool and of the worker's part of the protocol. A daemon reads this and the one before.
pub const WORKER_PROTOCOL: u32 = 2;
/// The oldest version of a worker that this daemon still reads and follows.
pub const WORKER_PROTOCOL_OLDEST: u32 = 1;

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

/// The engine of a run.
#[derive(Clone, Serialize, Deserialize)]
pub struct EngineSpec {
    /// Which.
    pub kind: EngineKind,
    /// Where its provider is; none for the engine's own default.
    pub base_url: Option<String>,
    /// The provider's key.
    pub api_key: Option<String>,
    /// Speed of practice.
    pub pace: f64,
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
