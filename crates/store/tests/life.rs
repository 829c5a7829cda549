//! The whole life of jobs: random stories, held against a model of a few lines (which moves jobs by the pure function
//! alone), against the store, and against the schema itself.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use contract::{CompanyId, Error, ErrorCode, JobChange, JobId, JobState, RunId, RunState, SessionId, Time};
use proptest::prelude::*;
use rusqlite::{Connection, params};
use store::{GoOn, NewJob, Settlement, StoreError};
use support::*;

/// What may happen. Numbers name a job, a session or a change by its place among those there are.
#[derive(Clone, Debug)]
enum Step {
    Insert { session: usize, queue: bool, priority: i64, after: Option<usize>, delay: Option<i64> },
    Claim { max: i64 },
    Due { later: i64 },
    Waits(usize),
    GoOn { job: usize, max: i64 },
    Hold(usize, bool),
    HoldAll(bool),
    Settle(usize, usize),
    Move(usize, usize),
    Fail(usize),
    Prune { events: i64, age: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let job = 0usize..12;
    let insert = (
        0usize..3,
        any::<bool>(),
        -1i64..2,
        prop::option::weighted(0.3, 0usize..12),
        prop::option::weighted(0.3, 0i64..30),
    );
    prop_oneof![
        6 => insert.prop_map(|(session, queue, priority, after, delay)| Step::Insert { session, queue, priority, after, delay }),
        5 => (1i64..4).prop_map(|max| Step::Claim { max }),
        3 => (0i64..30).prop_map(|later| Step::Due { later }),
        2 => job.clone().prop_map(Step::Waits),
        2 => (job.clone(), 1i64..4).prop_map(|(job, max)| Step::GoOn { job, max }),
        1 => (job.clone(), any::<bool>()).prop_map(|(job, held)| Step::Hold(job, held)),
        1 => any::<bool>().prop_map(Step::HoldAll),
        4 => (job.clone(), 0usize..4).prop_map(|(job, change)| Step::Settle(job, change)),
        3 => (job.clone(), 0..JobChange::ALL.len()).prop_map(|(job, change)| Step::Move(job, change)),
        1 => job.prop_map(Step::Fail),
        1 => (1i64..20, 0i64..40).prop_map(|(events, age)| Step::Prune { events, age }),
    ]
}

/// A job as it should be.
#[derive(Clone, Debug)]
struct Expected {
    id: JobId,
    session: usize,
    state: JobState,
    held: bool,
    priority: i64,
    after: Option<JobId>,
    until: Option<Time>,
    finished_at: Option<Time>,
    run: Option<RunId>,
    past_runs: Vec<RunId>,
}

#[derive(Default)]
struct Model {
    jobs: Vec<Expected>,
    all_held: bool,
    now: Time,
}

impl Model {
    /// The only way in which a job of the model changes.
    fn moves(&mut self, index: usize, change: JobChange) {
        let now = self.now;
        let job = &mut self.jobs[index];
        job.state = job.state.after(change).unwrap();
        job.until = None;
        if job.state.is_final() {
            job.finished_at = Some(now);
            job.held = false;
        }
    }

    fn of(&self, id: JobId) -> Option<&Expected> {
        self.jobs.iter().find(|job| job.id == id)
    }

    fn holds_session(job: &Expected) -> bool {
        matches!(job.state, JobState::Running | JobState::Waiting | JobState::Retrying)
    }

    fn at_work(&self) -> i64 {
        self.jobs.iter().filter(|job| job.run.is_some() && job.state != JobState::Waiting).count() as i64
    }

    fn next(&self, max: i64) -> Option<usize> {
        if self.all_held || self.at_work() >= max {
            return None;
        }
        let busy = |session| self.jobs.iter().any(|job| job.session == session && Model::holds_session(job));
        let free = |job: &Expected| job.state == JobState::Queued && !job.held && !busy(job.session);
        let place = |index: &usize| (-self.jobs[*index].priority, self.jobs[*index].id);
        (0..self.jobs.len()).filter(|index| free(&self.jobs[*index])).min_by_key(place)
    }

