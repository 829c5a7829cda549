//! Progress and time left of staged work.

use contract::{Stages, progress};
use serde_json::{Value, json};

use crate::{expected, same};

pub fn progress(case: &Value) -> anyhow::Result<()> {
    same(&json!(progress::of_stages(&stages(case))), expected(case)?)
}

/// In whole seconds, as the cases have it.
pub fn eta(case: &Value) -> anyhow::Result<()> {
    let seconds = (progress::left_of_stages(&stages(case)) + 500) / 1000;
    same(&json!(seconds), expected(case)?)
}

fn stages(case: &Value) -> Stages {
    let completed = case["completed"].as_array().into_iter().flatten();
    Stages {
        current: case["current"].as_str().unwrap_or_default().to_owned(),
        completed: completed.filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}
