//! The clocks of a run: how long it has worked, and how long it has shown no sign of work. They stand while nobody can
//! go on. Pure: who owns them says what time it is, from a clock that only goes forward.
//!
//! A machine that slept and a worker that was stopped for a while wake up late. What is more than twice the usual gap
//! between two looks is taken for that, and does not count.

use std::time::Duration;

use contract::{Error, ErrorCode, RunLimits};
use serde_json::json;
use tokio::time::Instant;

/// The time from one look to the next, at least and at most; between them a twentieth of the shortest limit.
const STEP: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// The clocks of one run.
pub(crate) struct Clocks {
    wall: Option<Duration>,
    first_output: Option<Duration>,
    silence: Option<Duration>,
    /// How long it has worked.
    worked: Duration,
    /// How long there has been no sign of work.
    quiet: Duration,
    /// Whether it has said or done anything yet.
    has_spoken: bool,
    standing: bool,
    /// The usual time from one look to the next.
    step: Duration,
    looked: Instant,
}

impl Clocks {
    /// Clocks that begin to run now.
    pub fn new(limits: &RunLimits, now: Instant) -> Clocks {
        let limit = |ms: u64| (ms > 0).then(|| Duration::from_millis(ms));
        let (wall, first_output, silence) =
            (limit(limits.wall_ms), limit(limits.first_output_ms), limit(limits.silence_ms));
        let shortest = [wall, first_output, silence].into_iter().flatten().min().unwrap_or(STEP.1);
        let step = (shortest / 20).clamp(STEP.0, STEP.1);
        let (worked, quiet) = (Duration::ZERO, Duration::ZERO);
        Clocks { wall, first_output, silence, worked, quiet, has_spoken: false, standing: false, step, looked: now }
    }

    /// Takes in a sign of work: an event, a piece of a message, output of a command. `speaks`: one that counts as the
    /// first output.
    pub fn sign(&mut self, speaks: bool, now: Instant) {
        self.pass(now);
        self.quiet = Duration::ZERO;
        self.has_spoken |= speaks;
    }

    /// Stops the clocks, or lets them go on.
    pub fn stand(&mut self, standing: bool, now: Instant) {
        self.pass(now);
        self.standing = standing;
    }

    /// When to look again, if nothing happens before; `None` while nothing can run out.
    ///
    /// # Errors
    /// The limit that is reached: `run.time_reached`, `run.no_output`, `run.silent`.
    pub fn look(&mut self, now: Instant) -> Result<Option<Duration>, Error> {
        self.pass(now);
        let first_output = self.first_output.filter(|_| !self.has_spoken);
        let clocks = [
            (self.wall, self.worked, Limit::Wall),
            (first_output, self.worked, Limit::FirstOutput),
            (self.silence, self.quiet, Limit::Silence),
        ];
        let mut next: Option<Duration> = None;
        for (most, so_far, limit) in clocks {
            let Some(most) = most else { continue };
            let left = most.saturating_sub(so_far);
            if left.is_zero() {
                return Err(limit.reached(most));
            }
            next = Some(next.map_or(left, |next| next.min(left)));
        }
        Ok(next.filter(|_| !self.standing).map(|next| next.min(self.step)))
    }

    /// Takes in the time since the last look.
    fn pass(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.looked).min(self.step * 2);
        self.looked = now;
        if !self.standing {
            self.worked += passed;
            self.quiet += passed;
        }
    }
}

/// A limit in time.
#[derive(Clone, Copy)]
enum Limit {
    Wall,
    FirstOutput,
    Silence,
}

impl Limit {
    fn reached(self, most: Duration) -> Error {
        let most = in_words(most);
        let (code, what, setting, advice) = match self {
            Limit::Wall => (
                ErrorCode::RUN_TIME,
                format!("The run reached its limit of {most} of work."),
                "run_minutes",
                "Split the work into smaller briefs, or allow more time",
            ),
            Limit::FirstOutput => (
                ErrorCode::RUN_NO_OUTPUT,
                format!("The run said and did nothing in its first {most}, which is the limit."),
                "run_first_output_minutes",
                "See whether the provider answers, or allow more time",
            ),
            Limit::Silence => (
                ErrorCode::RUN_SILENT,
                format!("The run showed no sign of work for {most}, which is the limit."),
                "run_silence_minutes",
                "See what it did last, or allow more time",
            ),
        };
        limit_error(code, what, setting, advice)
    }
}

/// A limit's error: what was reached, and the setting that changes it.
pub(crate) fn limit_error(code: ErrorCode, what: String, setting: &str, advice: &str) -> Error {
    let fix = format!("{advice} with `aicib settings set {setting} N` (0 for no limit); then restart the job.");
    Error::new(code, what, fix).with(json!({ "setting": setting }))
}

