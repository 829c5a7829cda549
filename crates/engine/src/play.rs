//! A run in the making: what all its agents share.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use company::AgentFile;
use contract::{
    Confined, EngineSpec, Error, ErrorCode, EventBody, Money, NoticeLevel, Outcome, StopCounts, clip, one_line,
};
use process::Confine;
use tokio_util::sync::CancellationToken;

use crate::agent_loop::Call;
use crate::engines;
use crate::gate::Gate;
use crate::model::Model;
use crate::patience::Patience;
use crate::prices::{Prices, Resolved};
use crate::steps::Steps;
use crate::tools::{Commands, Tool, Toolbox, Workspace};
use crate::voice::Voice;
use crate::{Brief, Ending, Host};

/// Bytes of a run's answer, which may be made of several messages: its line in the spool is to stay readable, however
/// its characters are escaped.
pub(crate) const MAX_ANSWER: usize = 1024 * 1024;

/// What the agents of a run share.
pub(crate) struct Play<'a> {
    pub brief: &'a Brief,
    pub host: &'a dyn Host,
    /// The model of whoever took the brief.
    model: &'a dyn Model,
    /// Models of agents whose engine is another one, by role; those of all the others under the empty role.
    others: BTreeMap<String, Result<Box<dyn Model>, Error>>,
    /// Whether an agent may do what it is about to do.
    pub gate: Gate,
    /// What calls cost, with what the company says of prices.
    prices: Prices,
    pub toolbox: Toolbox,
    pub patience: &'a Patience,
    /// Cancelled when the run is told to stop, or when one agent meets what ends the run for all.
    pub halt: CancellationToken,
    /// Held by the agent that asks the founder about a limit.
    pub asking: tokio::sync::Mutex<()>,
    /// Nano-dollars that all agents have spent so far.
    spent: AtomicI64,
    said: Mutex<HashSet<String>>,
    steps: Mutex<Steps>,
}

/// An agent at work on one task.
pub(crate) struct Desk<'a> {
    pub agent: &'a AgentFile,
    /// What answers for it.
    pub model: &'a dyn Model,
    pub voice: Voice<'a>,
    /// How far below the root agent.
    pub depth: usize,
    /// The number of its conversation.
    pub number: u32,
    spent: AtomicI64,
    /// Files that were changed for the task.
    files: Mutex<BTreeSet<String>>,
}

/// Files of a task that are remembered, at most.
const MAX_FILES: usize = 1_000;

impl<'a> Desk<'a> {
    /// A desk for an agent, at work in a delegation unless it is the root agent's.
    pub fn new(
        host: &'a dyn Host,
        agent: &'a AgentFile,
        model: &'a dyn Model,
        work: Option<(&'a str, u32)>,
        depth: usize,
    ) -> Desk<'a> {
        let voice = Voice::new(host, &agent.role, work.map(|(span, _)| span));
        let number = work.map_or(0, |(_, number)| number);
        Desk { agent, model, voice, depth, number, spent: AtomicI64::new(0), files: Mutex::default() }
    }

    /// The same agent, asked something beside its task: what it says then is no message.
    pub fn aside(&self, host: &'a dyn Host) -> Desk<'a> {
        let mut voice = Voice::new(host, self.voice.role, self.voice.span);
        voice.is_aside = true;
        let (agent, model, depth, number) = (self.agent, self.model, self.depth, self.number);
        Desk { agent, model, voice, depth, number, spent: AtomicI64::new(0), files: Mutex::default() }
    }

    /// Takes over what was spent and changed in work that it handed out.
    pub fn take_over(&self, below: &Desk<'_>) {
        self.spend(below.spent());
        self.changed(below.files());
    }

    /// Notes files that were changed.
    pub fn changed(&self, paths: impl IntoIterator<Item = String>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            if files.len() < MAX_FILES {
                files.insert(path);
            }
        }
    }

    /// Files that were changed for the task, by whoever worked on it.
    pub fn files(&self) -> Vec<String> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Counts money spent on the task.
    pub fn spend(&self, cost: Money) {
        self.spent.fetch_add(cost.as_nanos(), Ordering::Relaxed);
    }

    /// Money spent on the task so far, with what was delegated.
    pub fn spent(&self) -> Money {
        Money::nanos(self.spent.load(Ordering::Relaxed))
    }
}

