//! Times and lengths as people type them.

use contract::Time;
use jiff::civil::{Date, DateTime, Time as Clocktime};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Zoned};

use crate::context::Clock;
use crate::failure::Failure;
use crate::text::line;

/// Something that names a time.
enum Typed {
    /// A point in time.
    Moment(Timestamp),
    /// A day and a time of day, here.
    Local(DateTime),
    /// A day.
    Day(Date),
    /// A time of day.
    Daytime(Clocktime),
    /// A length of time from now.
    Length(Span),
    /// A length of time before now.
    Ago(Span),
}

/// A time to come, for `--at`. A time of day that has passed means tomorrow's.
pub(crate) fn to_come(typed: &str, clock: &Clock) -> Result<Time, Failure> {
    let wrong = || {
        Failure::usage(format!(
            "--at {:?} is no time: \"14:30\", \"tomorrow 9:00\", \"in 2h\", \"2026-11-21 14:00\" and RFC 3339 are.",
            line(typed, 60)
        ))
    };
    let now = now(clock).ok_or_else(wrong)?;
    let is_past = || {
        let now = now.strftime("%Y-%m-%d %H:%M");
        Failure::usage(format!("--at {:?} is past: it is {now} now.", line(typed, 60)))
    };
    let then = match read(typed, &now).ok_or_else(wrong)? {
        Typed::Moment(then) => Some(then.to_zoned(now.time_zone().clone())),
        Typed::Local(then) => then.to_zoned(now.time_zone().clone()).ok(),
        Typed::Day(day) if day < now.date() => return Err(is_past()),
        Typed::Day(_) => {
            return Err(Failure::usage(format!(
                "--at {:?} needs a time of day, such as \"{} 9:00\".",
                line(typed, 60),
                line(typed, 60)
            )));
        }
        Typed::Daytime(time) => {
            let today = now.date().to_datetime(time).to_zoned(now.time_zone().clone()).ok();
            let tomorrow = || now.date().tomorrow().ok()?.to_datetime(time).to_zoned(now.time_zone().clone()).ok();
            today.filter(|today| *today > now).or_else(tomorrow)
        }
        Typed::Ago(_) => return Err(is_past()),
        Typed::Length(length) => now.checked_add(length).ok(),
    };
    let then = then.ok_or_else(wrong)?;
    if then < now {
        return Err(is_past());
    }
    Ok(Time(then.timestamp().as_millisecond()))
}

/// A time that is past, for `--since`. A length means as long ago, a day its first moment.
pub(crate) fn past(typed: &str, clock: &Clock) -> Result<Time, Failure> {
    let wrong = || {
        Failure::usage(format!(
            "--since {:?} is no time: 2h, 3d, 14:00, yesterday, 2026-11-20 and \"2026-11-20 14:00\" are.",
            line(typed, 60)
        ))
    };
    let now = now(clock).ok_or_else(wrong)?;
    let zone = || now.time_zone().clone();
    let then = match read(typed, &now).ok_or_else(wrong)? {
        Typed::Moment(then) => Some(then.to_zoned(zone())),
        Typed::Local(then) => then.to_zoned(zone()).ok(),
        Typed::Day(day) => day.to_zoned(zone()).ok(),
        Typed::Daytime(time) => now.date().to_datetime(time).to_zoned(zone()).ok(),
        Typed::Length(length) | Typed::Ago(length) => now.checked_sub(length).ok(),
    };
    Ok(Time(then.ok_or_else(wrong)?.timestamp().as_millisecond()))
}

/// A day that is past, or today, for `flag`: `2026-11-20`. A length means as long ago.
pub(crate) fn day(typed: &str, flag: &str, clock: &Clock) -> Result<String, Failure> {
    let wrong =
        || Failure::usage(format!("{flag} {:?} is no day: 2026-11-01, today, yesterday and 30d are.", line(typed, 60)));
    let now = now(clock).ok_or_else(wrong)?;
    let day = match read(typed, &now).ok_or_else(wrong)? {
        Typed::Day(day) => day,
        Typed::Length(length) | Typed::Ago(length) => now.checked_sub(length).map_err(|_| wrong())?.date(),
        Typed::Moment(_) | Typed::Local(_) | Typed::Daytime(_) => return Err(wrong()),
    };
    Ok(day.strftime("%Y-%m-%d").to_string())
}

