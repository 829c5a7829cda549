//! Companies: folders, configs, agents, and the Desk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use company::config;
use contract::*;
use store::CompanyRow;

use crate::app::App;
use crate::companies::{self, blocking};
use crate::feeds;
use crate::hub::Touched;
use crate::runs;
use crate::service::Connection;

/// Jobs that a Desk shows: live ones and ended ones.
const DESK_ROWS: (i64, i64) = (100, 20);

pub async fn create(app: &App, params: CompanyCreateParams) -> Result<Company, Error> {
    let spec = company::Create {
        name: params.name,
        dir: absolute(&params.dir)?,
        structure: params.structure,
        persona: params.persona,
        template: params.template,
        engine: params.engine,
    };
    let made = blocking(move || company::create(&spec)).await?;
    let row = companies::remember(app, &made.dir, &made.config.name).await?;
    companies::view(app, &row, &Ok(made)).await
}

pub async fn get(app: &App, params: CompanyRef) -> Result<Company, Error> {
    let row = companies::resolve(app, params).await?;
    let company_id = row.company_id;
    app.store.write(move |db| db.company_used(company_id, Time::now())).await?;
    companies::view(app, &row, &companies::load(&row).await).await
}

pub async fn list(app: &App) -> Result<CompanyList, Error> {
    let rows = app.store.read(|db| db.companies()).await?;
    let mut companies = Vec::with_capacity(rows.len());
    for row in rows {
        companies.push(companies::view(app, &row, &companies::load(&row).await).await?);
    }
    Ok(CompanyList { companies })
}

pub async fn config_get(app: &App, params: ConfigGetParams) -> Result<ConfigValue, Error> {
    let dir = PathBuf::from(companies::resolve(app, params.company).await?.dir);
    blocking(move || {
        let value = config::get(&company::config_text(&dir)?, params.key.as_deref())?;
        Ok(ConfigValue { file: config_file(&dir), value, warnings: Vec::new() })
    })
    .await
}

pub async fn config_set(app: &App, params: ConfigSetParams) -> Result<ConfigValue, Error> {
    let row = companies::resolve(app, params.company).await?;
    let dir = PathBuf::from(&row.dir);
    let turn = app.config_turns.next(row.company_id).await;
    let value = blocking(move || {
        let _turn = turn;
        let text = config::set(&company::config_text(&dir)?, &params.key, &params.value)?;
        company::write_config(&dir, &text)?;
        let value = config::get(&text, Some(&params.key))?;
        Ok(ConfigValue { file: config_file(&dir), value, warnings: config::warnings_of(&text, &params.key) })
    })
    .await?;
    app.announce(row.company_id, &Touched::all(), &[]);
    Ok(value)
}

pub async fn config_validate(app: &App, params: CompanyRef) -> Result<ConfigReport, Error> {
    let dir = PathBuf::from(companies::resolve(app, params).await?.dir);
    blocking(move || {
        let (faults, mut warnings) = config::validate(&company::config_text(&dir)?);
        // What is wrong with an agent's file shrinks the team, and is worth as much as a fault of the config.
        if let Ok(company) = company::load(&dir) {
            let new = |problem: &String| !warnings.contains(problem);
            let problems: Vec<String> = company.problems().into_iter().filter(new).collect();
            warnings.extend(problems);
        }
        Ok(ConfigReport { file: config_file(&dir), faults, warnings })
    })
    .await
}

pub async fn agents(app: &App, params: CompanyRef) -> Result<AgentList, Error> {
    let row = companies::resolve(app, params).await?;
    let loaded = companies::load(&row).await?;
    Ok(AgentList { agents: companies::team(app, &row, &loaded).await? })
}

pub async fn agent(app: &App, params: AgentRef) -> Result<AgentDetail, Error> {
    let row = companies::resolve(app, params.company).await?;
    agent_detail(app, &row, &params.role).await
}

pub async fn agent_save(app: &App, params: AgentSaveParams) -> Result<AgentDetail, Error> {
    let row = companies::resolve(app, params.company).await?;
    let (dir, role, text) = (PathBuf::from(&row.dir), params.role.clone(), params.text);
    blocking(move || company::save_agent(&dir, &role, &text)).await?;
    app.announce(row.company_id, &Touched { team: true, ..Touched::default() }, &[]);
    agent_detail(app, &row, &params.role).await
}

pub async fn agent_detail(app: &App, row: &CompanyRow, role: &str) -> Result<AgentDetail, Error> {
    let loaded = companies::load(row).await?;
    let team = companies::team(app, row, &loaded).await?;
    let known: Vec<&str> = team.iter().map(|agent| agent.role.as_str()).collect();
    let fix = format!("The roles are: {}.", known.join(", "));
    let agent = team.iter().find(|agent| agent.role == role).cloned().ok_or_else(|| {
        Error::new(ErrorCode::AGENT_NOT_FOUND, format!("There is no agent {:?}.", one_line(role, 40)), fix)
    })?;
    let file = PathBuf::from(&agent.file);
    let dir = PathBuf::from(&row.dir);
    let text = blocking(move || company::agent_text(&dir, &file)).await?;
    Ok(AgentDetail { agent, text })
}

pub async fn desk(app: &App, params: CompanyRef) -> Result<Desk, Error> {
    let row = companies::resolve(app, params).await?;
    desk_of(app, &row).await
}

pub async fn desk_subscribe(app: &App, conn: &Arc<Connection>, params: CompanyRef) -> Result<Desk, Error> {
    let row = companies::resolve(app, params).await?;
    // Subscribed before it is read: what changes in between is told twice rather than not at all.
    if let Some(end) = conn.state.watch_desk(row.company_id) {
        let feed = app.hub.desk(row.company_id);
        tokio::spawn(feeds::desk(app.clone(), conn.clone(), feed, row.clone(), end));
    }
    desk_of(app, &row).await
}

async fn desk_of(app: &App, row: &CompanyRow) -> Result<Desk, Error> {
    let company_id = row.company_id;
    let of_company = app.runs.all().into_iter().filter(|run| run.company_id == company_id);
    runs::settle_the_gone(of_company.collect()).await;
    let (seq, held, session, questions, (live, live_total), finished) = app
        .store
        .read(move |db| {
            Ok((
                db.last_seq()?,
                db.all_held()?,
                db.session_open_of(company_id, company::CEO)?,
                db.open_questions(company_id)?,
                db.live(company_id, DESK_ROWS.0)?,
                db.finished_since(company_id, store::start_of_day(Time::now()), DESK_ROWS.1)?,
            ))
        })
        .await?;
    let loaded = companies::load(row).await;
    let team = match &loaded {
        Ok(loaded) => companies::team(app, row, loaded).await?,
        Err(_) => Vec::new(),
    };
    let spend = companies::spend(app, company_id, &loaded).await?;
    let company = companies::view(app, row, &loaded).await?;
    Ok(Desk { seq, company, session, held, questions, live, live_total, finished, team, spend })
}

fn config_file(dir: &Path) -> String {
    dir.join(company::CONFIG_FILE).display().to_string()
}

fn absolute(dir: &str) -> Result<PathBuf, Error> {
    let dir = PathBuf::from(dir);
    if dir.is_absolute() {
        return Ok(dir);
    }
    Err(Error::new(
        ErrorCode::BAD_REQUEST,
        format!("{} is not an absolute path.", dir.display()),
        "Name the whole path.",
    ))
}
