//! Which processes a look need not read again: those that an earlier look for the same tree has found not to belong to
//! it. Reading the line of a process is what a look takes its time for.
//!
//! A process does not come to belong to a tree: its parent changes only to one that it descends from already, it cannot
//! enter another session, and what is in a control group is read in any case. It can execute a program with the mark in
//! its environment, though, as a child of whoever starts a tree does in its first moments: what is young is read again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::proc::{Stat, system_number};
use crate::Identity;
use crate::stop::Mark;

/// How old a process must be, in seconds.
const AGE: u64 = 2;
/// For how many trees it is remembered: a worker counts one, and ends that of a command now and then.
const TREES: usize = 4;

/// A tree, and the inodes of the processes beside it, by pid. The system gives a process another inode than the one that
/// had its pid before.
struct Beside {
    mark: Mark,
    root: Option<Identity>,
    inodes: HashMap<u32, u64>,
}

static KNOWN: Mutex<VecDeque<Beside>> = Mutex::new(VecDeque::new());

fn known() -> MutexGuard<'static, VecDeque<Beside>> {
    // Each change leaves whole entries.
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is known of the processes beside a tree. Nobody else has it until it is given back.
pub(super) fn take(mark: &Mark, root: Option<&Identity>) -> HashMap<u32, u64> {
    let mut known = known();
    let at = known.iter().position(|beside| beside.mark == *mark && beside.root.as_ref() == root);
    at.and_then(|at| known.remove(at)).map(|beside| beside.inodes).unwrap_or_default()
}

pub(super) fn give_back(mark: &Mark, root: Option<&Identity>, inodes: HashMap<u32, u64>) {
    let mut known = known();
    known.truncate(TREES - 1);
    known.push_front(Beside { mark: mark.clone(), root: root.cloned(), inodes });
}

/// Those of the processes that need not be read again: not found, old enough, and with all that they descend from seen
/// in the same look. A parent that ended during the look may have been what leads to the tree. `foreign` are those that
/// were known before.
pub(super) fn among(all: &[(Stat, u64)], found: &HashSet<u32>, foreign: &HashMap<u32, u64>) -> HashMap<u32, u64> {
    let latest = now().unwrap_or_default().saturating_sub(AGE * system_number(libc::_SC_CLK_TCK, 100));
    let parents: HashMap<u32, u32> = all.iter().map(|(stat, _)| (stat.pid, stat.parent)).collect();
    let is_settled = |stat: &Stat| {
        let mut above = Some(stat.parent);
        // A parent is never its own descendant, but it was not seen in the same moment.
        for _ in 0..parents.len() {
            match above {
                // What has no parent in our sight has 0.
                Some(0) => return true,
                Some(pid) if foreign.contains_key(&pid) => return true,
                Some(pid) => above = parents.get(&pid).copied(),
                None => return false,
            }
        }
        false
    };
    let others = all.iter().filter(|(stat, _)| stat.start < latest && !found.contains(&stat.pid) && is_settled(stat));
    others.map(|(stat, inode)| (stat.pid, *inode)).collect()
}

/// Clock ticks since boot.
fn now() -> Option<u64> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, _) = uptime.split_once('.')?;
    Some(seconds.parse::<u64>().ok()? * system_number(libc::_SC_CLK_TCK, 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_young_or_of_an_unseen_parent_is_read_again() {
        let old = |pid, parent| {
            let stat = Stat { pid, parent, start: 1, ..Stat::of(std::process::id()).unwrap() };
            (stat, u64::from(pid) * 10)
        };
        let (mut young, inode) = old(5, 1);
        young.start = u64::MAX;
        let all = [old(1, 0), old(2, 1), old(3, 2), old(4, 1), (young, inode), old(6, 99), old(7, 6), old(8, 77)];
        let known = among(&all, &HashSet::from([4]), &HashMap::from([(77, 770)]));
        assert_eq!(known, HashMap::from([(1, 10), (2, 20), (3, 30), (8, 80)]));
    }

    #[test]
    fn each_tree_has_its_own() {
        let (one, other) = (Mark::new("AICIB_FOREIGN", "1"), Mark::new("AICIB_FOREIGN", "2"));
        let own = Identity::own().unwrap();
        give_back(&one, Some(&own), HashMap::from([(7, 8)]));
        assert!(take(&other, Some(&own)).is_empty());
        assert!(take(&one, None).is_empty());
        assert_eq!(take(&one, Some(&own)), HashMap::from([(7, 8)]));
        assert!(take(&one, Some(&own)).is_empty(), "it was taken");
    }
}