/// The time so long ago, for `--older-than`.
pub(crate) fn before(typed: &str, flag: &str, clock: &Clock) -> Result<Time, Failure> {
    let length = span(typed).ok_or_else(|| no_length(typed, flag, "30d, 12h or 6mo"))?;
    let then = now(clock).and_then(|now| now.checked_sub(length).ok());
    let then = then.ok_or_else(|| no_length(typed, flag, "30d, 12h or 6mo"))?;
    Ok(Time(then.timestamp().as_millisecond()))
}

/// A length of time, for `--timeout`; in milliseconds.
pub(crate) fn length(typed: &str, flag: &str) -> Result<i64, Failure> {
    let wrong = || no_length(typed, flag, "90s, 10m or 2h");
    let length: SignedDuration =
        span(typed).and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()).ok_or_else(wrong)?;
    i64::try_from(length.as_millis()).ok().filter(|ms| *ms > 0).ok_or_else(wrong)
}

fn no_length(typed: &str, flag: &str, such_as: &str) -> Failure {
    Failure::usage(format!("{flag} {:?} is no length of time: it is said as {such_as}.", line(typed, 60)))
}

/// A length of time that is not negative. A bare number has no unit, and is none.
fn span(typed: &str) -> Option<Span> {
    typed.trim().parse::<Span>().ok().filter(|span| !span.is_negative())
}

fn now(clock: &Clock) -> Option<Zoned> {
    Some(Timestamp::from_millisecond(clock.now.0).ok()?.to_zoned(clock.zone.clone()))
}

fn read(typed: &str, now: &Zoned) -> Option<Typed> {
    let typed = typed.trim();
    let lower = typed.to_lowercase();
    if lower == "now" {
        return Some(Typed::Moment(now.timestamp()));
    }
    if let Some(length) = lower.strip_prefix("in ") {
        return span(length).map(Typed::Length);
    }
    if let Some(length) = lower.strip_suffix(" ago") {
        return span(length).map(Typed::Ago);
    }
    for (name, days) in [("today", 0), ("tomorrow", 1), ("yesterday", -1)] {
        let Some(rest) = lower.strip_prefix(name) else { continue };
        let day = now.date().checked_add(Span::new().days(days)).ok()?;
        let rest = rest.trim().trim_start_matches("at ").trim();
        return if rest.is_empty() {
            Some(Typed::Day(day))
        } else {
            Some(Typed::Local(day.to_datetime(daytime(rest)?)))
        };
    }
    if let Ok(moment) = typed.parse::<Timestamp>() {
        return Some(Typed::Moment(moment));
    }
    if let Some(time) = daytime(&lower) {
        return Some(Typed::Daytime(time));
    }
    if let Some(span) = span(&lower) {
        return Some(Typed::Length(span));
    }
    if let Some((day, time)) = lower.split_once([' ', 't']) {
        return Some(Typed::Local(day.parse::<Date>().ok()?.to_datetime(daytime(time.trim())?)));
    }
    lower.parse::<Date>().ok().map(Typed::Day)
}

