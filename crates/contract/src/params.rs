//! Params and results of the methods, where a view does not serve.

use serde::{Deserialize, Serialize};

use crate::{
    Act, Agent, AgentPermissions, ChangedFile, Check, Company, CompanyId, Confinement, CostRow, Delivery, EngineInfo,
    EntryId, Event, Job, JobId, JobState, JournalEntry, Key, KeyStorage, LeaseId, LimitUse, LogLevel, Money, NoticeId,
    NoticeRow, Origin, Question, QuestionId, Rule, RuleId, RunId, Seq, Session, SessionId, Span, StopCounts, Time,
    Verdict,
};

macro_rules! wire {
    ($($(#[$meta:meta])* struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
        #[cfg_attr(test, ts(optional_fields))]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }
    )*};
}

wire! {
    /// Nothing.
    #[derive(Default)]
    struct Empty {}

    /// Who is calling.
    struct InitializeParams {
        /// The protocol the client speaks ([`crate::PROTOCOL`]).
        protocol: u32,
        /// The client's name and version, for the log.
        client: String,
        /// What it may do; none for `ping` only.
        #[serde(default, skip_serializing_if = "Option::is_none")] credential: Option<Credential>,
        /// The client's session bus, for a daemon that was started without one.
        #[serde(default, skip_serializing_if = "Option::is_none")] session_bus: Option<String>,
    }

    /// Who answers.
    struct InitializeResult {
        /// The protocol the daemon speaks.
        protocol: u32,
        /// The daemon's version.
        version: String,
        /// Its process.
        pid: u32,
    }

    /// The daemon is there.
    struct Pong {
        /// Its process.
        pid: u32,
    }

    /// Found a company in a folder.
    struct CompanyCreateParams {
        /// Its name.
        name: String,
        /// The folder, absolute; made where it is missing.
        dir: String,
        /// `full-c-suite`, `lean-startup` or `minimal`.
        #[serde(default, skip_serializing_if = "Option::is_none")] structure: Option<String>,
        /// `professional`, `startup`, `technical` or `creative`.
        #[serde(default, skip_serializing_if = "Option::is_none")] persona: Option<String>,
        /// `blank` (also where none is given), `saas-startup`, `marketing-agency`, `e-commerce` or `consulting-firm`.
        #[serde(default, skip_serializing_if = "Option::is_none")] template: Option<String>,
        /// `auto`, or an engine's name (`claude-code`, `acp:gemini`).
        #[serde(default, skip_serializing_if = "Option::is_none")] engine: Option<String>,
    }

    /// A company, by its folder or one below it, or by its id. With neither: the one used last.
    #[derive(Default)]
    struct CompanyRef {
        /// The folder, or one below it; absolute.
        #[serde(default, skip_serializing_if = "Option::is_none")] dir: Option<String>,
        /// The id.
        #[serde(default, skip_serializing_if = "Option::is_none")] company_id: Option<CompanyId>,
    }

    /// The companies that the daemon knows, the one used last first.
    struct CompanyList {
        /// At most 100.
        companies: Vec<Company>,
    }

    /// Read a company's config.
    struct ConfigGetParams {
        /// The company.
        company: CompanyRef,
        /// A key with dots (`settings.cost_limit_daily`); none for everything.
        #[serde(default, skip_serializing_if = "Option::is_none")] key: Option<String>,
    }

    /// A value of a config.
    struct ConfigValue {
        /// The config's file, absolute.
        file: String,
        /// The value, defaults merged in.
        #[cfg_attr(test, ts(type = "unknown"))]
        value: serde_json::Value,
        /// What whoever has just set it should know of it: that nothing reads it yet, say.
        #[serde(default)] warnings: Vec<String>,
    }

    /// Change a value of a company's config. The rest of the file stays as it is.
    struct ConfigSetParams {
        /// The company.
        company: CompanyRef,
        /// A key with dots.
        key: String,
        /// The value, as it would stand in YAML.
        value: String,
    }

    /// What is wrong with a config.
    struct ConfigReport {
        /// The file, absolute.
        file: String,
        /// Its faults; none when it holds.
        faults: Vec<ConfigFault>,
        /// What is odd, and harms nothing.
        warnings: Vec<String>,
    }

    /// A fault in a config.
    struct ConfigFault {
        /// The line, from 1, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")] line: Option<i64>,
        /// The key with dots; empty where the file does not parse.
        key: String,
        /// What was expected, in a sentence.
        message: String,
    }

    /// An agent of a company.
    struct AgentRef {
        /// The company.
        company: CompanyRef,
        /// The role.
        role: String,
    }

    /// An agent with its file's text.
    struct AgentDetail {
        /// The row.
        agent: Agent,
        /// The file's text.
        text: String,
    }

    /// An agent's file, written anew.
    struct AgentSaveParams {
        /// The company.
        company: CompanyRef,
        /// The role.
        role: String,
        /// The file's text; refused where its frontmatter does not hold.
        text: String,
    }

    /// A new agent.
    struct AgentAddParams {
        /// The company.
        company: CompanyRef,
        /// Its role: lower-case letters, digits and hyphens.
        role: String,
        /// Its file's text; one that is made from the rest where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")] text: Option<String>,
        /// Its name on screen.
        #[serde(default, skip_serializing_if = "Option::is_none")] name: Option<String>,
        /// The role it answers to; the CEO where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")] reports_to: Option<String>,
    }

    /// Changes to an agent, written to its company's config. What is not given stays as it is.
    struct AgentSetParams {
        /// The company.
        company: CompanyRef,
        /// The role.
        role: String,
        /// Whether it is on the team.
        #[serde(default, skip_serializing_if = "Option::is_none")] enabled: Option<bool>,
        /// Its model.
        #[serde(default, skip_serializing_if = "Option::is_none")] model: Option<String>,
        /// Its engine; an empty text for its company's.
        #[serde(default, skip_serializing_if = "Option::is_none")] engine: Option<String>,
        /// Its name on screen.
        #[serde(default, skip_serializing_if = "Option::is_none")] name: Option<String>,
        /// Its persona's preset.
        #[serde(default, skip_serializing_if = "Option::is_none")] persona: Option<String>,
        /// Its skills, all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")] skills: Option<Vec<String>>,
        /// What it may do by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")] autonomy: Option<String>,
        /// What its calls may cost in a day; zero for no limit of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit_usd: Option<Money>,
    }

    /// See what an agent would be told.
    struct AgentPreviewParams {
        /// The company.
        company: CompanyRef,
        /// The role.
        role: String,
        /// Its file's text as it would be; as it is where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")] text: Option<String>,
    }

    /// What an agent would be told.
    struct AgentPreview {
        /// The system prompt of its next call.
        prompt: String,
        /// What is odd about the file, and harms nothing.
        warnings: Vec<String>,
    }

    /// A company's agents.
    struct AgentList {
        /// CEO first; at most 100.
        agents: Vec<Agent>,
    }

    /// A session that ended.
    struct SessionStopResult {
        /// The session.
        session: Session,
        /// Its jobs that were cancelled by this.
        cancelled: Vec<Job>,
        /// What became of their processes, all together.
        #[serde(default)] stopped: StopCounts,
    }

    /// Which sessions to list, newest first.
    struct SessionListParams {
        /// The company.
        company: CompanyRef,
        /// Continue below this session.
        #[serde(default, skip_serializing_if = "Option::is_none")] before: Option<SessionId>,
        /// Rows, 1 to 500; 50 where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit: Option<i64>,
    }

    /// A page of sessions.
    struct SessionPage {
        /// Newest first.
        sessions: Vec<Session>,
        /// What to give as `before` for the next page; none on the last.
        #[serde(default, skip_serializing_if = "Option::is_none")] next: Option<SessionId>,
    }

    /// A session of a company.
    struct SessionRef {
        /// The company.
        company: CompanyRef,
        /// The session.
        session_id: SessionId,
    }

    /// Send a brief.
    struct JobSubmitParams {
        /// The company.
        company: CompanyRef,
        /// What is to be done.
        directive: String,
        /// Whom it goes to (role): the CEO where none is named; a head has a session of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")] agent: Option<String>,
        /// From which door.
        origin: Origin,
        /// Whether somebody waits for it in a terminal.
        #[serde(default)] foreground: bool,
        /// Put it in line when the session has a brief under way, instead of refusing it.
        #[serde(default)] queue: bool,
        /// Open a session where none is open, instead of refusing.
        #[serde(default)] start_session: bool,
        /// Its place in line: higher goes first; -100 to 100.
        #[serde(default)] priority: i64,
        /// Begin only once this job has completed; one of the same company.
        #[serde(default, skip_serializing_if = "Option::is_none")] after_job_id: Option<JobId>,
        /// Begin at this time, or as soon after it as there is a slot.
        #[serde(default, skip_serializing_if = "Option::is_none")] not_before: Option<Time>,
        /// The brief's own limit; none for the setting's, zero for no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")] max_cost_usd: Option<Money>,
        /// Files to lay beside the brief, absolute: they are copied into the company's folder, and named in the brief. At
        /// most 20, of 50 MB each.
        #[serde(default)] attachments: Vec<String>,
        /// Chosen by the client: a second submit with the same key within a day returns the first one's job.
        #[serde(default, skip_serializing_if = "Option::is_none")] idempotency_key: Option<String>,
    }

    /// Send the tasks of a list, each as a brief, one after the other.
    struct JobSubmitListParams {
        /// The company.
        company: CompanyRef,
        /// The list's file, by name: its ending says how it reads.
        file: String,
        /// What is in it: numbered lines, or JSON.
        text: String,
        /// From which door.
        origin: Origin,
        /// Open a session where none is open, instead of refusing.
        #[serde(default)] start_session: bool,
        /// Go on with the next task when one fails, instead of failing those after it.
        #[serde(default)] keep_going: bool,
        /// Each brief's own limit; none for the setting's, zero for no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")] max_cost_usd: Option<Money>,
    }

    /// Jobs that were stored.
    struct JobsStored {
        /// In the order of the list.
        jobs: Vec<Job>,
    }

    /// Say more to a job at work.
    struct JobFollowUpParams {
        /// The job.
        job_id: JobId,
        /// What the CEO is to know.
        text: String,
    }

    /// Which questions to list, newest first.
    #[derive(Default)]
    struct QuestionListParams {
        /// Of one company.
        #[serde(default, skip_serializing_if = "Option::is_none")] company_id: Option<CompanyId>,
        /// Of one job.
        #[serde(default, skip_serializing_if = "Option::is_none")] job_id: Option<JobId>,
        /// Only those that wait for an answer.
        #[serde(default)] open: bool,
        /// Continue below this question.
        #[serde(default, skip_serializing_if = "Option::is_none")] before: Option<QuestionId>,
        /// Rows, 1 to 500; 50 where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit: Option<i64>,
    }

    /// A page of questions.
    struct QuestionPage {
        /// Newest first.
        questions: Vec<Question>,
        /// What to give as `before` for the next page; none on the last.
        #[serde(default, skip_serializing_if = "Option::is_none")] next: Option<QuestionId>,
    }

    /// Answer a question.
    struct QuestionAnswerParams {
        /// The question.
        question_id: QuestionId,
        /// The answer: one of its options, where it has any.
        answer: String,
        /// From which door.
        origin: Origin,
    }

    /// What the agents of a company may do.
    struct PermissionTable {
        /// The company.
        company_id: CompanyId,
        /// Its team.
        agents: Vec<AgentPermissions>,
        /// The founder's rules, newest first; at most 500.
        rules: Vec<Rule>,
    }

    /// Make, change or clear a rule on what agents may do.
    struct PermissionSetParams {
        /// The company.
        company: CompanyRef,
        /// The agent (role); all where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")] agent: Option<String>,
        /// What it is about.
        act: Act,
        /// What exactly: a command, a path, a host; all acts of the kind where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] subject: Option<String>,
        /// What is to hold; none takes the rule away, so that autonomy decides again.
        #[serde(default, skip_serializing_if = "Option::is_none")] verdict: Option<Verdict>,
        /// From which door.
        origin: Origin,
    }

    /// A rule.
    struct RuleRef {
        /// Which.
        rule_id: RuleId,
    }

    /// The engines of this machine.
    struct EngineList {
        /// Every engine, the ones that are ready first.
        engines: Vec<EngineInfo>,
        /// How far agents' programs and commands can be confined.
        confinement: Confinement,
    }

    /// Try an engine: one short question, at a cent at most.
    struct EngineTryParams {
        /// Which (`claude-code`, `acp:gemini`).
        engine: String,
        /// The model; the cheapest that is known where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")] model: Option<String>,
    }

    /// Read the lines of an engine's program as it wrote them.
    struct JobRawParams {
        /// The job.
        job_id: JobId,
        /// Which of its runs; the latest where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")] run_id: Option<RunId>,
        /// Where to read on, in bytes; from the beginning where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] from: Option<i64>,
    }

    /// Lines of an engine's program.
    struct RawPage {
        /// The run.
        #[serde(default, skip_serializing_if = "Option::is_none")] run_id: Option<RunId>,
        /// Whole lines, at most 512 KB of them; a longer line is cut. Hostile text.
        lines: Vec<String>,
        /// What to give as `from` for what comes after.
        next: i64,
        /// Whether there is more now.
        more: bool,
    }

    /// The founder's rules, to a worker: all that hold for its run.
    struct RunRules {
        /// The rules.
        rules: Vec<Rule>,
    }

    /// A company's journal, newest first.
    struct JournalListParams {
        /// The company.
        company: CompanyRef,
        /// Words; all must occur.
        #[serde(default, skip_serializing_if = "Option::is_none")] search: Option<String>,
        /// Continue below this entry.
        #[serde(default, skip_serializing_if = "Option::is_none")] before: Option<EntryId>,
        /// Rows, 1 to 500; 50 where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit: Option<i64>,
    }

    /// A page of a journal.
    struct JournalPage {
        /// Newest first.
        entries: Vec<JournalEntry>,
        /// What to give as `before` for the next page; none on the last.
        #[serde(default, skip_serializing_if = "Option::is_none")] next: Option<EntryId>,
    }

    /// What a company spent, by one thing.
    struct CostReportParams {
        /// The company.
        company: CompanyRef,
        /// By what.
        by: CostBy,
        /// From this local day on (`2026-11-01`); the first of this month where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")] since: Option<String>,
        /// Up to this local day, included.
        #[serde(default, skip_serializing_if = "Option::is_none")] until: Option<String>,
        /// Of one session.
        #[serde(default, skip_serializing_if = "Option::is_none")] session_id: Option<SessionId>,
    }

    /// What a company spent.
    struct CostReport {
        /// From this local day on.
        since: String,
        /// Up to this local day, included.
        until: String,
        /// Dearest first; days oldest first. At most 500.
        rows: Vec<CostRow>,
        /// Whether there are more rows.
        more: bool,
        /// All of it together.
        total_usd: Money,
        /// What this month will cost if it goes on as the last seven days did; none where nothing was spent in them.
        #[serde(default, skip_serializing_if = "Option::is_none")] forecast_usd: Option<Money>,
        /// The limits there are.
        limits: Vec<LimitUse>,
        /// Of which day the prices are that estimates are made with.
        prices_of: String,
        /// Whether that is so long ago that they may have changed.
        prices_stale: bool,
    }

    /// A job, by its number.
    struct JobRef {
        /// The number.
        job_id: JobId,
    }

    /// A job that was told to stop.
    struct JobCancelResult {
        /// The job as it is now: final when this returns.
        job: Job,
        /// What became of its processes.
        stopped: StopCounts,
    }

    /// Send a job's brief again.
    struct JobRestartParams {
        /// The job, one that has ended.
        job_id: JobId,
        /// Whether somebody waits for it in a terminal.
        #[serde(default)] foreground: bool,
    }

    /// Put on hold, or let go on.
    struct JobHoldParams {
        /// The job; none for all jobs, those to come included.
        #[serde(default, skip_serializing_if = "Option::is_none")] job_id: Option<JobId>,
    }

    /// What is on hold now.
    struct JobHoldResult {
        /// Whether all jobs are.
        all: bool,
        /// The job, where one was named.
        #[serde(default, skip_serializing_if = "Option::is_none")] job: Option<Job>,
    }

    /// Wait until a job has ended.
    struct JobWaitParams {
        /// The job.
        job_id: JobId,
        /// At most so long, in milliseconds; none for five minutes, which is also the most.
        #[serde(default, skip_serializing_if = "Option::is_none")] timeout_ms: Option<i64>,
    }

    /// A job that was waited for.
    struct JobWaitResult {
        /// The job as it is now.
        job: Job,
        /// Whether it has ended; if not, wait again.
        ended: bool,
    }

    /// Forget jobs that ended long ago: their rows, events, files' list and spools. What they cost stays counted.
    struct JobPruneParams {
        /// Those that ended before this time.
        before: Time,
        /// Of one company.
        #[serde(default, skip_serializing_if = "Option::is_none")] company_id: Option<CompanyId>,
        /// Only say what would go.
        #[serde(default)] dry_run: bool,
    }

    /// What was forgotten, or would be.
    struct JobPruneResult {
        /// Jobs.
        jobs: i64,
        /// Their events.
        events: i64,
        /// Bytes of their spools and logs on disk.
        bytes: i64,
    }

    /// Which jobs to list, newest first.
    #[derive(Default)]
    struct JobListParams {
        /// Of one company.
        #[serde(default, skip_serializing_if = "Option::is_none")] company_id: Option<CompanyId>,
        /// Of one session.
        #[serde(default, skip_serializing_if = "Option::is_none")] session_id: Option<SessionId>,
        /// In these states; empty for all.
        #[serde(default)] states: Vec<JobState>,
        /// Sent to this agent (role).
        #[serde(default, skip_serializing_if = "Option::is_none")] agent: Option<String>,
        /// On this engine, by its name in configs (`acp:gemini`).
        #[serde(default, skip_serializing_if = "Option::is_none")] engine: Option<String>,
        /// Created at or after.
        #[serde(default, skip_serializing_if = "Option::is_none")] since: Option<Time>,
        /// Created before.
        #[serde(default, skip_serializing_if = "Option::is_none")] until: Option<Time>,
        /// In which order.
        #[serde(default)] sort: JobSort,
        /// Skip as many rows; only where they are not sorted by age.
        #[serde(default)] offset: i64,
        /// Continue below this job.
        #[serde(default, skip_serializing_if = "Option::is_none")] before: Option<JobId>,
        /// Rows, 1 to 500; 50 where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit: Option<i64>,
    }

    /// A page of jobs.
    struct JobPage {
        /// Newest first.
        jobs: Vec<Job>,
        /// What to give as `before` for the next page; none on the last.
        #[serde(default, skip_serializing_if = "Option::is_none")] next: Option<JobId>,
    }

    /// Forget jobs for good: at most 500, all of them ended.
    struct JobDeleteParams {
        /// Which.
        job_ids: Vec<JobId>,
    }

    /// Write a job to a file that can be read without this app.
    struct JobExportParams {
        /// The job.
        job_id: JobId,
        /// As what.
        format: ExportFormat,
        /// The file, absolute, which must not be there yet; one in the founder's folder for downloads where none is
        /// named.
        #[serde(default, skip_serializing_if = "Option::is_none")] path: Option<String>,
    }

    /// What was written.
    struct JobExportResult {
        /// The file.
        path: String,
        /// Its size.
        bytes: i64,
    }

    /// Compare a file as a job left it with what it was before.
    struct FileDiffParams {
        /// The job.
        job_id: JobId,
        /// The file's path inside the company folder, as the job's list of files has it.
        path: String,
    }

    /// A file as a job left it, compared with what it was before.
    struct FileDiff {
        /// The file.
        path: String,
        /// How it compares.
        state: FileDiffState,
        /// The change as a unified diff, at most 512 KB; empty where there is none to show. Hostile text.
        diff: String,
        /// Whether the diff was cut.
        cut: bool,
        /// Other jobs that changed the file while this one was under way; at most 20.
        also_by: Vec<JobId>,
    }

    /// The founder's notices, newest first.
    #[derive(Default)]
    struct NoticeListParams {
        /// Continue below this notice.
        #[serde(default, skip_serializing_if = "Option::is_none")] before: Option<NoticeId>,
        /// Rows, 1 to 500; 50 where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit: Option<i64>,
    }

    /// A page of notices.
    struct NoticePage {
        /// Newest first.
        notices: Vec<NoticeRow>,
        /// Those that nobody has looked at, in all.
        unseen: i64,
        /// What to give as `before` for the next page; none on the last.
        #[serde(default, skip_serializing_if = "Option::is_none")] next: Option<NoticeId>,
    }

    /// The founder has looked at the notices up to this one.
    struct NoticeSeenParams {
        /// The newest that was looked at.
        up_to: NoticeId,
    }

    /// What AICIB keeps on disk, in bytes.
    struct StorageReport {
        /// The home.
        home: String,
        /// The database.
        database_bytes: i64,
        /// Copies of it.
        backups_bytes: i64,
        /// What runs left: spools, logs, conversations, earlier contents of files.
        runs_bytes: i64,
        /// What engines that are programs keep.
        engines_bytes: i64,
        /// The daemon's logs.
        logs_bytes: i64,
        /// Free on that disk; none where the system does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")] free_bytes: Option<i64>,
        /// Jobs in the database.
        jobs: i64,
        /// Events in the database.
        events: i64,
    }

    /// Numbers over jobs.
    struct JobStats {
        /// Jobs by state name.
        by_state: std::collections::BTreeMap<String, i64>,
        /// What all of them cost.
        cost_usd: Money,
        /// Jobs in all.
        total: i64,
    }

    /// A page of one job's rows.
    struct JobPageParams {
        /// The job.
        job_id: JobId,
        /// Skip as many rows.
        #[serde(default)] offset: i64,
        /// Rows, 1 to 500; 200 where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit: Option<i64>,
    }

    /// A page of spans, oldest first.
    struct SpanPage {
        /// The spans.
        spans: Vec<Span>,
        /// Spans in all.
        total: i64,
    }

    /// A page of changed files, by path.
    struct FilePage {
        /// The files.
        files: Vec<ChangedFile>,
        /// Files in all.
        total: i64,
    }

    /// Which events to list. With `after`: upward from there; else the last ones, or those before `before`.
    /// Either way a page is in order, oldest first.
    struct EventListParams {
        /// The job.
        job_id: JobId,
        /// Events after this one.
        #[serde(default, skip_serializing_if = "Option::is_none")] after: Option<Seq>,
        /// Events before this one.
        #[serde(default, skip_serializing_if = "Option::is_none")] before: Option<Seq>,
        /// Rows, 1 to 500; 200 where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit: Option<i64>,
    }

    /// A page of events, oldest first.
    struct EventPage {
        /// The events.
        events: Vec<Event>,
        /// Whether there are earlier ones.
        more_before: bool,
        /// Whether there are later ones.
        more_after: bool,
    }

    /// Search the text of events, newest first.
    struct EventSearchParams {
        /// Words; all must occur.
        query: String,
        /// Of one company.
        #[serde(default, skip_serializing_if = "Option::is_none")] company_id: Option<CompanyId>,
        /// Of one job.
        #[serde(default, skip_serializing_if = "Option::is_none")] job_id: Option<JobId>,
        /// Continue below this event.
        #[serde(default, skip_serializing_if = "Option::is_none")] before: Option<Seq>,
        /// Rows, 1 to 500; 50 where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")] limit: Option<i64>,
    }

    /// A page of hits, newest first.
    struct EventHits {
        /// The hits.
        hits: Vec<EventHit>,
        /// What to give as `before` for the next page; none on the last.
        #[serde(default, skip_serializing_if = "Option::is_none")] next: Option<Seq>,
    }

    /// An event that a search found.
    struct EventHit {
        /// The event.
        seq: Seq,
        /// Its job.
        job_id: JobId,
        /// The job's title.
        title: String,
        /// When it happened.
        at: Time,
        /// The agent's role.
        agent: String,
        /// The text around the hit, plain.
        snippet: String,
    }

    /// Hear of a job's events as they are stored.
    struct EventSubscribeParams {
        /// The job.
        job_id: JobId,
        /// From the event after this one.
        after: Seq,
        /// Also the streaming tail of unfinished messages.
        #[serde(default)] deltas: bool,
    }

    /// A subscription.
    struct Subscription {
        /// Its number on this connection.
        subscription: i64,
    }

    /// Set a key.
    struct KeySetParams {
        /// `anthropic`.
        provider: String,
        /// The key.
        key: String,
        /// Where to keep it; none for the keychain, and in memory where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")] storage: Option<KeyStorage>,
        /// For `passphrase_file`.
        #[serde(default, skip_serializing_if = "Option::is_none")] passphrase: Option<String>,
    }

    /// Whose key.
    struct KeyRef {
        /// `anthropic`.
        provider: String,
    }

    /// Open the key file.
    struct KeyUnlockParams {
        /// The passphrase.
        passphrase: String,
    }

    /// The keys there are.
    struct KeyList {
        /// Without the keys themselves.
        keys: Vec<Key>,
        /// Whether this machine has a keychain, in a sentence.
        keychain: String,
    }

    /// What the doctor found.
    struct DoctorReport {
        /// What it looked at.
        checks: Vec<Check>,
    }

    /// What became of a notice.
    struct NoticeReportParams {
        /// The notice.
        notice_id: NoticeId,
        /// What became of it.
        delivery: Delivery,
        /// The system's own words, where it failed.
        #[serde(default)] detail: String,
    }

    /// Ask the attached desktop to bring something up.
    struct ShowResult {
        /// Whether a desktop was there to ask.
        shown: bool,
    }

    /// A worker asks leave for a model call.
    struct LeaseParams {
        /// Who calls (role).
        agent: String,
        /// The model.
        model: String,
        /// The most that the call can cost.
        worst_usd: Money,
        /// The most tokens that it can use.
        #[serde(default)] worst_tokens: i64,
    }

    /// Leave for a model call.
    struct Lease {
        /// To be named in the call's `usage` event.
        lease_id: LeaseId,
    }

    /// A worker whose job waits can go on again, and asks for a slot.
    struct GoOnParams {
        /// The spool line that said that it waits: what comes before it is to be stored first.
        line: i64,
    }

    /// Whether a worker may go on.
    struct GoOn {
        /// Whether it may; if not, ask again after a while.
        granted: bool,
    }

    /// A worker gives a lease back unused.
    struct LeaseReturn {
        /// The lease.
        lease_id: LeaseId,
    }

    /// Events were stored.
    struct EventsAdded {
        /// The subscription.
        subscription: i64,
        /// The events, in order.
        events: Vec<Event>,
    }

    /// The tail of an unfinished message grew. May be lost.
    struct Delta {
        /// The job.
        job_id: JobId,
        /// Who speaks (role).
        agent: String,
        /// The delegation in which it speaks.
        #[serde(default, skip_serializing_if = "Option::is_none")] parent: Option<String>,
        /// What was added.
        text: String,
    }

    /// The client read too slowly and missed something: read again from the last event it has.
    struct Resync {
        /// The subscription; none for the Desk.
        #[serde(default, skip_serializing_if = "Option::is_none")] subscription: Option<i64>,
    }

    /// A worker's spool has grown. A hint; may be lost.
    struct RunGrew {
        /// The run.
        run_id: RunId,
        /// Its process, once it is itself (its identity follows from it).
        pid: u32,
        /// Processes under it.
        children: i64,
    }

    /// A worker is to hold before its next call, or may go on.
    struct RunHold {
        /// Whether it is to hold.
        held: bool,
    }

    /// To a worker: the founder's answer to a question of its run.
    struct RunAnswer {
        /// The question's key.
        key: String,
        /// The answer.
        answer: String,
    }

    /// To a worker: what the founder has to say to its CEO.
    struct RunFollowUp {
        /// The place of its event.
        seq: Seq,
        /// What.
        text: String,
    }

    /// The daemon's log level.
    struct LogLevelParams {
        /// The level, until the daemon ends or reloads.
        level: LogLevel,
    }

    /// A worker is to stop.
    struct RunCancel {
        /// Why, in a sentence.
        reason: String,
    }
}

/// By what costs are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CostBy {
    /// By agent.
    Agent,
    /// By model.
    Model,
    /// By local day.
    Day,
    /// By job.
    Job,
    /// By session.
    Session,
}

/// What a caller shows to be let in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// The content of the home's `credential` file.
    Founder(String),
    /// The token of a run.
    Run {
        /// The run.
        run_id: RunId,
        /// Its token.
        token: String,
    },
}

/// In which order jobs are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobSort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// The one that cost most first.
    Cost,
    /// The one that took longest first.
    Duration,
}

/// As what a job is written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Text that people read.
    Markdown,
    /// All that is known of it, for programs: one object with its events.
    Json,
    /// A page in a single file, with nothing remote in it.
    Html,
}

impl ExportFormat {
    /// The ending of files of that kind.
    pub const fn ending(self) -> &'static str {
        match self {
            ExportFormat::Markdown => "md",
            ExportFormat::Json => "json",
            ExportFormat::Html => "html",
        }
    }
}

/// How a file as a job left it compares with what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileDiffState {
    /// The diff says.
    Changed,
    /// The job made it: all of it is new.
    Created,
    /// The job took it away.
    Removed,
    /// It is as it was before.
    Same,
    /// It is no text.
    Binary,
    /// What it was before was not kept: it was too large, or too much changed.
    NotKept,
}
