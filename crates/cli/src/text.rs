//! Text for a terminal: nothing in it but text, and amounts as people read them.

use std::fmt::Write as _;

use contract::{Band, Money, Time};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

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

/// The columns that `text` takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// `text` in one line of at most `max` columns, safe. What is longer ends in "…", and no character is cut in two.
pub(crate) fn fit(text: &str, max: usize) -> String {
    // A character takes no column or more: more of them than this cannot be seen, and are not gone through.
    let text = line(text, max.saturating_mul(8).max(64));
    if columns(&text) <= max {
        return text;
    }
    let (mut out, mut used) = (String::new(), 0);
    for grapheme in text.graphemes(true) {
        used += columns(grapheme);
        if used >= max {
            break;
        }
        out.push_str(grapheme);
    }
    out.truncate(out.trim_end().len());
    if max > 0 {
        out.push('…');
    }
    out
}

/// `text` in lines of at most `width` columns, broken between words, safe. A word that is longer has a line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let text = safe(text);
    let mut lines = Vec::new();
    for paragraph in text.trim_end().lines() {
        let (mut out, mut used) = (String::new(), 0);
        for word in paragraph.split_whitespace() {
            let word_columns = columns(word);
            if used > 0 && used + 1 + word_columns > width {
                lines.push(std::mem::take(&mut out));
                used = 0;
            }
            if used > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += word_columns;
        }
        lines.push(out);
    }
    lines
}

/// A whole number with its thousands set apart ("14,200").
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `text` with blanks behind it, up to so many columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// `text` with blanks before it, up to so many columns.
pub(crate) fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
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

