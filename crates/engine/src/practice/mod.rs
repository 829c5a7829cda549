//! A rehearsal: agents that use real tools and delegate for real, without a model. What they say follows from the
//! job's number and the brief alone, and says that it is practice.

mod cast;
mod lines;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use company::Company;
use serde_json::{Value, json};

use crate::Brief;
use crate::founder::FOLLOW_UP;
use crate::model::{Answer, Block, Heard, Message, Model, ModelError, Request, Speaker, StopReason, Usage};
use crate::prices::{Price, Resolved};
use crate::tools::Tool;
use cast::Cast;
use lines::Lines;

/// The name under which practice appears where others name a model.
pub(crate) const NAME: &str = "practice";
/// The call that writes the report.
const REPORT: &str = "report";
/// The CEO's step before the heads work, at pace 1.
const OPENING: Duration = Duration::from_millis(1_800);
/// A head's look around.
const LOOK: Duration = Duration::from_millis(700);
/// Writing a file.
const WRITE: Duration = Duration::from_millis(800);
/// A report or an answer.
const ANSWER: Duration = Duration::from_millis(1_700);
/// The shortest time between two pieces of a message.
const PIECE: Duration = Duration::from_millis(40);

/// The rehearsal of one job.
pub(crate) struct Practice {
    company: Arc<Company>,
    /// Whom the brief goes to.
    root: String,
    /// Whether the founder wants to be asked something.
    asks: bool,
    /// Whether the founder wants to be asked for leave to act.
    wants_leave: bool,
    cast: Cast,
    lines: Lines,
    pace: f64,
}

/// What an agent does in one turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Ask,
    Delegate,
    Look,
    Note,
    Report,
    Answer,
}

impl Practice {
    /// A rehearsal of a brief. `pace`: 1 takes about eight seconds, 10 a tenth of that.
    pub fn new(brief: &Brief, pace: f64) -> Practice {
        let pace = if pace.is_finite() { pace.clamp(0.1, 100.0) } else { 1.0 };
        Practice {
            company: brief.company.clone(),
            root: brief.agent.clone(),
            asks: says(&brief.directive, "ask me"),
            wants_leave: says(&brief.directive, "approve me"),
            cast: Cast::of(&brief.company, &brief.agent, brief.job_id, &brief.directive),
            lines: Lines::new(brief.job_id, &brief.directive),
            pace,
        }
    }

    /// The steps of an agent, by the tools that it has.
    fn steps(&self, role: &str, may: impl Fn(Tool) -> bool) -> Vec<Step> {
        let mut steps = Vec::new();
        if role == self.root {
            if self.asks && may(Tool::AskFounder) {
                steps.push(Step::Ask);
            }
            if may(Tool::Delegate) && !self.cast.heads.is_empty() {
                steps.push(Step::Delegate);
            } else if may(Tool::List) || may(Tool::Read) {
                steps.push(Step::Look);
            }
            if may(Tool::Write) {
                steps.push(Step::Report);
            }
        } else {
            if may(Tool::List) || may(Tool::Read) {
                steps.push(Step::Look);
            }
            if may(Tool::Write) && self.cast.author.as_deref() == Some(role) {
                steps.push(Step::Note);
            }
        }
        steps.push(Step::Answer);
        steps
    }

    fn play(&self, request: &Request<'_>) -> (Duration, String, Vec<Block>) {
        let steps = self.steps(request.role, |tool| has(request, tool));
        let turn = usize::try_from(request.turn).unwrap_or(usize::MAX);
        let step = steps.get(turn).copied().unwrap_or(Step::Answer);
        let role = request.role;
        match step {
            Step::Ask => {
                let (question, detail, options) = self.lines.question();
                let input = json!({ "question": question, "detail": detail, "options": options });
                (LOOK, self.lines.before_question(), vec![call("ask", Tool::AskFounder, input)])
            }
            Step::Delegate => {
                let names: Vec<_> = self.cast.heads.iter().map(|head| head.name.clone()).collect();
                let calls = self.cast.heads.iter().map(|head| {
                    call(&head.role, Tool::Delegate, json!({ "to": head.role, "task": self.lines.task(head.field) }))
                });
                (OPENING, self.lines.opening(&names), calls.collect())
            }
            Step::Look => (LOOK, self.lines.looking(), self.look(request)),
            Step::Note => {
                let text = self.lines.note(&self.name(role), self.cast.field(role));
                let input = json!({ "file_path": self.lines.note_path(role), "content": text });
                (WRITE, String::new(), vec![call("note", Tool::Write, input)])
            }
            Step::Report => {
                let text = self.lines.report(
                    &self.company.config.name,
                    &self.heard(request.messages),
                    &founder(request.messages),
                );
                let input = json!({ "file_path": self.lines.report_path(), "content": text });
                (WRITE * 2, self.lines.before_report(), vec![call(REPORT, Tool::Write, input)])
            }
            Step::Answer if role == self.root => {
                let written = outcome(request.messages, REPORT);
                let heads: Vec<_> = self.cast.heads.iter().map(|head| head.name.clone()).collect();
                let heads = if steps.contains(&Step::Delegate) { heads } else { Vec::new() };
                let written = written.as_ref().map(|(ok, text)| (*ok, text.as_str()));
                (ANSWER, self.lines.answer(&heads, written, &founder(request.messages)), Vec::new())
            }
            Step::Answer => (ANSWER, self.lines.advice(&self.name(role), self.cast.field(role)), Vec::new()),
        }
    }

