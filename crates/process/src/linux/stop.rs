//! Ending all that belongs together, however it tries to leave.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::exit::{exited, signal};
use super::scan;
use crate::Identity;
use crate::stop::{Mark, Stopped};

/// How long killing is tried before what is left is given up.
const KILLING: Duration = Duration::from_secs(5);
/// How long one round of kills is waited for before the next look.
const ROUND: Duration = Duration::from_millis(250);
/// How many looks a round takes at a tree that keeps growing before it kills what it has found.
const LOOKS: usize = 32;

/// See [`crate::stop_tree`].
pub(crate) async fn stop_tree(root: Option<&Identity>, include_root: bool, mark: &Mark, grace: Duration) -> Stopped {
    let mut tree = Tree {
        root: root.cloned(),
        include_root,
        mark: mark.clone(),
        asked: HashSet::new(),
        killed: HashSet::new(),
        done: Stopped::default(),
    };
    if !tree.ask(grace).await {
        tree.kill().await;
    }
    tree.done
}

/// What is to end. Processes that were seen lead to others even after they have left the tree themselves.
struct Tree {
    root: Option<Identity>,
    include_root: bool,
    mark: Mark,
    /// Told to end, and still there when last looked at.
    asked: HashSet<Identity>,
    /// Killed, and still there when last looked at.
    killed: HashSet<Identity>,
    done: Stopped,
}

impl Tree {
    /// Tells all to end and waits for it. False if the grace was not enough.
    async fn ask(&mut self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        let mut empty_looks = 0;
        loop {
            let running = self.look().await;
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
            if !all_exited(&running, deadline).await {
                return false;
            }
        }
    }

    async fn kill(&mut self) {
        let give_up = Instant::now() + KILLING;
        let mut empty_looks = 0;
        loop {
            let running = self.hold_still().await;
            for process in &running {
                signal(process, Signal::KILL);
                self.asked.remove(process);
                self.killed.insert(process.clone());
            }
            all_exited(&running, give_up.min(Instant::now() + ROUND)).await;
            self.settle();
            empty_looks = if running.is_empty() { empty_looks + 1 } else { 0 };
            if empty_looks == 2 {
                return;
            }
            if Instant::now() >= give_up {
                self.done.left = running.iter().filter(|process| process.is_alive()).count() as i64;
                return;
            }
        }
    }

    /// Stops all, so that none starts another or loses its parent between being found and being killed.
    async fn hold_still(&mut self) -> Vec<Identity> {
        let mut still = HashSet::new();
        let mut running = Vec::new();
        for _ in 0..LOOKS {
            running = self.look().await;
            let moving: Vec<_> = running.iter().filter(|process| !still.contains(*process)).cloned().collect();
            if moving.is_empty() {
                break;
            }
            moving.iter().for_each(|process| signal(process, Signal::STOP));
            still.extend(moving);
        }
        running
    }

    /// All that runs now.
    async fn look(&self) -> Vec<Identity> {
        let seeds: Vec<Identity> = self.root.iter().chain(&self.asked).chain(&self.killed).cloned().collect();
        let (root, mark) = (self.root.clone(), self.mark.clone());
        // Reading the environment of a process that hangs in the kernel may take its time.
        let look = move || scan(&seeds, &mark, root.as_ref());
        let mut running = match spawn_blocking(look.clone()).await {
            Ok(running) => running,
            // The runtime is shutting down: "nothing found" would be a lie.
            Err(_) => look(),
        };
        running.extend(self.root.clone().filter(|root| self.include_root && root.is_alive()));
        running
    }

    /// Counts those that are gone.
    fn settle(&mut self) {
        self.done.ended += forget_gone(&mut self.asked);
        self.done.forced += forget_gone(&mut self.killed);
    }
}

fn forget_gone(processes: &mut HashSet<Identity>) -> i64 {
    let before = processes.len();
    processes.retain(Identity::is_alive);
    (before - processes.len()) as i64
}

/// Whether all have ended by the deadline.
async fn all_exited(processes: &[Identity], deadline: Instant) -> bool {
    for process in processes {
        if timeout_at(deadline, exited(process)).await.is_err() {
            return false;
        }
    }
    true
}
