//! The rows of a job and its run, from the record in the run's folder.

use std::path::Path;

use contract::{CompanyId, JobId, RunId, title};
use rusqlite::{Connection, OptionalExtension, params};

use crate::folders::Folder;
use crate::salvage::at_least;
use crate::{JobRecord, StoreError};

/// Which of the folders that bear a run's number is the run's. Where the run is not known, it is made from the
/// folder's record. `None` where none is: left by a database that was before this one.
pub(crate) fn folder_of<'f>(
    conn: &Connection,
    run: RunId,
    folders: &'f [Folder],
) -> Result<Option<&'f Folder>, StoreError> {
    let mut select = conn.prepare_cached("SELECT dir FROM runs WHERE id = ?1")?;
    let known: Option<String> = select.query_row([run.0], |row| row.get(0)).optional()?;
    if let Some(dir) = known {
        // By its name alone: the home may have been moved.
        let name = Path::new(&dir).file_name().map(ToOwned::to_owned);
        return Ok(folders.iter().find(|folder| folder.dir.file_name().map(ToOwned::to_owned) == name));
    }
    for folder in folders {
        let Some(record) = folder.record() else { continue };
        at_least(conn, "jobs", record.job_id.0)?;
        if record_back(conn, &record, &folder.dir)? {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Makes the rows that a record tells of, where they are missing. `false` where it is of another job than the one
/// that has its number.
fn record_back(conn: &Connection, record: &JobRecord, dir: &Path) -> Result<bool, StoreError> {
    let known: Option<i64> = conn
        .prepare_cached("SELECT created_at FROM jobs WHERE id = ?1")?
        .query_row([record.job_id.0], |row| row.get(0))
        .optional()?;
    match known {
        Some(created_at) if created_at != record.created_at.0 => return Ok(false),
        Some(_) => {
            let insert = "INSERT INTO job_texts (job_id, directive) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            conn.prepare_cached(insert)?.execute(params![record.job_id.0, record.directive])?;
        }
        None => {
            let company = company(conn, record)?;
            if !session(conn, record, company)? {
                return Ok(false);
            }
            job(conn, record, company)?;
        }
    }
    let at = record.claimed_at.0;
    let over = "UPDATE runs SET state = 'crashed', ended_at = ?3 WHERE job_id = ?1 AND id < ?2 AND ended_at IS NULL";
    conn.prepare_cached(over)?.execute(params![record.job_id.0, record.run_id.0, at])?;
    let newer = "SELECT 1 FROM runs WHERE job_id = ?1 AND id > ?2";
    let is_over = conn.prepare_cached(newer)?.exists([record.job_id.0, record.run_id.0])?;
    let (pid, start, boot) = match &record.process {
        Some((pid, start, boot)) => (Some(*pid), Some(start.cast_signed()), Some(boot)),
        None => (None, None, None),
    };
    let insert =
        "INSERT INTO runs (id, job_id, state, pid, start_ticks, boot_id, token_hash, dir, started_at, ended_at,
                    heard_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?9)";
    conn.prepare_cached(insert)?.execute(params![
        record.run_id.0,
        record.job_id.0,
        if is_over { "crashed" } else { "starting" },
        pid,
        start,
        boot,
        record.token_hash,
        dir.display().to_string(),
        at,
        is_over.then_some(at),
    ])?;
    Ok(true)
}

fn company(conn: &Connection, record: &JobRecord) -> Result<CompanyId, StoreError> {
    let mut by_dir = conn.prepare_cached("SELECT id FROM companies WHERE dir = ?1")?;
    if let Some(id) = by_dir.query_row([&record.company_dir], |row| row.get(0)).optional()? {
        return Ok(CompanyId(id));
    }
    let taken = conn.prepare_cached("SELECT 1 FROM companies WHERE id = ?1")?.exists([record.company_id.0])?;
    let insert = "INSERT INTO companies (id, name, dir, created_at, used_at) VALUES (?1, ?2, ?3, ?4, ?4) RETURNING id";
    let id = (!taken).then_some(record.company_id.0);
    let values = params![id, record.company_name, record.company_dir, record.created_at.0];
    Ok(CompanyId(conn.prepare_cached(insert)?.query_row(values, |row| row.get(0))?))
}

/// `false` where the session with that number is another company's.
fn session(conn: &Connection, record: &JobRecord, company: CompanyId) -> Result<bool, StoreError> {
    let mut select = conn.prepare_cached("SELECT company_id FROM sessions WHERE id = ?1")?;
    let of: Option<i64> = select.query_row([record.session_id.0], |row| row.get(0)).optional()?;
    if let Some(of) = of {
        return Ok(of == company.0);
    }
    // The last one may be open; that it was closed is lost then, and closing it again costs nothing.
    let close = "UPDATE sessions SET closed_at = max(opened_at, ?3)
                 WHERE company_id = ?1 AND agent = ?4 AND id < ?2 AND closed_at IS NULL";
    let (id, at) = (record.session_id.0, record.created_at.0);
    conn.prepare_cached(close)?.execute(params![company.0, id, at, record.agent])?;
    let insert = "INSERT INTO sessions (id, company_id, agent, opened_at, closed_at) SELECT ?1, ?2, ?4, ?3,
                    CASE WHEN EXISTS (SELECT 1 FROM sessions WHERE company_id = ?2 AND agent = ?4 AND id > ?1) THEN ?3 END";
    conn.prepare_cached(insert)?.execute(params![id, company.0, at, record.agent])?;
    Ok(true)
}

fn job(conn: &Connection, record: &JobRecord, company: CompanyId) -> Result<(), StoreError> {
    let parent = match record.parent_job_id {
        Some(parent) if exists(conn, parent)? => Some(parent.0),
        _ => None,
    };
    let insert =
        "INSERT INTO jobs (id, company_id, session_id, parent_job_id, title, engine, origin, foreground, priority,
                    max_cost_nanos, created_at, engine_agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    conn.prepare_cached(insert)?.execute(params![
        record.job_id.0,
        company.0,
        record.session_id.0,
        parent,
        title(&record.directive),
        record.engine.name(),
        record.origin.name(),
        record.foreground,
        record.priority,
        record.max_cost.as_nanos().max(0),
        record.created_at.0,
        record.engine_agent,
    ])?;
    let insert = "INSERT INTO job_texts (job_id, directive) VALUES (?1, ?2)";
    conn.prepare_cached(insert)?.execute(params![record.job_id.0, record.directive])?;
    Ok(())
}

fn exists(conn: &Connection, job: JobId) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("SELECT 1 FROM jobs WHERE id = ?1")?.exists([job.0])?)
}
