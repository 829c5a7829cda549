//! Control groups (cgroup v2), where we may make them: then whatever a process does, it stays in the group that it was
//! started in, and the kernel lists and kills all of it at once.
//!
//! A group's name is made from the mark of its processes, so that whoever knows the mark finds it again. It lies in the
//! group of the process that makes it. Where that may not be written to, nothing here has any effect.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::hierarchy::{dir_of, mount, own_dir, sub_dirs};
use crate::Identity;
use crate::stop::Mark;

/// What the names of all our groups begin with.
const PREFIX: &str = "aicib-";
/// Set to `off`, no groups are made or looked for.
const SWITCH: &str = "AICIB_CGROUPS";
/// How long the whole hierarchy is searched for a group, and how many groups are looked at.
const SEARCH: (Duration, usize) = (Duration::from_millis(250), 20_000);
/// How many groups below one are looked at: a process may make as many as it likes.
const MAX_BELOW: usize = 4096;

/// Where the groups lie of the marks with which this process started others: none where it could not make one.
static MADE: LazyLock<Mutex<HashMap<String, Option<PathBuf>>>> = LazyLock::new(Mutex::default);

fn made() -> MutexGuard<'static, HashMap<String, Option<PathBuf>>> {
    // Every change is a single insert or removal.
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_on() -> bool {
    static ON: OnceLock<bool> = OnceLock::new();
    *ON.get_or_init(|| std::env::var_os(SWITCH).is_none_or(|switch| switch != "off"))
}

fn name_of(mark: &Mark) -> String {
    // FNV-1a of 128 bits: the same in every version of every program that looks for it.
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = mark.name.bytes().chain(*b"=").chain(mark.value.bytes());
    let hash = bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    });
    format!("{PREFIX}{hash:032x}")
}

/// A new group, for a process that is about to be started. Its own process is to write to [`NewGroup::procs`].
pub(super) struct NewGroup {
    group: Group,
    procs: File,
    /// Holds the sweep of others off for as long as the group is still empty.
    _lock: Option<File>,
}

impl NewGroup {
    /// A group for processes with that mark. None where we may not make one.
    pub(super) fn make(mark: &Mark) -> Option<NewGroup> {
        let made_now = is_on().then(own_dir).flatten().and_then(|own| make_in(&own, &name_of(mark)));
        let dir = made_now.as_ref().map(|new| new.group.dir.clone());
        made().insert(name_of(mark), dir);
        made_now
    }

    /// What a process writes `0` to so as to move itself into the group.
    pub(super) fn procs(&self) -> &File {
        &self.procs
    }

    /// Takes it away again: the process was not started.
    pub(super) fn abandon(self) {
        self.group.remove();
    }
}

fn make_in(own: &Path, name: &str) -> Option<NewGroup> {
    static SWEPT: OnceLock<()> = OnceLock::new();
    SWEPT.get_or_init(|| sweep(own));
    let lock = File::open(own).ok();
    let lock = lock.filter(|own| flock(own, FlockOperation::NonBlockingLockShared).is_ok());
    let dir = own.join(name);
    match fs::create_dir(&dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            tracing::debug!(dir = %dir.display(), %error, "no control group: processes are found by parentage and mark");
            return None;
        }
        _ => {}
    }
    match File::options().write(true).open(dir.join("cgroup.procs")) {
        Ok(procs) => Some(NewGroup { group: Group { dir, passage: None }, procs, _lock: lock }),
        Err(error) => {
            tracing::debug!(dir = %dir.display(), %error, "a control group cannot be used");
            Group { dir, passage: None }.remove();
            None
        }
    }
}

/// Removes what others left behind: groups without a process.
fn sweep(own: &Path) {
    // While anybody is between making a group and starting its process, what is empty may be in use.
    let lock = File::open(own).ok();
    if lock.is_none_or(|own| flock(own, FlockOperation::NonBlockingLockExclusive).is_err()) {
        return;
    }
    for dir in sub_dirs(own).into_iter().filter(|dir| is_ours(dir)) {
        Group { dir, passage: None }.remove();
    }
}

