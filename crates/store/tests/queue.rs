//! The line: who goes first, who waits for a time, for another job, for the founder, or for a better moment.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use contract::{
    Error, ErrorCode, EventBody, EventSearchParams, Job, JobChange, JobId, JobListParams, JobState, Progress, RunId,
    RunState, Stages, StopCounts, Time,
};
use store::{GoOn, NewJob, Settlement, StoreError};
use support::*;

type Session = (contract::CompanyId, contract::SessionId);

fn brief(home: &Home, session: Session, priority: i64) -> JobId {
    let new = NewJob { queue: true, priority, ..new_job(session, "Brief") };
    home.insert(new, NOON).unwrap().job.job_id
}

fn claimed(home: &Home, max: i64) -> Option<JobId> {
    home.claim(max).map(|claimed| claimed.job.job.job_id)
}

fn due(home: &Home, at: Time) -> Vec<Job> {
    let mut moved = Vec::new();
    loop {
        let more = home.write(move |write| write.due(at));
        if more.is_empty() {
            return moved;
        }
        for (job, event) in more {
            assert_eq!(job.seq, event.seq);
            moved.push(job);
        }
    }
}

fn settle_at(home: &Home, run: RunId, change: JobChange, settlement: Settlement, at: Time) -> Job {
    home.write(move |write| write.settle(run, RunState::Exited, change, &settlement, at)).0
}

#[test]
fn the_urgent_go_first_and_among_equals_the_oldest() {
    let home = Home::new();
    let sessions: Vec<Session> = ["a", "b", "c", "d", "e"].map(|name| home.company(name)).to_vec();
    let ids: Vec<JobId> =
        [0, 5, -100, 5, 0].iter().zip(&sessions).map(|(p, session)| brief(&home, *session, *p)).collect();
    let order: Vec<JobId> = std::iter::from_fn(|| claimed(&home, 100)).collect();
    assert_eq!(order, [ids[1], ids[3], ids[0], ids[4], ids[2]]);
    // More than there is counts as the most there is.
    let most = home.insert(NewJob { priority: i64::MAX, queue: true, ..new_job(sessions[0], "Brief") }, NOON).unwrap();
    assert_eq!(most.job.priority, 100);
}

#[test]
fn a_place_in_line_counts_who_goes_before() {
    let home = Home::new();
    let acme = home.company("acme");
    let [low, first, second, high] = [-1, 0, 0, 7].map(|priority| brief(&home, acme, priority));
    let places = || {
        let listed = home.read(|read| read.jobs(&JobListParams::default())).jobs;
        let of_list = |job: JobId| listed.iter().find(|listed| listed.job_id == job).and_then(|job| job.position);
        let places = [low, first, second, high].map(|job| home.job(job).position);
        assert_eq!(places, [low, first, second, high].map(of_list), "a row by itself and in a list");
        places
    };
    assert_eq!(places(), [Some(3), Some(1), Some(2), None]);
    assert_eq!(claimed(&home, 100), Some(high));
    assert_eq!(places(), [Some(3), Some(1), Some(2), None]);
    // Who is on hold lets the others pass; who waits for a time is not in line.
    home.write(move |write| write.hold(first, true, later(1)));
    assert_eq!(places(), [Some(2), Some(1), Some(1), None]);
    let scheduled = NewJob { not_before: Some(later(100)), priority: 50, ..new_job(acme, "Later") };
    home.insert(scheduled, NOON).unwrap();
    assert_eq!(places(), [Some(2), Some(1), Some(1), None]);
}

