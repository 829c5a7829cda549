//! Scrolling a job of very many events, beside frames of an empty window.

use std::time::Duration;

use blackbox::Page;
use blackbox::figures::{line, quantile};

use crate::{Bench, EMPTY, all_millis, number};

const SLOW_MS: f64 = 50.0;
const SLOW_PART: f64 = 0.01;
const OF_EMPTY: f64 = 2.0;
/// Pixels a frame: a screenful in nine.
const STEP: i64 = 90;

pub async fn measure(bench: &mut Bench) -> anyhow::Result<bool> {
    let each = number("SCROLL_SECONDS", 24)? * 1_000 / 4;
    let job = bench.past.long;
    let page = bench.page().await?;
    page.run(&format!("location.hash = '#/job/{job}'")).await?;
    page.run_to_end("await bench.until('rows', () => bench.lastInView() > 0); return bench.rest(500)").await?;
    let last = page.run("return bench.lastInView()").await?;
    // Back from the end, at the pace of a reader and at that of a fling; then on from the first event.
    let mut took = Vec::new();
    for by in [-STEP, -10 * STEP] {
        took.extend(scrolled(&page, each, by).await?);
    }
    let up_to = page.run("return bench.lastInView()").await?;
    page.run("bench.part('transcript').dispatchEvent(new KeyboardEvent('keydown', { key: 'Home', bubbles: true }))")
        .await?;
    page.run_to_end(&format!(
        "await bench.until('the first events', () => bench.lastInView() < {last} / 2); return bench.rest(500)"
    ))
    .await?;
    let from = page.run("return bench.lastInView()").await?;
    for by in [STEP, 10 * STEP] {
        took.extend(scrolled(&page, each, by).await?);
    }
    let down_to = page.run("return bench.lastInView()").await?;
    println!("scrolled from event {last} back to {up_to}, and from {from} on to {down_to}");
    drop(page);
    let empty = bench.stage.open_program(EMPTY, &[]).await?;
    empty.run(include_str!("probe.js")).await?;
    let mut still = all_millis(&empty.run_to_end(&format!("return bench.frames({}, () => true)", 2 * each)).await?)?;
    let frames = took.len();
    let slow = took.iter().filter(|took| took.as_secs_f64() * 1e3 > SLOW_MS).count();
    let part = slow as f64 / frames.max(1) as f64;
    let figure = format!("{slow} of {frames} ({:.2} %), p50 {:.0} ms", 100.0 * part, quantile(&mut took, 0.5));
    let mut met = line("scroll a long job: frames over 50 ms", &figure, "1 %", part <= SLOW_PART);
    let (worst, bar) = (quantile(&mut took, 1.0), OF_EMPTY * quantile(&mut still, 1.0));
    met &=
        line("  its worst frame", &format!("{worst:.0} ms"), &format!("{bar:.0} ms, 2 x empty's worst"), worst <= bar);
    Ok(met)
}

async fn scrolled(page: &Page, ms: u64, by: i64) -> anyhow::Result<Vec<Duration>> {
    all_millis(&page.run_to_end(&format!("return bench.scroll({ms}, {by})")).await?)
}
