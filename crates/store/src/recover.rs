//! A damaged database is set aside, and another one made from the newest copy, from what the damaged one still
//! gives, and from the runs' own records.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::Time;
use rusqlite::Connection;

use crate::check::{self, Checked};
use crate::folders::{self, Folder};
use crate::marker::{Marker, beside};
use crate::replay::{self, Before, Replayed};
use crate::{Store, StoreError, backup, days, salvage, schema, trouble};

/// How long a database is looked through before it is served from.
const CHECK: Duration = Duration::from_millis(1500);
/// Damaged files kept; the oldest go.
const KEPT: usize = 3;
/// What a database's files end in.
const ENDS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// A store that was opened.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What was done, where the database was damaged.
    pub repair: Option<Repair>,
}

/// How a damaged database was made good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Where the damaged file lies now.
    pub set_aside: PathBuf,
    /// The copy it was begun from, and when that was made; `None` where no copy was whole.
    pub from_backup: Option<(PathBuf, Time)>,
    /// Jobs that the copy did not know.
    pub jobs_restored: i64,
    /// Lines of the runs' own records that the copy did not hold.
    pub events_replayed: i64,
    /// All of that in a sentence.
    pub what: String,
}

/// Brings the database at `db` to where it can be served from: whole, of this version's schema, and writable.
pub(crate) fn make_ready(db: &Path, backups: &Path, check: bool) -> Result<(Option<Repair>, Checked), StoreError> {
    let marker = match Marker::read(db)? {
        Some(marker) => marker,
        None => match look(db, backups, check) {
            Ok(Checked::Damaged(what)) | Err(StoreError::Damaged(what)) => Marker::new(&what),
            Ok(checked) => return Ok((None, checked)),
            Err(error) => return Err(trouble::explain(db, error)),
        },
    };
    let repair = mend(db, backups, marker).map_err(|error| trouble::explain(db, error))?;
    let checked = look(db, backups, false).map_err(|error| trouble::explain(db, error))?;
    Ok((repair, checked))
}

/// Brings the database to this version's schema, and looks whether it is whole and can be written.
fn look(db: &Path, backups: &Path, check: bool) -> Result<Checked, StoreError> {
    if was_emptied(db, backups) {
        return Ok(Checked::Damaged("it is empty".into()));
    }
    trouble::writable(db)?;
    schema::migrate(db, backups)?;
    let conn = schema::writer(db)?;
    if conn.is_readonly("main")? {
        return Err(StoreError::ReadOnly { path: db.to_owned() });
    }
    // Says whether the log can be written, and whether somebody else holds it.
    conn.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
    if check { check::within(&conn, CHECK) } else { Ok(Checked::Sound) }
}

/// A file without a byte is how a database begins: but not where there are copies of it, or runs.
fn was_emptied(db: &Path, backups: &Path) -> bool {
    let is_empty = fs::metadata(db).is_ok_and(|meta| meta.len() == 0);
    is_empty && (backup::list(backups).is_ok_and(|copies| !copies.is_empty()) || !folders::all(&runs_of(db)).is_empty())
}

/// The runs' folders lie beside the database.
fn runs_of(db: &Path) -> PathBuf {
    db.with_file_name("runs")
}

/// Sets the damaged file aside, and puts another one in its place. Goes on where it was left when somebody was killed
/// at it; `None` where all was done but the marker.
fn mend(db: &Path, backups: &Path, mut marker: Marker) -> Result<Option<Repair>, StoreError> {
    tracing::warn!(why = marker.why, "the database is damaged; mending it");
    let set_aside = match &marker.set_aside {
        Some(path) => path.clone(),
        None => {
            let path = beside(db, &format!(".corrupt-{}", days::stamp(Time::now())));
            marker.set_aside = Some(path.clone());
            marker.write(db)?;
            path
        }
    };
    if set_aside.exists() && db.exists() {
        Marker::remove(db)?;
        return Ok(None);
    }
    if !set_aside.exists() {
        // The log first: where the file itself is set aside, all of it is.
        move_away(&beside(db, "-wal"), &beside(&set_aside, "-wal"))?;
        remove(&beside(db, "-shm"))?;
        move_away(db, &set_aside)?;
    }
    let building = beside(db, ".building");
    for end in ENDS {
        remove(&beside(&building, end))?;
    }
    let from_backup = start_from(&building, backups)?;
    let replayed = fill(&building, &set_aside, &runs_of(db))?;
    let synced = fs::OpenOptions::new().write(true).open(&building).and_then(|file| file.sync_all());
    synced.and_then(|()| fs::rename(&building, db)).map_err(|error| StoreError::file(db, error))?;
    #[cfg(unix)]
    if let Some(folder) = db.parent() {
        let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| StoreError::file(folder, error))?;
    }
    Marker::remove(db)?;
    forget_old(db)?;
    let what = sentence(&marker.why, &set_aside, from_backup.as_ref(), replayed);
    let Replayed { jobs, events } = replayed;
    Ok(Some(Repair { set_aside, from_backup, jobs_restored: jobs, events_replayed: events, what }))
}

