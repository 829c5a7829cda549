//! What a company spent, by whatever is asked for: it adds up to the nano-dollar.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use contract::{CompanyId, CostBasis, CostBy, EventBody, JobChange, JobId, Money, SessionId, Time};
use store::{CostSums, NewJob, Settlement};
use support::*;

const DAY: i64 = 24 * 60 * 60 * 1000;

struct World {
    home: Home,
    acme: (CompanyId, SessionId),
    cto: SessionId,
    jobs: [JobId; 2],
}

fn call(agent: &str, model: &str, nanos: i64, day: i64, basis: CostBasis) -> contract::Entry {
    let body = EventBody::Usage {
        model: model.into(),
        input_tokens: 10,
        output_tokens: 5,
        cache_read_tokens: 2,
        cache_write_tokens: 1,
        cost_usd: Money::nanos(nanos),
        basis,
        started_at: later(day * DAY),
        lease_id: None,
    };
    entry(agent, None, day * DAY, body)
}

/// A brief of the CEO's that is done, and one of a head's that is at work, on three days.
fn world() -> World {
    let home = Home::new();
    let acme = home.company("acme");
    let cto = home.write(move |write| write.session_open(acme.0, "cto", NOON)).session_id;
    let first = home.submit(acme, "Plan the launch").job_id;
    let run = home.claim(9).unwrap().run_id;
    let calls = [
        call("ceo", "opus", 1_000_000_001, 0, CostBasis::Reported),
        call("cto", "haiku", 20, 0, CostBasis::Estimated),
        call("cto", "haiku", 3, 1, CostBasis::Reported),
    ];
    home.append(run, spool(calls));
    home.settle(run, JobChange::Complete, Settlement::default());
    let new = NewJob { agent: "cto".into(), ..new_job((acme.0, cto), "Look at the logs") };
    let second = home.insert(new, NOON).unwrap().job.job_id;
    let run = home.claim(9).unwrap().run_id;
    home.append(run, spool([call("cto", "haiku", 500, 2, CostBasis::Reported)]));
    let other = home.running("bolt").1;
    home.append(other, spool([call("ceo", "opus", 77, 0, CostBasis::Reported)]));
    World { home, acme, cto, jobs: [first, second] }
}

impl World {
    fn report(&self, by: CostBy, since: &'static str, until: &'static str, of: Option<SessionId>) -> CostSums {
        let company = self.acme.0;
        self.home.read(move |read| read.cost_report(company, by, since, until, of))
    }

    fn month(&self, by: CostBy) -> Vec<(String, String, i64, i64)> {
        let report = self.report(by, "2026-11-01", "2026-11-30", None);
        assert_eq!((report.total, report.more), (Money::nanos(1_000_000_524), false));
        let sum: i64 = report.rows.iter().map(|row| row.cost_usd.as_nanos()).sum();
        assert_eq!(sum, report.total.as_nanos(), "{by:?}");
        report.rows.into_iter().map(|row| (row.key, row.label, row.calls, row.cost_usd.as_nanos())).collect()
    }
}

fn row(key: impl ToString, label: impl ToString, calls: i64, nanos: i64) -> (String, String, i64, i64) {
    (key.to_string(), label.to_string(), calls, nanos)
}

#[test]
fn every_view_of_the_costs_adds_up_to_the_same() {
    let world = world();
    let [first, second] = world.jobs;
    let (ceo, cto) = (world.acme.1, world.cto);
    assert_eq!(world.month(CostBy::Agent), [row("ceo", "CEO", 1, 1_000_000_001), row("cto", "CTO", 3, 523)]);
    assert_eq!(world.month(CostBy::Model), [row("opus", "opus", 1, 1_000_000_001), row("haiku", "haiku", 3, 523)]);
    let days = [("2026-11-20", 2, 1_000_000_021), ("2026-11-21", 1, 3), ("2026-11-22", 1, 500)];
    assert_eq!(world.month(CostBy::Day), days.map(|(day, calls, nanos)| row(day, day, calls, nanos)));
    let jobs = [
        row(first, format!("#{first} Plan the launch"), 3, 1_000_000_024),
        row(second, format!("#{second} Look at the logs"), 1, 500),
    ];
    assert_eq!(world.month(CostBy::Job), jobs);
    let sessions = [row(ceo, format!("#{ceo} CEO"), 3, 1_000_000_024), row(cto, format!("#{cto} CTO"), 1, 500)];
    assert_eq!(world.month(CostBy::Session), sessions);

    let some = world.report(CostBy::Agent, "2026-11-21", "2026-11-22", None);
    assert_eq!((some.total, some.rows.len(), some.rows[0].tokens.input), (Money::nanos(503), 1, 20));
    let of_session = world.report(CostBy::Agent, "2026-11-01", "2026-11-30", Some(ceo));
    assert_eq!(of_session.total, Money::nanos(1_000_000_024));
    // The least certain part names the sum.
    assert_eq!(of_session.rows[1].basis, CostBasis::Estimated);
    assert_eq!(some.rows[0].basis, CostBasis::Reported);
    assert_eq!(world.report(CostBy::Job, "2026-12-01", "2026-12-31", None), CostSums::default());

    let company = world.acme.0;
    let sums = world.home.read(move |read| read.day_sums(company, "2026-11-01", "2026-11-21"));
    let sums: Vec<_> = sums.iter().map(|day| (day.day.as_str(), day.cost_usd.as_nanos())).collect();
    assert_eq!(sums, [("2026-11-20", 1_000_000_021), ("2026-11-21", 3)]);
    let today = world.home.read(move |read| read.agent_spend_today(company, later(2 * DAY)));
    assert_eq!(today.into_iter().collect::<Vec<_>>(), [("cto".to_owned(), Money::nanos(500))]);
    assert_eq!(world.home.read(move |read| read.tokens_used(company, later(2 * DAY))), (18, 72));
}

#[test]
fn what_is_forgotten_stays_in_every_view() {
    let world = world();
    let agents = world.month(CostBy::Agent);
    let (models, days, sessions) = (world.month(CostBy::Model), world.month(CostBy::Day), world.month(CostBy::Session));
    while world.home.write(|write| write.prune(Time(i64::MAX), None, 2)).more {}
    assert_eq!((world.month(CostBy::Agent), world.month(CostBy::Model)), (agents, models));
    assert_eq!((world.month(CostBy::Day), world.month(CostBy::Session)), (days, sessions));
    let second = world.jobs[1];
    let jobs =
        [row("", "Forgotten jobs", 3, 1_000_000_024), row(second, format!("#{second} Look at the logs"), 1, 500)];
    assert_eq!(world.month(CostBy::Job), jobs);
}

#[test]
fn a_report_has_an_end_and_no_sum_overflows() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let calls = (0..2_000).map(|n| {
        let mut entry = call(&format!("agent-{n}"), "m", 8_999_999_000_000_000, 0, CostBasis::Unknown);
        if let EventBody::Usage { output_tokens, .. } = &mut entry.body {
            *output_tokens = i64::MAX;
        }
        entry
    });
    home.append(run, spool(calls));
    let company = job.company_id;
    let report = home.read(move |read| read.cost_report(company, CostBy::Agent, "2026-11-20", "2026-11-20", None));
    assert_eq!((report.rows.len(), report.more), (500, true));
    assert!(report.total > report.rows[0].cost_usd);
    home.read(move |read| Ok((read.spend(company, NOON)?, read.tokens_used(company, NOON)?)));
    let stored = home.dump();
    home.write(|write| write.rebuild_projections());
    assert_eq!(stored, home.dump());
}
