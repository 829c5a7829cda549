//! Signals to, and the end of, a process that need not be our child, without ever meeting another one of its pid.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::Identity;

/// How often a process is looked at where the system has no pidfd for us.
const POLL: Duration = Duration::from_millis(20);

/// A hold on a running process, as good as the system gives it.
enum Hold {
    /// A descriptor of the process itself.
    Pidfd(OwnedFd),
    /// A kernel before 5.3, a sandbox that forbids it, or too many open files: only the pid.
    Pid(Pid),
}

/// None when the process is gone.
fn hold(identity: &Identity) -> Option<Hold> {
    let pid = Pid::from_raw(i32::try_from(identity.pid).ok()?)?;
    let hold = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Hold::Pidfd(pidfd),
        Err(Errno::SRCH) => return None,
        Err(_) => Hold::Pid(pid),
    };
    // Only after the pidfd is open: what the pid names now is what the pidfd holds.
    identity.is_alive().then_some(hold)
}

/// Sends a signal; to nobody if the process is gone.
pub(super) fn signal(identity: &Identity, signal: Signal) {
    let sent = match hold(identity) {
        Some(Hold::Pidfd(pidfd)) => pidfd_send_signal(pidfd, signal),
        Some(Hold::Pid(pid)) => rustix::process::kill_process(pid, signal),
        None => return,
    };
    match sent {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => tracing::warn!(pid = identity.pid, ?signal, %error, "a process could not be signalled"),
    }
}

/// Waits until the process has ended, reaped or not. At once if it is gone. Must run inside a tokio runtime with I/O
/// and time enabled.
pub async fn exited(identity: &Identity) {
    match hold(identity) {
        None => return,
        Some(Hold::Pidfd(pidfd)) => {
            // SAFETY: an `OwnedFd` is an open descriptor, always the same one, for as long as it lives, and the
            // `AsyncFd` owns it.
            #[allow(unsafe_code)]
            let pidfd = unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) };
            if let Ok(pidfd) = pidfd {
                // Where it fails, or wakes us for nothing, the loop below goes on.
                let _ = pidfd.readable().await;
            }
        }
        Some(Hold::Pid(_)) => {}
    }
    while identity.is_alive() {
        tokio::time::sleep(POLL).await;
    }
}
