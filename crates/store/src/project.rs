//! Stores events and applies what they mean, in one transaction. One [`Projector`] takes a batch of one job's events.

use contract::{
    ChangedFile, CompanyId, CostBasis, Entry, Event, EventBody, JobId, JobState, Money, Progress, RunId, Seq,
    SessionId, Time, Tokens,
};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::amounts::{basis_from_name, basis_name};
use crate::fold::{self, Call, Effect, Facts, Steps};
use crate::job_now::JobNow;
use crate::rows::{maybe_time, money, named};
use crate::span_batch::{End, SpanBatch};
use crate::{Missing, StoreError, Touched, conversations, costs, follow_ups, journal, questions, search};

/// A batch of one job's events on its way into the database. Nothing of the job's own row is written before
/// [`Projector::finish`].
pub(crate) struct Projector<'c> {
    conn: &'c Connection,
    zone: TimeZone,
    job_id: JobId,
    title: String,
    /// Whom it was sent to.
    root: String,
    /// Whether its agents are those of the company's open session, since it was opened: what came before is not shown.
    current: bool,
    before: JobNow,
    now: JobNow,
    /// Events get numbers above this one.
    floor: i64,
    scope: String,
    /// Texts for the search index. They are written last: any statement that changes several rows makes FTS5 write
    /// out what it has gathered, and so end its batch.
    texts: Vec<(Seq, String)>,
    /// Calls of the batch, added up by agent, model and day.
    spent: Vec<(Call, i64)>,
    spans: SpanBatch<'c>,
    touched: Touched,
}

impl<'c> Projector<'c> {
    /// Reads what the batch starts from.
    pub(crate) fn load(conn: &'c Connection, job_id: JobId) -> Result<Projector<'c>, StoreError> {
        let mut select = conn.prepare_cached(&format!(
            "SELECT j.title, j.session_id, s.agent AS root, {PROJECTED}, s.closed_at IS NULL AND j.id > s.agents_after AS current,
               (SELECT forgotten_seq FROM home) AS floor
             FROM jobs j JOIN sessions s ON s.id = j.session_id WHERE j.id = ?1",
        ))?;
        let row = |row: &Row<'_>| {
            let company_id = CompanyId(row.get("company_id")?);
            let now = job_now(row)?;
            Ok(Projector {
                conn,
                zone: TimeZone::system(),
                job_id,
                title: row.get("title")?,
                root: row.get("root")?,
                current: row.get("current")?,
                before: now.clone(),
                now,
                floor: row.get("floor")?,
                scope: search::scope(company_id, job_id),
                texts: Vec::new(),
                spent: Vec::new(),
                spans: SpanBatch::new(conn, job_id),
                touched: Touched {
                    company_id,
                    session_id: SessionId(row.get("session_id")?),
                    job_id,
                    agents: false,
                    spend: false,
                    questions: false,
                },
            })
        };
        select.query_row([job_id.0], row).optional()?.ok_or(StoreError::NotFound(Missing::Job(job_id)))
    }

    /// The job as it is with what the batch brought so far.
    pub(crate) fn now(&self) -> &JobNow {
        &self.now
    }

    /// Stores an event and applies it. `None` where that line of the run's spool is stored already.
    pub(crate) fn store(&mut self, line: Option<(RunId, i64)>, entry: Entry) -> Result<Option<Event>, StoreError> {
        let body = serde_json::to_string(&entry.body).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO events (job_id, run_id, run_n, at, kind, agent, parent, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (run_id, run_n) DO NOTHING",
        )?;
        let inserted = insert.execute(params![
            self.job_id.0,
            line.map(|(run, _)| run.0),
            line.map(|(_, n)| n),
            entry.at.0,
            entry.body.kind(),
            entry.agent,
            entry.parent,
            body,
        ])?;
        if inserted == 0 {
            return Ok(None);
        }
        let seq = self.above_floor(Seq(self.conn.last_insert_rowid()))?;
        let event = Event { seq, job_id: self.job_id, run_id: line.map(|(run, _)| run), entry };
        self.apply(&event)?;
        Ok(Some(event))
    }

