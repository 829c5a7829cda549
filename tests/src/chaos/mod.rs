//! Random work, random kills, and what must hold after each trial. The same seed plays the same trials; what the
//! machine does in between differs from one run to the next.

mod check;
mod lane;
mod tally;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

pub use tally::Tally;

/// Trials that one home sees: its database stays small, and so are the checks.
const TRIALS_A_HOME: u64 = 25;

/// Spool lines of a home that are not stored once, unchanged and in order.
///
/// # Errors
/// A file or the database does not read.
pub fn lost_lines(home: &std::path::Path) -> anyhow::Result<u64> {
    check::lost_lines(home)
}

/// Plays trials, `lanes` of them at a time, each in a home of its own. `tell` hears of each home that is through.
///
/// # Errors
/// The first thing that did not hold, with the trial and the seed.
pub fn play(trials: u64, seed: u64, lanes: usize, tell: impl Fn(&Tally) + Sync) -> anyhow::Result<Tally> {
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Tally::default());
    let lane = || -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        loop {
            let first = next.fetch_add(TRIALS_A_HOME, Ordering::Relaxed);
            if first >= trials {
                return Ok(());
            }
            let tally = runtime.block_on(lane::play(first..(first + TRIALS_A_HOME).min(trials), seed));
            if tally.is_err() {
                // What one has found is enough.
                next.store(trials, Ordering::Relaxed);
            }
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            sum.add(&tally?);
            tell(&sum);
        }
    };
    std::thread::scope(|scope| {
        let playing: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        let mut ended = anyhow::Ok(());
        for lane in playing {
            let lane = lane.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a lane broke off")));
            ended = ended.and(lane);
        }
        ended
    })?;
    Ok(sum.into_inner().unwrap_or_else(PoisonError::into_inner))
}
