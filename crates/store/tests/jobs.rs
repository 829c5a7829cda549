//! Jobs come, are claimed, move and end; and nothing else happens to them.

mod support;

use contract::{
    Delivery, Error, ErrorCode, EventBody, JobChange, JobId, JobListParams, JobState, RunId, RunState, SpoolLine,
    StopCounts, Time,
};
use store::{Missing, NewJob, NewNotice, Settlement, StoreError};
use support::*;

#[test]
fn the_schema_itself_refuses_what_cannot_be() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    for sql in [
        format!("UPDATE jobs SET state = 'completed' WHERE id = {}", job.job_id),
        format!("UPDATE jobs SET finished_at = 1 WHERE id = {}", job.job_id),
        format!("UPDATE runs SET state = 'exited' WHERE id = {run}"),
        format!(
            "INSERT INTO runs SELECT 99, job_id, state, pid, start_ticks, boot_id, token_hash, dir, 0, 0, 0, 1, NULL, 1 FROM runs WHERE id = {run}"
        ),
        format!("INSERT INTO sessions (company_id, opened_at) VALUES ({}, 1)", job.company_id),
        format!(
            "INSERT INTO jobs (company_id, session_id, title, engine, origin, foreground, max_cost_nanos, created_at, state) SELECT company_id, session_id, '', 'practice', 'cli', 0, 0, 1, 'waiting' FROM jobs WHERE id = {}",
            job.job_id
        ),
    ] {
        let refused = conn.execute(&sql, []).unwrap_err();
        assert!(refused.to_string().contains("constraint failed"), "{sql}: {refused}");
    }
}

#[test]
fn e001_e009_one_session_one_brief_at_a_time() {
    let home = Home::new();
    let acme = home.company("acme");
    let again = home.try_write(move |write| write.session_open(acme.0, "ceo", NOON));
    assert!(matches!(again, Err(StoreError::SessionActive { session }) if session == acme.1));

    let first = home.insert(new_job(acme, "First brief"), NOON).unwrap().job;
    let second = home.insert(new_job(acme, "Second brief"), NOON).unwrap_err();
    let told: Error = second.into();
    assert_eq!(told.code, ErrorCode::SESSION_BUSY);
    assert!(told.message.contains(&format!("#{}", first.job_id)) && told.message.contains("First brief"), "{told}");

    let queued = home.submit(acme, "Second brief");
    assert_eq!((first.position, queued.position), (None, Some(1)));
    let busy = home.try_write(move |write| write.session_close(acme.1, NOON));
    assert!(matches!(busy, Err(StoreError::SessionBusy { .. })));
}

#[test]
fn e002_a_brief_needs_the_open_session() {
    let home = Home::new();
    let acme = home.company("acme");
    home.write(move |write| write.session_close(acme.1, NOON));
    let refused = home.insert(new_job(acme, "Brief"), NOON).unwrap_err();
    assert!(matches!(refused, StoreError::NotFound(Missing::OpenSession(_))));
    assert_eq!(Error::from(refused).code, ErrorCode::SESSION_NONE);
    assert_eq!(home.read(|read| read.stats()).total, 0);
}

#[test]
fn the_same_key_within_a_day_is_the_same_job() {
    let home = Home::new();
    let acme = home.company("acme");
    let keyed = NewJob { idempotency_key: Some("k".into()), queue: true, ..new_job(acme, "Once") };
    let first = home.insert(keyed.clone(), NOON).unwrap();
    assert!(first.event.is_some());
    let hours = |n: i64| Time(NOON.0 + n * 3_600_000);
    let again = home.insert(NewJob { queue: false, ..keyed.clone() }, hours(23)).unwrap();
    assert_eq!((again.job.job_id, again.event), (first.job.job_id, None));
    let tomorrow = home.insert(keyed, hours(25)).unwrap();
    assert_ne!(tomorrow.job.job_id, first.job.job_id);
}

