//! How much each model can hold, and how near a conversation is to that. Pure.

/// Tokens that models hold, by the beginning of their ids; the longest that fits counts.
const CONTEXT: &[(&str, i64)] = &[("claude-", 200_000), ("claude-2", 100_000), ("claude-instant", 100_000)];
/// Tokens of a model that is not in the table.
const UNKNOWN: i64 = 128_000;
/// The share of it, in percent, from which old steps are put in a few words.
const NEAR: i64 = 75;
/// The share of it that is left where they are cut instead.
const CUT_TO: i64 = 50;
/// Bytes a token stands for, at least.
const BYTES_PER_TOKEN: i64 = 3;

/// Tokens that a model holds.
pub(crate) fn of(model: &str) -> i64 {
    let fits = CONTEXT.iter().filter(|(prefix, _)| model.starts_with(prefix)).max_by_key(|(prefix, _)| prefix.len());
    fits.map_or(UNKNOWN, |(_, tokens)| *tokens)
}

/// Whether a request with that many tokens is near what the model holds.
pub(crate) fn is_near(model: &str, tokens: i64) -> bool {
    tokens > of(model) / 100 * NEAR
}

/// Bytes that a conversation is cut to.
pub(crate) fn cut_to(model: &str) -> usize {
    usize::try_from(of(model) / 100 * CUT_TO * BYTES_PER_TOKEN).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_near_the_end_at_three_quarters_of_what_its_model_holds() {
        for (model, holds) in [("claude-opus-5-5", 200_000), ("claude-2.1", 100_000), ("gpt-x", 128_000)] {
            assert_eq!(of(model), holds, "{model}");
            assert!(!is_near(model, holds * 3 / 4) && is_near(model, holds * 3 / 4 + 1), "{model}");
            assert!(cut_to(model) < usize::try_from(holds * 3 * 3 / 4).unwrap());
        }
    }
}