#[test]
fn a_brief_for_later_begins_when_its_time_has_come() {
    let home = Home::new();
    let acme = home.company("acme");
    let at = |ms| NewJob { not_before: Some(later(ms)), ..new_job(acme, "Later") };
    // Not even a busy session keeps a brief for later away, and a time that is past is no time.
    let now = home.insert(at(-5), NOON).unwrap().job;
    assert_eq!((now.state, now.until), (JobState::Queued, None));
    let (second, first) = (home.insert(at(200), NOON).unwrap().job, home.insert(at(100), NOON).unwrap().job);
    assert_eq!((first.state, first.until, first.position), (JobState::Scheduled, Some(later(100)), None));
    let words = EventSearchParams { query: "Later".into(), company_id: None, job_id: None, before: None, limit: None };
    assert_eq!(home.read(move |read| read.search(&words)).hits.len(), 3, "it is found before it begins");
    assert_eq!(home.read(|read| read.next_due()), Some(later(100)));
    assert!(due(&home, later(99)).is_empty());
    // The clock jumps a day ahead: both, in the order of their times.
    let moved: Vec<_> = due(&home, later(86_400_000)).iter().map(|job| (job.job_id, job.state, job.until)).collect();
    assert_eq!(moved, [(first.job_id, JobState::Queued, None), (second.job_id, JobState::Queued, None)]);
    assert_eq!(home.read(|read| read.next_due()), None);
    // What a session still has in store keeps it open.
    let later = home.insert(at(900), NOON).unwrap().job.job_id;
    let cancel = |job: JobId| home.write(move |write| write.transition(job, JobChange::Cancel, "", NOON));
    [now.job_id, first.job_id, second.job_id].into_iter().for_each(|job| drop(cancel(job)));
    let busy = home.try_write(move |write| write.session_close(acme.1, NOON));
    assert!(matches!(busy, Err(StoreError::SessionBusy { job, .. }) if job == later));
}

#[test]
fn a_brief_begins_when_the_one_before_it_completed() {
    let home = Home::new();
    let acme = home.company("acme");
    let after = |job: JobId| NewJob { after: Some(job), ..new_job(acme, "After") };
    let (first, run) = {
        let job = home.submit(acme, "First");
        (job.job_id, home.claim(1).unwrap().run_id)
    };
    let blocked = home.insert(after(first), NOON).unwrap();
    assert_eq!((blocked.job.state, blocked.job.after_job_id), (JobState::Blocked, Some(first)));
    assert_eq!(blocked.job.reason, format!("Waits for job {first}."));
    let scheduled = NewJob { not_before: Some(later(50)), ..after(first) };
    let scheduled = home.insert(scheduled, NOON).unwrap().job.job_id;
    let states = |jobs: Vec<Job>| jobs.iter().map(|job| (job.job_id, job.state)).collect::<Vec<_>>();
    assert_eq!(states(due(&home, later(60))), [(scheduled, JobState::Blocked)]);
    assert_eq!(home.read(|read| read.next_due()), None);
    home.settle(run, JobChange::Complete, Settlement::default());
    assert!(home.read(|read| read.next_due()).is_some_and(|at| at < NOON), "they can go on at once");
    let moved = states(due(&home, later(100_000)));
    assert_eq!(moved, [(blocked.job.job_id, JobState::Queued), (scheduled, JobState::Queued)]);
    // What completed long ago blocks nothing; a job of another company is none to wait for.
    assert_eq!(home.insert(NewJob { queue: true, ..after(first) }, NOON).unwrap().job.state, JobState::Queued);
    let bolt = home.company("bolt");
    let foreign = home.insert(NewJob { after: Some(first), ..new_job(bolt, "After") }, NOON).unwrap_err();
    assert_eq!(Error::from(foreign).code, ErrorCode::JOB_NOT_FOUND);
}

