//! A provider that will not answer for a while: how long that is borne, and how.

use std::time::{Duration, Instant};

use contract::{Error, ErrorCode, EventBody, Time, WaitReason};

use super::stage::Stage;
use crate::calls::millis;
use crate::play::Fell;
use crate::readers::RESETS_AT;

/// Quotas that a run waits for, at most.
const MAX_QUOTAS: u32 = 20;
/// A program is not kept waiting for longer than this: it is ended, and its conversation taken up later.
const KEPT_WAITING: Duration = Duration::from_secs(60);

/// How long the provider has been away.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// When it began.
    since: Option<Instant>,
    /// Times that it was waited for.
    tries: usize,
    quotas: u32,
}

impl Stage<'_> {
    /// Bears an error of a turn where it may pass: waits, and comes back when the turn can be tried again.
    pub async fn bear(&mut self, error: Error) -> Result<(), Fell> {
        // The bridge has heard the provider itself.
        let (error, after) = match self.refused.take() {
            Some((heard, after)) if error.code.as_str().starts_with("provider.") => (*heard, after),
            // Some say only that it did not work.
            Some((heard, _)) if error.code == ErrorCode::ENGINE_FAILED && !heard.retryable => (*heard, None),
            _ => (error, None),
        };
        let codes = [
            ErrorCode::PROVIDER_QUOTA,
            ErrorCode::PROVIDER_RATE_LIMIT,
            ErrorCode::PROVIDER_DOWN,
            ErrorCode::PROVIDER_NETWORK,
        ];
        if !codes.contains(&error.code) {
            return Err(Fell::of(error));
        }
        let patience = self.play.patience;
        let resets_at = error.data.as_ref().and_then(|data| data[RESETS_AT].as_i64());
        let resets_in = resets_at.map(|at| Duration::from_millis(u64::try_from(at - Time::now().0).unwrap_or(0)));
        let after = resets_in.or(after).map(|after| after.max(patience.first_wait));
        let so_far = self.outage.since.map_or(Duration::ZERO, |since| since.elapsed());
        let is_quota = [ErrorCode::PROVIDER_QUOTA, ErrorCode::PROVIDER_RATE_LIMIT].contains(&error.code);
        let (reason, wait) = match after {
            Some(wait) if is_quota && so_far + wait > patience.outage => {
                self.outage.quotas += 1;
                if wait > patience.quota || self.outage.quotas > MAX_QUOTAS {
                    return Err(Fell::of(error));
                }
                (self.outage.since, self.outage.tries) = (None, 0);
                (WaitReason::Quota, wait)
            }
            // Nobody knows when it is there again, and it will not be soon.
            None if error.code == ErrorCode::PROVIDER_QUOTA => return Err(Fell::of(error)),
            after => {
                let wait = after.or_else(|| patience.waits().nth(self.outage.tries)).unwrap_or(patience.longest_wait);
                if so_far + wait > patience.outage {
                    return Err(Fell::of(error));
                }
                self.outage.since.get_or_insert_with(Instant::now);
                self.outage.tries += 1;
                let reason = if is_quota { WaitReason::RateLimit } else { WaitReason::Provider };
                (reason, wait)
            }
        };
        if wait > KEPT_WAITING {
            self.close().await;
        }
        let until = Time(Time::now().0.saturating_add(millis(wait)));
        let detail = error.message;
        self.desk.voice.emit(EventBody::Waiting { reason, detail, until: Some(until), over: false })?;
        self.waiting = Some(reason);
        self.play.sleep(wait, until).await;
        if self.play.halt.is_cancelled() { Err(Fell::Stopped) } else { Ok(()) }
    }
}
