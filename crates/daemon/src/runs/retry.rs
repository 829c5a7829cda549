//! Whether a job whose run failed is tried again, and when.

use contract::{Error, ErrorCode, Time};
use store::LONGEST_RETRY_MS;

/// The pause before the second run, in milliseconds, and what it grows by with each further one.
const FIRST_MS: i64 = 30_000;
const GROWS: i64 = 4;

/// Failures that may pass, and that another run by itself is no answer to: the founder is to know of them.
const FOR_THE_FOUNDER: [ErrorCode; 14] = [
    ErrorCode::RUN_INTERRUPTED,
    ErrorCode::RUN_SPAWN,
    ErrorCode::DISK_FULL,
    ErrorCode::RUN_TIME,
    ErrorCode::RUN_TURNS,
    ErrorCode::RUN_NO_OUTPUT,
    ErrorCode::RUN_SILENT,
    ErrorCode::RUN_OUTPUT,
    ErrorCode::BUDGET_BRIEF,
    ErrorCode::BUDGET_DAILY,
    ErrorCode::BUDGET_MONTHLY,
    ErrorCode::BUDGET_SESSION,
    ErrorCode::BUDGET_AGENT,
    ErrorCode::RUN_LOOP,
];

/// What counts when a job is to be tried again.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    /// Runs that the job has had, the one that just failed included.
    pub attempts: i64,
    /// How often it may be tried again.
    pub retries: i64,
    /// Now.
    pub now: Time,
}

impl Tries {
    /// When the next run is due; `None` where there is to be none. A run that changed anything is not repeated.
    pub fn next(&self, error: &Error, effects: bool) -> Option<Time> {
        if effects || !error.retryable || FOR_THE_FOUNDER.contains(&error.code) || self.attempts > self.retries {
            return None;
        }
        let grown = (1..self.attempts).try_fold(FIRST_MS, |pause, _| pause.checked_mul(GROWS));
        Some(Time(self.now.0.saturating_add(grown.unwrap_or(LONGEST_RETRY_MS).min(LONGEST_RETRY_MS))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage() -> Error {
        let error = Error::new(ErrorCode::PROVIDER_DOWN, "The provider is away.", "Try again.");
        assert!(error.retryable);
        error
    }

    #[test]
    fn pauses_grow_to_half_an_hour_and_tries_end() {
        let pause =
            |attempts| Tries { attempts, retries: 10, now: Time(0) }.next(&outage(), false).map(|at| at.0 / 1000);
        let pauses: Vec<_> = (1..=6).map(pause).collect();
        assert_eq!(pauses, [Some(30), Some(120), Some(480), Some(1800), Some(1800), Some(1800)]);
        assert_eq!((pause(10), pause(11), pause(i64::MAX)), (Some(1800), None, None));
        assert!(Tries { attempts: 1, retries: 0, now: Time(0) }.next(&outage(), false).is_none());
    }

    #[test]
    fn what_had_effects_or_is_for_the_founder_is_not_repeated() {
        let tries = Tries { attempts: 1, retries: 2, now: Time(0) };
        assert!(tries.next(&outage(), true).is_none());
        for code in FOR_THE_FOUNDER {
            assert!(tries.next(&Error::new(code.clone(), "", ""), false).is_none(), "{code:?}");
        }
        assert!(tries.next(&Error::new(ErrorCode::PROVIDER_AUTH, "", ""), false).is_none());
    }
}
