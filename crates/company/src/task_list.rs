//! Lists of tasks in a file, each to become a brief: numbered lines with what belongs to them, or JSON.

use contract::{Error, ErrorCode};
use serde_json::Value;

/// Tasks of one list, at most.
pub const MAX_TASKS: usize = 500;

/// A task of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// What the list calls it (`task-3`, `STRY0012`).
    pub id: String,
    /// What it is, in a line.
    pub title: String,
    /// The rest; may be empty.
    pub description: String,
    /// How urgent the list says it is, in the list's own words.
    pub priority: Option<String>,
}

impl Task {
    /// The task as a brief. A number of the list's own (not one that we gave) stands before it.
    pub fn directive(&self) -> String {
        let mut text = self.title.clone();
        if !self.description.is_empty() && self.description != self.title {
            text.push_str("\n\n");
            text.push_str(&self.description);
        }
        if self.id.is_empty() || self.id.starts_with("task-") { text } else { format!("[{}] {text}", self.id) }
    }
}

/// What a list is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Numbered lines.
    Text,
    /// A JSON array of tasks, or an object with `tasks`.
    Json,
    /// XML, which is known and not read.
    Xml,
}

impl Format {
    /// By the file's name; where that says nothing, by how the content begins.
    pub fn of(file: &str, content: &str) -> Format {
        let ending = file.rsplit(['/', '\\']).next().unwrap_or(file).rsplit_once('.').map(|(_, ending)| ending);
        match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
            "json" => return Format::Json,
            "xml" => return Format::Xml,
            "md" | "txt" => return Format::Text,
            _ => {}
        }
        match content.trim_start().chars().next() {
            Some('{' | '[') => Format::Json,
            Some('<') => Format::Xml,
            _ => Format::Text,
        }
    }

    /// The name, as the cases have it.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Xml => "xml",
        }
    }
}

/// The tasks of a list.
///
/// # Errors
/// [`ErrorCode::BAD_REQUEST`] for what does not read, for XML, for a list without tasks or with too many.
pub fn read(file: &str, content: &str) -> Result<Vec<Task>, Error> {
    let bad = |what: String, fix: &str| Error::new(ErrorCode::BAD_REQUEST, what, fix);
    let tasks = match Format::of(file, content) {
        Format::Text => from_text(content),
        Format::Json => from_json(content)?,
        Format::Xml => {
            return Err(bad(format!("{file} is XML, which is not read."), "Give a numbered list or JSON."));
        }
    };
    match tasks.len() {
        0 => Err(bad(format!("There are no tasks in {file}."), "Begin each with a number: `1. Write the imprint`.")),
        1..=MAX_TASKS => Ok(tasks),
        many => Err(bad(
            format!("There are {many} tasks in {file}; {MAX_TASKS} is the most."),
            "Split the list into several files.",
        )),
    }
}

/// Tasks from numbered lines (`1. …`, `2) …`). What follows a line, up to the next one, describes its task; what comes
/// before the first belongs to none.
pub fn from_text(content: &str) -> Vec<Task> {
    let mut tasks: Vec<(Task, Vec<&str>)> = Vec::new();
    for line in content.split('\n') {
        match numbered(line) {
            Some((number, title)) => {
                let task = Task { id: format!("task-{number}"), title: title.trim().to_owned(), ..Task::default() };
                tasks.push((task, Vec::new()));
            }
            None => {
                if let Some((_, lines)) = tasks.last_mut() {
                    lines.push(line);
                }
            }
        }
    }
    let tasks = tasks.into_iter().map(|(task, lines)| Task { description: dedented(&lines), ..task });
    tasks.filter(|task| !task.title.is_empty() || !task.description.is_empty()).collect()
}

/// The number and the rest of a line that begins a task.
fn numbered(line: &str) -> Option<(&str, &str)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line[digits..].strip_prefix(['.', ')']).filter(|_| digits > 0)?;
    let mut chars = rest.chars();
    // A space, and then something.
    (chars.next()?.is_whitespace() && chars.next().is_some()).then_some((&line[..digits], rest))
}

