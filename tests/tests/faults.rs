//! Processes that are killed, and clients that act in the same moment: nothing is lost, nothing is left, nobody is
//! told twice.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use blackbox::{Bus, ENDED, Place, SOON, Stage, StandIns, WORK, wait_for};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use testkit::{On, Provider, Script, Turn, company_play};

/// Daemon and worker are killed together, or the daemon several times, within the first moments of a brief.
#[tokio::test(flavor = "multi_thread")]
async fn a_brief_outlives_whatever_is_killed_before_it_began() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(20.0).await?;
    for round in 0..8u64 {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        tokio::time::sleep(Duration::from_millis(round * 4)).await;
        stage.kill();
        if round % 2 == 0 {
            stage.place.sweep();
        } else {
            stage.start()?;
            tokio::time::sleep(Duration::from_millis(round * 6)).await;
            stage.kill();
        }
        stage.start()?;
        client = stage.client().await?;
        let ended = client.job(job, &ENDED, WORK).await?;
        let lines = stage.stored_once(&mut client, job).await?;
        if ended["state"] != "completed" {
            assert_eq!(ended["error"]["code"], "run.interrupted", "{ended}");
            assert!(round % 2 == 0 && lines > 0, "nothing was lost, and it failed: {ended}");
        }
    }
    stage.nothing_left().await
}

/// The daemon is killed wherever the run stands: it ends as if nothing had happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_not_notice_that_its_daemon_is_killed() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(8.0).await?;
    for round in 0..5u64 {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        client.job(job, &["running", "completed"], WORK).await?;
        tokio::time::sleep(Duration::from_millis(50 + round * 230)).await;
        stage.kill();
        stage.start()?;
        client = stage.client().await?;
        client.job(job, &["completed"], WORK).await?;
        assert!(stage.stored_once(&mut client, job).await? > 10);
    }
    stage.nothing_left().await
}

/// A worker that is killed leaves an interrupted job; one that the system tells to end (a shutdown) as well: nobody
/// has cancelled it.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_ended_is_no_cancel() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(1.0).await?;
    for signal in [Signal::KILL, Signal::TERM] {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        let worker = stage.worker().await?;
        wait_for("its first words", SOON, async || {
            let job = client.call("job.get", json!({ "job_id": job })).await?;
            Ok((job["events"].as_i64() > Some(3)).then_some(()))
        })
        .await?;
        kill_process(worker, signal)?;
        let ended = client.job(job, &ENDED, WORK).await?;
        assert_eq!(
            (&ended["state"], &ended["error"]["code"]),
            (&json!("failed"), &json!("run.interrupted")),
            "{ended}"
        );
        stage.nothing_left().await?;
    }
    // The founder's own stop is one, even where the worker does not hear of it.
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    kill_process(stage.worker().await?, Signal::STOP)?;
    let stopped = client.call("job.cancel", json!({ "job_id": job })).await?;
    assert_eq!((&stopped["job"]["state"], &stopped["stopped"]["left"]), (&json!("cancelled"), &json!(0)), "{stopped}");
    stage.nothing_left().await
}

/// E016: a run that the daemon does not know ends.
#[tokio::test(flavor = "multi_thread")]
async fn e016_a_worker_that_nobody_knows_leaves() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(0.3).await?;
    client.brief(&stage.dir, "Write the imprint").await?;
    stage.worker().await?;
    let spool = stage.place.home().join("runs/1/spool.jsonl");
    wait_for("its first words", SOON, async || Ok((fs::metadata(&spool)?.len() > 0).then_some(()))).await?;
    stage.kill();
    for name in ["aicib.db", "aicib.db-wal", "aicib.db-shm"] {
        let _ = fs::remove_file(stage.place.home().join(name));
    }
    stage.start()?;
    let mut client = stage.client().await?;
    stage.nothing_left().await?;

    // The next run has its number; what it recorded is not written over.
    client.set(json!({ "practice_pace": 20.0 })).await?;
    let job = client.brief(&stage.dir, "Design a rocket logo").await?;
    client.job(job, &["completed"], WORK).await?;
    let spool = fs::read_to_string(stage.place.home().join("runs/1/spool.jsonl"))?;
    assert!(spool.contains("run_exited") && spool.contains("run.interrupted"), "{spool}");

    // By now the database knows a run of that number, and what is left of the first one is put away.
    stage.kill();
    stage.start()?;
    stage.client().await?;
    let packed = stage.place.home().join("runs/1/spool.jsonl.gz");
    wait_for("the spool to be put away", SOON, async || Ok(packed.exists().then_some(()))).await
}

