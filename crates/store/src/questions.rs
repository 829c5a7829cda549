//! Questions to the founder. A question's id is the place of its `asked` event; the first answer counts.

use contract::{
    Approval, Ask, CompanyId, Decision, Error, ErrorCode, Event, EventBody, Granted, JobId, Origin, Question,
    QuestionId, QuestionListParams, QuestionPage, RunId, Time,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::fold::Asked;
use crate::job_changes::own;
use crate::project::Projector;
use crate::rows::{clamp, json, maybe_time, named, page, time};
use crate::{Missing, Read, StoreError, Write};

/// Open questions that a Desk shows.
const ON_DESK: i64 = 20;

const SELECT: &str = "SELECT q.*, j.title FROM questions q";

fn question(row: &Row<'_>) -> rusqlite::Result<Question> {
    let answered_by = match row.get::<_, Option<String>>("answered_by")? {
        Some(_) => Some(named(row, "answered_by", Origin::from_name)?),
        None => None,
    };
    Ok(Question {
        question_id: QuestionId(row.get("id")?),
        job_id: JobId(row.get("job_id")?),
        run_id: RunId(row.get("run_id")?),
        company_id: CompanyId(row.get("company_id")?),
        title: row.get("title")?,
        agent: row.get("agent")?,
        ask: named(row, "ask", Ask::from_name)?,
        text: row.get("text")?,
        detail: row.get("detail")?,
        options: json(row, "options")?.unwrap_or_default(),
        approval: json(row, "approval")?,
        asked_at: time(row, "asked_at")?,
        closed_at: maybe_time(row, "closed_at")?,
        answer: row.get("answer")?,
        answered_by,
    })
}

impl Read<'_> {
    /// A question.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn question(&self, id: QuestionId) -> Result<Question, StoreError> {
        let mut select =
            self.conn.prepare_cached(&format!("{SELECT} JOIN jobs j ON j.id = q.job_id WHERE q.id = ?1"))?;
        select.query_row([id.0], question).optional()?.ok_or(StoreError::NotFound(Missing::Question(id)))
    }

    /// A page of questions, newest first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn questions(&self, list: &QuestionListParams) -> Result<QuestionPage, StoreError> {
        let limit = page(list.limit, 50);
        let mut values = vec![Value::Integer(list.before.map_or(i64::MAX, |before| before.0))];
        let mut filters = String::new();
        for (column, value) in [("company_id", list.company_id.map(|id| id.0)), ("job_id", list.job_id.map(|id| id.0))]
        {
            let Some(value) = value else { continue };
            values.push(Value::Integer(value));
            filters.push_str(&format!(" AND q.{column} = ?{}", values.len()));
        }
        // Open ones are few, so their own index serves whatever else is asked for.
        let index = match (list.open, list.job_id, list.company_id) {
            (true, ..) => "INDEXED BY questions_open",
            (false, Some(_), _) => "INDEXED BY questions_job",
            (false, None, Some(_)) => "INDEXED BY questions_company",
            (false, None, None) => "",
        };
        if list.open {
            filters.push_str(" AND q.closed_at IS NULL");
        }
        values.push(Value::Integer(limit + 1));
        let mut select = self.conn.prepare_cached(&format!(
            "{SELECT} {index} CROSS JOIN jobs j ON j.id = q.job_id WHERE q.id < ?1{filters}
             ORDER BY q.id DESC LIMIT ?{}",
            values.len()
        ))?;
        let rows = select.query_map(params_from_iter(values), question)?;
        let mut questions = rows.collect::<Result<Vec<_>, _>>()?;
        let more = questions.len() as i64 > limit;
        questions.truncate(limit as usize);
        let next = if more { questions.last().map(|question| question.question_id) } else { None };
        Ok(QuestionPage { questions, next })
    }

    /// The company's questions that wait for an answer, oldest first; at most 20.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn open_questions(&self, company: CompanyId) -> Result<Vec<Question>, StoreError> {
        let mut select = self.conn.prepare_cached(&format!(
            "{SELECT} INDEXED BY questions_open CROSS JOIN jobs j ON j.id = q.job_id
             WHERE q.company_id = ?1 AND q.closed_at IS NULL ORDER BY q.id LIMIT ?2"
        ))?;
        let rows = select.query_map(params![company.0, clamp(ON_DESK)], question)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The answers that a run's questions got, by the questions' keys, in the order in which they were asked; at most
    /// 500, the last ones.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn answers_of(&self, run: RunId) -> Result<Vec<(String, String)>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT key, answer FROM questions WHERE run_id = ?1 AND answer IS NOT NULL ORDER BY id DESC LIMIT 500",
        )?;
        let rows = select.query_map([run.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut answers = rows.collect::<Result<Vec<_>, _>>()?;
        answers.reverse();
        Ok(answers)
    }
}

