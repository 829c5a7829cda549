//! What the tests of real processes share.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use process::{Identity, Mark};

/// How long anything in a test may take, on a machine that is busy with other things.
pub const BOUND: Duration = Duration::from_secs(20);

/// Waits until `look` finds something.
pub async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + BOUND;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A mark that no other test and no other run has.
pub fn fresh_mark() -> Mark {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let own = Identity::own().unwrap();
    Mark::new("AICIB_TEST_MARK", format!("{}:{}:{number}", own.pid, own.start))
}

/// Whether the process is in a control group that was made for it, or for what started it.
pub fn has_group(process: &Identity) -> bool {
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).unwrap_or_default();
    groups.lines().any(|line| line.starts_with("0::") && line.contains("/aicib-"))
}

/// The processes that wrote their pid into the folder, one file each, once there are `count`.
pub async fn registered(folder: &Path, count: usize) -> Vec<Identity> {
    wait_for(&format!("{count} processes in {}", folder.display()), || {
        let files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        let pids: Vec<u32> =
            files.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok()).collect();
        if pids.len() < count {
            return None;
        }
        Some(pids.into_iter().map(|pid| Identity::of(pid).expect("it runs once it is registered")).collect())
    })
    .await
}

/// Ends what a failed test would leave behind.
pub struct Sweep(pub Mark);

impl Drop for Sweep {
    fn drop(&mut self) {
        for process in process::census(None, &self.0) {
            let pid = rustix::process::Pid::from_raw(process.pid as i32).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}
