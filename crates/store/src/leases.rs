//! Leases: money and tokens set aside for a model call before it is made, so that no call is made that a limit does not
//! cover.

use contract::{CompanyId, JobId, LeaseId, Money, RunId, SessionId, Time};
use rusqlite::{OptionalExtension, Params, params};

use crate::amounts::count;
use crate::{Missing, StoreError, Write, days};

/// The limits that a call must fit in. Zero means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The company's, a local day.
    pub daily: Money,
    /// The company's, a month.
    pub monthly: Money,
    /// The session's, where the founder has not raised it ([`Write::raise_limit`]).
    pub session: Money,
    /// The calling agent's, a local day, where the founder has not raised it.
    pub agent: Money,
    /// The job's own.
    pub job: Money,
    /// The company's tokens, a local day.
    pub daily_tokens: i64,
    /// The company's tokens, a month.
    pub monthly_tokens: i64,
    /// A job's tokens.
    pub job_tokens: i64,
}

/// What a call may need, at worst.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Who calls (role).
    pub agent: String,
    /// The most that it can cost; zero for one that is free, or whose price nobody knows.
    pub cost: Money,
    /// The most tokens that it can use, of all kinds.
    pub tokens: i64,
}

/// Whose limit it is, and over which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The company's, a local day.
    Daily,
    /// The company's, a month.
    Monthly,
    /// The session's.
    Session,
    /// The calling agent's, a local day.
    Agent,
    /// The job's own.
    Job,
}

/// How much of a limit is used, calls under way at their worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// Of one in dollars.
    Cost {
        /// What is spent and set aside.
        spent: Money,
        /// The limit, as the founder raised it.
        limit: Money,
    },
    /// Of one in tokens.
    Tokens {
        /// What is used and set aside.
        used: i64,
        /// The limit.
        limit: i64,
    },
}

/// A call that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The limit that it does not fit in.
    pub which: Limit,
    /// How much of it is used.
    pub used: Used,
}

/// Whose call it is, and when.
struct Call<'a> {
    company: CompanyId,
    session: SessionId,
    job: JobId,
    agent: &'a str,
    today: String,
}

