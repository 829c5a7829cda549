//! How an agent's conversation gets to disk and back. A disk that says no is worth a warning, not the run: what
//! happened is in the events.

use std::io;

use contract::NoticeLevel;

use crate::conversation::Conversation;
use crate::memory::{self, About, Keeper};
use crate::play::{Desk, Fell, Play};
use crate::tools::Tool;

/// What the root agent is told when its work was cut off.
const CUT_OFF: &str = "Your work on this was cut off, and you take it up now. Files that were written are as they were \
    left. What was under way then has not come back: see what is there before you do anything again.";

impl Play<'_> {
    /// The root agent's conversation: new, or where one was cut off. With how many answers there are in it.
    pub(crate) fn root_talk(&self, desk: &Desk<'_>) -> Result<(Conversation, u32), Fell> {
        let first = company::prompt::brief(&self.brief.company, &self.brief.directive);
        let mut talk = Conversation::new(&self.brief.history, first);
        self.keep_from(desk, &mut talk, None)?;
        let Some(dir) = &self.brief.memory.resume else { return Ok((talk, 0)) };
        let said = match memory::load(dir, 0) {
            Ok(said) => said,
            Err(error) => {
                let text =
                    format!("What was said before the work was cut off cannot be read ({error}): it begins anew.");
                self.warn_once(desk, Some(text))?;
                return Ok((talk, 0));
            }
        };
        if said.is_empty() {
            return Ok((talk, 0));
        }
        let answers = talk.takes_up(said, |id, name| {
            let handed_out = Tool::named(name) == Some(Tool::Delegate);
            let words = handed_out.then(|| memory::last_words(dir, id)).flatten().unwrap_or_default();
            format!("Interrupted: the work was cut off before this came back. {words}").trim_end().to_owned()
        });
        talk.told(CUT_OFF);
        self.keep(desk, &mut talk)?;
        Ok((talk, answers))
    }

    /// From now on the conversation is kept.
    pub(crate) fn keep_from(&self, desk: &Desk<'_>, talk: &mut Conversation, about: Option<About>) -> Result<(), Fell> {
        let Some(dir) = &self.brief.memory.dir else { return Ok(()) };
        let kept = talk.kept(Keeper::create(dir, desk.number, about));
        self.unkept(desk, kept)
    }

    /// Writes down what was said since the last time.
    pub(crate) fn keep(&self, desk: &Desk<'_>, talk: &mut Conversation) -> Result<(), Fell> {
        let kept = talk.keep();
        self.unkept(desk, kept)
    }

    /// Says that a conversation is not kept any more, where that is so.
    pub(crate) fn unkept(&self, desk: &Desk<'_>, kept: io::Result<()>) -> Result<(), Fell> {
        let Err(error) = kept else { return Ok(()) };
        let text = format!(
            "{}'s conversation is not kept from here on ({error}): a run that is cut off could not take it up.",
            desk.agent.name
        );
        tracing::warn!("{text}");
        desk.voice.emit(contract::EventBody::Notice { level: NoticeLevel::Warning, text })?;
        Ok(())
    }
}
