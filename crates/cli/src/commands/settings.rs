//! `aicib settings`: the founder's own settings, for every company.

use contract::{Empty, ErrorCode, Settings, methods};
use serde_json::{Value, json};

use crate::args::{SETTINGS, Setting, SettingsCommand};
use crate::commands::engines::unknown_engine;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::out::Ink;
use crate::text::{columns, fit, line, pad, safe};

/// Shows or changes settings.
pub(crate) async fn settings(context: &mut Context, command: Option<SettingsCommand>) -> Outcome {
    match command {
        None | Some(SettingsCommand::Get { key: None }) => {
            let now = context.daemon().await?.call::<methods::SettingsGet>(Empty {}).await?;
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&now)?);
            }
            let values = fields(&now)?;
            for setting in &SETTINGS {
                // A long value takes from what is said about it, not from all the others.
                let value = pad(&plain(at(&values, setting.key)), 10);
                let about = fit(setting.about, out.columns.saturating_sub(24 + 2 + columns(&value) + 2).max(8));
                let about = out.paint.ink(Ink::Dim, &about);
                out.line(&format!("{:24}  {value}  {about}", setting.key))?;
            }
        }
        Some(SettingsCommand::Get { key: Some(key) }) => {
            let named = known(&key)?;
            let now = context.daemon().await?.call::<methods::SettingsGet>(Empty {}).await?;
            let value = named.of(&fields(&now)?);
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&json!({"key": named.name(), "value": value}))?);
            }
            out.line(&plain(&value))?;
        }
        Some(SettingsCommand::Set { key, value }) => {
            let named = known(&key)?;
            let setting = named.setting;
            let client = context.daemon().await?;
            let now = client.call::<methods::SettingsGet>(Empty {}).await?;
            let now = match client.call::<methods::SettingsSet>(changed(&now, &named, &value)?).await {
                // What is out of its range is refused in the words of what is no number at all.
                Err(error) if error.code == ErrorCode::BAD_REQUEST && error.message.contains(setting.key) => {
                    return Err(must_be(setting));
                }
                outcome => outcome?,
            };
            let value = named.of(&fields(&now)?);
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&json!({"key": named.name(), "value": value}))?);
            }
            out.line(&format!("{} is {} now.", named.name(), plain(&value)))?;
        }
    }
    Ok(())
}

/// A setting as it was named: as a whole, or one entry of it (`engine_pays.codex`).
#[derive(Debug)]
struct Named {
    setting: &'static Setting,
    entry: Option<String>,
}

impl Named {
    fn name(&self) -> String {
        match &self.entry {
            Some(entry) => format!("{}.{}", self.setting.key, line(entry, 80)),
            None => self.setting.key.to_owned(),
        }
    }

    /// Its value among all of them; an empty text for an entry that is not there.
    fn of(&self, values: &Value) -> Value {
        let value = at(values, self.setting.key);
        match &self.entry {
            Some(entry) => value.get(entry).cloned().unwrap_or_else(|| json!("")),
            None => value.clone(),
        }
    }
}

/// A value by its name with dots.
fn at<'v>(values: &'v Value, key: &str) -> &'v Value {
    key.split('.').fold(values, |values, part| &values[part])
}

/// The setting of that name; `settings.` before it does no harm.
fn known(typed: &str) -> Result<Named, Failure> {
    let key = typed.strip_prefix("settings.").unwrap_or(typed);
    let (whole, entry) = match key.split_once('.') {
        Some((whole, entry)) if MAPS.contains(&whole) && !entry.is_empty() => (whole, Some(entry.to_owned())),
        _ => (key, None),
    };
    if let Some(entry) = entry.as_deref().filter(|entry| !is_entry(whole, entry)) {
        return Err(Failure::usage(match whole {
            SHORTCUTS => format!("There is nothing called {:?} to do by a key.", line(entry, 80)),
            _ => unknown_engine(entry),
        }));
    }
    SETTINGS.iter().find(|setting| setting.key == whole).map(|setting| Named { setting, entry }).ok_or_else(|| {
        let keys: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
        Failure::usage(format!(
            "There is no setting {:?}. There are {}. What belongs to the company is in `aicib config get`.",
            line(typed, 80),
            keys.join(", ")
        ))
    })
}

