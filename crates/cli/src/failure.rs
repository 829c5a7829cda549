//! How a command can end other than well.

use std::io;

use contract::{Error, ErrorCode};

/// It was asked for and did not work, or the job that was waited for failed.
pub(crate) const EXIT_FAILED: u8 = 1;
/// Wrong use.
pub(crate) const EXIT_USAGE: u8 = 2;
/// What was waited for has not ended in time, as `timeout` says it.
pub(crate) const EXIT_TIMEOUT: u8 = 124;
/// The job was cancelled: what a shell expects of a command that Ctrl-C ended.
pub(crate) const EXIT_CANCELLED: u8 = 130;
/// SIGTERM ended the command, and the job goes on.
pub(crate) const EXIT_LEFT: u8 = 143;

/// How a command ended.
pub(crate) type Outcome = Result<(), Failure>;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked wrongly: exit 2.
    Usage(String),
    /// It could not be done: exit 1.
    Error(Error),
    /// All is said already; only the exit code is left.
    Exit(u8),
    /// Nobody reads what is printed any more.
    Pipe,
}

impl Failure {
    /// Wrong use, with what to do.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::Usage(message.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Error(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::Pipe;
        }
        let code = if error.kind() == io::ErrorKind::StorageFull { ErrorCode::DISK_FULL } else { ErrorCode::INTERNAL };
        Failure::Error(Error::new(code, format!("Cannot print: {error}."), "Check where the output goes."))
    }
}
