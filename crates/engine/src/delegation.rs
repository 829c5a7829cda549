//! Work that one agent gives to others, and what comes back.

use std::time::Instant;

use contract::{EventBody, clip, one_line};
use futures_util::{StreamExt, stream};
use serde::Deserialize;

use crate::agent_loop::Call;
use crate::calls::millis;
use crate::conversation::Conversation;
use crate::memory::About;
use crate::model::Block;
use crate::play::{Desk, Fell, Play, Seat};
use crate::programs::{self, Mute};
use crate::share;
use crate::tools::{Done, parse};

/// How many levels work is handed down: from the CEO to heads, from heads to workers, and no further.
pub(crate) const MAX_DEPTH: usize = 2;
/// Delegations of one agent at the same time.
const AT_ONCE: usize = 8;
/// Bytes of a task.
const MAX_TASK: usize = 64 * 1024;
/// Characters of a report's line in the event.
const SUMMARY_CHARS: usize = 200;

#[derive(Deserialize)]
struct DelegateInput {
    #[serde(alias = "agent", alias = "role", alias = "subagent_type")]
    to: String,
    #[serde(alias = "prompt")]
    task: String,
}

/// A delegation that is going to happen.
struct Order<'a> {
    index: usize,
    call: Call,
    /// The number of the delegation, which is that of its conversation too.
    number: u32,
    agent: &'a company::AgentFile,
    task: String,
}

