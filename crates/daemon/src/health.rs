//! How the daemon and its workers fare.

use std::sync::Arc;

use contract::{Error, Health, WorkerHealth};
use process::Usage;

use crate::app::App;
use crate::companies::blocking;
use crate::handlers::system;
use crate::runs::LiveRun;

/// Runs that are told of one by one, at most.
const MAX_WORKERS: usize = 100;

/// Looks at everything now.
///
/// # Errors
/// The database's.
pub async fn report(app: &App) -> Result<Health, Error> {
    let status = system::status(app).await?;
    let max_parallel_jobs = app.settings().await?.max_parallel_jobs;
    let (runs, root, store) = (app.runs.all(), app.home.root().to_owned(), app.store.clone());
    let looked = blocking(move || {
        let lag_bytes = runs.iter().map(|run| bytes(run.lag_bytes())).sum();
        let workers = runs.iter().take(MAX_WORKERS).map(worker).collect();
        // Neither is worth failing for: what is not known is left out.
        let disk_free_bytes = process::free_space(&root).ok().map(bytes);
        let backup_at = store.newest_backup().ok().flatten().map(|(_, at)| at);
        Ok(Looked { lag_bytes, workers, disk_free_bytes, backup_at, own: process::own_usage() })
    })
    .await?;
    Ok(Health {
        status,
        uptime_ms: i64::try_from(app.heart.uptime().as_millis()).unwrap_or(i64::MAX),
        beat_at: app.heart.beat_at(),
        memory_bytes: looked.own.memory_bytes,
        cpu_ms: looked.own.cpu_ms,
        max_parallel_jobs,
        workers: looked.workers,
        lag_bytes: looked.lag_bytes,
        disk_free_bytes: looked.disk_free_bytes,
        backup_at: looked.backup_at,
        repaired: app.repaired.clone(),
        errors: app.log.recent(),
    })
}

/// What the system says.
struct Looked {
    lag_bytes: i64,
    workers: Vec<WorkerHealth>,
    disk_free_bytes: Option<i64>,
    backup_at: Option<contract::Time>,
    own: Usage,
}

fn worker(run: &Arc<LiveRun>) -> WorkerHealth {
    let identity = run.identity();
    let usage = identity.as_ref().map(|root| process::usage(root, &run.mark)).unwrap_or_default();
    WorkerHealth {
        run_id: run.run_id,
        job_id: run.job_id,
        pid: identity.map(|identity| identity.pid),
        children: run.children(),
        memory_bytes: usage.memory_bytes,
        cpu_ms: usage.cpu_ms,
        heard_at: run.heard_at(),
        connected: run.is_connected(),
        lag_bytes: bytes(run.lag_bytes()),
    }
}

fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
