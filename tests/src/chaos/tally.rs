//! What was done, and what came of it.

use std::collections::BTreeMap;
use std::fmt;

/// Counts of trials, kills and ends.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Trials that are through.
    pub trials: u64,
    /// What was done to whom ("kill -9 daemon").
    pub done: BTreeMap<&'static str, u64>,
    /// Jobs by the state they ended in.
    pub ended: BTreeMap<String, u64>,
    /// Spool lines that were compared with what is stored.
    pub lines: u64,
    /// Databases whose projections were made again and compared.
    pub rebuilt: u64,
}

impl Tally {
    pub(super) fn did(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Tally) {
        self.trials += other.trials;
        self.lines += other.lines;
        self.rebuilt += other.rebuilt;
        for (what, count) in &other.done {
            *self.done.entry(what).or_default() += count;
        }
        for (state, count) in &other.ended {
            *self.ended.entry(state.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: Vec<String>| counts.join(", ");
        writeln!(f, "trials         {}", self.trials)?;
        writeln!(f, "done           {}", list(self.done.iter().map(|(what, n)| format!("{what} {n}")).collect()))?;
        writeln!(f, "jobs           {}", list(self.ended.iter().map(|(state, n)| format!("{state} {n}")).collect()))?;
        writeln!(f, "spool lines    {}, each stored once and in order", self.lines)?;
        write!(f, "projections    made again {} times, always the same", self.rebuilt)
    }
}
