//! The daemon's sign of life.

use contract::Time;
use rusqlite::params;

use crate::rows::maybe_time;
use crate::{Read, StoreError, Write};

/// A sign of life of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: Time,
    /// When it gave the sign.
    pub at: Time,
}

impl Read<'_> {
    /// The last sign of life of a daemon; `None` before the first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn last_beat(&self) -> Result<Option<Beat>, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT * FROM home")?;
        Ok(select.query_row([], |row| {
            let pid: Option<u32> = row.get("daemon_pid")?;
            let version: Option<String> = row.get("daemon_version")?;
            let times = maybe_time(row, "daemon_started_at")?.zip(maybe_time(row, "daemon_beat_at")?);
            let beat = pid.zip(version).zip(times);
            Ok(beat.map(|((pid, version), (started_at, at))| Beat { pid, version, started_at, at }))
        })?)
    }
}

impl Write<'_> {
    /// Keeps a sign of life in place of the last one.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn beat(&self, beat: &Beat) -> Result<(), StoreError> {
        let mut update = self.conn.prepare_cached(
            "UPDATE home SET daemon_pid = ?1, daemon_version = ?2, daemon_started_at = ?3, daemon_beat_at = ?4",
        )?;
        update.execute(params![beat.pid, beat.version, beat.started_at.0, beat.at.0])?;
        Ok(())
    }
}
