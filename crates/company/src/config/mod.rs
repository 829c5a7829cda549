//! `aicib.config.yaml`: what it says, what is wrong with it, and how to change one value and nothing else.
//!
//! The text is the truth: nothing here writes a config from values. Sections of the original's config that this
//! program does not use are checked and kept; sections nobody knows are kept.

mod check;
mod edit;
mod known;
pub(crate) mod rules;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use contract::{ConfigFault, Error, ErrorCode, Money};
use serde_json::{Map, Value, json};

use crate::yaml::{Node, parse, short};
use crate::{CONFIG_FILE, MAX_CONFIG_BYTES, autonomy};
use check::Fault;
pub(crate) use edit::quote;
pub(crate) use edit::scalar;
pub use rules::PRESETS;
pub(crate) use rules::{is_model, is_role};

/// Keys of one mapping that are looked at for slips of the hand.
const MAX_KEYS: usize = 200;
/// Warnings told, at most.
const MAX_WARNINGS: usize = 100;
/// Levels of keys below which everything is read.
const UNREAD_DEPTH: usize = 4;

static DEFAULTS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../assets/defaults.json")).unwrap_or_default());

fn defaults() -> &'static Value {
    &DEFAULTS
}

/// A config that holds, defaults merged in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The company's name.
    pub name: String,
    /// Its template (`saas-startup`).
    pub template: String,
    /// What the company is, for its agents; empty where the config does not say.
    pub about: String,
    /// The engine as the config names it: `auto`, `anthropic-api` (the original's `claude-api` is the same),
    /// `practice`, the original's `claude-code`, or any other name. Whoever runs a brief says what to do with it.
    pub engine: String,
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
    /// Whether agents of real models may run commands.
    pub commands_allowed: bool,
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

/// Every fault of a config, in the order of the file, and what is odd about it but harms nothing.
pub fn validate(text: &str) -> (Vec<ConfigFault>, Vec<String>) {
    let (root, faults) = read(text);
    let warnings = root.as_ref().map(|root| lines_of([slips(root), not_yet(root)].concat())).unwrap_or_default();
    (faults.iter().map(Fault::to_contract).collect(), warnings)
}

/// The value of a key with dots, defaults merged in. Where no key is given: the sections that this program reads and
/// those that the file holds. Secrets are blanked out.
///
/// # Errors
/// `config.invalid` where the text does not parse, `config.key_unknown` where there is no such key.
pub fn get(text: &str, key: Option<&str>) -> Result<Value, Error> {
    let root = parsed(text).map_err(|fault| invalid(CONFIG_FILE, &[fault]))?;
    let all = merged(root.as_ref());
    let path: Vec<&str> = match key {
        Some(key) => key.split('.').collect(),
        None => return Ok(in_use(all, root.as_ref())),
    };
    let key = key.unwrap_or_default();
    match path.iter().try_fold(&all, |value, name| below(value, name)) {
        Some(value) => Ok(value.clone()),
        None if known::is_key(&path) => Ok(Value::Null),
        None => Err(unknown_key(key)),
    }
}

/// The text with one value changed (or its line, or its section, added) and every other byte as it was. `value` is
/// what would stand in YAML; what would not read as one value there is quoted as a text.
///
/// # Errors
/// `config.invalid` where the text does not parse, where it would have a new fault, or where the value cannot be
/// changed by itself; `config.key_unknown` for a key that a section of ours does not have.
pub fn set(text: &str, key: &str, value: &str) -> Result<String, Error> {
    let root = parsed(text).map_err(|fault| invalid(CONFIG_FILE, &[fault]))?;
    let before = check::faults(root.as_ref());
    let path: Vec<&str> = key.split('.').collect();
    may_set(key, &path, root.as_ref())?;
    let wants_text = known::rule(&path).is_some_and(rules::Check::wants_text);
    let changed = edit::replace(text, root.as_ref(), &path, value, wants_text)?;
    if changed.len() as u64 > MAX_CONFIG_BYTES {
        return Err(Error::new(
            ErrorCode::CONFIG_INVALID,
            format!("With that value {CONFIG_FILE} would be larger than {MAX_CONFIG_BYTES} bytes."),
            "Keep long texts in files of their own.",
        ));
    }
    let (_, after) = read(&changed);
    let is_new = |fault: &&Fault| fault.key == key || !before.iter().any(|old| old.key == fault.key);
    match after.iter().find(is_new) {
        Some(fault) => Err(refused(fault)),
        None => Ok(changed),
    }
}

