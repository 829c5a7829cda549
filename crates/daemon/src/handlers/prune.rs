//! Forgets jobs that ended long ago: their rows in pieces, so that what others store gets in between, and then their
//! runs' folders.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::*;
use store::StoreError;

use crate::app::App;
use crate::companies::blocking;

/// Events that are forgotten in one transaction, about.
const PIECE: i64 = 2_000;
/// Jobs that are deleted at once, at most.
const MAX_DELETED: usize = 500;
/// Sessions whose engines' folders are looked at, at most: the next time there are fewer.
const MOST_SESSIONS: usize = 10_000;
/// How often the removal of a folder is tried that somebody writes in, and how long to wait in between.
const TRIES: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(100);

pub async fn run(app: &App, params: JobPruneParams) -> Result<JobPruneResult, Error> {
    let (before, company) = (params.before, params.company_id);
    if let Some(company_id) = company {
        app.store.read(move |db| db.company(company_id)).await?;
    }
    let runs = app.home.runs_dir();
    if params.dry_run {
        let found = app.store.read(move |db| db.prunable(before, company)).await?;
        let bytes = blocking(move || Ok(ours(&runs, found.run_dirs).iter().map(|dir| size(dir)).sum())).await?;
        return Ok(JobPruneResult { jobs: found.jobs, events: found.events, bytes });
    }
    let mut forgotten = JobPruneResult { jobs: 0, events: 0, bytes: 0 };
    loop {
        let piece = app.store.write(move |db| db.prune(before, company, PIECE)).await?;
        forgotten.jobs += piece.jobs;
        forgotten.events += piece.events;
        let (runs, dirs) = (runs.clone(), piece.run_dirs);
        // After the commit: a run's record is not gone before its rows are.
        forgotten.bytes += blocking(move || Ok(ours(&runs, dirs).iter().map(|dir| remove(dir)).sum::<i64>())).await?;
        if piece.jobs > 0 {
            app.hub.reload_all();
        }
        if !piece.more {
            forgotten.bytes += forget_conversations(app).await?;
            tracing::info!(jobs = forgotten.jobs, events = forgotten.events, "jobs were forgotten");
            return Ok(forgotten);
        }
        if app.stop.is_cancelled() {
            return Err(Error::new(
                ErrorCode::STOPPING,
                format!("The daemon stops; {} jobs are forgotten so far.", forgotten.jobs),
                "Ask again for the rest.",
            ));
        }
    }
}

/// Forgets jobs by their numbers: all of them, or none where one may not be.
pub async fn delete(app: &App, params: JobDeleteParams) -> Result<JobPruneResult, Error> {
    let jobs: BTreeSet<JobId> = params.job_ids.into_iter().collect();
    if jobs.len() > MAX_DELETED {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("{} jobs are more than can be deleted at once.", jobs.len()),
            format!("Delete {MAX_DELETED} at most, and then the next."),
        ));
    }
    let ids = jobs.clone();
    app.store.read(move |db| ids.iter().try_for_each(|job| db.may_forget(*job))).await?;
    let mut forgotten = JobPruneResult { jobs: 0, events: 0, bytes: 0 };
    let deleted = delete_each(app, jobs, &mut forgotten).await;
    // Also where only some of them could be: those are gone.
    app.hub.reload_all();
    deleted?;
    forgotten.bytes += forget_conversations(app).await?;
    tracing::info!(jobs = forgotten.jobs, events = forgotten.events, "jobs were deleted");
    Ok(forgotten)
}

async fn delete_each(app: &App, jobs: BTreeSet<JobId>, forgotten: &mut JobPruneResult) -> Result<(), Error> {
    for job in jobs {
        loop {
            let piece = match app.store.write(move |db| db.forget(job, PIECE)).await {
                Ok(piece) => piece,
                // Somebody else deleted it meanwhile.
                Err(StoreError::NotFound(_)) => break,
                Err(error) => return Err(error.into()),
            };
            forgotten.jobs += piece.jobs;
            forgotten.events += piece.events;
            let (runs, dirs) = (app.home.runs_dir(), piece.run_dirs);
            forgotten.bytes +=
                blocking(move || Ok(ours(&runs, dirs).iter().map(|dir| remove(dir)).sum::<i64>())).await?;
            if !piece.more {
                break;
            }
        }
    }
    Ok(())
}

