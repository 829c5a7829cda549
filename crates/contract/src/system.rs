//! AICIB itself: keys, the doctor's checks, the founder's settings, the daemon.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Money, NoticeKind, Pays, Sandbox, Seq, Time};

/// Where a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyStorage {
    /// In the system's keychain.
    Keychain,
    /// In a file of the home, encrypted with the founder's passphrase.
    PassphraseFile,
    /// In the daemon's memory, until it stops.
    Session,
}

/// A key, without the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Key {
    /// Whose key it is (`anthropic`).
    pub provider: String,
    /// Where it is kept.
    pub storage: KeyStorage,
    /// Its last four characters, to tell keys apart.
    pub hint: String,
    /// Whether it can be read right now; a locked keychain or key file cannot.
    pub unlocked: bool,
}

/// One thing the doctor looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Check {
    /// Its name ("Keychain").
    pub name: String,
    /// How it is.
    pub status: CheckStatus,
    /// What was found, in a sentence.
    pub detail: String,
    /// What to do, in a sentence; empty where there is nothing.
    pub fix: String,
}

/// How a thing that the doctor looked at is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// Works, with less.
    Warning,
    /// Does not work.
    Fault,
}

/// The founder's settings, over all companies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Runs at once, 1 to 100.
    pub max_parallel_jobs: i64,
    /// A brief's limit where it names none; zero means none.
    pub brief_limit_usd: Money,
    /// Whether the founder is told natively.
    pub notifications: bool,
    /// Which of them, and when.
    #[serde(default)]
    pub notify: Notify,
    /// The key that opens Quick brief from anywhere (`CmdOrCtrl+Shift+Space`); empty means none.
    pub quick_shortcut: String,
    /// How the window looks.
    pub theme: Theme,
    /// The language of the window, the tray and notices (`en`, `de`); empty for the system's.
    #[serde(default)]
    pub language: String,
    /// The size of text in the window, in percent: 80 to 200.
    #[serde(default = "defaults::text_percent")]
    pub text_percent: i64,
    /// Keys in place of the usual ones, by what they do (`palette`).
    #[serde(default)]
    pub shortcuts: BTreeMap<String, String>,
    /// Speed of the practice engine: 1 is about eight seconds a brief, 10 is ten times as fast; 0.1 to 100.
    pub practice_pace: f64,
    /// How long a process may take to end when told to, in milliseconds; 0 to 60,000.
    pub stop_grace_ms: i64,
    /// Minutes a run may work, waits left out; zero means no limit.
    #[serde(default = "defaults::run_minutes")]
    pub run_minutes: i64,
    /// Minutes a run may take to its first word; zero means no limit.
    #[serde(default = "defaults::first_output_minutes")]
    pub run_first_output_minutes: i64,
    /// Minutes a run may be silent; zero means no limit.
    #[serde(default = "defaults::silence_minutes")]
    pub run_silence_minutes: i64,
    /// Model calls of the CEO in a run; zero means no limit.
    #[serde(default = "defaults::turns")]
    pub run_turns: i64,
    /// Megabytes a run may record; zero means no limit.
    #[serde(default = "defaults::output_mb")]
    pub run_output_mb: i64,
    /// How often a job whose run failed without effect, for a reason that passes, is tried again; 0 to 10.
    #[serde(default = "defaults::retries")]
    pub run_retries: i64,
    /// How much the daemon says in its log.
    #[serde(default)]
    pub log_level: LogLevel,
    /// Where the Anthropic API is, in place of the provider's own address; empty means that one.
    pub anthropic_base_url: String,
    /// Where the OpenAI-compatible API is (`http://127.0.0.1:11434/v1`); empty means OpenAI's own.
    #[serde(default)]
    pub openai_base_url: String,
    /// The model of that API where a company names none.
    #[serde(default)]
    pub openai_model: String,
    /// Programs of engines that are not found by themselves, or not the ones to use: path by engine (`claude-code`).
    #[serde(default)]
    pub engine_programs: BTreeMap<String, String>,
    /// The command that starts the engine `acp:custom`; empty for none. It is split into words as a shell does.
    #[serde(default)]
    pub acp_command: String,
    /// How engines that are programs pay for their calls, by engine; [`Pays::Auto`] where one is not named.
    #[serde(default)]
    pub engine_pays: BTreeMap<String, Pays>,
    /// Minutes after which a question for leave to act is answered with no; zero means never.
    #[serde(default)]
    pub approval_minutes: i64,
    /// Whether commands and agents' programs are confined.
    #[serde(default)]
    pub sandbox: Sandbox,
    /// Whether commands of confined agents may use the network.
    #[serde(default = "defaults::yes")]
    pub sandbox_network: bool,
    /// Folders that confined agents may read beside the system's and their company's.
    #[serde(default)]
    pub sandbox_read: Vec<String>,
    /// Whether the first-start steps are behind us.
    pub onboarded: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            max_parallel_jobs: 10,
            brief_limit_usd: Money::nanos(5_000_000_000),
            notifications: true,
            notify: Notify::default(),
            quick_shortcut: "CmdOrCtrl+Shift+Space".into(),
            theme: Theme::System,
            language: String::new(),
            text_percent: defaults::text_percent(),
            shortcuts: BTreeMap::new(),
            practice_pace: 1.0,
            stop_grace_ms: 5_000,
            run_minutes: defaults::run_minutes(),
            run_first_output_minutes: defaults::first_output_minutes(),
            run_silence_minutes: defaults::silence_minutes(),
            run_turns: defaults::turns(),
            run_output_mb: defaults::output_mb(),
            run_retries: defaults::retries(),
            log_level: LogLevel::Info,
            anthropic_base_url: String::new(),
            openai_base_url: String::new(),
            openai_model: String::new(),
            engine_programs: BTreeMap::new(),
            acp_command: String::new(),
            engine_pays: BTreeMap::new(),
            approval_minutes: 0,
            sandbox: Sandbox::Auto,
            sandbox_network: true,
            sandbox_read: Vec::new(),
            onboarded: false,
        }
    }
}

