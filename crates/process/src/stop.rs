//! All that descends from a process or carries a mark: counting it, and ending it.

use std::time::Duration;

use crate::{Identity, platform};

/// A variable in the environment of every process that belongs together: it is inherited by all that they start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The variable's name.
    pub name: String,
    /// Its value, which no other group of processes has.
    pub value: String,
}

impl Mark {
    /// A mark.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Mark {
        Mark { name: name.into(), value: value.into() }
    }
}

impl From<(String, String)> for Mark {
    fn from((name, value): (String, String)) -> Mark {
        Mark { name, value }
    }
}

/// What [`stop_tree`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Processes that ended when told to, within the grace.
    pub ended: i64,
    /// Processes that had to be killed.
    pub forced: i64,
    /// Processes that are still there: the system could not end them (it does not let go of one that waits for a
    /// broken disk, and we may not signal another user's).
    pub left: i64,
}

/// The processes that descend from `root`, those that carry the mark, what descends from these, what is in a session
/// that one of them leads, and what is in the mark's control group; as of one look at the system's list. Never
/// ourselves, never the root. One that has ended but is not reaped is not counted. Blocks while it reads the list.
pub fn census(root: Option<&Identity>, mark: &Mark) -> Vec<Identity> {
    platform::census(root, mark)
}

/// Ends all that [`census`] finds, and the root itself where `include_root` says so: tells every process to end
/// (SIGTERM), gives them `grace` for as long as one of them lives, then holds still and kills what is left, again and
/// again until two looks in a row find nothing; more looks where processes come and go so fast that one of the tree may
/// have been missed. Gives up on processes that cannot be killed after 5 s and counts them as `left`. Reaps those of
/// them that are ours to reap where [`crate::reap_strangers`] was called, and removes the control group.
///
/// Processes that take themselves out of the tree while this runs (a new session, a cleared environment, a parent
/// that ends) are still ended: each one seen is remembered. A control group keeps what does not move itself to another on
/// purpose, and a subreaper as the root keeps all. Without both, one escapes that cleared its environment, left its
/// session, *and* lost its parent before the first look.
pub async fn stop_tree(root: Option<&Identity>, include_root: bool, mark: &Mark, grace: Duration) -> Stopped {
    platform::stop_tree(root, include_root, mark, grace).await
}
