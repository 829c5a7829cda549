//! What `/proc` says of a process.

use std::fs;
use std::io::Read;
use std::sync::OnceLock;

use crate::Identity;
use crate::stop::Mark;

/// How much of an environment is looked at. The system allows a program no more than 6 MB of arguments and
/// environment unless its stack limit was raised.
const ENVIRON_LIMIT: u64 = 8 * 1024 * 1024;

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
}

impl Stat {
    pub(super) fn of(pid: u32) -> Option<Stat> {
        Stat::parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(pid: u32, line: &[u8]) -> Option<Stat> {
        // The name, in parentheses, may hold anything, also parentheses and spaces: read on after the last one.
        let end_of_name = line.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(&line[end_of_name + 1..]).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let threads: i64 = fields.nth(13)?.parse().ok()?;
        let start = fields.nth(1)?.parse().ok()?;
        // A process whose first thread has ended while others run looks like a zombie, and is none.
        let ended = matches!(state, "Z" | "X" | "x") && threads <= 1;
        Some(Stat { pid, parent, session, start, ended })
    }

    pub(super) fn identity(&self) -> Identity {
        Identity { pid: self.pid, start: self.start, boot: boot_id().to_owned() }
    }

    pub(super) fn is(&self, identity: &Identity) -> bool {
        self.pid == identity.pid && self.start == identity.start && boot_id() == identity.boot
    }
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
        Spent::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(line: &[u8]) -> Option<Spent> {
        let end_of_name = line.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(&line[end_of_name + 1..]).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
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

/// Every process there is. One that starts or ends during the look may be in it or not.
pub(super) fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Stat::of).collect()
}

/// Whether the process carries the mark. False where we may not look.
pub(super) fn carries(pid: u32, mark: &Mark) -> bool {
    let Ok(file) = fs::File::open(format!("/proc/{pid}/environ")) else { return false };
    let mut environ = Vec::new();
    // A process that ends meanwhile fails the read: what was read until then counts.
    let _ = file.take(ENVIRON_LIMIT).read_to_end(&mut environ);
    environ.split(|byte| *byte == 0).any(|entry| {
        let rest = entry.strip_prefix(mark.name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        rest == Some(mark.value.as_bytes())
    })
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
        assert_eq!(stat, Stat { pid: 42, parent: 7, session: 9, start: 5551, ended: false });
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
