//! The runs' own records, into a database that does not know all of them: jobs and runs with their old numbers, then
//! what each run recorded, between the daemon's own events where those were salvaged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use contract::{Entry, EventBody, JobId, JobState, RunId, SYSTEM, SessionId, Time};
use rusqlite::{Connection, OptionalExtension, params};

use crate::folders::Folder;
use crate::project::Projector;
use crate::rows::named;
use crate::salvage::at_least;
use crate::{StoreError, restore, verdict};

/// Events of a batch, at most: their texts are held until its end.
const BATCH: usize = 500;

/// What a copy of the database knew before anything was added.
pub(crate) struct Before {
    jobs: BTreeSet<JobId>,
    finished: BTreeSet<JobId>,
}

impl Before {
    pub(crate) fn of(conn: &Connection) -> Result<Before, StoreError> {
        let mut before = Before { jobs: BTreeSet::new(), finished: BTreeSet::new() };
        let mut select = conn.prepare("SELECT id, finished_at IS NOT NULL FROM jobs")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let job = JobId(row.get(0)?);
            before.jobs.insert(job);
            if row.get(1)? {
                before.finished.insert(job);
            }
        }
        Ok(before)
    }
}

/// What was added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Jobs that the copy did not know.
    pub(crate) jobs: i64,
    /// Events that it did not hold.
    pub(crate) events: i64,
}

/// A run of a job that is brought up to date.
struct Run<'f> {
    id: RunId,
    /// Lines that are stored.
    lines: i64,
    started_at: Time,
    ended: bool,
    folder: Option<&'f Folder>,
}

/// An event that was salvaged.
struct Kept {
    line: Option<(RunId, i64)>,
    entry: Entry,
}

/// Adds what the runs' folders and the salvaged events say. A job that cannot be made good is failed rather than done
/// again.
pub(crate) fn replay(
    conn: &Connection,
    folders: &BTreeMap<RunId, Vec<Folder>>,
    before: &Before,
) -> Result<Replayed, StoreError> {
    let mut chosen: BTreeMap<RunId, &Folder> = BTreeMap::new();
    for (run, folders) in folders {
        at_least(conn, "runs", run.0)?;
        if let Some(folder) = restore::folder_of(conn, *run, folders)? {
            chosen.insert(*run, folder);
        }
    }
    // Without its words a job is called by its title.
    conn.execute_batch(
        "INSERT INTO job_texts (job_id, directive)
         SELECT id, title FROM jobs j WHERE NOT EXISTS (SELECT 1 FROM job_texts t WHERE t.job_id = j.id)",
    )?;
    let mut replayed = Replayed::default();
    for job in in_order(conn)? {
        if !before.jobs.contains(&job) {
            replayed.jobs += 1;
        }
        if before.finished.contains(&job) {
            continue;
        }
        conn.execute_batch("SAVEPOINT job")?;
        match bring_up(conn, job, &chosen) {
            Ok(events) => replayed.events += events,
            Err(error @ (StoreError::DiskFull | StoreError::Locked | StoreError::ReadOnly { .. })) => {
                return Err(error);
            }
            Err(error) => {
                tracing::error!(%error, job_id = %job, "a job could not be made good");
                conn.execute_batch("ROLLBACK TO job")?;
                verdict::lost(conn, job)?;
            }
        }
        conn.execute_batch("RELEASE job")?;
    }
    Ok(replayed)
}

/// The jobs in the order in which they were last claimed, and then those that never were: of a session, one is over
/// before the next begins.
fn in_order(conn: &Connection) -> Result<Vec<JobId>, StoreError> {
    let mut select = conn.prepare(
        "SELECT j.id FROM jobs j ORDER BY (SELECT max(r.id) FROM runs r WHERE r.job_id = j.id) NULLS LAST, j.id",
    )?;
    let jobs = select.query_map([], |row| row.get(0).map(JobId))?;
    Ok(jobs.collect::<Result<_, _>>()?)
}