/// What whoever has just set a key should know of it: that nothing reads it yet, or that what it names cannot be used
/// yet.
pub fn warnings_of(text: &str, key: &str) -> Vec<String> {
    let path: Vec<&str> = key.split('.').collect();
    let mut found: Vec<String> = known::unread(&path).map(|what| not_used_yet(&what)).into_iter().collect();
    if path == ENGINE && get(text, Some(key)).is_ok_and(|value| value == CLAUDE_CODE) {
        found.push(NOT_DRIVEN_YET.to_owned());
    }
    found
}

/// The key of the engine, the value of it that nothing drives yet, and what is said of that.
const ENGINE: [&str; 2] = ["engine", "mode"];
const CLAUDE_CODE: &str = "claude-code";
const NOT_DRIVEN_YET: &str = "AICIB does not drive the engine claude-code yet, and refuses briefs with it. Choose auto, \
                              anthropic-api or practice.";

fn not_used_yet(what: &str) -> String {
    format!("AICIB does not use `{what}` yet; it is kept for when it does.")
}

/// A value's part by a key, or by a role in a list of workers.
fn below<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| match item {
            Value::String(role) if role == name => Some(&Value::Null),
            item => item.get(name),
        }),
        value => value.get(name),
    }
}

/// The sections that this program reads, and those that the file holds.
fn in_use(all: Value, root: Option<&Node>) -> Value {
    let Value::Object(mut sections) = all else { return all };
    sections.retain(|name, _| known::is_read(name) || root.is_some_and(|root| root.get(name).is_some()));
    Value::Object(sections)
}

/// The error for a value that was not taken.
fn refused(fault: &Fault) -> Error {
    let ConfigFault { key, message, .. } = fault.to_contract();
    let fix = "Give it another value; the file is as it was.";
    Error::new(ErrorCode::CONFIG_INVALID, message.clone(), fix)
        .with(json!({ "file": CONFIG_FILE, "key": key, "expected": message }))
}

/// Reads a config that has to hold. `file` is how errors name it.
///
/// # Errors
/// `config.invalid` with every fault in its data.
pub(crate) fn open(text: &str, file: &str) -> Result<(Config, Vec<String>), Error> {
    let (root, faults) = read(text);
    let grave: Vec<Fault> = faults.into_iter().filter(|fault| !fault.opens).collect();
    match root {
        Some(root) if grave.is_empty() => Ok((config(&root), lines_of(slips(&root)))),
        _ => Err(invalid(file, &grave)),
    }
}

/// The tree and its faults; no tree where the text does not parse.
fn read(text: &str) -> (Option<Node>, Vec<Fault>) {
    match parsed(text) {
        Ok(root) => {
            let faults = check::faults(root.as_ref());
            (root, faults)
        }
        Err(fault) => (None, vec![fault]),
    }
}

/// The tree; none where the text holds nothing but comments.
fn parsed(text: &str) -> Result<Option<Node>, Fault> {
    if text.len() as u64 > MAX_CONFIG_BYTES {
        let message = format!("Expected at most {MAX_CONFIG_BYTES} bytes, and the file has {}.", text.len());
        return Err(Fault { line: None, key: String::new(), message, opens: false });
    }
    Ok(parse(text)?)
}

fn invalid(file: &str, faults: &[Fault]) -> Error {
    let Some(first) = faults.first() else {
        return Error::new(ErrorCode::CONFIG_INVALID, format!("{file} does not hold."), "Run `aicib config validate`.");
    };
    let place = first.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let more = match faults.len() - 1 {
        0 => String::new(),
        1 => " One more fault is in it.".to_owned(),
        more => format!(" {more} more faults are in it."),
    };
    let fix = if faults.len() == 1 { "Correct that line." } else { "`aicib config validate` lists them all." };
    let listed: Vec<ConfigFault> = faults.iter().map(Fault::to_contract).collect();
    let ConfigFault { line, key, message } = first.to_contract();
    Error::new(ErrorCode::CONFIG_INVALID, format!("{file}{place}: {message}{more}"), fix).with(json!({
        "file": file,
        "line": line,
        "key": key,
        "expected": message,
        "faults": listed,
    }))
}

