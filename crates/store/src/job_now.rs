//! The projected half of a job's row, and how it changes. Pure, as [`fold`](crate::fold::fold) is.

use contract::progress::{self, Pace};
use contract::{Activity, CostBasis, JobState, Money, Seq, Time, Tokens};

use crate::amounts::{added, count, less_certain, paid};
use crate::fold::{Effect, Steps, after};

/// The projected half of a job's row.
#[derive(Clone, Debug, PartialEq)]
pub struct JobNow {
    /// Where it stands.
    pub state: JobState,
    /// Why.
    pub reason: String,
    /// When it goes on by itself.
    pub until: Option<Time>,
    /// Whether the founder put it on hold.
    pub held: bool,
    /// When its first run began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// How long no run was at work since then, in milliseconds.
    pub waited_ms: i64,
    /// Since when none is.
    pub waits_since: Option<Time>,
    /// What it cost.
    pub cost: Money,
    /// Where that figure comes from: the least certain of its parts.
    pub basis: CostBasis,
    /// Model calls of whom it was sent to.
    pub turns: i64,
    /// Tokens, all agents together.
    pub tokens: Tokens,
    /// Who does what.
    pub activity: Option<Activity>,
    /// How far the work is. Its times are moved on by every wait since.
    pub steps: Option<Steps>,
    /// Events stored.
    pub events: i64,
    /// The last of them.
    pub last_seq: Seq,
}

impl Default for JobNow {
    fn default() -> JobNow {
        JobNow {
            state: JobState::Queued,
            reason: String::new(),
            until: None,
            held: false,
            started_at: None,
            finished_at: None,
            waited_ms: 0,
            waits_since: None,
            cost: Money::ZERO,
            basis: CostBasis::Free,
            turns: 0,
            tokens: Tokens::default(),
            activity: None,
            steps: None,
            events: 0,
            last_seq: Seq(0),
        }
    }
}

impl JobNow {
    /// The row after one more event.
    pub fn count_event(&mut self, seq: Seq) {
        self.events += 1;
        self.last_seq = seq;
    }

    /// The row after `effect`; most effects are for other tables.
    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::State { state, reason, until, at } if !self.state.is_final() => {
                self.move_to(*state, *at);
                self.reason.clone_from(reason);
                self.until = *until;
            }
            Effect::Held(held) if !self.state.is_final() => self.held = *held,
            Effect::Spent(call) => {
                self.cost = paid(self.cost + call.cost);
                self.basis = less_certain(self.basis, call.basis);
                self.turns = count(self.turns + i64::from(call.by_root));
                self.tokens = added(self.tokens, call.tokens);
            }
            // Calls without usage (refused, broken off) are turns too.
            Effect::Turns(turns) => self.turns = self.turns.max(*turns),
            Effect::Doing(activity) if !self.state.is_final() => self.activity = Some(activity.clone()),
            Effect::Steps(steps) if !self.state.is_final() => {
                let mut steps = steps.clone();
                // A plan that grew is no step back.
                if let Some(before) = self.steps.as_ref().filter(|b| b.progress.percent >= steps.progress.percent) {
                    steps.progress.percent = before.progress.percent;
                    steps.at = before.at;
                }
                self.steps = Some(steps);
            }
            _ => {}
        }
    }

    fn move_to(&mut self, state: JobState, at: Time) {
        if self.state == JobState::Running && state != JobState::Running {
            self.waits_since = Some(at);
        }
        if state == JobState::Running && self.started_at.is_none() {
            self.started_at = Some(at);
        }
        // A wait is over: all that was foretold comes later by as much.
        if (state == JobState::Running || state.is_final())
            && let Some(since) = self.waits_since.take()
        {
            let waited = at.since(since);
            self.waited_ms = count(self.waited_ms.saturating_add(waited));
            if let Some(steps) = &mut self.steps {
                steps.at = after(steps.at, waited);
                steps.stages_end = steps.stages_end.map(|end| after(end, waited));
            }
        }
        if state.is_final() {
            self.finished_at = Some(at);
            self.held = false;
        }
        if state.is_final() || state == JobState::Retrying {
            self.activity = None;
        }
        if state == JobState::Completed
            && let Some(steps) = &mut self.steps
        {
            steps.progress.percent = 100;
        }
        self.state = state;
    }

    /// When the job will be done, as far as one can tell while it is at work: from its stages, else from its pace and
    /// from `typical_ms`, which jobs of its kind took.
    pub fn eta(&self, typical_ms: Option<i64>) -> Option<Time> {
        let started_at = self.started_at.filter(|_| self.state == JobState::Running)?;
        if let Some(end) = self.steps.as_ref().and_then(|steps| steps.stages_end) {
            return Some(end);
        }
        let reached = self.steps.as_ref().map(|steps| (steps.progress.percent, steps.at));
        progress::eta(&Pace { started_at, waited_ms: self.waited_ms, reached, typical_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::Call;

    #[test]
    fn the_least_certain_cost_names_the_sum() {
        let mut job = JobNow::default();
        let call = |basis| {
            Effect::Spent(Call {
                agent: "ceo".into(),
                model: "m".into(),
                day: "2026-11-20".into(),
                tokens: Tokens::default(),
                cost: Money::nanos(1),
                basis,
                by_root: true,
            })
        };
        for (basis, sum) in [
            (CostBasis::Free, CostBasis::Free),
            (CostBasis::Reported, CostBasis::Reported),
            (CostBasis::Unknown, CostBasis::Unknown),
            (CostBasis::Estimated, CostBasis::Unknown),
        ] {
            job.apply(&call(basis));
            assert_eq!(job.basis, sum);
        }
        assert_eq!((job.turns, job.cost), (4, Money::nanos(4)));
    }
}
