//! Reads a spool: whole lines, a bounded number at once, whatever the file holds.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use contract::{EventBody, SpoolLine};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 * 1024;
/// Lines of a batch, at most: what is stored in one transaction must not hold up what others store.
const MAX_LINES: usize = 1_000;
/// Bytes of a line, at most: events are cut long before.
const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// A spool, as far as it was read.
#[derive(Clone)]
pub struct Spool {
    file: PathBuf,
    /// Where the next line begins.
    offset: u64,
    /// In a line that is too long: up to where its end was looked for in vain.
    sought: u64,
}

/// What was found next.
#[derive(Debug, Default)]
pub struct Batch {
    /// The lines, in order.
    pub lines: Vec<SpoolLine>,
    /// Lines that do not read, or that a worker may not write.
    pub refused: usize,
    /// Where the batch ends.
    pub end: u64,
    /// Whether there may be more already: it is as long as batches are.
    pub full: bool,
}

impl Spool {
    /// A spool, to be read from there on.
    pub fn new(file: PathBuf, offset: u64) -> Spool {
        Spool { file, offset, sought: 0 }
    }

    /// Where the file is.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether there is nothing in the file.
    pub fn is_empty(&self) -> bool {
        std::fs::metadata(&self.file).map_or(true, |meta| meta.len() == 0)
    }

    /// What has been read is kept: go on after it.
    pub fn advance(&mut self, end: u64) {
        self.offset = end;
    }

    /// Reads the next whole lines; `None` where there is none yet. Blocks.
    ///
    /// # Errors
    /// What the system says of the file. One that is not there yet has no lines.
    pub fn next(&mut self) -> io::Result<Option<Batch>> {
        let mut file = match File::open(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if self.sought > self.offset {
            return self.skip_line(&mut file);
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        loop {
            let before = bytes.len();
            (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut bytes)?;
            if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
                let long = bytes.len() >= CHUNK_BYTES;
                bytes.truncate(end + 1);
                let batch = parse(&bytes, self.offset);
                return Ok(Some(Batch { full: batch.full || long, ..batch }));
            }
            if bytes.len() == before {
                return Ok(None);
            }
            if bytes.len() >= MAX_LINE_BYTES {
                // Nothing of ours is that long. It is left out, up to its end.
                self.sought = self.offset + bytes.len() as u64;
                drop(bytes);
                return self.skip_line(&mut file);
            }
        }
    }

    /// Looks for the end of a line that is too long, and remembers how far it looked.
    fn skip_line(&mut self, file: &mut File) -> io::Result<Option<Batch>> {
        file.seek(SeekFrom::Start(self.sought))?;
        let mut bytes = vec![0; CHUNK_BYTES];
        loop {
            let read = file.read(&mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            if let Some(end) = bytes[..read].iter().position(|byte| *byte == b'\n') {
                tracing::warn!(file = %self.file.display(), from = self.offset, "a line of a spool is too long");
                return Ok(Some(Batch { refused: 1, end: self.sought + end as u64 + 1, ..Batch::default() }));
            }
            self.sought += read as u64;
        }
    }
}

/// Reads the lines of `bytes`, which begin at `offset` of the file and end with a line's end.
fn parse(bytes: &[u8], offset: u64) -> Batch {
    let mut batch = Batch { end: offset, ..Batch::default() };
    let mut first_fault = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if batch.lines.len() + batch.refused == MAX_LINES {
            batch.full = true;
            break;
        }
        batch.end += line.len() as u64;
        if line == b"\n" {
            continue;
        }
        match serde_json::from_slice::<SpoolLine>(line) {
            Ok(line) if is_a_workers(&line) => batch.lines.push(line),
            Ok(_) => batch.refused += 1,
            Err(error) => {
                batch.refused += 1;
                first_fault.get_or_insert(error);
            }
        }
    }
    if batch.refused > 0 {
        // Once a batch: whoever writes nonsense by the thousand must not fill the log with it.
        tracing::warn!(lines = batch.refused, offset, ?first_fault, "lines of a spool are left out");
    }
    batch
}

/// Whether the line says something that is a worker's to say. States and holds are the daemon's, and what the founder
/// says comes through the daemon.
fn is_a_workers(line: &SpoolLine) -> bool {
    let not_its = matches!(
        line.entry.body,
        EventBody::JobChanged { .. } | EventBody::Held { .. } | EventBody::Answered { .. } | EventBody::FollowUp { .. }
    );
    line.n > 0 && !not_its
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Entry, JobState, NoticeLevel, SYSTEM, Time};
    use std::io::Write;