fn unknown_key(key: &str) -> Error {
    let fix = match (known::founders_setting(key), known::suggestion(key)) {
        (Some(name), _) => {
            format!("It is a setting of yours, not of the company: `aicib settings set {name} VALUE`.")
        }
        (None, Some(meant)) => format!("Did you mean {meant}?"),
        (None, None) => "`aicib config get` lists what there is.".to_owned(),
    };
    Error::new(ErrorCode::CONFIG_KEY, format!("The config has no key {:?}.", contract::one_line(key, 80)), fix)
}

fn may_set(key: &str, path: &[&str], root: Option<&Node>) -> Result<(), Error> {
    let is_name =
        |name: &str| !name.is_empty() && name.len() <= 80 && !name.chars().any(|c| c.is_control() || c.is_whitespace());
    if !path.iter().all(|name| is_name(name)) || path.len() > 16 {
        return Err(unknown_key(key));
    }
    if path.iter().any(|name| is_secret(name)) {
        return Err(Error::new(
            ErrorCode::CONFIG_KEY,
            format!("{key} would put a secret into a file, and nothing reads one from there."),
            "`aicib key set` keeps a provider's key in the keychain.",
        ));
    }
    let section = path.first().copied().unwrap_or_default();
    if known::is_section(section) {
        if !known::is_key(path) {
            return Err(unknown_key(key));
        }
        return match path {
            ["agents", head, "workers", worker, ..] => has_worker(root, head, worker),
            _ => Ok(()),
        };
    }
    if root.is_some_and(|root| root.get(section).is_some()) {
        return Ok(());
    }
    // A section of the founder's own. A slip of the hand must not make one.
    let meant = known::section_suggestion(section);
    match (path, meant) {
        ([_], _) => Err(unknown_key(key)),
        (_, Some(meant)) => Err(Error::new(
            ErrorCode::CONFIG_KEY,
            format!("The config has no section {section:?}."),
            format!("Did you mean {meant}?"),
        )),
        _ => Ok(()),
    }
}

/// A worker's settings stand where the head lists it.
fn has_worker(root: Option<&Node>, head: &str, worker: &str) -> Result<(), Error> {
    let list = ["agents", head, "workers"].iter().try_fold(root, |node, name| Some(node?.get(name)));
    if list.flatten().is_some_and(|list| below(&list.to_json(), worker).is_some()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::CONFIG_KEY,
        format!("{} lists no worker {:?}.", contract::one_line(head, 80), contract::one_line(worker, 80)),
        "`aicib agent list` shows who there is, and to whom they report.",
    ))
}

/// Whether a key's name says that its value is a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["api_key", "apikey", "api-key", "auth_token", "access_token", "bot_token", "app_token", "password", "secret"]
        .iter()
        .any(|word| name.ends_with(word))
}

fn blank_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if is_secret(name) && !text.is_empty() => *field = "(hidden)".into(),
                    _ => blank_secrets(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank_secrets),
        _ => {}
    }
}

/// Everything as JSON: defaults under what each section gives (E066), what nobody knows kept (E067).
fn merged(root: Option<&Node>) -> Value {
    let mut all = Map::new();
    for entry in root.map(Node::entries).unwrap_or_default() {
        all.insert(entry.key.clone(), entry.value.to_json());
    }
    for (section, fields) in defaults().as_object().into_iter().flatten() {
        let mut whole = fields.as_object().cloned().unwrap_or_default();
        match all.get_mut(section) {
            Some(Value::Object(given)) => whole.append(given),
            Some(Value::Null) | None => {}
            Some(_) => continue,
        }
        all.insert(section.clone(), Value::Object(whole));
    }
    let mut all = Value::Object(all);
    blank_secrets(&mut all);
    all
}