fn bring_up(conn: &Connection, job: JobId, chosen: &BTreeMap<RunId, &Folder>) -> Result<i64, StoreError> {
    let mut kept = kept_of(conn, job)?;
    let runs = runs_of(conn, job, chosen)?;
    let mut story = Story::begin(conn, job)?;
    let tells = |kept: &VecDeque<Kept>| kept.front().is_some_and(|event| state_of(event).is_some());
    if story.is_empty()? && !tells(&kept) {
        story.changed(JobState::Queued, "", story.created_at)?;
    }
    for run in &runs {
        let mut lines = match run.folder.map(Folder::lines).transpose() {
            Ok(lines) => lines.flatten(),
            Err(error) => {
                tracing::warn!(%error, run_id = %run.id, "the spool of a run does not read");
                None
            }
        };
        let (mut highest, mut first) = (run.lines, true);
        while let Some(line) = lines.as_mut().and_then(|lines| lines.next()) {
            if line.n <= run.lines {
                continue;
            }
            let is_earlier = |event: &mut Kept| event.entry.at <= line.entry.at && !ends(event);
            while let Some(event) = kept.pop_front_if(is_earlier) {
                story.tell(event)?;
            }
            if std::mem::take(&mut first) && !story.state()?.is_at_work() {
                story.changed(JobState::Running, "", run.started_at)?;
            }
            highest = highest.max(line.n);
            story.tell(Kept { line: Some((run.id, line.n)), entry: line.entry })?;
        }
        if let Some(lines) = lines {
            story.pause()?;
            let update = "UPDATE runs SET spool_offset = max(spool_offset, ?2), spool_lines = max(spool_lines, ?3),
                            state = CASE WHEN state = 'starting' AND ?3 > 0 THEN 'running' ELSE state END
                          WHERE id = ?1";
            let offset = i64::try_from(lines.offset).unwrap_or(i64::MAX);
            conn.prepare_cached(update)?.execute(params![run.id.0, offset, highest])?;
        }
    }
    for event in kept {
        story.tell(event)?;
    }
    story.pause()?;
    settle_state(conn, &mut story, &runs)?;
    verdict::fill_in(conn, job, runs.last().map(|run| run.id))?;
    Ok(story.told)
}

/// Where events are lost, the job's row in the damaged file says where it stood; where that is lost too, its runs do.
fn settle_state(conn: &Connection, story: &mut Story<'_>, runs: &[Run<'_>]) -> Result<(), StoreError> {
    let live = runs.iter().rev().find(|run| !run.ended);
    let was = was_of(conn, story.job)?;
    let is_sure = was.is_some();
    if let Some(was) = was {
        let now = story.state()?;
        if was.held && !now.is_final() && !was.state.is_final() && !story.is_held()? {
            story.own(EventBody::Held { held: true, all: false }, story.last_at)?;
        }
        // A run that is alive says more than the row.
        let stands = match was.state {
            JobState::Running | JobState::Waiting => false,
            JobState::Queued => live.is_none(),
            _ => true,
        };
        if stands && !now.is_final() && was.state != now {
            let at = was.finished_at.unwrap_or(story.last_at);
            let body = EventBody::JobChanged { state: was.state, reason: was.reason, until: was.until, stopped: None };
            story.own(body, at)?;
        }
    }
    let now = story.state()?;
    story.pause()?;
    match live {
        Some(run) if now.is_final() => verdict::end_run(conn, run.id, story.last_at),
        // It never began; whether it still may, or was stopped before, is lost.
        Some(run) if !is_sure && !run.folder.is_some_and(Folder::has_spool) => verdict::lost(conn, story.job),
        // It was settled once: nobody is to be told again.
        Some(run) if run.folder.is_some_and(Folder::is_put_away) => verdict::settle(conn, story.job, Some(run.id)),
        Some(run) if !now.is_at_work() => {
            story.changed(JobState::Running, "", run.started_at)?;
            story.pause()
        }
        // Its worker may be alive: the daemon takes it up, or settles it.
        Some(_) => Ok(()),
        None if now.is_at_work() => verdict::settle(conn, story.job, runs.last().map(|run| run.id)),
        None => Ok(()),
    }
}

