//! What a damaged database still gives: its rows, read from both ends of each table up to where it is broken.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use contract::RunId;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, params, params_from_iter};

use crate::fold::CEO;
use crate::marker::beside;
use crate::{StoreError, patience};

/// Bytes of a database's header.
const HEADER: usize = 100;
/// Rows that are made from events, and what SQLite keeps for itself.
const MADE: [&str; 8] = ["spans", "files", "costs", "agent_states", "day_costs", "events", "questions", "follow_ups"];
/// Columns of a job that no event says.
const JOB: [&str; 15] = [
    "id",
    "company_id",
    "session_id",
    "parent_job_id",
    "after_job_id",
    "title",
    "engine",
    "engine_agent",
    "origin",
    "foreground",
    "priority",
    "max_cost_nanos",
    "idempotency_key",
    "created_at",
    "typical_ms",
];
/// Columns of a job that its settlement said.
const SETTLED: [&str; 5] = ["result", "error", "processes_ended", "processes_forced", "processes_left"];

/// Copies into `new` (a copy of the database, or an empty one) what the damaged file at `path` has and `new` has not.
/// Events that no run's folder has, and what became of each job, go to temporary tables of `new`, for the replay:
/// `kept_events` and `was`.
pub(crate) fn salvage(new: &Connection, path: &Path, with_folder: &BTreeSet<RunId>) -> Result<(), StoreError> {
    new.execute_batch(
        "CREATE TEMP TABLE kept_events (
           id INTEGER PRIMARY KEY, job_id INTEGER, run_id INTEGER, run_n INTEGER, at INTEGER, agent TEXT, parent TEXT,
           body TEXT);
         CREATE INDEX temp.kept_of_job ON kept_events (job_id, id);
         CREATE TEMP TABLE was (
           job_id INTEGER PRIMARY KEY, state TEXT, reason TEXT, until INTEGER, finished_at INTEGER, held INTEGER);",
    )?;
    let old = match open(path) {
        Ok(old) => Damaged { conn: old, lost: false },
        Err(error) => {
            tracing::warn!(%error, "nothing can be read from the damaged database");
            return Ok(());
        }
    };
    let mut from = Salvage { new, old };
    from.simple("companies")?;
    from.sessions()?;
    from.jobs()?;
    from.keyed("job_texts", "job_id")?;
    from.runs()?;
    from.events(with_folder)?;
    from.journal()?;
    for table in tables(new)? {
        let ours = ["companies", "sessions", "jobs", "job_texts", "runs", "journal"].contains(&table.as_str());
        let is_index = table.starts_with("events_fts") || table.starts_with("journal_fts");
        if !ours && !is_index && !MADE.contains(&table.as_str()) {
            from.replace(&table)?;
        }
    }
    from.sequences()?;
    if from.old.lost {
        tracing::warn!("parts of the damaged database do not read");
    }
    Ok(())
}

/// The money and tokens of each day, and the money of each session, where the damaged file knows of more than was made
/// from events: of runs whose records are gone, and of jobs that were forgotten.
pub(crate) fn sums(new: &Connection, path: &Path) -> Result<(), StoreError> {
    let Ok(old) = open(path) else { return Ok(()) };
    let mut from = Salvage { new, old: Damaged { conn: old, lost: false } };
    for (table, columns, put) in SUMS {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let theirs = from.common(table)?;
        // An earlier version knew less.
        if columns.iter().all(|column| theirs.contains(column)) {
            from.each(table, &columns, None, |new, row| attempt(new, put, row))?;
        }
    }
    Ok(())
}

/// Sums that only grow: the table, the columns that are read of it, and how they are written.
const SUMS: [(&str, &[&str], &str); 3] = [
    (
        "day_costs",
        &["company_id", "day", "cost_nanos"],
        "INSERT INTO day_costs (company_id, day, cost_nanos) VALUES (?1, ?2, ?3)
         ON CONFLICT (company_id, day) DO UPDATE SET cost_nanos = max(cost_nanos, excluded.cost_nanos)",
    ),
    (
        "day_costs",
        &["company_id", "day", "tokens"],
        "UPDATE day_costs SET tokens = max(tokens, ?3) WHERE company_id = ?1 AND day = ?2",
    ),
    ("sessions", &["id", "cost_nanos"], "UPDATE sessions SET cost_nanos = max(cost_nanos, ?2) WHERE id = ?1"),
];

