//! Engines that are out of quota, out of credit or down, and until when that is believed.
//!
//! A mark is about an engine and not about a company: the account behind it is the founder's. Marks are kept in the
//! database, so that a restart of the daemon does not forget them.

use std::collections::BTreeMap;

use contract::{ErrorCode, Event, EventBody, Job, Outcome, SYSTEM, Time, WaitReason, engine_name};
use serde::{Deserialize, Serialize};
use store::{Read, StoreError, Write};

/// Under which name the marks are kept.
const KEPT: &str = "engine_marks";
/// How long an engine is believed to be away that does not say until when, in milliseconds.
const UNSAID_MS: i64 = 15 * 60 * 1000;
/// How long one is believed at most, whatever a provider says, in milliseconds: a week and a day.
const LONGEST_MS: i64 = 8 * 24 * 60 * 60 * 1000;
/// Marks that are kept, at most.
const MOST: usize = 20;

/// An engine that is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Until when that is believed.
    pub until: Time,
    /// What it is (`provider.quota`).
    pub code: ErrorCode,
    /// Whether the provider has said until when.
    pub said: bool,
}

impl Away {
    /// What it is, as the end of a sentence about the engine.
    pub fn words(&self) -> &'static str {
        match &self.code {
            code if *code == ErrorCode::PROVIDER_CREDIT => "has no credit",
            code if *code == ErrorCode::PROVIDER_DOWN => "is down",
            code if *code == ErrorCode::PROVIDER_RATE_LIMIT => "is at its rate limit",
            _ => "is out of quota",
        }
    }
}

/// The engines that are away, by name.
pub type Marks = BTreeMap<String, Away>;

/// The engines that are away now.
///
/// # Errors
/// What the database said.
pub fn read(db: &Read<'_>, now: Time) -> Result<Marks, StoreError> {
    let kept = db.kept(KEPT)?;
    // What does not read was written by another version: nothing is known then.
    let mut marks: Marks = kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
    marks.retain(|_, away| away.until > now);
    Ok(marks)
}

/// Notes what the end of a job's run says of its engine.
///
/// # Errors
/// What the database said.
pub fn ended(db: &Write<'_>, job: &Job, last_word: Option<&EventBody>, now: Time) -> Result<(), StoreError> {
    match last_word {
        Some(EventBody::RunExited { outcome: Outcome::Completed, .. }) => {
            change(db, &engine_name(job.engine, &job.engine_agent), None, now)
        }
        Some(EventBody::RunExited { outcome: Outcome::Failed, error: Some(error), .. }) if is_away(&error.code) => {
            // An agent may have an engine of its own.
            let fact = |name: &str| error.data.as_ref().map(|data| data[name].clone());
            let named = fact("engine").and_then(|name| name.as_str().map(str::to_owned));
            let named = named.filter(|name| contract::engine_from_name(name).is_some());
            let until = fact("resets_at").and_then(|until| until.as_i64()).map(Time).filter(|until| *until > now);
            let away = away(error.code.clone(), until, now);
            change(db, &named.unwrap_or_else(|| engine_name(job.engine, &job.engine_agent)), Some(away), now)
        }
        _ => Ok(()),
    }
}

/// Notes what a run says of its engine while it is at work: that it waits for quota, and until when.
///
/// # Errors
/// What the database said.
pub fn heard(db: &Write<'_>, events: &[Event], now: Time) -> Result<(), StoreError> {
    let waits = events.iter().rev().find_map(|event| match &event.entry.body {
        EventBody::Waiting { reason: WaitReason::Quota, until, over, .. } => Some((event, *until, *over)),
        _ => None,
    });
    let Some((event, until, over)) = waits else { return Ok(()) };
    let job = db.job(event.job_id)?;
    // Another agent may have an engine of its own.
    if event.entry.agent != SYSTEM && event.entry.agent != job.agent {
        return Ok(());
    }
    let away = (!over).then(|| away(ErrorCode::PROVIDER_QUOTA, until.filter(|until| *until > now), now));
    change(db, &engine_name(job.engine, &job.engine_agent), away, now)
}

/// Takes an engine's mark away: it answers.
///
/// # Errors
/// What the database said.
pub fn answers(db: &Write<'_>, engine: &str, now: Time) -> Result<(), StoreError> {
    change(db, engine, None, now)
}

fn is_away(code: &ErrorCode) -> bool {
    [ErrorCode::PROVIDER_QUOTA, ErrorCode::PROVIDER_CREDIT, ErrorCode::PROVIDER_RATE_LIMIT, ErrorCode::PROVIDER_DOWN]
        .contains(code)
}

fn away(code: ErrorCode, said: Option<Time>, now: Time) -> Away {
    let until = said.map_or(now.0.saturating_add(UNSAID_MS), |until| until.0.min(now.0.saturating_add(LONGEST_MS)));
    Away { until: Time(until), code, said: said.is_some() }
}

