//! What a tool call would do, whichever engine's tool it is.
//!
//! Names and inputs are an agent's or a program's: hostile. What is not known counts as something that needs leave.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use contract::{Act, one_line, title};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::diff::{self, Edit};
use super::shell;

/// Bytes of a subject. What is longer is named by its beginning and its fingerprint.
const MAX_SUBJECT: usize = 2_000;
/// Files of one call, at most, that are told apart. One with more is none of the company folder's alone.
const MAX_FILES: usize = 500;

/// What a tool call would do.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    /// What kind of act that is.
    pub act: Act,
    /// The tool, as its engine names it.
    pub tool: String,
    /// What would happen, in full: the command, the path, the address. As it came.
    pub action: String,
    /// What a rule would be about, exactly.
    pub subject: Option<String>,
    /// What would change in files, as a unified diff, where the engine says so itself.
    pub diff: Option<String>,
    /// A fingerprint of tool and input.
    pub digest: String,
    /// Whether it is a command, whatever kind of act the command is.
    pub is_command: bool,
    /// What would change in files, where that has to be found out.
    edits: Vec<Edit>,
}

impl Intent {
    /// What a call of `tool` with `input` would do, for tests.
    #[cfg(test)]
    pub fn of(tool: &str, input: &Value, folders: &[&Path]) -> Intent {
        intent(tool, input, folders)
    }

    /// What would be done, in words that go after "wants to".
    pub fn what(&self) -> &'static str {
        match (self.act, self.is_command) {
            (Act::Read, _) => "read files",
            (Act::Write, _) => "change files of the company folder",
            (Act::WriteElsewhere, _) => "change files that are not its own to change",
            (Act::Command, _) => "run a command",
            (Act::Network, true) => "run a command that uses the network",
            (Act::Network, false) => "use the network",
            (Act::Publish, true) => "run a command that publishes or sends",
            (Act::Publish, false) => "publish or send something",
            (Act::Spend, true) => "run a command that spends money",
            (Act::Spend, false) => "spend money",
        }
    }

    /// What would change in files as they are now, as a unified diff.
    pub(super) async fn diff_now(&self, folder: &Path) -> Option<String> {
        if self.edits.is_empty() {
            return None;
        }
        let (edits, folder) = (self.edits.clone(), folder.to_owned());
        let made = tokio::task::spawn_blocking(move || diff::of(&edits, &folder)).await;
        made.unwrap_or_else(|error| Some(format!("[the change cannot be shown: {error}]")))
    }
}

/// What a tool is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Look,
    Change,
    Run,
    Fetch,
    Search,
    Nothing,
    Server,
    Unknown,
}

/// What a call of `tool` with `input` would do. Knows our own tools, those of Claude Code and Codex, and the kinds of the
/// Agent Client Protocol (`execute`). `folders`: the company's, in which paths begin, and others that are the agents' own.
pub(super) fn intent(tool: &str, input: &Value, folders: &[&Path]) -> Intent {
    let name = one_line(tool, 120);
    let kind = kind(&name, input);
    let mut intent = Intent {
        act: Act::Command,
        tool: name,
        action: String::new(),
        subject: None,
        diff: None,
        digest: digest(tool, input),
        is_command: false,
        edits: Vec::new(),
    };
    match kind {
        Kind::Nothing => {
            intent.act = Act::Read;
            intent.action.clone_from(&intent.tool);
        }
        Kind::Look => {
            intent.act = Act::Read;
            intent.action = text(input, &["file_path", "path", "pattern", "query", "notebook_path", "uri"])
                .unwrap_or(".")
                .to_owned();
            intent.subject = Some(subject(&intent.action));
        }
        Kind::Run => {
            let said = command(input);
            let is_exact = said.is_some();
            // Some agents say in a title alone what they run: enough to be asked about, not to be allowed for good.
            let line = said.or_else(|| text(input, &["title"]).map(str::to_owned)).unwrap_or_else(|| in_full(input));
            intent.act = shell::act(&line);
            intent.is_command = true;
            intent.action = line;
            if let Some(dir) = text(input, &["cwd", "workdir", "working_directory"])
                && !is_same(folders, dir)
            {
                intent.action.push_str(&format!("\n[in {dir}]"));
            }
            for key in ["env", "environment"] {
                if let Some(env) = input.get(key).filter(|env| !is_nothing(env)) {
                    intent.action.push_str(&format!("\n[with {env}]"));
                }
            }
            // The same line in another folder is another command.
            intent.subject = Some(subject(&intent.action)).filter(|subject| is_exact && !subject.is_empty());
        }
        Kind::Fetch => {
            let url = text(input, &["url", "uri", "address"]).unwrap_or_default();
            let method = text(input, &["method"]).unwrap_or("GET").trim().to_ascii_uppercase();
            let reads = matches!(method.as_str(), "GET" | "HEAD") && input.get("body").is_none_or(Value::is_null);
            intent.act = if reads { Act::Network } else { Act::Publish };
            intent.action = if url.is_empty() { in_full(input) } else { full(url, input) };
            // One without an address that reads is not allowed for good.
            intent.subject = host(url).map(|host| subject(&host));
        }
        Kind::Search => {
            intent.act = Act::Network;
            intent.action = text(input, &["query", "q"]).map_or_else(|| in_full(input), str::to_owned);
            intent.subject = Some("web search".to_owned());
        }
        Kind::Change => changes(&mut intent, input, folders),
        Kind::Server | Kind::Unknown => {
            let tool = server_tool(&intent.tool, input);
            // What is of no kind at the Agent Client Protocol is a tool of somebody's server, mostly.
            let is_served = kind == Kind::Server || intent.tool.eq_ignore_ascii_case("other");
            intent.act = if is_served { served(&tool) } else { Act::Command };
            intent.action = format!("{} {}", intent.tool, in_full(input));
            intent.subject = Some(subject(&tool));
            // A call of a tool that nobody knows is not allowed for good by its name.
            if kind == Kind::Unknown {
                intent.subject = Some(subject(&intent.action));
            }
        }
    }
    intent
}

