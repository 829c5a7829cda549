//! What a conversation waits for beside the program itself: the founder's leave, tools of ours, money.

use std::pin::pin;
use std::time::Duration;

use contract::{Act, Decision, EngineKind, Error, ErrorCode, EventBody, LeaseId, Money, Time, WaitReason, one_line};
use serde_json::Value;
use tokio::sync::oneshot;

use super::money::{LEAST, SLICE, usage_event};
use super::stage::{BrokenOff, Stage, is_ours};
use crate::agent_loop::Call;
use crate::bridge::{BridgeCall, Metered, ToolReply};
use crate::calls::Worst;
use crate::gate::{Intent, Leave};
use crate::model::{Block, Request};
use crate::play::{Desk, Fell, Play};
use crate::refusal::is_limit;
use crate::tools::Tool;

/// What came of an errand.
pub(super) enum Errand {
    /// Whether a tool call of the program's may happen.
    Asked { id: String, leave: Result<Leave, Fell> },
    /// A slice was set aside; or a limit is in the way.
    Slice(Result<(Option<LeaseId>, Money), Fell>, Option<Error>),
    /// Something whose answer has gone where it belongs.
    Done(Result<(), Fell>),
}

impl<'a> Stage<'a> {
    /// The program wants leave for a tool call.
    pub fn asks(&mut self, id: String, tool: &str, input: &Value, parent: Option<&str>) {
        let (play, desk) = (self.play, self.desk);
        if is_ours(tool, Tool::AskFounder.name()) || is_ours(tool, Tool::Delegate.name()) {
            // The bridge has them, and what they do passes the gate there.
            let leave = Ok(Leave::Granted);
            self.errands.push(Box::pin(async { Errand::Asked { id, leave } }));
            return;
        }
        if Tool::named(tool) == Some(Tool::Delegate) {
            let leave = Ok(self.may_hand_to(input));
            self.errands.push(Box::pin(async { Errand::Asked { id, leave } }));
            return;
        }
        if !self.spans.knows(parent) {
            // It must not be judged as somebody who may more.
            let why = "It is not known which agent asks for this, so nobody can say whether it may.".to_owned();
            self.errands.push(Box::pin(async { Errand::Asked { id, leave: Ok(Leave::Refused(why)) } }));
            return;
        }
        let (role, span) = self.spans.who(desk, parent);
        let agent = play.brief.company.agent(role).unwrap_or(desk.agent);
        let intent = play.gate.intent(tool, input);
        if let Some(own) = needs(tool, &intent).filter(|own| !has(agent, *own)) {
            let why = format!("You do not have the tool {}: your file's `tools` do not name it.", own.name());
            self.errands.push(Box::pin(async { Errand::Asked { id, leave: Ok(Leave::Refused(why)) } }));
            return;
        }
        let span = span.map(str::to_owned);
        self.errands.push(Box::pin(async move {
            let leave = leave(play, desk, agent, span.as_deref(), intent).await;
            Errand::Asked { id, leave }
        }));
    }

    /// Whether the program may hand work to an agent of its own: those that it was told of, and no others.
    fn may_hand_to(&self, input: &Value) -> Leave {
        let to = input["subagent_type"].as_str().unwrap_or_default().trim();
        if self.ground.reports.iter().any(|report| report.role == to) {
            return Leave::Granted;
        }
        let roles: Vec<_> = self.ground.reports.iter().map(|report| report.role.as_str()).collect();
        Leave::Refused(format!("{} is none of your reports: {}.", one_line(to, 60), roles.join(", ")))
    }

