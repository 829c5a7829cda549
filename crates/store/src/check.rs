//! Looks through a database for damage.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Error, ErrorCode};

use crate::{StoreError, patience, schema};

/// Steps of SQLite between two looks at the clock: a fraction of a millisecond.
const STEPS: i32 = 1000;

/// What a look through a database found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// Nothing is wrong.
    Sound,
    /// It was not looked through to the end.
    Unfinished,
    /// It is damaged.
    Damaged(String),
}

/// Looks through the database of `conn`, for so long.
pub(crate) fn within(conn: &Connection, bound: Duration) -> Result<Checked, StoreError> {
    let end = Instant::now() + bound;
    look(conn, move || Instant::now() >= end)
}

/// Looks through a database to the end, or to that of the store whose thread this is.
pub(crate) fn whole(conn: &Connection) -> Result<Checked, StoreError> {
    look(conn, patience::is_over)
}

/// Looks through the database at `path` on a connection of its own, until that is done or `leaving` is set.
pub(crate) fn until_left(path: &Path, leaving: &Arc<AtomicBool>) -> Result<Checked, StoreError> {
    let leaving = Arc::clone(leaving);
    look(&schema::reader(path)?, move || leaving.load(Ordering::Relaxed))
}

fn look(conn: &Connection, enough: impl FnMut() -> bool + Send + 'static) -> Result<Checked, StoreError> {
    conn.progress_handler(STEPS, Some(enough))?;
    let found = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    conn.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Ok(word) if word == "ok" => Ok(Checked::Sound),
        Ok(what) => Ok(Checked::Damaged(contract::one_line(&what, 200))),
        Err(Error::SqliteFailure(failure, _)) if failure.code == ErrorCode::OperationInterrupted => {
            Ok(Checked::Unfinished)
        }
        Err(error) => match StoreError::from(error) {
            StoreError::Damaged(what) => Ok(Checked::Damaged(what)),
            other => Err(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_ends_when_its_time_is_over_and_goes_on_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("aicib.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(
            "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL); CREATE INDEX i ON t (b);
             WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 20000)
             INSERT INTO t SELECT x, hex(randomblob(40)) FROM n;",
        )
        .unwrap();
        assert_eq!(within(&conn, Duration::ZERO).unwrap(), Checked::Unfinished);
        assert_eq!(within(&conn, Duration::from_secs(60)).unwrap(), Checked::Sound);
        assert_eq!(conn.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)), Ok(20_000));

        let leaving = Arc::new(AtomicBool::new(true));
        assert_eq!(until_left(&path, &leaving).unwrap(), Checked::Unfinished);
        leaving.store(false, Ordering::Relaxed);
        assert_eq!(until_left(&path, &leaving).unwrap(), Checked::Sound);
    }
}