    /// SQLite numbers an event after the last one there is, which may be before the last one there was.
    fn above_floor(&self, seq: Seq) -> Result<Seq, StoreError> {
        if seq.0 > self.floor {
            return Ok(seq);
        }
        let above = Seq(self.floor + 1);
        let mut update = self.conn.prepare_cached("UPDATE events SET id = ?2 WHERE id = ?1")?;
        update.execute(params![seq.0, above.0])?;
        Ok(above)
    }

    /// Applies an event that is stored.
    pub(crate) fn apply(&mut self, event: &Event) -> Result<(), StoreError> {
        let directive = match &event.entry.body {
            EventBody::JobChanged { .. } if self.now.events == 0 => self.directive()?,
            _ => String::new(),
        };
        let text = search::indexed_text(&event.entry.body, &directive);
        if !text.is_empty() {
            self.texts.push((event.seq, text.into_owned()));
        }
        self.now.count_event(event.seq);
        let effects = fold::fold(event, &Facts { title: &self.title, root: &self.root, zone: &self.zone });
        for effect in &effects {
            self.now.apply(effect);
            self.effect(effect, event)?;
        }
        Ok(())
    }

    /// Long, and needed for the job's first event only.
    fn directive(&self) -> Result<String, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT directive FROM job_texts WHERE job_id = ?1")?;
        Ok(select.query_row([self.job_id.0], |row| row.get(0))?)
    }

    /// Writes the job's row, only where it is in the state in which the batch found it, and the search index.
    pub(crate) fn finish(mut self) -> Result<Touched, StoreError> {
        self.spans.write()?;
        costs::add(self.conn, &self.touched, &self.spent)?;
        self.write_job()?;
        let mut insert = self.conn.prepare_cached("INSERT INTO events_fts (rowid, text, scope) VALUES (?1, ?2, ?3)")?;
        for (seq, text) in &self.texts {
            insert.execute(params![seq.0, text, self.scope])?;
        }
        Ok(self.touched)
    }

    /// The columns that no index has are written with each batch, the others only where they changed: each index that
    /// an UPDATE names is written anew. The percentage goes along with the state, since it is 100 when the job completed.
    fn write_job(&self) -> Result<(), StoreError> {
        let (before, now) = (&self.before, &self.now);
        let moved = before.state != now.state || before.held != now.held || before.until != now.until;
        if moved || before.finished_at != now.finished_at {
            let mut update = self.conn.prepare_cached(
                "UPDATE jobs SET state = ?3, until = ?4, held = ?5, finished_at = ?6, progress_percent = ?7
                 WHERE id = ?1 AND state = ?2",
            )?;
            let updated = update.execute(params![
                self.job_id.0,
                before.state.name(),
                now.state.name(),
                now.until.map(|at| at.0),
                now.held,
                now.finished_at.map(|at| at.0),
                before.steps.as_ref().and(now.steps.as_ref()).map(|steps| steps.progress.percent),
            ])?;
            self.found(updated)?;
        }
        let mut update = self.conn.prepare_cached(
            "UPDATE jobs SET reason = ?3, started_at = ?4, waited_ms = ?5, waits_since = ?6, cost_nanos = ?7,
               cost_basis = ?8, turns = ?9, tokens_input = ?10, tokens_output = ?11, tokens_cache_read = ?12,
               tokens_cache_write = ?13, activity_agent = ?14, activity_text = ?15, progress_done = ?16,
               progress_total = ?17, progress_percent = ?18, progress_note = ?19, progress_at = ?20, stages_end = ?21,
               events = ?22, last_seq = ?23
             WHERE id = ?1 AND state = ?2",
        )?;
        let steps = now.steps.as_ref();
        let updated = update.execute(params![
            self.job_id.0,
            now.state.name(),
            now.reason,
            now.started_at.map(|at| at.0),
            now.waited_ms,
            now.waits_since.map(|at| at.0),
            now.cost.as_nanos(),
            basis_name(now.basis),
            now.turns,
            now.tokens.input,
            now.tokens.output,
            now.tokens.cache_read,
            now.tokens.cache_write,
            now.activity.as_ref().map(|activity| &activity.agent),
            now.activity.as_ref().map(|activity| &activity.text),
            steps.map(|steps| steps.progress.done),
            steps.map(|steps| steps.progress.total),
            steps.map(|steps| steps.progress.percent),
            steps.map(|steps| &steps.progress.note),
            steps.map(|steps| steps.at.0),
            steps.and_then(|steps| steps.stages_end).map(|at| at.0),
            now.events,
            now.last_seq.0,
        ])?;
        self.found(updated)
    }

    /// The guard: the row was in the state in which the batch found it.
    fn found(&self, updated: usize) -> Result<(), StoreError> {
        match updated {
            1 => Ok(()),
            _ => Err(StoreError::JobNotThere { job: self.job_id, state: self.before.state }),
        }
    }

    fn effect(&mut self, effect: &Effect, event: &Event) -> Result<(), StoreError> {
        match effect {
            Effect::State { .. } | Effect::Held(_) | Effect::Turns(_) | Effect::Doing(_) | Effect::Steps(_) => Ok(()),
            Effect::Spent(call) => {
                self.touched.spend |= call.cost > Money::ZERO;
                self.spent(call);
                Ok(())
            }
            Effect::SpanOpened(span) => self.spans.open(span),
            Effect::SpanClosed { kind, span, at, ok, cost } => {
                self.spans.close(*kind, span, End { at: *at, ok: *ok, cost: *cost })
            }
            Effect::Ended { at, failed } => {
                self.spans.close_all(*at)?;
                self.touched.questions |= questions::close(self.conn, self.job_id, *at)?;
                self.agents_released(*failed)
            }
            Effect::FileChanged(file) => self.file_changed(file),
            Effect::AgentWorking { role, task } => self.agent_working(role, task),
            Effect::AgentFree { role } => self.agent_free(role),
            Effect::LeaseSettled(lease) => {
                // A run settles its own leases only.
                let mut delete = self.conn.prepare_cached("DELETE FROM leases WHERE id = ?1 AND run_id = ?2")?;
                delete.execute(params![lease.0, event.run_id.map(|run| run.0)])?;
                Ok(())
            }
            Effect::Asked(asked) => {
                self.touched.questions = true;
                // What a run still had to say after its end is no question any more.
                let open = self.now.state.is_at_work();
                questions::put(self.conn, event, self.touched.company_id, asked, open)
            }
            Effect::Answered { run, key, answer, by, at } => {
                self.touched.questions = true;
                questions::answered(self.conn, self.job_id, (*run, key), answer, *by, *at)
            }
            Effect::Conversation { engine, engine_agent, conversation } => {
                conversations::put(self.conn, self.touched.session_id, *engine, engine_agent, conversation)
            }
            Effect::FollowedUp(text) => follow_ups::put(self.conn, event, text),
            Effect::FollowUpsTaken(seqs) => follow_ups::taken(self.conn, self.job_id, seqs),
            Effect::Journal { text, at } => {
                let brief = journal::Brief {
                    company: self.touched.company_id,
                    session: self.touched.session_id,
                    title: &self.title,
                    cost: self.now.cost,
                    turns: self.now.turns,
                };
                journal::put(self.conn, event, &brief, text, *at)
            }
        }
    }

    fn spent(&mut self, call: &Call) {
        match self.spent.iter_mut().find(|(sum, _)| sum.goes_with(call)) {
            Some((sum, calls)) => {
                sum.add(call);
                *calls += 1;
            }
            None => self.spent.push((call.clone(), 1)),
        }
    }

    fn file_changed(&self, file: &ChangedFile) -> Result<(), StoreError> {
        let change = &file.change;
        let mut put = self.conn.prepare_cached(
            "INSERT INTO files (job_id, path, created, added, removed, agent, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (job_id, path) DO UPDATE SET created = max(created, ?3),
               added = min(added + ?4, 1000000000000000), removed = min(removed + ?5, 1000000000000000),
               agent = ?6, at = ?7",
        )?;
        let row =
            params![self.job_id.0, change.path, change.created, change.added, change.removed, file.agent, file.at.0];
        put.execute(row)?;
        Ok(())
    }

    fn agent_working(&mut self, role: &str, task: &str) -> Result<(), StoreError> {
        if !self.current || self.now.state.is_final() {
            return Ok(());
        }
        self.touched.agents = true;
        let (company, session) = (self.touched.company_id.0, self.touched.session_id.0);
        // What went wrong in the session before is past.
        let mut forget = self.conn.prepare_cached(
            "DELETE FROM agent_states WHERE company_id = ?1 AND role = ?2 AND state = 'error'
               AND ?3 = (SELECT j.session_id FROM jobs j WHERE j.id = agent_states.job_id)",
        )?;
        forget.execute(params![company, role, session])?;
        let mut put = self.conn.prepare_cached(
            "INSERT INTO agent_states (company_id, role, job_id, state, task) VALUES (?1, ?2, ?3, 'working', ?4)
             ON CONFLICT (company_id, role, job_id) DO UPDATE SET state = 'working', task = ?4",
        )?;
        put.execute(params![company, role, self.job_id.0, task])?;
        Ok(())
    }

    fn agent_free(&mut self, role: &str) -> Result<(), StoreError> {
        if !self.current || role == self.root {
            return Ok(());
        }
        self.touched.agents = true;
        let mut forget = self.conn.prepare_cached(
            "DELETE FROM agent_states
             WHERE company_id = ?1 AND role = ?2 AND job_id = ?3 AND state = 'working' AND NOT EXISTS (
               SELECT 1 FROM spans INDEXED BY spans_open_delegation
               WHERE job_id = ?3 AND agent = ?2 AND kind = 'delegation' AND finished_at IS NULL)",
        )?;
        forget.execute(params![self.touched.company_id.0, role, self.job_id.0])?;
        Ok(())
    }

    fn agents_released(&mut self, failed: bool) -> Result<(), StoreError> {
        if !self.current {
            return Ok(());
        }
        self.touched.agents = true;
        let mut forget =
            self.conn.prepare_cached("DELETE FROM agent_states WHERE job_id = ?1 AND NOT (?2 AND role = ?3)")?;
        forget.execute(params![self.job_id.0, failed, self.root])?;
        let mut update =
            self.conn.prepare_cached("UPDATE agent_states SET state = 'error', task = '' WHERE job_id = ?1")?;
        update.execute([self.job_id.0])?;
        Ok(())
    }
}

