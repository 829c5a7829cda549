//! What the founder is told natively, and what became of it.

use contract::{
    CompanyId, Delivery, JobId, Notice, NoticeId, NoticeKind, NoticeListParams, NoticePage, NoticeRow, QuestionId, Time,
};
use rusqlite::{OptionalExtension, Row, params};

use crate::rows::{named, page, time};
use crate::{Missing, Read, StoreError, Write};

/// A notice before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// The job it is about.
    pub job_id: JobId,
    /// The question of the job that it is about; none where it is about the job itself.
    pub question_id: Option<QuestionId>,
    /// What it is about.
    pub kind: NoticeKind,
    /// The heading.
    pub title: String,
    /// A line or two, plain text.
    pub body: String,
    /// Whether it is about something that went wrong.
    pub urgent: bool,
    /// Whether all that one has to know to allow or deny it is in the body.
    pub decidable: bool,
}

fn notice(row: &Row<'_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        notice_id: NoticeId(row.get("id")?),
        job_id: JobId(row.get("job_id")?),
        company_id: CompanyId(row.get("company_id")?),
        kind: named(row, "kind", NoticeKind::from_name)?,
        title: row.get("title")?,
        body: row.get("body")?,
        urgent: row.get("urgent")?,
        question_id: match row.get("question_id")? {
            0 => None,
            id => Some(QuestionId(id)),
        },
        decidable: row.get("decidable")?,
        together: None,
    })
}

fn listed(row: &Row<'_>) -> rusqlite::Result<NoticeRow> {
    let delivery = match row.get::<_, Option<String>>("delivery")? {
        Some(_) => Some(named(row, "delivery", Delivery::from_name)?),
        None => None,
    };
    Ok(NoticeRow {
        notice: notice(row)?,
        at: time(row, "created_at")?,
        delivery,
        detail: row.get("detail")?,
        seen: row.get("seen")?,
    })
}

impl Read<'_> {
    /// A page of notices, newest first, and how many nobody has looked at.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn notices(&self, list: &NoticeListParams) -> Result<NoticePage, StoreError> {
        let limit = page(list.limit, 50);
        let mut select = self.conn.prepare_cached("SELECT * FROM notices WHERE id < ?1 ORDER BY id DESC LIMIT ?2")?;
        let before = list.before.map_or(i64::MAX, |before| before.0);
        let rows = select.query_map(params![before, limit + 1], listed)?;
        let mut notices = rows.collect::<Result<Vec<_>, _>>()?;
        let more = notices.len() as i64 > limit;
        notices.truncate(limit as usize);
        let next = if more { notices.last().map(|row| row.notice.notice_id) } else { None };
        let mut count = self.conn.prepare_cached("SELECT count(*) FROM notices WHERE seen = 0")?;
        Ok(NoticePage { notices, unseen: count.query_row([], |row| row.get(0))?, next })
    }

    /// Notices of which nobody has said what became, oldest first; at most 100. Those about questions that are closed
    /// are nobody's any more.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn notices_unreported(&self) -> Result<Vec<Notice>, StoreError> {
        let mut select =
            self.conn.prepare_cached(
                "SELECT * FROM notices n WHERE delivery IS NULL AND (question_id = 0 OR EXISTS (
                   SELECT 1 FROM questions q WHERE q.id = n.question_id AND q.closed_at IS NULL)) ORDER BY id LIMIT 100",
            )?;
        let rows = select.query_map([], notice)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The notices about questions that are open, oldest first, whatever became of them; at most 100. After a restart
    /// they are told again: nobody goes on before they are answered.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn notices_open(&self) -> Result<Vec<Notice>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT n.* FROM questions q INDEXED BY questions_open
             JOIN notices n ON n.job_id = q.job_id AND n.question_id = q.id
             WHERE q.closed_at IS NULL ORDER BY q.id LIMIT 100",
        )?;
        let rows = select.query_map([], notice)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The notice about a job, not about one of its questions, and what became of it.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn notice_of(&self, job: JobId) -> Result<Option<(Notice, Option<String>)>, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT * FROM notices WHERE job_id = ?1 AND question_id = 0")?;
        Ok(select.query_row([job.0], |row| Ok((notice(row)?, row.get("delivery")?))).optional()?)
    }
}

impl Write<'_> {
    /// The founder has looked at the notices up to this one.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn notices_seen(&self, up_to: NoticeId) -> Result<(), StoreError> {
        let mut update = self.conn.prepare_cached("UPDATE notices SET seen = 1 WHERE seen = 0 AND id <= ?1")?;
        update.execute([up_to.0])?;
        Ok(())
    }

    /// Keeps a notice to be presented; `None` where the job, or the question, has had one: the founder is told once.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a job that is not there.
    pub fn notice_put(&self, new: &NewNotice, at: Time) -> Result<Option<Notice>, StoreError> {
        let job = self.job(new.job_id)?;
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO notices (job_id, company_id, title, body, urgent, created_at, question_id, decidable, kind)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (job_id, question_id) DO NOTHING RETURNING *",
        )?;
        let question = new.question_id.map_or(0, |question| question.0);
        let row = params![
            new.job_id.0,
            job.company_id.0,
            new.title,
            new.body,
            new.urgent,
            at.0,
            question,
            new.decidable,
            new.kind.name()
        ];
        Ok(insert.query_row(row, notice).optional()?)
    }

    /// Records what became of a notice. That it was opened is not forgotten for what is heard later.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn notice_report(&self, id: NoticeId, delivery: Delivery, detail: &str, at: Time) -> Result<(), StoreError> {
        let mut known = self.conn.prepare_cached("SELECT 1 FROM notices WHERE id = ?1")?;
        if !known.exists([id.0])? {
            return Err(StoreError::NotFound(Missing::Notice(id)));
        }
        let mut update = self.conn.prepare_cached(
            "UPDATE notices SET delivery = ?2, detail = ?3, reported_at = ?4, seen = seen OR ?2 IN ('seen', 'opened')
             WHERE id = ?1 AND delivery IS NOT 'opened'",
        )?;
        update.execute(params![id.0, delivery.name(), contract::one_line(detail, 500), at.0])?;
        Ok(())
    }
}
