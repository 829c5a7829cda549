//! Changing who works in a company, and how: new agents, agents that go, and what the config says of one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::{Error, ErrorCode, Money, Time, role_name};
use jiff::Timestamp;
use serde_json::Value;

use crate::agents::{agent_to_save, check_role, existing_file, make_inside};
use crate::company::not_found;
use crate::config::{self, quote, scalar};
use crate::create::library_text;
use crate::{AGENTS_DIR, AgentFile, CEO, CONFIG_FILE, config_text, files};

/// Where the files of agents that were removed are kept, below the agents' folder.
const REMOVED: &str = ".removed";
/// Files of one role that are kept with the same stamp, at most.
const SAME_STAMP: usize = 100;

/// A new agent.
#[derive(Clone, Debug, Default)]
pub struct NewAgent<'a> {
    /// Its role.
    pub role: &'a str,
    /// Its file's text; the library's for a role that it has, else one made from the rest, where none is given.
    pub text: Option<&'a str>,
    /// Its name on screen.
    pub name: Option<&'a str>,
    /// The role it answers to; the CEO where none is named.
    pub reports_to: Option<&'a str>,
}

/// Adds an agent: writes its file.
///
/// # Errors
/// `agent.exists` where the role has a file, `agent.invalid` where the role or the text does not hold,
/// `company.folder` where it cannot be written.
pub fn add_agent(dir: &Path, new: &NewAgent<'_>) -> Result<AgentFile, Error> {
    let role = new.role;
    check_role(role)?;
    let folder = dir.join(AGENTS_DIR);
    let file = folder.join(format!("{role}.md"));
    let exists = |file: &Path| {
        Error::new(
            ErrorCode::AGENT_EXISTS,
            format!("There is an agent {role:?} already: {}.", files::shown(dir, file)),
            "Change that one, or choose another role.",
        )
    };
    if let Some(file) = existing_file(dir, role) {
        return Err(exists(&file));
    }
    let text = match (new.text, library_text(role)) {
        (Some(text), _) => text.to_owned(),
        (None, Some(text)) if new.name.is_none() && new.reports_to.is_none() => text.to_owned(),
        _ => plain_text(new),
    };
    let agent = agent_to_save(dir, &file, role, &text)?;
    let write = || {
        make_inside(dir, &folder)?;
        files::create_new(&file, &text)
    };
    match write() {
        Ok(()) => Ok(agent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&file)),
        Err(error) => Err(files::folder_error("write", &file, &error)),
    }
}

/// The file of an agent of whom nothing is known but its role.
fn plain_text(new: &NewAgent<'_>) -> String {
    let title = role_name(new.role);
    let head = new.reports_to.filter(|head| !head.trim().is_empty()).unwrap_or(CEO);
    let mut front = format!("role: {}\ntitle: {}\nreports_to: {}\n", new.role, scalar(&title), scalar(head));
    if let Some(name) = new.name.map(|name| contract::one_line(name, 80)).filter(|name| !name.is_empty()) {
        front.push_str(&format!("display_name: {}\n", scalar(&name)));
    }
    format!("---\n{front}---\n\n# {title}\n{}", include_str!("../assets/new-agent.md"))
}

/// An agent that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Where its file is kept.
    pub file: PathBuf,
    /// Keys of the config that still name it; they have no effect any more.
    pub named: Vec<String>,
}

/// Removes an agent: its file is moved to where the company's agents are not looked for. The config stays as it is.
///
/// # Errors
/// `agent.not_found` where the role has no file, `agent.invalid` for the CEO, whom no company can do without,
/// `company.folder` where the file cannot be moved.
pub fn remove_agent(dir: &Path, role: &str, now: Time) -> Result<Removed, Error> {
    check_role(role)?;
    if role == CEO {
        return Err(Error::new(
            ErrorCode::AGENT_INVALID,
            "The CEO cannot be removed: nobody else takes the company's briefs.",
            "Change its file instead.",
        ));
    }
    let file = existing_file(dir, role).ok_or_else(|| not_found(role))?;
    let kept = dir.join(AGENTS_DIR).join(REMOVED);
    let moved = || {
        make_inside(dir, &kept)?;
        let place = free_place(&kept, role, &stamp(now))?;
        fs::rename(&file, &place)?;
        Ok(place)
    };
    let place = moved().map_err(|error| files::folder_error("move away", &file, &error))?;
    let named = config_text(dir).map(|text| keys_naming(&text, role)).unwrap_or_default();
    Ok(Removed { file: place, named })
}

fn stamp(now: Time) -> String {
    let time = Timestamp::from_millisecond(now.0).unwrap_or_default();
    time.strftime("%Y%m%d-%H%M%S").to_string()
}

fn free_place(folder: &Path, role: &str, stamp: &str) -> io::Result<PathBuf> {
    let names = (1..=SAME_STAMP).map(|count| match count {
        1 => format!("{role}-{stamp}.md"),
        count => format!("{role}-{stamp}-{count}.md"),
    });
    let free = names.map(|name| folder.join(name)).find(|place| fs::symlink_metadata(place).is_err());
    free.ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))
}

