//! Models and what they cost, from `models.json`, and what a company says of prices. All arithmetic is in integer
//! nano-dollars.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use company::config::PriceGiven;
use contract::{CostBasis, Money};
use serde::{Deserialize, Deserializer};

use crate::model::Usage;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // The file is compiled in, and a test reads it: it cannot be broken in a program that was released.
    serde_json::from_str(include_str!("../models.json")).unwrap_or_default()
});

#[derive(Default, Deserialize)]
struct Table {
    #[cfg_attr(not(test), expect(dead_code, reason = "contract::PRICES_OF says it to clients"))]
    date: String,
    fallback: String,
    aliases: BTreeMap<String, String>,
    models: Vec<Row>,
    #[serde(default)]
    others: Vec<Other>,
}

impl Table {
    /// The row of an id: the one with the longest prefix that fits.
    fn row(&self, id: &str) -> Option<&Row> {
        self.models.iter().filter(|row| id.starts_with(&row.prefix)).max_by_key(|row| row.prefix.len())
    }

    /// What tokens of another provider's model cost: one by exactly that id, as it is or as of a day. The next model of
    /// a family often has a price of its own, so the beginning of an id says nothing.
    fn other(&self, id: &str) -> Option<&Other> {
        let is_day = |rest: &str| rest.is_empty() || rest.strip_prefix("-20").is_some_and(|day| day.len() == 8);
        self.others.iter().find(|row| id.strip_prefix(row.model.as_str()).is_some_and(is_day))
    }

    /// The id that a name stands for.
    fn id<'n>(&'n self, name: &'n str) -> &'n str {
        let name = name.trim();
        self.aliases.get(name).map_or(name, String::as_str)
    }
}

#[derive(Deserialize)]
struct Row {
    prefix: String,
    tier: String,
    #[serde(flatten)]
    price: Price,
}

/// A model of another provider.
#[derive(Deserialize)]
struct Other {
    model: String,
    #[serde(flatten)]
    price: Price,
    /// The day on which that was its price.
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever brings the file up to date"))]
    as_of: String,
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

/// Finds a Claude model by alias or id. One that nobody knows has the price of the middle tier, and a warning (E081).
pub fn resolve(name: &str) -> Resolved {
    let table = &*TABLE;
    let id = table.id(name).to_owned();
    if let Some(row) = table.row(&id) {
        return Resolved { id, tier: row.tier.clone(), price: row.price, warning: None };
    }
    let warning =
        format!("Unknown model \"{}\" — falling back to {} tier", contract::one_line(&id, 80), table.fallback);
    let price = table.models.iter().find(|row| row.tier == table.fallback).map_or(DEAREST, |row| row.price);
    Resolved { id, tier: table.fallback.clone(), price, warning: Some(warning) }
}

/// The table's prices, and what a company says of some of them.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    /// Ids or their beginnings, and what is given for them in nano-dollars a token.
    given: Vec<(String, Given)>,
}

/// What a company gives of a price, each in nano-dollars a token.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    input: Option<i64>,
    output: Option<i64>,
    cache_read: Option<i64>,
    cache_write: Option<i64>,
}

impl Prices {
    /// The table with a company's prices over it, and a warning for each that is below the table's: a company's folder
    /// makes a call dearer in the books, never cheaper, or it could lift its own limits.
    pub fn new(given: &[PriceGiven]) -> (Prices, Vec<String>) {
        let mut warnings = Vec::new();
        let listed = given.iter().map(|price| {
            let nanos = |dollars: Option<f64>| dollars.map(nanos_a_token);
            let own = Given {
                input: nanos(price.input),
                output: nanos(price.output),
                cache_read: nanos(price.cache_read),
                cache_write: nanos(price.cache_write),
            };
            let id = TABLE.id(&price.model).to_owned();
            if let Some(row) = TABLE.row(&id).filter(|row| own.is_below(&row.price)) {
                warnings.push(format!(
                    "engine.prices.{} is below the price of {} models; the known price counts.",
                    contract::one_line(&price.model, 80),
                    row.tier
                ));
            }
            (id, own)
        });
        let given = listed.collect();
        (Prices { given }, warnings)
    }

