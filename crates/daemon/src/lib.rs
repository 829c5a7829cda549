//! The daemon: the only writer of the database and the only one at the keychain. It claims jobs, starts workers,
//! stores what they do, holds the limits, and tells the founder.
//!
//! It may be killed at any moment: workers go on, and the next daemon takes them up from their spools.

mod app;
mod companies;
mod desktop;
mod doctor;
mod engines;
mod feeds;
mod handlers;
mod hub;
mod notices;
mod runs;
mod secrets;
mod service;
mod tails;
mod watchers;

use std::fs::{File, OpenOptions, TryLockError};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::{Error, ErrorCode, Time};
use rpc::{Home, Listener};
use store::Store;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::app::{App, Daemon};
use crate::service::Front;

/// How long a daemon that holds the lock may take to let go of it, and how often to look.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often the daily copy of the database is thought of.
const BACKUP_EVERY: Duration = Duration::from_secs(60 * 60);

/// The `aicib daemon start --foreground` process.
pub fn main() -> ExitCode {
    process::close_inherited();
    let filter = EnvFilter::try_from_env("AICIB_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        // Said on stderr, which on a full disk takes the daemon down with it.
        .log_internal_errors(false)
        .init();
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.code == ErrorCode::DAEMON_RUNNING => {
            tracing::info!("{error}");
            ExitCode::from(rpc::EXIT_ALREADY_RUNNING)
        }
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Error> {
    let home = Home::resolve()?;
    let _lock = lock(&home)?;
    let credential = rpc::ensure_founder_credential(&home)?;
    let store = Store::open(&home.database(), &home.backups_dir())?;
    let secrets = secrets::Secrets::new(store.clone(), home.key_file()).map_err(Error::internal)?;
    let app: App = Arc::new(Daemon {
        home,
        store: store.clone(),
        hub: hub::Hub::default(),
        secrets,
        runs: runs::Runs::default(),
        watchers: watchers::Watchers::default(),
        desktop: desktop::Desktop::default(),
        config_turns: companies::ConfigTurns::default(),
        credential,
        started_at: Time::now(),
        stop: CancellationToken::new(),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("daemon")
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("The daemon has no threads to run on: {error}.")))?;
    let served = runtime.block_on(serve(app));
    // Work on files that hangs must not keep the daemon alive.
    runtime.shutdown_timeout(Duration::from_secs(2));
    store.close();
    served
}

async fn serve(app: App) -> Result<(), Error> {
    stop_on_signals(&app.stop).map_err(Error::internal)?;
    if std::process::id() == 1 {
        // The first process of a container is handed every orphan in it.
        process::reap_strangers().map_err(Error::internal)?;
    }
    // Read before runs that were left can end, and tell for themselves.
    let untold = app.store.read(|db| db.notices_unreported()).await?;
    // Runs that were left are known before anybody can ask for them.
    runs::adopt(&app).await?;
    let listener = Listener::bind(&app.home)?;
    tracing::info!(pid = std::process::id(), home = %app.home.root().display(), "the daemon is up");
    let queue = tokio::spawn(runs::keep_claiming(app.clone()));
    let backups = tokio::spawn(keep_backups(app.clone()));
    let told = {
        let app = app.clone();
        tokio::spawn(async move { notices::tell_the_rest(&app, untold).await })
    };
    rpc::serve(listener, Arc::new(Front(app.clone())), app.stop.clone()).await;
    for task in [queue, backups] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the daemon failed");
        }
    }
    told.abort();
    tracing::info!("the daemon ends; runs go on");
    Ok(())
}

async fn keep_backups(app: App) {
    loop {
        match app.store.backup_daily().await {
            Ok(Some(file)) => tracing::info!(file = %file.display(), "the database was copied"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the database could not be copied"),
        }
        tokio::select! {
            () = tokio::time::sleep(BACKUP_EVERY) => {}
            () = app.stop.cancelled() => return,
        }
    }
}

/// One daemon a home. The lock dies with the process that holds it.
fn lock(home: &Home) -> Result<File, Error> {
    let path = home.lock_file();
    let trouble = |error: std::io::Error| {
        Error::new(
            ErrorCode::DAEMON_UNREACHABLE,
            format!("The lock {} cannot be taken: {error}.", path.display()),
            "Check that AICIB's home can be written.",
        )
    };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(trouble)?;
    let give_up = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // It may be a daemon on its way out.
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => std::thread::sleep(LOCK_LOOK_EVERY),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    ErrorCode::DAEMON_RUNNING,
                    format!("A daemon holds {} already.", home.root().display()),
                    "Use it, or end it with `aicib daemon stop`.",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(trouble(error)),
        }
    }
}

fn stop_on_signals(stop: &CancellationToken) -> std::io::Result<()> {
    let mut signals = process::StopSignals::listen()?;
    let stop = stop.clone();
    tokio::spawn(async move {
        let name = signals.next().await;
        tracing::info!(signal = name, "told to stop");
        stop.cancel();
    });
    Ok(())
}
