//! Leases: money set aside for a model call before it is made, so that no call is made that a limit does not cover.

use contract::{LeaseId, Money, RunId, Time};
use rusqlite::{Params, params};

use crate::{StoreError, Write, days};

/// The limits that a call must fit in. Zero means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The company's, a local day.
    pub daily: Money,
    /// The company's, a month.
    pub monthly: Money,
    /// The job's own.
    pub job: Money,
}

/// A limit's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A local day's.
    Daily,
    /// A month's.
    Monthly,
    /// The job's own.
    Job,
}

/// A call that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The limit that it does not fit in.
    pub which: Limit,
    /// What is spent of it, calls under way at their worst.
    pub spent: Money,
    /// The limit.
    pub limit: Money,
}

impl Write<'_> {
    /// Sets `worst` aside for a model call of the run, where it fits in every limit beside what is spent and set
    /// aside already. The outer error is the store's, the inner one says which limit is in the way.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a run that is not there, [`StoreError::RunFinal`] for one that has ended.
    pub fn lease_grant(
        &self,
        run: RunId,
        worst: Money,
        limits: &Limits,
        now: Time,
    ) -> Result<Result<LeaseId, Refused>, StoreError> {
        let (state, job) = self.run(run)?;
        if state.state.is_final() {
            return Err(StoreError::RunFinal(run));
        }
        let company = self.job(job)?.company_id;
        let worst = worst.max(Money::ZERO);
        let today = days::of(now);
        let (first, last) = days::month_of(&today);
        let checks = [
            (Limit::Daily, limits.daily, self.company_total(company.0, &today, &today)?),
            (Limit::Monthly, limits.monthly, self.company_total(company.0, &first, &last)?),
            (Limit::Job, limits.job, self.job_total(job.0)?),
        ];
        for (which, limit, spent) in checks {
            if limit > Money::ZERO && spent + worst > limit {
                return Ok(Err(Refused { which, spent, limit }));
            }
        }
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO leases (run_id, job_id, company_id, nanos, day, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let row = params![run.0, job.0, company.0, worst.as_nanos(), today, now.0];
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

    fn company_total(&self, company: i64, first: &str, last: &str) -> Result<Money, StoreError> {
        let of = |table: &str, column: &str| {
            let sql = format!("SELECT {column} FROM {table} WHERE company_id = ?1 AND day BETWEEN ?2 AND ?3");
            self.sum(&sql, params![company, first, last])
        };
        Ok(of("day_costs", "cost_nanos")? + of("leases", "nanos")?)
    }

    fn job_total(&self, job: i64) -> Result<Money, StoreError> {
        let spent = self.sum("SELECT cost_nanos FROM jobs WHERE id = ?1", params![job])?;
        Ok(spent + self.sum("SELECT nanos FROM leases WHERE job_id = ?1", params![job])?)
    }

    /// The sum, in our own arithmetic: SQLite's fails where it overflows.
    fn sum(&self, sql: &str, params: impl Params) -> Result<Money, StoreError> {
        let mut select = self.conn.prepare_cached(sql)?;
        let mut rows = select.query(params)?;
        let mut sum = Money::ZERO;
        while let Some(row) = rows.next()? {
            sum += Money::nanos(row.get(0)?);
        }
        Ok(sum)
    }
}
