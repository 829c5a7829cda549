//! One grace for all that takes part in a stop.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long processes may take to end when told to. Clones share one clock: once a stop has begun, whoever comes later
/// has only what is left of the grace, so that one is never followed by another.
#[derive(Clone, Debug)]
pub struct Grace {
    length: Duration,
    began: Arc<OnceLock<Instant>>,
}

impl Grace {
    /// A grace of that length, whose clock stands still.
    pub fn new(length: Duration) -> Grace {
        Grace { length, began: Arc::default() }
    }

    /// The stop begins, unless it has already.
    pub fn begin(&self) {
        self.began.get_or_init(Instant::now);
    }

    /// What is left of it: all of it before the stop has begun, nothing at its end.
    pub fn left(&self) -> Duration {
        self.began.get().map_or(self.length, |began| self.length.saturating_sub(began.elapsed()))
    }
}

impl From<Duration> for Grace {
    fn from(length: Duration) -> Grace {
        Grace::new(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_still_until_the_stop_begins_and_is_shared() {
        let grace = Grace::new(Duration::from_secs(60));
        let other = grace.clone();
        assert_eq!(grace.left(), Duration::from_secs(60));
        grace.begin();
        let first = other.left();
        assert!(first < Duration::from_secs(60));
        other.begin();
        assert!(grace.left() <= first, "a second beginning does not give it back");
        let none = Grace::from(Duration::ZERO);
        none.begin();
        assert_eq!(none.left(), Duration::ZERO);
    }
}