/// A time of day: "9:00", "14:30", "14:30:15", "9am", "2:30 pm".
fn daytime(typed: &str) -> Option<Clocktime> {
    ["%H:%M", "%H:%M:%S", "%I%p", "%I %p", "%I:%M%p", "%I:%M %p"]
        .into_iter()
        .find_map(|format| Clocktime::strptime(format, typed).ok())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    /// A Friday noon in Berlin, an hour before UTC's.
    fn clock() -> Clock {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let noon = "2026-11-20T12:00".parse::<DateTime>().unwrap().to_zoned(zone.clone()).unwrap();
        Clock { now: Time(noon.timestamp().as_millisecond()), zone }
    }

    fn shown(time: Time) -> String {
        Timestamp::from_millisecond(time.0).unwrap().to_zoned(clock().zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    #[test]
    fn a_time_to_come_is_said_in_many_ways() {
        for (typed, then) in [
            ("14:30", "2026-11-20 14:30:00"),
            ("9:00", "2026-11-21 09:00:00"),
            ("12:00", "2026-11-21 12:00:00"),
            ("9am", "2026-11-21 09:00:00"),
            ("2:30 PM", "2026-11-20 14:30:00"),
            ("tomorrow 12am", "2026-11-21 00:00:00"),
            ("2026-11-23 9 am", "2026-11-23 09:00:00"),
            ("tomorrow 9:00", "2026-11-21 09:00:00"),
            ("Tomorrow at 09:00", "2026-11-21 09:00:00"),
            ("today 23:59:30", "2026-11-20 23:59:30"),
            ("in 2h", "2026-11-20 14:00:00"),
            ("in 1d 30m", "2026-11-21 12:30:00"),
            ("2h", "2026-11-20 14:00:00"),
            ("2026-11-23 9:00", "2026-11-23 09:00:00"),
            ("2026-11-23T09:00", "2026-11-23 09:00:00"),
            ("2026-11-23T09:00:00Z", "2026-11-23 10:00:00"),
            ("2026-11-23T09:00:00+03:00", "2026-11-23 07:00:00"),
            // The clock jumps over it: the hour after is meant.
            ("2027-03-28 2:30", "2027-03-28 03:30:00"),
        ] {
            assert_eq!(shown(to_come(typed, &clock()).unwrap()), then, "{typed}");
        }
        for typed in [
            "",
            "soon",
            "25:00",
            "13pm",
            "am",
            "in",
            "in -2h",
            "-2h",
            "7",
            "tomorrow",
            "2026-11-23",
            "11:00 tomorrow",
            "in 9999999y",
        ] {
            assert!(matches!(to_come(typed, &clock()), Err(Failure::Usage(_))), "{typed}");
        }
        for typed in ["today 9:00", "yesterday", "2026-11-19", "2 hours ago", "2026-11-19 9:00", "2026-11-20T10:59:59Z"]
        {
            let Err(Failure::Usage(message)) = to_come(typed, &clock()) else { panic!("{typed} is past") };
            assert!(message.contains("is past") && message.contains("2026-11-20 12:00"), "{message}");
        }
    }

    #[test]
    fn a_time_that_is_past_is_said_in_many_ways() {
        for (typed, then) in [
            ("2h", "2026-11-20 10:00:00"),
            ("3d", "2026-11-17 12:00:00"),
            ("2 hours ago", "2026-11-20 10:00:00"),
            ("9:30", "2026-11-20 09:30:00"),
            ("yesterday", "2026-11-19 00:00:00"),
            ("2026-11-20", "2026-11-20 00:00:00"),
            ("2026-11-20 11:00", "2026-11-20 11:00:00"),
            ("2026-11-20T00:00:00Z", "2026-11-20 01:00:00"),
        ] {
            assert_eq!(shown(past(typed, &clock()).unwrap()), then, "{typed}");
        }
        for typed in ["", "7", "-3d", "last week", "2026-13-01"] {
            assert!(matches!(past(typed, &clock()), Err(Failure::Usage(_))), "{typed}");
        }
    }

    #[test]
    fn lengths_have_units() {
        assert_eq!((length("10m", "--timeout").unwrap(), length("1h30m", "--timeout").unwrap()), (600_000, 5_400_000));
        assert_eq!(shown(before("30d", "--older-than", &clock()).unwrap()), "2026-10-21 12:00:00");
        assert_eq!(shown(before("0d", "--older-than", &clock()).unwrap()), "2026-11-20 12:00:00");
        for typed in ["10", "0s", "-1m", "a while", "", "2mo"] {
            let Err(Failure::Usage(message)) = length(typed, "--timeout") else { panic!("{typed} is no length") };
            assert!(message.starts_with("--timeout ") && message.contains("10m"), "{message}");
        }
        assert!(before("30", "--older-than", &clock()).is_err());
    }
}
