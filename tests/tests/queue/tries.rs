//! Runs that failed, and are tried again or not.

use anyhow::Context;
use blackbox::{Daemon, Place, Stage, WORK};
use serde_json::{Value, json};
use testkit::{Provider, Script, Turn};

use crate::{ends_of, now_ms, submit};

/// A company that works with the provider.
async fn with_provider(provider: &Provider) -> anyhow::Result<(Stage, Daemon)> {
    let mut place = Place::new()?;
    place.set("ANTHROPIC_BASE_URL", provider.url());
    let (stage, mut client) = Stage::at(place, 8.0).await?;
    let engine = json!({ "company": { "dir": stage.dir }, "key": "engine.mode", "value": "anthropic-api" });
    client.call("config.set", engine).await?;
    let key = json!({ "provider": "anthropic", "key": "sk-ant-planted-key", "storage": "session" });
    client.call("key.set", key).await?;
    Ok((stage, client))
}

/// An outage that is not worth waiting for within a run.
fn outage() -> Turn {
    Turn::error(529, "overloaded_error", "Overloaded").header("retry-after", "7200")
}

/// A run that failed for a reason that passes, before it changed anything, is tried again by itself; a resume does not
/// wait for the time. As often as the setting says.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_tried_again_and_then_is_the_end() -> anyhow::Result<()> {
    let provider = Provider::start(Script::of(vec![outage()])).await;
    let (stage, mut client) = with_provider(&provider).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let sent = now_ms()?;
    let retrying = client.job(job, &["retrying"], WORK).await?;
    let until = retrying["until"].as_i64().context("no time")?;
    assert!((25_000..60_000).contains(&(until - sent)), "{retrying}");
    assert!(retrying["reason"].as_str().is_some_and(|why| why.contains("verload")), "{retrying}");
    // It holds its session.
    assert!(submit(&mut client, &stage, json!({})).await.is_err_and(|error| error.to_string().contains("busy")));

    provider.play(Script::of(vec![Turn::text("All is well.")]));
    client.call("job.resume", json!({ "job_id": job })).await?;
    let done = client.job(job, &["completed"], WORK).await?;
    assert_eq!((&done["attempts"], &done["error"]), (&json!(2), &Value::Null), "{done}");

    provider.play(Script::of(vec![outage()]));
    client.set(json!({ "run_retries": 1 })).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["retrying"], WORK).await?;
    client.call("job.resume", json!({ "job_id": job })).await?;
    let failed = client.job(job, &["failed"], WORK).await?;
    assert_eq!((&failed["attempts"], failed["error"]["retryable"].as_bool()), (&json!(2), Some(true)), "{failed}");
    stage.nothing_left().await
}

/// A run that changed something is not repeated, and a job that waits to be tried again is stopped at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_had_effects_is_not_tried_again() -> anyhow::Result<()> {
    let write = Turn::tool("Write", json!({ "file_path": "notes.md", "content": "x" }));
    let provider = Provider::start(Script::of(vec![write, outage()])).await;
    let (stage, mut client) = with_provider(&provider).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let failed = client.job(job, &["failed"], WORK).await?;
    assert_eq!((&failed["attempts"], &failed["error"]["code"]), (&json!(1), &json!("provider.down")), "{failed}");

    provider.play(Script::of(vec![outage()]));
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["retrying"], WORK).await?;
    let mut other = stage.client().await?;
    let params = json!({ "job_id": job });
    let (one, two) = tokio::join!(client.call("job.cancel", params.clone()), other.call("job.cancel", params.clone()));
    for answer in [one?, two?] {
        assert_eq!(answer["job"]["state"], "cancelled", "{answer}");
    }
    let changes = ends_of(&mut client, job).await?;
    assert_eq!(changes.len(), 1, "{changes:?}");
    stage.nothing_left().await
}

/// E015: what the engine falls over is the job's error, and stands in its log.
#[tokio::test(flavor = "multi_thread")]
async fn e015_what_the_engine_fails_with_is_in_status_and_log() -> anyhow::Result<()> {
    let refused = Turn::error(401, "authentication_error", "invalid x-api-key");
    let provider = Provider::start(Script::of(vec![refused])).await;
    let (stage, mut client) = with_provider(&provider).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let failed = client.job(job, &["failed"], WORK).await?;
    assert_eq!((&failed["error"]["code"], &failed["attempts"]), (&json!("provider.auth"), &json!(1)), "{failed}");
    let message = failed["error"]["message"].as_str().context("no message")?;
    assert_eq!(failed["reason"], message, "{failed}");
    let page = client.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
    let events = page["events"].as_array().context("no events")?;
    assert!(events.iter().any(|event| event["kind"] == "run_exited" && event["error"]["message"] == message), "{page}");
    stage.nothing_left().await
}
