//! From a cancel to the proof that nothing is left.

use std::time::Instant;

use blackbox::{WORK, wait_for};
use serde_json::json;
use testkit::{On, Provider, Script, Turn};

use crate::{number, on_provider, stage};
use blackbox::figures::{line, quantile, timed};

const GRACE_MS: u64 = 500;
const OVER_MS: f64 = 200.0;
const TREE: usize = 50;
/// Fifty processes: ten in sessions of their own, ten that do not heed SIGTERM.
const COMMAND: &str = "for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep 1000 & done; \
    for i in 1 2 3 4 5; do (trap '' TERM; sleep 1000; true) & done; \
    for i in $(seq 1 29); do sleep 1000 & done; wait";

pub async fn measure() -> anyhow::Result<bool> {
    let rounds = number("STOPS", 100)?;
    let (place, mut daemon) = stage().await?;
    let dir = place.path("company");
    let command = Turn::tool("Bash", json!({ "command": COMMAND }));
    let provider = Provider::start(Script::default().when(On::Any, [command])).await;
    on_provider(&mut daemon, &dir, &provider.url()).await?;
    daemon.set(json!({ "stop_grace_ms": GRACE_MS })).await?;
    let pid = daemon.call("daemon.status", json!({})).await?["pid"].as_i64().unwrap_or_default();
    let under = || place.processes().into_iter().filter(|found| i64::from(*found) != pid).count();
    let mut took = Vec::new();
    let (mut left, mut fewest) = (0, usize::MAX);
    for _ in 0..rounds {
        let job = daemon.brief(&dir, "Run it").await?;
        // The worker, its shell, and what the shell began.
        wait_for("the tree", WORK, async || Ok((under() >= TREE).then_some(()))).await?;
        fewest = fewest.min(under());
        let began = Instant::now();
        let answer = daemon.call("job.cancel", json!({ "job_id": job })).await?;
        took.push(began.elapsed());
        let still = under();
        left += usize::from(still > 0 || answer["stopped"]["left"] != 0 || answer["job"]["state"] != "cancelled");
    }
    let bar = GRACE_MS as f64 + OVER_MS;
    let over = took.iter().filter(|took| took.as_secs_f64() * 1e3 > bar).count();
    let (median, worst) = (quantile(&mut took, 0.5), quantile(&mut took, 1.0));
    let what = format!("cancel -> 0 left, tree of {fewest}, grace {GRACE_MS} ms, {rounds} times");
    let figure = format!("p50 {median:.0} ms, worst {worst:.0} ms");
    let mut met = line(&what, &figure, &format!("{bar:.0} ms each"), over == 0);
    met &=
        line("  cancels that left something, or were too slow", &format!("{left}, {over}"), "0, 0", left + over == 0);
    timed(&mut place.aicib(&["daemon", "stop"])?)?;
    Ok(met)
}