/// Removes what engines kept of closed sessions whose jobs are all forgotten: the bytes that it had.
async fn forget_conversations(app: &App) -> Result<i64, Error> {
    let folder = app.home.engines_dir();
    let listed = blocking(move || Ok(sessions_in(&folder))).await?;
    let of_nobody = app.store.read(move |db| {
        let mut of_nobody = Vec::new();
        for session_id in listed {
            match db.session(session_id) {
                Ok(session) if session.jobs > 0 || session.closed_at.is_none() => {}
                Ok(_) | Err(StoreError::NotFound(_)) => of_nobody.push(session_id),
                Err(error) => return Err(error),
            }
        }
        Ok(of_nobody)
    });
    let dirs: Vec<PathBuf> = of_nobody.await?.into_iter().map(|session| app.home.engine_dir(session)).collect();
    blocking(move || Ok(dirs.iter().map(|dir| remove(dir)).sum())).await
}

/// The sessions that engines keep something of.
fn sessions_in(folder: &Path) -> Vec<SessionId> {
    // No folder, nothing kept.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_SESSIONS);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(SessionId).collect()
}

/// Those that lie right in our folder of runs. The database may name another: it was moved here with its home.
fn ours(runs: &Path, dirs: Vec<String>) -> Vec<PathBuf> {
    let dirs = dirs.into_iter().map(PathBuf::from);
    let is_ours = |dir: &PathBuf| {
        let ours = dir.parent() == Some(runs) && dir.file_name().is_some();
        if !ours {
            tracing::warn!(dir = %dir.display(), "a run's folder is not in this home, and stays");
        }
        ours
    };
    dirs.filter(is_ours).collect()
}

/// Bytes of the files in a run's folder. A link is not followed.
fn size(dir: &Path) -> i64 {
    if !std::fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir()) {
        return 0;
    }
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let bytes = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => i64::try_from(meta.len()).unwrap_or(i64::MAX),
        // Gone in between.
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}

/// Removes a run's folder: the bytes that it had.
fn remove(dir: &Path) -> i64 {
    let bytes = size(dir);
    let mut tries = TRIES;
    loop {
        tries -= 1;
        match std::fs::remove_dir_all(dir) {
            Ok(()) => return bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return 0,
            // One that ended just now may still be put away.
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty && tries > 0 => std::thread::sleep(BETWEEN),
            Err(error) => {
                tracing::warn!(%error, dir = %dir.display(), "a forgotten run's folder could not be removed");
                return 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_our_folder_of_runs_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let runs = home.path().join("runs");
        std::fs::create_dir_all(runs.join("7/tmp")).unwrap();
        std::fs::write(runs.join("7/spool.jsonl.gz"), "123").unwrap();
        std::fs::write(runs.join("7/tmp/x"), "12345").unwrap();
        let outside = home.path().join("precious");
        std::fs::create_dir(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, runs.join("8")).unwrap();
        std::fs::write(outside.join("y"), "1").unwrap();
        let named = ["7", "8", "9", "../precious", "7/..", ".", ""].map(|name| runs.join(name).display().to_string());
        let dirs = ours(&runs, named.into());
        assert_eq!(dirs, [runs.join("7"), runs.join("8"), runs.join("9")]);
        assert_eq!(dirs.iter().map(|dir| size(dir)).collect::<Vec<_>>()[0], 8);
        assert_eq!(dirs.iter().map(|dir| remove(dir)).collect::<Vec<_>>()[0], 8);
        assert!(!runs.join("7").exists() && outside.join("y").exists());
    }
}
