//! What keeps a database from being opened: SQLite says little, so the files are looked at.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::StoreError;
use crate::marker::beside;

/// Bytes that must fit on the disk beside the database.
const PROBE_BYTES: usize = 64 * 1024;

/// The error with what it is about, where that can be found out.
pub(crate) fn explain(db: &Path, error: StoreError) -> StoreError {
    let asks = match &error {
        StoreError::ReadOnly { .. } => true,
        StoreError::Sql(rusqlite::Error::SqliteFailure(failure, _)) => {
            matches!(failure.code, ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied)
        }
        _ => false,
    };
    if !asks {
        return error;
    }
    match probe(db) {
        Err((path, found)) if is_read_only(&found) => StoreError::ReadOnly { path },
        Err((path, found)) => StoreError::file(path, found),
        Ok(()) => error,
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Looks whether the database's files can be written, before SQLite does: that would open one that cannot be, and leave
/// files beside it that cannot be either.
pub(crate) fn writable(db: &Path) -> Result<(), StoreError> {
    match probe_files(db) {
        Err((path, found)) if is_read_only(&found) => Err(StoreError::ReadOnly { path }),
        // Anything else SQLite says better.
        _ => Ok(()),
    }
}

/// Whether the database's files and its folder can be written, and which of them cannot.
fn probe(db: &Path) -> Result<(), (PathBuf, io::Error)> {
    probe_files(db)?;
    let file = beside(db, ".probe");
    let written = fs::File::create(&file).and_then(|mut file| file.write_all(&[0; PROBE_BYTES]));
    // It may not even be there.
    let _ = fs::remove_file(&file);
    written.map_err(|error| (db.parent().unwrap_or(db).to_owned(), error))
}

fn probe_files(db: &Path) -> Result<(), (PathBuf, io::Error)> {
    for end in ["", "-wal", "-shm"] {
        let file = beside(db, end);
        match OpenOptions::new().append(true).open(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err((file, error)),
            _ => {}
        }
    }
    Ok(())
}
