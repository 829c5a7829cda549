//! `make bench`: what the promises about speed and memory are measured by. Ratios within one run, beside the peer or
//! the limit; medians, with the quartiles around them. `make bench ONLY=stop` measures one part; STOPS, IDLE_SECONDS
//! and EVENTS make parts longer or shorter.

mod crowd;
mod feed;
mod fill;
mod idle;
mod memory;
mod speeds;
mod start;
mod stop;

use anyhow::Context;
use blackbox::{Daemon, Place, WORK, wait_for};
use serde_json::{Value, json};

use blackbox::figures::timed;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let only = std::env::var("ONLY").unwrap_or_default();
    let asked = |part: &str| only.is_empty() || only.split(',').any(|name| name == part);
    let mut met = true;
    if asked("speeds") {
        met &= speeds::measure().await?;
    }
    if asked("memory") {
        met &= memory::measure().await?;
    }
    if asked("feed") {
        met &= feed::measure().await?;
    }
    if asked("crowd") {
        met &= crowd::measure().await?;
    }
    if asked("stop") {
        met &= stop::measure().await?;
    }
    if asked("start") {
        met &= start::measure().await?;
    }
    if asked("idle") {
        met &= idle::measure().await?;
    }
    anyhow::ensure!(met, "a bar was not met");
    Ok(())
}

/// A number from the environment.
fn number(name: &str, default: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().with_context(|| format!("{name} is no number: {text}")),
        _ => Ok(default),
    }
}

/// A home with a practice company, an open session and a daemon. The daemon ends with the place.
async fn stage() -> anyhow::Result<(Place, Daemon)> {
    let place = Place::new()?;
    timed(&mut place.aicib(&["init", "--name", "Bench", "--dir", "company", "--engine", "practice"])?)?;
    timed(place.aicib(&["start"])?.current_dir(place.path("company")))?;
    let mut daemon = Daemon::connect(&place.home(), WORK).await?;
    daemon.set(json!({ "practice_pace": 100.0, "notifications": false, "onboarded": true })).await?;
    Ok((place, daemon))
}

/// Has the company in a folder run on a provider of ours.
async fn on_provider(daemon: &mut Daemon, dir: &std::path::Path, url: &str) -> anyhow::Result<()> {
    daemon.set(json!({ "anthropic_base_url": url })).await?;
    let key = json!({ "provider": "anthropic", "key": "sk-bench-0123456789", "storage": "session" });
    daemon.call("key.set", key).await?;
    let ceo = dir.join(".claude/agents/ceo.md");
    std::fs::write(&ceo, std::fs::read_to_string(&ceo)?.replace("Grep, Delegate]", "Grep, Bash, Delegate]"))?;
    for (key, value) in [("engine.mode", "anthropic-api"), ("tools.commands", "true")] {
        let company = json!({ "dir": dir });
        daemon.call("config.set", json!({ "company": company, "key": key, "value": value })).await?;
    }
    Ok(())
}

async fn finished(daemon: &mut Daemon, job: &Value) -> anyhow::Result<Value> {
    wait_for("the job's end", WORK, async || {
        let detail = daemon.call("job.get", json!({ "job_id": job })).await?;
        Ok((!detail["finished_at"].is_null()).then_some(detail))
    })
    .await
}
