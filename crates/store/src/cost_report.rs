//! What a company spent, by one thing.

use std::collections::HashMap;

use contract::{CompanyId, CostBasis, CostBy, CostRow, JobId, Money, SessionId, Tokens, role_name};
use rusqlite::{OptionalExtension, Row, params};

use crate::amounts::{added, basis_from_name, less_certain};
use crate::project::tokens;
use crate::rows::{money, named};
use crate::{Read, StoreError};

/// Rows of a report.
const ROWS: usize = 500;
/// What is said of calls whose job is forgotten, where a report is by what is forgotten with it.
const FORGOTTEN: &str = "Forgotten jobs";

/// What a company spent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostSums {
    /// Dearest first; days oldest first. At most 500: the dearest, the last days.
    pub rows: Vec<CostRow>,
    /// Whether there are more rows.
    pub more: bool,
    /// All of it together, those that are not among the rows as well.
    pub total: Money,
}

/// Calls that a row adds up.
struct Sum {
    calls: i64,
    tokens: Tokens,
    cost: Money,
    basis: CostBasis,
}

/// By job, then what is known of forgotten ones, without.
const CALLS: &str = "SELECT c.agent, c.model, c.day, c.job_id, j.session_id, c.calls, c.tokens_input, c.tokens_output,
      c.tokens_cache_read, c.tokens_cache_write, c.cost_nanos, c.basis
    FROM costs c INDEXED BY costs_day CROSS JOIN jobs j ON j.id = c.job_id
    WHERE c.company_id = ?1 AND c.day BETWEEN ?2 AND ?3 AND (?4 IS NULL OR j.session_id = ?4)
    UNION ALL
    SELECT agent, model, day, 0, session_id, calls, tokens_input, tokens_output, tokens_cache_read,
      tokens_cache_write, cost_nanos, basis
    FROM forgotten_costs
    WHERE company_id = ?1 AND day BETWEEN ?2 AND ?3 AND (?4 IS NULL OR session_id = ?4)";

impl Read<'_> {
    /// What the company spent from the local day `since` up to `until` (`2026-11-20`), both included, in one session
    /// where one is given. Calls of forgotten jobs are in it; by job they are one row, without a key.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn cost_report(
        &self,
        company: CompanyId,
        by: CostBy,
        since: &str,
        until: &str,
        session: Option<SessionId>,
    ) -> Result<CostSums, StoreError> {
        let mut select = self.conn.prepare_cached(CALLS)?;
        let mut rows = select.query(params![company.0, since, until, session.map(|session| session.0)])?;
        let mut sums: HashMap<String, Sum> = HashMap::new();
        let mut total = Money::ZERO;
        // Added up here and not by SQLite: its sums fail where they overflow.
        while let Some(row) = rows.next()? {
            let (key, sum) = (key(row, by)?, sum(row)?);
            total += sum.cost;
            match sums.get_mut(&key) {
                Some(known) => {
                    known.calls = known.calls.saturating_add(sum.calls);
                    known.tokens = added(known.tokens, sum.tokens);
                    known.cost += sum.cost;
                    known.basis = less_certain(known.basis, sum.basis);
                }
                None => drop(sums.insert(key, sum)),
            }
        }
        let mut sums: Vec<(String, Sum)> = sums.into_iter().collect();
        if by == CostBy::Day {
            sums.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        } else {
            let calls = |sum: &Sum| (sum.cost, sum.tokens.input + sum.tokens.output);
            sums.sort_unstable_by(|a, b| calls(&b.1).cmp(&calls(&a.1)).then_with(|| a.0.cmp(&b.0)));
        }
        let more = sums.len() > ROWS;
        sums.truncate(ROWS);
        if by == CostBy::Day {
            sums.reverse();
        }
        let rows = sums.into_iter().map(|(key, sum)| {
            let label = self.label(&key, by)?;
            Ok(CostRow { label, key, calls: sum.calls, tokens: sum.tokens, cost_usd: sum.cost, basis: sum.basis })
        });
        Ok(CostSums { rows: rows.collect::<Result<_, StoreError>>()?, more, total })
    }

    /// How a row is shown: an agent by its role, since only its company's folder knows its name.
    fn label(&self, key: &str, by: CostBy) -> Result<String, StoreError> {
        if key.is_empty() {
            return Ok(FORGOTTEN.into());
        }
        let number = key.parse().unwrap_or(0);
        Ok(match by {
            CostBy::Agent => role_name(key),
            CostBy::Model | CostBy::Day => key.to_owned(),
            CostBy::Job => {
                let mut select = self.conn.prepare_cached("SELECT title FROM jobs WHERE id = ?1")?;
                let title: Option<String> = select.query_row([number], |row| row.get(0)).optional()?;
                format!("#{} {}", JobId(number), title.unwrap_or_default())
            }
            CostBy::Session => {
                let mut select = self.conn.prepare_cached("SELECT agent FROM sessions WHERE id = ?1")?;
                let agent: Option<String> = select.query_row([number], |row| row.get(0)).optional()?;
                format!("#{} {}", SessionId(number), role_name(&agent.unwrap_or_default()))
            }
        })
    }
}

fn key(row: &Row<'_>, by: CostBy) -> rusqlite::Result<String> {
    let number = |column: &str| {
        let number: i64 = row.get(column)?;
        Ok(if number == 0 { String::new() } else { number.to_string() })
    };
    match by {
        CostBy::Agent => row.get("agent"),
        CostBy::Model => row.get("model"),
        CostBy::Day => row.get("day"),
        CostBy::Job => number("job_id"),
        CostBy::Session => number("session_id"),
    }
}

fn sum(row: &Row<'_>) -> rusqlite::Result<Sum> {
    Ok(Sum {
        calls: row.get("calls")?,
        tokens: tokens(row)?,
        cost: money(row, "cost_nanos")?,
        basis: named(row, "basis", basis_from_name)?,
    })
}
