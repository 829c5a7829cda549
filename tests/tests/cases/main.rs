//! The data cases: inputs and what must come of them, one topic a file. The folder is `tests/cases`, or the one that
//! `AICIB_CASES` names. Each topic is computed by the part of the product that owns it.
#![cfg(target_os = "linux")]

mod lists;
mod money;
mod people;
mod queue;
mod settings;
mod stages;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

/// What came of each case of a topic, in their order.
type Outcomes = Vec<anyhow::Result<()>>;

/// What computes the cases of a topic. It gets the cases, and the whole topic for what they share.
type Check = fn(&[Value], &Value) -> Outcomes;

/// The topics that are computed here.
const TOPICS: &[(&str, Check)] = &[
    ("stage_progress", |cases, _| each(cases, stages::progress)),
    ("stage_eta", |cases, _| each(cases, stages::eta)),
    ("stale_sync", |cases, _| each(cases, queue::stale)),
    ("retention", |cases, _| each(cases, queue::retention)),
    ("task_list_text", |cases, _| each(cases, lists::text)),
    ("task_list_json", |cases, _| each(cases, lists::json)),
    ("task_list_format", |cases, _| each(cases, lists::format)),
    ("task_store_script", |cases, _| queue::script(cases)),
    ("config_validation", |cases, _| each(cases, settings::validation)),
    ("agent_frontmatter", |cases, _| each(cases, people::frontmatter)),
    ("persona_sections", |cases, _| each(cases, people::sections)),
    ("autonomy_level", |cases, _| each(cases, people::autonomy)),
    ("escalation_chain", people::escalation),
    ("skills_resolution", |cases, _| each(cases, people::skills)),
    ("role_name", |cases, _| each(cases, people::name)),
    ("journal_context", |cases, _| each(cases, people::journal)),
    ("budget_display", |cases, _| each(cases, money::display)),
    ("model_router", |cases, _| each(cases, money::router)),
    ("cost_estimate", |cases, _| each(cases, money::estimate)),
    ("cost_recording", money::recording),
];

/// Cases that do not depend on each other.
fn each(cases: &[Value], check: fn(&Value) -> anyhow::Result<()>) -> Outcomes {
    cases.iter().map(check).collect()
}

#[test]
fn every_case_holds() -> anyhow::Result<()> {
    let dir = std::env::var_os("AICIB_CASES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"), PathBuf::from);
    let mut files: Vec<PathBuf> = fs::read_dir(&dir)
        .with_context(|| format!("no cases in {}", dir.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let mut missed = Vec::new();
    let mut topics = 0;
    for file in files {
        let topic = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file)?;
        let all: Value = serde_json::from_str(&text).with_context(|| format!("{topic} does not read"))?;
        let cases = all["cases"].as_array().with_context(|| format!("{topic} has no cases"))?;
        let Some((_, check)) = TOPICS.iter().find(|(name, _)| *name == topic) else {
            println!("{topic}: not computed here ({} cases)", cases.len());
            continue;
        };
        topics += 1;
        let outcomes = check(cases, &all);
        assert_eq!(outcomes.len(), cases.len(), "{topic}");
        let passed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        println!("{topic}: {passed}/{}", cases.len());
        for (case, outcome) in cases.iter().zip(outcomes) {
            if let Err(error) = outcome {
                missed.push(format!("{}: {error:#}\n  {case}", case["id"].as_str().unwrap_or(&topic)));
            }
        }
    }
    assert!(topics > 0, "no topic of ours in {}", dir.display());
    assert!(missed.is_empty(), "{} cases do not hold:\n{}", missed.len(), missed.join("\n"));
    Ok(())
}

/// What a case expects: `seed_expected` wins over `expected`.
fn expected(case: &Value) -> anyhow::Result<&Value> {
    case.get("seed_expected").or_else(|| case.get("expected")).context("the case expects nothing")
}

/// Fails where a value is not what the case expects.
fn same(found: &Value, expected: &Value) -> anyhow::Result<()> {
    anyhow::ensure!(found == expected, "it is {found}, not {expected}");
    Ok(())
}