fn config(root: &Node) -> Config {
    let value = merged(Some(root));
    let text = |section: &str, key: &str| value[section][key].as_str().unwrap_or_default().trim().to_owned();
    let or = |given: String, default: &str| if given.is_empty() { default.to_owned() } else { given };
    let limit = |key: &str| value["settings"][key].as_f64().map_or(Money::ZERO, limit);
    let tokens = |key: &str| value["settings"][key].as_f64().map_or(0, whole);
    let overrides = value["persona"]["overrides"].as_object().into_iter().flatten();
    Config {
        name: contract::one_line(&text("company", "name"), 80),
        template: text("company", "template"),
        about: text("company", "about"),
        engine: match or(text("engine", "mode"), "claude-code").as_str() {
            "claude-api" => "anthropic-api".to_owned(),
            name => name.to_owned(),
        },
        daily_limit: limit("cost_limit_daily"),
        monthly_limit: limit("cost_limit_monthly"),
        session_limit: limit("cost_limit_session"),
        daily_tokens: tokens("token_limit_daily"),
        monthly_tokens: tokens("token_limit_monthly"),
        brief_tokens: tokens("token_limit_brief"),
        prices: prices(&value["engine"]["prices"]),
        commands_allowed: value["tools"]["commands"].as_bool().unwrap_or(false),
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

/// Keys that nothing reads, where somebody may think that something does, with their lines.
fn slips(root: &Node) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for section in ["settings", "engine", "tools", "persona"] {
        for entry in root.get(section).map(Node::entries).unwrap_or_default().iter().take(MAX_KEYS) {
            let (key, line) = (format!("{section}.{}", short(&entry.key)), entry.key_line);
            if is_secret(&entry.key) || entry.key.ends_with("base_url") {
                let what = format!(
                    "{key} is not read. Keys and addresses of providers never come from a company's folder; `aicib \
                     key set` keeps a key in the keychain."
                );
                found.push((line, what));
            } else if known::rule(&[section, &entry.key]).is_none() && !known::is_key(&[section, &entry.key]) {
                let meant = match (known::founders_setting(&key), known::suggestion(&key)) {
                    (Some(name), _) => format!(" `aicib settings set {name} VALUE` is for that."),
                    (None, Some(meant)) => format!(" Did you mean {meant}?"),
                    (None, None) => String::new(),
                };
                found.push((line, format!("nothing reads {key}.{meant}")));
            }
        }
    }
    for entry in root.entries().iter().take(MAX_KEYS) {
        if !known::is_section(&entry.key)
            && let Some(meant) = known::section_suggestion(&entry.key)
        {
            let what = format!("nothing reads the section {}. Did you mean {meant}?", entry.key);
            found.push((entry.key_line, what));
        }
    }
    found
}

/// What is meant for a later AICIB, with its line.
fn not_yet(root: &Node) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    unread(root, &mut Vec::new(), &mut found);
    if let Some(mode) = root.get(ENGINE[0]).and_then(|engine| engine.get(ENGINE[1]))
        && mode.text() == Some(CLAUDE_CODE)
    {
        found.push((mode.line, NOT_DRIVEN_YET.to_owned()));
    }
    found
}

fn lines_of(mut found: Vec<(usize, String)>) -> Vec<String> {
    found.sort_by_key(|(line, _)| *line);
    found.truncate(MAX_WARNINGS);
    found.into_iter().map(|(line, what)| format!("Line {line}: {what}")).collect()
}

/// Sections and keys of ours that nothing reads yet, below what is at `path`.
fn unread(node: &Node, path: &mut Vec<String>, found: &mut Vec<(usize, String)>) {
    if path.len() >= UNREAD_DEPTH {
        return;
    }
    for entry in node.entries().iter().take(MAX_KEYS) {
        path.push(entry.key.clone());
        let key: Vec<&str> = path.iter().map(String::as_str).collect();
        match known::unread(&key) {
            Some(what) => found.push((entry.key_line, not_used_yet(&contract::one_line(&what, 200)))),
            None => unread(&entry.value, path, found),
        }
        path.pop();
    }
}

/// The sections that have defaults.
#[cfg(test)]
pub(crate) fn sections_with_defaults() -> Vec<&'static str> {
    defaults().as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}