/// Copies the newest backup that is whole to `building`. The backup itself is not touched, and not even opened: SQLite
/// would put files beside it.
fn start_from(building: &Path, backups: &Path) -> Result<Option<(PathBuf, Time)>, StoreError> {
    for file in backup::list(backups)?.into_iter().rev() {
        fs::copy(&file, building).map_err(|error| StoreError::file(building, error))?;
        let checked = Connection::open(building).map_err(StoreError::from).and_then(|conn| check::whole(&conn));
        match checked {
            Ok(Checked::Sound) => match schema::migrate_copy(building) {
                Ok(()) => return backup::made(&file).map(|at| Some((file, at))),
                Err(error @ (StoreError::DiskFull | StoreError::ReadOnly { .. })) => return Err(error),
                Err(error) => tracing::warn!(%error, file = %file.display(), "a copy of the database is of no use"),
            },
            Ok(found) => tracing::warn!(?found, file = %file.display(), "a copy of the database is damaged"),
            Err(error @ (StoreError::DiskFull | StoreError::ReadOnly { .. })) => return Err(error),
            Err(error) => tracing::warn!(%error, file = %file.display(), "a copy of the database does not open"),
        }
        for end in ENDS {
            remove(&beside(building, end))?;
        }
    }
    schema::migrate_copy(building)?;
    Ok(None)
}

/// Adds what the damaged file and the runs' folders hold to what `building` knows.
fn fill(building: &Path, damaged: &Path, runs: &Path) -> Result<Replayed, StoreError> {
    let conn = schema::writer(building)?;
    // Whoever is killed here begins anew: it is on disk when it is whole.
    conn.pragma_update(None, "synchronous", "OFF")?;
    conn.pragma_update(None, "temp_store", "FILE")?;
    let before = Before::of(&conn)?;
    let folders = folders::all(runs);
    let with_spool = folders.iter().filter(|(_, found)| found.iter().any(Folder::has_spool)).map(|(run, _)| *run);
    let scratch = beside(building, ".scratch");
    let source = salvage::readable(damaged, building, &scratch)?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    salvage::salvage(&conn, source, &with_spool.collect())?;
    conn.execute_batch("COMMIT")?;
    let replayed = replay::replay(&conn, &folders, &before)?;
    salvage::sums(&conn, source)?;
    for end in ENDS {
        remove(&beside(&scratch, end))?;
    }
    // Left by looking into it; a log with something in it is kept.
    remove(&beside(damaged, "-shm"))?;
    if fs::metadata(beside(damaged, "-wal")).is_ok_and(|meta| meta.len() == 0) {
        remove(&beside(damaged, "-wal"))?;
    }
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    conn.close().map_err(|(_, error)| StoreError::from(error))?;
    Ok(replayed)
}

fn sentence(why: &str, set_aside: &Path, from: Option<&(PathBuf, Time)>, replayed: Replayed) -> String {
    let from = match from {
        Some((_, at)) => format!("was made from the copy of {}", days::minute(*at)),
        None => "was begun, for want of a copy that is whole".into(),
    };
    let count = |count: i64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    format!(
        "The database was damaged ({why}); it is kept as {}, and a new one {from}, with {} and {} more from what \
         was left of it and from the runs' own records.",
        set_aside.display(),
        count(replayed.jobs, "job"),
        count(replayed.events, "event"),
    )
}

/// Removes damaged files that were set aside long ago.
fn forget_old(db: &Path) -> Result<(), StoreError> {
    let (Some(folder), Some(name)) = (db.parent(), db.file_name()) else { return Ok(()) };
    let prefix = format!("{}.corrupt-", name.to_string_lossy());
    let entries = fs::read_dir(folder).map_err(|error| StoreError::file(folder, error))?;
    let mut kept: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&prefix) && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .map(|entry| entry.path())
        .collect();
    // Their names end with the time.
    kept.sort();
    for old in kept.iter().rev().skip(KEPT) {
        for end in ["-wal", "-shm", ""] {
            remove(&beside(old, end))?;
        }
    }
    Ok(())
}

fn move_away(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::file(from, error)),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::file(path, error)),
        _ => Ok(()),
    }
}