fn kind(tool: &str, input: &Value) -> Kind {
    let lower = tool.to_ascii_lowercase();
    if let Some(own) = lower.strip_prefix("mcp__aicib__") {
        return if matches!(own, "delegate" | "ask_founder") { Kind::Nothing } else { Kind::Server };
    }
    match lower.as_str() {
        "read" | "list" | "ls" | "glob" | "grep" | "search" | "notebookread" | "lsp" => Kind::Look,
        "write" | "edit" | "multiedit" | "notebookedit" | "delete" | "move" | "file_change" | "filechange"
        | "apply_patch" | "write_file" | "replace" => Kind::Change,
        "bash" | "execute" | "command_execution" | "commandexecution" | "shell" | "local_shell" | "exec_command"
        | "run_shell_command" | "powershell" | "monitor" => Kind::Run,
        "webfetch" | "fetch" | "web_fetch" => Kind::Fetch,
        "websearch" | "web_search" => Kind::Search,
        "delegate" | "ask_founder" | "task" | "agent" | "think" | "switch_mode" | "todowrite" | "todoread"
        | "todo_list" | "bashoutput" | "killshell" | "killbash" | "taskoutput" | "taskstop" | "exitplanmode"
        | "enterplanmode" | "askuserquestion" | "skill" | "toolsearch" | "structuredoutput" | "sendmessage"
        | "taskcreate" | "taskupdate" | "taskget" | "tasklist" => Kind::Nothing,
        name if name.starts_with("mcp__") || name.starts_with("mcp:") || name == "mcp_tool_call" => Kind::Server,
        _ if command(input).is_some() => Kind::Run,
        "other" if matches!(input["title"].as_str(), Some("todowrite" | "todoread" | "skill" | "lsp")) => Kind::Nothing,
        _ => Kind::Unknown,
    }
}

/// The whole name of a tool of somebody's MCP server, where the call says it beside.
fn server_tool(tool: &str, input: &Value) -> String {
    let mut name = tool.to_owned();
    for key in ["server", "serverName", "server_name", "tool", "toolName", "tool_name"] {
        if let Some(part) = input[key].as_str().filter(|_| tool.eq_ignore_ascii_case("mcp_tool_call")) {
            name.push_str(&format!("__{}", one_line(part, 120)));
        }
    }
    name
}

/// What a tool of somebody's MCP server does: nobody knows, so it publishes. One whose name speaks of paying spends.
fn served(tool: &str) -> Act {
    const PAYING: [&str; 9] =
        ["pay", "purchase", "buy", "checkout", "charge", "order", "subscribe", "refund", "transfer"];
    let own = tool.rsplit("__").next().unwrap_or(tool).to_ascii_lowercase();
    let mut words = own.split(|c: char| !c.is_ascii_alphanumeric());
    if words.any(|word| PAYING.contains(&word)) {
        return Act::Spend;
    }
    Act::Publish
}