fn is_ours(dir: &Path) -> bool {
    let name = dir.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(PREFIX));
    name.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A group, with all groups below it.
#[derive(Clone, Debug)]
pub(super) struct Group {
    dir: PathBuf,
    /// Our own group where that is this one or below it: the way there is never killed or frozen as a whole.
    passage: Option<PathBuf>,
}

impl Group {
    /// The groups of a mark. `everywhere`: also where only a search of the whole hierarchy finds them, unless we started
    /// the mark's processes ourselves and know.
    pub(super) fn of(mark: &Mark, root: Option<&Identity>, everywhere: bool) -> Vec<Group> {
        if !is_on() || mount().is_none() {
            return Vec::new();
        }
        let name = name_of(mark);
        let own = own_dir();
        let known = made().get(&name).cloned();
        let knows = known.is_some();
        let around = |dir: &Path| dir.ancestors().filter(|dir| dir.ends_with(&name)).last().map(Path::to_owned);
        let mut dirs: HashSet<PathBuf> = known.flatten().into_iter().collect();
        dirs.extend(own.as_deref().map(|own| own.join(&name)));
        dirs.extend(own.as_deref().and_then(around));
        dirs.extend(root.filter(|root| root.is_alive()).and_then(|root| dir_of(root.pid)).as_deref().and_then(around));
        dirs.retain(|dir| dir.is_dir());
        if everywhere && !knows && dirs.is_empty() {
            dirs.extend(search(&name));
        }
        // The one inside the other is part of it.
        let outer: Vec<PathBuf> =
            dirs.iter().filter(|dir| !dir.ancestors().skip(1).any(|above| dirs.contains(above))).cloned().collect();
        let is_us = root.is_some_and(|root| root.pid == std::process::id());
        let groups = outer.into_iter().map(|dir| {
            let passage = own.clone().filter(|own| own.starts_with(&dir));
            Group { dir, passage }
        });
        // Inside a group without being what it was made for, we were started by something in it (a command that uses
        // AICIB): what is ours is not part of what we look for, so that the group as a whole tells nothing.
        groups.filter(|group| is_us || group.passage.is_none()).collect()
    }

    /// The processes in it, ours among them, as of now.
    pub(super) fn pids(&self) -> HashSet<u32> {
        let mut pids = HashSet::new();
        self.each_below(&mut |dir| {
            let procs = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
            pids.extend(procs.lines().filter_map(|pid| pid.parse::<u32>().ok()));
        });
        pids
    }

    /// Whether nothing runs in it but us. Here the kernel knows, however short the lives of the processes are.
    pub(super) fn is_empty(&self) -> bool {
        if self.passage.is_some() {
            return self.pids().iter().all(|pid| *pid == std::process::id());
        }
        // Where it is gone, it is empty.
        let events = fs::read_to_string(self.dir.join("cgroup.events")).unwrap_or_default();
        !events.lines().any(|line| line == "populated 1")
    }

    /// Whether the process with this pid is in it.
    pub(super) fn has(&self, pid: u32) -> bool {
        dir_of(pid).is_some_and(|dir| dir.starts_with(&self.dir))
    }

    /// Holds all of it still but what shares our own group with us, or lets it go on.
    pub(super) fn freeze(&self, frozen: bool) {
        let word = if frozen { "1" } else { "0" };
        self.each_without_us(&self.dir, &mut |dir| set(dir, "cgroup.freeze", word));
        if !frozen {
            // Some process in it may have frozen another part.
            self.each_below(&mut |dir| set(dir, "cgroup.freeze", word));
        }
    }

    /// Kills all of it but what shares our own group with us.
    pub(super) fn kill(&self) {
        self.each_without_us(&self.dir, &mut |dir| set(dir, "cgroup.kill", "1"));
    }

