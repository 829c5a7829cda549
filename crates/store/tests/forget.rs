//! What is forgotten when the founder says so, and what is not.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use contract::{EventSearchParams, JobChange, JobId, Money, Seq, Time};
use store::{Beat, NewJob, NewNotice, Prunable, Pruned, Settlement, StoreError};
use support::*;

/// A job that ran to its end, with a few events, a cost, a file folder and a notice.
fn done(home: &Home, session: (contract::CompanyId, contract::SessionId), at: i64) -> JobId {
    let job = home.submit(session, "Write about zebras").job_id;
    let run = home.claim(9).unwrap().run_id;
    let lines = [message("unicorns graze"), usage(1_000, at, None), message("and sleep")];
    home.append(run, spool(lines.into_iter().map(|body| entry("ceo", None, at, body))));
    home.settle(run, JobChange::Complete, Settlement { answer: Some("Done".into()), ..Settlement::default() });
    let notice = NewNotice {
        job_id: job,
        question_id: None,
        kind: contract::NoticeKind::Done,
        title: "Done".into(),
        body: String::new(),
        urgent: false,
        decidable: false,
    };
    home.write(move |write| write.notice_put(&notice, NOON));
    job
}

fn hits(home: &Home, query: &str) -> usize {
    let params = EventSearchParams { query: query.into(), company_id: None, job_id: None, before: None, limit: None };
    home.read(move |read| read.search(&params)).hits.len()
}

/// Long after everything ended.
const SOON: Time = later(200_000);

fn forget(home: &Home, before: Time, events: i64) -> Pruned {
    home.write(move |write| write.prune(before, None, events))
}

#[test]
fn what_is_forgotten_is_gone_and_what_it_cost_is_not() {
    let home = Home::new();
    let acme = home.company("acme");
    let (old, kept) = (done(&home, acme, 1), done(&home, acme, 2));
    let again = NewJob { parent_job_id: Some(old), queue: true, ..new_job(acme, "Write about zebras") };
    let again = home.insert(again, NOON).unwrap().job.job_id;
    assert_eq!((hits(&home, "zebras"), hits(&home, "unicorns")), (3, 2));
    let spent = home.read(move |read| read.spend(acme.0, NOON));
    assert_eq!(spent.today, Money::nanos(2_000));

    // Only `old` ended before this.
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    conn.execute("UPDATE home SET rebuilding = 1", []).unwrap();
    conn.execute("UPDATE jobs SET finished_at = ?2 WHERE id = ?1", [old.0, later(5).0]).unwrap();
    conn.execute("UPDATE home SET rebuilding = 0", []).unwrap();
    let foreseen = home.read(|read| read.prunable(later(6), None));
    assert_eq!(foreseen, Prunable { jobs: 1, events: 6, run_dirs: vec!["/runs/1".into()] });
    assert_eq!(forget(&home, later(5), 1_000), Pruned::default());
    let gone = forget(&home, later(6), 1_000);
    assert_eq!(gone, Pruned { jobs: 1, events: 6, run_dirs: vec!["/runs/1".into()], more: false });

    assert!(matches!(home.block_on(home.store.read(move |read| read.job(old))), Err(StoreError::NotFound(_))));
    assert_eq!(home.job(again).parent_job_id, None);
    assert_eq!((hits(&home, "zebras"), hits(&home, "unicorns")), (2, 1));
    assert_eq!(home.read(move |read| read.spend(acme.0, NOON)), spent);
    assert_eq!(home.read(|read| read.stats()).cost_usd, Money::nanos(2_000));
    assert_eq!(home.read(move |read| read.notice_of(old)), None);
    assert_eq!(home.job(kept).state, contract::JobState::Completed);
    conn.execute("INSERT INTO events_fts (events_fts) VALUES ('integrity-check')", []).unwrap();
    // Its number is not given again.
    assert!(home.submit(acme, "Next").job_id > again);
}