/// The settings that have entries: for each engine, and for what keys do.
const MAPS: [&str; 3] = ["engine_programs", "engine_pays", SHORTCUTS];
const SHORTCUTS: &str = "shortcuts";

/// Whether a map may have an entry of that name. What keys do is named by the window.
fn is_entry(map: &str, name: &str) -> bool {
    match map {
        SHORTCUTS => name.len() <= 80 && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)),
        _ => contract::engine_from_name(name).is_some(),
    }
}

fn must_be(setting: &Setting) -> Failure {
    Failure::usage(format!("{} must be {}.", setting.key, setting.expected))
}

/// The settings with one of them as it was typed.
fn changed(now: &Settings, named: &Named, typed: &str) -> Result<Settings, Failure> {
    let setting = named.setting;
    let wrong = || must_be(setting);
    let mut values = fields(now)?;
    let typed = typed.trim();
    let value = match at(&values, setting.key) {
        Value::Bool(_) => match typed.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" => json!(true),
            "false" | "off" | "no" => json!(false),
            _ => return Err(wrong()),
        },
        Value::Number(number) if number.is_i64() => json!(typed.parse::<i64>().map_err(|_| wrong())?),
        Value::Number(_) => {
            let number = typed.trim_start_matches('$').parse::<f64>().map_err(|_| wrong())?;
            if !number.is_finite() || number < 0.0 {
                return Err(wrong());
            }
            json!(number)
        }
        Value::Object(map) => match &named.entry {
            Some(entry) => {
                let mut map = map.clone();
                if typed.is_empty() {
                    map.remove(entry);
                } else {
                    map.insert(entry.clone(), json!(typed));
                }
                Value::Object(map)
            }
            None => Value::Object(entries(setting.key, typed).ok_or_else(wrong)?),
        },
        Value::Array(_) => {
            json!(std::env::split_paths(typed).filter(|path| !path.as_os_str().is_empty()).collect::<Vec<_>>())
        }
        _ => json!(typed),
    };
    *setting.key.split('.').fold(&mut values, |values, part| &mut values[part]) = value;
    serde_json::from_value(values).map_err(|_| wrong())
}

/// The entries of a map as they are typed: `codex=/usr/bin/codex, acp:gemini=/opt/gemini`.
fn entries(map: &str, typed: &str) -> Option<serde_json::Map<String, Value>> {
    let pairs = typed.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            is_entry(map, name.trim()).then(|| (name.trim().to_owned(), json!(value.trim())))
        })
        .collect()
}

fn fields(settings: &Settings) -> Result<Value, Failure> {
    serde_json::to_value(settings).map_err(|error| contract::Error::internal(error).into())
}

