//! The daemon: the only writer of the database and the only one at the keychain. It claims jobs, starts workers,
//! stores what they do, holds the limits, and tells the founder.
//!
//! It may be killed at any moment: workers go on, and the next daemon takes them up from their spools.

mod anew;
mod app;
mod attach;
mod budget;
mod clis;
mod companies;
mod desktop;
mod doctor;
mod engines;
mod export;
mod feeds;
mod folders;
mod gather;
mod handlers;
mod health;
mod heart;
mod hub;
mod kept;
mod lock;
mod log;
mod memory;
mod notices;
mod quiet;
mod recover;
mod runs;
mod secrets;
mod service;
mod tails;
mod trial;
mod unanswered;
mod unit;
mod watchers;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contract::{Error, ErrorCode};
use rpc::{Home, Listener};
use tokio_util::sync::CancellationToken;

use crate::app::{App, Daemon};
use crate::heart::{Beating, Heart};
use crate::lock::Lock;
use crate::log::Log;
use crate::service::Front;

/// How often the daily copy of the database is thought of.
const BACKUP_EVERY: Duration = Duration::from_secs(60 * 60);

/// How a daemon that served came to its end.
enum End {
    /// It was told to.
    Stopped,
    /// It was told to, and to begin anew.
    Again,
    /// Its database was found damaged: the next one mends it.
    Damaged(String),
}

/// The `aicib daemon start --foreground` process.
pub fn main() -> ExitCode {
    process::close_inherited();
    let home = match Home::resolve() {
        Ok(home) => home,
        Err(error) => {
            // There is no log, and perhaps nobody who reads this.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let log = Log::begin(&home.daemon_log());
    match live(home, log) {
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

/// From the home's lock to the end, or to a new beginning.
fn live(home: Home, log: Log) -> Result<(), Error> {
    let lock = Lock::take(&home)?;
    log.take_over();
    let (heart, unclean) = Heart::begin(home.heartbeat());
    let heart = Arc::new(heart);
    if unclean {
        tracing::warn!("the daemon before this one did not end by itself");
    }
    let ended = run(home, log, &heart, &lock, unclean);
    match &ended {
        // What was to be looked through still is.
        Err(_) if unclean => {}
        Ok(End::Damaged(_)) => {}
        _ => heart.end(),
    }
    match ended? {
        End::Stopped => Ok(()),
        End::Again => anew::begin(&lock),
        End::Damaged(what) => {
            tracing::error!(what, "the database is damaged; the daemon begins anew, to mend it");
            anew::begin(&lock)
        }
    }
}

fn run(home: Home, log: Log, heart: &Arc<Heart>, lock: &Lock, unclean: bool) -> Result<End, Error> {
    let credential = rpc::ensure_founder_credential(&home)?;
    let (store, repair) = recover::open(&home, unclean)?;
    let secrets = secrets::Secrets::new(store.clone(), home.key_file()).map_err(Error::internal)?;
    let app: App = Arc::new(Daemon {
        home,
        store: store.clone(),
        hub: hub::Hub::default(),
        secrets,
        runs: runs::Runs::default(),
        watchers: watchers::Watchers::default(),
        desktop: desktop::Desktop::default(),
        gather: gather::Gather::default(),
        folders: folders::Folders::default(),
        clis: clis::Clis::default(),
        config_turns: companies::ConfigTurns::default(),
        credential,
        log,
        heart: Arc::clone(heart),
        repaired: repair.map(|repair| repair.what).unwrap_or_default(),
        stop: CancellationToken::new(),
        again: AtomicBool::new(false),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("daemon")
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("The daemon has no threads to run on: {error}.")))?;
    let beating = Beating::begin(app.clone(), runtime.handle().clone()).map_err(Error::internal)?;
    let served = runtime.block_on(serve(app.clone(), lock.was_passed_on()));
    beating.end();
    // Work on files that hangs must not keep the daemon alive.
    runtime.shutdown_timeout(Duration::from_secs(2));
    store.close();
    match served? {
        // Mending did not help: another try would not either.
        Some(damage) if !app.repaired.is_empty() => Err(Error::new(
            ErrorCode::DATABASE,
            format!("The database is damaged again: {damage}."),
            "Check the disk. Copies of the database are in the home's `backups` folder; `aicib doctor` shows more.",
        )),
        Some(damage) => Ok(End::Damaged(damage)),
        None if app.again.load(Ordering::Relaxed) => Ok(End::Again),
        None => Ok(End::Stopped),
    }
}

/// Serves until the daemon is to stop; what is wrong with the database, where that is why.
async fn serve(app: App, began_before: bool) -> Result<Option<String>, Error> {
    app.log.follow_settings(app.settings().await?.log_level);
    stop_on_signals(&app).map_err(Error::internal)?;
    reload_on_hangup(&app).map_err(Error::internal)?;
    if std::process::id() == 1 || began_before {
        // The first process of a container is handed every orphan in it; and what this process started before it began
        // anew is its child still.
        process::reap_strangers().map_err(Error::internal)?;
    }
    // Read before runs that were left can end, and tell for themselves.
    let untold = app.store.read(|db| {
        let mut untold = db.notices_unreported()?;
        // Nobody goes on before these are answered, and what told of them may be gone from the screen.
        let open = db.notices_open()?;
        untold.retain(|notice| !open.iter().any(|open| open.notice_id == notice.notice_id));
        untold.extend(open);
        Ok(untold)
    });
    let untold = untold.await?;
    // Runs that were left are known before anybody can ask for them.
    runs::adopt(&app).await?;
    let listener = Listener::bind(&app.home)?;
    tracing::info!(pid = std::process::id(), home = %app.home.root().display(), "the daemon is up");
    unit::ready();
    let parts = [
        tokio::spawn(runs::keep_claiming(app.clone())),
        tokio::spawn(keep_backups(app.clone())),
        tokio::spawn(unanswered::keep_denying(app.clone())),
    ];
    let damage = tokio::spawn(stop_when_damaged(app.clone()));
    let told = {
        let app = app.clone();
        tokio::spawn(async move { notices::tell_the_rest(&app, untold).await })
    };
    rpc::serve(listener, Arc::new(Front(app.clone())), app.stop.clone()).await;
    if !app.again.load(Ordering::Relaxed) {
        unit::stopping();
    }
    for part in parts {
        if let Err(error) = part.await {
            tracing::error!(%error, "a part of the daemon failed");
        }
    }
    told.abort();
    tracing::info!("the daemon ends; runs go on");
    damage.await.map_err(Error::internal)
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

/// Stops the daemon where its database is found damaged, and says what is wrong.
async fn stop_when_damaged(app: App) -> Option<String> {
    tokio::select! {
        what = recover::damaged(&app.store) => {
            app.stop.cancel();
            Some(what)
        }
        () = app.stop.cancelled() => None,
    }
}

fn stop_on_signals(app: &App) -> std::io::Result<()> {
    let mut signals = process::StopSignals::listen()?;
    let app = app.clone();
    tokio::spawn(async move {
        let name = signals.next().await;
        tracing::info!(signal = name, "told to stop");
        app.again.store(false, Ordering::Relaxed);
        app.stop.cancel();
    });
    Ok(())
}

/// A terminal's hang-up is the oldest way to tell a daemon that its settings have changed.
#[cfg(unix)]
fn reload_on_hangup(app: &App) -> std::io::Result<()> {
    let mut hangups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    let app = app.clone();
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            if let Err(error) = handlers::system::reload(&app).await {
                tracing::error!(%error, "the settings could not be read anew");
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn reload_on_hangup(_app: &App) -> std::io::Result<()> {
    Ok(())
}
