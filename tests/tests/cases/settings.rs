//! The company's config.

use anyhow::Context;
use company::config;
use serde_json::Value;

use crate::{expected, same};

/// Which keys are at fault, or what holds. Ours has more keys and says more of them.
pub fn validation(case: &Value) -> anyhow::Result<()> {
    let text = case["yaml"].as_str().context("no yaml")?;
    let expected = expected(case)?;
    let (faults, _) = config::validate(text);
    let errors = expected["errors"].as_array().cloned().unwrap_or_default();
    let wanted: Vec<String> = errors.iter().filter_map(|error| Some(key_of(error.as_str()?))).collect();
    for key in &wanted {
        anyhow::ensure!(faults.iter().any(|fault| fits(&fault.key, key)), "nothing about {key}: {faults:?}");
    }
    let strange = faults.iter().find(|fault| !wanted.iter().any(|key| fits(&fault.key, key)));
    anyhow::ensure!(strange.is_none(), "it refuses {strange:?} as well");
    if expected["ok"] != true {
        return Ok(());
    }
    let all = config::get(text, None)?;
    let one = |key: &str| config::get(text, Some(key));
    for (key, value) in expected["settings"].as_object().into_iter().flatten() {
        same(&one(&format!("settings.{key}"))?, value)?;
    }
    for (key, place) in [
        ("persona", "persona"),
        ("engine_mode", "engine.mode"),
        ("autonomy", "autonomy"),
        ("tasks_max_context", "tasks.max_context_tasks"),
    ] {
        if let Some(value) = expected.get(key) {
            let found = if place == "persona" { all["persona"].clone() } else { one(place)? };
            same(&found, value)?;
        }
    }
    for (section, value) in expected["unknown"].as_object().into_iter().flatten() {
        same(&all[section], value)?;
    }
    Ok(())
}

/// A fault of a key, or of what is below it.
fn fits(found: &str, wanted: &str) -> bool {
    found == wanted || found.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// The key that an error text of the original names.
fn key_of(error: &str) -> String {
    let named = error.strip_prefix("Missing '").and_then(|rest| rest.split('\'').next());
    named.or_else(|| error.split(' ').next()).unwrap_or_default().trim_end_matches(':').to_owned()
}