/// Which notices the founder hears natively, and when. All of them are in the app's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// Briefs that were completed.
    pub done: bool,
    /// Briefs that failed.
    pub failed: bool,
    /// Questions.
    pub question: bool,
    /// Questions for leave to act.
    pub approval: bool,
    /// When it becomes quiet, in the founder's local time (`22:00`); empty for never.
    pub quiet_from: String,
    /// When it ends to be quiet (`07:00`); empty for never.
    pub quiet_to: String,
    /// Whether failures and questions are told in quiet hours, too.
    pub quiet_lets_urgent: bool,
}

impl Default for Notify {
    fn default() -> Notify {
        Notify {
            done: true,
            failed: true,
            question: true,
            approval: true,
            quiet_from: String::new(),
            quiet_to: String::new(),
            quiet_lets_urgent: false,
        }
    }
}

impl Notify {
    /// Whether notices of that kind are told at all.
    pub const fn tells(&self, kind: NoticeKind) -> bool {
        match kind {
            NoticeKind::Done => self.done,
            NoticeKind::Failed => self.failed,
            NoticeKind::Question => self.question,
            NoticeKind::Approval => self.approval,
        }
    }
}

/// What a setting is where a client or a database of an earlier version does not name it.
mod defaults {
    pub const fn text_percent() -> i64 {
        100
    }
    pub const fn yes() -> bool {
        true
    }
    pub const fn run_minutes() -> i64 {
        120
    }
    pub const fn first_output_minutes() -> i64 {
        10
    }
    pub const fn silence_minutes() -> i64 {
        30
    }
    pub const fn turns() -> i64 {
        500
    }
    pub const fn output_mb() -> i64 {
        256
    }
    pub const fn retries() -> i64 {
        2
    }
}

/// How much the daemon says in its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// And what looks odd.
    Warn,
    /// And what happens.
    #[default]
    Info,
    /// And how.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Every level, quietest first.
    pub const ALL: [LogLevel; 5] = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

    /// The name in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }

    /// The level with that name.
    pub fn from_name(name: &str) -> Option<LogLevel> {
        LogLevel::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// How the window looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What the daemon says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct DaemonStatus {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: Time,
    /// The home it holds.
    pub home: String,
    /// Jobs by state name; states without a job are left out.
    pub jobs: BTreeMap<String, i64>,
    /// The last event stored.
    pub seq: Seq,
    /// Size of the database on disk, in bytes.
    pub database_bytes: i64,
    /// Whether a desktop app is attached.
    pub desktop: bool,
    /// Whether all jobs are on hold.
    pub held: bool,
    /// How much it says in its log.
    pub log_level: LogLevel,
}

/// How the daemon and its workers fare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Health {
    /// The daemon itself.
    pub status: DaemonStatus,
    /// How long it has been up, in milliseconds.
    pub uptime_ms: i64,
    /// When its heart last beat: written to the database and the home's `heartbeat` file.
    pub beat_at: Time,
    /// Memory of the daemon's process, in bytes.
    pub memory_bytes: i64,
    /// Processor time it has used, in milliseconds.
    pub cpu_ms: i64,
    /// Runs at once, at most.
    pub max_parallel_jobs: i64,
    /// The runs that are alive; at most 100.
    pub workers: Vec<WorkerHealth>,
    /// Bytes of spools that are written and not stored yet, all workers together.
    pub lag_bytes: i64,
    /// Bytes free on the disk that holds the home; none where the system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub disk_free_bytes: Option<i64>,
    /// When the newest copy of the database was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub backup_at: Option<Time>,
    /// What was said of the database when the daemon started, where it had to be repaired.
    pub repaired: String,
    /// The last errors and warnings of the daemon's log, newest last; at most 20.
    pub errors: Vec<LoggedError>,
}

/// A run that is alive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct WorkerHealth {
    /// The run.
    pub run_id: crate::RunId,
    /// Its job.
    pub job_id: crate::JobId,
    /// The worker's process, once it is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub pid: Option<u32>,
    /// Processes under it, when last counted.
    pub children: i64,
    /// Memory of all of them together, in bytes.
    pub memory_bytes: i64,
    /// Processor time of all of them together, in milliseconds.
    pub cpu_ms: i64,
    /// When it was last heard of.
    pub heard_at: Time,
    /// Whether it is connected to the daemon.
    pub connected: bool,
    /// Bytes of its spool that are written and not stored yet.
    pub lag_bytes: i64,
}

/// A line of the daemon's log that told of something wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct LoggedError {
    /// When.
    pub at: Time,
    /// How bad.
    pub level: LogLevel,
    /// What it said, in a line.
    pub text: String,
}
