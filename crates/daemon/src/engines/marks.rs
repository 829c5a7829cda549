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
            let until = fact("until").and_then(|until| until.as_i64()).map(Time).filter(|until| *until > now);
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