    /// Every job that goes on by itself, until none does.
    fn due(&mut self) {
        let goes = |model: &Model, job: &Expected| {
            let blocker = job.after.map(|after| model.of(after).map(|blocker| blocker.state));
            let timely = job.until.is_some_and(|until| until <= model.now);
            match (job.state, blocker) {
                (JobState::Retrying, _) if timely => Some(JobChange::Requeue),
                (JobState::Scheduled, None | Some(Some(JobState::Completed))) if timely => Some(JobChange::Due),
                (JobState::Scheduled, Some(Some(state))) if timely && state.is_final() => Some(JobChange::Fail),
                (JobState::Scheduled, _) if timely => Some(JobChange::Block),
                (JobState::Blocked, Some(Some(JobState::Completed))) => Some(JobChange::Unblock),
                (JobState::Blocked, None | Some(None)) => Some(JobChange::Fail),
                (JobState::Blocked, Some(Some(state))) if state.is_final() => Some(JobChange::Fail),
                _ => None,
            }
        };
        loop {
            let next = self.jobs.iter().enumerate().find_map(|(index, job)| Some((index, goes(self, job)?)));
            let Some((index, change)) = next else { return };
            self.moves(index, change);
        }
    }

    fn prune(&mut self, before: Time) {
        let waited_for: Vec<JobId> =
            self.jobs.iter().filter(|job| !job.state.is_final()).filter_map(|job| job.after).collect();
        self.jobs.retain(|job| job.finished_at.is_none_or(|at| at >= before) || waited_for.contains(&job.id));
        let left: Vec<JobId> = self.jobs.iter().map(|job| job.id).collect();
        for job in &mut self.jobs {
            job.after = job.after.filter(|after| left.contains(after));
        }
    }
}

struct World {
    home: Home,
    raw: Connection,
    sessions: Vec<(CompanyId, SessionId)>,
    model: Model,
}

impl World {
    fn new() -> World {
        let home = Home::new();
        let sessions = vec![home.company("acme"), home.company("bolt"), home.company("core")];
        let raw = Connection::open(home.database()).unwrap();
        World { home, raw, sessions, model: Model { now: NOON, ..Model::default() } }
    }

    fn pick(&self, which: usize) -> Option<usize> {
        (!self.model.jobs.is_empty()).then(|| which % self.model.jobs.len())
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.model.now.0 += 1;
        let now = self.model.now;
        match *step {
            Step::Insert { session, queue, priority, after, delay } => {
                let after = after.and_then(|which| self.pick(which)).map(|index| self.model.jobs[index].clone());
                self.insert(session, queue, priority, after, delay)?;
            }
            Step::Claim { max } => {
                let expected = self.model.next(max);
                let claimed = self.home.claim_at(max, now);
                prop_assert_eq!(
                    claimed.as_ref().map(|claimed| claimed.job.job.job_id),
                    expected.map(|index| self.model.jobs[index].id)
                );
                if let (Some(claimed), Some(index)) = (claimed, expected) {
                    self.model.moves(index, JobChange::Claim);
                    self.model.jobs[index].run = Some(claimed.run_id);
                    prop_assert!(self.model.at_work() <= max);
                }
            }
            Step::Due { later } => {
                self.model.now.0 += later;
                let now = self.model.now;
                while !self.home.write(move |write| write.due(now)).is_empty() {}
                self.model.due();
                let next = self.home.read(|read| read.next_due());
                prop_assert_eq!(
                    next,
                    self.model.jobs.iter().filter(|j| j.state != JobState::Waiting).filter_map(|j| j.until).min()
                );
            }
            Step::Waits(which) => {
                let Some(index) = self.pick(which) else { return Ok(()) };
                let Some(run) = self.model.jobs[index].run else { return Ok(()) };
                let until = Time(now.0 + 5);
                let moved = self.home.write(move |write| write.run_waits(run, "rate limit", Some(until), now));
                let runs = self.model.jobs[index].state == JobState::Running;
                prop_assert_eq!(moved.is_some(), runs);
                if runs {
                    self.model.moves(index, JobChange::Wait);
                    self.model.jobs[index].until = Some(until);
                }
            }
            Step::GoOn { job, max } => {
                let Some(index) = self.pick(job) else { return Ok(()) };
                let job = self.model.jobs[index].clone();
                let Some(run) = job.run else { return Ok(()) };
                let asked = self.home.write(move |write| write.go_on(run, max, now));
                let held = job.held || self.model.all_held;
                match asked {
                    GoOn::Held => prop_assert!(held),
                    GoOn::Full => {
                        prop_assert!(!held && job.state == JobState::Waiting && self.model.at_work() >= max)
                    }
                    GoOn::Granted(None) => prop_assert!(!held && job.state == JobState::Running),
                    GoOn::Granted(Some(_)) => {
                        prop_assert!(!held && self.model.at_work() < max);
                        self.model.moves(index, JobChange::GoOn);
                    }
                }
            }
            Step::Hold(which, held) => {
                let Some(index) = self.pick(which) else { return Ok(()) };
                let job = self.model.jobs[index].clone();
                match self.home.try_write(move |write| write.hold(job.id, held, now)) {
                    Ok((_, event)) => {
                        prop_assert!(!job.state.is_final());
                        prop_assert_eq!(event.is_some(), job.held != held);
                        self.model.jobs[index].held = held;
                    }
                    Err(StoreError::JobFinal { .. }) => prop_assert!(job.state.is_final()),
                    Err(error) => prop_assert!(false, "{error}"),
                }
            }
            Step::HoldAll(held) => {
                let told = self.home.write(move |write| write.hold_all(held, now));
                let live = self.model.jobs.iter().filter(|job| job.run.is_some()).count();
                prop_assert_eq!(told.len(), if self.model.all_held == held { 0 } else { live });
                self.model.all_held = held;
            }
            Step::Settle(which, change) => {
                let change = [JobChange::Complete, JobChange::Fail, JobChange::Cancel, JobChange::Retry][change];
                let Some(index) = self.pick(which) else { return Ok(()) };
                self.settle(index, change)?;
            }
            Step::Move(which, change) => {
                let Some(index) = self.pick(which) else { return Ok(()) };
                self.moves(index, JobChange::ALL[change], false)?;
            }
            Step::Fail(which) => {
                let Some(index) = self.pick(which) else { return Ok(()) };
                self.moves(index, JobChange::Fail, true)?;
            }
            Step::Prune { events, age } => {
                let before = Time(now.0 - age);
                let foreseen = self.home.read(move |read| read.prunable(before, None));
                let (mut jobs, mut gone) = (0, 0);
                loop {
                    let piece = self.home.write(move |write| write.prune(before, None, events));
                    prop_assert!(piece.events <= events);
                    jobs += piece.jobs;
                    gone += piece.events;
                    if !piece.more {
                        break;
                    }
                }
                prop_assert_eq!((foreseen.jobs, foreseen.events), (jobs, gone));
                self.model.prune(before);
            }
        }
        self.agrees()
    }

