//! What processes use of memory and processor.

use super::proc::{Spent, proportional_memory, system_number};
use crate::{Identity, Usage};

/// Finding out how much of a process's memory is shared walks all of it: beyond this size, what it holds is taken whole.
const LARGE: u64 = 256 * 1024 * 1024;
/// Of how many processes the shared memory is told apart; a tree of more is one of many small ones.
const MANY: usize = 64;

pub(crate) fn used_by(processes: &[Identity]) -> Usage {
    let mut used = Usage::default();
    let mut ticks = 0;
    for (nth, process) in processes.iter().enumerate() {
        let Some(spent) = Spent::of(process.pid).filter(|_| process.is_alive()) else { continue };
        let resident = spent.pages.saturating_mul(system_number(libc::_SC_PAGESIZE, 4096));
        let shared_out = if nth < MANY && resident <= LARGE { proportional_memory(process.pid) } else { None };
        used.processes += 1;
        used.memory_bytes =
            used.memory_bytes.saturating_add(i64::try_from(shared_out.unwrap_or(resident)).unwrap_or(i64::MAX));
        ticks += spent.ticks;
    }
    let a_second = system_number(libc::_SC_CLK_TCK, 100);
    used.cpu_ms = i64::try_from(ticks.saturating_mul(1000) / a_second).unwrap_or(i64::MAX);
    used
}
