//! The spool: one JSON event a line, in a file of the run's own. It is the truth about the run; the daemon's
//! database is a copy of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use contract::{Entry, Error, ErrorCode, SpoolLine, WORKER_PROTOCOL};

/// Bytes kept aside on disk, so that the last word of a run fits on a disk that has become full.
const RESERVE_BYTES: u64 = 64 * 1024;

/// A run's spool, open for appending.
pub struct Spool {
    file: Mutex<Tail>,
    reserve: PathBuf,
}

struct Tail {
    file: File,
    /// Lines written.
    lines: i64,
    /// Bytes of whole lines.
    bytes: u64,
}

impl Spool {
    /// Creates `spool.jsonl` in the run's folder.
    ///
    /// # Errors
    /// When the file exists (a run has one worker, ever) or cannot be made.
    pub fn create(run_dir: &Path) -> io::Result<Spool> {
        let reserve = run_dir.join("reserve");
        let aside = File::create(&reserve)?;
        // Written, not just sized: a sparse file holds no space.
        (&aside).write_all(&vec![0; RESERVE_BYTES as usize])?;
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(run_dir.join("spool.jsonl"))?;
        Ok(Spool { file: Mutex::new(Tail { file, lines: 0, bytes: 0 }), reserve })
    }

    /// Appends an event. It is in the file when this returns, and on disk where the event's kind asks for it.
    ///
    /// # Errors
    /// [`ErrorCode::DISK_FULL`] and other failures to write; the file then ends with the line before.
    pub fn append(&self, entry: Entry) -> Result<(), Error> {
        let mut tail = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let synced = entry.body.is_synced();
        let line = SpoolLine { v: WORKER_PROTOCOL, n: tail.lines + 1, entry };
        let mut bytes = serde_json::to_vec(&line).map_err(Error::internal)?;
        bytes.push(b'\n');
        let written = tail.write(&bytes);
        written.and_then(|()| if synced { tail.file.sync_data() } else { Ok(()) }).map_err(|error| disk_error(&error))
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
        let spool = Spool::create(dir.path()).unwrap();
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
        let _first = Spool::create(dir.path()).unwrap();
        assert!(Spool::create(dir.path()).is_err());
    }
}