/// The projected columns of `jobs` ([`job_now`]), with its company.
pub(crate) const PROJECTED: &str = "j.company_id, j.state, j.reason, j.until, j.held, j.started_at, j.finished_at,
    j.waited_ms, j.waits_since, j.cost_nanos, j.cost_basis, j.turns, j.tokens_input, j.tokens_output,
    j.tokens_cache_read, j.tokens_cache_write, j.activity_agent, j.activity_text, j.progress_done, j.progress_total,
    j.progress_percent, j.progress_note, j.progress_at, j.stages_end, j.events, j.last_seq";

/// The columns of [`PROJECTED`].
pub(crate) fn job_now(row: &Row<'_>) -> rusqlite::Result<JobNow> {
    let agent: Option<String> = row.get("activity_agent")?;
    let text: Option<String> = row.get("activity_text")?;
    Ok(JobNow {
        state: named(row, "state", JobState::from_name)?,
        reason: row.get("reason")?,
        until: maybe_time(row, "until")?,
        held: row.get("held")?,
        waited_ms: row.get("waited_ms")?,
        waits_since: maybe_time(row, "waits_since")?,
        started_at: maybe_time(row, "started_at")?,
        finished_at: maybe_time(row, "finished_at")?,
        cost: money(row, "cost_nanos")?,
        basis: named::<CostBasis>(row, "cost_basis", basis_from_name)?,
        turns: row.get("turns")?,
        tokens: tokens(row)?,
        activity: agent.zip(text).map(|(agent, text)| contract::Activity { agent, text }),
        steps: steps(row)?,
        events: row.get("events")?,
        last_seq: Seq(row.get("last_seq")?),
    })
}

fn steps(row: &Row<'_>) -> rusqlite::Result<Option<Steps>> {
    let Some(done) = row.get("progress_done")? else { return Ok(None) };
    Ok(Some(Steps {
        progress: Progress {
            done,
            total: row.get("progress_total")?,
            percent: row.get("progress_percent")?,
            note: row.get("progress_note")?,
        },
        at: Time(row.get("progress_at")?),
        stages_end: maybe_time(row, "stages_end")?,
    }))
}

/// The token columns of a row of `jobs` or `costs`.
pub(crate) fn tokens(row: &Row<'_>) -> rusqlite::Result<Tokens> {
    Ok(Tokens {
        input: row.get("tokens_input")?,
        output: row.get("tokens_output")?,
        cache_read: row.get("tokens_cache_read")?,
        cache_write: row.get("tokens_cache_write")?,
    })
}