    /// As [`resolve`], with what the company says.
    pub fn resolve(&self, name: &str) -> Resolved {
        let mut found = resolve(name);
        if let Some(given) = self.of(&found.id) {
            found.price = given.over(found.price);
        }
        found
    }

    /// A model of another provider, by its id. `None` where nobody knows what it costs.
    pub fn other(&self, id: &str) -> Option<Resolved> {
        let id = id.trim();
        // Whoever passes calls on puts a provider's name before the id, and a point into it.
        let bare = id.rsplit_once('/').map_or(id, |(_, bare)| bare);
        let row = TABLE.row(&bare.replace('.', "-"));
        let known = row.map(|row| row.price).or_else(|| TABLE.other(bare).map(|other| other.price));
        let given = self.of(id);
        let price = match (known, given) {
            (None, None) => return None,
            (Some(known), None) => known,
            (known, Some(given)) => given.over(known.unwrap_or(NOTHING)),
        };
        let tier = row.map(|row| row.tier.clone()).unwrap_or_default();
        Some(Resolved { id: id.to_owned(), tier, price, warning: None })
    }

    fn of(&self, id: &str) -> Option<Given> {
        let fits = self.given.iter().filter(|(prefix, _)| !prefix.is_empty() && id.starts_with(prefix));
        fits.max_by_key(|(prefix, _)| prefix.len()).map(|(_, given)| *given)
    }
}

impl Given {
    /// The dearer of both, part by part.
    fn over(self, price: Price) -> Price {
        Price {
            input: self.input.map_or(price.input, |given| given.max(price.input)),
            output: self.output.map_or(price.output, |given| given.max(price.output)),
            cache_read: self.cache_read.map_or(price.cache_read, |given| given.max(price.cache_read)),
            cache_write: self.cache_write.map_or(price.cache_write, |given| given.max(price.cache_write)),
        }
    }

    fn is_below(self, price: &Price) -> bool {
        let below = |given: Option<i64>, known: i64| given.is_some_and(|given| given < known);
        below(self.input, price.input)
            || below(self.output, price.output)
            || below(self.cache_read, price.cache_read)
            || below(self.cache_write, price.cache_write)
    }
}

/// Dollars per million tokens as nano-dollars a token, rounded up: a price above zero does not become none.
fn nanos_a_token(dollars: f64) -> i64 {
    (dollars * 1e3).ceil().clamp(0.0, 1e9) as i64
}

/// What a call cost, and where the figure comes from. `reported` is what the engine says of it: exactly zero with
/// tokens used says nothing (E082), and without a price ([`NOTHING`] is none) the amount is unknown.
pub fn charge(price: Option<&Price>, usage: &Usage, reported: Option<Money>) -> (Money, CostBasis) {
    let price = price.filter(|price| **price != NOTHING);
    if let Some(reported) = reported.filter(|reported| *reported > Money::ZERO) {
        return (reported, CostBasis::Reported);
    }
    match price {
        Some(price) => (price.of(usage), CostBasis::Estimated),
        None if *usage == Usage::default() => (Money::ZERO, CostBasis::Estimated),
        None => (Money::ZERO, CostBasis::Unknown),
    }
}

