//! Agent files: YAML between two lines of `---`, then what the agent is told, in Markdown.

use std::path::{Path, PathBuf};

use contract::{Error, ErrorCode, Money, role_name};
use serde_json::{Value, json};

use crate::autonomy::{Judgement, Level};
use crate::config::{engine_names, is_any_model, is_engine, is_model, is_role};
use crate::files::{self, ReadError};
use crate::yaml::{Kind, Node, parse, short};
use crate::{AGENTS_DIR, MAX_AGENT_BYTES};

/// The tools that an agent file may name. What it names beside these is dropped (E005).
pub const TOOLS: [&str; 8] = ["Read", "Write", "Edit", "List", "Glob", "Grep", "Bash", "Delegate"];

/// The model of an agent for which neither its file nor the config names one.
const DEFAULT_MODEL: &str = "sonnet";
/// Who stands above the CEO, as files of the original name it.
const FOUNDERS: [&str; 6] = ["founder", "human-founder", "human_founder", "owner", "none", "null"];

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
    /// The role it answers to, a member of the team; none for the CEO.
    pub reports_to: Option<String>,
    /// Its model: `opus`, `sonnet`, `haiku` or a full Claude id. Engines with other models do not look at it.
    pub model: String,
    /// The engine it works on, by name (`codex`, `acp:gemini`); empty for its company's.
    pub engine: String,
    /// Its model on an engine whose models are not Claude's; empty for the company's `engines.model`.
    pub engine_model: String,
    /// The tools of [`TOOLS`] that it may use, all of them where the file has no list.
    pub tools: Vec<String>,
    /// Whether it is on the team (E007).
    pub enabled: bool,
    /// The preset that it writes by (`technical`); empty where there is none.
    pub persona: String,
    /// Its skills, by name, all of them known.
    pub skills: Vec<String>,
    /// What it may do by itself.
    pub judgement: Judgement,
    /// What its calls may cost in a day; zero for no limit of its own.
    pub daily_limit: Money,
    /// The file's text below the frontmatter.
    pub body: String,
    /// The file.
    pub file: PathBuf,
    /// What the file itself says, before the config's word.
    pub said: Said,
}

/// What an agent's file says of things that the config may say otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Its preset.
    pub persona: Option<String>,
    /// Its skills; an empty list means none, nothing means its role's (E071).
    pub skills: Option<Vec<String>>,
    /// Its level.
    pub autonomy: Option<String>,
}

/// Writes an agent's file anew, whole or not at all.
///
/// # Errors
/// `agent.invalid` where the text does not hold or names another role, `company.folder` where it cannot be written.
pub fn save_agent(dir: &Path, role: &str, text: &str) -> Result<AgentFile, Error> {
    check_role(role)?;
    let folder = dir.join(AGENTS_DIR);
    let file = existing_file(dir, role).unwrap_or_else(|| folder.join(format!("{role}.md")));
    let agent = agent_to_save(dir, &file, role, text)?;
    let write = || {
        make_inside(dir, &folder)?;
        files::replace(&file, text)
    };
    write().map_err(|error| files::folder_error("write", &file, &error))?;
    Ok(agent)
}

/// Whether a name may be a role's.
pub(crate) fn check_role(role: &str) -> Result<(), Error> {
    if is_role(role) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::AGENT_INVALID,
        format!("{:?} is no name for a role.", short(role)),
        "A role is lower-case letters, digits and hyphens, such as data-scientist.",
    ))
}

/// Reads a text that is to be a role's file.
pub(crate) fn agent_to_save(dir: &Path, file: &Path, role: &str, text: &str) -> Result<AgentFile, Error> {
    if text.len() as u64 > MAX_AGENT_BYTES {
        return Err(invalid(dir, file, None, format!("it is larger than {MAX_AGENT_BYTES} bytes"), "Shorten it."));
    }
    let agent = parse_agent(dir, file, text)?;
    if agent.role != role {
        let what = format!("it names the role {:?}, and it is {role:?} that is saved", agent.role);
        return Err(invalid(dir, file, None, what, "Keep the role; a new role is a new file."));
    }
    Ok(agent)
}

/// Makes a folder below the company's, and fails where it leads out of it.
pub(crate) fn make_inside(dir: &Path, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    if !std::fs::canonicalize(folder)?.starts_with(std::fs::canonicalize(dir)?) {
        return Err(std::io::Error::new(
            std::io::ErrorKind::PermissionDenied,
            "the folder of agents leads out of the company's folder",
        ));
    }
    Ok(())
}

