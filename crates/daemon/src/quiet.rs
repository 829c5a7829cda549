//! Whether a notice is told natively now: by its kind, and by the founder's quiet hours.

use contract::{Delivery, Notice, Notify, Settings};
use jiff::civil::Time as Clock;

/// Why a notice is not told; none where it is.
pub fn hushed(settings: &Settings, notice: &Notice, now: Clock) -> Option<Delivery> {
    let notify = &settings.notify;
    if !settings.notifications || !notify.tells(notice.kind) {
        return Some(Delivery::Off);
    }
    let lets_through = notice.urgent && notify.quiet_lets_urgent;
    (is_quiet(notify, now) && !lets_through).then_some(Delivery::Quiet)
}

/// Whether it is quiet at that time of day. Hours that end before they begin go over midnight; those that end when they
/// begin are none.
fn is_quiet(notify: &Notify, now: Clock) -> bool {
    let (Some(from), Some(to)) = (clock(&notify.quiet_from), clock(&notify.quiet_to)) else { return false };
    if from <= to { from <= now && now < to } else { now >= from || now < to }
}

/// A time of day as settings have it (`22:00`).
pub fn clock(text: &str) -> Option<Clock> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |text: &str| text.len() <= 2 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || minute.len() != 2 || !digits(minute) {
        return None;
    }
    Clock::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use contract::{CompanyId, JobId, NoticeId, NoticeKind};

    use super::*;

    fn notice(kind: NoticeKind, urgent: bool) -> Notice {
        Notice {
            notice_id: NoticeId(1),
            job_id: JobId(1),
            company_id: CompanyId(1),
            kind,
            title: String::new(),
            body: String::new(),
            urgent,
            question_id: None,
            decidable: false,
            together: None,
        }
    }

    #[test]
    fn quiet_hours_go_over_midnight_and_end_on_time() {
        let notify =
            |from: &str, to: &str| Notify { quiet_from: from.into(), quiet_to: to.into(), ..Notify::default() };
        let at = |text: &str| clock(text).unwrap();
        let night = notify("22:00", "07:00");
        for (time, quiet) in [("21:59", false), ("22:00", true), ("00:00", true), ("06:59", true), ("07:00", false)] {
            assert_eq!(is_quiet(&night, at(time)), quiet, "{time}");
        }
        let noon = notify("12:00", "13:00");
        assert!(is_quiet(&noon, at("12:30")) && !is_quiet(&noon, at("13:00")) && !is_quiet(&noon, at("11:59")));
        for never in [notify("", "07:00"), notify("22:00", ""), notify("8:00", "8:00"), notify("25:00", "26:00")] {
            assert!(!is_quiet(&never, at("23:00")), "{never:?}");
        }
        for nonsense in ["", "7", "7:5", "24:00", "12:60", "a:10", "-1:00", "1:000"] {
            assert_eq!(clock(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_kind_that_is_off_is_not_told_and_what_is_urgent_may_break_the_quiet() {
        let mut settings = Settings::default();
        let noon = clock("12:00").unwrap();
        assert_eq!(hushed(&settings, &notice(NoticeKind::Done, false), noon), None);
        settings.notify =
            Notify { done: false, quiet_from: "11:00".into(), quiet_to: "13:00".into(), ..Notify::default() };
        assert_eq!(hushed(&settings, &notice(NoticeKind::Done, false), noon), Some(Delivery::Off));
        assert_eq!(hushed(&settings, &notice(NoticeKind::Failed, true), noon), Some(Delivery::Quiet));
        settings.notify.quiet_lets_urgent = true;
        assert_eq!(hushed(&settings, &notice(NoticeKind::Failed, true), noon), None);
        settings.notifications = false;
        assert_eq!(hushed(&settings, &notice(NoticeKind::Failed, true), noon), Some(Delivery::Off));
    }
}
