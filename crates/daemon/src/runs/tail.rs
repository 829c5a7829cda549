//! Follows a spool into the database: commits batches of lines, and remembers in the same transaction how far it
//! got. Reading twice stores once.

use std::time::Duration;

use contract::{
    CompanyId, Entry, Error, Event, EventBody, JobChange, JobId, JobState, Notice, NoticeLevel, QuestionId, SYSTEM,
    Time, WaitReason, one_line,
};
use store::{Limits, StoreError, Write};
use tokio::time::Instant;

use super::LiveRun;
use super::spool::Spool;
use crate::app::App;
use crate::budget::{self, Standing};
use crate::companies;
use crate::engines::marks;
use crate::hub::Touched;
use crate::notices;

/// The least time between two commits of one run that has no more to store, so that a fast worker's lines are
/// committed together.
const COMMIT_GAP: Duration = Duration::from_millis(10);
/// How often the file is looked at without a hint: while the worker is connected, and while it is not.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_millis(250));
/// How long to wait after the database or the disk said no: doubles from the first to the second.
const AFTER_TROUBLE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// Characters of the reason why a job waits.
const REASON_CHARS: usize = 300;

/// A spool on its way into the database.
pub struct Tail {
    spool: Spool,
}

impl Tail {
    /// Goes on where an earlier daemon stopped.
    pub fn new(run: &LiveRun, offset: u64) -> Tail {
        Tail { spool: Spool::new(run.spool(), offset) }
    }

    /// Whether there is nothing in the file.
    pub fn is_empty(&self) -> bool {
        self.spool.is_empty()
    }

