//! What a config says, as values for those who act on it.

use std::collections::BTreeMap;

use contract::Money;
use serde_json::Value;

use super::MAX_KEYS;
use crate::autonomy;

/// A config that holds, defaults merged in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The company's name.
    pub name: String,
    /// Its template (`saas-startup`).
    pub template: String,
    /// What the company is, for its agents; empty where the config does not say.
    pub about: String,
    /// The engine as the config names it, `engines.use` before `engine.mode`: `auto`, `anthropic-api` (the original's
    /// `claude-api` is the same), `claude-code`, `practice`, `acp:gemini`, or any other name. Whoever runs a brief says
    /// what to do with it.
    pub engine: String,
    /// The model of engines whose models are not Claude's; empty for the engine's own choice.
    pub model: String,
    /// The engine that stands in between briefs where the company's own is out of quota or down; empty for none.
    pub fallback: String,
    /// What a day may cost; zero means no limit.
    pub daily_limit: Money,
    /// What a month may cost; zero means no limit.
    pub monthly_limit: Money,
    /// What a session may cost; zero means no limit.
    pub session_limit: Money,
    /// Tokens that a day may use; zero means no limit.
    pub daily_tokens: i64,
    /// Tokens that a month may use; zero means no limit.
    pub monthly_tokens: i64,
    /// Tokens that a brief may use; zero means no limit.
    pub brief_tokens: i64,
    /// Prices that the company gives for models, in the order of their names.
    pub prices: Vec<PriceGiven>,
    /// Whether agents of real models may run commands; where the config does not say, they may where they are confined.
    pub commands: Option<bool>,
    /// The persona preset (`professional`).
    pub persona: String,
    /// Presets of single agents, by role.
    pub persona_overrides: BTreeMap<String, String>,
    /// What the config says of agents, by role.
    pub agents: BTreeMap<String, AgentSettings>,
    /// Everything, defaults merged in, custom sections included. Secrets are blanked out.
    pub value: Value,
}

/// What a config says of one agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentSettings {
    /// Whether it is on the team; its file decides where the config does not say.
    pub enabled: Option<bool>,
    /// Its model, over the file's.
    pub model: Option<String>,
    /// Its engine, over the file's.
    pub engine: Option<String>,
    /// Its model on engines whose models are not Claude's, over the file's.
    pub engine_model: Option<String>,
    /// The head that lists it as a worker.
    pub reports_to: Option<String>,
    /// Its name on screen, over the file's.
    pub display_name: Option<String>,
    /// Its preset, over the file's.
    pub persona: Option<String>,
    /// Its skills, over the file's and over the section `skills`.
    pub skills: Option<Vec<String>>,
    /// Its level, over the file's and over the section `autonomy`.
    pub autonomy: Option<String>,
    /// What its calls may cost in a day; zero means no limit of its own.
    pub daily_limit: Option<Money>,
}

/// The price that a company gives for a model, in dollars per million tokens. What is not given is the table's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceGiven {
    /// The model: a short name, or the beginning of an id.
    pub model: String,
    /// Input tokens.
    pub input: Option<f64>,
    /// Output tokens.
    pub output: Option<f64>,
    /// Input tokens read from the provider's cache.
    pub cache_read: Option<f64>,
    /// Input tokens written to it.
    pub cache_write: Option<f64>,
}

impl Config {
    /// Whether a section is on: it is, unless its `enabled` is false (E074).
    pub fn is_on(&self, section: &str) -> bool {
        self.value[section]["enabled"].as_bool().unwrap_or(true)
    }

    /// What an agent's calls may cost in a day; zero for no limit of its own.
    pub fn agent_limit(&self, role: &str) -> Money {
        self.agents.get(role).and_then(|agent| agent.daily_limit).unwrap_or(Money::ZERO)
    }

    /// The level that holds for a role whose file says `file`: its own in `agents`, else the section's, else the
    /// file's, else the default.
    pub fn autonomy_of(&self, role: &str, file: Option<&str>) -> autonomy::Level {
        let section = &self.value["autonomy"];
        let own = self.agents.get(role).and_then(|agent| agent.autonomy.as_deref());
        let over = own.or(section["overrides"][role]["level"].as_str());
        autonomy::level(over, file, section["default_level"].as_str())
    }

    /// The targets that the config gives a role's escalation.
    pub fn chain_of(&self, role: &str) -> Option<Vec<String>> {
        names(&self.value["escalation"]["chain_overrides"][role])
    }
}

/// A list of texts, or a single one.
fn names(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(name) => Some(vec![name.clone()]),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}