    fn insert(
        &mut self,
        session: usize,
        queue: bool,
        priority: i64,
        after: Option<Expected>,
        delay: Option<i64>,
    ) -> Result<(), TestCaseError> {
        let now = self.model.now;
        let not_before = delay.map(|delay| Time(now.0 + delay));
        let new = NewJob {
            queue,
            priority,
            after: after.as_ref().map(|job| job.id),
            not_before,
            ..new_job(self.sessions[session], "Brief")
        };
        let until = not_before.filter(|begin| *begin > now);
        let blocks = after.as_ref().is_some_and(|job| job.state != JobState::Completed);
        let state = match (until, blocks) {
            (Some(_), _) => JobState::Scheduled,
            (None, true) => JobState::Blocked,
            (None, false) => JobState::Queued,
        };
        let in_line = self.model.jobs.iter().any(|job| job.session == session && job.state.is_in_line());
        match self.home.insert(new, now) {
            Ok(inserted) => {
                prop_assert!(queue || !in_line || !state.is_in_line());
                prop_assert_eq!(inserted.job.state, state);
                self.model.jobs.push(Expected {
                    id: inserted.job.job_id,
                    session,
                    state,
                    held: false,
                    priority,
                    after: after.map(|job| job.id),
                    until,
                    finished_at: None,
                    run: None,
                    past_runs: Vec::new(),
                });
            }
            Err(StoreError::SessionBusy { .. }) => prop_assert!(!queue && in_line && state.is_in_line()),
            Err(StoreError::BlockerEnded { .. }) => prop_assert!(after.is_some_and(|job| job.state.is_final())),
            Err(StoreError::NotFound(_)) => prop_assert!(after.is_some_and(|job| job.session != session)),
            Err(error) => prop_assert!(false, "{error}"),
        }
        Ok(())
    }

