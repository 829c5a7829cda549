//! A company folder as values: config, agents, structures, prompts.
//!
//! A folder is a company when it holds [`CONFIG_FILE`]; its agents are the Markdown files of [`AGENTS_DIR`]. Both
//! may have been written by anybody: everything read here is bounded, and nothing in a folder says where a
//! provider is or which key to use.

mod agents;
pub mod autonomy;
mod company;
pub mod config;
mod create;
pub mod escalation;
mod files;
pub mod modules;
pub mod persona;
pub mod prompt;
pub mod skills;
mod staff;
pub mod task_list;
mod yaml;

pub use agents::{AgentFile, Said, TOOLS, agent_parts, agent_text, save_agent};
pub use company::{BrokenAgent, CEO, Company, config_text, find, load, write_config};
pub use config::{Config, is_any_model as is_model_name};
pub use create::{Create, ENGINES, PERSONAS, STRUCTURES, TEMPLATES, create};
pub use staff::{Changes, NewAgent, Removed, add_agent, remove_agent, set_agent};

/// The config's file name.
pub const CONFIG_FILE: &str = "aicib.config.yaml";
/// The folder of agent files, below the company's.
pub const AGENTS_DIR: &str = ".claude/agents";
/// Bytes of a config, at most.
pub const MAX_CONFIG_BYTES: u64 = 1024 * 1024;
/// Bytes of an agent's file, at most.
pub const MAX_AGENT_BYTES: u64 = 256 * 1024;
/// Agents of a company, at most.
pub const MAX_AGENTS: usize = 100;