/// Lines without the indentation that all of them share, and without empty lines around them.
fn dedented(lines: &[&str]) -> String {
    let filled = lines.iter().filter(|line| !line.trim().is_empty());
    let indent = filled.map(|line| line.chars().take_while(|c| c.is_whitespace()).count()).min().unwrap_or(0);
    let cut = lines.iter().map(|line| {
        let from = line.char_indices().nth(indent).map_or(line.len(), |(at, _)| at);
        line[from..].trim_end_matches('\r')
    });
    cut.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Tasks from JSON: an array, or an object with the array `tasks`. Names of ticket systems are understood:
/// `short_description`, `number`, `sys_id`, `acceptance_criteria`.
///
/// # Errors
/// [`ErrorCode::BAD_REQUEST`], with the place where it does not read.
pub fn from_json(content: &str) -> Result<Vec<Task>, Error> {
    let bad = |what: String| {
        Error::new(ErrorCode::BAD_REQUEST, what, "A list is `[{\"title\": \"…\", \"description\": \"…\"}, …]`.")
    };
    let mut value: Value =
        serde_json::from_str(content).map_err(|error| bad(format!("The list is no JSON: {error}.")))?;
    let list = match &mut value {
        Value::Object(fields) => fields.remove("tasks").unwrap_or(Value::Array(Vec::new())),
        other => other.take(),
    };
    let Value::Array(items) = list else { return Err(bad("The list holds no array of tasks.".into())) };
    let tasks = items.iter().enumerate().map(|(index, item)| {
        let fields = item.as_object().ok_or_else(|| bad(format!("Task {} of the list is no object.", index + 1)))?;
        let first = |names: &[&str]| names.iter().find_map(|name| fields.get(*name).and_then(said));
        let mut description = first(&["description", "short_description"]).unwrap_or_default();
        let criteria: Vec<String> = match fields.get("acceptance_criteria") {
            Some(Value::Array(items)) => items.iter().filter_map(plain).collect(),
            Some(one) => said(one).into_iter().collect(),
            None => Vec::new(),
        };
        if !criteria.is_empty() {
            description.push_str("\n\nAcceptance Criteria:");
            for criterion in criteria {
                description.push_str("\n- ");
                description.push_str(&criterion);
            }
        }
        Ok(Task {
            id: first(&["id", "number", "sys_id"]).unwrap_or_else(|| format!("task-{}", index + 1)),
            title: first(&["title", "short_description"]).unwrap_or_else(|| format!("Task {}", index + 1)),
            description: description.trim().to_owned(),
            priority: fields.get("priority").and_then(plain),
        })
    });
    tasks.collect()
}

/// A value that says something, as text.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::Bool(false) => None,
        other => plain(other).filter(|text| !text.is_empty()),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_becomes_briefs() {
        let list = "Plan\n\n1. Imprint\r\n\r\n   Name, address.\r\n     And a map.\r\n2) Prices\n3.\n4. \n12. Terms\n";
        let tasks = read("plan.md", list).unwrap();
        let briefs: Vec<String> = tasks.iter().map(Task::directive).collect();
        assert_eq!(briefs, ["Imprint\n\nName, address.\n  And a map.", "Prices\n\n3.\n4.", "Terms"]);
        assert_eq!(tasks[2].id, "task-12");
    }

    #[test]
    fn tickets_become_briefs() {
        let list = r#"{"tasks": [
            {"number": "STRY1", "short_description": "Login", "description": "By mail.", "priority": 2,
             "acceptance_criteria": ["one", 2]},
            {"id": 7, "title": "Logout", "description": "", "acceptance_criteria": []}
        ]}"#;
        let tasks = read("export.dat", list).unwrap();
        assert_eq!(tasks[0].directive(), "[STRY1] Login\n\nBy mail.\n\nAcceptance Criteria:\n- one\n- 2");
        assert_eq!((tasks[0].priority.as_deref(), tasks[1].directive().as_str()), (Some("2"), "[7] Logout"));
    }

    #[test]
    fn what_is_no_list_says_so() {
        for (file, content) in [("a.txt", "nothing here"), ("a.json", "{"), ("a.json", "[1]"), ("a.xml", "<a/>")] {
            assert_eq!(read(file, content).unwrap_err().code, ErrorCode::BAD_REQUEST, "{file}: {content}");
        }
        let long: String = (1..=MAX_TASKS + 1).map(|n| format!("{n}. Task\n")).collect();
        assert!(read("a.md", &long).unwrap_err().message.contains("501"));
    }
}
