//! Questions for leave to act that nobody answered for as long as the founder lets them wait: answered with no.

use std::time::Duration;

use contract::{Decision, Error, ErrorCode, Origin, QuestionAnswerParams, Time};

use crate::app::App;
use crate::handlers::questions;

/// How often it is looked for: the founder speaks of minutes.
const EVERY: Duration = Duration::from_secs(20);
/// The same where nothing is denied by time: an idle daemon sleeps.
const RARELY: Duration = Duration::from_secs(120);
const MINUTE_MS: i64 = 60_000;

/// Looks again and again, until the daemon is to stop.
pub async fn keep_denying(app: App) {
    loop {
        let next = match deny_overdue(&app).await {
            Ok(true) => EVERY,
            Ok(false) => RARELY,
            Err(error) => {
                tracing::error!(%error, "questions that waited too long could not be answered");
                EVERY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = app.stop.cancelled() => return,
        }
    }
}

/// Whether there is a time after which it is no.
async fn deny_overdue(app: &App) -> Result<bool, Error> {
    let minutes = app.settings().await?.approval_minutes;
    if minutes <= 0 {
        return Ok(false);
    }
    let before = Time(Time::now().0.saturating_sub(minutes.saturating_mul(MINUTE_MS)));
    for question_id in app.store.read(move |db| db.approvals_since(before)).await? {
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        let reason = format!("Nobody answered within {minutes} {unit}. Go on without it, or say what is missing.");
        let answer = Decision::deny(&reason).answer();
        match questions::answer(app, QuestionAnswerParams { question_id, answer, origin: Origin::Timeout }).await {
            Ok(_) => tracing::info!(%question_id, "a question for leave to act waited too long"),
            // The founder was faster.
            Err(error) if error.code == ErrorCode::QUESTION_CLOSED => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
