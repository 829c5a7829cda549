//! What an event means for the rows that screens read. Pure: the same event always means the same.

use contract::progress::{self, MOST as MOST_PERCENT};
use contract::{
    Activity, Approval, Ask, ChangedFile, CostBasis, EngineKind, Entry, Event, EventBody, FileChange, JobState,
    LeaseId, Money, Origin, Progress, RunId, SYSTEM, Seq, Span, SpanKind, Stages, Time, Tokens, WaitReason, clip,
    one_line, role_name,
};
use jiff::tz::TimeZone;

use crate::amounts::{added, count, less_certain, paid};
use crate::days;

/// The role of whom a company is briefed through.
pub(crate) const CEO: &str = "ceo";
/// Characters of a span's title and of an agent's task.
const TITLE: usize = 120;
/// Characters of what an activity is about.
const SUBJECT: usize = 80;
/// Bytes of a question, of what one has to know to answer it, and of one of its options; and how many of these.
const QUESTION: usize = 8 * 1024;
const DETAIL: usize = 32 * 1024;
const OPTION: usize = 500;
/// Bytes of an act, and of what it changes in a file.
const ACTION: usize = 64 * 1024;
const OPTIONS: usize = 10;
/// Bytes of a question's name. A worker's are short; a longer one is no question.
const KEY: usize = 200;
/// Bytes of an entry of the journal.
const ENTRY: usize = 8 * 1024;

/// What [`fold`] has to know beside the event.
pub struct Facts<'a> {
    /// The job's title: the task of whom it was sent to.
    pub title: &'a str,
    /// Whom it was sent to (role): the CEO, or a head that is briefed directly.
    pub root: &'a str,
    /// The zone whose days money is counted by.
    pub zone: &'a TimeZone,
}

/// A change to a projection.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The job came to another state.
    State {
        /// The state.
        state: JobState,
        /// Why.
        reason: String,
        /// When it goes on by itself.
        until: Option<Time>,
        /// When.
        at: Time,
    },
    /// The founder put the job on hold, or let it go on.
    Held(bool),
    /// A model call was paid for.
    Spent(Call),
    /// Model calls of whom the job was sent to, as the worker counted them.
    Turns(i64),
    /// Who does what.
    Doing(Activity),
    /// How far the work is.
    Steps(Steps),
    /// A span began; a model call's begins and ends at once.
    SpanOpened(Span),
    /// A span ended.
    SpanClosed {
        /// Its kind.
        kind: SpanKind,
        /// Its name.
        span: String,
        /// When.
        at: Time,
        /// Whether it went well.
        ok: bool,
        /// What it cost.
        cost: Money,
    },
    /// Nothing of the job is under way any more: spans left open end, nobody waits for an answer, its agents are free,
    /// and whom it was sent to is at fault where it failed.
    Ended {
        /// When.
        at: Time,
        /// Whether the job failed.
        failed: bool,
    },
    /// A file was changed.
    FileChanged(ChangedFile),
    /// An agent is at work.
    AgentWorking {
        /// Its role.
        role: String,
        /// On what.
        task: String,
    },
    /// A delegation to an agent ended: it is free, unless it has another.
    AgentFree {
        /// Its role.
        role: String,
    },
    /// The lease of a call is settled.
    LeaseSettled(LeaseId),
    /// An agent waits for the founder's word.
    Asked(Asked),
    /// The founder's word.
    Answered {
        /// The run that asked.
        run: RunId,
        /// The question's name in it.
        key: String,
        /// The answer.
        answer: String,
        /// From which door it came.
        by: Origin,
        /// When.
        at: Time,
    },
    /// By which name an engine that is a program takes up the session's conversation.
    Conversation {
        /// The engine.
        engine: EngineKind,
        /// Which of the agents that speak ACP.
        engine_agent: String,
        /// The name.
        conversation: String,
    },
    /// The founder had more to say to the job.
    FollowedUp(String),
    /// What the founder had to say was heard: the places of its events.
    FollowUpsTaken(Vec<Seq>),
    /// The job's entry in the journal.
    Journal {
        /// A few sentences.
        text: String,
        /// When it was written.
        at: Time,
    },
}

/// A question to the founder.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Its name in its run.
    pub key: String,
    /// Who asks (role).
    pub agent: String,
    /// What kind it is.
    pub ask: Ask,
    /// The question.
    pub text: String,
    /// What one has to know to answer it.
    pub detail: String,
    /// The answers to choose from; empty where any text is one.
    pub options: Vec<String>,
    /// The act that it is about.
    pub approval: Option<Approval>,
    /// When it was asked.
    pub at: Time,
}