fn runs_of<'f>(
    conn: &Connection,
    job: JobId,
    chosen: &BTreeMap<RunId, &'f Folder>,
) -> Result<Vec<Run<'f>>, StoreError> {
    let mut select =
        conn.prepare_cached("SELECT id, spool_lines, started_at, ended_at FROM runs WHERE job_id = ?1 ORDER BY id")?;
    let rows = select.query_map([job.0], |row| {
        let id = RunId(row.get(0)?);
        Ok(Run {
            id,
            lines: row.get(1)?,
            started_at: Time(row.get(2)?),
            ended: row.get::<_, Option<i64>>(3)?.is_some(),
            folder: chosen.get(&id).copied(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The salvaged events of a job, in their order; those that do not read are left out.
fn kept_of(conn: &Connection, job: JobId) -> Result<VecDeque<Kept>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT run_id, run_n, at, agent, parent, body FROM temp.kept_events WHERE job_id = ?1 ORDER BY id",
    )?;
    let rows = select.query_map([job.0], |row| {
        let run: Option<i64> = row.get(0)?;
        let n: Option<i64> = row.get(1)?;
        let body = serde_json::from_str(row.get_ref(5)?.as_str().unwrap_or_default()).ok();
        let (at, agent, parent) = (Time(row.get(2)?), row.get(3)?, row.get(4)?);
        let line = run.map(RunId).zip(n);
        Ok(body.map(|body| Kept { line, entry: Entry { at, agent, parent, body } }))
    })?;
    Ok(rows.filter_map(|row| row.ok().flatten()).collect())
}

/// The state that an event of the daemon's own brings the job to.
fn state_of(event: &Kept) -> Option<JobState> {
    match &event.entry.body {
        EventBody::JobChanged { state, .. } if event.line.is_none() => Some(*state),
        _ => None,
    }
}

fn ends(event: &Kept) -> bool {
    state_of(event).is_some_and(JobState::is_final)
}

/// A job's row in the damaged file.
struct Was {
    state: JobState,
    reason: String,
    until: Option<Time>,
    finished_at: Option<Time>,
    held: bool,
}

fn was_of(conn: &Connection, job: JobId) -> Result<Option<Was>, StoreError> {
    let mut select = conn.prepare_cached("SELECT * FROM temp.was WHERE job_id = ?1")?;
    let row = select.query_row([job.0], |row| {
        Ok(Was {
            state: named(row, "state", JobState::from_name)?,
            reason: row.get::<_, Option<String>>("reason")?.unwrap_or_default(),
            until: row.get::<_, Option<i64>>("until")?.map(Time),
            finished_at: row.get::<_, Option<i64>>("finished_at")?.map(Time),
            held: row.get::<_, Option<bool>>("held")?.unwrap_or_default(),
        })
    });
    // A row that makes no sense says nothing.
    Ok(row.optional().ok().flatten())
}

/// A job's events as they are stored one after another, in batches.
struct Story<'c> {
    conn: &'c Connection,
    job: JobId,
    session: SessionId,
    created_at: Time,
    /// When the last of its events happened.
    last_at: Time,
    batch: Option<(Projector<'c>, usize)>,
    /// Events stored.
    told: i64,
}

impl<'c> Story<'c> {
    fn begin(conn: &'c Connection, job: JobId) -> Result<Story<'c>, StoreError> {
        let mut select = conn.prepare_cached(
            "SELECT session_id, created_at, (SELECT max(at) FROM events e WHERE e.job_id = j.id) FROM jobs j
             WHERE j.id = ?1",
        )?;
        Ok(select.query_row([job.0], |row| {
            let created_at = Time(row.get(1)?);
            let last_at = row.get::<_, Option<i64>>(2)?.map_or(created_at, Time);
            Ok(Story { conn, job, session: SessionId(row.get(0)?), created_at, last_at, batch: None, told: 0 })
        })?)
    }

    fn batch(&mut self) -> Result<&mut (Projector<'c>, usize), StoreError> {
        if self.batch.as_ref().is_some_and(|(_, size)| *size >= BATCH) {
            self.pause()?;
        }
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => (Projector::load(self.conn, self.job)?, 0),
        };
        Ok(self.batch.insert(batch))
    }

    fn is_empty(&mut self) -> Result<bool, StoreError> {
        Ok(self.batch()?.0.now().events == 0)
    }

    fn is_held(&mut self) -> Result<bool, StoreError> {
        Ok(self.batch()?.0.now().held)
    }

    fn state(&mut self) -> Result<JobState, StoreError> {
        Ok(self.batch()?.0.now().state)
    }

    /// Stores the next event. One that is stored already is left out.
    fn tell(&mut self, event: Kept) -> Result<(), StoreError> {
        if let Some(JobState::Running | JobState::Waiting | JobState::Retrying) = state_of(&event) {
            verdict::make_way(self.conn, self.session, self.job)?;
        }
        let at = event.entry.at;
        let (projector, size) = self.batch()?;
        if projector.store(event.line, event.entry)?.is_some() {
            *size += 1;
            self.told += 1;
            self.last_at = self.last_at.max(at);
        }
        Ok(())
    }

    fn own(&mut self, body: EventBody, at: Time) -> Result<(), StoreError> {
        self.tell(Kept { line: None, entry: Entry { at, agent: SYSTEM.into(), parent: None, body } })
    }

    fn changed(&mut self, state: JobState, reason: &str, at: Time) -> Result<(), StoreError> {
        self.own(EventBody::JobChanged { state, reason: reason.to_owned(), until: None, stopped: None }, at)
    }

    /// Writes down what the batch holds.
    fn pause(&mut self) -> Result<(), StoreError> {
        match self.batch.take() {
            Some((projector, _)) => projector.finish().map(drop),
            None => Ok(()),
        }
    }
}
