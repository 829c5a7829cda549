//! The gate: what an agent is about to do is put in a category and judged by its autonomy and the founder's rules. It
//! may, it may not, or the founder is asked, and the agent waits.

mod diff;
mod intent;
mod rules;
mod shell;

use std::path::PathBuf;
use std::sync::Arc;

use company::{AgentFile, Company};
use contract::limits::MAX_EVENT_TEXT_BYTES;
use contract::{
    Act, Approval, Ask, Decision, Error, Ground, JobId, Origin, Rule, RuleId, Scope, Time, Verdict, one_line, visible,
};
use tokio_util::sync::CancellationToken;

pub(crate) use intent::Intent;
use intent::intent;
pub use rules::{Grants, Rules};

use crate::{Brief, Host, Question};

/// Whether an agent may do what it is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It may.
    Granted,
    /// It may not, for this reason: what the agent is told in place of a result.
    Refused(String),
    /// The run was told to stop before anybody answered.
    Stopped,
}

/// Judges what the agents of a run are about to do. Cheap to make; gates of one brief share rules and answers.
#[derive(Clone)]
pub(crate) struct Gate {
    company: Arc<Company>,
    job_id: JobId,
    rules: Rules,
    granted: Grants,
    folder: PathBuf,
    /// Temporary files are the agents' own, like the company's.
    tmp: PathBuf,
}

impl Gate {
    /// The gate of a brief.
    pub fn new(brief: &Brief) -> Gate {
        Gate {
            company: brief.company.clone(),
            job_id: brief.job_id,
            rules: brief.rules.clone(),
            granted: brief.granted.clone(),
            folder: brief.company.dir.clone(),
            tmp: brief.tmp_dir.clone(),
        }
    }

    /// What a call of a tool's would do.
    pub fn intent(&self, tool: &str, input: &serde_json::Value) -> Intent {
        intent(tool, input, &[&self.folder, &self.tmp])
    }

    /// The verdict on an act, and where it comes from.
    pub fn verdict(&self, agent: &AgentFile, intent: &Intent) -> (Verdict, Ground) {
        let is_command = intent.is_command;
        if is_command && self.company.config.commands == Some(false) {
            return (Verdict::Deny, Ground::Config);
        }
        let subject = intent.subject.as_deref();
        let of = |act| match self.rules.holds(self.job_id, &agent.role, act, subject) {
            Some(rule) => (rule.verdict, Ground::Rule, rule.subject.is_some()),
            None => (agent.judgement.verdict(act), Ground::Autonomy, false),
        };
        let (verdict, ground, is_exact) = of(intent.act);
        if is_exact || !is_command || intent.act == Act::Command {
            return (verdict, ground);
        }
        // A command that reaches further is still a command; a rule on that very command decides it.
        let (command, why, is_exact) = of(Act::Command);
        if is_exact || command > verdict { (command, why) } else { (verdict, ground) }
    }

    /// Whether the agent may do that now. Where the founder has to be asked, it waits for the answer.
    ///
    /// # Errors
    /// When the question cannot be recorded.
    pub async fn leave(
        &self,
        host: &dyn Host,
        agent: &AgentFile,
        parent: Option<&str>,
        intent: Intent,
        stop: &CancellationToken,
    ) -> Result<Leave, Error> {
        match self.verdict(agent, &intent) {
            (Verdict::Allow, _) => Ok(Leave::Granted),
            (Verdict::Deny, ground) => Ok(Leave::Refused(forbidden(agent, &intent, ground))),
            (Verdict::Ask, ground) => self.asked(host, agent, parent, intent, ground, stop).await,
        }
    }

