//! Linux: `/proc`, pidfds, subreapers, control groups.

mod environ;
mod exit;
mod foreign;
mod group;
mod hierarchy;
mod proc;
mod reap;
mod scan;
mod start;
mod stop;
mod usage;

use std::io;

pub use exit::exited;
pub(crate) use proc::identity;
pub use reap::reap_strangers;
pub(crate) use scan::census;
pub use start::close_inherited;
pub(crate) use start::start;
pub(crate) use stop::stop_tree;
pub(crate) use usage::used_by;

/// Makes this process the new parent of every descendant that loses its own, so that none can leave our tree. What
/// comes to us this way must be reaped: see [`reap_strangers`].
pub fn become_subreaper() -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}
