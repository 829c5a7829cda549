//! The stage of the black-box tests: a display, a session bus, a keyring and a home of their own, and the built
//! binaries on them. Everything ends with the value that began it, and leaves no process and no file behind.
#![cfg(target_os = "linux")]

mod axe;
mod bus;
mod business;
pub mod chaos;
mod child;
mod cli;
mod daemon;
mod desktop;
pub mod figures;
mod keyring;
mod operator;
mod page;
mod place;
pub mod play;
mod scene;
mod screen;
mod stage;
mod standins;
mod tray;
mod tree;

use std::time::{Duration, Instant};

pub use axe::Violation;
pub use bus::Bus;
pub use business::{Business, nanos};
pub use child::Child;
pub use cli::{Ran, Terminal, Watched};
pub use daemon::Daemon;
pub use desktop::{Desktop, Start};
pub use keyring::Keyring;
pub use operator::{log_says, pid_of, signal, zombies_of};
pub use page::Page;
pub use place::{Place, binary};
pub use scene::Scene;
pub use screen::{Other, Screen};
pub use stage::Stage;
pub use standins::{Notified, StandIns};
pub use tray::{Menu, MenuLine};
pub use tree::Tree;

/// How long a test waits for something that takes no time to speak of.
pub const SOON: Duration = Duration::from_secs(20);
/// The states in which a job has ended.
pub const ENDED: [&str; 3] = ["completed", "failed", "cancelled"];
/// How long a test waits for work: a practice brief, a start of everything on a busy machine.
pub const WORK: Duration = Duration::from_secs(90);

/// Asks again and again until there is an answer.
///
/// # Errors
/// There was none in time; `what` says what was waited for, with the last error.
pub async fn wait_for<T>(
    what: &str,
    bound: Duration,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        let last = match ask().await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if began.elapsed() > bound {
            let why = last.map(|error| format!(": {error:#}")).unwrap_or_default();
            anyhow::bail!("waited {bound:?} in vain for {what}{why}");
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}
