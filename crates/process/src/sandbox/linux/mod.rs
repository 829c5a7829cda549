//! Linux: Landlock for files, TCP ports, signals and tracing; seccomp for sockets and for system calls that lead around
//! it; no privileges to be gained, and of root's only those that building and packing need.

mod files;
mod mounts;
mod seccomp;

use std::ffi::{OsStr, OsString};

use rustix::thread::CapabilitySet;

use super::{Level, Policy, SandboxError, Support};

/// What each version of Landlock added, as what a program can do without it. The first version is a must.
const SINCE: &[(i32, &str)] = &[
    (3, "files outside can be emptied, though not read or overwritten"),
    (4, "a program that may reach only its provider can reach every TCP port"),
    (5, "devices that are open take every command"),
    (6, "processes outside can be sent signals"),
];

pub(super) fn support() -> Support {
    support_of(files::version(), seccomp::is_there(), mounts::are_there())
}

fn support_of(landlock: i32, has_seccomp: bool, has_mounts: bool) -> Support {
    let mut missing = Vec::new();
    if landlock < 1 {
        missing
            .push("Landlock is missing or switched off in this kernel (5.13 has it; `lsm=` must name it)".to_owned());
    }
    if !has_seccomp {
        missing.push("seccomp filters are missing in this kernel".to_owned());
    }
    if !missing.is_empty() {
        return Support { level: Level::No, missing };
    }
    let lacking = SINCE.iter().filter(|(version, _)| *version > landlock);
    missing.extend(lacking.map(|(_, what)| (*what).to_owned()));
    if !has_mounts {
        missing.push("commands can rewrite the company's config and its agents' files (no user namespaces)".to_owned());
    }
    let level = if missing.is_empty() { Level::Full } else { Level::Partly };
    Support { level, missing }
}

pub(super) fn apply(policy: &Policy) -> Result<(), SandboxError> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(SandboxError::Threads(threads));
    }
    let support = support_of(files::version(), seccomp::is_there(), true);
    if support.level == Level::No {
        return Err(SandboxError::Unsupported(support.missing.join("; ")));
    }
    // The filters are made first: what is needed to make them may be out of reach afterwards.
    let filters = seccomp::filters(policy)?;
    mounts::keep(&policy.keep)?;
    rustix::thread::set_no_new_privs(true).map_err(refused("no new privileges"))?;
    give_up_capabilities().map_err(refused("capabilities"))?;
    files::restrict(policy)?;
    seccomp::install(&filters)
}

/// What root keeps: files of others, other users, low ports. Nothing that reaches the kernel, its devices, other
/// processes or mounts.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::NET_BIND_SERVICE);

/// Those of a plain user are none to begin with.
fn give_up_capabilities() -> rustix::io::Result<()> {
    let mut sets = rustix::thread::capabilities(None)?;
    if sets.permitted.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().difference(KEPT).iter() {
            match rustix::thread::remove_capability_from_bounding_set(capability) {
                // A kernel that does not know it does not give it.
                Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                Err(error) => return Err(error),
            }
        }
    }
    // In a user namespace of its own it has them all, for nothing but that namespace.
    let kept = if rustix::process::geteuid().is_root() { KEPT } else { CapabilitySet::empty() };
    sets.effective &= kept;
    sets.permitted &= kept;
    sets.inheritable = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, sets)
}

fn refused<E: ToString>(what: &'static str) -> impl FnOnce(E) -> SandboxError {
    move |error| SandboxError::Refused { what, why: error.to_string() }
}

pub(super) fn command(_: &Policy, program: &OsStr, args: &[OsString]) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.args(args);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_lacks_is_said() {
        assert_eq!(support_of(7, true, true), Support { level: Level::Full, missing: Vec::new() });
        assert_eq!(support_of(6, true, true).level, Level::Full);
        let older = support_of(4, true, true);
        assert_eq!((older.level, older.missing.len()), (Level::Partly, 2));
        assert_eq!(support_of(1, true, true).missing.len(), 4);
        assert_eq!(support_of(0, true, true).level, Level::No);
        assert_eq!(support_of(7, false, true).level, Level::No);
        assert_eq!(support_of(7, true, false).level, Level::Partly);
    }

    #[test]
    fn a_process_with_threads_is_not_confined_by_halves() {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
        assert!(threads > 1, "tests run in threads");
        assert!(matches!(apply(&Policy::default()), Err(SandboxError::Threads(_))));
    }
}
