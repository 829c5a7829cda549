//! macOS: a Seatbelt profile, given to the system's own `sandbox-exec`. **Untested.** Windows: nothing.

use super::{Level, Policy, SandboxError, Support};

#[cfg(target_os = "macos")]
const SEATBELT: &str = "/usr/bin/sandbox-exec";

#[cfg(target_os = "macos")]
pub(super) fn support() -> Support {
    if std::path::Path::new(SEATBELT).is_file() {
        return Support { level: Level::Full, missing: Vec::new() };
    }
    Support { level: Level::No, missing: vec![format!("{SEATBELT} is not there")] }
}

#[cfg(not(target_os = "macos"))]
pub(super) fn support() -> Support {
    let missing = "AICIB has nothing to confine programs with on this system".to_owned();
    Support { level: Level::No, missing: vec![missing] }
}

/// On macOS the profile is applied by the program that [`command`] starts.
pub(super) fn apply(_: &Policy) -> Result<(), SandboxError> {
    let support = support();
    match support.level {
        Level::No => Err(SandboxError::Unsupported(support.missing.join("; "))),
        Level::Full | Level::Partly => Ok(()),
    }
}

#[cfg(target_os = "macos")]
pub(super) fn command(
    policy: &Policy,
    program: &std::ffi::OsStr,
    args: &[std::ffi::OsString],
) -> std::process::Command {
    let mut command = std::process::Command::new(SEATBELT);
    command.arg("-p").arg(super::seatbelt::profile(policy)).arg("--").arg(program).args(args);
    command
}

#[cfg(all(unix, not(target_os = "macos")))]
pub(super) fn command(_: &Policy, program: &std::ffi::OsStr, args: &[std::ffi::OsString]) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.args(args);
    command
}
