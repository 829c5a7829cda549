//! An agent at work: it is asked, uses its tools, and is asked again, until it has answered.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use contract::limits::{MAX_EVENT_OUTPUT_BYTES, MAX_EVENT_TEXT_BYTES};
use contract::{Act, Error, ErrorCode, EventBody, Ground, clip, one_line};
use serde_json::{Value, json};

use crate::calls::{Worst, millis};
use crate::compaction::Standing;
use crate::conversation::Conversation;
use crate::gate::Leave;
use crate::guard::{Aim, Guard, Made};
use crate::model::{Answer, Block, Model, Request, StopReason};
use crate::play::{Desk, Fell, Play};
use crate::prices::Resolved;
use crate::tools::{Done, Tool};

/// Output tokens of one call, at most. A lease covers them, so they are not more than an answer needs.
const MAX_TOKENS: u32 = 8_192;
/// Tool calls of one answer, at most.
const MAX_CALLS: usize = 64;
/// Answers in a row that end before they are done: at the limit of output tokens, or paused by the provider.
const MAX_UNDONE: u32 = 8;
/// Bytes of a text in an event's tool input.
const MAX_INPUT_TEXT: usize = 2_000;
/// Parts of an event's tool input, at each level.
const MAX_INPUT_PARTS: usize = 50;
/// Bytes of an event's tool input in all.
const MAX_INPUT: usize = 16 * 1024;

/// A tool call as the model made it.
pub(crate) struct Call {
    /// The provider's id.
    pub id: String,
    /// The tool's name as the model gave it.
    pub name: String,
    /// The input, or its text where it is no JSON.
    pub input: Result<Value, String>,
}

impl Call {
    /// What the model is told of it.
    pub fn outcome(self, done: Done) -> Block {
        Block::Outcome { id: self.id, ok: done.ok, text: done.output }
    }
}

