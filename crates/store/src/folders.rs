//! The runs' folders: which runs left a record, and the lines of their spools.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use contract::{RunId, SpoolLine};
use flate2::read::MultiGzDecoder;

use crate::JobRecord;

/// Bytes of a line, at most: events are cut long before.
const MAX_LINE_BYTES: u64 = 8 * 1024 * 1024;

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    /// The folder, absolute.
    pub(crate) dir: PathBuf,
    /// Whose number it bears.
    pub(crate) run_id: RunId,
    /// Where a copy of the database was put back once, a second run got a number that another one had.
    again: u32,
}

impl Folder {
    /// What it says about its job. One that does not read says nothing.
    pub(crate) fn record(&self) -> Option<JobRecord> {
        match JobRecord::read(&self.dir) {
            Ok(record) => record.filter(|record| record.run_id == self.run_id),
            Err(error) => {
                tracing::warn!(%error, dir = %self.dir.display(), "the record of a run does not read");
                None
            }
        }
    }

    /// Whether the daemon is done with it: its run was settled then.
    pub(crate) fn is_put_away(&self) -> bool {
        self.dir.join("spool.jsonl.gz").exists() && !self.dir.join("spool.jsonl").exists()
    }

    /// Whether there is a spool in it.
    pub(crate) fn has_spool(&self) -> bool {
        self.dir.join("spool.jsonl.gz").exists() || self.dir.join("spool.jsonl").exists()
    }

    /// The lines of its spool; `None` where there is none.
    pub(crate) fn lines(&self) -> io::Result<Option<Lines>> {
        let plain = self.dir.join("spool.jsonl");
        match File::open(&plain) {
            Ok(file) => return Ok(Some(Lines::of(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        match File::open(self.dir.join("spool.jsonl.gz")) {
            Ok(file) => Ok(Some(Lines::of(MultiGzDecoder::new(BufReader::new(file))))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Every folder of a run under `runs`, in the order of their numbers.
pub(crate) fn all(runs: &Path) -> BTreeMap<RunId, Vec<Folder>> {
    let mut found: BTreeMap<RunId, Vec<Folder>> = BTreeMap::new();
    // No folder, no runs.
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((run_id, again)) = name.to_str().and_then(numbers) else { continue };
        found.entry(run_id).or_default().push(Folder { dir: entry.path(), run_id, again });
    }
    for folders in found.values_mut() {
        // The last one first: that is the one of the database there was.
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.again));
    }
    found
}

/// `12`, or `12.2` for the second run of that number.
fn numbers(name: &str) -> Option<(RunId, u32)> {
    let (run, again) = name.split_once('.').unwrap_or((name, "1"));
    Some((RunId(run.parse().ok().filter(|run| *run > 0)?), again.parse().ok()?))
}

/// The whole lines of a spool that read, and how many bytes they are with those that do not.
pub(crate) struct Lines {
    source: BufReader<Box<dyn Read>>,
    /// Bytes up to the end of the last whole line.
    pub(crate) offset: u64,
}

impl Lines {
    fn of(source: impl Read + 'static) -> Lines {
        Lines { source: BufReader::new(Box::new(source)), offset: 0 }
    }

    /// The next line that reads. A half line at the end is not there yet; a file that breaks off ends there.
    pub(crate) fn next(&mut self) -> Option<SpoolLine> {
        loop {
            let mut bytes = Vec::new();
            let read = (&mut self.source).take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes);
            if let Err(error) = &read {
                tracing::warn!(%error, "a spool breaks off");
            }
            let length = read.ok().filter(|length| *length > 0)? as u64;
            if bytes.last() != Some(&b'\n') && length < MAX_LINE_BYTES {
                return None;
            }
            self.offset += length;
            // What does not read is kept in the spool, and left out here as it was the first time.
            if let Ok(line) = serde_json::from_slice(&bytes) {
                return Some(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{Entry, EventBody, NoticeLevel, SYSTEM, Time};

    use super::*;

    fn line(n: i64) -> String {
        let body = EventBody::Notice { level: NoticeLevel::Info, text: format!("line {n}") };
        let entry = Entry { at: Time(n), agent: SYSTEM.into(), parent: None, body };
        serde_json::to_string(&SpoolLine { v: 1, n, entry }).unwrap() + "\n"
    }

    fn numbers_of(folder: &Folder) -> (Vec<i64>, u64) {
        let mut lines = folder.lines().unwrap().unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            found.push(line.n);
        }
        (found, lines.offset)
    }

    #[test]
    fn lines_are_read_from_a_spool_and_from_one_that_was_put_away() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["3", "3.2", "12", "tmp", "-1", "0"] {
            fs::create_dir(runs.path().join(name)).unwrap();
        }
        let all = all(runs.path());
        assert_eq!(all.keys().map(|run| run.0).collect::<Vec<_>>(), [3, 12]);
        assert!(all[&RunId(3)][0].dir.ends_with("3.2"));
        let folder = &all[&RunId(12)][0];
        assert!(folder.lines().unwrap().is_none());

        let whole = format!("{}{}broken\n{}", line(1), line(2), line(3));
        let half = &line(4)[..9];
        fs::write(folder.dir.join("spool.jsonl"), format!("{whole}{half}")).unwrap();
        assert_eq!(numbers_of(folder), (vec![1, 2, 3], whole.len() as u64));
        assert!(!folder.is_put_away());

        fs::remove_file(folder.dir.join("spool.jsonl")).unwrap();
        let packed = File::create(folder.dir.join("spool.jsonl.gz")).unwrap();
        let mut packer = flate2::write::GzEncoder::new(packed, flate2::Compression::default());
        io::Write::write_all(&mut packer, whole.as_bytes()).unwrap();
        packer.finish().unwrap();
        assert_eq!(numbers_of(folder).0, [1, 2, 3]);
        assert!(folder.is_put_away());
    }
}
