//! What lists and screens show: rows and details, ready to print.

use serde::{Deserialize, Serialize};

use crate::{
    AgentState, Approval, Ask, CompanyId, CostBasis, EngineChoice, EngineKind, EntryId, Error, FileChange, JobId,
    JobState, Money, QuestionId, RunId, RunState, Seq, SessionId, StopCounts, Time,
};

/// A company folder that the daemon knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Company {
    /// Its id.
    pub company_id: CompanyId,
    /// Its name, from the config.
    pub name: String,
    /// Its folder, absolute.
    pub dir: String,
    /// The engine as the config names it (`auto`, `anthropic-api`, `acp:gemini`, or one we do not have).
    pub engine: String,
    /// The engine that stands in where that one is out of quota or down, as the config names it; empty for none.
    pub fallback: String,
    /// The model of engines whose models are not Claude's, as the config names it; empty for the engine's own choice.
    pub model: String,
    /// The engine that its next brief would run on, or why there is none.
    pub engine_now: EngineChoice,
    /// Whether agents of real models may run commands: `tools.commands` in the config, else where they are confined.
    pub commands_allowed: bool,
    /// What is wrong with the config, where it does not hold. The company can be looked at, not briefed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub problem: Option<Error>,
}

/// A CEO's conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Session {
    /// Its id.
    pub session_id: SessionId,
    /// Its company.
    pub company_id: CompanyId,
    /// Whose conversation it is (role): the CEO's, or a head's that is briefed directly.
    pub agent: String,
    /// When it was opened.
    pub opened_at: Time,
    /// When it was closed; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub closed_at: Option<Time>,
    /// Briefs it has taken.
    pub jobs: i64,
    /// The first words of its latest brief; empty before the first.
    #[serde(default)]
    pub latest: String,
    /// How its agent introduces itself, in a line; only where the session was just opened, or opened again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub greeting: Option<String>,
}

/// From which door a brief came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The terminal.
    Cli,
    /// The Desk.
    Desk,
    /// The quick-brief window.
    Quick,
    /// A native notification's button.
    Notification,
    /// Nobody: the time for it was over.
    Timeout,
    /// Any other client.
    Client,
}

impl Origin {
    /// The name in JSON and SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::Cli => "cli",
            Origin::Desk => "desk",
            Origin::Quick => "quick",
            Origin::Notification => "notification",
            Origin::Timeout => "timeout",
            Origin::Client => "client",
        }
    }

    /// The origin with that name.
    pub fn from_name(name: &str) -> Option<Origin> {
        const ALL: [Origin; 6] =
            [Origin::Cli, Origin::Desk, Origin::Quick, Origin::Notification, Origin::Timeout, Origin::Client];
        ALL.into_iter().find(|origin| origin.name() == name)
    }
}

/// A job as a row of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Job {
    /// Its id.
    pub job_id: JobId,
    /// Its company.
    pub company_id: CompanyId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Whom it was sent to (role): the CEO, or a head that is briefed directly.
    pub agent: String,
    /// The job it restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub parent_job_id: Option<JobId>,
    /// The directive's first words, in a line.
    pub title: String,
    /// Where it stands.
    pub state: JobState,
    /// Why, in a sentence; empty where the state says it all.
    pub reason: String,
    /// When it goes on by itself, where that is known: a scheduled or retrying job's next run, a wait's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub until: Option<Time>,
    /// The job that must complete before this one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub after_job_id: Option<JobId>,
    /// Its place in line: higher goes first; -100 to 100.
    pub priority: i64,
    /// Whether the founder put it on hold. (All jobs may be: see the Desk.)
    pub held: bool,
    /// The engine it runs on.
    pub engine: EngineKind,
    /// Which of the agents that speak ACP; empty for any other engine.
    #[serde(default)]
    pub engine_agent: String,
    /// From which door it came.
    pub origin: Origin,
    /// Whether somebody waits for it in a terminal.
    pub foreground: bool,
    /// When it was submitted.
    pub created_at: Time,
    /// When its first run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub finished_at: Option<Time>,
    /// What it cost so far.
    pub cost_usd: Money,
    /// Where that figure comes from.
    pub cost_basis: CostBasis,
    /// Its own limit; zero means none.
    pub max_cost_usd: Money,
    /// Model calls of the CEO.
    pub turns: i64,
    /// Who does what right now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub activity: Option<Activity>,
    /// How far it is, where the engine says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub progress: Option<Progress>,
    /// When it will be done, as far as one can tell: from its progress and from how long jobs of its kind took. None
    /// where one cannot tell; once it has passed, nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub eta: Option<Time>,
    /// The result in a line, once it completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub result: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub error: Option<Error>,
    /// What became of its processes, once it ended and they were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub stopped: Option<StopCounts>,
    /// Runs it has had.
    pub attempts: i64,
    /// While it is queued: how many jobs of its session are before it, the one at work included. None when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub position: Option<i64>,
    /// The last event that changed it.
    pub seq: Seq,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Progress {
    /// Steps done.
    pub done: i64,
    /// Steps known.
    pub total: i64,
    /// How much of the work that is, 0 to 99; 100 once it completed. Never goes back.
    pub percent: i64,
    /// The step at hand.
    pub note: String,
}

