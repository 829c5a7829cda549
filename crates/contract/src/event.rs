//! Events: everything that happens in a job, in order. What the worker appends to its spool, the daemon stores,
//! and clients show.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Approval, Confined, CostBasis, EngineKind, Error, ErrorCode, JobId, JobState, LeaseId, Money, Origin, QuestionId,
    RunId, Seq, Time,
};

/// An event as it is stored and sent to clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Event {
    /// Its place among all events.
    pub seq: Seq,
    /// The job it belongs to.
    pub job_id: JobId,
    /// The run it came from; none for what the daemon itself has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub run_id: Option<RunId>,
    /// What happened, when, and to whom.
    #[serde(flatten)]
    pub entry: Entry,
}

/// A line of a spool: an event before it has a place among all events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Entry {
    /// When it happened.
    pub at: Time,
    /// The agent's role (`ceo`); `system` for what no agent did.
    pub agent: String,
    /// The delegation inside which it happened: the `span` of its `delegation_started`. None at the CEO's level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub parent: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// The role named by events that no agent caused.
pub const SYSTEM: &str = "system";

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody {
    /// An agent said something, whole. Markdown from a model: hostile text.
    Message {
        /// What it said.
        text: String,
    },
    /// A model's reasoning, where it shows any.
    Thinking {
        /// The reasoning.
        text: String,
    },
    /// A tool call began.
    ToolStarted {
        /// The call, unique in its run.
        call: String,
        /// The tool's name (`Write`).
        tool: String,
        /// What it is about, in a few words (`docs/about.md`).
        subject: String,
        /// The input as the model gave it, cut where it is long.
        #[cfg_attr(test, ts(type = "unknown"))]
        input: Value,
    },
    /// A tool call ended.
    ToolFinished {
        /// The call that ended.
        call: String,
        /// The tool's name.
        tool: String,
        /// Whether it did what it should.
        ok: bool,
        /// How it went, in a few words (`+64 lines`, `exit 0`).
        summary: String,
        /// What the model was given, cut to 8 KB.
        output: String,
        /// The file it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        change: Option<FileChange>,
        /// How long it took, in milliseconds.
        duration_ms: i64,
    },
    /// An agent gave work to another.
    DelegationStarted {
        /// The delegation, unique in its run: what events inside it name as `parent`.
        span: String,
        /// Who is to do it (role).
        to: String,
        /// What is to be done.
        task: String,
    },
    /// Delegated work came back.
    DelegationFinished {
        /// The delegation that ended.
        span: String,
        /// Who did it (role).
        to: String,
        /// Whether it was done.
        ok: bool,
        /// What came back, in a line.
        summary: String,
        /// How long it took, in milliseconds.
        duration_ms: i64,
        /// What it cost, with all that it delegated in turn.
        cost_usd: Money,
    },
    /// A model call ended and this is what it used.
    Usage {
        /// The model that answered.
        model: String,
        /// Input tokens, cached ones left out.
        input_tokens: i64,
        /// Output tokens.
        output_tokens: i64,
        /// Input tokens read from the provider's cache.
        cache_read_tokens: i64,
        /// Input tokens written to it.
        cache_write_tokens: i64,
        /// The price of the call.
        cost_usd: Money,
        /// Where the price comes from.
        basis: CostBasis,
        /// When the call began. The call belongs to that day.
        started_at: Time,
        /// The lease that this settles.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        lease_id: Option<LeaseId>,
    },
    /// How far the work is.
    Progress {
        /// Steps done.
        done: i64,
        /// Steps known.
        total: i64,
        /// The step at hand.
        note: String,
        /// The stages, where the work has any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        stages: Option<Stages>,
    },
    /// The agent cannot go on for a while, or (`over`) can again. From [`SYSTEM`]: the run as a whole cannot, since
    /// none of its agents can.
    Waiting {
        /// What it waits for, in a few words.
        reason: WaitReason,
        /// The whole story in a sentence.
        detail: String,
        /// When it will try again, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        until: Option<Time>,
        /// Whether the wait has ended.
        over: bool,
    },
    /// Something worth knowing.
    Notice {
        /// How much it matters.
        level: NoticeLevel,
        /// What it is.
        text: String,
    },
    /// Something went wrong. It may or may not end the run.
    Error {
        /// What, and what to do.
        error: Error,
    },
    /// The worker's last word.
    RunExited {
        /// How the run ended.
        outcome: Outcome,
        /// The CEO's answer in full, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        result: Option<String>,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        error: Option<Error>,
        /// Model calls of the CEO.
        turns: i64,
        /// Whether a tool that changes anything was called: a failed run that had no effect may be tried again.
        #[serde(default = "assume")]
        effects: bool,
        /// Processes under the worker that were ended.
        ended: i64,
        /// Of those, by force.
        forced: i64,
        /// Processes under the worker that are left. 0, or it says so.
        left: i64,
    },
    /// The job came to another state.
    JobChanged {
        /// The state it has now.
        state: JobState,
        /// Why, in a sentence; empty where the state says it all.
        reason: String,
        /// When it goes on by itself, where that is known: a scheduled or retrying job's next run, a wait's end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        until: Option<Time>,
        /// What became of its processes, once it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        stopped: Option<StopCounts>,
    },
    /// An agent cannot go on without the founder's word. It waits until an `answered` names the same key.
    Asked {
        /// The question, unique in its run.
        key: String,
        /// What kind it is.
        ask: Ask,
        /// The question, in a sentence or a few. Hostile text.
        text: String,
        /// What one has to know to answer it: a command in full, a limit and what is spent of it.
        detail: String,
        /// The answers to choose from; empty where any text is one.
        options: Vec<String>,
        /// The act that it is about, where it asks for leave to act.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        approval: Option<Approval>,
    },
    /// A question was answered: the first answer counts.
    Answered {
        /// The question.
        question_id: QuestionId,
        /// Its key.
        key: String,
        /// The run that asked; by a name of its own on the wire, where the event's own `run_id` stands beside it.
        #[serde(rename = "asked_in")]
        run_id: RunId,
        /// The answer.
        answer: String,
        /// From which door it came.
        by: Origin,
    },
    /// The founder has more to say to a job at work.
    FollowUp {
        /// What.
        text: String,
    },
    /// The CEO was told what the founder had to say.
    FollowUpTaken {
        /// The `follow_up` events that it was told, by their place.
        seqs: Vec<Seq>,
    },
    /// What a model is told before it begins: the exact texts of an agent's first call.
    Prompt {
        /// The model.
        model: String,
        /// The system prompt.
        system: String,
        /// The first message.
        message: String,
        /// The tools that it has.
        tools: Vec<String>,
    },
    /// What the job's entry in the company's journal says.
    Journal {
        /// A few sentences.
        text: String,
        /// What writing them cost.
        cost_usd: Money,
    },
    /// An engine that is a program has begun a conversation, or taken one up.
    EngineStarted {
        /// Which engine.
        engine: EngineKind,
        /// Which of the agents that speak ACP; empty for any other engine.
        #[serde(default)]
        engine_agent: String,
        /// Its own name for the conversation, where it has one: what it is taken up by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        conversation: Option<String>,
        /// The program's version, as it says; empty where it does not.
        #[serde(default)]
        version: String,
        /// How far it is confined.
        confined: Confined,
    },
    /// Files of the company's folder that are not what they were before the run, beyond those that tool calls named:
    /// what commands and programs did, and whoever else worked in the folder meanwhile. From [`SYSTEM`].
    FilesFound {
        /// The files.
        changes: Vec<FileChange>,
    },
    /// The founder put the job on hold, or let it go on.
    Held {
        /// Whether it is on hold now.
        held: bool,
        /// Whether all jobs are, and not this one alone.
        all: bool,
    },
}

