//! Online backups: a whole copy of the database while it is in use.

use std::fs;
use std::path::{Path, PathBuf};

use contract::Time;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::check::{self, Checked};
use crate::{StoreError, days};

/// Backups kept; the oldest go.
const KEPT: usize = 3;

/// Copies the database to `backups` before its schema changes.
pub(crate) fn before_migration(conn: &Connection, backups: &Path, schema: i64) -> Result<PathBuf, StoreError> {
    copy(conn, backups, &format!("schema{schema}"))
}

/// Copies the database to `backups`, once a local day.
pub(crate) fn daily(conn: &Connection, backups: &Path) -> Result<Option<PathBuf>, StoreError> {
    let today = format!("aicib-{}", days::day_of(Time::now()));
    let made = list(backups)?.iter().any(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&today) && name.ends_with("-daily.db")
    });
    if made { Ok(None) } else { copy(conn, backups, "daily").map(Some) }
}

/// Written under another name and then renamed: a backup that has its name is whole.
fn copy(conn: &Connection, backups: &Path, why: &str) -> Result<PathBuf, StoreError> {
    create_private(backups)?;
    // Left by a daemon that was killed at it: one backup is made at a time.
    for part in ours(backups, ".part")? {
        remove(&part)?;
    }
    let file = backups.join(format!("aicib-{}-{why}.db", days::stamp(Time::now())));
    let part = file.with_extension("part");
    let copied = copy_to(conn, &part);
    if copied.is_err() {
        // The first error is the one to tell; a leftover is removed by the next backup.
        let _ = fs::remove_file(&part);
    }
    copied?;
    fs::rename(&part, &file).map_err(|error| StoreError::file(&file, error))?;
    let kept = list(backups)?;
    for old in kept.iter().rev().skip(KEPT) {
        remove(old)?;
    }
    Ok(file)
}

fn copy_to(conn: &Connection, part: &Path) -> Result<(), StoreError> {
    let mut target = Connection::open(part)?;
    // In one step: a copy in many starts over whenever somebody else writes.
    let step = Backup::new(conn, &mut target)?.step(-1)?;
    if step != StepResult::Done {
        return Err(StoreError::file(part, std::io::Error::other("the database was locked while it was copied")));
    }
    // A copy of something damaged is none: it would push out one that is whole.
    match check::whole(&target)? {
        Checked::Sound => {}
        Checked::Damaged(what) => return Err(StoreError::Damaged(what)),
        Checked::Unfinished => return Err(StoreError::Closed),
    }
    target.close().map_err(|(_, error)| error)?;
    let sync = fs::OpenOptions::new().write(true).open(part).and_then(|file| file.sync_all());
    sync.map_err(|error| StoreError::file(part, error))
}

/// Backups, oldest first: their names begin with the time.
pub(crate) fn list(backups: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = ours(backups, ".db")?;
    files.sort();
    Ok(files)
}

/// The files of the folder that are ours and end so.
fn ours(backups: &Path, end: &str) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(backups) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::file(backups, error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| StoreError::file(backups, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("aicib-") && name.ends_with(end) {
            files.push(path);
        }
    }
    Ok(files)
}

/// The newest backup, and when it was made.
pub(crate) fn newest(backups: &Path) -> Result<Option<(PathBuf, Time)>, StoreError> {
    list(backups)?.pop().map(|file| made(&file).map(|at| (file, at))).transpose()
}

/// When a backup was made.
pub(crate) fn made(file: &Path) -> Result<Time, StoreError> {
    let at = fs::metadata(file).and_then(|meta| meta.modified()).map_err(|error| StoreError::file(file, error))?;
    let since = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::file(path, error)),
        _ => Ok(()),
    }
}

fn create_private(dir: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| StoreError::file(dir, error))
}
