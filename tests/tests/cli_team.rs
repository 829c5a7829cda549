//! The team, from the terminal.
#![cfg(target_os = "linux")]

use std::fs;

use blackbox::Terminal;
use serde_json::{Value, json};

fn agent(terminal: &Terminal, role: &str) -> anyhow::Result<Value> {
    Ok(terminal.run(&["agent", "show", role, "--json"])?.json()?["agent"].clone())
}

#[tokio::test]
async fn the_team_is_listed_as_a_tree() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let out = terminal.run(&["agent", "list"])?.good()?;
    let indent = |role: &str| {
        let line = out.lines().find(|line| line.split_whitespace().any(|word| word == role)).unwrap_or_default();
        line.len() - line.trim_start().len()
    };
    assert_eq!((indent("ceo"), indent("cto"), indent("backend-engineer")), (0, 2, 4), "{out}");
    assert!(out.starts_with("AGENT") && out.contains("TODAY") && out.contains("stopped"), "{out}");
    let json = terminal.run(&["agent", "list", "--json"])?.good()?;
    let rows: Vec<Value> = json.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!((&rows[0]["role"], rows.len()), (&json!("ceo"), out.lines().count() - 1));
    Ok(())
}

#[tokio::test]
async fn agents_come_and_go() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    terminal.run(&["agent", "add", "lawyer", "--name", "Ada", "--reports-to", "cfo"])?.good()?;
    let ada = agent(&terminal, "lawyer")?;
    assert_eq!((&ada["name"], &ada["reports_to"]), (&json!("Ada"), &json!("cfo")), "{ada}");
    let said = terminal.run(&["agent", "add", "lawyer"])?.refused(1)?;
    assert!(said.contains("lawyer"), "{said}");
    let text = "---\nrole: poet\ntitle: Poet\nreports_to: cmo\n---\n\n# Poet\n\nYou write verse.\n";
    terminal.run_with(&["agent", "add", "poet", "--from", "-"], text.as_bytes())?.good()?;
    assert!(terminal.run(&["agent", "prompt", "poet"])?.good()?.contains("You write verse."));
    let draft = terminal.place.path("draft.md");
    fs::write(&draft, text.replace("verse", "prose"))?;
    let draft = draft.display().to_string();
    let preview = terminal.run(&["agent", "prompt", "poet", "--from", &draft, "--json"])?.json()?;
    assert!(preview["prompt"].as_str().is_some_and(|prompt| prompt.contains("You write prose.")), "{preview}");

    let out = terminal.run(&["agent", "remove", "poet"])?.good()?;
    assert!(out.contains("put aside"), "{out}");
    terminal.run(&["agent", "show", "poet"])?.refused(1)?;
    terminal.run(&["agent", "remove", "ceo"])?.refused(1)?;
    for role in ["../ceo", "", "A B", "-x"] {
        assert_ne!(terminal.run(&["agent", "add", role])?.code, 0, "{role:?}");
    }
    terminal.run(&["agent", "add", "clerk", "--from", "no-such-file.md"])?.refused(1)?;
    Ok(())
}

#[tokio::test]
async fn the_originals_names_for_adding_and_removing_work() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let out = terminal.run(&["add-agent", "-r", "reviewer", "--department", "engineering", "-m", "haiku"])?.good()?;
    assert!(out.contains("under the CTO"), "{out}");
    let reviewer = agent(&terminal, "reviewer")?;
    assert_eq!((&reviewer["reports_to"], &reviewer["model"]), (&json!("cto"), &json!("haiku")), "{reviewer}");
    assert_eq!(reviewer["department"], "engineering", "{reviewer}");
    let said = terminal.run(&["add-agent", "-r", "cook", "--department", "kitchen"])?.refused(2)?;
    assert!(said.contains("engineering"), "it says which there are: {said}");
    terminal.run(&["remove-agent", "reviewer"])?.good()?;
    terminal.run(&["agent", "show", "reviewer"])?.refused(1)?;
    Ok(())
}

#[tokio::test]
async fn what_an_agent_may_is_changed_in_the_config_and_nothing_else_is() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let config = terminal.company().join("aicib.config.yaml");
    let text = format!("# The founder's own words.\n{}", fs::read_to_string(&config)?);
    fs::write(&config, &text)?;
    let out = terminal.run(&[
        "agent",
        "set",
        "cto",
        "--model",
        "haiku",
        "--persona",
        "technical",
        "--skills",
        "code_review",
        "--autonomy",
        "guided",
        "--limit",
        "2.50",
    ]);
    let out = out?.good()?;
    assert!(out.contains("haiku") && out.contains("guided") && out.contains("of $2.50"), "{out}");
    let cto = agent(&terminal, "cto")?;
    assert_eq!(
        (&cto["model"], &cto["persona"], &cto["skills"], &cto["autonomy"], &cto["limit_usd"]),
        (&json!("haiku"), &json!("technical"), &json!(["code_review"]), &json!("guided"), &json!(2.5)),
        "{cto}"
    );
    terminal.run(&["agent", "set", "cto", "--skills", ""])?.good()?;
    assert_eq!(agent(&terminal, "cto")?["skills"], json!([]));
    terminal.run(&["agent", "disable", "cfo"])?.good()?;
    assert_eq!(agent(&terminal, "cfo")?["enabled"], false);
    assert!(terminal.run(&["agent", "list"])?.good()?.lines().any(|row| row.contains("cfo") && row.contains("off")));
    terminal.run(&["agent", "enable", "cfo"])?.good()?;
    assert_eq!(agent(&terminal, "cfo")?["enabled"], true);
    let after = fs::read_to_string(&config)?;
    assert!(after.starts_with("# The founder's own words.\n"), "{after}");

    let before = fs::read_to_string(&config)?;
    terminal.run(&["agent", "set", "cto"])?.refused(2)?;
    terminal.run(&["agent", "set", "cto", "--limit", "lots"])?.refused(2)?;
    terminal.run(&["agent", "set", "cto", "--limit", "-1"])?.refused(2)?;
    terminal.run(&["agent", "set", "cto", "--autonomy", "boundless"])?.refused(1)?;
    terminal.run(&["agent", "set", "nobody", "--model", "opus"])?.refused(1)?;
    assert_eq!(fs::read_to_string(&config)?, before, "what is refused changes nothing");
    Ok(())
}

#[tokio::test]
async fn the_ceo_introduces_itself_when_the_session_opens() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let out = terminal.run(&["start"])?.good()?;
    let said = out.lines().find(|line| line.starts_with("CEO: ")).unwrap_or_default();
    assert!(said.contains("Acme"), "{out}");
    terminal.run(&["stop"])?.good()?;
    let out = terminal.run(&["session", "resume", "1"])?.good()?;
    assert!(out.lines().any(|line| line.starts_with("CEO: ")), "{out}");
    Ok(())
}
