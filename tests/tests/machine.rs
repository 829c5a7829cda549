//! What machines do to programs: process numbers that come again, reboots, clocks that are set, sleep.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use blackbox::{Child, Daemon, ENDED, Place, SOON, Stage, WORK, wait_for};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

/// A job that has begun, with its daemon and its worker killed.
async fn left_behind() -> anyhow::Result<(Stage, i64)> {
    let (mut stage, mut client) = Stage::new(1.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let worker = stage.worker().await?;
    has_begun(&mut client, job).await?;
    stage.kill();
    kill_process(worker, Signal::KILL)?;
    Ok((stage, job))
}

async fn has_begun(client: &mut Daemon, job: i64) -> anyhow::Result<()> {
    wait_for("its first words", SOON, async || {
        let detail = client.call("job.get", json!({ "job_id": job })).await?;
        Ok((detail["events"].as_i64() > Some(3)).then_some(()))
    })
    .await
}

/// A process that has nothing to do with us, and its start in clock ticks.
fn bystander() -> anyhow::Result<(Child, i64)> {
    let child = Child::start(std::process::Command::new("sleep").arg("600").stdout(Stdio::null()))?;
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.pid()))?;
    let start = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19)).context("no start")?;
    Ok((child, start.parse()?))
}

async fn is_interrupted(stage: &mut Stage, job: i64) -> anyhow::Result<()> {
    stage.start()?;
    let mut client = stage.client().await?;
    let ended = client.job(job, &ENDED, WORK).await?;
    assert_eq!((&ended["state"], &ended["error"]["code"]), (&json!("failed"), &json!("run.interrupted")), "{ended}");
    // What comes next is not held up by it (E010).
    client.set(json!({ "practice_pace": 20.0 })).await?;
    let next = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(next, &["completed"], WORK).await?;
    stage.nothing_left().await
}

/// Another process wears the worker's number: it is neither taken for the worker nor harmed.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_a_used_number_is_a_stranger() -> anyhow::Result<()> {
    let (mut stage, job) = left_behind().await?;
    let (mut stranger, start) = bystander()?;
    let db = Connection::open(stage.place.home().join("aicib.db"))?;
    assert_eq!(db.execute("UPDATE runs SET pid = ?1 WHERE start_ticks <> ?2", (stranger.pid(), start))?, 1);
    drop(db);
    is_interrupted(&mut stage, job).await?;
    assert!(stranger.is_running());
    Ok(())
}

/// After a reboot the same number with the same start may be anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_another_boot_is_a_stranger() -> anyhow::Result<()> {
    let (mut stage, job) = left_behind().await?;
    let (mut stranger, start) = bystander()?;
    let db = Connection::open(stage.place.home().join("aicib.db"))?;
    let set = "UPDATE runs SET pid = ?1, start_ticks = ?2, boot_id = 'before the reboot'";
    assert_eq!(db.execute(set, (stranger.pid(), start))?, 1);
    drop(db);
    is_interrupted(&mut stage, job).await?;
    assert!(stranger.is_running());
    Ok(())
}

/// A clock for the daemon that can be set.
struct Clock(PathBuf);

impl Clock {
    fn new(place: &mut Place) -> anyhow::Result<Clock> {
        let library = ["x86_64", "aarch64"]
            .map(|cpu| format!("/usr/lib/{cpu}-linux-gnu/faketime/libfaketimeMT.so.1"))
            .into_iter()
            .find(|path| Path::new(path).exists())
            .context("libfaketime is missing: scripts/setup.sh --test installs it")?;
        let clock = Clock(place.path("clock"));
        clock.set("+0")?;
        place.set("LD_PRELOAD", library);
        place.set("FAKETIME_TIMESTAMP_FILE", clock.0.clone());
        place.set("FAKETIME_NO_CACHE", "1");
        // A machine whose clock is set goes on measuring time as before.
        place.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Ok(clock)
    }

