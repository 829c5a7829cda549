//! What Claude Code costs. It reports running totals, over processes too; what counts here are the differences.

use std::collections::BTreeMap;

use contract::Money;
use serde_json::Value;

use super::beyond;
use super::json::{Known, count, dollars, id, text};
use crate::model::Usage;

/// Models of a bill, at most.
const MODELS: usize = 64;

/// A model, what it used, and what that cost where it is said.
pub(super) type Charge = (String, Usage, Option<Money>);

/// The totals so far.
pub(super) struct Bill {
    /// The last total; at first, what the conversation had cost when the process began.
    total: Money,
    /// The last totals of each model.
    models: BTreeMap<String, (Usage, Money)>,
    /// Differences so far, together.
    spent: Money,
    /// Whether any cost was reported.
    reported: bool,
    settled: bool,
    /// What calls of the turn under way were said to have used, by their message's id.
    calls: Known<Usage>,
    streaming: Option<(String, String)>,
}

impl Bill {
    /// A bill of a process that takes up a conversation which had cost so much.
    pub fn new(before: Money) -> Bill {
        Bill {
            total: before,
            models: BTreeMap::new(),
            spent: Money::ZERO,
            reported: false,
            settled: false,
            calls: Known::default(),
            streaming: None,
        }
    }

    /// What all came to, as far as it was reported.
    pub fn total(&self) -> Option<Money> {
        self.reported.then_some(self.spent)
    }

    /// A message began to stream in.
    pub fn streams(&mut self, message: &Value) {
        self.streaming = id(&message["id"]).map(|id| (id, text(message, "model").to_owned()));
    }

    /// What the streaming message has used that was not known yet.
    pub fn used(&mut self, usage: &Value) -> Option<(String, Usage)> {
        let (id, model) = self.streaming.clone()?;
        self.grew(id, model, tokens(usage))
    }

    /// The same of a message whose block came whole. Its usage is the start's: of many blocks, the first counts.
    pub fn began(&mut self, id: &str, message: &Value) -> Option<(String, Usage)> {
        if id.is_empty() || self.calls.has(id) || !message["usage"].is_object() {
            return None;
        }
        self.grew(id.to_owned(), text(message, "model").to_owned(), tokens(&message["usage"]))
    }

    fn grew(&mut self, id: String, model: String, now: Usage) -> Option<(String, Usage)> {
        let known = self.calls.get(&id).copied().unwrap_or_default();
        let grown = beyond(&now, &known);
        self.calls.insert(id, most(&now, &known));
        (grown != Usage::default()).then_some((model, grown))
    }

    /// What a result adds, by model, and the sum of it where it says one.
    pub fn settle(&mut self, result: &Value, main: &str) -> (Vec<Charge>, Option<Money>) {
        let first = !std::mem::replace(&mut self.settled, true);
        let now = dollars(&result["total_cost_usd"]);
        let since = &result["model_usage_since_last_result"];
        if first && count(&result["result_index"]) == 0 && since.is_object() {
            self.took_up(&result["modelUsage"], since, now);
        }
        // A total that fell begins anew: what was counted stays counted.
        let grown = now.map(|now| if now >= self.total { now - self.total } else { Money::ZERO });
        self.total = now.unwrap_or(self.total);
        let mut charges = self.by_model(&result["modelUsage"], grown, main);
        if charges.is_empty() && !result["modelUsage"].is_object() {
            let usage = tokens(&result["usage"]);
            if usage != Usage::default() || grown.is_some_and(|grown| grown > Money::ZERO) {
                charges.push((main.to_owned(), usage, grown.filter(|grown| *grown > Money::ZERO)));
            }
        }
        let sum = charges.iter().filter_map(|(_, _, cost)| *cost).fold(Money::ZERO, |sum, cost| sum + cost);
        self.reported |= now.is_some() || sum > Money::ZERO;
        self.spent += sum;
        (charges, now.map(|_| sum))
    }

    /// Totals of processes before this one, which the first result shows: all, less what came since.
    fn took_up(&mut self, all: &Value, since: &Value, now: Option<Money>) {
        let new = since.as_object().into_iter().flatten().filter_map(|(_, part)| dollars(&part["costUSD"]));
        let new = new.fold(Money::ZERO, |sum, cost| sum + cost);
        if let Some(now) = now.filter(|now| *now >= new) {
            self.total = now - new;
        }
        for (model, part) in all.as_object().into_iter().flatten().take(MODELS) {
            let part_since = &since[model.as_str()];
            let cost =
                dollars(&part["costUSD"]).unwrap_or_default() - dollars(&part_since["costUSD"]).unwrap_or_default();
            let usage = beyond(&model_tokens(part), &model_tokens(part_since));
            self.models.insert(model.clone(), (usage, cost.max(Money::ZERO)));
        }
    }

