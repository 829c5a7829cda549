//! The table: each method once, with its params, its result, who may call it, and what it changes.
//!
//! From it come the daemon's dispatch ([`Handlers`], [`dispatch`]), the typed client ([`Method`]), the TypeScript
//! types and the JSON Schema (`src/generate.rs`).

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::params::*;
use crate::view::*;
use crate::{DaemonStatus, EngineTrial, Error, ErrorCode, Health, Key, Notice, Settings, Show};

/// A method of the table.
pub trait Method: 'static {
    /// What goes in.
    type Params: Serialize + DeserializeOwned + Send + 'static;
    /// What comes back.
    type Result: Serialize + DeserializeOwned + Send + 'static;
    /// The name on the wire (`job.submit`).
    const NAME: &'static str;
}

/// A message that expects no answer.
pub trait Note: 'static {
    /// What it says.
    type Params: Serialize + DeserializeOwned + Send + 'static;
    /// The name on the wire.
    const NAME: &'static str;
}

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody who can reach the socket.
    Anyone,
    /// A caller with the founder's credential.
    Founder,
    /// A worker with its run's token.
    Worker,
}

/// What a method changes, and so what a screen reads again after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The list of companies, a config, a session.
    Company,
    /// Agents and their files.
    Team,
    /// Jobs.
    Jobs,
    /// Keys.
    Keys,
    /// Settings.
    Settings,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// The name on the wire.
    pub name: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it changes.
    pub changes: &'static [Topic],
    /// What it does, in a sentence.
    pub doc: &'static str,
}

