//! What a run is told of what was before it: the company's journal, and the conversation that it takes up.

use std::path::Path;

use contract::{CompanyId, ErrorCode, JobDetail, JournalEntry};
use store::{Read, StoreError};

use crate::app::App;

/// Entries of the journal that an agent is reminded of; and how many where they are long (E021).
const ENTRIES: (i64, usize) = (10, 5);
/// Characters of the entries, as they are told, above which fewer are.
const MAX_CHARS: usize = 6_000;
/// The folder of a run's conversations, inside its own.
const TALK: &str = "talk";

/// The latest entries of the company's journal, oldest first. One that cannot be read stops nothing (E019).
pub async fn journal(app: &App, company_id: CompanyId) -> Vec<JournalEntry> {
    match app.store.read(move |db| db.journal_latest(company_id, ENTRIES.0)).await {
        Ok(entries) => fitting(entries),
        Err(error) => {
            tracing::warn!(%error, %company_id, "the journal could not be read; the brief goes on without it");
            Vec::new()
        }
    }
}

fn fitting(mut entries: Vec<JournalEntry>) -> Vec<JournalEntry> {
    if company::prompt::journal(&entries).chars().count() > MAX_CHARS {
        entries.drain(..entries.len().saturating_sub(ENTRIES.1));
    }
    entries
}

/// The folder of the run that a job takes up: the last one of the job that it restarts, where that was cut off.
///
/// # Errors
/// What the database said.
pub fn cut_off(db: &Read<'_>, detail: &JobDetail) -> Result<Option<String>, StoreError> {
    let Some(parent) = detail.job.parent_job_id else { return Ok(None) };
    let parent = match db.job_detail(parent) {
        Ok(parent) => parent,
        // Forgotten meanwhile.
        Err(StoreError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let was_cut_off = parent.job.error.is_some_and(|error| error.code == ErrorCode::RUN_INTERRUPTED);
    match parent.run.filter(|_| was_cut_off) {
        Some(run) => db.run_dir(run.run_id).map(Some),
        None => Ok(None),
    }
}

/// Whether a run kept its conversations.
pub fn has_talk(run_dir: &str) -> bool {
    std::fs::read_dir(Path::new(run_dir).join(TALK)).is_ok_and(|mut talks| talks.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{EntryId, JobId, Money, SessionId, Time};

    fn entries(count: i64, chars: usize) -> Vec<JournalEntry> {
        let entry = |id| JournalEntry {
            entry_id: EntryId(id),
            job_id: JobId(id),
            session_id: SessionId(1),
            title: "Write a page".into(),
            text: "x".repeat(chars),
            at: Time(id),
            cost_usd: Money::ZERO,
            turns: 1,
            files: Vec::new(),
        };
        (1..=count).map(entry).collect()
    }

    #[test]
    fn e021_ten_short_entries_are_told_and_five_long_ones() {
        let kept =
            |count, chars| fitting(entries(count, chars)).iter().map(|entry| entry.entry_id.0).collect::<Vec<_>>();
        assert_eq!(kept(10, 100), (1..=10).collect::<Vec<_>>());
        assert_eq!(kept(10, 700), [6, 7, 8, 9, 10], "the latest");
        assert_eq!(kept(3, 5_000), [1, 2, 3]);
        assert!(kept(0, 0).is_empty());
    }
}
