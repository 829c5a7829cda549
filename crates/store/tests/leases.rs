//! Leases keep every limit there is.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use std::collections::BTreeMap;

use contract::{JobChange, JobId, LeaseId, Money, RunId, Time};
use store::{Limit, Limits, Need, NewJob, Raise, Refused, Settlement, StoreError, Used};
use support::*;

fn dollars(n: i64) -> Money {
    Money::nanos(n * 1_000_000_000)
}

fn need(agent: &str, cost: Money, tokens: i64) -> Need {
    Need { agent: agent.into(), cost, tokens }
}

fn grant(home: &Home, run: RunId, need: Need, limits: Limits, at: Time) -> Result<LeaseId, Refused> {
    home.write(move |write| write.lease_grant(run, &need, &limits, at))
}

#[test]
fn e003_e025_leases_keep_every_limit() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let grant = |worst: Money, limits: Limits| grant(&home, run, need("ceo", worst, 0), limits, later(0));
    let spent = |refused: Result<LeaseId, Refused>| match refused.unwrap_err().used {
        Used::Cost { spent, .. } => spent,
        Used::Tokens { .. } => panic!("tokens"),
    };
    let day = Limits { daily: dollars(10), ..Limits::default() };

    let first = grant(dollars(6), day).unwrap();
    let used = Used::Cost { spent: dollars(6), limit: dollars(10) };
    assert_eq!(grant(dollars(5), day), Err(Refused { which: Limit::Daily, used }));
    let second = grant(dollars(4), day).unwrap();
    assert!(grant(Money::nanos(1), day).is_err());

    // Settled to what it used, returned to nothing.
    home.append(run, spool([entry("ceo", None, 1, usage(1_000_000_000, 0, Some(first)))]));
    home.write(move |write| write.lease_return(run, second));
    assert_eq!(spent(grant(dollars(10), day)), dollars(1));
    assert!(grant(dollars(9), day).is_ok());

    // Ten are now spent or set aside, whichever limit asks.
    for (limits, which) in [
        (Limits { monthly: dollars(10), ..Limits::default() }, Limit::Monthly),
        (Limits { session: dollars(10), ..Limits::default() }, Limit::Session),
        (Limits { agent: dollars(10), ..Limits::default() }, Limit::Agent),
        (Limits { job: dollars(10), ..Limits::default() }, Limit::Job),
    ] {
        assert_eq!(grant(Money::nanos(1), limits).map_err(|refused| refused.which), Err(which));
    }
    // Zero is no limit, a huge amount does not upset the sums, and what costs nothing is in no dollar's way.
    assert!(grant(Money::nanos(i64::MAX), Limits::default()).is_ok());
    assert!(grant(Money::nanos(i64::MAX), Limits::default()).is_ok());
    assert_eq!(spent(grant(Money::nanos(1), day)), Money::nanos(i64::MAX));
    assert!(grant(Money::nanos(-5), day).is_ok());

    home.settle(run, JobChange::Complete, Settlement::default());
    let nothing = need("ceo", Money::ZERO, 0);
    let over = home.try_write(move |write| write.lease_grant(run, &nothing, &Limits::default(), later(0)));
    assert!(matches!(over, Err(StoreError::RunFinal(_))));
    assert_eq!(home.read(move |read| read.spend(job.company_id, later(0))).today, dollars(1));
}

#[test]
fn a_run_settles_only_its_own_leases() {
    let home = Home::new();
    let (_, run) = home.running("acme");
    let (_, other) = home.running("bolt");
    let limits = Limits { job: Money::nanos(10), ..Limits::default() };
    let lease = grant(&home, run, need("ceo", Money::nanos(10), 0), limits, NOON).unwrap();
    home.append(other, spool([entry("ceo", None, 1, usage(0, 0, Some(lease)))]));
    home.write(move |write| write.lease_return(other, lease));
    assert!(grant(&home, run, need("ceo", Money::nanos(1), 0), limits, NOON).is_err());
}

#[test]
fn tokens_have_limits_of_their_own_which_hold_where_nothing_is_charged() {
    let home = Home::new();
    let (_, run) = home.running("acme");
    let free = |tokens: i64, limits: Limits| grant(&home, run, need("ceo", Money::ZERO, tokens), limits, NOON);
    let day = Limits { daily: Money::nanos(1), daily_tokens: 1_000, ..Limits::default() };
    let lease = free(900, day).unwrap();
    let used = Used::Tokens { used: 900, limit: 1_000 };
    assert_eq!(free(200, day), Err(Refused { which: Limit::Daily, used }));
    // It used 127 of them: tokens read from a cache and written to it count as well.
    home.append(run, spool([entry("ceo", None, 1, usage(0, 0, Some(lease)))]));
    assert!(free(873, day).is_ok());
    for (limits, which) in [
        (day, Limit::Daily),
        (Limits { monthly_tokens: 1_000, ..Limits::default() }, Limit::Monthly),
        (Limits { job_tokens: 1_000, ..Limits::default() }, Limit::Job),
    ] {
        let used = Used::Tokens { used: 1_000, limit: 1_000 };
        assert_eq!(free(1, limits), Err(Refused { which, used }));
    }
    assert!(free(i64::MAX, Limits::default()).is_ok());
}

