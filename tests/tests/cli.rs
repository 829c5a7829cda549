//! The command line, as people and scripts use it. Each test drives the built `aicib` in a home of its own.
#![cfg(target_os = "linux")]

use std::fs;
use std::time::{Duration, Instant};

use blackbox::{SOON, Terminal, wait_for};
use serde_json::{Value, json};

/// The whole way, as one line of shell on a machine with no display.
#[tokio::test]
async fn from_nothing_to_a_finished_brief_in_one_line() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let line = "aicib init --name Acme --dir X && cd X && aicib start && \
                aicib brief --background 'Write a company description' && aicib status --json && aicib logs -f";
    let out = terminal.shell(line)?.good()?;
    assert!(out.contains("Brief sent. The CEO is working on it. Job #1"), "{out}");
    assert!(out.contains("Practice"), "practice is labelled: {out}");
    let desk: Value = out.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    assert_eq!(desk["live"][0]["job_id"], 1, "{out}");
    assert!(out.contains("Job #1 completed"), "{out}");
    let reports = fs::read_dir(terminal.place.path("X/reports"))?.count();
    assert_eq!(reports, 1, "a real report is left in the folder");
    Ok(())
}

#[tokio::test]
async fn e001_a_second_start_is_refused_before_anything_is_created() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let said = terminal.run(&["start"])?.refused(1)?;
    assert!(said.contains("brief") && said.contains("stop"), "{said}");
    let desk = terminal.run(&["status", "--json"])?.json()?;
    assert_eq!(desk["session"]["session_id"], 1);
    Ok(())
}

#[tokio::test]
async fn e002_a_brief_without_a_session_is_refused() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    for flag in ["--background", "--queue"] {
        let said = terminal.run(&["brief", flag, "Write a page"])?.refused(1)?;
        assert!(said.contains("aicib start"), "{said}");
    }
    let error = terminal.run(&["brief", "-b", "Write a page", "--json"])?;
    assert_eq!(error.code, 1);
    let error: Value = serde_json::from_str(&error.err)?;
    assert_eq!(error["error"]["code"], "session.none");
    Ok(())
}

#[tokio::test]
async fn e004_a_start_without_the_ceos_file_is_refused() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    fs::remove_file(terminal.company().join(".claude/agents/ceo.md"))?;
    let said = terminal.run(&["start"])?.refused(1)?;
    assert!(said.contains("CEO") && said.contains("init"), "{said}");
    Ok(())
}

#[tokio::test]
async fn e006_a_stop_with_no_session_is_no_error() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    assert!(terminal.run(&["stop"])?.good()?.contains("No active session found"));
    assert_eq!(terminal.run(&["stop", "--json"])?.json()?["session"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn e009_a_second_brief_is_refused_or_queued() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.5).await?;
    terminal.run(&["brief", "-b", "Write the very first page"])?.good()?;
    let said = terminal.run(&["brief", "-b", "Another"])?.refused(1)?;
    for part in ["Job #1", "Write the very first", "`aicib wait 1`", "--queue", "`aicib cancel 1`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let queued = terminal.run(&["brief", "-b", "--queue", "Another", "--json"])?.json()?;
    assert_eq!((&queued["job_id"], &queued["state"]), (&json!(2), &json!("queued")));
    let out = terminal.run(&["brief", "-b", "--queue", "A third"])?.good()?;
    assert!(out.contains("Brief sent. Job #3 is in line at position 2: "), "{out}");
    // Which one is meant is not guessed where nobody can be asked.
    let said = terminal.run(&["cancel"])?.refused(2)?;
    for part in ["3 jobs have not ended", "#1 (running)", "#3 (queued)", "`aicib cancel 1`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let out = terminal.run(&["cancel", "1"])?.good()?;
    assert!(out.contains("Job #1 cancelled") && (out.contains("0 processes left") || out.contains("0 left")), "{out}");
    let out = terminal.run(&["cancel", "3"])?.good()?;
    assert_eq!(out.trim(), "Job #3 cancelled; 0 processes left.");
    let out = terminal.run(&["stop"])?.good()?;
    assert!(out.contains("Job #2 cancelled") && out.contains("Session 1 is closed"), "{out}");
    assert!(out.trim_end().ends_with(" left."), "{out}");
    Ok(())
}

#[tokio::test]
async fn e018_a_number_of_lines_must_be_a_positive_integer() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    for lines in ["abc", "-5", "0", "1.5"] {
        let said = terminal.run(&["logs", "--lines", lines])?.refused(2)?;
        assert!(said.contains("--lines must be a positive integer"), "{said}");
    }
    assert!(!terminal.place.home().join("daemon.log").exists(), "nothing is started for it");
    Ok(())
}

#[tokio::test]
async fn e031_a_log_says_whether_somebody_waited() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let out = terminal.run(&["brief", "Write a page"])?.good()?;
    assert!(out.contains("Foreground Job #1") && out.contains("Job #1 completed"), "{out}");
    assert!(terminal.run(&["logs"])?.good()?.starts_with("Foreground Job #1"));
    terminal.run(&["brief", "-b", "Write a page"])?.good()?;
    assert!(terminal.run(&["logs", "-f"])?.good()?.starts_with("Background Job #2"));
    Ok(())
}