/// The keys of a config that are about a role. None where the config does not hold: there it is told anyway.
fn keys_naming(text: &str, role: &str) -> Vec<String> {
    let Ok(all) = config::get(text, None) else { return Vec::new() };
    let places: [&[&str]; 7] = [
        &["agents"],
        &["persona", "overrides"],
        &["persona", "agents"],
        &["autonomy", "overrides"],
        &["skills", "overrides"],
        &["escalation", "chain_overrides"],
        &["trust", "overrides"],
    ];
    let mut named: Vec<String> = places
        .iter()
        .filter(|place| {
            place.iter().try_fold(&all, |value, key| value.get(*key)).is_some_and(|at| at.get(role).is_some())
        })
        .map(|place| format!("{}.{role}", place.join(".")))
        .collect();
    named.extend(head_of(&all, role).map(|head| format!("agents.{head}.workers.{role}")));
    named
}

/// The head that lists a role as its worker.
fn head_of<'v>(all: &'v Value, role: &str) -> Option<&'v str> {
    let mut heads = all["agents"].as_object().into_iter().flatten();
    let lists = |settings: &Value| {
        let workers = settings["workers"].as_array().into_iter().flatten();
        workers.into_iter().any(|worker| worker.as_str() == Some(role) || worker.get(role).is_some())
    };
    heads.find(|(_, settings)| lists(settings)).map(|(head, _)| head.as_str())
}

/// Changes to what the config says of an agent. What is not given stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Whether it is on the team.
    pub enabled: Option<bool>,
    /// Its model; its file's for an empty text.
    pub model: Option<String>,
    /// Its engine; its file's or the company's for an empty text.
    pub engine: Option<String>,
    /// Its name on screen; its file's for an empty text.
    pub name: Option<String>,
    /// Its preset; its file's or the company's for an empty text.
    pub persona: Option<String>,
    /// Its skills, all of them.
    pub skills: Option<Vec<String>>,
    /// Its level; its file's or the company's for an empty text.
    pub autonomy: Option<String>,
    /// What its calls may cost in a day; zero for no limit of its own.
    pub limit: Option<Money>,
}

/// A config's text with changes to an agent, and every other byte as it was.
///
/// # Errors
/// `agent.invalid` for a role that is none, `config.invalid` for a value that does not hold, or where the config's
/// text does not let it be changed.
pub fn set_agent(text: &str, role: &str, changes: &Changes) -> Result<String, Error> {
    check_role(role)?;
    let all = config::get(text, None)?;
    let own = match head_of(&all, role) {
        // A worker's settings stand where its head lists it, unless it has a place of its own.
        Some(head) if all["agents"].get(role).is_none() => format!("agents.{head}.workers.{role}"),
        _ => format!("agents.{role}"),
    };
    let said = |key: &str| !config::get(text, Some(key)).unwrap_or_default().is_null();
    // Where the original's key says it already, that key changes, so that one thing is said once.
    let place = |name: &str, elsewhere: String| {
        let key = format!("{own}.{name}");
        if !said(&key) && said(&elsewhere) { elsewhere } else { key }
    };
    let or_null = |value: &str| if value.trim().is_empty() { "null".to_owned() } else { value.trim().to_owned() };
    let mut writes: Vec<(String, String)> = Vec::new();
    if let Some(enabled) = changes.enabled {
        writes.push((format!("{own}.enabled"), enabled.to_string()));
    }
    if let Some(model) = &changes.model {
        writes.push((format!("{own}.model"), or_null(model)));
    }
    if let Some(engine) = &changes.engine {
        writes.push((format!("{own}.engine"), or_null(engine)));
    }
    if let Some(name) = &changes.name {
        let key = format!("{own}.display_name");
        let key = if said(&key) { key } else { format!("persona.agents.{role}.display_name") };
        writes.push((key, contract::one_line(name, 80)));
    }
    if let Some(persona) = &changes.persona {
        let key = place("persona", format!("persona.overrides.{role}"));
        // The original's key takes no null: there the preset of the company is written.
        let value = match persona.trim() {
            "" if key.starts_with("persona.") => all["persona"]["preset"].as_str().unwrap_or_default().to_owned(),
            persona => or_null(persona),
        };
        writes.push((key, value));
    }
    if let Some(skills) = &changes.skills {
        let names: Vec<String> = skills.iter().map(|name| listed(name)).collect();
        writes.push((format!("{own}.skills"), format!("[{}]", names.join(", "))));
    }
    if let Some(autonomy) = &changes.autonomy {
        writes.push((place("autonomy", format!("autonomy.overrides.{role}.level")), or_null(autonomy)));
    }
    if let Some(limit) = changes.limit {
        writes.push((format!("{own}.cost_limit_daily"), limit.as_dollars().to_string()));
    }
    let mut text = text.to_owned();
    for (key, value) in writes {
        text = config::set(&text, &key, &value).map_err(|error| named(error, &key))?;
    }
    Ok(text)
}

/// A name as an item of a list on one line.
fn listed(name: &str) -> String {
    let is_plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    // A bare `null` or `5` would be no text.
    if is_plain && scalar(name) == name { name.to_owned() } else { quote(name) }
}

/// The error with the key that was to be written, where it names none.
fn named(error: Error, key: &str) -> Error {
    if error.message.contains(key) {
        return error;
    }
    Error { message: format!("{key} in {CONFIG_FILE}: {}", error.message), ..error }
}
