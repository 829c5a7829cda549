//! What all parts of the daemon share.

use std::path::PathBuf;
use std::sync::Arc;

use contract::{CompanyId, Error, Event, Settings, Time};
use rpc::Home;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::companies::ConfigTurns;
use crate::desktop::Desktop;
use crate::hub::{Hub, Touched};
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
    /// Whose turn it is to change a company's config.
    pub config_turns: ConfigTurns,
    /// The founder's credential.
    pub credential: String,
    /// When the daemon started.
    pub started_at: Time,
    /// Ends the daemon.
    pub stop: CancellationToken,
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

    /// Our own program, to start workers with.
    ///
    /// # Errors
    /// When the system does not say, or the program was deleted under us.
    pub fn program(&self) -> Result<PathBuf, Error> {
        std::env::current_exe()
            .map_err(|error| Error::internal(format!("AICIB does not find its own program: {error}.")))
    }
}
