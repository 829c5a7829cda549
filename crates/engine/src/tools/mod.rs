//! The tools that agents have, apart from delegating.

mod command;
mod files;
mod search;
mod workspace;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use contract::{FileChange, StopCounts, one_line};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) use command::Commands;
pub(crate) use files::MAX_WRITE;
pub(crate) use workspace::{Workspace, is_guarded, show};

use crate::model::ToolSpec;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    Read,
    Write,
    Edit,
    List,
    Glob,
    Grep,
    Bash,
    Delegate,
    AskFounder,
}

impl Tool {
    const ALL: [Tool; 9] = [
        Tool::Read,
        Tool::Write,
        Tool::Edit,
        Tool::List,
        Tool::Glob,
        Tool::Grep,
        Tool::Bash,
        Tool::Delegate,
        Tool::AskFounder,
    ];

    /// The name that models see and events carry.
    pub const fn name(self) -> &'static str {
        match self {
            Tool::Read => "Read",
            Tool::Write => "Write",
            Tool::Edit => "Edit",
            Tool::List => "List",
            Tool::Glob => "Glob",
            Tool::Grep => "Grep",
            Tool::Bash => "Bash",
            Tool::Delegate => "delegate",
            Tool::AskFounder => "ask_founder",
        }
    }

    /// The tool of that name, in any case, also by the names that Claude's own tools have.
    pub fn named(name: &str) -> Option<Tool> {
        match name.trim().to_ascii_lowercase().as_str() {
            "ls" => Some(Tool::List),
            "task" | "agent" => Some(Tool::Delegate),
            name => Tool::ALL.into_iter().find(|tool| tool.name().eq_ignore_ascii_case(name)),
        }
    }

    /// Whether it changes something outside the run.
    pub const fn has_effects(self) -> bool {
        matches!(self, Tool::Write | Tool::Edit | Tool::Bash)
    }

    /// Whether the gate judges it. Handing out work and asking do nothing by themselves.
    pub const fn is_gated(self) -> bool {
        !matches!(self, Tool::Delegate | Tool::AskFounder)
    }

    /// The tool as models see it. `roles`: whom the agent may delegate to.
    pub fn spec(self, roles: &[(&str, &str)]) -> ToolSpec {
        let file = json!({ "type": "string", "description": "Path in the company folder, relative or absolute" });
        let dir = json!({ "type": "string", "description": "Folder to look in; the company folder if left out" });
        let (description, schema) = match self {
            Tool::Read => (
                "Reads a text file. Lines come numbered, 2000 at most; read on with offset.".to_owned(),
                json!({ "type": "object", "required": ["file_path"], "properties": {
                    "file_path": file,
                    "offset": { "type": "integer", "minimum": 1, "description": "First line" },
                    "limit": { "type": "integer", "minimum": 1, "description": "Number of lines" },
                } }),
            ),
            Tool::Write => (
                "Writes a text file whole, making its folders, replacing what is there.".to_owned(),
                json!({ "type": "object", "required": ["file_path", "content"], "properties": {
                    "file_path": file,
                    "content": { "type": "string" },
                } }),
            ),
            Tool::Edit => (
                "Replaces a piece of a text file. old_string must be in it exactly once, or set replace_all."
                    .to_owned(),
                json!({ "type": "object", "required": ["file_path", "old_string", "new_string"], "properties": {
                    "file_path": file,
                    "old_string": { "type": "string" },
                    "new_string": { "type": "string" },
                    "replace_all": { "type": "boolean" },
                } }),
            ),
            Tool::List => ("Lists a folder.".to_owned(), json!({ "type": "object", "properties": { "path": dir } })),
            Tool::Glob => (
                "Finds files by a pattern such as docs/**/*.md.".to_owned(),
                json!({ "type": "object", "required": ["pattern"], "properties": {
                    "pattern": { "type": "string" },
                    "path": dir,
                } }),
            ),
            Tool::Grep => (
                "Finds lines by a regular expression.".to_owned(),
                json!({ "type": "object", "required": ["pattern"], "properties": {
                    "pattern": { "type": "string" },
                    "path": dir,
                    "glob": { "type": "string", "description": "Only files that fit, such as *.md" },
                    "ignore_case": { "type": "boolean" },
                } }),
            ),
            Tool::Bash => (
                "Runs a shell command in the company folder. What it leaves in the background is ended.".to_owned(),
                json!({ "type": "object", "required": ["command"], "properties": {
                    "command": { "type": "string" },
                    "timeout": { "type": "integer", "description": "Milliseconds, 600000 at most; 120000 if left out" },
                } }),
            ),
            Tool::Delegate => {
                let names: Vec<_> = roles.iter().map(|(role, name)| format!("{role} ({name})")).collect();
                (
                    format!(
                        "Gives a task to one of your reports: {}. It does not know what you know: say all it needs. \
                         Several calls in one answer run at the same time. You get its report.",
                        names.join(", ")
                    ),
                    json!({ "type": "object", "required": ["to", "task"], "properties": {
                        "to": { "type": "string", "enum": roles.iter().map(|(role, _)| *role).collect::<Vec<_>>() },
                        "task": { "type": "string" },
                    } }),
                )
            }
            Tool::AskFounder => (
                "Asks the founder one question and waits for the answer, which may take hours while nothing else is \
                 done. Only for what nobody but the founder can decide: a choice of direction, money or a promise to \
                 others that your instructions leave to the founder, a fact that only the founder knows. Never for what \
                 you can find out, decide within your task, or change again later."
                    .to_owned(),
                json!({ "type": "object", "required": ["question"], "properties": {
                    "question": { "type": "string", "description": "The question, understandable by itself" },
                    "detail": { "type": "string", "description": "What one has to know to answer it" },
                    "options": { "type": "array", "maxItems": 8, "items": { "type": "string" },
                        "description": "Answers to choose from; leave out where any text may be one" },
                } }),
            ),
        };
        ToolSpec { name: self.name(), description, schema }
    }

    /// What a call is about, in a few words.
    pub fn subject(self, input: &Value) -> String {
        let keys: &[&str] = match self {
            Tool::Read | Tool::Write | Tool::Edit | Tool::List => &["file_path", "path", "file", "dir"],
            Tool::Glob | Tool::Grep => &["pattern"],
            Tool::Bash => &["command"],
            Tool::Delegate => &["to", "agent", "role", "subagent_type"],
            Tool::AskFounder => &["question"],
        };
        let text = keys.iter().find_map(|key| input[key].as_str()).unwrap_or_default();
        one_line(text, 120)
    }
}

