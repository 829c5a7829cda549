//! What a real model's team is told and held to, from the terminal to the provider's socket.
#![cfg(target_os = "linux")]

use std::fs;

use blackbox::Terminal;
use serde_json::{Value, json};
use testkit::{Provider, company_play};

/// A terminal whose company works on the provider, with a key for this session.
async fn terminal(provider: &Provider) -> anyhow::Result<Terminal> {
    let mut terminal = Terminal::new()?;
    terminal.place.set("ANTHROPIC_BASE_URL", provider.url());
    terminal.run(&["init", "--name", "Acme", "--dir", "acme", "--engine", "anthropic-api"])?.good()?;
    terminal.run_with(&["key", "set", "--session"], b"sk-ant-test-key-0001\n")?.good()?;
    Ok(terminal)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brief_from_the_terminal_writes_files_delegates_and_costs_what_was_used() -> anyhow::Result<()> {
    let provider = Provider::start(company_play()).await;
    let terminal = terminal(&provider).await?;
    terminal.run(&["start"])?.good()?;
    let out = terminal.run(&["brief", "Write a company description"])?.good()?;
    assert!(out.contains("▸ asks") && out.contains("✓ Write") && out.contains("Job #1 completed"), "{out}");
    assert!(!out.contains("Practice"), "{out}");
    assert!(terminal.company().join("reports/company-description.md").is_file());
    let job = terminal.run(&["status", "--json", "--job", "1"])?.json()?;
    let cost = job["cost_usd"].as_f64().unwrap_or_default();
    assert_eq!((cost * 1e9).round() as i64, provider.spent_nanos(), "{job}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn e003_a_brief_is_refused_once_today_has_reached_its_limit() -> anyhow::Result<()> {
    let provider = Provider::start(company_play()).await;
    let terminal = terminal(&provider).await?;
    terminal.run(&["start"])?.good()?;
    terminal.run(&["brief", "Write a company description"])?.good()?;
    let calls = provider.requests().len();
    terminal.run(&["config", "set", "settings.cost_limit_daily", "0.001"])?.good()?;
    let status = terminal.run(&["status"])?.good()?;
    assert!(status.contains("of $0.0010"), "{status}");
    let said = terminal.run(&["brief", "-b", "Write another"])?.refused(1)?;
    for part in ["limit", "$0.0010", "cost_limit_daily"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(provider.requests().len(), calls, "no model was called");
    let desk = terminal.run(&["status", "--json"])?.json()?;
    assert_eq!(desk["session"]["jobs"], 1, "no job was made");
    terminal.run(&["config", "set", "settings.cost_limit_daily", "50"])?.good()?;
    terminal.run(&["brief", "-b", "Write another"])?.good()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn e005_e007_e008_the_ceo_hears_of_its_team_its_tools_and_its_folder() -> anyhow::Result<()> {
    let provider = Provider::start(company_play()).await;
    let terminal = terminal(&provider).await?;
    let agents = terminal.company().join(".claude/agents");
    let change = |role: &str, from: &str, to: &str| -> anyhow::Result<()> {
        let file = agents.join(format!("{role}.md"));
        let text = fs::read_to_string(&file)?;
        assert!(text.contains(from), "{role}: {text}");
        Ok(fs::write(&file, text.replacen(from, to, 1))?)
    };
    change("ceo", "tools: [", "tools: [SendMessage, TeamCreate, ")?;
    change("cfo", "---\n", "---\nenabled: false\n")?;
    terminal.run(&["start"])?.good()?;
    terminal.run(&["brief", "Write a company description"])?.good()?;

    let requests = provider.requests();
    let first = requests.first().unwrap();
    let tools = first.tools();
    assert!(tools.contains(&"Write".to_owned()) && tools.contains(&"delegate".to_owned()), "{tools:?}");
    assert!(!tools.iter().any(|tool| tool == "SendMessage" || tool == "TeamCreate"), "E005: {tools:?}");
    assert!(!first.roles().contains(&"cfo".to_owned()) && !first.roles().is_empty(), "E007: {:?}", first.roles());
    let folder = terminal.company().display().to_string();
    for request in &requests {
        assert!(request.system().contains(&folder), "E008: the system prompt names the folder");
        assert!(request.first_user().contains(&folder), "E008: so does every brief and task");
    }
    let team = terminal.run(&["agent", "list", "--json"])?.good()?;
    let rows: Vec<Value> = team.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let cfo = rows.iter().find(|row| row["role"] == "cfo").cloned().unwrap_or_default();
    assert_eq!((&cfo["enabled"], &cfo["state"]), (&json!(false), &json!("stopped")), "{cfo}");
    Ok(())
}
