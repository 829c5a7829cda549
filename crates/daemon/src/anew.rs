//! Beginning anew in the same process: from our program as it lies on disk now, which may be a later version of it.

use std::path::{Path, PathBuf};

use contract::{Error, ErrorCode};

use crate::lock::Lock;

/// Under this name a child finds the program that it was before it began its own: ours, on disk or not. Linux only.
const SELF: &str = "/proc/self/exe";

/// Our program as it lies on disk now.
///
/// # Errors
/// When the system does not say, or nothing lies there.
pub fn program() -> Result<PathBuf, Error> {
    let path = on_disk(current()?);
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        format!("AICIB's own program {} is not there any more.", path.display()),
        "Install AICIB again; the daemon goes on as it is until then.",
    ))
}

/// Our program as it runs, to start workers with: where another version lies in its place now, still this one.
///
/// # Errors
/// When the system does not say.
pub fn running() -> Result<PathBuf, Error> {
    let path = current()?;
    let is_gone = !path.exists();
    Ok(if is_gone && Path::new(SELF).exists() { SELF.into() } else { path })
}

fn current() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|error| Error::internal(format!("AICIB does not find its own program: {error}.")))
}

/// The path of a program that was deleted, or replaced, while it runs: Linux adds a note to its name.
#[cfg(unix)]
fn on_disk(path: PathBuf) -> PathBuf {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    const DELETED: &[u8] = b" (deleted)";
    match path.as_os_str().as_bytes().strip_suffix(DELETED) {
        Some(before) if !path.exists() => std::ffi::OsString::from_vec(before.to_vec()).into(),
        _ => path,
    }
}

#[cfg(not(unix))]
fn on_disk(path: PathBuf) -> PathBuf {
    path
}

/// Becomes our program anew, with the same arguments, the same process id and the home's lock. Returns only where that
/// fails.
///
/// # Errors
/// Why it failed.
#[cfg(unix)]
pub fn begin(lock: &Lock) -> Result<(), Error> {
    use std::os::unix::process::CommandExt;
    let program = program()?;
    let failed = |error: std::io::Error| cannot_begin(&program, &error);
    lock.pass_on().map_err(failed)?;
    Err(failed(std::process::Command::new(&program).args(std::env::args_os().skip(1)).exec()))
}

/// Starts our program anew. It waits for the home's lock, which goes with this process.
///
/// # Errors
/// Why it could not be started.
#[cfg(windows)]
pub fn begin(_lock: &Lock) -> Result<(), Error> {
    use std::os::windows::process::CommandExt;
    // No console window, and no Ctrl-C from the one we have.
    const DETACHED: u32 = 0x0800_0000 | 0x0000_0200;
    let program = program()?;
    let mut command = std::process::Command::new(&program);
    command.args(std::env::args_os().skip(1)).creation_flags(DETACHED);
    command.spawn().map(drop).map_err(|error| cannot_begin(&program, &error))
}

fn cannot_begin(program: &Path, error: &std::io::Error) -> Error {
    Error::internal(format!("{} could not be begun anew: {error}.", program.display()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_replaced_is_found_where_it_was() {
        assert_eq!(on_disk("/opt/x/aicib (deleted)".into()), Path::new("/opt/x/aicib"));
        assert_eq!(on_disk("/opt/x/aicib".into()), Path::new("/opt/x/aicib"));
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("aicib (deleted)");
        std::fs::write(&odd, "").unwrap();
        assert_eq!(on_disk(odd.clone()), odd);
    }
}
