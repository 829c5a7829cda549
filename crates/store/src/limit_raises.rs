//! Limits that the founder raises while a job waits for it: a brief's own, a session's, an agent's for a day.

use contract::{CompanyId, JobId, Money, SessionId, Time};
use rusqlite::{OptionalExtension, params};

use crate::{Read, StoreError, Write, days};

/// Which limit is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raise {
    /// A brief's own.
    Job(JobId),
    /// A session's, for good.
    Session(SessionId),
    /// An agent's, for the local day.
    Agent {
        /// The company.
        company_id: CompanyId,
        /// The role.
        agent: String,
    },
}

impl Read<'_> {
    /// What the session's limit was raised to; zero where it was not.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn session_raised(&self, company: CompanyId, session: SessionId) -> Result<Money, StoreError> {
        self.raised(company, session.0, "", "")
    }

    /// What the agent's limit was raised to for the local day of `now`; zero where it was not.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn agent_raised(&self, company: CompanyId, agent: &str, now: Time) -> Result<Money, StoreError> {
        self.raised(company, 0, agent, &days::day_of(now))
    }

    fn raised(&self, company: CompanyId, session: i64, agent: &str, day: &str) -> Result<Money, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT nanos FROM limit_raises WHERE company_id = ?1 AND session_id = ?2 AND agent = ?3 AND day = ?4",
        )?;
        let nanos = select.query_row(params![company.0, session, agent, day], |row| row.get(0)).optional()?;
        Ok(Money::nanos(nanos.unwrap_or(0)))
    }
}

impl Write<'_> {
    /// Raises a limit to `to`: one that is as high stays as it is, and a brief without a limit of its own gets none.
    /// [`Write::lease_grant`] keeps it from then on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a job, session or company that is not there, [`StoreError::JobFinal`] for a job
    /// that has ended.
    pub fn raise_limit(&self, what: &Raise, to: Money, at: Time) -> Result<(), StoreError> {
        let to = to.as_nanos();
        let (company, session, agent, day) = match what {
            Raise::Job(job) => {
                let state = self.job(*job)?.state;
                if state.is_final() {
                    return Err(StoreError::JobFinal { job: *job, state });
                }
                let mut update = self.conn.prepare_cached(
                    "UPDATE jobs SET max_cost_nanos = max(max_cost_nanos, ?2) WHERE id = ?1 AND max_cost_nanos > 0",
                )?;
                update.execute(params![job.0, to])?;
                return Ok(());
            }
            Raise::Session(session) => (self.session(*session)?.company_id, session.0, "", String::new()),
            Raise::Agent { company_id, agent } => {
                (self.company(*company_id)?.company_id, 0, agent.as_str(), days::day_of(at))
            }
        };
        if to <= 0 {
            return Ok(());
        }
        let mut put = self.conn.prepare_cached(
            "INSERT INTO limit_raises (company_id, session_id, agent, day, nanos, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (company_id, session_id, agent, day) DO UPDATE SET nanos = max(nanos, ?5), at = ?6",
        )?;
        put.execute(params![company.0, session, agent, day, to, at.0])?;
        Ok(())
    }
}
