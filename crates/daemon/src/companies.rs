//! Companies as clients see them: the folder's files, with what the database knows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use contract::methods::DeskChanged;
use contract::{
    Agent, AgentState, Company, CompanyId, CompanyRef, Confined, DeskChange, EngineChoice, Error, ErrorCode, Money,
    Spend, Time,
};
use store::CompanyRow;
use tokio::sync::OwnedMutexGuard;

use crate::app::Daemon;
use crate::engines;

/// Agents of a company that a list shows, at most.
const MAX_AGENTS: usize = 100;

/// Changes of a company's config, one after another: each reads the whole text and writes it anew.
#[derive(Default)]
pub struct ConfigTurns(Mutex<HashMap<CompanyId, Arc<tokio::sync::Mutex<()>>>>);

impl ConfigTurns {
    /// Waits for the turn to change a company's config. It is over when what is returned is dropped.
    pub async fn next(&self, company_id: CompanyId) -> OwnedMutexGuard<()> {
        let turns =
            self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).entry(company_id).or_default().clone();
        turns.lock_owned().await
    }
}

/// The company that a client means. One in a folder that the daemon did not know is known from then on.
///
/// # Errors
/// [`ErrorCode::COMPANY_NOT_FOUND`], or the database's.
pub async fn resolve(daemon: &Daemon, wanted: CompanyRef) -> Result<CompanyRow, Error> {
    if let Some(id) = wanted.company_id {
        return Ok(daemon.store.read(move |db| db.company(id)).await?);
    }
    let Some(dir) = wanted.dir else {
        let last = daemon.store.read(|db| db.companies()).await?.into_iter().next();
        return last.ok_or_else(|| {
            Error::new(
                ErrorCode::COMPANY_NOT_FOUND,
                "There is no company yet.",
                "Found one with `aicib init`, or open the app.",
            )
        });
    };
    let dir = PathBuf::from(dir);
    let root = blocking(move || {
        let root = company::find(&dir).ok_or_else(|| not_here(&dir))?;
        Ok(root.canonicalize().unwrap_or(root))
    })
    .await?;
    let known = root.display().to_string();
    if let Some(row) = daemon.store.read(move |db| db.company_by_dir(&known)).await? {
        return Ok(row);
    }
    let (loaded, root) = blocking(move || Ok((company::load(&root), root))).await?;
    // A config that does not hold must not keep the founder from seeing what is wrong with it.
    let name = loaded.map_or_else(|_| folder_name(&root), |company| company.config.name);
    remember(daemon, &root, &name).await
}

/// Notes a company's folder and name.
///
/// # Errors
/// The database's.
pub async fn remember(daemon: &Daemon, root: &Path, name: &str) -> Result<CompanyRow, Error> {
    let (dir, name) = (root.display().to_string(), name.to_owned());
    let put = daemon.store.write(move |db| Ok((db.company_put(&dir, &name, Time::now())?, db.last_seq()?)));
    let (row, seq) = put.await?;
    // The desktop shows all companies, and cannot have subscribed to a Desk that was not there.
    let founded = DeskChange {
        seq,
        company_id: row.company_id,
        jobs: Vec::new(),
        team: Vec::new(),
        questions: None,
        spend: None,
        reload: true,
    };
    daemon.desktop.send::<DeskChanged>(&founded);
    Ok(row)
}

/// The company's files as they are now.
///
/// # Errors
/// What is wrong with the folder or the config.
pub async fn load(row: &CompanyRow) -> Result<company::Company, Error> {
    let dir = PathBuf::from(&row.dir);
    blocking(move || company::load(&dir)).await
}

/// The company as a row.
///
/// # Errors
/// The database's.
pub async fn view(
    daemon: &Daemon,
    row: &CompanyRow,
    loaded: &Result<company::Company, Error>,
) -> Result<Company, Error> {
    let (engine_now, problem) = match loaded {
        Ok(company) => (engines::choose(daemon, company, company::CEO).await?, None),
        Err(error) => (
            EngineChoice {
                kind: None,
                agent: String::new(),
                label: "No engine".into(),
                is_fallback: false,
                problem: Some(error.clone()),
            },
            Some(error.clone()),
        ),
    };
    let config = loaded.as_ref().ok().map(|company| &company.config);
    let said = |what: fn(&company::Config) -> &String| config.map(what).cloned().unwrap_or_default();
    let commands_allowed = match config {
        Some(config) => may_command(daemon, config).await?,
        None => false,
    };
    let name = loaded.as_ref().map_or_else(|_| row.name.clone(), |company| company.config.name.clone());
    Ok(Company {
        company_id: row.company_id,
        name,
        dir: row.dir.clone(),
        engine: said(|config| &config.engine),
        fallback: said(|config| &config.fallback),
        model: said(|config| &config.model),
        engine_now,
        commands_allowed,
        problem,
    })
}

