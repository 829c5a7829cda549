//! A process that ends with the value.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::wait_for;

/// A process in a group of its own; all of the group ends with it.
pub struct Child {
    child: std::process::Child,
    name: String,
}

impl Child {
    /// Starts a command.
    ///
    /// # Errors
    /// It cannot be started; says which package of Debian has it.
    pub fn start(command: &mut Command) -> anyhow::Result<Child> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn();
        let child = child.with_context(|| format!("{name} cannot be started: scripts/setup.sh --test installs it"))?;
        Ok(Child { child, name })
    }

    /// Starts a command and reads the first line that it prints.
    ///
    /// # Errors
    /// It cannot be started, or ends without a line.
    pub fn start_and_read(command: &mut Command) -> anyhow::Result<(Child, String)> {
        let mut child = Child::start(command.stdout(Stdio::piped()))?;
        let output = child.child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        anyhow::ensure!(!line.trim().is_empty(), "{} ended without a word", child.name);
        Ok((child, line.trim().to_owned()))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its standard output and error, where they are piped and nobody has taken them.
    ///
    /// # Errors
    /// They are not.
    pub fn outputs(&mut self) -> anyhow::Result<(ChildStdout, ChildStderr)> {
        let stdout = self.child.stdout.take().context("no output")?;
        Ok((stdout, self.child.stderr.take().context("no error output")?))
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn ended(&mut self, bound: Duration) -> anyhow::Result<ExitStatus> {
        let name = format!("the end of {}", self.name);
        wait_for(&name, bound, async || Ok(self.child.try_wait()?)).await
    }

    /// Writes `text` to its standard input, as somebody types.
    ///
    /// # Errors
    /// It was not piped, or does not read.
    pub fn type_in(&mut self, text: &str) -> anyhow::Result<()> {
        use std::io::Write;
        let input = self.child.stdin.as_mut().context("no input")?;
        input.write_all(text.as_bytes())?;
        Ok(input.flush()?)
    }

    /// Takes its standard input away from it, after writing `text` to it.
    ///
    /// # Errors
    /// It was not piped, or does not read.
    pub fn tell(&mut self, text: &str) -> anyhow::Result<()> {
        use std::io::Write;
        let mut input = self.child.stdin.take().context("no input")?;
        input.write_all(text.as_bytes())?;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may be gone by now.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
