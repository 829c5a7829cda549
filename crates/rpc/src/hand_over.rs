//! Ends a daemon that is there, so that another can take its place. Runs go on meanwhile.

use std::fs::{OpenOptions, TryLockError};
use std::time::Duration;

use contract::methods::DaemonStop;
use contract::{Empty, Error, ErrorCode, PROTOCOL};
use semver::Version;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::client::silent;
use crate::{Client, Home, connect_running, founder_credential, transport};

/// How long a daemon that was told to stop may take until it is gone.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How often its lock is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long another daemon that took its place may take to say so, before its lock is looked at again.
const ANSWER: Duration = Duration::from_millis(250);
/// The version of this program.
const OURS: &str = env!("CARGO_PKG_VERSION");

/// Ends the home's daemon, whatever protocol it speaks; runs go on. False where none runs.
///
/// # Errors
/// When it is there and does not end.
pub async fn stop_running(home: &Home, client: &str) -> Result<bool, Error> {
    match connect_running(home, client).await {
        Ok((daemon, _notes)) => end(home, daemon).await.map(|()| true),
        Err(error) if error.code == ErrorCode::PROTOCOL_UNSUPPORTED => {
            let theirs = protocol_of(&error).ok_or(error)?;
            end_as(home, client, theirs).await.map(|()| true)
        }
        Err(_) if !home.socket().exists() => Ok(false),
        Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE && is_dead(home).await => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the daemon speaks our protocol and is of an earlier version than this program: it is to make way. One whose
/// version does not read is left alone.
pub(crate) fn is_outdated(daemon: &Client) -> bool {
    daemon.server().is_some_and(|server| is_older(&server.version, OURS))
}

fn is_older(theirs: &str, ours: &str) -> bool {
    matches!((Version::parse(theirs), Version::parse(ours)), (Ok(theirs), Ok(ours)) if theirs < ours)
}

/// Ends a daemon that speaks another protocol, if it is the older of the two.
///
/// # Errors
/// `protocol.unsupported` where it is the newer one, with both versions; else as [`end`].
pub(crate) async fn end_older(home: &Home, client: &str, error: Error) -> Result<(), Error> {
    let Some(theirs) = protocol_of(&error) else { return Err(error) };
    if theirs >= PROTOCOL {
        return Err(newer(theirs, &error));
    }
    end_as(home, client, theirs).await
}

fn newer(protocol: u32, said: &Error) -> Error {
    let version =
        said.data.as_ref().and_then(|data| data["version"].as_str()).map(|version| contract::clip(version, 40));
    let version = version.map_or_else(|| "of a newer version".to_owned(), |version| format!("version {version}"));
    Error {
        message: format!(
            "The daemon is {version} and speaks protocol {protocol}; this program is version {OURS} and speaks protocol {PROTOCOL}."
        ),
        fix: "Use the newer program, or update this one.".into(),
        ..said.clone()
    }
}

/// Tells the daemon to stop, and waits until it is gone.
///
/// # Errors
/// `daemon.unreachable` where it does not go.
pub(crate) async fn end(home: &Home, daemon: Client) -> Result<(), Error> {
    let give_up = Instant::now() + STOP_PATIENCE;
    // It may be gone before it answers.
    if let Err(error) = daemon.call::<DaemonStop>(Empty {}).await
        && error.code != ErrorCode::DAEMON_UNREACHABLE
    {
        return Err(error);
    }
    timeout_at(give_up, daemon.closed()).await.map_err(|_| silent())?;
    // It still writes down what it has to; the next one could only wait for that.
    while is_held(home) && !is_replaced(home, &daemon).await {
        if Instant::now() >= give_up {
            return Err(silent());
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Whether another daemon serves the home by now: whoever needed one has started it, and it took the lock at once.
async fn is_replaced(home: &Home, daemon: &Client) -> bool {
    let pid = |daemon: &Client| daemon.server().map(|server| server.pid);
    let found = timeout(ANSWER, connect_running(home, concat!("aicib ", env!("CARGO_PKG_VERSION")))).await;
    matches!(found, Ok(Ok((next, _notes))) if pid(&next) != pid(daemon))
}

/// Whether a process holds the home's lock.
fn is_held(home: &Home) -> bool {
    // A lock that cannot be looked at is for the next daemon to tell of.
    let Ok(file) = OpenOptions::new().write(true).open(home.lock_file()) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

async fn end_as(home: &Home, client: &str, protocol: u32) -> Result<(), Error> {
    let (daemon, _notes) = Client::connect_as(home, founder_credential(home)?, client, protocol).await?;
    end(home, daemon).await
}

/// Whether nobody listens on the socket.
async fn is_dead(home: &Home) -> bool {
    transport::connect(home).await.is_err()
}

/// The daemon's protocol, as the error says.
fn protocol_of(error: &Error) -> Option<u32> {
    error.data.as_ref().and_then(|data| data["protocol"].as_u64()).and_then(|protocol| u32::try_from(protocol).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_versions() {
        assert!(is_older("0.9.3", "0.10.0"));
        assert!(is_older("0.2.0-beta.1", "0.2.0"));
        assert!(!is_older("0.10.0", "0.9.3"));
        assert!(!is_older("0.2.0", "0.2.0"));
        assert!(!is_older("x", "0.2.0"), "one that does not read is left alone");
    }
}