/// How far the work is, as an agent said.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    /// The steps, and how much of the work they are.
    pub progress: Progress,
    /// When it said so.
    pub at: Time,
    /// When the stages that are left will be done, where the work has any.
    pub stages_end: Option<Time>,
}

/// A model call, paid for.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Who called (role).
    pub agent: String,
    /// The model.
    pub model: String,
    /// The local day on which it began.
    pub day: String,
    /// What it used.
    pub tokens: Tokens,
    /// What it cost.
    pub cost: Money,
    /// Where that figure comes from.
    pub basis: CostBasis,
    /// Whether it was made by whom the job was sent to.
    pub by_root: bool,
}

impl Call {
    /// Whether `other` is of the same agent, model and day.
    pub(crate) fn goes_with(&self, other: &Call) -> bool {
        self.agent == other.agent && self.model == other.model && self.day == other.day
    }

    /// Adds what `other` used and cost.
    pub(crate) fn add(&mut self, other: &Call) {
        self.cost = paid(self.cost + other.cost);
        self.tokens = added(self.tokens, other.tokens);
        self.basis = less_certain(self.basis, other.basis);
    }
}

/// What `event` means.
pub fn fold(event: &Event, facts: &Facts<'_>) -> Vec<Effect> {
    let entry = &event.entry;
    let at = entry.at;
    let doing = |text: String| Effect::Doing(Activity { agent: entry.agent.clone(), text });
    let span = |span: &str, kind, agent: &str, title: String| Span {
        span: span.to_owned(),
        kind,
        agent: agent.to_owned(),
        parent: entry.parent.clone(),
        title,
        started_at: at,
        finished_at: None,
        ok: false,
        cost_usd: Money::ZERO,
        children: 0,
    };
    match &entry.body {
        EventBody::Message { .. } | EventBody::Thinking { .. } => vec![doing("is thinking".into())],
        EventBody::ToolStarted { call, tool, subject, .. } => {
            let title = one_line(&format!("{tool} {subject}"), TITLE);
            vec![
                doing(tool_activity(tool, subject)),
                Effect::SpanOpened(span(call, SpanKind::Tool, &entry.agent, title)),
            ]
        }
        EventBody::ToolFinished { call, ok, change, .. } => {
            let closed =
                Effect::SpanClosed { kind: SpanKind::Tool, span: call.clone(), at, ok: *ok, cost: Money::ZERO };
            let changed = change.as_ref().map(|change| changed(change, entry));
            [Some(doing("is thinking".into())), Some(closed), changed].into_iter().flatten().collect()
        }
        EventBody::DelegationStarted { span: name, to, task } => {
            let task = one_line(task, TITLE);
            vec![
                doing(format!("is delegating to {}", one_line(&role_name(to), SUBJECT))),
                Effect::SpanOpened(span(name, SpanKind::Delegation, to, task.clone())),
                Effect::AgentWorking { role: to.clone(), task },
            ]
        }
        EventBody::DelegationFinished { span: name, to, ok, cost_usd, .. } => vec![
            doing("is thinking".into()),
            Effect::SpanClosed { kind: SpanKind::Delegation, span: name.clone(), at, ok: *ok, cost: paid(*cost_usd) },
            Effect::AgentFree { role: to.clone() },
        ],
        EventBody::Usage { .. } => usage(event, facts),
        EventBody::Progress { done, total, note, stages } => {
            vec![Effect::Steps(steps(*done, *total, note, stages.as_ref(), at))]
        }
        // The run as a whole waits: what its agents wait for, they said before.
        EventBody::Waiting { .. } if entry.agent == SYSTEM => Vec::new(),
        EventBody::Waiting { over: true, .. } => vec![doing("is thinking".into())],
        EventBody::Waiting { reason, .. } => vec![doing(awaited(*reason).into())],
        EventBody::Notice { .. } | EventBody::Error { .. } => Vec::new(),
        EventBody::RunExited { turns, .. } => vec![Effect::Turns(count(*turns))],
        // Only the daemon moves a job, holds it, or hears the founder: a worker's word for it counts for nothing.
        EventBody::JobChanged { .. }
        | EventBody::Held { .. }
        | EventBody::Answered { .. }
        | EventBody::FollowUp { .. }
            if event.run_id.is_some() =>
        {
            Vec::new()
        }
        EventBody::Asked { .. } => asked(event).map(Effect::Asked).into_iter().collect(),
        EventBody::Answered { key, run_id, answer, by, .. } => {
            vec![Effect::Answered { run: *run_id, key: key.clone(), answer: answer.clone(), by: *by, at }]
        }
        EventBody::FollowUp { text } => vec![Effect::FollowedUp(text.clone())],
        EventBody::FollowUpTaken { seqs } => vec![Effect::FollowUpsTaken(seqs.clone())],
        EventBody::Prompt { .. } => Vec::new(),
        // What a delegated agent said to its engine is not what the session goes on from.
        EventBody::EngineStarted { engine, engine_agent, conversation: Some(conversation), .. }
            if event.entry.parent.is_none() =>
        {
            vec![Effect::Conversation {
                engine: *engine,
                engine_agent: engine_agent.clone(),
                conversation: conversation.clone(),
            }]
        }
        EventBody::EngineStarted { .. } => Vec::new(),
        EventBody::Journal { text, .. } if text.trim().is_empty() => Vec::new(),
        EventBody::Journal { text, .. } => vec![Effect::Journal { text: clip(text.trim(), ENTRY).into_owned(), at }],
        EventBody::JobChanged { state, reason, until, .. } => job_changed(*state, reason, *until, at, facts),
        EventBody::FilesFound { changes } => changes.iter().map(|change| changed(change, entry)).collect(),
        EventBody::Held { all: true, .. } => Vec::new(),
        EventBody::Held { held, .. } => vec![Effect::Held(*held)],
    }
}

