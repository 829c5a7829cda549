//! A company's folder, opened.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::{Error, ErrorCode};
use serde_json::Value;

use crate::agents::{self, agent_files, read_agent};
use crate::autonomy::{Judgement, LEVELS, Level};
use crate::escalation::{self, Link, Person};
use crate::files::{self, ReadError};
use crate::skills::{self, Skill};
use crate::{AGENTS_DIR, AgentFile, CONFIG_FILE, Config, MAX_AGENTS, MAX_CONFIG_BYTES, config, persona};

/// The role of the agent that takes briefs.
pub const CEO: &str = "ceo";

/// Warnings kept, at most.
const MAX_WARNINGS: usize = 100;

/// A company's folder, read once.
#[derive(Clone, Debug)]
pub struct Company {
    /// The folder, absolute.
    pub dir: PathBuf,
    /// Its config.
    pub config: Config,
    /// Its agents, CEO first, the ones that are off included.
    pub agents: Vec<AgentFile>,
    /// Agent files that do not hold.
    pub broken: Vec<BrokenAgent>,
    /// What is odd, and harms nothing.
    pub warnings: Vec<String>,
}

/// An agent file that does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokenAgent {
    /// The role, from the file's name.
    pub role: String,
    /// The file.
    pub file: PathBuf,
    /// What is wrong, and what to do.
    pub error: Error,
}

impl Company {
    /// All that the founder should know of: warnings, and the agent files that do not hold.
    pub fn problems(&self) -> Vec<String> {
        let broken = self.broken.iter().map(|agent| agent.error.to_string());
        self.warnings.iter().cloned().chain(broken).collect()
    }

    /// The CEO.
    ///
    /// # Errors
    /// `agent.ceo_missing` where there is no file for it or it is switched off (E004), the file's own error where
    /// it does not hold.
    pub fn ceo(&self) -> Result<&AgentFile, Error> {
        if let Some(ceo) = self.agent(CEO) {
            if ceo.enabled {
                return Ok(ceo);
            }
            return Err(Error::new(
                ErrorCode::CEO_MISSING,
                format!("The CEO of {} is switched off, and nobody else takes briefs.", self.config.name),
                format!("Set agents.ceo.enabled to true in {CONFIG_FILE}."),
            ));
        }
        match self.broken.iter().find(|broken| broken.role == CEO) {
            Some(broken) => Err(broken.error.clone()),
            None => Err(Error::new(
                ErrorCode::CEO_MISSING,
                format!(
                    "CEO agent definition not found: {} is missing.",
                    self.dir.join(AGENTS_DIR).join("ceo.md").display()
                ),
                "Put the file back, or run `aicib init` in a new folder and copy it from there.",
            )),
        }
    }

    /// The agent of that role, whether it is on the team or not.
    pub fn agent(&self, role: &str) -> Option<&AgentFile> {
        self.agents.iter().find(|agent| agent.role == role)
    }

    /// The agents that are on the team, CEO first.
    pub fn team(&self) -> impl Iterator<Item = &AgentFile> {
        self.agents.iter().filter(|agent| agent.enabled)
    }

    /// The team members that an agent may delegate to.
    pub fn reports(&self, role: &str) -> Vec<&AgentFile> {
        self.team().filter(|agent| agent.reports_to.as_deref() == Some(role)).collect()
    }

    /// The config's file.
    pub fn config_file(&self) -> PathBuf {
        self.dir.join(CONFIG_FILE)
    }
}

/// The folder itself or the nearest one above it that holds a company.
pub fn find(dir: &Path) -> Option<PathBuf> {
    let dir = files::absolute(dir).ok()?;
    dir.ancestors().find(|dir| dir.join(CONFIG_FILE).is_file()).map(Path::to_owned)
}

/// The text of a company's config, whether it holds or not.
///
/// # Errors
/// `company.not_found` where there is none, `company.folder` where it cannot be read, `config.invalid` where it is
/// too large, no text, or leads out of the folder.
pub fn config_text(dir: &Path) -> Result<String, Error> {
    let file = dir.join(CONFIG_FILE);
    files::read_inside(dir, &file, MAX_CONFIG_BYTES).map_err(|error| match error {
        ReadError::Missing if !dir.is_dir() => Error::new(
            ErrorCode::COMPANY_FOLDER,
            format!("The company's folder {} is not there.", dir.display()),
            "Put it back where it was, or open the company from its new place.",
        ),
        ReadError::Missing => Error::new(
            ErrorCode::COMPANY_NOT_FOUND,
            format!("There is no company in {}: it has no {CONFIG_FILE}.", dir.display()),
            "Run `aicib init` there, or name the folder of a company.",
        ),
        ReadError::Io(error) => files::folder_error("read", &file, &error),
        error => {
            Error::new(ErrorCode::CONFIG_INVALID, format!("{} cannot be used: {error}.", file.display()), "Replace it.")
        }
    })
}

