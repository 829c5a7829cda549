//! The engine of the next brief.

use company::{AgentFile, Company};
use contract::{EngineChoice, EngineKind, Error, ErrorCode, one_line};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::marks::Away;
use super::{Ground, Stand};
use crate::app::Daemon;
use crate::clis::Clis;

/// An engine that was chosen.
pub(super) struct Chosen {
    /// As it stands.
    pub stand: Stand,
    /// For which it stands in, and why.
    pub instead_of: Option<(String, Away)>,
    /// Its model, where it is not the agents' own.
    pub model: Option<String>,
}

/// The engine that a brief to an agent of the company's would run on.
///
/// # Errors
/// The database's.
pub async fn choose(daemon: &Daemon, company: &Company, role: &str) -> Result<EngineChoice, Error> {
    let ground = Ground::read(daemon).await?;
    Ok(match of_brief(&daemon.clis, &ground, company, role).await {
        Ok(chosen) => EngineChoice {
            kind: Some(chosen.stand.kind),
            agent: chosen.stand.agent.clone(),
            label: line(&chosen),
            is_fallback: chosen.instead_of.is_some(),
            problem: None,
        },
        Err(problem) => EngineChoice {
            kind: None,
            agent: String::new(),
            label: "No engine".into(),
            is_fallback: false,
            problem: Some(problem),
        },
    })
}

/// The brief's engine, if it and those of all others on the team are ready.
pub(super) async fn of_brief(clis: &Clis, ground: &Ground, company: &Company, role: &str) -> Result<Chosen, Error> {
    if is_practice(ground, company) {
        return chosen(clis, ground, company, None).await;
    }
    let own = chosen(clis, ground, company, company.agent(role)).await?;
    // Better to hear of it now than in mid-work.
    let others = company.team().filter(|agent| agent.role != role && !agent.engine.is_empty());
    for agent in others {
        chosen(clis, ground, company, Some(agent)).await.map_err(|error| Error {
            message: format!("{} works on an engine of its own. {}", agent.name, error.message),
            ..error
        })?;
    }
    Ok(own)
}

/// Whether the company only rehearses. Then nobody in it works on a real engine.
pub(super) fn is_practice(ground: &Ground, company: &Company) -> bool {
    ground.named(&company.config.engine) == EngineKind::Practice.name()
}

/// The engine of an agent: its own where it names one, else the company's; the fallback where that is away.
pub(super) async fn chosen(
    clis: &Clis,
    ground: &Ground,
    company: &Company,
    agent: Option<&AgentFile>,
) -> Result<Chosen, Error> {
    let config = &company.config;
    let own = agent.map(|agent| agent.engine.as_str()).filter(|engine| !engine.is_empty());
    let name = ground.named(own.unwrap_or(&config.engine));
    let Some(stand) = ground.stand(clis, name).await else { return Err(unknown(name)) };
    if let Some(away) = ground.marks.get(name)
        && !config.fallback.is_empty()
        && config.fallback != name
        && !ground.marks.contains_key(&config.fallback)
        && let Some(fallback) = ground.stand(clis, &config.fallback).await
    {
        let model = model(ground, company, agent, &fallback, Some(stand.kind));
        if fallback.problem.is_none() && has_model(&fallback, model.as_deref()) {
            return Ok(Chosen { stand: fallback, instead_of: Some((stand.label, away.clone())), model });
        }
    }
    if let Some(problem) = stand.problem {
        return Err(problem);
    }
    let model = model(ground, company, agent, &stand, None);
    if !has_model(&stand, model.as_deref()) {
        return Err(Error::new(
            ErrorCode::ENGINE_UNAVAILABLE,
            format!("The {} needs a model's name, and none is given.", stand.label),
            "Name one: `aicib config set engines.model NAME`, or `aicib settings set openai_model NAME` for all \
             companies.",
        ));
    }
    Ok(Chosen { stand, instead_of: None, model })
}

/// The model of an agent on an engine, where the engine's models are not Claude's: for those, the agents' own names are
/// not good. `instead_of`: the engine that this one stands in for, whose models it may not have.
pub(super) fn model(
    ground: &Ground,
    company: &Company,
    agent: Option<&AgentFile>,
    stand: &Stand,
    instead_of: Option<EngineKind>,
) -> Option<String> {
    if has_claude(stand.kind) {
        return None;
    }
    let given = [agent.map(|agent| &agent.engine_model), Some(&company.config.model)];
    let given = given.into_iter().flatten().find(|model| !model.is_empty());
    // Where the engine that is away has models of its own, the name was meant for that one.
    let given = given.filter(|_| instead_of.is_none_or(has_claude));
    given.cloned().or_else(|| super::model_of_settings(&ground.settings, stand.kind))
}

fn has_claude(kind: EngineKind) -> bool {
    matches!(kind, EngineKind::AnthropicApi | EngineKind::ClaudeCode | EngineKind::Practice)
}

fn has_model(stand: &Stand, model: Option<&str>) -> bool {
    stand.kind != EngineKind::OpenaiApi || model.is_some()
}

/// One line about what was chosen.
fn line(chosen: &Chosen) -> String {
    let mut line = chosen.stand.line.clone();
    if let Some(model) = &chosen.model {
        line = format!("{line} · {}", one_line(model, 60));
    }
    match &chosen.instead_of {
        Some((label, away)) => format!("{line} · stands in for {label}, which {}{}", away.words(), until(away)),
        None => line,
    }
}

/// Until when an engine is away, to stand at a sentence's end; nothing where its provider has not said.
fn until(away: &Away) -> String {
    let time = Timestamp::from_millisecond(away.until.0).ok().filter(|_| away.said);
    let Some(time) = time.map(|time| time.to_zoned(TimeZone::system())) else { return String::new() };
    let today = jiff::Zoned::now().date() == time.date();
    let form = if today { "%H:%M" } else { "%-d %b %H:%M" };
    format!(" until {}", time.strftime(form))
}

pub(super) fn unknown(name: &str) -> Error {
    Error::new(
        ErrorCode::ENGINE_UNAVAILABLE,
        format!("This company's config names the engine {:?}, which AICIB does not know.", one_line(name, 60)),
        "Choose one: `aicib engines` lists them; `aicib config set engines.use NAME`.",
    )
}
