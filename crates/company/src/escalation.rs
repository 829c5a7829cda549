//! To whom an agent turns when it is stuck, step by step, up to the founder.

use crate::CEO;

/// The founder, as chains name them.
pub const FOUNDER: &str = "human-founder";
/// Targets that a company may put between the first step and the last.
const CUSTOM: usize = 4;

/// A step of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another try by itself.
    Retry,
    /// A colleague with the same head, in the same department.
    Peer,
    /// The head it answers to.
    Manager,
    /// The head of its department.
    DepartmentHead,
    /// The CEO.
    Ceo,
    /// The founder.
    Founder,
}

impl Step {
    /// The name in files (`department_head`).
    pub fn name(self) -> &'static str {
        match self {
            Step::Retry => "retry",
            Step::Peer => "peer",
            Step::Manager => "manager",
            Step::DepartmentHead => "department_head",
            Step::Ceo => "ceo",
            Step::Founder => "human_founder",
        }
    }
}

/// A step and who is asked in it (a role, or [`FOUNDER`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The step.
    pub step: Step,
    /// Who.
    pub target: String,
}

/// What a chain has to know of somebody on the team.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The role.
    pub role: &'a str,
    /// The department; empty for none.
    pub department: &'a str,
    /// The role it answers to; none for the founder.
    pub reports_to: Option<&'a str>,
}

/// The chain of a role, and a warning where its own targets are more than there are steps for (E077).
pub fn chain(team: &[Person<'_>], role: &str, own: Option<&[String]>) -> (Vec<Link>, Option<String>) {
    let link = |step: Step, target: &str| Link { step, target: target.to_owned() };
    let mut links = vec![link(Step::Retry, role)];
    let Some(own) = own else {
        usual(team, role, &mut links);
        links.push(link(Step::Founder, FOUNDER));
        return (links, None);
    };
    let steps = [Step::Peer, Step::Manager, Step::DepartmentHead, Step::Ceo];
    links.extend(steps.iter().zip(own).map(|(step, target)| link(*step, target)));
    // The founder stands at the end, once (E076).
    if links.last().is_none_or(|last| last.target != FOUNDER) {
        links.push(link(Step::Founder, FOUNDER));
    }
    let warning = (own.len() > CUSTOM).then(|| {
        format!(
            "escalation.chain_overrides.{} names {} targets, and only the first {CUSTOM} are used: the first step and \
             the founder at the end are fixed.",
            contract::one_line(role, 80),
            own.len()
        )
    });
    (links, warning)
}

/// The steps between the first and the last that follow from who answers to whom.
fn usual(team: &[Person<'_>], role: &str, links: &mut Vec<Link>) {
    let mut push = |step: Step, target: &str| links.push(Link { step, target: target.to_owned() });
    if let Some(me) = team.iter().find(|person| person.role == role) {
        let peer = team.iter().find(|person| {
            person.role != role
                && !me.department.is_empty()
                && person.department == me.department
                && person.reports_to == me.reports_to
        });
        if let Some(peer) = peer {
            push(Step::Peer, peer.role);
        }
        if let Some(manager) = me.reports_to.filter(|manager| *manager != CEO) {
            push(Step::Manager, manager);
        }
        let head = team.iter().find(|person| {
            !me.department.is_empty() && person.department == me.department && person.reports_to == Some(CEO)
        });
        if let Some(head) = head.filter(|head| head.role != role && Some(head.role) != me.reports_to) {
            push(Step::DepartmentHead, head.role);
        }
    }
    // Nobody answers to the CEO's CEO (E073).
    if role != CEO {
        push(Step::Ceo, CEO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEAM: [Person<'static>; 5] = [
        Person { role: "ceo", department: "executive", reports_to: None },
        Person { role: "cto", department: "engineering", reports_to: Some("ceo") },
        Person { role: "lead", department: "engineering", reports_to: Some("cto") },
        Person { role: "junior", department: "engineering", reports_to: Some("lead") },
        Person { role: "helper", department: "", reports_to: Some("lead") },
    ];

    fn steps(role: &str, own: Option<&[&str]>) -> Vec<(&'static str, String)> {
        let own: Option<Vec<String>> = own.map(|own| own.iter().map(|target| (*target).to_owned()).collect());
        chain(&TEAM, role, own.as_deref()).0.into_iter().map(|link| (link.step.name(), link.target)).collect()
    }

    #[test]
    fn every_step_that_there_is_somebody_for() {
        let targets: Vec<String> = steps("junior", None).into_iter().map(|(_, target)| target).collect();
        assert_eq!(targets, ["junior", "lead", "cto", "ceo", "human-founder"]);
        assert_eq!(steps("junior", None)[2].0, "department_head");
        let nobody: Vec<String> = steps("stranger", None).into_iter().map(|(_, target)| target).collect();
        assert_eq!(nobody, ["stranger", "ceo", "human-founder"]);
        assert_eq!(steps("helper", None).len(), 4, "no department is no department in common");
    }

    #[test]
    fn e073_the_ceo_turns_to_the_founder() {
        let targets: Vec<String> = steps("ceo", None).into_iter().map(|(_, target)| target).collect();
        assert_eq!(targets, ["ceo", "human-founder"]);
    }

    #[test]
    fn e076_the_founder_stands_at_the_end_once() {
        let names: Vec<&str> = steps("cto", Some(&["human-founder"])).into_iter().map(|(step, _)| step).collect();
        assert_eq!(names, ["retry", "peer"]);
        assert_eq!(steps("cto", Some(&[])).len(), 2);
    }

    #[test]
    fn e077_four_targets_are_used_and_the_others_warned_about() {
        let own: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec();
        let (links, warning) = chain(&TEAM, "cto", Some(&own));
        let targets: Vec<&str> = links.iter().map(|link| link.target.as_str()).collect();
        assert_eq!(targets, ["cto", "a", "b", "c", "d", "human-founder"]);
        assert!(warning.is_some_and(|warning| warning.contains("6 targets") && warning.contains("first 4")));
        assert_eq!(chain(&TEAM, "cto", own.get(..4)).1, None);
    }
}
