//! Ending all that belongs together, however it tries to leave.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use super::exit::{exited, signal};
use super::group::{self, Group};
use super::proc::Trust;
use super::{reap, scan};
use crate::Identity;
use crate::stop::{Mark, Stopped};

/// How long killing is tried before what is left is given up.
const KILLING: Duration = Duration::from_secs(5);
/// How long one round of kills is waited for before the next look.
const ROUND: Duration = Duration::from_millis(250);
/// How many processes of a tree that keeps growing are held still before they are killed.
const ENOUGH: usize = 4096;
/// How soon after the first look, and how often at least, it is looked again for processes that were started meanwhile:
/// these tell nobody. The time doubles with each look.
const NEWCOMERS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));
/// For how long nothing must have been found where processes come and go.
const LONG_ENOUGH: Duration = Duration::from_millis(30);
/// How long is waited before the next look where something is there that no look gets hold of.
const MOMENT: Duration = Duration::from_millis(1);
/// How long one look may take, and how many are tried: a process may hang in the kernel so that who reads its memory
/// hangs too. The next look knows it, and leaves it alone.
const STUCK: (Duration, usize) = (Duration::from_millis(1500), 2);

/// See [`crate::stop_tree`].
pub(crate) async fn stop_tree(root: Option<&Identity>, include_root: bool, mark: &Mark, grace: Duration) -> Stopped {
    let (root, mark) = (root.cloned(), mark.clone());
    let find = {
        let (root, mark) = (root.clone(), mark.clone());
        move || {
            let mut groups = Group::of(&mark, root.as_ref(), true);
            // A group is ended as a whole: not one with a root in it that is to stay, unless that is us.
            let stays = |root: &&Identity| !include_root && root.pid != std::process::id();
            groups.retain(|group| !root.as_ref().filter(stays).is_some_and(|root| group.has(root.pid)));
            groups
        }
    };
    let groups = match spawn_blocking(find.clone()).await {
        Ok(groups) => groups,
        // The runtime is shutting down: "none found" would be a lie. So below.
        Err(_) => find(),
    };
    let mut tree = Tree {
        what: Arc::new(What { root, mark, groups }),
        include_root,
        asked: HashSet::new(),
        killed: HashSet::new(),
        done: Stopped::default(),
    };
    if !tree.ask(grace).await {
        tree.kill().await;
    }
    if tree.done.left == 0 {
        tree.what.groups.iter().for_each(Group::remove);
        group::forget(&tree.what.mark);
    }
    reap::reap_now();
    tree.done
}

/// Where to look.
struct What {
    root: Option<Identity>,
    mark: Mark,
    groups: Vec<Group>,
}

/// What is to end. Processes that were seen lead to others even after they have left the tree themselves.
struct Tree {
    what: Arc<What>,
    include_root: bool,
    /// Told to end, and still there when last looked at.
    asked: HashSet<Identity>,
    /// Killed, and still there when last looked at.
    killed: HashSet<Identity>,
    done: Stopped,
}

/// What is done to a process in the moment in which it is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtOnce {
    Nothing,
    HoldStill,
}

impl Tree {
    /// Tells all to end and waits for it. False if the grace was not enough.
    async fn ask(&mut self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        let mut pause = NEWCOMERS.0;
        let mut quiet = Quiet::default();
        // A frozen process does not hear that it is to end.
        self.what.groups.iter().for_each(|group| group.freeze(false));
        loop {
            let seen = self.look(AtOnce::Nothing).await;
            self.settle();
            for process in &seen.running {
                if self.asked.insert(process.clone()) {
                    signal(process, Signal::TERM);
                    // A stopped process does not see it before it goes on.
                    signal(process, Signal::CONT);
                }
            }
            if quiet.after(&seen) {
                return true;
            }
            if seen.is_empty() {
                continue;
            }
            all_exited(&seen.running, deadline.min(Instant::now() + pause)).await;
            if Instant::now() >= deadline {
                return false;
            }
            pause = NEWCOMERS.1.min(pause * 2);
        }
    }

