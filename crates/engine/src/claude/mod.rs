//! Claude Code (`claude`), driven over stream-json both ways.
//!
//! It is started in a way in which nothing of the company's folder can grant anything or run anything: settings, hooks,
//! agents, skills and tool servers that lie there are not loaded, and every tool call is asked for over stdin, reading
//! included. What it keeps lies in a folder of the session's where we pay, and in its usual place where it has its own
//! login.

mod args;
mod talk;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use contract::{EngineSpec, Error, ErrorCode};

use crate::programs::{Driver, Manners, NotOpened, Stand, Talk};
use crate::{Abilities, Approvals};

pub(crate) const LABEL: &str = "Claude Code";

/// How its agents find what they know by other names.
const WORDS: &str = "## Names Here\n\nYour `delegate` tool is called `Agent` here: `subagent_type` is the role, and \
    `prompt` the task. A role that `Agent` does not know is reached by `mcp__aicib__delegate`. Your `ask_founder` tool is \
    called `mcp__aicib__ask_founder`. Where you have none of these, you do not have the tool.";

/// Drives Claude Code.
pub(crate) struct ClaudeCode;

impl ClaudeCode {
    /// A driver for the program that the spec names.
    ///
    /// # Errors
    /// `engine.not_found` where it names none.
    pub fn open(spec: &EngineSpec) -> Result<ClaudeCode, Error> {
        if spec.program.as_deref().is_none_or(str::is_empty) {
            return Err(Error::new(
                ErrorCode::ENGINE_NOT_FOUND,
                "Claude Code is not on this machine.",
                "Install it with `npm install -g @anthropic-ai/claude-code`, or say in Settings where it is.",
            ));
        }
        Ok(ClaudeCode)
    }
}

#[async_trait]
impl Driver for ClaudeCode {
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
        Manners { hands_out: true, listens: true, is_claude: true, words: WORDS }
    }

    async fn open<'a>(&self, stand: &Stand<'a>) -> Result<Box<dyn Talk + 'a>, NotOpened> {
        Ok(Box::new(talk::ClaudeTalk::open(stand).await?))
    }
}
