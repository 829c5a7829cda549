//! The database at the daemon's start, and damage to it that is found later.

use contract::{Error, ErrorCode};
use rpc::Home;
use store::{Opened, Repair, Store, StoreError};

/// Opens the home's database. After an unclean end it is looked through before; one that is damaged is mended, and
/// what was done is said in the log. Blocks, for up to half a minute where another program holds the database.
///
/// # Errors
/// `database.unusable`, `database.locked`, `database.read_only` or `disk.full`: which file it is about, and what to do.
pub fn open(home: &Home, unclean: bool) -> Result<(Store, Option<Repair>), Error> {
    let opened = Store::open(&home.database(), &home.backups_dir(), unclean);
    let Opened { store, repair } = opened.map_err(|error| at_start(home, error))?;
    if let Some(repair) = &repair {
        tracing::warn!("{}", repair.what);
    }
    Ok((store, repair))
}

/// What keeps the daemon from starting: nobody waits for something to be stored yet.
fn at_start(home: &Home, error: StoreError) -> Error {
    match error {
        StoreError::Locked => Error::new(
            ErrorCode::DATABASE_LOCKED,
            format!("Another program holds {} and does not let go of it.", home.database().display()),
            "Close what has it open (a database browser, a backup), and try again.",
        ),
        StoreError::DiskFull => Error::new(
            ErrorCode::DISK_FULL,
            format!("The disk that holds {} is full, so the daemon cannot start.", home.root().display()),
            "Free some space and try again; what was stored before is safe.",
        ),
        error => error.into(),
    }
}

/// Looks through what was not looked through when the database was opened, and then waits until damage is found. What
/// is wrong is returned then: the daemon is to end, uncleanly, and the next one mends the database.
pub async fn damaged(store: &Store) -> String {
    match store.check_in_background().await {
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the database could not be looked through"),
    }
    store.damaged().await
}