    fn look(&self, request: &Request<'_>) -> Vec<Block> {
        let mut calls = Vec::new();
        if has(request, Tool::List) {
            calls.push(call("list", Tool::List, json!({ "path": "." })));
        }
        if has(request, Tool::Read) {
            calls.push(call("read", Tool::Read, json!({ "file_path": company::CONFIG_FILE, "limit": 20 })));
        }
        calls
    }

    /// What the heads reported: name, whether they did it, and the report.
    fn heard(&self, messages: &[Message]) -> Vec<(String, bool, String)> {
        let heads = self.cast.heads.iter();
        heads.filter_map(|head| outcome(messages, &head.role).map(|(ok, text)| (head.name.clone(), ok, text))).collect()
    }

    fn name(&self, role: &str) -> String {
        self.company.agent(role).map_or_else(|| contract::role_name(role), |agent| agent.name.clone())
    }

    /// Says `text` over `time`, a few words at once.
    async fn say(&self, text: &str, time: Duration, heard: &Heard<'_>) {
        let time = time.div_f64(self.pace);
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        if words.is_empty() {
            tokio::time::sleep(time).await;
            return;
        }
        let most = usize::try_from(time.as_millis() / PIECE.as_millis()).unwrap_or(usize::MAX).max(1);
        let size = words.len().div_ceil(most.min(words.len()));
        let pieces: Vec<String> = words.chunks(size).map(<[&str]>::concat).collect();
        let between = time.div_f64(pieces.len() as f64);
        for piece in pieces {
            tokio::time::sleep(between).await;
            heard.text(&piece);
        }
    }
}

#[async_trait]
impl Model for Practice {
    fn charges(&self) -> bool {
        false
    }

    fn resolve(&self, _: &str) -> Resolved {
        let price = Price { input: 0, output: 0, cache_read: 0, cache_write: 0 };
        Resolved { id: NAME.into(), tier: NAME.into(), price, warning: None }
    }

    fn is_claude(&self) -> bool {
        false
    }

    fn rehearses(&self) -> bool {
        true
    }

    fn wants_leave(&self, call: &str) -> bool {
        self.wants_leave && call == REPORT
    }

    fn script(&self) -> Option<i64> {
        let roles = std::iter::once(self.root.as_str()).chain(self.cast.heads.iter().map(|head| head.role.as_str()));
        let calls = roles.map(|role| {
            let tools = self.company.agent(role).map(|agent| agent.tools.as_slice()).unwrap_or_default();
            let may = |tool: Tool| match tool {
                Tool::Delegate => !self.company.reports(role).is_empty(),
                Tool::AskFounder => role == self.root,
                tool => tools.iter().any(|name| Tool::named(name) == Some(tool)),
            };
            self.steps(role, may).len()
        });
        i64::try_from(calls.sum::<usize>()).ok()
    }

    fn own_entry(&self, _: &str) -> Option<String> {
        let heads: Vec<_> = self.cast.heads.iter().map(|head| head.name.clone()).collect();
        Some(self.lines.entry(&heads))
    }

    fn input_tokens(&self, _: &Request<'_>) -> i64 {
        0
    }

    async fn complete(&self, request: &Request<'_>, heard: &Heard<'_>) -> Result<Answer, ModelError> {
        let (time, text, calls) = self.play(request);
        self.say(&text, time, heard).await;
        // No model read or wrote anything: there are no tokens to speak of.
        heard.usage(NAME, Usage::default());
        let stop = if calls.is_empty() { StopReason::Done } else { StopReason::Tools };
        let mut blocks = Vec::new();
        if !text.is_empty() {
            blocks.push(Block::Text(text));
        }
        blocks.extend(calls);
        Ok(Answer { blocks, stop })
    }
}

/// Whether a brief wants something that is then seen: a question, or a question for leave.
fn says(directive: &str, words: &str) -> bool {
    directive.chars().take(4_000).collect::<String>().to_lowercase().contains(words)
}

/// What the founder said while the work was under way: the answer to a question, and more to the brief.
fn founder(messages: &[Message]) -> Vec<String> {
    let mut said = Vec::new();
    if let Some((true, answer)) = outcome(messages, "ask") {
        said.push(answer);
    }
    for block in messages.iter().filter(|message| message.speaker == Speaker::User).flat_map(|message| &message.blocks)
    {
        if let Block::Text(text) = block
            && let Some(more) = text.strip_prefix(FOLLOW_UP)
        {
            said.push(format!("The founder adds: {}", more.trim()));
        }
    }
    said
}

fn has(request: &Request<'_>, tool: Tool) -> bool {
    request.tools.iter().any(|spec| spec.name == tool.name())
}

fn call(id: &str, tool: Tool, input: Value) -> Block {
    Block::Call { id: id.into(), name: tool.name().into(), input: Ok(input) }
}

/// What came of the call with that id.
fn outcome(messages: &[Message], wanted: &str) -> Option<(bool, String)> {
    let blocks = messages.iter().flat_map(|message| &message.blocks);
    blocks.into_iter().find_map(|block| match block {
        Block::Outcome { id, ok, text } if id == wanted => Some((*ok, text.clone())),
        _ => None,
    })
}