fn changed(change: &FileChange, entry: &Entry) -> Effect {
    let change = FileChange { added: count(change.added), removed: count(change.removed), ..change.clone() };
    Effect::FileChanged(ChangedFile { change, agent: entry.agent.clone(), at: entry.at })
}

/// A question that a run asks, no longer than a screen can show.
fn asked(event: &Event) -> Option<Asked> {
    let EventBody::Asked { key, ask, text, detail, options, approval } = &event.entry.body else { return None };
    // A question for leave to act without the act cannot be decided, and the other way round it is none.
    if event.run_id.is_none() || key.len() > KEY || (*ask == Ask::Approval) != approval.is_some() {
        return None;
    }
    Some(Asked {
        key: key.clone(),
        agent: event.entry.agent.clone(),
        ask: *ask,
        text: clip(text, QUESTION).into_owned(),
        detail: clip(detail, DETAIL).into_owned(),
        options: options.iter().take(OPTIONS).map(|option| clip(option, OPTION).into_owned()).collect(),
        approval: approval.as_ref().map(shown),
        at: event.entry.at,
    })
}

/// An act, no longer than somebody can read. What "always" is about is whole, or it is nothing.
fn shown(approval: &Approval) -> Approval {
    Approval {
        act: approval.act,
        tool: one_line(&approval.tool, TITLE),
        action: clip(&approval.action, ACTION).into_owned(),
        subject: approval.subject.clone().filter(|subject| subject.len() <= ACTION),
        diff: approval.diff.as_ref().map(|diff| clip(diff, ACTION).into_owned()),
        digest: approval.digest.chars().take(KEY).collect(),
    }
}

fn steps(done: i64, total: i64, note: &str, stages: Option<&Stages>, at: Time) -> Steps {
    let percent = match stages {
        Some(stages) => progress::of_stages(stages).clamp(0, MOST_PERCENT),
        None => progress::of_steps(done, total),
    };
    let progress = Progress { done: count(done), total: count(total), percent, note: one_line(note, TITLE) };
    let stages_end = stages.map(|stages| after(at, progress::left_of_stages(stages)));
    Steps { progress, at, stages_end }
}

fn usage(event: &Event, facts: &Facts<'_>) -> Vec<Effect> {
    let entry = &event.entry;
    let EventBody::Usage {
        model,
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_write_tokens,
        cost_usd,
        basis,
        started_at,
        lease_id,
    } = &entry.body
    else {
        return Vec::new();
    };
    let cost = paid(*cost_usd);
    let call = Call {
        agent: entry.agent.clone(),
        model: model.clone(),
        day: days::of_in(*started_at, facts.zone),
        tokens: Tokens {
            input: count(*input_tokens),
            output: count(*output_tokens),
            cache_read: count(*cache_read_tokens),
            cache_write: count(*cache_write_tokens),
        },
        cost,
        basis: *basis,
        by_root: entry.parent.is_none(),
    };
    let turn = Span {
        span: format!("turn-{}", event.seq),
        kind: SpanKind::Turn,
        agent: entry.agent.clone(),
        parent: entry.parent.clone(),
        title: one_line(model, TITLE),
        started_at: (*started_at).min(entry.at),
        finished_at: Some(entry.at),
        ok: true,
        cost_usd: cost,
        children: 0,
    };
    let settled = lease_id.map(Effect::LeaseSettled);
    [Some(Effect::Spent(call)), Some(Effect::SpanOpened(turn)), settled].into_iter().flatten().collect()
}

