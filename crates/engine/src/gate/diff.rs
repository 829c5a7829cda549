//! What would change in files, as somebody who has to decide on it wants to see it.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use contract::{clip, one_line, visible};
use similar::{Algorithm, TextDiff};

use crate::tools::{MAX_WRITE, Workspace};

/// Bytes of a diff that are shown.
const MAX_DIFF: usize = 60 * 1024;
/// Files whose change is shown.
const MAX_FILES: usize = 50;
/// How long lines are compared; then the change is shown coarser.
const DIFF_TIME: Duration = Duration::from_millis(500);
/// Lines around a change.
const CONTEXT: usize = 3;

/// What a call does to a file, as far as it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edit {
    /// The path as the call has it.
    pub path: String,
    how: How,
}

#[derive(Clone, Debug, PartialEq)]
enum How {
    Unknown,
    Written(String),
    /// Old, new, and whether everywhere.
    Replaced(Vec<(String, String, bool)>),
    Deleted,
    /// In the engine's own words: a diff of its own.
    Told(String),
}

impl Edit {
    /// Something is done to the file.
    pub fn at(path: &str) -> Edit {
        Edit { path: path.to_owned(), how: How::Unknown }
    }

    /// It is written anew.
    pub fn written(self, content: String) -> Edit {
        Edit { how: How::Written(content), ..self }
    }

    /// Pieces of it are replaced.
    pub fn replaced(self, steps: Vec<(String, String, bool)>) -> Edit {
        Edit { how: How::Replaced(steps), ..self }
    }

    /// Pieces of it are replaced, step by step; one that makes no sense shows as such.
    pub fn steps(self, steps: impl Iterator<Item = Option<(String, String, bool)>>) -> Edit {
        let odd = || ("[a step that cannot be shown]\n".to_owned(), String::new(), false);
        self.replaced(steps.map(|step| step.unwrap_or_else(odd)).collect())
    }

    /// It is deleted.
    pub fn deleted(self) -> Edit {
        Edit { how: How::Deleted, ..self }
    }

    /// What is done to it is said so.
    pub fn told(self, diff: String) -> Edit {
        Edit { how: How::Told(diff), ..self }
    }

    /// Whether this shows all that the other one would.
    pub fn covers(&self, other: &Edit) -> bool {
        let same_text = match (&self.how, &other.how) {
            (How::Written(all), How::Replaced(steps)) => steps.iter().all(|(_, new, _)| new == all),
            _ => false,
        };
        self == other || (same_text && self.path == other.path)
    }

    /// Whether the call says what is done to it.
    pub fn is_known(&self) -> bool {
        !matches!(self.how, How::Unknown)
    }
}

/// The changes to files as they are now, as a unified diff; none where nothing is known of them.
pub(super) fn of(edits: &[Edit], folder: &Path) -> Option<String> {
    let workspace = Workspace::open(folder).ok();
    let mut out = String::new();
    for (number, edit) in edits.iter().filter(|edit| edit.is_known()).enumerate() {
        if out.len() > MAX_DIFF {
            break;
        }
        if number >= MAX_FILES {
            out.push_str(&format!("[only the first {MAX_FILES} files are shown]\n"));
            break;
        }
        let name = one_line(&edit.path, 500);
        let old = workspace.as_ref().and_then(|workspace| now(workspace, &edit.path));
        let new = match &edit.how {
            How::Unknown => continue,
            How::Told(diff) => {
                out.push_str(&format!("--- {name}\n+++ {name}\n{}\n", diff.trim_end()));
                continue;
            }
            How::Written(content) => content.clone(),
            How::Deleted => String::new(),
            How::Replaced(steps) => match &old {
                Some(old) => match replaced(old, steps) {
                    Some(new) => new,
                    None => {
                        out.push_str(&pieces(&name, steps));
                        continue;
                    }
                },
                None => {
                    out.push_str(&pieces(&name, steps));
                    continue;
                }
            },
        };
        let before = if old.is_some() { name.as_str() } else { "/dev/null" };
        let after = if matches!(edit.how, How::Deleted) { "/dev/null" } else { name.as_str() };
        let text = unified(old.as_deref().unwrap_or_default(), &new, before, after);
        out.push_str(if text.is_empty() { "[no change]\n" } else { &text });
    }
    (!out.is_empty()).then_some(out)
}

/// A diff with nothing hidden in it, cut where it is long.
pub(super) fn shown(diff: &str) -> String {
    let cut = clip(diff, MAX_DIFF);
    let mut text = visible(&cut);
    if cut.len() < diff.len() {
        text.push_str(&format!("\n[cut: {} of {} bytes are shown]\n", MAX_DIFF.min(diff.len()), diff.len()));
    }
    text
}

/// The files that a patch in Codex's own format names.
pub(super) fn patched(patch: &str) -> Vec<String> {
    const MARKS: [&str; 4] = ["*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "];
    let named = |line: &str| MARKS.iter().find_map(|mark| line.strip_prefix(mark)).map(|path| path.trim().to_owned());
    patch.lines().filter_map(named).collect()
}

fn unified(old: &str, new: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(DIFF_TIME).diff_lines(old, new);
    diff.unified_diff().context_radius(CONTEXT).header(before, after).to_string()
}

/// The file as the steps leave it; none where one of them does not fit.
fn replaced(old: &str, steps: &[(String, String, bool)]) -> Option<String> {
    let mut text = old.to_owned();
    for (from, to, all) in steps {
        if from.is_empty() || !text.contains(from.as_str()) {
            return None;
        }
        text = if *all { text.replace(from, to) } else { text.replacen(from, to, 1) };
        if text.len() > MAX_WRITE {
            return None;
        }
    }
    Some(text)
}

/// Steps that do not fit the file as it is, one by one.
fn pieces(name: &str, steps: &[(String, String, bool)]) -> String {
    let mut out = String::new();
    for (from, to, _) in steps {
        if out.len() > MAX_DIFF {
            break;
        }
        out.push_str(&unified(from, to, name, name));
    }
    out
}

/// The file as it is now, where it is a text in the company's folder.
fn now(workspace: &Workspace, path: &str) -> Option<String> {
    let real = workspace.resolved(path).ok()?;
    let file = workspace.open_file(&real).ok()?;
    let mut bytes = Vec::new();
    Read::take(file, MAX_WRITE as u64).read_to_end(&mut bytes).ok()?;
    String::from_utf8(bytes).ok()
}
