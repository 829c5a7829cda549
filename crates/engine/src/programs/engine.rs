//! A program as the engine of a whole run, and as that of one agent.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{EngineKind, EngineSpec, Error, ErrorCode, Outcome, StopCounts, clip};

use super::Driver;
use super::ground::Ground;
use super::opening::first;
use super::stage::Stage;
use crate::model::{Answer, Heard, Model, ModelError, Request};
use crate::patience::Patience;
use crate::play::{Desk, Fell, MAX_ANSWER, Play, root};
use crate::prices::Resolved;
use crate::{Abilities, Brief, Ending, Engine, Host};

/// Bytes of an answer that go into the journal where no model writes its entry.
const MAX_ENTRY: usize = 900;

/// The engine that a spec describes, where that is a program.
///
/// # Errors
/// `engine.not_found` without the program, `engine.unavailable` for a kind that is none.
pub(crate) fn open(spec: EngineSpec, patience: Patience) -> Result<Box<dyn Engine>, Error> {
    let driver = driver(&spec)?;
    Ok(Box::new(ProgramEngine { spec, driver, patience }))
}

fn driver(spec: &EngineSpec) -> Result<Arc<dyn Driver>, Error> {
    Ok(match spec.kind {
        EngineKind::ClaudeCode => Arc::new(crate::claude::ClaudeCode::open(spec)?),
        EngineKind::Codex => Arc::new(crate::codex::Codex),
        EngineKind::Acp => Arc::new(crate::acp::Acp::of(spec)?),
        kind => {
            let what = format!("{} is no program.", kind.label());
            return Err(Error::new(ErrorCode::ENGINE_UNAVAILABLE, what, "Choose another engine for the agent."));
        }
    })
}

/// Plays an agent's task on the program that `spec` names, until it has answered. `first`: what the agent is told.
pub(crate) async fn delegate(
    play: &Play<'_>,
    desk: &Desk<'_>,
    spec: &EngineSpec,
    first: String,
) -> Result<String, Fell> {
    let driver = driver(spec).map_err(|error| Fell::Agent(Box::new(error)))?;
    let (ground, post) = Ground::lay(play, desk, spec, &driver.manners()).await?;
    desk.voice.emit(ground.prompt(spec, &first))?;
    let mut stage = Stage::new(play, desk, spec, driver, (&ground, post));
    let ended = stage.work(first).await;
    play.toolbox.ended(stage.counts);
    match ended {
        // One agent's program is one agent's matter.
        Err(Fell::Run(error)) if error.code.as_str().starts_with("engine.") => Err(Fell::Agent(error)),
        ended => ended,
    }
}

struct ProgramEngine {
    spec: EngineSpec,
    driver: Arc<dyn Driver>,
    patience: Patience,
}

#[async_trait]
impl Engine for ProgramEngine {
    fn abilities(&self) -> Abilities {
        self.driver.abilities()
    }

    async fn run(&self, brief: &Brief, host: &dyn Host) -> Ending {
        match self.play(brief, host).await {
            Ok(ending) => ending,
            Err(error) => {
                let stopped = Default::default();
                Ending { outcome: Outcome::Failed, answer: None, error: Some(error), turns: 0, stopped }
            }
        }
    }
}

impl ProgramEngine {
    async fn play(&self, brief: &Brief, host: &dyn Host) -> Result<Ending, Error> {
        let root = root(brief)?;
        let play = Play::new(brief, host, &Mute, &self.patience)?;
        let desk = Desk::new(host, root, &Mute, None, 0);
        let (ended, turns, counts) = self.root(&play, &desk).await;
        let stopped = play.toolbox.stopped() + counts;
        let (outcome, answer, error) = match ended {
            Ok(answer) => {
                let answer = (!answer.is_empty()).then(|| clip(&answer, MAX_ANSWER).into_owned());
                (Outcome::Completed, answer, None)
            }
            Err(Fell::Stopped) => (Outcome::Cancelled, None, None),
            Err(Fell::Run(error) | Fell::Agent(error)) => (Outcome::Failed, None, Some(*error)),
        };
        Ok(Ending { outcome, answer, error, turns, stopped })
    }

    /// The work of whoever took the brief, with the turns it took and what became of the program.
    async fn root(&self, play: &Play<'_>, desk: &Desk<'_>) -> (Result<String, Fell>, i64, StopCounts) {
        let (brief, nothing) = (play.brief, StopCounts::default());
        let first = first(brief);
        let laid = match Ground::lay(play, desk, &self.spec, &self.driver.manners()).await {
            Ok(laid) => laid,
            Err(fell) => return (Err(fell), 0, nothing),
        };
        let (ground, post) = laid;
        if let Err(error) = desk.voice.emit(ground.prompt(&self.spec, &first)) {
            return (Err(Fell::run(error)), 0, nothing);
        }
        let mut stage = Stage::new(play, desk, &self.spec, self.driver.clone(), (&ground, post));
        stage.conversation.clone_from(&brief.conversation);
        let worked = stage.work(first).await;
        let (turns, counts) = (stage.turns, stage.counts);
        let ended = async {
            let answer = worked?;
            play.steps().answered();
            play.progress("Done".into())?;
            play.entry(desk, &answer).await?;
            Ok(answer)
        };
        (ended.await, turns, counts)
    }
}

/// The model of an agent whose program calls its own: it is never asked anything here.
pub(crate) struct Mute;

#[async_trait]
impl Model for Mute {
    fn charges(&self) -> bool {
        true
    }

    fn resolve(&self, name: &str) -> Resolved {
        crate::prices::resolve(name)
    }

    fn own_entry(&self, answer: &str) -> Option<String> {
        // A program would be started, and paid for, to say the same.
        Some(clip(answer.trim(), MAX_ENTRY).into_owned())
    }

    fn input_tokens(&self, _request: &Request<'_>) -> i64 {
        0
    }

    async fn complete(&self, _request: &Request<'_>, _heard: &Heard<'_>) -> Result<Answer, ModelError> {
        Err(ModelError::Final(Box::new(Error::internal("A program's model was asked as if it were ours."))))
    }
}
