//! A conversation with a program as a part of a run: what happens there becomes events, money and questions.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::limits::MAX_EVENT_TEXT_BYTES;
use contract::{
    Act, EngineSpec, Error, ErrorCode, EventBody, NoticeLevel, Outcome, StopCounts, Time, WaitReason, clip,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::errands::Errand;
use super::ground::{Ground, Post};
use super::money::Purse;
use super::program::RESTART;
use super::spans::Spans;
use super::waits::Outage;
use super::{Driver, Manners, Talk};
use crate::bridge::{Bridge, BridgeCall};
use crate::founder::FOLLOW_UP;
use crate::play::{Desk, Fell, Play};
use crate::prices::Prices;
use crate::readers::{End, Happened};

/// How often it is asked whether the founder has more to say.
const LISTEN_EVERY: Duration = Duration::from_millis(500);
/// How long the turn after a turn may take to begin, where words were sent that nobody has taken up yet.
const FOLLOWS: Duration = Duration::from_secs(3);
/// How long a program may take to say what became of a turn that was broken off.
const BREAK_OFF: Duration = Duration::from_secs(2);
/// Bytes of a follow-up.
const MAX_FOLLOW_UP: usize = 64 * 1024;

/// A conversation under way.
pub(super) struct Stage<'a> {
    pub play: &'a Play<'a>,
    pub desk: &'a Desk<'a>,
    pub spec: &'a EngineSpec,
    pub driver: Arc<dyn Driver>,
    pub manners: Manners,
    pub ground: &'a Ground,
    /// The conversation, while the program runs.
    pub talk: Option<Box<dyn Talk + 'a>>,
    /// The program's own name for the conversation.
    pub conversation: Option<String>,
    /// Whether the conversation was to be taken up and was begun anew, so that the agent has heard nothing.
    pub is_new: bool,
    /// Its place at the bridge, and what it asks for there.
    pub bridge: Option<Bridge>,
    pub calls: Option<mpsc::Receiver<BridgeCall>>,
    pub spans: Spans,
    pub purse: Purse,
    /// What is under way beside the conversation: questions, tools of ours, leases.
    pub errands: FuturesUnordered<Pin<Box<dyn Future<Output = Errand> + Send + 'a>>>,
    /// Whether a slice is being set aside.
    pub is_fetching: bool,
    /// What the agent was said to wait for.
    pub waiting: Option<WaitReason>,
    pub outage: Outage,
    /// The provider's last refusal, as the bridge saw it.
    pub refused: Option<(Box<Error>, Option<Duration>)>,
    /// Why the turn was broken off, where we did that.
    pub broken_off: Option<BrokenOff>,
    pub turns: i64,
    pub counts: StopCounts,
    /// Model calls of the turn under way, as far as they are told.
    pub calls_of_turn: i64,
    last_words: String,
    announced: Option<String>,
    garbage: u64,
}

/// Why we broke a turn off.
#[derive(Debug)]
pub(super) enum BrokenOff {
    /// A limit does not cover what comes next.
    Limit(Box<Error>),
    /// There is no turn left.
    Turns,
}

/// What comes after a turn.
enum Next {
    /// The agent has answered.
    Answer(String),
    /// It is to be told this.
    Say(String),
}

impl<'a> Stage<'a> {
    pub fn new(
        play: &'a Play<'a>,
        desk: &'a Desk<'a>,
        spec: &'a EngineSpec,
        driver: Arc<dyn Driver>,
        (ground, post): (&'a Ground, Option<Post>),
    ) -> Stage<'a> {
        let (prices, _) = Prices::new(&play.brief.company.config.prices);
        let manners = driver.manners();
        let (bridge, calls) = post.unzip();
        Stage {
            play,
            desk,
            spec,
            manners,
            driver,
            ground,
            talk: None,
            conversation: None,
            is_new: false,
            bridge,
            calls,
            spans: Spans::default(),
            purse: Purse::new(prices, manners.is_claude),
            errands: FuturesUnordered::new(),
            is_fetching: false,
            waiting: None,
            outage: Outage::default(),
            refused: None,
            broken_off: None,
            turns: 0,
            counts: StopCounts::default(),
            calls_of_turn: 0,
            last_words: String::new(),
            announced: None,
            garbage: 0,
        }
    }

