//! `aicib.config.yaml`.
use std::collections::BTreeMap;

use contract::{ConfigFault, Error, Money};
use serde_json::Value;

/// A config that holds, defaults merged in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The company's name.
    pub name: String,
    /// Its template (`saas-startup`); empty where none is named.
    pub template: String,
    /// What the company is, for its agents; empty where the config does not say.
    pub about: String,
    /// The engine as the config names it: `auto`, `anthropic-api`, `practice`, the original's `claude-code`, or any
    /// other name.
    pub engine: String,
    /// What a day may cost; zero means no limit.
    pub daily_limit: Money,
    /// What a month may cost; zero means no limit.
    pub monthly_limit: Money,
    /// Whether agents of real models may run commands.
    pub commands_allowed: bool,
    /// The persona preset (`professional`).
    pub persona: String,
    /// What the config says of agents, by role.
    pub agents: BTreeMap<String, AgentSettings>,
    /// Everything, custom sections included.
    pub value: Value,
}

/// What a config says of one agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentSettings {
    /// Whether it is on the team; the file decides where the config does not say.
    pub enabled: Option<bool>,
    /// Its model, over the file's.
    pub model: Option<String>,
    /// The head it is listed under as a worker.
    pub reports_to: Option<String>,
}

/// Every fault of a config, and what is odd about it but harms nothing.
pub fn validate(_text: &str) -> (Vec<ConfigFault>, Vec<String>) {
    (Vec::new(), Vec::new())
}

/// The value of a key with dots, defaults merged in; everything where no key is given.
///
/// # Errors
/// `config.invalid` where the text does not parse, `config.key_unknown` where there is no such key.
pub fn get(_text: &str, _key: Option<&str>) -> Result<Value, Error> {
    Err(Error::internal("unfinished"))
}

/// The text with one value changed and every other byte as it was.
///
/// # Errors
/// `config.invalid` where the text does not parse or would not hold with that value, `config.key_unknown` for a
/// key that a section of ours does not have.
pub fn set(_text: &str, _key: &str, _value: &str) -> Result<String, Error> {
    Err(Error::internal("unfinished"))
}
