//! Who works in a company, and how: agents added, removed and changed, and what one would be told.

use std::path::PathBuf;

use company::{AgentFile, CEO, Changes, Company, NewAgent};
use contract::*;

use super::company::agent_detail;
use crate::app::App;
use crate::companies::{self, blocking};
use crate::hub::Touched;

pub async fn add(app: &App, params: AgentAddParams) -> Result<AgentDetail, Error> {
    let row = companies::resolve(app, params.company).await?;
    let AgentAddParams { role, text, name, reports_to, .. } = params;
    let dir = PathBuf::from(&row.dir);
    let turn = app.config_turns.next(row.company_id).await;
    let added = blocking(move || {
        let _turn = turn;
        let new =
            NewAgent { role: &role, text: text.as_deref(), name: name.as_deref(), reports_to: reports_to.as_deref() };
        company::add_agent(&dir, &new)
    });
    let added = added.await?;
    app.announce(row.company_id, &Touched::all(), &[]);
    agent_detail(app, &row, &added.role).await
}

pub async fn remove(app: &App, params: AgentRef) -> Result<AgentList, Error> {
    let row = companies::resolve(app, params.company).await?;
    let (dir, role) = (PathBuf::from(&row.dir), params.role);
    let turn = app.config_turns.next(row.company_id).await;
    let removed = blocking(move || {
        let _turn = turn;
        company::remove_agent(&dir, &role, Time::now())
    });
    let removed = removed.await?;
    tracing::info!(file = %removed.file.display(), "an agent was removed; its file is kept");
    app.announce(row.company_id, &Touched::all(), &[]);
    let loaded = companies::load(&row).await?;
    Ok(AgentList { agents: companies::team(app, &row, &loaded).await? })
}

pub async fn set(app: &App, params: AgentSetParams) -> Result<AgentDetail, Error> {
    let row = companies::resolve(app, params.company).await?;
    let AgentSetParams { role, enabled, model, engine, name, persona, skills, autonomy, limit_usd, .. } = params;
    if limit_usd.is_some_and(|limit| limit < Money::ZERO) {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            "An agent's limit cannot be below zero.",
            "Name an amount, or 0 for no limit of its own.",
        ));
    }
    // Known before anything is written: a config that names nobody would only be warned of.
    agent_detail(app, &row, &role).await?;
    let changes = Changes { enabled, model, engine, name, persona, skills, autonomy, limit: limit_usd };
    let (dir, of) = (PathBuf::from(&row.dir), role.clone());
    let turn = app.config_turns.next(row.company_id).await;
    let set = blocking(move || {
        let _turn = turn;
        let text = company::config_text(&dir)?;
        let changed = company::set_agent(&text, &of, &changes)?;
        if changed == text { Ok(()) } else { company::write_config(&dir, &changed) }
    });
    set.await?;
    app.announce(row.company_id, &Touched::all(), &[]);
    agent_detail(app, &row, &role).await
}

pub async fn preview(app: &App, params: AgentPreviewParams) -> Result<AgentPreview, Error> {
    let row = companies::resolve(app, params.company).await?;
    let loaded = companies::load(&row).await?;
    let commands = companies::may_command(app, &loaded.config).await?;
    let AgentPreviewParams { role, text, .. } = params;
    blocking(move || company::prompt::preview(&loaded, &role, text.as_deref(), commands)).await
}

/// The agent that a brief names, if it can take it.
///
/// # Errors
/// `agent.ceo_missing` (E004), `agent.not_found`, `agent.invalid` for one that is switched off or whose file does not
/// hold.
pub fn who_takes<'c>(company: &'c Company, role: &str) -> Result<&'c AgentFile, Error> {
    if role == CEO {
        return company.ceo();
    }
    if let Some(broken) = company.broken.iter().find(|broken| broken.role == role) {
        return Err(broken.error.clone());
    }
    let agent = company.agent(role).ok_or_else(|| not_here(company, role))?;
    if agent.enabled {
        return Ok(agent);
    }
    Err(Error::new(
        ErrorCode::AGENT_INVALID,
        format!("{} is switched off, and takes no briefs.", agent.name),
        format!("Put it on the team first: `aicib agent enable {role}`."),
    ))
}

fn not_here(company: &Company, role: &str) -> Error {
    let known: Vec<&str> = company.agents.iter().map(|agent| agent.role.as_str()).collect();
    Error::new(
        ErrorCode::AGENT_NOT_FOUND,
        format!("There is no agent {:?}.", one_line(role, 40)),
        format!("The roles are: {}.", known.join(", ")),
    )
}
