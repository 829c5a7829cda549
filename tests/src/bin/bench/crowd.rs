//! A hundred runs at once.

use std::time::{Duration, Instant};

use blackbox::{Daemon, Place, WORK, wait_for};
use serde_json::json;

use crate::stage;
use blackbox::figures::{line, pss_mb, quantile, timed};

const RUNS: usize = 100;
const MEMORY_MB: f64 = 1_536.0;
const PING_MS: f64 = 50.0;
const PATIENCE: Duration = Duration::from_secs(180);

pub async fn measure() -> anyhow::Result<bool> {
    let (place, mut daemon) = stage().await?;
    daemon.set(json!({ "max_parallel_jobs": RUNS, "practice_pace": 1.0 })).await?;
    let mut jobs = Vec::new();
    for number in 0..RUNS {
        daemon.found(&format!("Bench {number}"), &place.path(&format!("company-{number}"))).await?;
    }
    let began = Instant::now();
    for number in 0..RUNS {
        jobs.push(daemon.brief(&place.path(&format!("company-{number}")), "Write a company description").await?);
    }
    let pinging = tokio::spawn(ping(Daemon::connect(&place.home(), WORK).await?));
    let (mut heaviest, mut most) = (0.0_f64, 0);
    wait_for("a hundred ends", PATIENCE, async || {
        let stats = daemon.call("job.stats", json!({})).await?;
        most = most.max(stats["by_state"]["running"].as_i64().unwrap_or_default());
        heaviest = heaviest.max(weight(&place));
        let live = ["queued", "running", "waiting"].map(|state| stats["by_state"][state].as_i64().unwrap_or_default());
        Ok((live.iter().sum::<i64>() == 0).then_some(()))
    })
    .await?;
    let took = began.elapsed();
    pinging.abort();
    let mut delays = match pinging.await {
        Ok(delays) => delays?,
        Err(_) => PINGS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
    };
    let stats = daemon.call("job.stats", json!({})).await?;
    let completed = stats["by_state"]["completed"].as_i64().unwrap_or_default();
    let figure = format!("{completed} completed, {most} at once, {:.0} s", took.as_secs_f64());
    let mut met = line("100 practice runs at once", &figure, "100 completed", completed == RUNS as i64);
    met &=
        line("  memory together, PSS", &format!("{heaviest:.0} MB"), &format!("{MEMORY_MB} MB"), heaviest <= MEMORY_MB);
    let p99 = quantile(&mut delays, 0.99);
    met &= line(
        "  ping meanwhile",
        &format!("p99 {p99:.1} ms of {}", delays.len()),
        &format!("{PING_MS} ms"),
        p99 <= PING_MS,
    );
    let lost = blackbox::chaos::lost_lines(&place.home())?;
    met &= line("  spool lines lost or doubled", &lost.to_string(), "0", lost == 0);
    timed(&mut place.aicib(&["daemon", "stop"])?)?;
    Ok(met)
}

/// What was measured so far: the task that measures is ended in the middle of it.
static PINGS: std::sync::Mutex<Vec<Duration>> = std::sync::Mutex::new(Vec::new());

async fn ping(mut daemon: Daemon) -> anyhow::Result<Vec<Duration>> {
    loop {
        let began = Instant::now();
        daemon.call("ping", json!({})).await?;
        PINGS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything of the place together. A process that ends meanwhile weighs nothing.
fn weight(place: &Place) -> f64 {
    place.processes().into_iter().filter_map(|pid| pss_mb(pid).ok()).sum()
}
