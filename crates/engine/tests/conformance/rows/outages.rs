//! Providers that refuse, break off or are away.

use contract::{EngineKind, EventBody, Outcome};
use testkit::{On, Script, Turn};

use crate::trial::Trial;

pub async fn refused_key(trial: Trial) {
    let refusal = Turn::error(401, "authentication_error", "invalid x-api-key");
    trial.provider.play(Script::default().always(On::Any, [refusal]));
    let ending = trial.run(&trial.brief("Say hello")).await;
    trial.ended(&ending, Outcome::Failed, "provider.auth");
    let error = ending.error.unwrap();
    assert!(!error.fix.is_empty(), "{error}");
}

pub async fn refused_request(trial: Trial) {
    let refusal = Turn::error(400, "invalid_request_error", "max_tokens: must be greater than 1");
    trial.provider.play(Script::default().always(On::Any, [refusal]));
    let ending = trial.run(&trial.brief("Say hello")).await;
    let code = ending.error.as_ref().map_or("", |error| error.code.as_str());
    if code == "engine.failed" && trial.engine.kind == EngineKind::Acp && !trial.engine.is_keyed {
        // The protocol has no place for what the provider said: all that is known is that it did not work.
        return trial.ended(&ending, Outcome::Failed, "engine.failed");
    }
    trial.ended(&ending, Outcome::Failed, "provider.refused");
}

pub async fn rate_limit(trial: Trial) {
    let refusal = Turn::error(429, "rate_limit_error", "slow down").header("retry-after", "1");
    recovers(&trial, [refusal.clone(), refusal]).await;
}

pub async fn overload(trial: Trial) {
    let refusal = Turn::error(529, "overloaded_error", "Overloaded");
    recovers(&trial, [refusal.clone(), refusal]).await;
}

pub async fn cut(trial: Trial) {
    trial.breaks_off();
    let cut = Turn::text("It breaks off in the middle of a word").usage(400, 20, 0, 0).cut_after(5);
    trial.provider.play(Script::of([cut, Turn::text("Whole.").usage(400, 5, 0, 0)]));
    let ending = trial.run(&trial.brief("Say hello")).await;
    trial.completed(&ending, "Whole.");
    if trial.engine.is_keyed || trial.engine.is_scripted() || !trial.engine.is_program() {
        // A program that calls its provider by itself may put both into one message, and nobody can tell them apart.
        assert_eq!(ending.answer.as_deref(), Some("Whole."), "half an answer is none");
    }
}

/// Refused at first, then answered; the wait is told where the engine can see it.
async fn recovers<const N: usize>(trial: &Trial, refusals: [Turn; N]) {
    let answer = Turn::text("Recovered.").usage(400, 20, 0, 0);
    trial.provider.play(Script::of([refusals.to_vec(), vec![answer]].concat()));
    let ending = trial.run(&trial.brief("Say hello")).await;
    trial.completed(&ending, "Recovered.");
    let is_silent = trial.engine.is_program() && !trial.engine.agent.is_empty() && !trial.engine.is_keyed;
    let waited = trial.host.has(|body| matches!(body, EventBody::Waiting { over: false, .. }));
    assert!(waited || is_silent, "that it waits is told; events:\n  {}", trial.story());
}