/// What came of a tool call.
#[derive(Debug)]
pub(crate) struct Done {
    /// Whether it did what it should.
    pub ok: bool,
    /// How it went, in a few words.
    pub summary: String,
    /// What the model is told.
    pub output: String,
    /// The file it changed.
    pub change: Option<FileChange>,
}

impl Done {
    /// It worked.
    pub fn new(summary: impl Into<String>, output: impl Into<String>) -> Done {
        Done { ok: true, summary: summary.into(), output: output.into(), change: None }
    }

    /// It did not work, for this reason.
    pub fn failed(why: impl Into<String>) -> Done {
        let why = why.into();
        Done { ok: false, summary: one_line(&why, 120), output: why, change: None }
    }

    fn changed(self, change: FileChange) -> Done {
        Done { change: Some(change), ..self }
    }
}

/// Why a tool did not work, in words for the model.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ToolError(String);

impl ToolError {
    /// For this reason.
    pub fn new(why: impl Into<String>) -> ToolError {
        ToolError(why.into())
    }
}

/// The tools of a run.
#[derive(Clone)]
pub(crate) struct Toolbox {
    folder: Arc<Workspace>,
    commands: Option<Commands>,
    /// What became of processes of programs that were ended because the run was told to stop.
    ended: Arc<Mutex<StopCounts>>,
}

impl Toolbox {
    /// Tools in a folder; commands only where they are given.
    pub fn new(folder: Workspace, commands: Option<Commands>) -> Toolbox {
        Toolbox { folder: Arc::new(folder), commands, ended: Arc::default() }
    }

    /// The tools of an agent: those its file names, as far as there are any. Whoever has reports may delegate, and
    /// whoever answers to the founder may ask.
    pub fn of(&self, allowed: &[String], has_reports: bool, is_root: bool) -> BTreeSet<Tool> {
        let mut tools: BTreeSet<Tool> = allowed.iter().filter_map(|name| Tool::named(name)).collect();
        tools.retain(|tool| *tool != Tool::Bash || self.commands.is_some());
        if has_reports {
            tools.insert(Tool::Delegate);
        } else {
            tools.remove(&Tool::Delegate);
        }
        if is_root {
            tools.insert(Tool::AskFounder);
        } else {
            tools.remove(&Tool::AskFounder);
        }
        tools
    }

    /// What became of the processes that were ended because the run was told to stop.
    pub fn stopped(&self) -> StopCounts {
        let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended + self.commands.as_ref().map(Commands::stopped).unwrap_or_default()
    }

    /// Counts what became of a program's processes.
    pub fn ended(&self, counts: StopCounts) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended = *ended + counts;
    }

    /// Runs a tool on files, or a command.
    /// Tells `on_output` of what a command prints: how many bytes.
    pub async fn run(
        &self,
        tool: Tool,
        input: &Value,
        stop: &CancellationToken,
        on_output: &(dyn Fn(usize) + Send + Sync),
    ) -> Done {
        let done = match tool {
            Tool::Bash => self.bash(input, stop, on_output).await,
            Tool::Delegate | Tool::AskFounder => Err(ToolError::new("This is not done here.")),
            _ => self.file_tool(tool, input.clone(), stop.clone()).await,
        };
        done.unwrap_or_else(|error| Done::failed(error.0))
    }

    async fn bash(
        &self,
        input: &Value,
        stop: &CancellationToken,
        on_output: &(dyn Fn(usize) + Send + Sync),
    ) -> Result<Done, ToolError> {
        let commands = self.commands.as_ref();
        let commands = commands.ok_or_else(|| ToolError::new("This company does not allow commands."))?;
        commands.run(&parse(input)?, stop, on_output).await
    }

    async fn file_tool(&self, tool: Tool, input: Value, stop: CancellationToken) -> Result<Done, ToolError> {
        let folder = self.folder.clone();
        let work = move || match tool {
            Tool::Read => files::read(&folder, &parse(&input)?),
            Tool::Write => files::write(&folder, &parse(&input)?),
            Tool::Edit => files::edit(&folder, &parse(&input)?),
            Tool::List => search::list(&folder, &parse(&input)?),
            Tool::Glob => search::glob(&folder, &parse(&input)?, &stop),
            Tool::Grep => search::grep(&folder, &parse(&input)?, &stop),
            Tool::Bash | Tool::Delegate | Tool::AskFounder => Err(ToolError::new("This is no file tool.")),
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(ToolError::new(format!("The tool broke: {error}."))))
    }
}

/// A tool's input, read.
pub(crate) fn parse<T: DeserializeOwned>(input: &Value) -> Result<T, ToolError> {
    serde_json::from_value(input.clone()).map_err(|error| {
        ToolError::new(format!("The input does not fit the tool: {}.", one_line(&error.to_string(), 200)))
    })
}

#[cfg(test)]
mod tests;
