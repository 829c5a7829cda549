//! Standard error, as long as somebody reads it: a reader that is stuck must not stop the daemon. What it misses stands
//! in the log.

use std::io::{self, Write};

/// What a pipe takes at once, or says that it does not.
const PIECE: usize = 4096;

/// Shows a line there, as far as there is room.
pub fn show(line: &[u8]) {
    let mut stderr = io::stderr().lock();
    for piece in line.chunks(PIECE) {
        // Nobody may read it any more.
        if !has_room(&stderr) || stderr.write_all(piece).is_err() {
            return;
        }
    }
}

#[cfg(unix)]
fn has_room(stderr: &impl std::os::fd::AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(stderr, PollFlags::OUT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    // What cannot be asked is tried.
    poll(&mut fds, Some(&now)).map_or(true, |_| fds[0].revents().contains(PollFlags::OUT))
}

#[cfg(not(unix))]
fn has_room<T>(_stderr: &T) -> bool {
    true
}
