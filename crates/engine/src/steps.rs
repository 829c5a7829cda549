//! How far the work is, as far as anybody knows: steps done of steps known, and stages where the work has them. Pure.

use contract::{Stages, progress};

/// What is known of the work of a run.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// Calls that all agents together will make, where the play is written down.
    script: Option<i64>,
    /// Calls that were answered.
    calls: i64,
    /// Delegations that were handed out, at any level.
    known: i64,
    /// Of these, ended.
    done: i64,
    /// Whether the CEO's answer is there.
    answered: bool,
    /// Delegations of the CEO's under way: which, and to whom.
    at_work: Vec<(String, String)>,
    /// Roles that did what the CEO gave them.
    completed: Vec<String>,
    /// Whether all that the CEO handed out went to a role that is a stage of work.
    is_staged: bool,
}

impl Steps {
    /// Work whose number of calls is known where a play is written down for it.
    pub fn new(script: Option<i64>) -> Steps {
        Steps { script, is_staged: true, ..Steps::default() }
    }

    /// A call was answered. Whether that is a step.
    pub fn called(&mut self) -> bool {
        self.calls += 1;
        self.script.is_some()
    }

    /// Delegations were handed out; `to`: the roles, by the CEO where `by_ceo`.
    pub fn handed_out<'r>(&mut self, by_ceo: bool, to: impl Iterator<Item = &'r str>) {
        for role in to {
            self.known += 1;
            self.is_staged &= !by_ceo || progress::is_stage(role);
        }
    }

    /// A delegation of the CEO's began.
    pub fn began(&mut self, span: &str, role: &str) {
        self.at_work.push((span.to_owned(), role.to_owned()));
    }

    /// A delegation ended, well or not.
    pub fn ended(&mut self, span: &str, ok: bool) {
        self.done += 1;
        let Some(place) = self.at_work.iter().position(|(own, _)| own == span) else { return };
        let (_, role) = self.at_work.remove(place);
        // Only stages are kept: roles are as many as a company has agents.
        if ok && self.is_staged && !self.completed.contains(&role) {
            self.completed.push(role);
        }
    }

    /// The CEO has answered.
    pub fn answered(&mut self) {
        self.answered = true;
    }

    /// Steps done and steps known. The CEO's answer is one of them.
    pub fn count(&self) -> (i64, i64) {
        let (done, total) = match self.script {
            // The answer is the script's last call. A play that goes off script is not over for that.
            Some(calls) => (self.calls.min(calls - 1), calls.max(1)),
            None => (self.done, self.known + 1),
        };
        (if self.answered { total } else { done.max(0) }, total)
    }

    /// The stages, where the work has any: what was handed out went to stages only.
    pub fn stages(&self) -> Option<Stages> {
        if !self.is_staged || self.known == 0 || (self.at_work.is_empty() && self.completed.is_empty()) {
            return None;
        }
        let current = self.at_work.last().map(|(_, role)| role.clone()).unwrap_or_default();
        Some(Stages { current, completed: self.completed.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delegations_at_every_level_and_the_answer_are_steps() {
        let mut steps = Steps::new(None);
        assert_eq!(steps.count(), (0, 1));
        steps.handed_out(true, ["cto", "cfo"].into_iter());
        steps.began("d1", "cto");
        steps.began("d2", "cfo");
        steps.handed_out(false, ["analyst"].into_iter());
        steps.ended("d3", true);
        assert_eq!(steps.count(), (1, 4));
        steps.ended("d1", false);
        steps.ended("d2", true);
        assert_eq!((steps.count(), steps.stages()), ((3, 4), None));
        assert!(!steps.called(), "calls are no steps where nobody knows how many there will be");
        steps.answered();
        assert_eq!(steps.count(), (4, 4));
    }

    #[test]
    fn stages_are_told_while_all_the_ceo_hands_out_is_staged() {
        let mut steps = Steps::new(None);
        let stages = |current: &str, completed: &[&str]| {
            let completed = completed.iter().map(|role| (*role).to_owned()).collect();
            Some(Stages { current: current.into(), completed })
        };
        steps.handed_out(true, ["architect"].into_iter());
        assert_eq!(steps.stages(), None, "handed out and not begun");
        steps.began("d1", "architect");
        assert_eq!(steps.stages(), stages("architect", &[]));
        steps.ended("d1", true);
        assert_eq!(steps.stages(), stages("", &["architect"]));
        steps.handed_out(true, ["coder", "tester"].into_iter());
        steps.began("d2", "coder");
        // What a stage hands on is its own business.
        steps.handed_out(false, ["intern"].into_iter());
        steps.ended("d3", true);
        assert_eq!(steps.stages(), stages("coder", &["architect"]));
        steps.ended("d2", false);
        steps.began("d4", "coder");
        steps.ended("d4", true);
        assert_eq!(steps.stages(), stages("", &["architect", "coder"]));
        steps.handed_out(true, ["cmo"].into_iter());
        assert_eq!(steps.stages(), None);
    }

    #[test]
    fn a_script_knows_how_many_steps_there_are() {
        let mut steps = Steps::new(Some(3));
        assert_eq!(steps.count(), (0, 3));
        assert!(steps.called() && steps.called());
        assert_eq!(steps.count(), (2, 3));
        steps.called();
        steps.called();
        assert_eq!(steps.count(), (2, 3), "the answer is not there before it is said");
        steps.answered();
        assert_eq!(steps.count(), (3, 3));
    }

    proptest! {
        #[test]
        fn no_more_is_done_than_is_known(
            script in prop::option::of(-2i64..20), walk in prop::collection::vec(0u8..5, 0..80),
        ) {
            let mut steps = Steps::new(script);
            let (mut next, mut open) = (0, Vec::new());
            for step in walk {
                match step {
                    0 => { steps.called(); }
                    1 => {
                        steps.handed_out(next % 2 == 0, ["coder"].into_iter());
                        steps.began(&format!("d{next}"), "coder");
                        open.push(next);
                        next += 1;
                    }
                    2 => if let Some(span) = open.pop() { steps.ended(&format!("d{span}"), span % 3 > 0) },
                    3 => steps.answered(),
                    _ => {}
                }
                let (done, total) = steps.count();
                prop_assert!((0..=total).contains(&done) && total >= 1);
                prop_assert_eq!(done == total, steps.answered);
            }
        }
    }
}