/// The command line of a call: a text, or a program with its arguments.
fn command(input: &Value) -> Option<String> {
    let joined = |words: &Value| {
        let words: Option<Vec<_>> = words.as_array()?.iter().map(Value::as_str).collect();
        words.filter(|words| !words.is_empty()).map(|words| words.into_iter().map(quoted).collect::<Vec<_>>().join(" "))
    };
    let line = ["command", "cmd", "script"].iter().find_map(|key| match &input[*key] {
        Value::String(line) => Some(line.clone()),
        words => joined(words),
    })?;
    match joined(&input["args"]) {
        Some(args) => Some(format!("{line} {args}")),
        None => Some(line),
    }
}

/// A word as a shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Which files would change, and how.
fn changes(intent: &mut Intent, input: &Value, folders: &[&Path]) {
    let edits = edits(&intent.tool, input);
    let mut paths: Vec<&str> = Vec::new();
    for edit in &edits {
        if !paths.contains(&edit.path.as_str()) {
            paths.push(&edit.path);
        }
    }
    let guarded = paths.is_empty() || paths.len() > MAX_FILES || paths.iter().any(|path| !is_own(folders, path));
    intent.act = if guarded { Act::WriteElsewhere } else { Act::Write };
    intent.action = match paths.as_slice() {
        [] => in_full(input),
        paths => {
            let verb = if intent.tool.eq_ignore_ascii_case("delete") { "Delete " } else { "" };
            format!("{verb}{}", paths.join("\n"))
        }
    };
    intent.subject = Some(subject(&intent.action));
    // A patch that came with the call is what would happen, whatever else stands beside it.
    let given = ["diff", "unified_diff", "patch", "input"].iter().find_map(|key| input[*key].as_str());
    intent.diff = given.filter(|_| edits.iter().all(|edit| !edit.is_known())).map(str::to_owned);
    intent.edits = edits;
}

/// The files that a call names, with what it does to each as far as it says.
fn edits(tool: &str, input: &Value) -> Vec<Edit> {
    const PATH: [&str; 5] = ["file_path", "path", "notebook_path", "abs_path", "file"];
    let mut found = Vec::new();
    let path = text(input, &PATH);
    if let Some(path) = path {
        let edit = Edit::at(path);
        let new = given(input, &["content", "newText", "new_text", "text"]);
        let pair = |value: &Value| {
            let old = given(value, &["old_string", "oldText", "old_text", "old"])?;
            Some((old.to_owned(), given(value, &["new_string", "newText", "new_text", "new"])?.to_owned()))
        };
        let all = |value: &Value| value["replace_all"].as_bool().unwrap_or(false);
        // What a tool does not read must not stand for what it does: each shows its own fields first.
        let name = tool.to_ascii_lowercase();
        let written = || new.map(|new| Edit::at(path).written(new.to_owned()));
        let pieced = || pair(input).map(|(old, new)| Edit::at(path).replaced(vec![(old, new, all(input))]));
        let in_steps = || {
            let steps = input["edits"].as_array()?.iter();
            Some(Edit::at(path).steps(steps.map(|step| pair(step).map(|(old, new)| (old, new, all(step))))))
        };
        let first = match name.as_str() {
            "write" | "write_file" => written().or_else(in_steps).or_else(pieced),
            "multiedit" => in_steps().or_else(pieced).or_else(written),
            _ => pieced().or_else(in_steps).or_else(written),
        };
        let cell = |new: &str| format!("cell {}:\n{new}", input["cell_id"].as_str().unwrap_or("new"));
        let edit = match (first, input["new_source"].as_str()) {
            (_, Some(new)) if name == "notebookedit" => edit.told(cell(new)),
            (Some(first), _) => first,
            (None, Some(new)) => edit.told(cell(new)),
            (None, None) if name == "delete" => edit.deleted(),
            (None, None) => edit,
        };
        found.push(edit);
    }
    // Codex: `changes` by path, or a list of them. ACP: `locations` and pieces of content that are diffs.
    let maps = ["changes", "fileChanges"].into_iter().filter_map(|key| input[key].as_object());
    let from_map = maps.flatten().map(|(path, change)| (path.as_str(), change));
    let lists = ["changes", "locations", "content", "files"].into_iter().filter_map(|key| input[key].as_array());
    let from_list = lists.flatten().filter_map(|change| match change {
        Value::String(path) => Some((path.as_str(), change)),
        change => Some((text(change, &PATH)?, change)),
    });
    for (path, change) in from_map.chain(from_list).take(MAX_FILES + 1) {
        let edit = Edit::at(path);
        let diff = ["diff", "unified_diff", "patch"].iter().find_map(|key| change[*key].as_str());
        let old = given(change, &["oldText", "old_text"]).filter(|old| !old.is_empty());
        let edit = match (diff, given(change, &["newText", "new_text", "content"]), old) {
            (Some(diff), ..) => edit.told(diff.to_owned()),
            (None, Some(new), Some(old)) => edit.replaced(vec![(old.to_owned(), new.to_owned(), false)]),
            (None, Some(new), None) => edit.written(new.to_owned()),
            (None, None, _) => edit,
        };
        // Several changes of one file are all shown.
        let same = found.iter().position(|other| other.path == path && !(other.is_known() && edit.is_known()));
        match same {
            Some(place) if edit.is_known() => found[place] = edit,
            Some(_) => {}
            None if found.iter().any(|other| other.covers(&edit)) => {}
            None => found.push(edit),
        }
        let to = change["move_path"].as_str().or_else(|| change["kind"]["move_path"].as_str());
        found.extend(to.map(Edit::at));
    }
    for key in ["source", "destination", "from", "to", "old_path", "new_path"] {
        if let Some(path) = input[key].as_str() {
            found.push(Edit::at(path));
        }
    }
    if let Some(patch) = ["patch", "input"].iter().find_map(|key| input[*key].as_str()) {
        found.extend(diff::patched(patch).into_iter().take(MAX_FILES + 1).map(|path| Edit::at(&path)));
    }
    found
}

