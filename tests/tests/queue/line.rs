//! The line: who goes next, when, and after whom.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use blackbox::{SOON, Stage, WORK};
use serde_json::json;

use crate::{get, now_ms, number, submit};

/// A second brief to a busy session is refused with the first one's number and words; with `queue` it stands in line,
/// and knows where.
#[tokio::test(flavor = "multi_thread")]
async fn e009_a_busy_session_refuses_or_queues() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(0.2).await?;
    let first = number(&submit(&mut client, &stage, json!({ "directive": "Paint the fence" })).await?)?;
    let refused = submit(&mut client, &stage, json!({})).await.err().context("it was let in")?.to_string();
    for part in ["session.busy", "Paint the fence", &format!("\"job_id\":{first}"), "\"title\":", "--queue"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    for place in 1..=3 {
        let queued = submit(&mut client, &stage, json!({ "queue": true })).await?;
        assert_eq!((&queued["state"], &queued["position"]), (&json!("queued"), &json!(place)), "{queued}");
    }
    for bad in [101, -101, i64::MAX] {
        let refused = submit(&mut client, &stage, json!({ "queue": true, "priority": bad })).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("request.bad")), "{bad}");
    }
    client.call("session.stop", json!({ "dir": stage.dir })).await?;
    stage.nothing_left().await
}

/// A hundred briefs from ten clients at once, in ten companies: never more at work than may be, and in each session one
/// after another in the order in which they came.
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_for_a_hundred_briefs_at_once() -> anyhow::Result<()> {
    const AT_ONCE: i64 = 3;
    let (stage, mut client) = Stage::new(100.0).await?;
    client.set(json!({ "max_parallel_jobs": AT_ONCE })).await?;
    let mut companies: Vec<PathBuf> = Vec::new();
    for number in 0..10 {
        let dir = stage.place.path(&format!("company-{number}"));
        client.found(&format!("Company {number}"), &dir).await?;
        companies.push(dir);
    }
    let mut submits = tokio::task::JoinSet::new();
    for dir in companies.clone() {
        let mut client = stage.client().await?;
        submits.spawn(async move {
            for _ in 0..10 {
                client.brief(&dir, "Write the imprint").await?;
            }
            anyhow::Ok(())
        });
    }
    let mut most = 0;
    let began = Instant::now();
    loop {
        while let Some(done) = submits.try_join_next() {
            done??;
        }
        let stats = client.call("job.stats", json!({})).await?;
        let of = |state: &str| stats["by_state"][state].as_i64().unwrap_or_default();
        most = most.max(of("running"));
        assert!(of("running") <= AT_ONCE, "{stats}");
        assert_eq!(of("failed") + of("cancelled"), 0, "{stats}");
        if of("completed") == 100 {
            break;
        }
        assert!(began.elapsed() < WORK * 2, "{stats}");
    }
    assert_eq!(most, AT_ONCE, "the slots were used");
    let mut spans = Vec::new();
    for dir in companies {
        let company = client.call("company.get", json!({ "dir": dir })).await?["company_id"].clone();
        let page = client.call("job.list", json!({ "company_id": company, "limit": 500 })).await?;
        let jobs = page["jobs"].as_array().context("no jobs")?;
        assert_eq!(jobs.len(), 10);
        let mut last_end = i64::MAX;
        for job in jobs {
            let (start, end) = (job["started_at"].as_i64(), job["finished_at"].as_i64());
            let (start, end) = (start.context("no start")?, end.context("no end")?);
            assert!(end <= last_end, "newest first, each after the one before: {jobs:?}");
            last_end = start;
            spans.push((start, end));
        }
    }
    // By what was stored as well: at each start, those that were under way then.
    for (start, _) in &spans {
        let under_way = spans.iter().filter(|(began, ended)| began <= start && start < ended).count();
        assert!(under_way as i64 <= AT_ONCE, "{under_way} at {start}");
    }
    stage.nothing_left().await
}

/// What may run at once is changed while it runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_is_changed_while_jobs_run() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(0.2).await?;
    client.set(json!({ "max_parallel_jobs": 1 })).await?;
    let first = client.brief(&stage.dir, "Write the imprint").await?;
    let other = stage.place.path("other");
    client.found("Other", &other).await?;
    let second = client.brief(&other, "Write the imprint").await?;
    client.job(first, &["running"], WORK).await?;
    assert_eq!(get(&mut client, second).await?["state"], "queued");
    client.set(json!({ "max_parallel_jobs": 2 })).await?;
    client.job(second, &["running"], SOON).await?;
    for dir in [&stage.dir, &other] {
        client.call("session.stop", json!({ "dir": dir })).await?;
    }
    stage.nothing_left().await
}

