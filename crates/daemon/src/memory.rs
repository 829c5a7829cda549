//! What a run is told of what was before it: the company's journal, and the conversation that it takes up.

use std::path::Path;

use contract::{CompanyId, ErrorCode, JobDetail, JournalEntry, RunId};
use store::{Read, StoreError};

use crate::app::App;

/// Entries of the journal that a run gets. Its prompt has fewer where they are long.
const ENTRIES: i64 = 10;
/// The folder of a run's conversations, inside its own.
const TALK: &str = "talk";

/// The latest entries of the company's journal, oldest first. One that cannot be read stops nothing (E019).
pub async fn journal(app: &App, company_id: CompanyId) -> Vec<JournalEntry> {
    match app.store.read(move |db| db.journal_latest(company_id, ENTRIES)).await {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(%error, %company_id, "the journal could not be read; the brief goes on without it");
            Vec::new()
        }
    }
}

/// The run that a job takes up, and its folder: the last one of the job that it restarts, where that was cut off.
///
/// # Errors
/// What the database said.
pub fn cut_off(db: &Read<'_>, detail: &JobDetail) -> Result<Option<(RunId, String)>, StoreError> {
    let Some(parent) = detail.job.parent_job_id else { return Ok(None) };
    let parent = match db.job_detail(parent) {
        Ok(parent) => parent,
        // Forgotten meanwhile.
        Err(StoreError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let was_cut_off = parent.job.error.is_some_and(|error| error.code == ErrorCode::RUN_INTERRUPTED);
    match parent.run.filter(|_| was_cut_off) {
        Some(run) => Ok(Some((run.run_id, db.run_dir(run.run_id)?))),
        None => Ok(None),
    }
}

/// Whether a run kept its conversations.
pub fn has_talk(run_dir: &str) -> bool {
    std::fs::read_dir(Path::new(run_dir).join(TALK)).is_ok_and(|mut talks| talks.next().is_some())
}
