//! `aicib settings`: the founder's own settings, for every company.

use contract::{Empty, ErrorCode, Settings, methods};
use serde_json::{Value, json};

use crate::args::{SETTINGS, Setting, SettingsCommand};
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
            let setting = known(&key)?;
            let now = context.daemon().await?.call::<methods::SettingsGet>(Empty {}).await?;
            let value = fields(&now)?[setting.key].clone();
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&json!({"key": setting.key, "value": value}))?);
            }
            out.line(&plain(&value))?;
        }
        Some(SettingsCommand::Set { key, value }) => {
            let setting = known(&key)?;
            let client = context.daemon().await?;
            let now = client.call::<methods::SettingsGet>(Empty {}).await?;
            let now = match client.call::<methods::SettingsSet>(changed(&now, setting, &value)?).await {
                // What is out of its range is refused in the words of what is no number at all.
                Err(error) if error.code == ErrorCode::BAD_REQUEST && error.message.contains(setting.key) => {
                    return Err(must_be(setting));
                }
                outcome => outcome?,
            };
            let value = fields(&now)?[setting.key].clone();
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&json!({"key": setting.key, "value": value}))?);
            }
            out.line(&format!("{} is {} now.", setting.key, plain(&value)))?;
        }
    }
    Ok(())
}

/// The setting of that name; `settings.` before it does no harm.
fn known(typed: &str) -> Result<&'static Setting, Failure> {
    let key = typed.strip_prefix("settings.").unwrap_or(typed);
    SETTINGS.iter().find(|setting| setting.key == key).ok_or_else(|| {
        let keys: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
        Failure::usage(format!(
            "There is no setting {:?}. There are {}. What belongs to the company is in `aicib config get`.",
            line(typed, 80),
            keys.join(", ")
        ))
    })
}

fn must_be(setting: &Setting) -> Failure {
    Failure::usage(format!("{} must be {}.", setting.key, setting.expected))
}

/// The settings with one of them as it was typed.
fn changed(now: &Settings, setting: &Setting, typed: &str) -> Result<Settings, Failure> {
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
        _ => json!(typed),
    };
    values[setting.key] = value;
    serde_json::from_value(values).map_err(|_| wrong())
}

fn fields(settings: &Settings) -> Result<Value, Failure> {
    serde_json::to_value(settings).map_err(|error| contract::Error::internal(error).into())
}

/// A value as it can be typed.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => line(&safe(text), 200),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, typed: &str) -> Result<Settings, Failure> {
        changed(&Settings::default(), known(key)?, typed)
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
        let Err(Failure::Usage(message)) = set("them", "dark") else { panic!("there is no such setting") };
        assert!(message.contains("theme") && message.contains("practice_pace"), "{message}");
    }
}
