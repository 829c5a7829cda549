//! Errors as clients see them: what happened, to what, what to do, and whether trying again helps.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The caller asked for something that cannot be.
    User,
    /// A file or setting is wrong.
    Config,
    /// It clashes with what is going on.
    Conflict,
    /// The model provider or the network.
    Provider,
    /// This machine or this program.
    Internal,
}

/// A name for an error, stable over versions (`job.not_found`). Only errors that somebody acts on have one of
/// their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct ErrorCode(pub Cow<'static, str>);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $kind:ident, $retry:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: ErrorCode = ErrorCode(Cow::Borrowed($code));)*

            /// The code, its kind, and whether trying again helps; for every code there is.
            pub const ALL: &'static [(&'static str, ErrorKind, bool)] = &[$(($code, ErrorKind::$kind, $retry)),*];
        }
    };
}

codes! {
    /// Params that do not fit the method.
    BAD_REQUEST = "request.bad", User, false;
    /// A line longer than the limit.
    TOO_LARGE = "request.too_large", User, false;
    /// No such method, or not for this caller.
    METHOD_UNKNOWN = "request.method_unknown", User, false;
    /// No credential, or a wrong one.
    UNAUTHORIZED = "request.unauthorized", User, false;
    /// A protocol version that this daemon does not speak.
    PROTOCOL_UNSUPPORTED = "protocol.unsupported", Conflict, false;
    /// The daemon could not be started or reached.
    DAEMON_UNREACHABLE = "daemon.unreachable", Internal, true;
    /// Another daemon holds this home.
    DAEMON_RUNNING = "daemon.running", Conflict, false;
    /// The daemon has more to do than it can hold.
    OVERLOADED = "daemon.overloaded", Internal, true;
    /// The daemon is shutting down.
    STOPPING = "daemon.stopping", Conflict, true;
    /// No company in that folder, or no such id.
    COMPANY_NOT_FOUND = "company.not_found", User, false;
    /// The folder holds a company already.
    COMPANY_EXISTS = "company.exists", Conflict, false;
    /// The company's folder vanished or cannot be read or written.
    COMPANY_FOLDER = "company.folder", Config, false;
    /// The config does not parse or does not hold.
    CONFIG_INVALID = "config.invalid", Config, false;
    /// No such key in the config.
    CONFIG_KEY = "config.key_unknown", User, false;
    /// No agent of that role.
    AGENT_NOT_FOUND = "agent.not_found", User, false;
    /// An agent's file has no frontmatter, or it does not hold.
    AGENT_INVALID = "agent.invalid", Config, false;
    /// The CEO's file is missing (E004).
    CEO_MISSING = "agent.ceo_missing", Config, false;
    /// No session is open (E002, E006).
    SESSION_NONE = "session.none", User, false;
    /// A session is open already (E001).
    SESSION_ACTIVE = "session.active", Conflict, false;
    /// The session has a brief under way (E009).
    SESSION_BUSY = "session.busy", Conflict, true;
    /// No such session.
    SESSION_NOT_FOUND = "session.not_found", User, false;
    /// No such question.
    QUESTION_NOT_FOUND = "question.not_found", User, false;
    /// Somebody has answered it already, or nobody waits for the answer any more.
    QUESTION_CLOSED = "question.closed", Conflict, false;
    /// An agent of that role is there already.
    AGENT_EXISTS = "agent.exists", Conflict, false;
    /// No such job.
    JOB_NOT_FOUND = "job.not_found", User, false;
    /// The job has ended.
    JOB_FINAL = "job.final", Conflict, false;
    /// The job has not ended.
    JOB_NOT_FINAL = "job.not_final", Conflict, false;
    /// No run has begun the job.
    JOB_NOT_BEGUN = "job.not_begun", Conflict, false;
    /// The job that it waits for did not complete.
    JOB_BLOCKER = "job.blocker_not_completed", Conflict, false;
    /// A directive that is empty, too long, or holds nothing to read.
    DIRECTIVE_INVALID = "directive.invalid", User, false;
    /// Today's limit is reached (E003).
    BUDGET_DAILY = "budget.daily_reached", User, false;
    /// This month's limit is reached (E025).
    BUDGET_MONTHLY = "budget.monthly_reached", User, false;
    /// The session's limit is reached.
    BUDGET_SESSION = "budget.session_reached", User, false;
    /// An agent's limit is reached.
    BUDGET_AGENT = "budget.agent_reached", User, false;
    /// The brief's own limit is reached.
    BUDGET_BRIEF = "budget.brief_reached", User, false;
    /// The company names an engine that is not here.
    ENGINE_UNAVAILABLE = "engine.unavailable", Config, false;
    /// The engine's program is not on this machine.
    ENGINE_NOT_FOUND = "engine.not_found", Config, false;
    /// The engine's program is too old, or no such program.
    ENGINE_UNSUPPORTED = "engine.unsupported", Config, false;
    /// The engine's program is not logged in, and no key is stored for it.
    ENGINE_LOGIN = "engine.login", Config, false;
    /// The engine's program ended, or broke, in mid-work.
    ENGINE_FAILED = "engine.failed", Internal, true;
    /// Commands and agents' programs must be confined, and this system cannot.
    SANDBOX_UNAVAILABLE = "sandbox.unavailable", Config, false;
    /// No such rule.
    RULE_NOT_FOUND = "rule.not_found", User, false;
    /// No key for the engine's provider.
    KEY_MISSING = "key.missing", Config, false;
    /// The keychain is locked.
    KEYCHAIN_LOCKED = "keychain.locked", Config, true;
    /// The keychain is not there.
    KEYCHAIN_UNAVAILABLE = "keychain.unavailable", Config, true;
    /// A passphrase that does not open the key file.
    PASSPHRASE_WRONG = "key.passphrase_wrong", User, false;
    /// The provider refused the key (401, 403).
    PROVIDER_AUTH = "provider.auth", Provider, false;
    /// The provider's account has no credit.
    PROVIDER_CREDIT = "provider.credit", Provider, false;
    /// The provider's account is out of quota until a time that it names.
    PROVIDER_QUOTA = "provider.quota", Provider, true;
    /// The provider asks to wait (429).
    PROVIDER_RATE_LIMIT = "provider.rate_limit", Provider, true;
    /// The provider is overloaded or broken (529, 5xx).
    PROVIDER_DOWN = "provider.down", Provider, true;
    /// The provider cannot be reached.
    PROVIDER_NETWORK = "provider.network", Provider, true;
    /// The provider refused the request (400, 404).
    PROVIDER_REFUSED = "provider.refused", Provider, false;
    /// The provider's answer broke off or made no sense.
    PROVIDER_PROTOCOL = "provider.protocol", Provider, true;
    /// The run reached its number of turns.
    RUN_TURNS = "run.turns_reached", User, false;
    /// The run reached its time.
    RUN_TIME = "run.time_reached", User, false;
    /// The run said nothing at first for longer than it may.
    RUN_NO_OUTPUT = "run.no_output", User, true;
    /// The run fell silent for longer than it may.
    RUN_SILENT = "run.silent", User, true;
    /// The work went round in circles, and the founder ended it.
    RUN_LOOP = "run.loop", User, false;
    /// The run recorded more than it may.
    RUN_OUTPUT = "run.output_reached", User, false;
    /// The worker vanished in mid-run.
    RUN_INTERRUPTED = "run.interrupted", Internal, true;
    /// The worker could not be started.
    RUN_SPAWN = "run.spawn_failed", Internal, true;
    /// The disk is full.
    DISK_FULL = "disk.full", Internal, true;
    /// The database is newer than this program, broken or unreadable.
    DATABASE = "database.unusable", Internal, false;
    /// Another program holds the database.
    DATABASE_LOCKED = "database.locked", Internal, true;
    /// The database, or its folder, cannot be written.
    DATABASE_READ_ONLY = "database.read_only", Internal, true;
    /// A fault of ours.
    INTERNAL = "internal", Internal, false;
}