#[test]
fn a_long_job_is_forgotten_piece_by_piece() {
    let home = Home::new();
    let acme = home.company("acme");
    let (job, other) = (done(&home, acme, 1), done(&home, acme, 1));
    let words = |home: &Home| hits(home, "zebras");
    let piece = forget(&home, SOON, 4);
    assert_eq!((piece.jobs, piece.events, piece.more, words(&home)), (0, 4, true, 2));
    // What is left of it still says how it ended.
    let stored = home.job(job).state;
    assert_eq!(stored, contract::JobState::Completed);
    let piece = forget(&home, SOON, 4);
    assert_eq!((piece.jobs, piece.events, piece.run_dirs, piece.more), (1, 4, vec!["/runs/1".to_owned()], true));
    let piece = forget(&home, SOON, 4);
    assert_eq!((piece.jobs, piece.events, piece.more, words(&home)), (1, 4, false, 0));
    assert!(home.block_on(home.store.read(move |read| read.job(other))).is_err());
    assert_eq!(home.read(move |read| read.spend(acme.0, NOON)).today, Money::nanos(2_000));

    // No event gets the number of one that is gone: clients read on from where they were.
    assert_eq!(home.read(|read| read.last_seq()), Seq(12));
    let next = home.submit(acme, "Write about zebras");
    assert_eq!((next.seq, home.read(|read| read.last_seq())), (Seq(13), Seq(13)));
    assert_eq!(words(&home), 1);
    home.claim(9).unwrap();
    assert_eq!(home.job(next.job_id).seq, Seq(14));
    let stored = home.dump();
    home.write(|write| write.rebuild_projections());
    assert_eq!(stored, home.dump());
}

#[test]
fn nothing_is_forgotten_that_is_alive_or_waited_for() {
    let home = Home::new();
    let (acme, bolt) = (home.company("acme"), home.company("bolt"));
    let (first, others) = (home.submit(acme, "First").job_id, done(&home, bolt, 1));
    let after = NewJob { after: Some(first), ..new_job(acme, "After") };
    let after = home.insert(after, NOON).unwrap().job.job_id;
    let run = home.claim(9).unwrap().run_id;
    let of_acme = move |home: &Home| home.write(move |write| write.prune(Time(i64::MAX), Some(acme.0), 1_000));
    assert_eq!(of_acme(&home).jobs, 0);
    home.settle(run, JobChange::Complete, Settlement::default());
    assert_eq!(of_acme(&home).jobs, 0, "a job that has not ended names it");
    home.write(move |write| write.transition(after, JobChange::Cancel, "", NOON));
    assert_eq!(of_acme(&home).jobs, 2);
    assert_eq!(home.job(others).company_id, bolt.0);
}

#[test]
fn a_session_is_found_again_and_goes_on() {
    let home = Home::new();
    let acme = home.company("acme");
    let bolt = home.company("bolt");
    done(&home, acme, 1);
    let failed = home.submit(acme, "Fail at something").job_id;
    let run = home.claim(9).unwrap().run_id;
    home.settle(run, JobChange::Fail, Settlement::default());
    let team = |home: &Home| home.read(move |read| read.agent_states(acme.0));
    assert_eq!(team(&home).of("ceo").job_id, Some(failed));
    let reopen = |home: &Home| home.try_write(move |write| write.session_reopen(acme.0, acme.1, later(9)));
    assert!(matches!(reopen(&home), Err(StoreError::SessionActive { session }) if session == acme.1));
    home.write(move |write| write.session_close(acme.1, later(3)));
    let second = home.write(move |write| write.session_open(acme.0, "ceo", later(4))).session_id;
    assert!(matches!(reopen(&home), Err(StoreError::SessionActive { session }) if session == second));
    home.write(move |write| write.session_close(second, later(5)));

    let page = home.read(move |read| read.sessions(acme.0, None, Some(1)));
    assert_eq!((page.sessions[0].session_id, page.sessions[0].latest.as_str(), page.next), (second, "", Some(second)));
    let page = home.read(move |read| read.sessions(acme.0, page.next, None));
    let first = &page.sessions[0];
    assert_eq!((first.session_id, first.jobs, first.latest.as_str()), (acme.1, 2, "Fail at something"));
    assert_eq!((first.closed_at, page.next), (Some(later(3)), None));

    let foreign = home.try_write(move |write| write.session_reopen(bolt.0, acme.1, later(9)));
    assert!(matches!(foreign, Err(StoreError::NotFound(_))));
    let open = reopen(&home).unwrap();
    assert_eq!((open.session_id, open.closed_at), (acme.1, None));
    assert_eq!(home.read(move |read| read.exchanges(acme.1, 9)).len(), 1, "the conversation goes on");
    assert!(team(&home).session_open && team(&home).by_role.is_empty());
    home.submit(acme, "Go on");
    let stored = home.dump();
    home.write(|write| write.rebuild_projections());
    assert_eq!(stored, home.dump());
}

#[test]
fn the_last_sign_of_life_is_kept() {
    let home = Home::new();
    assert_eq!(home.read(|read| read.last_beat()), None);
    for at in [5, 20] {
        let beat = Beat { pid: u32::MAX, version: "0.2.0".into(), started_at: NOON, at: later(at) };
        let written = beat.clone();
        home.write(move |write| write.beat(&written));
        assert_eq!(home.read(|read| read.last_beat()), Some(beat));
    }
}
