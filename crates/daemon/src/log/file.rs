//! A log that is put aside when it is long, and never stops whoever writes to it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A log and the older ones beside it: `daemon.log`, then `daemon.log.1`, the newest of them, to `daemon.log.4`.
pub struct LogFile {
    path: PathBuf,
    max_bytes: u64,
    older: usize,
    /// Whether it is ours to put aside: of several daemons that want to be the one, only that one may.
    ours: bool,
    /// None where it could not be opened; tried again with each line.
    file: Option<File>,
    bytes: u64,
    /// Whether the last line was not written to its end.
    torn: bool,
    /// Lines that could not be written since the last that could.
    lost: u64,
}

impl LogFile {
    /// The log at `path`, to be added to. Once it is [taken over](LogFile::take_over) it is put aside before it is longer
    /// than `max_bytes`, and of those put aside `older` are kept.
    pub fn open(path: &Path, max_bytes: u64, older: usize) -> LogFile {
        let mut log = LogFile {
            path: path.to_owned(),
            max_bytes,
            older,
            ours: false,
            file: None,
            bytes: 0,
            torn: false,
            lost: 0,
        };
        log.reopen();
        log
    }

    /// Nobody else puts it aside from now on. Somebody may have until now.
    pub fn take_over(&mut self) {
        self.ours = true;
        self.reopen();
    }

    /// Opens the file at its path, which need not be the one that was written to so far.
    pub fn reopen(&mut self) {
        match open(&self.path) {
            Ok(file) => {
                self.bytes = file.metadata().map_or(0, |found| found.len());
                self.take(file);
            }
            Err(_) => self.file = None,
        }
    }

    /// Adds a line. Where that cannot be done it is lost, and the next line that can be written says so.
    pub fn append(&mut self, line: &[u8]) {
        if self.ours && self.bytes > 0 && self.bytes + line.len() as u64 > self.max_bytes {
            self.put_aside();
        }
        if self.file.is_none() {
            self.reopen();
        }
        if self.lost > 0 {
            let lost = format!("  WARN {} lines were lost here: they could not be written\n", self.lost);
            if self.write(lost.as_bytes()).is_ok() {
                self.lost = 0;
            }
        }
        if self.write(line).is_err() {
            self.lost += 1;
        }
    }

    /// Whether standard error goes into this very file.
    pub fn is_standard_error(&self) -> bool {
        self.file.as_ref().is_some_and(standard::is)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        if self.torn {
            file.write_all(b"\n")?;
            self.torn = false;
        }
        self.bytes += bytes.len() as u64;
        file.write_all(bytes).inspect_err(|_| self.torn = true)
    }

