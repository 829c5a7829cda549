//! What processes use of memory and processor.

use serde::{Deserialize, Serialize};

use crate::stop::{Mark, census};
use crate::{Identity, platform};

/// What processes use, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// How many there are.
    pub processes: i64,
    /// Bytes of memory. What several share is divided among them where that is cheap to find out (Linux, up to 64
    /// processes of at most 256 MB each); else it is counted for each.
    pub memory_bytes: i64,
    /// Milliseconds of processor time since they started, with that of the children which they have waited for. What
    /// ended without being waited for is missing, so that it may go down.
    pub cpu_ms: i64,
}

/// What `root` and all that [`census`] finds for it use together. Blocks while it reads the system's list: not for an
/// async task.
pub fn usage(root: &Identity, mark: &Mark) -> Usage {
    let mut processes = vec![root.clone()];
    processes.extend(census(Some(root), mark));
    platform::used_by(&processes)
}

/// What this process alone uses. Nothing where the system does not say.
pub fn own_usage() -> Usage {
    Identity::own().map(|own| platform::used_by(&[own])).unwrap_or_default()
}