/// Why an agent did not come to an end of its own.
#[derive(Debug)]
pub(crate) enum Fell {
    /// The run was told to stop.
    Stopped,
    /// Nobody can go on.
    Run(Box<Error>),
    /// This agent cannot go on; others may.
    Agent(Box<Error>),
}

impl Fell {
    /// Nobody can go on, for this reason.
    pub fn run(error: Error) -> Fell {
        Fell::Run(Box::new(error))
    }

    /// The provider's refusal of one conversation leaves the others be; everything else concerns all.
    pub fn of(error: Error) -> Fell {
        let one = [ErrorCode::PROVIDER_REFUSED, ErrorCode::PROVIDER_PROTOCOL, ErrorCode::RUN_TURNS];
        if one.contains(&error.code) { Fell::Agent(Box::new(error)) } else { Fell::run(error) }
    }
}

impl From<Error> for Fell {
    /// What cannot be recorded must not happen.
    fn from(error: Error) -> Fell {
        Fell::run(error)
    }
}

impl<'a> Play<'a> {
    /// Prepares a run.
    pub fn new(
        brief: &'a Brief,
        host: &'a dyn Host,
        model: &'a dyn Model,
        patience: &'a Patience,
    ) -> Result<Play<'a>, Error> {
        let folder = Workspace::open(&brief.company.dir)?.keeping(brief.kept.clone());
        let root = Voice::new(host, &brief.agent, None);
        let warn = |text| root.emit(EventBody::Notice { level: NoticeLevel::Warning, text });
        let mut allowed = brief.company.config.commands.unwrap_or(brief.confined != Confined::No);
        if allowed && let Err(error) = brief.may_start() {
            warn(error.message)?;
            allowed = false;
        }
        let confined = brief.confined != Confined::No;
        let commands = allowed.then(|| Commands {
            dir: folder.root().to_owned(),
            tmp_dir: brief.tmp_dir.clone(),
            mark: brief.mark.clone().into(),
            grace: brief.grace.clone(),
            confine: confined.then(|| Confine { policy: brief.sandbox.clone(), aicib: brief.aicib.clone() }),
            stopped: Arc::default(),
        });
        let (prices, warnings) = Prices::new(&brief.company.config.prices);
        for text in warnings.into_iter().filter(|_| model.charges()) {
            warn(text)?;
        }
        let others = others(brief, patience);
        let script = model.script().filter(|_| others.is_empty() && brief.engines.is_empty());
        Ok(Play {
            brief,
            host,
            model,
            others,
            gate: Gate::new(brief),
            prices,
            toolbox: Toolbox::new(folder, commands),
            patience,
            halt: host.stop().child_token(),
            asking: tokio::sync::Mutex::default(),
            spent: AtomicI64::new(0),
            said: Mutex::default(),
            steps: Mutex::new(Steps::new(script)),
        })
    }

    /// What works for an agent that is handed work.
    pub fn seat(&self, role: &str) -> Result<Seat<'_>, &Error> {
        let spec = self.brief.engine_of(role);
        if spec.kind.is_program() {
            return Ok(Seat::Program(spec));
        }
        let key = if self.brief.engines.contains_key(role) { role } else { "" };
        match self.others.get(key) {
            Some(Ok(model)) => Ok(Seat::Model(model.as_ref())),
            Some(Err(error)) => Err(error),
            None => Ok(Seat::Model(self.model)),
        }
    }

    /// The model that a company calls `name`, and what its tokens cost.
    pub fn resolve(&self, model: &dyn Model, name: &str) -> Resolved {
        // A rehearsal costs nothing, whatever a company says.
        if !model.charges() {
            return model.resolve(name);
        }
        if model.is_claude() {
            return self.prices.resolve(name);
        }
        let own = model.resolve(name);
        self.prices.other(&own.id).unwrap_or(own)
    }

    /// Counts money that a call has cost.
    pub fn spend(&self, cost: Money) {
        self.spent.fetch_add(cost.as_nanos(), Ordering::Relaxed);
    }

    /// What all agents have spent so far in the run.
    pub fn spent(&self) -> Money {
        Money::nanos(self.spent.load(Ordering::Relaxed))
    }

    /// Whether this is said for the first time in the run.
    pub fn first_time(&self, text: &str) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned())
    }

    /// What is known of how far the work is.
    pub fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call of the agent's was answered. Where that is a step it is said, unless what comes next says so too: the end
    /// of its work, or that of others which begins.
    pub fn called(&self, desk: &Desk<'_>, calls: &[Call]) -> Result<(), Fell> {
        let is_step = self.steps().called();
        let hands_on = calls.iter().any(|call| Tool::named(&call.name) == Some(Tool::Delegate));
        if !is_step || calls.is_empty() || hands_on {
            return Ok(());
        }
        self.progress(format!("{} at work", desk.agent.name))
    }

    /// A stage of the work begins, if the work has stages.
    pub fn stage_at_hand(&self, name: &str) -> Result<(), Fell> {
        let is_staged = self.steps().stages().is_some();
        if is_staged { self.progress(format!("{name} at work")) } else { Ok(()) }
    }

    /// Says how far the work is.
    pub fn progress(&self, note: String) -> Result<(), Fell> {
        let (done, total, stages) = {
            let steps = self.steps();
            let (done, total) = steps.count();
            (done, total, steps.stages())
        };
        // Whoever brought it about: it is the job's.
        let root = Voice::new(self.host, &self.brief.agent, None);
        Ok(root.emit(EventBody::Progress { done, total, note, stages })?)
    }
}

