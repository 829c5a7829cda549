//! A terminal: the built `aicib` as a person types it, in a place of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::Provider;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

use crate::place::binary;
use crate::{Child, Daemon, Place, SOON, WORK};

/// The user that stands for "not root", where the tests run as root.
const NOBODY: u32 = 65534;

/// A place with a founder in it, who types commands.
pub struct Terminal {
    /// Where it is.
    pub place: Place,
    aicib: PathBuf,
    /// Whether commands run as a user whom permissions stop.
    plain: bool,
}

/// What became of a command.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

impl Terminal {
    /// A terminal in an empty place.
    ///
    /// # Errors
    /// The place cannot be made, or `aicib` is not built.
    pub fn new() -> anyhow::Result<Terminal> {
        Ok(Terminal { place: Place::new()?, aicib: binary("aicib")?, plain: false })
    }

    /// A terminal of a user whom permissions stop: the one who runs the tests, or nobody where that is root.
    ///
    /// # Errors
    /// As [`Terminal::new`].
    pub fn plain() -> anyhow::Result<Terminal> {
        let mut terminal = Terminal::new()?;
        if !rustix::process::geteuid().is_root() {
            return Ok(terminal);
        }
        // The built one may lie where nobody else may look.
        let copy = terminal.place.path("aicib-copy");
        std::fs::copy(&terminal.aicib, &copy)?;
        terminal.aicib = copy;
        terminal.plain = true;
        give_away(terminal.place.root())?;
        Ok(terminal)
    }

    /// A terminal with a practice company in `acme`, whose runs take a hundredth of their time.
    ///
    /// # Errors
    /// As [`Terminal::new`], or a command fails.
    pub async fn with_company() -> anyhow::Result<Terminal> {
        let terminal = Terminal::new()?;
        terminal.run(&["init", "--name", "Acme", "--dir", "acme", "--engine", "practice"])?.good()?;
        terminal.pace(100.0).await?;
        Ok(terminal)
    }

    /// The same with an open session.
    ///
    /// # Errors
    /// As [`Terminal::with_company`].
    pub async fn with_session() -> anyhow::Result<Terminal> {
        let terminal = Terminal::with_company().await?;
        terminal.run(&["start"])?.good()?;
        Ok(terminal)
    }

    /// A terminal with a company in `acme` whose agents are played by `provider`, with a key and an open session.
    ///
    /// # Errors
    /// As [`Terminal::with_company`].
    pub fn with_provider(provider: &Provider) -> anyhow::Result<Terminal> {
        let mut terminal = Terminal::new()?;
        terminal.place.set("ANTHROPIC_BASE_URL", provider.url());
        terminal.run(&["init", "--name", "Acme", "--dir", "acme", "--engine", "anthropic-api"])?.good()?;
        terminal.run_with(&["key", "set", "--session"], b"sk-ant-test-key-0001\n")?.good()?;
        terminal.run(&["start"])?.good()?;
        Ok(terminal)
    }

    /// The company's folder.
    pub fn company(&self) -> PathBuf {
        self.place.path("acme")
    }

    /// Sets the speed of practice.
    ///
    /// # Errors
    /// The daemon does not take it.
    pub async fn pace(&self, pace: f64) -> anyhow::Result<()> {
        self.daemon().await?.set(json!({ "practice_pace": pace })).await
    }

    /// The daemon, as a client of one's own.
    ///
    /// # Errors
    /// None listens.
    pub async fn daemon(&self) -> anyhow::Result<Daemon> {
        Daemon::connect(&self.place.home(), SOON).await
    }

    /// The daemon's process.
    ///
    /// # Errors
    /// None listens.
    pub async fn daemon_pid(&self) -> anyhow::Result<i32> {
        let status = self.daemon().await?.call("daemon.status", json!({})).await?;
        Ok(i32::try_from(status["pid"].as_i64().context("no pid")?)?)
    }

