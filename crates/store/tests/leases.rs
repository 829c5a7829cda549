//! Leases keep every limit, whatever order things happen in.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use std::collections::BTreeMap;

use contract::{
    CompanyId, CostBasis, EventBody, Job, JobChange, JobId, LeaseId, Money, RunId, SessionId, Time, Tokens,
};
use proptest::prelude::*;
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

/// One of fifty briefs, and what it does.
#[derive(Clone, Debug)]
struct Act {
    brief: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// Asks for a call of an agent.
    Lease { agent: usize, cost: i64, tokens: i64 },
    /// Settles one of its leases, with a part of what was set aside.
    Settle { which: usize, percent: i64 },
    /// Gives one back.
    Return { which: usize },
    /// Its run ends, and another begins for a new brief.
    End,
    /// The founder raises a limit.
    Raise { which: usize, by: i64 },
    /// Forgets what has ended.
    Forget,
    /// Time goes on, over midnights and the month's end.
    Wait { minutes: i64 },
}

fn act() -> impl Strategy<Value = Act> {
    let what = prop_oneof![
        12 => (0usize..3, 0i64..4_000, 0i64..400)
            .prop_map(|(agent, cost, tokens)| What::Lease { agent, cost, tokens }),
        7 => (0usize..9, 0i64..=100).prop_map(|(which, percent)| What::Settle { which, percent }),
        2 => (0usize..9).prop_map(|which| What::Return { which }),
        2 => Just(What::End),
        1 => (0usize..3, 1i64..2_000).prop_map(|(which, by)| What::Raise { which, by }),
        1 => Just(What::Forget),
        1 => (1i64..2_000).prop_map(|minutes| What::Wait { minutes }),
    ];
    (0usize..BRIEFS, what).prop_map(|(brief, what)| Act { brief, what })
}

const BRIEFS: usize = 50;
const AGENTS: [&str; 3] = ["ceo", "cto", "cmo"];

/// A call that is under way.
#[derive(Clone)]
struct Open {
    lease: LeaseId,
    agent: usize,
    cost: i64,
    tokens: i64,
    /// When it began: just after it was granted, which may be another day.
    at: Time,
}

/// A brief at work, and what the model knows of it.
struct Brief {
    job: Job,
    run: RunId,
    lines: i64,
    cost: i64,
    tokens: i64,
    /// What its limit was raised to.
    limit: i64,
    open: Vec<Open>,
}

/// What must never be passed, added up here by hand.
struct Ledger {
    home: Home,
    company: CompanyId,
    sessions: Vec<SessionId>,
    briefs: Vec<Brief>,
    limits: Limits,
    now: Time,
    /// By day: spent, and by agent.
    days: BTreeMap<String, ([i64; 3], i64)>,
    by_session: Vec<i64>,
    session_limit: Vec<i64>,
    agent_limit: BTreeMap<(String, usize), i64>,
    granted: usize,
}

impl Ledger {
    fn new(limits: Limits) -> Ledger {
        let home = Home::new();
        let (company, sessions) = home.write(|write| {
            let company = write.company_put("/companies/acme", "acme", NOON)?.company_id;
            let open = |n: usize| Ok(write.session_open(company, &format!("head-{n}"), NOON)?.session_id);
            Ok((company, (0..BRIEFS).map(open).collect::<Result<Vec<_>, StoreError>>()?))
        });
        let mut ledger = Ledger {
            home,
            company,
            sessions,
            briefs: Vec::new(),
            limits,
            now: NOON,
            days: BTreeMap::new(),
            by_session: vec![0; BRIEFS],
            session_limit: vec![limits.session.as_nanos(); BRIEFS],
            agent_limit: BTreeMap::new(),
            granted: 0,
        };
        for n in 0..BRIEFS {
            let brief = ledger.begin(n);
            ledger.briefs.push(brief);
        }
        ledger
    }

    fn begin(&self, n: usize) -> Brief {
        let new = NewJob {
            agent: format!("head-{n}"),
            max_cost: self.limits.job,
            ..new_job((self.company, self.sessions[n]), "Brief")
        };
        let job = self.home.insert(new, self.now).unwrap().job;
        let run = self.home.claim_at(BRIEFS as i64, self.now).unwrap().run_id;
        let limit = job.max_cost_usd.as_nanos();
        Brief { job, run, lines: 0, cost: 0, tokens: 0, limit, open: Vec::new() }
    }

    fn today(&self) -> String {
        store::day_of(self.now)
    }

    fn agent_limit(&self, agent: usize) -> i64 {
        let raised = self.agent_limit.get(&(self.today(), agent)).copied();
        raised.unwrap_or_default().max(self.limits.agent.as_nanos())
    }

