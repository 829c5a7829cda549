//! Agent files.
use std::path::{Path, PathBuf};

use contract::Error;

/// The tools that our engines have, by the names that agent files use.
pub const TOOLS: [&str; 8] = ["Read", "Write", "Edit", "List", "Glob", "Grep", "Bash", "Delegate"];

/// An agent, as its file and the config describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentFile {
    /// Its role: its name in files and events (`backend-engineer`).
    pub role: String,
    /// Its name on screen ("Backend Engineer").
    pub name: String,
    /// Its title ("Chief Technology Officer"); the name where the file has none.
    pub title: String,
    /// Its department; empty where the file has none.
    pub department: String,
    /// The role it answers to; none for the CEO.
    pub reports_to: Option<String>,
    /// Its model: `opus`, `sonnet`, `haiku` or a full Claude id.
    pub model: String,
    /// The tools of [`TOOLS`] that it may use.
    pub tools: Vec<String>,
    /// Whether it is on the team.
    pub enabled: bool,
    /// The file's text below the frontmatter.
    pub body: String,
    /// The file.
    pub file: PathBuf,
}

/// Writes an agent's file anew, whole or not at all.
///
/// # Errors
/// `agent.invalid` where the text does not hold, `company.folder` where it cannot be written.
pub fn save_agent(_dir: &Path, _role: &str, _text: &str) -> Result<AgentFile, Error> {
    Err(Error::internal("unfinished"))
}
