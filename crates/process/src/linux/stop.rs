//! Ending all that belongs together, however it tries to leave.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use super::exit::{exited, signal};
use super::group::{self, Group};
use super::{reap, scan};
use crate::Identity;
use crate::stop::{Mark, Stopped};

/// How long killing is tried before what is left is given up.
const KILLING: Duration = Duration::from_secs(5);
/// How long one round of kills is waited for before the next look.
const ROUND: Duration = Duration::from_millis(250);
/// How many looks a round takes at a tree that keeps growing before it kills what it has found.
const LOOKS: usize = 32;
/// How soon after the first look, and how often at least, it is looked again for processes that were started meanwhile:
/// these tell nobody. The time doubles with each look.
const NEWCOMERS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));
/// How long one look may take, and how many are tried: a process may hang in the kernel so that who reads its memory
/// hangs too. The next look knows it, and leaves it alone.
const STUCK: (Duration, usize) = (Duration::from_millis(1500), 2);

/// See [`crate::stop_tree`].
pub(crate) async fn stop_tree(root: Option<&Identity>, include_root: bool, mark: &Mark, grace: Duration) -> Stopped {
    let (root, mark) = (root.cloned(), mark.clone());
    let find = {
        let (root, mark) = (root.clone(), mark.clone());
        move || Group::of(&mark, root.as_ref(), true)
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
        let mut empty_looks = 0;
        let mut pause = NEWCOMERS.0;
        // A frozen process does not hear that it is to end.
        self.what.groups.iter().for_each(|group| group.freeze(false));
        loop {
            let running = self.look(AtOnce::Nothing).await;
            self.settle();
            if running.is_empty() {
                empty_looks += 1;
                if empty_looks == 2 {
                    return true;
                }
                continue;
            }
            empty_looks = 0;
            for process in &running {
                if self.asked.insert(process.clone()) {
                    signal(process, Signal::TERM);
                    // A stopped process does not see it before it goes on.
                    signal(process, Signal::CONT);
                }
            }
            all_exited(&running, deadline.min(Instant::now() + pause)).await;
            if Instant::now() >= deadline {
                return false;
            }
            pause = NEWCOMERS.1.min(pause * 2);
        }
    }

    async fn kill(&mut self) {
        let give_up = Instant::now() + KILLING;
        let mut empty_looks = 0;
        loop {
            self.what.groups.iter().for_each(|group| group.freeze(true));
            let running = self.hold_still(give_up).await;
            self.what.groups.iter().for_each(Group::kill);
            for process in &running {
                signal(process, Signal::KILL);
                self.asked.remove(process);
                self.killed.insert(process.clone());
            }
            all_exited(&running, give_up.min(Instant::now() + ROUND)).await;
            self.settle();
            empty_looks = if running.is_empty() { empty_looks + 1 } else { 0 };
            if empty_looks == 2 {
                break;
            }
            if Instant::now() >= give_up {
                self.done.left = running.iter().filter(|process| process.is_alive()).count() as i64;
                break;
            }
        }
        self.what.groups.iter().for_each(|group| group.freeze(false));
    }

    /// Stops all, so that none starts another or loses its parent between being found and being killed.
    async fn hold_still(&mut self, give_up: Instant) -> Vec<Identity> {
        let mut still = HashSet::new();
        let mut running = Vec::new();
        for _ in 0..LOOKS {
            running = self.look(AtOnce::HoldStill).await;
            let before = still.len();
            still.extend(running.iter().cloned());
            if still.len() == before || Instant::now() >= give_up {
                break;
            }
        }
        running
    }

    /// All that runs now.
    async fn look(&self, at_once: AtOnce) -> Vec<Identity> {
        let what = self.what.clone();
        let seeds: HashSet<Identity> = what.root.iter().chain(&self.asked).chain(&self.killed).cloned().collect();
        let include_root = self.include_root;
        let look = move || what.look(&seeds, include_root, at_once);
        for _ in 0..STUCK.1 {
            match timeout(STUCK.0, spawn_blocking(look.clone())).await {
                Ok(Ok(running)) => return running,
                Ok(Err(_)) => return look(),
                Err(_) => tracing::warn!("the system's list of processes takes long to read"),
            }
        }
        let known = self.what.root.iter().filter(|_| include_root).chain(&self.asked).chain(&self.killed);
        known.filter(|process| process.is_alive()).cloned().collect()
    }

    /// Counts those that are gone.
    fn settle(&mut self) {
        self.done.ended += forget_gone(&mut self.asked);
        self.done.forced += forget_gone(&mut self.killed);
    }
}

impl What {
    fn look(&self, seeds: &HashSet<Identity>, include_root: bool, at_once: AtOnce) -> Vec<Identity> {
        let mut on_found = |process: &Identity| {
            if at_once == AtOnce::HoldStill {
                signal(process, Signal::STOP);
            }
        };
        let root = self.root.as_ref().filter(|root| include_root && root.is_alive());
        root.into_iter().for_each(&mut on_found);
        let mut running = scan::look(seeds, self.root.as_ref(), &self.mark, &self.groups, &mut on_found);
        running.extend(root.cloned());
        running
    }
}

fn forget_gone(processes: &mut HashSet<Identity>) -> i64 {
    let before = processes.len();
    processes.retain(Identity::is_alive);
    (before - processes.len()) as i64
}

/// Waits until all have ended, at most until the deadline.
async fn all_exited(processes: &[Identity], deadline: Instant) {
    for process in processes {
        if timeout_at(deadline, exited(process)).await.is_err() {
            return;
        }
    }
}
