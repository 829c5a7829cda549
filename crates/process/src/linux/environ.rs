//! Whether a process carries a mark in its environment. What was read is remembered: there may be thousands of
//! processes, and they are looked at several times a second.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::proc::Stat;
use crate::stop::Mark;

/// How much of an environment is looked at. The system allows a program no more than 6 MB of arguments and
/// environment unless its stack limit was raised.
const LIMIT: u64 = 8 * 1024 * 1024;
/// What the names of variables begin with that are remembered. Marks of other names are read each time.
const OURS: &[u8] = b"AICIB_";
/// How many bytes of such variables are remembered of one process.
const REMEMBERED: usize = 4096;
/// After how long a read counts as stuck: the process hangs in the kernel, with its memory locked.
const STUCK: Duration = Duration::from_secs(1);

/// One program in one process: executing another one gives the environment another place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Program {
    pid: u32,
    start: u64,
    env_start: u64,
}

impl From<&Stat> for Program {
    fn from(stat: &Stat) -> Program {
        Program { pid: stat.pid, start: stat.start, env_start: stat.env_start }
    }
}

enum Known {
    /// The variables with names of ours, each followed by a zero byte.
    Variables(Box<[u8]>),
    /// It is being read since then.
    Reading(Instant),
}

static KNOWN: LazyLock<Mutex<HashMap<Program, Known>>> = LazyLock::new(Mutex::default);

fn known() -> MutexGuard<'static, HashMap<Program, Known>> {
    // Every change is a single insert or removal.
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the process carries the mark. Not where we may not look, nor where the process hangs so that nobody can. None
/// if it ended before it could be looked at.
pub(super) fn carries(stat: &Stat, mark: &Mark) -> Option<bool> {
    let wanted = [mark.name.as_bytes(), b"=", mark.value.as_bytes()].concat();
    if !wanted.starts_with(OURS) {
        return read(stat).map(|environ| holds(&environ, &wanted));
    }
    let program = Program::from(stat);
    match known().get(&program) {
        Some(Known::Variables(variables)) => return Some(holds(variables, &wanted)),
        Some(Known::Reading(since)) if since.elapsed() > STUCK => return Some(false),
        _ => {}
    }
    known().entry(program).or_insert_with(|| Known::Reading(Instant::now()));
    let Some(environ) = read(stat) else {
        known().remove(&program);
        return None;
    };
    let ours = environ.split_inclusive(|byte| *byte == 0).filter(|variable| variable.starts_with(OURS));
    let ours = ours.collect::<Vec<_>>().concat();
    let found = holds(&ours, &wanted);
    // Without a place there is no telling when it changes, unless there is nothing to see.
    if ours.len() <= REMEMBERED && (stat.env_start != 0 || environ.is_empty()) {
        known().insert(program, Known::Variables(ours.into()));
    } else {
        known().remove(&program);
    }
    Some(found)
}

/// Forgets the programs that are not among these.
pub(super) fn forget_others<'a>(all: impl ExactSizeIterator<Item = &'a Stat>) {
    let mut known = known();
    // Rarely: most looks find what the last one found.
    if known.len() > all.len() + all.len() / 4 + 16 {
        let there: HashMap<Program, Known> = all.filter_map(|stat| known.remove_entry(&stat.into())).collect();
        *known = there;
    }
}

fn holds(environ: &[u8], wanted: &[u8]) -> bool {
    environ.split(|byte| *byte == 0).any(|variable| variable == wanted)
}

/// Empty where we may not look, none if the process has ended.
fn read(stat: &Stat) -> Option<Vec<u8>> {
    let mut environ = Vec::new();
    if let Ok(file) = std::fs::File::open(format!("/proc/{}/environ", stat.pid)) {
        // A process that ends meanwhile fails the read: what was read until then counts.
        let _ = file.take(LIMIT).read_to_end(&mut environ);
    }
    // One that is just ending has lost its memory, and with it the place, before it says so.
    let is_there = || Stat::of(stat.pid).is_some_and(|now| Program::from(&now) == stat.into() && !now.ended);
    (!environ.is_empty() || stat.env_start == 0 || is_there()).then_some(environ)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_variable_counts() {
        let environ = b"PATH=/bin\0AICIB_RUN=/h:12\0X=AICIB_RUN=/h:1\0";
        assert!(holds(environ, b"AICIB_RUN=/h:12"));
        assert!(!holds(environ, b"AICIB_RUN=/h:1"));
        assert!(!holds(b"", b"AICIB_RUN=/h:1"));
    }

    #[test]
    fn another_program_in_the_same_process_is_read_anew() {
        let own = Stat::of(std::process::id()).unwrap();
        let mark = Mark::new("AICIB_NEVER_SET", "1");
        assert_eq!(carries(&own, &mark), Some(false));
        let elsewhere = Stat { env_start: own.env_start + 1, ..own };
        known().insert((&own).into(), Known::Variables(b"AICIB_NEVER_SET=1\0".as_slice().into()));
        assert_eq!(carries(&own, &mark), Some(true), "what is known is not read again");
        assert_eq!(carries(&elsewhere, &mark), Some(false));
        forget_others([].iter());
        known().remove(&(&own).into());
        known().remove(&(&elsewhere).into());
    }

    #[test]
    fn one_that_has_ended_is_told_from_one_without_the_mark() {
        let own = Stat::of(std::process::id()).unwrap();
        let earlier = Stat { pid: 4_194_305, start: 1, env_start: 9, ..own };
        assert_eq!(carries(&earlier, &Mark::new("AICIB_NEVER_SET", "1")), None);
        assert_eq!(carries(&earlier, &Mark::new("NEVER_SET", "1")), None);
    }

    #[test]
    fn a_read_that_is_stuck_is_not_joined() {
        let own = Stat { env_start: 7, ..Stat::of(std::process::id()).unwrap() };
        let Some(long_ago) = Instant::now().checked_sub(2 * STUCK) else { return };
        known().insert((&own).into(), Known::Reading(long_ago));
        assert_eq!(carries(&own, &Mark::new("AICIB_NEVER_SET", "1")), Some(false));
        assert!(matches!(known().remove(&(&own).into()), Some(Known::Reading(_))), "it was not read");
    }
}
