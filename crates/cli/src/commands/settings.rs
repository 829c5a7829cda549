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
                let value = pad(&plain(&values[setting.key]), 10);
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
        let value = &values[self.setting.key];
        match &self.entry {
            Some(entry) => value.get(entry).cloned().unwrap_or_else(|| json!("")),
            None => value.clone(),
        }
    }
}

/// The setting of that name; `settings.` before it does no harm.
fn known(typed: &str) -> Result<Named, Failure> {
    let key = typed.strip_prefix("settings.").unwrap_or(typed);
    let (whole, entry) = match key.split_once('.') {
        Some((whole, entry)) if MAPS.contains(&whole) && !entry.is_empty() => (whole, Some(entry.to_owned())),
        _ => (key, None),
    };
    if let Some(entry) = entry.as_deref().filter(|entry| contract::engine_from_name(entry).is_none()) {
        return Err(Failure::usage(unknown_engine(entry)));
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

/// The settings that have an entry for each engine.
const MAPS: [&str; 2] = ["engine_programs", "engine_pays"];

fn must_be(setting: &Setting) -> Failure {
    Failure::usage(format!("{} must be {}.", setting.key, setting.expected))
}

/// The settings with one of them as it was typed.
fn changed(now: &Settings, named: &Named, typed: &str) -> Result<Settings, Failure> {
    let setting = named.setting;
    let wrong = || must_be(setting);
    let mut values = fields(now)?;
    let typed = typed.trim();
    let value = match &values[setting.key] {
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
            None => Value::Object(entries(typed).ok_or_else(wrong)?),
        },
        Value::Array(_) => {
            json!(std::env::split_paths(typed).filter(|path| !path.as_os_str().is_empty()).collect::<Vec<_>>())
        }
        _ => json!(typed),
    };
    values[setting.key] = value;
    serde_json::from_value(values).map_err(|_| wrong())
}

/// The entries of a map as they are typed: `codex=/usr/bin/codex, acp:gemini=/opt/gemini`.
fn entries(typed: &str) -> Option<serde_json::Map<String, Value>> {
    let pairs = typed.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (engine, value) = pair.split_once('=')?;
            contract::engine_from_name(engine.trim())?;
            Some((engine.trim().to_owned(), json!(value.trim())))
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
        assert_eq!(missing, ["onboarded"]);
        for setting in &SETTINGS {
            let shown = plain(&values[setting.key]);
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
