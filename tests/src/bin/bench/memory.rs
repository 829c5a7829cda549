//! How much memory an idle daemon and workers in mid-run take.

use std::time::{Duration, Instant};

use blackbox::{Daemon, Place, WORK, wait_for};
use serde_json::json;
use testkit::{Provider, Script, Turn};

use crate::{on_provider, stage};
use blackbox::figures::{line, pss_mb, timed};

const IDLE_DAEMON_MB: f64 = 20.0;
const PRACTICE_WORKER_MB: f64 = 8.0;
const STREAMING_WORKER_MB: f64 = 20.0;

pub async fn measure() -> anyhow::Result<bool> {
    let (place, mut daemon) = stage().await?;
    let pid = daemon.call("daemon.status", json!({})).await?["pid"].clone();
    let mut met = weighed("PSS, idle daemon", pss_mb(&pid)?, IDLE_DAEMON_MB);
    daemon.set(json!({ "practice_pace": 1.0 })).await?;
    met &= weigh_worker(&place, &mut daemon, "PSS, practice worker", PRACTICE_WORKER_MB).await?;
    let slow = Turn::text("word ".repeat(20_000)).between(Duration::from_millis(100));
    let provider = Provider::start(Script::of(vec![slow])).await;
    on_provider(&mut daemon, &place.path("company"), &provider.url()).await?;
    met &= weigh_worker(&place, &mut daemon, "PSS, streaming worker", STREAMING_WORKER_MB).await?;
    timed(&mut place.aicib(&["daemon", "stop"])?)?;
    Ok(met)
}

async fn weigh_worker(place: &Place, daemon: &mut Daemon, name: &str, bar: f64) -> anyhow::Result<bool> {
    let job = daemon.brief(&place.path("company"), "Write a page").await?;
    let pid = wait_for("the worker", WORK, async || {
        let pid = daemon.call("job.get", json!({ "job_id": job })).await?["run"]["pid"].clone();
        Ok((!pid.is_null()).then_some(pid))
    })
    .await?;
    let mut heaviest: f64 = 0.0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        heaviest = heaviest.max(pss_mb(&pid)?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    daemon.call("job.cancel", json!({ "job_id": job })).await?;
    Ok(weighed(name, heaviest, bar) && heaviest > 0.0)
}

fn weighed(name: &str, mb: f64, bar: f64) -> bool {
    line(name, &format!("{mb:.1} MB"), &format!("{bar} MB"), mb <= bar)
}
