//! Bash: a command of an agent's.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::StopCounts;
use process::{Confine, Grace, Mark, Shell, Stopped, run_shell};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Done, ToolError};

/// How long a command may take where the model asks for no time.
const USUAL_LIMIT: Duration = Duration::from_secs(120);
/// How long a command may take at most.
const MAX_LIMIT: Duration = Duration::from_secs(600);
/// Bytes of output that are kept.
const MAX_OUTPUT: usize = 30 * 1024;

#[derive(Deserialize)]
pub(crate) struct BashInput {
    command: String,
    /// Milliseconds.
    timeout: Option<u64>,
}

/// Where commands run, and how.
#[derive(Clone)]
pub(crate) struct Commands {
    /// The folder.
    pub dir: PathBuf,
    /// Where they may leave temporary files.
    pub tmp_dir: PathBuf,
    /// The run's mark.
    pub mark: Mark,
    /// How long processes may take to end when told to.
    pub grace: Grace,
    /// How they are confined; none where they are not.
    pub confine: Option<Confine>,
    /// What became of the processes that were ended because the run was told to stop.
    pub stopped: Arc<Mutex<StopCounts>>,
}

impl Commands {
    /// What became of the processes that were ended because the run was told to stop.
    pub fn stopped(&self) -> StopCounts {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a command to its end, with all that it started.
    pub async fn run(
        &self,
        input: &BashInput,
        stop: &CancellationToken,
        on_output: &(dyn Fn(usize) + Send + Sync),
    ) -> Result<Done, ToolError> {
        if input.command.trim().is_empty() || input.command.contains('\0') {
            return Err(ToolError::new("The command is empty or holds a zero byte."));
        }
        let limit = input.timeout.map_or(USUAL_LIMIT, Duration::from_millis).clamp(Duration::from_millis(1), MAX_LIMIT);
        let shell = Shell {
            command: input.command.clone(),
            dir: self.dir.clone(),
            env: vec![(OsString::from("TMPDIR"), self.tmp_dir.clone().into_os_string())],
            mark: self.mark.clone(),
            grace: self.grace.clone(),
            confine: self.confine.clone(),
        };
        let ran = run_shell(shell, limit, MAX_OUTPUT, stop, on_output)
            .await
            .map_err(|error| ToolError::new(format!("The command could not be started: {error}.")))?;
        if ran.interrupted {
            let Stopped { ended, forced, left } = ran.stopped;
            let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            // What is left of it is counted once, when all of the run is looked through at its end.
            *stopped = *stopped + StopCounts { ended, forced, left };
        }
        let (ok, summary) = match (ran.interrupted, ran.timed_out, ran.exit, ran.signal) {
            (true, ..) => (false, "stopped".to_owned()),
            (_, true, ..) => (false, format!("ended after {} s", limit.as_secs_f64())),
            (.., Some(code), _) => (code == 0, format!("exit {code}")),
            (.., Some(signal)) => (false, format!("ended by signal {signal}")),
            _ => (false, "ended".to_owned()),
        };
        let mut output = if ran.output.is_empty() { "[no output]".to_owned() } else { ran.output };
        if !ok {
            output.push_str(&format!("\n[{summary}]"));
        }
        if ran.stopped.left > 0 {
            output.push_str(&format!("\n[{} processes of it could not be ended]", ran.stopped.left));
        }
        Ok(Done { ok, ..Done::new(summary, output) })
    }
}
