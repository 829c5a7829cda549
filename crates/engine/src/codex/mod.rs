//! Codex (`codex`), as a process that we drive: its app-server, or `codex exec` where there is none.
//!
//! A folder that Codex trusts may bring config of its own, with programs that Codex starts. A company's folder is
//! hostile, so it is never trusted: conversations begin read-only, since beginning one with more makes Codex trust the
//! folder for good, and each turn says what it may do.

mod args;
mod exec;
mod native;
mod server;

pub(crate) use args::provider;
use async_trait::async_trait;
use contract::ErrorCode;

use crate::Abilities;
use crate::host::Approvals;
use crate::programs::{Driver, Manners, NotOpened, Stand, Talk};

/// Its name on screen.
const LABEL: &str = "Codex";

/// Knows Codex.
pub(crate) struct Codex;

#[async_trait]
impl Driver for Codex {
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
            listens: true,
            is_claude: false,
            words: "The tools `delegate` and `ask_founder` are those of the MCP server `aicib`.",
        }
    }

    async fn open<'a>(&self, stand: &Stand<'a>) -> Result<Box<dyn Talk + 'a>, NotOpened> {
        match server::open(stand).await {
            Err(NotOpened::Failed(error)) if error.code == ErrorCode::ENGINE_UNSUPPORTED => {
                tracing::info!("this Codex has no app-server: each turn is a process of its own");
                exec::open(stand)
            }
            opened => opened,
        }
    }
}
