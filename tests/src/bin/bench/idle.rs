//! What a daemon costs that has nothing to do.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use blackbox::{Daemon, WORK};
use serde_json::json;

use crate::{number, stage};
use blackbox::figures::{line, timed};

const SUBSCRIBERS: usize = 10;
const BAR: f64 = 1.0;

pub async fn measure() -> anyhow::Result<bool> {
    let seconds = number("IDLE_SECONDS", 60)?;
    let (place, mut daemon) = stage().await?;
    let pid = daemon.call("daemon.status", json!({})).await?["pid"].as_i64().unwrap_or_default();
    let mut subscribers = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let mut subscriber = Daemon::connect(&place.home(), WORK).await?;
        subscriber.call("desk.subscribe", json!({ "dir": place.path("company") })).await?;
        subscribers.push(subscriber);
    }
    // What the start itself still has to do is not idling.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut seen = switches(pid)?;
    let mut sum = 0;
    // Looked at every second: a thread that ends takes its count with it.
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = switches(pid)?;
        sum +=
            now.iter().map(|(thread, count)| count - seen.get(thread).copied().unwrap_or(0).min(*count)).sum::<u64>();
        seen = now;
    }
    let a_second = sum as f64 / seconds as f64;
    let what = format!("idle daemon, {SUBSCRIBERS} subscribers, {seconds} s");
    let met = line(&what, &format!("{a_second:.2} switches a second"), &format!("{BAR}"), a_second <= BAR);
    timed(&mut place.aicib(&["daemon", "stop"])?)?;
    Ok(met)
}

/// Voluntary context switches of each thread.
fn switches(pid: i64) -> anyhow::Result<BTreeMap<OsString, u64>> {
    let mut all = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?;
        // A thread may end meanwhile.
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        if let Some(count) = count.and_then(|count| count.trim().parse().ok()) {
            all.insert(thread.file_name(), count);
        }
    }
    Ok(all)
}