/// What a config's values, defaults merged in, say.
pub(super) fn config(value: Value) -> Config {
    let text = |section: &str, key: &str| value[section][key].as_str().unwrap_or_default().trim().to_owned();
    let or = |given: String, default: &str| if given.is_empty() { default.to_owned() } else { given };
    let limit = |key: &str| value["settings"][key].as_f64().map_or(Money::ZERO, limit);
    let tokens = |key: &str| value["settings"][key].as_f64().map_or(0, whole);
    let overrides = value["persona"]["overrides"].as_object().into_iter().flatten();
    Config {
        name: contract::one_line(&text("company", "name"), 80),
        template: text("company", "template"),
        about: text("company", "about"),
        engine: match or(text("engines", "use"), &or(text("engine", "mode"), "claude-code")).as_str() {
            "claude-api" => "anthropic-api".to_owned(),
            name => name.to_owned(),
        },
        model: text("engines", "model"),
        fallback: text("engines", "fallback"),
        daily_limit: limit("cost_limit_daily"),
        monthly_limit: limit("cost_limit_monthly"),
        session_limit: limit("cost_limit_session"),
        daily_tokens: tokens("token_limit_daily"),
        monthly_tokens: tokens("token_limit_monthly"),
        brief_tokens: tokens("token_limit_brief"),
        prices: prices(&value["engine"]["prices"]),
        commands: value["tools"]["commands"].as_bool(),
        persona: or(text("persona", "preset"), "professional"),
        persona_overrides: overrides
            .filter_map(|(role, preset)| Some((role.clone(), preset.as_str()?.to_owned())))
            .collect(),
        agents: agents(&value),
        value,
    }
}

/// A limit in dollars. Zero means none, so what is above zero must not round to it, nor what is huge wrap to it.
fn limit(dollars: f64) -> Money {
    let largest = Money::nanos(9_000_000_000_000_000 - 1);
    match Money::dollars(dollars) {
        Some(money) if money == Money::ZERO && dollars > 0.0 => Money::nanos(1),
        Some(money) => money,
        None => largest,
    }
}

/// A limit in tokens. What is above zero must not round to it.
fn whole(tokens: f64) -> i64 {
    // A float above the largest integer becomes that one.
    if tokens > 0.0 { (tokens as i64).max(1) } else { 0 }
}

fn prices(value: &Value) -> Vec<PriceGiven> {
    let listed = value.as_object().into_iter().flatten().take(MAX_KEYS);
    let mut all: Vec<PriceGiven> = listed
        .map(|(model, given)| PriceGiven {
            model: model.clone(),
            input: given["input"].as_f64(),
            output: given["output"].as_f64(),
            cache_read: given["cache_read"].as_f64(),
            cache_write: given["cache_write"].as_f64(),
        })
        .collect();
    all.sort_by(|a, b| a.model.cmp(&b.model));
    all
}

fn agents(value: &Value) -> BTreeMap<String, AgentSettings> {
    let mut all: BTreeMap<String, AgentSettings> = BTreeMap::new();
    let mut take = |role: &str, given: &Value, head: Option<&str>| {
        let agent = all.entry(role.to_owned()).or_default();
        agent.enabled = given["enabled"].as_bool().or(agent.enabled.take());
        agent.model = given["model"].as_str().map(str::to_owned).or(agent.model.take());
        agent.engine = given["engine"].as_str().map(str::to_owned).or(agent.engine.take());
        agent.engine_model = given["engine_model"].as_str().map(str::to_owned).or(agent.engine_model.take());
        agent.persona = given["persona"].as_str().map(str::to_owned).or(agent.persona.take());
        agent.autonomy = given["autonomy"].as_str().map(str::to_owned).or(agent.autonomy.take());
        agent.skills = names(&given["skills"]).or(agent.skills.take());
        agent.daily_limit = given["cost_limit_daily"].as_f64().map(limit).or(agent.daily_limit);
        let name = given["display_name"].as_str().filter(|name| !name.trim().is_empty());
        agent.display_name = name.map(str::to_owned).or(agent.display_name.take());
        agent.reports_to = head.map(str::to_owned).or(agent.reports_to.take());
    };
    let listed = || value["agents"].as_object().into_iter().flatten();
    for (role, given) in listed() {
        for worker in given["workers"].as_array().into_iter().flatten() {
            match worker {
                Value::String(worker) => take(worker, &Value::Null, Some(role)),
                Value::Object(entries) => entries.iter().for_each(|(worker, given)| take(worker, given, Some(role))),
                _ => {}
            }
        }
    }
    // What stands under a role of its own is said of it last, over what its head's list says.
    for (role, given) in listed() {
        take(role, given, None);
    }
    for (role, given) in value["persona"]["agents"].as_object().into_iter().flatten() {
        let name = given["display_name"].as_str().filter(|name| !name.trim().is_empty());
        if let Some(name) = name {
            all.entry(role.clone()).or_default().display_name.get_or_insert_with(|| name.to_owned());
        }
    }
    all
}
