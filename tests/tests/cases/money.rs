//! Money: how much of a limit is used, what models cost, what is recorded.

use anyhow::Context;
use company::config;
use contract::{Band, Money};
use engine::Usage;
use engine::prices::{self, Resolved};
use serde_json::{Value, json};

use crate::{Outcomes, expected, same};

/// Names that stand for a model; which one is newer with us than in the cases.
const ALIASES: [&str; 3] = ["opus", "sonnet", "haiku"];

pub fn display(case: &Value) -> anyhow::Result<()> {
    let number = |key: &str| match &case[key] {
        Value::String(name) if name == "NaN" => Ok(f64::NAN),
        Value::String(name) if name == "Infinity" => Ok(f64::INFINITY),
        Value::String(name) if name == "-Infinity" => Ok(f64::NEG_INFINITY),
        number => number.as_f64().with_context(|| format!("{key} is no number")),
    };
    let (current, limit) = (number("current")?, number("limit")?);
    same(&json!(contract::percent(current, limit)), &case["expected_percent"])?;
    if let Some(band) = case.get("expected_band") {
        same(&json!(Band::of(current, limit)), band)?;
    }
    Ok(())
}

pub fn router(case: &Value) -> anyhow::Result<()> {
    let (name, expected) = (case["name"].as_str().context("no name")?, expected(case)?);
    let Resolved { id, tier, price, warning } = prices::resolve(name);
    match ALIASES.contains(&name) {
        true => anyhow::ensure!(id.starts_with(&format!("claude-{name}")), "it stands for {id}"),
        false => same(&json!(id), &expected["resolved"])?,
    }
    same(&json!(tier), &expected["tier"])?;
    same(&json!(tier), &expected["short"])?;
    same(&json!(price.input as f64 / 1e3), &json!(expected["pricing"]["input"].as_f64()))?;
    same(&json!(price.output as f64 / 1e3), &json!(expected["pricing"]["output"].as_f64()))?;
    // Whether a company may name it.
    let config = json!({
        "company": {"name": "Cases", "template": "blank"},
        "agents": {"ceo": {"enabled": true, "model": name}},
    });
    same(&json!(config::validate(&config.to_string()).0.is_empty()), &expected["valid"])?;
    // The original knew one model of the middle tier by its whole id; we know them all.
    let known = id.starts_with("claude-sonnet");
    match expected["warning"].as_str() {
        None => anyhow::ensure!(warning.is_none(), "{warning:?}"),
        Some(_) => anyhow::ensure!(known || warning.is_some_and(|warning| warning.contains(&id)), "no warning"),
    }
    Ok(())
}

pub fn estimate(case: &Value) -> anyhow::Result<()> {
    let tokens = |key: &str| case[key].as_i64().unwrap_or_default();
    let usage = Usage {
        input: tokens("input_tokens"),
        output: tokens("output_tokens"),
        cache_read: tokens("cache_read"),
        cache_write: tokens("cache_creation"),
    };
    let resolved = prices::resolve(case["model"].as_str().context("no model")?);
    let (cost, _) = prices::charge(Some(&resolved.price), &usage, None);
    close(cost, &case["expected_usd"])
}

pub fn recording(cases: &[Value], all: &Value) -> Outcomes {
    cases.iter().map(|case| rows(case, all)).collect()
}

/// One row a model, or one of all where the engine does not tell them apart.
fn rows(case: &Value, all: &Value) -> anyhow::Result<()> {
    let totals = case.get("run_totals").unwrap_or(&all["run_totals"]);
    let role = totals["role"].as_str().context("no role")?;
    let models = case["model_usage"].as_object().filter(|models| !models.is_empty());
    let mut found: Vec<(String, Money, i64, i64)> = Vec::new();
    let mut record = |label: &str, resolved: &Resolved, used: &Value| {
        let tokens = |key: &str| used[key].as_i64().unwrap_or_default();
        let (input, output) = (tokens("inputTokens"), tokens("outputTokens"));
        let (cache_read, cache_write) = (tokens("cacheReadInputTokens"), tokens("cacheCreationInputTokens"));
        let usage = Usage { input, output, cache_read, cache_write };
        let reported = used["costUSD"].as_f64().and_then(Money::dollars);
        let (cost, _) = prices::charge(Some(&resolved.price), &usage, reported);
        found.push((label.to_owned(), cost, input, output));
    };
    match models {
        None => record(role, &prices::resolve(totals["model"].as_str().context("no model")?), totals),
        Some(models) => {
            for (model, used) in models {
                let resolved = prices::resolve(model);
                record(&format!("{role}-{}", resolved.tier), &resolved, used);
            }
        }
    }
    let mut wanted = case["expected_rows"].as_array().context("no rows are expected")?.clone();
    anyhow::ensure!(found.len() == wanted.len(), "{found:?}");
    // The order of a mapping's keys is not kept.
    found.sort();
    wanted.sort_by_key(|row| row["role"].as_str().unwrap_or_default().to_owned());
    for ((label, cost, input, output), row) in found.iter().zip(&wanted) {
        same(&json!([label, input, output]), &json!([row["role"], row["in"], row["out"]]))?;
        close(*cost, &row["cost"])?;
    }
    Ok(())
}

/// To the nano-dollar: the cases are floats.
fn close(found: Money, expected: &Value) -> anyhow::Result<()> {
    let expected = expected.as_f64().and_then(Money::dollars).context("no amount is expected")?;
    anyhow::ensure!((found - expected).as_nanos().abs() <= 1, "it is {found}, not {expected}");
    Ok(())
}