/// Clients that do the same in one moment: one session, no change lost, a stop for all.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_at_once_happens() -> anyhow::Result<()> {
    let (stage, mut first) = Stage::new(5.0).await?;
    let mut others = Vec::new();
    for _ in 0..6 {
        others.push(stage.client().await?);
    }
    for _ in 0..3 {
        let mut briefs = Vec::new();
        for mut client in others.drain(..) {
            let dir = stage.dir.clone();
            briefs.push(tokio::spawn(async move { (client.brief(&dir, "Write the imprint").await, client) }));
        }
        for brief in briefs {
            let (job, client) = brief.await?;
            job?;
            others.push(client);
        }
        let (one, two) = others.split_at_mut(1);
        let company = json!({ "dir": stage.dir });
        let (stopped, again) =
            tokio::join!(one[0].call("session.stop", company.clone()), two[0].call("session.stop", company));
        let none = |answer: &anyhow::Error| answer.to_string().contains("session.none");
        assert!(stopped.is_ok() || again.is_ok(), "{stopped:?} {again:?}");
        for answer in [stopped, again] {
            assert!(answer.as_ref().map_or_else(none, |_| true), "{answer:?}");
        }
        let stats = first.call("job.stats", json!({})).await?;
        for state in ["queued", "running", "waiting"] {
            assert!(stats["by_state"][state].as_i64().unwrap_or_default() == 0, "{stats}");
        }
        stage.nothing_left().await?;
    }

    for round in 1..10 {
        let set = |key: &str| json!({ "company": { "dir": stage.dir }, "key": key, "value": round.to_string() });
        let (one, two) = others.split_at_mut(1);
        let (day, month) = tokio::join!(
            one[0].call("config.set", set("settings.cost_limit_daily")),
            two[0].call("config.set", set("settings.cost_limit_monthly"))
        );
        day?;
        month?;
        for key in ["settings.cost_limit_daily", "settings.cost_limit_monthly"] {
            let value = first.call("config.get", json!({ "company": { "dir": stage.dir }, "key": key })).await?;
            assert_eq!(value["value"].as_f64(), Some(f64::from(round)), "{key}");
        }
    }
    Ok(())
}

/// What a hostile or careless client or company folder asks for is refused, and holds nothing up.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(8.0).await?;
    let refused = |answer: anyhow::Result<Value>| answer.err().map(|error| error.to_string()).unwrap_or_default();
    let company = json!({ "dir": stage.dir });

    let brief = json!({ "company": company, "directive": "Write", "origin": "client", "start_session": true, "max_cost_usd": -1 });
    assert!(refused(client.call("job.submit", brief).await).contains("request.bad"));
    let stranger = json!({ "protocol": 1, "client": "blackbox" });
    assert!(refused(client.call("initialize", stranger).await).contains("request.bad"));
    let role = json!({ "company": company, "role": "../../evil", "text": "" });
    assert!(refused(client.call("agent.save", role).await).contains("agent.invalid"));

    // A pipe for an agent's file: reading it would wait for a writer.
    let file = stage.dir.join(".claude/agents/cto.md");
    fs::remove_file(&file)?;
    anyhow::ensure!(stage.place.command("mkfifo").arg(&file).status()?.success());
    let read = client.call("agent.get", json!({ "company": company, "role": "cto" })).await;
    assert!(refused(read).contains("company.folder"));

    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["completed"], WORK).await?;
    stage.stored_once(&mut client, job).await?;
    private(&stage.place.home().join("runs"))
}

fn private(path: &Path) -> anyhow::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            private(&entry?.path())?;
        }
    }
    Ok(())
}

/// The founder is told once of each job: of what ended while no daemon was there, of what a desktop was given that
/// died with it, and not of what was followed in a terminal to its end.
#[tokio::test(flavor = "multi_thread")]
async fn the_founder_is_told_once() -> anyhow::Result<()> {
    let mut place = Place::new()?;
    let bus = Bus::start(&mut place)?;
    let stand_ins = StandIns::start(&bus).await?;
    let (mut stage, mut client) = Stage::at(place, 6.0).await?;

    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let worker = stage.worker().await?;
    let spool = stage.place.home().join("runs/1/spool.jsonl");
    wait_for("its first words", SOON, async || Ok((fs::metadata(&spool)?.len() > 0).then_some(()))).await?;
    stage.kill();
    kill_process(worker, Signal::KILL)?;
    stage.start()?;
    client = stage.client().await?;
    client.job(job, &["failed"], WORK).await?;
    stand_ins.notification("imprint", SOON).await?;

    // Attached, given the notice, and gone without a word about it.
    let mut desktop = stage.client().await?;
    desktop.call("desktop.attach", json!({})).await?;
    let job = client.brief(&stage.dir, "Design a rocket logo").await?;
    client.job(job, &["completed"], WORK).await?;
    let run = client.call("job.get", json!({ "job_id": job })).await?["run"]["run_id"].to_string();
    let put_away = stage.place.home().join("runs").join(run).join("spool.jsonl.gz");
    wait_for("the desktop to be told", SOON, async || Ok(put_away.exists().then_some(()))).await?;
    assert_eq!(stand_ins.notified().len(), 1, "{:?}", stand_ins.notified());
    drop(desktop);
    stand_ins.notification("rocket logo", SOON).await?;

    let job = client.brief(&stage.dir, "Paint the fence").await?;
    let followed = stage.place.aicib(&["logs", "--job", &job.to_string(), "-f"])?.output()?;
    assert!(followed.status.success(), "{followed:?}");
    let job = client.brief(&stage.dir, "Water the plants").await?;
    client.job(job, &["completed"], WORK).await?;
    stand_ins.notification("Water the plants", SOON).await?;
    let about: Vec<String> = stand_ins.notified().into_iter().map(|one| one.summary).collect();
    assert_eq!(about.len(), 3, "{about:?}");
    assert!(!about.iter().any(|summary| summary.contains("fence")), "{about:?}");
    Ok(())
}

