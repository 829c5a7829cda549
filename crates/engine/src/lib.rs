//! One engine trait and its agents: models over the network, programs of others, and practice.
//!
//! An engine plays a [`Brief`]: the CEO works through a loop of model calls and tool calls, and hands work to its
//! reports, who work the same way at the same time. Models share that loop and the tools; a program has its own, and a
//! stage on which it is played. Each act passes one gate first. What happens is told to the [`Host`] as events, in order, before it has effects outside.

mod acp;
mod agent_loop;
mod anthropic;
mod bridge;
mod calls;
mod claude;
mod codex;
mod compaction;
mod context;
mod conversation;
mod delegation;
mod engines;
mod entry;
mod founder;
mod gate;
mod guard;
mod host;
mod ids;
mod keeping;
mod kept;
mod memory;
mod model;
mod openai;
mod patience;
mod play;
mod practice;
pub mod prices;
mod programs;
mod provider;
mod readers;
mod refusal;
mod repair;
mod replay;
mod share;
mod steps;
mod tools;
mod trial;
mod voice;

pub use acp::{AcpAgent, acp_agents};
pub use engines::{open, open_with};
pub use host::{Abilities, Approvals, Brief, Ending, Engine, Grants, Host, Ids, KeptFiles, Memory, Question, Rules};
pub use kept::Found;
pub use model::Usage;
pub use patience::Patience;
pub use replay::{Replayed, replay};
pub use trial::{TRIAL_MODEL, TRIAL_QUESTION, trial};
