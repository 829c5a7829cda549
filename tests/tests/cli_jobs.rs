//! Commands about jobs, from sending one to forgetting it, as people and scripts use them.
#![cfg(target_os = "linux")]

use blackbox::{SOON, Terminal, WORK, wait_for};
use serde_json::{Value, json};

/// The numbers of the jobs that `aicib jobs` prints.
fn numbers(page: &Value) -> Vec<i64> {
    page["jobs"].as_array().into_iter().flatten().filter_map(|job| job["job_id"].as_i64()).collect()
}

#[tokio::test]
async fn jobs_are_listed_newest_first_and_page_by_page() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let none = terminal.run(&["jobs"])?.good()?;
    assert_eq!(none.trim(), "There are no jobs yet.");
    for title in ["Write about 公司简介", "Write two", "Write three"] {
        terminal.run(&["brief", title])?.good()?;
    }
    terminal.pace(0.2).await?;
    terminal.run(&["brief", "-b", "Write four"])?.good()?;
    let out = terminal.run(&["jobs"])?.good()?;
    let rows: Vec<&str> = out.lines().collect();
    assert_eq!(rows.len(), 5, "{out}");
    assert!(rows[0].trim_start().starts_with("JOB  STATE"), "{out}");
    assert!(rows[1].contains("#4") && rows[1].contains("Write four"), "{out}");
    assert!(rows[4].contains("#1  completed") && rows[4].contains("Write about 公司简介"), "{out}");

    let out = terminal.run(&["jobs", "-n", "2"])?.good()?;
    assert!(out.contains("`aicib jobs -n 2 --before 3`"), "{out}");
    let page = terminal.run(&["jobs", "-n", "2", "--before", "3", "--json"])?.json()?;
    assert_eq!(numbers(&page), [2, 1]);
    let page = terminal.run(&["jobs", "--state", "completed", "--json"])?.json()?;
    assert_eq!(numbers(&page), [3, 2, 1]);
    let page = terminal.run(&["jobs", "--state", "running,queued", "--since", "1h", "--json"])?.json()?;
    assert_eq!(numbers(&page), [4]);
    let said = terminal.run(&["jobs", "--state", "done"])?.refused(2)?;
    assert!(said.contains("scheduled, blocked, queued, running"), "{said}");
    terminal.run(&["jobs", "--since", "sometime"])?.refused(2)?;
    terminal.run(&["jobs", "-n", "0"])?.refused(2)?;

    // Another company, by its name; and all of them.
    terminal.run(&["init", "--name", "Beta", "--dir", "../beta", "--engine", "practice"])?.good()?;
    assert_eq!(numbers(&terminal.run(&["jobs", "--company", "beta", "--json"])?.json()?), [0_i64; 0]);
    assert_eq!(numbers(&terminal.run(&["jobs", "--all", "--json"])?.json()?), [4, 3, 2, 1]);
    let said = terminal.run(&["jobs", "--company", "gamma"])?.refused(1)?;
    assert!(said.contains("Beta") && said.contains("Acme"), "{said}");
    terminal.run(&["stop"])?.good()?;
    Ok(())
}