#[test]
fn claims_keep_to_slots_and_to_one_a_session() {
    let home = Home::new();
    let (acme, bolt, core) = (home.company("acme"), home.company("bolt"), home.company("core"));
    let a1 = home.submit(acme, "a1").job_id;
    let a2 = home.submit(acme, "a2").job_id;
    let b1 = home.submit(bolt, "b1").job_id;
    let c1 = home.submit(core, "c1").job_id;

    let first = home.claim(2).unwrap();
    assert_eq!((first.job.job.job_id, first.job.job.state), (a1, JobState::Running));
    assert_eq!(first.run_dir, format!("/runs/{}", first.run_id));
    assert_eq!(first.company.name, "acme");
    assert_eq!(first.job.run.as_ref().map(|run| run.state), Some(RunState::Starting));
    assert_eq!(home.claim(2).unwrap().job.job.job_id, b1);
    assert_eq!(home.claim(2), None);

    // Waiting holds no slot, and still its session.
    home.write(move |write| write.transition(a1, JobChange::Wait, "rate limit", later(2)));
    assert_eq!(home.claim(2).unwrap().job.job.job_id, c1);
    assert_eq!(home.claim(100), None);
    assert_eq!(home.job(a2).position, Some(1));

    home.settle(first.run_id, JobChange::Complete, Settlement::default());
    assert_eq!(home.claim(100).unwrap().job.job.job_id, a2);
    let live: Vec<RunId> = home.read(|read| Ok(read.live_runs()?.iter().map(|run| run.run_id).collect()));
    assert_eq!(live.len(), 3);
}

#[test]
fn a_spool_read_twice_is_stored_once() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let lines: Vec<SpoolLine> = spool((0..5).map(|n| entry("ceo", None, n, message(&format!("line {n}")))));
    assert_eq!(home.append(run, lines[..3].to_vec()).events.len(), 3);
    let second = home.append(run, lines.clone());
    assert_eq!(second.events.iter().map(|event| event.entry.at).collect::<Vec<_>>(), [later(3), later(4)]);
    let detail = home.read(move |read| read.job_detail(job.job_id));
    assert_eq!(detail.events, 7);
    let live = home.read(|read| read.live_runs());
    assert_eq!((live[0].offset, live[0].lines, live[0].state), (500, 5, RunState::Running));
    let seqs: Vec<_> = second.events.iter().map(|event| event.seq).collect();
    assert!(seqs.is_sorted() && home.read(|read| read.last_seq()) == seqs[1]);
}

#[test]
fn e013_what_ended_stays_as_it_ended() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let stopped = Some(StopCounts { ended: 3, forced: 1, left: 0 });
    let refused = home.try_write(move |write| write.transition(job.job_id, JobChange::Cancel, "", later(3)));
    assert!(matches!(refused, Err(StoreError::RunAlive { .. })));
    let done = Settlement { answer: Some("Done".into()), stopped, ..Settlement::default() };
    assert_eq!(home.settle(run, JobChange::Complete, done).state, JobState::Completed);
    let late = Settlement { reason: "too late".into(), ..Settlement::default() };
    let (after, events) =
        home.write(move |write| write.settle(run, RunState::Killed, JobChange::Cancel, &late, later(200_000)));
    assert_eq!((after.state, after.result.as_deref(), events.len()), (JobState::Completed, Some("Done"), 0));
    assert_eq!(after.stopped, stopped);
    let (run, _) = home.read(move |read| read.run(run));
    assert_eq!((run.state, run.ended_at), (RunState::Exited, Some(later(99_000))));
    let fault = home.try_write(move |write| write.transition(job.job_id, JobChange::Fail, "", later(3))).unwrap_err();
    assert_eq!(Error::from(fault).code, ErrorCode::JOB_FINAL);
}

#[test]
fn a_job_that_never_ran_fails_with_its_reason() {
    let home = Home::new();
    let job = home.submit(home.company("acme"), "Brief").job_id;
    let error = Error::new(ErrorCode::CONFIG_INVALID, "The config does not parse.", "Mend line 3.");
    let told = error.clone();
    let (failed, _) = home.write(move |write| write.fail(job, &told, later(4)));
    assert_eq!((failed.state, failed.error, failed.started_at), (JobState::Failed, Some(error), None));
}

