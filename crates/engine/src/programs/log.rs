//! What a program writes on stderr: its beginning goes to a file of the run's folder, its end is kept at hand for an
//! error's words, and what lies between is read and dropped.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of the beginning that the file keeps.
const HEAD: u64 = 1024 * 1024;
/// Bytes of the end that are kept.
const TAIL: usize = 64 * 1024;

/// Where a program's stderr goes. Clones share it.
#[derive(Clone)]
pub(crate) struct Log(Arc<Mutex<State>>);

struct State {
    path: PathBuf,
    /// The file, once there is something to write; none where it cannot be written any more.
    file: Option<File>,
    total: u64,
    tail: Vec<u8>,
}

impl Log {
    /// A log that makes its file when the first byte comes.
    pub fn new(path: PathBuf) -> Log {
        Log(Arc::new(Mutex::new(State { path, file: None, total: 0, tail: Vec::new() })))
    }

    /// Reads to the end, whatever comes.
    pub async fn drain(self, mut from: impl AsyncRead + Unpin) {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match from.read(&mut chunk).await {
                Ok(0) => return,
                Ok(length) => self.state().push(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!(%error, "stderr of a program could not be read to its end");
                    return;
                }
            }
        }
    }

    /// The last bytes that came, as text.
    pub fn tail(&self) -> String {
        let state = self.state();
        let from = state.tail.len().saturating_sub(TAIL);
        String::from_utf8_lossy(&state.tail[from..]).into_owned()
    }

    /// Adds what came last to the file, where the file has not got it.
    pub fn finish(&self) {
        let mut state = self.state();
        let state = &mut *state;
        let missing = state.total.saturating_sub(HEAD);
        let kept = state.tail.len().min(TAIL).min(usize::try_from(missing).unwrap_or(usize::MAX));
        let left_out = missing - kept as u64;
        if let (Some(mut file), 1..) = (state.file.take(), missing) {
            let tail = &state.tail[state.tail.len() - kept..];
            let mark = if left_out > 0 { format!("\n[… {left_out} bytes left out …]\n") } else { String::new() };
            if let Err(error) = file.write_all(mark.as_bytes()).and_then(|()| file.write_all(tail)) {
                tracing::warn!(%error, "the end of a program's stderr is not in its log");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, bytes: &[u8]) {
        if self.total < HEAD {
            let room = usize::try_from(HEAD - self.total).unwrap_or(usize::MAX);
            self.write(&bytes[..bytes.len().min(room)]);
        }
        self.total += bytes.len() as u64;
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.total == 0 {
            match File::options().create(true).append(true).open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) => tracing::warn!(%error, path = %self.path.display(), "a program's stderr is not kept"),
            }
        }
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(bytes) {
            tracing::warn!(%error, "a program's stderr is not kept any more");
            self.file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_leaves_its_beginning_and_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine.log");
        let log = Log::new(path.clone());
        let flood = tokio::io::repeat(b'x').take(64 * 1024 * 1024);
        let flood = tokio::io::AsyncReadExt::chain(&b"begins "[..], flood);
        log.clone().drain(tokio::io::AsyncReadExt::chain(flood, &b" ends"[..])).await;
        assert!(log.tail().len() <= TAIL && log.tail().ends_with(" ends"));
        log.finish();
        let kept = std::fs::read_to_string(path).unwrap();
        assert!(kept.starts_with("begins ") && kept.ends_with(" ends") && kept.contains("bytes left out"));
        assert!(kept.len() < HEAD as usize + TAIL + 100, "{}", kept.len());
    }

    #[tokio::test]
    async fn what_fits_is_there_once_and_nothing_makes_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let (said, silent) = (dir.path().join("said"), dir.path().join("silent"));
        for (path, text) in [(&said, &b"a word\n"[..]), (&silent, b"")] {
            let log = Log::new(path.clone());
            log.clone().drain(text).await;
            log.finish();
        }
        assert_eq!(std::fs::read_to_string(said).unwrap(), "a word\n");
        assert!(!silent.exists());
    }
}
