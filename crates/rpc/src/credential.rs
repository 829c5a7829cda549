//! The founder's credential: a file that only the founder can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use contract::{Credential, Error, ErrorCode};

use crate::Home;

/// Hex digits of a credential: 32 random bytes.
const DIGITS: usize = 64;

/// The founder's credential of a home.
///
/// # Errors
/// When no daemon has made it yet, or it cannot be read.
pub fn founder_credential(home: &Home) -> Result<Credential, Error> {
    read(&home.credential_file()).map(Credential::Founder).map_err(|error| unusable(home, &error))
}

/// The founder's credential of a home; made where it is missing or broken. For the daemon, while it holds the
/// home's lock.
///
/// # Errors
/// When it cannot be written, or the system has no randomness.
pub fn ensure_founder_credential(home: &Home) -> Result<String, Error> {
    let file = home.credential_file();
    match read(&file) {
        Ok(found) => return Ok(found),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {}
        Err(error) => return Err(unusable(home, &error)),
    }
    let mut bytes = [0u8; DIGITS / 2];
    getrandom::fill(&mut bytes).map_err(|error| unusable(home, &io::Error::other(error)))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write(&file, &text).map_err(|error| unusable(home, &error))?;
    Ok(text)
}

fn read(file: &Path) -> io::Result<String> {
    let text = fs::read_to_string(file)?;
    let text = text.trim();
    if text.len() != DIGITS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it does not hold a credential"));
    }
    Ok(text.to_owned())
}

/// Written beside and then renamed, so that nobody ever reads half of it.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let fresh = file.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = private_file(&fresh)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&fresh, file)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unusable(home: &Home, error: &io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => ErrorCode::DISK_FULL,
        io::ErrorKind::NotFound => ErrorCode::DAEMON_UNREACHABLE,
        _ => ErrorCode::UNAUTHORIZED,
    };
    Error::new(
        code,
        format!("The credential {} cannot be used: {error}.", home.credential_file().display()),
        "Start the daemon anew with `aicib daemon stop` and `aicib daemon start`.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_private_and_read_back() {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::at(temp.path().join("home")).unwrap();
        assert_eq!(founder_credential(&home).unwrap_err().code, ErrorCode::DAEMON_UNREACHABLE);
        let made = ensure_founder_credential(&home).unwrap();
        assert_eq!(ensure_founder_credential(&home).unwrap(), made);
        assert_eq!(founder_credential(&home).unwrap(), Credential::Founder(made.clone()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(home.credential_file()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(home.credential_file(), "half a cred").unwrap();
        assert_ne!(ensure_founder_credential(&home).unwrap(), made);
    }
}
