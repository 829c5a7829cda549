//! Which of a run's agents can go on, and whether any can. Pure: it sees events and answers.

use std::collections::BTreeMap;

use contract::{Entry, EventBody, SYSTEM, Time, WaitReason};

/// Why an agent cannot go on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wait {
    /// In one word.
    pub reason: WaitReason,
    /// In a sentence.
    pub detail: String,
    /// Until when, where that is known.
    pub until: Option<Time>,
}

/// The agents at work in a run: the CEO, and one for each delegation under way.
#[derive(Default)]
pub(crate) struct Agents {
    /// By the delegation that an agent works in; the CEO works in none.
    by_span: BTreeMap<Option<String>, Agent>,
}

#[derive(Default)]
struct Agent {
    /// The delegation that its own came out of.
    above: Option<String>,
    /// Delegations of its own that are under way. While there are any it is they who can or cannot go on.
    below: usize,
    wait: Option<Wait>,
}

impl Agents {
    /// The CEO, at work.
    pub fn new() -> Agents {
        Agents { by_span: BTreeMap::from([(None, Agent::default())]) }
    }

    /// Takes in an event. Whether it may have changed who can go on.
    pub fn see(&mut self, entry: &Entry) -> bool {
        match &entry.body {
            EventBody::DelegationStarted { span, .. } => {
                let above = entry.parent.clone();
                if let Some(agent) = self.by_span.get_mut(&above) {
                    agent.below += 1;
                }
                self.by_span.insert(Some(span.clone()), Agent { above, ..Agent::default() });
            }
            EventBody::DelegationFinished { span, .. } => {
                let gone = self.by_span.remove(&Some(span.clone()));
                if let Some(agent) = gone.and_then(|gone| self.by_span.get_mut(&gone.above)) {
                    agent.below = agent.below.saturating_sub(1);
                }
            }
            EventBody::Waiting { reason, detail, until, over } if entry.agent != SYSTEM => {
                let Some(agent) = self.by_span.get_mut(&entry.parent) else { return false };
                agent.wait = (!over).then(|| Wait { reason: *reason, detail: detail.clone(), until: *until });
            }
            _ => return false,
        }
        true
    }

    /// The agent in that delegation tries again, whatever it last said that it waits for.
    pub fn goes_on(&mut self, span: Option<&str>) {
        if let Some(agent) = self.by_span.get_mut(&span.map(str::to_owned)) {
            agent.wait = None;
        }
    }

    /// Whether none can go on.
    pub fn all_wait(&self) -> bool {
        self.leaves().all(|agent| agent.wait.is_some())
    }

    /// What the run as a whole waits for, if none can go on: the hold, or what is over first. `None` too while one
    /// waits for the daemon: there is nobody to tell, and it goes on as soon as there is.
    pub fn wait(&self) -> Option<&Wait> {
        let waits: Option<Vec<&Wait>> = self.leaves().map(|agent| agent.wait.as_ref()).collect();
        let waits = waits?;
        if waits.iter().any(|wait| wait.reason == WaitReason::Daemon) {
            return None;
        }
        let held = waits.iter().find(|wait| wait.reason == WaitReason::Paused);
        held.or_else(|| waits.iter().min_by_key(|wait| wait.until.unwrap_or(Time(i64::MAX)))).copied()
    }

