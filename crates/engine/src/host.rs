//! What an engine is given, what it may ask for, and what it gives back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use company::Company;
use contract::{
    Approval, Ask, Confined, EngineSpec, Entry, Error, ErrorCode, Exchange, JobId, JournalEntry, LeaseId, Money,
    Outcome, RunLimits, Seq, StopCounts,
};
use tokio_util::sync::CancellationToken;

pub use crate::gate::{Grants, Rules};
pub use crate::ids::Ids;
pub use crate::kept::KeptFiles;

/// Runs a brief to its end.
#[async_trait]
pub trait Engine: Send + Sync {
    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// Plays the brief. It returns when the CEO and everybody it delegated to have ended, also after a stop.
    async fn run(&self, brief: &Brief, host: &dyn Host) -> Ending;
}

/// What an engine can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// It goes on with an earlier conversation.
    pub history: bool,
    /// Agents delegate to each other.
    pub delegation: bool,
    /// It says what each call used.
    pub usage: bool,
    /// Its calls cost money, and need leases.
    pub charges: bool,
    /// It takes more from the founder while it works.
    pub follow_up: bool,
    /// It can be told to leave off in mid-turn and go on with something else.
    pub interrupt: bool,
    /// It takes up a conversation where a run that was cut off had left it.
    pub resume: bool,
    /// How it asks before its agents act.
    pub approvals: Approvals,
}

/// How an engine asks before its agents act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approvals {
    /// Every tool call is ours, and passes the gate before it happens.
    Gate,
    /// The program asks us before those of its tool calls that have effects, and the gate answers.
    Asks,
    /// The program asks nobody: what confines it is all there is.
    None,
}

/// What an engine may ask of the process it runs in.
#[async_trait]
pub trait Host: Send + Sync {
    /// Records an event: it is written when this returns, and synced where [`contract::EventBody::is_synced`].
    ///
    /// # Errors
    /// When it cannot be written (`disk.full`). The run ends then: nothing may happen that is not recorded.
    fn emit(&self, entry: Entry) -> Result<(), Error>;

    /// A tool call with effects outside comes next. What was recorded is on disk when this returns.
    ///
    /// # Errors
    /// As [`Host::emit`].
    fn before_effect(&self) -> Result<(), Error>;

    /// A piece of a message that is still being written. It may be lost.
    fn delta(&self, agent: &str, parent: Option<&str>, text: &str);

    /// A sign of work that is no event and no piece of a message: a command printed something, a model thinks.
    fn alive(&self);

    /// A line that an engine's program wrote, as it came, without its end. Kept beside the run's events as far as there
    /// is room; what does not fit is lost, and that is said once.
    fn raw(&self, line: &str);

    /// Returns once the agent may go on: while the run is on hold it waits, and so does an agent of a run that has
    /// waited as a whole, until the run has a slot again. At once otherwise, and when the run is told to stop. Called
    /// before each model call, and before each tool call with effects outside.
    ///
    /// # Errors
    /// As [`Host::emit`].
    async fn ready(&self, agent: &str, parent: Option<&str>) -> Result<(), Error>;

    /// Sets money aside for a call that costs `worst` at most and uses `tokens` at most. It waits where the one that grants is away;
    /// `Ok(None)` when no lease is kept or the run was stopped meanwhile.
    ///
    /// # Errors
    /// `budget.*` where a limit does not cover it.
    async fn lease(
        &self,
        agent: &str,
        parent: Option<&str>,
        model: &str,
        worst: Money,
        tokens: i64,
    ) -> Result<Option<LeaseId>, Error>;

    /// Gives back money of a call that used none.
    async fn lease_return(&self, lease: LeaseId);

    /// Asks the founder, and waits for the answer; `None` when the run is told to stop meanwhile. Dropping the future
    /// takes no question back, but its answer is then nobody's.
    ///
    /// # Errors
    /// As [`Host::emit`].
    async fn ask(&self, agent: &str, parent: Option<&str>, question: Question) -> Result<Option<String>, Error>;

    /// What the founder has said to the run since this was last called, in order: the place of each event, and its text.
    fn follow_ups(&self) -> Vec<(Seq, String)>;

