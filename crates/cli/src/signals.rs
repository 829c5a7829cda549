//! What whoever started a command wants of it while it runs.

use std::io;

use crate::failure::Failure;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Ctrl-C: that it stops what it does.
    Stop,
    /// SIGTERM: that it ends, and leaves the work be.
    Leave,
}

/// Hears signals from now on; those that come while nobody listens are kept.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    close: tokio::signal::windows::CtrlClose,
}

impl Signals {
    /// Begins to listen. From here on none of them ends the process by itself.
    pub(crate) fn listen() -> Result<Signals, Failure> {
        Signals::register()
            .map_err(|error| contract::Error::internal(format!("Ctrl-C cannot be listened for: {error}.")).into())
    }

    #[cfg(unix)]
    fn register() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(windows)]
    fn register() -> io::Result<Signals> {
        Ok(Signals { interrupt: tokio::signal::windows::ctrl_c()?, close: tokio::signal::windows::ctrl_close()? })
    }

    /// The next one. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Wanted {
        #[cfg(unix)]
        let leave = self.terminate.recv();
        #[cfg(windows)]
        let leave = self.close.recv();
        tokio::select! {
            _ = self.interrupt.recv() => Wanted::Stop,
            _ = leave => Wanted::Leave,
        }
    }
}
