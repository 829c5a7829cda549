//! What was spent: by agent and model in a job, by day in a company.

use std::collections::BTreeMap;

use contract::{AgentCost, CompanyId, DaySpend, Job, JobId, Money, SessionId, Time};
use rusqlite::{Connection, OptionalExtension, params};

use crate::amounts::{all_tokens, basis_name};
use crate::days;
use crate::fold::Call;
use crate::project::tokens;
use crate::rows::money;
use crate::{Missing, Read, StoreError, Touched};

/// Days of a list, at most.
const DAYS: i64 = 500;

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
        let today = days::day_of(now);
        let (first, last) = days::month_of(&today);
        let days = days::last_days(now, 14);
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

    /// What the company spent on each local day from `since` up to `until` (`2026-11-20`) on which it spent
    /// anything, oldest first; at most 500, the last ones.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn day_sums(&self, company: CompanyId, since: &str, until: &str) -> Result<Vec<DaySpend>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT day, cost_nanos FROM day_costs WHERE company_id = ?1 AND day BETWEEN ?2 AND ?3
             ORDER BY day DESC LIMIT ?4",
        )?;
        let rows = select.query_map(params![company.0, since, until, DAYS], |row| {
            Ok(DaySpend { day: row.get(0)?, cost_usd: money(row, "cost_nanos")? })
        })?;
        let mut days = rows.collect::<Result<Vec<_>, _>>()?;
        days.reverse();
        Ok(days)
    }

    /// What each of the company's agents spent on the local day of `now`, by role. Who spent nothing is not in it.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn agent_spend_today(&self, company: CompanyId, now: Time) -> Result<BTreeMap<String, Money>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT agent, cost_nanos FROM costs INDEXED BY costs_day WHERE company_id = ?1 AND day = ?2
             UNION ALL SELECT agent, cost_nanos FROM forgotten_costs WHERE company_id = ?1 AND day = ?2",
        )?;
        let mut by_agent: BTreeMap<String, Money> = BTreeMap::new();
        let mut rows = select.query(params![company.0, days::day_of(now)])?;
        while let Some(row) = rows.next()? {
            let cost = money(row, "cost_nanos")?;
            *by_agent.entry(row.get(0)?).or_default() += cost;
        }
        by_agent.retain(|agent, cost| *cost > Money::ZERO && !agent.is_empty());
        Ok(by_agent)
    }

    /// Tokens of all kinds that the company used on the local day of `now`, and in its month. Those set aside for calls
    /// under way are not in it.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn tokens_used(&self, company: CompanyId, now: Time) -> Result<(i64, i64), StoreError> {
        let today = days::day_of(now);
        let (first, last) = days::month_of(&today);
        let mut select = self
            .conn
            .prepare_cached("SELECT day, tokens FROM day_costs WHERE company_id = ?1 AND day BETWEEN ?2 AND ?3")?;
        let (mut of_day, mut of_month) = (0, 0_i64);
        let mut rows = select.query(params![company.0, first, last])?;
        while let Some(row) = rows.next()? {
            let (day, tokens): (String, i64) = (row.get(0)?, row.get(1)?);
            of_month = of_month.saturating_add(tokens);
            if day == today {
                of_day = tokens;
            }
        }
        Ok((of_day, of_month))
    }

    /// What a session's briefs cost so far, with those that are forgotten.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn session_spent(&self, session: SessionId) -> Result<Money, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT cost_nanos FROM sessions WHERE id = ?1")?;
        let spent = select.query_row([session.0], |row| money(row, "cost_nanos")).optional()?;
        spent.ok_or(StoreError::NotFound(Missing::Session(session)))
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