/// The text of an agent's file, whether it holds or not.
///
/// # Errors
/// `company.folder` where it cannot be read, leads out of the company's folder, or is no text of an agent's size.
pub fn agent_text(dir: &Path, file: &Path) -> Result<String, Error> {
    files::read_inside(dir, file, MAX_AGENT_BYTES).map_err(|error| {
        Error::new(
            ErrorCode::COMPANY_FOLDER,
            format!("{} cannot be read: {error}.", file.display()),
            "Bring the file back, or check its permissions.",
        )
    })
}

/// The file that holds a role now, where it is not the one named after it.
pub(crate) fn existing_file(dir: &Path, role: &str) -> Option<PathBuf> {
    let plain = dir.join(AGENTS_DIR).join(format!("{role}.md"));
    if plain.exists() {
        return Some(plain);
    }
    let (files, _) = agent_files(dir).ok()?;
    files.into_iter().find(|file| read_agent(dir, file).is_ok_and(|agent| agent.role == role))
}

/// The `.md` files of the agents' folder, sorted, the CEO's first; and whether there are more than are looked at.
pub(crate) fn agent_files(dir: &Path) -> std::io::Result<(Vec<PathBuf>, bool)> {
    const ENTRIES: usize = 10_000;
    let mut found = Vec::new();
    let mut more = false;
    match std::fs::read_dir(dir.join(AGENTS_DIR)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(entries) => {
            for (index, entry) in entries.enumerate() {
                if index == ENTRIES {
                    more = true;
                    break;
                }
                let path = entry?.path();
                let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
                if !hidden && path.extension().is_some_and(|extension| extension == "md") {
                    found.push(path);
                }
            }
        }
    }
    found.sort_by_key(|path| (stem(path) != "ceo", path.clone()));
    more |= found.len() > crate::MAX_AGENTS;
    found.truncate(crate::MAX_AGENTS);
    Ok((found, more))
}

/// The role that a file's name gives.
pub(crate) fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads an agent's file.
pub(crate) fn read_agent(dir: &Path, file: &Path) -> Result<AgentFile, Error> {
    let text = files::read_inside(dir, file, MAX_AGENT_BYTES).map_err(|error| {
        let fix = match error {
            ReadError::Outside => "Put the file itself into the folder.",
            ReadError::TooLarge(_) => "Shorten it.",
            ReadError::NotText => "Save it as UTF-8.",
            _ => "Check the file and its permissions.",
        };
        invalid(dir, file, None, error.to_string(), fix)
    })?;
    parse_agent(dir, file, &text)
}

