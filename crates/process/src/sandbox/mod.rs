//! Confining a program to what it needs: files by an allow-list, no sockets but those of the network, no system calls
//! that lead around either.
//!
//! A program is confined by starting it through `aicib sandbox-exec --policy JSON -- program args…` ([`main`]): a
//! process of one thread, which takes its own rights away ([`apply`]) and then becomes the program. Doing that between
//! fork and exec of a process with threads would not be safe. What it has given up, neither the program nor anything
//! that it starts can get back.
//!
//! On Linux these are Landlock and seccomp, on macOS a Seatbelt profile; on Windows there is nothing. [`support`] says
//! what this machine has, docs/security.md what it comes to.

mod env;
mod exec;
mod folders;
#[cfg(any(target_os = "macos", test))]
mod seatbelt;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod platform;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use env::confine as confine_env;
pub use exec::main;

/// The argument that makes `aicib` a wrapper that confines itself and becomes another program.
pub const SANDBOX_EXEC: &str = "sandbox-exec";

/// What a confined program may do. Everything that is not named is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Files and folders, with all in them, that may be read and executed. What is not there is passed over.
    pub read: Vec<PathBuf>,
    /// Files and folders, with all in them, that may be read, executed, changed, created and deleted. What is not there
    /// is passed over. A path inside one of these is never granted by itself: the program could have put a symbolic
    /// link there.
    pub write: Vec<PathBuf>,
    /// Files and folders in those that stay as they are: they may be read, not changed. What is not there is passed
    /// over. It takes mounts of one's own, which not every system gives a plain user: [`support`] says.
    #[serde(default)]
    pub keep: Vec<PathBuf>,
    /// What of the network it may use.
    #[serde(default)]
    pub network: Network,
    /// Whether it may open sockets of the file system and of the abstract namespace. That gives it the session bus,
    /// `docker.sock` and the daemon's socket: whatever files say, they then lead out.
    #[serde(default)]
    pub unix_sockets: bool,
    /// A folder that is to be its home, made where it is not there; it must lie in one of `write`. Caches and settings
    /// of tools go there. None: the founder's home, of which it sees what `read` and `write` grant.
    #[serde(default)]
    pub home: Option<PathBuf>,
}

/// What of the network a confined program may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// All of it, this machine's own ports included.
    On,
    /// Nothing: no socket of any kind.
    #[default]
    Off,
    /// TCP connections to these ports, nothing else: no UDP, no name service, no listening. The system cannot limit the
    /// host, so they are to be ports of this machine that nobody else listens on elsewhere.
    Ports(Vec<u16>),
}

/// What of a company's folder says what agents may do, or is run by programs that are started there.
const KEPT: [&str; 9] = [
    "aicib.config.yaml",
    ".claude",
    ".codex",
    ".gemini",
    ".opencode",
    ".mcp.json",
    "opencode.json",
    "opencode.jsonc",
    ".envrc",
];

impl Policy {
    /// The policy of a company's commands: the system and the toolchains are read, `folder` (the company's) and `tmp`
    /// (the run's own) are written to, home is a folder in `tmp`. What says what agents may do stays as it is: the
    /// company's config and its agents' files. No network, no sockets.
    pub fn new(folder: &Path, tmp: &Path) -> Policy {
        let read = folders::system().into_iter().chain(folders::toolchains()).collect();
        Policy {
            read,
            write: vec![folder.to_owned(), tmp.to_owned()],
            keep: KEPT.iter().map(|path| folder.join(path)).collect(),
            network: Network::Off,
            unix_sockets: false,
            home: Some(tmp.join("home")),
        }
    }

    /// The policy of an agent's program: as [`Policy::new`], but with the founder's own home, in which the program
    /// finds its login. Its own folders there are to be granted with [`Policy::write`].
    pub fn of_program(folder: &Path, tmp: &Path) -> Policy {
        Policy { home: None, ..Policy::new(folder, tmp) }
    }

