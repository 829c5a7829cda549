//! One look at the system's list for all that belongs together.

use std::collections::{HashMap, HashSet};

use super::environ;
use super::foreign;
use super::group::Group;
use super::proc::{self, Stat, Trust};
use crate::Identity;
use crate::stop::Mark;

/// See [`crate::census`].
pub(crate) fn census(root: Option<&Identity>, mark: &Mark) -> Vec<Identity> {
    let seeds = root.cloned().into_iter().collect();
    look(&seeds, root, mark, &Group::of(mark, root, false), &mut |_| {}).running
}

/// What one look found.
pub(super) struct Look {
    pub(super) running: Vec<Identity>,
    pub(super) trust: Trust,
}

/// The processes that descend from a seed or from one that carries the mark, those that carry the mark, those in a
/// session that one of these leads, those in the groups, and the seeds themselves, as far as they run. Never ourselves,
/// never the root. Each is told to `on_found` as soon as it is found: one that starts others and ends may not be there
/// any more when the look is over.
pub(super) fn look(
    seeds: &HashSet<Identity>,
    root: Option<&Identity>,
    mark: &Mark,
    groups: &[Group],
    on_found: &mut dyn FnMut(&Identity),
) -> Look {
    // Thousands of processes are looked up in it.
    let seeds: HashMap<u32, &Identity> = seeds.iter().map(|seed| (seed.pid, seed)).collect();
    let members: Vec<(&Group, HashSet<u32>)> = groups.iter().map(|group| (group, group.pids())).collect();
    let known = foreign::take(mark, root);
    let mut foreign = HashMap::new();
    let mut all = Vec::new();
    let mut trust = Trust::Sure;
    let mut picking = Picking::new(root, std::process::id(), on_found);
    let is_foreign = |pid, inode| {
        let is_foreign = known.get(&pid) == Some(&inode) && !members.iter().any(|(_, pids)| pids.contains(&pid));
        if is_foreign {
            foreign.insert(pid, inode);
        }
        is_foreign
    };
    let of_list = proc::each(is_foreign, |stat, inode| {
        all.push((stat, inode));
        let mut belongs = || {
            // A pid that was in the group may be another process by now.
            let is_member = members.iter().any(|(group, pids)| pids.contains(&stat.pid) && group.has(stat.pid));
            is_member
                || environ::carries(&stat, mark).unwrap_or_else(|| {
                    trust = Trust::Unsure;
                    false
                })
        };
        picking.see(stat, seeds.get(&stat.pid).is_some_and(|seed| stat.is(seed)), &mut belongs);
    });
    let (running, found) = picking.finish();
    if known.is_empty() {
        environ::forget_others(all.iter().map(|(stat, _)| stat));
    }
    let settled = foreign::among(&all, &found, &foreign);
    foreign.extend(settled);
    foreign::give_back(mark, root, foreign);
    Look { running, trust: trust.min(of_list) }
}

/// What belongs together among processes that are seen one after the other.
struct Picking<'a> {
    root: Option<&'a Identity>,
    ourselves: u32,
    on_found: &'a mut dyn FnMut(&Identity),
    picked: Vec<Identity>,
    found: HashSet<u32>,
    /// Those not found so far that run, and all of those by whom they belong to.
    others: HashMap<u32, Stat>,
    links: HashMap<u32, Vec<u32>>,
}

