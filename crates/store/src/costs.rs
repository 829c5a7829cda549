//! What was spent: by agent and model in a job, by day in a company.

use std::collections::BTreeMap;

use contract::{AgentCost, CompanyId, DaySpend, JobId, Money, Time};
use rusqlite::params;

use crate::days;
use crate::project::tokens;
use crate::rows::money;
use crate::{Read, StoreError};

/// What a company spent.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// Today, in the founder's zone.
    pub today: Money,
    /// This month.
    pub month: Money,
    /// Each of the last 14 days, oldest first, today last.
    pub days: Vec<DaySpend>,
}

impl Read<'_> {
    /// What the company spent, as of `now`. Money set aside for calls under way is not in it.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn spend(&self, company: CompanyId, now: Time) -> Result<Spent, StoreError> {
        let today = days::of(now);
        let (first, last) = days::month_of(&today);
        let days = days::last(now, 14);
        let from = days.first().map_or(&first, |day| day.min(&first));
        let mut select = self
            .conn
            .prepare_cached("SELECT day, cost_nanos FROM day_costs WHERE company_id = ?1 AND day BETWEEN ?2 AND ?3")?;
        let mut by_day: BTreeMap<String, Money> = BTreeMap::new();
        let mut rows = select.query(params![company.0, from, last])?;
        while let Some(row) = rows.next()? {
            by_day.insert(row.get(0)?, Money::nanos(row.get(1)?));
        }
        let of = |day: &String| by_day.get(day).copied().unwrap_or_default();
        let month = by_day.range(first..).fold(Money::ZERO, |sum, (_, cost)| sum + *cost);
        let days = days.into_iter().map(|day| DaySpend { cost_usd: of(&day), day }).collect();
        Ok(Spent { today: of(&today), month, days })
    }

    /// What a job cost by agent and model, dearest first; at most 100.
    pub(crate) fn cost_by_agent(&self, job: JobId) -> Result<Vec<AgentCost>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT agent, model, sum(calls) AS calls, sum(tokens_input) AS tokens_input,
               sum(tokens_output) AS tokens_output, sum(tokens_cache_read) AS tokens_cache_read,
               sum(tokens_cache_write) AS tokens_cache_write, sum(cost_nanos) AS cost_nanos
             FROM costs WHERE job_id = ?1 GROUP BY agent, model ORDER BY cost_nanos DESC, agent, model LIMIT 100",
        )?;
        let rows = select.query_map([job.0], |row| {
            Ok(AgentCost {
                agent: row.get("agent")?,
                model: row.get("model")?,
                calls: row.get("calls")?,
                tokens: tokens(row)?,
                cost_usd: money(row, "cost_nanos")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