/// The price of a model of which nobody knows it, or only a part of it is given.
pub const NOTHING: Price = Price { input: 0, output: 0, cache_read: 0, cache_write: 0 };
/// For a table without a fallback, which a test rules out: no limit may be passed for want of a price.
const DEAREST: Price = Price { input: 15_000, output: 75_000, cache_read: 1_500, cache_write: 18_750 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_its_aliases_lead_somewhere() {
        let table: Table = serde_json::from_str(include_str!("../models.json")).unwrap();
        assert!(table.models.iter().any(|row| row.tier == table.fallback));
        assert_eq!(table.date, contract::PRICES_OF, "the day that clients are told");
        for (alias, id) in &table.aliases {
            let found = resolve(alias);
            assert_eq!((&found.id, &found.tier, &found.warning), (id, alias, &None));
        }
    }

    #[test]
    fn e081_an_unknown_model_has_the_middle_tiers_price_and_a_warning() {
        for name in ["claude-future-5", "gpt-5", "OPUS", ""] {
            let found = resolve(name);
            assert_eq!((found.id.as_str(), found.tier.as_str()), (name, "sonnet"));
            assert_eq!((found.price.input, found.price.output), (3000, 15_000));
            assert!(found.warning.is_some_and(|warning| warning.contains(name)));
        }
        for name in ["claude-opus-4-7", "claude-haiku-9", "sonnet"] {
            assert_eq!(resolve(name).warning, None, "{name}");
        }
    }

    fn given(model: &str, input: Option<f64>, output: Option<f64>) -> PriceGiven {
        PriceGiven { model: model.to_owned(), input, output, ..PriceGiven::default() }
    }

    #[test]
    fn a_company_makes_a_call_dearer_and_never_cheaper() {
        let (prices, warnings) =
            Prices::new(&[given("opus", Some(0.0), Some(30.0)), given("claude-future", Some(9.0), None)]);
        let opus = prices.resolve("opus").price;
        assert_eq!((opus.input, opus.output, opus.cache_read), (5000, 30_000, 500));
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("engine.prices.opus"), "{warnings:?}");
        let future = prices.resolve("claude-future-5");
        assert_eq!((future.price.input, future.price.output), (9000, 15_000), "the middle tier is its floor");
        assert_eq!(prices.resolve("claude-opus-4-6").price.output, 25_000, "another model than the alias stands for");
    }

    #[test]
    fn a_model_of_another_provider_is_unknown_until_somebody_says_its_price() {
        assert_eq!(Prices::default().other("local-7b"), None);
        let (prices, _) = Prices::new(&[given("local", Some(1.25), Some(10.0))]);
        let usage = Usage { input: 1_000_000, ..Usage::default() };
        let price = prices.other("local-7b").unwrap().price;
        assert_eq!(charge(Some(&price), &usage, None), (Money::nanos(1_250_000_000), CostBasis::Estimated));
        assert_eq!(charge(None, &usage, None), (Money::ZERO, CostBasis::Unknown));
    }

    #[test]
    fn another_providers_model_is_known_by_its_whole_id_and_its_day() {
        let input = |id: &str| Prices::default().other(id).map(|found| found.price.input);
        for (id, price) in [
            ("gpt-5", 1250),
            ("gpt-5-2025-08-07", 1250),
            ("openai/gpt-5-mini", 250),
            ("o3", 2000),
            ("anthropic/claude-opus-4.1", 15_000),
        ] {
            assert_eq!(input(id), Some(price), "{id}");
        }
        for id in ["gpt-5-pro", "gpt-5.9", "gpt-5-mini-x", "o3-pro", "gpt-5-2025", ""] {
            assert_eq!(input(id), None, "{id}");
        }
        let table: Table = serde_json::from_str(include_str!("../models.json")).unwrap();
        for row in &table.others {
            assert!(row.price.cache_read <= row.price.input && row.price.input < row.price.output, "{}", row.model);
            assert_eq!(row.as_of.len(), "2026-06-01".len(), "{}", row.model);
        }
    }

    #[test]
    fn e082_a_report_of_exactly_nothing_is_none() {
        let usage = Usage { input: 1000, output: 1000, cache_read: 0, cache_write: 0 };
        let price = resolve("opus").price;
        let cents = |dollars| Money::dollars(dollars).unwrap();
        assert_eq!(charge(Some(&price), &usage, Some(Money::ZERO)), (cents(0.03), CostBasis::Estimated));
        assert_eq!(charge(Some(&price), &usage, Some(cents(0.5))), (cents(0.5), CostBasis::Reported));
        assert_eq!(charge(None, &usage, Some(cents(0.5))), (cents(0.5), CostBasis::Reported));
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