/// A time as people say it.
fn in_words(time: Duration) -> String {
    let (count, unit) = match time.as_secs() {
        0 => return format!("{} ms", time.as_millis()),
        seconds if seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn limits(wall: u64, first_output: u64, silence: u64) -> RunLimits {
        RunLimits {
            wall_ms: wall * 60_000,
            first_output_ms: first_output * 60_000,
            silence_ms: silence * 60_000,
            ..RunLimits::default()
        }
    }

    /// Looks whenever it is told to, for at most that long. The limit that was reached, and after how long.
    fn run(clocks: &mut Clocks, now: &mut Instant, most: Duration) -> Option<(String, Duration)> {
        let began = *now;
        loop {
            match clocks.look(*now) {
                Err(error) => return Some((error.code.as_str().to_owned(), *now - began)),
                Ok(wait) if *now - began >= most || wait.is_none() => return None,
                Ok(wait) => *now += wait.unwrap_or_default(),
            }
        }
    }

    #[test]
    fn each_limit_ends_the_run_on_time_and_says_how_to_change_it() {
        for (limits, code, after, words, setting) in [
            (limits(120, 0, 0), "run.time_reached", 120 * MINUTE, "limit of 120 minutes", "run_minutes N"),
            (limits(120, 10, 30), "run.no_output", 10 * MINUTE, "first 10 minutes", "run_first_output_minutes N"),
            (limits(0, 0, 1), "run.silent", MINUTE, "for 1 minute,", "run_silence_minutes N"),
        ] {
            let mut now = Instant::now();
            let mut clocks = Clocks::new(&limits, now);
            assert_eq!(run(&mut clocks, &mut now, 200 * MINUTE), Some((code.to_owned(), after)));
            let error = clocks.look(now).unwrap_err();
            assert!(error.message.contains(words) && error.fix.contains(setting), "{error}");
        }
    }

    #[test]
    fn without_limits_nobody_is_woken() {
        let now = Instant::now();
        let mut clocks = Clocks::new(&limits(0, 0, 0), now);
        assert_eq!(clocks.look(now).unwrap(), None);
        assert_eq!(clocks.look(now + 10_000 * MINUTE).unwrap(), None);
    }

    #[test]
    fn a_worker_with_the_usual_limits_wakes_up_six_times_a_minute() {
        let now = Instant::now();
        let mut clocks = Clocks::new(&RunLimits::default(), now);
        assert_eq!(clocks.look(now).unwrap(), Some(Duration::from_secs(10)));
    }

    #[test]
    fn signs_of_work_keep_it_alive_but_not_beyond_its_wall_time() {
        let mut now = Instant::now();
        let mut clocks = Clocks::new(&limits(120, 10, 30), now);
        for _ in 0..5 {
            clocks.sign(true, now);
            assert_eq!(run(&mut clocks, &mut now, 23 * MINUTE), None);
        }
        clocks.sign(false, now);
        assert_eq!(run(&mut clocks, &mut now, 9 * MINUTE).map(|(code, _)| code), Some("run.time_reached".into()));
    }

    #[test]
    fn an_event_that_is_no_output_does_not_pass_for_the_first_one() {
        let mut now = Instant::now();
        let mut clocks = Clocks::new(&limits(0, 10, 30), now);
        assert_eq!(run(&mut clocks, &mut now, 9 * MINUTE), None);
        clocks.sign(false, now);
        assert_eq!(run(&mut clocks, &mut now, 2 * MINUTE).map(|(code, _)| code), Some("run.no_output".into()));
    }

    #[test]
    fn they_stand_while_nobody_can_go_on() {
        let mut now = Instant::now();
        let mut clocks = Clocks::new(&limits(120, 10, 30), now);
        assert_eq!(run(&mut clocks, &mut now, 9 * MINUTE), None);
        clocks.stand(true, now);
        assert_eq!(clocks.look(now).unwrap(), None);
        now += 10_000 * MINUTE;
        assert_eq!(clocks.look(now).unwrap(), None);
        clocks.stand(false, now);
        assert!(clocks.look(now).is_ok());
        assert_eq!(run(&mut clocks, &mut now, 3 * MINUTE).map(|(code, _)| code), Some("run.no_output".into()));
    }

    #[test]
    fn who_wakes_up_late_has_not_been_silent() {
        for asleep in [MINUTE, 60 * MINUTE, 24 * 60 * MINUTE] {
            let mut now = Instant::now();
            let mut clocks = Clocks::new(&limits(120, 0, 1), now);
            assert_eq!(run(&mut clocks, &mut now, Duration::from_secs(30)), None);
            now += asleep;
            assert!(clocks.look(now).is_ok(), "asleep for {asleep:?}");
            // And what it does right after waking counts.
            assert_eq!(run(&mut clocks, &mut now, Duration::from_secs(15)), None);
            clocks.sign(true, now);
            assert_eq!(run(&mut clocks, &mut now, Duration::from_secs(57)), None);
        }
    }

    proptest! {
        /// However looks, signs, stops and long sleeps come, no more time counts than has passed, a limit is never
        /// reached while nobody can go on, and after a sign there is the whole silence again.
        #[test]
        fn time_counts_once_at_most(steps in prop::collection::vec((0u8..4, 0u64..100_000), 1..200)) {
            let began = Instant::now();
            let mut now = began;
            let mut clocks = Clocks::new(&limits(30, 10, 5), now);
            let mut stood = Duration::ZERO;
            let mut standing = false;
            for (what, ms) in steps {
                let gap = Duration::from_millis(ms);
                now += gap;
                if standing { stood += gap }
                match what {
                    0 => clocks.sign(ms % 2 == 0, now),
                    1 => { clocks.stand(true, now); standing = true }
                    2 => { clocks.stand(false, now); standing = false }
                    _ => {}
                }
                let looked = clocks.look(now);
                prop_assert!(clocks.worked <= now - began - stood);
                prop_assert!(clocks.quiet <= clocks.worked);
                if what == 0 { prop_assert_eq!(clocks.quiet, Duration::ZERO) }
                if let Ok(Some(wait)) = looked {
                    prop_assert!(!standing && wait <= STEP.1 && !wait.is_zero());
                }
            }
        }
    }
}