    fn line_of(n: i64, body: EventBody) -> String {
        let entry = Entry { at: Time(n), agent: SYSTEM.into(), parent: None, body };
        serde_json::to_string(&SpoolLine { v: 1, n, entry }).unwrap() + "\n"
    }

    fn line(n: i64) -> String {
        line_of(n, EventBody::Notice { level: NoticeLevel::Info, text: format!("line {n}") })
    }

    struct Written(tempfile::NamedTempFile, Spool);

    impl Written {
        fn new(bytes: impl AsRef<[u8]>) -> Written {
            let file = tempfile::NamedTempFile::new().unwrap();
            let spool = Spool::new(file.path().to_owned(), 0);
            let mut written = Written(file, spool);
            written.write(bytes);
            written
        }

        fn write(&mut self, bytes: impl AsRef<[u8]>) {
            self.0.write_all(bytes.as_ref()).unwrap();
        }

        /// All that can be read now: the lines' numbers, and how many were refused.
        fn read(&mut self) -> (Vec<i64>, usize) {
            let mut found = (Vec::new(), 0);
            while let Some(batch) = self.1.next().unwrap() {
                assert!(batch.lines.len() + batch.refused <= MAX_LINES);
                found.0.extend(batch.lines.iter().map(|line| line.n));
                found.1 += batch.refused;
                self.1.advance(batch.end);
            }
            found
        }
    }

    #[test]
    fn a_half_line_waits_for_its_end() {
        let (half, rest) = (&line(2)[..20], &line(2)[20..]);
        let mut spool = Written::new(line(1) + half);
        assert_eq!(spool.read(), (vec![1], 0));
        spool.write(rest);
        assert_eq!(spool.read(), (vec![2], 0));
    }

    #[test]
    fn torn_lines_and_other_bytes_than_text_are_left_out_and_counted() {
        let mut bytes = line(1).into_bytes();
        bytes.extend(b"\0\0\0\n\n");
        bytes.extend(line(2).replace("line", "l\u{1}ne").into_bytes());
        bytes.extend(line(3).replace("line", "xxxx").into_bytes());
        let at = bytes.len() - 10;
        bytes[at] = 0xff;
        bytes.extend(line(4).into_bytes());
        assert_eq!(Written::new(bytes).read(), (vec![1, 4], 3));
    }

    #[test]
    fn a_line_that_is_far_too_long_is_one_line_that_is_left_out() {
        let mut spool = Written::new(line(1));
        for _ in 0..50 {
            spool.write(vec![b'x'; 1024 * 1024]);
            // It is read while it is being written.
            assert!(spool.read().0.len() <= 1);
        }
        spool.write("\n".to_owned() + &line(2));
        assert_eq!(spool.read(), (vec![2], 1));
    }

    #[test]
    fn a_line_that_is_long_and_whole_at_once_is_skipped_in_one_look() {
        let mut spool = Written::new(line(1) + &"x".repeat(20 * 1024 * 1024) + "\n" + &line(2));
        assert_eq!(spool.read(), (vec![1, 2], 1));
    }

    #[test]
    fn many_lines_come_in_bounded_batches() {
        let text: String = (1..=25_000).map(line).collect();
        let mut spool = Written::new(text + &"\n".repeat(600_000) + &"{}\n".repeat(2_500) + &line(25_001));
        let (numbers, refused) = spool.read();
        assert_eq!((numbers, refused), ((1..=25_001).collect(), 2_500));
    }

    #[test]
    fn a_batch_says_whether_there_may_be_more() {
        let full = |text: String| Written::new(text).1.next().unwrap().unwrap().full;
        assert!(!full((1..=1_000).map(line).collect()));
        assert!(full((1..=1_001).map(line).collect()));
        assert!(full(line(1) + &"\n".repeat(CHUNK_BYTES)));
    }

    #[test]
    fn what_is_not_a_workers_to_say_is_left_out() {
        let state =
            EventBody::JobChanged { state: JobState::Completed, reason: String::new(), until: None, stopped: None };
        let answered = EventBody::Answered {
            question_id: contract::QuestionId(1),
            key: "q1".into(),
            run_id: contract::RunId(1),
            answer: "Go on".into(),
            by: contract::Origin::Desk,
        };
        let text = line_of(1, state)
            + &line_of(2, EventBody::Held { held: true, all: false })
            + &line_of(4, answered)
            + &line_of(5, EventBody::FollowUp { text: "as the founder".into() })
            + &line(-1)
            + &line(3);
        assert_eq!(Written::new(text).read(), (vec![3], 5));
    }

    #[test]
    fn a_file_that_is_not_there_has_no_lines() {
        let mut spool = Spool::new("/nonexistent/spool.jsonl".into(), 0);
        assert!(spool.is_empty() && spool.next().unwrap().is_none());
    }
}
