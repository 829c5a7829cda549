//! Money, to the nano-dollar.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANOS: f64 = 1e9;

/// An amount in integer nano-dollars. In JSON it is a number of dollars (`cost_usd: 0.0746`), exact to the
/// nano-dollar up to a million dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[cfg_attr(test, ts(type = "number"))]
#[cfg_attr(test, schemars(transparent))]
pub struct Money(#[cfg_attr(test, schemars(with = "f64"))] i64);

impl Money {
    /// No money.
    pub const ZERO: Money = Money(0);

    /// An amount of nano-dollars.
    pub const fn nanos(nanos: i64) -> Money {
        Money(nanos)
    }

    /// An amount of dollars, to the nearest nano-dollar. `None` for NaN, infinities and what does not fit.
    pub fn dollars(dollars: f64) -> Option<Money> {
        let nanos = (dollars * NANOS).round();
        (nanos.is_finite() && nanos.abs() < 9.0e15).then_some(Money(nanos as i64))
    }

    /// Nano-dollars.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Dollars, for display and ratios.
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / NANOS
    }

    /// The sum, at most the largest amount there is.
    pub const fn saturating_add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        self.saturating_add(other)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        *self = *self + other;
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Money {
    /// Cents from ten cents up ("$4.18"), four digits below ("$0.0746"), as people read a bill.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = self.as_dollars();
        if self.0 == 0 || dollars.abs() >= 0.1 { write!(f, "${dollars:.2}") } else { write!(f, "${dollars:.4}") }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_dollars())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Money::dollars(dollars).ok_or_else(|| serde::de::Error::custom("not an amount of dollars"))
    }
}

/// Of which day the prices are that estimates are made with (`models.json` of the engine has the same).
pub const PRICES_OF: &str = "2026-11-01";
/// After so many days prices may have changed, and are said to be stale.
pub const PRICES_STALE_DAYS: i64 = 180;

/// Where a cost figure comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// The provider said the amount.
    Reported,
    /// Tokens that the provider reported, at the price of our model table.
    Estimated,
    /// Nothing is charged (practice).
    #[default]
    Free,
    /// Tokens were used at a price that nobody knows.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn json_keeps_every_nano_dollar(nanos in -1_000_000_000_000_000i64..1_000_000_000_000_000) {
            let text = serde_json::to_string(&Money::nanos(nanos)).unwrap();
            let back: Money = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back, Money::nanos(nanos));
        }
    }

    #[test]
    fn reads_as_a_bill() {
        let shown: Vec<String> =
            [0, 74_600_000, 4_180_000_000, 112_835_000].iter().map(|n| Money::nanos(*n).to_string()).collect();
        assert_eq!(shown, ["$0.00", "$0.0746", "$4.18", "$0.11"]);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(Money::dollars(bad), None);
        }
    }
}
