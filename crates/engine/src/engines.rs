//! The engines there are.

use std::time::Duration;

use async_trait::async_trait;
use contract::{EngineKind, EngineSpec, Error, ErrorCode};

use crate::anthropic::Anthropic;
use crate::model::Model;
use crate::openai::OpenAi;
use crate::patience::Patience;
use crate::play::play;
use crate::practice::Practice;
use crate::{Abilities, Approvals, Brief, Ending, Engine, Host, programs};

/// How long a connection may take to stand.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The engine that a spec describes.
///
/// # Errors
/// `key.missing` without a key where one is needed, `config.invalid` for an address that keys must not be sent to,
/// `engine.not_found` without the program where the engine is one.
pub fn open(spec: EngineSpec) -> Result<Box<dyn Engine>, Error> {
    open_with(spec, Patience::default())
}

/// [`open`] with other waits than the usual.
///
/// # Errors
/// As [`open`].
pub fn open_with(spec: EngineSpec, patience: Patience) -> Result<Box<dyn Engine>, Error> {
    Ok(match spec.kind {
        EngineKind::AnthropicApi => Box::new(Api { model: Box::new(Anthropic::open(&spec, &patience)?), patience }),
        EngineKind::OpenaiApi => Box::new(Api { model: Box::new(OpenAi::open(&spec, &patience)?), patience }),
        EngineKind::Practice => Box::new(PracticeEngine { pace: spec.pace, patience }),
        EngineKind::ClaudeCode | EngineKind::Codex | EngineKind::Acp => return programs::open(spec, patience),
    })
}

/// What answers for an agent whose engine is no program.
///
/// # Errors
/// As [`open`].
pub(crate) fn model(spec: &EngineSpec, brief: &Brief, patience: &Patience) -> Result<Box<dyn Model>, Error> {
    Ok(match spec.kind {
        EngineKind::AnthropicApi => Box::new(Anthropic::open(spec, patience)?),
        EngineKind::OpenaiApi => Box::new(OpenAi::open(spec, patience)?),
        EngineKind::Practice => Box::new(Practice::new(brief, spec.pace)),
        EngineKind::ClaudeCode | EngineKind::Codex | EngineKind::Acp => {
            let what = format!("{} is a program, and no model that can be asked.", spec.kind.label());
            return Err(Error::new(ErrorCode::ENGINE_UNAVAILABLE, what, "Choose another engine for the agent."));
        }
    })
}

/// A model that is called over the network, in our own loop.
struct Api {
    model: Box<dyn Model>,
    patience: Patience,
}

#[async_trait]
impl Engine for Api {
    fn abilities(&self) -> Abilities {
        Abilities {
            history: true,
            delegation: true,
            usage: true,
            charges: self.model.charges(),
            follow_up: true,
            interrupt: true,
            resume: true,
            approvals: Approvals::Gate,
        }
    }

    async fn run(&self, brief: &Brief, host: &dyn Host) -> Ending {
        play(brief, host, self.model.as_ref(), &self.patience).await
    }
}

struct PracticeEngine {
    pace: f64,
    patience: Patience,
}

#[async_trait]
impl Engine for PracticeEngine {
    fn abilities(&self) -> Abilities {
        Abilities {
            history: false,
            delegation: true,
            usage: true,
            charges: false,
            follow_up: true,
            interrupt: true,
            resume: true,
            approvals: Approvals::Gate,
        }
    }

    async fn run(&self, brief: &Brief, host: &dyn Host) -> Ending {
        let model = Practice::new(brief, self.pace);
        play(brief, host, &model, &self.patience).await
    }
}
