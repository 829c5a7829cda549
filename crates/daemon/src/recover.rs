//! The database at the daemon's start, and damage to it that is found later.

use contract::Error;
use rpc::Home;
use store::{Opened, Repair, Store};

/// Opens the home's database. After an unclean end it is looked through before; one that is damaged is mended, and
/// what was done is said in the log. Blocks, for up to half a minute where another program holds the database.
///
/// # Errors
/// `database.unusable`, `database.locked`, `database.read_only` or `disk.full`: which file it is about, and what to do.
pub fn open(home: &Home, unclean: bool) -> Result<(Store, Option<Repair>), Error> {
    let Opened { store, repair } = Store::open(&home.database(), &home.backups_dir(), unclean)?;
    if let Some(repair) = &repair {
        tracing::warn!(set_aside = %repair.set_aside.display(), "{}", repair.what);
    }
    Ok((store, repair))
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
