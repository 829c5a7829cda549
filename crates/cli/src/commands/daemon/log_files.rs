//! The daemon's log on disk: `daemon.log`, and those put aside before it. Read without a daemon, and across the moment
//! in which one is put aside.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Bytes of a line, at most: what is longer comes in pieces.
const MAX_LINE: usize = 64 * 1024;

/// Which file a file is, whatever it is called by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

#[cfg(unix)]
fn id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    FileId(metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn id(metadata: &Metadata) -> FileId {
    let since = |time: io::Result<std::time::SystemTime>| {
        let time = time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(0))
    };
    FileId(0, since(metadata.created()))
}

/// The log's files that there are, oldest first: `daemon.log.old`, `daemon.log.5` … `daemon.log.1`, `daemon.log`.
pub(super) fn files(log: &Path) -> Vec<PathBuf> {
    let (Some(dir), Some(name)) = (log.parent(), log.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let aside = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|entry| {
        let found = entry.file_name();
        let suffix = found.to_str()?.strip_prefix(name)?.strip_prefix('.')?;
        let age = if suffix == "old" { u32::MAX } else { suffix.parse::<u32>().ok()? };
        Some((age, entry.path()))
    });
    let mut aside: Vec<(u32, PathBuf)> = aside.collect();
    aside.sort_by(|(one, _), (other, _)| other.cmp(one));
    let mut files: Vec<PathBuf> = aside.into_iter().map(|(_, path)| path).collect();
    if log.is_file() {
        files.push(log.to_owned());
    }
    files
}

/// A place in the log, from which on it is read.
pub(super) struct Reader {
    log: PathBuf,
    at: Option<Open>,
    /// What was read of a line that has not ended yet.
    rest: Vec<u8>,
}

struct Open {
    file: File,
    id: FileId,
    position: u64,
}

impl Open {
    fn at(path: &Path, position: u64) -> io::Result<Open> {
        let mut file = File::open(path)?;
        let id = id(&file.metadata()?);
        file.seek(SeekFrom::Start(position))?;
        Ok(Open { file, id, position })
    }
}

impl Reader {
    /// Before the last `lines` lines of all files.
    pub(super) fn before_the_last(log: &Path, lines: u64) -> io::Result<Reader> {
        let mut left = lines;
        let mut start = None;
        for path in files(log).into_iter().rev() {
            let (position, found) = match position_before(&path, left) {
                // It was put aside or away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                found => found?,
            };
            start = Some((path, position));
            left = left.saturating_sub(found);
            if left == 0 {
                break;
            }
        }
        let at = match start {
            Some((path, position)) => Some(Open::at(&path, position)?),
            None => None,
        };
        Ok(Reader { log: log.to_owned(), at, rest: Vec::new() })
    }