/// A day and a time of day, short ("14:03", "19 Nov 14:03", "19 Nov 2025").
pub(crate) fn short_clock(time: Time, now: Time, zone: &TimeZone) -> String {
    let (Ok(then), Ok(now)) = (Timestamp::from_millisecond(time.0), Timestamp::from_millisecond(now.0)) else {
        return "?".into();
    };
    let (then, now) = (then.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = match (then.date() == now.date(), then.year() == now.year()) {
        (true, _) => "%H:%M",
        (false, true) => "%-d %b %H:%M",
        (false, false) => "%-d %b %Y",
    };
    then.strftime(format).to_string()
}

/// A time to come, in full ("today at 14:30", "tomorrow at 09:00", "on Mon 2026-11-23 at 09:00"); with seconds where
/// it is less than a minute away.
pub(crate) fn day_and_time(time: Time, now: Time, zone: &TimeZone) -> String {
    let soon = time.0.saturating_sub(now.0) < 60_000;
    let (Ok(then), Ok(now)) = (Timestamp::from_millisecond(time.0), Timestamp::from_millisecond(now.0)) else {
        return "at a time that no calendar has".into();
    };
    let (then, now) = (then.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let at = then.strftime(if soon { "%H:%M:%S" } else { "%H:%M" });
    if then.date() == now.date() {
        format!("today at {at}")
    } else if now.date().tomorrow().is_ok_and(|tomorrow| tomorrow == then.date()) {
        format!("tomorrow at {at}")
    } else {
        format!("on {} at {at}", then.strftime("%a %Y-%m-%d"))
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

/// A length of time in a word or two, for a column ("8 s", "3m05s", "2h10m", "4d02h").
pub(crate) fn short_length(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// How long something is to take, roughly, as nobody knows it better ("less than a minute", "4 min", "2 h 10 min",
/// "3 days").
pub(crate) fn roughly(ms: i64) -> String {
    // To the nearest minute.
    let minutes = ms.max(0).saturating_add(30_000) / 60_000;
    match minutes {
        0 => "less than a minute".to_owned(),
        1..=59 => format!("{minutes} min"),
        60..=1439 if minutes % 60 == 0 => format!("{} h", minutes / 60),
        60..=1439 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => count(minutes.saturating_add(720) / 1440, "day", "days"),
    }
}

/// An amount of bytes ("512 B", "18 KB", "4.2 MB", "12 GB").
pub(crate) fn bytes(bytes: i64) -> String {
    let bytes = bytes.max(0);
    let mut amount = bytes as f64;
    let mut unit = "B";
    for next in ["KB", "MB", "GB", "TB"] {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = next;
    }
    if unit == "B" || amount >= 10.0 { format!("{amount:.0} {unit}") } else { format!("{amount:.1} {unit}") }
}

/// A number with its noun ("1 process", "3 processes").
pub(crate) fn count(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Spending against its limit, in words, and how near it is.
pub(crate) fn spend(spent: Money, limit: Money) -> (String, Band) {
    if limit <= Money::ZERO {
        return (format!("{spent}, no limit"), Band::Green);
    }
    let percent = spent.as_dollars() / limit.as_dollars() * 100.0;
    let band = if percent >= 80.0 {
        Band::Red
    } else if percent >= 50.0 {
        Band::Yellow
    } else {
        Band::Green
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
    fn what_is_wide_takes_the_columns_it_takes() {
        for (text, shown) in [
            ("Write a page", "Write a page"),
            ("Write a page about us", "Write a page…"),
            ("公司简介和产品说明", "公司简介和产…"),
            ("👩👩👩👩👩👩👩", "👩👩👩👩👩👩…"),
            ("e\u{301}e\u{301} ok", "e\u{301}e\u{301} ok"),
            ("שלום עולם, מה שלומך", "שלום עולם, מ…"),
            ("two\nlines\u{1b}[2J", "two lines"),
            ("", ""),
        ] {
            assert_eq!(fit(text, 13), shown);
            assert!(columns(&fit(text, 13)) <= 13);
        }
        for max in 0..8 {
            assert!(columns(&fit("🇩🇪🇫🇷 公司 family", max)) <= max, "{max}");
        }
        assert_eq!(pad("公", 4), "公  ");
        assert_eq!(pad_left("公", 4), "  公");
        assert_eq!(fit(&"x".repeat(1_000_000), 4), "xxx…");
    }

    #[test]
    fn amounts_and_rough_times_read_well() {
        let amounts: Vec<_> = [-1, 512, 18_432, 4_404_019, 12_884_901_888, i64::MAX].into_iter().map(bytes).collect();
        assert_eq!(amounts, ["0 B", "512 B", "18 KB", "4.2 MB", "12 GB", "8388608 TB"]);
        let rough: Vec<_> =
            [0, 29_999, 240_000, 3_600_000, 7_800_000, 200_000_000, i64::MAX].into_iter().map(roughly).collect();
        assert_eq!(
            rough[..6],
            ["less than a minute", "less than a minute", "4 min", "1 h", "2 h 10 min", "2 days"],
            "{rough:?}"
        );
        let short: Vec<_> = [8_900, 185_000, 7_800_000, 352_800_000].into_iter().map(short_length).collect();
        assert_eq!(short, ["8s", "3m05s", "2h10m", "4d02h"]);
    }

    #[test]
    fn times_say_their_day() {
        let now = Time(1_795_176_000_000); // 2026-11-20 12:00 UTC, a Friday
        let day = 86_400_000;
        let full = |ms: i64| day_and_time(Time(now.0 + ms), now, &TimeZone::UTC);
        assert_eq!(full(9_000_000), "today at 14:30");
        assert_eq!(full(5_000), "today at 12:00:05");
        assert_eq!(full(day - 10_800_000), "tomorrow at 09:00");
        assert_eq!(full(3 * day), "on Mon 2026-11-23 at 12:00");
        let short = |ms: i64| short_clock(Time(now.0 + ms), now, &TimeZone::UTC);
        assert_eq!(
            (short(-60_000), short(-day), short(-400 * day)),
            ("11:59".to_owned(), "19 Nov 12:00".to_owned(), "16 Oct 2025".to_owned())
        );
        assert_eq!(short_clock(Time(i64::MAX), now, &TimeZone::UTC), "?");
    }

    #[test]
    fn lengths_read_well() {
        let shown: Vec<_> = [-5, 420, 8_240, 12_000, 185_000, 7_800_000].into_iter().map(length).collect();
        assert_eq!(shown, ["0 ms", "0.4 s", "8.2 s", "12 s", "3 min 05 s", "2 h 10 min"]);
    }

    #[test]
    fn bands_begin_at_their_boundary() {
        let dollars = |d: f64| Money::dollars(d).unwrap();
        for (spent, band) in [(24.99, Band::Green), (25.0, Band::Yellow), (39.99, Band::Yellow), (40.0, Band::Red)] {
            assert_eq!(spend(dollars(spent), dollars(50.0)).1, band, "{spent}");
        }
        assert_eq!(spend(dollars(25.0), dollars(50.0)).0, "$25.00 of $50.00 (50 %)");
        assert_eq!(spend(dollars(25.0), Money::ZERO), ("$25.00, no limit".into(), Band::Green));
    }
}
