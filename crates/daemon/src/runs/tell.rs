//! What the founder has said to a run: told to its worker at once, and all of it again each time that it connects. The
//! worker takes each once, by its key or place.

use std::sync::Arc;
use std::time::Duration;

use contract::methods::{Note, RunAnswered, RunRulesChanged, RunToldMore};
use contract::{RunAnswer, RunFollowUp, RunRules};

use super::LiveRun;
use crate::app::App;

/// How long to wait for a worker whose queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(50);

/// Tells a run's worker, if it is connected, the answers to its questions, and what its job's agent has not heard yet.
pub async fn tell_words(app: App, run: Arc<LiveRun>) {
    let (run_id, job_id) = (run.run_id, run.job_id);
    let said = app.store.read(move |db| Ok((db.answers_of(run_id)?, db.follow_ups_open(job_id)?))).await;
    let (answers, more) = match said {
        Ok(said) => said,
        // It is told again when it next connects.
        Err(error) => return tracing::error!(%error, %run_id, "what was said to a run could not be read"),
    };
    for (key, answer) in answers {
        if !tell::<RunAnswered>(&run, &RunAnswer { key, answer }).await {
            return;
        }
    }
    for (seq, text) in more {
        if !tell::<RunToldMore>(&run, &RunFollowUp { seq, text }).await {
            return;
        }
    }
}

/// Tells a run's worker, if it is connected, the founder's rules as they are now. One at a time, so that the last word is
/// the right one.
pub async fn tell_rules(app: App, run: Arc<LiveRun>) {
    let _turn = run.telling_rules.lock().await;
    let (company_id, job_id, run_id) = (run.company_id, run.job_id, run.run_id);
    match app.store.read(move |db| db.rules_for(company_id, job_id)).await {
        Ok(rules) => {
            tell::<RunRulesChanged>(&run, &RunRules { rules }).await;
        }
        // It is told again when it next connects.
        Err(error) => tracing::error!(%error, %run_id, "the rules could not be told"),
    }
}

/// Whether the worker was there to be told.
async fn tell<N: Note>(run: &LiveRun, params: &N::Params) -> bool {
    while let Some(conn) = run.worker() {
        if conn.try_note::<N>(params).is_ok() {
            return true;
        }
        tokio::time::sleep(FULL_PAUSE).await;
    }
    false
}
