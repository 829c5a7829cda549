//! The whole life of a job in the daemon's hands: its place in line, its time, what it waits for, holds, tries, ends,
//! and being forgotten.
#![cfg(target_os = "linux")]

mod ends;
mod holds;
mod kept;
mod line;
mod tries;

use anyhow::Context;
use blackbox::{Daemon, ENDED, Stage};
use serde_json::{Value, json};

/// Sends a brief as it is given, in addition to what every brief needs.
async fn submit(client: &mut Daemon, stage: &Stage, more: Value) -> anyhow::Result<Value> {
    let mut params = json!({
        "company": { "dir": stage.dir }, "directive": "Write the imprint", "origin": "client", "start_session": true
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    client.call("job.submit", params).await
}

fn number(job: &Value) -> anyhow::Result<i64> {
    job["job_id"].as_i64().with_context(|| format!("no number: {job}"))
}

async fn get(client: &mut Daemon, job: i64) -> anyhow::Result<Value> {
    client.call("job.get", json!({ "job_id": job })).await
}

/// What a call was refused with.
async fn refusal(client: &mut Daemon, method: &str, params: Value) -> anyhow::Result<String> {
    match client.call(method, params).await {
        Ok(answer) => anyhow::bail!("{method} was not refused: {answer}"),
        Err(error) => Ok(error.to_string()),
    }
}

fn now_ms() -> anyhow::Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_millis())?)
}

/// The events that say that the job has ended.
async fn ends_of(client: &mut Daemon, job: i64) -> anyhow::Result<Vec<Value>> {
    let page = client.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
    let events = page["events"].as_array().cloned().unwrap_or_default();
    let is_end =
        |event: &Value| event["kind"] == "job_changed" && ENDED.contains(&event["state"].as_str().unwrap_or_default());
    Ok(events.into_iter().filter(is_end).collect())
}