    /// The program asks for something at the bridge.
    pub fn called(&mut self, call: BridgeCall) -> Result<(), Fell> {
        let (play, desk) = (self.play, self.desk);
        match call {
            BridgeCall::Tool { name, input, reply } => {
                self.errands.push(Box::pin(async move { Errand::Done(tool(play, desk, &name, input, reply).await) }));
            }
            BridgeCall::Lease { model, worst, tokens, reply } => {
                let worst = Worst { usd: worst, tokens };
                self.errands.push(Box::pin(async move { Errand::Done(lease(play, desk, &model, worst, reply).await) }));
            }
            BridgeCall::Used(metered) => self.metered(metered)?,
            BridgeCall::Unused(lease) => {
                self.errands.push(Box::pin(async move {
                    play.host.lease_return(lease).await;
                    Errand::Done(Ok(()))
                }));
            }
            BridgeCall::Refused { error, after } => {
                self.tries_again(&error, after)?;
                self.refused = Some((error, after));
            }
        }
        Ok(())
    }

    /// A program tries a refused call again by itself. Only Claude Code says so each time: it is told in others' place.
    fn tries_again(&mut self, error: &Error, after: Option<Duration>) -> Result<(), Error> {
        if self.spec.kind == EngineKind::ClaudeCode || !error.retryable || self.waiting.is_some() {
            return Ok(());
        }
        let reason = match error.code == ErrorCode::PROVIDER_RATE_LIMIT {
            true => WaitReason::RateLimit,
            false => WaitReason::Provider,
        };
        let after = after.and_then(|after| i64::try_from(after.as_millis()).ok());
        let until = after.map(|after| Time(Time::now().0.saturating_add(after)));
        self.waiting = Some(reason);
        self.desk.voice.emit(EventBody::Waiting { reason, detail: error.message.clone(), until, over: false })
    }

    /// Books a call that went through the bridge.
    pub fn metered(&mut self, metered: Metered) -> Result<(), Error> {
        let Metered { model, usage, cost, basis, started_at, lease } = metered;
        self.desk.spend(cost);
        self.play.spend(cost);
        // What was refused for good stays so, whatever else the program asks beside it.
        self.refused = self.refused.take().filter(|(error, _)| !error.retryable);
        self.calls_of_turn += i64::from(!self.manners.hands_out);
        let body: EventBody = usage_event(&model, usage, cost, basis, started_at, lease);
        self.desk.voice.emit(body)
    }

    /// Does what follows from an errand that is done.
    pub async fn done(&mut self, errand: Errand) -> Result<(), Fell> {
        match errand {
            Errand::Done(done) => done,
            Errand::Asked { id, leave } => {
                let decision = match leave? {
                    Leave::Granted => Decision::allow(None),
                    Leave::Refused(why) => Decision::deny(&why),
                    Leave::Stopped => return Err(Fell::Stopped),
                };
                if let Some(talk) = &mut self.talk
                    && let Err(error) = talk.answer(&id, &decision).await
                {
                    tracing::debug!(%error, "a program was not there to be answered");
                }
                Ok(())
            }
            Errand::Slice(fetched, refused) => {
                self.is_fetching = false;
                if let Some(refused) = refused {
                    return self.interrupt(BrokenOff::Limit(Box::new(refused))).await;
                }
                let (lease, amount) = fetched?;
                self.purse.put(lease, amount);
                Ok(())
            }
        }
    }

    /// Has the next slice set aside where the last is used up, while the program works on.
    pub fn fetch(&mut self) {
        if !self.pays_itself() || self.is_fetching || !self.purse.is_spent() {
            return;
        }
        self.is_fetching = true;
        let (play, desk, model) = (self.play, self.desk, self.ground.model_name(self.spec));
        self.errands.push(Box::pin(async move {
            match slice(play, desk, &model).await {
                Ok(Ok(fetched)) => Errand::Slice(Ok(fetched), None),
                Ok(Err(refused)) => Errand::Slice(Ok((None, Money::ZERO)), Some(refused)),
                Err(fell) => Errand::Slice(Err(fell), None),
            }
        }));
    }