macro_rules! methods {
    ($($(#[doc = $doc:literal])+ $type:ident $fn:ident $name:literal ($params:ty) -> $result:ty, $access:ident, [$($topic:ident)*];)*) => {
        $(
            $(#[doc = $doc])+
            pub struct $type;
            impl Method for $type {
                type Params = $params;
                type Result = $result;
                const NAME: &'static str = $name;
            }
        )*

        /// Every method, in the order of the table.
        pub const METHODS: &[MethodInfo] = &[$(MethodInfo {
            name: $name,
            access: Access::$access,
            changes: &[$(Topic::$topic),*],
            doc: concat!($($doc),+),
        }),*];

        /// One function a method. What implements it answers every method there is, or does not compile.
        pub trait Handlers: Sync {
            /// Who called: whatever the server knows of a connection.
            type Caller: Sync;
            $(
                $(#[doc = $doc])+
                fn $fn(&self, caller: &Self::Caller, params: $params) -> impl Future<Output = Result<$result, Error>> + Send;
            )*
        }

        /// Calls the handler of `method`. Access has been checked by then ([`method_info`]).
        ///
        /// # Errors
        /// What the handler says, or [`ErrorCode::BAD_REQUEST`] for params that do not fit.
        pub async fn dispatch<H: Handlers>(handlers: &H, caller: &H::Caller, method: &str, params: Value) -> Result<Value, Error> {
            match canonical(method) {
                $($name => encode(handlers.$fn(caller, decode($name, params)?).await?),)*
                _ => Err(unknown_method(method)),
            }
        }

        #[cfg(test)]
        pub(crate) fn typescript(cfg: &ts_rs::Config) -> Vec<(&'static str, String, String)> {
            use ts_rs::TS;
            vec![$(($name, <$params as TS>::name(cfg), <$result as TS>::name(cfg))),*]
        }

        #[cfg(test)]
        pub(crate) fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema, schemars::Schema)> {
            vec![$(($name, generator.subschema_for::<$params>(), generator.subschema_for::<$result>())),*]
        }
    };
}

methods! {
    /// Says who is calling, and with what right. The first call on a connection.
    Initialize initialize "initialize" (InitializeParams) -> InitializeResult, Anyone, [];
    /// Whether the daemon is there.
    Ping ping "ping" (Empty) -> Pong, Anyone, [];

    /// What the daemon says of itself.
    DaemonStatusGet daemon_status "daemon.status" (Empty) -> DaemonStatus, Founder, [];
    /// How the daemon and its workers fare: memory, lag, disk, last errors.
    DaemonHealth daemon_health "daemon.health" (Empty) -> Health, Founder, [];
    /// Reads the log level and the settings anew, and looks at every company's config again.
    DaemonReload daemon_reload "daemon.reload" (Empty) -> DaemonStatus, Founder, [];
    /// Makes the daemon say more or less in its log.
    DaemonLogLevel daemon_log_level "daemon.log_level" (LogLevelParams) -> DaemonStatus, Founder, [];
    /// Ends the daemon and begins it anew, from its program as it lies on disk now. Runs go on.
    DaemonRestart daemon_restart "daemon.restart" (Empty) -> Empty, Founder, [];
    /// Ends the daemon. Runs go on, and the next daemon adopts them.
    DaemonStop daemon_stop "daemon.stop" (Empty) -> Empty, Founder, [];

    /// Founds a company in a folder: config, agents, folders.
    CompanyCreate company_create "company.create" (CompanyCreateParams) -> Company, Founder, [Company Team];
    /// A company, by its folder or id; one that the daemon did not know is known from then on.
    CompanyGet company_get "company.get" (CompanyRef) -> Company, Founder, [];
    /// The companies that the daemon knows.
    CompanyListAll company_list "company.list" (Empty) -> CompanyList, Founder, [];
    /// A value of a company's config.
    ConfigGet config_get "config.get" (ConfigGetParams) -> ConfigValue, Founder, [];
    /// Changes a value of a company's config.
    ConfigSet config_set "config.set" (ConfigSetParams) -> ConfigValue, Founder, [Company Team];
    /// What is wrong with a company's config.
    ConfigValidate config_validate "config.validate" (CompanyRef) -> ConfigReport, Founder, [];

    /// A company's agents.
    AgentListAll agent_list "agent.list" (CompanyRef) -> AgentList, Founder, [];
    /// An agent with its file.
    AgentGet agent_get "agent.get" (AgentRef) -> AgentDetail, Founder, [];
    /// Adds an agent to a company.
    AgentAdd agent_add "agent.add" (AgentAddParams) -> AgentDetail, Founder, [Team];
    /// Takes an agent off a company. Its file is put aside, not deleted.
    AgentRemove agent_remove "agent.remove" (AgentRef) -> AgentList, Founder, [Team];
    /// Changes what the config says of an agent.
    AgentSet agent_set "agent.set" (AgentSetParams) -> AgentDetail, Founder, [Team];
    /// What an agent would be told.
    AgentPreviewGet agent_preview "agent.preview" (AgentPreviewParams) -> AgentPreview, Founder, [];
    /// Writes an agent's file anew.
    AgentSave agent_save "agent.save" (AgentSaveParams) -> AgentDetail, Founder, [Team];

    /// Opens the company's session.
    SessionStart session_start "session.start" (CompanyRef) -> Session, Founder, [Company Team];
    /// Cancels what runs in the company's session and closes it.
    SessionStop session_stop "session.stop" (CompanyRef) -> SessionStopResult, Founder, [Company Team Jobs];

    /// A company's sessions, newest first.
    SessionList session_list "session.list" (SessionListParams) -> SessionPage, Founder, [];
    /// Opens an earlier session again: its CEO remembers what was said in it.
    SessionResume session_resume "session.resume" (SessionRef) -> Session, Founder, [Company Team];

    /// A company at a glance.
    DeskGet desk_get "desk.get" (CompanyRef) -> Desk, Founder, [];
    /// A company at a glance, and `desk.changed` from then on, until the connection ends.
    DeskSubscribe desk_subscribe "desk.subscribe" (CompanyRef) -> Desk, Founder, [];

    /// Sends a brief. Returns once it is stored.
    JobSubmit job_submit "job.submit" (JobSubmitParams) -> Job, Founder, [Jobs];
    /// Sends the tasks of a list, each as a brief. All are stored, or none.
    JobSubmitList job_submit_list "job.submit_list" (JobSubmitListParams) -> JobsStored, Founder, [Jobs];
    /// Says more to a job at work: its CEO is told before the next call.
    JobFollowUp job_follow_up "job.follow_up" (JobFollowUpParams) -> Job, Founder, [Jobs];
    /// Stops a job. Returns once nothing of it runs any more.
    JobCancel job_cancel "job.cancel" (JobRef) -> JobCancelResult, Founder, [Jobs];
    /// Sends a finished job's brief again, as a new job.
    JobRestart job_restart "job.restart" (JobRestartParams) -> Job, Founder, [Jobs];
    /// Puts a job, or all jobs, on hold: none is begun, and those at work stop before their next call.
    JobPause job_pause "job.pause" (JobHoldParams) -> JobHoldResult, Founder, [Jobs];
    /// Lets a job, or all jobs, go on.
    JobResume job_resume "job.resume" (JobHoldParams) -> JobHoldResult, Founder, [Jobs];
    /// Returns when the job has ended, or after the time that was named.
    JobWait job_wait "job.wait" (JobWaitParams) -> JobWaitResult, Founder, [];
    /// Forgets jobs that ended long ago.
    JobPrune job_prune "job.prune" (JobPruneParams) -> JobPruneResult, Founder, [Jobs];
    /// Forgets jobs that have ended, by their numbers.
    JobDelete job_delete "job.delete" (JobDeleteParams) -> JobPruneResult, Founder, [Jobs];
    /// Writes a job to a file that can be read without this app.
    JobExport job_export "job.export" (JobExportParams) -> JobExportResult, Founder, [];
    /// Jobs, newest first.
    JobList job_list "job.list" (JobListParams) -> JobPage, Founder, [];
    /// Everything about a job but its events.
    JobGet job_get "job.get" (JobRef) -> JobDetail, Founder, [];
    /// Numbers over all jobs.
    JobStatsGet job_stats "job.stats" (Empty) -> JobStats, Founder, [];
    /// When who was at work in a job.
    JobSpans job_spans "job.spans" (JobPageParams) -> SpanPage, Founder, [];
    /// The files a job changed.
    JobFiles job_files "job.files" (JobPageParams) -> FilePage, Founder, [];

    /// A file as a job left it, compared with what it was before.
    JobFileDiff job_file_diff "job.file_diff" (FileDiffParams) -> FileDiff, Founder, [];

    /// Questions to the founder.
    QuestionList question_list "question.list" (QuestionListParams) -> QuestionPage, Founder, [];
    /// Answers a question. The first answer counts.
    QuestionAnswer question_answer "question.answer" (QuestionAnswerParams) -> Question, Founder, [Jobs];

    /// What the agents of a company may do, and the founder's rules.
    PermissionTableGet permission_table "permission.table" (CompanyRef) -> PermissionTable, Founder, [];
    /// Makes, changes or clears a rule on what agents may do. It holds for runs at work, too.
    PermissionSet permission_set "permission.set" (PermissionSetParams) -> PermissionTable, Founder, [Company];
    /// Takes a rule away.
    RuleRemove rule_remove "rule.remove" (RuleRef) -> PermissionTable, Founder, [Company];

    /// What came of a company's briefs, in a few sentences each.
    JournalList journal_list "journal.list" (JournalListParams) -> JournalPage, Founder, [];
    /// What a company spent.
    CostReportGet cost_report "cost.report" (CostReportParams) -> CostReport, Founder, [];

    /// Events of a job.
    EventList event_list "event.list" (EventListParams) -> EventPage, Founder, [];
    /// Searches the text of events.
    EventSearch event_search "event.search" (EventSearchParams) -> EventHits, Founder, [];
    /// Events of a job as they are stored: `event.added`, and `event.delta` where asked for.
    EventSubscribe event_subscribe "event.subscribe" (EventSubscribeParams) -> Subscription, Founder, [];
    /// The lines that an engine's program wrote in a run, as they came.
    JobRaw job_raw "job.raw" (JobRawParams) -> RawPage, Founder, [];
    /// Ends a subscription.
    EventUnsubscribe event_unsubscribe "event.unsubscribe" (Subscription) -> Empty, Founder, [];

    /// Stores a key.
    KeySet key_set "key.set" (KeySetParams) -> Key, Founder, [Keys Company];
    /// The keys there are, without the keys.
    KeyListAll key_list "key.list" (Empty) -> KeyList, Founder, [];
    /// Forgets a key.
    KeyRemove key_remove "key.remove" (KeyRef) -> Empty, Founder, [Keys Company];
    /// Opens the key file with its passphrase.
    KeyUnlock key_unlock "key.unlock" (KeyUnlockParams) -> KeyList, Founder, [Keys Company];

    /// The founder's settings.
    SettingsGet settings_get "settings.get" (Empty) -> Settings, Founder, [];
    /// Changes the founder's settings.
    SettingsSet settings_set "settings.set" (Settings) -> Settings, Founder, [Settings];

    /// The engines of this machine: what is there, which version, whether it is logged in.
    EngineListAll engine_list "engine.list" (Empty) -> EngineList, Founder, [];
    /// Tries an engine with one short question. It costs a cent at most.
    EngineTry engine_try "engine.try" (EngineTryParams) -> EngineTrial, Founder, [];

    /// What is kept on disk.
    StorageGet storage_get "storage.get" (Empty) -> StorageReport, Founder, [];
    /// Looks at all that could be wrong.
    DoctorRun doctor_run "doctor.run" (Empty) -> DoctorReport, Founder, [];

    /// Makes this connection the desktop: it gets `notice.present` and `desktop.show`.
    DesktopAttach desktop_attach "desktop.attach" (Empty) -> Empty, Founder, [];
    /// Asks the desktop to bring something up.
    DesktopShow desktop_show "desktop.show" (Show) -> ShowResult, Founder, [];
    /// The founder's notices.
    NoticeList notice_list "notice.list" (NoticeListParams) -> NoticePage, Founder, [];
    /// The founder has looked at notices.
    NoticeSeen notice_seen "notice.seen" (NoticeSeenParams) -> NoticePage, Founder, [];
    /// Says what became of a notice.
    NoticeReport notice_report "notice.report" (NoticeReportParams) -> Empty, Founder, [];

    /// Leave for a model call, from every limit at once.
    RunLease run_lease "run.lease" (LeaseParams) -> Lease, Worker, [];
    /// A slot for a run whose job waited.
    RunGoOn run_go_on "run.go_on" (GoOnParams) -> GoOn, Worker, [];
    /// Gives a lease back unused.
    RunLeaseReturn run_lease_return "run.lease_return" (LeaseReturn) -> Empty, Worker, [];
}

macro_rules! notes {
    ($($(#[doc = $doc:literal])+ $type:ident $name:literal ($params:ty);)*) => {
        $(
            $(#[doc = $doc])+
            pub struct $type;
            impl Note for $type {
                type Params = $params;
                const NAME: &'static str = $name;
            }
        )*

        #[cfg(test)]
        pub(crate) fn typescript_notes(cfg: &ts_rs::Config) -> Vec<(&'static str, String)> {
            use ts_rs::TS;
            vec![$(($name, <$params as TS>::name(cfg))),*]
        }

        #[cfg(test)]
        pub(crate) fn note_schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($name, generator.subschema_for::<$params>())),*]
        }
    };
}

notes! {
    /// To a Desk subscriber: what changed.
    DeskChanged "desk.changed" (DeskChange);
    /// To an event subscriber: what was stored.
    EventAdded "event.added" (EventsAdded);
    /// To an event subscriber: the tail of an unfinished message.
    EventDelta "event.delta" (Delta);
    /// To a subscriber who read too slowly.
    EventResync "event.resync" (Resync);
    /// To the desktop: tell the founder.
    NoticePresent "notice.present" (Notice);
    /// To the desktop: bring something up.
    ShowRequested "desktop.show" (Show);
    /// To a worker: stop.
    RunCancelled "run.cancel" (RunCancel);
    /// To a worker: an answer.
    RunAnswered "run.answer" (RunAnswer);
    /// To a worker: more from the founder.
    RunToldMore "run.follow_up" (RunFollowUp);
    /// To a worker: the founder's rules have changed.
    RunRulesChanged "run.rules" (RunRules);
    /// To a worker: hold before the next call, or go on.
    RunHeld "run.hold" (RunHold);
    /// From a worker: the spool has grown.
    RunSpoolGrew "run.grew" (RunGrew);
    /// From a worker: the tail of an unfinished message.
    RunDelta "run.delta" (Delta);
}

/// The daemon seed's names for methods of ours.
const ALIASES: &[(&str, &str)] = &[
    ("task.submit", "job.submit"),
    ("task.cancel", "job.cancel"),
    ("task.list", "job.list"),
    ("task.get", "job.get"),
    ("task.stats", "job.stats"),
];

/// Our name for a method that may be called by the daemon seed's.
pub fn canonical(method: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == method).map_or(method, |(_, name)| name)
}

/// The table's row for a method, aliases included.
pub fn method_info(method: &str) -> Option<&'static MethodInfo> {
    let name = canonical(method);
    METHODS.iter().find(|info| info.name == name)
}

/// The error for a method that the table does not have.
pub fn unknown_method(method: &str) -> Error {
    let shown: String = method.chars().take(64).collect();
    Error::new(
        ErrorCode::METHOD_UNKNOWN,
        format!("There is no method {shown:?}."),
        "The contract's schema lists the methods.",
    )
}

fn decode<P: DeserializeOwned>(method: &str, params: Value) -> Result<P, Error> {
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    serde_json::from_value(params).map_err(|error| {
        Error::new(
            ErrorCode::BAD_REQUEST,
            format!("The params of {method} do not fit: {error}."),
            "The contract's schema says what fits.",
        )
    })
}

fn encode<R: Serialize>(result: R) -> Result<Value, Error> {
    serde_json::to_value(result).map_err(Error::internal)
}