#[tokio::test]
async fn json_is_one_object_or_one_a_line_with_the_same_names() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let out = terminal.run(&["brief", "Write a page", "--json"])?.good()?;
    let lines: Vec<Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let (last, events) = lines.split_last().unwrap();
    assert_eq!((&last["job_id"], &last["state"], &last["cost_usd"]), (&json!(1), &json!("completed"), &json!(0.0)));
    let seqs: Vec<i64> = events.iter().filter_map(|event| event["seq"].as_i64()).collect();
    assert!(seqs.len() == events.len() && seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    let logged = terminal.run(&["logs", "--json"])?.good()?;
    assert_eq!(logged.lines().count(), events.len());
    assert_eq!(terminal.run(&["status", "--json", "--job", "1"])?.json()?["directive"], "Write a page");
    let tail = terminal.run(&["logs", "--json", "-n", "3"])?.good()?;
    assert_eq!(tail, logged.lines().skip(events.len() - 3).map(|line| format!("{line}\n")).collect::<String>());
    Ok(())
}

#[tokio::test]
async fn ctrl_c_stops_the_work_and_says_so() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.6).await?;
    let mut brief = terminal.watch(&["brief", "Write a long page"])?;
    brief.until("asks")?;
    brief.signal(rustix::process::Signal::INT)?;
    let ran = brief.ended().await?;
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(ran.err.contains("0 left") && ran.out.contains("Job #1 cancelled"), "{ran:?}");
    assert_eq!(terminal.run(&["status", "--json", "--job", "1"])?.json()?["state"], "cancelled");
    Ok(())
}

#[tokio::test]
async fn a_second_ctrl_c_leaves_a_job_that_will_not_stop_to_the_daemon() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.6).await?;
    let pid = rustix::process::Pid::from_raw(terminal.daemon_pid().await?).unwrap();
    let mut brief = terminal.watch(&["brief", "Write a long page"])?;
    brief.until("asks")?;
    rustix::process::kill_process(pid, rustix::process::Signal::STOP)?;
    brief.signal(rustix::process::Signal::INT)?;
    brief.until_complaint("Stopping job #1")?;
    brief.signal(rustix::process::Signal::INT)?;
    brief.until_complaint("Detached")?;
    let ran = brief.ended().await?;
    rustix::process::kill_process(pid, rustix::process::Signal::CONT)?;
    assert_eq!(ran.code, 130, "{ran:?}");
    terminal.run(&["stop"])?.good()?;
    Ok(())
}

#[tokio::test]
async fn closed_output_ends_a_command_quietly_and_not_the_work() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(4.0).await?;
    let ran = terminal.shell("cd acme && aicib brief 'Write a page' | head -n 1")?;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let mut daemon = terminal.daemon().await?;
    daemon.job(1, &["completed"], SOON).await?;
    Ok(())
}

