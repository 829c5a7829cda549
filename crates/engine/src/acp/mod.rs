//! Any agent that speaks the Agent Client Protocol, as a process that we drive.
//!
//! An agent is offered neither files nor terminals of ours: it acts by itself, in its own confined process, and asks
//! before it does. A company's folder is hostile, and some agents take settings from the folder that they work in:
//! each is told not to, in its own way ([`agents`]).

mod agents;
mod answer;
mod begin;
mod calls;
mod setup;
mod talk;

use async_trait::async_trait;
use contract::{EngineSpec, Error, ErrorCode, one_line};

pub(crate) use agents::agent;
pub use agents::{AcpAgent, acp_agents};

use crate::Abilities;
use crate::host::Approvals;
use crate::programs::{Driver, Manners, NotOpened, Stand, Talk};

/// Knows one of the agents.
pub(crate) struct Acp {
    agent: &'static AcpAgent,
}

impl Acp {
    /// The agent that a spec names.
    ///
    /// # Errors
    /// `engine.unavailable` for one that nobody knows.
    pub fn of(spec: &EngineSpec) -> Result<Acp, Error> {
        let known = || acp_agents().iter().map(|agent| agent.id).collect::<Vec<_>>().join(", ");
        agent(&spec.agent).map(|agent| Acp { agent }).ok_or_else(|| {
            Error::new(
                ErrorCode::ENGINE_UNAVAILABLE,
                format!("No agent `acp:{}` is known.", one_line(&spec.agent, 60)),
                format!("Choose one of {}, with `acp:` before it.", known()),
            )
        })
    }
}

#[async_trait]
impl Driver for Acp {
    fn abilities(&self) -> Abilities {
        Abilities {
            history: true,
            delegation: true,
            usage: true,
            charges: true,
            follow_up: true,
            interrupt: true,
            resume: true,
            approvals: Approvals::Asks,
        }
    }

    fn manners(&self) -> Manners {
        Manners {
            hands_out: false,
            listens: false,
            is_claude: self.agent.is_claude,
            words: "The tools `delegate` and `ask_founder` are those of the MCP server `aicib`.",
        }
    }

    async fn open<'a>(&self, stand: &Stand<'a>) -> Result<Box<dyn Talk + 'a>, NotOpened> {
        begin::open(self.agent, stand).await
    }
}
