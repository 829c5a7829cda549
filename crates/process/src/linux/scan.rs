//! One look at the system's list for all that belongs together.

use std::collections::{HashMap, HashSet};

use super::proc::{self, Stat};
use crate::Identity;
use crate::stop::Mark;

/// The processes that descend from a seed or from one that carries the mark, those that carry the mark, those in a
/// session that one of these leads, and the seeds themselves, as far as they run. Never ourselves, never the root.
pub(crate) fn scan(seeds: &[Identity], mark: &Mark, root: Option<&Identity>) -> Vec<Identity> {
    pick(&proc::all(), seeds, root, std::process::id(), |pid| proc::carries(pid, mark))
}

fn pick(
    all: &[Stat],
    seeds: &[Identity],
    root: Option<&Identity>,
    ourselves: u32,
    carries: impl Fn(u32) -> bool,
) -> Vec<Identity> {
    let mut links: HashMap<u32, Vec<u32>> = HashMap::new();
    for stat in all.iter().filter(|stat| stat.pid != ourselves) {
        links.entry(stat.parent).or_default().push(stat.pid);
        // While a session's leader is there, be it as a zombie, its pid names no other session.
        if stat.session != stat.pid && stat.session != stat.parent {
            links.entry(stat.session).or_default().push(stat.pid);
        }
    }
    let is_there = |identity: &&Identity| all.iter().any(|stat| stat.is(identity));
    let mut found = HashSet::new();
    follow(&links, seeds.iter().filter(is_there).map(|seed| seed.pid), &mut found);
    // We may be inside the tree that we look for (a command that uses AICIB): what we started is then found by its
    // mark, not by being ours.
    let others = all.iter().filter(|stat| !stat.ended && stat.pid != ourselves && !found.contains(&stat.pid));
    let marked: Vec<u32> = others.map(|stat| stat.pid).filter(|pid| carries(*pid)).collect();
    follow(&links, marked.into_iter(), &mut found);

    let is_root = |stat: &&Stat| root.is_some_and(|root| stat.is(root));
    let picked = all.iter().filter(|stat| found.contains(&stat.pid) && !stat.ended && stat.pid != ourselves);
    picked.filter(|stat| !is_root(stat)).map(Stat::identity).collect()
}

fn follow(links: &HashMap<u32, Vec<u32>>, from: impl Iterator<Item = u32>, found: &mut HashSet<u32>) {
    let mut to_visit: Vec<u32> = from.filter(|pid| found.insert(*pid)).collect();
    while let Some(pid) = to_visit.pop() {
        let next = links.get(&pid).into_iter().flatten().copied();
        to_visit.extend(next.filter(|pid| found.insert(*pid)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: u32, parent: u32, session: u32) -> Stat {
        Stat { pid, parent, session, start: u64::from(pid) * 10, ended: false }
    }

    fn picked(all: &[Stat], root: Option<&Identity>, marked: &[u32]) -> Vec<u32> {
        let seeds = root.map(std::slice::from_ref).unwrap_or_default();
        pick(all, seeds, root, 900, |pid| marked.contains(&pid)).iter().map(|identity| identity.pid).collect()
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