    /// Moves each log one place on, and begins a new one. Where that fails this one goes on, up to as much again.
    fn put_aside(&mut self) {
        let moved = (1..=self.older).rev().try_for_each(|place| {
            let from = if place == 1 { self.path.clone() } else { self.place(place - 1) };
            match fs::rename(from, self.place(place)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        });
        self.bytes = 0;
        if moved.is_ok()
            && let Ok(file) = open(&self.path)
        {
            self.take(file);
        }
    }

    /// Writes to that file from now on, and with us whatever else of this process writes to the log.
    fn take(&mut self, file: File) {
        if let Some(before) = &self.file {
            standard::follow(before, &file);
        }
        self.file = Some(file);
    }

    fn place(&self, number: usize) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        name.into()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Standard output and error, which whoever started us may have pointed at the log: an abort writes there.
#[cfg(unix)]
mod standard {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    /// Whether standard error goes into this file.
    pub fn is(file: &File) -> bool {
        is_same(io::stderr(), file)
    }

    /// Points them at `after` where they were pointed at `before`.
    pub fn follow(before: &File, after: &File) {
        // Where it fails they go on into the older log, which is kept too.
        if is_same(io::stdout(), before) {
            let _ = rustix::stdio::dup2_stdout(after);
        }
        if is_same(io::stderr(), before) {
            let _ = rustix::stdio::dup2_stderr(after);
        }
    }

    fn is_same(stream: impl AsFd, file: &File) -> bool {
        let id = |file: &File| file.metadata().map(|found| (found.dev(), found.ino())).ok();
        let stream = stream.as_fd().try_clone_to_owned().map(File::from);
        stream.is_ok_and(|stream| id(&stream).is_some() && id(&stream) == id(file))
    }
}

#[cfg(not(unix))]
mod standard {
    use std::fs::File;
    use std::io::IsTerminal;

    /// Whether standard error goes into this file: into a terminal it does not.
    pub fn is(_file: &File) -> bool {
        !std::io::stderr().is_terminal()
    }

    /// They go on into the older log, which is kept too.
    pub fn follow(_before: &File, _after: &File) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> Vec<String> {
        fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    #[test]
    fn it_is_put_aside_by_size_and_so_many_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("daemon.log");
        let mut log = LogFile::open(&path, 100, 4);
        log.take_over();
        for number in 0..100 {
            log.append(format!("line {number:04}\n").as_bytes());
        }
        let mut found: Vec<String> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        assert_eq!(found, ["daemon.log", "daemon.log.1", "daemon.log.2", "daemon.log.3", "daemon.log.4"]);
        let names = ["daemon.log.4", "daemon.log.3", "daemon.log.2", "daemon.log.1", "daemon.log"];
        let kept: Vec<String> = names.iter().flat_map(|name| lines(&dir.path().join(name))).collect();
        let expected: Vec<String> = (100 - kept.len()..100).map(|number| format!("line {number:04}")).collect();
        assert_eq!(kept, expected, "the newest lines, whole and in order");
        for name in names {
            assert!(fs::metadata(dir.path().join(name)).unwrap().len() <= 100, "{name}");
        }
        // A second one goes on where the first stopped.
        let before = lines(&path).len();
        LogFile::open(&path, 1000, 4).append(b"more\n");
        assert_eq!(lines(&path).len(), before + 1);
    }

    #[test]
    fn only_the_one_daemon_puts_it_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("daemon.log");
        let mut one = LogFile::open(&path, 10, 4);
        let mut other = LogFile::open(&path, 10, 4);
        one.take_over();
        for _ in 0..3 {
            other.append(b"the home is taken\n");
        }
        assert_eq!(lines(&path).len(), 3, "however long it is");
        one.take_over();
        one.append(b"new\n");
        assert_eq!(lines(&path), ["new"]);
        // Once the first has gone it is the other's, as it lies there now.
        other.take_over();
        other.append(b"on\n");
        assert_eq!(lines(&path), ["new", "on"]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("daemon.log");
        LogFile::open(&path, 100, 4).append(b"line\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_told_once_it_can() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("not there").join("daemon.log");
        let mut log = LogFile::open(&path, 1000, 4);
        log.append(b"one\n");
        log.append(b"two\n");
        fs::create_dir(dir.path().join("not there")).unwrap();
        log.append(b"three\n");
        log.append(b"four\n");
        assert_eq!(lines(&path), ["  WARN 2 lines were lost here: they could not be written", "three", "four"]);
    }

    #[test]
    fn a_log_that_cannot_be_put_aside_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("daemon.log");
        let mut log = LogFile::open(&path, 50, 1);
        log.take_over();
        fs::create_dir_all(dir.path().join("daemon.log.1/full")).unwrap();
        for _ in 0..10 {
            log.append(b"a line of it\n");
        }
        assert_eq!(lines(&path).len(), 10);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_line_that_was_cut_off_stands_alone() {
        // A disk that is always full.
        let mut log = LogFile::open(Path::new("/dev/full"), 1000, 0);
        log.append(b"one\n");
        log.append(b"two\n");
        assert_eq!((log.lost, log.torn), (2, true));
        let dir = tempfile::tempdir().unwrap();
        log.path = dir.path().join("daemon.log");
        log.reopen();
        log.append(b"three\n");
        let all = lines(&log.path);
        assert_eq!(all.last().map(String::as_str), Some("three"), "{all:?}");
        assert!(all.iter().any(|line| line.contains("2 lines were lost")), "{all:?}");
    }

    #[test]
    fn one_that_was_taken_away_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("daemon.log");
        let mut log = LogFile::open(&path, 1000, 4);
        log.append(b"one\n");
        fs::remove_file(&path).unwrap();
        log.reopen();
        log.append(b"two\n");
        assert_eq!(lines(&path), ["two"]);
    }
}