impl Write<'_> {
    /// Sets what a model call of the run may need aside, where it fits in every limit beside what is used and set
    /// aside already: of the day and the month, those that are under way from the day before too, since they may be
    /// counted to today. A call that costs nothing asks for its tokens alone. The outer error is the store's, the
    /// inner one says which limit is in the way.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a run that is not there, [`StoreError::RunFinal`] for one that has ended.
    pub fn lease_grant(
        &self,
        run: RunId,
        need: &Need,
        limits: &Limits,
        now: Time,
    ) -> Result<Result<LeaseId, Refused>, StoreError> {
        let (state, job) = self.run(run)?;
        if state.state.is_final() {
            return Err(StoreError::RunFinal(run));
        }
        let mut select = self.conn.prepare_cached("SELECT company_id, session_id FROM jobs WHERE id = ?1")?;
        let of = select.query_row([job.0], |row| Ok((CompanyId(row.get(0)?), SessionId(row.get(1)?)))).optional()?;
        let (company, session) = of.ok_or(StoreError::NotFound(Missing::Job(job)))?;
        let call = Call { company, session, job, agent: &need.agent, today: days::day_of(now) };
        let (cost, tokens) = (need.cost.max(Money::ZERO), count(need.tokens));
        for which in [Limit::Daily, Limit::Monthly, Limit::Session, Limit::Agent, Limit::Job] {
            let limit = self.limit(which, limits, &call, now)?;
            if cost > Money::ZERO && limit > Money::ZERO {
                let spent = self.spent(which, &call)?;
                if spent + cost > limit {
                    return Ok(Err(Refused { which, used: Used::Cost { spent, limit } }));
                }
            }
        }
        for (which, limit) in [
            (Limit::Daily, limits.daily_tokens),
            (Limit::Monthly, limits.monthly_tokens),
            (Limit::Job, limits.job_tokens),
        ] {
            if limit > 0 {
                let used = self.tokens(which, &call)?;
                if used.saturating_add(tokens) > limit {
                    return Ok(Err(Refused { which, used: Used::Tokens { used, limit } }));
                }
            }
        }
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO leases (run_id, job_id, session_id, company_id, agent, nanos, tokens, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let row = params![run.0, job.0, session.0, company.0, need.agent, cost.as_nanos(), tokens, now.0];
        Ok(Ok(LeaseId(insert.insert(row)?)))
    }

    /// Gives a lease of the run back unused. One that is settled, or another run's, is left as it is.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn lease_return(&self, run: RunId, lease: LeaseId) -> Result<(), StoreError> {
        let mut delete = self.conn.prepare_cached("DELETE FROM leases WHERE id = ?1 AND run_id = ?2")?;
        delete.execute(params![lease.0, run.0])?;
        Ok(())
    }

    /// The limit with what the founder raised it to. One that is not there is not raised.
    fn limit(&self, which: Limit, limits: &Limits, call: &Call<'_>, now: Time) -> Result<Money, StoreError> {
        Ok(match which {
            Limit::Daily => limits.daily,
            Limit::Monthly => limits.monthly,
            Limit::Job => limits.job,
            Limit::Session if limits.session > Money::ZERO => {
                limits.session.max(self.session_raised(call.company, call.session)?)
            }
            Limit::Agent if limits.agent > Money::ZERO => {
                limits.agent.max(self.agent_raised(call.company, call.agent, now)?)
            }
            Limit::Session | Limit::Agent => Money::ZERO,
        })
    }

    fn spent(&self, which: Limit, call: &Call<'_>) -> Result<Money, StoreError> {
        let Call { company, session, job, agent, today } = call;
        let (first, last) = days::month_of(today);
        let nanos = match which {
            Limit::Daily => self.sum(DAY_COSTS, params![company.0, today, today])?,
            Limit::Monthly => self.sum(DAY_COSTS, params![company.0, first, last])?,
            Limit::Session => self.sum("SELECT cost_nanos FROM sessions WHERE id = ?1", [session.0])?,
            Limit::Agent => {
                let known = self.sum(AGENT_COSTS, params![company.0, today, agent])?;
                known.saturating_add(self.sum(AGENT_FORGOTTEN, params![company.0, today, agent])?)
            }
            Limit::Job => self.sum("SELECT cost_nanos FROM jobs WHERE id = ?1", [job.0])?,
        };
        let leased = match which {
            Limit::Daily | Limit::Monthly => self.sum("SELECT nanos FROM leases WHERE company_id = ?1", [company.0])?,
            Limit::Session => self.sum("SELECT nanos FROM leases WHERE session_id = ?1", [session.0])?,
            Limit::Agent => {
                let sql = "SELECT nanos FROM leases WHERE company_id = ?1 AND agent = ?2";
                self.sum(sql, params![company.0, agent])?
            }
            Limit::Job => self.sum("SELECT nanos FROM leases WHERE job_id = ?1", [job.0])?,
        };
        Ok(Money::nanos(nanos) + Money::nanos(leased))
    }

    fn tokens(&self, which: Limit, call: &Call<'_>) -> Result<i64, StoreError> {
        let Call { company, job, today, .. } = call;
        let (first, last) = days::month_of(today);
        let of_company = "SELECT tokens FROM leases WHERE company_id = ?1";
        let (used, leased) = match which {
            Limit::Daily => {
                (self.sum(DAY_TOKENS, params![company.0, today, today])?, self.sum(of_company, [company.0])?)
            }
            Limit::Job => {
                (self.sum(JOB_TOKENS, [job.0])?, self.sum("SELECT tokens FROM leases WHERE job_id = ?1", [job.0])?)
            }
            _ => (self.sum(DAY_TOKENS, params![company.0, first, last])?, self.sum(of_company, [company.0])?),
        };
        Ok(used.saturating_add(leased))
    }

    /// The sum, in our own arithmetic: SQLite's fails where it overflows.
    fn sum(&self, sql: &str, params: impl Params) -> Result<i64, StoreError> {
        let mut select = self.conn.prepare_cached(sql)?;
        let mut rows = select.query(params)?;
        let mut sum: i64 = 0;
        while let Some(row) = rows.next()? {
            sum = sum.saturating_add(row.get(0)?);
        }
        Ok(sum)
    }
}

const DAY_COSTS: &str = "SELECT cost_nanos FROM day_costs WHERE company_id = ?1 AND day BETWEEN ?2 AND ?3";
const DAY_TOKENS: &str = "SELECT tokens FROM day_costs WHERE company_id = ?1 AND day BETWEEN ?2 AND ?3";
const AGENT_COSTS: &str = "SELECT cost_nanos FROM costs INDEXED BY costs_day
    WHERE company_id = ?1 AND day = ?2 AND agent = ?3";
const AGENT_FORGOTTEN: &str =
    "SELECT cost_nanos FROM forgotten_costs WHERE company_id = ?1 AND day = ?2 AND agent = ?3";
const JOB_TOKENS: &str = "SELECT tokens_input + tokens_output + tokens_cache_read + tokens_cache_write FROM jobs
    WHERE id = ?1";
