//! The spool: one JSON event a line, in a file of the run's own. It is the truth about the run; the daemon's
//! database is a copy of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use contract::{Entry, Error, ErrorCode, EventBody, SpoolLine, WORKER_PROTOCOL};

use crate::clocks::limit_error;

/// Bytes kept aside on disk, so that the last word of a run fits on a disk that has become full.
const RESERVE_BYTES: u64 = 64 * 1024;
/// Bytes beyond the run's limit for what is said on the way out: tools and delegations that end.
const WAY_OUT_BYTES: u64 = 4 * 1024 * 1024;

/// A run's spool, open for appending.
pub struct Spool {
    file: Mutex<Tail>,
    reserve: PathBuf,
    /// Bytes that the run may record; zero for no limit.
    most: u64,
}

/// What became of an event that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its line.
    pub line: i64,
    /// The spool has reached its limit: the run is to end.
    pub full: bool,
}

struct Tail {
    file: File,
    /// Lines written.
    lines: i64,
    /// Bytes of whole lines.
    bytes: u64,
}

impl Spool {
    /// Creates `spool.jsonl` in the run's folder. `most`: bytes that the run may record; zero for no limit.
    ///
    /// # Errors
    /// When the file exists (a run has one worker, ever) or cannot be made.
    pub fn create(run_dir: &Path, most: u64) -> io::Result<Spool> {
        let path = run_dir.join("spool.jsonl");
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let reserve = run_dir.join("reserve");
        // Written, not just sized: a sparse file holds no space.
        let aside = File::create(&reserve).and_then(|mut aside| aside.write_all(&vec![0; RESERVE_BYTES as usize]));
        if let Err(error) = aside {
            // An empty spool would look like a worker's. Where it stays, the daemon clears it away.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(Spool { file: Mutex::new(Tail { file, lines: 0, bytes: 0 }), reserve, most })
    }

    /// Appends an event. It is in the file when this returns, and on disk where the event's kind asks for it. Once the
    /// limit is reached, what is said on the way out still fits, and the run's last word always does.
    ///
    /// # Errors
    /// [`ErrorCode::DISK_FULL`] and other failures to write; the file then ends with the line before.
    /// [`ErrorCode::RUN_OUTPUT`] for a run that goes on and on beyond its limit.
    pub fn append(&self, entry: Entry) -> Result<Appended, Error> {
        let mut tail = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let synced = entry.body.is_synced();
        let last_word = matches!(entry.body, EventBody::RunExited { .. });
        let line = SpoolLine { v: WORKER_PROTOCOL, n: tail.lines + 1, entry };
        let mut bytes = serde_json::to_vec(&line).map_err(Error::internal)?;
        bytes.push(b'\n');
        let room = self.most.saturating_add(WAY_OUT_BYTES).saturating_sub(tail.bytes);
        if self.most > 0 && bytes.len() as u64 > room && !last_word {
            return Err(self.full());
        }
        let written = tail.write(&bytes);
        written
            .and_then(|()| if synced { tail.file.sync_data() } else { Ok(()) })
            .map_err(|error| disk_error(&error))?;
        Ok(Appended { line: tail.lines, full: self.most > 0 && tail.bytes >= self.most })
    }

    /// The error of a run that reached its limit.
    pub fn full(&self) -> Error {
        limit_error(
            ErrorCode::RUN_OUTPUT,
            format!("The run recorded {}, which is the limit.", size(self.most)),
            "run_output_mb",
            "Split the work into smaller briefs, or allow more",
        )
    }

    /// Waits until all that was appended is on disk.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn sync(&self) -> Result<(), Error> {
        let tail = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tail.file.sync_data().map_err(|error| disk_error(&error))
    }

    /// Gives back what was kept aside, for the last word.
    pub fn release_reserve(&self) {
        if let Err(error) = std::fs::remove_file(&self.reserve)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the reserve file stays behind");
        }
    }
}

impl Tail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // No half lines: what follows would be glued to it.
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.lines += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Bytes as people say them.
fn size(bytes: u64) -> String {
    const MB: u64 = 1024 * 1024;
    if bytes >= MB { format!("{} MB", bytes / MB) } else { format!("{bytes} bytes") }
}

fn disk_error(error: &io::Error) -> Error {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Error::new(
            ErrorCode::DISK_FULL,
            "The disk that holds AICIB's data is full, so the run could not record what it does.",
            "Make room, then restart the job.",
        );
    }
    Error::new(
        ErrorCode::INTERNAL,
        format!("The run could not record what it does: {error}."),
        "Check the disk that holds AICIB's data, then restart the job.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{EventBody, NoticeLevel, SYSTEM, Time};

    fn notice(text: &str) -> Entry {
        let body = EventBody::Notice { level: NoticeLevel::Info, text: text.into() };
        Entry { at: Time(1), agent: SYSTEM.into(), parent: None, body }
    }

    #[test]
    fn lines_are_numbered_without_gaps() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::create(dir.path(), 0).unwrap();
        for text in ["one", "two\nlines", "three"] {
            spool.append(notice(text)).unwrap();
        }
        let text = std::fs::read_to_string(dir.path().join("spool.jsonl")).unwrap();
        let lines: Vec<SpoolLine> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.iter().map(|line| line.n).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(lines[1].entry, notice("two\nlines"));
    }

    #[test]
    fn a_second_worker_cannot_take_the_spool() {
        let dir = tempfile::tempdir().unwrap();
        let first = Spool::create(dir.path(), 0).unwrap();
        first.release_reserve();
        assert!(Spool::create(dir.path(), 0).is_err());
        assert!(!dir.path().join("reserve").exists(), "it leaves nothing behind");
    }

    #[test]
    fn a_spool_without_room_for_its_reserve_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("reserve")).unwrap();
        assert!(Spool::create(dir.path(), 0).is_err());
        assert!(!dir.path().join("spool.jsonl").exists());
    }

    #[test]
    fn at_the_limit_the_run_is_to_end_and_its_last_word_fits() {
        let dir = tempfile::tempdir().unwrap();
        let most = 1024 * 1024;
        let spool = Spool::create(dir.path(), most).unwrap();
        let text = "x".repeat(1_000);
        let (mut lines, mut reached) = (0, 0);
        let error = loop {
            match spool.append(notice(&text)) {
                Ok(appended) => {
                    lines += 1;
                    assert_eq!(appended.line, lines);
                    reached = if appended.full && reached == 0 { lines } else { reached };
                }
                Err(error) => break error,
            }
        };
        assert!((900..=1_048).contains(&reached), "{reached}");
        assert!(error.message.contains("recorded 1 MB") && error.fix.contains("run_output_mb N"), "{error}");
        assert_eq!(error.code, ErrorCode::RUN_OUTPUT);
        let file = dir.path().join("spool.jsonl");
        assert!(std::fs::metadata(&file).unwrap().len() <= most + WAY_OUT_BYTES);
        let (result, turns) = (Some("r".repeat(100_000)), 1);
        let outcome = contract::Outcome::Failed;
        let body =
            EventBody::RunExited { outcome, result, error: None, turns, effects: true, ended: 0, forced: 0, left: 0 };
        let last = spool.append(Entry { body, ..notice("") }).unwrap();
        assert_eq!(last.line, lines + 1);
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.lines().all(|line| serde_json::from_str::<SpoolLine>(line).is_ok()));
    }
}
