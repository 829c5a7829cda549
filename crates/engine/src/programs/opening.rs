//! How a conversation begins, or is taken up.

use contract::{Error, ErrorCode, EventBody, Exchange, NoticeLevel, clip};

use tokio_util::sync::CancellationToken;

use super::stage::Stage;
use super::{Driver, NotOpened, Stand, Talk};
use crate::Brief;
use crate::play::Fell;

/// Bytes of what was said before in the session, as text.
const MAX_HISTORY: usize = 96 * 1024;
/// What an agent is told when the work was cut off.
const CUT_OFF: &str = "Your work on this was cut off, and you take it up now. Files that were written are as they were \
    left. What was under way then has not come back: see what is there before you do anything again.";

impl<'a> Stage<'a> {
    /// Starts the program where it does not run. A conversation that it does not know any more is begun anew.
    pub async fn open(&mut self) -> Result<(), Fell> {
        if self.talk.is_some() {
            return Ok(());
        }
        let (play, ground, driver) = (self.play, self.ground, self.driver.clone());
        let turns = match self.limit() {
            0 => 0,
            limit => u32::try_from((limit - self.turns).max(1)).unwrap_or(u32::MAX),
        };
        let mut stand = Stand {
            brief: play.brief,
            host: play.host,
            spec: self.spec,
            agent: self.desk.agent,
            system: &ground.system,
            model: ground.model.as_deref(),
            conversation: self.conversation.clone(),
            reports: &ground.reports,
            door: ground.seat.as_ref().map(|seat| &seat.door),
            turns,
            tmp_dir: &ground.tmp_dir,
        };
        let name = self.spec.kind.label();
        let mut begun = opened(driver.as_ref(), &play.halt, &stand).await?;
        if let Err(NotOpened::Unknown) = begun {
            let text = format!(
                "{name} does not know the conversation so far any more: it begins a new one, and is told what was said."
            );
            self.desk.voice.emit(EventBody::Notice { level: NoticeLevel::Warning, text })?;
            self.conversation = None;
            self.is_new = true;
            stand.conversation = None;
            begun = opened(driver.as_ref(), &play.halt, &stand).await?;
        }
        match begun {
            Ok(talk) => self.talk = Some(talk),
            Err(NotOpened::Failed(error)) => return Err(Fell::of(*error)),
            Err(NotOpened::Unknown) => {
                let what = format!("{name} could not begin a conversation.");
                let fix = "See `aicib doctor` for how it stands.";
                return Err(Fell::run(Error::new(ErrorCode::ENGINE_FAILED, what, fix)));
            }
        }
        Ok(())
    }

    /// What an agent is told whose conversation was to be taken up and is begun anew.
    pub fn told_before(&self) -> String {
        let brief = self.play.brief;
        if self.desk.depth > 0 {
            return String::new();
        }
        let mut text = said_before(&brief.history);
        // In mid-work it has to hear of the work itself as well.
        if self.turns > 0 {
            text.push_str(&format!("{}\n\n---\n\n", company::prompt::brief(&brief.company, &brief.directive)));
        }
        text
    }
}

/// Opens a conversation, unless the run is told to stop meanwhile.
async fn opened<'a>(
    driver: &dyn Driver,
    halt: &CancellationToken,
    stand: &Stand<'a>,
) -> Result<Result<Box<dyn Talk + 'a>, NotOpened>, Fell> {
    tokio::select! {
        biased;
        () = halt.cancelled() => Err(Fell::Stopped),
        opened = driver.open(stand) => Ok(opened),
    }
}

/// The first words to the agent that took the brief.
pub(super) fn first(brief: &Brief) -> String {
    let text = company::prompt::brief(&brief.company, &brief.directive);
    let text = match brief.memory.resume {
        Some(_) => format!("{CUT_OFF}\n\n{text}"),
        None => text,
    };
    // One that knows the conversation so far has heard it.
    if brief.conversation.is_some() { text } else { format!("{}{text}", said_before(&brief.history)) }
}

/// What was said before in the session, for one that begins anew: the latest, as far as there is room.
fn said_before(history: &[Exchange]) -> String {
    let mut parts = Vec::new();
    let mut room = MAX_HISTORY;
    for Exchange { directive, answer } in history.iter().rev() {
        let part = format!("The founder: {}\n\nYou: {}", directive.trim(), answer.trim());
        if part.len() > room && !parts.is_empty() {
            break;
        }
        let part = clip(&part, room).into_owned();
        room = room.saturating_sub(part.len());
        parts.push(part);
    }
    if parts.is_empty() {
        return String::new();
    }
    parts.reverse();
    format!("What was said before in this session:\n\n{}\n\n---\n\n", parts.join("\n\n---\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_history_the_latest_is_told_in_order() {
        let said = |number: usize| Exchange { directive: format!("brief {number}"), answer: "x".repeat(40_000) };
        let text = said_before(&(0..9).map(said).collect::<Vec<_>>());
        assert!(text.len() < MAX_HISTORY + 1_000, "{}", text.len());
        let place = |brief: &str| text.find(brief);
        assert!(place("brief 7") < place("brief 8") && place("brief 7").is_some() && place("brief 5").is_none());
        assert_eq!(said_before(&[]), "");
    }
}
