//! Trying an engine: one short question, for a cent at most.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use contract::{
    Ask, CostBasis, Decision, EngineTrial, Entry, Error, ErrorCode, EventBody, LeaseId, Money, Outcome, Seq, clip,
};
use tokio_util::sync::CancellationToken;

use crate::agent_loop::worst;
use crate::calls::millis;
use crate::model::{Heard, Message, ModelError, Request};
use crate::patience::Patience;
use crate::prices;
use crate::refusal::END;
use crate::voice::Voice;
use crate::{Brief, Host, Question, engines};

/// What is asked.
pub const TRIAL_QUESTION: &str = "Answer with one word and nothing else: ready";
/// The model that is tried where nobody names one and the engine's are Claude's.
pub const TRIAL_MODEL: &str = "haiku";
/// What a model that is asked alone is told before.
const SYSTEM: &str = "You are tried out. Answer as briefly as you can.";
/// Output tokens of an answer, at most: some models think before they say a word.
const MAX_TOKENS: u32 = 1_024;
/// Output tokens that an answer needs at least.
const MIN_TOKENS: u32 = 16;
/// Bytes of the answer that are shown.
const MAX_TEXT: usize = 1_000;
/// How long a model may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries the engine of a brief that holds [`TRIAL_QUESTION`]. A model is asked it alone, with an answer so short that
/// it cannot cost more than `most`; a program plays the brief, and gets no more money once it has spent that.
pub async fn trial(brief: &Brief, most: Money, stop: &CancellationToken) -> EngineTrial {
    let began = Instant::now();
    let host = TrialHost { stop: stop.clone(), most, leases: AtomicI64::new(0), seen: Mutex::default() };
    let ended = match brief.spec.kind.is_program() {
        true => played(brief, &host).await,
        false => asked(brief, most, &host).await,
    };
    let seen = host.seen();
    let (ok, text, error) = match ended {
        Ok(text) if text.trim().is_empty() => {
            let error = Error::new(ErrorCode::PROVIDER_PROTOCOL, "The answer was empty.", "Choose another model.");
            (false, String::new(), Some(error))
        }
        Ok(text) => (true, clip(text.trim(), MAX_TEXT).into_owned(), None),
        Err(error) => (false, String::new(), Some(*error)),
    };
    EngineTrial {
        ok,
        text,
        model: seen.model.clone(),
        cost_usd: seen.cost,
        basis: seen.basis.unwrap_or(CostBasis::Estimated),
        duration_ms: millis(began.elapsed()),
        error,
    }
}

/// Asks a model.
async fn asked(brief: &Brief, most: Money, host: &TrialHost) -> Result<String, Box<Error>> {
    let patience = Patience { first_byte: PATIENCE, stall: PATIENCE, ..Patience::default() };
    let model = engines::model(&brief.spec, brief, &patience)?;
    let name = brief.spec.model.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(TRIAL_MODEL);
    let resolved = model.resolve(name);
    let messages = [Message::user(TRIAL_QUESTION)];
    let mut request = Request {
        role: &brief.agent,
        model: &resolved.id,
        system: SYSTEM,
        tools: &[],
        messages: &messages,
        turn: 0,
        max_tokens: MAX_TOKENS,
    };
    while model.charges() && worst(model.as_ref(), &resolved, &request).usd > most {
        if request.max_tokens <= MIN_TOKENS {
            let what = format!("A trial of {} could cost more than {most}.", resolved.id);
            return Err(Box::new(Error::new(ErrorCode::BUDGET_BRIEF, what, "Try a cheaper model.")));
        }
        request.max_tokens = (request.max_tokens / 2).max(MIN_TOKENS);
    }
    let voice = Voice::new(host, &brief.agent, None);
    let heard = Heard::new(&voice, None);
    let answer = tokio::select! {
        biased;
        () = host.stop.cancelled() => Err(stopped()),
        answer = tokio::time::timeout(PATIENCE, model.complete(&request, &heard)) => match answer {
            Ok(Ok(answer)) => Ok(answer.text()),
            Ok(Err(ModelError::Final(error) | ModelError::Passing { error, .. })) => Err(error),
            Err(_) => {
                let what = format!("The model did not answer within {} s.", PATIENCE.as_secs());
                Err(Box::new(Error::new(ErrorCode::PROVIDER_DOWN, what, "Try again later.")))
            }
        },
    };
    let mut seen = host.seen();
    seen.model.clone_from(&resolved.id);
    if let (Some((said, usage)), _, _) = heard.known() {
        let price = (model.is_claude() || resolved.warning.is_none()).then_some(&resolved.price);
        let (cost, basis) = match model.charges() {
            true => prices::charge(price, &usage, None),
            false => (Money::ZERO, CostBasis::Free),
        };
        (seen.cost, seen.basis) = (cost, Some(basis));
        if !said.is_empty() {
            seen.model = said;
        }
    }
    answer
}

/// Has a program play the brief.
async fn played(brief: &Brief, host: &TrialHost) -> Result<String, Box<Error>> {
    let patience = Patience { outage: Duration::ZERO, quota: Duration::ZERO, cuts: 0, ..Patience::default() };
    let engine = engines::open_with(brief.spec.clone(), patience)?;
    let ending = engine.run(brief, host).await;
    match (ending.outcome, ending.error) {
        (Outcome::Completed, _) => Ok(ending.answer.unwrap_or_default()),
        (_, Some(error)) => Err(Box::new(error)),
        (_, None) => Err(stopped()),
    }
}

fn stopped() -> Box<Error> {
    Box::new(Error::new(ErrorCode::STOPPING, "The trial was told to stop.", "Try again."))
}

/// Remembers what a trial cost, and says no to everything.
struct TrialHost {
    stop: CancellationToken,
    most: Money,
    leases: AtomicI64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    model: String,
    cost: Money,
    basis: Option<CostBasis>,
}

impl TrialHost {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Host for TrialHost {
    fn emit(&self, entry: Entry) -> Result<(), Error> {
        match entry.body {
            EventBody::Usage { model, cost_usd, basis, .. } => {
                let mut seen = self.seen();
                seen.cost += cost_usd;
                seen.basis = Some(basis);
                seen.model = model;
            }
            // A trial waits for nothing.
            EventBody::Waiting { over: false, .. } => self.stop.cancel(),
            _ => {}
        }
        Ok(())
    }

    fn before_effect(&self) -> Result<(), Error> {
        Ok(())
    }

    fn delta(&self, _: &str, _: Option<&str>, _: &str) {}

    fn alive(&self) {}

    fn raw(&self, _: &str) {}

    async fn ready(&self, _: &str, _: Option<&str>) -> Result<(), Error> {
        Ok(())
    }

    async fn lease(&self, _: &str, _: Option<&str>, _: &str, _: Money, _: i64) -> Result<Option<LeaseId>, Error> {
        if self.seen().cost >= self.most {
            let what = format!("The trial has cost {}, and may cost {}.", self.seen().cost, self.most);
            return Err(Error::new(ErrorCode::BUDGET_BRIEF, what, "Try a cheaper model."));
        }
        Ok(Some(LeaseId(self.leases.fetch_add(1, Ordering::Relaxed) + 1)))
    }

    async fn lease_return(&self, _: LeaseId) {}

    async fn ask(&self, _: &str, _: Option<&str>, question: Question) -> Result<Option<String>, Error> {
        let no = if question.ask == Ask::Approval { Decision::deny("It is a trial.").answer() } else { END.to_owned() };
        Ok(Some(no))
    }

    fn follow_ups(&self) -> Vec<(Seq, String)> {
        Vec::new()
    }

    fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}