    /// Stores what comes, until `leave` says to; what it says is returned. A batch that is being stored is finished
    /// first.
    pub async fn follow<T>(&mut self, app: &App, run: &LiveRun, leave: impl Future<Output = T>) -> T {
        tokio::pin!(leave);
        let mut trouble = AFTER_TROUBLE.0;
        loop {
            let began = Instant::now();
            let (pause, listens) = match self.step(app, run).await {
                Ok(Step::More) => {
                    trouble = AFTER_TROUBLE.0;
                    tokio::select! {
                        biased;
                        left = &mut leave => return left,
                        () = std::future::ready(()) => continue,
                    }
                }
                Ok(Step::Stored) => {
                    trouble = AFTER_TROUBLE.0;
                    (COMMIT_GAP.saturating_sub(began.elapsed()), false)
                }
                Ok(Step::Nothing) if run.is_connected() => (LOOK_EVERY.0, true),
                Ok(Step::Nothing) => (LOOK_EVERY.1, true),
                Err(error) => {
                    tracing::error!(%error, run_id = %run.run_id, "the spool could not be stored");
                    let pause = trouble;
                    trouble = (trouble * 2).min(AFTER_TROUBLE.1);
                    (pause, false)
                }
            };
            tokio::select! {
                left = &mut leave => return left,
                () = run.grew.notified(), if listens => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Stores all there is. Tries until it can: what a worker has done must not be forgotten. `false` where the daemon
    /// stops before that.
    pub async fn drain(&mut self, app: &App, run: &LiveRun) -> bool {
        let mut trouble = AFTER_TROUBLE.0;
        loop {
            match self.step(app, run).await {
                Ok(Step::More | Step::Stored) => {}
                Ok(Step::Nothing) => return true,
                Err(error) => {
                    tracing::error!(%error, run_id = %run.run_id, "the spool could not be stored; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(trouble) => {}
                        () = app.stop.cancelled() => return false,
                    }
                    trouble = (trouble * 2).min(AFTER_TROUBLE.1);
                }
            }
        }
    }

    /// Stores the next batch.
    async fn step(&mut self, app: &App, run: &LiveRun) -> Result<Step, Error> {
        let mut spool = self.spool.clone();
        let (read, spool) =
            tokio::task::spawn_blocking(move || (spool.next(), spool)).await.map_err(Error::internal)?;
        self.spool = spool;
        let batch = match read {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(Step::Nothing),
            Err(error) => {
                let file = self.spool.file().display();
                return Err(Error::internal(format!("The spool {file} does not read: {error}.")));
            }
        };
        let (run_id, job_id, end, full) = (run.run_id, run.job_id, batch.end, batch.full);
        let last = batch.lines.iter().map(|line| line.n).max().unwrap_or_default();
        let children = run.children();
        let spends = batch.lines.iter().any(|line| matches!(line.entry.body, EventBody::Usage { .. }));
        let limits = if spends { limits_of(app, run.company_id).await } else { None };
        let (stored, moved, untold) = app
            .store
            .write(move |db| {
                let before = limits.as_ref().map(|limits| standings(db, job_id, limits)).transpose()?;
                let mut stored = db.append(run_id, &batch.lines, end)?;
                if let (Some(limits), Some(before)) = (&limits, before) {
                    for (level, text) in budget::warnings(&before, &standings(db, job_id, limits)?) {
                        stored.events.push(db.append_own(job_id, own(EventBody::Notice { level, text }))?);
                    }
                }
                let untold = questions(db, &stored.events)?;
                marks::heard(db, &stored.events, Time::now())?;
                db.run_heard(run_id, Time::now(), children)?;
                if batch.refused > 0 {
                    stored.events.push(db.append_own(job_id, left_out(batch.refused))?);
                }
                // In the transaction that stores the line: a daemon that dies in between leaves no slot taken.
                let moved = match Pause::of(&stored.events) {
                    Some(Pause::Waits { reason, until }) => db.run_waits(run_id, &reason, until, Time::now())?,
                    // The worker goes on, whatever we thought of it.
                    Some(Pause::Over) if db.job(job_id)?.state == JobState::Waiting => {
                        Some(db.transition(job_id, JobChange::GoOn, "", Time::now())?)
                    }
                    Some(Pause::Over) | None => None,
                };
                let moved = moved.map(|(_, event)| stored.events.push(event)).is_some();
                Ok((stored, moved, untold))
            })
            .await?;
        self.spool.advance(end);
        run.stored(last, end);
        let touched = Touched {
            team: stored.touched.agents,
            spend: stored.touched.spend,
            questions: stored.touched.questions,
            ..Touched::row(job_id)
        };
        app.announce(run.company_id, &touched, &stored.events);
        if moved {
            app.runs.wake_queue();
        }
        if !untold.is_empty() {
            let app = app.clone();
            tokio::spawn(async move { notices::tell_the_rest(&app, untold).await });
        }
        Ok(if full { Step::More } else { Step::Stored })
    }
}

/// The limits of the run's company; none where its config does not hold now.
async fn limits_of(app: &App, company_id: CompanyId) -> Option<Limits> {
    let row = app.store.read(move |db| db.company(company_id)).await.ok()?;
    companies::load(&row).await.ok().map(|loaded| budget::limits(&loaded, company::CEO))
}

/// Where the limits stand that a job's founder is warned of.
fn standings(db: &Write<'_>, job_id: JobId, limits: &Limits) -> Result<Vec<Standing>, StoreError> {
    let job = db.job(job_id)?;
    let mut standings = budget::standings(db, job.company_id, limits, Time::now())?;
    standings.push(budget::of_session(db, job.company_id, job.session_id, limits)?);
    Ok(standings)
}

/// Keeps what the founder is to be told of questions that were just asked. In the transaction that stores them: a daemon
/// that dies right after it leaves the notices to the next.
fn questions(db: &Write<'_>, events: &[Event]) -> Result<Vec<Notice>, StoreError> {
    let mut untold = Vec::new();
    for event in events.iter().filter(|event| matches!(event.entry.body, EventBody::Asked { .. })) {
        match db.question(QuestionId(event.seq.0)) {
            Ok(question) if question.closed_at.is_none() => {
                let words = words::of(&db.settings()?.language);
                untold.extend(db.notice_put(&notices::asked(&question, words), Time::now())?);
            }
            // It was asked before, or nobody waits for the answer any more.
            Ok(_) | Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(untold)
}

/// What one step found.
enum Step {
    /// No whole line.
    Nothing,
    /// All there was.
    Stored,
    /// As much as a transaction is to hold; there may be more.
    More,
}

/// What a worker says of its run as a whole.
#[derive(Debug, PartialEq)]
enum Pause {
    /// None of its agents can go on.
    Waits { reason: String, until: Option<Time> },
    /// They can again.
    Over,
}

impl Pause {
    /// The last word on it. A wait for the daemon is none: it is over before anybody could read of it.
    fn of(events: &[Event]) -> Option<Pause> {
        for event in events.iter().rev() {
            match &event.entry {
                Entry { body: EventBody::RunExited { .. }, .. } => return None,
                Entry { agent, parent: None, body: EventBody::Waiting { reason, detail, until, over }, .. }
                    if agent == SYSTEM && *reason != WaitReason::Daemon =>
                {
                    return Some(match over {
                        true => Pause::Over,
                        false => Pause::Waits { reason: one_line(detail, REASON_CHARS), until: *until },
                    });
                }
                _ => {}
            }
        }
        None
    }
}

fn left_out(lines: usize) -> Entry {
    let text =
        format!("{lines} lines of the run's record do not read and are left out here. They are kept in its spool.");
    own(EventBody::Notice { level: NoticeLevel::Warning, text })
}

/// What we have to say ourselves.
fn own(body: EventBody) -> Entry {
    Entry { at: Time::now(), agent: SYSTEM.into(), parent: None, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{JobId, Outcome, RunId, Seq};

    fn said(agent: &str, body: EventBody) -> Event {
        let entry = Entry { at: Time(1), agent: agent.into(), parent: None, body };
        Event { seq: Seq(1), job_id: JobId(1), run_id: Some(RunId(1)), entry }
    }

    fn wait(agent: &str, reason: WaitReason, over: bool) -> Event {
        said(agent, EventBody::Waiting { reason, detail: "Rate limit.\n".into(), until: Some(Time(9)), over })
    }

    #[test]
    fn only_the_run_as_a_whole_makes_its_job_wait() {
        assert_eq!(Pause::of(&[wait("ceo", WaitReason::RateLimit, false)]), None);
        assert_eq!(Pause::of(&[wait(SYSTEM, WaitReason::Daemon, false)]), None);
        let mut events = vec![wait(SYSTEM, WaitReason::RateLimit, false), wait("cto", WaitReason::RateLimit, true)];
        let waits = Pause::Waits { reason: "Rate limit.".into(), until: Some(Time(9)) };
        assert_eq!(Pause::of(&events), Some(waits));
        events.push(wait(SYSTEM, WaitReason::RateLimit, true));
        assert_eq!(Pause::of(&events), Some(Pause::Over));
        events.push(wait(SYSTEM, WaitReason::Paused, false));
        let exited = EventBody::RunExited {
            outcome: Outcome::Cancelled,
            result: None,
            error: None,
            turns: 1,
            effects: false,
            ended: 0,
            forced: 0,
            left: 0,
        };
        events.push(said(SYSTEM, exited));
        assert_eq!(Pause::of(&events), None);
    }
}
