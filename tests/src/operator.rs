//! What somebody sees who operates a daemon: its process, and its log.

use std::fs;
use std::path::Path;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{SOON, wait_for};

/// Sends a process a signal.
///
/// # Errors
/// It is gone.
pub fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("no pid")?;
    Ok(kill_process(pid, signal)?)
}

/// The process that an answer names.
///
/// # Errors
/// It names none.
pub fn pid_of(value: &Value) -> anyhow::Result<u32> {
    Ok(u32::try_from(value["pid"].as_u64().with_context(|| format!("no pid in {value}"))?)?)
}

/// The children of a process that have ended and that nobody has taken note of.
pub fn zombies_of(parent: u32) -> Vec<String> {
    let stats = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = stats.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let is_one = |stat: &String| {
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.next() == Some("Z") && fields.next() == Some(&parent.to_string())
    };
    stats.filter(is_one).collect()
}

/// Waits until the log of a home's daemon holds these words.
///
/// # Errors
/// It does not in time.
pub async fn log_says(home: &Path, words: &str) -> anyhow::Result<()> {
    wait_for(&format!("{words:?} in the log"), SOON, async || {
        Ok(fs::read_to_string(home.join("daemon.log"))?.contains(words).then_some(()))
    })
    .await
}