#[test]
fn an_agents_limit_is_its_own_and_a_raised_one_lets_its_calls_go_on() {
    let home = Home::new();
    let (job, run) = home.running("acme");
    let limits = Limits { agent: dollars(5), session: dollars(8), ..Limits::default() };
    let call = |agent: &str, cost: i64| grant(&home, run, need(agent, dollars(cost), 0), limits, NOON);
    let which = |granted: Result<LeaseId, Refused>| granted.unwrap_err().which;
    let raise = |what: Raise, to: Money| home.write(move |write| write.raise_limit(&what, to, NOON));
    call("cto", 5).unwrap();
    assert_eq!(which(call("cto", 1)), Limit::Agent);
    call("cmo", 3).unwrap();
    // Both limits are reached; the session's is the wider one, and stands in the way first.
    assert_eq!(which(call("cto", 1)), Limit::Session);
    raise(Raise::Session(job.session_id), dollars(12));
    assert_eq!(which(call("cto", 1)), Limit::Agent);
    let cto = Raise::Agent { company_id: job.company_id, agent: "cto".into() };
    raise(cto.clone(), dollars(7));
    raise(cto, dollars(6));
    assert_eq!(home.read(move |read| read.agent_raised(job.company_id, "cto", NOON)), dollars(7));
    assert_eq!(home.read(move |read| read.session_raised(job.company_id, job.session_id)), dollars(12));
    call("cto", 2).unwrap();
    assert_eq!(which(call("cto", 1)), Limit::Agent);
    assert_eq!(which(call("cmo", 3)), Limit::Session);
    // For the day alone, and for no other agent.
    let tomorrow = Time(NOON.0 + 36 * 60 * 60 * 1000);
    assert_eq!(home.read(move |read| read.agent_raised(job.company_id, "cto", tomorrow)), Money::ZERO);
    assert_eq!(home.read(move |read| read.agent_raised(job.company_id, "cmo", NOON)), Money::ZERO);
}

#[test]
fn a_briefs_limit_is_raised_and_one_without_a_limit_gets_none() {
    let home = Home::new();
    let acme = home.company("acme");
    let new = NewJob { max_cost: dollars(2), queue: true, ..new_job(acme, "Brief") };
    let limited = home.insert(new, NOON).unwrap().job.job_id;
    let run = home.claim(9).unwrap().run_id;
    let free = home.submit(acme, "Without").job_id;
    let raise =
        |job: JobId, to: i64| home.try_write(move |write| write.raise_limit(&Raise::Job(job), dollars(to), NOON));
    raise(limited, 3).unwrap();
    raise(limited, 1).unwrap();
    raise(free, 3).unwrap();
    assert_eq!((home.job(limited).max_cost_usd, home.job(free).max_cost_usd), (dollars(3), Money::ZERO));
    home.settle(run, JobChange::Complete, Settlement::default());
    assert!(matches!(raise(limited, 9), Err(StoreError::JobFinal { .. })));
}

#[test]
fn what_forgotten_jobs_cost_counts_against_session_and_agent() {
    let home = Home::new();
    let acme = home.company("acme");
    let brief = |at: i64| {
        home.submit(acme, "Brief");
        let run = home.claim(9).unwrap().run_id;
        home.append(run, spool([entry("cto", Some("d1"), at, usage(3_000_000_000, at, None))]));
        run
    };
    let done = brief(1);
    home.settle(done, JobChange::Complete, Settlement::default());
    while home.write(|write| write.prune(Time(i64::MAX), None, 1)).more {}
    let run = brief(1);
    let spent = |limits: Limits| match grant(&home, run, need("cto", dollars(9), 0), limits, NOON).unwrap_err().used {
        Used::Cost { spent, .. } => spent,
        Used::Tokens { used, .. } => Money::nanos(used),
    };
    assert_eq!(spent(Limits { session: dollars(10), ..Limits::default() }), dollars(6));
    assert_eq!(spent(Limits { agent: dollars(10), ..Limits::default() }), dollars(6));
    assert_eq!(spent(Limits { job: dollars(10), ..Limits::default() }), dollars(3));
    assert_eq!(home.read(move |read| read.session_spent(acme.1)), dollars(6));
    let today = home.read(move |read| read.agent_spend_today(acme.0, NOON));
    assert_eq!(today, BTreeMap::from([("cto".to_owned(), dollars(6))]));
    assert_eq!(home.read(move |read| read.tokens_used(acme.0, NOON)), (254, 254));
    let stored = home.dump();
    home.write(|write| write.rebuild_projections());
    assert_eq!(stored, home.dump());
}

/// Each statement of a lease finds its rows by an index.
#[test]
fn a_lease_reads_no_table_from_end_to_end() {
    let home = Home::new();
    let conn = rusqlite::Connection::open(home.database()).unwrap();
    let source = include_str!("../src/leases.rs");
    let mut statements = 0;
    for (start, _) in source.match_indices("\"SELECT ") {
        let sql = source[start + 1..].split('"').next().unwrap();
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan: Vec<String> = explain.raw_query().mapped(|row| row.get(3)).map(Result::unwrap).collect();
        assert!(!plan.is_empty() && plan.iter().all(|step| step.starts_with("SEARCH ")), "{sql}: {plan:?}");
        statements += 1;
    }
    assert!(statements >= 10, "{statements}");
}