#[tokio::test]
async fn status_takes_a_company_by_name_or_folder() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    terminal.run(&["init", "--name", "Beta Works", "--dir", "../beta", "--engine", "practice"])?.good()?;
    for named in ["Beta Works", "beta", "../beta"] {
        let desk = terminal.run(&["status", named, "--json"])?.json()?;
        assert_eq!(desk["company"]["name"], "Beta Works", "{named}");
    }
    terminal.run(&["init", "--name", "Beta Labs", "--dir", "../labs", "--engine", "practice"])?.good()?;
    let said = terminal.run(&["status", "Beta"])?.refused(2)?;
    assert!(said.contains("/beta") && said.contains("/labs"), "{said}");
    let said = terminal.run(&["status", "7"])?.refused(1)?;
    assert!(said.contains("`aicib status --job 7`"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_brief_can_wait_for_its_time_and_for_another() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let out = terminal.run(&["brief", "--at", "in 3h", "Write later"])?.good()?;
    assert!(out.contains("Job #1 begins ") && out.contains("in 3 h"), "{out}");
    let out = terminal.run(&["brief", "-b", "--after", "1", "--priority", "10", "Write after that"])?.good()?;
    assert!(out.contains("Job #2 waits for job #1 to complete."), "{out}");
    let out = terminal.run(&["status"])?.good()?;
    for part in ["Nothing is under way.", "To come", "#1  scheduled", "Begins ", "#2  blocked", "priority 10"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    // Neither of them makes the session busy.
    terminal.run(&["brief", "Write now"])?.good()?;
    let out = terminal.run(&["cancel", "1"])?.good()?;
    assert_eq!(out.trim(), "Job #1 cancelled; 0 processes left.");
    let blocked = terminal.run(&["wait", "2", "--timeout", "20s", "--json"])?;
    assert_eq!(blocked.code, 1, "{blocked:?}");
    let blocked: Value = serde_json::from_str(&blocked.out)?;
    assert_eq!(blocked["job"]["error"]["code"], "job.blocker_not_completed", "{blocked}");
    for at in ["yesterday 9:00", "25:00", "tomorrow"] {
        terminal.run(&["brief", "--at", at, "Write"])?.refused(2)?;
    }
    terminal.run(&["brief", "--priority", "101", "Write"])?.refused(2)?;
    terminal.run(&["brief", "--after", "99", "Write"])?.refused(1)?;
    Ok(())
}

#[tokio::test]
async fn a_wait_ends_with_the_job_and_says_how() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(10.0).await?;
    terminal.run(&["brief", "-b", "Write a page"])?.good()?;
    let ran = terminal.run(&["wait", "1"])?;
    assert!(ran.code == 0 && ran.out.contains("Job #1 completed"), "{ran:?}");
    terminal.pace(0.2).await?;
    terminal.run(&["brief", "-b", "Write another"])?.good()?;
    let ran = terminal.run(&["wait", "2", "--timeout", "300ms"])?;
    assert!(ran.code == 124 && ran.out.contains("Job #2 has not ended: it is "), "{ran:?}");
    let waiting = terminal.watch(&["wait", "2"])?;
    terminal.run(&["cancel", "2"])?.good()?;
    assert_eq!(waiting.ended().await?.code, 130);
    terminal.run(&["wait", "99"])?.refused(1)?;
    terminal.run(&["wait", "2", "--timeout", "10"])?.refused(2)?;
    Ok(())
}

#[tokio::test]
async fn a_wait_outlives_the_daemon() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(1.0).await?;
    terminal.run(&["brief", "-b", "Write a page"])?.good()?;
    terminal.daemon().await?.job(1, &["running"], SOON).await?;
    let waiting = terminal.watch(&["wait", "1"])?;
    terminal.kill_daemon().await?;
    let ran = waiting.ended().await?;
    assert!(ran.code == 0 && ran.out.contains("Job #1 completed"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn a_hold_is_said_and_seen() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let out = terminal.run(&["pause"])?.good()?;
    assert!(out.starts_with("All jobs are on hold"), "{out}");
    let out = terminal.run(&["brief", "-b", "Write a page"])?.good()?;
    assert!(out.contains("Job #1 is in line.") && out.contains("All jobs are on hold: `aicib resume`"), "{out}");
    let out = terminal.run(&["status"])?.good()?;
    assert!(out.contains("All jobs are on hold: `aicib resume`") && out.contains("#1  queued"), "{out}");
    let out = terminal.run(&["pause", "1"])?.good()?;
    assert!(out.contains("Job #1 is on hold: it does not begin."), "{out}");
    let out = terminal.run(&["resume", "1"])?.good()?;
    assert!(out.contains("but all jobs are"), "{out}");
    terminal.run(&["pause", "1"])?.good()?;
    assert_eq!(terminal.run(&["resume", "--json"])?.json()?["all"], false);
    let out = terminal.run(&["status"])?.good()?;
    assert!(out.contains("on hold: ") || out.contains("On hold: `aicib resume 1`"), "{out}");
    terminal.run(&["resume", "1"])?.good()?;
    assert_eq!(terminal.run(&["wait", "1"])?.code, 0);
    let said = terminal.run(&["pause", "1"])?.refused(1)?;
    assert!(said.contains("has ended"), "{said}");
    Ok(())
}

#[tokio::test]
async fn all_jobs_of_a_company_are_stopped_at_once() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.2).await?;
    for title in ["Write one", "Write two", "Write three"] {
        terminal.run(&["brief", "-b", "--queue", title])?.good()?;
    }
    terminal.daemon().await?.job(1, &["running"], SOON).await?;
    let out = terminal.run(&["cancel", "--all"])?.good()?;
    for number in 1..=3 {
        assert!(out.contains(&format!("Job #{number} cancelled")), "{out}");
    }
    assert!(out.contains("3 jobs of Acme stopped: ") && out.trim_end().ends_with("left."), "{out}");
    assert_eq!(terminal.run(&["cancel", "--all"])?.good()?.trim(), "Nothing is under way at Acme.");
    // None of those in line began meanwhile.
    for number in ["2", "3"] {
        let job = terminal.run(&["status", "--job", number, "--json"])?.json()?;
        assert_eq!((&job["attempts"], &job["started_at"]), (&json!(0), &Value::Null), "{job}");
    }
    Ok(())
}

