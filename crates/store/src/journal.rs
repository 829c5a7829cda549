//! A company's journal: what came of each brief, in a few sentences. It is memory, and stays when the brief itself is
//! forgotten: an entry names its job, and does not refer to it.

use contract::{CompanyId, EntryId, Event, JobId, JournalEntry, JournalPage, Money, SessionId, Time};
use rusqlite::{Connection, Row, params};

use crate::rows::{clamp, json, money, page, time};
use crate::search::all_words;
use crate::{Read, StoreError};

/// Files that an entry names.
const FILES: i64 = 20;

fn entry(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    Ok(JournalEntry {
        entry_id: EntryId(row.get("id")?),
        job_id: JobId(row.get("job_id")?),
        session_id: SessionId(row.get("session_id")?),
        title: row.get("title")?,
        text: row.get("text")?,
        at: time(row, "at")?,
        cost_usd: money(row, "cost_nanos")?,
        turns: row.get("turns")?,
        files: json(row, "files")?.unwrap_or_default(),
    })
}

impl Read<'_> {
    /// A page of the company's journal, newest first; with `search` those entries alone whose title and text hold all
    /// of its words (upper and lower case and accents are the same; without a word in it nothing is found).
    ///
    /// # Errors
    /// What SQLite said.
    pub fn journal(
        &self,
        company: CompanyId,
        search: Option<&str>,
        before: Option<EntryId>,
        limit: Option<i64>,
    ) -> Result<JournalPage, StoreError> {
        let limit = page(limit, 50);
        let before = before.map_or(i64::MAX, |before| before.0);
        let mut entries = match search {
            None => {
                let mut select = self.conn.prepare_cached(
                    "SELECT * FROM journal WHERE company_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                )?;
                let rows = select.query_map(params![company.0, before, limit + 1], entry)?;
                rows.collect::<Result<Vec<_>, _>>()?
            }
            Some(search) => {
                let Some(words) = all_words(search) else {
                    return Ok(JournalPage { entries: Vec::new(), next: None });
                };
                let expression = format!("text : ({words}) AND scope : \"c{company}\"");
                let mut select = self.conn.prepare_cached(
                    "SELECT j.* FROM journal_fts f CROSS JOIN journal j ON j.id = f.rowid
                     WHERE f.journal_fts MATCH ?1 AND f.rowid < ?2 ORDER BY f.rowid DESC LIMIT ?3",
                )?;
                let rows = select.query_map(params![expression, before, limit + 1], entry)?;
                rows.collect::<Result<Vec<_>, _>>()?
            }
        };
        let more = entries.len() as i64 > limit;
        entries.truncate(limit as usize);
        let next = if more { entries.last().map(|entry| entry.entry_id) } else { None };
        Ok(JournalPage { entries, next })
    }

    /// The last `count` entries of the company's journal, oldest first; at most 500.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn journal_latest(&self, company: CompanyId, count: i64) -> Result<Vec<JournalEntry>, StoreError> {
        let mut entries = self.journal(company, None, None, Some(clamp(count)))?.entries;
        entries.reverse();
        Ok(entries)
    }
}

/// What an entry says of its brief.
pub(crate) struct Brief<'a> {
    pub(crate) company: CompanyId,
    pub(crate) session: SessionId,
    pub(crate) title: &'a str,
    pub(crate) cost: Money,
    pub(crate) turns: i64,
}

/// Writes the job's entry; one that it has stays as it is.
pub(crate) fn put(conn: &Connection, event: &Event, brief: &Brief<'_>, text: &str, at: Time) -> Result<(), StoreError> {
    let mut select = conn.prepare_cached("SELECT path FROM files WHERE job_id = ?1 ORDER BY path LIMIT ?2")?;
    let files = select.query_map(params![event.job_id.0, FILES], |row| row.get(0))?;
    let files = files.collect::<Result<Vec<String>, _>>()?;
    let files = serde_json::to_string(&files).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO journal (id, company_id, job_id, session_id, title, text, at, cost_nanos, turns, files)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
    )?;
    insert.execute(params![
        event.seq.0,
        brief.company.0,
        event.job_id.0,
        brief.session.0,
        brief.title,
        text,
        at.0,
        brief.cost.as_nanos(),
        brief.turns,
        files,
    ])?;
    Ok(())
}

/// The event of an entry is forgotten: the entry is kept without it.
pub(crate) fn keep(conn: &Connection, event: &Event) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE journal SET kept = 1 WHERE id = ?1")?.execute([event.seq.0])?;
    Ok(())
}
