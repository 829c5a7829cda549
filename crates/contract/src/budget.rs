//! How much of a limit is used: in percent, and in the band that decides on a warning.

use crate::{Band, Money};

impl Band {
    /// The band of an amount under a limit, in any unit; green where there is no limit (0 or less). `None` for what
    /// is no amount (NaN, infinity).
    pub fn of(current: f64, limit: f64) -> Option<Band> {
        if !current.is_finite() {
            return None;
        }
        Some(match current / limit {
            _ if limit <= 0.0 => Band::Green,
            share if share >= 0.8 => Band::Red,
            share if share >= 0.5 => Band::Yellow,
            _ => Band::Green,
        })
    }

    /// The band of money under a limit; green where the limit is zero, which means none.
    pub fn of_money(spent: Money, limit: Money) -> Band {
        // Nano-dollars, so that a boundary is met exactly.
        Band::of(spent.as_nanos() as f64, limit.as_nanos() as f64).unwrap_or(Band::Green)
    }
}

/// How much of a limit is used, for people ("12.5%"); "N/A" where there is no limit, or no amount (E027).
pub fn percent(current: f64, limit: f64) -> String {
    if limit <= 0.0 || !limit.is_finite() || !current.is_finite() || current < 0.0 {
        return "N/A".to_owned();
    }
    format!("{:.1}%", current / limit * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e026_a_band_begins_at_its_boundary() {
        let dollars = |amount| Money::dollars(amount).unwrap();
        for (spent, band) in [(24.999, Band::Green), (25.0, Band::Yellow), (39.99, Band::Yellow), (40.0, Band::Red)] {
            assert_eq!(Band::of_money(dollars(spent), dollars(50.0)), band, "{spent}");
        }
        assert_eq!(Band::of_money(dollars(25.0), Money::ZERO), Band::Green);
    }

    #[test]
    fn e027_what_is_no_amount_has_neither_percent_nor_band() {
        for broken in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!((percent(broken, 50.0).as_str(), Band::of(broken, 50.0)), ("N/A", None));
        }
        assert_eq!((percent(-1.0, 50.0).as_str(), Band::of(-1.0, 50.0)), ("N/A", Some(Band::Green)));
        assert_eq!((percent(60.0, 50.0).as_str(), percent(1.0, 0.0).as_str()), ("120.0%", "N/A"));
    }
}