/// What an agent is doing right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Activity {
    /// Its role.
    pub agent: String,
    /// What, in a few words ("is thinking", "is writing docs/about.md").
    pub text: String,
}

/// Everything about a job but its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct JobDetail {
    /// The row.
    #[serde(flatten)]
    pub job: Job,
    /// The directive in full.
    pub directive: String,
    /// The CEO's answer in full, once it completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub answer: Option<String>,
    /// Tokens, all agents together.
    pub tokens: Tokens,
    /// Costs, dearest agent first.
    pub cost_by_agent: Vec<AgentCost>,
    /// The latest run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub run: Option<Run>,
    /// Events stored.
    pub events: i64,
    /// Files changed.
    pub files: i64,
}

/// Tokens used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Tokens {
    /// Input, cached ones left out.
    pub input: i64,
    /// Output.
    pub output: i64,
    /// Input read from cache.
    pub cache_read: i64,
    /// Input written to cache.
    pub cache_write: i64,
}

/// What an agent's calls to one model cost in a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct AgentCost {
    /// Its role.
    pub agent: String,
    /// The model's id.
    pub model: String,
    /// Model calls.
    pub calls: i64,
    /// Tokens.
    pub tokens: Tokens,
    /// The cost.
    pub cost_usd: Money,
}

/// One attempt at a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Run {
    /// Its id.
    pub run_id: RunId,
    /// Where it stands.
    pub state: RunState,
    /// The worker's process id, once it is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub pid: Option<u32>,
    /// Processes under the worker, when last counted.
    pub children: i64,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub ended_at: Option<Time>,
    /// When the worker was last heard of.
    pub heard_at: Time,
}

/// A stretch of time in which an agent was at work: a lane's bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Span {
    /// Unique in its job: a delegation's `span`, a tool's `call`, or the event of a model call.
    pub span: String,
    /// What it was.
    pub kind: SpanKind,
    /// Who was at work (role).
    pub agent: String,
    /// The delegation around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub parent: Option<String>,
    /// What it was about.
    pub title: String,
    /// When it began.
    pub started_at: Time,
    /// When it ended; none while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub finished_at: Option<Time>,
    /// Whether it went well, once it ended.
    pub ok: bool,
    /// What it cost.
    pub cost_usd: Money,
    /// Spans right under it.
    pub children: i64,
}

/// What a span stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// A model call.
    Turn,
    /// A tool call.
    Tool,
    /// Work given to another agent.
    Delegation,
}

impl SpanKind {
    /// The name in JSON and SQL.
    pub const fn name(self) -> &'static str {
        match self {
            SpanKind::Turn => "turn",
            SpanKind::Tool => "tool",
            SpanKind::Delegation => "delegation",
        }
    }

    /// The kind with that name.
    pub fn from_name(name: &str) -> Option<SpanKind> {
        [SpanKind::Turn, SpanKind::Tool, SpanKind::Delegation].into_iter().find(|kind| kind.name() == name)
    }
}

/// A file that a job changed, all its changes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ChangedFile {
    /// The change.
    #[serde(flatten)]
    pub change: FileChange,
    /// Who changed it last (role).
    pub agent: String,
    /// When.
    pub at: Time,
}

/// An agent of a company.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Agent {
    /// Its role, its name in files and events (`backend-engineer`).
    pub role: String,
    /// Its name on screen ("Backend Engineer").
    pub name: String,
    /// Its department.
    pub department: String,
    /// The role it answers to; none for the CEO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub reports_to: Option<String>,
    /// Its model, as the files name it (`opus`).
    pub model: String,
    /// Its engine, as the files name it; empty where it is its company's.
    #[serde(default)]
    pub engine: String,
    /// Whether it is on the team.
    pub enabled: bool,
    /// What it is doing.
    pub state: AgentState,
    /// The task at hand, in a line.
    pub task: String,
    /// The job at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub job_id: Option<JobId>,
    /// What it is there for, in a line.
    pub title: String,
    /// Its persona's preset (`technical`).
    pub persona: String,
    /// Its skills, by name.
    pub skills: Vec<String>,
    /// What it may do by itself (`standard`).
    pub autonomy: String,
    /// What its calls cost today.
    pub today_usd: Money,
    /// What its calls may cost in a day; zero means no limit of its own.
    pub limit_usd: Money,
    /// Its file, absolute.
    pub file: String,
    /// What is wrong with its file, where it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub problem: Option<Error>,
}