impl Write<'_> {
    /// Answers a question: the first answer counts, and is an event of its job.
    ///
    /// # Errors
    /// [`StoreError::QuestionClosed`] where it was answered, or nobody waits for the answer any more (it says who
    /// answered and what); [`StoreError::NotFound`]; [`StoreError::Refused`] for an answer without a word, and for
    /// one that is not among the question's options, where it has any.
    pub fn question_answer(
        &self,
        id: QuestionId,
        answer: &str,
        by: Origin,
        at: Time,
    ) -> Result<(Question, Event), StoreError> {
        let before = self.question(id)?;
        if before.closed_at.is_some() {
            return Err(StoreError::QuestionClosed(Box::new(before)));
        }
        fits(&before, answer)?;
        let body = EventBody::Answered {
            question_id: id,
            key: key_of(self.conn, id)?,
            run_id: before.run_id,
            answer: answer.to_owned(),
            by,
        };
        let mut projector = Projector::load(self.conn, before.job_id)?;
        let event = projector.store(None, own(body, at))?.ok_or(StoreError::NotFound(Missing::Question(id)))?;
        projector.finish()?;
        Ok((self.question(id)?, event))
    }
}

impl Read<'_> {
    /// The answers to a run's questions for leave to act that it did not live to act on: no call of the agent's ended
    /// after the question. At most 100, the last ones.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn granted_of(&self, run: RunId) -> Result<Vec<Granted>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT q.agent, q.approval, q.answer FROM questions q
             WHERE q.run_id = ?1 AND q.ask = 'approval' AND q.answer IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM events e WHERE e.job_id = q.job_id AND e.id > q.id AND e.run_id = q.run_id
                 AND e.kind = 'tool_finished' AND e.agent = q.agent)
             ORDER BY q.id DESC LIMIT 100",
        )?;
        let rows = select.query_map([run.0], |row| {
            let approval: Option<Approval> = json(row, "approval")?;
            let digest = approval.map(|approval| approval.digest).unwrap_or_default();
            Ok(Granted { agent: row.get("agent")?, digest, answer: row.get("answer")? })
        })?;
        let mut granted = rows.collect::<Result<Vec<_>, _>>()?;
        granted.retain(|granted| !granted.digest.is_empty());
        Ok(granted)
    }

    /// Questions for leave to act that were asked at `before` or earlier and wait for an answer, oldest first; at
    /// most 100.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn approvals_since(&self, before: Time) -> Result<Vec<QuestionId>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT id FROM questions INDEXED BY questions_open
             WHERE closed_at IS NULL AND ask = 'approval' AND asked_at <= ?1 ORDER BY id LIMIT 100",
        )?;
        let rows = select.query_map([before.0], |row| row.get(0).map(QuestionId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Write<'_> {
    /// What an agent of the run asked about a limit needs no answer any more: there is room for its call. Its open
    /// questions about limits are closed with `word` as the answer.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn limit_has_room(&self, run: RunId, agent: &str, word: &str, at: Time) -> Result<Vec<Event>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT id FROM questions INDEXED BY questions_open
             WHERE closed_at IS NULL AND run_id = ?1 AND agent = ?2 AND ask = ?3 ORDER BY id",
        )?;
        let open = select.query_map(params![run.0, agent, Ask::Limit.name()], |row| row.get(0).map(QuestionId))?;
        let open = open.collect::<Result<Vec<_>, _>>()?;
        let mut events = Vec::with_capacity(open.len());
        for id in open {
            let body = EventBody::Answered {
                question_id: id,
                key: key_of(self.conn, id)?,
                run_id: run,
                answer: word.to_owned(),
                by: Origin::Client,
            };
            let mut projector = Projector::load(self.conn, self.job_of(run)?)?;
            events.extend(projector.store(None, own(body, at))?);
            projector.finish()?;
        }
        Ok(events)
    }
}

