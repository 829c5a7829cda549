//! The lines that an engine's program wrote in a run, as they came: beside the spool while the run is at work, in packed
//! pieces after it. An offset means the same in both.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use contract::{Error, ErrorCode, JobRawParams, RawPage};
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::app::App;
use crate::companies::blocking;

/// What the worker writes.
const PLAIN: &str = "raw.jsonl";
/// The same, packed: pieces of [`PIECE`] bytes, one after the other, which `gunzip` reads as one.
const PACKED: &str = "raw.jsonl.gz";
/// Where each of the pieces begins: a number of eight bytes each.
const PLACES: &str = "raw.index";
/// Bytes of a piece before it is packed.
const PIECE: u64 = 4 * 1024 * 1024;
/// Bytes of the lines of a page, about.
const PAGE: usize = 512 * 1024;
/// Bytes of a line that are shown.
const LINE: usize = 128 * 1024;

/// A page of the lines of a job's run.
///
/// # Errors
/// [`ErrorCode::JOB_NOT_FOUND`], [`ErrorCode::JOB_NOT_BEGUN`], [`ErrorCode::BAD_REQUEST`] for another job's run, and
/// what the disk says.
pub async fn page(app: &App, params: JobRawParams) -> Result<RawPage, Error> {
    let JobRawParams { job_id, run_id, from } = params;
    let (run_id, dir, ended) = app
        .store
        .read(move |db| {
            let latest = db.job_detail(job_id)?.run;
            let Some(run_id) = run_id.or(latest.map(|run| run.run_id)) else { return Ok(Err(not_begun(job_id))) };
            let (run, _) = match db.run(run_id) {
                Ok(run) if run.1 == job_id => run,
                Ok(_) | Err(store::StoreError::NotFound(_)) => {
                    let what = format!("Job {job_id} has no run {run_id}.");
                    return Ok(Err(Error::new(ErrorCode::BAD_REQUEST, what, "Leave it out for the latest one.")));
                }
                Err(error) => return Err(error),
            };
            Ok(Ok((run_id, db.run_dir(run_id)?, run.ended_at.is_some())))
        })
        .await??;
    let from = u64::try_from(from.unwrap_or_default()).unwrap_or_default();
    blocking(move || {
        let page = read(Path::new(&dir), from, ended).map_err(|error| {
            Error::new(
                ErrorCode::INTERNAL,
                format!("What the engine of run {run_id} wrote cannot be read: {error}."),
                "Look at the run's folder, and at its disk.",
            )
        })?;
        let next = i64::try_from(page.next).unwrap_or(i64::MAX);
        Ok(RawPage { run_id: Some(run_id), lines: page.lines, next, more: page.more })
    })
    .await
}

fn not_begun(job_id: contract::JobId) -> Error {
    Error::new(
        ErrorCode::JOB_NOT_BEGUN,
        format!("No run has begun job {job_id}: nothing has been written."),
        "Wait until it has begun.",
    )
}

/// Lines, and where the next one begins.
#[derive(Debug, Default, PartialEq)]
struct Page {
    lines: Vec<String>,
    next: u64,
    more: bool,
}

/// Reads on from an offset. A last line without an end is one only where nobody writes any more.
fn read(dir: &Path, from: u64, ended: bool) -> io::Result<Page> {
    // Packed in between, it is found the second time.
    for _ in 0..2 {
        match File::open(dir.join(PLAIN)) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(from))?;
                return lines(&mut BufReader::new(file), from, ended);
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        match File::open(dir.join(PACKED)) {
            Ok(file) => return lines(&mut unpacked(dir, file, from)?, from, true),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
    }
    // An engine that is no program of somebody else's writes none.
    Ok(Page { next: from, ..Page::default() })
}

/// What was packed, from an offset on.
fn unpacked(dir: &Path, mut file: File, from: u64) -> io::Result<impl BufRead + use<>> {
    let places = fs::read(dir.join(PLACES)).unwrap_or_default();
    let piece = from / PIECE;
    let place = usize::try_from(piece).ok().and_then(|piece| places.as_chunks::<8>().0.get(piece)).copied();
    // Without its place, or beyond the last, all is read from the beginning.
    let (start, skip) = match place {
        Some(place) => (u64::from_le_bytes(place), from % PIECE),
        None => (0, from),
    };
    file.seek(SeekFrom::Start(start))?;
    let mut text = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
    io::copy(&mut (&mut text).take(skip), &mut io::sink())?;
    Ok(text)
}

