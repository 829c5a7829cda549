//! macOS and Windows, with what `sysinfo` gives. **Untested.** What is missing against Linux:
//!
//! - A process is told by pid and a start time in whole seconds, and a signal goes to its pid: within that second, a
//!   pid that is used again is taken for the old process.
//! - Nothing can become a subreaper, so that a process which clears its environment and loses its parent is not found;
//!   nor is one whose environment we may not read.
//! - Windows has no way to tell a process to end: it is killed at once.
//! - The end of a process is polled for.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, Signal, System, UpdateKind};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::stop::{Mark, Stopped};
use crate::{Identity, Usage};

const POLL: Duration = Duration::from_millis(50);
const KILLING: Duration = Duration::from_secs(5);

/// Elsewhere than on Linux there is no such thing: does nothing.
pub fn become_subreaper() -> io::Result<()> {
    Ok(())
}

/// Nothing to do: files are not passed on to other programs unasked.
pub fn close_inherited() {}

/// Elsewhere than on Linux no strangers come to us: does nothing.
pub fn reap_strangers() -> io::Result<()> {
    Ok(())
}

/// Waits until the process has ended. At once if it is gone.
pub async fn exited(identity: &Identity) {
    while identity.is_alive() {
        tokio::time::sleep(POLL).await;
    }
}

pub(crate) fn identity(pid: u32) -> Option<Identity> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    system.process(pid).and_then(identity_of)
}

fn identity_of(process: &sysinfo::Process) -> Option<Identity> {
    let runs = !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    let identity = Identity { pid: process.pid().as_u32(), start: process.start_time(), boot: String::new() };
    runs.then_some(identity)
}

pub(crate) fn census(root: Option<&Identity>, mark: &Mark) -> Vec<Identity> {
    scan(root.map(std::slice::from_ref).unwrap_or_default(), mark, root)
}

fn scan(seeds: &[Identity], mark: &Mark, root: Option<&Identity>) -> Vec<Identity> {
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let all: HashMap<u32, (Identity, &sysinfo::Process)> = system
        .processes()
        .values()
        .filter_map(identity_of)
        .filter_map(|identity| Some((identity.pid, (identity.clone(), system.process(Pid::from_u32(identity.pid))?))))
        .collect();
    let entry = format!("{}={}", mark.name, mark.value);
    let ourselves = std::process::id();

    let seeded = seeds.iter().filter(|seed| all.get(&seed.pid).is_some_and(|(identity, _)| identity == *seed));
    let marked = all.values().filter(|(identity, process)| {
        identity.pid != ourselves && process.environ().iter().any(|variable| variable.to_str() == Some(&entry))
    });
    let mut to_visit: Vec<u32> = seeded.map(|seed| seed.pid).chain(marked.map(|(own, _)| own.pid)).collect();
    let mut found: HashSet<u32> = to_visit.iter().copied().collect();
    while let Some(pid) = to_visit.pop() {
        let children = all.values().filter(|(_, process)| process.parent() == Some(Pid::from_u32(pid)));
        let children = children.map(|(identity, _)| identity.pid).filter(|child| *child != ourselves);
        to_visit.extend(children.filter(|child| found.insert(*child)));
    }
    let found = found.iter().filter(|pid| **pid != ourselves).filter_map(|pid| all.get(pid));
    found.map(|(identity, _)| identity).filter(|identity| Some(*identity) != root).cloned().collect()
}

pub(crate) fn used_by(processes: &[Identity]) -> Usage {
    let pids: Vec<Pid> = processes.iter().map(|process| Pid::from_u32(process.pid)).collect();
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().with_memory().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
    let mut used = Usage::default();
    for identity in processes {
        let process = system.process(Pid::from_u32(identity.pid));
        if let Some(process) = process.filter(|process| identity_of(process).as_ref() == Some(identity)) {
            used.processes += 1;
            used.memory_bytes += i64::try_from(process.memory()).unwrap_or(i64::MAX);
            used.cpu_ms += i64::try_from(process.accumulated_cpu_time()).unwrap_or(i64::MAX);
        }
    }
    used
}

fn send(identity: &Identity, signal: Signal) {
    let pid = Pid::from_u32(identity.pid);
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    let process = system.process(pid).filter(|process| identity_of(process).as_ref() == Some(identity));
    if let Some(process) = process
        && !process.kill_with(signal).unwrap_or_else(|| process.kill())
        && identity.is_alive()
    {
        tracing::warn!(pid = identity.pid, "a process could not be signalled");
    }
}

pub(crate) async fn stop_tree(root: Option<&Identity>, include_root: bool, mark: &Mark, grace: Duration) -> Stopped {
    let deadline = Instant::now() + grace;
    let give_up = deadline + KILLING;
    let mut seen: HashMap<Identity, bool> = HashMap::new();
    let mut empty_looks = 0;
    loop {
        let kill = Instant::now() >= deadline;
        let seeds: Vec<Identity> = root.into_iter().chain(seen.keys()).cloned().collect();
        let mut running = scan(&seeds, mark, root);
        running.extend(root.filter(|root| include_root && root.is_alive()).cloned());
        for process in &running {
            let asked = seen.contains_key(process);
            let killed = seen.entry(process.clone()).or_insert(false);
            *killed |= kill;
            match (kill, asked) {
                (true, _) => send(process, Signal::Kill),
                (false, false) => send(process, Signal::Term),
                (false, true) => {}
            }
        }
        empty_looks = if running.is_empty() { empty_looks + 1 } else { 0 };
        if empty_looks == 2 || Instant::now() >= give_up {
            let left = running.iter().filter(|process| process.is_alive()).count() as i64;
            let forced = seen.iter().filter(|(process, killed)| **killed && !process.is_alive()).count() as i64;
            return Stopped { ended: seen.len() as i64 - forced - left, forced, left };
        }
        if !running.is_empty() {
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A group of its own is as near to a session as safe code comes here.
fn confine(command: &mut std::process::Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
    }
    #[cfg(not(any(unix, windows)))]
    let _ = command;
}

pub(crate) fn start(mut command: std::process::Command, _: Option<&Mark>) -> io::Result<(Child, Option<Identity>)> {
    confine(&mut command);
    let child = Command::from(command).spawn()?;
    // One that has ended already has no start time any more, and nobody will look for it.
    let identity =
        child.id().map(|pid| identity(pid).unwrap_or_else(|| Identity { pid, start: 0, boot: String::new() }));
    Ok((child, identity))
}
