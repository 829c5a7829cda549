//! Starting a process in a session of its own, with nothing of ours but what it is given.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::sandbox::{Confine, Policy, SANDBOX_EXEC, confine_env};
use crate::stop::Mark;
use crate::{Identity, clean_env, platform};

/// What a process reads.
#[derive(Debug, Default)]
pub enum Input {
    /// Nothing.
    #[default]
    Null,
    /// What the parent writes to `child.stdin`.
    Piped,
}

/// Where a process writes.
#[derive(Debug, Default)]
pub enum Output {
    /// Nowhere.
    #[default]
    Null,
    /// `child.stdout` and `child.stderr`, which the parent must read.
    Piped,
    /// Both into one open file.
    File(File),
    /// Both into one pipe, in the order in which they were written.
    Merged(io::PipeWriter),
}

/// A program to start. Its environment is [`clean_env`] and what is added; it leads a session of its own; the only
/// open files it gets are stdin, stdout and stderr. Where it is [confined](Command::confined), its environment is less.
#[derive(Debug)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    /// What it inherits of our environment.
    inherited: Vec<(OsString, OsString)>,
    /// What is set for it, which counts more.
    env: Vec<(OsString, OsString)>,
    confine: Option<Confine>,
    mark: Option<Mark>,
    input: Input,
    output: Output,
}

impl Command {
    /// A program by path or by name (looked up in the PATH it will have), with no arguments, reading and writing nothing.
    pub fn new(program: impl AsRef<OsStr>) -> Command {
        Command {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            dir: None,
            inherited: clean_env(),
            env: Vec::new(),
            confine: None,
            mark: None,
            input: Input::Null,
            output: Output::Null,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Command {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The folder to start in. Without one: ours.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Command {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Sets one variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Command {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets variables of its environment.
    #[must_use]
    pub fn envs(mut self, vars: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>) -> Command {
        self.env.extend(vars.into_iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())));
        self
    }

    /// Marks the process and all that it starts, so that [`crate::census`] finds them: by a variable of its
    /// environment, and on Linux, where we may make control groups, by one that is named after the mark (after the
    /// last one, where there are several).
    #[must_use]
    pub fn mark(mut self, mark: &Mark) -> Command {
        self.mark = Some(mark.clone());
        self.env(&mark.name, &mark.value)
    }

    /// Confines it by a policy: it is started through `aicib`, the headless binary (absolute), which confines itself
    /// and becomes the program. Nothing of its environment leads to buses, agents or displays then, and none of it
    /// reaches the loader (`LD_PRELOAD`), also where it was set here.
    #[must_use]
    pub fn confined(mut self, policy: &Policy, aicib: &Path) -> Command {
        self.confine = Some(Confine { policy: policy.clone(), aicib: aicib.to_owned() });
        self
    }

    /// The environment that it will have.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let (inherited, given) = (self.inherited.clone(), self.env.clone());
        match &self.confine {
            Some(confine) => confine_env(&confine.policy, inherited, given),
            None => inherited.into_iter().chain(given).collect(),
        }
    }

    /// What it reads.
    #[must_use]
    pub fn input(mut self, input: Input) -> Command {
        self.input = input;
        self
    }

    /// Where it writes.
    #[must_use]
    pub fn output(mut self, output: Output) -> Command {
        self.output = output;
        self
    }
}

/// A process that was started.
#[derive(Debug)]
pub struct Spawned {
    /// Who it is.
    pub identity: Identity,
    /// Tokio's handle: its pipes, and waiting for its end. Dropping it does not end the process.
    pub child: tokio::process::Child,
}

/// Why a process was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// No such program.
    #[error("the program `{0}` was not found")]
    NotFound(String),
    /// The folder to start in is not there.
    #[error("the folder {0} is not there")]
    NoFolder(PathBuf),
    /// The system refused.
    #[error("the program `{program}` could not be started: {source}")]
    Refused {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It was started, but the system does not tell its pid or start time.
    #[error("the program `{0}` was started without a process id (pid undefined)")]
    NoPid(String),
}

/// Starts it. Must be called inside a tokio runtime with I/O enabled. The process lives on when the handle is
/// dropped and when we end.
pub fn spawn(command: Command) -> Result<Spawned, SpawnError> {
    let program = command.program.to_string_lossy().into_owned();
    if let Some(dir) = command.dir.as_ref().filter(|dir| !dir.is_dir()) {
        return Err(SpawnError::NoFolder(dir.clone()));
    }
    let env = command.environment();
    let is_nowhere = !program.contains(['/', '\\']) && !in_path(&program, &env);
    if command.confine.is_some() && is_nowhere {
        // The wrapper would say it, but as an exit.
        return Err(SpawnError::NotFound(program));
    }
    let mark = command.mark.clone();
    let os = build(command, env).map_err(|source| SpawnError::Refused { program: program.clone(), source })?;
    match platform::start(os, mark.as_ref()) {
        Ok((child, Some(identity))) => Ok(Spawned { identity, child }),
        Ok((mut child, None)) => {
            // Nobody could ever find it again: better not to have it. It may have ended by itself.
            let _ = child.start_kill();
            Err(SpawnError::NoPid(program))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SpawnError::NotFound(program)),
        // Said as well when it is in none of the folders, but one of these may not be read.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_nowhere => {
            Err(SpawnError::NotFound(program))
        }
        Err(source) => Err(SpawnError::Refused { program, source }),
    }
}

/// Whether a file of that name is in the PATH of this environment.
pub(crate) fn in_path(program: &str, env: &[(OsString, OsString)]) -> bool {
    let path = env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value);
    path.is_some_and(|path| std::env::split_paths(path).any(|dir| dir.join(program).is_file()))
}

fn build(command: Command, env: Vec<(OsString, OsString)>) -> io::Result<std::process::Command> {
    let mut os = match &command.confine {
        None => std::process::Command::new(&command.program),
        Some(Confine { policy, aicib }) => {
            let mut wrapper = std::process::Command::new(aicib);
            wrapper.args([SANDBOX_EXEC, "--policy", &serde_json::to_string(policy)?, "--"]).arg(&command.program);
            wrapper
        }
    };
    os.args(&command.args).env_clear().envs(env);
    if let Some(dir) = &command.dir {
        os.current_dir(dir);
    }
    os.stdin(match command.input {
        Input::Null => Stdio::null(),
        Input::Piped => Stdio::piped(),
    });
    let (stdout, stderr) = match command.output {
        Output::Null => (Stdio::null(), Stdio::null()),
        Output::Piped => (Stdio::piped(), Stdio::piped()),
        Output::File(file) => (Stdio::from(file.try_clone()?), Stdio::from(file)),
        Output::Merged(pipe) => (Stdio::from(pipe.try_clone()?), Stdio::from(pipe)),
    };
    os.stdout(stdout).stderr(stderr);
    Ok(os)
}