    fn take(&mut self, act: &Act) {
        let n = act.brief;
        match act.what {
            What::Lease { agent, cost, tokens } => self.lease(n, agent, cost, tokens),
            What::Settle { which, percent } => self.settle(n, which, percent),
            What::Return { which } => {
                let brief = &mut self.briefs[n];
                if let Some(open) = brief.open.get(which).cloned() {
                    brief.open.remove(which);
                    let run = brief.run;
                    self.home.write(move |write| write.lease_return(run, open.lease));
                }
            }
            What::End => {
                let (run, now) = (self.briefs[n].run, self.now);
                let change = if n.is_multiple_of(2) { JobChange::Complete } else { JobChange::Fail };
                self.home.write(move |write| {
                    write.settle(run, contract::RunState::Exited, change, &Settlement::default(), now)
                });
                self.briefs[n] = self.begin(n);
            }
            What::Raise { which, by } => self.raise(n, which, by),
            What::Forget => {
                let now = self.now;
                while self.home.write(move |write| write.prune(Time(now.0 + 1), None, 40)).more {}
            }
            What::Wait { minutes } => self.now = Time(self.now.0 + minutes * 60_000),
        }
    }

    fn lease(&mut self, n: usize, agent: usize, cost: i64, tokens: i64) {
        let limits = Limits { job: Money::nanos(self.briefs[n].limit), ..self.limits };
        let asked = need(AGENTS[agent], Money::nanos(cost), tokens);
        let granted = grant(&self.home, self.briefs[n].run, asked, limits, self.now);
        if let Ok(lease) = granted {
            // It begins somewhat later: maybe tomorrow.
            let at = Time(self.now.0 + 50 * 60_000);
            self.briefs[n].open.push(Open { lease, agent, cost, tokens, at });
            self.granted += 1;
            let of_agent = self.briefs.iter().flat_map(|brief| &brief.open).filter(|open| open.agent == agent);
            let leased: i64 = of_agent.map(|open| open.cost).sum();
            let spent = self.days.get(&self.today()).map_or(0, |(by_agent, _)| by_agent[agent]);
            assert!(cost == 0 || spent + leased <= self.agent_limit(agent), "{}", AGENTS[agent]);
        }
    }

    fn settle(&mut self, n: usize, which: usize, percent: i64) {
        let brief = &mut self.briefs[n];
        if which >= brief.open.len() {
            return;
        }
        let open = brief.open.remove(which);
        self.now = self.now.max(open.at);
        let (cost, tokens) = (open.cost * percent / 100, open.tokens * percent / 100);
        brief.lines += 1;
        let used = Tokens { input: tokens / 2, output: tokens - tokens / 2, cache_read: 0, cache_write: 0 };
        let body = EventBody::Usage {
            model: "sonnet".into(),
            input_tokens: used.input,
            output_tokens: used.output,
            cache_read_tokens: 0,
            cache_write_tokens: 0,
            cost_usd: Money::nanos(cost),
            basis: CostBasis::Estimated,
            started_at: open.at,
            lease_id: Some(open.lease),
        };
        let at = self.now.0 - NOON.0;
        let spool_line = line(brief.lines, entry(AGENTS[open.agent], None, at, body));
        self.home.append(brief.run, vec![spool_line]);
        brief.cost += cost;
        brief.tokens += tokens;
        self.by_session[n] += cost;
        let (by_agent, of_day) = self.days.entry(store::day_of(open.at)).or_default();
        by_agent[open.agent] += cost;
        *of_day += tokens;
    }

    fn raise(&mut self, n: usize, which: usize, by: i64) {
        let now = self.now;
        let (what, to) = match which {
            0 => {
                let limit = &mut self.briefs[n].limit;
                *limit += by;
                (Raise::Job(self.briefs[n].job.job_id), self.briefs[n].limit)
            }
            1 => {
                self.session_limit[n] += by;
                (Raise::Session(self.sessions[n]), self.session_limit[n])
            }
            _ => {
                let agent = n % AGENTS.len();
                let to = self.agent_limit(agent) + by;
                self.agent_limit.insert((self.today(), agent), to);
                (Raise::Agent { company_id: self.company, agent: AGENTS[agent].into() }, to)
            }
        };
        self.home.write(move |write| write.raise_limit(&what, Money::nanos(to), now));
    }

