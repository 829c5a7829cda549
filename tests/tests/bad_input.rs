//! Input that is wrong, from the terminal: each is told in a line what to do, and nothing hangs.
#![cfg(target_os = "linux")]

use std::fs;

use blackbox::Terminal;
use serde_json::{Value, json};

#[tokio::test]
async fn directives_that_say_nothing_or_too_much_are_refused() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    for directive in ["", "   \n\t ", "\u{1}\u{2}\u{7}\u{1b}"] {
        let ran = terminal.run_with(&["brief", "-b", "-"], directive.as_bytes())?;
        let said = ran.refused(1)?;
        assert!(said.to_lowercase().contains("directive") || said.contains("brief"), "{said}");
    }
    let large = vec![b'x'; 1024 * 1024];
    let said = terminal.run_with(&["brief", "-b", "-"], &large)?.refused(1)?;
    assert!(said.contains("KB"), "{said}");
    let job = terminal.run_with(&["brief", "-b", "-", "--json"], b"Write\x1b[31m a\x00 page")?;
    if job.code == 0 {
        let job: Value = serde_json::from_str(&job.out)?;
        assert!(!job["title"].as_str().unwrap_or_default().contains(char::is_control), "{job}");
    }
    let desk = terminal.run(&["status", "--json"])?.json()?;
    assert!(desk["session"]["jobs"].as_i64().unwrap_or_default() <= 1, "what was refused left no job: {desk}");
    Ok(())
}

#[tokio::test]
async fn a_job_that_does_not_exist_is_named() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    for args in [
        &["logs", "--job", "99"][..],
        &["status", "--job", "99"],
        &["cancel", "99"],
        &["open", "--job", "99"],
        &["search", "--job", "99", "words"],
    ] {
        let said = terminal.run(args)?.refused(1)?;
        assert!(said.contains("99"), "{args:?}: {said}");
    }
    assert!(terminal.run(&["logs"])?.good()?.contains("no jobs yet"));
    assert!(terminal.run(&["logs", "-f"])?.good()?.contains("no jobs yet"));
    assert_eq!(terminal.run(&["logs", "--json"])?.good()?, "");
    terminal.run(&["cancel"])?.refused(1)?;
    Ok(())
}

#[tokio::test]
async fn a_folder_without_a_company_is_told_what_to_do() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    for args in [&["start"][..], &["status"], &["brief", "-b", "x"], &["logs"], &["config", "get"], &["agent", "list"]]
    {
        let said = terminal.run(args)?.refused(1)?;
        assert!(said.contains("aicib init"), "{args:?}: {said}");
    }
    terminal.run(&["init", "--name", "Acme", "--dir", "elsewhere/acme"])?.good()?;
    let said = terminal.run(&["status"])?.refused(1)?;
    assert!(said.contains("elsewhere/acme"), "those that are known are named: {said}");
    Ok(())
}

#[tokio::test]
async fn a_company_folder_that_vanished_is_named() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let company = terminal.company();
    fs::rename(&company, terminal.place.path("elsewhere"))?;
    let dir = company.display().to_string();
    for args in [&["brief", "-b", "Write a page", "--dir", &dir][..], &["status", "--dir", &dir]] {
        let said = terminal.run(args)?.refused(1)?;
        assert!(said.contains(&dir), "{args:?}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_read_only_company_folder_is_named_and_nothing_hangs() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let terminal = Terminal::plain()?;
    let locked = terminal.place.path("locked");
    fs::create_dir(&locked)?;
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555))?;
    let dir = locked.join("acme").display().to_string();
    let said = terminal.run(&["init", "--name", "Acme", "--dir", &dir])?.refused(1)?;
    assert!(said.contains("locked"), "{said}");

    terminal.run(&["init", "--name", "Acme", "--dir", "acme", "--engine", "practice"])?.good()?;
    terminal.run(&["start"])?.good()?;
    for folder in [terminal.company(), terminal.company().join("reports"), terminal.company().join("notes")] {
        if folder.is_dir() {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o555))?;
        }
    }
    terminal.run(&["config", "set", "settings.cost_limit_daily", "20"])?.refused(1)?;
    let ran = terminal.run(&["brief", "Write a page"])?;
    assert!(ran.out.contains("ermission denied") || ran.out.contains("ead-only"), "the log says why: {ran:?}");
    fs::set_permissions(terminal.company(), fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[tokio::test]
async fn a_broken_config_is_refused_with_file_line_and_what_was_expected() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let file = terminal.company().join("aicib.config.yaml");
    let good = fs::read_to_string(&file)?;
    fs::write(&file, format!("{good}\nsettings: [\n"))?;
    let said = terminal.run(&["start"])?.refused(1)?;
    assert!(said.contains("aicib.config.yaml") && said.contains(char::is_numeric), "{said}");
    let ran = terminal.run(&["config", "validate"])?;
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("aicib.config.yaml:"), "{ran:?}");

    let edited: Vec<String> = good
        .lines()
        .map(|line| match line.trim_start().starts_with("cost_limit_daily:") {
            true => format!("{}cost_limit_daily: a lot", &line[..line.len() - line.trim_start().len()]),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&file, edited.join("\n"))?;
    let report = terminal.run(&["config", "validate", "--json"])?;
    let report: Value = serde_json::from_str(&report.out)?;
    let fault = &report["faults"][0];
    let wrong = edited.iter().position(|line| line.contains("a lot")).map(|at| at + 1);
    assert_eq!(fault["line"], json!(wrong), "{report}");
    assert_eq!(fault["key"], "settings.cost_limit_daily");
    fs::write(&file, good)?;
    terminal.run(&["config", "validate"])?.good()?;
    Ok(())
}

