//! The daemon, as its clients meet it: one a home, on a socket that anybody may shout at, and killed in mid-run.
#![cfg(target_os = "linux")]

use std::fs;

use blackbox::{SOON, Terminal, wait_for};
use serde_json::Value;

#[tokio::test]
async fn two_commands_at_once_start_one_daemon() -> anyhow::Result<()> {
    for _ in 0..5 {
        let terminal = Terminal::new()?;
        let commands: Vec<_> =
            (0..6).map(|_| terminal.watch(&["daemon", "start", "--json"])).collect::<Result<_, _>>()?;
        let mut pids = Vec::new();
        for command in commands {
            let ran = command.ended().await?;
            let status: Value = serde_json::from_str(&ran.out).map_err(|_| anyhow::anyhow!("{ran:?}"))?;
            pids.push(status["pid"].clone());
        }
        pids.dedup();
        assert_eq!(pids.len(), 1, "{pids:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_daemon_keeps_nothing_open_of_whoever_started_it() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    terminal.shell("exec 9>held; aicib daemon start")?.good()?;
    let pid = terminal.daemon_pid().await?;
    let open: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|path| path.display().to_string())
        .collect();
    assert!(open.iter().any(|path| path.ends_with("aicib.db")), "{open:?}");
    assert!(!open.iter().any(|path| path.ends_with("held")), "{open:?}");
    Ok(())
}

#[tokio::test]
async fn a_second_daemon_in_the_foreground_says_who_holds_the_home() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    terminal.run(&["daemon", "start"])?.good()?;
    let ran = terminal.run(&["daemon", "start", "--foreground"])?;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("daemon"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn the_socket_of_a_dead_daemon_is_no_obstacle() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    terminal.kill_daemon().await?;
    assert!(terminal.place.home().join("aicib.sock").exists(), "a crash leaves it");
    terminal.run(&["start"])?.good()?;
    Ok(())
}

#[tokio::test]
async fn a_client_of_another_protocol_is_told_so() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let answer = terminal.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocol\":999,\"client\":\"future\"}}\n").await?;
    let answer: Value = serde_json::from_str(&answer)?;
    assert_eq!(answer["error"]["data"]["code"], "protocol.unsupported");
    assert_eq!(answer["error"]["data"]["data"]["protocol"], 1);
    Ok(())
}

#[tokio::test]
async fn hostile_bytes_on_the_socket_do_no_harm() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let pid = terminal.daemon_pid().await?;
    let long = "x".repeat(5 * 1024 * 1024) + "\n";
    assert!(terminal.say(&long).await?.contains("-32600"));
    assert!(terminal.say("\u{0}\u{1}garbage\n").await?.contains("-32700"));
    let unasked = terminal.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"job.list\"}\n").await?;
    assert!(unasked.contains("request.unauthorized"), "{unasked}");
    assert_eq!(terminal.daemon_pid().await?, pid);
    terminal.run(&["brief", "Write a page"])?.good()?;
    Ok(())
}

#[tokio::test]
async fn a_daemon_killed_in_mid_run_loses_nothing() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(3.0).await?;
    let mut logs = {
        terminal.run(&["brief", "-b", "Write a page"])?.good()?;
        terminal.watch(&["logs", "-f", "--json"])?
    };
    logs.until("tool_started")?;
    terminal.kill_daemon().await?;
    let ran = logs.ended().await?;
    assert_eq!(ran.code, 0, "{ran:?}");

    let job = terminal.run(&["status", "--json", "--job", "1"])?.json()?;
    assert_eq!(job["state"], "completed", "{job}");
    let stored = terminal.run(&["logs", "--json"])?.good()?;
    assert_eq!(ran.out.trim(), stored.trim(), "who followed saw every event once, in order");
    // Every line of the run's own file is there once.
    let spool = wait_for("the spool, put away", SOON, async || {
        Ok(Some(terminal.shell("gzip -dc aicib/runs/1/spool.jsonl.gz")?).filter(|ran| ran.code == 0))
    });
    let spool = spool.await?.out;
    let stored: Vec<Value> = stored.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let of_run = stored.iter().filter(|event| event["run_id"] == 1 && event["kind"] != "job_changed").count();
    assert_eq!(of_run, spool.lines().count());
    let human = terminal.run(&["logs"])?.good()?;
    assert_eq!(human.matches("the run is over").count(), 1, "{human}");
    Ok(())
}

#[tokio::test]
async fn a_brief_in_the_terminal_survives_the_daemon_too() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.pace(3.0).await?;
    let mut brief = terminal.watch(&["brief", "Write a page"])?;
    brief.until("asks")?;
    terminal.kill_daemon().await?;
    let ran = brief.ended().await?;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("Job #1 completed"), "{ran:?}");
    Ok(())
}