    /// Whether the program pays by itself, so that what it reports is what counts.
    pub fn pays_itself(&self) -> bool {
        self.ground.seat.as_ref().is_none_or(|seat| !seat.door.pays)
    }

    /// Works until the agent has answered. The program may come and go meanwhile; at the end nothing of it is left.
    pub async fn work(&mut self, first: String) -> Result<String, Fell> {
        let mut say = first;
        let ended = loop {
            match self.turn(&say).await {
                Ok(Next::Answer(answer)) => break Ok(answer),
                Ok(Next::Say(more)) => say = more,
                Err(fell) => break Err(fell),
            }
        };
        let closed = self.leave(&ended).await;
        match (ended, closed) {
            (Ok(_), Err(fell)) => Err(fell),
            (ended, _) => ended,
        }
    }

    /// One turn, and what follows from it.
    async fn turn(&mut self, say: &str) -> Result<Next, Fell> {
        self.check_turns()?;
        self.play.ready(self.desk).await?;
        self.cover().await?;
        self.open().await?;
        self.calls_of_turn = 0;
        self.refused = None;
        let before = if std::mem::take(&mut self.is_new) { self.told_before() } else { String::new() };
        let say = format!("{before}{say}");
        // Whether it did not take that is seen by its end.
        let told = match &mut self.talk {
            Some(talk) => talk.send(&say).await,
            None => Ok(()),
        };
        if let Err(error) = told {
            tracing::debug!(%error, "a program did not take a turn");
        }
        let end = self.listen().await;
        if let Err(Fell::Stopped) = &end {
            self.break_off().await?;
        }
        let end = end?;
        self.turns = self.turns.saturating_add(end.turns.max(0));
        self.judge(end).await
    }

    /// Hears what happens until the turn has ended.
    async fn listen(&mut self) -> Result<End, Fell> {
        let mut listen = tokio::time::interval(LISTEN_EVERY);
        listen.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A turn that ended, while another is to follow by itself.
        let mut ended: Option<(End, tokio::time::Instant)> = None;
        loop {
            let follows = ended.as_ref().map_or_else(tokio::time::Instant::now, |(_, until)| *until);
            let Some(talk) = &mut self.talk else {
                return Err(Fell::run(Error::internal("A program's turn was awaited that does not run.")));
            };
            tokio::select! {
                biased;
                () = self.play.halt.cancelled() => return Err(Fell::Stopped),
                Some(errand) = self.errands.next(), if !self.errands.is_empty() => self.done(errand).await?,
                call = next_call(&mut self.calls) => self.called(call)?,
                happened = talk.next() => match happened {
                    Some(Happened::TurnEnded(end)) => {
                        let owes = self.talk.as_ref().is_some_and(|talk| talk.owes());
                        if !owes || end.outcome != Outcome::Completed {
                            return Ok(end);
                        }
                        ended = Some((end, tokio::time::Instant::now() + FOLLOWS));
                    }
                    Some(happened) => {
                        if let Happened::Conversation { .. } = &happened
                            && let Some((end, _)) = ended.take()
                        {
                            self.turns = self.turns.saturating_add(end.turns.max(0));
                        }
                        self.heard(happened)?;
                    }
                    None => return Ok(ended.map_or_else(gone, |(end, _)| end)),
                },
                () = tokio::time::sleep_until(follows), if ended.is_some() => {
                    if let Some((end, _)) = ended {
                        return Ok(end);
                    }
                }
                _ = listen.tick() => self.pass_on().await?,
            }
            self.mind().await?;
        }
    }