/// Writes a company's config anew, whole or not at all. What is in the text is the caller's to check.
///
/// # Errors
/// `company.folder` where it cannot be written, `disk.full`.
pub fn write_config(dir: &Path, text: &str) -> Result<(), Error> {
    let file = dir.join(CONFIG_FILE);
    files::replace(&file, text).map_err(|error| files::folder_error("write", &file, &error))
}

/// Opens the company in a folder. Agent files that do not hold are in [`Company::broken`].
///
/// # Errors
/// `company.not_found` without a config, `company.folder` where the folder cannot be read, `config.invalid` where
/// the config does not hold.
pub fn load(dir: &Path) -> Result<Company, Error> {
    let dir = files::absolute(dir).map_err(|error| files::folder_error("find", dir, &error))?;
    let text = config_text(&dir)?;
    let (config, mut warnings) = config::open(&text, &dir.join(CONFIG_FILE).display().to_string())?;
    let agents_dir = dir.join(AGENTS_DIR);
    let (paths, more) =
        agent_files(&dir).map_err(|error: io::Error| files::folder_error("read", &agents_dir, &error))?;
    if more {
        warnings.push(format!("{AGENTS_DIR} holds more than {MAX_AGENTS} agents; the others are left out."));
    }
    let mut company = Company { dir, config, agents: Vec::new(), broken: Vec::new(), warnings };
    for path in paths {
        company.take(path);
    }
    company.settle();
    Ok(company)
}

impl Company {
    fn take(&mut self, file: PathBuf) {
        match read_agent(&self.dir, &file) {
            Ok(agent) if self.agent(&agent.role).is_none() => self.agents.push(agent),
            Ok(agent) => {
                let error = Error::new(
                    ErrorCode::AGENT_INVALID,
                    format!(
                        "{}: it names the role {:?}, and another file does so too.",
                        files::shown(&self.dir, &file),
                        agent.role
                    ),
                    "Give each file a role of its own.",
                );
                self.broken.push(BrokenAgent { role: agents::stem(&file), file, error });
            }
            Err(error) => self.broken.push(BrokenAgent { role: agents::stem(&file), file, error }),
        }
    }

    /// The config's word over the files', but for `enabled`, where the stricter one holds.
    fn apply_config(&mut self) {
        for agent in &mut self.agents {
            let Some(settings) = self.config.agents.get(&agent.role) else { continue };
            // Off where either says so: what is switched off by hand must not work on.
            agent.enabled &= settings.enabled.unwrap_or(true);
            if let Some(model) = &settings.model {
                agent.model.clone_from(model);
            }
            if let Some(engine) = &settings.engine {
                agent.engine.clone_from(engine);
            }
            if let Some(model) = &settings.engine_model {
                agent.engine_model.clone_from(model);
            }
            if let Some(head) = &settings.reports_to {
                agent.reports_to = Some(head.clone());
            }
            if let Some(name) = &settings.display_name {
                agent.name = contract::one_line(name, 80);
            }
        }
        let mut found = Vec::new();
        for agent in &mut self.agents {
            find_character(&self.config, agent, &mut found);
        }
        self.warnings.append(&mut found);
    }

    /// The chain by which an agent escalates, its last step the founder.
    pub fn escalation(&self, role: &str) -> Vec<Link> {
        self.chain(role).0
    }

    fn chain(&self, role: &str) -> (Vec<Link>, Option<String>) {
        let team: Vec<Person<'_>> = self
            .team()
            .map(|agent| Person {
                role: &agent.role,
                department: &agent.department,
                reports_to: agent.reports_to.as_deref(),
            })
            .collect();
        escalation::chain(&team, role, self.config.chain_of(role).as_deref())
    }

    /// The agent's skills with their texts.
    pub fn skills(&self, agent: &AgentFile) -> Vec<Skill> {
        skills::resolve(&agent.skills, &self.config.value["skills"]).0
    }

    /// The company with an agent's text as it would be: nothing is written.
    ///
    /// # Errors
    /// `agent.invalid` where the text does not hold or names another role, `agent.not_found` where there is no text
    /// and no such agent.
    pub fn with_agent(&self, role: &str, text: Option<&str>) -> Result<Company, Error> {
        let mut company = self.clone();
        let Some(text) = text else {
            return match self.agent(role) {
                Some(_) => Ok(company),
                None => Err(not_found(role)),
            };
        };
        let file = self.agent(role).map(|agent| agent.file.clone());
        let file = file.unwrap_or_else(|| self.dir.join(AGENTS_DIR).join(format!("{role}.md")));
        let agent = agents::agent_to_save(&self.dir, &file, role, text)?;
        company.agents.retain(|old| old.role != role);
        company.agents.push(agent);
        company.warnings.clear();
        company.settle();
        Ok(company)
    }

