//! Follows a spool into the database: commits batches of lines, and remembers in the same transaction how far it
//! got. Reading twice stores once.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use contract::{Entry, Error, EventBody, NoticeLevel, SYSTEM, SpoolLine, Time};
use tokio::time::Instant;

use super::LiveRun;
use crate::app::App;
use crate::hub::Touched;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 1024 * 1024;
/// Bytes of a line, at most: events are cut long before.
const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;
/// The least time between two commits of one run, so that a fast worker's lines are committed together.
const COMMIT_GAP: Duration = Duration::from_millis(10);
/// How often the file is looked at without a hint: while the worker is connected, and while it is not.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_millis(250));
/// How long to wait after the database or the disk said no: doubles from the first to the second.
const AFTER_TROUBLE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// A spool, as far as it was read.
pub struct Tail {
    file: PathBuf,
    /// Bytes that are stored.
    offset: u64,
}

/// What was found at the end of what is stored.
struct Batch {
    lines: Vec<SpoolLine>,
    /// Lines that do not read.
    broken: usize,
    /// Where the batch ends.
    end: u64,
}

impl Tail {
    /// Goes on where an earlier daemon stopped.
    pub fn new(run: &LiveRun, offset: u64) -> Tail {
        Tail { file: run.spool(), offset }
    }

    /// Whether there is nothing in the file.
    pub fn is_empty(&self) -> bool {
        std::fs::metadata(&self.file).map_or(true, |meta| meta.len() == 0)
    }

    /// Stores what comes, until it is dropped.
    pub async fn follow(&mut self, app: &App, run: &LiveRun) {
        let mut trouble = AFTER_TROUBLE.0;
        loop {
            let began = Instant::now();
            let pause = match self.step(app, run).await {
                Ok(true) => {
                    trouble = AFTER_TROUBLE.0;
                    tokio::time::sleep_until(began + COMMIT_GAP).await;
                    continue;
                }
                Ok(false) if run.worker().is_some() => LOOK_EVERY.0,
                Ok(false) => LOOK_EVERY.1,
                Err(error) => {
                    tracing::error!(%error, run_id = %run.run_id, "the spool could not be stored");
                    tokio::time::sleep(trouble).await;
                    trouble = (trouble * 2).min(AFTER_TROUBLE.1);
                    continue;
                }
            };
            tokio::select! {
                () = run.grew.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Stores all there is. Tries until it can: what a worker has done must not be forgotten. `false` where the daemon
    /// stops before that.
    pub async fn drain(&mut self, app: &App, run: &LiveRun) -> bool {
        let mut trouble = AFTER_TROUBLE.0;
        loop {
            match self.step(app, run).await {
                Ok(true) => {}
                Ok(false) => return true,
                Err(error) => {
                    tracing::error!(%error, run_id = %run.run_id, "the spool could not be stored; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(trouble) => {}
                        () = app.stop.cancelled() => return false,
                    }
                    trouble = (trouble * 2).min(AFTER_TROUBLE.1);
                }
            }
        }
    }

    /// Stores the next batch; `false` where there is none.
    async fn step(&mut self, app: &App, run: &LiveRun) -> Result<bool, Error> {
        let (file, offset) = (self.file.clone(), self.offset);
        let read = tokio::task::spawn_blocking(move || read_batch(&file, offset)).await.map_err(Error::internal)?;
        let batch = match read {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => {
                return Err(Error::internal(format!("The spool {} does not read: {error}.", self.file.display())));
            }
        };
        let (run_id, job_id, end, broken) = (run.run_id, run.job_id, batch.end, batch.broken);
        let lines = batch.lines;
        let children = run.children();
        let stored = app
            .store
            .write(move |db| {
                let mut stored = db.append(run_id, &lines, end)?;
                db.run_heard(run_id, Time::now(), children)?;
                if broken > 0 {
                    stored.events.push(db.append_own(job_id, unreadable(broken))?);
                }
                Ok(stored)
            })
            .await?;
        self.offset = end;
        let touched = Touched { team: stored.touched.agents, spend: stored.touched.spend, ..Touched::row(job_id) };
        app.announce(run.company_id, &touched, &stored.events);
        Ok(true)
    }
}

fn unreadable(broken: usize) -> Entry {
    let text =
        format!("{broken} lines of the run's record do not read and are left out here. They are kept in its spool.");
    let body = EventBody::Notice { level: NoticeLevel::Warning, text };
    Entry { at: Time::now(), agent: SYSTEM.into(), parent: None, body }
}

/// Reads whole lines from `offset` on; `None` where there is no whole line.
fn read_batch(file: &std::path::Path, offset: u64) -> std::io::Result<Option<Batch>> {
    let mut file = std::fs::File::open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut bytes)?;
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            bytes.truncate(end + 1);
            break;
        }
        if bytes.len() >= MAX_LINE_BYTES {
            // Nothing of ours is that long. Left out, up to where it goes on.
            let end = offset + bytes.len() as u64;
            return Ok(Some(Batch { lines: Vec::new(), broken: 1, end }));
        }
        if bytes.len() == before {
            return Ok(None);
        }
    }
    let end = offset + bytes.len() as u64;
    let mut lines = Vec::new();
    let mut broken = 0;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<SpoolLine>(line) {
            Ok(line) => lines.push(line),
            Err(error) => {
                tracing::warn!(%error, "a line of a spool does not read");
                broken += 1;
            }
        }
    }
    Ok(Some(Batch { lines, broken, end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: i64) -> String {
        let body = EventBody::Notice { level: NoticeLevel::Info, text: format!("line {n}") };
        let entry = Entry { at: Time(n), agent: SYSTEM.into(), parent: None, body };
        serde_json::to_string(&SpoolLine { v: 1, n, entry }).unwrap()
    }

    #[test]
    fn a_half_line_waits_for_its_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let half = &line(2)[..20];
        std::fs::write(file.path(), format!("{}\n{half}", line(1))).unwrap();
        let batch = read_batch(file.path(), 0).unwrap().unwrap();
        assert_eq!(batch.lines.len(), 1);
        assert!(read_batch(file.path(), batch.end).unwrap().is_none());
        std::fs::write(file.path(), format!("{}\n{}\n", line(1), line(2))).unwrap();
        let rest = read_batch(file.path(), batch.end).unwrap().unwrap();
        assert_eq!(rest.lines[0].n, 2);
    }

    #[test]
    fn a_torn_line_is_left_out_and_counted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\n\0\0\0\n{}\n", line(1), line(2))).unwrap();
        let batch = read_batch(file.path(), 0).unwrap().unwrap();
        assert_eq!((batch.lines.len(), batch.broken), (2, 1));
    }
}