    /// Does what follows from something that happened.
    fn heard(&mut self, happened: Happened) -> Result<(), Fell> {
        let (play, desk) = (self.play, self.desk);
        let at = (play, desk, &play.gate);
        match happened {
            Happened::Conversation { id, version, model: _ } => self.announce(id, version)?,
            Happened::Said { text, parent } => {
                self.goes_on("The provider answers again.")?;
                let text = clip(&text, MAX_EVENT_TEXT_BYTES).into_owned();
                if parent.is_none() {
                    self.last_words.clone_from(&text);
                }
                self.spans.voice(play, desk, parent.as_deref()).emit(EventBody::Message { text })?;
            }
            Happened::Thought { text, parent } => {
                self.goes_on("The provider answers again.")?;
                let text = clip(&text, MAX_EVENT_TEXT_BYTES).into_owned();
                self.spans.voice(play, desk, parent.as_deref()).emit(EventBody::Thinking { text })?;
            }
            Happened::Delta { text, parent } => self.spans.voice(play, desk, parent.as_deref()).delta(&text),
            Happened::ToolStarted { id, tool, input, parent } => {
                if !is_ours(&tool, "delegate")
                    && let Some(intent) = self.spans.tool_started(at, &id, &tool, &input, parent)?
                    && intent.act != Act::Read
                {
                    play.host.before_effect()?;
                }
            }
            Happened::ToolFinished { id, ok, output, parent: _ } => self.spans.tool_finished(at, &id, ok, &output)?,
            Happened::HandedOut { span, to, task, parent } => self.spans.handed_out(at, &span, &to, &task, parent)?,
            Happened::CameBack { span, ok, summary } => self.spans.came_back(at, &span, ok, &summary)?,
            Happened::Used { model, usage, cost, parent } if self.pays_itself() => {
                // Programs with agents of their own keep to the number of turns themselves.
                self.calls_of_turn += i64::from(parent.is_none() && !self.manners.hands_out);
                self.purse.used((play, desk, &self.spans), &model, usage, cost, parent)?;
            }
            Happened::Estimated { model, usage, parent } => {
                if self.pays_itself() {
                    // Of others, each call that shows is told by itself.
                    self.calls_of_turn += i64::from(parent.is_none() && !self.manners.hands_out);
                    self.purse.estimated(&mut self.spans, &model, &usage, parent);
                }
            }
            Happened::Used { .. } => {}
            Happened::Retry { reason, detail, until_ms } => {
                let detail = clip(&detail, 2_000).into_owned();
                desk.voice.emit(EventBody::Waiting { reason, detail, until: until_ms.map(Time), over: false })?;
                self.waiting = Some(reason);
            }
            Happened::RetryOver => self.goes_on("The provider answers again.")?,
            Happened::Asks { id, tool, input, parent } => self.asks(id, &tool, &input, parent.as_deref()),
            Happened::Withdrawn { .. } => {}
            Happened::Noted { level, text } => {
                let text = clip(&text, 4_000).into_owned();
                desk.voice.emit(EventBody::Notice { level, text })?;
            }
            Happened::Garbage { line } => {
                self.garbage += 1;
                tracing::debug!(number = self.garbage, %line, "a program wrote a line that makes no sense");
                if self.garbage == 1 {
                    let text = "The program writes lines that make no sense; `aicib logs --raw` shows them.".to_owned();
                    desk.voice.emit(EventBody::Notice { level: NoticeLevel::Warning, text })?;
                }
            }
            // Its caller has it.
            Happened::TurnEnded(_) => {}
        }
        Ok(())
    }

