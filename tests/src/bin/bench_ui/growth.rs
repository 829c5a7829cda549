//! What the page's heap comes to while very many events pour through an open window.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use blackbox::figures::line;
use blackbox::{Daemon, Tree, WORK, wait_for};
use serde_json::json;

use crate::start::ours_opens;
use crate::{Bench, number, talker};

const OF_FIRST: f64 = 1.2;
const FIRST: u64 = 10_000;
/// Collections whose middle one counts.
const COLLECTIONS: usize = 9;
/// Events that are slower than this are not waited for.
const SLOWEST: u64 = 200;

pub async fn measure(bench: &mut Bench) -> anyhow::Result<bool> {
    let (events, rate) = (number("GROWTH", 40_000)?.max(2 * FIRST), number("GROWTH_RATE", 1_500)?);
    // The page's engine tells of each collection, and of what is left after it; and each looks at everything.
    bench.stage.place.set("JSC_logGC", "1");
    bench.stage.place.set("JSC_useGenerationalGC", "0");
    bench.stage.end_apps().await?;
    std::fs::write(bench.log(), "")?;
    let (app, _) = ours_opens(&bench.stage).await?;
    let mut daemon = bench.stage.daemon().await?;
    let dir = talker::hire(&bench.stage, &mut daemon, "Growth").await?;
    let job = daemon.brief(&dir, &talker::brief(rate, events + rate * 60)).await?;
    daemon.call("desktop.show", json!({ "view": "job", "job_id": job })).await?;
    through(&mut daemon, job, FIRST).await?;
    let before = heap(bench).await?;
    let weight = Tree::of(app.pid()).weight()?.0;
    through(&mut daemon, job, events).await?;
    let after = heap(bench).await?;
    let (later, parts) = Tree::of(app.pid()).weight()?;
    daemon.call("job.cancel", json!({ "job_id": job })).await?;
    let log = std::fs::read_to_string(bench.stage.place.home().join("desktop.log"))?;
    let behind = log.matches("the page fell behind").count();
    println!("PSS of the tree meanwhile: {weight:.0} -> {later:.0} MB ({parts}); the page fell behind {behind} times");
    let ratio = after / before;
    let what = format!("page heap after {events} events by after {FIRST}");
    let figure = format!("{ratio:.2} ({before:.1} -> {after:.1} MB)");
    Ok(line(&what, &figure, &format!("{OF_FIRST}"), ratio <= OF_FIRST))
}

async fn through(daemon: &mut Daemon, job: i64, wanted: u64) -> anyhow::Result<()> {
    wait_for(&format!("{wanted} events"), Duration::from_secs(wanted / SLOWEST) + WORK, async || {
        let latest = daemon.call("event.list", json!({ "job_id": job, "limit": 1 })).await?;
        let said = latest["events"][0]["text"].as_str().unwrap_or_default();
        let number = said.split([' ', ':']).nth(1).and_then(|number| number.parse::<u64>().ok());
        Ok((number.unwrap_or_default() >= wanted).then_some(()))
    })
    .await
}

/// What is left after a collection, in megabytes: the middle one of the next few.
async fn heap(bench: &Bench) -> anyhow::Result<f64> {
    let before = collections(bench).len();
    wait_for("collections of the page's heap", 2 * WORK, async || {
        let mut left = collections(bench).split_off(before.min(collections(bench).len()));
        if left.len() < COLLECTIONS {
            return Ok(None);
        }
        left.sort_unstable();
        Ok(left.get(left.len() / 2).map(|kilobytes| *kilobytes as f64 / 1024.0))
    })
    .await
    .context("is JSC_logGC known to this WebKit?")
}

/// What was left after each collection so far, in kilobytes, in the process that has had most of them: the page's.
fn collections(bench: &Bench) -> Vec<u64> {
    let log = std::fs::read(bench.log()).unwrap_or_default();
    let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&log).lines().filter(|line| line.ends_with("END]")) {
        let heap = line.split_once("[GC<").and_then(|(_, rest)| rest.split_once('>'));
        let left = line.rsplit_once("=> ").and_then(|(_, rest)| rest.split_once("kb")?.0.parse().ok());
        if let (Some((heap, _)), Some(left)) = (heap, left) {
            all.entry(heap.to_owned()).or_default().push(left);
        }
    }
    all.into_values().max_by_key(Vec::len).unwrap_or_default()
}
