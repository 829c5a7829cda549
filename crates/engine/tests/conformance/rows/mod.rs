//! The rows: what every engine has to do, or say why it does not.

mod limits;
mod mischief;
mod mixed;
mod outages;
mod permissions;
mod stops;
mod work;

use std::pin::Pin;

use contract::EngineKind;

use crate::engines::Under;
use crate::trial::Trial;

/// A behaviour.
pub struct Row {
    pub name: &'static str,
    /// Why an engine has no such thing; none where it has.
    pub lacks: fn(&Under) -> Option<&'static str>,
    pub play: fn(Trial) -> Pin<Box<dyn Future<Output = ()>>>,
}

/// All of them, in the order of the table.
pub const ALL: &[Row] = &[
    row("plain answer", nothing, |trial| Box::pin(work::plain_answer(trial))),
    row("tools", nothing, |trial| Box::pin(work::tools(trial))),
    row("delegation", nothing, |trial| Box::pin(work::delegation(trial))),
    row("delegation to another engine", no_program, |trial| Box::pin(mixed::to_another(trial))),
    row("delegation from another engine", no_program, |trial| Box::pin(mixed::from_another(trial))),
    row("a question to the founder", nothing, |trial| Box::pin(work::question(trial))),
    row("follow-up", practice, |trial| Box::pin(work::follow_up(trial))),
    row("resume", practice, |trial| Box::pin(work::resume(trial))),
    row("resume of a lost conversation", no_program, |trial| Box::pin(work::lost(trial))),
    row("leave to act: allowed", practice, |trial| Box::pin(permissions::allowed(trial))),
    row("leave to act: denied", practice, |trial| Box::pin(permissions::denied(trial))),
    row("cancel in a tool", practice, |trial| Box::pin(stops::in_a_tool(trial))),
    row("cancel in an answer", nothing, |trial| Box::pin(stops::in_an_answer(trial))),
    row("cancel at a question", practice, |trial| Box::pin(stops::at_a_question(trial))),
    row("provider: 401", no_provider, |trial| Box::pin(outages::refused_key(trial))),
    row("provider: 400", no_provider, |trial| Box::pin(outages::refused_request(trial))),
    row("provider: 429", no_provider, |trial| Box::pin(outages::rate_limit(trial))),
    row("provider: 529", no_provider, |trial| Box::pin(outages::overload(trial))),
    row("provider: stream cut", no_provider, |trial| Box::pin(outages::cut(trial))),
    row("budget end", no_cost_in_mid_turn, |trial| Box::pin(limits::budget(trial))),
    row("turn end", practice, |trial| Box::pin(limits::turns(trial))),
    row("kill -9 of the engine", no_program, |trial| Box::pin(mischief::killed(trial))),
    row("silence", practice, |trial| Box::pin(mischief::silence(trial))),
    row("garbage on stdout", scripted, |trial| Box::pin(mischief::garbage(trial))),
    row("a line of 20 MB on stdout", scripted, |trial| Box::pin(mischief::long_line(trial))),
    row("2 GB on stderr", scripted, |trial| Box::pin(mischief::flood(trial))),
    row("a process that hides", no_program, |trial| Box::pin(mischief::stray(trial))),
    row("a program that does not end", scripted, |trial| Box::pin(mischief::deaf(trial))),
];

const fn row(
    name: &'static str,
    lacks: fn(&Under) -> Option<&'static str>,
    play: fn(Trial) -> Pin<Box<dyn Future<Output = ()>>>,
) -> Row {
    Row { name, lacks, play }
}

fn nothing(_: &Under) -> Option<&'static str> {
    None
}

fn practice(engine: &Under) -> Option<&'static str> {
    engine.is_practice().then_some("Practice plays a piece of its own, by no script.")
}

fn no_provider(engine: &Under) -> Option<&'static str> {
    engine.is_practice().then_some("Practice has no provider and costs nothing.")
}

fn no_program(engine: &Under) -> Option<&'static str> {
    (!engine.is_program()).then_some("There is no program: it is played in the worker itself.")
}

fn no_cost_in_mid_turn(engine: &Under) -> Option<&'static str> {
    if engine.kind == EngineKind::Acp && !engine.is_keyed {
        return Some("With its own login it says what it has cost when a turn is over: a limit is held between turns.");
    }
    no_provider(engine)
}

/// What no well-behaved program does: only the stand-in can be told to.
fn scripted(engine: &Under) -> Option<&'static str> {
    if engine.is_real() {
        return Some("The real program cannot be told to; the stand-in is.");
    }
    no_program(engine)
}
