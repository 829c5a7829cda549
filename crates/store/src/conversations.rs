//! By which names engines that are programs take up sessions' conversations.

use contract::{EngineKind, SessionId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{Read, StoreError};

/// Bytes of a name, at most. A longer one is none that we could hand back.
const MOST: usize = 512;

impl Read<'_> {
    /// By which name the engine takes up the session's conversation; none where it had none in it.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn conversation_of(
        &self,
        session: SessionId,
        engine: EngineKind,
        engine_agent: &str,
    ) -> Result<Option<String>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT conversation FROM conversations WHERE session_id = ?1 AND engine = ?2 AND engine_agent = ?3",
        )?;
        let row = params![session.0, engine.name(), engine_agent];
        Ok(select.query_row(row, |row| row.get(0)).optional()?)
    }
}

/// The engine's conversation in the session has this name from now on.
pub(crate) fn put(
    conn: &Connection,
    session: SessionId,
    engine: EngineKind,
    engine_agent: &str,
    conversation: &str,
) -> Result<(), StoreError> {
    if conversation.is_empty() || conversation.len() > MOST || engine_agent.len() > MOST {
        return Ok(());
    }
    let mut put = conn.prepare_cached(
        "INSERT INTO conversations (session_id, engine, engine_agent, conversation) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (session_id, engine, engine_agent) DO UPDATE SET conversation = ?4",
    )?;
    put.execute(params![session.0, engine.name(), engine_agent, conversation])?;
    Ok(())
}