/// A question to the founder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Question {
    /// Its id.
    pub question_id: QuestionId,
    /// The job.
    pub job_id: JobId,
    /// The run that asks.
    pub run_id: RunId,
    /// The company.
    pub company_id: CompanyId,
    /// The job's title.
    pub title: String,
    /// Who asks (role).
    pub agent: String,
    /// What kind it is.
    pub ask: Ask,
    /// The question, in a sentence or a few. Hostile text.
    pub text: String,
    /// What one has to know to answer it.
    pub detail: String,
    /// The answers to choose from; empty where any text is one.
    pub options: Vec<String>,
    /// The act that it is about, where it asks for leave to act ([`Ask::Approval`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub approval: Option<Approval>,
    /// When it was asked.
    pub asked_at: Time,
    /// When it was answered, or when its run ended without an answer; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub closed_at: Option<Time>,
    /// The answer; none where the run ended without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub answer: Option<String>,
    /// From which door it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub answered_by: Option<Origin>,
}

/// An entry of a company's journal: what came of a brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct JournalEntry {
    /// Its id.
    pub entry_id: EntryId,
    /// The job.
    pub job_id: JobId,
    /// The session.
    pub session_id: SessionId,
    /// The brief's first words.
    pub title: String,
    /// What was done, in a few sentences. From a model: hostile text.
    pub text: String,
    /// When it was written.
    pub at: Time,
    /// What the brief cost.
    pub cost_usd: Money,
    /// Model calls of the CEO.
    pub turns: i64,
    /// Files that it changed; at most 20.
    pub files: Vec<String>,
}

/// A row of a report on costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct CostRow {
    /// What it is of: a role, a model's id, a day, a job's or a session's number.
    pub key: String,
    /// How it is shown ("CTO", "#12 Write the imprint").
    pub label: String,
    /// Model calls.
    pub calls: i64,
    /// Tokens.
    pub tokens: Tokens,
    /// What they cost.
    pub cost_usd: Money,
    /// Where the figure comes from: the least certain of its parts.
    pub basis: CostBasis,
}

/// A limit, and how much of it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct LimitUse {
    /// Which ("Day", "Month", "Session", "CTO today").
    pub name: String,
    /// The key of the config that sets it.
    pub key: String,
    /// What is spent; none where the limit is one of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub spent_usd: Option<Money>,
    /// The limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub limit_usd: Option<Money>,
    /// Tokens used, where the limit is one of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub tokens: Option<i64>,
    /// The limit in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub limit_tokens: Option<i64>,
    /// How much of it is used.
    pub band: Band,
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Less than half.
    Green,
    /// Half, and up to 80 %.
    Yellow,
    /// 80 % and more.
    Red,
}

/// Spending of a company against its limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Spend {
    /// Spent today, in the founder's time zone.
    pub today_usd: Money,
    /// The daily limit; zero means none.
    pub daily_limit_usd: Money,
    /// Spent this month.
    pub month_usd: Money,
    /// The monthly limit; zero means none.
    pub monthly_limit_usd: Money,
    /// Spent on each of the last 14 days, oldest first, today last.
    pub days: Vec<DaySpend>,
}

/// Spending on a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct DaySpend {
    /// The day (`2026-11-20`).
    pub day: String,
    /// What was spent.
    pub cost_usd: Money,
}

/// A company at a glance: what the Desk, the tray and `aicib status` show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Desk {
    /// The state of things as of this event.
    pub seq: Seq,
    /// The company.
    pub company: Company,
    /// The open session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub session: Option<Session>,
    /// Whether all jobs are on hold.
    pub held: bool,
    /// Questions that wait for the founder, oldest first; at most 20.
    pub questions: Vec<Question>,
    /// Jobs that have not ended, oldest first; at most 100.
    pub live: Vec<Job>,
    /// Jobs that have not ended, all of them.
    pub live_total: i64,
    /// Jobs that ended today, newest first; at most 20.
    pub finished: Vec<Job>,
    /// The team, CEO first; at most 100.
    pub team: Vec<Agent>,
    /// The money.
    pub spend: Spend,
}

/// What changed on a Desk after `seq` of the last one. Rows replace those of the same id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct DeskChange {
    /// The state of things is now as of this event.
    pub seq: Seq,
    /// The company that changed.
    pub company_id: CompanyId,
    /// Jobs that changed.
    pub jobs: Vec<Job>,
    /// Agents that changed.
    pub team: Vec<Agent>,
    /// The open questions, where they changed: all of them, oldest first; at most 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub questions: Option<Vec<Question>>,
    /// The money, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub spend: Option<Spend>,
    /// The whole Desk is to be read again (session, company or settings changed).
    pub reload: bool,
}
