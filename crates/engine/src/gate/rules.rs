//! The founder's rules and earlier answers, as a run knows them now.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use company::AgentFile;
use contract::{Act, Decision, Granted, JobId, Rule, Verdict};

/// The founder's rules as they are now. Clones share them: what is set through one holds for all.
#[derive(Clone, Debug, Default)]
pub struct Rules(Arc<RwLock<Vec<Rule>>>);

impl Rules {
    /// These rules.
    pub fn new(rules: Vec<Rule>) -> Rules {
        Rules(Arc::new(RwLock::new(rules)))
    }

    /// Takes these rules in place of all there were.
    pub fn set(&self, rules: Vec<Rule>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Adds a rule that was made while the run is at work, until the whole of them is set again.
    pub(super) fn add(&self, rule: Rule) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// Whether an agent may do all acts of a kind without being asked about any: for programs that ask nobody.
    pub(crate) fn allow_all(&self, job_id: JobId, agent: &AgentFile, act: Act) -> bool {
        let general = self.holds(job_id, &agent.role, act, None);
        let verdict = general.map_or_else(|| agent.judgement.verdict(act), |rule| rule.verdict);
        let rules = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut others = rules.iter().filter(|rule| {
            rule.act == act
                && rule.subject.is_some()
                && rule.job_id.is_none_or(|job| job == job_id)
                && rule.agent.as_ref().is_none_or(|role| *role == agent.role)
        });
        verdict == Verdict::Allow && others.all(|rule| rule.verdict == Verdict::Allow)
    }

    /// Whether an agent may do nothing of a kind, as far as nothing exact is said of it.
    pub(crate) fn denies(&self, job_id: JobId, agent: &AgentFile, act: Act) -> bool {
        let general = self.holds(job_id, &agent.role, act, None);
        general.map_or_else(|| agent.judgement.verdict(act), |rule| rule.verdict) == Verdict::Deny
    }

    /// The rule that holds for an act: of those that fit the narrowest, and of two as narrow the later.
    pub(super) fn holds(&self, job_id: JobId, agent: &str, act: Act, subject: Option<&str>) -> Option<Rule> {
        let rules = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let fits = |rule: &&Rule| {
            rule.act == act
                && rule.job_id.is_none_or(|job| job == job_id)
                && rule.agent.as_deref().is_none_or(|role| role == agent)
                && rule.subject.as_deref().is_none_or(|exactly| Some(exactly) == subject)
        };
        // Of two that are equal in all of it the last counts.
        let narrowness = |rule: &&Rule| {
            (rule.job_id.is_some(), rule.agent.is_some(), rule.subject.is_some(), rule.created_at, rule.rule_id)
        };
        rules.iter().filter(fits).max_by_key(narrowness).cloned()
    }
}

/// Answers that a run did not live to act on. Each holds once, for the identical call of the same agent. Clones share
/// them.
#[derive(Clone, Debug, Default)]
pub struct Grants(Arc<Mutex<Vec<Granted>>>);

impl Grants {
    /// These answers.
    pub fn new(granted: Vec<Granted>) -> Grants {
        Grants(Arc::new(Mutex::new(granted)))
    }

    /// The answer to an identical question of the agent's, used up by this.
    pub(super) fn take(&self, agent: &str, digest: &str) -> Option<Decision> {
        let mut granted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = granted.iter().position(|answer| answer.agent == agent && answer.digest == digest)?;
        Decision::of_answer(&granted.remove(place).answer)
    }
}