/// The file to read from: the damaged one, or, where nothing but its first bytes keeps it from being read, a copy at
/// `scratch` with those of `sound`, a database of the same make.
pub(crate) fn readable<'p>(damaged: &'p Path, sound: &Path, scratch: &'p Path) -> Result<&'p Path, StoreError> {
    if open(damaged).is_ok() || !damaged.exists() {
        return Ok(damaged);
    }
    let copied = || -> io::Result<()> {
        fs::copy(damaged, scratch)?;
        let log = beside(damaged, "-wal");
        if log.exists() {
            fs::copy(log, beside(scratch, "-wal"))?;
        }
        let mut header = [0; HEADER];
        fs::File::open(sound)?.read_exact(&mut header)?;
        // How long it is, the file itself says; what was free in the other one is not free in this one.
        header[28..40].fill(0);
        fs::OpenOptions::new().write(true).open(scratch)?.write_all(&header)
    };
    copied().map_err(|error| StoreError::file(scratch, error))?;
    Ok(if open(scratch).is_ok() { scratch } else { damaged })
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_handler(Some(patience::again))?;
    // The file stays as it was found: its log is read, and not folded into it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(conn)
}

fn tables(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut select =
        conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")?;
    let names = select.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn columns(conn: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let mut select = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = select.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Runs a statement for a row. A row that does not fit is left out: it may be what is damaged.
fn attempt(new: &Connection, sql: &str, row: &[Value]) -> Result<bool, StoreError> {
    match new.prepare_cached(sql)?.execute(params_from_iter(row)) {
        Ok(changed) => Ok(changed > 0),
        Err(rusqlite::Error::SqliteFailure(failure, _))
            if matches!(failure.code, ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

struct Damaged {
    conn: Connection,
    /// Whether something did not read.
    lost: bool,
}

struct Salvage<'c> {
    new: &'c Connection,
    old: Damaged,
}

impl Salvage<'_> {
    /// The columns that a table has in both.
    fn common(&self, table: &str) -> Result<Vec<String>, StoreError> {
        // A schema that does not read has none.
        let theirs = columns(&self.old.conn, table).unwrap_or_default();
        let ours = columns(self.new, table)?;
        Ok(ours.into_iter().filter(|name| theirs.contains(name)).collect())
    }

    /// Hands over each row of a table that reads, those after `after` by rowid: from the first on up to where it is
    /// broken, and then what can be reached from the last one back, in order.
    fn each<T>(
        &mut self,
        table: &str,
        columns: &[String],
        after: Option<i64>,
        mut take: impl FnMut(&Connection, &[Value]) -> Result<T, StoreError>,
    ) -> Result<(), StoreError> {
        let is_there = self::columns(&self.old.conn, table).is_ok_and(|theirs| !theirs.is_empty());
        if columns.is_empty() || !is_there {
            return Ok(());
        }
        let has_rowid = self.old.conn.prepare(&format!("SELECT rowid FROM {table} LIMIT 0")).is_ok();
        let key = if has_rowid { "rowid" } else { "1" };
        let names = columns.join(", ");
        let mut last = after.unwrap_or(i64::MIN);
        let select =
            |order: &str| format!("SELECT {key}, {names} FROM {table} WHERE {key} > ?1 ORDER BY {key} {order}");
        let new = self.new;
        let forth = rows(&self.old.conn, &select("ASC"), last, |key, row| {
            last = key;
            take(new, &row).map(drop)
        })?;
        if forth {
            return Ok(());
        }
        self.old.lost = true;
        tracing::warn!(table, "a table of the damaged database breaks off");
        if !has_rowid {
            return Ok(());
        }
        let mut back = Vec::new();
        rows(&self.old.conn, &select("DESC"), last, |_, row| {
            back.push(row);
            Ok(())
        })?;
        back.iter().rev().try_for_each(|row| take(new, row).map(drop))
    }

    /// Rows with an id: new ones, and what became of those that are known.
    fn simple(&mut self, table: &str) -> Result<(), StoreError> {
        self.keyed(table, "id")
    }

    fn keyed(&mut self, table: &str, key: &str) -> Result<(), StoreError> {
        let columns = self.common(table)?;
        let put = upsert(table, key, &columns, &columns);
        self.each(table, &columns, None, |new, row| attempt(new, &put, row))
    }

    /// Rows of which the damaged file knows best.
    fn replace(&mut self, table: &str) -> Result<(), StoreError> {
        let columns = self.common(table)?;
        let put = format!("INSERT OR REPLACE INTO {table} ({}) VALUES ({})", columns.join(", "), marks(columns.len()));
        self.each(table, &columns, None, |new, row| attempt(new, &put, row))
    }

    fn sessions(&mut self) -> Result<(), StoreError> {
        let mut columns = self.common("sessions")?;
        // What its briefs cost is made from their events.
        columns.retain(|name| name != "cost_nanos");
        let put = upsert("sessions", "id", &columns, &columns);
        // A later session of an agent ends an earlier one, where the row that says so is lost.
        let close = "UPDATE sessions SET closed_at = opened_at WHERE closed_at IS NULL AND id < ?1
                     AND company_id = ?2 AND ?3 IS NULL AND agent = ?4";
        let at = |name: &str| columns.iter().position(|column| column == name);
        let places = at("id").zip(at("company_id")).zip(at("closed_at"));
        let agent = at("agent");
        self.each("sessions", &columns, None, |new, row| {
            if let Some(((id, company), closed)) = places {
                let agent = agent.map_or_else(|| Value::Text(CEO.into()), |place| row[place].clone());
                attempt(new, close, &[row[id].clone(), row[company].clone(), row[closed].clone(), agent])?;
            }
            attempt(new, &put, row)
        })
    }

    fn jobs(&mut self) -> Result<(), StoreError> {
        let common = self.common("jobs")?;
        let kept: Vec<String> =
            common.iter().filter(|name| is_in(&JOB, name) || is_in(&SETTLED, name)).cloned().collect();
        let put = upsert("jobs", "id", &kept, &kept);
        // A job that is restarted or waited for may be lost.
        let places: Vec<usize> = ["parent_job_id", "after_job_id"]
            .iter()
            .filter_map(|name| kept.iter().position(|column| column == name))
            .collect();
        self.each("jobs", &kept, None, |new, row| {
            let mut row = row.to_vec();
            for place in &places {
                let known = match &row[*place] {
                    Value::Integer(id) => new.prepare_cached("SELECT 1 FROM jobs WHERE id = ?1")?.exists([id])?,
                    _ => true,
                };
                if !known {
                    row[*place] = Value::Null;
                }
            }
            attempt(new, &put, &row)
        })?;
        let was: Vec<String> = ["id", "state", "reason", "until", "finished_at", "held"]
            .iter()
            .filter(|name| is_in(&common.iter().map(String::as_str).collect::<Vec<_>>(), name))
            .map(|name| (*name).to_owned())
            .collect();
        let named = was.join(", ").replacen("id", "job_id", 1);
        let put = format!("INSERT OR REPLACE INTO temp.was ({named}) VALUES ({})", marks(was.len()));
        self.each("jobs", &was, None, |new, row| attempt(new, &put, row))
    }

    fn runs(&mut self) -> Result<(), StoreError> {
        let mut columns = self.common("runs")?;
        // How far its spool is stored is what the copy says.
        columns.retain(|name| name != "spool_offset" && name != "spool_lines");
        let put = upsert("runs", "id", &columns, &columns);
        let over = "UPDATE runs SET state = 'crashed', ended_at = heard_at WHERE ended_at IS NULL AND id < ?1
                    AND job_id = ?2 AND ?3 IS NULL";
        let at = |name: &str| columns.iter().position(|column| column == name);
        let places = at("id").zip(at("job_id")).zip(at("ended_at"));
        self.each("runs", &columns, None, |new, row| {
            if let Some(((id, job), ended)) = places {
                attempt(new, over, &[row[id].clone(), row[job].clone(), row[ended].clone()])?;
            }
            attempt(new, &put, row)
        })
    }

    /// Events that the copy does not have: the daemon's own, and those of runs without a folder.
    fn events(&mut self, with_folder: &BTreeSet<RunId>) -> Result<(), StoreError> {
        let known: i64 = self.new.query_row("SELECT coalesce(max(id), 0) FROM events", [], |row| row.get(0))?;
        let columns = ["id", "job_id", "run_id", "run_n", "at", "agent", "parent", "body"].map(String::from);
        let put = format!("INSERT OR IGNORE INTO temp.kept_events VALUES ({})", marks(columns.len()));
        self.each("events", &columns, Some(known), |new, row| match &row[2] {
            Value::Integer(run) if with_folder.contains(&RunId(*run)) => Ok(false),
            _ => attempt(new, &put, row),
        })
    }

    /// Entries of forgotten jobs; the others are made from their events.
    fn journal(&mut self) -> Result<(), StoreError> {
        let columns = self.common("journal")?;
        let Some(kept) = columns.iter().position(|column| column == "kept") else { return Ok(()) };
        let put = format!("INSERT OR IGNORE INTO journal ({}) VALUES ({})", columns.join(", "), marks(columns.len()));
        self.each("journal", &columns, None, |new, row| match &row[kept] {
            Value::Integer(1) => attempt(new, &put, row),
            _ => Ok(false),
        })
    }

    /// No number is given twice, even where its row is lost.
    fn sequences(&mut self) -> Result<(), StoreError> {
        let columns = ["name", "seq"].map(String::from);
        self.each("sqlite_sequence", &columns, None, |new, row| {
            let (Value::Text(table), Value::Integer(seq)) = (&row[0], &row[1]) else { return Ok(()) };
            at_least(new, table, *seq)
        })
    }
}

/// The next row of `table` gets a number above `seq`.
pub(crate) fn at_least(new: &Connection, table: &str, seq: i64) -> Result<(), StoreError> {
    let raised = new
        .prepare_cached("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1")?
        .execute(params![table, seq])?;
    if raised == 0 {
        let known = "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2
                     WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1 AND sql LIKE '%AUTOINCREMENT%')";
        new.prepare_cached(known)?.execute(params![table, seq])?;
    }
    Ok(())
}

/// Whether every row read. What `take` says ends it.
fn rows(
    old: &Connection,
    sql: &str,
    after: i64,
    mut take: impl FnMut(i64, Vec<Value>) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    let Ok(mut select) = old.prepare(sql) else { return Ok(false) };
    let count = select.column_count();
    let Ok(mut rows) = select.query([after]) else { return Ok(false) };
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(true),
            Err(_) => return Ok(false),
        };
        let key = row.get::<_, i64>(0);
        let values = (1..count).map(|index| row.get::<_, Value>(index)).collect::<Result<Vec<_>, _>>();
        // A value that is no text though it says so: the row is damaged, and the next ones may not be.
        if let (Ok(key), Ok(values)) = (key, values) {
            take(key, values)?;
        }
    }
}

fn upsert(table: &str, key: &str, columns: &[String], changed: &[String]) -> String {
    let set: Vec<String> =
        changed.iter().filter(|name| *name != key).map(|name| format!("{name} = excluded.{name}")).collect();
    let action = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
    format!(
        "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT ({key}) DO {action}",
        columns.join(", "),
        marks(columns.len())
    )
}

fn marks(count: usize) -> String {
    (1..=count).map(|index| format!("?{index}")).collect::<Vec<_>>().join(", ")
}

fn is_in(names: &[&str], name: &str) -> bool {
    names.contains(&name)
}
