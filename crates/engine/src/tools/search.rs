//! List, Glob, Grep.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contract::one_line;
use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::workspace::{Workspace, show};
use super::{Done, ToolError};

/// Lines of a result, at most.
const MAX_RESULTS: usize = 500;
/// Bytes of a result, at most.
const MAX_OUTPUT: usize = 64 * 1024;
/// Characters of a line that Grep shows.
const MAX_LINE_CHARS: usize = 300;
/// Bytes of a file that Grep reads; longer ones are left out.
const MAX_GREP_FILE: u64 = 4 * 1024 * 1024;
/// Files and folders that a search looks at, at most.
const MAX_ENTRIES: usize = 200_000;
/// How long a search may take.
const MAX_TIME: Duration = Duration::from_secs(10);
/// Memory that a compiled pattern may take.
const MAX_PATTERN: usize = 1024 * 1024;

#[derive(Deserialize)]
pub(crate) struct ListInput {
    #[serde(alias = "dir", alias = "file_path", default = "here")]
    path: String,
}

#[derive(Deserialize)]
pub(crate) struct GlobInput {
    pattern: String,
    #[serde(default = "here")]
    path: String,
}

#[derive(Deserialize)]
pub(crate) struct GrepInput {
    pattern: String,
    #[serde(default = "here")]
    path: String,
    #[serde(alias = "include")]
    glob: Option<String>,
    #[serde(default, alias = "-i")]
    ignore_case: bool,
}

fn here() -> String {
    ".".into()
}

/// What is in a folder.
pub(crate) fn list(folder: &Workspace, input: &ListInput) -> Result<Done, ToolError> {
    let real = folder.resolved(&input.path)?;
    let name = show(&real);
    let entries = folder.dir().read_dir(&real).map_err(|error| folder.fault(&name, &error))?;
    let mut found = Vec::new();
    let mut more = false;
    for entry in entries {
        let entry = entry.map_err(|error| folder.fault(&name, &error))?;
        if found.len() >= MAX_RESULTS {
            more = true;
            break;
        }
        let kind = entry.file_type().map_err(|error| folder.fault(&name, &error))?;
        let file = one_line(&entry.file_name().to_string_lossy(), 255);
        found.push(if kind.is_dir() {
            format!("{file}/")
        } else if kind.is_symlink() {
            format!("{file} (link)")
        } else {
            let size = entry.metadata().map(|data| data.len()).unwrap_or_default();
            format!("{file} ({size} bytes)")
        });
    }
    found.sort();
    if more {
        found.push(format!("[only {MAX_RESULTS} are shown]"));
    }
    let count = found.len();
    let output = if found.is_empty() { "The folder is empty.".into() } else { found.join("\n") };
    Ok(Done::new(if count == 1 { "1 entry".into() } else { format!("{count} entries") }, output))
}

/// Files whose paths fit a pattern.
pub(crate) fn glob(folder: &Workspace, input: &GlobInput, stop: &CancellationToken) -> Result<Done, ToolError> {
    let base = folder.resolved(&input.path)?;
    let pattern = input.pattern.trim();
    let root = folder.root().to_string_lossy();
    let pattern = pattern.strip_prefix(root.as_ref()).map_or(pattern, |rest| rest.trim_start_matches('/'));
    let matcher = matcher(pattern)?;
    let mut found = Vec::new();
    let ended = walk(folder, &base, stop, |path| {
        let below = path.strip_prefix(&base).unwrap_or(path);
        if matcher.is_match(below) || matcher.is_match(path) {
            found.push(show(path));
        }
        found.len() < MAX_RESULTS
    })?;
    Ok(result(found, ended, "file", "No file fits."))
}

/// Lines that fit a pattern.
pub(crate) fn grep(folder: &Workspace, input: &GrepInput, stop: &CancellationToken) -> Result<Done, ToolError> {
    let base = folder.resolved(&input.path)?;
    let pattern =
        RegexBuilder::new(&input.pattern).case_insensitive(input.ignore_case).size_limit(MAX_PATTERN).build().map_err(
            |error| ToolError::new(format!("The pattern does not hold: {}", one_line(&error.to_string(), 300))),
        )?;
    let only = input.glob.as_deref().map(matcher).transpose()?;
    let mut found = Vec::new();
    let single = folder.dir().metadata(&base).is_ok_and(|data| data.is_file());
    if single {
        lines_of(folder, &base, &pattern, &mut found)?;
        return Ok(result(found, Ended::Whole, "line", "No line fits."));
    }
    let ended = walk(folder, &base, stop, |path| {
        let name = path.file_name().map(Path::new).unwrap_or(path);
        if only.as_ref().is_none_or(|only| only.is_match(name) || only.is_match(path)) {
            // What cannot be read is no match: a search is not the place to report each locked file.
            let _ = lines_of(folder, path, &pattern, &mut found);
        }
        found.len() < MAX_RESULTS
    })?;
    Ok(result(found, ended, "line", "No line fits."))
}

fn lines_of(folder: &Workspace, path: &Path, pattern: &Regex, found: &mut Vec<String>) -> Result<(), ToolError> {
    let file = folder.open_file(path)?;
    let mut bytes = Vec::new();
    Read::take(file, MAX_GREP_FILE + 1).read_to_end(&mut bytes).map_err(|error| folder.fault(&show(path), &error))?;
    if bytes.len() as u64 > MAX_GREP_FILE || bytes.iter().take(8192).any(|byte| *byte == 0) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&bytes);
    for (index, line) in text.lines().enumerate() {
        if found.len() >= MAX_RESULTS {
            break;
        }
        if pattern.is_match(line) {
            found.push(format!("{}:{}:{}", show(path), index + 1, one_line(line, MAX_LINE_CHARS)));
        }
    }
    Ok(())
}

fn matcher(pattern: &str) -> Result<GlobMatcher, ToolError> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    let glob = glob.map_err(|error| ToolError::new(format!("The pattern does not hold: {error}")))?;
    Ok(glob.compile_matcher())
}

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Whole,
    Early,
}

/// Visits the regular files below `base`, links not followed, what git ignores and `.git` left out, until `visit`
/// has enough. Paths are relative to the company folder.
fn walk(
    folder: &Workspace,
    base: &Path,
    stop: &CancellationToken,
    mut visit: impl FnMut(&Path) -> bool,
) -> Result<Ended, ToolError> {
    folder.dir().metadata(base).map_err(|error| folder.fault(&show(base), &error))?;
    let start: PathBuf = if base == Path::new(".") { folder.root().to_owned() } else { folder.root().join(base) };
    let walk = WalkBuilder::new(start)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .parents(false)
        .follow_links(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_name(Ord::cmp)
        .build();
    let began = Instant::now();
    for (seen, entry) in walk.enumerate() {
        if seen >= MAX_ENTRIES || began.elapsed() > MAX_TIME || stop.is_cancelled() {
            return Ok(Ended::Early);
        }
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(path) = entry.path().strip_prefix(folder.root()) else { continue };
        if !visit(path) {
            return Ok(Ended::Early);
        }
    }
    Ok(Ended::Whole)
}

fn result(found: Vec<String>, ended: Ended, what: &str, none: &str) -> Done {
    let count = found.len();
    let mut output = contract::clip(&found.join("\n"), MAX_OUTPUT).into_owned();
    if count == 0 {
        output = none.into();
    }
    if ended == Ended::Early {
        output.push_str("\n[the search ended early: narrow it down]");
    }
    Done::new(if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }, output)
}
