//! A note beside the database that it is to be mended, and how far that is. Whoever is killed while mending leaves it
//! to the next start to go on.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// What is wrong with the database.
    pub(crate) why: String,
    /// Where the damaged file goes, once that is decided.
    pub(crate) set_aside: Option<PathBuf>,
}

impl Marker {
    pub(crate) fn new(why: &str) -> Marker {
        Marker { why: contract::one_line(why, 300), set_aside: None }
    }

    /// The note beside `database`; one that does not read counts as one without a word.
    pub(crate) fn read(database: &Path) -> Result<Option<Marker>, StoreError> {
        let path = path(database);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).unwrap_or_else(|_| Marker::new("it was damaged")))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::file(path, error)),
        }
    }

    /// Writes the note; it is on disk when this returns.
    pub(crate) fn write(&self, database: &Path) -> Result<(), StoreError> {
        let path = path(database);
        let part = path.with_extension("repair-part");
        let written = serde_json::to_vec(self).map_err(io::Error::other).and_then(|bytes| {
            let mut file = fs::File::create(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)
        });
        written.map_err(|error| StoreError::file(path, error))
    }

    /// There is nothing to be mended any more.
    pub(crate) fn remove(database: &Path) -> Result<(), StoreError> {
        let path = path(database);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::file(path, error)),
            _ => Ok(()),
        }
    }
}

fn path(database: &Path) -> PathBuf {
    beside(database, ".repair")
}

/// The file beside `database` whose name has `more` at its end.
pub(crate) fn beside(database: &Path, more: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(more);
    path.into()
}