/// What is assumed of a run whose worker does not say: that it changed something.
const fn assume() -> bool {
    true
}

/// What became of a job's processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct StopCounts {
    /// Processes that were ended.
    pub ended: i64,
    /// Of those, by force.
    pub forced: i64,
    /// Processes left: 0, or it says so.
    pub left: i64,
}

impl std::ops::Add for StopCounts {
    type Output = StopCounts;
    /// Ended and forced add up; of what is left, the later look has the last say.
    fn add(self, later: StopCounts) -> StopCounts {
        StopCounts { ended: self.ended + later.ended, forced: self.forced + later.forced, left: later.left }
    }
}

/// Where staged work is: architect, coder, reviewer, tester.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Stages {
    /// The stage at hand; empty where there is none.
    pub current: String,
    /// Stages that are done.
    pub completed: Vec<String>,
}

impl EventBody {
    /// The event's kind, as in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            EventBody::Message { .. } => "message",
            EventBody::Thinking { .. } => "thinking",
            EventBody::ToolStarted { .. } => "tool_started",
            EventBody::ToolFinished { .. } => "tool_finished",
            EventBody::DelegationStarted { .. } => "delegation_started",
            EventBody::DelegationFinished { .. } => "delegation_finished",
            EventBody::Usage { .. } => "usage",
            EventBody::Progress { .. } => "progress",
            EventBody::Waiting { .. } => "waiting",
            EventBody::Notice { .. } => "notice",
            EventBody::Error { .. } => "error",
            EventBody::RunExited { .. } => "run_exited",
            EventBody::JobChanged { .. } => "job_changed",
            EventBody::Asked { .. } => "asked",
            EventBody::Answered { .. } => "answered",
            EventBody::FollowUp { .. } => "follow_up",
            EventBody::FollowUpTaken { .. } => "follow_up_taken",
            EventBody::Prompt { .. } => "prompt",
            EventBody::Journal { .. } => "journal",
            EventBody::EngineStarted { .. } => "engine_started",
            EventBody::FilesFound { .. } => "files_found",
            EventBody::Held { .. } => "held",
        }
    }

    /// Whether the spool is synced to disk right after it: usage is money, and the end is the end.
    pub const fn is_synced(&self) -> bool {
        matches!(self, EventBody::Usage { .. } | EventBody::Asked { .. } | EventBody::RunExited { .. })
    }
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The provider said to come back later.
    RateLimit,
    /// The provider is overloaded, broken or out of reach.
    Provider,
    /// The daemon is away, and calls need its leave.
    Daemon,
    /// The keychain is locked.
    Keychain,
    /// The founder put it on hold.
    Paused,
    /// As many others as may be are at work.
    Slot,
    /// The founder's answer.
    Answer,
    /// The provider's account is out of quota, until a time that it names.
    Quota,
}

