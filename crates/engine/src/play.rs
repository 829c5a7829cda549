//! A run in the making: what all its agents share.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use company::{AgentFile, CEO};
use contract::{Error, ErrorCode, EventBody, Money, Outcome, StopCounts, clip};
use tokio_util::sync::CancellationToken;

use crate::agent_loop::Call;
use crate::conversation::Conversation;
use crate::model::Model;
use crate::patience::Patience;
use crate::steps::Steps;
use crate::tools::{Commands, Tool, Toolbox, Workspace};
use crate::voice::Voice;
use crate::{Brief, Ending, Host};

/// Bytes of a run's answer, which may be made of several messages: its line in the spool is to stay readable, however
/// its characters are escaped.
const MAX_ANSWER: usize = 1024 * 1024;

/// What the agents of a run share.
pub(crate) struct Play<'a> {
    pub brief: &'a Brief,
    pub host: &'a dyn Host,
    pub model: &'a dyn Model,
    pub toolbox: Toolbox,
    pub patience: &'a Patience,
    /// Cancelled when the run is told to stop, or when one agent meets what ends the run for all.
    pub halt: CancellationToken,
    calls: AtomicU64,
    spans: AtomicU64,
    said: Mutex<HashSet<String>>,
    steps: Mutex<Steps>,
}

/// An agent at work on one task.
pub(crate) struct Desk<'a> {
    pub agent: &'a AgentFile,
    pub voice: Voice<'a>,
    /// How far below the CEO.
    pub depth: usize,
    spent: AtomicI64,
}

impl<'a> Desk<'a> {
    pub fn new(host: &'a dyn Host, agent: &'a AgentFile, span: Option<&'a str>, depth: usize) -> Desk<'a> {
        Desk { agent, voice: Voice::new(host, &agent.role, span), depth, spent: AtomicI64::new(0) }
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
        let folder = Workspace::open(&brief.company.dir)?;
        let allowed = model.charges() && brief.company.config.commands_allowed;
        let commands = allowed.then(|| Commands {
            dir: folder.root().to_owned(),
            tmp_dir: brief.tmp_dir.clone(),
            mark: brief.mark.clone().into(),
            grace: brief.grace.clone(),
            stopped: Arc::default(),
        });
        Ok(Play {
            brief,
            host,
            model,
            toolbox: Toolbox::new(folder, commands),
            patience,
            halt: host.stop().child_token(),
            calls: AtomicU64::new(1),
            spans: AtomicU64::new(1),
            said: Mutex::default(),
            steps: Mutex::new(Steps::new(model.script())),
        })
    }

    /// An id for a tool call, unique in the run.
    pub fn next_call(&self) -> String {
        format!("t{}", self.calls.fetch_add(1, Ordering::Relaxed))
    }

    /// An id for a delegation, unique in the run.
    pub fn next_span(&self) -> String {
        format!("d{}", self.spans.fetch_add(1, Ordering::Relaxed))
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
        let ceo = Voice::new(self.host, CEO, None);
        Ok(ceo.emit(EventBody::Progress { done, total, note, stages })?)
    }
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
    let ceo = match brief.company.ceo() {
        Ok(ceo) => ceo,
        Err(error) => return failed(error, 0, StopCounts::default()),
    };
    let play = match Play::new(brief, host, model, patience) {
        Ok(play) => play,
        Err(error) => return failed(error, 0, StopCounts::default()),
    };
    let desk = Desk::new(host, ceo, None, 0);
    let first = company::prompt::brief(&brief.company, &brief.directive);
    let mut turns = 0;
    let ended = play.work(&desk, Conversation::new(&brief.history, first), &mut turns).await;
    let turns = i64::from(turns);
    let stopped = play.toolbox.stopped();
    match ended {
        Ok(answer) => {
            play.steps().answered();
            if let Err(Fell::Run(error)) = play.progress("Done".into()) {
                return failed(*error, turns, stopped);
            }
            let answer = (!answer.is_empty()).then(|| clip(&answer, MAX_ANSWER).into_owned());
            Ending { outcome: Outcome::Completed, answer, error: None, turns, stopped }
        }
        Err(Fell::Stopped) => Ending { outcome: Outcome::Cancelled, answer: None, error: None, turns, stopped },
        Err(Fell::Run(error) | Fell::Agent(error)) => failed(*error, turns, stopped),
    }
}
