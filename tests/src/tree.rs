//! An app's processes: what they weigh, and how often they wake.

use std::collections::BTreeMap;
use std::fs;

use crate::figures::pss_mb;

/// The headless program: a daemon that an app started is none of the app's own processes.
const HEADLESS: &str = "aicib";

/// A process and everything that it began, daemons left out.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    root: u32,
}

/// Voluntary context switches, by process and thread.
pub type Switches = BTreeMap<(u32, u32), u64>;

impl Tree {
    /// The processes under this one, and itself.
    pub fn of(root: u32) -> Tree {
        Tree { root }
    }

    /// All of them, as of now, with their names.
    pub fn processes(&self) -> Vec<(u32, String)> {
        let mut parents = BTreeMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // It may be gone by now.
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let Some((head, rest)) = stat.rsplit_once(')') else { continue };
            let name = head.split_once('(').map_or("", |(_, name)| name).to_owned();
            let Some(parent) = rest.split_whitespace().nth(1).and_then(|parent| parent.parse::<u32>().ok()) else {
                continue;
            };
            parents.insert(pid, (parent, name));
        }
        let mut found: Vec<(u32, String)> = Vec::new();
        let mut open = vec![self.root];
        while let Some(pid) = open.pop() {
            let Some((_, name)) = parents.get(&pid) else { continue };
            if name == HEADLESS {
                continue;
            }
            found.push((pid, name.clone()));
            open.extend(parents.iter().filter(|(_, (parent, _))| *parent == pid).map(|(child, _)| *child));
        }
        found
    }

    /// What they weigh together (PSS), in megabytes, and each by its name.
    ///
    /// # Errors
    /// One of them went away meanwhile.
    pub fn weight(&self) -> anyhow::Result<(f64, String)> {
        let mut sum = 0.0;
        let mut parts = Vec::new();
        for (pid, name) in self.processes() {
            let weight = pss_mb(pid)?;
            sum += weight;
            parts.push(format!("{name} {weight:.0}"));
        }
        Ok((sum, parts.join(", ")))
    }

    /// How often each of their threads went to sleep by itself, so far: it woke as often.
    pub fn switches(&self) -> Switches {
        let mut all = Switches::new();
        for (pid, _) in self.processes() {
            for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
                // A thread may end meanwhile.
                let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
                let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
                let tid = thread.file_name().to_str().and_then(|name| name.parse().ok());
                if let (Some(count), Some(tid)) = (count.and_then(|count| count.trim().parse().ok()), tid) {
                    all.insert((pid, tid), count);
                }
            }
        }
        all
    }
}