/// What works for an agent.
pub(crate) enum Seat<'a> {
    /// A model, in our own loop.
    Model(&'a dyn Model),
    /// A program of somebody else's.
    Program(&'a EngineSpec),
}

/// The models of agents whose engine is not that of whoever took the brief. One that cannot be opened is a matter of
/// the agents that have it.
fn others(brief: &Brief, patience: &Patience) -> BTreeMap<String, Result<Box<dyn Model>, Error>> {
    let own = brief.engines.iter().filter(|(role, _)| **role != brief.agent).map(|(role, spec)| (role.as_str(), spec));
    let rest = brief.engines.contains_key(&brief.agent).then_some(("", &brief.spec));
    let apis = own.chain(rest).filter(|(_, spec)| !spec.kind.is_program());
    apis.map(|(role, spec)| (role.to_owned(), engines::model(spec, brief, patience))).collect()
}

/// Plays a brief on a model, to its end.
pub(crate) async fn play(brief: &Brief, host: &dyn Host, model: &dyn Model, patience: &Patience) -> Ending {
    let failed = |error: Error, turns: i64, stopped: StopCounts| Ending {
        outcome: Outcome::Failed,
        answer: None,
        error: Some(error),
        turns,
        stopped,
    };
    let root = match root(brief) {
        Ok(root) => root,
        Err(error) => return failed(error, 0, StopCounts::default()),
    };
    let play = match Play::new(brief, host, model, patience) {
        Ok(play) => play,
        Err(error) => return failed(error, 0, StopCounts::default()),
    };
    let desk = Desk::new(host, root, model, None, 0);
    let mut turns = 0;
    let ended = match play.root_talk(&desk) {
        Ok((talk, before)) => play.work(&desk, talk, before, &mut turns).await,
        Err(fell) => Err(fell),
    };
    let turns = i64::from(turns);
    let stopped = play.toolbox.stopped();
    match ended {
        Ok(answer) => {
            play.steps().answered();
            if let Err(Fell::Run(error)) = play.progress("Done".into()) {
                return failed(*error, turns, stopped);
            }
            if let Err(error) = play.entry(&desk, &answer).await {
                return failed(error, turns, stopped);
            }
            let answer = (!answer.is_empty()).then(|| clip(&answer, MAX_ANSWER).into_owned());
            Ending { outcome: Outcome::Completed, answer, error: None, turns, stopped }
        }
        Err(Fell::Stopped) => Ending { outcome: Outcome::Cancelled, answer: None, error: None, turns, stopped },
        Err(Fell::Run(error) | Fell::Agent(error)) => failed(*error, turns, stopped),
    }
}

/// Whom the brief goes to.
pub(crate) fn root(brief: &Brief) -> Result<&AgentFile, Error> {
    if brief.agent == company::CEO {
        return brief.company.ceo();
    }
    match brief.company.agent(&brief.agent) {
        Some(agent) if agent.enabled => Ok(agent),
        found => {
            let role = one_line(&brief.agent, 60);
            let what = if found.is_some() { "is not enabled" } else { "is not there" };
            Err(Error::new(
                ErrorCode::AGENT_NOT_FOUND,
                format!("The agent {role} {what}, so the brief has nobody to go to."),
                "Choose another agent, or change the company's agents, then send the brief again.",
            ))
        }
    }
}