#[test]
fn what_waits_for_a_job_that_failed_fails_and_so_does_what_waits_for_that() {
    let home = Home::new();
    let acme = home.company("acme");
    let after = |job: JobId| NewJob { after: Some(job), ..new_job(acme, "After") };
    let first = home.submit(acme, "First").job_id;
    let second = home.insert(after(first), NOON).unwrap().job.job_id;
    let third = home.insert(after(second), NOON).unwrap().job.job_id;
    home.write(move |write| write.transition(first, JobChange::Cancel, "", later(1)));
    let moved = due(&home, later(2));
    assert_eq!(moved.iter().map(|job| job.job_id).collect::<Vec<_>>(), [second, third]);
    let errors: Vec<Error> = moved.into_iter().filter_map(|job| job.error).collect();
    assert_eq!(errors[0].message, format!("Job {first}, which it waited for, was cancelled."));
    assert_eq!(errors[1].message, format!("Job {second}, which it waited for, failed."));
    assert!(errors.iter().all(|error| error.code == ErrorCode::JOB_BLOCKER));
    // And nobody can begin to wait for one.
    let refused = Error::from(home.insert(after(first), NOON).unwrap_err());
    assert!(refused.code == ErrorCode::JOB_BLOCKER && refused.message.contains("cancelled"), "{refused}");
}

#[test]
fn a_hundred_are_moved_a_call() {
    let home = Home::new();
    let acme = home.company("acme");
    for n in 0..130 {
        home.insert(NewJob { not_before: Some(later(n + 1)), ..new_job(acme, "Later") }, NOON).unwrap();
    }
    let pieces: Vec<usize> = (0..3).map(|_| home.write(|write| write.due(later(1_000))).len()).collect();
    assert_eq!(pieces, [100, 30, 0]);
}

#[test]
fn a_run_that_failed_without_effect_is_tried_again() {
    let home = Home::new();
    let acme = home.company("acme");
    let job = home.submit(acme, "First").job_id;
    let next = home.submit(acme, "Next").job_id;
    let run = home.claim(10).unwrap().run_id;
    home.append(
        run,
        spool([entry(
            "ceo",
            None,
            2,
            EventBody::DelegationStarted { span: "d".into(), to: "cto".into(), task: "t".into() },
        )]),
    );
    let stopped = Some(StopCounts { ended: 2, forced: 1, left: 0 });
    let again = Settlement {
        reason: "The provider is down.".into(),
        until: Some(later(30_000)),
        stopped,
        ..Settlement::default()
    };
    let retrying = settle_at(&home, run, JobChange::Retry, again, later(10));
    assert_eq!(
        (retrying.state, retrying.until, retrying.reason.as_str()),
        (JobState::Retrying, Some(later(30_000)), "The provider is down.")
    );
    assert_eq!((retrying.activity, retrying.error, retrying.finished_at, retrying.attempts), (None, None, None, 1));
    let team = home.read(move |read| read.agent_states(acme.0));
    assert!(team.by_role.is_empty(), "nobody is at work: {team:?}");
    // It keeps its place, and holds no slot.
    assert_eq!((claimed(&home, 10), home.job(next).position), (None, Some(1)));
    assert_eq!(home.read(|read| read.next_due()), Some(later(30_000)));
    assert_eq!(due(&home, later(30_000)).first().map(|job| job.state), Some(JobState::Queued));
    let second = home.claim(10).unwrap();
    assert_eq!((second.job.job.job_id, second.job.job.attempts), (job, 2));
    assert_eq!(home.read(move |read| read.attempts(job)), 2);
    // The first run has no say any more.
    assert_eq!(settle_at(&home, run, JobChange::Fail, Settlement::default(), later(30_100)).state, JobState::Running);
    assert_eq!(home.write(move |write| write.run_waits(run, "late", None, later(30_200))), None);
    let done = settle_at(
        &home,
        second.run_id,
        JobChange::Complete,
        Settlement { stopped, ..Settlement::default() },
        later(40_000),
    );
    assert_eq!((done.state, done.stopped, done.started_at), (JobState::Completed, stopped, Some(later(1))));
}