/// Calls of a job, added up by agent, model and day: to the job's costs, the company's day and the session.
pub(crate) fn add(conn: &Connection, of: &Touched, spent: &[(Call, i64)]) -> Result<(), StoreError> {
    for (call, calls) in spent {
        let mut add = conn.prepare_cached(
            "INSERT INTO costs (job_id, company_id, agent, model, day, calls, tokens_input, tokens_output,
               tokens_cache_read, tokens_cache_write, cost_nanos, basis)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (job_id, agent, model, day) DO UPDATE SET calls = calls + ?6,
               tokens_input = min(tokens_input + ?7, 1000000000000000),
               tokens_output = min(tokens_output + ?8, 1000000000000000),
               tokens_cache_read = min(tokens_cache_read + ?9, 1000000000000000),
               tokens_cache_write = min(tokens_cache_write + ?10, 1000000000000000),
               cost_nanos = min(cost_nanos + ?11, 9000000000000000),
               basis = CASE WHEN instr('unknown estimated reported free', ?12)
                 < instr('unknown estimated reported free', basis) THEN ?12 ELSE basis END",
        )?;
        add.execute(params![
            of.job_id.0,
            of.company_id.0,
            call.agent,
            call.model,
            call.day,
            calls,
            call.tokens.input,
            call.tokens.output,
            call.tokens.cache_read,
            call.tokens.cache_write,
            call.cost.as_nanos(),
            basis_name(call.basis),
        ])?;
        let mut add = conn.prepare_cached(
            "INSERT INTO day_costs (company_id, day, cost_nanos, tokens) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (company_id, day) DO UPDATE SET cost_nanos = min(cost_nanos + ?3, 9000000000000000),
               tokens = min(tokens + ?4, 1000000000000000)",
        )?;
        add.execute(params![of.company_id.0, call.day, call.cost.as_nanos(), all_tokens(call.tokens)])?;
        if call.cost > Money::ZERO {
            let mut add = conn.prepare_cached(
                "UPDATE sessions SET cost_nanos = min(cost_nanos + ?2, 9000000000000000) WHERE id = ?1",
            )?;
            add.execute(params![of.session_id.0, call.cost.as_nanos()])?;
        }
    }
    Ok(())
}

/// A call that is forgotten was paid for all the same: it is taken from its job's costs, and kept without the job.
pub(crate) fn keep(conn: &Connection, job: &Job, call: &Call) -> Result<(), StoreError> {
    let mut take = conn.prepare_cached(
        "UPDATE costs SET calls = calls - 1, tokens_input = max(tokens_input - ?5, 0),
           tokens_output = max(tokens_output - ?6, 0), tokens_cache_read = max(tokens_cache_read - ?7, 0),
           tokens_cache_write = max(tokens_cache_write - ?8, 0), cost_nanos = max(cost_nanos - ?9, 0)
         WHERE job_id = ?1 AND agent = ?2 AND model = ?3 AND day = ?4",
    )?;
    take.execute(params![
        job.job_id.0,
        call.agent,
        call.model,
        call.day,
        call.tokens.input,
        call.tokens.output,
        call.tokens.cache_read,
        call.tokens.cache_write,
        call.cost.as_nanos(),
    ])?;
    let mut add = conn.prepare_cached(
        "INSERT INTO forgotten_costs (company_id, day, agent, session_id, model, calls, tokens_input, tokens_output,
           tokens_cache_read, tokens_cache_write, cost_nanos, basis)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (company_id, day, agent, session_id, model) DO UPDATE SET calls = calls + 1,
           tokens_input = min(tokens_input + ?6, 1000000000000000),
           tokens_output = min(tokens_output + ?7, 1000000000000000),
           tokens_cache_read = min(tokens_cache_read + ?8, 1000000000000000),
           tokens_cache_write = min(tokens_cache_write + ?9, 1000000000000000),
           cost_nanos = min(cost_nanos + ?10, 9000000000000000),
           basis = CASE WHEN instr('unknown estimated reported free', ?11)
             < instr('unknown estimated reported free', basis) THEN ?11 ELSE basis END",
    )?;
    add.execute(params![
        job.company_id.0,
        call.day,
        call.agent,
        job.session_id.0,
        call.model,
        call.tokens.input,
        call.tokens.output,
        call.tokens.cache_read,
        call.tokens.cache_write,
        call.cost.as_nanos(),
        basis_name(call.basis),
    ])?;
    Ok(())
}
