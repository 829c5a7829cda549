//! The schema and its migrations. A migration that has landed is never edited: the next one mends it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use crate::{StoreError, backup, patience};

/// Every migration there is, in order. A test holds it to the folder's content.
pub(crate) const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_init.sql", include_str!("../../../migrations/0001_init.sql")),
    ("0002_job_life.sql", include_str!("../../../migrations/0002_job_life.sql")),
    ("0003_company.sql", include_str!("../../../migrations/0003_company.sql")),
    ("0004_leave.sql", include_str!("../../../migrations/0004_leave.sql")),
    ("0005_desk.sql", include_str!("../../../migrations/0005_desk.sql")),
];

/// Brings the database at `path` to the known schema, after a backup where it holds one that is older.
///
/// # Errors
/// [`StoreError::NewerDatabase`] before anything is touched; else what the file or SQLite said.
pub(crate) fn migrate(path: &Path, backups: &Path) -> Result<(), StoreError> {
    migrate_by(MIGRATIONS, path, Some(backups))
}

/// The same, of a copy: there is nothing to be lost.
pub(crate) fn migrate_copy(path: &Path) -> Result<(), StoreError> {
    migrate_by(MIGRATIONS, path, None)
}

fn migrate_by(migrations: &[(&str, &str)], path: &Path, backups: Option<&Path>) -> Result<(), StoreError> {
    let known = migrations.len() as i64;
    let mut conn = open(path)?;
    let found = version(&conn)?;
    if found > known {
        return Err(StoreError::NewerDatabase { found, known });
    }
    if found == known {
        return Ok(());
    }
    if let Some(backups) = backups.filter(|_| found > 0) {
        backup::before_migration(&conn, backups, found)?;
    }
    // Outside of a transaction, and kept in the file from then on.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // A table that is built anew is dropped in between, which they forbid: they are looked at before the commit instead.
    conn.pragma_update(None, "foreign_keys", false)?;
    let steps: Vec<M<'_>> = migrations.iter().map(|(_, sql)| M::up(sql).foreign_key_check()).collect();
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
    conn.busy_handler(Some(patience::again))?;
    Ok(conn)
}

/// The connection that writes. Each commit is on disk when it returns.
pub(crate) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let conn = tuned(path)?;
    conn.pragma_update(None, "cache_size", -4000)?;
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

    #[test]
    fn a_migration_copies_the_database_before_it_changes_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, backups) = (dir.path().join("aicib.db"), dir.path().join("backups"));
        let first = ("0001.sql", "CREATE TABLE a (x); INSERT INTO a VALUES (1);");
        migrate_by(&[first], &path, Some(&backups)).unwrap();
        migrate_by(&[first], &path, Some(&backups)).unwrap();
        assert!(!backups.exists(), "nothing was there to be copied, and then nothing to be changed");

        let broken = ("0002.sql", "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);");
        assert!(migrate_by(&[first, broken], &path, Some(&backups)).is_err());
        let count = |sql: &str| Connection::open(&path).unwrap().query_row(sql, [], |row| row.get::<_, i64>(0));
        assert_eq!(count("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), Ok(0));

        let second = ("0002.sql", "ALTER TABLE a ADD COLUMN y; UPDATE a SET x = 2;");
        migrate_by(&[first, second], &path, Some(&backups)).unwrap();
        assert_eq!(count("SELECT x FROM a WHERE y IS NULL"), Ok(2));
        let copies: Vec<_> = std::fs::read_dir(&backups).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(copies.len(), 2);
        for copy in copies {
            assert!(copy.to_string_lossy().ends_with("-schema1.db"), "{copy:?}");
            let copy = Connection::open(copy).unwrap();
            assert_eq!(copy.query_row("SELECT x FROM a", [], |row| row.get::<_, i64>(0)), Ok(1));
            assert_eq!(version(&copy).unwrap(), 1);
        }
        let refused = migrate_by(&[first], &path, Some(&backups));
        assert!(matches!(refused, Err(StoreError::NewerDatabase { found: 2, known: 1 })));
    }
}