impl ErrorCode {
    /// The code's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn row(&self) -> (ErrorKind, bool) {
        let row = ErrorCode::ALL.iter().find(|(code, _, _)| *code == self.0);
        row.map_or((ErrorKind::Internal, false), |(_, kind, retry)| (*kind, *retry))
    }
}

/// What a client is told when something did not work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Error {
    /// The error's stable name.
    pub code: ErrorCode,
    /// Whose move it is.
    pub kind: ErrorKind,
    /// What happened, to what. One sentence.
    pub message: String,
    /// What to do about it. One sentence, or empty where there is nothing to do.
    pub fix: String,
    /// Whether the same call may work later.
    pub retryable: bool,
    /// Facts that a program may act on (`job_id`, `line`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "unknown"))]
    pub data: Option<Value>,
}

impl Error {
    /// An error with its kind and retry taken from the code.
    pub fn new(code: ErrorCode, message: impl Into<String>, fix: impl Into<String>) -> Error {
        let (kind, retryable) = code.row();
        Error { code, kind, message: message.into(), fix: fix.into(), retryable, data: None }
    }

    /// A fault of ours: nothing the caller can do but report it.
    pub fn internal(what: impl fmt::Display) -> Error {
        Error::new(
            ErrorCode::INTERNAL,
            what.to_string(),
            "This is a fault in AICIB: `aicib doctor` shows what to report.",
        )
    }

    /// The same error with facts that a program may act on.
    #[must_use]
    pub fn with(mut self, data: Value) -> Error {
        self.data = Some(data);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.fix.is_empty() {
            write!(f, " {}", self.fix)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = ErrorCode::ALL.iter().map(|(code, _, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn an_error_from_a_newer_daemon_still_reads() {
        let text = r#"{"code":"moon.full","kind":"user","message":"The moon is full.","fix":"Wait.","retryable":true}"#;
        let error: Error = serde_json::from_str(text).unwrap();
        assert_eq!(error.to_string(), "The moon is full. Wait.");
    }
}
