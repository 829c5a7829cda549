//! What outlives a job's work: whoever waits for its end, its session, its record; and what is forgotten.

use blackbox::{SOON, Stage, WORK, wait_for};
use serde_json::{Value, json};

use crate::{get, now_ms, number, refusal};

/// Many wait for the end of one job, and each hears of it; who waits for less long is told that it has not ended.
#[tokio::test(flavor = "multi_thread")]
async fn many_wait_for_one_end() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(4.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    for short in [0, -5, 50] {
        let answer = client.call("job.wait", json!({ "job_id": job, "timeout_ms": short })).await?;
        assert_eq!(answer["ended"], false, "{answer}");
    }
    let mut waits = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let mut client = stage.client().await?;
        waits.spawn(async move { client.call("job.wait", json!({ "job_id": job })).await });
    }
    while let Some(answer) = waits.join_next().await {
        let answer = answer??;
        assert_eq!((&answer["ended"], &answer["job"]["state"]), (&json!(true), &json!("completed")), "{answer}");
    }
    let again = client.call("job.wait", json!({ "job_id": job })).await?;
    assert_eq!(again["ended"], true);
    assert!(refusal(&mut client, "job.wait", json!({ "job_id": 999 })).await?.contains("job.not_found"));
    Ok(())
}

/// Forgetting takes what ended before the time, with its files, and never what lives or what that waits for; what it
/// cost stays counted.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_had_ended() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    let mut ended = Vec::new();
    for _ in 0..3 {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        client.job(job, &["completed"], WORK).await?;
        stage.stored_once(&mut client, job).await?;
        ended.push(job);
    }
    client.set(json!({ "practice_pace": 0.2 })).await?;
    let live = client.brief(&stage.dir, "Write the terms").await?;
    client.job(live, &["running"], WORK).await?;
    let before = now_ms()? + 60_000;
    assert_eq!(client.call("job.prune", json!({ "before": 1_000, "dry_run": true })).await?["jobs"], 0);
    let would = client.call("job.prune", json!({ "before": before, "dry_run": true })).await?;
    assert_eq!(would["jobs"], 3, "{would}");
    assert!(would["events"].as_i64() > Some(30) && would["bytes"].as_i64() > Some(500), "{would}");
    for job in &ended {
        get(&mut client, *job).await?;
    }
    let spend = client.call("desk.get", json!({ "dir": stage.dir })).await?["spend"].clone();
    let forgotten = client.call("job.prune", json!({ "before": before })).await?;
    assert_eq!((&forgotten["jobs"], &forgotten["events"]), (&would["jobs"], &would["events"]), "{forgotten}");
    for job in &ended {
        assert!(refusal(&mut client, "job.get", json!({ "job_id": job })).await?.contains("job.not_found"));
        assert!(!stage.place.home().join("runs").join(job.to_string()).exists());
    }
    assert_eq!(client.call("desk.get", json!({ "dir": stage.dir })).await?["spend"], spend);
    let hits = client.call("event.search", json!({ "query": "imprint" })).await?;
    assert_eq!(hits["hits"].as_array().map(Vec::len), Some(0), "{hits}");
    assert_eq!(get(&mut client, live).await?["state"], "running");
    client.call("session.stop", json!({ "dir": stage.dir })).await?;
    assert_eq!(client.call("job.prune", json!({ "before": before })).await?["jobs"], 1);
    stage.nothing_left().await
}

/// Sessions are listed and opened again; a restarted job names the one that it repeats.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_resumed_and_jobs_restarted() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    let company = json!({ "dir": stage.dir });
    let first = client.brief(&stage.dir, "Paint the fence").await?;
    let session = get(&mut client, first).await?["session_id"].clone();
    assert!(
        refusal(&mut client, "job.restart", json!({ "job_id": first })).await?.contains("job.not_final"),
        "only what has ended is restarted"
    );
    client.job(first, &["completed"], WORK).await?;
    let stopped = client.call("session.stop", company.clone()).await?;
    assert_eq!(stopped["stopped"], json!({ "ended": 0, "forced": 0, "left": 0 }), "{stopped}");
    client.call("session.start", company.clone()).await?;
    let resume = json!({ "company": company, "session_id": session });
    assert!(refusal(&mut client, "session.resume", resume.clone()).await?.contains("session.active"));
    client.call("session.stop", company.clone()).await?;
    let again = client.call("session.resume", resume).await?;
    assert_eq!((&again["session_id"], &again["closed_at"]), (&session, &Value::Null), "{again}");

    let list = json!({ "company": company, "limit": 1 });
    let page = client.call("session.list", list.clone()).await?;
    let mut next = list;
    next["before"] = page["next"].clone();
    let rest = client.call("session.list", next).await?;
    assert_ne!(page["sessions"][0]["session_id"], session, "newest first");
    assert_eq!((&rest["sessions"][0]["session_id"], &rest["next"]), (&session, &Value::Null), "{rest}");
    assert_eq!(rest["sessions"][0]["latest"], "Paint the fence", "{rest}");

    let repeated = client.call("job.restart", json!({ "job_id": first, "foreground": true })).await?;
    assert_eq!((&repeated["parent_job_id"], &repeated["foreground"]), (&json!(first), &json!(true)), "{repeated}");
    assert_eq!((&repeated["session_id"], &repeated["title"]), (&session, &json!("Paint the fence")));
    client.job(number(&repeated)?, &["completed"], WORK).await?;
    Ok(())
}

/// What the database can be made again from lies in the run's folder, for a run of an earlier version as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_runs_folder_says_whose_it_is() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(1.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let worker = stage.worker().await?;
    let file = stage.place.home().join("runs/1/job.json");
    let record = async || {
        wait_for("the record", SOON, async || {
            let record: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
            Ok((record["process"][0] == worker.as_raw_nonzero().get()).then_some(record))
        })
        .await
    };
    let first = record().await?;
    assert_eq!((&first["job_id"], &first["directive"]), (&json!(job), &json!("Write the imprint")), "{first}");
    stage.kill();
    std::fs::remove_file(&file)?;
    stage.start()?;
    client = stage.client().await?;
    assert_eq!(record().await?, first);
    client.set(json!({ "practice_pace": 50.0 })).await?;
    client.job(job, &["completed"], WORK).await?;
    stage.nothing_left().await
}
