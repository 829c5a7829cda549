//! A company's folder, opened.
use std::path::{Path, PathBuf};

use contract::Error;

use crate::{AgentFile, Config};

/// A company's folder, read once.
#[derive(Clone, Debug)]
pub struct Company {
    /// The folder, absolute.
    pub dir: PathBuf,
    /// Its config.
    pub config: Config,
    /// Its agents, CEO first, the ones that are off included.
    pub agents: Vec<AgentFile>,
    /// Agent files that could not be read.
    pub broken: Vec<BrokenAgent>,
    /// What is odd, and harms nothing.
    pub warnings: Vec<String>,
}

/// An agent file that could not be read.
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
    /// The CEO.
    ///
    /// # Errors
    /// `agent.ceo_missing` where there is no file for it, its own error where the file does not hold.
    pub fn ceo(&self) -> Result<&AgentFile, Error> {
        Err(Error::internal("unfinished"))
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
    pub fn reports(&self, _role: &str) -> Vec<&AgentFile> {
        Vec::new()
    }
}

/// The folder itself or the nearest one above it that holds a company.
pub fn find(_dir: &Path) -> Option<PathBuf> {
    None
}

/// Opens the company in a folder. Agent files that do not hold are in [`Company::broken`].
///
/// # Errors
/// `company.not_found` without a config, `company.folder` where it cannot be read, `config.invalid` where the
/// config does not hold.
pub fn load(_dir: &Path) -> Result<Company, Error> {
    Err(Error::internal("unfinished"))
}
