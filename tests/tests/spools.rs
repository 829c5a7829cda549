//! Spools as no worker of ours writes them: torn, endless, repeated, lying, and far too much at once.
#![cfg(target_os = "linux")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::{Daemon, SOON, Stage, WORK, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A run whose worker stands still, so that its spool is ours to write.
struct Still {
    job: i64,
    worker: Pid,
    spool: PathBuf,
    /// The last line that the worker wrote.
    last: i64,
}

impl Still {
    async fn new(stage: &Stage, client: &mut Daemon) -> anyhow::Result<Still> {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        let worker = stage.worker().await?;
        let spool = stage.place.home().join("runs/1/spool.jsonl");
        wait_for("its first words", SOON, async || Ok((fs::metadata(&spool)?.len() > 0).then_some(()))).await?;
        kill_process(worker, Signal::STOP)?;
        let state = PathBuf::from(format!("/proc/{}/stat", worker.as_raw_nonzero()));
        wait_for("it to stand still", SOON, async || Ok(fs::read_to_string(&state)?.contains(") T ").then_some(())))
            .await?;
        let text = fs::read_to_string(&spool)?;
        let last: Value = serde_json::from_str(text.lines().last().context("no line")?)?;
        anyhow::ensure!(text.ends_with('\n'), "a line is half written");
        Ok(Still { job, worker, spool, last: last["n"].as_i64().context("no number")? })
    }

    fn write(&self, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        Ok(OpenOptions::new().append(true).open(&self.spool)?.write_all(bytes.as_ref())?)
    }

    /// A line that says something, as many after the worker's last.
    fn line(&self, after: i64, body: Value) -> String {
        let mut line = json!({ "v": 2, "n": self.last + after, "at": 1_700_000_000_000i64, "agent": "system" });
        for (name, value) in body.as_object().into_iter().flatten() {
            line[name] = value.clone();
        }
        format!("{line}\n")
    }

    fn notice(&self, after: i64, text: &str) -> String {
        self.line(after, json!({ "kind": "notice", "level": "info", "text": text }))
    }

    /// What is stored of what the worker, or we, wrote.
    async fn stored(&self, client: &mut Daemon) -> anyhow::Result<Vec<Value>> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(json!(0), |event| event["seq"].clone());
            let page = client.call("event.list", json!({ "job_id": self.job, "after": after, "limit": 500 })).await?;
            let events = page["events"].as_array().context("no events")?;
            if events.is_empty() {
                return Ok(all);
            }
            all.extend(events.iter().cloned());
        }
    }
}

fn said(events: &[Value], text: &str) -> usize {
    events.iter().filter(|event| event["text"] == text).count()
}