/// Reads an agent's text.
pub(crate) fn parse_agent(dir: &Path, file: &Path, text: &str) -> Result<AgentFile, Error> {
    let Some((front, body)) = split(text) else {
        return Err(invalid(
            dir,
            file,
            Some(1),
            "it has no frontmatter; expected a line \"---\", keys such as \"role: cto\", and a line \"---\"".to_owned(),
            "`aicib agent show ceo` prints one that holds.",
        ));
    };
    let correct = "Correct that line.";
    let root = match parse(front) {
        Ok(Some(root)) if matches!(root.kind, Kind::Map(_)) => root,
        Ok(_) => {
            let what = "its frontmatter holds no keys; expected at least \"role: cto\"".to_owned();
            return Err(invalid(dir, file, Some(2), what, correct));
        }
        // The frontmatter begins in the file's second line.
        Err(error) => return Err(invalid(dir, file, Some(error.line + 1), error.message, correct)),
    };
    let fault = |node: &Node, what: String| invalid(dir, file, Some(node.line + 1), what, correct);
    let text_of = |key: &str| match root.get(key) {
        None => Ok(None),
        Some(node) => match &node.kind {
            Kind::Null => Ok(None),
            Kind::Text(text) => Ok(Some(contract::one_line(text, 200)).filter(|text| !text.is_empty())),
            _ => Err(fault(node, format!("{key} must be a text"))),
        },
    };
    let named = root.get("role").or_else(|| root.get("name").filter(|name| name.text().is_some_and(is_role)));
    let role = match named {
        Some(node) => node.text().unwrap_or_default().trim().to_owned(),
        None => stem(file),
    };
    if !is_role(&role) {
        let what = format!("role must be lower-case letters, digits and hyphens, not \"{}\"", short(&role));
        return Err(fault(named.unwrap_or(&root), what));
    }
    let model = match root.get("model") {
        None => DEFAULT_MODEL.to_owned(),
        Some(node) => match (&node.kind, node.text()) {
            (Kind::Null, _) | (_, Some("inherit")) => DEFAULT_MODEL.to_owned(),
            (_, Some(model)) if is_model(model) => model.to_owned(),
            (_, given) => {
                let given = short(given.unwrap_or("that"));
                let what = format!("model must be opus, sonnet, haiku or a full Claude model id, not \"{given}\"");
                return Err(fault(node, what));
            }
        },
    };
    let engine = match text_of("engine")? {
        Some(name) if !is_engine(&name) => {
            let node = root.get("engine").unwrap_or(&root);
            let known = engine_names().join(", ");
            return Err(fault(node, format!("engine must be one of {known}, not \"{}\"", short(&name))));
        }
        given => given.unwrap_or_default(),
    };
    let engine_model = match text_of("engine_model")? {
        Some(name) if !is_any_model(&name) => {
            let node = root.get("engine_model").unwrap_or(&root);
            return Err(fault(node, format!("engine_model must be a model's name, not \"{}\"", short(&name))));
        }
        given => given.unwrap_or_default(),
    };
    let enabled = match root.get("enabled") {
        None => true,
        Some(node) => node.boolean().ok_or_else(|| fault(node, "enabled must be true or false".to_owned()))?,
    };
    let tools = match root.get("tools") {
        None => TOOLS.map(str::to_owned).to_vec(),
        Some(node) => {
            let names = texts(node).ok_or_else(|| fault(node, "tools must be a list of names".to_owned()))?;
            known_tools(&names)
        }
    };
    // A single name stands for a list of one (E075).
    let skills = match root.get("skills").filter(|node| !node.is_null()) {
        None => None,
        Some(node) => {
            let names = texts(node).ok_or_else(|| fault(node, "skills must be a list of names".to_owned()))?;
            Some(names.into_iter().filter(|name| !name.is_empty()).collect())
        }
    };
    let autonomy = match text_of("autonomy")? {
        None => text_of("autonomy_level")?,
        given => given,
    };
    let said = Said { persona: text_of("persona")?, skills, autonomy };
    let name = text_of("display_name")?.unwrap_or_else(|| role_name(&role));
    Ok(AgentFile {
        title: text_of("title")?.unwrap_or_else(|| name.clone()),
        department: text_of("department")?.unwrap_or_default(),
        reports_to: text_of("reports_to")?.filter(|head| !FOUNDERS.contains(&head.as_str()) && *head != role),
        role,
        name,
        model,
        engine,
        engine_model,
        tools,
        enabled,
        persona: String::new(),
        skills: Vec::new(),
        judgement: Judgement { level: Level::default(), ..Judgement::default() },
        daily_limit: Money::ZERO,
        body: body.trim().to_owned(),
        file: file.to_owned(),
        said,
    })
}

/// The two parts of an agent's text: its frontmatter, and what is below it. `None` for a text without frontmatter, or
/// with one that does not read.
pub fn agent_parts(text: &str) -> Option<(Value, String)> {
    let (front, body) = split(text)?;
    let root = parse(front).ok()??;
    Some((root.to_json(), body.trim().to_owned()))
}

/// A list of texts; a single text stands for a list of one, commas part it.
fn texts(node: &Node) -> Option<Vec<String>> {
    match &node.kind {
        Kind::Null => Some(Vec::new()),
        Kind::Text(text) => Some(text.split(',').map(|name| name.trim().to_owned()).collect()),
        Kind::List(items) => items.iter().map(|item| item.text().map(|text| text.trim().to_owned())).collect(),
        _ => None,
    }
}

/// The tools we have among names as Claude Code and the original write them, in our order.
fn known_tools(names: &[String]) -> Vec<String> {
    let meant = |name: &str| match name.split('(').next().unwrap_or(name).trim() {
        "LS" => "List",
        "MultiEdit" => "Edit",
        "Task" | "Agent" => "Delegate",
        name => TOOLS.into_iter().find(|tool| tool.eq_ignore_ascii_case(name)).unwrap_or(""),
    };
    let wanted: Vec<&str> = names.iter().map(|name| meant(name)).collect();
    TOOLS.into_iter().filter(|tool| wanted.contains(tool)).map(str::to_owned).collect()
}

