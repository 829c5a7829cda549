//! Sessions: a CEO's conversation, one open at a time in a company.

use contract::{CompanyId, Exchange, Session, SessionId, Time};
use rusqlite::{OptionalExtension, Row, params};

use crate::rows::{clamp, maybe_time, time};
use crate::{Missing, Read, StoreError, Write};

const SELECT: &str = "SELECT s.*, (SELECT count(*) FROM jobs j WHERE j.session_id = s.id) AS jobs FROM sessions s";

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        session_id: SessionId(row.get("id")?),
        company_id: CompanyId(row.get("company_id")?),
        opened_at: time(row, "opened_at")?,
        closed_at: maybe_time(row, "closed_at")?,
        jobs: row.get("jobs")?,
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

    /// The company's open session.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn session_open_of(&self, company: CompanyId) -> Result<Option<Session>, StoreError> {
        let mut select =
            self.conn.prepare_cached(&format!("{SELECT} WHERE s.company_id = ?1 AND s.closed_at IS NULL"))?;
        Ok(select.query_row([company.0], session).optional()?)
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
    /// Opens the company's session. Its agents are idle from now on.
    ///
    /// # Errors
    /// [`StoreError::SessionActive`] where one is open, [`StoreError::NotFound`] for a company that is not there.
    pub fn session_open(&self, company: CompanyId, at: Time) -> Result<Session, StoreError> {
        self.company(company)?;
        if let Some(open) = self.session_open_of(company)? {
            return Err(StoreError::SessionActive { session: open.session_id });
        }
        let mut insert = self.conn.prepare_cached("INSERT INTO sessions (company_id, opened_at) VALUES (?1, ?2)")?;
        let id = SessionId(insert.insert(params![company.0, at.0])?);
        let mut forget = self.conn.prepare_cached("DELETE FROM agent_states WHERE company_id = ?1")?;
        forget.execute([company.0])?;
        self.company_used(company, at)?;
        self.session(id)
    }

    /// Closes the session. Its agents are stopped from now on.
    ///
    /// # Errors
    /// [`StoreError::SessionBusy`] while a job of it has not ended, [`StoreError::NotFound`] for one that is not
    /// there or is closed.
    pub fn session_close(&self, id: SessionId, at: Time) -> Result<Session, StoreError> {
        if let Some((job, title)) = self.session_job(id)? {
            return Err(StoreError::SessionBusy { job, title });
        }
        let mut update =
            self.conn.prepare_cached("UPDATE sessions SET closed_at = ?2 WHERE id = ?1 AND closed_at IS NULL")?;
        if update.execute(params![id.0, at.0])? == 0 {
            return Err(StoreError::NotFound(Missing::Session(id)));
        }
        self.session(id)
    }
}