impl Play<'_> {
    /// Works until the agent has answered. `before`: answers of an earlier run that the conversation goes on from;
    /// `turns` counts the model calls of this one.
    pub(crate) async fn work(
        &self,
        desk: &Desk<'_>,
        mut talk: Conversation,
        before: u32,
        turns: &mut u32,
    ) -> Result<String, Fell> {
        let company = &self.brief.company;
        let reports =
            if desk.depth < crate::delegation::MAX_DEPTH { company.reports(&desk.agent.role) } else { Vec::new() };
        let roles: Vec<_> = reports.iter().map(|report| (report.role.as_str(), report.name.as_str())).collect();
        let mut own = self.toolbox.of(&desk.agent.tools, !roles.is_empty(), desk.depth == 0);
        if desk.model.rehearses() {
            own.remove(&Tool::Bash);
        }
        let tools: Vec<_> = own.iter().map(|tool| tool.spec(&roles)).collect();
        let options = company::prompt::PromptOptions {
            tools: tools.iter().map(|tool| tool.name.to_owned()).collect(),
            commands: own.contains(&Tool::Bash),
            max_cost_usd: self.brief.limits.max_cost_usd,
            // Whoever took the brief knows what came before it; the others have their task.
            journal: if desk.depth == 0 { self.brief.journal.clone() } else { Vec::new() },
        };
        let system = company::prompt::system(company, desk.agent, &options);
        let model = self.resolve(desk.model, &desk.agent.model);
        self.warn_once(desk, model.warning.clone())?;
        let limit = if desk.depth == 0 { self.brief.limits.ceo_turns } else { self.brief.limits.agent_turns };
        let mut guard = Guard::default();
        let mut undone = 0;
        let mut said = String::new();
        let mut last_words = String::new();
        loop {
            if limit > 0 && *turns >= limit {
                return Err(Fell::Agent(Box::new(out_of_turns(desk, limit))));
            }
            self.pass_on(desk, &mut talk)?;
            let standing = Standing { model: &model, system: &system, tools: &tools };
            self.make_room(desk, &standing, &mut talk).await?;
            let request = Request {
                role: &desk.agent.role,
                model: &model.id,
                system: &system,
                tools: &tools,
                messages: talk.messages(),
                turn: before.saturating_add(*turns),
                max_tokens: MAX_TOKENS,
            };
            let worst = worst(desk.model, &model, &request);
            if *turns == 0 {
                desk.voice.emit(prompt(&request))?;
            }
            let Answer { blocks, stop } = self.call(desk, &request, worst).await?;
            *turns += 1;
            let text = words(&blocks);
            let calls = calls(&blocks);
            self.called(desk, &calls)?;
            let nothing = blocks.is_empty();
            talk.said(blocks);
            self.keep(desk, &mut talk)?;
            if !text.is_empty() {
                last_words.clone_from(&text);
            }
            if !calls.is_empty() && matches!(stop, StopReason::Tools | StopReason::Done | StopReason::TooLong) {
                undone = 0;
                said.clear();
                let made = made(&own, &calls);
                let outcomes = self.run_calls(desk, &own, calls, stop == StopReason::TooLong).await?;
                let verdict = guard.turn(made.iter().zip(outcomes.iter().map(result)));
                talk.results(outcomes);
                self.keep(desk, &mut talk)?;
                self.mind(desk, verdict, &mut guard, &mut talk).await?;
                continue;
            }
            match stop {
                StopReason::TooLong | StopReason::Paused if undone < MAX_UNDONE && !nothing => {
                    undone += 1;
                    said.push_str(&text);
                    if stop == StopReason::TooLong {
                        talk.told("Your answer was cut at the limit of its length. Go on exactly where it stopped.");
                    }
                }
                StopReason::Refused | StopReason::Full => return Err(Fell::Agent(Box::new(declined(desk, &stop)))),
                _ => {
                    // Whoever has more to hear has not ended.
                    if self.pass_on(desk, &mut talk)? {
                        said.clear();
                        undone = 0;
                        continue;
                    }
                    said.push_str(&text);
                    return Ok(if said.trim().is_empty() { last_words } else { said });
                }
            }
        }
    }

    /// Runs an answer's tool calls: those of the agent's own in order, then all delegations at once.
    async fn run_calls(
        &self,
        desk: &Desk<'_>,
        own: &BTreeSet<Tool>,
        calls: Vec<Call>,
        cut: bool,
    ) -> Result<Vec<Block>, Fell> {
        let mut outcomes: Vec<Option<Block>> = Vec::new();
        let mut delegations = Vec::new();
        for (index, call) in calls.into_iter().enumerate() {
            let tool = Tool::named(&call.name).filter(|tool| own.contains(tool));
            if index < MAX_CALLS && tool == Some(Tool::Delegate) && call.input.is_ok() {
                delegations.push((index, call));
                outcomes.push(None);
                continue;
            }
            let done = if index < MAX_CALLS { self.run_call(desk, tool, &call, cut).await? } else { too_many() };
            outcomes.push(Some(call.outcome(done)));
        }
        for (index, outcome) in self.delegate_all(desk, delegations).await? {
            outcomes[index] = Some(outcome);
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    async fn run_call(&self, desk: &Desk<'_>, tool: Option<Tool>, call: &Call, cut: bool) -> Result<Done, Fell> {
        if self.halt.is_cancelled() {
            return Err(Fell::Stopped);
        }
        let known = tool.filter(|_| call.input.is_ok());
        let refused = match (known, &call.input) {
            (Some(tool), Ok(input)) if tool.is_gated() => self.let_pass(desk, tool, &call.id, input).await?,
            _ => None,
        };
        let known = known.filter(|_| refused.is_none());
        if known.is_some_and(Tool::has_effects) {
            self.ready(desk).await?;
        }
        let id = self.brief.ids.next_call();
        let name = tool.map_or_else(|| one_line(&call.name, 60), |tool| tool.name().to_owned());
        let null = Value::Null;
        let input = call.input.as_ref().unwrap_or(&null);
        desk.voice.emit(EventBody::ToolStarted {
            call: id.clone(),
            tool: name.clone(),
            subject: tool.map(|tool| tool.subject(input)).unwrap_or_default(),
            input: kept(input),
        })?;
        if known.is_some_and(Tool::has_effects) {
            // The start is on disk before the effect is: what a crash interrupts is never missing.
            self.host.before_effect()?;
        }
        let began = Instant::now();
        let done = match (tool, &call.input) {
            (None, _) => Done::failed(format!("There is no tool {name} here.")),
            (Some(_), Ok(_)) if refused.is_some() => Done::failed(refused.unwrap_or_default()),
            (Some(_), Err(text)) => broken(text, cut),
            (Some(Tool::AskFounder), Ok(input)) => match self.ask_founder(desk, input).await {
                Ok(done) => done,
                Err(fell) => {
                    self.unanswered(desk, id, began.elapsed())?;
                    return Err(fell);
                }
            },
            (Some(tool), Ok(input)) => self.toolbox.run(tool, input, &self.halt, &|_| self.host.alive()).await,
        };
        desk.changed(done.change.iter().map(|change| change.path.clone()));
        desk.voice.emit(EventBody::ToolFinished {
            call: id,
            tool: name,
            ok: done.ok,
            summary: done.summary.clone(),
            output: clip(&done.output, MAX_EVENT_OUTPUT_BYTES).into_owned(),
            change: done.change.clone(),
            duration_ms: millis(began.elapsed()),
        })?;
        if self.halt.is_cancelled() {
            return Err(Fell::Stopped);
        }
        Ok(done)
    }

    /// Whether a tool may be used so, asking the founder where that has to be; why not, where it may not.
    async fn let_pass(&self, desk: &Desk<'_>, tool: Tool, call: &str, input: &Value) -> Result<Option<String>, Fell> {
        let intent = self.gate.intent(tool.name(), input);
        // Nobody is asked about what the tool refuses anyway.
        if intent.act == Act::WriteElsewhere {
            return Ok(None);
        }
        let (agent, span) = (desk.agent, desk.voice.span);
        let leave = if desk.model.wants_leave(call) {
            self.gate.asked(self.host, agent, span, intent, Ground::Autonomy, &self.halt).await
        } else {
            self.gate.leave(self.host, agent, span, intent, &self.halt).await
        };
        match leave.map_err(Fell::run)? {
            Leave::Granted => Ok(None),
            Leave::Refused(why) => Ok(Some(why)),
            Leave::Stopped => Err(Fell::Stopped),
        }
    }

    /// A question that nobody answered, since the run ends.
    fn unanswered(&self, desk: &Desk<'_>, call: String, took: Duration) -> Result<(), Error> {
        desk.voice.emit(EventBody::ToolFinished {
            call,
            tool: Tool::AskFounder.name().into(),
            ok: false,
            summary: "no answer".into(),
            output: String::new(),
            change: None,
            duration_ms: millis(took),
        })
    }

    /// A call to delegate that cannot be one, as a tool call that failed.
    pub(crate) fn refuse_call(&self, desk: &Desk<'_>, call: &Call, why: String) -> Result<Done, Fell> {
        let id = self.brief.ids.next_call();
        let tool = Tool::Delegate;
        let null = Value::Null;
        let input = call.input.as_ref().unwrap_or(&null);
        let done = Done::failed(why);
        desk.voice.emit(EventBody::ToolStarted {
            call: id.clone(),
            tool: tool.name().into(),
            subject: tool.subject(input),
            input: kept(input),
        })?;
        desk.voice.emit(EventBody::ToolFinished {
            call: id,
            tool: tool.name().into(),
            ok: false,
            summary: done.summary.clone(),
            output: clip(&done.output, MAX_EVENT_OUTPUT_BYTES).into_owned(),
            change: None,
            duration_ms: 0,
        })?;
        Ok(done)
    }
}

/// What a call may take at most.
pub(crate) fn worst(asked: &dyn Model, model: &Resolved, request: &Request<'_>) -> Worst {
    let (input, output) = (asked.input_tokens(request), i64::from(request.max_tokens));
    Worst { usd: model.price.worst(input, output), tokens: input.saturating_add(output) }
}

/// What an agent is told before it begins.
fn prompt(request: &Request<'_>) -> EventBody {
    let kept = |text: &str| clip(text, MAX_EVENT_TEXT_BYTES).into_owned();
    let message = request.messages.last().map(|message| words(&message.blocks)).unwrap_or_default();
    EventBody::Prompt {
        model: request.model.to_owned(),
        system: kept(request.system),
        message: kept(&message),
        tools: request.tools.iter().map(|tool| tool.name.to_owned()).collect(),
    }
}

/// An answer's calls, as far as it matters whether they lead anywhere.
fn made(own: &BTreeSet<Tool>, calls: &[Call]) -> Vec<Made> {
    let null = Value::Null;
    let made = calls.iter().map(|call| {
        let input = call.input.as_ref().unwrap_or(&null);
        let tool = Tool::named(&call.name).filter(|tool| own.contains(tool));
        let about = tool.map(|tool| tool.subject(input)).unwrap_or_default();
        let aim = match tool {
            Some(Tool::Delegate) => Aim::HandOut(about.clone()),
            Some(tool) if tool.has_effects() => Aim::Effect,
            _ => Aim::Look,
        };
        Made::new(aim, &one_line(&call.name, 60), &about, input)
    });
    made.collect()
}

fn result(block: &Block) -> &str {
    match block {
        Block::Outcome { text, .. } => text,
        _ => "",
    }
}

fn words(blocks: &[Block]) -> String {
    let texts = blocks.iter().filter_map(|block| match block {
        Block::Text(text) if !text.trim().is_empty() => Some(text.as_str()),
        _ => None,
    });
    clip(&texts.collect::<Vec<_>>().join("\n\n"), MAX_EVENT_TEXT_BYTES).into_owned()
}

fn calls(blocks: &[Block]) -> Vec<Call> {
    let calls = blocks.iter().filter_map(|block| match block {
        Block::Call { id, name, input } => Some(Call { id: id.clone(), name: name.clone(), input: input.clone() }),
        _ => None,
    });
    calls.collect()
}

/// A tool's input as an event keeps it.
pub(crate) fn kept(input: &Value) -> Value {
    let cut = shown(input, 0);
    let text = cut.to_string();
    if text.len() > MAX_INPUT { Value::String(clip(&text, MAX_INPUT).into_owned()) } else { cut }
}

/// A value with long texts and lists cut.
fn shown(input: &Value, depth: usize) -> Value {
    match input {
        Value::String(text) => Value::String(clip(text, MAX_INPUT_TEXT).into_owned()),
        Value::Array(_) | Value::Object(_) if depth >= 3 => Value::String("…".into()),
        Value::Array(items) => items.iter().take(MAX_INPUT_PARTS).map(|item| shown(item, depth + 1)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().take(MAX_INPUT_PARTS);
            fields.map(|(key, item)| (one_line(key, 60), shown(item, depth + 1))).collect()
        }
        other => other.clone(),
    }
}

fn broken(text: &str, cut: bool) -> Done {
    let why = match serde_json::from_str::<Value>(text) {
        Err(error) => error.to_string(),
        Ok(_) => "not an object".to_owned(),
    };
    Done::failed(if cut {
        "The call was cut at the limit of an answer's length, and not made. Do it in smaller parts.".to_owned()
    } else {
        format!("The input is not valid JSON ({why}), and the call was not made. Make it again.")
    })
}

fn too_many() -> Done {
    Done::failed(format!("Only {MAX_CALLS} calls of one answer are made. Make this one again."))
}

pub(crate) fn out_of_turns(desk: &Desk<'_>, limit: u32) -> Error {
    let what = format!("{} reached its limit of {limit} turns.", desk.agent.name);
    if desk.depth > 0 {
        return Error::new(ErrorCode::RUN_TURNS, what, "Give it smaller tasks, then send it again.");
    }
    let fix = "Split the work into smaller briefs, or allow more turns with `aicib settings set run_turns N` (0 for no \
               limit); then restart the job.";
    Error::new(ErrorCode::RUN_TURNS, what, fix).with(json!({ "setting": "run_turns" }))
}

fn declined(desk: &Desk<'_>, stop: &StopReason) -> Error {
    let (what, fix) = match stop {
        StopReason::Full => ("has more to read than its model can hold", "Split the work into smaller briefs."),
        _ => ("was refused an answer by its model", "Say it in other words, then send it again."),
    };
    Error::new(ErrorCode::PROVIDER_REFUSED, format!("{} {what}.", desk.agent.name), fix)
}