/// Whether a path is an agent's to change: in the company folder, apart from what is the founder's there, or in another
/// of its own. Links are followed as far as they are there.
fn is_own(folders: &[&Path], path: &str) -> bool {
    if path.chars().any(char::is_control) || path.starts_with('~') {
        return false;
    }
    let mut roots = folders.iter().map(|folder| folder.canonicalize().ok());
    let Some(Some(company)) = roots.next() else { return false };
    let Some(real) = real(&company.join(path)) else { return false };
    match real.strip_prefix(&company) {
        Ok(inside) => !inside.as_os_str().is_empty() && !crate::tools::is_guarded(inside),
        Err(_) => roots.flatten().any(|root| real != root && real.starts_with(root)),
    }
}

fn is_same(folders: &[&Path], dir: &str) -> bool {
    let Some(folder) = folders.first() else { return false };
    match (folder.canonicalize(), folder.join(dir).canonicalize()) {
        (Ok(folder), Ok(dir)) => folder == dir,
        _ => false,
    }
}

/// A path with links and `..` resolved; what is not there yet is taken as it stands.
fn real(path: &Path) -> Option<PathBuf> {
    let mut there = path;
    let mut rest = Vec::new();
    loop {
        match there.canonicalize() {
            Ok(mut real) => {
                real.extend(rest.iter().rev());
                return Some(real);
            }
            // What cannot be looked at may be anything, and so may a link that leads nowhere.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound || there.symlink_metadata().is_ok() => {
                return None;
            }
            Err(_) => match there.components().next_back()? {
                Component::Normal(name) => rest.push(name.to_owned()),
                _ => return None,
            },
        }
        there = there.parent()?;
    }
}

fn text<'v>(input: &'v Value, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|key| input[*key].as_str()).filter(|text| !text.trim().is_empty())
}

/// A text as it stands, also an empty one: to write nothing is to write.
fn given<'v>(input: &'v Value, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|key| input[*key].as_str())
}

/// The host of an address, with its port where that is not the usual one: as a client of the web reads it, so that
/// nothing in the rest of it can pass for the host.
fn host(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url.trim()).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// An address with whatever else the call says.
fn full(url: &str, input: &Value) -> String {
    let more =
        input.as_object().into_iter().flatten().filter(|(key, value)| value.as_str() != Some(url) && *key != "url");
    let more: Vec<_> = more.map(|(key, value)| format!("{}: {}", one_line(key, 60), plain(value))).collect();
    if more.is_empty() { url.to_owned() } else { format!("{url}\n{}", more.join("\n")) }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty) || value == &json!([])
}

fn in_full(input: &Value) -> String {
    if input.is_null() { String::new() } else { plain(input) }
}

/// What a rule is about: the text itself, or where that is long its beginning and its fingerprint.
fn subject(text: &str) -> String {
    let text = text.trim();
    if text.len() <= MAX_SUBJECT {
        return text.to_owned();
    }
    format!("{} (sha256 {})", title(text), hex(&Sha256::digest(text.as_bytes())))
}

/// A fingerprint of tool and input. The order of fields does not matter to it.
fn digest(tool: &str, input: &Value) -> String {
    let mut text = String::new();
    sorted(&json!([tool, input]), &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

/// A value as JSON text, the fields of each object in order.
fn sorted(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                sorted(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().collect();
            out.push('{');
            for (name, item) in fields {
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                sorted(item, out);
                out.push(',');
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