/// A value as it can be typed.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => line(&safe(text), 200),
        Value::Object(map) if map.is_empty() => "\"\"".to_owned(),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
            line(&safe(&pairs.collect::<Vec<_>>().join(", ")), 1_000)
        }
        Value::Array(list) if list.is_empty() => "\"\"".to_owned(),
        Value::Array(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            line(&safe(&texts.join(":")), 1_000)
        }
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, typed: &str) -> Result<Settings, Failure> {
        changed(&Settings::default(), &known(key)?, typed)
    }

    #[test]
    fn every_setting_is_there_and_takes_what_it_shows() {
        let default = Settings::default();
        let values = fields(&default).unwrap();
        let missing: Vec<_> = values.as_object().unwrap().keys().filter(|key| known(key).is_err()).collect();
        assert_eq!(missing, ["notify", "onboarded"]);
        for setting in &SETTINGS {
            let shown = plain(at(&values, setting.key));
            let typed = if shown == "\"\"" { "" } else { &shown };
            assert_eq!(set(setting.key, typed).unwrap(), default, "{}", setting.key);
        }
    }

    #[test]
    fn entries_are_set_one_by_one_or_all_at_once() {
        let one = set("engine_programs.acp:gemini", "/opt/gemini").unwrap();
        let named = known("engine_programs").unwrap();
        let both = changed(&one, &known("engine_programs.codex").unwrap(), " /usr/bin/codex ").unwrap();
        let shown = plain(&named.of(&fields(&both).unwrap()));
        assert_eq!(shown, "acp:gemini=/opt/gemini, codex=/usr/bin/codex");
        assert_eq!(changed(&Settings::default(), &named, &shown).unwrap(), both, "it takes what it shows");
        assert_eq!(changed(&both, &known("engine_programs.codex").unwrap(), "").unwrap(), one);
        assert_eq!(set("engine_pays.codex", "key").unwrap().engine_pays["codex"], contract::Pays::Key);
        assert!(set("engine_pays.codex", "cash").is_err() && set("engine_pays", "codex").is_err());
        assert_eq!(known("engine_pays.codex").unwrap().of(&fields(&one).unwrap()), "");
        let folders = set("sandbox_read", "/srv/data:/opt/sdk").unwrap();
        assert_eq!(folders.sandbox_read, ["/srv/data", "/opt/sdk"]);
        assert!(!set("sandbox_network", "off").unwrap().sandbox_network);
        assert_eq!(set("sandbox", "required").unwrap().sandbox, contract::Sandbox::Required);
    }

    #[test]
    fn what_is_told_and_when_is_set_by_its_kind() {
        let quiet = set("notify.quiet_from", " 22:00 ").unwrap();
        assert_eq!(quiet.notify.quiet_from, "22:00");
        let both = changed(&quiet, &known("settings.notify.done").unwrap(), "off").unwrap();
        assert_eq!((both.notify.done, both.notify.quiet_from.as_str()), (false, "22:00"));
        assert_eq!(plain(&known("notify.done").unwrap().of(&fields(&both).unwrap())), "false");
        let all = Settings::default().notify;
        let kinds = fields(&both).unwrap()["notify"].as_object().unwrap().len();
        assert_eq!(SETTINGS.iter().filter(|setting| setting.key.starts_with("notify.")).count(), kinds, "{all:?}");
        let keys = set("shortcuts.palette", "Ctrl+,").unwrap();
        assert_eq!(keys.shortcuts["palette"], "Ctrl+,");
        assert_eq!(set("shortcuts", "palette=Ctrl+P, find=F3").unwrap().shortcuts.len(), 2);
        for key in ["notify", "notify.doorbell", "shortcuts.<x>", "shortcuts."] {
            assert!(matches!(set(key, "on"), Err(Failure::Usage(_))), "{key}");
        }
    }

    #[test]
    fn a_value_is_read_as_its_kind() {
        assert_eq!(set("settings.brief_limit_usd", "$2.50").unwrap().brief_limit_usd.to_string(), "$2.50");
        assert!(!set("notifications", "off").unwrap().notifications);
        assert_eq!(set("theme", "dark").unwrap().theme, contract::Theme::Dark);
        for (key, typed) in [
            ("max_parallel_jobs", "2.5"),
            ("brief_limit_usd", "-1"),
            ("brief_limit_usd", "NaN"),
            ("notifications", "maybe"),
            ("theme", "pink"),
            ("practice_pace", "fast"),
        ] {
            let Err(Failure::Usage(message)) = set(key, typed) else { panic!("{key} took {typed}") };
            assert!(message.starts_with(&format!("{key} must be ")), "{message}");
        }
        for key in ["engine_pays.nothing", "theme.dark", "engine_pays.", "sandbox_read.0"] {
            assert!(matches!(set(key, "key"), Err(Failure::Usage(_))), "{key}");
        }
        let Err(Failure::Usage(message)) = set("them", "dark") else { panic!("there is no such setting") };
        assert!(message.contains("theme") && message.contains("practice_pace"), "{message}");
    }
}
