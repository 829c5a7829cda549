//! How old the known prices are. The prices themselves are the engine's; its tests hold that they are of this day.

use contract::Time;
use jiff::Timestamp;

/// The day of which the known prices are.
pub const DATE: &str = "2026-11-01";

/// Days after which prices may have changed.
const DAYS: i64 = 180;

/// Whether the known prices are so old that they may have changed.
pub fn are_stale(now: Time) -> bool {
    let of = format!("{DATE}T00:00:00Z").parse::<Timestamp>().unwrap_or_default();
    now.0.saturating_sub(of.as_millisecond()) > DAYS * 24 * 60 * 60 * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_stale_half_a_year_after_their_day() {
        let day = |text: &str| Time(text.parse::<Timestamp>().unwrap().as_millisecond());
        assert!(!are_stale(day("2026-11-20T00:00:00Z")) && !are_stale(day("2027-04-30T00:00:00Z")));
        assert!(are_stale(day("2027-05-01T00:00:00Z")) && !are_stale(Time(0)));
    }
}
