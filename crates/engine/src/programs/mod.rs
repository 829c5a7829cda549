//! Engines that are programs of somebody else's: a conversation with each agent, played on a process that we start,
//! watch, ask, stop and bill.
//!
//! A [`Driver`] knows one program: how it is started and what it is told. A [`Talk`] is a conversation with it, and
//! says as [`Happened`] what goes on there. The stage turns that into events, counts money and turns, asks for leave,
//! and ends what has to end. Whatever a program says is hostile; nothing of it is believed that we can see ourselves.

mod doors;
mod engine;
mod errands;
mod ground;
pub(crate) mod jsonrpc;
mod lines;
mod log;
mod money;
mod opening;
mod program;
mod spans;
mod stage;
mod waits;

use async_trait::async_trait;
use company::AgentFile;
use contract::{Decision, EngineSpec, Error};

use crate::readers::Happened;
use crate::{Abilities, Brief, Host};

pub(crate) use self::engine::{Mute, delegate, open};
pub(crate) use doors::Door;
pub(crate) use program::{Line, Program, Setup};

/// Knows one program.
#[async_trait]
pub(crate) trait Driver: Send + Sync {
    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// How it is with the conversations that it leads.
    fn manners(&self) -> Manners;

    /// Starts the program, and begins a conversation or takes one up. Nothing is said yet: no turn begins before
    /// [`Talk::send`].
    ///
    /// # Errors
    /// [`NotOpened::Unknown`] where the conversation to take up is not there any more; it is begun anew then.
    async fn open<'a>(&self, stand: &Stand<'a>) -> Result<Box<dyn Talk + 'a>, NotOpened>;
}

/// How a program is with its conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manners {
    /// It has agents of its own that it hands work to, and is told of ours ([`Stand::reports`]). The others are given
    /// a tool for it.
    pub hands_out: bool,
    /// It takes words in mid-turn ([`Talk::send`]); the others are told after the turn.
    pub listens: bool,
    /// Its model is one of Claude's, so that the agents' own names for models mean something to it.
    pub is_claude: bool,
    /// What an agent is told of how its tools are named there (`delegate`, `ask_founder`); empty where there is nothing
    /// to say.
    pub words: &'static str,
}

/// All that a conversation begins with.
#[derive(Clone)]
pub(crate) struct Stand<'a> {
    /// The brief: folders, limits, marks.
    pub brief: &'a Brief,
    /// Where lines and signs of life go.
    pub host: &'a dyn Host,
    /// The engine as the founder's settings have it.
    pub spec: &'a EngineSpec,
    /// Whose conversation it is.
    pub agent: &'a AgentFile,
    /// What the agent is told before all else.
    pub system: &'a str,
    /// The model; none for the program's own choice.
    pub model: Option<&'a str>,
    /// The program's own name for the conversation to take up.
    pub conversation: Option<String>,
    /// Agents that the program hands work to by itself; empty unless [`Manners::hands_out`].
    pub reports: &'a [Report],
    /// Where it finds our tools and, where we pay, its model.
    pub door: Option<&'a Door>,
    /// Turns of one message of ours; 0 for no limit. The stage counts as well.
    pub turns: u32,
    /// The folder for temporary files of this conversation alone. It is there.
    pub tmp_dir: &'a std::path::Path,
}

/// An agent that the program hands work to by itself.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Its role, which is its name there.
    pub role: String,
    /// What it is for, in a line.
    pub description: String,
    /// What it is told before its task.
    pub prompt: String,
    /// Its model, as the company names it.
    pub model: String,
    /// The tools that it may use, by our names ([`company::TOOLS`]).
    pub tools: Vec<String>,
}

/// Why no conversation was opened.
#[derive(Debug)]
pub(crate) enum NotOpened {
    /// The program does not know the conversation that it was to take up.
    Unknown,
    /// Anything else.
    Failed(Box<Error>),
}

impl From<Error> for NotOpened {
    fn from(error: Error) -> NotOpened {
        NotOpened::Failed(Box::new(error))
    }
}

/// A conversation with a program. One that is dropped leaves processes behind: [`Talk::close`] is always called.
#[async_trait]
pub(crate) trait Talk: Send {
    /// Says something to the agent: a turn begins. In mid-turn it is heard as [`Manners::listens`] says; the others
    /// are not told anything in mid-turn. It waits for nothing.
    ///
    /// # Errors
    /// `engine.failed` where the program does not read any more. [`Talk::next`] tells how it ended.
    async fn send(&mut self, text: &str) -> Result<(), Error>;

    /// Breaks the turn off. That it did is told by [`Happened::TurnEnded`]; the conversation can go on then.
    ///
    /// # Errors
    /// As [`Talk::send`].
    async fn interrupt(&mut self) -> Result<(), Error>;

    /// Answers [`Happened::Asks`].
    ///
    /// # Errors
    /// As [`Talk::send`].
    async fn answer(&mut self, ask: &str, decision: &Decision) -> Result<(), Error>;

    /// What happens next, in order. A turn that the program did not live to end is ended by a [`Happened::TurnEnded`]
    /// before `None`, which says that the program is gone. Nothing is lost by dropping the future.
    async fn next(&mut self) -> Option<Happened>;

    /// Whether words that were sent are still to be heard: after a turn's end the next one begins by itself.
    fn owes(&self) -> bool {
        false
    }

    /// Ends the program and all that it started, within the brief's grace: nothing of it is left when this returns.
    async fn close(&mut self) -> process::Stopped;
}
