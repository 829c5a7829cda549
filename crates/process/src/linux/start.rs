//! Starting a child in a session of its own.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;

use tokio::process::{Child, Command};

use super::group::NewGroup;
use super::{proc, reap};
use crate::Identity;
use crate::stop::Mark;

/// Makes the child lead a session of its own, move into its group, and keep none of our open files but its three.
fn confine(command: &mut std::process::Command, group: Option<&NewGroup>) {
    let procs = group.map(|group| group.procs().as_raw_fd());
    let in_child = move || {
        if let Some(procs) = procs {
            // SAFETY: the file is open in the parent until the child has executed its program, and therefore in the
            // child as well.
            #[allow(unsafe_code)]
            let procs = unsafe { BorrowedFd::borrow_raw(procs) };
            // Without its group it is found by parentage and mark, as where there are no groups.
            let _ = rustix::io::write(procs, b"0");
        }
        rustix::process::setsid()?;
        close_on_exec_from(3);
        Ok(())
    };
    // SAFETY: what runs between fork and exec makes three system calls on numbers, and none allocates, locks, or
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

/// Starts the child, in a session and where possible in a group of its own, and says who it is; the child is known as
/// ours before the reaper can look at it.
pub(crate) fn start(mut command: std::process::Command, mark: Option<&Mark>) -> io::Result<(Child, Option<Identity>)> {
    let group = mark.and_then(NewGroup::make);
    confine(&mut command, group.as_ref());
    let mut ours = reap::ours();
    let child = match Command::from(command).spawn() {
        Ok(child) => child,
        Err(error) => {
            group.into_iter().for_each(NewGroup::abandon);
            return Err(error);
        }
    };
    // It is not reaped yet, so that it is found even if it has ended.
    let identity = child.id().and_then(proc::Stat::of).map(|stat| stat.identity());
    ours.extend(identity.clone());
    Ok((child, identity))
}
