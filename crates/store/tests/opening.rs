//! A database of an earlier version, a newer one, one that is none; and copies of it.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use contract::{CompanyId, CostBasis, CostBy, EventSearchParams, JobListParams, QuestionListParams, SessionId};
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
        conn.pragma_update(None, "foreign_keys", false).unwrap();
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
        let events = [7, 7, 12, 13, 13][n - 1];
        assert_eq!((done.events, done.files, done.cost_by_agent.len()), (events, 1, 1), "schema {n}");
        assert_eq!(done.job.agent, "ceo", "schema {n}");
        let words =
            EventSearchParams { query: "quarterly".into(), company_id: None, job_id: None, before: None, limit: None };
        assert_eq!(home.read(move |read| read.search(&words)).hits.len(), 1, "schema {n}");
        assert_eq!(home.backups().len(), usize::from(n < migrations.len()), "schema {n}");

        let report =
            home.read(move |read| read.cost_report(CompanyId(1), CostBy::Day, "2026-11-01", "2026-11-30", None));
        assert_eq!(report.total.as_nanos(), if n < 2 { 6_150_000 } else { 6_150_005 }, "schema {n}");
        assert_eq!(report.rows.last().map(|day| day.basis), Some(CostBasis::Estimated), "schema {n}");
        let raised = home.read(|read| read.session_raised(CompanyId(1), SessionId(1)));
        let journal = home.read(|read| read.journal(CompanyId(1), Some("was"), None, None)).entries;
        let asked = home.read(|read| read.questions(&QuestionListParams::default())).questions;
        let of_third = (i64::from(n > 2) * 9_000_000_000, 2 * usize::from(n > 2), usize::from(n > 2));
        assert_eq!((raised.as_nanos(), journal.len(), asked.len()), of_third, "schema {n}");

        let rules = home.read(|read| read.rules(CompanyId(1)));
        assert_eq!(rules.len(), usize::from(n > 3), "schema {n}");

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

/// The first schema kept steps alone, and not how long a job waited: its events say the rest.
#[test]
fn an_upgrade_knows_how_far_a_job_was_and_how_long_it_waited() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("aicib.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(&fs::read_to_string(&migrations()[0]).unwrap()).unwrap();
    conn.execute_batch(
        "INSERT INTO companies VALUES (1, 'acme', '/acme', 1, 1);
         INSERT INTO sessions VALUES (1, 1, 1, NULL);",
    )
    .unwrap();
    let insert_job = "INSERT INTO jobs (id, company_id, session_id, title, engine, origin, foreground, max_cost_nanos,
          created_at, state, started_at, finished_at, progress_done, progress_total, events, last_seq, activity_agent,
          activity_text)
        VALUES (?1, 1, 1, 'Brief', 'practice', 'cli', 0, 0, 100, ?2, 110, ?3, ?4, 5, ?5, ?6, ?7, ?8)";
    let mut seq = 0;
    for (job, state, finished_at, steps) in [
        (1, "completed", Some(400), vec![(1, 5), (3, 5)]),
        (2, "failed", Some(400), vec![(2, 5), (9, 0), (1, 5)]),
        (3, "waiting", None, vec![(4, 5)]),
    ] {
        let mut events: Vec<(i64, Option<i64>, String)> = Vec::new();
        let changed = |state: &str| format!(r#"{{"kind":"job_changed","state":"{state}","reason":""}}"#);
        events.extend([(100, None, changed("queued")), (110, None, changed("running"))]);
        events.extend([(150, None, changed("waiting")), (190, None, changed("running"))]);
        for (index, (done, total)) in steps.iter().enumerate() {
            let body = format!(r#"{{"kind":"progress","done":{done},"total":{total},"note":"step {done}"}}"#);
            events.push((200 + 10 * index as i64, Some(index as i64 + 1), body));
        }
        events.push((400, None, changed(state)));
        let (last_seq, total) = (seq + events.len() as i64, events.len() as i64);
        let (done, of) = steps.last().unwrap();
        // As the first version folded the last change: the CEO is at work again.
        let doing = finished_at.is_none().then_some(("ceo", "is thinking"));
        conn.execute(
            insert_job,
            rusqlite::params![job, state, finished_at, done, total, last_seq, doing.map(|d| d.0), doing.map(|d| d.1)],
        )
        .unwrap();
        conn.execute("UPDATE jobs SET progress_total = ?2 WHERE id = ?1", [job, *of]).unwrap();
        conn.execute("INSERT INTO job_texts VALUES (?1, '', NULL)", [job]).unwrap();
        conn.execute(
            "INSERT INTO runs (id, job_id, state, token_hash, dir, started_at, heard_at, ended_at)
            VALUES (?1, ?1, CASE WHEN ?2 THEN 'exited' ELSE 'running' END, '', '', 1, 1, CASE WHEN ?2 THEN 400 END)",
            rusqlite::params![job, finished_at.is_some()],
        )
        .unwrap();
        for (at, line, body) in events {
            seq += 1;
            let kind = if line.is_some() { "progress" } else { "job_changed" };
            let run = line.map(|_| job);
            conn.execute(
                "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8)",
                rusqlite::params![seq, job, run, line, at, kind, if line.is_some() { "ceo" } else { "system" }, body],
            )
            .unwrap();
        }
    }
    conn.execute_batch("INSERT INTO agent_states VALUES (1, 'ceo', 'working', 'Brief', 3)").unwrap();
    conn.pragma_update(None, "user_version", 1).unwrap();
    conn.close().unwrap();

    let home = Home::at(dir);
    let jobs = home.read(|read| read.jobs(&JobListParams::default())).jobs;
    let far: Vec<_> =
        jobs.iter().map(|job| job.progress.as_ref().map(|p| (p.done, p.total, p.percent, p.note.as_str()))).collect();
    assert_eq!(far, [Some((4, 5, 80, "step 4")), Some((1, 5, 40, "step 1")), Some((3, 5, 100, "step 3"))]);
    let stored = home.dump();
    home.write(|write| write.rebuild_projections());
    assert_eq!(stored, home.dump());
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
