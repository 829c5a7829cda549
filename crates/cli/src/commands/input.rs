//! Texts that commands are given: from standard input, or from a file. Never more than is allowed.

use std::fs::File;
use std::io::{IsTerminal as _, Read, stdin};
use std::path::Path;

use contract::limits::MAX_DIRECTIVE_BYTES;
use contract::{Error, ErrorCode};

use crate::failure::Failure;
use crate::out::aside;

/// Bytes of a file that is sent on, at most: it has to fit into a message.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// What was typed for `what` ("The brief"), or standard input where that is "-".
pub(crate) fn typed_or_stdin(typed: String, what: &str) -> Result<String, Failure> {
    if typed == "-" { from_stdin(what, MAX_DIRECTIVE_BYTES) } else { Ok(typed) }
}

/// A file's text, or standard input where the path is "-".
pub(crate) fn of_file(path: &Path, what: &str) -> Result<String, Failure> {
    if path == Path::new("-") {
        return from_stdin(what, MAX_FILE_BYTES);
    }
    let file = File::open(path)
        .map_err(|error| invalid(format!("{what} {} cannot be opened: {error}.", path.display()), "Name another."))?;
    read(file, &format!("{what} {}", path.display()), MAX_FILE_BYTES)
}

/// A path from the root on: the daemon stands in another folder.
pub(crate) fn whole(path: &Path, what: &str) -> Result<String, Failure> {
    let whole = std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{what} {} has no whole path: {error}.", path.display())))?;
    let text = whole.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::usage(format!("{what} {} is not named in UTF-8: rename it.", path.display())))
}

fn from_stdin(what: &str, max: usize) -> Result<String, Failure> {
    if stdin().is_terminal() {
        aside(&format!("{what}, please; Ctrl-D on a line of its own ends it."));
    }
    read(stdin().lock(), what, max)
}

fn read(from: impl Read, what: &str, max: usize) -> Result<String, Failure> {
    let mut text = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX);
    let read = from.take(limit.saturating_add(1)).read_to_end(&mut text);
    read.map_err(|error| invalid(format!("{what} cannot be read: {error}."), "Name another."))?;
    if text.len() > max {
        let fix = "Put long texts into a file of the company's folder, and name that.";
        return Err(invalid(format!("{what} is longer than {} KB.", max / 1024), fix));
    }
    String::from_utf8(text).map_err(|_| invalid(format!("{what} is not UTF-8 text."), "Save it as UTF-8."))
}

fn invalid(message: String, fix: &str) -> Failure {
    Error::new(ErrorCode::DIRECTIVE_INVALID, message, fix).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_is_allowed() {
        assert_eq!(read(&b"12345"[..], "The brief", 5).unwrap(), "12345");
        for (given, said) in [(&b"123456"[..], "The brief is longer"), (b"\xff", "The brief is not UTF-8")] {
            let Err(Failure::Error(error)) = read(given, "The brief", 5) else { panic!("it was taken") };
            assert!(error.message.starts_with(said), "{error}");
        }
        let endless = read(std::io::repeat(b'x'), "The list", MAX_FILE_BYTES);
        assert!(matches!(endless, Err(Failure::Error(_))));
    }
}
