//! Random work, random kills, and what must hold after each trial. The same seed plays the same trials; what the
//! machine does in between differs from one run to the next.

mod check;
mod lane;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;

pub use tally::Tally;

/// Trials that one home sees: its database stays small, and so are the checks.
const TRIALS_A_HOME: u64 = 25;

/// Spool lines of a home that are not stored once, unchanged and in order.
///
/// # Errors
/// A file or the database does not read.
pub async fn lost_lines(home: &std::path::Path) -> anyhow::Result<u64> {
    check::lost_lines(home).await
}

/// Plays trials, `lanes` of them at a time, each in a home of its own. `tell` hears of each home that is through.
///
/// # Errors
/// The first thing that did not hold, with the trial and the seed.
pub async fn play(
    trials: u64,
    seed: u64,
    lanes: usize,
    tell: impl Fn(&Tally) + Send + Sync + 'static,
) -> anyhow::Result<Tally> {
    let next = Arc::new(AtomicU64::new(0));
    let sum = Arc::new(std::sync::Mutex::new(Tally::default()));
    let tell = Arc::new(tell);
    let mut playing = tokio::task::JoinSet::new();
    for _ in 0..lanes {
        let (next, sum, tell) = (next.clone(), sum.clone(), tell.clone());
        playing.spawn(async move {
            loop {
                let first = next.fetch_add(TRIALS_A_HOME, Ordering::Relaxed);
                if first >= trials {
                    return anyhow::Ok(());
                }
                let last = (first + TRIALS_A_HOME).min(trials);
                let tally = lane::play(first..last, seed).await?;
                let mut sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                sum.add(&tally);
                tell(&sum);
            }
        });
    }
    while let Some(ended) = playing.join_next().await {
        ended.context("a lane broke off")??;
    }
    let sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    Ok(sum)
}