    /// Those who have handed nothing on.
    fn leaves(&self) -> impl Iterator<Item = &Agent> {
        self.by_span.values().filter(|agent| agent.below == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Money;
    use proptest::prelude::*;

    fn entry(agent: &str, span: Option<&str>, body: EventBody) -> Entry {
        Entry { at: Time(1), agent: agent.into(), parent: span.map(Into::into), body }
    }

    fn starts(above: Option<&str>, span: &str) -> Entry {
        entry("ceo", above, EventBody::DelegationStarted { span: span.into(), to: "cto".into(), task: "t".into() })
    }

    fn finishes(above: Option<&str>, span: &str) -> Entry {
        let (to, summary) = ("cto".into(), String::new());
        let cost_usd = Money::ZERO;
        entry(
            "ceo",
            above,
            EventBody::DelegationFinished { span: span.into(), to, ok: true, summary, duration_ms: 1, cost_usd },
        )
    }

    fn waits(span: Option<&str>, reason: WaitReason, until: Option<i64>, over: bool) -> Entry {
        let detail = format!("{reason:?}");
        entry("cto", span, EventBody::Waiting { reason, detail, until: until.map(Time), over })
    }

    fn after(entries: &[Entry]) -> Agents {
        let mut agents = Agents::new();
        for entry in entries {
            agents.see(entry);
        }
        agents
    }

    #[test]
    fn whoever_delegated_does_not_count_and_the_first_to_go_on_is_named() {
        let mut agents = after(&[
            starts(None, "d1"),
            starts(None, "d2"),
            starts(Some("d2"), "d3"),
            waits(Some("d1"), WaitReason::RateLimit, Some(900), false),
        ]);
        assert!(!agents.all_wait());
        agents.see(&waits(Some("d3"), WaitReason::Provider, Some(400), false));
        assert_eq!(agents.wait().map(|wait| wait.reason), Some(WaitReason::Provider));
        agents.goes_on(Some("d3"));
        assert_eq!((agents.all_wait(), agents.wait()), (false, None));
        agents.see(&waits(Some("d3"), WaitReason::Provider, Some(1_000), false));
        assert_eq!(agents.wait().map(|wait| wait.reason), Some(WaitReason::RateLimit));
        agents.see(&waits(Some("d3"), WaitReason::Paused, None, false));
        assert_eq!(agents.wait().map(|wait| wait.reason), Some(WaitReason::Paused));
        agents.see(&finishes(Some("d2"), "d3"));
        assert!(!agents.all_wait(), "the one above has its report and goes on");
    }

    #[test]
    fn a_wait_for_the_daemon_is_none_of_the_run_as_a_whole() {
        let agents = after(&[
            starts(None, "d1"),
            starts(None, "d2"),
            waits(Some("d1"), WaitReason::RateLimit, Some(900), false),
            waits(Some("d2"), WaitReason::Daemon, None, false),
        ]);
        assert!(agents.all_wait(), "nobody works, so that no clock runs");
        assert_eq!(agents.wait(), None);
    }

    #[test]
    fn what_the_system_says_is_about_no_agent() {
        let system = Entry { agent: SYSTEM.into(), ..waits(None, WaitReason::Paused, None, false) };
        let mut agents = Agents::new();
        assert!(!agents.see(&system));
        assert!(!agents.all_wait());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Start(usize),
        Finish(usize),
        Wait(usize, u8),
        Over(usize),
        GoOn(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0usize..8).prop_map(Step::Start),
            (0usize..8).prop_map(Step::Finish),
            (0usize..8, 0u8..4).prop_map(|(who, why)| Step::Wait(who, why)),
            (0usize..8).prop_map(Step::Over),
            (0usize..8).prop_map(Step::GoOn),
        ]
    }

    /// The same, worked out anew from a plain list each time: span, the one above, what it waits for.
    type Plain = Vec<(Option<String>, Option<String>, Option<WaitReason>)>;

    fn plain_leaves(plain: &Plain) -> Vec<Option<WaitReason>> {
        let leads = |span: &Option<String>| plain.iter().any(|(own, above, _)| own.is_some() && above == span);
        plain.iter().filter(|(span, _, _)| !leads(span)).map(|(_, _, wait)| *wait).collect()
    }

    proptest! {
        #[test]
        fn it_says_the_same_as_a_plain_list(steps in prop::collection::vec(step(), 0..120)) {
            let mut agents = Agents::new();
            let mut plain: Plain = vec![(None, None, None)];
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Start(who) => {
                        let above = plain[who % plain.len()].0.clone();
                        let span = format!("d{number}");
                        agents.see(&starts(above.as_deref(), &span));
                        plain.push((Some(span), above, None));
                    }
                    Step::Finish(who) => {
                        let (span, above, _) = plain[who % plain.len()].clone();
                        // Delegations end from the bottom up, and the CEO's work is none.
                        let Some(name) = &span else { continue };
                        if plain.iter().any(|(_, up, _)| *up == span) { continue }
                        agents.see(&finishes(above.as_deref(), name));
                        plain.retain(|(own, _, _)| *own != span);
                    }
                    Step::Wait(who, why) => {
                        let why = [WaitReason::RateLimit, WaitReason::Daemon, WaitReason::Paused, WaitReason::Slot]
                            [usize::from(why)];
                        let at = who % plain.len();
                        agents.see(&waits(plain[at].0.as_deref(), why, Some(i64::try_from(number).unwrap()), false));
                        plain[at].2 = Some(why);
                    }
                    Step::Over(who) => {
                        let at = who % plain.len();
                        agents.see(&waits(plain[at].0.as_deref(), WaitReason::Slot, None, true));
                        plain[at].2 = None;
                    }
                    Step::GoOn(who) => {
                        let at = who % plain.len();
                        agents.goes_on(plain[at].0.as_deref());
                        plain[at].2 = None;
                    }
                }
                let leaves = plain_leaves(&plain);
                let all = leaves.iter().all(Option::is_some);
                prop_assert_eq!(agents.all_wait(), all);
                let whole = all && !leaves.contains(&Some(WaitReason::Daemon));
                prop_assert_eq!(agents.wait().is_some(), whole);
                if whole && leaves.contains(&Some(WaitReason::Paused)) {
                    prop_assert_eq!(agents.wait().map(|wait| wait.reason), Some(WaitReason::Paused));
                }
            }
        }
    }
}
