//! What is on hold waits, and goes on.

use blackbox::{Stage, WORK};
use serde_json::{Value, json};

use crate::{get, refusal};

/// A job at work that is put on hold waits, holds no slot, and goes on before anything new when it is let.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_stops_one_job_before_its_next_call() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(1.0).await?;
    client.set(json!({ "max_parallel_jobs": 1 })).await?;
    let other = stage.place.path("other");
    client.found("Other", &other).await?;
    let first = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(first, &["running"], WORK).await?;
    let held = client.call("job.pause", json!({ "job_id": first })).await?;
    assert_eq!((&held["all"], &held["job"]["held"]), (&json!(false), &json!(true)), "{held}");
    let waiting = client.job(first, &["waiting"], WORK).await?;
    assert_eq!((&waiting["held"], waiting["reason"].as_str().is_some_and(|why| !why.is_empty())), (&json!(true), true));

    // The slot is free for somebody else, and then it is not.
    let second = client.brief(&other, "Write the imprint").await?;
    let third = client.brief(&other, "Write the terms").await?;
    client.job(second, &["running"], WORK).await?;
    let free = client.call("job.resume", json!({ "job_id": first })).await?;
    assert_eq!(free["job"]["held"], false, "{free}");
    assert_eq!(get(&mut client, first).await?["state"], "waiting", "as many as may be are at work");
    client.set(json!({ "practice_pace": 20.0 })).await?;
    let second = client.job(second, &["completed"], WORK).await?;
    let first = client.job(first, &["completed"], WORK).await?;
    let third = client.job(third, &["completed"], WORK).await?;
    let at = |job: &Value, name: &str| job[name].as_i64().unwrap_or_default();
    assert!(at(&first, "finished_at") > at(&second, "finished_at"));
    assert!(at(&third, "started_at") >= at(&first, "finished_at"), "who waited goes on first");

    // What has ended cannot be held, and a hold that is there already is no change.
    let refused = refusal(&mut client, "job.pause", json!({ "job_id": first["job_id"] })).await?;
    assert!(refused.contains("job.final"), "{refused}");
    assert!(refusal(&mut client, "job.resume", json!({ "job_id": 999 })).await?.contains("job.not_found"));
    stage.nothing_left().await
}

/// Everything on hold: nothing begins, what is at work waits, through a daemon that is killed; and a held job is
/// stopped like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_all_holds_through_daemons() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(1.0).await?;
    let other = stage.place.path("other");
    client.found("Other", &other).await?;
    let mut jobs = Vec::new();
    for dir in [&stage.dir, &other] {
        jobs.push(client.brief(dir, "Write the imprint").await?);
    }
    for job in &jobs {
        client.job(*job, &["running"], WORK).await?;
    }
    let queued = client.brief(&other, "Write the terms").await?;
    assert_eq!(client.call("job.pause", json!({})).await?["all"], true);
    for job in &jobs {
        client.job(*job, &["waiting"], WORK).await?;
    }
    assert_eq!(client.call("desk.get", json!({ "dir": other })).await?["held"], true);
    assert_eq!(client.call("daemon.status", json!({})).await?["held"], true);
    stage.kill();
    stage.start()?;
    client = stage.client().await?;
    let stopped = client.call("job.cancel", json!({ "job_id": jobs[1] })).await?;
    assert_eq!((&stopped["job"]["state"], &stopped["stopped"]["left"]), (&json!("cancelled"), &json!(0)), "{stopped}");
    // Letting one go on does not let all.
    assert_eq!(client.call("job.resume", json!({ "job_id": queued })).await?["all"], true);
    for (job, state) in [(jobs[0], "waiting"), (queued, "queued")] {
        assert_eq!(get(&mut client, job).await?["state"], state);
    }
    assert_eq!(client.call("job.resume", json!({})).await?["all"], false);
    for job in [jobs[0], queued] {
        client.job(job, &["completed"], WORK).await?;
    }
    stage.stored_once(&mut client, jobs[0]).await?;
    stage.nothing_left().await
}