    /// Sets money aside before a turn; where a limit is in the way, the founder is asked.
    pub async fn cover(&mut self) -> Result<(), Fell> {
        if !self.pays_itself() || !self.purse.is_spent() {
            return Ok(());
        }
        match slice(self.play, self.desk, &self.ground.model_name(self.spec)).await? {
            Ok((lease, amount)) => self.purse.put(lease, amount),
            Err(refused) => self.founder_raises(refused).await?,
        }
        Ok(())
    }

    /// A limit does not cover the next slice: waits until it does, or the founder ends it.
    pub async fn founder_raises(&mut self, refused: Error) -> Result<(), Fell> {
        let model = self.ground.model_name(self.spec);
        let worst = Worst { usd: SLICE, tokens: 0 };
        let lease = self.play.at_limit(self.desk, &request(self.desk, &model), worst, refused).await?;
        self.purse.put(lease, SLICE);
        Ok(())
    }

    /// Books what is left to book, and gives back what was set aside and not used.
    pub async fn settle(&mut self) -> Result<(), Error> {
        if let (Some(bridge), Some(mut calls)) = (self.bridge.take(), self.calls.take()) {
            // Calls in flight come to their end with the program; what they used is still told.
            let mut closing = pin!(bridge.close());
            let mut is_closed = false;
            loop {
                let call = tokio::select! {
                    biased;
                    call = calls.recv() => call,
                    () = &mut closing, if !is_closed => {
                        is_closed = true;
                        continue;
                    }
                    () = std::future::ready(()), if is_closed => None,
                };
                match call {
                    Some(BridgeCall::Used(metered)) => self.metered(metered)?,
                    Some(BridgeCall::Unused(lease)) => self.play.host.lease_return(lease).await,
                    Some(BridgeCall::Tool { .. } | BridgeCall::Lease { .. } | BridgeCall::Refused { .. }) => {}
                    None => break,
                }
            }
        }
        let booked = self.purse.left_over((self.play, self.desk, &self.spans));
        for lease in self.purse.leases() {
            self.play.host.lease_return(lease).await;
        }
        booked
    }
}

/// Whether the agent may make a call. It is on disk that it was told so before it can have an effect.
async fn leave(
    play: &Play<'_>,
    desk: &Desk<'_>,
    agent: &company::AgentFile,
    span: Option<&str>,
    intent: Intent,
) -> Result<Leave, Fell> {
    let has_effects = intent.act != Act::Read;
    let leave = play.gate.leave(play.host, agent, span, intent, &play.halt).await?;
    if leave == Leave::Granted && has_effects {
        play.ready(desk).await?;
        play.host.before_effect()?;
    }
    Ok(leave)
}

/// Which of our tools a call stands for, whatever its program calls it (`execute`, `file_change`).
fn needs(tool: &str, intent: &Intent) -> Option<Tool> {
    let by_act = match intent.act {
        _ if intent.is_command => Some(Tool::Bash),
        Act::Write | Act::WriteElsewhere => Some(Tool::Edit),
        _ => None,
    };
    Tool::named(tool).or(by_act)
}

/// Whether an agent's file gives it a tool. All agents of a program share one list of tools there.
fn has(agent: &company::AgentFile, tool: Tool) -> bool {
    let named = |name: &str| agent.tools.iter().any(|own| own.eq_ignore_ascii_case(name));
    match tool {
        // Looking for files is one tool there and two here; who writes files whole may change them.
        Tool::Glob => named("Glob") || named("List"),
        Tool::Edit => named("Edit") || named("Write"),
        tool => named(tool.name()),
    }
}