#[test]
fn a_run_is_known_by_its_token_while_it_lives() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    assert_eq!(home.read(move |read| read.token_hash(run)), ("hash".to_owned(), job.job_id));
    home.write(move |write| {
        write.run_spawned(run, 4242, u64::MAX, "boot")?;
        write.run_state(run, RunState::Stopping)?;
        write.run_state(run, RunState::Running)?;
        write.run_heard(run, later(77), 5)
    });
    let live = home.read(|read| read.live_runs()).remove(0);
    assert_eq!((live.process, live.state), (Some((4242, u64::MAX, "boot".into())), RunState::Stopping));
    let shown = home.read(move |read| read.run(run)).0;
    assert_eq!((shown.pid, shown.children, shown.heard_at), (Some(4242), 5, later(77)));
    // Its worker is to be started again: the one that was is not it.
    home.write(move |write| write.run_token(run, "other"));
    assert_eq!(home.read(move |read| read.token_hash(run)).0, "other");
    assert_eq!(home.read(|read| read.live_runs()).remove(0).process, None);
    home.settle(run, JobChange::Cancel, Settlement::default());
    assert!(home.block_on(home.store.read(move |read| read.token_hash(run))).is_err());
    assert!(matches!(home.try_write(move |write| write.run_heard(run, NOON, 0)), Err(StoreError::RunFinal(_))));
}

#[test]
fn lists_come_in_pages() {
    let home = Home::new();
    let (acme, bolt) = (home.company("acme"), home.company("bolt"));
    let ids: Vec<JobId> = (0..7).map(|n| home.submit(if n % 2 == 0 { acme } else { bolt }, "Brief").job_id).collect();
    let list = |params: JobListParams| home.read(move |read| read.jobs(&params));
    let first = list(JobListParams { limit: Some(3), ..JobListParams::default() });
    let shown = |page: &contract::JobPage| page.jobs.iter().map(|job| job.job_id).collect::<Vec<_>>();
    assert_eq!(shown(&first), [ids[6], ids[5], ids[4]]);
    let rest = list(JobListParams { before: first.next, ..JobListParams::default() });
    assert_eq!((shown(&rest), rest.next), (vec![ids[3], ids[2], ids[1], ids[0]], None));
    let of = list(JobListParams { company_id: Some(bolt.0), limit: Some(-5), ..JobListParams::default() });
    assert_eq!(shown(&of), [ids[5]]);
    home.claim(1);
    let running = list(JobListParams { states: vec![JobState::Running], ..JobListParams::default() });
    assert_eq!(shown(&running), [ids[0]]);
    let (live, total) = home.read(move |read| read.live(acme.0, 2));
    assert_eq!((live.len(), total), (2, 4));
    let line = home.read(move |read| read.live_in_session(bolt.1));
    assert_eq!(line.iter().map(|job| job.job_id).collect::<Vec<_>>(), [ids[1], ids[3], ids[5]]);
    assert_eq!(line.iter().map(|job| job.position).collect::<Vec<_>>(), [None, Some(1), Some(2)]);
    let stats = home.read(|read| read.stats());
    assert_eq!((stats.total, stats.by_state["queued"], stats.by_state["running"]), (7, 6, 1));
}

#[test]
fn finished_briefs_are_the_conversation_so_far() {
    let home = Home::new();
    let acme = home.company("acme");
    for answer in ["one", "two", "three"] {
        home.submit(acme, &format!("brief {answer}"));
        let run = home.claim(1).unwrap().run_id;
        home.settle(run, JobChange::Complete, Settlement { answer: Some(answer.into()), ..Settlement::default() });
    }
    let said = home.read(move |read| read.exchanges(acme.1, 2));
    let said: Vec<_> = said.iter().map(|said| (said.directive.as_str(), said.answer.as_str())).collect();
    assert_eq!(said, [("brief two", "two"), ("brief three", "three")]);
    assert_eq!(home.read(move |read| read.finished_since(acme.0, NOON, 2)).len(), 2);
    assert!(home.read(move |read| read.finished_since(acme.0, later(99_001), 20)).is_empty());
}

