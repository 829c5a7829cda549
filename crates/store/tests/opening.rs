//! A database of an earlier version, a newer one, one that is none; and copies of it.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use contract::{EventSearchParams, JobListParams};
use rusqlite::Connection;
use store::{Store, StoreError};
use support::*;

fn migrations() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Each schema there ever was, with rows as that version wrote them (`tests/fixtures/schema_<n>.sql`), is opened and
/// reads: its jobs, its events, its search.
#[test]
fn every_earlier_schema_is_upgraded_with_its_rows() {
    let migrations = migrations();
    for n in 1..=migrations.len() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("aicib.db");
        let conn = Connection::open(&path).unwrap();
        for migration in &migrations[..n] {
            conn.execute_batch(&fs::read_to_string(migration).unwrap()).unwrap();
        }
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/schema_{n}.sql"));
        let rows = fs::read_to_string(&fixture).unwrap_or_else(|error| panic!("{}: {error}", fixture.display()));
        conn.execute_batch(&rows).unwrap();
        conn.pragma_update(None, "user_version", n as i64).unwrap();
        conn.close().unwrap();

        let home = Home::at(dir);
        let jobs = home.read(|read| read.jobs(&JobListParams::default())).jobs;
        assert_eq!(jobs.len(), 2, "schema {n}");
        let done = home.read(move |read| read.job_detail(jobs[1].job_id));
        assert_eq!(done.job.result.as_deref(), Some("The page is written."), "schema {n}");
        assert_eq!((done.events, done.files, done.cost_by_agent.len()), (7, 1, 1), "schema {n}");
        let words =
            EventSearchParams { query: "quarterly".into(), company_id: None, job_id: None, before: None, limit: None };
        assert_eq!(home.read(move |read| read.search(&words)).hits.len(), 1, "schema {n}");
        assert_eq!(home.backups().len(), usize::from(n < migrations.len()), "schema {n}");

        // Its projections are those that this version makes of its events.
        let stored = home.dump();
        home.write(|write| write.rebuild_projections());
        assert_eq!(stored, home.dump(), "schema {n}");
        let conn = Connection::open(home.database()).unwrap();
        let check: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok", "schema {n}");
        let broken: i64 =
            conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        assert_eq!(broken, 0, "schema {n}");
    }
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let home = Home::new();
    let (path, backups) = (home.database(), home.dir.path().join("backups"));
    home.store.clone().close();
    let known = migrations().len() as i64;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", known + 5).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = Store::open(&path, &backups, false).map(|_| ()).unwrap_err();
    assert!(matches!(refused, StoreError::NewerDatabase { found, known: k } if found == known + 5 && k == known));
    let told = contract::Error::from(refused);
    assert!(told.message.contains("newer") && told.fix.contains("latest version"), "{told}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(!backups.exists());
}

#[test]
fn a_file_that_is_no_database_is_called_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("aicib.db");
    fs::write(&path, "not a database, and long enough to be seen as none ".repeat(20)).unwrap();
    let refused = Store::open(&path, &dir.path().join("backups"), false).map(|_| ()).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused:?}");
    assert_eq!(contract::Error::from(refused).code, contract::ErrorCode::DATABASE);
}

#[test]
fn a_copy_a_day_is_made_and_three_are_kept() {
    let home = Home::new();
    home.running("acme");
    let backups = home.dir.path().join("backups");
    fs::create_dir(&backups).unwrap();
    for day in ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"] {
        fs::write(backups.join(format!("aicib-{day}T000000000-daily.db")), "old").unwrap();
    }
    fs::write(backups.join("aicib-2026-01-04T000000000-daily.part"), "half").unwrap();
    fs::write(backups.join("mine.txt"), "kept").unwrap();

    let copy = home.block_on(home.store.backup_daily()).unwrap().unwrap();
    assert_eq!(home.block_on(home.store.backup_daily()).unwrap(), None);
    let names: Vec<String> =
        home.backups().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names[0].contains("2026-01-03") && names[1].contains("2026-01-04") && names[3] == "mine.txt", "{names:?}");
    let conn = Connection::open(copy).unwrap();
    assert_eq!(conn.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0)), Ok(2));
}

#[test]
fn what_was_stored_is_there_after_opening_again() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    home.append(run, spool([entry("ceo", None, 1, message("kept"))]));
    let before = home.dump();
    home.store.clone().close();
    let home = Home::at(home.dir);
    assert_eq!(home.dump(), before);
    assert_eq!(home.job(job.job_id).seq, home.read(|read| read.last_seq()));
}