    /// What a turn's end means for the work.
    async fn judge(&mut self, end: End) -> Result<Next, Fell> {
        let End { outcome, interrupted, error, text, .. } = end;
        match (outcome, self.broken_off.take()) {
            (Outcome::Completed, _) => {
                self.outage = Outage::default();
                if let Some(more) = self.more().await? {
                    return Ok(Next::Say(more));
                }
                let answer = text.filter(|text| !text.trim().is_empty());
                return Ok(Next::Answer(answer.unwrap_or_else(|| std::mem::take(&mut self.last_words))));
            }
            (_, Some(BrokenOff::Limit(refused))) => {
                self.founder_raises(*refused).await?;
                return Ok(Next::Say(GO_ON.to_owned()));
            }
            (_, Some(BrokenOff::Turns)) => return Err(Fell::of(self.out_of_turns())),
            (_, None) => {}
        }
        let error = error.unwrap_or_else(|| {
            let what =
                if interrupted { "The program was interrupted in mid-turn." } else { "The program ended in mid-turn." };
            Error::new(ErrorCode::ENGINE_FAILED, what, RESTART)
        });
        self.bear(error).await?;
        Ok(Next::Say(GO_ON.to_owned()))
    }

    /// What the founder has said since, as the agent is told after a turn.
    async fn more(&mut self) -> Result<Option<String>, Fell> {
        if self.desk.depth > 0 {
            return Ok(None);
        }
        let more = self.play.host.follow_ups();
        if more.is_empty() {
            return Ok(None);
        }
        let (seqs, texts): (Vec<_>, Vec<_>) = more.into_iter().unzip();
        self.desk.voice.emit(EventBody::FollowUpTaken { seqs })?;
        Ok(Some(texts.iter().map(|text| from_founder(text)).collect::<Vec<_>>().join("\n\n")))
    }

    /// Passes on in mid-turn what the founder has said, where the program listens then.
    async fn pass_on(&mut self) -> Result<(), Fell> {
        if !self.manners.listens || self.broken_off.is_some() {
            return Ok(());
        }
        if let Some(more) = self.more().await?
            && let Some(talk) = &mut self.talk
            && let Err(error) = talk.send(&more).await
        {
            tracing::warn!(%error, "a follow-up did not reach the program");
        }
        Ok(())
    }

    /// Breaks the turn off where it has to be: no money, or no turns.
    async fn mind(&mut self) -> Result<(), Fell> {
        if self.broken_off.is_some() {
            return Ok(());
        }
        let limit = self.limit();
        if limit > 0 && self.turns.saturating_add(self.calls_of_turn) > limit {
            return self.interrupt(BrokenOff::Turns).await;
        }
        self.fetch();
        Ok(())
    }

    /// Tells the program to leave off.
    pub async fn interrupt(&mut self, why: BrokenOff) -> Result<(), Fell> {
        self.broken_off = Some(why);
        if let Some(talk) = &mut self.talk
            && let Err(error) = talk.interrupt().await
        {
            tracing::debug!(%error, "a program was not there to be interrupted");
        }
        Ok(())
    }

    /// The run is to stop: the turn is broken off, and what it used is heard if it is told soon.
    async fn break_off(&mut self) -> Result<(), Fell> {
        if let Some(talk) = &mut self.talk
            && talk.interrupt().await.is_ok()
        {
            let until = Instant::now() + BREAK_OFF.min(self.play.brief.grace.left() / 3);
            while let Some(talk) = &mut self.talk
                && let Ok(Some(happened)) = tokio::time::timeout_at(until.into(), talk.next()).await
            {
                match happened {
                    Happened::TurnEnded(_) => break,
                    Happened::Asks { .. } => {}
                    happened => self.heard(happened)?,
                }
            }
        }
        Ok(())
    }

    /// Closes everything: the program, its place at the bridge, its money, and what it had under way.
    async fn leave(&mut self, ended: &Result<String, Fell>) -> Result<(), Fell> {
        let why = match ended {
            Ok(_) => "It ended with the answer.",
            Err(Fell::Stopped) => "Stopped.",
            Err(_) => "It broke off.",
        };
        self.close().await;
        let at = (self.play, self.desk, &self.play.gate);
        let told = self.spans.end_all(at, why).and_then(|()| Ok(self.goes_on("The wait is over.")?));
        let booked = self.settle().await;
        told.and(Ok(booked?))
    }