    /// Cancelled when the run is to end soon.
    fn stop(&self) -> &CancellationToken;
}

/// A question to the founder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What kind it is.
    pub ask: Ask,
    /// The question, in a sentence or a few.
    pub text: String,
    /// What one has to know to answer it.
    pub detail: String,
    /// The answers to choose from; empty where any text is one.
    pub options: Vec<String>,
    /// The refusal that a question about a limit is about, so that whoever is asked knows which limit to raise.
    pub refusal: Option<ErrorCode>,
    /// The act that it is about, where it asks for leave to act.
    pub approval: Option<Approval>,
}

/// A brief, prepared.
#[derive(Clone)]
pub struct Brief {
    /// The company.
    pub company: Arc<Company>,
    /// Whom it goes to (role): the CEO, or a head that is briefed directly.
    pub agent: String,
    /// The job.
    pub job_id: JobId,
    /// What the founder wants.
    pub directive: String,
    /// What was said before in the session, oldest first.
    pub history: Vec<Exchange>,
    /// The latest entries of the company's journal, oldest first.
    pub journal: Vec<JournalEntry>,
    /// Where the conversations of the run are kept, and where those of the run that this one takes up are.
    pub memory: Memory,
    /// Limits of the run. The engine holds the turns; the host holds the rest.
    pub limits: RunLimits,
    /// The environment variable that marks processes of the run: name and value.
    pub mark: (String, String),
    /// The run's folder: what engines' programs write on stderr is kept there.
    pub run_dir: PathBuf,
    /// Where commands may leave temporary files.
    pub tmp_dir: PathBuf,
    /// How long a process may take to end when told to: one clock for the commands and the run's end.
    pub grace: process::Grace,
    /// The engine of the run.
    pub spec: EngineSpec,
    /// Engines of agents that have one of their own, by role.
    pub engines: BTreeMap<String, EngineSpec>,
    /// The engine's own name for the session's conversation so far, where the same engine had the brief before this.
    pub conversation: Option<String>,
    /// Where engines that are programs keep what they know of the session.
    pub state_dir: PathBuf,
    /// The founder's rules as they are now: clones share them.
    pub rules: Rules,
    /// Answers that the run this one takes up did not live to act on: clones share them.
    pub granted: Grants,
    /// What a confined command may reach: the system and toolchains, the company's folder, the run's temporary files.
    pub sandbox: process::Policy,
    /// How far this system confines. Nothing is confined where it does not at all.
    pub confined: Confined,
    /// Whether no command and no program may be started that is not confined.
    pub must_confine: bool,
    /// The program that confines: `aicib`, absolute.
    pub aicib: PathBuf,
    /// What files are before they are changed: clones share it.
    pub kept: KeptFiles,
    /// Names of what happens in the run, from which all its engines take: clones share them.
    pub ids: Ids,
}

impl Brief {
    /// The engine that an agent has: its own, or the run's.
    pub fn engine_of(&self, role: &str) -> &EngineSpec {
        self.engines.get(role).unwrap_or(&self.spec)
    }

    /// Whether commands and programs may be started.
    ///
    /// # Errors
    /// `sandbox.unavailable` where they are to be confined and this system cannot.
    pub fn may_start(&self) -> Result<(), Error> {
        if !self.must_confine || self.confined != Confined::No {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::SANDBOX_UNAVAILABLE,
            "Commands and agents' programs are to be confined, and this system cannot.",
            "See `aicib doctor` for what is missing, or allow it with `aicib settings set sandbox auto`.",
        ))
    }
}

/// Where conversations are kept on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The folder of this run's conversations; none where they are not kept. It is made where it is not there.
    pub dir: Option<PathBuf>,
    /// The folder of the conversations of the run that was cut off and that this one takes up.
    pub resume: Option<PathBuf>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// The CEO's answer in full; none where there is none.
    pub answer: Option<String>,
    /// Why it failed.
    pub error: Option<Error>,
    /// Model calls of the CEO.
    pub turns: i64,
    /// Processes that the engine ended because the run was told to stop.
    pub stopped: StopCounts,
}
