//! Questions to the founder: recorded first, then waited for, however long, and through any number of daemons.

use contract::{Entry, Error, EventBody, Time, WaitReason, one_line};
use engine::{Host, Question};

use crate::host::RunHost;

/// Characters of a question that are said of the wait for its answer.
const DETAIL_CHARS: usize = 200;

impl RunHost {
    /// Asks, and waits for the answer; none where the run is told to stop.
    ///
    /// # Errors
    /// When the question or the wait cannot be recorded.
    pub(crate) async fn ask_founder(
        &self,
        agent: &str,
        parent: Option<&str>,
        question: Question,
    ) -> Result<Option<String>, Error> {
        let Question { ask, text, detail, options, refusal, approval } = question;
        let (key, answer) = self.link.words().expect(refusal.as_ref());
        let say =
            |body| self.emit(Entry { at: Time::now(), agent: agent.into(), parent: parent.map(str::to_owned), body });
        let about = one_line(&text, DETAIL_CHARS);
        say(EventBody::Asked { key, ask, text, detail, options, approval })?;
        let mut waits = Waits { host: self, agent, parent, is_over: false };
        waits.say(&format!("It waits for your answer: {about}"), false)?;
        let answer = tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            // The sender is dropped with the link only, when everything ends.
            answer = answer => answer.ok(),
        };
        waits.is_over = true;
        waits.say(if answer.is_some() { "It has its answer." } else { "The wait is over." }, true)?;
        Ok(answer)
    }
}

/// A wait for an answer. Over when it is dropped, if not before: nobody is shown waiting who does not.
struct Waits<'a> {
    host: &'a RunHost,
    agent: &'a str,
    parent: Option<&'a str>,
    is_over: bool,
}

impl Waits<'_> {
    fn say(&self, detail: &str, over: bool) -> Result<(), Error> {
        let body = EventBody::Waiting { reason: WaitReason::Answer, detail: detail.into(), until: None, over };
        let parent = self.parent.map(str::to_owned);
        self.host.emit(Entry { at: Time::now(), agent: self.agent.into(), parent, body })
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Err(error) = self.say("The wait is over.", true) {
            tracing::warn!(%error, "the end of a wait could not be recorded");
        }
    }
}
