//! One process of an engine's program: started, talked to line by line, and ended with all that it started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contract::{Confined, Error, ErrorCode};
use process::{
    Command, Identity, Input, Mark, Network, Output, SpawnError, Spawned, Stopped, exited, spawn, stop_tree,
};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::Stand;
use super::lines::Lines;
use super::log::Log;
use crate::{Brief, Host};

pub(crate) use super::lines::Line;

/// The environment variable that marks the processes of one program.
const PROGRAM_MARK: &str = "AICIB_PROGRAM";
/// Tells the programs of a worker apart.
static NEXT: AtomicU64 = AtomicU64::new(1);
/// Lines that wait for the program to read them, at most.
const MAX_UNREAD: usize = 256;
/// How long what a program has written is still read once it has ended: something that it left behind may hold the
/// pipe open.
const LINGER: Duration = Duration::from_secs(1);
/// How long one that nobody talks to any more may take to end by itself.
const LEAVE: Duration = Duration::from_secs(2);

/// A program to start.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    /// The program, absolute.
    pub program: PathBuf,
    /// Its arguments. Nothing secret: any process of the machine can read them.
    pub args: Vec<OsString>,
    /// What is added to its environment.
    pub env: Vec<(OsString, OsString)>,
    /// Files and folders of its own that it writes to beside the company's and the temporary ones, where it is
    /// confined: its login, its conversations.
    pub own: Vec<PathBuf>,
    /// Folders that it reads beside those of the system and the toolchains: where it is installed.
    pub read: Vec<PathBuf>,
    /// What it is called on screen ("Claude Code").
    pub label: String,
}

