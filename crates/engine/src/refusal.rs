//! A call that a limit does not cover: the founder is asked, and the call waits for the answer, or for room.

use std::pin::pin;

use contract::{Ask, Error, ErrorCode, EventBody, LeaseId, Money, WaitReason};

use crate::Question;
use crate::calls::Worst;
use crate::model::Request;
use crate::play::{Desk, Fell, Play};

/// The answer that ends the run.
pub(crate) const END: &str = "End";
/// Nano-dollars of a cent: limits are raised to whole ones.
const CENT: i64 = 10_000_000;

/// Whether a limit is in the way.
pub(crate) fn is_limit(error: &Error) -> bool {
    error.code.as_str().starts_with("budget.")
}

/// Whether an answer is the one that ends the run.
pub(crate) fn is_end(answer: &str) -> bool {
    answer.trim().eq_ignore_ascii_case(END)
}

impl Play<'_> {
    /// Waits until a limit covers the call, or the founder ends the run. Agents that meet a limit at the same time are
    /// one question to the founder, not many.
    pub(crate) async fn at_limit(
        &self,
        desk: &Desk<'_>,
        request: &Request<'_>,
        worst: Worst,
        refused: Error,
    ) -> Result<Option<LeaseId>, Fell> {
        let mut refused = refused;
        let _turn = match self.asking.try_lock() {
            Ok(turn) => turn,
            Err(_) => {
                let said = Waits::begin(desk, &refused)?;
                let mut turn = pin!(self.asking.lock());
                let turn = loop {
                    let turn = tokio::select! {
                        biased;
                        () = self.halt.cancelled() => return Err(Fell::Stopped),
                        turn = &mut turn => Some(turn),
                        () = tokio::time::sleep(self.patience.lease_again) => None,
                    };
                    // What the one before was told may have made room for this call too.
                    match self.leased(desk, request, worst).await? {
                        Ok(lease) => {
                            said.over()?;
                            return self.go_on(desk, lease).await;
                        }
                        Err(error) => refused = error,
                    }
                    if let Some(turn) = turn {
                        break turn;
                    }
                };
                said.over()?;
                turn
            }
        };
        loop {
            let mut asking = pin!(self.host.ask(desk.voice.role, desk.voice.span, question(&refused, worst)));
            let answer = loop {
                tokio::select! {
                    biased;
                    () = self.halt.cancelled() => return Err(Fell::Stopped),
                    answer = &mut asking => break answer.map_err(Fell::run)?,
                    () = tokio::time::sleep(self.patience.lease_again) => {}
                }
                if let Ok(lease) = self.leased(desk, request, worst).await? {
                    return self.go_on(desk, lease).await;
                }
            };
            match answer {
                None => return Err(Fell::Stopped),
                Some(answer) if is_end(&answer) => return Err(Fell::run(refused)),
                Some(_) => {}
            }
            match self.leased(desk, request, worst).await? {
                Ok(lease) => return self.go_on(desk, lease).await,
                Err(error) => refused = error,
            }
        }
    }

    /// The run may have waited as a whole: it goes on only once it may.
    async fn go_on(&self, desk: &Desk<'_>, lease: Option<LeaseId>) -> Result<Option<LeaseId>, Fell> {
        match self.ready(desk).await {
            Ok(()) => Ok(lease),
            Err(fell) => {
                self.give_back(lease).await;
                Err(fell)
            }
        }
    }
}

fn question(refused: &Error, worst: Worst) -> Question {
    let limit = refused.data.as_ref().and_then(|data| serde_json::from_value::<Money>(data["limit_usd"].clone()).ok());
    let own = [ErrorCode::BUDGET_BRIEF, ErrorCode::BUDGET_SESSION, ErrorCode::BUDGET_AGENT].contains(&refused.code);
    let mut options = vec![END.to_owned()];
    let mut text = refused.message.clone();
    if let Some(limit) = limit.filter(|limit| own && *limit > Money::ZERO) {
        let raised = raised(limit, worst.usd);
        options.insert(0, format!("Go on up to {raised}"));
        text.push_str(&format!(" May it go on up to {raised}?"));
    } else {
        text.push_str(" It waits until there is room, or until you end it.");
    }
    let (detail, refusal) = (refused.fix.clone(), Some(refused.code.clone()));
    Question { ask: Ask::Limit, text, detail, options, refusal, approval: None }
}

/// What a limit is raised to: by half, or by two calls where that is more; to a whole cent.
fn raised(limit: Money, worst: Money) -> Money {
    let more = (limit.as_nanos() / 2).max(worst.as_nanos().saturating_mul(2));
    let nanos = limit.as_nanos().saturating_add(more);
    Money::nanos((nanos / CENT).saturating_add(i64::from(nanos % CENT > 0)).saturating_mul(CENT))
}

/// A wait for somebody else's question. Over when it is dropped, if not before.
struct Waits<'a> {
    desk: &'a Desk<'a>,
    is_over: bool,
}

impl<'a> Waits<'a> {
    fn begin(desk: &'a Desk<'a>, refused: &Error) -> Result<Waits<'a>, Error> {
        let waits = Waits { desk, is_over: false };
        waits.say(&refused.message, false)?;
        Ok(waits)
    }

    fn over(mut self) -> Result<(), Error> {
        self.is_over = true;
        self.say("It goes on.", true)
    }

    fn say(&self, detail: &str, over: bool) -> Result<(), Error> {
        let reason = WaitReason::Answer;
        self.desk.voice.emit(EventBody::Waiting { reason, detail: detail.into(), until: None, over })
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.is_over
            && let Err(error) = self.say("The wait is over.", true)
        {
            tracing::warn!(%error, "the end of a wait could not be recorded");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn usd(dollars: f64) -> Money {
        Money::dollars(dollars).unwrap()
    }

    fn refused(code: ErrorCode, limit: f64) -> Error {
        Error::new(code, "The limit is reached.", "Raise it in the config.").with(json!({ "limit_usd": usd(limit) }))
    }

    #[test]
    fn a_limit_of_the_work_itself_can_be_raised_on_the_spot() {
        let worst = Worst { usd: usd(0.4), tokens: 10 };
        for (limit, up_to) in [(2.0, "Go on up to $3.00"), (0.5, "Go on up to $1.30"), (0.001, "Go on up to $0.81")] {
            for code in [ErrorCode::BUDGET_BRIEF, ErrorCode::BUDGET_SESSION, ErrorCode::BUDGET_AGENT] {
                assert_eq!(question(&refused(code, limit), worst).options, [up_to, "End"]);
            }
        }
    }

    #[test]
    fn a_limit_of_the_company_is_raised_in_its_config() {
        let worst = Worst { usd: usd(0.4), tokens: 10 };
        for code in [ErrorCode::BUDGET_DAILY, ErrorCode::BUDGET_MONTHLY] {
            let question = question(&refused(code, 2.0), worst);
            assert_eq!(
                (question.options, question.detail.as_str()),
                (vec!["End".to_owned()], "Raise it in the config.")
            );
        }
        let tokens = Error::new(ErrorCode::BUDGET_BRIEF, "1000 tokens are used.", "Raise settings.token_limit_brief.");
        assert_eq!(question(&tokens, worst).options, ["End"], "a limit in tokens is none in dollars");
    }

    #[test]
    fn numbers_out_of_this_world_do_not_wrap() {
        assert!(raised(Money::nanos(i64::MAX), Money::nanos(i64::MAX)).as_nanos() > 0);
    }
}