    /// Hands on every whole line that is there by now, file after file.
    pub(super) fn read<E: From<io::Error>>(&mut self, take: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        loop {
            if self.at.is_none() {
                match Open::at(&self.log, 0) {
                    Ok(open) => self.at = Some(open),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
            }
            // Looked for before reading on: what is written to this file until then is read below.
            let next = self.next()?;
            self.read_file(take)?;
            match next {
                None => return Ok(()),
                Some(path) => {
                    self.last_words(take)?;
                    match Open::at(&path, 0) {
                        Ok(open) => self.at = Some(open),
                        // Put aside in this very moment: found again by what it is called then.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
    }

    /// Hands on what is left of a line that nobody will end.
    pub(super) fn last_words<E>(&mut self, take: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.rest);
        take(&String::from_utf8_lossy(&rest))
    }

    /// The file after the one at hand, where there is one.
    fn next(&mut self) -> io::Result<Option<PathBuf>> {
        let Some(open) = &mut self.at else { return Ok(None) };
        let mut after = None;
        for path in files(&self.log).into_iter().rev() {
            match fs::metadata(&path) {
                Ok(found) if id(&found) == open.id => {
                    if found.len() < open.position {
                        // Cut off and begun anew under the same name.
                        open.file.seek(SeekFrom::Start(0))?;
                        open.position = 0;
                        self.rest.clear();
                    }
                    return Ok(after);
                }
                Ok(_) => after = Some(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        // It is gone altogether: of the others only the one that is written now is newer for sure.
        Ok(Some(self.log.clone()).filter(|log| log.is_file()))
    }

    fn read_file<E: From<io::Error>>(&mut self, take: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        let Some(open) = &mut self.at else { return Ok(()) };
        let mut chunk = vec![0; CHUNK];
        loop {
            let got = open.file.read(&mut chunk)?;
            if got == 0 {
                return Ok(());
            }
            open.position += got as u64;
            for piece in chunk[..got].split_inclusive(|byte| *byte == b'\n') {
                self.rest.extend_from_slice(piece);
                if self.rest.ends_with(b"\n") || self.rest.len() >= MAX_LINE {
                    let whole = std::mem::take(&mut self.rest);
                    take(String::from_utf8_lossy(&whole).trim_end_matches(['\n', '\r']))?;
                }
            }
        }
    }
}

/// The place in a file before its last `lines` lines, and how many there are from there on. Reads it backwards, so that
/// the last lines of a long one are there at once.
fn position_before(path: &Path, lines: u64) -> io::Result<(u64, u64)> {
    let mut file = File::open(path)?;
    let size = file.seek(SeekFrom::End(0))?;
    let (mut end, mut found) = (size, 0);
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK as u64);
        chunk.resize(usize::try_from(end - start).unwrap_or(CHUNK), 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut chunk)?;
        for (index, byte) in chunk.iter().enumerate().rev() {
            let after = start + index as u64 + 1;
            // The end of the line before; the file's own end ends none that counts.
            if *byte == b'\n' && after < size {
                found += 1;
                if found == lines {
                    return Ok((after, found));
                }
            }
        }
        end = start;
    }
    // The first line has none before it.
    Ok((0, if size > 0 { found + 1 } else { 0 }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    struct Log {
        dir: tempfile::TempDir,
    }

    impl Log {
        fn new() -> Log {
            Log { dir: tempfile::tempdir().unwrap() }
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join("daemon.log")
        }

        fn add(&self, text: &str) {
            let mut file = File::options().create(true).append(true).open(self.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn put_aside(&self) {
            for number in (1..5).rev() {
                let aside = |number: u32| self.dir.path().join(format!("daemon.log.{number}"));
                if aside(number).exists() {
                    fs::rename(aside(number), aside(number + 1)).unwrap();
                }
            }
            fs::rename(self.path(), self.dir.path().join("daemon.log.1")).unwrap();
        }
    }

    fn read(reader: &mut Reader) -> Vec<String> {
        let mut lines = Vec::new();
        reader
            .read(&mut |line: &str| {
                lines.push(line.to_owned());
                io::Result::Ok(())
            })
            .unwrap();
        lines
    }

    #[test]
    fn the_last_lines_may_lie_in_several_files() {
        let log = Log::new();
        assert_eq!(read(&mut Reader::before_the_last(&log.path(), 5).unwrap()), Vec::<String>::new());
        log.add("one\ntwo\n");
        log.put_aside();
        log.add("three\nfour\n");
        log.put_aside();
        log.add("five\nsix");
        let last = |lines| read(&mut Reader::before_the_last(&log.path(), lines).unwrap());
        assert_eq!(last(2), ["five"], "what has not ended is not there yet");
        assert_eq!(last(4), ["three", "four", "five"]);
        assert_eq!(last(5), ["two", "three", "four", "five"]);
        assert_eq!(last(100), ["one", "two", "three", "four", "five"]);
        fs::write(log.dir.path().join("daemon.log.old"), "zero\n").unwrap();
        fs::write(log.dir.path().join("daemon.log.bak"), "no\n").unwrap();
        assert_eq!(last(100)[0], "zero");
    }

    #[test]
    fn what_is_put_aside_meanwhile_is_followed() {
        let log = Log::new();
        log.add("one\n");
        let mut reader = Reader::before_the_last(&log.path(), 10).unwrap();
        assert_eq!(read(&mut reader), ["one"]);
        log.add("two\nthr");
        assert_eq!(read(&mut reader), ["two"]);
        log.add("ee\n");
        log.put_aside();
        log.add("four\n");
        log.put_aside();
        log.add("five\n");
        assert_eq!(read(&mut reader), ["three", "four", "five"]);
        assert_eq!(read(&mut reader), Vec::<String>::new());
        fs::write(log.path(), "x\n").unwrap();
        assert_eq!(read(&mut reader), ["x"], "cut off and begun anew");
        fs::remove_file(log.path()).unwrap();
        assert_eq!(read(&mut reader), Vec::<String>::new());
        log.add("six\n");
        assert_eq!(read(&mut reader), ["six"]);
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let log = Log::new();
        log.add(&"x".repeat(3 * MAX_LINE));
        let lines = read(&mut Reader::before_the_last(&log.path(), 1).unwrap());
        assert!(lines.len() >= 2 && lines.iter().all(|line| line.len() <= MAX_LINE + CHUNK), "{}", lines.len());
    }
}
