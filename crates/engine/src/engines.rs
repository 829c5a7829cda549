//! The engines there are.

use std::time::Duration;

use async_trait::async_trait;
use contract::{EngineKind, EngineSpec, Error};

use crate::anthropic::Anthropic;
use crate::patience::Patience;
use crate::play::play;
use crate::practice::Practice;
use crate::{Abilities, Brief, Ending, Engine, Host};

/// How long a connection may take to stand.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The engine that a spec describes.
///
/// # Errors
/// `key.missing` without a key where one is needed, `config.invalid` for an address that keys must not be sent to.
pub fn open(spec: EngineSpec) -> Result<Box<dyn Engine>, Error> {
    open_with(spec, Patience::default())
}

/// [`open`] with other waits than the usual.
///
/// # Errors
/// As [`open`].
pub fn open_with(spec: EngineSpec, patience: Patience) -> Result<Box<dyn Engine>, Error> {
    Ok(match spec.kind {
        EngineKind::AnthropicApi => Box::new(AnthropicEngine { api: Anthropic::open(&spec, &patience)?, patience }),
        EngineKind::Practice => Box::new(PracticeEngine { pace: spec.pace, patience }),
    })
}

struct AnthropicEngine {
    api: Anthropic,
    patience: Patience,
}

#[async_trait]
impl Engine for AnthropicEngine {
    fn abilities(&self) -> Abilities {
        Abilities { history: true, delegation: true, usage: true, charges: true }
    }

    async fn run(&self, brief: &Brief, host: &dyn Host) -> Ending {
        play(brief, host, &self.api, &self.patience).await
    }
}

struct PracticeEngine {
    pace: f64,
    patience: Patience,
}

#[async_trait]
impl Engine for PracticeEngine {
    fn abilities(&self) -> Abilities {
        Abilities { history: false, delegation: true, usage: true, charges: false }
    }

    async fn run(&self, brief: &Brief, host: &dyn Host) -> Ending {
        let model = Practice::new(brief, self.pace);
        play(brief, host, &model, &self.patience).await
    }
}
