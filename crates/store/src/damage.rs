//! Damage that is found while the store is in use: told to whoever waits for it, and remembered beside the database,
//! so that the next start mends it.

use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::marker::Marker;

/// Whether the database was found damaged.
pub(crate) struct Damage {
    database: PathBuf,
    found: watch::Sender<Option<String>>,
}

impl Damage {
    pub(crate) fn of(database: &Path) -> Damage {
        Damage { database: database.to_owned(), found: watch::Sender::new(None) }
    }

    /// The database is damaged. The first finding is the one that is told.
    pub(crate) fn found(&self, what: &str) {
        let first = self.found.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(what.to_owned());
            }
            first
        });
        if !first {
            return;
        }
        tracing::error!(what, "the database is damaged; the next start mends it");
        if let Err(error) = Marker::new(what).write(&self.database) {
            tracing::error!(%error, "that it is damaged could not be noted");
        }
    }

    /// Waits until damage is found, and says what it is.
    pub(crate) async fn wait(&self) -> String {
        let mut found = self.found.subscribe();
        // Cloned before anything else is waited for: what is borrowed here holds a lock.
        let found = found.wait_for(Option::is_some).await.map(|what| what.clone());
        match found {
            Ok(what) => what.unwrap_or_default(),
            // The sender is ours, so it does not go away.
            Err(_) => std::future::pending().await,
        }
    }
}
