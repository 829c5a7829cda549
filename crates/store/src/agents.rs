//! What the agents of a company are doing.

use std::collections::BTreeMap;

use contract::{AgentState, CompanyId, JobId};

use crate::rows::{maybe_job, named};
use crate::{Read, StoreError};

/// What an agent is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentNow {
    /// Its state.
    pub state: AgentState,
    /// The task at hand, in a line; empty for none.
    pub task: String,
    /// The job at hand; for [`AgentState::Error`] the one that failed.
    pub job_id: Option<JobId>,
}

/// What a company's agents are doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamStates {
    /// Whether the company has an open session, the CEO's or another's. Without one everybody is stopped.
    pub session_open: bool,
    /// By role: those that are at work, or failed. Who is not here is idle.
    pub by_role: BTreeMap<String, AgentNow>,
}

impl TeamStates {
    /// What the agent of that role is doing.
    pub fn of(&self, role: &str) -> AgentNow {
        let resting = if self.session_open { AgentState::Idle } else { AgentState::Stopped };
        let known = self.by_role.get(role).cloned();
        known.unwrap_or_else(|| AgentNow { state: resting, task: String::new(), job_id: None })
    }
}

impl Read<'_> {
    /// What the company's agents are doing.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn agent_states(&self, company: CompanyId) -> Result<TeamStates, StoreError> {
        let session_open = self.any_session_open(company)?;
        if !session_open {
            return Ok(TeamStates { session_open, by_role: BTreeMap::new() });
        }
        // Of an agent with several jobs the last row counts: what it works on before what failed, the newest job last.
        let mut select = self.conn.prepare_cached(
            "SELECT role, state, task, job_id FROM agent_states WHERE company_id = ?1
             ORDER BY role, state = 'working', job_id",
        )?;
        let rows = select.query_map([company.0], |row| {
            let state = named(row, "state", AgentState::from_name)?;
            Ok((row.get("role")?, AgentNow { state, task: row.get("task")?, job_id: maybe_job(row, "job_id")? }))
        })?;
        Ok(TeamStates { session_open, by_role: rows.collect::<Result<_, _>>()? })
    }
}
