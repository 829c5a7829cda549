//! The schema and its migrations. A migration that has landed is never edited: the next one mends it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use crate::StoreError;
use crate::backup;

/// Every migration there is, in order. A test holds it to the folder's content.
pub(crate) const MIGRATIONS: &[(&str, &str)] = &[("0001_init.sql", include_str!("../../../migrations/0001_init.sql"))];

/// The schema that this version knows.
pub(crate) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Brings the database at `path` to the known schema, after a backup where it holds one that is older.
///
/// # Errors
/// [`StoreError::NewerDatabase`] before anything is touched; else what the file or SQLite said.
pub(crate) fn migrate(path: &Path, backups: &Path) -> Result<(), StoreError> {
    let mut conn = open(path)?;
    let found = version(&conn)?;
    if found > KNOWN {
        return Err(StoreError::NewerDatabase { found, known: KNOWN });
    }
    if found == KNOWN {
        return Ok(());
    }
    if found > 0 {
        backup::before_migration(&conn, backups, found)?;
    }
    // Outside of a transaction, and kept in the file from then on.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    let steps: Vec<M<'_>> = MIGRATIONS.iter().map(|(_, sql)| M::up(sql)).collect();
    Migrations::new(steps).to_latest(&mut conn).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        other => StoreError::Corrupt(other.to_string()),
    })
}

fn version(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    Ok(conn)
}

/// The connection that writes. Each commit is on disk when it returns.
pub(crate) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let conn = tuned(path)?;
    conn.pragma_update(None, "cache_size", -8000)?;
    // A burst may grow the log; after it the file gives the space back.
    conn.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    Ok(conn)
}

/// A connection that reads.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let conn = tuned(path)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

fn tuned(path: &Path) -> Result<Connection, StoreError> {
    let conn = open(path)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(128);
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_a_migration() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        files.sort();
        let listed: Vec<String> = MIGRATIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(files, listed);
        for (index, name) in listed.iter().enumerate() {
            assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name} is out of order");
        }
    }
}
