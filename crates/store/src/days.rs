//! Local days: money is counted by the founder's day, not by UTC's.

use contract::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

fn zoned(at: Time, zone: TimeZone) -> Zoned {
    let clamped = at.0.clamp(Timestamp::MIN.as_millisecond() + 1, Timestamp::MAX.as_millisecond() - 1);
    Timestamp::from_millisecond(clamped).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone)
}

/// The day of `at` in `zone` (`2026-11-20`).
pub(crate) fn of_in(at: Time, zone: &TimeZone) -> String {
    zoned(at, zone.clone()).date().to_string()
}

/// The moment at which the local day of `at` began.
pub fn start_of_day(at: Time) -> Time {
    zoned(at, TimeZone::system()).start_of_day().map_or(at, |start| Time(start.timestamp().as_millisecond()))
}

/// The local day of `at` (`2026-11-20`).
pub fn day_of(at: Time) -> String {
    of_in(at, &TimeZone::system())
}

/// The local time of `at` as it stands in file names, in order of time (`2026-11-20T081500`).
pub(crate) fn stamp(at: Time) -> String {
    zoned(at, TimeZone::system()).strftime("%Y-%m-%dT%H%M%S%3f").to_string()
}

/// The local time of `at` for people, to the minute (`2026-11-20 08:15`).
pub(crate) fn minute(at: Time) -> String {
    zoned(at, TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The first and last day of the month of `day`, as texts that compare.
pub fn month_of(day: &str) -> (String, String) {
    let month = day.get(..7).unwrap_or(day);
    (format!("{month}-01"), format!("{month}-31"))
}

/// The local days up to the one of `now`, `count` of them, oldest first.
pub fn last_days(now: Time, count: i64) -> Vec<String> {
    let today = zoned(now, TimeZone::system()).date();
    (0..count)
        .rev()
        .filter_map(|back| today.checked_sub(jiff::Span::new().days(back)).ok())
        .map(|day| day.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_founders() {
        let late = Time(1_795_215_600_000); // 2026-11-20T23:00:00Z
        let zone = |name| TimeZone::get(name).unwrap();
        assert_eq!(of_in(late, &TimeZone::UTC), "2026-11-20");
        assert_eq!(of_in(late, &zone("Europe/Berlin")), "2026-11-21");
        assert_eq!(of_in(late, &zone("America/New_York")), "2026-11-20");
        assert_eq!(of_in(Time(i64::MAX), &TimeZone::UTC).len(), 10);
    }

    #[test]
    fn a_fortnight_ends_today() {
        let days = last_days(Time::now(), 14);
        assert_eq!(days.len(), 14);
        assert_eq!(days.last(), Some(&day_of(Time::now())));
        assert!(days.is_sorted());
    }
}
