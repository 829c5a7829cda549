//! How far a job is, and when it will be done. Pure arithmetic; who has nothing to say says nothing.

use crate::{Stages, Time};

/// The most that a job which has not ended is said to be done.
pub const MOST: i64 = 99;
/// Below this share of the work nothing is foretold from it.
const TELLING: i64 = 5;

/// A stage of staged work: its share of the whole in percent, and how long it takes on average, in milliseconds.
/// From the task runner's stage table.
const STAGES: [(&str, i64, i64); 5] = [
    ("architect", 20, 30_000),
    ("coder", 50, 100_000),
    ("reviewer", 20, 20_000),
    ("tester", 10, 30_000),
    ("security", 0, 25_000),
];
/// How long a stage takes that the table does not have, in milliseconds.
const OTHER_STAGE_MS: i64 = 30_000;
/// The stages that are still to come where they are not done: the others are run only where they are asked for.
const EXPECTED: [&str; 3] = ["architect", "coder", "reviewer"];

/// How much of the work is done, 0 to [`MOST`], from steps done of steps known. 0 where none is known.
pub fn of_steps(done: i64, total: i64) -> i64 {
    if total <= 0 {
        return 0;
    }
    let percent = i128::from(done.max(0)) * 100 / i128::from(total);
    i64::try_from(percent).unwrap_or(MOST).min(MOST)
}

/// How much of staged work is done, 0 to 100: each stage by its share, the one at hand for half.
pub fn of_stages(stages: &Stages) -> i64 {
    let share = |name: &str| stage(name).map_or(0, |(_, share, _)| *share);
    let done = |name: &str| stages.completed.iter().any(|completed| completed == name);
    let whole: i64 = STAGES.iter().filter(|(name, _, _)| done(name)).map(|(_, share, _)| share).sum();
    let half = if done(&stages.current) { 0 } else { share(&stages.current) };
    (whole + half / 2).min(100)
}

/// How long staged work still takes, in milliseconds: half of the stage at hand, and the expected ones that are not
/// done.
pub fn left_of_stages(stages: &Stages) -> i64 {
    let takes = match stages.current.as_str() {
        "" => 0,
        name => stage(name).map_or(OTHER_STAGE_MS, |(_, _, takes)| *takes),
    };
    let to_come = EXPECTED.iter().filter(|name| **name != stages.current);
    let to_come = to_come.filter(|name| !stages.completed.iter().any(|completed| completed == *name));
    takes / 2 + to_come.filter_map(|name| stage(name)).map(|(_, _, takes)| takes).sum::<i64>()
}

/// Whether work of that name is a stage.
pub fn is_stage(name: &str) -> bool {
    stage(name).is_some()
}

fn stage(name: &str) -> Option<&'static (&'static str, i64, i64)> {
    STAGES.iter().find(|(stage, _, _)| *stage == name)
}

/// What is known of a job that is at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// When it began.
    pub started_at: Time,
    /// How long it has waited since, in milliseconds.
    pub waited_ms: i64,
    /// How much was done ([`of_steps`], [`of_stages`]) when that last changed, and when.
    pub reached: Option<(i64, Time)>,
    /// How long jobs of its kind took, waits left out, in milliseconds.
    pub typical_ms: Option<i64>,
}

/// When the job will be done. From its own pace, once enough of it is done to tell; from jobs of its kind; from both,
/// its own pace counting for as much as it has done. `None` where there is neither.
pub fn eta(pace: &Pace) -> Option<Time> {
    let began = pace.started_at.0.saturating_add(pace.waited_ms.max(0));
    let own = pace.reached.filter(|(percent, _)| *percent >= TELLING).map(|(percent, at)| {
        let worked = at.0.saturating_sub(began).max(0);
        (percent.min(MOST), i128::from(worked) * 100 / i128::from(percent.min(MOST)))
    });
    let whole = match (own, pace.typical_ms) {
        (Some((_, whole)), None) => whole,
        (None, Some(typical)) => i128::from(typical.max(0)),
        (Some((percent, whole)), Some(typical)) => {
            (whole * i128::from(percent) + i128::from(typical.max(0)) * i128::from(100 - percent)) / 100
        }
        (None, None) => return None,
    };
    Some(Time(began.saturating_add(i64::try_from(whole).unwrap_or(i64::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_has_not_ended_is_not_done() {
        assert_eq!((of_steps(0, 0), of_steps(1, 4), of_steps(4, 4), of_steps(9, 4)), (0, 25, MOST, MOST));
        assert_eq!(of_steps(-3, 4), 0);
    }

    #[test]
    fn who_knows_nothing_says_nothing() {
        let fresh = Pace { started_at: Time(1_000), ..Pace::default() };
        assert_eq!(eta(&fresh), None);
        assert_eq!(eta(&Pace { reached: Some((4, Time(2_000))), ..fresh }), None);
        assert_eq!(eta(&Pace { reached: Some((25, Time(2_000))), ..fresh }), Some(Time(5_000)));
        assert_eq!(eta(&Pace { typical_ms: Some(9_000), ..fresh }), Some(Time(10_000)));
        let both = Pace { reached: Some((50, Time(2_000))), typical_ms: Some(4_000), ..fresh };
        assert_eq!(eta(&both), Some(Time(4_000)));
        let waited = Pace { waited_ms: 500, reached: Some((50, Time(2_000))), ..fresh };
        assert_eq!(eta(&waited), Some(Time(2_500)));
    }

    proptest! {
        #[test]
        fn no_figures_break_it(
            started in any::<i64>(), waited in any::<i64>(), percent in any::<i64>(), at in any::<i64>(),
            typical in prop::option::of(any::<i64>()), done in any::<i64>(), total in any::<i64>(),
        ) {
            let pace = Pace {
                started_at: Time(started), waited_ms: waited, reached: Some((percent, Time(at))), typical_ms: typical,
            };
            let _ = eta(&pace);
            prop_assert!((0..=MOST).contains(&of_steps(done, total)));
        }
    }
}
