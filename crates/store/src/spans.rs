//! Spans and changed files of a job, by page.

use contract::{ChangedFile, FileChange, FilePage, JobId, JobPageParams, Span, SpanKind, SpanPage};
use rusqlite::{OptionalExtension, Row, params};

use crate::rows::{maybe_time, money, named, page, time};
use crate::{Read, StoreError};

fn file(row: &Row<'_>) -> rusqlite::Result<ChangedFile> {
    let change = FileChange {
        path: row.get("path")?,
        created: row.get("created")?,
        added: row.get("added")?,
        removed: row.get("removed")?,
    };
    Ok(ChangedFile { change, agent: row.get("agent")?, at: time(row, "at")? })
}

impl Read<'_> {
    /// A page of a job's spans, oldest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a job that is not there.
    pub fn spans(&self, list: &JobPageParams) -> Result<SpanPage, StoreError> {
        self.job(list.job_id)?;
        let mut select = self.conn.prepare_cached(
            "SELECT * FROM spans WHERE job_id = ?1 ORDER BY started_at, span, kind LIMIT ?2 OFFSET ?3",
        )?;
        let rows = select.query_map(params![list.job_id.0, page(list.limit, 200), list.offset.max(0)], |row| {
            Ok(Span {
                span: row.get("span")?,
                kind: named(row, "kind", SpanKind::from_name)?,
                agent: row.get("agent")?,
                parent: row.get("parent")?,
                title: row.get("title")?,
                started_at: time(row, "started_at")?,
                finished_at: maybe_time(row, "finished_at")?,
                ok: row.get("ok")?,
                cost_usd: money(row, "cost_nanos")?,
                children: row.get("children")?,
            })
        })?;
        let spans = rows.collect::<Result<_, _>>()?;
        let mut count = self.conn.prepare_cached("SELECT count(*) FROM spans WHERE job_id = ?1")?;
        Ok(SpanPage { spans, total: count.query_row([list.job_id.0], |row| row.get(0))? })
    }

    /// A page of the files a job changed, by path.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a job that is not there.
    pub fn files(&self, list: &JobPageParams) -> Result<FilePage, StoreError> {
        self.job(list.job_id)?;
        let mut select =
            self.conn.prepare_cached("SELECT * FROM files WHERE job_id = ?1 ORDER BY path LIMIT ?2 OFFSET ?3")?;
        let rows = select.query_map(params![list.job_id.0, page(list.limit, 200), list.offset.max(0)], file)?;
        let files = rows.collect::<Result<_, _>>()?;
        Ok(FilePage { files, total: self.file_count(list.job_id)? })
    }

    /// The file as a job changed it; none where it did not.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn file_of(&self, job: JobId, path: &str) -> Result<Option<ChangedFile>, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT * FROM files WHERE job_id = ?1 AND path = ?2")?;
        Ok(select.query_row(params![job.0, path], file).optional()?)
    }

    /// Other jobs of the company that changed the file while this one was under way, newest first; at most 20.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn overlapping(&self, job: JobId, path: &str) -> Result<Vec<JobId>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT o.id FROM jobs j JOIN files f INDEXED BY files_path ON f.path = ?2 AND f.job_id <> j.id
             JOIN jobs o ON o.id = f.job_id AND o.company_id = j.company_id
             WHERE j.id = ?1 AND o.started_at <= coalesce(j.finished_at, 9e15)
               AND coalesce(o.finished_at, 9e15) >= j.started_at
             ORDER BY o.id DESC LIMIT 20",
        )?;
        let rows = select.query_map(params![job.0, path], |row| row.get(0).map(JobId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn file_count(&self, job: JobId) -> Result<i64, StoreError> {
        let mut count = self.conn.prepare_cached("SELECT count(*) FROM files WHERE job_id = ?1")?;
        Ok(count.query_row([job.0], |row| row.get(0))?)
    }
}