/// A job that waits for its key waits through any number of daemons, can be stopped, and goes on once there is a key.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_its_key_outlives_daemons() -> anyhow::Result<()> {
    let provider = Provider::start(company_play()).await;
    let mut place = Place::new()?;
    place.set("ANTHROPIC_BASE_URL", provider.url());
    let (mut stage, mut client) = Stage::at(place, 8.0).await?;
    let engine = json!({ "company": { "dir": stage.dir }, "key": "engine.mode", "value": "anthropic-api" });
    client.call("config.set", engine).await?;
    let key = json!({ "provider": "anthropic", "key": "sk-ant-planted-key", "storage": "passphrase_file", "passphrase": "horse" });
    client.call("key.set", key).await?;
    stage.kill();
    stage.start()?;
    client = stage.client().await?;
    let stopped = client.brief(&stage.dir, "Write a company description").await?;
    client.job(stopped, &["waiting"], WORK).await?;
    let waits = client.brief(&stage.dir, "Write a company description").await?;
    let answer = client.call("job.cancel", json!({ "job_id": stopped })).await?;
    assert_eq!((&answer["job"]["state"], &answer["stopped"]["left"]), (&json!("cancelled"), &json!(0)), "{answer}");
    for _ in 0..3 {
        client.job(waits, &["waiting"], WORK).await?;
        stage.kill();
        stage.start()?;
        client = stage.client().await?;
    }
    client.job(waits, &["waiting"], WORK).await?;
    assert!(stage.others().is_empty() && provider.requests().is_empty());
    client.call("key.unlock", json!({ "passphrase": "horse" })).await?;
    client.job(waits, &["completed"], WORK).await?;
    let job = client.call("job.get", json!({ "job_id": waits })).await?;
    assert_eq!((job["cost_usd"].as_f64().unwrap_or_default() * 1e9).round() as i64, provider.spent_nanos(), "{job}");
    stage.nothing_left().await
}

/// The processes of the command below, wherever they have gone.
fn sleepers() -> Vec<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_ours = |path: &Path| {
        let command = fs::read(path.join("cmdline")).unwrap_or_default();
        [b"sleep\x003100\0", b"sleep\x003101\0", b"sleep\x003102\0"].iter().any(|ours| command == *ours)
    };
    entries
        .filter(|entry| is_ours(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// A command's processes end with its run, whether the worker is killed, told to end, or the job stopped: those in the
/// background and in sessions of their own as well.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_command_outlives_its_run() -> anyhow::Result<()> {
    let command = "(setsid sleep 3100 &) ; (sleep 3101 &) ; env -i /bin/sh -c 'setsid sleep 3102; true' ; true";
    let turn = || Turn::tool("Bash", json!({ "command": command }));
    let provider = Provider::start(Script::default().when(On::Any, [turn(), turn(), turn()])).await;
    let mut place = Place::new()?;
    place.set("ANTHROPIC_BASE_URL", provider.url());
    let (stage, mut client) = Stage::at(place, 8.0).await?;
    let ceo = stage.dir.join(".claude/agents/ceo.md");
    fs::write(&ceo, fs::read_to_string(&ceo)?.replace("Grep, Delegate]", "Grep, Bash, Delegate]"))?;
    for (key, value) in [("engine.mode", "anthropic-api"), ("tools.commands", "true")] {
        let set = json!({ "company": { "dir": stage.dir }, "key": key, "value": value });
        client.call("config.set", set).await?;
    }
    let key = json!({ "provider": "anthropic", "key": "sk-ant-planted-key", "storage": "session" });
    client.call("key.set", key).await?;
    for end in ["kill", "terminate", "cancel"] {
        let job = client.brief(&stage.dir, "Run it").await?;
        let worker = stage.worker().await?;
        wait_for("three sleepers", SOON, async || Ok((sleepers().len() == 3).then_some(()))).await?;
        match end {
            "kill" => kill_process(worker, Signal::KILL)?,
            "terminate" => kill_process(worker, Signal::TERM)?,
            _ => {
                let answer = client.call("job.cancel", json!({ "job_id": job })).await?;
                assert_eq!(
                    (&answer["job"]["state"], &answer["stopped"]["left"]),
                    (&json!("cancelled"), &json!(0)),
                    "{answer}"
                );
            }
        }
        let state = if end == "cancel" { "cancelled" } else { "failed" };
        client.job(job, &[state], WORK).await?;
        assert_eq!(sleepers(), Vec::<String>::new(), "{end}");
    }
    Ok(())
}
