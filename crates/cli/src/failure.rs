//! How a command can end other than well.

use std::io;

use contract::{Error, ErrorCode};

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