    fn settle(&mut self, index: usize, change: JobChange) -> Result<(), TestCaseError> {
        let now = self.model.now;
        // A run that has ended settles nothing, whatever its job does since.
        for run in self.model.jobs[index].past_runs.clone() {
            let (_, events) =
                self.home.write(move |write| write.settle(run, RunState::Crashed, change, &Settlement::default(), now));
            prop_assert!(events.is_empty());
        }
        let Some(run) = self.model.jobs[index].run.take() else { return Ok(()) };
        let until = (change == JobChange::Retry).then_some(Time(now.0 + 10));
        let settlement = Settlement { until, ..Settlement::default() };
        let (job, events) = self.home.write(move |write| write.settle(run, RunState::Exited, change, &settlement, now));
        self.model.moves(index, change);
        self.model.jobs[index].until = until;
        self.model.jobs[index].past_runs.push(run);
        prop_assert_eq!((job.state, events.len()), (self.model.jobs[index].state, 1));
        Ok(())
    }

    fn moves(&mut self, index: usize, change: JobChange, fail: bool) -> Result<(), TestCaseError> {
        let now = self.model.now;
        let job = self.model.jobs[index].clone();
        let error = Error::new(ErrorCode::CONFIG_INVALID, "It does not parse.", "Mend it.");
        let moved = self.home.try_write(move |write| match fail {
            true => write.fail(job.id, &error, now),
            false => write.transition(job.id, change, "step", now),
        });
        let next = job.state.after(change);
        let ends = next.is_some_and(|next| next.is_final() || next == JobState::Retrying);
        match moved {
            Ok((moved, _)) => {
                prop_assert!(!ends || job.run.is_none());
                self.model.moves(index, change);
                let now = &mut self.model.jobs[index];
                if now.state == JobState::Retrying {
                    now.until = Some(self.model.now);
                }
                prop_assert_eq!(moved.state, now.state);
            }
            Err(StoreError::JobFinal { .. }) => prop_assert!(job.state.is_final()),
            Err(StoreError::JobNotThere { .. }) => prop_assert!(next.is_none() && !job.state.is_final()),
            Err(StoreError::RunAlive { .. }) => prop_assert!(ends && job.run.is_some()),
            // One at work a session: the schema's own word.
            Err(StoreError::Sql(_)) => prop_assert!(change == JobChange::Claim && self.session_is_busy(job.session)),
            Err(error) => prop_assert!(false, "{error}"),
        }
        Ok(())
    }

    fn session_is_busy(&self, session: usize) -> bool {
        self.model.jobs.iter().any(|job| job.session == session && Model::holds_session(job))
    }

    /// Every row is what the model says, and the schema lets it be nothing else.
    fn agrees(&self) -> Result<(), TestCaseError> {
        type Row = (i64, String, bool, Option<i64>, Option<i64>, Option<i64>);
        let mut select = self
            .raw
            .prepare_cached("SELECT id, state, held, after_job_id, until, finished_at FROM jobs ORDER BY id")
            .unwrap();
        let rows = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)));
        let rows: Vec<Row> = rows.unwrap().map(Result::unwrap).collect();
        let expected: Vec<Row> = self
            .model
            .jobs
            .iter()
            .map(|job| {
                let (after, until) = (job.after.map(|after| after.0), job.until.map(|until| until.0));
                (job.id.0, job.state.name().to_owned(), job.held, after, until, job.finished_at.map(|at| at.0))
            })
            .collect();
        prop_assert_eq!(rows, expected);
        for job in &self.model.jobs {
            let raw = |sql: &str| self.raw.execute(sql, params![job.id.0]);
            if job.state.is_final() {
                prop_assert!(raw("UPDATE jobs SET state = 'queued', finished_at = NULL WHERE id = ?1").is_err());
                let other = if job.state == JobState::Failed { "completed" } else { "failed" };
                let other = format!("UPDATE jobs SET state = '{other}' WHERE id = ?1");
                prop_assert!(raw(&other).is_err());
                prop_assert!(raw("UPDATE jobs SET finished_at = finished_at + 1 WHERE id = ?1").is_err());
                prop_assert!(raw("UPDATE jobs SET held = 1 WHERE id = ?1").is_err());
            } else {
                prop_assert!(raw("UPDATE jobs SET state = 'completed' WHERE id = ?1").is_err());
                prop_assert!(raw("UPDATE jobs SET finished_at = 1 WHERE id = ?1").is_err());
                prop_assert!(raw("DELETE FROM jobs WHERE id = ?1").is_err());
                if !Model::holds_session(job) && self.session_is_busy(job.session) {
                    prop_assert!(raw("UPDATE jobs SET state = 'running' WHERE id = ?1").is_err());
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_story_leads_a_job_where_it_must_not_be(story in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &story {
            world.take(step)?;
        }
        let stored = world.home.dump();
        world.home.write(|write| write.rebuild_projections());
        prop_assert_eq!(stored, world.home.dump());
    }
}