    /// Kills the daemon as a crash would.
    ///
    /// # Errors
    /// None runs.
    pub async fn kill_daemon(&self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.daemon_pid().await?).context("no pid")?;
        kill_process(pid, Signal::KILL)?;
        Ok(())
    }

    /// A command of `aicib`, in the company's folder where it exists.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = if self.plain {
            let nobody = NOBODY.to_string();
            let mut command = self.place.command("setpriv");
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]).arg(&self.aicib);
            command
        } else {
            self.place.command(&self.aicib)
        };
        command.args(args);
        if self.company().is_dir() {
            command.current_dir(self.company());
        }
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// It cannot be started, or does not end in time.
    pub fn run(&self, args: &[&str]) -> anyhow::Result<Ran> {
        finish(self.command(args), b"")
    }

    /// Runs a command that reads `input`.
    ///
    /// # Errors
    /// As [`Terminal::run`].
    pub fn run_with(&self, args: &[&str], input: &[u8]) -> anyhow::Result<Ran> {
        finish(self.command(args), input)
    }

    /// Writes to the daemon's socket as anybody can, and reads a line.
    ///
    /// # Errors
    /// None listens, or nothing comes back in time.
    pub async fn say(&self, text: &str) -> anyhow::Result<String> {
        let stream = tokio::net::UnixStream::connect(self.place.home().join("aicib.sock")).await?;
        let (read, mut write) = stream.into_split();
        let mut line = String::new();
        let mut read = tokio::io::BufReader::new(read);
        let both = async { tokio::join!(write.write_all(text.as_bytes()), read.read_line(&mut line)) };
        // The daemon need not read to the end of what it refuses.
        let (_sent, got) = tokio::time::timeout(SOON, both).await?;
        got?;
        Ok(line)
    }

    /// Runs a line of shell in the place, with `aicib` on its path.
    ///
    /// # Errors
    /// As [`Terminal::run`].
    pub fn shell(&self, line: &str) -> anyhow::Result<Ran> {
        let mut command = self.place.command("sh");
        let folder = self.aicib.parent().context("no folder")?.display().to_string();
        command.args(["-c", line]).env("PATH", format!("{folder}:{}", std::env::var("PATH")?));
        finish(command, b"")
    }

    /// Starts a command whose lines are read as they come.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn watch(&self, args: &[&str]) -> anyhow::Result<Watched> {
        Watched::start(self.command(args), Stdio::null())
    }

    /// Starts a command at a real terminal, with somebody to type. What it complains of comes with what it prints.
    ///
    /// # Errors
    /// It cannot be started, or an argument has a quote in it.
    pub fn sit_at(&self, args: &[&str]) -> anyhow::Result<Watched> {
        anyhow::ensure!(args.iter().all(|arg| !arg.contains('\'')), "{args:?} would need more than quotes");
        let words: Vec<String> = args.iter().map(|arg| format!("'{arg}'")).collect();
        // In the shell's place: a Ctrl-C is for the command alone.
        let line = format!("exec '{}' {}", self.aicib.display(), words.join(" "));
        let mut command = self.place.command("script");
        command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]).env("NO_COLOR", "1");
        if self.company().is_dir() {
            command.current_dir(self.company());
        }
        Watched::start(command, Stdio::piped())
    }
}

impl Ran {
    /// What it printed, if it ended well.
    ///
    /// # Errors
    /// It did not.
    pub fn good(self) -> anyhow::Result<String> {
        anyhow::ensure!(self.code == 0, "exit {}: {}{}", self.code, self.out, self.err);
        Ok(self.out)
    }

    /// What it printed, as JSON.
    ///
    /// # Errors
    /// It did not end well, or is no JSON.
    pub fn json(self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.good()?)?)
    }

    /// Its complaint, if it is one line and the exit code is this.
    ///
    /// # Errors
    /// It is not.
    pub fn refused(self, code: i32) -> anyhow::Result<String> {
        let one_line = self.err.trim_end().lines().count() == 1;
        let plain = self.err.starts_with("error: ") && !self.err.contains('\u{1b}');
        anyhow::ensure!(self.code == code && one_line && plain, "not refused with {code} and a line: {self:?}");
        Ok(self.err)
    }
}

