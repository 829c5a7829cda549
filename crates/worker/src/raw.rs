//! The lines that an engine's program wrote, kept beside the spool as they came: for whoever wants to know what it
//! really said.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The file in the run's folder.
const FILE: &str = "raw.jsonl";
/// What stands in place of a key, should a program ever write one.
const KEY: &str = "[key]";
/// Characters of the shortest key that is looked for: a shorter text would be found everywhere.
const SHORTEST_KEY: usize = 8;

/// Where raw lines go.
pub struct Raw {
    path: PathBuf,
    /// Bytes of the file; zero for no limit.
    most: u64,
    /// Keys that the run was given: none of them gets to disk.
    keys: Vec<String>,
    state: Mutex<State>,
}

enum State {
    /// Nothing was written yet, so there is no file.
    Empty,
    Open {
        file: File,
        bytes: u64,
    },
    /// No more is written.
    Closed,
}

/// Why raw lines are kept no longer. Said once.
#[derive(Debug)]
pub enum Closed {
    /// There is no room for more.
    Full,
    /// The disk says no.
    Failed(io::Error),
}

impl Raw {
    /// Lines for a run in that folder. `most`: bytes, at most; zero for no limit.
    pub fn new(run_dir: &Path, most: u64, keys: impl IntoIterator<Item = String>) -> Raw {
        let keys = keys.into_iter().filter(|key| key.len() >= SHORTEST_KEY).collect();
        Raw { path: run_dir.join(FILE), most, keys, state: Mutex::new(State::Empty) }
    }

    /// Keeps a line.
    ///
    /// # Errors
    /// The first time that it is not kept, and no line after it is.
    pub fn keep(&self, line: &str) -> Result<(), Closed> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Empty = *state {
            match self.create() {
                Ok(file) => *state = State::Open { file, bytes: 0 },
                Err(error) => {
                    *state = State::Closed;
                    return Err(Closed::Failed(error));
                }
            }
        }
        let State::Open { file, bytes } = &mut *state else { return Ok(()) };
        let mut text = line.replace(['\n', '\r'], " ");
        for key in &self.keys {
            if text.contains(key.as_str()) {
                text = text.replace(key.as_str(), KEY);
            }
        }
        text.push('\n');
        let after = bytes.saturating_add(text.len() as u64);
        if self.most > 0 && after > self.most {
            *state = State::Closed;
            return Err(Closed::Full);
        }
        if let Err(error) = file.write_all(text.as_bytes()) {
            // No half lines. Where even that fails, whoever reads them passes the last one over.
            let _ = file.set_len(*bytes);
            *state = State::Closed;
            return Err(Closed::Failed(error));
        }
        *bytes = after;
        Ok(())
    }

    fn create(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_as_they_came_up_to_a_limit_that_is_told_once() {
        let temp = tempfile::tempdir().unwrap();
        let raw = Raw::new(temp.path(), 40, ["sk-secret-1".to_owned(), "x".to_owned()]);
        let file = temp.path().join(FILE);
        assert!(!file.exists(), "no program, no file");
        raw.keep("{\"a\":\"x\"}").unwrap();
        raw.keep("the key is sk-secret-1\r").unwrap();
        assert!(matches!(raw.keep("something that is too long for it"), Err(Closed::Full)));
        raw.keep("short").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"a\":\"x\"}\nthe key is [key] \n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_disk_that_says_no_is_told_once() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join(FILE)).unwrap();
        let raw = Raw::new(temp.path(), 0, []);
        assert!(matches!(raw.keep("a"), Err(Closed::Failed(_))));
        raw.keep("b").unwrap();
    }
}
