//! What screens list: jobs in other orders, notices, files that several jobs changed; and jobs that are deleted.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use contract::{
    Delivery, EngineKind, Error, ErrorCode, EventBody, FileChange, JobChange, JobId, JobListParams, JobSort, JobState,
    NoticeKind, NoticeListParams,
};
use store::{NewJob, NewNotice, Settlement};
use support::*;

fn ids(home: &Home, list: JobListParams) -> Vec<i64> {
    home.read(move |read| read.jobs(&list)).jobs.iter().map(|job| job.job_id.0).collect()
}

fn changed(path: &str) -> EventBody {
    EventBody::ToolFinished {
        call: "t1".into(),
        tool: "Write".into(),
        ok: true,
        summary: String::new(),
        output: String::new(),
        change: Some(FileChange { path: path.into(), created: false, added: 1, removed: 0 }),
        duration_ms: 1,
    }
}

#[test]
fn jobs_are_found_by_agent_engine_and_day_and_come_in_any_order() {
    let home = Home::new();
    let acme = home.company("acme");
    let mut made = Vec::new();
    for (n, (engine, engine_agent, cost)) in
        [(EngineKind::Practice, "", 5), (EngineKind::Acp, "gemini", 30), (EngineKind::Acp, "opencode", 20)]
            .into_iter()
            .enumerate()
    {
        let new = NewJob { engine, engine_agent: engine_agent.into(), queue: true, ..new_job(acme, "Brief") };
        let at = later(n as i64 * 1_000);
        let job = home.insert(new, at).unwrap().job.job_id;
        let run = home.claim_at(100, at).unwrap().run_id;
        home.append(run, spool([entry("ceo", None, n as i64 * 1_000 + 1, usage(cost, 1, None))]));
        home.settle(run, JobChange::Complete, Settlement::default());
        made.push(job.0);
    }
    let list = JobListParams::default;
    let [first, second, third] = made[..] else { panic!("{made:?}") };
    assert_eq!(ids(&home, list()), [third, second, first]);
    assert_eq!(ids(&home, JobListParams { sort: JobSort::Oldest, ..list() }), [first, second, third]);
    assert_eq!(ids(&home, JobListParams { sort: JobSort::Cost, ..list() }), [second, third, first]);
    let next = JobListParams { sort: JobSort::Cost, offset: 1, limit: Some(1), ..list() };
    assert_eq!(ids(&home, next), [third]);
    assert_eq!(ids(&home, JobListParams { sort: JobSort::Duration, ..list() }).len(), 3);
    let on = |engine: &str| JobListParams { engine: Some(engine.into()), ..list() };
    assert_eq!(ids(&home, on("acp:gemini")), [second]);
    assert_eq!(ids(&home, on("practice")), [first]);
    assert!(ids(&home, on("no such engine")).is_empty());
    let until = JobListParams { until: Some(later(1_000)), states: vec![JobState::Completed], ..list() };
    assert_eq!(ids(&home, until), [first]);
    assert_eq!(ids(&home, JobListParams { agent: Some("ceo".into()), ..list() }).len(), 3);
    assert!(ids(&home, JobListParams { agent: Some("cto".into()), ..list() }).is_empty());
}

#[test]
fn notices_are_listed_with_what_became_of_them() {
    let home = Home::new();
    let acme = home.company("acme");
    let mut made = Vec::new();
    for kind in [NoticeKind::Done, NoticeKind::Failed, NoticeKind::Done] {
        let job_id = home.insert(NewJob { queue: true, ..new_job(acme, "Brief") }, NOON).unwrap().job.job_id;
        let new = NewNotice {
            job_id,
            question_id: None,
            kind,
            title: "It ended".into(),
            body: String::new(),
            urgent: false,
            decidable: false,
        };
        made.push(home.write(move |write| write.notice_put(&new, NOON)).unwrap().notice_id);
    }
    let [first, second, third] = made[..] else { panic!("{made:?}") };
    home.write(move |write| write.notice_report(first, Delivery::Opened, "", NOON));
    home.write(move |write| write.notice_report(second, Delivery::Quiet, "", NOON));
    let page = home.read(|read| read.notices(&NoticeListParams { limit: Some(2), ..Default::default() }));
    let rows: Vec<_> =
        page.notices.iter().map(|row| (row.notice.notice_id, row.notice.kind, row.delivery, row.seen)).collect();
    assert_eq!(
        rows,
        [(third, NoticeKind::Done, None, false), (second, NoticeKind::Failed, Some(Delivery::Quiet), false)]
    );
    assert_eq!((page.unseen, page.next), (2, Some(second)));
    home.write(move |write| write.notices_seen(second));
    let rest = home.read(move |read| read.notices(&NoticeListParams { before: Some(second), limit: None }));
    assert_eq!((rest.unseen, rest.notices.len(), rest.next), (1, 1, None));
}

#[test]
fn a_file_that_two_jobs_changed_at_once_names_the_other() {
    let home = Home::new();
    let (first, run) = home.running("acme");
    let head = home.write(move |write| write.session_open(first.company_id, "cto", NOON)).session_id;
    let new = NewJob { agent: "cto".into(), ..new_job((first.company_id, head), "Another") };
    home.insert(new, NOON).unwrap();
    let other = home.claim(100).unwrap();
    let (second, its_run) = (other.job.job.job_id, other.run_id);
    home.append(run, spool([entry("ceo", None, 5, changed("docs/a.md"))]));
    home.append(its_run, spool([entry("cto", None, 6, changed("docs/a.md")), entry("cto", None, 7, changed("b.md"))]));
    let id = first.job_id;
    assert_eq!(home.read(move |read| read.overlapping(id, "docs/a.md")), [second]);
    assert_eq!(home.read(move |read| read.overlapping(second, "b.md")), []);
    assert!(home.read(move |read| read.file_of(id, "b.md")).is_none());
    assert_eq!(home.read(move |read| read.file_of(second, "b.md")).unwrap().agent, "cto");
}

#[test]
fn a_job_that_has_ended_is_deleted_by_its_number_and_no_other() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let id = job.job_id;
    let refused = |job: JobId| Error::from(home.try_write(move |write| write.forget(job, 1_000)).unwrap_err());
    assert_eq!(refused(id).code, ErrorCode::JOB_NOT_FINAL);
    assert_eq!(refused(JobId(999)).code, ErrorCode::JOB_NOT_FOUND);
    home.append(run, spool([entry("ceo", None, 1, message("hello"))]));
    home.settle(run, JobChange::Complete, Settlement::default());
    let after = NewJob { after: Some(id), ..new_job((job.company_id, job.session_id), "After") };
    let waits = home.insert(after, NOON).unwrap().job.job_id;
    let why = refused(id);
    assert!(why.message.contains(&format!("job {waits} waits for it")), "{why}");
    assert!(!why.fix.contains(&format!("cancel {id}")), "one that has ended cannot be stopped: {why}");
    home.write(move |write| write.transition(waits, JobChange::Cancel, "", NOON));
    let spent = home.read(|read| read.stats()).cost_usd;
    let mut gone = home.write(move |write| write.forget(id, 1));
    while gone.more {
        gone = home.write(move |write| write.forget(id, 1));
    }
    assert_eq!((gone.jobs, gone.run_dirs.len()), (1, 1));
    assert_eq!(refused(id).code, ErrorCode::JOB_NOT_FOUND);
    assert_eq!(home.read(|read| read.stats()).cost_usd, spent);
}