fn finish(mut command: Command, input: &[u8]) -> anyhow::Result<Ran> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    let mut stdin = child.stdin.take().context("no stdin")?;
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A command that does not read to the end is free to.
        let _unread = stdin.write_all(&input);
    });
    let (tell, ended) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    let output: Output = match ended.recv_timeout(WORK) {
        Ok(output) => output?,
        Err(_) => {
            kill_process(pid, Signal::KILL)?;
            anyhow::bail!("{command:?} does not end");
        }
    };
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?;
    Ok(Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A command that runs, and its lines so far.
pub struct Watched {
    child: Child,
    lines: mpsc::Receiver<String>,
    complaint: mpsc::Receiver<String>,
    /// The lines that were read.
    pub seen: Vec<String>,
    complained: Vec<String>,
}

impl Watched {
    fn start(mut command: Command, stdin: Stdio) -> anyhow::Result<Watched> {
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (tell, lines) = mpsc::channel();
        let (tell_complaint, complaint) = mpsc::channel();
        let mut child = Child::start(&mut command)?;
        let (stdout, stderr) = child.outputs()?;
        std::thread::spawn(move || pass_on(stdout, &tell));
        std::thread::spawn(move || pass_on(stderr, &tell_complaint));
        Ok(Watched { child, lines, complaint, seen: Vec::new(), complained: Vec::new() })
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// It is gone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.pid()).ok().and_then(Pid::from_raw).context("no pid")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Types `text`; "\u{3}" is Ctrl-C.
    ///
    /// # Errors
    /// Nobody sits there, or it is gone.
    pub fn type_in(&mut self, text: &str) -> anyhow::Result<()> {
        self.child.type_in(text)
    }

    /// Reads lines until one contains `text`.
    ///
    /// # Errors
    /// None does in time.
    pub fn until(&mut self, text: &str) -> anyhow::Result<()> {
        read_until(&self.lines, &mut self.seen, text)
    }

    /// Reads lines of its standard error until one contains `text`.
    ///
    /// # Errors
    /// None does in time.
    pub fn until_complaint(&mut self, text: &str) -> anyhow::Result<()> {
        read_until(&self.complaint, &mut self.complained, text)
    }

    /// Reads the rest and waits for its end.
    ///
    /// # Errors
    /// It does not end in time.
    pub async fn ended(mut self) -> anyhow::Result<Ran> {
        let status = self.child.ended(WORK).await?;
        let end = Instant::now() + Duration::from_secs(5);
        for (lines, seen) in [(&self.lines, &mut self.seen), (&self.complaint, &mut self.complained)] {
            while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                seen.push(line);
            }
        }
        let (out, err) = (self.seen.join("\n"), self.complained.join("\n"));
        Ok(Ran { code: status.code().unwrap_or(-1), out, err })
    }
}

fn pass_on(from: impl Read, to: &mpsc::Sender<String>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        if to.send(line).is_err() {
            return;
        }
    }
}

fn read_until(lines: &mpsc::Receiver<String>, seen: &mut Vec<String>, text: &str) -> anyhow::Result<()> {
    let end = Instant::now() + WORK;
    loop {
        let line = lines.recv_timeout(end.saturating_duration_since(Instant::now()));
        let line = line.map_err(|_| anyhow::anyhow!("no line with {text:?} in {seen:#?}"))?;
        let found = line.contains(text);
        seen.push(line);
        if found {
            return Ok(());
        }
    }
}

/// Gives a folder and all in it to nobody.
fn give_away(path: &Path) -> anyhow::Result<()> {
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give_away(&entry?.path())?;
        }
    }
    Ok(())
}