/// Its name in its run: what its worker waits for, and nobody else sees.
fn key_of(conn: &Connection, id: QuestionId) -> Result<String, StoreError> {
    let mut select = conn.prepare_cached("SELECT key FROM questions WHERE id = ?1")?;
    Ok(select.query_row([id.0], |row| row.get(0))?)
}

fn fits(question: &Question, answer: &str) -> Result<(), StoreError> {
    let refused = |what: &str, fix: String| Err(Error::new(ErrorCode::BAD_REQUEST, what, fix).into());
    if answer.trim().is_empty() {
        return refused("The answer is empty.", "Say in a few words what is to be done.".into());
    }
    if question.ask == Ask::Approval {
        let exact = question.approval.as_ref().is_some_and(|approval| approval.subject.is_some());
        match Decision::of_answer(answer) {
            Some(Decision { always: Some(_), .. }) if !exact => {
                let fix = "Allow it this once, or change what the agent may do with `aicib permissions`.";
                return refused("There is nothing exact here to allow always.", fix.into());
            }
            Some(_) => return Ok(()),
            None => {}
        }
        let fix = "Answer “Allow”, “Deny” or “Deny: ” with a reason.".to_owned();
        return refused("That is no answer to whether it may.", fix);
    }
    if !question.options.is_empty() && !question.options.iter().any(|option| option == answer) {
        let options: Vec<String> = question.options.iter().map(|option| format!("“{option}”")).collect();
        return refused("That is not one of the question's answers.", format!("Answer {}.", options.join(" or ")));
    }
    Ok(())
}

/// A run asks; a question that it has asked already is left as it is. `open` where somebody can wait for the answer.
pub(crate) fn put(
    conn: &Connection,
    event: &Event,
    company: CompanyId,
    asked: &Asked,
    open: bool,
) -> Result<(), StoreError> {
    let options = serde_json::to_string(&asked.options).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let approval = asked.approval.as_ref().map(serde_json::to_string).transpose();
    let approval = approval.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO questions (id, company_id, job_id, run_id, key, agent, ask, text, detail, options, asked_at,
           closed_at, approval)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING",
    )?;
    insert.execute(params![
        event.seq.0,
        company.0,
        event.job_id.0,
        event.run_id.map(|run| run.0),
        asked.key,
        asked.agent,
        asked.ask.name(),
        asked.text,
        asked.detail,
        options,
        asked.at.0,
        (!open).then_some(asked.at.0),
        approval,
    ])?;
    Ok(())
}

/// An answer to a question of the job, by run and key; one that is closed stays as it is.
pub(crate) fn answered(
    conn: &Connection,
    job: JobId,
    (run, key): (RunId, &str),
    answer: &str,
    by: Origin,
    at: Time,
) -> Result<(), StoreError> {
    let mut update = conn.prepare_cached(
        "UPDATE questions SET answer = ?4, answered_by = ?5, closed_at = max(?6, asked_at)
         WHERE run_id = ?2 AND key = ?3 AND job_id = ?1 AND closed_at IS NULL",
    )?;
    update.execute(params![job.0, run.0, key, answer, by.name(), at.0])?;
    Ok(())
}

/// Nobody waits for the job's answers any more; and whether somebody did.
pub(crate) fn close(conn: &Connection, job: JobId, at: Time) -> Result<bool, StoreError> {
    let mut update = conn.prepare_cached(
        "UPDATE questions SET closed_at = max(?2, asked_at) WHERE id IN (
           SELECT id FROM questions INDEXED BY questions_open WHERE job_id = ?1 AND closed_at IS NULL)",
    )?;
    Ok(update.execute(params![job.0, at.0])? > 0)
}

/// The event of a question is forgotten, and the question with it.
pub(crate) fn forget(conn: &Connection, event: &Event) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM questions WHERE id = ?1")?.execute([event.seq.0])?;
    Ok(())
}
