//! Who hears what: wakes subscribers after each commit. Carries no events itself, so it can lose none; a subscriber
//! reads from the store, from where it stands.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use contract::{CompanyId, Delta, Event, EventBody, JobId, Seq};
use tokio::sync::{Notify, broadcast, watch};

use crate::tails::Tails;

/// Jobs that a reader is told of at once, at most; where more have changed, all is to be read again.
const MAX_JOBS: usize = 200;
/// Pieces of unfinished messages on their way, at most; a slow reader loses the oldest.
const DELTA_QUEUE: usize = 1024;

/// What a commit changed.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Jobs whose rows changed.
    pub jobs: BTreeSet<JobId>,
    /// Whether a job left the line, so that others moved up in it.
    pub line: bool,
    /// Whether agents changed.
    pub team: bool,
    /// Whether spending changed.
    pub spend: bool,
    /// Whether questions were asked, answered or closed.
    pub questions: bool,
    /// Whether all is to be read again.
    pub reload: bool,
}

impl Touched {
    /// A job's row.
    pub fn row(job_id: JobId) -> Touched {
        Touched { jobs: BTreeSet::from([job_id]), ..Touched::default() }
    }

    /// A job's row, and agents with it.
    pub fn job(job_id: JobId) -> Touched {
        Touched { team: true, ..Touched::row(job_id) }
    }

    /// A job that left the line, and agents with it.
    pub fn line(job_id: JobId) -> Touched {
        Touched { line: true, ..Touched::job(job_id) }
    }

    /// A job whose questions changed.
    pub fn questions(job_id: JobId) -> Touched {
        Touched { questions: true, ..Touched::row(job_id) }
    }

    /// Everything.
    pub fn all() -> Touched {
        Touched { reload: true, ..Touched::default() }
    }

    fn add(&mut self, other: &Touched) {
        self.jobs.extend(&other.jobs);
        self.line |= other.line;
        self.team |= other.team;
        self.spend |= other.spend;
        self.questions |= other.questions;
        self.reload |= other.reload;
        if self.jobs.len() > MAX_JOBS {
            self.jobs.clear();
            self.reload = true;
        }
    }
}

/// A subscriber to a Desk: what changed since it last looked.
pub struct DeskFeed {
    company_id: CompanyId,
    dirty: Mutex<Option<Touched>>,
    wake: Notify,
}

impl DeskFeed {
    /// Waits until something changed, and takes it.
    pub async fn changed(&self) -> Touched {
        loop {
            if let Some(touched) = lock(&self.dirty).take() {
                return touched;
            }
            self.wake.notified().await;
        }
    }

    /// Notes a change, to be taken with the next.
    pub fn touch(&self, touched: &Touched) {
        lock(&self.dirty).get_or_insert_default().add(touched);
        self.wake.notify_one();
    }
}

/// The hub.
pub struct Hub {
    desks: Mutex<Vec<Arc<DeskFeed>>>,
    jobs: Mutex<HashMap<JobId, watch::Sender<Seq>>>,
    /// For each job that somebody waits for: whether it has ended.
    ends: Mutex<HashMap<JobId, watch::Sender<bool>>>,
    deltas: broadcast::Sender<Arc<Delta>>,
    tails: Mutex<Tails>,
}

impl Default for Hub {
    fn default() -> Hub {
        Hub {
            desks: Mutex::default(),
            jobs: Mutex::default(),
            ends: Mutex::default(),
            deltas: broadcast::Sender::new(DELTA_QUEUE),
            tails: Mutex::default(),
        }
    }
}

impl Hub {
    /// A new subscriber to a company's Desk. It is forgotten when it is dropped.
    pub fn desk(&self, company_id: CompanyId) -> Arc<DeskFeed> {
        let feed = Arc::new(DeskFeed { company_id, dirty: Mutex::default(), wake: Notify::new() });
        let mut desks = lock(&self.desks);
        desks.retain(|feed| Arc::strong_count(feed) > 1);
        desks.push(feed.clone());
        feed
    }

    /// A new subscriber to a job's events.
    pub fn job(&self, job_id: JobId) -> watch::Receiver<Seq> {
        let mut jobs = lock(&self.jobs);
        jobs.retain(|_, sender| sender.receiver_count() > 0);
        jobs.entry(job_id).or_insert_with(|| watch::Sender::new(Seq(0))).subscribe()
    }

