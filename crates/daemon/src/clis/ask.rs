//! Asking a program something: its answer, within a time, and nothing of it left afterwards.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use process::{Command, Mark, Output, stop_tree};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The variable that marks what is asked, and all that it starts.
const MARK: &str = "AICIB_ASKED";
/// Bytes of an answer, at most. What is beyond is read and dropped.
const MOST: usize = 64 * 1024;
/// What keeps the programs from calling home for what they were not asked.
const QUIET: &[(&str, &str)] = &[
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("GEMINI_CLI_NO_RELAUNCH", "true"),
    ("NO_COLOR", "1"),
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
];

/// What a program answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code; none where a signal ended it.
    pub exit: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
}

/// Starts a program with these arguments, nothing to read, and `path` as its PATH.
///
/// # Errors
/// Why there is no answer, as a clause: it could not be started, or took longer than it may.
pub async fn ask(program: &Path, args: &[impl AsRef<OsStr>], path: &OsStr, limit: Duration) -> Result<Answer, String> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mark = Mark::new(MARK, format!("{}:{number}", std::process::id()));
    let command = Command::new(program)
        .args(args)
        .dir(nobodys())
        .env("PATH", path)
        .envs(QUIET.iter().copied())
        .mark(&mark)
        .output(Output::Piped);
    let spawned =
        tokio::task::spawn_blocking(move || process::spawn(command)).await.map_err(|error| error.to_string())?;
    let mut spawned = spawned.map_err(|error| error.to_string())?;
    let (stdout, stderr) = (spawned.child.stdout.take(), spawned.child.stderr.take());
    let work = async {
        // What it starts may hold the pipes open after its own end: nothing is expected of that.
        let mut out = Vec::new();
        let mut err = Vec::new();
        let exit = tokio::select! {
            biased;
            exit = async {
                let exit = spawned.child.wait().await;
                tokio::time::sleep(SETTLING).await;
                exit
            } => exit,
            ((), ()) = async { tokio::join!(read(stdout, &mut out), read(stderr, &mut err)) } => spawned.child.wait().await,
        };
        exit.map(|status| Answer { exit: status.code(), stdout: String::from_utf8_lossy(&out).into_owned() })
    };
    let answer = tokio::time::timeout(limit, work).await;
    stop_tree(Some(&spawned.identity), true, &mark, Duration::ZERO).await;
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("it was lost: {error}")),
        Err(_) => {
            // Ended just now: it is to be reaped.
            let _ = tokio::time::timeout(limit, spawned.child.wait()).await;
            Err(format!("it did not answer within {} s", limit.as_secs_f32()))
        }
    }
}

/// Where what is asked is started: many tools and shells take settings, and even programs, from the folder they are in
/// (`.tool-versions`, `mise.toml`, `.envrc`). In the folder for temporary files those could be anybody's.
fn nobodys() -> PathBuf {
    if cfg!(unix) { PathBuf::from("/") } else { std::env::home_dir().unwrap_or_else(std::env::temp_dir) }
}

/// How long what a program wrote before it ended may take to arrive, where something else holds its pipes.
const SETTLING: Duration = Duration::from_millis(100);

async fn read(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut piece = [0u8; 8 * 1024];
    // A pipe that breaks is at its end.
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let room = MOST.saturating_sub(into.len()).min(count);
        into.extend_from_slice(&piece[..room]);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::time::Instant;

    use super::*;

    async fn sh(script: &str, limit: Duration) -> Result<Answer, String> {
        ask(Path::new("/bin/sh"), &["-c", script], OsStr::new("/usr/bin:/bin"), limit).await
    }

    #[tokio::test]
    async fn an_answer_is_what_it_wrote_and_how_it_ended() {
        let answer = sh("echo 1.2.3; echo no >&2; exit 3", Duration::from_secs(20)).await.unwrap();
        assert_eq!((answer.exit, answer.stdout.as_str()), (Some(3), "1.2.3\n"));
        let path = sh("printf %s \"$PATH:$DISABLE_AUTOUPDATER\"", Duration::from_secs(20)).await.unwrap();
        assert_eq!(path.stdout, "/usr/bin:/bin:1");
    }

    #[tokio::test]
    async fn it_is_started_where_nobody_else_can_leave_settings_for_it() {
        use std::os::unix::fs::MetadataExt;
        let place = sh("pwd -P", Duration::from_secs(20)).await.unwrap();
        let meta = std::fs::metadata(place.stdout.trim()).unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o022), (0, 0), "{}", place.stdout);
    }

    #[tokio::test]
    async fn what_hangs_or_floods_is_ended_with_all_it_started() {
        let began = Instant::now();
        let file = tempfile::NamedTempFile::new().unwrap();
        let name = file.path().display();
        let error = sh(&format!("sleep 300 & echo $! > {name}; yes"), Duration::from_millis(300)).await.unwrap_err();
        assert!(error.contains("did not answer"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(30));
        let pid = std::fs::read_to_string(file.path()).unwrap();
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z"), "{state}");
        // What stays behind and holds the pipes does not keep us.
        let answer = sh("sleep 300 & echo here", Duration::from_secs(20)).await.unwrap();
        assert_eq!(answer.stdout, "here\n");
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn what_is_not_there_is_said() {
        let none: &[&str] = &[];
        let error = ask(Path::new("/nowhere/x"), none, OsStr::new("/bin"), Duration::from_secs(5)).await.unwrap_err();
        assert!(error.contains("not found"), "{error}");
    }
}