#[tokio::test]
async fn only_what_ended_long_ago_is_forgotten_and_only_when_told() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.run(&["brief", "Write a page"])?.good()?;
    terminal.pace(0.2).await?;
    terminal.run(&["brief", "-b", "Write another"])?.good()?;
    let said = terminal.run(&["prune", "--older-than", "0s"])?.refused(2)?;
    assert!(said.contains("--dry-run") && said.contains("--yes"), "{said}");
    let out = terminal.run(&["prune", "-y"])?.good()?;
    assert!(out.contains("there is nothing to forget"), "{out}");
    let found = terminal.run(&["prune", "--older-than", "0s", "--dry-run", "--json"])?.json()?;
    assert_eq!(found["jobs"], 1, "{found}");
    let out = terminal.run(&["prune", "--older-than", "0s", "--company", "acme", "-y"])?.good()?;
    assert!(out.contains("Forgotten: 1 job with "), "{out}");
    assert_eq!(numbers(&terminal.run(&["jobs", "--json"])?.json()?), [2], "a live one stays");
    terminal.run(&["logs", "1"])?.refused(1)?;
    terminal.run(&["stop"])?.good()?;
    Ok(())
}

#[tokio::test]
async fn sessions_are_listed_and_opened_again() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.run(&["brief", "Write the first page"])?.good()?;
    let out = terminal.run(&["session", "stop"])?.good()?;
    assert!(out.contains("Session 1 is closed; 0 processes left."), "{out}");
    terminal.run(&["session", "start"])?.good()?;
    let out = terminal.run(&["session", "list"])?.good()?;
    let rows: Vec<&str> = out.lines().collect();
    assert!(rows.len() == 3 && rows[1].contains(" 2  ") && rows[1].contains("open"), "{out}");
    assert!(rows[2].contains("Write the first page"), "{out}");
    terminal.run(&["session", "resume", "1"])?.refused(1)?;
    terminal.run(&["stop"])?.good()?;
    let out = terminal.run(&["session", "resume", "1"])?.good()?;
    assert!(out.contains("Session 1 is open again: its CEO remembers 1 brief."), "{out}");
    assert_eq!(terminal.run(&["status", "--json"])?.json()?["session"]["session_id"], 1);
    let page = terminal.run(&["session", "list", "-n", "1", "--json"])?.json()?;
    assert_eq!((&page["sessions"][0]["session_id"], &page["next"]), (&json!(2), &json!(2)), "{page}");
    Ok(())
}