/// The frontmatter and what is below it.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_fence = |line: &str| line.trim_end() == "---";
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().filter(|line| is_fence(line))?;
    let mut end = first.len();
    for line in lines {
        if is_fence(line) {
            return Some((&text[first.len()..end], &text[end + line.len()..]));
        }
        end += line.len();
    }
    None
}

pub(crate) fn invalid(dir: &Path, file: &Path, line: Option<usize>, what: String, fix: &str) -> Error {
    let place = line.map(|line| format!(", line {line}")).unwrap_or_default();
    let what = what.trim_end_matches('.');
    Error::new(ErrorCode::AGENT_INVALID, format!("{}{place}: {what}.", files::shown(dir, file)), fix).with(json!({
        "file": file,
        "line": line,
        "expected": what,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AgentFile, Error> {
        parse_agent(Path::new("/c"), Path::new("/c/.claude/agents/cto.md"), text)
    }

    #[test]
    fn e005_tools_that_no_engine_has_are_dropped() {
        let agent =
            read("---\nrole: cto\ntools:\n  - SendMessage\n  - Write\n  - TeamCreate\n  - Read\n  - WebSearch\n---\n");
        assert_eq!(agent.unwrap().tools, ["Read", "Write"]);
    }

    #[test]
    fn tools_may_be_a_single_text() {
        let tools = |front: &str| read(&format!("---\n{front}\n---\n")).unwrap().tools;
        assert_eq!(tools("tools: Read"), ["Read"]);
        assert_eq!(tools("tools: Bash(git:*), LS, grep, Task"), ["List", "Grep", "Bash", "Delegate"]);
        assert!(tools("tools: []").is_empty());
        assert_eq!(tools("role: cto"), TOOLS);
    }

    #[test]
    fn e075_a_single_skill_is_a_list_of_one() {
        let skills = |front: &str| read(&format!("---\n{front}\n---\n")).unwrap().said.skills;
        assert_eq!(skills("skills: code_review"), Some(vec!["code_review".to_owned()]));
        assert_eq!(skills("skills: [a, b]"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(skills("skills: []"), Some(vec![]), "E071");
        assert_eq!((skills("role: cto"), skills("skills:")), (None, None));
    }

    #[test]
    fn what_a_file_leaves_out_has_a_default() {
        let agent = read("\u{feff}---\r\ntitle: Chief\r\nreports_to: human-founder\r\n---\r\nBody\r\n").unwrap();
        assert_eq!((agent.role.as_str(), agent.name.as_str(), agent.title.as_str()), ("cto", "CTO", "Chief"));
        assert_eq!((agent.model.as_str(), agent.enabled, agent.reports_to), ("sonnet", true, None));
        assert_eq!(agent.body, "Body");
    }

    #[test]
    fn a_fault_names_file_and_line() {
        for (text, line, what) in [
            ("no frontmatter", 1, "no frontmatter"),
            ("---\nrole: cto\n", 1, "no frontmatter"),
            ("---\n---\n", 2, "holds no keys"),
            ("---\nrole: cto\nmodel: gpt-4\n---\n", 3, "opus, sonnet, haiku"),
            ("---\nrole: cto\nengine: acp\n---\n", 3, "engine must be one of"),
            ("---\nrole: cto\nengine: practice\n---\n", 3, "engine must be one of"),
            ("---\nrole: cto\nengine_model: --yolo\n---\n", 3, "engine_model must be"),
            ("---\nrole: cto\ntools: {a: 1}\n---\n", 3, "list of names"),
            ("---\nrole: cto\nenabled: 1\n---\n", 3, "true or false"),
            ("---\nrole: The Boss\n---\n", 2, "lower-case"),
            ("---\nrole: cto\ntitle: [\n---\n", 3, "not YAML"),
            ("---\nrole: 5\n---\n", 2, "lower-case"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code, ErrorCode::AGENT_INVALID);
            assert!(error.message.starts_with(&format!(".claude/agents/cto.md, line {line}: ")), "{error}");
            assert!(error.message.contains(what), "{error}");
        }
    }
}
