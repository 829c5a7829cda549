//! Figures of a worker: they are not trusted, and no sum of them overflows.

use contract::{CostBasis, Money, Tokens};

/// More than anybody pays, and so little that sums never overflow.
const MOST_NANOS: i64 = 9_000_000_000_000_000;
/// More than any count of ours, and so little that sums never overflow.
pub(crate) const MOST: i64 = 1_000_000_000_000_000;

/// A worker's figures are not trusted: less than nothing is nothing (E027), and no sum overflows.
pub(crate) fn paid(cost: Money) -> Money {
    Money::nanos(cost.as_nanos().clamp(0, MOST_NANOS))
}

pub(crate) fn count(n: i64) -> i64 {
    n.clamp(0, MOST)
}

/// The basis's name in SQL.
pub(crate) fn basis_name(basis: CostBasis) -> &'static str {
    match basis {
        CostBasis::Reported => "reported",
        CostBasis::Estimated => "estimated",
        CostBasis::Free => "free",
        CostBasis::Unknown => "unknown",
    }
}

/// The basis with that name.
pub(crate) fn basis_from_name(name: &str) -> Option<CostBasis> {
    [CostBasis::Reported, CostBasis::Estimated, CostBasis::Free, CostBasis::Unknown]
        .into_iter()
        .find(|basis| basis_name(*basis) == name)
}

/// The basis of a sum.
pub(crate) fn less_certain(a: CostBasis, b: CostBasis) -> CostBasis {
    if certainty(b) < certainty(a) { b } else { a }
}

fn certainty(basis: CostBasis) -> u8 {
    match basis {
        CostBasis::Unknown => 0,
        CostBasis::Estimated => 1,
        CostBasis::Reported => 2,
        CostBasis::Free => 3,
    }
}

/// All tokens of a call, those that were read from a cache or written to it as well.
pub(crate) fn all_tokens(tokens: Tokens) -> i64 {
    count(tokens.input + tokens.output + tokens.cache_read + tokens.cache_write)
}

pub(crate) fn added(a: Tokens, b: Tokens) -> Tokens {
    Tokens {
        input: count(a.input + b.input),
        output: count(a.output + b.output),
        cache_read: count(a.cache_read + b.cache_read),
        cache_write: count(a.cache_write + b.cache_write),
    }
}
