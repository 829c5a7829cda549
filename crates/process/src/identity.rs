//! One process, told apart from any that has the same pid before or after it.

use std::io;

use serde::{Deserialize, Serialize};

use crate::platform;

/// A process: its pid, and what keeps it apart from another process with that pid.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it started: clock ticks since boot on Linux, seconds since 1970 elsewhere.
    pub start: u64,
    /// The boot it belongs to. Empty where the platform has no id for it.
    pub boot: String,
}

impl Identity {
    /// The process that has this pid now. None if there is none, or if it has ended and is only waiting to be reaped.
    pub fn of(pid: u32) -> Option<Identity> {
        platform::identity(pid)
    }

    /// This process. Fails where the platform does not say (no `/proc`).
    pub fn own() -> io::Result<Identity> {
        Identity::of(std::process::id())
            .ok_or_else(|| io::Error::other("this process cannot be found in the system's list of processes"))
    }

    /// Whether the process still runs. One that has ended but is not reaped counts as gone, and so does one of an
    /// earlier boot.
    pub fn is_alive(&self) -> bool {
        Identity::of(self.pid).as_ref() == Some(self)
    }
}