    /// Grants reading of one more path.
    #[must_use]
    pub fn read(mut self, path: impl Into<PathBuf>) -> Policy {
        self.read.push(path.into());
        self
    }

    /// Grants writing to one more path.
    #[must_use]
    pub fn write(mut self, path: impl Into<PathBuf>) -> Policy {
        self.write.push(path.into());
        self
    }

    /// Sets what of the network may be used.
    #[must_use]
    pub fn network(mut self, network: Network) -> Policy {
        self.network = network;
        self
    }

    /// Whether the program could read `path`, links followed. To be asked about AICIB's home before a folder is granted
    /// that may contain it: nothing inside a granted folder can be kept out of reach.
    pub fn reaches(&self, path: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let path = real(path);
        self.read.iter().chain(&self.write).any(|granted| path.starts_with(real(granted)))
    }

    /// The paths to grant, each with whether it may be written to. Those inside a folder that may be written to are
    /// left out: they are granted with it, and the program may have made links of them.
    fn grants(&self) -> Vec<(&Path, bool)> {
        let inside = |path: &Path| self.write.iter().any(|folder| path != folder && path.starts_with(folder));
        let read = self.read.iter().map(|path| (path.as_path(), false));
        let write = self.write.iter().map(|path| (path.as_path(), true));
        read.chain(write).filter(|(path, _)| path.is_absolute() && !inside(path)).collect()
    }
}

/// A policy, and the program that applies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confine {
    /// What is granted.
    pub policy: Policy,
    /// The headless binary, absolute.
    pub aicib: PathBuf,
}

/// How far a program can be confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As docs/security.md says.
    Full,
    /// Something is missing: [`Support::missing`].
    Partly,
    /// Not at all.
    No,
}

/// What this machine has to confine programs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// How far they can be confined.
    pub level: Level,
    /// What is missing, a clause each that says what a program can do for want of it; empty at [`Level::Full`].
    pub missing: Vec<String>,
}

/// What this machine has to confine programs with. Cheap: a few system calls.
pub fn support() -> Support {
    platform::support()
}

/// Takes from this process, and from all that it will start, whatever the policy does not grant. Must be called while
/// it has one thread. What the system lacks is left out, as [`support`] says.
///
/// # Errors
/// Where the system has nothing to confine with, or refuses. The process must not go on then.
pub fn apply(policy: &Policy) -> Result<(), SandboxError> {
    platform::apply(policy)
}

/// Why a process was not confined.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The system has nothing to confine with.
    #[error("this system cannot confine programs: {0}")]
    Unsupported(String),
    /// The process has several threads: those that are there already would go free.
    #[error("a process can confine itself only while it has one thread, and this one has {0}")]
    Threads(usize),
    /// The rules could not be made or applied.
    #[error("the process could not be confined ({what}): {why}")]
    Refused {
        /// Which step.
        what: &'static str,
        /// What the system said.
        why: String,
    },
    /// Something about this process could not be read.
    #[error("the process could not be confined: {0}")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_the_program_could_have_made_a_link_is_not_granted_by_itself() {
        let policy = Policy::default().read("/usr").read("/w/company/sub").write("/w/company").write("/w/company/home");
        assert_eq!(policy.grants(), [(Path::new("/usr"), false), (Path::new("/w/company"), true)]);
        let relative = Policy::default().read("usr").write("../x");
        assert_eq!(relative.grants(), []);
    }

    #[test]
    fn what_a_granted_folder_contains_is_within_reach() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home");
        std::fs::create_dir_all(home.join("company")).unwrap();
        assert!(Policy::default().write(root.path()).reaches(&home));
        assert!(!Policy::default().write(home.join("company")).reaches(&home));
    }

    #[test]
    fn a_policy_reads_back_from_its_json() {
        let policy = Policy::new(Path::new("/c"), Path::new("/t")).network(Network::Ports(vec![1, 65535]));
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        assert!(serde_json::from_str::<Policy>(r#"{"read":[],"write":[],"netwrok":"on"}"#).is_err());
    }
}
