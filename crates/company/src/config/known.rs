//! Which keys there are: what `config get` and `config set` take, and what they suggest for a slip of the hand.

use contract::Settings;
use serde_json::Value;

use super::defaults;
use super::rules::Check;
use crate::modules;

/// Bytes of a key for which a suggestion is looked for: comparing takes time and memory for every letter.
const LONGEST: usize = 80;

/// The rule of a key, where it has one of its own.
pub(super) fn rule(key: &[&str]) -> Option<Check> {
    modules::rules().find(|rule| fits(rule.path, key)).map(|rule| rule.check)
}

fn fits(pattern: &str, key: &[&str]) -> bool {
    let parts: Vec<&str> = pattern.split('.').collect();
    parts.len() == key.len() && parts.iter().zip(key).all(|(part, name)| *part == "*" || part == name)
}

/// Whether a top-level section is one of ours, as opposed to the founder's own.
pub(super) fn is_section(name: &str) -> bool {
    modules::find(name).is_some()
}

/// Whether this program reads a section.
pub(super) fn is_read(section: &str) -> bool {
    modules::find(section).is_some_and(|module| module.is_read)
}

/// What nothing reads yet of a key that we know: its section, or the key itself as far as its reader is missing.
pub(super) fn unread(key: &[&str]) -> Option<String> {
    let section = key.first()?;
    if !is_read(section) {
        return is_section(section).then(|| (*section).to_owned());
    }
    modules::all().flat_map(|module| module.unread).find_map(|pattern| {
        let depth = pattern.split('.').count();
        let head = key.get(..depth)?;
        fits(pattern, head).then(|| head.join("."))
    })
}

/// The founder's own setting that a key of the config was meant to be.
pub(super) fn founders_setting(key: &str) -> Option<&str> {
    let name = key.strip_prefix("settings.").unwrap_or(key);
    let settings = serde_json::to_value(Settings::default()).unwrap_or_default();
    settings.get(name).map(|_| name)
}

/// Whether a section of ours has such a value.
pub(super) fn is_key(key: &[&str]) -> bool {
    match rule(key) {
        Some(check) if check.is_section() => false,
        Some(_) => true,
        None => below_defaults(key),
    }
}

/// Whether the defaults hold a value there, or leave what is there open.
fn below_defaults(key: &[&str]) -> bool {
    let mut value = defaults();
    for (depth, name) in key.iter().enumerate() {
        match value {
            Value::Object(fields) if fields.is_empty() && depth > 1 => return true,
            Value::Object(fields) => match fields.get(*name) {
                Some(below) => value = below,
                None => return false,
            },
            _ => return false,
        }
    }
    key.len() > 1
}

/// The key that was probably meant.
pub(super) fn suggestion(key: &str) -> Option<String> {
    if key.len() > LONGEST {
        return None;
    }
    let mut keys: Vec<String> =
        modules::rules().filter(|rule| !rule.check.is_section()).map(|rule| rule.path.to_owned()).collect();
    if let Value::Object(sections) = defaults() {
        for (section, fields) in sections {
            keys.extend(fields.as_object().into_iter().flatten().map(|(name, _)| format!("{section}.{name}")));
        }
    }
    keys.retain(|known| !known.contains(['*', '[']));
    let ends = |known: &&String| known.rsplit('.').next() == Some(key);
    let close = |known: &&String| strsim::damerau_levenshtein(known, key) <= 2;
    keys.iter().find(ends).or_else(|| keys.iter().find(close)).cloned()
}

/// The section of ours that was probably meant.
pub(super) fn section_suggestion(name: &str) -> Option<String> {
    if name.len() > LONGEST {
        return None;
    }
    modules::all()
        .map(|module| module.section)
        .find(|known| *known != name && strsim::damerau_levenshtein(known, name) <= 1)
        .map(str::to_owned)
}
