//! `make bench-ui`: how quick the real window is, and what it takes, beside an empty window of the same build. Ratios
//! within one run, turn by turn. `make bench-ui ONLY=start,idle` measures parts; JOBS, EVENTS, STARTS, SCROLL_SECONDS,
//! LIVE_SECONDS, IDLE_SECONDS and GROWTH (and GROWTH_RATE) make them longer or shorter.
#![cfg(target_os = "linux")]

mod growth;
mod idle;
mod live;
mod open;
mod past;
mod quick;
mod scroll;
mod start;
mod talker;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::figures::timed;
use blackbox::{Daemon, Desktop, Page, Start, WORK};
use serde_json::{Value, json};

use past::Past;

/// The window that ours is measured beside.
const EMPTY: &str = "examples/empty";

/// The stage with a long past on file.
pub struct Bench {
    stage: Desktop,
    past: Past,
}

fn main() -> anyhow::Result<()> {
    if talker::is_meant() {
        return talker::talk();
    }
    tokio::runtime::Runtime::new()?.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let only = std::env::var("ONLY").unwrap_or_default();
    let asked = |part: &str| only.is_empty() || only.split(',').any(|name| name == part);
    let mut bench = Bench::set_up().await?;
    let mut met = true;
    if asked("start") {
        met &= start::measure(&mut bench).await?;
    }
    if asked("idle") {
        met &= idle::measure(&mut bench).await?;
    }
    if asked("quick") {
        met &= quick::measure(&mut bench).await?;
    }
    if asked("open") {
        met &= open::measure(&mut bench).await?;
    }
    if asked("scroll") {
        met &= scroll::measure(&mut bench).await?;
    }
    if asked("live") {
        met &= live::measure(&mut bench).await?;
    }
    if asked("growth") {
        met &= growth::measure(&mut bench).await?;
    }
    anyhow::ensure!(met, "a bar was not met");
    Ok(())
}

impl Bench {
    async fn set_up() -> anyhow::Result<Bench> {
        let (jobs, events) = (number("JOBS", 10_000)?, number("EVENTS", 1_000_000)?);
        let stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
        let dir = stage.place.path("home/company");
        let init = ["init", "--name", "Bench", "--dir", "home/company", "--engine", "practice"];
        timed(&mut stage.place.aicib(&init)?)?;
        Daemon::connect(&stage.place.home(), WORK)
            .await?
            .set(json!({ "onboarded": true, "notifications": false }))
            .await?;
        let mut bench = Bench { stage, past: Past { long: 0, events: 0, short: 0 } };
        bench.stop_daemon()?;
        let filling = Instant::now();
        let (jobs, events) = (usize::try_from(jobs)?, usize::try_from(events)?);
        bench.past = past::fill(&bench.stage.place.home(), &dir, jobs, events).await?;
        let took = filling.elapsed().as_secs_f64();
        println!("filled with {jobs} jobs, one of {events} events, in {took:.0} s");
        Ok(bench)
    }

    /// What apps print here.
    fn log(&self) -> PathBuf {
        self.stage.place.path("app.log")
    }

    fn stop_daemon(&self) -> anyhow::Result<()> {
        timed(&mut self.stage.place.aicib(&["daemon", "stop"])?).map(drop)
    }

    /// Our page over WebDriver, with what measures in it.
    async fn page(&mut self) -> anyhow::Result<Page> {
        let page = self.stage.open(&[]).await?;
        page.part("composer").await?;
        page.run(include_str!("probe.js")).await?;
        Ok(page)
    }
}

/// A number from the environment.
fn number(name: &str, default: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().with_context(|| format!("{name} is no number: {text}")),
        _ => Ok(default),
    }
}

/// Milliseconds that the page told.
fn millis(value: &Value) -> anyhow::Result<Duration> {
    let told = value.as_f64().with_context(|| format!("no number: {value}"))?;
    Ok(Duration::from_secs_f64(told.max(0.0) / 1e3))
}

fn all_millis(values: &Value) -> anyhow::Result<Vec<Duration>> {
    values.as_array().context("no list")?.iter().map(millis).collect()
}
