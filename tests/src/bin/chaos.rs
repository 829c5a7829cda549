//! `make chaos TRIALS=1000 SEED=7`: random kills over random work, and what must hold after each trial.

use std::time::Instant;

use anyhow::Context;
use blackbox::chaos;

/// Homes that are played at the same time: a kill meets a machine that is busy.
const LANES: usize = 3;

fn main() -> anyhow::Result<()> {
    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().with_context(|| format!("{name} is no number: {text}")),
        _ => Ok(default),
    };
    let trials = number("TRIALS", 100)?;
    let seed = number("SEED", contract::Time::now().0.cast_unsigned() % 1_000_000)?;
    println!("{trials} trials of seed {seed}, {LANES} homes at a time");
    let began = Instant::now();
    let tally = chaos::play(trials, seed, LANES, |sum| {
        println!("{:>6} trials, {:>5} s, no fault", sum.trials, began.elapsed().as_secs());
    })?;
    println!("\n{tally}\nfaults         0\nseed           {seed}\ntook           {} s", began.elapsed().as_secs());
    Ok(())
}
