//! One desktop a home: an OS file lock, which dies with its process. A second start hands its request to the first.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use contract::methods::DesktopShow;
use contract::{Error, ErrorCode, Show};
use rpc::Home;

/// How long a second start tries to reach the first, which may itself be starting.
const PATIENCE: Duration = Duration::from_secs(20);

/// The home's desktop lock, held while this lives.
pub struct Instance {
    _lock: File,
}

impl Instance {
    /// Takes the lock; none where another desktop has it.
    ///
    /// # Errors
    /// The lock file cannot be opened or locked.
    pub fn take(file: &Path) -> Result<Option<Instance>, Error> {
        let fault = |error: std::io::Error| {
            Error::new(
                ErrorCode::INTERNAL,
                format!("The lock file {} cannot be used: {error}.", file.display()),
                "Make the home writable, or name another with AICIB_HOME.",
            )
        };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(file).map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Instance { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }
}

/// What a start has to do.
pub enum Start {
    /// Be the desktop.
    First(Instance),
    /// Nothing more: the desktop that runs already has shown what was asked for.
    Handed,
}

/// Becomes the home's desktop, or asks the one there is to bring `show` up.
///
/// # Errors
/// The other desktop holds the lock and cannot be reached.
pub fn start(home: &Home, aicib: &Path, show: Option<&Show>) -> Result<Start, Error> {
    if let Some(instance) = Instance::take(&home.desktop_lock_file())? {
        return Ok(Start::First(instance));
    }
    let Some(show) = show else { return Ok(Start::Handed) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)?;
    runtime.block_on(hand_over(home, aicib, show))
}

async fn hand_over(home: &Home, aicib: &Path, show: &Show) -> Result<Start, Error> {
    let began = Instant::now();
    let mut last = None;
    while began.elapsed() < PATIENCE {
        match ask(home, aicib, show).await {
            Ok(true) => return Ok(Start::Handed),
            Ok(false) => {}
            Err(error) => last = Some(error),
        }
        // The first one may have been on its way out, or not be attached to the daemon yet.
        if let Some(instance) = Instance::take(&home.desktop_lock_file())? {
            return Ok(Start::First(instance));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(last.unwrap_or_else(|| {
        Error::new(
            ErrorCode::DAEMON_UNREACHABLE,
            "AICIB is open already, and does not answer.",
            "Quit it from its tray menu or end the aicib-desktop process, then start it again.",
        )
    }))
}

async fn ask(home: &Home, aicib: &Path, show: &Show) -> Result<bool, Error> {
    let (client, _notes) = rpc::connect_or_start(home, crate::CLIENT, aicib).await?;
    Ok(client.call::<DesktopShow>(show.clone()).await?.shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_the_lock_and_it_is_free_again_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("desktop.lock");
        let first = Instance::take(&file).unwrap();
        assert!(first.is_some());
        assert!(Instance::take(&file).unwrap().is_none());
        drop(first);
        assert!(Instance::take(&file).unwrap().is_some());
    }
}
