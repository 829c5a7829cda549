//! Fifty briefs at once, with random costs, in any order: leases and what is spent never pass a limit.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use std::collections::BTreeMap;

use contract::{CompanyId, CostBasis, EventBody, Job, JobChange, LeaseId, Money, RunId, SessionId, Time};
use proptest::prelude::*;
use store::{Limits, Need, NewJob, Raise, Refused, Settlement, StoreError};
use support::*;

fn need(agent: &str, cost: Money, tokens: i64) -> Need {
    Need { agent: agent.into(), cost, tokens }
}

fn grant(home: &Home, run: RunId, need: Need, limits: Limits, at: Time) -> Result<LeaseId, Refused> {
    home.write(move |write| write.lease_grant(run, &need, &limits, at))
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
    // Half of them are of a few briefs, so that calls, ends and raises meet.
    (prop_oneof![0usize..BRIEFS, 0usize..6], what).prop_map(|(brief, what)| Act { brief, what })
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
                if !brief.open.is_empty() {
                    let (run, lease) = (brief.run, brief.open.remove(which % brief.open.len()).lease);
                    self.home.write(move |write| write.lease_return(run, lease));
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
        if brief.open.is_empty() {
            return;
        }
        let open = brief.open.remove(which % brief.open.len());
        self.now = self.now.max(open.at);
        let (cost, tokens) = (open.cost * percent / 100, open.tokens * percent / 100);
        brief.lines += 1;
        let body = EventBody::Usage {
            model: "sonnet".into(),
            input_tokens: tokens / 2,
            output_tokens: tokens - tokens / 2,
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
            monthly: Money::nanos(22_000 + 9_000 * tight.1),
            session: Money::nanos(5_000 + 2_000 * tight.2),
            agent: Money::nanos(9_000 + 9_000 * tight.1),
            job: Money::nanos(3_000 + 4_000 * tight.0),
            daily_tokens: 2_000 + 3_000 * tight.2,
            monthly_tokens: 2_500 + 2_000 * tight.0,
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
