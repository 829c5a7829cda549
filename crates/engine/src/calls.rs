//! One model call with all that belongs to it: the lease before, waiting and asking again, the usage after.

use std::time::{Duration, Instant};

use contract::limits::MAX_EVENT_TEXT_BYTES;
use contract::{CostBasis, Error, ErrorCode, EventBody, LeaseId, Money, NoticeLevel, Time, WaitReason, clip};

use crate::model::{Answer, Block, Heard, ModelError, Request, Usage};
use crate::play::{Desk, Fell, Play};
use crate::prices;
use crate::refusal::is_limit;

/// Times in a row that one call waits for a quota, at most: a provider that names a time and then refuses again is
/// not to be asked for ever.
const MAX_QUOTAS: u32 = 20;
/// The longest single sleep: timers stop while a machine sleeps, the wall clock does not.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

impl Play<'_> {
    /// Asks the model, as often as it takes. Each answer, whole or broken off, is charged and recorded.
    pub(crate) async fn call(&self, desk: &Desk<'_>, request: &Request<'_>, worst: Worst) -> Result<Answer, Fell> {
        let mut waits = self.patience.waits();
        let mut down_for: Option<Duration> = None;
        let mut waiting = None;
        let mut cuts = 0;
        let mut quotas = 0;
        loop {
            let lease = match self.leave(desk, request, worst).await {
                Ok(lease) => lease,
                Err(fell) => return Err(self.give_up(desk, waiting, fell)),
            };
            let started_at = Time::now();
            let began = Instant::now();
            let heard = Heard::new(&desk.voice, waiting);
            let answer = tokio::select! {
                biased;
                () = self.halt.cancelled() => None,
                answer = desk.model.complete(request, &heard) => Some(answer),
            };
            let (usage, still, fault) = heard.known();
            waiting = still;
            let charged = usage.is_some();
            if let Some(Ok(answer)) = &answer {
                self.record(desk, answer)?;
            }
            self.settle(desk, request.model, started_at, usage, lease).await?;
            if let Some(fault) = fault {
                return Err(Fell::run(fault));
            }
            let (error, after) = match answer {
                Some(Ok(answer)) => return Ok(answer),
                None => return Err(self.give_up(desk, waiting, Fell::Stopped)),
                Some(Err(ModelError::Final(error))) => return Err(self.give_up(desk, waiting, Fell::of(*error))),
                Some(Err(ModelError::Passing { error, after })) => (error, after),
            };
            cuts += u32::from(charged);
            // What it took to be let go on is not the provider's time.
            let so_far = down_for.map_or(Duration::ZERO, |so_far| so_far + began.elapsed());
            // A provider that says "now" and refuses again is not to be asked without end.
            let wait = match after {
                Some(after) => after.max(self.patience.first_wait),
                None => waits.next().unwrap_or(self.patience.longest_wait),
            };
            let quota = after.filter(|_| is_quota(&error.code)).filter(|wait| so_far + *wait > self.patience.outage);
            if let Some(wait) = quota.filter(|wait| *wait <= self.patience.quota && quotas < MAX_QUOTAS) {
                quotas += 1;
                let until = Time(Time::now().0.saturating_add(millis(wait)));
                let (reason, detail) = (WaitReason::Quota, error.message);
                desk.voice.emit(EventBody::Waiting { reason, detail, until: Some(until), over: false })?;
                waiting = Some(reason);
                // What was before is another matter than what comes after.
                (down_for, waits) = (None, self.patience.waits());
                self.sleep(wait, until).await;
                continue;
            }
            if cuts > self.patience.cuts || so_far + wait > self.patience.outage {
                return Err(self.give_up(desk, waiting, Fell::of(lasting(*error, so_far, after))));
            }
            let reason = if is_quota(&error.code) { WaitReason::RateLimit } else { WaitReason::Provider };
            let until = Time(Time::now().0.saturating_add(millis(wait)));
            desk.voice.emit(EventBody::Waiting { reason, detail: error.message, until: Some(until), over: false })?;
            waiting = Some(reason);
            down_for = Some(so_far + wait);
            self.sleep(wait, until).await;
        }
    }

    /// Waits until the agent may go on.
    pub(crate) async fn ready(&self, desk: &Desk<'_>) -> Result<(), Fell> {
        tokio::select! {
            biased;
            () = self.halt.cancelled() => return Err(Fell::Stopped),
            ready = self.host.ready(desk.voice.role, desk.voice.span) => ready.map_err(Fell::run)?,
        }
        if self.halt.is_cancelled() { Err(Fell::Stopped) } else { Ok(()) }
    }

    /// Waits until the agent may make the call, and sets aside what it may cost. Where a limit does not cover it, that
    /// takes until it does.
    async fn leave(&self, desk: &Desk<'_>, request: &Request<'_>, worst: Worst) -> Result<Option<LeaseId>, Fell> {
        self.ready(desk).await?;
        match self.leased(desk, request, worst).await? {
            Err(error) if is_limit(&error) => self.at_limit(desk, request, worst, error).await,
            leased => leased.map_err(Fell::run),
        }
    }

    /// Sets aside what a call may cost, or says why not.
    pub(crate) async fn leased(
        &self,
        desk: &Desk<'_>,
        request: &Request<'_>,
        worst: Worst,
    ) -> Result<Result<Option<LeaseId>, Error>, Fell> {
        if !desk.model.charges() {
            return Ok(Ok(None));
        }
        tokio::select! {
            biased;
            () = self.halt.cancelled() => Err(Fell::Stopped),
            lease = self.host.lease(desk.voice.role, desk.voice.span, request.model, worst.usd, worst.tokens) => {
                if let Ok(lease) = &lease && self.halt.is_cancelled() {
                    self.give_back(*lease).await;
                    return Err(Fell::Stopped);
                }
                Ok(lease)
            }
        }
    }

    /// Asks the model once, for no longer than `patience`, where no limit is in the way. Nobody is asked, and nothing
    /// is waited for but a run on hold.
    pub(crate) async fn call_once(
        &self,
        desk: &Desk<'_>,
        request: &Request<'_>,
        worst: Worst,
        patience: Duration,
    ) -> Result<Answer, Fell> {
        self.ready(desk).await?;
        let lease = self.leased(desk, request, worst).await?.map_err(Fell::run)?;
        let started_at = Time::now();
        let heard = Heard::new(&desk.voice, None);
        let answer = tokio::select! {
            biased;
            () = self.halt.cancelled() => Err(Fell::Stopped),
            answer = tokio::time::timeout(patience, desk.model.complete(request, &heard)) => match answer {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(ModelError::Final(error) | ModelError::Passing { error, .. })) => Err(Fell::Agent(error)),
                Err(_) => {
                    let what = format!("The provider took longer than {} s.", patience.as_secs());
                    Err(Fell::Agent(Box::new(Error::new(ErrorCode::PROVIDER_DOWN, what, ""))))
                }
            },
        };
        let (usage, _, fault) = heard.known();
        self.settle(desk, request.model, started_at, usage, lease).await?;
        match fault {
            Some(fault) => Err(Fell::run(fault)),
            None => answer,
        }
    }

    pub(crate) async fn give_back(&self, lease: Option<LeaseId>) {
        if let Some(lease) = lease {
            self.host.lease_return(lease).await;
        }
    }

    /// What the agent said, as events.
    fn record(&self, desk: &Desk<'_>, answer: &Answer) -> Result<(), Fell> {
        if desk.voice.is_aside {
            return Ok(());
        }
        let mut said = Vec::new();
        for block in &answer.blocks {
            match block {
                Block::Thinking { text, .. } if !text.trim().is_empty() => {
                    let text = clip(text, MAX_EVENT_TEXT_BYTES).into_owned();
                    desk.voice.emit(EventBody::Thinking { text })?;
                }
                Block::Text(text) if !text.trim().is_empty() => said.push(text.as_str()),
                _ => {}
            }
        }
        if !said.is_empty() {
            let text = clip(&said.join("\n\n"), MAX_EVENT_TEXT_BYTES).into_owned();
            desk.voice.emit(EventBody::Message { text })?;
        }
        Ok(())
    }

    /// Charges what was used, or gives the lease back.
    async fn settle(
        &self,
        desk: &Desk<'_>,
        asked: &str,
        started_at: Time,
        usage: Option<(String, Usage)>,
        lease_id: Option<LeaseId>,
    ) -> Result<(), Fell> {
        let Some((model, usage)) = usage else {
            self.give_back(lease_id).await;
            return Ok(());
        };
        let model = if model.is_empty() { asked.to_owned() } else { model };
        let resolved = self.resolve(desk.model, &model);
        // The fallback for a Claude model that nobody knows is a price; for others there is none.
        let price = (desk.model.is_claude() || resolved.warning.is_none()).then_some(&resolved.price);
        let (cost_usd, basis) = match desk.model.charges() {
            true => prices::charge(price, &usage, None),
            false => (Money::ZERO, CostBasis::Free),
        };
        desk.spend(cost_usd);
        self.spend(cost_usd);
        desk.voice.emit(EventBody::Usage {
            model,
            input_tokens: usage.input,
            output_tokens: usage.output,
            cache_read_tokens: usage.cache_read,
            cache_write_tokens: usage.cache_write,
            cost_usd,
            basis,
            started_at,
            lease_id,
        })?;
        self.warn_once(desk, resolved.warning)
    }

    /// Says something about the run once, however many agents it concerns.
    pub(crate) fn warn_once(&self, desk: &Desk<'_>, warning: Option<String>) -> Result<(), Fell> {
        let Some(text) = warning else { return Ok(()) };
        if self.first_time(&text) {
            desk.voice.emit(EventBody::Notice { level: NoticeLevel::Warning, text })?;
        }
        Ok(())
    }

    /// Ends a wait that led nowhere, so that nobody is shown waiting who has ended.
    fn give_up(&self, desk: &Desk<'_>, waiting: Option<WaitReason>, fell: Fell) -> Fell {
        let Some(reason) = waiting else { return fell };
        let detail = "The wait is over.".to_owned();
        match desk.voice.emit(EventBody::Waiting { reason, detail, until: None, over: true }) {
            Ok(()) => fell,
            Err(error) => Fell::run(error),
        }
    }

    /// Sleeps for a while. Timers stop while a machine sleeps, so it ends as well when the clock says so; one that was
    /// set back makes it no longer.
    pub(crate) async fn sleep(&self, wait: Duration, until: Time) {
        let end = Instant::now() + wait;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || Time::now() >= until {
                return;
            }
            tokio::select! {
                () = self.halt.cancelled() => return,
                () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {}
            }
        }
    }
}

/// Whether a refusal is about how much is used, which ends at a time that the provider knows.
fn is_quota(code: &ErrorCode) -> bool {
    [ErrorCode::PROVIDER_RATE_LIMIT, ErrorCode::PROVIDER_QUOTA].contains(code)
}

/// A time as events have it.
pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// What a call may take at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worst {
    /// In money.
    pub usd: Money,
    /// In tokens.
    pub tokens: i64,
}

/// The error, with how long it lasted.
fn lasting(mut error: Error, for_long: Duration, after: Option<Duration>) -> Error {
    let minutes = for_long.as_secs() / 60;
    if let Some(after) = after {
        error.message.push_str(&format!(" It asks to wait {} s.", after.as_secs()));
    } else if minutes > 0 {
        error.message.push_str(&format!(" It was tried for {minutes} min."));
    }
    error
}
