//! What can go wrong in the store, and how clients hear of it.

use std::path::PathBuf;

use contract::{
    CompanyId, Error, ErrorCode, JobId, JobState, LeaseId, NoticeId, Origin, Question, QuestionId, RuleId, RunId,
    SessionId, one_line,
};
use serde_json::json;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was named is not there.
    #[error("there is no {0}")]
    NotFound(Missing),
    /// The company has an open session already.
    #[error("session {session} is open")]
    SessionActive {
        /// The open one.
        session: SessionId,
    },
    /// The session has a brief that has not ended.
    #[error("job {job} has not ended: {title}")]
    SessionBusy {
        /// The one at work, or else the first in line.
        job: JobId,
        /// Its title.
        title: String,
    },
    /// The job has ended, and a final state never changes.
    #[error("job {job} has ended: {}", state.name())]
    JobFinal {
        /// The job.
        job: JobId,
        /// How it ended.
        state: JobState,
    },
    /// The job is in a state from which this cannot happen.
    #[error("job {job} is {}, which this does not fit", state.name())]
    JobNotThere {
        /// The job.
        job: JobId,
        /// Its state.
        state: JobState,
    },
    /// No run has begun the job.
    #[error("job {job} has not begun: it is {}", state.name())]
    NotBegun {
        /// The job.
        job: JobId,
        /// Its state.
        state: JobState,
    },
    /// The question was answered, or nobody waits for the answer any more.
    #[error("question {} is closed", .0.question_id)]
    QuestionClosed(Box<Question>),
    /// The job to wait for has ended without being done.
    #[error("job {job}, to be waited for, is {}", state.name())]
    BlockerEnded {
        /// That job.
        job: JobId,
        /// How it ended.
        state: JobState,
    },
    /// A run of the job is alive: only its settlement ends the job.
    #[error("run {run} of job {job} is alive")]
    RunAlive {
        /// The job.
        job: JobId,
        /// Its run.
        run: RunId,
    },
    /// The run has ended.
    #[error("run {0} has ended")]
    RunFinal(RunId),
    /// What the caller's own closure refused. Its transaction is rolled back.
    #[error("{0}")]
    Refused(Box<Error>),
    /// The disk is full. Nothing of the transaction was kept.
    #[error("the disk is full")]
    DiskFull,
    /// The database was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}")]
    NewerDatabase {
        /// Its schema.
        found: i64,
        /// The newest that we know.
        known: i64,
    },
    /// The file is no database, or pages of it are broken. Opening it again mends it.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// A row does not read.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// Another program holds the database, and did not let go of it in time.
    #[error("another program holds the database")]
    Locked,
    /// The database or its folder cannot be written.
    #[error("{} cannot be written", path.display())]
    ReadOnly {
        /// What it is that cannot be written.
        path: PathBuf,
    },
    /// A file or folder beside the database could not be used.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A closure panicked. Its transaction was rolled back, and the store goes on.
    #[error("a database call panicked: {0}")]
    Panicked(String),
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
    /// Anything else that SQLite said.
    #[error("database: {0}")]
    Sql(#[source] rusqlite::Error),
}

/// What was not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A company.
    Company(CompanyId),
    /// An open session of a company.
    OpenSession(CompanyId),
    /// A session.
    Session(SessionId),
    /// A job.
    Job(JobId),
    /// A run.
    Run(RunId),
    /// A lease.
    Lease(LeaseId),
    /// A notice.
    Notice(NoticeId),
    /// A question.
    Question(QuestionId),
    /// A rule.
    Rule(RuleId),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Missing::Company(id) => write!(f, "company {id}"),
            Missing::OpenSession(id) => write!(f, "open session of company {id}"),
            Missing::Session(id) => write!(f, "session {id}"),
            Missing::Job(id) => write!(f, "job {id}"),
            Missing::Run(id) => write!(f, "run {id}"),
            Missing::Lease(id) => write!(f, "lease {id}"),
            Missing::Notice(id) => write!(f, "notice {id}"),
            Missing::Question(id) => write!(f, "question {id}"),
            Missing::Rule(id) => write!(f, "rule {id}"),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::Error as E;
        use rusqlite::ffi::ErrorCode as C;
        match &error {
            E::SqliteFailure(failure, _) => match failure.code {
                C::DiskFull => StoreError::DiskFull,
                C::DatabaseCorrupt | C::NotADatabase => StoreError::Damaged(error.to_string()),
                C::DatabaseBusy | C::DatabaseLocked => StoreError::Locked,
                C::ReadOnly | C::CannotOpen | C::PermissionDenied => {
                    StoreError::ReadOnly { path: "the database".into() }
                }
                _ => StoreError::Sql(error),
            },
            E::FromSqlConversionFailure(..) | E::InvalidColumnType(..) | E::IntegralValueOutOfRange(..) => {
                StoreError::Corrupt(error.to_string())
            }
            _ => StoreError::Sql(error),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> StoreError {
        StoreError::Refused(Box::new(error))
    }
}

impl StoreError {
    pub(crate) fn file(path: impl Into<PathBuf>, source: std::io::Error) -> StoreError {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::DiskFull,
            _ => StoreError::File { path: path.into(), source },
        }
    }
}

/// A path at the beginning of a sentence.
fn sentence(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    if text == "the database" { "The database".into() } else { text }
}

