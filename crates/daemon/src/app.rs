//! What all parts of the daemon share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use contract::{CompanyId, Error, Event, Settings};
use rpc::Home;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::anew;
use crate::clis::Clis;
use crate::companies::ConfigTurns;
use crate::desktop::Desktop;
use crate::folders::Folders;
use crate::gather::Gather;
use crate::heart::Heart;
use crate::hub::{Hub, Touched};
use crate::log::Log;
use crate::runs::Runs;
use crate::secrets::Secrets;
use crate::watchers::Watchers;

/// The daemon's parts.
pub struct Daemon {
    /// Where everything lies.
    pub home: Home,
    /// The database.
    pub store: Store,
    /// Who hears what.
    pub hub: Hub,
    /// Keys.
    pub secrets: Secrets,
    /// Runs that are under way.
    pub runs: Runs,
    /// Jobs that somebody follows in a terminal.
    pub watchers: Watchers,
    /// The desktop app, where one is attached.
    pub desktop: Desktop,
    /// Ends of briefs that are told together.
    pub gather: Gather,
    /// Companies' folders that are looked after.
    pub folders: Folders,
    /// The programs of engines on this machine.
    pub clis: Clis,
    /// Whose turn it is to change a company's config.
    pub config_turns: ConfigTurns,
    /// The founder's credential.
    pub credential: String,
    /// What it says.
    pub log: Log,
    /// Its sign of life.
    pub heart: Arc<Heart>,
    /// What was done to the database when the daemon started, where it was damaged; else empty.
    pub repaired: String,
    /// Ends the daemon.
    pub stop: CancellationToken,
    /// Whether it begins anew once it has ended.
    pub again: AtomicBool,
}

/// The daemon, shared.
pub type App = Arc<Daemon>;

impl Daemon {
    /// The founder's settings.
    ///
    /// # Errors
    /// The database's.
    pub async fn settings(&self) -> Result<Settings, Error> {
        Ok(self.store.read(|db| db.settings()).await?)
    }

    /// Wakes whoever waits for these events.
    pub fn announce(&self, company_id: CompanyId, touched: &Touched, events: &[Event]) {
        self.hub.committed(company_id, touched, events);
    }

    /// Our own program as it lies on disk, to find what is installed beside it.
    ///
    /// # Errors
    /// When the system does not say, or it is not there any more.
    pub fn program(&self) -> Result<PathBuf, Error> {
        anew::program()
    }

    /// Our own program as it runs, to start workers with.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn worker_program(&self) -> Result<PathBuf, Error> {
        anew::running()
    }
}