#[tokio::test]
async fn sigterm_leaves_the_job_be() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(1.0).await?;
    let mut brief = terminal.watch(&["brief", "Write a page"])?;
    brief.until("asks")?;
    brief.signal(rustix::process::Signal::TERM)?;
    let ran = brief.ended().await?;
    assert_eq!(ran.code, 143, "{ran:?}");
    assert!(ran.err.contains("Detached. Job #1 goes on: `aicib logs 1 -f`"), "{ran:?}");
    terminal.daemon().await?.job(1, &["completed"], WORK).await?;
    Ok(())
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn a_daemon_that_does_not_answer_is_not_waited_for_in_silence() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let pid = rustix::process::Pid::from_raw(terminal.daemon_pid().await?).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP)?;
    let ran = terminal.run(&["jobs"]);
    rustix::process::kill_process(pid, rustix::process::Signal::CONT)?;
    let ran = ran?;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.starts_with("Still waiting for the daemon"), "{ran:?}");
    assert!(ran.err.contains("does not answer") && ran.err.contains("aicib daemon"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn the_daemons_log_is_there_without_a_daemon() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let said = terminal.run(&["daemon", "logs"])?.refused(1)?;
    assert!(said.contains("no daemon has run here yet"), "{said}");
    terminal.run(&["daemon", "start"])?.good()?;
    terminal.run(&["daemon", "stop"])?.good()?;
    let out = terminal.run(&["daemon", "logs"])?.good()?;
    assert!(out.contains("INFO"), "{out}");
    assert_eq!(terminal.run(&["daemon", "logs", "-n", "1"])?.good()?.lines().count(), 1);
    let line = terminal.run(&["daemon", "logs", "-n", "1", "--json"])?.json()?;
    assert!(line["level"].is_string() && line["at"].is_i64(), "{line}");

    // Those put aside count, and one that is put aside meanwhile is followed.
    let log = terminal.place.home().join("daemon.log");
    let aside = terminal.place.home().join("daemon.log.1");
    std::fs::rename(&log, &aside)?;
    std::fs::write(&log, "2026-11-20T12:00:00.000000Z  INFO a new log\n")?;
    assert_eq!(
        terminal.run(&["daemon", "logs"])?.good()?,
        format!("{out}2026-11-20T12:00:00.000000Z  INFO a new log\n")
    );
    let mut follow = terminal.watch(&["daemon", "logs", "-f", "-n", "1"])?;
    follow.until("a new log")?;
    std::fs::rename(&log, &aside)?;
    std::fs::write(&log, "2026-11-20T12:00:01.000000Z  WARN newer still\n")?;
    follow.until("newer still")?;
    assert!(terminal.place.processes().len() <= 1, "no daemon is started for it");
    Ok(())
}

#[tokio::test]
async fn a_daemon_tells_of_its_health_and_begins_anew() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(0.2).await?;
    terminal.run(&["brief", "-b", "Write a page"])?.good()?;
    terminal.daemon().await?.job(1, &["running"], SOON).await?;
    let pid = terminal.daemon_pid().await?;
    let out = terminal.run(&["daemon", "health"])?.good()?;
    for part in [&format!("process {pid}")[..], "up ", "Memory", "Lag", "Disk", "Backup", "MEMORY", "#1"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert_eq!(terminal.run(&["daemon", "health", "--json"])?.json()?["workers"][0]["job_id"], 1);
    assert_eq!(terminal.run(&["daemon", "log-level", "debug", "--json"])?.json()?["log_level"], "debug");
    assert_eq!(terminal.run(&["daemon", "log-level"])?.good()?.trim(), "debug");
    assert!(terminal.run(&["daemon", "reload"])?.good()?.contains("The daemon logs at info."));
    terminal.run(&["daemon", "log-level", "loud"])?.refused(2)?;

    let before = terminal.run(&["daemon", "status", "--json"])?.json()?;
    let both = terminal.run(&["daemon", "restart", "--json"])?.json()?;
    assert_eq!(both["before"]["started_at"], before["started_at"], "{both}");
    assert!(both["after"]["started_at"].as_i64() > before["started_at"].as_i64(), "{both}");
    let out = terminal.run(&["daemon", "restart"])?.good()?;
    assert!(out.contains("Before:  process ") && out.contains("Now:     process "), "{out}");
    assert_eq!(terminal.run(&["status", "--json", "--job", "1"])?.json()?["state"], "running");
    terminal.run(&["stop"])?.good()?;
    terminal.run(&["daemon", "stop"])?.good()?;
    wait_for("its end", SOON, async || Ok(terminal.place.processes().is_empty().then_some(()))).await?;
    for command in ["health", "reload", "log-level"] {
        let said = terminal.run(&["daemon", command])?.refused(1)?;
        assert!(said.contains("aicib daemon start"), "{said}");
    }
    Ok(())
}