fn job_changed(state: JobState, reason: &str, until: Option<Time>, at: Time, facts: &Facts<'_>) -> Vec<Effect> {
    // What waits for its time always has one.
    let until = match state {
        JobState::Scheduled | JobState::Retrying => until.or(Some(at)),
        _ => until,
    };
    let mut effects = vec![Effect::State { state, reason: reason.to_owned(), until, at }];
    match state {
        JobState::Running => {
            effects.push(Effect::Doing(Activity { agent: facts.root.to_owned(), text: "is thinking".into() }));
            effects.push(Effect::AgentWorking { role: facts.root.to_owned(), task: facts.title.to_owned() });
        }
        JobState::Scheduled | JobState::Blocked | JobState::Queued | JobState::Waiting => {}
        JobState::Retrying | JobState::Completed | JobState::Failed | JobState::Cancelled => {
            effects.push(Effect::Ended { at, failed: state == JobState::Failed });
        }
    }
    effects
}

fn tool_activity(tool: &str, subject: &str) -> String {
    let subject = one_line(subject, SUBJECT);
    let verb = match tool.to_ascii_lowercase().as_str() {
        _ if subject.is_empty() => return format!("is using {}", one_line(tool, SUBJECT)),
        "write" => "writing",
        "edit" => "editing",
        "read" => "reading",
        "list" => "looking at",
        "glob" | "grep" => "searching for",
        "bash" | "command" | "run" | "run_command" => "running",
        _ => return format!("is using {}: {subject}", one_line(tool, SUBJECT)),
    };
    format!("is {verb} {subject}")
}

fn awaited(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::RateLimit => "is waiting for the provider's rate limit",
        WaitReason::Provider => "is waiting for the provider",
        WaitReason::Daemon => "is waiting for the daemon",
        WaitReason::Keychain => "is waiting for the keychain to be unlocked",
        WaitReason::Paused => "is on hold",
        WaitReason::Slot => "is waiting for its turn",
        WaitReason::Answer => "is waiting for the founder's answer",
        WaitReason::Quota => "is waiting for the account's quota",
    }
}

/// `at`, so many milliseconds later.
pub(crate) fn after(at: Time, ms: i64) -> Time {
    Time(at.0.saturating_add(ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{JobId, RunId, Seq};

    use crate::amounts::MOST;
    use crate::job_now::JobNow;

    fn folded(run: Option<RunId>, body: EventBody) -> Vec<Effect> {
        let entry = Entry { at: Time(5), agent: "cmo".into(), parent: Some("d1".into()), body };
        let event = Event { seq: Seq(7), job_id: JobId(1), run_id: run, entry };
        fold(&event, &Facts { title: "Launch", root: CEO, zone: &TimeZone::UTC })
    }

    #[test]
    fn a_worker_cannot_move_its_job() {
        let held = EventBody::Held { held: true, all: false };
        assert_eq!(folded(Some(RunId(1)), held.clone()), []);
        assert_eq!(folded(None, held), [Effect::Held(true)]);
        let body =
            EventBody::JobChanged { state: JobState::Completed, reason: String::new(), until: None, stopped: None };
        assert_eq!(folded(Some(RunId(1)), body.clone()), []);
        assert!(!folded(None, body).is_empty());
    }

    #[test]
    fn activities_read_as_sentences() {
        let text = |tool: &str, subject: &str| tool_activity(tool, subject);
        assert_eq!(text("Write", "docs/about.md"), "is writing docs/about.md");
        assert_eq!(text("Bash", "cargo\ntest"), "is running cargo test");
        assert_eq!(text("Teleport", ""), "is using Teleport");
        assert_eq!(text("Teleport", "home"), "is using Teleport: home");
        let to = EventBody::DelegationStarted { span: "d2".into(), to: "cfo".into(), task: "t".into() };
        let Effect::Doing(activity) = &folded(None, to)[0] else { panic!("no activity") };
        assert_eq!(activity.text, "is delegating to CFO");
    }

    #[test]
    fn e027_less_than_nothing_costs_nothing() {
        let usage = EventBody::Usage {
            model: "m".into(),
            input_tokens: -4,
            output_tokens: i64::MAX,
            cache_read_tokens: 0,
            cache_write_tokens: 0,
            cost_usd: Money::nanos(-1),
            basis: CostBasis::Reported,
            started_at: Time(9),
            lease_id: None,
        };
        let effects = folded(Some(RunId(1)), usage);
        let mut job = JobNow::default();
        for _ in 0..3 {
            effects.iter().for_each(|effect| job.apply(effect));
        }
        assert_eq!((job.cost, job.tokens.input, job.tokens.output, job.turns), (Money::ZERO, 0, MOST, 0));
        let Effect::SpanOpened(turn) = &effects[1] else { panic!("no turn") };
        assert_eq!((turn.started_at, turn.finished_at), (Time(5), Some(Time(5))));
    }
}
