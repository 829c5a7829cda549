//! Events of a job, by page.

use contract::{Entry, Event, EventListParams, EventPage, JobId, RunId, Seq, Time};
use rusqlite::{Row, params};

use crate::rows::{page, unreadable};
use crate::{Read, StoreError};

/// Bytes of bodies in a page, about: fewer rows where they are long, so that a page always fits a line.
const PAGE_BYTES: usize = 1024 * 1024;

pub(crate) const COLUMNS: &str = "id, job_id, run_id, at, agent, parent, body";

/// A row of [`COLUMNS`], and the length of its body.
pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<(Event, usize)> {
    let body = row.get_ref(6)?.as_str()?;
    let entry = Entry {
        at: Time(row.get(3)?),
        agent: row.get(4)?,
        parent: row.get(5)?,
        body: serde_json::from_str(body).map_err(|error| unreadable(6, format!("event: {error}")))?,
    };
    let run_id = row.get::<_, Option<i64>>(2)?.map(RunId);
    Ok((Event { seq: Seq(row.get(0)?), job_id: JobId(row.get(1)?), run_id, entry }, body.len()))
}

impl Read<'_> {
    /// A page of a job's events, oldest first: those after `after`, else the last ones before `before`, else the
    /// last ones. It holds fewer than asked for where they are long.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a job that is not there.
    pub fn events(&self, list: &EventListParams) -> Result<EventPage, StoreError> {
        self.job(list.job_id)?;
        let limit = page(list.limit, 200) as usize;
        let upward = list.after.is_some();
        let (after, before) = (list.after.map_or(0, |seq| seq.0), list.before.map_or(i64::MAX, |seq| seq.0));
        let order = if upward { "ASC" } else { "DESC" };
        let mut select = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events WHERE job_id = ?1 AND id > ?2 AND id < ?3 ORDER BY id {order} LIMIT ?4"
        ))?;
        let mut rows = select.query(params![list.job_id.0, after, before, limit as i64 + 1])?;
        let (mut events, mut bytes, mut more) = (Vec::new(), 0, false);
        while let Some(row) = rows.next()? {
            let (event, length) = event(row)?;
            bytes += length;
            if events.len() == limit || (bytes > PAGE_BYTES && !events.is_empty()) {
                more = true;
                break;
            }
            events.push(event);
        }
        if !upward {
            events.reverse();
        }
        let (more_before, more_after) = if upward {
            (
                self.any_event(list.job_id, 0, after.saturating_add(1))?,
                more || self.any_event(list.job_id, before.saturating_sub(1), i64::MAX)?,
            )
        } else {
            (more, list.before.is_some() && self.any_event(list.job_id, before.saturating_sub(1), i64::MAX)?)
        };
        Ok(EventPage { events, more_before, more_after })
    }

    fn any_event(&self, job: JobId, after: i64, before: i64) -> Result<bool, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT 1 FROM events WHERE job_id = ?1 AND id > ?2 AND id < ?3")?;
        Ok(select.exists(params![job.0, after, before])?)
    }
}
