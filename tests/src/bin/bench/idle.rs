//! What a daemon costs that has nothing to do.

use std::fs;
use std::time::Duration;

use blackbox::{Daemon, WORK};
use serde_json::json;

use crate::figures::{line, timed};
use crate::{number, stage};

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
    let before = switches(pid)?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let a_second = (switches(pid)? - before) as f64 / seconds as f64;
    let what = format!("idle daemon, {SUBSCRIBERS} subscribers, {seconds} s");
    let met = line(&what, &format!("{a_second:.2} switches a second"), &format!("{BAR}"), a_second <= BAR);
    timed(&mut place.aicib(&["daemon", "stop"])?)?;
    Ok(met)
}

/// Voluntary context switches of all threads.
fn switches(pid: i64) -> anyhow::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let status = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += count.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(sum)
}