/// What cannot be read is left out and counted, what is repeated is stored once, states are not a worker's to say, and
/// whatever it says of its end, its job ends when its process has.
#[tokio::test(flavor = "multi_thread")]
async fn a_spool_may_hold_anything() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(2.0).await?;
    let still = Still::new(&stage, &mut client).await?;
    let exited = |answer: &str| {
        json!({ "kind": "run_exited", "outcome": "completed", "result": answer, "turns": 1, "effects": true,
                "ended": 0, "forced": 0, "left": 0 })
    };
    let first = still.notice(1, "first of ours");
    still.write(&first)?;
    still.write("{\"v\":2,\"n\":\n")?;
    still.write([b"\"\xff\xfe\x00\"".as_slice(), b"\n"].concat())?;
    for _ in 0..50 {
        still.write("x".repeat(1024 * 1024))?;
    }
    still.write("\n")?;
    still.write(still.line(2, json!({ "kind": "job_changed", "state": "completed", "reason": "" })))?;
    still.write(&first)?;
    still.write(still.line(3, exited("We are done.")) + &still.line(4, exited("We are done.")))?;
    let after: String = (5..105).map(|n| still.notice(n, "after the end")).collect();
    still.write(after + &still.notice(105, "last of ours"))?;
    let half = still.notice(106, "half a line");
    still.write(&half[..half.len() / 2])?;

    let events = wait_for("the last line", WORK, async || {
        let events = still.stored(&mut client).await?;
        Ok((said(&events, "last of ours") == 1).then_some(events))
    })
    .await?;
    assert_eq!((said(&events, "first of ours"), said(&events, "after the end")), (1, 100));
    let left_out: i64 = events
        .iter()
        .filter_map(|event| event["text"].as_str()?.split_once(" lines of the run's record")?.0.parse::<i64>().ok())
        .sum();
    assert_eq!(left_out, 4, "a torn one, one that is no text, an endless one, and a state");
    let state = |job: &Value| job["state"].as_str().unwrap_or_default().to_owned();
    let job = client.call("job.get", json!({ "job_id": still.job })).await?;
    assert_eq!(state(&job), "running", "its process lives");

    // Whoever reads it next stores nothing twice either.
    stage.kill();
    stage.start()?;
    client = stage.client().await?;
    let job = client.call("job.get", json!({ "job_id": still.job })).await?;
    assert_eq!(state(&job), "running", "its process lives");
    kill_process(still.worker, Signal::KILL)?;
    let ended = client.job(still.job, &["completed"], WORK).await?;
    assert_eq!(ended["answer"], "We are done.", "{ended}");
    let again = still.stored(&mut client).await?;
    assert_eq!(again.len(), events.len() + 1, "and its end");
    assert_eq!(said(&again, "half a line"), 0);
    stage.nothing_left().await
}

/// Bytes of memory that the daemon had at most.
fn peak(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// A worker that writes more than anybody can read holds up nobody else, and all of it is stored, once; the daemon may
/// die in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_lines_is_stored_and_drowns_nobody() -> anyhow::Result<()> {
    const LINES: i64 = 30_000;
    let (mut stage, mut client) = Stage::new(2.0).await?;
    let still = Still::new(&stage, &mut client).await?;
    let before = client.call("job.get", json!({ "job_id": still.job })).await?["events"].as_i64().context("none")?;
    let flood: String = (1..=LINES).map(|n| still.notice(n, &format!("line {n} of a flood"))).collect();
    still.write(flood)?;
    let mut restarted = false;
    let mut slowest = Duration::ZERO;
    let began = Instant::now();
    loop {
        let asked = Instant::now();
        client.call("ping", json!({})).await?;
        // One that has to be stored behind the flood's lines.
        client.call("job.pause", json!({ "job_id": still.job })).await?;
        client.call("job.resume", json!({ "job_id": still.job })).await?;
        slowest = slowest.max(asked.elapsed());
        let events =
            client.call("job.get", json!({ "job_id": still.job })).await?["events"].as_i64().context("none")?;
        if events >= before + LINES {
            break;
        }
        if !restarted && events > before + LINES / 4 {
            restarted = true;
            stage.kill();
            stage.start()?;
            client = stage.client().await?;
        }
        assert!(began.elapsed() < WORK * 2, "{events} so far");
    }
    assert!(restarted, "it was all over before the daemon could die");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let peak = peak(stage.daemon().context("no daemon")?)?;
    assert!(peak < 200 * 1024 * 1024, "{peak} bytes");
    client.call("job.cancel", json!({ "job_id": still.job })).await?;
    let mut numbers: Vec<i64> = still
        .stored(&mut client)
        .await?
        .iter()
        .filter_map(|event| event["text"].as_str()?.strip_prefix("line ")?.split_once(' ')?.0.parse().ok())
        .collect();
    assert_eq!(numbers.len() as i64, LINES);
    assert!(numbers.is_sorted(), "in order");
    numbers.dedup();
    assert_eq!(numbers.len() as i64, LINES, "each once");
    stage.nothing_left().await
}