    async fn kill(&mut self) {
        let give_up = Instant::now() + KILLING;
        let mut quiet = Quiet::default();
        loop {
            self.what.groups.iter().for_each(|group| group.freeze(true));
            let seen = self.hold_still(give_up).await;
            self.what.groups.iter().for_each(Group::kill);
            for process in &seen.running {
                signal(process, Signal::KILL);
                self.asked.remove(process);
                self.killed.insert(process.clone());
            }
            all_exited(&seen.running, give_up.min(Instant::now() + ROUND)).await;
            self.settle();
            if quiet.after(&seen) {
                break;
            }
            if Instant::now() >= give_up {
                let left = seen.running.iter().filter(|process| process.is_alive()).count();
                // Where we could not see, or see that some are there but not who, nobody may say that none is left.
                let unseen = !self.what.groups.iter().all(Group::is_empty) || seen.trust == Trust::CutShort;
                self.done.left = left.max(usize::from(unseen)) as i64;
                break;
            }
        }
        self.what.groups.iter().for_each(|group| group.freeze(false));
    }

    /// Stops all, so that none starts another or loses its parent between being found and being killed.
    async fn hold_still(&mut self, give_up: Instant) -> Seen {
        let mut still = HashSet::new();
        loop {
            let seen = self.look(AtOnce::HoldStill).await;
            let before = still.len();
            still.extend(seen.running.iter().cloned());
            if still.len() == before || still.len() > ENOUGH || Instant::now() >= give_up {
                return seen;
            }
        }
    }

    /// All that runs now.
    async fn look(&self, at_once: AtOnce) -> Seen {
        let what = self.what.clone();
        let seeds: HashSet<Identity> = what.root.iter().chain(&self.asked).chain(&self.killed).cloned().collect();
        let include_root = self.include_root;
        let look = move || what.look(&seeds, include_root, at_once);
        for _ in 0..STUCK.1 {
            match timeout(STUCK.0, spawn_blocking(look.clone())).await {
                Ok(Ok(seen)) => return seen,
                Ok(Err(_)) => return look(),
                Err(_) => tracing::warn!("the system's list of processes takes long to read"),
            }
        }
        let known = self.what.root.iter().filter(|_| include_root).chain(&self.asked).chain(&self.killed);
        let running = known.filter(|process| process.is_alive()).cloned().collect();
        Seen { running, trust: Trust::CutShort, groups_are_empty: self.what.groups.iter().all(Group::is_empty) }
    }

    /// Counts those that are gone.
    fn settle(&mut self) {
        self.done.ended += forget_gone(&mut self.asked);
        self.done.forced += forget_gone(&mut self.killed);
    }
}

impl What {
    fn look(&self, seeds: &HashSet<Identity>, include_root: bool, at_once: AtOnce) -> Seen {
        let mut on_found = |process: &Identity| {
            if at_once == AtOnce::HoldStill {
                signal(process, Signal::STOP);
            }
        };
        let root = self.root.as_ref().filter(|root| include_root && root.is_alive());
        root.into_iter().for_each(&mut on_found);
        let scan::Look { mut running, trust } =
            scan::look(seeds, self.root.as_ref(), &self.mark, &self.groups, &mut on_found);
        running.extend(root.cloned());
        // Of what is in a group the kernel knows.
        let trust = if trust == Trust::Unsure && !self.groups.is_empty() { Trust::Sure } else { trust };
        Seen { running, trust, groups_are_empty: self.groups.iter().all(Group::is_empty) }
    }
}

/// What one look saw.
struct Seen {
    running: Vec<Identity>,
    trust: Trust,
    groups_are_empty: bool,
}

impl Seen {
    fn is_empty(&self) -> bool {
        self.running.is_empty() && self.groups_are_empty && self.trust != Trust::CutShort
    }
}

/// Whether it is quiet enough to say that nothing is left: after two looks that found nothing. Where processes came and
/// went meanwhile, whoever they belonged to, one of the tree may have been among them: then after more.
#[derive(Default)]
struct Quiet {
    since: Option<Instant>,
    points: u32,
}

impl Quiet {
    fn after(&mut self, seen: &Seen) -> bool {
        if !seen.is_empty() {
            *self = Quiet::default();
            return false;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        self.points += if seen.trust == Trust::Sure { 3 } else { 1 };
        self.points >= 6 || (self.points >= 2 && since.elapsed() >= LONG_ENOUGH)
    }
}

fn forget_gone(processes: &mut HashSet<Identity>) -> i64 {
    let before = processes.len();
    processes.retain(Identity::is_alive);
    (before - processes.len()) as i64
}

/// Waits until all have ended, at most until the deadline. Where there is none to wait for, only for a moment: something
/// is there that comes and goes.
async fn all_exited(processes: &[Identity], deadline: Instant) {
    if processes.is_empty() {
        tokio::time::sleep_until(deadline.min(Instant::now() + MOMENT)).await;
    }
    for process in processes {
        if timeout_at(deadline, exited(process)).await.is_err() {
            return;
        }
    }
}
