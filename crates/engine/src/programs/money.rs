//! What a program uses, in the books: slices set aside before it is used, differences booked as they are reported, and
//! what was under way where a program ended without a word.

use std::collections::BTreeMap;

use contract::{CostBasis, Error, EventBody, LeaseId, Money, Time};

use super::spans::Spans;
use crate::model::Usage;
use crate::play::{Desk, Play};
use crate::prices::{Prices, charge};

/// What is set aside at a time for a program that pays by itself: a quarter of a dollar.
pub(super) const SLICE: Money = Money::nanos(250_000_000);
/// The least that is worth setting aside, where a limit leaves no whole slice.
pub(super) const LEAST: Money = Money::nanos(10_000_000);
/// Models and agents of one turn that are kept apart.
const MAX_APART: usize = 256;

/// A program's money, where it pays by itself.
pub(super) struct Purse {
    prices: Prices,
    is_claude: bool,
    /// What is set aside.
    leases: Vec<(LeaseId, Money)>,
    /// What calls of the turn under way have used that is not booked: by model and by who asked.
    open: BTreeMap<(String, Option<String>), Usage>,
    /// The price of that, as far as it is known.
    seen: Money,
    /// When what is not booked began.
    since: Time,
}

impl Purse {
    pub fn new(prices: Prices, is_claude: bool) -> Purse {
        let open = BTreeMap::new();
        Purse { prices, is_claude, leases: Vec::new(), open, seen: Money::ZERO, since: Time::now() }
    }

    /// A slice was set aside.
    pub fn put(&mut self, lease: Option<LeaseId>, amount: Money) {
        self.leases.extend(lease.map(|lease| (lease, amount)));
    }

    /// Whether what is known to be used goes beyond what is set aside.
    pub fn is_spent(&self) -> bool {
        let held = self.leases.iter().fold(Money::ZERO, |sum, (_, amount)| sum + *amount);
        held <= self.seen
    }

    /// What is set aside, to be given back.
    pub fn leases(&mut self) -> Vec<LeaseId> {
        self.leases.drain(..).map(|(lease, _)| lease).collect()
    }

    /// What a call of the turn has used so far.
    pub fn estimated(&mut self, spans: &mut Spans, model: &str, usage: &Usage, parent: Option<String>) {
        let (cost, _) = self.charge(model, usage, None);
        self.seen += cost;
        spans.cost(parent.as_deref(), cost);
        if self.open.len() < MAX_APART || self.open.contains_key(&(model.to_owned(), parent.clone())) {
            let open = self.open.entry((model.to_owned(), parent)).or_default();
            *open = sum(open, usage);
        }
    }

    /// Books what was reported. Agents that are known to have had a part in it have it in their own name.
    pub fn used(
        &mut self,
        (play, desk, spans): (&Play<'_>, &Desk<'_>, &Spans),
        model: &str,
        usage: Usage,
        cost: Option<Money>,
        parent: Option<String>,
    ) -> Result<(), Error> {
        let mine: Vec<_> = self.open.keys().filter(|(of, _)| of == model).cloned().collect();
        let (all, basis) = self.charge(model, &usage, cost);
        let (mut left, mut rest) = (usage, all);
        let parts: Vec<_> = mine.iter().filter_map(|key| Some((key.1.clone(), self.open.remove(key)?))).collect();
        let whole: i64 = parts.iter().map(|(_, usage)| self.charge(model, usage, None).0.as_nanos()).sum();
        let mut booked = Vec::new();
        for (who, part) in parts {
            if who == parent {
                continue;
            }
            let part = least(&part, &left);
            left = less(&left, &part);
            let weight = self.charge(model, &part, None).0.as_nanos();
            let share = share(all, weight, whole).min(rest);
            rest = rest - share;
            booked.push((who, part, share));
        }
        booked.insert(0, (parent, left, rest));
        for (who, part, cost) in booked {
            if part != Usage::default() || cost > Money::ZERO {
                self.book((play, desk, spans), model, part, cost, basis, who.as_deref())?;
            }
        }
        if self.open.is_empty() {
            self.seen = Money::ZERO;
        } else {
            self.seen = self.price_of_open();
        }
        Ok(())
    }

    /// Books what is known to be used and was never reported: the program ended before it could.
    pub fn left_over(&mut self, at: (&Play<'_>, &Desk<'_>, &Spans)) -> Result<(), Error> {
        for ((model, parent), usage) in std::mem::take(&mut self.open) {
            let (cost, basis) = self.charge(&model, &usage, None);
            self.book(at, &model, usage, cost, basis, parent.as_deref())?;
        }
        self.seen = Money::ZERO;
        Ok(())
    }

    fn book(
        &mut self,
        (play, desk, spans): (&Play<'_>, &Desk<'_>, &Spans),
        model: &str,
        usage: Usage,
        cost_usd: Money,
        basis: CostBasis,
        parent: Option<&str>,
    ) -> Result<(), Error> {
        let lease_id = self.leases.pop().map(|(lease, _)| lease);
        desk.spend(cost_usd);
        play.spend(cost_usd);
        let started_at = std::mem::replace(&mut self.since, Time::now());
        spans.voice(play, desk, parent).emit(usage_event(model, usage, cost_usd, basis, started_at, lease_id))
    }

    fn price_of_open(&self) -> Money {
        let costs = self.open.iter().map(|((model, _), usage)| self.charge(model, usage, None).0);
        costs.fold(Money::ZERO, |sum, cost| sum + cost)
    }

    /// What tokens cost: as reported, or by the table. A Claude model that nobody knows has the price of the middle.
    fn charge(&self, model: &str, usage: &Usage, reported: Option<Money>) -> (Money, CostBasis) {
        let price = match self.prices.other(model) {
            Some(known) => Some(known.price),
            None if self.is_claude => Some(self.prices.resolve(model).price),
            None => None,
        };
        charge(price.as_ref(), usage, reported)
    }
}

/// The event of a call, or of several.
pub(super) fn usage_event(
    model: &str,
    usage: Usage,
    cost_usd: Money,
    basis: CostBasis,
    started_at: Time,
    lease_id: Option<LeaseId>,
) -> EventBody {
    EventBody::Usage {
        model: contract::one_line(model, 120),
        input_tokens: usage.input,
        output_tokens: usage.output,
        cache_read_tokens: usage.cache_read,
        cache_write_tokens: usage.cache_write,
        cost_usd,
        basis,
        started_at,
        lease_id,
    }
}

fn each(one: &Usage, other: &Usage, of: impl Fn(i64, i64) -> i64) -> Usage {
    Usage {
        input: of(one.input, other.input),
        output: of(one.output, other.output),
        cache_read: of(one.cache_read, other.cache_read),
        cache_write: of(one.cache_write, other.cache_write),
    }
}

fn sum(one: &Usage, other: &Usage) -> Usage {
    each(one, other, i64::saturating_add)
}

fn less(from: &Usage, part: &Usage) -> Usage {
    each(from, part, |from, part| from.saturating_sub(part).max(0))
}

fn least(one: &Usage, other: &Usage) -> Usage {
    each(one, other, i64::min)
}

/// The part of an amount that a weight of a whole stands for.
fn share(all: Money, weight: i64, whole: i64) -> Money {
    if whole <= 0 {
        return Money::ZERO;
    }
    let nanos = i128::from(all.as_nanos()) * i128::from(weight.max(0)) / i128::from(whole);
    Money::nanos(i64::try_from(nanos).unwrap_or(0))
}
