//! What must hold of a home's files, whatever was killed.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::SOON;

/// Tables whose rows follow from the events.
const PROJECTIONS: [&str; 10] =
    ["jobs", "spans", "files", "costs", "day_costs", "agent_states", "sessions", "questions", "follow_ups", "journal"];

fn open(home: &Path) -> anyhow::Result<Connection> {
    let conn = Connection::open_with_flags(home.join("aicib.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_timeout(SOON)?;
    Ok(conn)
}

/// Runs of the home whose lines are not stored once, unchanged and in order.
pub(super) fn lost_lines(home: &Path) -> anyhow::Result<u64> {
    let conn = open(home)?;
    let mut lost = 0;
    for (run, dir) in runs(&conn, i64::MAX)? {
        if let Err(error) = compare(&conn, run, Path::new(&dir)) {
            println!("{error:#}");
            lost += 1;
        }
    }
    Ok(lost)
}

fn runs(conn: &Connection, newest: i64) -> anyhow::Result<Vec<(i64, String)>> {
    let mut select = conn.prepare("SELECT id, dir FROM runs ORDER BY id DESC LIMIT ?1")?;
    let runs = select.query_map([newest], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// Every whole line of every spool with events after `after` is stored once, unchanged and in order. Gives the lines
/// that were compared, and the last event there is.
pub(super) fn stored_once(home: &Path, after: i64) -> anyhow::Result<(u64, i64)> {
    let conn = open(home)?;
    let last: i64 = conn.query_row("SELECT coalesce(max(id), 0) FROM events", [], |row| row.get(0))?;
    let mut compared = 0;
    for (run, dir) in runs(&conn, 40)? {
        let newest: Option<i64> =
            conn.query_row("SELECT max(id) FROM events WHERE run_id = ?1", [run], |row| row.get(0))?;
        if newest.is_some_and(|newest| newest <= after) {
            continue;
        }
        compared += compare(&conn, run, Path::new(&dir))?;
    }
    Ok((compared, last))
}

/// Compares a run's record with what is stored of it; gives its lines.
fn compare(conn: &Connection, run: i64, dir: &Path) -> anyhow::Result<u64> {
    let spool = spool(dir)?;
    let mut select =
        conn.prepare_cached("SELECT run_n, at, agent, parent, body FROM events WHERE run_id = ?1 ORDER BY id")?;
    let stored = select.query_map([run], |row| {
        let body: String = row.get("body")?;
        Ok((
            row.get::<_, i64>("run_n")?,
            row.get::<_, i64>("at")?,
            row.get::<_, String>("agent")?,
            row.get::<_, Option<String>>("parent")?,
            body,
        ))
    })?;
    let stored = stored.collect::<Result<Vec<_>, _>>()?;
    // What follows the last line end was never whole.
    let whole = spool.rfind('\n').map_or("", |end| &spool[..end]);
    let lines: Vec<&str> = whole.lines().collect();
    anyhow::ensure!(stored.len() == lines.len(), "run {run}: {} lines, {} events stored", lines.len(), stored.len());
    for (index, (line, (n, at, agent, parent, body))) in lines.iter().zip(stored).enumerate() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("run {run}, line {}", index + 1))?;
        let body: Value = serde_json::from_str(&body)?;
        let same = line["n"] == n
            && n == index as i64 + 1
            && line["at"] == at
            && line["agent"] == agent.as_str()
            && line.get("parent").and_then(Value::as_str) == parent.as_deref()
            && body.as_object().is_some_and(|fields| fields.iter().all(|(key, value)| line.get(key) == Some(value)));
        anyhow::ensure!(same, "run {run}, line {}: {line} is stored as {body}", index + 1);
    }
    Ok(lines.len() as u64)
}

/// A run's record, plain or put away. It may be put away while we look, so that neither is there for a moment; a worker
/// that was killed before it began has none.
fn spool(dir: &Path) -> anyhow::Result<String> {
    for _ in 0..3 {
        if let Ok(text) = fs::read(dir.join("spool.jsonl")) {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        if let Ok(packed) = File::open(dir.join("spool.jsonl.gz")) {
            let mut text = String::new();
            flate2::read::GzDecoder::new(packed).read_to_string(&mut text)?;
            return Ok(text);
        }
    }
    Ok(String::new())
}

/// The database is sound, nothing is under way in it, and nothing is set aside.
pub(super) fn whole(home: &Path) -> anyhow::Result<()> {
    let conn = open(home)?;
    let said: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    anyhow::ensure!(said == "ok", "integrity_check: {said}");
    let faults: i64 = conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    anyhow::ensure!(faults == 0, "{faults} rows name others that are not there");
    for (what, sql) in [
        ("jobs have not ended", "SELECT count(*) FROM jobs WHERE finished_at IS NULL"),
        ("runs have not ended", "SELECT count(*) FROM runs WHERE ended_at IS NULL"),
        ("leases are kept", "SELECT count(*) FROM leases"),
        (
            "jobs ended in no final state",
            "SELECT count(*) FROM jobs WHERE state NOT IN ('completed', 'failed', 'cancelled')",
        ),
        ("agents are at work", "SELECT count(*) FROM agent_states WHERE state = 'working'"),
        ("spans are open", "SELECT count(*) FROM spans WHERE finished_at IS NULL"),
    ] {
        let count: i64 = conn.query_row(sql, [], |row| row.get(0))?;
        anyhow::ensure!(count == 0, "{count} {what}");
    }
    Ok(())
}

/// What the events say is what the projections hold.
pub(super) fn projections(home: &Path) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let copy = dir.path().join("copy.db");
    open(home)?.backup("main", &copy, None)?;
    let before = dump(&copy)?;
    let store = store::Store::open(&copy, &dir.path().join("backups"), false)?.store;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| runtime.block_on(store.write(|db| db.rebuild_projections())))?;
    store.close();
    let after = dump(&copy)?;
    for ((table, before), (_, after)) in before.iter().zip(&after) {
        if let Some((old, new)) = before.iter().zip(after).find(|(old, new)| old != new) {
            anyhow::bail!("{table} does not follow from the events: {old} became {new}");
        }
        anyhow::ensure!(before.len() == after.len(), "{table}: {} rows became {}", before.len(), after.len());
    }
    Ok(())
}

fn dump(db: &Path) -> anyhow::Result<Vec<(&'static str, Vec<String>)>> {
    let conn = Connection::open(db)?;
    let mut tables = Vec::new();
    for table in PROJECTIONS {
        let mut select = conn.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))?;
        let columns = select.column_count();
        let rows = select.query_map([], |row| {
            (0..columns).map(|at| Ok(format!("{:?}", row.get_ref(at)?))).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let mut rows: Vec<String> = rows.map(|row| row.map(|row| row.join(", "))).collect::<Result<_, _>>()?;
        rows.sort();
        tables.push((table, rows));
    }
    Ok(tables)
}