/// A tool of ours, called over the bridge.
async fn tool(
    play: &Play<'_>,
    desk: &Desk<'_>,
    name: &str,
    input: Value,
    reply: oneshot::Sender<ToolReply>,
) -> Result<(), Fell> {
    let told = match Tool::named(name) {
        Some(Tool::AskFounder) => {
            let done = play.ask_founder(desk, &input).await?;
            ToolReply { ok: done.ok, text: done.output }
        }
        Some(Tool::Delegate) => {
            let call = Call { id: play.brief.ids.next_call(), name: name.to_owned(), input: Ok(input) };
            // Boxed, since it may come back here for an agent below.
            let outcomes = Box::pin(play.delegate_all(desk, vec![(0, call)])).await?;
            match outcomes.into_iter().next() {
                Some((_, Block::Outcome { ok, text, .. })) => ToolReply { ok, text },
                _ => ToolReply { ok: false, text: "It came to nothing.".into() },
            }
        }
        _ => ToolReply { ok: false, text: "There is no such tool.".into() },
    };
    // One that waits no more was ended meanwhile, or ran out of patience.
    let _ = reply.send(told);
    Ok(())
}

/// Sets aside what a call through the bridge may cost at most.
async fn lease(
    play: &Play<'_>,
    desk: &Desk<'_>,
    model: &str,
    worst: Worst,
    reply: oneshot::Sender<Result<Option<LeaseId>, Error>>,
) -> Result<(), Fell> {
    play.ready(desk).await?;
    let request = request(desk, model);
    let leased = match play.leased(desk, &request, worst).await? {
        Err(error) if is_limit(&error) => match play.at_limit(desk, &request, worst, error).await {
            Ok(lease) => Ok(lease),
            Err(Fell::Run(error)) => {
                let _ = reply.send(Err((*error).clone()));
                return Err(Fell::Run(error));
            }
            Err(fell) => return Err(fell),
        },
        leased => leased,
    };
    if let Err(Ok(Some(lease))) = reply.send(leased) {
        play.host.lease_return(lease).await;
    }
    Ok(())
}

/// Sets a slice aside, or what is left of the limit in the way.
async fn slice(play: &Play<'_>, desk: &Desk<'_>, model: &str) -> Result<Result<(Option<LeaseId>, Money), Error>, Fell> {
    let request = request(desk, model);
    let refused = match play.leased(desk, &request, Worst { usd: SLICE, tokens: 0 }).await? {
        Ok(lease) => return Ok(Ok((lease, SLICE))),
        Err(refused) => refused,
    };
    if !is_limit(&refused) {
        return Err(Fell::run(refused));
    }
    let data = refused.data.as_ref();
    let money = |name: &str| data.and_then(|data| serde_json::from_value::<Money>(data[name].clone()).ok());
    let (Some(limit), Some(spent)) = (money("limit_usd"), money("spent_usd")) else { return Ok(Err(refused)) };
    let rest = limit - spent;
    if rest < LEAST || rest >= SLICE {
        return Ok(Err(refused));
    }
    match play.leased(desk, &request, Worst { usd: rest, tokens: 0 }).await? {
        Ok(lease) => Ok(Ok((lease, rest))),
        Err(error) if is_limit(&error) => Ok(Err(refused)),
        Err(error) => Err(Fell::run(error)),
    }
}

/// What a lease is asked for, in the words of our own loop.
fn request<'r>(desk: &'r Desk<'_>, model: &'r str) -> Request<'r> {
    Request { role: &desk.agent.role, model, system: "", tools: &[], messages: &[], turn: 0, max_tokens: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_of_the_file_is_needed_whatever_a_program_calls_it() {
        let folder = tempfile::tempdir().unwrap();
        let of = |tool: &str, input: Value| {
            let intent = crate::gate::Intent::of(tool, &input, &[folder.path()]);
            needs(tool, &intent)
        };
        for tool in ["Bash", "execute", "command_execution", "whatever"] {
            assert_eq!(of(tool, serde_json::json!({ "command": "ls" })), Some(Tool::Bash), "{tool}");
        }
        for tool in ["edit", "file_change", "delete", "move"] {
            assert_eq!(of(tool, serde_json::json!({ "path": "a.md" })), Some(Tool::Edit), "{tool}");
        }
        assert_eq!(of("Read", serde_json::json!({ "file_path": "a.md" })), Some(Tool::Read));
        assert_eq!(of("think", Value::Null), None);
    }
}
