//! One daemon a home: the lock on a file of it, which dies with the process that holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::time::{Duration, Instant};

use contract::{Error, ErrorCode};
use rpc::Home;

/// How long a daemon that holds the lock may take to let go of it, and how often to look.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The home's lock.
pub struct Lock {
    file: File,
    /// Whether we have it from ourselves, before we began anew.
    passed_on: bool,
}

impl Lock {
    /// Takes it. Waits for a moment where somebody has it: that may be a daemon on its way out. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::DAEMON_RUNNING`] where another daemon has it.
    pub fn take(home: &Home) -> Result<Lock, Error> {
        let path = home.lock_file();
        if let Some(file) = passing::received(&path) {
            return Ok(Lock { file, passed_on: true });
        }
        let trouble = |error: std::io::Error| {
            Error::new(
                ErrorCode::DAEMON_UNREACHABLE,
                format!("The lock {} cannot be taken: {error}.", path.display()),
                "Check that AICIB's home can be written.",
            )
        };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(trouble)?;
        let give_up = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { file, passed_on: false }),
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => std::thread::sleep(LOOK_EVERY),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::new(
                        ErrorCode::DAEMON_RUNNING,
                        format!("A daemon holds {} already.", home.root().display()),
                        "Use it, or end it with `aicib daemon stop`.",
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(trouble(error)),
            }
        }
    }

    /// Whether this process held it before it began anew: it may have children that it does not know.
    pub fn was_passed_on(&self) -> bool {
        self.passed_on
    }

    /// Keeps it for the program that this process is about to become: nobody else can take it in between.
    ///
    /// # Errors
    /// The system's.
    pub fn pass_on(&self) -> std::io::Result<()> {
        passing::hand(&self.file)
    }
}

/// The lock goes from a program to the next one in the same process as its standard input, the only place beside the
/// other two that survives the change of programs here.
#[cfg(unix)]
mod passing {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    pub fn hand(file: &File) -> io::Result<()> {
        Ok(rustix::stdio::dup2_stdin(file)?)
    }

    pub fn received(path: &Path) -> Option<File> {
        let file = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
        let (ours, there) = (file.metadata().ok()?, std::fs::metadata(path).ok()?);
        if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) || file.try_lock().is_err() {
            return None;
        }
        // Nobody whom we start is to get it. Where this fails it ends with us all the same.
        if let Ok(nothing) = OpenOptions::new().read(true).open("/dev/null") {
            let _ = rustix::stdio::dup2_stdin(&nothing);
        }
        Some(file)
    }
}

#[cfg(not(unix))]
mod passing {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub fn hand(_file: &File) -> io::Result<()> {
        Ok(())
    }

    pub fn received(_path: &Path) -> Option<File> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_had_by_one_and_dies_with_it() {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::at(temp.path().join("home")).unwrap();
        // As a daemon that was killed left it.
        std::fs::write(home.lock_file(), "4711\n").unwrap();
        let lock = Lock::take(&home).unwrap();
        assert!(!lock.was_passed_on());
        assert_eq!(Lock::take(&home).map(|_| ()).unwrap_err().code, ErrorCode::DAEMON_RUNNING);
        drop(lock);
        Lock::take(&home).unwrap();
    }
}
