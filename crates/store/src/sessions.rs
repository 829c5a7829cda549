//! Sessions: the conversation of an agent that is briefed, one open at a time for each of a company.

use contract::{CompanyId, Exchange, Session, SessionId, SessionPage, Time};
use rusqlite::{OptionalExtension, Row, params};

use crate::fold::CEO;
use crate::rows::{clamp, maybe_time, page, time};
use crate::{Missing, Read, StoreError, Write};

const SELECT: &str = "SELECT s.*, (SELECT count(*) FROM jobs j WHERE j.session_id = s.id) AS jobs, coalesce(
      (SELECT j.title FROM jobs j WHERE j.session_id = s.id ORDER BY j.id DESC LIMIT 1), '') AS latest
    FROM sessions s";

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        session_id: SessionId(row.get("id")?),
        company_id: CompanyId(row.get("company_id")?),
        agent: row.get("agent")?,
        opened_at: time(row, "opened_at")?,
        closed_at: maybe_time(row, "closed_at")?,
        jobs: row.get("jobs")?,
        latest: row.get("latest")?,
        greeting: None,
    })
}

impl Read<'_> {
    /// A session.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn session(&self, id: SessionId) -> Result<Session, StoreError> {
        let mut select = self.conn.prepare_cached(&format!("{SELECT} WHERE s.id = ?1"))?;
        select.query_row([id.0], session).optional()?.ok_or(StoreError::NotFound(Missing::Session(id)))
    }

    /// The id of the agent's open session in the company: found at once, however many briefs it took.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn open_session(&self, company: CompanyId, agent: &str) -> Result<Option<SessionId>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT id FROM sessions WHERE company_id = ?1 AND agent = ?2 AND closed_at IS NULL")?;
        Ok(select.query_row(params![company.0, agent], |row| row.get(0)).optional()?.map(SessionId))
    }

    /// The agent's open session in the company.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn session_open_of(&self, company: CompanyId, agent: &str) -> Result<Option<Session>, StoreError> {
        self.open_session(company, agent)?.map(|id| self.session(id)).transpose()
    }

    /// The company's open sessions, the CEO's first; at most 500.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn open_sessions(&self, company: CompanyId) -> Result<Vec<Session>, StoreError> {
        let mut select = self.conn.prepare_cached(&format!(
            "{SELECT} INDEXED BY sessions_one_open WHERE s.company_id = ?1 AND s.closed_at IS NULL
             ORDER BY s.agent <> ?2, s.id LIMIT 500"
        ))?;
        let rows = select.query_map(params![company.0, CEO], session)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether any agent of the company has an open session.
    pub(crate) fn any_session_open(&self, company: CompanyId) -> Result<bool, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT 1 FROM sessions INDEXED BY sessions_one_open WHERE company_id = ?1 AND closed_at IS NULL",
        )?;
        Ok(select.exists([company.0])?)
    }

    /// A page of the company's sessions, newest first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn sessions(
        &self,
        company: CompanyId,
        before: Option<SessionId>,
        limit: Option<i64>,
    ) -> Result<SessionPage, StoreError> {
        let limit = page(limit, 50);
        let mut select = self
            .conn
            .prepare_cached(&format!("{SELECT} WHERE s.company_id = ?1 AND s.id < ?2 ORDER BY s.id DESC LIMIT ?3"))?;
        let before = before.map_or(i64::MAX, |before| before.0);
        let rows = select.query_map(params![company.0, before, limit + 1], session)?;
        let mut sessions = rows.collect::<Result<Vec<_>, _>>()?;
        let more = sessions.len() as i64 > limit;
        sessions.truncate(limit as usize);
        let next = if more { sessions.last().map(|session| session.session_id) } else { None };
        Ok(SessionPage { sessions, next })
    }

    /// The session's last finished briefs with their answers, oldest first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn exchanges(&self, session: SessionId, limit: i64) -> Result<Vec<Exchange>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT t.directive, t.answer FROM jobs j JOIN job_texts t ON t.job_id = j.id
             WHERE j.session_id = ?1 AND j.state = 'completed' AND t.answer IS NOT NULL ORDER BY j.id DESC LIMIT ?2",
        )?;
        let rows = select.query_map(params![session.0, clamp(limit)], |row| {
            Ok(Exchange { directive: row.get(0)?, answer: row.get(1)? })
        })?;
        let mut exchanges = rows.collect::<Result<Vec<_>, _>>()?;
        exchanges.reverse();
        Ok(exchanges)
    }
}

impl Write<'_> {
    /// Opens a session of the company's agent.
    ///
    /// # Errors
    /// [`StoreError::SessionActive`] where the agent has one open, [`StoreError::NotFound`] for a company that is not
    /// there.
    pub fn session_open(&self, company: CompanyId, agent: &str, at: Time) -> Result<Session, StoreError> {
        self.company(company)?;
        if let Some(session) = self.open_session(company, agent)? {
            return Err(StoreError::SessionActive { session });
        }
        let mut insert =
            self.conn.prepare_cached("INSERT INTO sessions (company_id, agent, opened_at) VALUES (?1, ?2, ?3)")?;
        let id = SessionId(insert.insert(params![company.0, agent, at.0])?);
        self.company_used(company, at)?;
        self.session(id)
    }

    /// Opens a session of the company again: its conversation goes on, and its agents are idle.
    ///
    /// # Errors
    /// [`StoreError::SessionActive`] where its agent has one open, [`StoreError::NotFound`] for one that the company
    /// does not have.
    pub fn session_reopen(&self, company: CompanyId, id: SessionId, at: Time) -> Result<Session, StoreError> {
        let before = self.session(id)?;
        if before.company_id != company {
            return Err(StoreError::NotFound(Missing::Session(id)));
        }
        if let Some(session) = self.open_session(company, &before.agent)? {
            return Err(StoreError::SessionActive { session });
        }
        // Its briefs so far have all ended: what the agents did in them is past.
        let mut update = self.conn.prepare_cached(
            "UPDATE sessions SET closed_at = NULL, agents_after = (SELECT coalesce(max(id), 0) FROM jobs) WHERE id = ?1",
        )?;
        update.execute([id.0])?;
        self.company_used(company, at)?;
        self.session(id)
    }

    /// Closes the session: what its agents did in it is past. With a company's last one its agents are stopped.
    ///
    /// # Errors
    /// [`StoreError::SessionBusy`] while a job of it has not ended, [`StoreError::NotFound`] for one that is not
    /// there or is closed.
    pub fn session_close(&self, id: SessionId, at: Time) -> Result<Session, StoreError> {
        if let Some((job, title)) = self.session_unended(id)? {
            return Err(StoreError::SessionBusy { job, title });
        }
        let mut update =
            self.conn.prepare_cached("UPDATE sessions SET closed_at = ?2 WHERE id = ?1 AND closed_at IS NULL")?;
        if update.execute(params![id.0, at.0])? == 0 {
            return Err(StoreError::NotFound(Missing::Session(id)));
        }
        let session = self.session(id)?;
        let mut forget = self.conn.prepare_cached(
            "DELETE FROM agent_states WHERE company_id = ?1
               AND ?2 = (SELECT j.session_id FROM jobs j WHERE j.id = agent_states.job_id)",
        )?;
        forget.execute(params![session.company_id.0, id.0])?;
        Ok(session)
    }
}
