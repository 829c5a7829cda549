//! What agents may do: kinds of acts, verdicts on them, the founder's rules, and what is asked before an act.

use serde::{Deserialize, Serialize};

use crate::{CompanyId, JobId, Origin, RuleId, Time};

/// A kind of act, as far as it matters who may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Looking at files.
    Read,
    /// Creating, changing or deleting files of the company's folder.
    Write,
    /// The same anywhere else.
    WriteElsewhere,
    /// Running a command.
    Command,
    /// Reading from the network.
    Network,
    /// Publishing or sending something to people.
    Publish,
    /// Spending money, or committing to it.
    Spend,
}

impl Act {
    /// Every kind, in the order of tables.
    pub const ALL: [Act; 7] =
        [Act::Read, Act::Write, Act::WriteElsewhere, Act::Command, Act::Network, Act::Publish, Act::Spend];

    /// The name in JSON, SQL and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Act::Read => "read",
            Act::Write => "write",
            Act::WriteElsewhere => "write_elsewhere",
            Act::Command => "command",
            Act::Network => "network",
            Act::Publish => "publish",
            Act::Spend => "spend",
        }
    }

    /// The kind with that name.
    pub fn from_name(name: &str) -> Option<Act> {
        Act::ALL.into_iter().find(|act| act.name() == name)
    }

    /// The name on screen.
    pub const fn label(self) -> &'static str {
        match self {
            Act::Read => "Read files",
            Act::Write => "Write in the company folder",
            Act::WriteElsewhere => "Write elsewhere",
            Act::Command => "Run commands",
            Act::Network => "Use the network",
            Act::Publish => "Publish or send",
            Act::Spend => "Spend",
        }
    }
}

/// Whether an agent may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may.
    Allow,
    /// The founder is asked first.
    Ask,
    /// It may not, and nobody is asked.
    Deny,
}

impl Verdict {
    /// Every verdict, the mildest first.
    pub const ALL: [Verdict; 3] = [Verdict::Allow, Verdict::Ask, Verdict::Deny];

    /// The name in JSON, SQL and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Ask => "ask",
            Verdict::Deny => "deny",
        }
    }

    /// The verdict with that name.
    pub fn from_name(name: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// How far an "always" reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This job.
    Job,
    /// This agent, in all jobs of its company.
    Agent,
    /// Everybody in the company.
    Company,
}

impl Scope {
    /// Every scope, the narrowest first.
    pub const ALL: [Scope; 3] = [Scope::Job, Scope::Agent, Scope::Company];

    /// The name in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Job => "job",
            Scope::Agent => "agent",
            Scope::Company => "company",
        }
    }

    /// The scope with that name.
    pub fn from_name(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A rule of the founder's. It goes before what autonomy says; the narrowest that fits counts, and of two as narrow
/// the later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Rule {
    /// Its id.
    pub rule_id: RuleId,
    /// The company it holds in.
    pub company_id: CompanyId,
    /// The job it holds for; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub job_id: Option<JobId>,
    /// The agent it holds for (role); none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub agent: Option<String>,
    /// What it is about.
    pub act: Act,
    /// What exactly: a command, a path or a host, as [`Approval::subject`] has it; none for all acts of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub subject: Option<String>,
    /// What holds.
    pub verdict: Verdict,
    /// When it was made.
    pub created_at: Time,
    /// From which door it came.
    pub origin: Origin,
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// The agent's level of autonomy, with its grants and restrictions.
    Autonomy,
    /// A rule of the founder's.
    Rule,
    /// The company's config (`tools.commands: false`).
    Config,
}

/// What an agent may do of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Permission {
    /// The kind.
    pub act: Act,
    /// The verdict that holds where no rule about something exact fits.
    pub verdict: Verdict,
    /// Why.
    pub ground: Ground,
}

/// What an agent may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct AgentPermissions {
    /// Its role.
    pub role: String,
    /// Its name on screen.
    pub name: String,
    /// Its level of autonomy (`standard`).
    pub autonomy: String,
    /// One for each of [`Act::ALL`], in that order.
    pub permissions: Vec<Permission>,
}

/// What is asked before an act: all that one has to see to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Approval {
    /// What kind of act it is.
    pub act: Act,
    /// The tool (`Bash`).
    pub tool: String,
    /// What would happen, in full: the command, the path, the address. Made visible where it holds characters that
    /// are not ([`crate::visible`]). Hostile text.
    pub action: String,
    /// What "always" would be about, exactly ([`Rule::subject`]); none where there is no such thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub subject: Option<String>,
    /// What would change in a file, as a unified diff; cut where it is long, and says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub diff: Option<String>,
    /// A fingerprint of tool and input: after a crash an answer holds for the identical call alone.
    pub digest: String,
}

/// An answer to an [`Approval`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub allow: bool,
    /// Whether the same is allowed from now on, and how far; only where it may.
    pub always: Option<Scope>,
    /// Why not, for the agent; empty where nothing was said.
    pub reason: String,
}

const ALLOW: &str = "Allow";
const DENY: &str = "Deny";
const ALWAYS: &str = "Allow always for this ";

impl Decision {
    /// It may.
    pub const fn allow(always: Option<Scope>) -> Decision {
        Decision { allow: true, always, reason: String::new() }
    }

    /// It may not.
    pub fn deny(reason: &str) -> Decision {
        Decision { allow: false, always: None, reason: reason.trim().to_owned() }
    }

    /// The answers that a question about an act offers.
    pub fn options() -> Vec<String> {
        let always = Scope::ALL.map(|scope| Decision::allow(Some(scope)).answer());
        [Decision::allow(None).answer()].into_iter().chain(always).chain([DENY.to_owned()]).collect()
    }

    /// The decision as the answer to a question.
    pub fn answer(&self) -> String {
        match (self.allow, self.always) {
            (true, None) => ALLOW.to_owned(),
            (true, Some(scope)) => format!("{ALWAYS}{}", scope.name()),
            (false, _) if self.reason.is_empty() => DENY.to_owned(),
            (false, _) => format!("{DENY}: {}", self.reason),
        }
    }

    /// The decision that an answer stands for; none for any other text.
    pub fn of_answer(answer: &str) -> Option<Decision> {
        let answer = answer.trim();
        if answer.eq_ignore_ascii_case(ALLOW) {
            return Some(Decision::allow(None));
        }
        if let Some(scope) = answer.strip_prefix(ALWAYS) {
            return Scope::from_name(scope).map(|scope| Decision::allow(Some(scope)));
        }
        let said = answer.get(..DENY.len()).filter(|word| word.eq_ignore_ascii_case(DENY))?;
        match answer.get(said.len()..)?.strip_prefix(':') {
            Some(reason) => Some(Decision::deny(reason)),
            None => (answer.len() == DENY.len()).then(|| Decision::deny("")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_reads_back_from_its_answer() {
        let all = Decision::options().into_iter().chain(["Deny: not on a Friday".to_owned()]);
        for answer in all {
            assert_eq!(Decision::of_answer(&answer).unwrap().answer(), answer);
        }
        assert_eq!(Decision::of_answer("allow"), Some(Decision::allow(None)));
        for nothing in ["yes", "", "Allow it", "Denyed", "Allow always for this planet", "Ä"] {
            assert_eq!(Decision::of_answer(nothing), None, "{nothing}");
        }
    }
}