#[test]
fn the_founder_is_told_once() {
    let home = Home::new();
    let job = home.submit(home.company("acme"), "Brief");
    let new = NewNotice {
        question_id: None,
        kind: contract::NoticeKind::Done,
        job_id: job.job_id,
        title: "Done".into(),
        body: "A page.".into(),
        urgent: false,
        decidable: false,
    };
    let told = new.clone();
    let notice = home.write(move |write| write.notice_put(&told, NOON)).unwrap();
    assert_eq!(home.write(move |write| write.notice_put(&new, NOON)), None);
    assert_eq!(home.read(|read| read.notices_unreported()), std::slice::from_ref(&notice));
    let id = notice.notice_id;
    home.write(move |write| {
        write.notice_report(id, Delivery::Shown, "", later(1))?;
        write.notice_report(id, Delivery::Opened, "", later(2))?;
        write.notice_report(id, Delivery::Failed, "late", later(3))
    });
    assert_eq!(home.read(|read| read.notices_unreported()), []);
    assert_eq!(home.read(move |read| read.notice_of(job.job_id)).unwrap().1.as_deref(), Some("opened"));
}

#[test]
fn settings_are_kept_and_default() {
    let home = Home::new();
    let mut settings = home.read(|read| read.settings());
    assert_eq!(settings, contract::Settings::default());
    settings.practice_pace = 10.0;
    settings.quick_shortcut = String::new();
    let put = settings.clone();
    home.write(move |write| write.settings_put(&put));
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    conn.execute("INSERT INTO settings VALUES ('of_a_later_version', '1')", []).unwrap();
    conn.execute("UPDATE settings SET value = '\"moon\"' WHERE key = 'theme'", []).unwrap();
    // What the daemon keeps for itself is no setting.
    home.write(|write| write.keep_value("paused", &serde_json::json!(true)));
    assert_eq!(home.read(|read| read.kept("paused")), Some(serde_json::json!(true)));
    assert_eq!(home.read(|read| read.kept("theme")), None);
    assert_eq!(home.read(|read| read.settings()), settings);
}

#[test]
fn companies_are_known_by_their_folder_the_latest_first() {
    let home = Home::new();
    let put = |dir: &'static str, name: &'static str, at: i64| {
        home.write(move |write| write.company_put(dir, name, later(at))).company_id
    };
    let (acme, bolt) = (put("/acme", "Acme", 1), put("/bolt", "Bolt", 2));
    assert_eq!(put("/acme", "Acme Inc", 0), acme);
    let names = |home: &Home| home.read(|read| read.companies()).into_iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(names(&home), ["Bolt", "Acme Inc"]);
    home.write(move |write| write.company_used(acme, later(3)));
    assert_eq!(names(&home), ["Acme Inc", "Bolt"]);
    assert_eq!(home.read(|read| read.company_by_dir("/bolt")).map(|row| row.company_id), Some(bolt));
    assert_eq!(home.read(|read| read.company_by_dir("/bolt/")), None);
    let unknown = home.try_write(|write| write.session_open(contract::CompanyId(99), "ceo", NOON)).unwrap_err();
    assert_eq!(Error::from(unknown).code, ErrorCode::COMPANY_NOT_FOUND);
}

#[test]
fn a_runs_last_word_is_found() {
    let home = Home::new();
    let (_, run) = home.running("acme");
    let said = || home.read(move |read| read.last_word(run));
    home.append(run, spool([entry("ceo", None, 1, message("working"))]));
    assert_eq!(said(), None);
    let exited = EventBody::RunExited {
        outcome: contract::Outcome::Completed,
        result: Some("done".into()),
        error: None,
        turns: 3,
        effects: false,
        ended: 0,
        forced: 0,
        left: 0,
    };
    home.append(run, vec![line(2, entry("ceo", None, 2, exited.clone()))]);
    assert_eq!(said(), Some(exited));
    // It does not end the job; its settlement does.
    let live = home.read(|read| read.live_runs()).remove(0);
    let job = home.job(live.job_id);
    assert_eq!((job.state, job.turns), (JobState::Running, 3));
}