impl Setup {
    /// The program that the stand's engine names.
    ///
    /// # Errors
    /// `engine.not_found` where it names none.
    pub fn new(stand: &Stand<'_>, label: &str) -> Result<Setup, Error> {
        let program = stand.spec.program.as_deref().filter(|program| !program.is_empty());
        let program = program.ok_or_else(|| not_found(label, &format!("No program is known for {label}.")))?;
        let args = stand.spec.args.iter().map(OsString::from).collect();
        Ok(Setup { program: program.into(), args, label: label.to_owned(), ..Setup::default() })
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Setup {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Setup {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Setup {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Lets it read a folder.
    #[must_use]
    pub fn read(mut self, path: impl Into<PathBuf>) -> Setup {
        self.read.push(path.into());
        self
    }

    /// Sets variables of its environment.
    #[must_use]
    pub fn envs<N: Into<OsString>, V: Into<OsString>>(mut self, vars: impl IntoIterator<Item = (N, V)>) -> Setup {
        self.env.extend(vars.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Grants it a file or folder of its own.
    #[must_use]
    pub fn own(mut self, path: impl Into<PathBuf>) -> Setup {
        self.own.push(path.into());
        self
    }
}

/// How a process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote last on stderr.
    pub stderr: String,
}

/// A process of a program.
pub(crate) struct Program<'a> {
    host: &'a dyn Host,
    brief: &'a Brief,
    label: String,
    identity: Identity,
    child: Child,
    mark: Mark,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it is to read; none once nobody talks to it any more.
    words: Option<mpsc::Sender<String>>,
    log: Log,
    stderr: AbortHandle,
    state: State,
    exit: Option<Exit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Runs,
    /// It has ended; what is in the pipe is read until then.
    Ended(Instant),
    /// Nothing more is heard of it.
    Silent,
}

impl<'a> Program<'a> {
    /// Starts it in the company's folder, confined as far as this system can, with temporary files in the stand's own
    /// folder.
    ///
    /// # Errors
    /// `sandbox.unavailable`, `engine.not_found`, `engine.failed`.
    pub fn start(stand: &Stand<'a>, setup: Setup) -> Result<Program<'a>, Error> {
        let Stand { brief, host, .. } = *stand;
        brief.may_start()?;
        let label = setup.label;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = Mark::new(PROGRAM_MARK, format!("{}:{}:{number}", brief.mark.1, std::process::id()));
        let mut command = Command::new(&setup.program)
            .args(&setup.args)
            .dir(&brief.company.dir)
            .envs(path(&setup.program))
            .env("TMPDIR", stand.tmp_dir)
            .envs(setup.env)
            .mark(&Mark::from(brief.mark.clone()))
            .mark(&mark)
            .input(Input::Piped)
            .output(Output::Piped);
        if brief.confined != Confined::No {
            let mut policy = brief.sandbox.clone();
            policy.read.extend(install(&setup.program));
            policy.home = None;
            if let Some(led) = setup.own.iter().find(|own| !is_itself(own, &brief.state_dir)) {
                let what = format!("{label} was not started: its folder {} is a link by now.", led.display());
                return Err(Error::new(
                    ErrorCode::ENGINE_FAILED,
                    what,
                    "Look at who made it, remove it, then restart the job.",
                ));
            }
            setup.own.iter().for_each(|own| occupy(own));
            policy.keep.extend(setup.own.iter().flat_map(|own| kept(own, &brief.state_dir)));
            policy.write.extend(setup.own);
            policy.read.extend(setup.read);
            // One that calls its model through us needs nothing else; one that does so by itself needs names and the
            // network, and then its commands have them too.
            if policy.network != Network::On {
                policy.network = match stand.door {
                    Some(door) if door.pays => Network::Ports(vec![door.port]),
                    _ => Network::On,
                };
            }
            command = command.confined(&policy, &brief.aicib);
        }
        let Spawned { identity, mut child } = spawn(command).map_err(|error| not_started(&label, &error))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            // It has been asked for three pipes. Whatever it is, the run's last look ends it.
            return Err(Error::internal(format!("{label} was started without its pipes.")));
        };
        let (words, unread) = mpsc::channel(MAX_UNREAD);
        tokio::spawn(write(stdin, unread));
        let log = Log::new(brief.run_dir.join(format!("engine-{number}.log")));
        let stderr = tokio::spawn(log.clone().drain(stderr)).abort_handle();
        let lines = Lines::new(BufReader::with_capacity(64 * 1024, stdout));
        let words = Some(words);
        let state = State::Runs;
        Ok(Program { host, brief, label, identity, child, mark, lines, words, log, stderr, state, exit: None })
    }

    /// Writes a line, in the background: what is said is said in order.
    ///
    /// # Errors
    /// `engine.failed` where it has ended, or does not read what it is told.
    pub fn tell(&mut self, mut line: String) -> Result<(), Error> {
        line.push('\n');
        let told = self.words.as_ref().map(|words| words.try_send(line));
        if let Some(Ok(())) = told {
            return Ok(());
        }
        let what = format!("{} does not read what it is told any more.", self.label);
        Err(Error::new(ErrorCode::ENGINE_FAILED, what, RESTART))
    }

    /// The next line of its stdout, kept as it came; `None` once nothing more comes. Nothing is lost by dropping the
    /// future.
    pub async fn next_line(&mut self) -> Option<Line> {
        loop {
            match self.state {
                State::Runs => {
                    tokio::select! {
                        biased;
                        line = self.lines.next() => match line {
                            Ok(Some(line)) => return Some(self.heard(line)),
                            Ok(None) => self.state = State::Silent,
                            Err(error) => self.broke(&error),
                        },
                        () = exited(&self.identity) => self.state = State::Ended(Instant::now() + LINGER),
                    }
                }
                State::Ended(until) => match timeout_at(until, self.lines.next()).await {
                    Ok(Ok(Some(line))) => return Some(self.heard(line)),
                    Ok(Err(error)) => self.broke(&error),
                    Ok(Ok(None)) | Err(_) => self.state = State::Silent,
                },
                State::Silent => return None,
            }
        }
    }

    fn heard(&self, line: Line) -> Line {
        let (Line::Whole(text) | Line::TooLong(text)) = &line;
        self.host.raw(text);
        line
    }

    fn broke(&mut self, error: &std::io::Error) {
        tracing::warn!(%error, "the output of a program could not be read to its end");
        self.state = State::Silent;
    }

    /// Nobody talks to it any more: its stdin ends.
    pub fn hang_up(&mut self) {
        self.words = None;
    }

    /// How it ended. One that says nothing more and does not end is ended.
    pub async fn exit(&mut self) -> Exit {
        self.close().await;
        self.exit.clone().unwrap_or_default()
    }

    /// Ends it and all that it started. Returns at once where that was done.
    pub async fn close(&mut self) -> Stopped {
        if self.exit.is_some() {
            return Stopped::default();
        }
        self.hang_up();
        let leave = LEAVE.min(self.brief.grace.left());
        let (stopped, _) = tokio::join!(
            async {
                if !self.host.stop().is_cancelled() {
                    let _ = timeout(leave, exited(&self.identity)).await;
                }
                // It is not reaped yet, so that its pid cannot belong to another one.
                stop_tree(Some(&self.identity), true, &self.mark, self.brief.grace.left()).await
            },
            async {
                // What it still writes must not keep it from ending, nor is it worth waiting for.
                let end = async {
                    while let Ok(Some(line)) = self.lines.next().await {
                        let (Line::Whole(text) | Line::TooLong(text)) = &line;
                        self.host.raw(text);
                    }
                };
                let _ = timeout(leave, end).await;
            }
        );
        self.state = State::Silent;
        let mut exit = Exit::default();
        if !self.identity.is_alive() {
            match self.child.wait().await {
                Ok(status) => (exit.code, exit.signal) = (status.code(), signal_of(status)),
                Err(error) => tracing::warn!(pid = self.identity.pid, %error, "the exit status of a program was lost"),
            }
        }
        self.stderr.abort();
        self.log.finish();
        exit.stderr = self.log.tail();
        self.exit = Some(exit);
        stopped
    }

    /// What it is called.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl Drop for Program<'_> {
    /// One that was not closed is ended in the background.
    fn drop(&mut self) {
        self.stderr.abort();
        if self.exit.is_some() {
            return;
        }
        let (identity, mark, grace) = (self.identity.clone(), self.mark.clone(), self.brief.grace.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { stop_tree(Some(&identity), true, &mark, grace.left()).await });
        }
    }
}

/// What helps where a program broke.
pub(crate) const RESTART: &str = "Restart the job; what it had written to files is still there.";

async fn write(mut stdin: ChildStdin, mut unread: mpsc::Receiver<String>) {
    while let Some(line) = unread.recv().await {
        // One that reads nothing any more is about to end, and that is seen elsewhere.
        if stdin.write_all(line.as_bytes()).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// A PATH in which a program finds what was installed with it: one that is a script finds its own interpreter first.
fn path(program: &Path) -> Option<(OsString, OsString)> {
    let own = program.parent()?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path))).ok()?;
    Some(("PATH".into(), path))
}

/// Where a program is installed: its own folder, and that of the package it belongs to.
fn install(program: &Path) -> Vec<PathBuf> {
    let mut out = vec![program.to_owned()];
    let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let home = std::env::home_dir();
    // Whoever keeps programs in the home itself is not to have all of it read.
    let is_narrow = |dir: &Path| home.as_ref().is_none_or(|home| !home.starts_with(dir));
    out.extend(
        [program, &real].iter().filter_map(|program| program.parent()).filter(|dir| is_narrow(dir)).map(Path::to_owned),
    );
    let packages = real.ancestors().filter(|dir| dir.file_name().is_some_and(|name| name == "node_modules")).last();
    out.extend(packages.filter(|dir| is_narrow(dir)).map(Path::to_owned));
    out.push(real);
    out
}

/// Whether a folder of the session's is the one that it is called. A link in its place would grant what it leads to.
fn is_itself(own: &Path, sessions: &Path) -> bool {
    let Some(inside) = own.strip_prefix(sessions).ok().filter(|_| !sessions.as_os_str().is_empty()) else {
        return true;
    };
    match (sessions.canonicalize(), own.canonicalize()) {
        (Ok(sessions), Ok(own)) => own == sessions.join(inside),
        // What is not there is granted to nobody.
        _ => own.symlink_metadata().is_err(),
    }
}

/// Makes what programs take commands from where the founder has none, empty: only what is there can be kept as it is. Else
/// an agent could leave settings with hooks there, or a program under a name that is looked for.
fn occupy(own: &Path) {
    let (settings, folder) = match own.file_name().and_then(|name| name.to_str()) {
        Some(".claude") => (Some(("settings.json", "{}\n")), Some("local")),
        Some(".gemini") => (Some(("settings.json", "{}\n")), None),
        Some(".codex") => (Some(("config.toml", "")), Some("rules")),
        _ => return,
    };
    if !own.is_dir() {
        return;
    }
    let made = settings.map_or(Ok(()), |(name, text)| match std::fs::File::create_new(own.join(name)) {
        Ok(mut file) => std::io::Write::write_all(&mut file, text.as_bytes()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    });
    let made = made.and(folder.map_or(Ok(()), |name| std::fs::create_dir_all(own.join(name))));
    if let Err(error) = made {
        tracing::warn!(%error, folder = %own.display(), "an agent could leave settings where there are none");
    }
}

/// What stays as it is in a folder of a program's own. In one of the founder's: what the program runs when the founder
/// starts it the next time, confined by nobody, settings with commands in them, hooks, servers, plugins, itself. In one of
/// the session's: what would let it act unasked.
fn kept(own: &Path, sessions: &Path) -> Vec<PathBuf> {
    const UNASKED: [&str; 1] = ["rules"];
    const NAMES: [&str; 38] = [
        ".claude.json",
        ".mcp.json",
        "AGENTS.md",
        "AGENTS.override.md",
        "CLAUDE.md",
        "GEMINI.md",
        "agent",
        "agents",
        "bin",
        "command",
        "commands",
        "config.json",
        "config.toml",
        "extensions",
        "hooks",
        "hooks.json",
        "local",
        "managed_config.toml",
        "mcp.json",
        "node_modules",
        "opencode.json",
        "opencode.jsonc",
        "output-styles",
        "package.json",
        "packages",
        "plugin",
        "plugins",
        "policies",
        "prompts",
        "rules",
        "settings.json",
        "settings.local.json",
        "shell-snapshots",
        "skills",
        "tool",
        "tools",
        "trustedFolders.json",
        "tui.json",
    ];
    let is_sessions = !sessions.as_os_str().is_empty() && own.starts_with(sessions);
    let names: &[&str] = if is_sessions { &UNASKED } else { &NAMES };
    let is_one = own.file_name().is_some_and(|name| names.iter().any(|known| name == *known));
    let inside = names.iter().map(|name| own.join(name));
    inside.chain(is_one.then(|| own.to_owned())).filter(|path| path.exists()).collect()
}

fn not_found(label: &str, what: &str) -> Error {
    Error::new(
        ErrorCode::ENGINE_NOT_FOUND,
        what,
        format!("Install {label}, or say in Settings where it is; `aicib doctor` shows what was found."),
    )
}

fn not_started(label: &str, error: &SpawnError) -> Error {
    match error {
        SpawnError::NotFound(_) => not_found(label, &format!("{label} could not be started: {error}.")),
        _ => Error::new(
            ErrorCode::ENGINE_FAILED,
            format!("{label} could not be started: {error}."),
            "See `aicib doctor` for how it stands.",
        ),
    }
}

#[cfg(unix)]
fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal_of(_: std::process::ExitStatus) -> Option<i32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_a_folder_of_the_session_grants_nothing() {
        let home = tempfile::tempdir().unwrap();
        let (keys, session) = (home.path().join(".ssh"), home.path().join("engines/3"));
        std::fs::create_dir_all(&keys).unwrap();
        std::fs::create_dir_all(session.join("claude")).unwrap();
        std::os::unix::fs::symlink(&keys, session.join("codex")).unwrap();
        std::os::unix::fs::symlink(home.path(), session.join("acp")).unwrap();
        assert!(is_itself(&session.join("claude"), &session) && is_itself(&session.join("none"), &session));
        assert!(!is_itself(&session.join("codex"), &session) && !is_itself(&session.join("acp/.ssh"), &session));
        assert!(is_itself(&keys, &session), "the founder's own may be wherever the founder has it");
    }

    #[test]
    fn an_agent_makes_no_settings_where_the_founder_has_none() {
        let home = tempfile::tempdir().unwrap();
        let (claude, codex) = (home.path().join(".claude"), home.path().join(".codex"));
        std::fs::create_dir(&claude).unwrap();
        for own in [&claude, &codex] {
            occupy(own);
        }
        assert_eq!(kept(&claude, Path::new("")), [claude.join("local"), claude.join("settings.json")]);
        assert!(!codex.exists(), "what was never used is not made");
        std::fs::write(claude.join("settings.json"), "mine").unwrap();
        occupy(&claude);
        assert_eq!(std::fs::read_to_string(claude.join("settings.json")).unwrap(), "mine");
    }

    #[test]
    fn what_the_founder_starts_later_is_not_an_agents_to_write() {
        let home = tempfile::tempdir().unwrap();
        let (codex, session) = (home.path().join(".codex"), home.path().join("engines/3"));
        for folder in
            [codex.join("rules"), codex.join("sessions"), session.join("codex/rules"), session.join("codex/bin")]
        {
            std::fs::create_dir_all(folder).unwrap();
        }
        let settings = home.path().join(".claude.json");
        for file in
            [&settings, &codex.join("config.toml"), &codex.join("auth.json"), &session.join("codex/config.toml")]
        {
            std::fs::write(file, "").unwrap();
        }
        assert_eq!(kept(&codex, &session), [codex.join("config.toml"), codex.join("rules")]);
        assert_eq!(kept(&settings, &session), std::slice::from_ref(&settings));
        let ours = session.join("codex");
        assert_eq!(kept(&ours, &session), [ours.join("rules")]);
        assert_eq!(kept(&home.path().join("none"), &session), [] as [PathBuf; 0]);
    }
}