fn change(db: &Write<'_>, engine: &str, away: Option<Away>, now: Time) -> Result<(), StoreError> {
    let mut marks = read(db, now)?;
    match away {
        Some(away) if marks.len() < MOST => marks.insert(engine.to_owned(), away),
        Some(_) => return Ok(()),
        None if marks.contains_key(engine) => marks.remove(engine),
        None => return Ok(()),
    };
    match serde_json::to_value(&marks) {
        Ok(value) => db.keep_value(KEPT, &value),
        Err(error) => {
            tracing::error!(%error, "the marks of engines could not be written down");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{EngineKind, Error, Origin};
    use serde_json::json;
    use store::{NewJob, Store};

    use super::*;

    const NOW: Time = Time(1_000_000);

    struct Place {
        _dir: tempfile::TempDir,
        store: Store,
        job: Job,
    }

    impl Place {
        async fn new() -> Place {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(&dir.path().join("aicib.db"), &dir.path().join("backups"), false).unwrap().store;
            let job = store.write(|db| {
                let company = db.company_put("/acme", "Acme", NOW)?;
                let session = db.session_open(company.company_id, "ceo", NOW)?;
                let new = NewJob {
                    company_id: company.company_id,
                    session_id: session.session_id,
                    agent: "ceo".into(),
                    parent_job_id: None,
                    directive: "Work".into(),
                    engine: EngineKind::Acp,
                    engine_agent: "gemini".into(),
                    origin: Origin::Cli,
                    foreground: false,
                    max_cost: contract::Money::ZERO,
                    idempotency_key: None,
                    queue: true,
                    priority: 0,
                    after: None,
                    not_before: None,
                };
                Ok(db.job_insert(&new, NOW)?.job)
            });
            let job = job.await.unwrap();
            Place { _dir: dir, store, job }
        }

        async fn ends(&self, outcome: Outcome, error: Option<Error>) {
            let word = EventBody::RunExited {
                outcome,
                result: None,
                error,
                turns: 1,
                effects: false,
                ended: 0,
                forced: 0,
                left: 0,
            };
            let job = self.job.clone();
            self.store.write(move |db| ended(db, &job, Some(&word), NOW)).await.unwrap();
        }

        async fn says(&self, agent: &str, until: Option<Time>, over: bool) {
            let (job_id, agent) = (self.job.job_id, agent.to_owned());
            let body = EventBody::Waiting { reason: WaitReason::Quota, detail: String::new(), until, over };
            let entry = contract::Entry { at: NOW, agent, parent: None, body };
            let event = Event { seq: contract::Seq(1), job_id, run_id: None, entry };
            self.store.write(move |db| heard(db, &[event], NOW)).await.unwrap();
        }

        async fn marks(&self, now: Time) -> Vec<(String, i64, &'static str)> {
            let marks = self.store.read(move |db| read(db, now)).await.unwrap();
            marks.into_iter().map(|(name, away)| (name, away.until.0, away.words())).collect()
        }
    }

    #[tokio::test]
    async fn an_engine_is_away_until_its_provider_says_or_for_a_while() {
        let place = Place::new().await;
        let error = |code: ErrorCode| Error::new(code, "No.", "");
        place.ends(Outcome::Failed, Some(error(ErrorCode::PROVIDER_AUTH))).await;
        assert_eq!(place.marks(NOW).await, []);
        place.ends(Outcome::Failed, Some(error(ErrorCode::PROVIDER_DOWN))).await;
        let until = NOW.0 + UNSAID_MS;
        assert_eq!(place.marks(NOW).await, [("acp:gemini".to_owned(), until, "is down")]);
        assert_eq!(place.marks(Time(until)).await, [], "it is tried again");
        let said = error(ErrorCode::PROVIDER_QUOTA).with(json!({ "resets_at": NOW.0 + 5_000, "engine": "codex" }));
        place.ends(Outcome::Failed, Some(said)).await;
        assert!(place.marks(NOW).await.contains(&("codex".to_owned(), NOW.0 + 5_000, "is out of quota")));
        let absurd = error(ErrorCode::PROVIDER_QUOTA).with(json!({ "resets_at": i64::MAX }));
        place.ends(Outcome::Failed, Some(absurd)).await;
        assert!(place.marks(NOW).await.iter().all(|(_, until, _)| *until <= NOW.0 + LONGEST_MS));
        place.ends(Outcome::Completed, None).await;
        assert_eq!(place.marks(NOW).await.len(), 1, "the job's engine answers again");
    }

    #[tokio::test]
    async fn a_run_that_waits_for_quota_says_so_of_its_own_engine() {
        let place = Place::new().await;
        let until = Time(NOW.0 + 9_000);
        place.says("cto", Some(until), false).await;
        assert_eq!(place.marks(NOW).await, [], "it may have another engine");
        place.says(SYSTEM, Some(until), false).await;
        assert_eq!(place.marks(NOW).await, [("acp:gemini".to_owned(), until.0, "is out of quota")]);
        place.says("ceo", None, true).await;
        assert_eq!(place.marks(NOW).await, []);
    }
}
