//! Company folders that the daemon knows.

use contract::{CompanyId, Time};
use rusqlite::{OptionalExtension, Row, params};

use crate::rows::time;
use crate::{Missing, Read, StoreError, Write};

/// A company as the store knows it; the rest is in its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyRow {
    /// Its id.
    pub company_id: CompanyId,
    /// Its name when it was last looked at.
    pub name: String,
    /// Its folder, absolute.
    pub dir: String,
    /// When the daemon first heard of it.
    pub created_at: Time,
    /// When it was last used.
    pub used_at: Time,
}

fn company(row: &Row<'_>) -> rusqlite::Result<CompanyRow> {
    Ok(CompanyRow {
        company_id: CompanyId(row.get("id")?),
        name: row.get("name")?,
        dir: row.get("dir")?,
        created_at: time(row, "created_at")?,
        used_at: time(row, "used_at")?,
    })
}

impl Read<'_> {
    /// The companies, the one used last first; at most 100.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn companies(&self) -> Result<Vec<CompanyRow>, StoreError> {
        let mut select =
            self.conn.prepare_cached("SELECT * FROM companies ORDER BY used_at DESC, id DESC LIMIT 100")?;
        let rows = select.query_map([], company)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A company.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn company(&self, id: CompanyId) -> Result<CompanyRow, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT * FROM companies WHERE id = ?1")?;
        let row = select.query_row([id.0], company).optional()?;
        row.ok_or(StoreError::NotFound(Missing::Company(id)))
    }

    /// The company in exactly that folder.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn company_by_dir(&self, dir: &str) -> Result<Option<CompanyRow>, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT * FROM companies WHERE dir = ?1")?;
        Ok(select.query_row([dir], company).optional()?)
    }
}

impl Write<'_> {
    /// Makes the folder `dir` known, or gives the company in it its present name. Either counts as use.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn company_put(&self, dir: &str, name: &str, at: Time) -> Result<CompanyRow, StoreError> {
        let mut put = self.conn.prepare_cached(
            "INSERT INTO companies (dir, name, created_at, used_at) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (dir) DO UPDATE SET name = excluded.name, used_at = max(used_at, excluded.used_at)
             RETURNING *",
        )?;
        Ok(put.query_row(params![dir, name, at.0], company)?)
    }

    /// The company was used: it comes first in the list from now on.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn company_used(&self, id: CompanyId, at: Time) -> Result<(), StoreError> {
        let mut update = self.conn.prepare_cached("UPDATE companies SET used_at = max(used_at, ?2) WHERE id = ?1")?;
        update.execute(params![id.0, at.0])?;
        Ok(())
    }
}
