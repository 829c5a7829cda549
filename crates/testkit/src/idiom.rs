//! One script for every agent: what it does is said once, and called by the tool that the agent at hand has for it.

use std::path::Path;

use serde_json::{Value, json};

use crate::{Request, Turn};

impl Turn {
    /// An answer that runs a command, by whatever tool for commands is offered.
    pub fn command(command: &str) -> Turn {
        let command = command.to_owned();
        Turn::made(move |request| Turn::text("I run a command.").and_command(request, &command))
    }

    /// An answer that writes a file below `dir`, by whatever tool for files is offered.
    pub fn write(dir: &Path, path: &str, content: &str) -> Turn {
        let (dir, path, content) = (dir.to_owned(), path.to_owned(), content.to_owned());
        Turn::made(move |request| write(request, &dir, &path, &content))
    }

    /// An answer that gives work to another agent.
    pub fn delegate(to: &str, task: &str) -> Turn {
        let (to, task) = (to.to_owned(), task.to_owned());
        Turn::made(move |request| Turn::text("I give it to a colleague.").and_delegate(request, &to, &task))
    }

    /// An answer that asks the founder something.
    pub fn ask_founder(question: &str) -> Turn {
        let input = json!({ "question": question });
        Turn::made(move |request| match ending(request, "ask_founder") {
            Some(tool) => Turn::text("I have to ask.").and_offered(tool, input.clone()),
            None => lost(request, "asking the founder"),
        })
    }

    /// The same answer, with a command after it.
    #[must_use]
    pub fn and_command(self, request: &Request, command: &str) -> Turn {
        let inputs = [
            ("Bash", json!({ "command": command })),
            ("exec_command", json!({ "cmd": command })),
            ("shell_command", json!({ "command": command })),
            ("shell", json!({ "command": ["bash", "-lc", command] })),
            ("bash", json!({ "command": command, "description": "Runs it" })),
            ("run_shell_command", json!({ "command": command, "description": "Runs it" })),
        ];
        match first(request, inputs) {
            Some((tool, input)) => self.and_offered(tool, input),
            None => lost(request, "commands"),
        }
    }

    /// The same answer, with a delegation after it.
    #[must_use]
    pub fn and_delegate(self, request: &Request, to: &str, task: &str) -> Turn {
        let ours = ending(request, "delegate").filter(|tool| {
            let roles = tool["input_schema"]["properties"]["to"]["enum"].as_array();
            roles.is_none_or(|roles| roles.iter().any(|role| role == to))
        });
        if let Some(tool) = ours {
            return self.and_offered(tool, json!({ "to": to, "task": task }));
        }
        let native = json!({
            "description": "Delegated work", "prompt": task, "subagent_type": to, "run_in_background": false,
        });
        match first(request, [("Agent", native.clone()), ("Task", native)]) {
            Some((tool, input)) => self.and_offered(tool, input),
            None => lost(request, "delegating"),
        }
    }

    fn and_offered(self, tool: &Value, input: Value) -> Turn {
        let name = tool["name"].as_str().unwrap_or_default();
        self.and_tool_in(tool["namespace"].as_str(), name, input.to_string(), tool["type"] == "custom")
    }
}

fn write(request: &Request, dir: &Path, path: &str, content: &str) -> Turn {
    let whole = dir.join(path);
    let target = if request.is_ours() { json!(path) } else { json!(whole) };
    let patch = || {
        let lines: String = content.lines().map(|line| format!("+{line}\n")).collect();
        format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n")
    };
    let inputs = [
        ("Write", json!({ "file_path": target, "content": content })),
        ("write", json!({ "filePath": target, "content": content })),
        ("write_file", json!({ "file_path": target, "content": content })),
    ];
    let said = Turn::text("I write a file.");
    if let Some((tool, input)) = first(request, inputs) {
        return said.and_offered(tool, input);
    }
    match request.offered().iter().find(|tool| tool["name"] == "apply_patch") {
        Some(tool) if tool["type"] == "custom" => said.and_tool_in(None, "apply_patch", patch(), true),
        Some(tool) => {
            let wants = &tool["input_schema"]["properties"];
            let name = if wants["patchText"].is_object() { "patchText" } else { "input" };
            said.and_offered(tool, json!({ name: patch() }))
        }
        None => {
            let whole = whole.display();
            let command = format!("mkdir -p \"$(dirname '{whole}')\" && printf '%s' '{content}' > '{whole}'");
            said.and_command(request, &command)
        }
    }
}

/// The first of the tools that is offered, with its input.
fn first<'a, const N: usize>(request: &'a Request, tools: [(&str, Value); N]) -> Option<(&'a Value, Value)> {
    let offered = request.offered();
    tools.into_iter().find_map(|(name, input)| Some((offered.iter().find(|tool| tool["name"] == name)?, input)))
}

/// The tool of ours that a program offers under a name of its own (`mcp__aicib__delegate`).
fn ending<'a>(request: &'a Request, name: &str) -> Option<&'a Value> {
    request.offered().iter().find(|tool| tool["name"].as_str().is_some_and(|offered| offered.ends_with(name)))
}

fn lost(request: &Request, what: &str) -> Turn {
    Turn::text(format!("There is no tool for {what} among {}.", request.tools().join(", ")))
}