/// What kind of question an agent has for the founder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Something only the founder can decide: the end of an agent's escalation.
    Decision,
    /// A limit does not cover the next call: raise it, or end.
    Limit,
    /// The work goes round in circles: go on, or end.
    Loop,
    /// Leave to act: an [`Approval`] says to do what.
    Approval,
}

impl Ask {
    /// The name in JSON and SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Ask::Decision => "decision",
            Ask::Limit => "limit",
            Ask::Loop => "loop",
            Ask::Approval => "approval",
        }
    }

    /// The kind with that name.
    pub fn from_name(name: &str) -> Option<Ask> {
        [Ask::Decision, Ask::Limit, Ask::Loop, Ask::Approval].into_iter().find(|ask| ask.name() == name)
    }
}

/// The key of a question about a limit: it names the refusal ([`ErrorCode::BUDGET_SESSION`]), so that whoever answers
/// knows which limit to raise.
pub fn limit_question(refusal: &ErrorCode, key: &str) -> String {
    format!("{}{LIMIT_MARK}{key}", refusal.0)
}

/// The refusal that a question about a limit is about, by its key.
pub fn refusal_of(key: &str) -> Option<ErrorCode> {
    key.split_once(LIMIT_MARK).map(|(code, _)| ErrorCode(code.to_owned().into()))
}

/// Between a refusal's code and the rest of a question's key.
const LIMIT_MARK: char = '/';

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Worth acting on.
    Warning,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The CEO finished.
    Completed,
    /// It ended without finishing.
    Failed,
    /// It was told to stop, and did.
    Cancelled,
}

/// A file that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct FileChange {
    /// Its path inside the company folder, with `/`.
    pub path: String,
    /// Whether the file is new.
    pub created: bool,
    /// Lines added.
    pub added: i64,
    /// Lines removed.
    pub removed: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event is flat on the wire: a body's field by the name of one around it would be lost.
    #[test]
    fn no_field_of_a_body_is_lost_beside_those_around_it() {
        let bodies = [
            EventBody::Asked {
                key: "q1".into(),
                ask: Ask::Decision,
                text: "Which one?".into(),
                detail: String::new(),
                options: vec!["This".into()],
                approval: Some(crate::Approval {
                    act: crate::Act::Command,
                    tool: "Bash".into(),
                    action: "ls".into(),
                    subject: None,
                    diff: None,
                    digest: "d".into(),
                }),
            },
            EventBody::EngineStarted {
                engine: EngineKind::Acp,
                engine_agent: "gemini".into(),
                conversation: Some("c1".into()),
                version: "1".into(),
                confined: Confined::Full,
            },
            EventBody::Answered {
                question_id: QuestionId(4),
                key: "q1".into(),
                run_id: RunId(9),
                answer: "This".into(),
                by: Origin::Desk,
            },
            EventBody::FollowUp { text: "And that.".into() },
            EventBody::FollowUpTaken { seqs: vec![Seq(3)] },
            EventBody::Prompt {
                model: "m".into(),
                system: "s".into(),
                message: "t".into(),
                tools: vec!["Read".into()],
            },
            EventBody::Journal { text: "Done.".into(), cost_usd: Money::nanos(1) },
            EventBody::FilesFound {
                changes: vec![FileChange { path: "a.md".into(), created: true, added: 1, removed: 0 }],
            },
        ];
        for body in bodies {
            for run_id in [None, Some(RunId(7))] {
                let entry = Entry { at: Time(1), agent: "ceo".into(), parent: Some("d1".into()), body: body.clone() };
                let event = Event { seq: Seq(2), job_id: JobId(7), run_id, entry };
                let wire = serde_json::to_string(&event).unwrap();
                assert_eq!(serde_json::from_str::<Event>(&wire).ok(), Some(event), "{wire}");
            }
        }
    }
}