#[test]
fn a_run_that_waits_holds_no_slot_and_asks_for_one_to_go_on() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let job = job.job_id;
    let (waiting, event) =
        home.write(move |write| write.run_waits(run, "for the rate limit", Some(later(500)), later(10))).unwrap();
    assert_eq!(
        (waiting.state, waiting.reason.as_str(), waiting.until),
        (JobState::Waiting, "for the rate limit", Some(later(500)))
    );
    let said = EventBody::JobChanged {
        state: JobState::Waiting,
        reason: "for the rate limit".into(),
        until: Some(later(500)),
        stopped: None,
    };
    assert_eq!(event.entry.body, said);
    assert_eq!(home.write(move |write| write.run_waits(run, "again", None, later(11))), None);

    let (_, other) = home.running("bolt");
    let ask = |max| home.write(move |write| write.go_on(run, max, later(20)));
    assert_eq!(ask(1), GoOn::Full);
    home.write(move |write| write.hold(job, true, later(21)));
    assert_eq!(ask(10), GoOn::Held);
    home.write(move |write| write.hold(job, false, later(22)));
    home.settle(other, JobChange::Complete, Settlement::default());
    assert!(matches!(ask(1), GoOn::Granted(Some((job, _))) if job.state == JobState::Running && job.until.is_none()));
    assert_eq!(ask(1), GoOn::Granted(None), "it holds its slot already");
    home.settle(run, JobChange::Complete, Settlement::default());
    assert!(matches!(home.try_write(move |write| write.go_on(run, 1, NOON)), Err(StoreError::RunFinal(_))));
}

#[test]
fn what_is_on_hold_does_not_begin() {
    let home = Home::new();
    let (acme, bolt) = (home.company("acme"), home.company("bolt"));
    let (first, second) = (home.submit(acme, "First").job_id, home.submit(bolt, "Second").job_id);
    let (held, event) = home.write(move |write| write.hold(first, true, later(1)));
    assert_eq!(event.map(|event| event.entry.body), Some(EventBody::Held { held: true, all: false }));
    assert_eq!((held.state, held.held), (JobState::Queued, true));
    assert_eq!(home.write(move |write| write.hold(first, true, later(2))).1, None);
    assert_eq!(claimed(&home, 10), Some(second));
    assert_eq!(claimed(&home, 10), None);

    // All of them, those to come included; who has a run hears of it.
    let told = home.write(|write| write.hold_all(true, later(3)));
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0.job_id, told[0].0.held), (second, false));
    assert_eq!(told[0].1.entry.body, EventBody::Held { held: true, all: true });
    home.write(move |write| write.hold(first, false, later(4)));
    let core = home.company("core");
    home.submit(core, "Third");
    assert_eq!(claimed(&home, 10), None);
    let home = Home::at({
        home.store.clone().close();
        home.dir
    });
    assert!(home.read(|read| read.all_held()), "it outlives the daemon");
    assert!(home.write(|write| write.hold_all(true, later(5))).is_empty());
    home.write(|write| write.hold_all(false, later(6)));
    assert_eq!(claimed(&home, 10), Some(first));

    let cancelled = home.submit(core, "Fourth").job_id;
    home.write(move |write| write.hold(cancelled, true, later(7)));
    let (ended, _) = home.write(move |write| write.transition(cancelled, JobChange::Cancel, "", later(8)));
    assert!(!ended.held);
    let over = home.try_write(move |write| write.hold(cancelled, true, later(9))).unwrap_err();
    assert_eq!(Error::from(over).code, ErrorCode::JOB_FINAL);
}

fn progress(done: i64, total: i64, stages: Option<Stages>) -> EventBody {
    EventBody::Progress { done, total, note: format!("Step {done}"), stages }
}

