//! The duty of a subreaper and of a container's first process: reaping those that came to it without being its own.

use std::collections::HashSet;
use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use super::proc::{self, Stat};
use crate::Identity;

static OURS: LazyLock<Mutex<HashSet<Identity>>> = LazyLock::new(Mutex::default);

/// The children that we started and that tokio will reap.
pub(super) fn ours() -> MutexGuard<'static, HashSet<Identity>> {
    // A set of values cannot be left half changed.
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on reaps every child that [`crate::spawn`] did not start: those that were orphaned and came to us. A child
/// that this process starts in any other way loses its exit status to it, so start none.
///
/// Starts a task in the current tokio runtime, which must have I/O enabled. Fails when SIGCHLD cannot be listened to.
pub fn reap_strangers() -> io::Result<()> {
    let mut child_ended = signal(SignalKind::child())?;
    tokio::spawn(async move {
        loop {
            reap_once();
            if child_ended.recv().await.is_none() {
                return;
            }
        }
    });
    Ok(())
}

/// Looks at each child that has ended, rather than asking for any: tokio's own, which it has not reaped yet, would be
/// named again and again and hide the others.
fn reap_once() {
    let mut ours = ours();
    let ended: Vec<Stat> = children().into_iter().filter(|child| child.ended).collect();
    for child in ended.iter().filter(|child| !ours.contains(&child.identity())) {
        let Some(pid) = i32::try_from(child.pid).ok().and_then(Pid::from_raw) else { continue };
        // It may fail only if it is no child of ours any more, which is what is wanted.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
    ours.retain(|child| Stat::of(child.pid).is_some_and(|stat| stat.is(child)));
}

fn children() -> Vec<Stat> {
    let own = std::process::id();
    let listed = listed_children().unwrap_or_else(proc::all);
    listed.into_iter().filter(|stat| stat.parent == own).collect()
}

/// The children of each of our threads, where the kernel lists them: much less to read than all processes.
fn listed_children() -> Option<Vec<Stat>> {
    let mut found = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task").ok()? {
        // A thread that ends meanwhile hands its children to another: they come with the next look.
        let Ok(thread) = thread else { continue };
        match std::fs::read_to_string(thread.path().join("children")) {
            Ok(pids) => found.extend(pids.split_ascii_whitespace().filter_map(|pid| Stat::of(pid.parse().ok()?))),
            Err(error) if error.kind() == io::ErrorKind::NotFound && thread.path().exists() => return None,
            Err(_) => {}
        }
    }
    Some(found)
}