    /// Asks the founder, whatever the verdict is.
    ///
    /// # Errors
    /// As [`Gate::leave`].
    pub async fn asked(
        &self,
        host: &dyn Host,
        agent: &AgentFile,
        parent: Option<&str>,
        intent: Intent,
        ground: Ground,
        stop: &CancellationToken,
    ) -> Result<Leave, Error> {
        if stop.is_cancelled() {
            return Ok(Leave::Stopped);
        }
        if let Some(decision) = self.granted.take(&agent.role, &intent.digest) {
            return Ok(decided(&decision));
        }
        let action = visible(&intent.action);
        if action.len() > MAX_EVENT_TEXT_BYTES {
            let why = "It is too long to be shown to the founder, who has to see all of it before it is done. Do it in \
                       smaller steps.";
            return Ok(Leave::Refused(why.into()));
        }
        let diff = match intent.diff.clone() {
            Some(diff) => Some(diff),
            None => intent.diff_now(&self.folder).await,
        };
        let act = intent.act;
        let approval = Approval {
            act,
            tool: one_line(&intent.tool, 120),
            action,
            subject: intent.subject.clone(),
            diff: diff.map(|diff| diff::shown(&diff)),
            digest: intent.digest.clone(),
        };
        // An "always" without anything that it is about would reach further than what is on screen.
        let mut options = Decision::options();
        if approval.subject.is_none() {
            options.retain(|option| Decision::of_answer(option).is_none_or(|decision| decision.always.is_none()));
        }
        let question = Question {
            ask: Ask::Approval,
            text: format!("{} wants to {}.", one_line(&agent.name, 80), intent.what()),
            detail: why_asked(agent, act, ground),
            options,
            refusal: None,
            approval: Some(approval),
        };
        let answer = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Leave::Stopped),
            answer = host.ask(&agent.role, parent, question) => answer?,
        };
        let Some(answer) = answer else { return Ok(Leave::Stopped) };
        let decision = Decision::of_answer(&answer).unwrap_or_else(|| Decision::deny(&answer));
        if let (true, Some(scope), Some(subject)) = (decision.allow, decision.always, intent.subject) {
            self.remember(agent, scope, act, subject);
        }
        Ok(decided(&decision))
    }

    /// An "always" holds at once, before the daemon has told the run of the rule that it made.
    fn remember(&self, agent: &AgentFile, scope: Scope, act: Act, subject: String) {
        self.rules.add(Rule {
            rule_id: RuleId(i64::MAX),
            company_id: contract::CompanyId(0),
            job_id: (scope == Scope::Job).then_some(self.job_id),
            agent: (scope == Scope::Agent).then(|| agent.role.clone()),
            act,
            subject: Some(subject),
            verdict: Verdict::Allow,
            created_at: Time::now(),
            origin: Origin::Client,
        });
    }
}

/// What follows from a decision.
fn decided(decision: &Decision) -> Leave {
    if decision.allow {
        return Leave::Granted;
    }
    let mut why = "The founder says no to this".to_owned();
    let reason = decision.reason.trim().trim_end_matches('.');
    if !reason.is_empty() {
        why.push_str(&format!(": {reason}"));
    }
    why.push_str(". It was not done. Do not do it in another way: go on without it, or say in your answer what it keeps you from.");
    Leave::Refused(why)
}

/// What an agent is told that is not even to ask.
fn forbidden(agent: &AgentFile, intent: &Intent, ground: Ground) -> String {
    let why = match ground {
        Ground::Autonomy => format!("your level of autonomy ({}) leaves that to others", agent.judgement.level.name()),
        Ground::Rule => "a rule of the founder's forbids it".to_owned(),
        Ground::Config => "commands are switched off in this company".to_owned(),
    };
    format!(
        "You may not {}: {why}. It was not done. Go on without it, or say in your answer what it keeps you from.",
        intent.what()
    )
}

/// Why the founder is asked, for the founder.
fn why_asked(agent: &AgentFile, act: Act, ground: Ground) -> String {
    match ground {
        Ground::Rule => format!("Your rule on “{}” says to ask first.", act.label()),
        _ => format!("“{}” needs your yes at its level of autonomy ({}).", act.label(), agent.judgement.level.name()),
    }
}

#[cfg(test)]
mod tests;