impl Play<'_> {
    /// Hands out work and waits for all of it. What is no delegation comes back as a failed tool call.
    pub(crate) async fn delegate_all(
        &self,
        desk: &Desk<'_>,
        calls: Vec<(usize, Call)>,
    ) -> Result<Vec<(usize, Block)>, Fell> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        if self.halt.is_cancelled() {
            return Err(Fell::Stopped);
        }
        let mut outcomes = Vec::new();
        let mut orders = Vec::new();
        for (index, call) in calls {
            match self.order(desk, &call) {
                Ok((agent, task)) => {
                    orders.push(Order { index, call, number: self.brief.ids.next_span(), agent, task })
                }
                Err(why) => {
                    let done = self.refuse_call(desk, &call, why)?;
                    outcomes.push((index, call.outcome(done)));
                }
            }
        }
        if !orders.is_empty() {
            let roles = orders.iter().map(|order| order.agent.role.as_str());
            self.steps().handed_out(desk.depth == 0, roles);
            let names: Vec<_> = orders.iter().map(|order| order.agent.name.as_str()).collect();
            self.progress(format!("{} at work", one_line(&names.join(", "), 120)))?;
        }
        let share = share::budget(self.brief.limits.max_cost_usd, self.spent(), orders.len());
        // What ends the run ends the others in order, each with its events, before this returns.
        let orders: Vec<_> = orders
            .into_iter()
            .map(|order| async {
                let ended = self.delegate(desk, order, share.as_deref()).await;
                if let Err(Fell::Run(_)) = &ended {
                    self.halt.cancel();
                }
                ended
            })
            .collect();
        let ended: Vec<_> = stream::iter(orders).buffer_unordered(AT_ONCE).collect().await;
        let mut stopped = None;
        for outcome in ended {
            match outcome {
                Ok(outcome) => outcomes.push(outcome),
                Err(Fell::Stopped) => stopped = stopped.or(Some(Fell::Stopped)),
                Err(fell) => match stopped {
                    Some(Fell::Run(_)) => {}
                    _ => stopped = Some(fell),
                },
            }
        }
        match stopped {
            Some(fell) => Err(fell),
            None => Ok(outcomes),
        }
    }

    fn order(&self, desk: &Desk<'_>, call: &Call) -> Result<(&company::AgentFile, String), String> {
        let input = call.input.as_ref().map_err(Clone::clone)?;
        let DelegateInput { to, task } = parse(input).map_err(|error| error.to_string())?;
        if task.trim().is_empty() {
            return Err("The task is empty.".into());
        }
        let reports = self.brief.company.reports(&desk.agent.role);
        let to = to.trim();
        let found =
            reports.iter().find(|report| report.role.eq_ignore_ascii_case(to) || report.name.eq_ignore_ascii_case(to));
        let Some(agent) = found else {
            let roles: Vec<_> = reports.iter().map(|report| report.role.as_str()).collect();
            return Err(format!("{} is none of your reports: {}.", one_line(to, 60), roles.join(", ")));
        };
        Ok((agent, clip(&task, MAX_TASK).into_owned()))
    }

    /// Works on a task that was handed to the agent.
    async fn task(&self, below: &Desk<'_>, first: String, about: About) -> Result<String, Fell> {
        let mut talk = Conversation::new(&[], first);
        self.keep_from(below, &mut talk, Some(about))?;
        let mut turns = 0;
        self.work(below, talk, 0, &mut turns).await
    }

    async fn delegate(&self, desk: &Desk<'_>, order: Order<'_>, share: Option<&str>) -> Result<(usize, Block), Fell> {
        let Order { index, call, number, agent, task } = order;
        let span = format!("d{number}");
        if self.halt.is_cancelled() {
            return Err(Fell::Stopped);
        }
        let began = Instant::now();
        desk.voice.emit(EventBody::DelegationStarted {
            span: span.clone(),
            to: agent.role.clone(),
            task: task.clone(),
        })?;
        if desk.depth == 0 {
            self.steps().began(&span, &agent.role);
            self.stage_at_hand(&agent.name)?;
        }
        let seat = self.seat(&agent.role);
        let model = match seat {
            Ok(Seat::Model(model)) => model,
            _ => &Mute,
        };
        let below = Desk::new(self.host, agent, model, Some((&span, number)), desk.depth + 1);
        let mut first = company::prompt::task(&self.brief.company, &desk.agent.role, &task);
        if let Some(share) = share {
            first.push_str(&format!("\n\n{share}"));
        }
        // Boxed, since an agent below may delegate in turn.
        let ended = match seat {
            Ok(Seat::Model(_)) => {
                let about = About { role: agent.role.clone(), above: desk.number, call: call.id.clone() };
                Box::pin(self.task(&below, first, about)).await
            }
            Ok(Seat::Program(spec)) => Box::pin(programs::delegate(self, &below, spec, first)).await,
            Err(error) => Err(Fell::Agent(Box::new(error.clone()))),
        };
        let cost_usd = below.spent();
        desk.take_over(&below);
        let (ok, summary, result) = match ended {
            Ok(report) if report.trim().is_empty() => {
                (true, "no report".to_owned(), Ok("It ended without a report.".to_owned()))
            }
            Ok(report) => (true, one_line(&report, SUMMARY_CHARS), Ok(share::condensed(&report, &below.files()))),
            Err(Fell::Agent(error)) => {
                below.voice.emit(EventBody::Error { error: (*error).clone() })?;
                (false, one_line(&error.message, SUMMARY_CHARS), Ok(error.message.clone()))
            }
            Err(Fell::Stopped) => (false, "stopped".to_owned(), Err(Fell::Stopped)),
            Err(Fell::Run(error)) => (false, one_line(&error.message, SUMMARY_CHARS), Err(Fell::Run(error))),
        };
        desk.voice.emit(EventBody::DelegationFinished {
            span: span.clone(),
            to: agent.role.clone(),
            ok,
            summary: summary.clone(),
            duration_ms: millis(began.elapsed()),
            cost_usd,
        })?;
        if result.is_ok() {
            self.steps().ended(&span, ok);
            self.progress(format!("{}: {}", agent.name, if ok { "done" } else { "not done" }))?;
        }
        let output = result?;
        let done = if ok {
            Done::new(summary, output)
        } else {
            Done::failed(format!("{} could not do it: {output}", agent.name))
        };
        Ok((index, call.outcome(done)))
    }
}