    /// What is spent and what is set aside, together, is within every limit.
    fn check(&self) -> Result<(), TestCaseError> {
        let open: Vec<&Open> = self.briefs.iter().flat_map(|brief| &brief.open).collect();
        let leased: i64 = open.iter().map(|open| open.cost).sum();
        let leased_tokens: i64 = open.iter().map(|open| open.tokens).sum();
        let today = self.today();
        let (by_agent, tokens) = self.days.get(&today).copied().unwrap_or_default();
        let month = |pick: fn(&([i64; 3], i64)) -> i64| -> i64 {
            self.days.iter().filter(|(day, _)| day[..7] == today[..7]).map(|(_, sums)| pick(sums)).sum()
        };
        let of_all = |sums: &([i64; 3], i64)| sums.0.iter().sum();
        let spent: i64 = by_agent.iter().sum();
        let within = |what: &str, used: i64, limit: i64| {
            prop_assert!(used <= limit, "{what}: {used} of {limit}");
            Ok(())
        };
        within("day", spent + leased, self.limits.daily.as_nanos())?;
        within("month", month(of_all) + leased, self.limits.monthly.as_nanos())?;
        within("day's tokens", tokens + leased_tokens, self.limits.daily_tokens)?;
        within("month's tokens", month(|sums| sums.1) + leased_tokens, self.limits.monthly_tokens)?;
        for (agent, spent) in by_agent.iter().enumerate() {
            let leased: i64 = open.iter().filter(|open| open.agent == agent).map(|open| open.cost).sum();
            // It may have been raised for the day on which a call began.
            within("agent", spent + leased, self.highest(agent))?;
        }
        for (n, brief) in self.briefs.iter().enumerate() {
            let leased: i64 = brief.open.iter().map(|open| open.cost).sum();
            let tokens: i64 = brief.open.iter().map(|open| open.tokens).sum();
            within("session", self.by_session[n] + leased, self.session_limit[n])?;
            within("brief", brief.cost + leased, brief.limit)?;
            within("brief's tokens", brief.tokens + tokens, self.limits.job_tokens)?;
        }
        // And no day that is over passed its limit either.
        for (day, (by_agent, tokens)) in &self.days {
            within(day, by_agent.iter().sum(), self.limits.daily.as_nanos())?;
            within(day, *tokens, self.limits.daily_tokens)?;
        }
        Ok(())
    }

    /// The highest that the agent's limit was on any day.
    fn highest(&self, agent: usize) -> i64 {
        let raised = self.agent_limit.iter().filter(|((_, of), _)| *of == agent).map(|(_, limit)| *limit);
        raised.max().unwrap_or_default().max(self.limits.agent.as_nanos())
    }

    /// The store has added up the same.
    fn agrees(&self) -> Result<(), TestCaseError> {
        let (company, now) = (self.company, self.now);
        let spend = self.home.read(move |read| read.spend(company, now));
        let (by_agent, tokens) = self.days.get(&self.today()).copied().unwrap_or_default();
        prop_assert_eq!(spend.today.as_nanos(), by_agent.iter().sum::<i64>());
        prop_assert_eq!(self.home.read(move |read| read.tokens_used(company, now)).0, tokens);
        let today = self.home.read(move |read| read.agent_spend_today(company, now));
        for (agent, spent) in AGENTS.iter().zip(by_agent) {
            prop_assert_eq!(today.get(*agent).copied().unwrap_or_default().as_nanos(), spent);
        }
        for (session, spent) in self.sessions.iter().copied().zip(&self.by_session) {
            prop_assert_eq!(self.home.read(move |read| read.session_spent(session)).as_nanos(), *spent);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Fifty briefs at once, random costs, random order: what is granted and what is spent never pass a limit.
    #[test]
    fn no_order_of_fifty_briefs_passes_a_limit(
        acts in prop::collection::vec(act(), 100..400),
        tight in (0i64..3, 0i64..3, 0i64..3),
    ) {
        // Now this limit is the narrowest, now that one.
        let limits = Limits {
            daily: Money::nanos(20_000 + 20_000 * tight.0),
            monthly: Money::nanos(60_000 + 30_000 * tight.1),
            session: Money::nanos(5_000 + 2_000 * tight.2),
            agent: Money::nanos(9_000 + 9_000 * tight.1),
            job: Money::nanos(3_000 + 4_000 * tight.0),
            daily_tokens: 2_000 + 3_000 * tight.2,
            monthly_tokens: 9_000 + 4_000 * tight.0,
            job_tokens: 500 + 500 * tight.1,
        };
        let mut ledger = Ledger::new(limits);
        for act in &acts {
            ledger.take(act);
            ledger.check()?;
        }
        prop_assert!(ledger.granted > 0);
        ledger.agrees()?;
        // What the sums are made of says the same.
        let stored = ledger.home.dump();
        ledger.home.write(|write| write.rebuild_projections());
        prop_assert_eq!(stored, ledger.home.dump());
    }
}