/// Higher goes first; among equals who came first.
#[tokio::test(flavor = "multi_thread")]
async fn priority_and_then_the_order_of_coming() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    client.call("job.pause", json!({})).await?;
    let mut jobs = Vec::new();
    for priority in [0, 0, 50, -10, 50] {
        let job = submit(&mut client, &stage, json!({ "queue": true, "priority": priority })).await?;
        jobs.push(number(&job)?);
    }
    let mut places = Vec::new();
    for job in &jobs {
        places.push(get(&mut client, *job).await?["position"].as_i64().unwrap_or_default());
    }
    assert_eq!(places, [2, 3, 0, 4, 1]);
    client.call("job.resume", json!({})).await?;
    let mut starts = Vec::new();
    for job in &jobs {
        starts.push((client.job(*job, &["completed"], WORK).await?["started_at"].as_i64(), *job));
    }
    starts.sort_unstable();
    let order: Vec<i64> = starts.iter().map(|(_, job)| *job).collect();
    assert_eq!(order, [jobs[2], jobs[4], jobs[0], jobs[1], jobs[3]]);
    Ok(())
}

/// A scheduled job holds nobody up, begins at its time, and is stopped like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_job_begins_at_its_time() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    let at = now_ms()? + 2_500;
    let job = submit(&mut client, &stage, json!({ "not_before": at })).await?;
    assert_eq!((&job["state"], &job["until"]), (&json!("scheduled"), &json!(at)), "{job}");
    let far = submit(&mut client, &stage, json!({ "not_before": at + 3_600_000 })).await?;

    let meanwhile = number(&submit(&mut client, &stage, json!({})).await?)?;
    client.job(meanwhile, &["completed"], WORK).await?;
    let done = client.job(number(&job)?, &["completed"], WORK).await?;
    let started = done["started_at"].as_i64().context("no start")?;
    assert!((at..at + 5_000).contains(&started), "{started} is not {at}");

    let stopped = client.call("job.cancel", json!({ "job_id": far["job_id"] })).await?;
    assert_eq!(stopped["job"]["state"], "cancelled", "{stopped}");
    assert_eq!(stopped["stopped"], json!({ "ended": 0, "forced": 0, "left": 0 }));
    // A time that has passed is now.
    let late = submit(&mut client, &stage, json!({ "not_before": at })).await?;
    assert_eq!(late["state"], "queued", "{late}");
    client.job(number(&late)?, &["completed"], WORK).await?;
    Ok(())
}

/// A job waits for another to complete; where that one does not, it fails and says so, and so do those behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_goes_on_or_falls_together() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    client.call("job.pause", json!({})).await?;
    let first = number(&submit(&mut client, &stage, json!({})).await?)?;
    // It waits, and so it is not refused for the one at work.
    let second = submit(&mut client, &stage, json!({ "after_job_id": first })).await?;
    assert_eq!((&second["state"], &second["after_job_id"]), (&json!("blocked"), &json!(first)), "{second}");
    let second = number(&second)?;
    let third = number(&submit(&mut client, &stage, json!({ "after_job_id": second })).await?)?;
    client.call("job.resume", json!({})).await?;
    for job in [first, second, third] {
        client.job(job, &["completed"], WORK).await?;
    }
    // What has completed holds nobody up.
    let fourth = submit(&mut client, &stage, json!({ "after_job_id": third })).await?;
    assert_eq!(fourth["state"], "queued", "{fourth}");
    client.job(number(&fourth)?, &["completed"], WORK).await?;

    client.set(json!({ "practice_pace": 0.2 })).await?;
    let first = number(&submit(&mut client, &stage, json!({})).await?)?;
    let second = number(&submit(&mut client, &stage, json!({ "after_job_id": first })).await?)?;
    let third = number(&submit(&mut client, &stage, json!({ "after_job_id": second })).await?)?;
    client.job(first, &["running"], WORK).await?;
    client.call("job.cancel", json!({ "job_id": first })).await?;
    for (job, blocker) in [(second, first), (third, second)] {
        let failed = client.job(job, &["failed"], SOON).await?;
        assert_eq!(failed["error"]["code"], "job.blocker_not_completed", "{failed}");
        assert!(failed["error"]["message"].as_str().unwrap_or_default().contains(&format!("Job {blocker}")));
        assert!(failed["run"].is_null(), "it never began: {failed}");
    }
    let refused = submit(&mut client, &stage, json!({ "after_job_id": first })).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("job.blocker_not_completed")));
    for nobody in [999, -1] {
        let refused = submit(&mut client, &stage, json!({ "after_job_id": nobody })).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("job.not_found")), "{nobody}");
    }
    let other = stage.place.path("other");
    client.found("Other", &other).await?;
    let theirs = json!({ "company": { "dir": other }, "after_job_id": fourth["job_id"] });
    assert!(submit(&mut client, &stage, theirs).await.is_err(), "another company's job is none to wait for");
    stage.nothing_left().await
}
