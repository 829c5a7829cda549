//! What `/proc` says of a process.

use std::fs;
use std::io::Read;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, RawDir};

use crate::Identity;

/// The longest line of a process: a name of 64 bytes and some fifty numbers fit well.
const LINE: usize = 2048;
/// How long one look at all processes goes on. Without a bound it would follow processes that start each other for as
/// long as they do.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes of names that the system is asked for at a time, one or two processes: what it says grows old within microseconds.
const SOME: usize = 64;

/// A line of the system's list of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) session: u32,
    /// Clock ticks since boot.
    pub(super) start: u64,
    /// It has ended and waits to be reaped.
    pub(super) ended: bool,
    /// Where in its memory the environment lies: another place for each program that it executes. 0 where we may not
    /// look.
    pub(super) env_start: u64,
}

impl Stat {
    pub(super) fn of(pid: u32) -> Option<Stat> {
        let mut line = [0; LINE];
        Stat::parse(pid, read_line(pid, &mut line)?)
    }

    fn parse(pid: u32, line: &[u8]) -> Option<Stat> {
        let mut fields = after_name(line)?;
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let threads: i64 = fields.nth(13)?.parse().ok()?;
        let start = fields.nth(1)?.parse().ok()?;
        let env_start = fields.nth(27).and_then(|field| field.parse().ok()).unwrap_or_default();
        // A process whose first thread has ended while others run looks like a zombie, and is none.
        let ended = matches!(state, "Z" | "X" | "x") && threads <= 1;
        Some(Stat { pid, parent, session, start, ended, env_start })
    }

    pub(super) fn identity(&self) -> Identity {
        Identity { pid: self.pid, start: self.start, boot: boot_id().to_owned() }
    }

    pub(super) fn is(&self, identity: &Identity) -> bool {
        self.pid == identity.pid && self.start == identity.start && boot_id() == identity.boot
    }
}

/// One open and one read: this is done for every process there is, again and again.
fn read_line(pid: u32, line: &mut [u8; LINE]) -> Option<&[u8]> {
    let length = fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(line).ok()?;
    Some(&line[..length])
}

/// What follows the name, which stands in parentheses and may hold anything, also parentheses and spaces.
fn after_name(line: &[u8]) -> Option<std::str::SplitAsciiWhitespace<'_>> {
    let end_of_name = line.iter().rposition(|byte| *byte == b')')?;
    Some(std::str::from_utf8(&line[end_of_name + 1..]).ok()?.split_ascii_whitespace())
}

/// What a process has used so far, as its line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    /// Clock ticks of its own and of the children that it has waited for.
    pub(super) ticks: u64,
    /// Pages of memory, those that it shares with others in full.
    pub(super) pages: u64,
}

impl Spent {
    pub(super) fn of(pid: u32) -> Option<Spent> {
        let mut line = [0; LINE];
        Spent::parse(read_line(pid, &mut line)?)
    }

    fn parse(line: &[u8]) -> Option<Spent> {
        let fields: Vec<&str> = after_name(line)?.collect();
        // Counted from the state, which is the first here and the third in the manual.
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        let ticks = [11, 12, 13, 14].into_iter().map(number).sum::<Option<u64>>()?;
        Some(Spent { ticks, pages: number(21)? })
    }
}

/// Bytes of memory of a process, what it shares divided by those who share it. None where we may not look.
pub(super) fn proportional_memory(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()? * 1024)
}

/// See [`Identity::of`].
pub(crate) fn identity(pid: u32) -> Option<Identity> {
    Stat::of(pid).filter(|stat| !stat.ended).map(|stat| stat.identity())
}

/// How far a look at all processes can be trusted that it has missed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// It did not come to its end.
    CutShort,
    /// Some process was gone before it could be read: a successor of it may have been missed.
    Unsure,
    Sure,
}

/// Shows every process there is but those that are `known` by pid and inode, each read right after the system named it:
/// there are some that end soon.
pub(super) fn each(mut is_known: impl FnMut(u32, u64) -> bool, mut see: impl FnMut(Stat, u64)) -> Trust {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(folder) = rustix::fs::open("/proc", flags, Mode::empty()) else { return Trust::CutShort };
    let until = Instant::now() + LOOK;
    let mut some = [MaybeUninit::uninit(); SOME];
    let mut entries = RawDir::new(folder, &mut some);
    let mut trust = Trust::Sure;
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else { return Trust::CutShort };
        let Some(pid) = entry.file_name().to_str().ok().and_then(|name| name.parse().ok()) else { continue };
        let inode = entry.ino();
        if is_known(pid, inode) {
            continue;
        }
        match Stat::of(pid) {
            Some(stat) => see(stat, inode),
            None => trust = Trust::Unsure,
        }
        if Instant::now() > until {
            return Trust::CutShort;
        }
    }
    trust
}

/// A constant of the system.
pub(super) fn system_number(name: libc::c_int, usual: u64) -> u64 {
    // SAFETY: takes a number and returns one.
    #[allow(unsafe_code)]
    let number = unsafe { libc::sysconf(name) };
    u64::try_from(number).ok().filter(|number| *number > 0).unwrap_or(usual)
}

fn boot_id() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &str = "7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0";

    #[test]
    fn a_name_of_parentheses_and_spaces_is_read_over() {
        let line = format!("42 (a) Z 1 (x) 1) S {FIELDS} 3 0 5551 0 0");
        let stat = Stat::parse(42, line.as_bytes()).unwrap();
        assert_eq!(stat, Stat { pid: 42, parent: 7, session: 9, start: 5551, ended: false, env_start: 0 });
    }

    #[test]
    fn a_zombie_has_ended_but_not_while_another_thread_runs() {
        let ended = |threads: u32| {
            let line = format!("42 (a) Z {FIELDS} {threads} 0 5551 0 0");
            Stat::parse(42, line.as_bytes()).unwrap().ended
        };
        assert!(ended(1));
        assert!(!ended(2));
    }

    #[test]
    fn the_place_of_the_environment_is_read() {
        let rest = (23..=52).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        let line = format!("42 (a) S {FIELDS} 3 0 5551 {rest}");
        assert_eq!(Stat::parse(42, line.as_bytes()).unwrap().env_start, 50);
    }

    #[test]
    fn what_was_used_includes_children_that_were_waited_for() {
        let line = "42 (a b) S 7 8 9 0 -1 4194560 1 0 0 0 100 20 3 4 20 0 1 0 5551 1000000 300 0";
        assert_eq!(Spent::parse(line.as_bytes()), Some(Spent { ticks: 127, pages: 300 }));
        assert_eq!(Spent::parse(b"42 (a) S 7 8 9"), None);
    }

    #[test]
    fn half_a_line_is_no_process() {
        assert_eq!(Stat::parse(42, b"42 (a) S 7 8"), None);
        assert_eq!(Stat::parse(42, b""), None);
    }
}
