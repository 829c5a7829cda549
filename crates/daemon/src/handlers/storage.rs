//! What is kept on disk.

use std::path::{Path, PathBuf};

use contract::{Error, StorageReport};

use crate::app::App;
use crate::companies::blocking;

/// Folders below each other that are looked into: nothing of ours is deeper, and an agent's may be.
const DEPTH: usize = 32;

pub async fn report(app: &App) -> Result<StorageReport, Error> {
    let (stats, events) = app.store.read(|db| Ok((db.stats()?, db.event_count()?))).await?;
    let root = app.home.root().to_owned();
    let (backups, runs, logs) = (app.home.backups_dir(), app.home.runs_dir(), app.home.daemon_log());
    let database_bytes = app.store.size_bytes();
    blocking(move || {
        let logs = logs.parent().map(Path::to_owned).filter(|dir| *dir != root);
        Ok(StorageReport {
            database_bytes,
            backups_bytes: size(&backups, DEPTH),
            runs_bytes: size(&runs, DEPTH),
            engines_bytes: size(&root.join("engines"), DEPTH),
            logs_bytes: match logs {
                Some(dir) => size(&dir, DEPTH),
                None => own_logs(&root).iter().map(|log| size(log, 1)).sum(),
            },
            free_bytes: process::free_space(&root).ok().map(|free| i64::try_from(free).unwrap_or(i64::MAX)),
            home: root.display().to_string(),
            jobs: stats.total,
            events,
        })
    })
    .await
}

/// The logs that lie in the home itself.
fn own_logs(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let is_log = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".log"));
    entries.flatten().map(|entry| entry.path()).filter(is_log).collect()
}

/// Bytes of a file, or of the files below a folder. A link is not followed; what is gone in between counts nothing.
pub fn size(path: &Path, depth: usize) -> i64 {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return 0 };
    if !meta.is_dir() {
        return i64::try_from(meta.len()).unwrap_or(i64::MAX);
    }
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    match depth.checked_sub(1) {
        Some(depth) => entries.flatten().map(|entry| size(&entry.path(), depth)).sum(),
        None => 0,
    }
}