#[tokio::test]
async fn wrong_use_is_one_line_and_exit_two() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    for args in [
        &["nonsense"][..],
        &[],
        &["brief"],
        &["logs", "-n", "0"],
        &["logs", "--job", "seven"],
        &["cancel", "-3"],
        &["brief", "x", "--max-cost", "lots"],
        &["status", "--wat"],
        &["key", "set", "--session", "--passphrase"],
    ] {
        terminal.run(args)?.refused(2)?;
        let ran = terminal.run(&[args, &["--json"]].concat())?;
        let error: Value = serde_json::from_str(&ran.err)?;
        assert_eq!((ran.code, &error["error"]["code"]), (2, &json!("request.bad")), "{args:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_agents_say_cannot_touch_the_terminal() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let directive = "Say \u{1b}]0;owned\u{7}hello \u{1b}[2J\u{202e}now";
    let ran = terminal.run(&["brief", directive])?;
    for text in [ran.out, ran.err, terminal.run(&["logs"])?.out, terminal.run(&["status"])?.out] {
        let harmful = text.chars().find(|c| (c.is_control() && *c != '\n' && *c != '\t') || *c == '\u{202e}');
        assert_eq!(harmful, None, "{text:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_doctor_sees_what_stops_a_daemon() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    terminal.run(&["doctor"])?;
    terminal.run(&["daemon", "stop"])?.good()?;
    let database = terminal.place.home().join("aicib.db");
    fs::remove_file(&database)?;
    fs::create_dir(&database)?;
    let ran = terminal.run(&["doctor", "--json"])?;
    assert_eq!(ran.code, 1, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out)?;
    assert_eq!(report["checks"][0]["status"], "fault", "{report}");
    let backups = terminal.place.home().join("backups").display().to_string();
    assert!(report.to_string().contains(&backups), "{report}");
    let said = terminal.run(&["daemon", "start"])?.refused(1)?;
    assert!(said.contains("database"), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_doctor_tells_of_a_database_that_was_mended() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    terminal.run(&["daemon", "start"])?.good()?;
    terminal.run(&["daemon", "stop"])?.good()?;
    fs::write(terminal.place.home().join("aicib.db"), "this is no database, and long enough to be seen as none")?;
    let report = terminal.run(&["doctor", "--json"])?.json()?;
    assert!(report["checks"][1]["detail"].as_str().is_some_and(|said| said.contains("was damaged")), "{report}");
    let health = terminal.run(&["daemon", "health"])?.good()?;
    assert!(health.contains("Repaired  The database was damaged"), "{health}");
    Ok(())
}

#[tokio::test]
async fn keys_come_in_unseen_and_are_never_shown() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let key = "sk-ant-test-0123456789-WXYZ";
    let stored = terminal.run_with(&["key", "set", "--session"], format!("{key}\n").as_bytes())?.good()?;
    assert!(stored.contains("WXYZ") && !stored.contains(key), "{stored}");
    let mut command = terminal.command(&["key", "set", "--session", "--from-env", "MY_KEY"]);
    assert!(command.env("MY_KEY", key).output()?.status.success());
    let list = terminal.run(&["key", "list", "--json"])?.json()?;
    assert_eq!((&list["provider"], &list["storage"]), (&json!("anthropic"), &json!("session")));
    assert!(!list.to_string().contains(key));
    terminal.run(&["key", "remove"])?.good()?;
    assert_eq!(terminal.run(&["key", "list", "--json"])?.good()?, "");

    let both = format!("{key}\nopen sesame\n");
    terminal.run_with(&["key", "set", "--passphrase"], both.as_bytes())?.good()?;
    terminal.run(&["daemon", "stop"])?.good()?;
    let list = terminal.run(&["key", "list", "--json"])?.json()?;
    assert_eq!(list["unlocked"], false, "{list}");
    terminal.run_with(&["key", "unlock"], b"wrong\n")?.refused(1)?;
    assert!(terminal.run_with(&["key", "unlock"], b"open sesame\n")?.good()?.contains("anthropic"));
    for args in [&["key", "set", key][..], &["key", "set", "anthropic", key], &["key", "set", "--from-env", key]] {
        let said = terminal.run(args)?.refused(2)?;
        assert!(said.contains("looks like a key") && !said.contains("WXYZ"), "{said}");
    }
    terminal.run_with(&["key", "set"], b"\n")?.refused(2)?;
    terminal.run(&["key", "set", "--from-env", "NOT_SET"])?.refused(2)?;
    Ok(())
}

#[tokio::test]
async fn words_are_found() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.run(&["brief", "Write about zeppelins"])?.good()?;
    let out = wait_for("a hit", SOON, async || {
        let out = terminal.run(&["search", "zeppelins"])?.good()?;
        Ok(out.contains("#1").then_some(out))
    });
    assert!(out.await?.contains("zeppelins"));
    assert_eq!(terminal.run(&["search", "-n", "1", "zeppelins", "--json"])?.json()?["job_id"], 1);
    assert!(terminal.run(&["search", "nothingatall"])?.good()?.contains("Nothing found"));
    Ok(())
}

#[tokio::test]
async fn a_daemon_starts_and_stops_and_says_so() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    for dir in ["never-used", "aicib"] {
        let home = terminal.place.path(dir);
        let run = |args: &[&str]| terminal.command(args).env("AICIB_HOME", &home).output();
        let status = run(&["daemon", "status"])?;
        let said = String::from_utf8_lossy(&status.stderr);
        assert_eq!(status.status.code(), Some(1));
        assert_eq!(said.trim(), "error: No daemon runs. Start it with `aicib daemon start`.", "{dir}");
        assert!(String::from_utf8_lossy(&run(&["daemon", "stop"])?.stdout).contains("No daemon"));
        assert!(dir == "aicib" || !home.exists(), "asking makes no home");
    }
    terminal.run(&["daemon", "start"])?.good()?;
    let pid = terminal.daemon_pid().await?;
    assert!(terminal.run(&["daemon", "status"])?.good()?.contains(&pid.to_string()));
    terminal.run(&["daemon", "stop"])?.good()?;
    wait_for("its end", SOON, async || Ok(terminal.place.processes().is_empty().then_some(()))).await?;
    let said = terminal.run(&["daemon", "status"])?.refused(1)?;
    assert!(said.contains("No daemon runs. Start it with `aicib daemon start`."), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_founders_settings_are_seen_and_set() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let out = terminal.run(&["settings"])?.good()?;
    assert!(out.contains("brief_limit_usd           5 ") && !out.contains("onboarded"), "{out}");
    let out = terminal.run(&["settings", "set", "brief_limit_usd", "$2.50"])?.good()?;
    assert_eq!(out.trim(), "brief_limit_usd is 2.5 now.");
    assert_eq!(terminal.run(&["settings", "get", "brief_limit_usd"])?.good()?.trim(), "2.5");
    assert_eq!(terminal.run(&["settings", "--json"])?.json()?["brief_limit_usd"], 2.5);
    let said = terminal.run(&["settings", "set", "them", "dark"])?.refused(2)?;
    assert!(said.contains("theme") && said.contains("practice_pace"), "{said}");
    terminal.run(&["settings", "set", "theme", "pink"])?.refused(2)?;
    terminal.run(&["settings", "set", "practice_pace", "1000"])?.refused(2)?;
    terminal.run(&["init", "--name", "Acme", "--dir", "acme"])?.good()?;
    let said = terminal.run(&["config", "set", "settings.practice_pace", "4", "--dir", "acme"])?.refused(1)?;
    assert!(said.contains("aicib settings set practice_pace"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_job_that_ended_is_sent_again() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.run(&["brief", "Write a page"])?.good()?;
    let out = terminal.run(&["restart", "1"])?.good()?;
    assert!(out.contains("Sends the brief of job #1 again.") && out.contains("Job #2 completed"), "{out}");
    terminal.pace(0.5).await?;
    let out = terminal.run(&["restart", "2", "-b"])?.good()?;
    assert!(out.contains("The brief of job #2 is sent again. The CEO is working on it. Job #3"), "{out}");
    assert_eq!(terminal.run(&["status", "--job", "3", "--json"])?.json()?["parent_job_id"], 2);
    let said = terminal.run(&["restart", "3"])?.refused(1)?;
    assert!(said.contains("has not ended"), "{said}");
    terminal.run(&["restart", "99"])?.refused(1)?;
    terminal.run(&["stop"])?.good()?;
    Ok(())
}

/// A loose bound that a debug build on a busy machine keeps; `make bench` measures.
#[tokio::test]
async fn a_background_brief_gives_the_prompt_back_at_once() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let begun = Instant::now();
    terminal.run(&["brief", "-b", "Write a page"])?.good()?;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    Ok(())
}
