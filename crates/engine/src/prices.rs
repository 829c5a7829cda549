//! Models and what they cost, from `models.json`. All arithmetic is in integer nano-dollars.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use contract::Money;
use serde::{Deserialize, Deserializer};

use crate::model::Usage;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // The file is compiled in, and a test reads it: it cannot be broken in a program that was released.
    serde_json::from_str(include_str!("../models.json")).unwrap_or_default()
});

#[derive(Default, Deserialize)]
struct Table {
    fallback: String,
    aliases: BTreeMap<String, String>,
    models: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    prefix: String,
    tier: String,
    #[serde(flatten)]
    price: Price,
}

/// What tokens of a model cost, each in nano-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Price {
    /// An input token.
    #[serde(deserialize_with = "per_token")]
    pub input: i64,
    /// An output token.
    #[serde(deserialize_with = "per_token")]
    pub output: i64,
    /// An input token read from the provider's cache.
    #[serde(deserialize_with = "per_token")]
    pub cache_read: i64,
    /// An input token written to it, for five minutes.
    #[serde(deserialize_with = "per_token")]
    pub cache_write: i64,
}

/// Dollars per million tokens are thousands of nano-dollars a token.
fn per_token<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let nanos = f64::deserialize(from)? * 1e3;
    let whole = nanos.round();
    if (nanos - whole).abs() > 1e-6 || !(0.0..1e9).contains(&whole) {
        return Err(serde::de::Error::custom(format!("{nanos} is no whole number of nano-dollars a token")));
    }
    Ok(whole as i64)
}

impl Price {
    /// What a call cost that used this.
    pub fn of(&self, usage: &Usage) -> Money {
        let parts = [
            usage.input.saturating_mul(self.input),
            usage.output.saturating_mul(self.output),
            usage.cache_read.saturating_mul(self.cache_read),
            usage.cache_write.saturating_mul(self.cache_write),
        ];
        Money::nanos(parts.into_iter().fold(0, i64::saturating_add))
    }

    /// What a call may cost at most: every input token may be written to the cache.
    pub fn worst(&self, input: i64, output: i64) -> Money {
        let input = input.saturating_mul(self.input.max(self.cache_write));
        Money::nanos(input.saturating_add(output.saturating_mul(self.output)))
    }
}

/// A model, found by the name that a company gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The id that goes to the provider.
    pub id: String,
    /// `opus`, `sonnet` or `haiku`.
    pub tier: String,
    /// What its tokens cost.
    pub price: Price,
    /// What to say where the price is a guess (E081).
    pub warning: Option<String>,
}

/// Finds a model by alias or id. One that nobody knows has the price of the sonnet tier, and a warning.
pub fn resolve(name: &str) -> Resolved {
    let table = &*TABLE;
    let name = name.trim();
    let alias = name.to_ascii_lowercase();
    // Agent files may leave the choice to whoever calls them.
    let alias = if matches!(alias.as_str(), "" | "inherit" | "default") { table.fallback.clone() } else { alias };
    let id = table.aliases.get(&alias).map_or(name, String::as_str).to_owned();
    let fits = table.models.iter().filter(|row| id.starts_with(&row.prefix)).max_by_key(|row| row.prefix.len());
    if let Some(row) = fits {
        return Resolved { id, tier: row.tier.clone(), price: row.price, warning: None };
    }
    let warning =
        format!("Unknown model \"{}\" — falling back to {} tier", contract::one_line(&id, 80), table.fallback);
    let price = table.models.iter().find(|row| row.tier == table.fallback).map_or(DEAREST, |row| row.price);
    Resolved { id, tier: table.fallback.clone(), price, warning: Some(warning) }
}

/// For a table without a fallback, which a test rules out: no limit may be passed for want of a price.
const DEAREST: Price = Price { input: 15_000, output: 75_000, cache_read: 1_500, cache_write: 18_750 };

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn cases(text: &str) -> Vec<Value> {
        serde_json::from_str::<Value>(text).unwrap()["cases"].as_array().unwrap().clone()
    }

    #[test]
    fn the_file_reads_and_its_aliases_lead_somewhere() {
        let table: Table = serde_json::from_str(include_str!("../models.json")).unwrap();
        assert!(table.models.iter().any(|row| row.tier == table.fallback));
        for (alias, id) in &table.aliases {
            let found = resolve(alias);
            assert_eq!((&found.id, &found.tier, &found.warning), (id, alias, &None));
        }
    }

    #[test]
    fn e081_models_resolve_as_in_the_cases() {
        for case in cases(include_str!("../tests/cases/model_router.json")) {
            let (name, expected) = (case["name"].as_str().unwrap(), &case["expected"]);
            let found = resolve(name);
            assert_eq!(found.id, expected["resolved"], "{name}");
            assert_eq!(found.tier, expected["tier"], "{name}");
            assert_eq!(found.tier, expected["short"], "{name}");
            assert_eq!(found.price.input, expected["pricing"]["input"].as_i64().unwrap() * 1000, "{name}");
            assert_eq!(found.price.output, expected["pricing"]["output"].as_i64().unwrap() * 1000, "{name}");
            assert_eq!(found.warning.is_none(), expected["valid"], "{name}");
            assert_eq!(found.warning.as_deref(), expected["warning"].as_str(), "{name}");
        }
    }

    #[test]
    fn e081_estimates_are_as_in_the_cases() {
        for case in cases(include_str!("../tests/cases/cost_estimate.json")) {
            let tokens = |key: &str| case[key].as_i64().unwrap();
            let usage = Usage {
                input: tokens("input_tokens"),
                output: tokens("output_tokens"),
                cache_read: tokens("cache_read"),
                cache_write: tokens("cache_creation"),
            };
            let cost = resolve(case["model"].as_str().unwrap()).price.of(&usage);
            assert_eq!(Some(cost), Money::dollars(case["expected_usd"].as_f64().unwrap()), "{case}");
        }
    }

    #[test]
    fn a_call_costs_what_its_tokens_cost_to_the_nano_dollar() {
        let usage = Usage { input: 7, output: 11, cache_read: 13, cache_write: 17 };
        let cost = |name| resolve(name).price.of(&usage).as_nanos();
        assert_eq!(cost("opus"), 7 * 5000 + 11 * 25_000 + 13 * 500 + 17 * 6250);
        assert_eq!(cost("haiku"), 7 * 1000 + 11 * 5000 + 13 * 100 + 17 * 1250);
        assert_eq!(cost("claude-3-5-haiku-20241022"), 7 * 800 + 11 * 4000 + 13 * 80 + 17 * 1000);
    }

    #[test]
    fn numbers_out_of_this_world_do_not_wrap() {
        let usage = Usage { input: i64::MAX, output: i64::MAX, cache_read: 0, cache_write: 0 };
        assert_eq!(resolve("opus").price.of(&usage).as_nanos(), i64::MAX);
        assert_eq!(resolve("opus").price.worst(i64::MAX, 1).as_nanos(), i64::MAX);
    }
}