    /// Takes it away, with all below it, as far as it is empty.
    pub(super) fn remove(&self) {
        let mut dirs = Vec::new();
        self.each_below(&mut |dir| dirs.push(dir.to_owned()));
        // Those below first.
        for dir in dirs.iter().rev().filter(|dir| self.passage.as_deref().is_none_or(|own| !own.starts_with(dir))) {
            match fs::remove_dir(dir) {
                Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ResourceBusy) => {
                    tracing::debug!(dir = %dir.display(), %error, "a control group was not removed");
                }
                _ => {}
            }
        }
    }

    /// It and all below it, those above before those below.
    fn each_below(&self, act: &mut dyn FnMut(&Path)) {
        let mut to_visit = vec![self.dir.clone()];
        let mut visited = 0;
        while let Some(dir) = to_visit.pop().filter(|_| visited < MAX_BELOW) {
            visited += 1;
            act(&dir);
            to_visit.extend(sub_dirs(&dir));
        }
    }

    /// The largest parts of `dir` that we are not in.
    fn each_without_us(&self, dir: &Path, act: &mut dyn FnMut(&Path)) {
        match &self.passage {
            Some(own) if own.starts_with(dir) => {
                sub_dirs(dir).iter().for_each(|below| self.each_without_us(below, act));
            }
            _ => act(dir),
        }
    }
}

/// Forgets where the mark's group is: its processes are gone.
pub(super) fn forget(mark: &Mark) {
    made().remove(&name_of(mark));
}

fn set(dir: &Path, file: &str, word: &str) {
    let written = File::options()
        .write(true)
        .open(dir.join(file))
        .and_then(|mut file| io::Write::write_all(&mut file, word.as_bytes()));
    match written {
        // An older kernel does not have it; each process is dealt with by itself as well.
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound) => {
            tracing::debug!(dir = %dir.display(), file, %error, "a control group could not be told");
        }
        _ => {}
    }
}

/// Every group of that name. Our daemon may have been started from somewhere else than the one that made it.
fn search(name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Some(mount) = mount() else { return found };
    let until = Instant::now() + SEARCH.0;
    let mut to_visit = vec![mount.point.clone()];
    let mut visited = 0;
    while let Some(dir) = to_visit.pop().filter(|_| visited < SEARCH.1 && Instant::now() < until) {
        visited += 1;
        if dir.ends_with(name) {
            found.push(dir);
        } else {
            to_visit.extend(sub_dirs(&dir));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_a_name_that_never_changes() {
        let name = name_of(&Mark::new("AICIB_RUN", "/home/a/.aicib:7"));
        assert_eq!(name, "aicib-ba0b714147291dd6190792357f792b0e");
        assert_ne!(name, name_of(&Mark::new("AICIB_RUN", "/home/a/.aicib:8")));
        assert!(is_ours(&Path::new("/sys/fs/cgroup").join(name)));
        assert!(!is_ours(Path::new("/sys/fs/cgroup/aicib-tools.service")));
    }

    #[test]
    fn the_way_to_us_is_left_out() {
        let top = tempfile::tempdir().unwrap();
        for dir in ["a/b", "a/c", "d"] {
            fs::create_dir_all(top.path().join(dir)).unwrap();
        }
        let parts = |passage: Option<&str>| {
            let passage = passage.map(|own| top.path().join(own));
            let group = Group { dir: top.path().to_owned(), passage };
            let mut parts = HashSet::new();
            group.each_without_us(&group.dir, &mut |dir| {
                parts.insert(dir.strip_prefix(top.path()).unwrap().to_str().unwrap().to_owned());
            });
            parts
        };
        let set = |parts: &[&str]| parts.iter().map(|part| part.to_string()).collect::<HashSet<_>>();
        assert_eq!(parts(None), set(&[""]));
        assert_eq!(parts(Some("")), set(&["a", "d"]));
        assert_eq!(parts(Some("a")), set(&["a/b", "a/c", "d"]));
        assert_eq!(parts(Some("a/b")), set(&["a/c", "d"]));
    }
}
