//! How soon what a worker does is at a subscriber of the socket.

use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::Daemon;
use serde_json::{Value, json};
use testkit::{Provider, Script, Turn};

use crate::{WORK, on_provider, stage};
use blackbox::figures::{line, quantile, timed};

const RUNS: usize = 10;
/// Events a second, all runs together, about.
const RATE: u64 = 1_000;
const BAR_MS: f64 = 20.0;
const LASTS: Duration = Duration::from_secs(10);
/// More than a run gets to.
const TURNS: usize = 450;
/// Events of a turn that reads a file: what it says, the call, its end, its usage.
const EVENTS_A_TURN: u64 = 4;
/// How long such a turn takes beside the pause, about.
const ANSWER: Duration = Duration::from_millis(12);

pub async fn measure() -> anyhow::Result<bool> {
    let (place, mut daemon) = stage().await?;
    // An answer takes its time beside the pause before it.
    let pause = Duration::from_millis(1_000 * EVENTS_A_TURN * RUNS as u64 / RATE).saturating_sub(ANSWER);
    // Each turn reads something else: work that goes round in circles is held.
    let read = |n: usize| {
        let file = json!({ "file_path": format!("notes/{n}.md") });
        Turn::text(format!("I read note {n}.")).and_tool("Read", file).before(pause)
    };
    let provider = Provider::start(Script::of((0..TURNS).map(read).collect::<Vec<_>>())).await;
    daemon.set(json!({ "max_parallel_jobs": RUNS })).await?;
    let mut subscribers = Vec::new();
    let mut jobs = Vec::new();
    for number in 0..RUNS {
        let dir = place.path(&format!("company-{number}"));
        daemon.found(&format!("Bench {number}"), &dir).await?;
        on_provider(&mut daemon, &dir, &provider.url()).await?;
        std::fs::create_dir(dir.join("notes"))?;
        for n in 0..TURNS {
            std::fs::write(dir.join(format!("notes/{n}.md")), format!("Note {n}.\n"))?;
        }
    }
    for number in 0..RUNS {
        let job = daemon.brief(&place.path(&format!("company-{number}")), &format!("Look around {number}")).await?;
        jobs.push(job);
        let subscriber = Daemon::connect(&place.home(), WORK).await?;
        subscribers.push(tokio::spawn(listen(subscriber, job)));
    }
    let mut delays = Vec::new();
    for subscriber in subscribers {
        delays.extend(subscriber.await.context("a subscriber broke off")??);
    }
    for job in jobs {
        daemon.call("job.cancel", json!({ "job_id": job })).await?;
    }
    let rate = delays.len() as f64 / LASTS.as_secs_f64();
    let (median, p99) = (quantile(&mut delays, 0.5), quantile(&mut delays, 0.99));
    let what = format!("worker's event -> subscriber, {rate:.0} events/s, {RUNS} runs");
    let met = line(&what, &format!("p50 {median:.0} ms, p99 {p99:.0} ms"), &format!("p99 {BAR_MS} ms"), p99 <= BAR_MS);
    timed(&mut place.aicib(&["daemon", "stop"])?)?;
    Ok(met)
}

/// The delays of the events of one job, by the clock that all of them share, for a while after the first second.
async fn listen(mut daemon: Daemon, job: i64) -> anyhow::Result<Vec<Duration>> {
    daemon.call("event.subscribe", json!({ "job_id": job, "after": 0 })).await?;
    let mut delays = Vec::new();
    let began = Instant::now();
    let warm = Duration::from_secs(1);
    while began.elapsed() < warm + LASTS {
        let Ok(note) = tokio::time::timeout(LASTS, daemon.note("event.added")).await else { break };
        let now = contract::Time::now();
        if began.elapsed() < warm {
            continue;
        }
        for event in note?["events"].as_array().into_iter().flatten().filter(|event| event["run_id"] != Value::Null) {
            let at = event["at"].as_i64().context("an event without a time")?;
            delays.push(Duration::from_millis(u64::try_from(now.0 - at).unwrap_or_default()));
        }
    }
    anyhow::ensure!(!delays.is_empty(), "job {job} had nothing to say");
    Ok(delays)
}