#[tokio::test]
async fn config_is_read_and_changed_in_place() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let file = terminal.company().join("aicib.config.yaml");
    let before = fs::read_to_string(&file)?;
    terminal.run(&["config", "set", "settings.cost_limit_daily", "12.5"])?.good()?;
    assert_eq!(terminal.run(&["config", "get", "settings.cost_limit_daily"])?.good()?.trim(), "12.5");
    let after = fs::read_to_string(&file)?;
    let changed = before.lines().zip(after.lines()).filter(|(a, b)| a != b).count();
    assert_eq!((changed, before.lines().count()), (1, after.lines().count()), "{after}");
    let said = terminal.run(&["config", "get", "settings.nonsense"])?.refused(1)?;
    assert!(said.contains("settings.nonsense"), "{said}");
    let said = terminal.run(&["config", "set", "settings.cost_limit_daily", "lots"])?.refused(1)?;
    assert!(said.contains("not \"lots\"") && !said.contains("line"), "it is about the value: {said}");
    let out = terminal.run(&["config", "set", "slack.enabled", "true"])?.good()?;
    assert!(out.contains("warning: AICIB does not use `slack` yet"), "{out}");
    terminal.run(&["config", "set", "engines.use", "practice"])?.good()?;
    let out = terminal.run(&["config", "set", "engine.mode", "claude-code"])?.good()?;
    assert!(out.contains("warning: engines.use says practice"), "{out}");
    let out = terminal.run(&["config", "validate"])?.good()?;
    assert!(out.contains("is valid.") && out.contains("`slack`"), "{out}");
    let all = terminal.run(&["config", "get", "--json"])?.json()?["value"].clone();
    assert!(all.get("slack").is_some() && all.get("scheduler").is_none(), "{all}");
    Ok(())
}

#[tokio::test]
async fn an_agent_file_without_frontmatter_is_shown_with_what_is_wrong() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let file = terminal.company().join(".claude/agents/cmo.md");
    let good = fs::read_to_string(&file)?;
    fs::write(&file, "Just some words.\n")?;
    let out = terminal.run(&["agent", "list", "--json"])?.good()?;
    let rows: Vec<Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let cmo = rows.iter().find(|row| row["role"] == "cmo").cloned().unwrap_or_default();
    let problem = cmo["problem"]["message"].as_str().unwrap_or_default();
    assert!(problem.contains("frontmatter"), "{cmo}");
    let out = terminal.run(&["agent", "list"])?.good()?;
    assert!(!out.contains(", ,") && !out.contains("  , "), "{out}");
    assert!(terminal.run(&["config", "validate"])?.good()?.contains("cmo.md"));
    // The rest of the team works on.
    terminal.run(&["start"])?.good()?;
    assert!(terminal.run(&["brief", "Write a page"])?.good()?.contains("Job #1 completed"));

    // Mended in an editor; what does not hold is refused and kept.
    let editor = terminal.place.path("editor");
    let edit = |text: &str| -> anyhow::Result<_> {
        fs::write(&editor, format!("#!/bin/sh\ncat > \"$1\" <<'END'\n{text}END\n"))?;
        std::os::unix::fs::PermissionsExt::set_mode(&mut fs::metadata(&editor)?.permissions(), 0o755);
        fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let mut command = terminal.command(&["agent", "edit", "cto"]);
        let output = command.env("EDITOR", &editor).output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let mut command = terminal.command(&["agent", "edit", "cto", "--json"]);
    let untouched = command.env("EDITOR", "true").output()?;
    let detail: Value = serde_json::from_slice(&untouched.stdout)?;
    assert_eq!(detail["agent"]["role"], "cto", "an object even where nothing was changed");
    let (code, said) = edit("no frontmatter\n")?;
    assert!(code == Some(1) && said.contains("kept in"), "{said}");
    let (code, said) = edit(&good.replace("cmo", "cto"))?;
    assert_eq!(code, Some(0), "{said}");
    Ok(())
}
