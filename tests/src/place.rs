//! A place of its own for one test: folders, environment, binaries. Dropping it ends whatever still runs there.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// How long what was killed may take to be gone.
const SWEEP: Duration = Duration::from_secs(10);

/// A temporary folder with a user's folders in it, and the environment that names them.
pub struct Place {
    root: tempfile::TempDir,
    env: Vec<(OsString, OsString)>,
}

impl Place {
    /// Makes the folders.
    ///
    /// # Errors
    /// The temporary folder cannot be made.
    pub fn new() -> anyhow::Result<Place> {
        let root = tempfile::Builder::new().prefix("aicib-").tempdir()?;
        let mut place = Place { root, env: Vec::new() };
        for name in ["PATH", "LD_LIBRARY_PATH", "RUST_LOG", "RUST_BACKTRACE"] {
            if let Some(value) = std::env::var_os(name) {
                place.set(name, value);
            }
        }
        for (name, dir) in [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "home/.config"),
            ("XDG_DATA_HOME", "home/.local/share"),
            ("XDG_CACHE_HOME", "home/.cache"),
            ("XDG_STATE_HOME", "home/.local/state"),
            ("AICIB_HOME", "aicib"),
        ] {
            let dir = place.path(dir);
            fs::create_dir_all(&dir)?;
            fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
            place.set(name, dir);
        }
        for (name, value) in [
            ("LANG", "C.UTF-8"),
            ("USER", "founder"),
            ("LOGNAME", "founder"),
            ("SHELL", "/bin/sh"),
            // No accessibility bus: it would start programs that outlive the test.
            ("NO_AT_BRIDGE", "1"),
            ("GDK_BACKEND", "x11"),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
        ] {
            place.set(name, value);
        }
        Ok(place)
    }

    /// A path in the place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The place's own folder: everything that anybody here writes lies under it.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// AICIB's home.
    pub fn home(&self) -> PathBuf {
        self.path("aicib")
    }

    /// Sets a variable for everything that is started from now on.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl Into<OsString>) {
        let name = name.as_ref().to_owned();
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.into()));
    }

    /// A variable of the place's environment.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(known, _)| known == name)?.1.to_str()
    }

    /// A command with the place's environment and nothing else.
    pub fn command(&self, program: impl AsRef<OsStr>) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.env_clear().envs(self.env.iter().cloned()).current_dir(self.root());
        command
    }

    /// A command of the headless binary.
    ///
    /// # Errors
    /// It is not built.
    pub fn aicib(&self, args: &[&str]) -> anyhow::Result<std::process::Command> {
        let mut command = self.command(binary("aicib")?);
        command.args(args);
        Ok(command)
    }

    /// The processes that run here: those whose environment names the place.
    pub fn processes(&self) -> Vec<i32> {
        let mark = self.root().as_os_str().as_encoded_bytes();
        let own = std::process::id().to_string();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().filter(|name| *name != own).and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environ.windows(mark.len()).any(|part| part == mark) {
                found.push(pid);
            }
        }
        found
    }

    /// Ends everything that runs here.
    pub fn sweep(&self) {
        let began = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(began.elapsed() < SWEEP || std::thread::panicking(), "processes {left:?} do not end");
            if began.elapsed() >= SWEEP {
                return;
            }
            for pid in left.into_iter().filter_map(Pid::from_raw) {
                // It may be gone by now; the next look says.
                let _ = kill_process(pid, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sweep();
        if std::thread::panicking() || std::env::var_os("AICIB_KEEP").is_some() {
            for log in ["desktop.log", "daemon.log"] {
                let text = fs::read_to_string(self.home().join(log)).unwrap_or_default();
                let from = text.len().saturating_sub(4000);
                eprintln!("--- {log}\n{}", text.get(from..).unwrap_or(&text));
            }
        }
    }
}

/// A built binary: in `AICIB_BIN_DIR`, or beside the tests.
///
/// # Errors
/// It is not built.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let dir = match std::env::var_os("AICIB_BIN_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => {
            let own = std::env::current_exe()?;
            let beside = own.parent().context("no folder")?;
            let beside = if beside.ends_with("deps") { beside.parent().context("no folder")? } else { beside };
            beside.to_owned()
        }
    };
    let path = dir.join(name);
    anyhow::ensure!(path.is_file(), "{} is not built: run `make test`", path.display());
    Ok(path)
}
