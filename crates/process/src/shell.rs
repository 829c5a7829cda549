//! One shell command, run to its end with all that it started.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::grace::Grace;
use crate::reading::Reading;
use crate::sandbox::Confine;
use crate::spawn::{Command, Output, SpawnError, Spawned, in_path, spawn};
use crate::stop::{Mark, Stopped, stop_tree};
use crate::{clean_env, exited};

/// The environment variable that marks the processes of one shell command.
pub const COMMAND_MARK: &str = "AICIB_COMMAND";

/// A shell command.
#[derive(Clone, Debug)]
pub struct Shell {
    /// What to run, in the language of the shell.
    pub command: String,
    /// The folder to run it in.
    pub dir: PathBuf,
    /// What is added to [`clean_env`].
    pub env: Vec<(OsString, OsString)>,
    /// The mark of the run that it belongs to. The command's processes get one of their own beside it.
    pub mark: Mark,
    /// How long its processes may take to end when told to. Where the command is told to stop, this is when the clock
    /// of the grace begins to run, if it does not already.
    pub grace: Grace,
    /// How it is confined; not at all where there is none.
    pub confine: Option<Confine>,
}

/// What became of a shell command.
#[derive(Clone, Debug, Default)]
pub struct ShellOutcome {
    /// What it wrote to stdout and stderr, in that order in which it was written: all of it if it fits the cap, else
    /// its head and its tail with a line between them that says how much is left out.
    pub output: String,
    /// How many bytes it wrote in all, as far as they were read.
    pub total_bytes: u64,
    /// The exit code. None when it was ended by a signal, and when it was not waited for.
    pub exit: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// It ran longer than its limit and was ended.
    pub timed_out: bool,
    /// It was ended because we were told to stop.
    pub interrupted: bool,
    /// What it had started and left behind, and became of that. The shell itself is counted only where it had to be
    /// ended.
    pub stopped: Stopped,
}

/// Runs one command with `bash -c` (`sh -c` where there is no bash) and waits for it, at most `limit`, or until `stop`
/// is cancelled. Its whole tree is ended before this returns, also what it left running in the background. Keeps at
/// most `cap` bytes of output, however much there is. What took itself out of the tree altogether (environment
/// cleared, session left, parent ended) is not found here but by a census of the run, whose worker is a subreaper.
///
/// Each time some output was read, `on_output` is told how many bytes it was.
///
/// Fails only when the shell cannot be started.
pub async fn run_shell(
    shell: Shell,
    limit: Duration,
    cap: usize,
    stop: &CancellationToken,
    on_output: &(dyn Fn(usize) + Send + Sync),
) -> Result<ShellOutcome, SpawnError> {
    let program = shell_program(&shell.env);
    let refused = |source| SpawnError::Refused { program: program.into(), source };
    let mark = own_mark(&shell.mark);
    let (reader, writer) = io::pipe().map_err(refused)?;
    let mut command = Command::new(program)
        .arg("-c")
        .arg(&shell.command)
        .dir(&shell.dir)
        .envs(shell.env.iter().map(|(name, value)| (name, value)))
        .mark(&shell.mark)
        .mark(&mark)
        .output(Output::Merged(writer));
    if let Some(Confine { policy, aicib }) = &shell.confine {
        command = command.confined(policy, aicib);
    }
    let Spawned { identity, mut child } = spawn(command)?;
    let mut output = Reading::new(reader, cap).map_err(refused)?;

    let mut outcome = ShellOutcome::default();
    tokio::select! {
        () = exited(&identity) => {}
        () = tokio::time::sleep(limit) => outcome.timed_out = true,
        () = stop.cancelled() => {
            shell.grace.begin();
            outcome.interrupted = true;
        }
        never = output.read_on(on_output) => match never {},
    }
    // The shell is not reaped yet, so that its pid, which names its session, cannot belong to another one.
    let stopping = stop_tree(Some(&identity), true, &mark, shell.grace.left());
    tokio::select! {
        stopped = stopping => outcome.stopped = stopped,
        never = output.read_on(on_output) => match never {},
    }
    if !identity.is_alive() {
        match child.wait().await {
            Ok(status) => (outcome.exit, outcome.signal) = (status.code(), signal_of(status)),
            Err(error) => tracing::warn!(pid = identity.pid, %error, "the exit status of a command was lost"),
        }
    }
    let capture = output.finish();
    outcome.total_bytes = capture.total();
    outcome.output = capture.into_text();
    Ok(outcome)
}

#[cfg(unix)]
fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal_of(_: std::process::ExitStatus) -> Option<i32> {
    None
}

fn own_mark(run: &Mark) -> Mark {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Our pid keeps the commands of two workers apart, the run's mark those of two boots and two homes.
    Mark::new(COMMAND_MARK, format!("{}:{}:{number}", run.value, std::process::id()))
}

/// Bash where it is to be found in the PATH that the command will have.
fn shell_program(added: &[(OsString, OsString)]) -> &'static str {
    let env: Vec<_> = clean_env().into_iter().chain(added.iter().cloned()).collect();
    if in_path("bash", &env) { "bash" } else { "sh" }
}
