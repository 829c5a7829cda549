//! What the tests of real processes share.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
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

/// The control group of a process, as a folder. None without cgroup v2.
pub fn group_of(process: &Identity) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" cgroup2 "))?.split(' ').nth(1)?;
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(mount).join(group))
}

/// Whether the process is in a control group that was made for it, or for what started it.
pub fn has_group(process: &Identity) -> bool {
    group_of(process).is_some_and(|group| group.to_str().is_some_and(|group| group.contains("/aicib-")))
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

/// Runs all tests of this binary once more where no control groups are made: there, parentage and marks must do.
pub fn again_without_groups(this_test: &str) {
    const SWITCH: &str = "AICIB_CGROUPS";
    if std::env::var_os(SWITCH).is_some() {
        return;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let again = again.args(["--skip", this_test]).env(SWITCH, "off").output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
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