    /// The differences of each model. Together they are what the total grew by, where there is one.
    fn by_model(&mut self, all: &Value, grown: Option<Money>, main: &str) -> Vec<Charge> {
        let mut left = grown;
        let mut charges: Vec<Charge> = Vec::new();
        for (model, part) in all.as_object().into_iter().flatten().take(MODELS) {
            let (usage, cost) = (model_tokens(part), dollars(&part["costUSD"]).unwrap_or_default());
            let (known_usage, known_cost) = self.models.insert(model.clone(), (usage, cost)).unwrap_or_default();
            let mut more = (cost - known_cost).max(Money::ZERO);
            if let Some(left) = &mut left {
                more = more.min(*left);
                *left = *left - more;
            }
            let usage = beyond(&usage, &known_usage);
            if usage != Usage::default() || more > Money::ZERO {
                // A report of nothing for tokens that were used says nothing.
                charges.push((model.clone(), usage, (more > Money::ZERO).then_some(more)));
            }
        }
        if self.models.len() > MODELS {
            self.models.clear();
        }
        if let Some(left) = left.filter(|left| *left > Money::ZERO && all.is_object()) {
            match charges.iter_mut().find(|(model, _, _)| model == main) {
                Some((_, _, cost)) => *cost = Some(cost.unwrap_or_default() + left),
                None => charges.push((main.to_owned(), Usage::default(), Some(left))),
            }
        }
        charges
    }
}

fn tokens(usage: &Value) -> Usage {
    Usage {
        input: count(&usage["input_tokens"]),
        output: count(&usage["output_tokens"]),
        cache_read: count(&usage["cache_read_input_tokens"]),
        cache_write: count(&usage["cache_creation_input_tokens"]),
    }
}

fn model_tokens(part: &Value) -> Usage {
    Usage {
        input: count(&part["inputTokens"]),
        output: count(&part["outputTokens"]),
        cache_read: count(&part["cacheReadInputTokens"]),
        cache_write: count(&part["cacheCreationInputTokens"]),
    }
}

fn most(now: &Usage, known: &Usage) -> Usage {
    Usage {
        input: now.input.max(known.input),
        output: now.output.max(known.output),
        cache_read: now.cache_read.max(known.cache_read),
        cache_write: now.cache_write.max(known.cache_write),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cents(cents: i64) -> Money {
        Money::nanos(cents * 10_000_000)
    }

    #[test]
    fn totals_of_a_conversation_taken_up_are_not_charged_again() {
        let result = json!({
            "total_cost_usd": 0.05, "result_index": 0,
            "modelUsage": {"m": {"inputTokens": 50, "costUSD": 0.05}},
            "model_usage_since_last_result": {"m": {"inputTokens": 20, "costUSD": 0.02}},
        });
        let charges = Bill::new(Money::ZERO).settle(&result, "m");
        let usage = Usage { input: 20, ..Usage::default() };
        assert_eq!(charges, (vec![("m".to_owned(), usage, Some(cents(2)))], Some(cents(2))));
    }

    #[test]
    fn a_version_that_does_not_say_is_charged_what_is_beyond_what_was_known_before() {
        let mut bill = Bill::new(cents(3));
        bill.settle(&json!({"total_cost_usd": 0.05, "usage": {"input_tokens": 5}}), "m");
        bill.settle(&json!({"total_cost_usd": 0.06}), "m");
        assert_eq!(bill.total(), Some(cents(3)));
    }

    #[test]
    fn a_total_that_falls_or_lies_takes_nothing_back() {
        let mut bill = Bill::new(Money::ZERO);
        for total in [json!(0.05), json!(0.01), json!(0.02), json!(-7), json!("x"), json!(1e300)] {
            bill.settle(&json!({ "total_cost_usd": total }), "m");
        }
        assert_eq!(bill.total(), Some(cents(6)));
    }

    #[test]
    fn the_parts_of_models_come_to_the_total() {
        let result = json!({
            "total_cost_usd": 0.05,
            "modelUsage": {"a": {"costUSD": 0.04}, "b": {"costUSD": 0.04}, "c": {"outputTokens": 3}},
        });
        let (charges, sum) = Bill::new(Money::ZERO).settle(&result, "a");
        let costs: Vec<_> = charges.into_iter().map(|(model, _, cost)| (model, cost)).collect();
        let expected = [("a".to_owned(), Some(cents(4))), ("b".to_owned(), Some(cents(1))), ("c".to_owned(), None)];
        assert_eq!((&costs[..], sum), (&expected[..], Some(cents(5))));
    }

    #[test]
    fn what_a_message_used_is_counted_once() {
        let mut bill = Bill::new(Money::ZERO);
        let message = json!({"id": "m1", "model": "m", "usage": {"input_tokens": 10, "output_tokens": 1}});
        bill.streams(&message);
        assert!(bill.began("m1", &message).is_some());
        assert_eq!(bill.began("m1", &message), None);
        let (_, more) = bill.used(&json!({"input_tokens": 10, "output_tokens": 9})).unwrap();
        assert_eq!(more, Usage { output: 8, ..Usage::default() });
    }
}
