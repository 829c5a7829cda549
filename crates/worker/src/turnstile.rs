//! Where agents stop before their next call, while the run is on hold, or until it has a slot again.

use std::pin::pin;
use std::time::Duration;

use contract::methods::RunGoOn;
use contract::{Entry, Error, ErrorCode, EventBody, GoOn, GoOnParams, Time, WaitReason};
use engine::Host;

use crate::host::{Pass, RunHost};

/// How long to wait before the daemon is asked again for a slot: doubles from the first to the second. A word from it
/// about the hold is worth asking at once.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long there is no slot before an agent says that it waits for one.
const SHORT_QUEUE: Duration = Duration::from_secs(1);

impl RunHost {
    /// Waits until the agent in that delegation may go on, or the run is told to stop.
    pub(crate) async fn until_free(&self, agent: &str, span: Option<&str>) -> Result<(), Error> {
        let mut said = Said::nothing(self, agent, span);
        while !self.stop.is_cancelled() {
            match self.pass(span) {
                Pass::Free => break,
                Pass::Held => {
                    said.waits_for(WaitReason::Paused)?;
                    self.hold_changes(true).await;
                }
                Pass::Waits(line) => {
                    let mut asking = pin!(self.ask_for_slot(line));
                    let mut is_long = false;
                    loop {
                        tokio::select! {
                            biased;
                            asked = &mut asking => {
                                asked?;
                                break;
                            }
                            () = tokio::time::sleep(SHORT_QUEUE), if !is_long => {
                                is_long = true;
                                let away = !self.link.is_up();
                                said.waits_for(if away { WaitReason::Daemon } else { WaitReason::Slot })?;
                            }
                        }
                    }
                }
            }
        }
        said.over()
    }

    /// Resolves once the run is no longer held (or not held) as it was, or is told to stop.
    async fn hold_changes(&self, was: bool) {
        let mut held = self.link.held();
        tokio::select! {
            // An error means that everything ends.
            _ = held.wait_for(|held| *held != was) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Asks the daemon for a slot until the run has one, is put on hold, or is told to stop. One agent asks at a time.
    async fn ask_for_slot(&self, line: i64) -> Result<(), Error> {
        let _turn = tokio::select! {
            turn = self.asking.lock() => turn,
            () = self.hold_changes(false) => return Ok(()),
        };
        let mut pause = ASK_AGAIN.0;
        while self.waits() == Some(line) && !self.link.is_held() && !self.stop.is_cancelled() {
            let mut words = self.link.held();
            // Not given up for a hold that comes meanwhile: a slot that was granted is to be known of.
            let answer = tokio::select! {
                answer = self.link.call::<RunGoOn>(GoOnParams { line }) => answer,
                () = self.stop.cancelled() => return Ok(()),
            };
            match answer {
                Some(Ok(GoOn { granted: true })) => return self.goes_on(line),
                // An older daemon, which knows of no such thing and has not taken the slot away.
                Some(Err(error)) if error.code == ErrorCode::METHOD_UNKNOWN => return self.goes_on(line),
                Some(answer) => {
                    if let Err(error) = answer {
                        tracing::debug!(%error, "no slot yet");
                    }
                    tokio::select! {
                        _ = words.changed() => {}
                        () = tokio::time::sleep(pause) => {}
                        () = self.stop.cancelled() => {}
                    }
                    pause = (pause * 2).min(ASK_AGAIN.1);
                }
                None => tokio::select! {
                    () = self.link.up() => {}
                    () = self.hold_changes(false) => {}
                },
            }
        }
        Ok(())
    }
}

/// What an agent was said to wait for. That is over when this is dropped, if not before: nobody is shown waiting who
/// does not.
pub(crate) struct Said<'a> {
    host: &'a RunHost,
    agent: &'a str,
    span: Option<&'a str>,
    reason: Option<WaitReason>,
}

impl<'a> Said<'a> {
    /// Nothing yet.
    pub fn nothing(host: &'a RunHost, agent: &'a str, span: Option<&'a str>) -> Said<'a> {
        Said { host, agent, span, reason: None }
    }

    /// Whether something was said that is not over.
    pub fn is_something(&self) -> bool {
        self.reason.is_some()
    }

    /// Says what the agent waits for, unless that was said already.
    pub fn waits_for(&mut self, reason: WaitReason) -> Result<(), Error> {
        if self.reason == Some(reason) {
            return Ok(());
        }
        self.reason = Some(reason);
        let detail = match reason {
            WaitReason::Paused => "It is on hold.",
            WaitReason::Slot => "As many jobs as may be are at work.",
            _ => "The daemon is away, and calls need its leave.",
        };
        self.say(reason, detail, false)
    }

    /// The wait is over.
    pub fn over(&mut self) -> Result<(), Error> {
        let Some(reason) = self.reason.take() else { return Ok(()) };
        let detail = match reason {
            WaitReason::Daemon => "The daemon is back.",
            _ => "It goes on.",
        };
        self.say(reason, detail, true)
    }

    fn say(&self, reason: WaitReason, detail: &str, over: bool) -> Result<(), Error> {
        let body = EventBody::Waiting { reason, detail: detail.into(), until: None, over };
        let parent = self.span.map(str::to_owned);
        self.host.emit(Entry { at: Time::now(), agent: self.agent.into(), parent, body })
    }
}

impl Drop for Said<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.over() {
            tracing::warn!(%error, "the end of a wait could not be recorded");
        }
    }
}