/// Figures, times and names that no worker has any business with: they do no harm, and hold up nothing that comes
/// after them.
#[tokio::test(flavor = "multi_thread")]
async fn values_that_cannot_be_hold_up_nothing() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(2.0).await?;
    let still = Still::new(&stage, &mut client).await?;
    let usage = |tokens: i64, cost: f64, at: i64| {
        json!({ "kind": "usage", "model": "m", "input_tokens": tokens, "output_tokens": tokens, "agent": "ceo",
                "cache_read_tokens": tokens, "cache_write_tokens": tokens, "cost_usd": cost, "basis": "reported",
                "started_at": at, "lease_id": 999, "at": at })
    };
    let progress = |done: i64, total: i64| {
        json!({ "kind": "progress", "done": done, "total": total, "note": "\u{0}", "agent": "ceo",
                "stages": { "current": "x".repeat(1_000), "completed": vec!["y"; 1_000] } })
    };
    let mut bodies = Vec::new();
    for extreme in [i64::MIN, -1, 0, i64::MAX] {
        for cost in [-1.0, 0.0, 9.0e9] {
            bodies.push(usage(extreme, cost, extreme));
        }
        bodies.push(progress(extreme, 0));
        bodies.push(progress(i64::MAX, extreme));
        bodies.push(json!({ "kind": "tool_started", "call": "", "tool": "", "subject": "", "input": [[[null]]], "at": extreme }));
        bodies.push(json!({ "kind": "tool_finished", "call": "", "tool": "", "ok": true, "summary": "", "output": "",
            "duration_ms": extreme, "at": extreme, "change": { "path": "../../etc/passwd", "created": true,
            "added": extreme, "removed": extreme } }));
        bodies.push(
            json!({ "kind": "delegation_started", "span": "a", "parent": "a", "to": "ceo", "task": "x", "agent": "" }),
        );
        bodies.push(json!({ "kind": "delegation_finished", "span": "b", "to": "x".repeat(100_000), "ok": false,
            "summary": "", "duration_ms": extreme, "cost_usd": -5.0, "at": extreme }));
        bodies.push(json!({ "kind": "waiting", "reason": "paused", "detail": "x".repeat(100_000), "until": extreme, "over": false }));
        bodies.push(json!({ "kind": "waiting", "reason": "paused", "detail": "", "over": true, "at": extreme }));
    }
    bodies.push(json!({ "kind": "run_exited", "outcome": "failed", "turns": i64::MIN, "effects": false,
        "error": { "code": "provider.down", "kind": "provider", "message": "x".repeat(50_000), "fix": "", "retryable": true },
        "ended": i64::MAX, "forced": i64::MIN, "left": -3 }));
    let lines: String = bodies.iter().zip(1..).map(|(body, n)| still.line(n, body.clone())).collect();
    still.write(lines + &still.notice(bodies.len() as i64 + 1, "last of ours"))?;
    wait_for("the last line", WORK, async || {
        let events = still.stored(&mut client).await?;
        Ok((said(&events, "last of ours") == 1).then_some(()))
    })
    .await?;
    kill_process(still.worker, Signal::KILL)?;
    let job = wait_for("its end", WORK, async || {
        let job = client.call("job.get", json!({ "job_id": still.job })).await?;
        let over = ["retrying", "failed"].contains(&job["state"].as_str().unwrap_or_default());
        Ok(over.then_some(job))
    })
    .await?;
    assert!(job["cost_usd"].as_f64() >= Some(0.0), "{job}");
    for method in ["desk.get", "job.list", "daemon.status", "job.stats"] {
        client.call(method, json!({})).await?;
    }
    // Neither does what comes after it in the same home suffer.
    client.call("session.stop", json!({ "dir": stage.dir })).await?;
    client.set(json!({ "practice_pace": 50.0 })).await?;
    let next = client.brief(&stage.dir, "Write the terms").await?;
    client.job(next, &["completed"], WORK).await?;
    stage.nothing_left().await
}