    /// Ends the program, where it runs.
    pub async fn close(&mut self) {
        self.errands.clear();
        self.is_fetching = false;
        let Some(mut talk) = self.talk.take() else { return };
        let stopped = talk.close().await;
        let stopped = StopCounts { ended: stopped.ended, forced: stopped.forced, left: stopped.left };
        self.counts = self.counts + stopped;
    }

    /// Says which conversation it is, once for each.
    fn announce(&mut self, id: String, version: String) -> Result<(), Error> {
        if self.announced.as_ref() == Some(&id) {
            return Ok(());
        }
        self.announced = Some(id.clone());
        self.conversation = Some(id.clone());
        self.desk.voice.emit(EventBody::EngineStarted {
            engine: self.spec.kind,
            engine_agent: self.spec.agent.clone(),
            conversation: Some(id),
            version,
            confined: self.play.brief.confined,
        })
    }

    /// Ends a wait, where there is one.
    pub fn goes_on(&mut self, detail: &str) -> Result<(), Error> {
        let Some(reason) = self.waiting.take() else { return Ok(()) };
        self.desk.voice.emit(EventBody::Waiting { reason, detail: detail.into(), until: None, over: true })
    }

    /// Turns that the agent has in all; 0 for no limit.
    pub fn limit(&self) -> i64 {
        let limits = &self.play.brief.limits;
        i64::from(if self.desk.depth == 0 { limits.ceo_turns } else { limits.agent_turns })
    }

    fn check_turns(&self) -> Result<(), Fell> {
        let limit = self.limit();
        if limit > 0 && self.turns >= limit { Err(Fell::of(self.out_of_turns())) } else { Ok(()) }
    }

    fn out_of_turns(&self) -> Error {
        crate::agent_loop::out_of_turns(self.desk, u32::try_from(self.limit()).unwrap_or(u32::MAX))
    }
}

/// What an agent is told that has to go on after its turn was broken off.
const GO_ON: &str = "Your work was broken off for a while, not by a fault of yours. Go on where you left off.";

fn from_founder(text: &str) -> String {
    format!("{FOLLOW_UP}\n\n{}", clip(text.trim(), MAX_FOLLOW_UP))
}

/// A program that was gone without a word.
fn gone() -> End {
    End { outcome: Outcome::Failed, interrupted: false, error: None, text: None, turns: 0, cost: None }
}

/// Whether a tool is one of ours, by one of the names that programs give it (`mcp__aicib__delegate`), and by nothing that
/// merely looks so: such a call is not asked about.
pub(super) fn is_ours(tool: &str, name: &str) -> bool {
    let before = tool.strip_suffix(name).unwrap_or_default();
    let before = before.strip_prefix("mcp__").unwrap_or(before);
    let between = before.strip_prefix(crate::bridge::MCP_SERVER).unwrap_or_default();
    ["_", "__", ".", "/", ":", "-"].contains(&between)
}

async fn next_call(calls: &mut Option<mpsc::Receiver<BridgeCall>>) -> BridgeCall {
    if let Some(open) = calls {
        if let Some(call) = open.recv().await {
            return call;
        }
        *calls = None;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_tools_are_known_by_their_whole_name() {
        for ours in ["mcp__aicib__delegate", "aicib_delegate", "aicib.delegate", "aicib/delegate"] {
            assert!(is_ours(ours, "delegate"), "{ours}");
        }
        for other in
            ["delegate", "aicibdelegate", "rm -rf / aicib_delegate", "mcp__evilaicib__delegate", "mcp__aicib__x"]
        {
            assert!(!is_ours(other, "delegate"), "{other}");
        }
    }
}
