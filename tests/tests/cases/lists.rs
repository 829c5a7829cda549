//! Lists of tasks in files.

use anyhow::Context;
use company::task_list::{self, Format, Task};
use serde_json::{Value, json};

use crate::{expected, same};

pub fn text(case: &Value) -> anyhow::Result<()> {
    let tasks = task_list::from_text(case["input"].as_str().context("no input")?);
    compare(&tasks, expected(case)?)
}

pub fn json(case: &Value) -> anyhow::Result<()> {
    let tasks = task_list::from_json(case["input"].as_str().context("no input")?);
    match tasks {
        Ok(tasks) => compare(&tasks, expected(case)?),
        Err(error) => {
            anyhow::ensure!(case.get("expected_error").is_some(), "{error}");
            Ok(())
        }
    }
}

pub fn format(case: &Value) -> anyhow::Result<()> {
    let content = case["content"].as_str().unwrap_or_default();
    let format = Format::of(case["file"].as_str().context("no file")?, content);
    same(&json!(format.name()), expected(case)?)
}

/// The fields that the case names. Numbers of a list are kept as text.
fn compare(tasks: &[Task], expected: &Value) -> anyhow::Result<()> {
    let expected = expected.as_array().context("no list is expected")?;
    anyhow::ensure!(tasks.len() == expected.len(), "{} tasks: {tasks:?}", tasks.len());
    for (task, expected) in tasks.iter().zip(expected) {
        let found = json!({
            "id": task.id, "title": task.title, "description": task.description, "priority": task.priority,
        });
        for (name, value) in expected.as_object().context("no task is expected")? {
            let value = if value.is_number() { json!(value.to_string()) } else { value.clone() };
            same(&found[name], &value)?;
        }
    }
    Ok(())
}