impl<'a> Picking<'a> {
    fn new(root: Option<&'a Identity>, ourselves: u32, on_found: &'a mut dyn FnMut(&Identity)) -> Picking<'a> {
        let (found, others, links) = Default::default();
        Picking { root, ourselves, on_found, picked: Vec::new(), found, others, links }
    }

    fn see(&mut self, stat: Stat, is_seed: bool, belongs: &mut dyn FnMut() -> bool) {
        let mut is_found = is_seed;
        // We may be inside the tree that we look for (a command that uses AICIB): what we started is then found by its
        // mark, not by being ours.
        if stat.pid != self.ourselves && !is_found {
            // Parents mostly stand before their children in the list.
            let leads = leaders(&stat);
            is_found = leads.clone().any(|leader| self.found.contains(&leader)) || (!stat.ended && belongs());
            if !is_found {
                leads.for_each(|leader| self.links.entry(leader).or_default().push(stat.pid));
            }
        }
        let is_wanted = !stat.ended && stat.pid != self.ourselves && self.root.is_none_or(|root| !stat.is(root));
        if is_found {
            self.found.insert(stat.pid);
            if is_wanted {
                self.take(&stat);
            }
        } else if is_wanted {
            self.others.insert(stat.pid, stat);
        }
    }

    fn take(&mut self, stat: &Stat) {
        let identity = stat.identity();
        (self.on_found)(&identity);
        self.picked.push(identity);
    }

    /// Those that run and are to be ended, and the pids of all that belong together.
    fn finish(mut self) -> (Vec<Identity>, HashSet<u32>) {
        let mut to_visit: Vec<u32> = self.found.iter().copied().collect();
        while let Some(leader) = to_visit.pop() {
            for pid in self.links.remove(&leader).into_iter().flatten() {
                if self.found.insert(pid) {
                    to_visit.push(pid);
                    if let Some(stat) = self.others.remove(&pid) {
                        self.take(&stat);
                    }
                }
            }
        }
        (self.picked, self.found)
    }
}

/// Who it belongs to: its parent, and the leader of its session. While that one is there, be it as a zombie, its pid
/// names no other session.
fn leaders(stat: &Stat) -> impl Iterator<Item = u32> + Clone + use<> {
    let session = Some(stat.session).filter(|session| *session != stat.pid && *session != stat.parent);
    std::iter::once(stat.parent).chain(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: u32, parent: u32, session: u32) -> Stat {
        Stat { pid, parent, session, start: u64::from(pid) * 10, ended: false, env_start: 0 }
    }

    fn picked(all: &[Stat], root: Option<&Identity>, marked: &[u32]) -> Vec<u32> {
        let mut told = Vec::new();
        let on_found = &mut |found: &Identity| told.push(found.pid);
        let mut picking = Picking::new(root, 900, on_found);
        for stat in all {
            let is_seed = root.is_some_and(|root| stat.is(root));
            picking.see(*stat, is_seed, &mut || marked.contains(&stat.pid));
        }
        let mut picked: Vec<u32> = picking.finish().0.iter().map(|identity| identity.pid).collect();
        assert_eq!(picked, told);
        picked.sort_unstable();
        picked
    }

    #[test]
    fn descendants_session_mates_and_the_marked_are_found() {
        let root = stat(10, 1, 10);
        let all = [
            root,
            stat(11, 10, 10),
            stat(12, 11, 12),
            stat(13, 1, 10),
            stat(14, 1, 14),
            stat(15, 14, 15),
            stat(16, 1, 16),
        ];
        assert_eq!(picked(&all, Some(&root.identity()), &[14]), [11, 12, 13, 14, 15]);
    }

    #[test]
    fn a_root_whose_pid_is_another_process_now_leads_nowhere() {
        let all = [stat(10, 1, 10), stat(11, 10, 10)];
        let earlier = Identity { start: 7, ..all[0].identity() };
        assert_eq!(picked(&all, Some(&earlier), &[]), Vec::<u32>::new());
        let earlier = Identity { boot: "another".into(), ..all[0].identity() };
        assert_eq!(picked(&all, Some(&earlier), &[]), Vec::<u32>::new());
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let root = stat(40, 1, 40);
        let mut all = [root, stat(41, 40, 40), stat(12, 41, 12), stat(3, 12, 3), stat(4, 1, 12), stat(5, 1, 5)];
        for _ in 0..all.len() {
            all.rotate_left(1);
            assert_eq!(picked(&all, Some(&root.identity()), &[]), [3, 4, 12, 41]);
        }
    }

    #[test]
    fn we_are_never_found_nor_what_is_only_ours() {
        let all = [stat(10, 1, 10), stat(900, 10, 10), stat(901, 900, 901), stat(902, 900, 902)];
        assert_eq!(picked(&all, Some(&all[0].identity()), &[900, 902]), [902]);
    }

    #[test]
    fn we_as_the_root_lead_to_our_descendants() {
        let us = stat(900, 1, 900);
        let all = [us, stat(901, 900, 901), Stat { ended: true, ..stat(902, 900, 900) }];
        assert_eq!(picked(&all, Some(&us.identity()), &[]), [901]);
    }
}
