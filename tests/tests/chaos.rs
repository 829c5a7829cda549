//! A short run of `make chaos`.
#![cfg(target_os = "linux")]

use blackbox::chaos;

/// The seed of the run in `make test`: the same trials each time.
const SEED: u64 = 20_261_120;

#[test]
fn whatever_is_killed_nothing_is_lost() -> anyhow::Result<()> {
    let tally = chaos::play(30, SEED, 2, |_| {})?;
    println!("{tally}");
    assert_eq!(tally.trials, 30);
    assert!(tally.lines > 300 && tally.done.len() > 5, "too little was tried: {tally}");
    Ok(())
}
