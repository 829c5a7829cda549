//! What the founder has to say while the work is under way: answers, and more to the brief.

use std::time::Instant;

use contract::{Ask, Error, ErrorCode, EventBody, NoticeLevel, clip, one_line};
use serde::Deserialize;

use crate::Question;
use crate::conversation::Conversation;
use crate::guard::{Guard, Verdict};
use crate::play::{Desk, Fell, Play};
use crate::refusal::{END, is_end};
use crate::tools::{Done, parse};

/// What stands before words of the founder's, so that the agent knows whose they are.
pub(crate) const FOLLOW_UP: &str = "The founder adds, while you work:";
/// Bytes of a question.
const MAX_QUESTION: usize = 2_000;
/// Bytes of what one has to know to answer it.
const MAX_DETAIL: usize = 8_000;
/// Answers to choose from.
const MAX_OPTIONS: usize = 8;
/// Characters of each.
const MAX_OPTION: usize = 200;
/// Bytes of an answer.
const MAX_ANSWER: usize = 32 * 1024;
/// Bytes of a follow-up.
const MAX_FOLLOW_UP: usize = 64 * 1024;
const GO_ON: &str = "Go on";

#[derive(Deserialize)]
struct AskInput {
    question: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    options: Vec<String>,
}

impl Play<'_> {
    /// Asks the founder in the agent's name, and waits for the answer.
    pub(crate) async fn ask_founder(&self, desk: &Desk<'_>, input: &serde_json::Value) -> Result<Done, Fell> {
        let AskInput { question, detail, options } = match parse(input) {
            Ok(input) => input,
            Err(error) => return Ok(Done::failed(error.to_string())),
        };
        if question.trim().is_empty() {
            return Ok(Done::failed("The question is empty."));
        }
        let mut kept: Vec<String> = Vec::new();
        for option in options.iter().map(|option| one_line(option, MAX_OPTION)) {
            if !option.is_empty() && !kept.contains(&option) && kept.len() < MAX_OPTIONS {
                kept.push(option);
            }
        }
        let question = Question {
            ask: Ask::Decision,
            text: clip(question.trim(), MAX_QUESTION).into_owned(),
            detail: clip(detail.trim(), MAX_DETAIL).into_owned(),
            options: kept,
            refusal: None,
            approval: None,
        };
        let began = Instant::now();
        let answer = self.asked(desk, question).await?;
        tracing::debug!(seconds = began.elapsed().as_secs(), "the founder answered");
        let summary = one_line(&answer, 120);
        Ok(Done::new(summary, format!("The founder answers: {}", clip(&answer, MAX_ANSWER))))
    }

    /// The founder's answer; what comes after it waits until the run may go on.
    async fn asked(&self, desk: &Desk<'_>, question: Question) -> Result<String, Fell> {
        let answer = tokio::select! {
            biased;
            () = self.halt.cancelled() => return Err(Fell::Stopped),
            answer = self.host.ask(desk.voice.role, desk.voice.span, question) => answer.map_err(Fell::run)?,
        };
        answer.ok_or(Fell::Stopped)
    }

    /// Passes on to the root agent what the founder has said since. Whether there was anything.
    pub(crate) fn pass_on(&self, desk: &Desk<'_>, talk: &mut Conversation) -> Result<bool, Fell> {
        if desk.depth > 0 {
            return Ok(false);
        }
        let more = self.host.follow_ups();
        if more.is_empty() {
            return Ok(false);
        }
        let mut seqs = Vec::new();
        for (seq, text) in more {
            talk.told(&format!("{FOLLOW_UP}\n\n{}", clip(text.trim(), MAX_FOLLOW_UP)));
            seqs.push(seq);
        }
        self.keep(desk, talk)?;
        desk.voice.emit(EventBody::FollowUpTaken { seqs })?;
        Ok(true)
    }

    /// Does what is to be done about work that goes round in circles: a word to founder and agent, then a question.
    pub(crate) async fn mind(
        &self,
        desk: &Desk<'_>,
        verdict: Verdict,
        guard: &mut Guard,
        talk: &mut Conversation,
    ) -> Result<(), Fell> {
        match verdict {
            Verdict::Fine => {}
            Verdict::Warn(what) => {
                let text = format!("{} may be going round in circles: {what}.", desk.agent.name);
                desk.voice.emit(EventBody::Notice { level: NoticeLevel::Warning, text })?;
                talk.told(&format!(
                    "You may be going round in circles: {what}. Try another way, or say what is in it."
                ));
            }
            Verdict::Ask(what) => {
                let text = format!("{} goes round in circles: {what}. Is it to go on?", desk.agent.name);
                let detail = format!("What it works on has cost {} so far.", desk.spent());
                let options = vec![GO_ON.to_owned(), END.to_owned()];
                let question = Question { ask: Ask::Loop, text, detail, options, refusal: None, approval: None };
                if is_end(&self.asked(desk, question).await?) {
                    let what = format!("{} went round in circles ({what}), and you ended it.", desk.agent.name);
                    let fix = "Say in the brief what is to be done otherwise, then send it again.";
                    return Err(Fell::run(Error::new(ErrorCode::RUN_LOOP, what, fix)));
                }
                guard.goes_on();
            }
        }
        Ok(())
    }
}