    /// Becomes true when the job ends. Whoever waits looks at the job only after this: it may have ended before.
    pub fn end_of(&self, job_id: JobId) -> watch::Receiver<bool> {
        let mut ends = lock(&self.ends);
        ends.retain(|_, sender| sender.receiver_count() > 0);
        ends.entry(job_id).or_insert_with(|| watch::Sender::new(false)).subscribe()
    }

    /// A job's unfinished messages as they are, and a new listener to what is added to them (and to those of all
    /// other jobs).
    pub fn deltas(&self, job_id: JobId) -> (Vec<Delta>, broadcast::Receiver<Arc<Delta>>) {
        // Under one lock with `delta`: nothing is missed or told twice in between.
        let tails = lock(&self.tails);
        (tails.of(job_id), self.deltas.subscribe())
    }

    /// Something was committed: wakes those who want to know.
    pub fn committed(&self, company_id: CompanyId, touched: &Touched, events: &[Event]) {
        lock(&self.tails).finish(events);
        for event in events {
            if let Some(sender) = lock(&self.jobs).get(&event.job_id) {
                sender.send_modify(|last| *last = (*last).max(event.seq));
            }
            if matches!(event.entry.body, EventBody::JobChanged { state, .. } if state.is_final())
                && let Some(sender) = lock(&self.ends).get(&event.job_id)
            {
                sender.send_replace(true);
            }
        }
        for feed in lock(&self.desks).iter().filter(|feed| feed.company_id == company_id) {
            feed.touch(touched);
        }
    }

    /// Everything may have changed, for everybody.
    pub fn reload_all(&self) {
        for feed in lock(&self.desks).iter() {
            feed.touch(&Touched::all());
        }
    }

    /// A piece of an unfinished message.
    pub fn delta(&self, delta: Delta) {
        let mut tails = lock(&self.tails);
        tails.grow(&delta);
        // Nobody listening is no fault.
        let _ = self.deltas.send(Arc::new(delta));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Entry, JobState, NoticeLevel, SYSTEM, Time};

    #[tokio::test]
    async fn changes_gather_until_they_are_taken() {
        let hub = Hub::default();
        let feed = hub.desk(CompanyId(1));
        hub.committed(CompanyId(1), &Touched::job(JobId(7)), &[]);
        hub.committed(CompanyId(2), &Touched::job(JobId(8)), &[]);
        hub.committed(CompanyId(1), &Touched { spend: true, ..Touched::job(JobId(9)) }, &[]);
        let touched = feed.changed().await;
        assert_eq!(touched.jobs, BTreeSet::from([JobId(7), JobId(9)]));
        assert!(touched.spend && !touched.reload);
    }

    #[tokio::test]
    async fn a_reader_that_is_far_behind_is_told_to_read_all_again() {
        let hub = Hub::default();
        let feed = hub.desk(CompanyId(1));
        for id in 0..10_000 {
            hub.committed(CompanyId(1), &Touched::row(JobId(id)), &[]);
        }
        let touched = feed.changed().await;
        assert!(touched.reload && touched.jobs.len() <= MAX_JOBS, "{} jobs", touched.jobs.len());
    }

    #[tokio::test]
    async fn a_job_subscriber_hears_of_the_newest_event_only() {
        let hub = Hub::default();
        let mut job = hub.job(JobId(7));
        let event = |seq| {
            let body = EventBody::Notice { level: NoticeLevel::Info, text: String::new() };
            let entry = Entry { at: Time(1), agent: SYSTEM.into(), parent: None, body };
            Event { seq: Seq(seq), job_id: JobId(7), run_id: None, entry }
        };
        hub.committed(CompanyId(1), &Touched::default(), &[event(5), event(4)]);
        job.changed().await.unwrap();
        assert_eq!(*job.borrow(), Seq(5));
    }

    #[tokio::test]
    async fn who_waits_for_a_job_hears_of_its_end_alone() {
        let hub = Hub::default();
        let mut end = hub.end_of(JobId(7));
        for (state, ended) in [(JobState::Running, false), (JobState::Retrying, false), (JobState::Failed, true)] {
            let body = EventBody::JobChanged { state, reason: String::new(), until: None, stopped: None };
            let entry = Entry { at: Time(1), agent: SYSTEM.into(), parent: None, body };
            let event = Event { seq: Seq(1), job_id: JobId(7), run_id: None, entry };
            hub.committed(CompanyId(1), &Touched::job(JobId(7)), &[event]);
            assert_eq!(*end.borrow_and_update(), ended, "{state:?}");
        }
        drop(end);
        hub.end_of(JobId(8));
        assert_eq!(lock(&hub.ends).len(), 1, "nobody waits for job 7 any more");
    }
}
