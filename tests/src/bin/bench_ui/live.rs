//! From an event in a worker until its text is on screen. All of it happens on one machine, so that all clocks are one.

use std::time::Duration;

use anyhow::Context;
use blackbox::figures::{line, quantile};
use blackbox::{Daemon, Page};
use serde_json::{Value, json};

use crate::{Bench, number, talker};

const BAR_MS: f64 = 50.0;
/// Events a second, all jobs together.
const RATE: u64 = 1_000;
const JOBS: u64 = 10;
const WARM: Duration = Duration::from_secs(2);
/// Jobs are at work for longer than is measured: until all have begun, and while the first words come.
const LONGER: u64 = 20;

pub async fn measure(bench: &mut Bench) -> anyhow::Result<bool> {
    let page = bench.page().await?;
    let mut daemon = bench.stage.daemon().await?;
    daemon.set(json!({ "max_parallel_jobs": JOBS })).await?;
    let mut met = true;
    for jobs in [JOBS, 1] {
        met &= watch(bench, &page, &mut daemon, jobs).await?;
    }
    Ok(met)
}

/// As many jobs at work as said, one of them on screen.
async fn watch(bench: &Bench, page: &Page, daemon: &mut Daemon, jobs: u64) -> anyhow::Result<bool> {
    let (seconds, rate) = (number("LIVE_SECONDS", 8)?, RATE / jobs);
    let mut running = Vec::new();
    for number in 0..jobs {
        let dir = talker::hire(&bench.stage, daemon, &format!("Live {jobs} {number}")).await?;
        running.push(daemon.brief(&dir, &talker::brief(rate, rate * (seconds + LONGER))).await?);
    }
    let job = running.last().copied().context("no job")?;
    page.run(&format!("location.hash = '#/job/{job}'")).await?;
    page.run_to_end("await bench.until('the first words', () => bench.lastInView() > 0)").await?;
    tokio::time::sleep(WARM).await;
    page.run("bench.follow()").await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let seen: Vec<(i64, f64)> = serde_json::from_value(page.run("return bench.unfollow()").await?)?;
    for job in running {
        // It may have said everything by now.
        let _: anyhow::Result<Value> = daemon.call("job.cancel", json!({ "job_id": job })).await;
    }
    let mut delays = delays(daemon, job, &seen).await?;
    let shown = delays.len() as f64 / seconds as f64;
    let (median, p99) = (quantile(&mut delays, 0.5), quantile(&mut delays, 0.99));
    let what = format!("worker's event -> text painted, {RATE}/s in {jobs} jobs");
    let figure = format!("p50 {median:.0} ms, p99 {p99:.0} ms ({shown:.0}/s)");
    Ok(line(&what, &figure, &format!("p99 {BAR_MS} ms"), p99 <= BAR_MS))
}

/// What is in view has been shown: for each event the first picture of it, or of what came after it.
async fn delays(daemon: &mut Daemon, job: i64, seen: &[(i64, f64)]) -> anyhow::Result<Vec<Duration>> {
    let (first, last) = (seen.first().context("nothing was seen")?.0, seen.last().context("nothing was seen")?.0);
    let mut delays = Vec::new();
    let mut after = first;
    while after < last {
        let page = daemon.call("event.list", json!({ "job_id": job, "after": after, "limit": 500 })).await?;
        let events = page["events"].as_array().cloned().unwrap_or_default();
        for event in &events {
            let (seq, at) = (event["seq"].as_i64().context("no seq")?, event["at"].as_f64().context("no time")?);
            after = seq;
            let Some((_, shown)) = seen.iter().find(|(shown, _)| *shown >= seq) else { continue };
            delays.push(Duration::from_secs_f64((shown - at).max(0.0) / 1e3));
        }
        if events.is_empty() {
            break;
        }
    }
    Ok(delays)
}
