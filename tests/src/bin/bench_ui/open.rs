//! Opening jobs, going from screen to screen, and finding words: from the click until it is painted.

use std::time::Duration;

use anyhow::Context;
use blackbox::Page;
use blackbox::figures::{line, quantile};
use serde_json::{Value, json};

use crate::past::{ONCE, TERMS, VARIANTS, term};
use crate::{Bench, millis};

const LONG_MS: f64 = 150.0;
const SHORT_MS: f64 = 80.0;
const SWITCH_MS: f64 = 50.0;
const SEARCH_MS: f64 = 100.0;
const OPENINGS: usize = 7;
const SCREENS: [&str; 7] = ["desk", "jobs", "journal", "costs", "team", "notices", "settings"];

pub async fn measure(bench: &mut Bench) -> anyhow::Result<bool> {
    let page = bench.page().await?;
    let events = bench.past.events;
    let mut met = opens(bench, &page, bench.past.long, &format!("open a job of {events} events"), LONG_MS).await?;
    met &= opens(bench, &page, bench.past.short, "open a job of 10", SHORT_MS).await?;
    met &= switches(&page).await?;
    met &= searches(&page, events).await?;
    Ok(met)
}

async fn opens(bench: &Bench, page: &Page, job: i64, what: &str, bar: f64) -> anyhow::Result<bool> {
    let mut daemon = bench.stage.daemon().await?;
    let latest = daemon.call("event.list", json!({ "job_id": job, "limit": 10 })).await?;
    // The last that is a row of its own.
    let said = |event: &&Value| event["kind"] == "message";
    let last = latest["events"].as_array().into_iter().flatten().rfind(said).map(|event| event["seq"].clone());
    let last = last.context("nothing was said")?;
    let mut took = Vec::new();
    for _ in 0..OPENINGS {
        took.push(millis(&page.run_to_end(&format!("return bench.open({job}, {last})")).await?)?);
    }
    let (median, worst) = (quantile(&mut took, 0.5), quantile(&mut took, 1.0));
    Ok(line(what, &format!("{median:.0} ms, worst {worst:.0} ms"), &format!("{bar} ms"), median <= bar))
}

async fn switches(page: &Page) -> anyhow::Result<bool> {
    let (mut there, mut whole) = (Vec::new(), Vec::new());
    let mut slowest = (Duration::ZERO, String::new());
    for from in SCREENS {
        for to in SCREENS.into_iter().filter(|to| *to != from) {
            let took = page.run_to_end(&format!("return bench.go('{from}', '{to}')")).await?;
            let took = [millis(&took[0])?, millis(&took[1])?];
            there.push(took[0]);
            whole.push(took[1]);
            if took[1] > slowest.0 {
                slowest = (took[1], format!("{from} to {to}"));
            }
        }
    }
    let pairs = there.len();
    let what = format!("switch screen, {pairs} pairs: the screen");
    let mut met = switched(&what, &mut there, "");
    met &= switched("  and all that it reads", &mut whole, &format!(", {}", slowest.1));
    Ok(met)
}

fn switched(what: &str, took: &mut [Duration], slowest: &str) -> bool {
    let [median, p95, worst] = [0.5, 0.95, 1.0].map(|part| quantile(took, part));
    let figure = format!("p50 {median:.0}, p95 {p95:.0}, worst {worst:.0} ms{slowest}");
    line(what, &figure, &format!("p95 {SWITCH_MS} ms"), p95 <= SWITCH_MS)
}

async fn searches(page: &Page, events: usize) -> anyhow::Result<bool> {
    page.click("nav-jobs").await?;
    page.part("jobs-search").await?;
    let messages = events / 2;
    let mut all = Vec::new();
    let terms = TERMS.into_iter().map(|(name, nth)| (name, messages / nth)).chain([(ONCE, 1)]);
    for (name, hits) in terms {
        let mut took = Vec::new();
        for variant in 0..VARIANTS {
            let words = term(name, variant);
            took.push(millis(&page.run_to_end(&format!("return bench.search('{words}')")).await?)?);
            page.run_to_end("return bench.rest(150)").await?;
        }
        println!(
            "  a term of about {hits} hits: {:.0} ms, worst {:.0} ms",
            quantile(&mut took, 0.5),
            quantile(&mut took, 1.0)
        );
        all.extend(took);
    }
    let (median, p95) = (quantile(&mut all, 0.5), quantile(&mut all, 0.95));
    let figure = format!("p50 {median:.0} ms, p95 {p95:.0} ms");
    Ok(line("search, words -> the first places painted", &figure, &format!("p95 {SEARCH_MS} ms"), p95 <= SEARCH_MS))
}
