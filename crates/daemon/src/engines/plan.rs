//! What a run has to know of its engines.

use std::collections::BTreeMap;

use company::Company;
use contract::{EngineKind, EngineSpec, Error, Job, engine_name};

use super::choice::{self, Chosen};
use super::{Ground, Stand, address};
use crate::clis::Clis;

/// An engine of a run, but for its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Which.
    pub kind: EngineKind,
    /// Which of the agents that speak ACP; empty for any other engine.
    pub agent: String,
    /// Where its provider is; none for the engine's own default.
    pub base_url: Option<String>,
    /// The provider whose key it is to be given.
    pub pays_with: Option<&'static str>,
    /// The model, where it is not the agents' own.
    pub model: Option<String>,
    /// The program, absolute, where the engine is one.
    pub program: Option<String>,
    /// What it is started with.
    pub args: Vec<String>,
}

impl Planned {
    /// The engine as it stands, with a model.
    pub fn of(ground: &Ground, stand: &Stand, model: Option<String>) -> Planned {
        let found = stand.look.as_ref().and_then(|look| look.found());
        // A program with a login of its own knows where its provider is.
        let asks_us = !stand.kind.is_program() || stand.pays_with.is_some();
        let kind = match stand.pays_with {
            Some("anthropic") => EngineKind::AnthropicApi,
            Some("openai") => EngineKind::OpenaiApi,
            _ => stand.kind,
        };
        Planned {
            kind: stand.kind,
            agent: stand.agent.clone(),
            base_url: asks_us.then(|| address::base_url(kind, &ground.settings)).flatten(),
            pays_with: stand.pays_with,
            model,
            program: found.map(|found| found.program.display().to_string()),
            args: found.map(|found| found.args.clone()).unwrap_or_default(),
        }
    }

    /// The engine for a worker, with its key.
    pub fn spec(self, api_key: Option<String>, pace: f64) -> EngineSpec {
        let Planned { kind, agent, base_url, model, program, args, .. } = self;
        EngineSpec { kind, base_url, api_key, pace, agent, model, program, args }
    }
}

/// The engine of a job's run, and those of agents that work on another, by role. No engine is changed in mid-job: of the
/// job's own only the rest is looked up. Where the company's folder does not read now, there are no others.
///
/// # Errors
/// Why one of them is not ready.
pub async fn of_run(
    clis: &Clis,
    ground: &Ground,
    company: Option<&Company>,
    job: &Job,
) -> Result<(Planned, BTreeMap<String, Planned>), Error> {
    let name = engine_name(job.engine, &job.engine_agent);
    let stand = ground.stand(clis, &name).await.ok_or_else(|| choice::unknown(&name))?;
    if let Some(problem) = stand.problem {
        return Err(problem);
    }
    let Some(company) = company.filter(|_| job.engine != EngineKind::Practice) else {
        return Ok((Planned::of(ground, &stand, None), BTreeMap::new()));
    };
    let briefed = company.agent(&job.agent);
    let own_engine = briefed.map(|agent| agent.engine.as_str()).filter(|engine| !engine.is_empty());
    let meant = ground.named(own_engine.unwrap_or(&company.config.engine));
    let instead_of = contract::engine_from_name(meant).map(|(kind, _)| kind).filter(|_| meant != name);
    let model = |agent| choice::model(ground, company, agent, &stand, instead_of);
    let own = Planned::of(ground, &stand, model(briefed));
    let mut others = BTreeMap::new();
    for agent in company.team().filter(|agent| agent.role != job.agent) {
        // Who has none of its own works on the company's: the job's, unless that is the briefed agent's own.
        let planned = match agent.engine.is_empty() && own_engine.is_none() {
            true => Planned::of(ground, &stand, model(Some(agent))),
            false => {
                let Chosen { stand, model, .. } = choice::chosen(clis, ground, company, Some(agent)).await?;
                Planned::of(ground, &stand, model)
            }
        };
        // A rehearsal in the middle of real work would be taken for the real thing.
        if planned.kind != EngineKind::Practice && planned != own {
            others.insert(agent.role.clone(), planned);
        }
    }
    Ok((own, others))
}

#[cfg(test)]
#[cfg(unix)]
#[path = "plan_tests.rs"]
mod tests;