/// Whether agents of real models may run commands: as the config says, else where they are confined.
///
/// # Errors
/// The database's.
pub async fn may_command(daemon: &Daemon, config: &company::Config) -> Result<bool, Error> {
    match config.commands {
        Some(may) => Ok(may),
        None => Ok(engines::confinement(&daemon.settings().await?).level != Confined::No),
    }
}

/// The company's agents with what they do: CEO first, then by department.
///
/// # Errors
/// The database's.
pub async fn team(daemon: &Daemon, row: &CompanyRow, loaded: &company::Company) -> Result<Vec<Agent>, Error> {
    let company_id = row.company_id;
    let now =
        daemon.store.read(move |db| Ok((db.agent_states(company_id)?, db.agent_spend_today(company_id, Time::now())?)));
    let (states, today) = now.await?;
    let mut agents: Vec<Agent> = loaded
        .agents
        .iter()
        .map(|agent| {
            let now = states.of(&agent.role);
            Agent {
                role: agent.role.clone(),
                name: agent.name.clone(),
                department: agent.department.clone(),
                reports_to: agent.reports_to.clone(),
                model: agent.model.clone(),
                engine: agent.engine.clone(),
                enabled: agent.enabled,
                state: if agent.enabled { now.state } else { AgentState::Stopped },
                task: now.task,
                job_id: now.job_id,
                title: agent.title.clone(),
                persona: agent.persona.clone(),
                skills: agent.skills.clone(),
                autonomy: agent.judgement.level.name().to_owned(),
                today_usd: today.get(&agent.role).copied().unwrap_or_default(),
                limit_usd: agent.daily_limit,
                file: agent.file.display().to_string(),
                problem: None,
            }
        })
        .collect();
    agents.extend(loaded.broken.iter().map(|broken| Agent {
        role: broken.role.clone(),
        name: contract::role_name(&broken.role),
        department: String::new(),
        reports_to: None,
        model: String::new(),
        engine: String::new(),
        enabled: false,
        state: AgentState::Error,
        task: String::new(),
        job_id: None,
        title: String::new(),
        persona: String::new(),
        skills: Vec::new(),
        autonomy: String::new(),
        today_usd: today.get(&broken.role).copied().unwrap_or_default(),
        limit_usd: Money::ZERO,
        file: broken.file.display().to_string(),
        problem: Some(broken.error.clone()),
    }));
    agents.truncate(MAX_AGENTS);
    Ok(agents)
}

/// The company's spending against its limits.
///
/// # Errors
/// The database's.
pub async fn spend(
    daemon: &Daemon,
    company_id: CompanyId,
    loaded: &Result<company::Company, Error>,
) -> Result<Spend, Error> {
    // Where the config does not hold there are no limits, and nothing can be briefed either.
    let (daily, monthly) = loaded
        .as_ref()
        .map_or((Money::ZERO, Money::ZERO), |company| (company.config.daily_limit, company.config.monthly_limit));
    let spent = daemon.store.read(move |db| db.spend(company_id, Time::now())).await?;
    Ok(Spend {
        today_usd: spent.today,
        daily_limit_usd: daily,
        month_usd: spent.month,
        monthly_limit_usd: monthly,
        days: spent.days,
    })
}

/// A job's row, with what only the live run knows.
pub fn with_live(daemon: &Daemon, mut detail: contract::JobDetail) -> contract::JobDetail {
    if let Some(run) = &mut detail.run
        && let Some(live) = daemon.runs.get(run.run_id)
    {
        run.children = live.children();
        run.heard_at = live.heard_at();
    }
    detail
}

/// Runs work on files off the async threads.
///
/// # Errors
/// The work's own.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn not_here(dir: &Path) -> Error {
    if !dir.exists() {
        return Error::new(
            ErrorCode::COMPANY_NOT_FOUND,
            format!("The folder {} is not there.", dir.display()),
            "Name a folder that is, or found a company with `aicib init`.",
        );
    }
    Error::new(
        ErrorCode::COMPANY_NOT_FOUND,
        format!("There is no company in {} or above it.", dir.display()),
        "Found one with `aicib init`.",
    )
}

fn folder_name(root: &Path) -> String {
    root.file_name().map_or_else(|| root.display().to_string(), |name| name.to_string_lossy().into_owned())
}
