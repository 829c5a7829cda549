//! The desktop's log file, kept small.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Bytes of one log file; the one before it is kept as `.old`.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// Sends what is traced, and panics, to the file. `RUST_LOG` says how much of it.
///
/// # Errors
/// The file cannot be opened.
pub fn start(file: &Path) -> io::Result<()> {
    let log = LogFile::open(file, MAX_BYTES)?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(log).finish();
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        return Err(io::Error::other("a log is open already"));
    }
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(place = panic.location().map(tracing::field::display), "panic: {panic}");
        default(panic);
    }));
    Ok(())
}

/// A file that is set aside as `.old` when it has grown to its limit.
pub struct LogFile {
    path: PathBuf,
    limit: u64,
    open: Mutex<(File, u64)>,
}

impl LogFile {
    fn open(path: &Path, limit: u64) -> io::Result<LogFile> {
        let open = append(path)?;
        Ok(LogFile { path: path.to_owned(), limit, open: Mutex::new(open) })
    }
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

impl Write for &LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.1 > 0 && open.1 + line.len() as u64 > self.limit {
            std::fs::rename(&self.path, self.path.with_extension("log.old"))?;
            *open = append(&self.path)?;
        }
        let written = open.0.write(line)?;
        open.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = &'a LogFile;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_set_aside_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desktop.log");
        let log = LogFile::open(&path, 100).unwrap();
        for line in 0..30 {
            (&log).write_all(format!("line number {line:02}\n").as_bytes()).unwrap();
        }
        let now = std::fs::read_to_string(&path).unwrap();
        let old = std::fs::read_to_string(dir.path().join("desktop.log.old")).unwrap();
        assert!(now.len() <= 100 && old.len() <= 100);
        assert!(now.contains("line number 29"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