#[test]
fn progress_never_goes_back_and_is_whole_at_the_end_alone() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let shown = || home.job(job.job_id).progress.map(|p| (p.done, p.total, p.percent));
    assert_eq!((shown(), home.job(job.job_id).eta), (None, None), "who knows nothing says nothing");
    let mut n = 0;
    let mut say = |body: EventBody, at: i64| {
        n += 1;
        home.append(run, vec![line(n, entry("ceo", None, at, body))]);
    };
    say(progress(1, 2, None), 1_001);
    assert_eq!(shown(), Some((1, 2, 50)));
    // The plan grew; and then all of it was done, and the run went on.
    say(progress(1, 10, None), 1_500);
    assert_eq!(shown(), Some((1, 10, 50)));
    assert_eq!(home.job(job.job_id).eta, Some(later(2_001)), "half of it took a second");
    say(progress(10, 10, None), 1_600);
    assert_eq!(shown(), Some((10, 10, 99)));
    let done = home.settle(run, JobChange::Complete, Settlement::default());
    let whole = Progress { done: 10, total: 10, percent: 100, note: "Step 10".into() };
    assert_eq!((done.progress, done.eta), (Some(whole), None));
    // What comes late changes nothing.
    home.append(run, vec![line(9, entry("ceo", None, 1_700, progress(1, 100, None)))]);
    assert_eq!(shown(), Some((10, 10, 100)));
}

#[test]
fn an_eta_moves_on_with_every_wait() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let eta = || home.job(job.job_id).eta;
    home.append(run, spool([entry("ceo", None, 1_001, progress(1, 4, None))]));
    assert_eq!(eta(), Some(later(4_001)));
    home.write(move |write| write.run_waits(run, "rate limit", None, later(2_000)));
    assert_eq!(eta(), None, "nobody knows while it waits");
    home.write(move |write| write.go_on(run, 9, later(12_000)));
    assert_eq!(eta(), Some(later(14_001)));

    // Stages say it themselves: half of the coder's 100 seconds, and the reviewer's 20.
    let stages = Stages { current: "coder".into(), completed: vec!["architect".into()] };
    home.append(run, vec![line(2, entry("ceo", None, 13_000, progress(1, 3, Some(stages))))]);
    assert_eq!(home.job(job.job_id).progress.map(|p| p.percent), Some(45));
    assert_eq!(eta(), Some(later(13_000 + 50_000 + 20_000)));
    home.write(move |write| write.run_waits(run, "rate limit", None, later(14_000)));
    home.write(move |write| write.go_on(run, 9, later(15_000)));
    assert_eq!(eta(), Some(later(14_000 + 50_000 + 20_000)));
}

#[test]
fn jobs_of_its_kind_say_how_long_it_takes() {
    let home = Home::new();
    let acme = home.company("acme");
    let run_for = |ms: i64, change: JobChange| {
        home.submit(acme, "Brief");
        let claimed = home.claim_at(9, NOON).unwrap();
        settle_at(&home, claimed.run_id, change, Settlement::default(), later(ms));
        claimed.job.job.eta
    };
    assert_eq!([100, 9_000, 300].map(|ms| run_for(ms, JobChange::Complete)), [None; 3]);
    // The middle one of three; what failed says nothing.
    assert_eq!(run_for(5, JobChange::Fail), Some(later(300)));
    assert_eq!(run_for(5, JobChange::Fail), Some(later(300)));
    // Another company's work is of another kind.
    home.submit(home.company("bolt"), "Brief");
    assert_eq!(home.claim_at(9, NOON).unwrap().job.job.eta, None);
}

#[test]
fn a_clock_that_was_set_back_puts_off_no_new_try() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let again = Settlement { until: Some(later(30_000)), ..Settlement::default() };
    settle_at(&home, run, JobChange::Retry, again, later(10));
    assert_eq!(due(&home, later(0)), [], "it is due in half a minute");
    let moved = due(&home, later(-3_600_000));
    assert_eq!(moved.iter().map(|job| (job.job_id, job.state)).collect::<Vec<_>>(), [(job.job_id, JobState::Queued)]);
    // What the founder planned for a time comes when the clock says so.
    let planned = NewJob { not_before: Some(later(7_200_000)), ..new_job(home.company("bolt"), "Brief") };
    home.insert(planned, later(0)).unwrap();
    assert_eq!(due(&home, later(-3_600_000)), []);
}
