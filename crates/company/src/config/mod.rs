//! `aicib.config.yaml`: what it says, what is wrong with it, and how to change one value and nothing else.
//!
//! The text is the truth: nothing here writes a config from values. Sections of the original's config that this
//! program does not use are checked and kept; sections nobody knows are kept.

mod check;
mod edit;
mod known;
pub(crate) mod rules;
mod values;

use std::sync::LazyLock;

use contract::{ConfigFault, Error, ErrorCode};
use serde_json::{Map, Value, json};

use crate::yaml::{Node, parse, short};
use crate::{CONFIG_FILE, MAX_CONFIG_BYTES};
use check::Fault;
pub(crate) use edit::{quote, scalar};
pub use rules::PRESETS;
pub use rules::is_any_model;
pub(crate) use rules::{engine_names, is_engine, is_model, is_role};
pub use values::{AgentSettings, Config, PriceGiven};

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

/// What whoever has just set a key should know of it: that nothing reads it yet, or that another goes before it.
pub fn warnings_of(text: &str, key: &str) -> Vec<String> {
    let path: Vec<&str> = key.split('.').collect();
    let mut found: Vec<String> = known::unread(&path).map(|what| not_used_yet(&what)).into_iter().collect();
    if path == ["engine", "mode"]
        && let Ok(Value::String(over)) = get(text, Some("engines.use"))
    {
        found.push(format!(
            "engines.use says {}, and goes before engine.mode. Change that: `aicib config set engines.use NAME`.",
            contract::one_line(&over, 60)
        ));
    }
    found
}

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
        Some(root) if grave.is_empty() => Ok((values::config(merged(Some(&root))), lines_of(slips(&root)))),
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

/// Keys that nothing reads, where somebody may think that something does, with their lines.
fn slips(root: &Node) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for section in ["settings", "engine", "engines", "tools", "persona"] {
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
