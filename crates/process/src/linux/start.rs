//! Starting a child in a session of its own.

use std::io;
use std::os::unix::process::CommandExt;

use tokio::process::{Child, Command};

use super::{proc, reap};
use crate::Identity;

/// Makes the child lead a session of its own and keep none of our open files but its three.
pub(crate) fn confine(command: &mut std::process::Command) {
    let in_child = || {
        rustix::process::setsid()?;
        close_on_exec_from(3);
        Ok(())
    };
    // SAFETY: what runs between fork and exec makes two system calls on numbers, and neither allocates, locks, nor
    // touches memory that another thread of ours might have held.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(in_child);
    }
}

/// Marks every file descriptor from `first` on as close-on-exec. Rust opens files that way, but what we inherited
/// from whoever started us, and what C libraries open, need not be.
fn close_on_exec_from(first: libc::c_uint) {
    // SAFETY: takes three numbers, changes only flags of descriptors of this process, which is about to be replaced.
    // It fails on kernels before 5.11, where Rust's own flags must do.
    #[allow(unsafe_code)]
    unsafe {
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

/// Closes every open file but the first three: for a program that outlives whoever started it, and must not hold their
/// locks and pipes. To be called before anything else in `main`.
pub fn close_inherited() {
    // SAFETY: takes three numbers. What it closes nobody in this process knows of: the caller calls it first.
    // It fails on kernels before 5.9, where those files stay open.
    #[allow(unsafe_code)]
    unsafe {
        libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, 0 as libc::c_uint);
    }
}

/// Starts the child and says who it is; the child is known as ours before the reaper can look at it.
pub(crate) fn start(mut command: Command) -> io::Result<(Child, Option<Identity>)> {
    let mut ours = reap::ours();
    let child = command.spawn()?;
    // It is not reaped yet, so that it is found even if it has ended.
    let identity = child.id().and_then(proc::Stat::of).map(|stat| stat.identity());
    ours.extend(identity.clone());
    Ok((child, identity))
}
