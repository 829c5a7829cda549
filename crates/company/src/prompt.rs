//! What agents are told.
use contract::Money;

use crate::{AgentFile, Company};

/// What a prompt has to know beside the company.
#[derive(Clone, Debug, Default)]
pub struct PromptOptions {
    /// The tools the agent has, by the names the model sees.
    pub tools: Vec<String>,
    /// Whether agents may run commands in this run.
    pub commands: bool,
    /// The brief's own limit; zero for none.
    pub max_cost_usd: Money,
}

/// An agent's system prompt.
pub fn system(_company: &Company, agent: &AgentFile, _options: &PromptOptions) -> String {
    agent.body.clone()
}

/// A brief, as the CEO gets it.
pub fn brief(_company: &Company, directive: &str) -> String {
    directive.to_owned()
}

/// A task, as an agent gets it from the one that delegated it (a role).
pub fn task(_company: &Company, _from: &str, task: &str) -> String {
    task.to_owned()
}