    fn settle(&mut self) {
        self.apply_config();
        self.settle_reports();
        self.warn_of_names();
        self.warnings.truncate(MAX_WARNINGS);
        self.agents.sort_by_key(|agent| agent.role != CEO);
    }

    /// Makes a tree of the team, the CEO at its root: whoever has no head on the team, or only heads that answer to
    /// each other in a ring, answers to the CEO.
    fn settle_reports(&mut self) {
        let enabled: HashSet<String> = self.team().map(|agent| agent.role.clone()).collect();
        for agent in &mut self.agents {
            if agent.role == CEO {
                agent.reports_to = None;
                continue;
            }
            let head = agent.reports_to.take().filter(|head| enabled.contains(head) && *head != agent.role);
            agent.reports_to = Some(head.unwrap_or_else(|| CEO.to_owned()));
        }
        for index in 0..self.agents.len() {
            if self.is_in_ring(index) {
                let agent = &mut self.agents[index];
                self.warnings.push(format!(
                    "{} and {} answer to each other; {0} answers to the CEO instead.",
                    agent.role,
                    agent.reports_to.as_deref().unwrap_or_default(),
                ));
                agent.reports_to = Some(CEO.to_owned());
            }
        }
    }

    fn is_in_ring(&self, index: usize) -> bool {
        let start = &self.agents[index];
        let mut head = start.reports_to.as_deref();
        for _ in 0..self.agents.len() {
            match head {
                Some(role) if role == start.role => return true,
                Some(role) => head = self.agent(role).and_then(|agent| agent.reports_to.as_deref()),
                None => return false,
            }
        }
        false
    }

    /// Names in the config that no agent has (E023).
    fn warn_of_names(&mut self) {
        let mut found = Vec::new();
        for role in self.config.persona_overrides.keys().filter(|role| self.agent(role).is_none()) {
            found.push(format!("persona.overrides.{role} names no agent of this company."));
        }
        for (role, settings) in &self.config.agents {
            let is_file = self.agent(role).is_some() || self.broken.iter().any(|broken| broken.role == *role);
            if !is_file && settings.enabled != Some(false) {
                found.push(format!("The config names the agent {role}, and there is no {AGENTS_DIR}/{role}.md."));
            }
        }
        // Of an agent that there is not, an override says nothing (E072).
        for agent in &self.agents {
            found.extend(self.chain(&agent.role).1);
        }
        self.warnings.append(&mut found);
    }
}

/// What holds for an agent of persona, skills, autonomy and money: the config's word over its file's over the
/// company's default.
fn find_character(config: &Config, agent: &mut AgentFile, warnings: &mut Vec<String>) {
    let own = config.agents.get(&agent.role);
    let role = &agent.role;
    let asked = own
        .and_then(|own| own.persona.as_ref())
        .or(config.persona_overrides.get(role))
        .or(agent.said.persona.as_ref())
        .unwrap_or(&config.persona);
    agent.persona = asked.clone();
    if persona::text(asked).is_empty() {
        // It goes on as its own text says (E022).
        let asked = contract::one_line(asked, 60);
        warnings.push(format!("{role} asks for the persona {asked:?}, which there is not; it writes by its own text."));
        agent.persona = String::new();
    }
    let section = &config.value["skills"];
    let names = match own.and_then(|own| own.skills.clone()) {
        Some(names) => names,
        None => skills::effective(role, agent.said.skills.as_deref(), section),
    };
    let (found, unknown) = skills::resolve(&names, section);
    agent.skills = found.into_iter().map(|skill| skill.name).collect();
    for name in unknown.iter().take(MAX_WARNINGS) {
        let name = contract::one_line(name, 60);
        warnings.push(format!(
            "{role} has no skill {name:?}: nobody knows it. Define it in skills.custom, or check its name."
        ));
    }
    let said = agent.said.autonomy.as_deref();
    if let Some(said) = said.filter(|said| Level::from_name(said).is_none()) {
        let said = contract::one_line(said, 60);
        warnings.push(format!("{role} asks for the autonomy {said:?}; expected one of {}.", LEVELS.join(", ")));
    }
    let over = &config.value["autonomy"]["overrides"][role];
    let list = |key: &str| -> Vec<String> {
        over[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    agent.judgement =
        Judgement { level: config.autonomy_of(role, said), grants: list("grant"), restrictions: list("restrict") };
    agent.daily_limit = config.agent_limit(role);
}

/// The error for an agent that there is not.
pub(crate) fn not_found(role: &str) -> Error {
    Error::new(
        ErrorCode::AGENT_NOT_FOUND,
        format!("There is no agent {:?}.", contract::one_line(role, 60)),
        "`aicib agent list` shows who there is.",
    )
}

/// Whether a folder holds a company's config, or something in its place.
pub(crate) fn holds_company(dir: &Path) -> bool {
    fs::symlink_metadata(dir.join(CONFIG_FILE)).is_ok()
}
