//! The duty of a subreaper and of a container's first process: reaping those that came to it without being its own.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use super::proc::{self, Stat};
use crate::Identity;

/// How many are reaped before other tasks have their turn.
const AT_ONCE: usize = 256;
/// How many times longer than it took to go through all children is waited before that is done again.
const REST: u32 = 4;

static OURS: LazyLock<Mutex<HashSet<Identity>>> = LazyLock::new(Mutex::default);
static REAPING: AtomicBool = AtomicBool::new(false);

/// The children that we started and that tokio will reap. Held while one is started, so that it is in here before
/// anybody can take it for a stranger.
pub(super) fn ours() -> MutexGuard<'static, HashSet<Identity>> {
    // A set of values cannot be left half changed.
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on reaps every child that [`crate::spawn`] did not start: those that were orphaned and came to us. A child
/// that this process starts in any other way loses its exit status to it, so start none.
///
/// Starts a task in the current tokio runtime, which must have I/O and time enabled. Fails when SIGCHLD cannot be
/// listened to.
pub fn reap_strangers() -> io::Result<()> {
    let mut child_ended = signal(SignalKind::child())?;
    REAPING.store(true, Ordering::Relaxed);
    tokio::spawn(async move {
        loop {
            while reap_first(AT_ONCE) == AT_ONCE {
                tokio::task::yield_now().await;
            }
            let began = Instant::now();
            if is_hidden_by_ours() {
                reap_hidden();
                // Signals that come meanwhile count as one.
                tokio::time::sleep(began.elapsed() * REST).await;
            }
            ours().retain(|child| Stat::of(child.pid).is_some_and(|stat| stat.is(child)));
            if child_ended.recv().await.is_none() {
                return;
            }
        }
    });
    Ok(())
}

/// Reaps the strangers that have ended by now, where [`reap_strangers`] was called.
pub(super) fn reap_now() {
    if REAPING.load(Ordering::Relaxed) {
        while reap_first(AT_ONCE) == AT_ONCE {}
        if is_hidden_by_ours() {
            reap_hidden();
        }
    }
}

/// Reaps strangers for as long as the system names one when asked for any child that has ended, at most `limit`. How
/// many it were.
fn reap_first(limit: usize) -> usize {
    let named = std::iter::from_fn(|| Stat::of(any_ended()?));
    named.take(limit).take_while(reap).count()
}

/// Whether a child that tokio has not reaped yet is the one that the system names: it does so again and again, and
/// hides the others.
fn is_hidden_by_ours() -> bool {
    any_ended().and_then(Stat::of).is_some_and(|stat| ours().contains(&stat.identity()))
}

/// Goes through all children.
fn reap_hidden() {
    for child in children().iter().filter(|child| child.ended) {
        reap(child);
    }
}

/// Whether it was a stranger, and is reaped.
fn reap(child: &Stat) -> bool {
    let ours = ours();
    let Some(pid) = i32::try_from(child.pid).ok().and_then(Pid::from_raw) else { return false };
    // It may fail only if it is no child of ours any more, which is what is wanted.
    !ours.contains(&child.identity()) && matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(Some(_)))
}

/// Some child of ours that has ended, left as it is.
fn any_ended() -> Option<u32> {
    // SAFETY: all zeros are a value of this structure of numbers, the call writes into nothing else, and it fills in the
    // pid or leaves it 0 where no child has ended.
    #[allow(unsafe_code)]
    let pid = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        (libc::waitid(libc::P_ALL, 0, &mut info, how) == 0).then(|| info.si_pid())?
    };
    u32::try_from(pid).ok().filter(|pid| *pid != 0)
}

fn children() -> Vec<Stat> {
    let own = std::process::id();
    let all = || {
        let mut all = Vec::new();
        proc::each(|_, _| false, |stat, _| all.push(stat));
        all
    };
    listed_children().unwrap_or_else(all).into_iter().filter(|stat| stat.parent == own).collect()
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
