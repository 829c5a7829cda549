//! What a run is told of what was before it: the company's journal, and the conversation that it takes up.

use std::path::Path;

use contract::{CompanyId, ErrorCode, Job, JobDetail, JobListParams, JobState, JournalEntry, RunId};
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

/// By which name a job's engine takes up the conversation of its session. None where another engine had the last word
/// in it: what that one said would be missing, so the whole of it is told instead.
///
/// # Errors
/// What the database said.
pub fn conversation(db: &Read<'_>, job: &Job) -> Result<Option<String>, StoreError> {
    let last = db.jobs(&JobListParams {
        session_id: Some(job.session_id),
        states: vec![JobState::Completed],
        limit: Some(1),
        ..JobListParams::default()
    })?;
    let is_another = |last: &Job| (last.engine, &last.engine_agent) != (job.engine, &job.engine_agent);
    if last.jobs.first().is_some_and(is_another) {
        return Ok(None);
    }
    db.conversation_of(job.session_id, job.engine, &job.engine_agent)
}

/// Whether a run kept its conversations.
pub fn has_talk(run_dir: &str) -> bool {
    std::fs::read_dir(Path::new(run_dir).join(TALK)).is_ok_and(|mut talks| talks.next().is_some())
}

#[cfg(test)]
mod tests {
    use contract::{
        Confined, EngineKind, Entry, EventBody, JobChange, Money, Origin, RunState, SessionId, SpoolLine, Time,
        WORKER_PROTOCOL,
    };
    use store::{Claim, NewJob, Settlement, Store, Write};

    use super::*;

    const NOW: Time = Time(1_000);

    fn brief(db: &Write<'_>, company_id: CompanyId, session_id: SessionId, engine: EngineKind) -> Job {
        let new = NewJob {
            company_id,
            session_id,
            agent: "ceo".into(),
            parent_job_id: None,
            directive: "Work".into(),
            engine,
            engine_agent: String::new(),
            origin: Origin::Cli,
            foreground: false,
            max_cost: Money::ZERO,
            idempotency_key: None,
            queue: true,
            priority: 0,
            after: None,
            not_before: None,
        };
        db.job_insert(&new, NOW).unwrap().job
    }

    /// A brief that an engine completes, in a conversation of that name.
    fn completed(db: &Write<'_>, company_id: CompanyId, session_id: SessionId, engine: EngineKind, name: &str) {
        brief(db, company_id, session_id, engine);
        let claim = Claim { max_parallel: 9, token_hash: "t", run_dir: &|run| format!("/runs/{run}"), at: NOW };
        let run = db.claim_next(&claim).unwrap().unwrap().run_id;
        let body = EventBody::EngineStarted {
            engine,
            engine_agent: String::new(),
            conversation: Some(name.into()),
            version: String::new(),
            confined: Confined::Full,
        };
        let entry = Entry { at: NOW, agent: "ceo".into(), parent: None, body };
        db.append(run, &[SpoolLine { v: WORKER_PROTOCOL, n: 1, entry }], 1).unwrap();
        let settlement = Settlement { answer: Some("Done".into()), ..Settlement::default() };
        db.settle(run, RunState::Exited, JobChange::Complete, &settlement, NOW).unwrap();
    }

    #[tokio::test]
    async fn a_conversation_is_taken_up_by_the_engine_that_had_the_last_word() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("aicib.db"), &dir.path().join("backups"), false).unwrap().store;
        let (claude, codex) = (EngineKind::ClaudeCode, EngineKind::Codex);
        let found = store.write(move |db| {
            let company = db.company_put("/acme", "Acme", NOW)?.company_id;
            let session = db.session_open(company, "ceo", NOW)?.session_id;
            let next = |engine| {
                let job = brief(db, company, session, engine);
                let found = conversation(db, &job);
                db.transition(job.job_id, JobChange::Cancel, "", NOW)?;
                found
            };
            let mut found = vec![next(claude)?];
            completed(db, company, session, claude, "c-1");
            found.extend([next(claude)?, next(codex)?]);
            completed(db, company, session, codex, "x-1");
            found.extend([next(claude)?, next(codex)?]);
            completed(db, company, session, claude, "c-2");
            found.push(next(claude)?);
            Ok(found)
        });
        let found = found.await.unwrap();
        let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, [None, Some("c-1"), None, None, Some("x-1"), Some("c-2")]);
    }
}
