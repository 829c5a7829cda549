//! Text for a terminal: nothing in it but text, and amounts as people read them.

use std::fmt::Write as _;

use contract::{Money, Time};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `text` without anything that a terminal acts on: escape sequences, control characters but line ends and tabs, marks
/// that reorder text. What agents say is hostile.
pub(crate) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_until(&mut chars, |c| ('\u{40}'..='\u{7e}').contains(&c)),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => {}
            c => out.push(c),
        }
    }
    out
}

/// `text` in one line of at most `max` characters, safe.
pub(crate) fn line(text: &str, max: usize) -> String {
    contract::one_line(&safe(text), max)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.next_if(|c| !c.is_control()) {
        Some('[') => skip_until(chars, |c| ('\u{40}'..='\u{7e}').contains(&c)),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars),
        Some(c) if ('\u{20}'..='\u{2f}').contains(&c) => {
            skip_until(chars, |c| ('\u{30}'..='\u{7e}').contains(&c));
        }
        _ => {}
    }
}

/// Skips parameters up to and with the character that ends them; a line end ends them as well, and stays.
fn skip_until(chars: &mut Chars<'_>, is_end: impl Fn(char) -> bool) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        if is_end(c) {
            return;
        }
    }
}

/// Skips a string up to its terminator (BEL, ST); a line end ends it as well, and stays.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if chars.next_if_eq(&'\\').is_some() => return,
            _ => {}
        }
    }
}

/// A time of day in the zone ("14:03:59"); with its date where that is not today.
pub(crate) fn clock(time: Time, now: Time, zone: &TimeZone) -> String {
    let (Ok(then), Ok(now)) = (Timestamp::from_millisecond(time.0), Timestamp::from_millisecond(now.0)) else {
        return "?".into();
    };
    let (then, now) = (then.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    if then.date() == now.date() {
        then.strftime("%H:%M:%S").to_string()
    } else {
        then.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

/// A length of time ("12 ms", "0.4 s", "12 s", "3 min 05 s", "2 h 10 min").
pub(crate) fn length(ms: i64) -> String {
    let ms = ms.max(0);
    let seconds = ms / 1000;
    if ms < 100 {
        return format!("{ms} ms");
    }
    match seconds {
        0..=9 => format!("{}.{} s", seconds, ms % 1000 / 100),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A number with its noun ("1 process", "3 processes").
pub(crate) fn count(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// How near spending is to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Band {
    /// Below half of it, or there is none.
    Calm,
    /// Half of it or more.
    Warn,
    /// Four fifths of it or more.
    Alarm,
}

/// Spending against its limit, in words, and how near it is.
pub(crate) fn spend(spent: Money, limit: Money) -> (String, Band) {
    if limit <= Money::ZERO {
        return (format!("{spent}, no limit"), Band::Calm);
    }
    let percent = spent.as_dollars() / limit.as_dollars() * 100.0;
    let band = if percent >= 80.0 {
        Band::Alarm
    } else if percent >= 50.0 {
        Band::Warn
    } else {
        Band::Calm
    };
    let mut text = format!("{spent} of {limit}");
    // Writing to a string cannot fail.
    let _ok = write!(text, " ({percent:.0} %)");
    (text, band)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_left_out() {
        for (hostile, plain) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;owned\u{7}title", "title"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("\u{9b}2Jgone", "gone"),
            ("\u{90}q\u{9c}sixel", "sixel"),
            ("\u{1b}(Bset", "set"),
            ("\u{1b}creset", "reset"),
            ("a\rb\u{8}\u{7f}c", "abc"),
            ("tab\tand\nline", "tab\tand\nline"),
            ("\u{202e}evil", "evil"),
            ("\u{1b}[", ""),
            ("\u{1b}]never ends\nbut the line does", "\nbut the line does"),
            ("👩\u{200d}💻 ok", "👩\u{200d}💻 ok"),
        ] {
            assert_eq!(safe(hostile), plain, "{hostile:?}");
        }
    }

    #[test]
    fn lengths_read_well() {
        let shown: Vec<_> = [-5, 420, 8_240, 12_000, 185_000, 7_800_000].into_iter().map(length).collect();
        assert_eq!(shown, ["0 ms", "0.4 s", "8.2 s", "12 s", "3 min 05 s", "2 h 10 min"]);
    }

    #[test]
    fn bands_begin_at_their_boundary() {
        let dollars = |d: f64| Money::dollars(d).unwrap();
        for (spent, band) in [(24.99, Band::Calm), (25.0, Band::Warn), (39.99, Band::Warn), (40.0, Band::Alarm)] {
            assert_eq!(spend(dollars(spent), dollars(50.0)).1, band, "{spent}");
        }
        assert_eq!(spend(dollars(25.0), dollars(50.0)).0, "$25.00 of $50.00 (50 %)");
        assert_eq!(spend(dollars(25.0), Money::ZERO), ("$25.00, no limit".into(), Band::Calm));
    }
}
