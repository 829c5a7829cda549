//! Agents: their files, names, levels, skills, chains, and what they remember.

use std::fs;

use anyhow::Context;
use company::escalation::{FOUNDER, Person, chain};
use company::{AGENTS_DIR, CONFIG_FILE, autonomy, persona, prompt, skills};
use contract::{EntryId, JobId, JournalEntry, Money, SessionId, Time};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::{Outcomes, expected, same};

pub fn frontmatter(case: &Value) -> anyhow::Result<()> {
    let (text, expected) = (case["input"].as_str().context("no input")?, expected(case)?);
    let dir = tempfile::tempdir()?;
    let role = company::agent_parts(text).and_then(|(front, _)| Some(front["role"].as_str()?.to_owned()));
    let saved = company::save_agent(dir.path(), role.as_deref().unwrap_or("agent"), text);
    anyhow::ensure!(Value::Bool(saved.is_ok()) == expected["ok"], "{saved:?}");
    let Ok(agent) = saved else { return Ok(()) };
    let (front, body) = company::agent_parts(text).context("it was saved and does not read")?;
    for (key, value) in expected["frontmatter"].as_object().into_iter().flatten() {
        // The original keeps everything as text.
        same(&as_text(&front[key]), &as_text(value)).with_context(|| key.clone())?;
    }
    same(&json!(body), &expected["content"])?;
    same(&json!(agent.body), &expected["content"])
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(as_text).collect(),
        Value::String(_) => value.clone(),
        Value::Null => json!(""),
        value => json!(value.to_string()),
    }
}

pub fn sections(case: &Value) -> anyhow::Result<()> {
    let (text, expected) = (case["input"].as_str().context("no input")?, expected(case)?);
    let missing = persona::missing_sections(text);
    same(&json!(missing.is_empty()), &expected["valid"])?;
    let errors: Vec<&str> = expected["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    anyhow::ensure!(missing.len() == errors.len(), "{missing:?}");
    let names = |(part, error): (&&str, &&str)| error.contains(*part);
    anyhow::ensure!(missing.iter().zip(&errors).all(names), "{missing:?}");
    Ok(())
}

pub fn autonomy(case: &Value) -> anyhow::Result<()> {
    let (role, config) = (case["role"].as_str().context("no role")?, &case["config"]);
    let level = autonomy::level(
        config["overrides"][role]["level"].as_str(),
        case["frontmatter"].as_str(),
        config["default_level"].as_str(),
    );
    same(&json!(level.name()), expected(case)?)
}

pub fn escalation(cases: &[Value], all: &Value) -> Outcomes {
    cases.iter().map(|case| one_chain(case, all)).collect()
}

fn one_chain(case: &Value, all: &Value) -> anyhow::Result<()> {
    let org = case.get("org").unwrap_or(&all["org"]).as_object().context("no org")?;
    let text = |person: &'static str, of: &Value| of[person].as_str().unwrap_or_default().to_owned();
    let people: Vec<_> =
        org.iter().map(|(role, of)| (role.clone(), text("department", of), text("reports_to", of))).collect();
    let team: Vec<Person<'_>> = people
        .iter()
        .map(|(role, department, head)| Person {
            role,
            department,
            reports_to: Some(head.as_str()).filter(|head| !head.is_empty() && *head != FOUNDER),
        })
        .collect();
    let role = case["role"].as_str().context("no role")?;
    let own = case["chain_overrides"].get(role).map(strings);
    let (links, warning) = chain(&team, role, own.as_deref());
    let found: Vec<Value> = links.iter().map(|link| json!([link.step.name(), link.target])).collect();
    same(&json!(found), expected(case)?)?;
    same(&json!(warning.is_some()), &json!(!case["warning"].is_null()))
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub fn skills(case: &Value) -> anyhow::Result<()> {
    let (role, config) = (case["role"].as_str().context("no role")?, &case["config"]);
    // What a file says goes through the file: it may be missing, empty, a list or a single name.
    let said = match &case["frontmatter"] {
        _ if case["frontmatter_missing"] == true => String::new(),
        Value::Null => String::new(),
        given => format!("skills: {given}\n"),
    };
    let dir = tempfile::tempdir()?;
    let agent = company::save_agent(dir.path(), role, &format!("---\nrole: {role}\n{said}---\n"))?;
    let names = skills::effective(role, agent.said.skills.as_deref(), config);
    same(&json!(names), &case["expected_names"])?;
    let (found, unknown) = skills::resolve(&names, config);
    let found: Vec<String> = found.into_iter().map(|skill| skill.name).collect();
    same(&json!(found), &case["expected_resolved"])?;
    let warning = case["warning"].as_str();
    anyhow::ensure!(unknown.is_empty() == warning.is_none(), "{unknown:?}");
    let named = warning.is_none_or(|warning| unknown.iter().any(|name| warning.contains(name.as_str())));
    anyhow::ensure!(named, "{unknown:?}");
    Ok(())
}

pub fn name(case: &Value) -> anyhow::Result<()> {
    let role = case["role"].as_str().context("no role")?;
    let custom = case["custom"].as_str().or(case["custom"][role].as_str());
    let Some(custom) = custom else {
        return same(&json!(contract::role_name(role)), expected(case)?);
    };
    let dir = tempfile::tempdir()?;
    company::save_agent(dir.path(), role, &format!("---\nrole: {role}\n---\n"))?;
    let config = json!({
        "company": {"name": "Cases", "template": "blank"},
        "agents": {},
        "persona": {"agents": {role: {"display_name": custom}}},
    });
    fs::create_dir_all(dir.path().join(AGENTS_DIR))?;
    fs::write(dir.path().join(CONFIG_FILE), config.to_string())?;
    let company = company::load(dir.path())?;
    same(&json!(company.agent(role).context("no agent")?.name), expected(case)?)
}

pub fn journal(case: &Value) -> anyhow::Result<()> {
    let entries = case["entries"].as_array().context("no entries")?;
    let entries: Vec<JournalEntry> = entries.iter().map(entry).collect::<anyhow::Result<_>>()?;
    same(&json!(prompt::journal(&entries)), expected(case)?)
}

fn entry(row: &Value) -> anyhow::Result<JournalEntry> {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    // The days of the cases are those of the machine that the entry was written on.
    let at: DateTime = text("created_at").replace(' ', "T").parse()?;
    let at = at.to_zoned(TimeZone::system())?.timestamp().as_millisecond();
    let files: Value = serde_json::from_str(&text("deliverables")).unwrap_or_default();
    Ok(JournalEntry {
        entry_id: EntryId(row["id"].as_i64().unwrap_or_default()),
        job_id: JobId(1),
        session_id: SessionId(1),
        title: text("directive"),
        text: text("summary"),
        at: Time(at),
        cost_usd: row["total_cost_usd"].as_f64().and_then(Money::dollars).context("no cost")?,
        turns: row["num_turns"].as_i64().unwrap_or_default(),
        files: strings(&files),
    })
}