/// What became of a question before this answer came.
fn closed(question: &Question) -> Error {
    let from = question.answered_by.map(|origin| match origin {
        Origin::Cli => "from the terminal",
        Origin::Desk | Origin::Quick => "from the window",
        Origin::Notification => "from a notification",
        Origin::Timeout => "since nobody did in time",
        Origin::Client => "from another program",
    });
    let what = match (&question.answer, from) {
        (Some(answer), Some(from)) => {
            format!("The question was answered already, {from}: “{}”.", one_line(answer, 80))
        }
        _ => "The job that asked has ended, so nobody waits for the answer any more.".to_owned(),
    };
    let fix = format!("`aicib logs {}` shows how it went on.", question.job_id);
    Error::new(ErrorCode::QUESTION_CLOSED, what, fix).with(json!({
        "question_id": question.question_id,
        "answer": question.answer,
        "answered_by": question.answered_by,
        "closed_at": question.closed_at,
    }))
}

const RESTORE: &str = "`aicib doctor` shows where the database and its backups are.";

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        match error {
            StoreError::Refused(error) => *error,
            StoreError::NotFound(Missing::Company(id)) => Error::new(
                ErrorCode::COMPANY_NOT_FOUND,
                format!("There is no company {id}."),
                "Create one with `aicib init`.",
            ),
            StoreError::NotFound(Missing::OpenSession(_)) => {
                Error::new(ErrorCode::SESSION_NONE, "No active session.", "Run `aicib start` first.")
            }
            StoreError::NotFound(Missing::Job(id)) => {
                Error::new(ErrorCode::JOB_NOT_FOUND, format!("There is no job {id}."), "`aicib jobs` lists them.")
                    .with(json!({ "job_id": id }))
            }
            StoreError::NotFound(Missing::Session(id)) => Error::new(
                ErrorCode::SESSION_NOT_FOUND,
                format!("There is no session {id}."),
                "`aicib session list` lists them.",
            )
            .with(json!({ "session_id": id })),
            StoreError::NotFound(Missing::Question(id)) => Error::new(
                ErrorCode::QUESTION_NOT_FOUND,
                format!("There is no question {id}."),
                "`aicib status` shows what waits for you.",
            )
            .with(json!({ "question_id": id })),
            StoreError::NotFound(Missing::Rule(id)) => Error::new(
                ErrorCode::RULE_NOT_FOUND,
                format!("There is no rule {id}."),
                "`aicib permissions` lists them.",
            )
            .with(json!({ "rule_id": id })),
            StoreError::NotFound(missing) => {
                Error::new(ErrorCode::BAD_REQUEST, format!("There is no {missing}."), "Read the list again.")
            }
            StoreError::SessionActive { session } => Error::new(
                ErrorCode::SESSION_ACTIVE,
                "The team is already running.",
                "Send it work with `aicib brief \"…\"`, or end the session with `aicib stop`.",
            )
            .with(json!({ "session_id": session })),
            StoreError::SessionBusy { job, title } => Error::new(
                ErrorCode::SESSION_BUSY,
                format!("Job #{job} is already running: “{title}”."),
                "Wait for it, stop it with `aicib cancel`, or line up behind it with `--queue`.",
            )
            .with(json!({ "job_id": job, "title": title })),
            StoreError::JobFinal { job, state } => {
                Error::new(ErrorCode::JOB_FINAL, format!("Job {job} has ended already ({}).", state.name()), "")
                    .with(json!({ "job_id": job, "state": state }))
            }
            StoreError::NotBegun { job, state } => Error::new(
                ErrorCode::JOB_NOT_BEGUN,
                format!("Job {job} has not begun (it is {}), so nobody can be told more.", state.name()),
                format!("Cancel it with `aicib cancel {job}` and send the whole brief anew."),
            )
            .with(json!({ "job_id": job, "state": state })),
            StoreError::QuestionClosed(question) => closed(&question),
            StoreError::BlockerEnded { job, state } => Error::new(
                ErrorCode::JOB_BLOCKER,
                format!("Job {job}, which it is to wait for, has ended without being done ({}).", state.name()),
                format!("Send it again with `aicib restart {job}` and wait for that one, or wait for none."),
            )
            .with(json!({ "job_id": job, "state": state })),
            StoreError::JobNotThere { .. } | StoreError::RunAlive { .. } | StoreError::RunFinal(_) => {
                Error::internal(error)
            }
            StoreError::DiskFull => Error::new(
                ErrorCode::DISK_FULL,
                "The disk is full, so this could not be stored.",
                "Free some space and try again; what was stored before is safe.",
            ),
            StoreError::NewerDatabase { found, known } => Error::new(
                ErrorCode::DATABASE,
                format!("The database is newer (schema {found}) than this version of AICIB knows (schema {known})."),
                "Install the latest version of AICIB.",
            ),
            StoreError::Damaged(what) => Error::new(
                ErrorCode::DATABASE,
                format!("The database is damaged: {what}."),
                "`aicib daemon restart` mends it; what the runs recorded is kept.",
            ),
            StoreError::Corrupt(what) => {
                Error::new(ErrorCode::DATABASE, format!("The database is damaged: {what}."), RESTORE)
            }
            StoreError::Locked => Error::new(
                ErrorCode::DATABASE_LOCKED,
                "Another program holds the database, so this could not be stored.",
                "Close what has `aicib.db` open (a database browser, a backup), and try again.",
            ),
            StoreError::ReadOnly { path } => Error::new(
                ErrorCode::DATABASE_READ_ONLY,
                format!("{} cannot be written, so nothing can be stored.", sentence(&path)),
                "Give your user the right to write it, or mount its disk for writing, and try again.",
            ),
            StoreError::File { .. } => Error::new(ErrorCode::DATABASE, format!("{error}."), RESTORE),
            StoreError::Closed => Error::new(ErrorCode::STOPPING, "The daemon is stopping.", "Try again in a moment."),
            StoreError::Panicked(_) => Error::internal(error),
            StoreError::Sql(sql) => Error::new(ErrorCode::DATABASE, format!("The database said: {sql}."), RESTORE),
        }
    }
}