fn lines(text: &mut impl BufRead, from: u64, ended: bool) -> io::Result<Page> {
    let mut page = Page { next: from, ..Page::default() };
    let mut bytes = 0;
    loop {
        let mut line = Vec::new();
        let (mut length, mut whole) = (0u64, false);
        // A line is read to its end, however long, and kept as far as it is shown.
        while !whole {
            let piece = text.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(piece.len(), |end| end + 1);
            let said = &piece[..end.unwrap_or(piece.len())];
            line.extend_from_slice(&said[..said.len().min(LINE.saturating_sub(line.len()))]);
            length += taken as u64;
            whole = end.is_some();
            text.consume(taken);
        }
        if length == 0 || (!whole && !ended) {
            return Ok(page);
        }
        if bytes > 0 && bytes + line.len() > PAGE {
            page.more = true;
            return Ok(page);
        }
        let cut = length - u64::from(whole) - line.len() as u64;
        let mut shown = String::from_utf8_lossy(&line).into_owned();
        if cut > 0 {
            shown.push_str(&format!(" [… {cut} bytes left out …]"));
        }
        bytes += line.len();
        page.next += length;
        page.lines.push(shown);
    }
}

/// Packs what an ended run's engine wrote.
///
/// # Errors
/// What the disk says; then it stays as it is.
pub fn put_away(dir: &Path) -> io::Result<()> {
    let plain = dir.join(PLAIN);
    let mut file = match File::open(&plain) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut fresh = tempfile::NamedTempFile::new_in(dir)?;
    let mut places = Vec::new();
    loop {
        places.extend_from_slice(&fresh.as_file_mut().stream_position()?.to_le_bytes());
        let mut packer = GzEncoder::new(&mut fresh, Compression::default());
        let packed = io::copy(&mut (&mut file).take(PIECE), &mut packer)?;
        packer.finish()?;
        if packed < PIECE {
            break;
        }
    }
    fresh.flush()?;
    fresh.as_file().sync_all()?;
    let mut index = tempfile::NamedTempFile::new_in(dir)?;
    index.write_all(&places)?;
    index.persist(dir.join(PLACES)).map_err(|error| error.error)?;
    fresh.persist(dir.join(PACKED)).map_err(|error| error.error)?;
    fs::remove_file(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(dir: &Path) -> (Vec<String>, u64) {
        let (mut found, mut from) = (Vec::new(), 0);
        loop {
            let page = read(dir, from, true).unwrap();
            assert!(page.lines.iter().map(String::len).sum::<usize>() < PAGE + LINE + 100);
            found.extend(page.lines);
            from = page.next;
            if !page.more {
                return (found, from);
            }
        }
    }

    #[test]
    fn pages_are_the_same_before_and_after_packing() {
        let dir = tempfile::tempdir().unwrap();
        let long = "ä".repeat(1_000_000);
        let mut text: Vec<String> =
            (0..60_000).map(|n| format!("{{\"n\":{n},\"of\":\"{}\"}}", "x".repeat(n % 300))).collect();
        text.insert(30_000, long.clone());
        let mut bytes = text.join("\n").into_bytes();
        assert!(bytes.len() as u64 > 2 * PIECE, "several pieces");
        bytes.extend_from_slice(b"\n\xff\xfe bad text");
        fs::write(dir.path().join(PLAIN), &bytes).unwrap();
        let (before, end) = all(dir.path());
        assert_eq!((before.len(), end), (60_002, bytes.len() as u64));
        assert_eq!(before[29_999], text[29_999]);
        assert!(before[30_000].ends_with("bytes left out …]") && before[30_000].len() < LINE + 100);
        assert!(before[60_001].contains("bad text"));
        put_away(dir.path()).unwrap();
        assert!(!dir.path().join(PLAIN).exists());
        assert_eq!(all(dir.path()), (before.clone(), end));
        // From the middle, and without the places.
        let half = read(dir.path(), 0, true).unwrap().next;
        let second = read(dir.path(), half, true).unwrap();
        fs::remove_file(dir.path().join(PLACES)).unwrap();
        assert_eq!(read(dir.path(), half, true).unwrap(), second);
        assert_eq!(all(dir.path()).0, before);
        put_away(dir.path()).unwrap();
    }

    #[test]
    fn half_a_line_is_waited_for_while_somebody_writes() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path(), 0, false).unwrap(), Page::default());
        fs::write(dir.path().join(PLAIN), "{\"a\":1}\n\n{\"b\"").unwrap();
        let page = read(dir.path(), 0, false).unwrap();
        assert_eq!((page.lines.len(), page.next, page.more), (2, 9, false));
        assert_eq!(read(dir.path(), 9, false).unwrap(), Page { next: 9, ..Page::default() });
        assert_eq!(read(dir.path(), 9, true).unwrap().lines, ["{\"b\""]);
        assert_eq!(read(dir.path(), 1_000, true).unwrap().lines, [""; 0]);
    }

    #[test]
    fn a_file_of_whole_pieces_packs_too() {
        let dir = tempfile::tempdir().unwrap();
        let line = "x".repeat(1023) + "\n";
        fs::write(dir.path().join(PLAIN), line.repeat(4096)).unwrap();
        put_away(dir.path()).unwrap();
        assert_eq!(all(dir.path()), (vec!["x".repeat(1023); 4096], PIECE));
    }
}
