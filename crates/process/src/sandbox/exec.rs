//! `aicib sandbox-exec --policy JSON -- program args…`: confines itself and becomes the program.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use super::{Policy, apply};

/// How it ends where it did not become the program: what `env`, `nice` and the shells use.
const FAILED: u8 = 125;
#[cfg(unix)]
const NOT_EXECUTABLE: u8 = 126;
#[cfg(unix)]
const NOT_FOUND: u8 = 127;

/// Becomes the program that the arguments (those after `sandbox-exec`) name, confined by the policy that they hold.
/// Returns only where that cannot be: 125 where it could not be confined, 126 where the program cannot be executed, 127
/// where there is none. Must be called before the process has a second thread.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let (policy, program, args) = match read(args) {
        Ok(read) => read,
        Err(why) => return said(FAILED, &why),
    };
    match apply(&policy) {
        Ok(()) => become_program(&policy, &program, &args),
        Err(error) => said(FAILED, &error.to_string()),
    }
}

fn read(mut args: impl Iterator<Item = OsString>) -> Result<(Policy, OsString, Vec<OsString>), String> {
    let usage = || "use: aicib sandbox-exec --policy JSON -- PROGRAM [ARG…]".to_owned();
    if args.next().is_none_or(|arg| arg != "--policy") {
        return Err(usage());
    }
    let json = args.next().and_then(|json| json.into_string().ok()).ok_or_else(usage)?;
    let policy = serde_json::from_str(&json).map_err(|error| format!("the policy cannot be read: {error}"))?;
    if args.next().is_none_or(|arg| arg != "--") {
        return Err(usage());
    }
    let program = args.next().ok_or_else(usage)?;
    Ok((policy, program, args.collect()))
}

#[cfg(unix)]
fn become_program(policy: &Policy, program: &OsString, args: &[OsString]) -> ExitCode {
    use std::os::unix::process::CommandExt;

    // Confined already: were there a link in the way, it could not lead out.
    if let Some(home) = &policy.home
        && let Err(error) = std::fs::create_dir_all(home)
    {
        return said(FAILED, &format!("{} could not be made: {error}", home.display()));
    }
    let mut command = super::platform::command(policy, program, args);
    let error = command.exec();
    let code = if error.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    said(code, &format!("{} could not be started: {error}", program.display()))
}

#[cfg(not(unix))]
fn become_program(_: &Policy, _: &OsString, _: &[OsString]) -> ExitCode {
    said(FAILED, "this system cannot confine programs")
}

/// Says why on stderr, which may be closed: the code says it then.
fn said(code: u8, why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "aicib sandbox-exec: {why}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_form_is_read() {
        let of = |args: &[&str]| read(args.iter().map(OsString::from));
        let policy = r#"{"read":["/usr"],"write":[]}"#;
        let (read, program, args) = of(&["--policy", policy, "--", "ls", "-l", "--"]).unwrap();
        assert_eq!((read, program), (Policy::default().read("/usr"), "ls".into()));
        assert_eq!(args, ["-l", "--"]);
        for wrong in [
            vec![],
            vec!["--policy"],
            vec!["--policy", policy],
            vec!["--policy", policy, "ls"],
            vec!["--policy", policy, "--"],
            vec!["--policy", "{", "--", "ls"],
        ] {
            assert!(of(&wrong).is_err(), "{wrong:?}");
        }
    }
}
