//! `aicib engines`: what can do the work on this machine.

use contract::{
    ACP_AGENTS, Confined, Empty, EngineInfo, EngineList, EngineTrial, EngineTryParams, Login, Support,
    engine_from_name, methods,
};

use crate::args::EngineCommand;
use crate::context::{Context, Sheet};
use crate::facts::basis;
use crate::failure::{EXIT_FAILED, Failure, Outcome};
use crate::out::{Ink, aside};
use crate::text::{columns, fit, length, line, pad, wrap};

/// Columns of a version, at most.
const VERSION_COLUMNS: usize = 16;

/// Lists engines, or tries one.
pub(crate) async fn engines(context: &mut Context, command: Option<EngineCommand>) -> Outcome {
    match command {
        None | Some(EngineCommand::List) => list(context).await,
        Some(EngineCommand::Try { engine, model }) => try_one(context, engine, model).await,
    }
}

async fn list(context: &mut Context) -> Outcome {
    let list = context.daemon().await?.call::<methods::EngineListAll>(Empty {}).await?;
    if context.out.json {
        return Ok(context.out.value(&list)?);
    }
    for row in engine_lines(&list, &context.sheet()) {
        context.out.line(&row)?;
    }
    Ok(())
}

async fn try_one(context: &mut Context, engine: String, model: Option<String>) -> Outcome {
    if engine_from_name(&engine).is_none() {
        return Err(Failure::usage(unknown_engine(&engine)));
    }
    let daemon = context.daemon().await?;
    if !context.out.json {
        aside("It is asked one short question, which costs a cent at most…");
    }
    let trial = daemon.call_at_length::<methods::EngineTry>(EngineTryParams { engine, model }).await?;
    if context.out.json {
        context.out.value(&trial)?;
    } else {
        for row in trial_lines(&trial, &context.sheet()) {
            context.out.line(&row)?;
        }
    }
    context.out.flush()?;
    if trial.ok { Ok(()) } else { Err(Failure::Exit(EXIT_FAILED)) }
}

/// Engines as a table; how each stands, and what to do, is below it.
pub(crate) fn engine_lines(list: &EngineList, sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let width = list.engines.iter().map(|engine| columns(&line(&engine.engine, 24))).max().unwrap_or(0);
    let mut lines = Vec::new();
    for engine in &list.engines {
        let (mark, ink) = if engine.ready { ("✓", Ink::Green) } else { ("-", Ink::Dim) };
        let name = pad(&line(&engine.engine, 24), width);
        let mut facts = vec![fit(&engine.label, 32)];
        facts.extend(engine.version.as_deref().map(|version| fit(version, VERSION_COLUMNS)));
        facts.extend(standing(engine));
        lines.push(format!("{} {}  {}", paint.ink(ink, mark), paint.ink(Ink::Bold, &name), facts.join(" · ")));
        let below = [&engine.detail, &engine.fix].into_iter().filter(|text| !text.is_empty());
        lines.extend(below.flat_map(|text| wrap(&line(text, 1000), sheet.left(4))).map(|text| format!("    {text}")));
        if let Some(program) = &engine.program {
            lines.push(paint.ink(Ink::Dim, &format!("    {}", line(program, 400))));
        }
    }
    let confinement = &list.confinement;
    let (word, ink) = match confinement.level {
        Confined::Full => ("confined", Ink::Green),
        Confined::Partly => ("confined in part", Ink::Yellow),
        Confined::No => ("not confined", Ink::Red),
    };
    lines.push(String::new());
    lines.push(format!("Commands and agents' programs are {}.", paint.ink(ink, word)));
    let detail = Some(&confinement.detail).filter(|_| confinement.level != Confined::Full);
    let below = detail.into_iter().chain([&confinement.fix]).filter(|text| !text.is_empty());
    lines.extend(below.flat_map(|text| wrap(&line(text, 1000), sheet.left(4))).map(|text| format!("    {text}")));
    lines
}

/// What is said of an engine that there is not; `gemini` is likely to mean `acp:gemini`.
pub(crate) fn unknown_engine(typed: &str) -> String {
    let meant = match typed {
        "claude" => " Do you mean claude-code?".to_owned(),
        _ => ACP_AGENTS
            .iter()
            .find(|agent| agent.id == typed)
            .map_or_else(String::new, |agent| format!(" Do you mean acp:{}?", agent.id)),
    };
    format!("There is no engine {:?}.{meant} `aicib engines` shows which there are.", line(typed, 80))
}

/// What is known of a version, a login and a key, in a word or two each.
fn standing(engine: &EngineInfo) -> Vec<String> {
    let support = engine.support.map(|support| match support {
        Support::Tested => "tested",
        Support::Untested => "version not tried",
        Support::TooOld => "too old",
    });
    let login = match engine.login {
        Login::In => Some("logged in"),
        Login::Out => Some("not logged in"),
        Login::Unknown | Login::None => None,
    };
    let key = engine.key.then_some("key stored");
    support.into_iter().chain(login).chain(key).map(str::to_owned).collect()
}

/// What came of a trial.
pub(crate) fn trial_lines(trial: &EngineTrial, sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let cost = format!("{} {}", trial.cost_usd, basis(trial.basis));
    let mut facts = vec![length(trial.duration_ms), cost];
    if !trial.model.is_empty() {
        facts.insert(0, line(&trial.model, 60));
    }
    let facts = facts.join(" · ");
    let mut lines = match trial.ok {
        true => vec![format!("{} It answers: “{}”", paint.ink(Ink::Green, "✓"), line(&trial.text, 200))],
        false => vec![format!("{} It does not answer.", paint.ink(Ink::Red, "✗"))],
    };
    lines.extend(trial.error.as_ref().map(|error| paint.ink(Ink::Red, &line(&error.to_string(), 1000))));
    // Where nothing was asked, there is nothing to tell of it.
    if trial.ok || trial.duration_ms > 0 {
        lines.push(paint.ink(Ink::Dim, &facts));
    }
    lines
}