    fn set(&self, to: &str) -> anyhow::Result<()> {
        let fresh = self.0.with_extension("fresh");
        fs::write(&fresh, to)?;
        Ok(fs::rename(fresh, &self.0)?)
    }
}

/// The clock is set back an hour and then forward a day while work is under way: nothing ends for it, nothing hangs,
/// and what was planned for the day comes when the clock says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_ends_nothing() -> anyhow::Result<()> {
    let mut place = Place::new()?;
    let clock = Clock::new(&mut place)?;
    let (stage, mut client) = Stage::at(place, 4.0).await?;
    client.set(json!({ "run_minutes": 1, "run_first_output_minutes": 1, "run_silence_minutes": 1 })).await?;
    let now = || i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis()).unwrap_or_default();
    let planned = json!({
        "company": { "dir": stage.dir }, "directive": "Water the plants", "origin": "client", "start_session": true,
        "not_before": now() + 6 * 60 * 60 * 1000,
    });
    let planned = client.call("job.submit", planned).await?["job_id"].as_i64().context("no number")?;
    for to in ["-1h", "+1d"] {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        has_begun(&mut client, job).await?;
        clock.set(to)?;
        let next = client.brief(&stage.dir, "Design a rocket logo").await?;
        for job in [job, next] {
            let ended = client.job(job, &ENDED, WORK).await?;
            assert_eq!(ended["state"], "completed", "{to}: {ended}");
            let spent = client.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
            assert!(spent["events"].as_array().is_some_and(|events| events.len() > 20), "{to}: {spent}");
        }
        if to == "-1h" {
            let waits = client.call("job.get", json!({ "job_id": planned })).await?;
            assert_eq!(waits["state"], "scheduled", "{waits}");
        }
    }
    client.job(planned, &["completed"], WORK).await?;
    stage.nothing_left().await
}

/// The machine sleeps: worker, daemon and terminal stand still, each for itself or all at once, and then go on.
async fn sleeps(seconds: u64) -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(2.0).await?;
    client.set(json!({ "run_minutes": 1, "run_first_output_minutes": 1, "run_silence_minutes": 1 })).await?;
    let daemon = stage.daemon().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).context("no daemon")?;
    for who in ["worker", "daemon", "both"] {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        let worker = stage.worker().await?;
        has_begun(&mut client, job).await?;
        let asleep: Vec<Pid> = match who {
            "worker" => vec![worker],
            "daemon" => vec![daemon],
            _ => vec![worker, daemon],
        };
        for pid in &asleep {
            kill_process(*pid, Signal::STOP)?;
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        for pid in asleep {
            kill_process(pid, Signal::CONT)?;
        }
        let ended = client.job(job, &ENDED, WORK).await?;
        assert_eq!(ended["state"], "completed", "{who}: {ended}");
        stage.stored_once(&mut client, job).await?;
        stage.nothing_left().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_sleeps_loses_nothing() -> anyhow::Result<()> {
    sleeps(2).await
}

/// A minute, which is as long as the silence that these runs may keep.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "three minutes"]
async fn a_machine_that_sleeps_for_a_minute_loses_nothing() -> anyhow::Result<()> {
    sleeps(61).await
}

/// The daemon is killed ten times in a row, each time as soon as it is up.
#[tokio::test(flavor = "multi_thread")]
async fn ten_daemons_in_a_row_lose_nothing() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(1.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let waiting = client.brief(&stage.dir, "Design a rocket logo").await?;
    has_begun(&mut client, job).await?;
    for _ in 0..10 {
        stage.kill();
        stage.start()?;
        client = stage.client().await?;
    }
    client.set(json!({ "practice_pace": 20.0 })).await?;
    for job in [job, waiting] {
        client.job(job, &["completed"], WORK).await?;
        stage.stored_once(&mut client, job).await?;
    }
    stage.nothing_left().await
}
