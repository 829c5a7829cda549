//! Read, Write, Edit.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use contract::FileChange;
use serde::Deserialize;
use similar::{Algorithm, ChangeTag, TextDiff};

use super::workspace::{Workspace, show};
use super::{Done, ToolError};

/// Bytes that one Read gives, at most.
const MAX_READ: usize = 256 * 1024;
/// Lines that one Read gives where the model asks for no number.
const READ_LINES: usize = 2_000;
/// Bytes of a line that Read shows.
const MAX_LINE: usize = 2_000;
/// Bytes of a file that Read goes through, at most.
const MAX_SCAN: u64 = 64 * 1024 * 1024;
/// Bytes of a file that Write and Edit make, at most.
pub(crate) const MAX_WRITE: usize = 5 * 1024 * 1024;
/// How long lines are compared for the numbers in a change; then they are an upper bound.
const DIFF_TIME: Duration = Duration::from_millis(300);

#[derive(Deserialize)]
pub(crate) struct ReadInput {
    #[serde(alias = "path", alias = "file")]
    file_path: String,
    offset: Option<usize>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
pub(crate) struct WriteInput {
    #[serde(alias = "path", alias = "file")]
    file_path: String,
    #[serde(alias = "text")]
    content: String,
}

#[derive(Deserialize)]
pub(crate) struct EditInput {
    #[serde(alias = "path", alias = "file")]
    file_path: String,
    #[serde(alias = "old")]
    old_string: String,
    #[serde(alias = "new")]
    new_string: String,
    #[serde(default)]
    replace_all: bool,
}

/// Lines of a text file, numbered.
pub(crate) fn read(folder: &Workspace, input: &ReadInput) -> Result<Done, ToolError> {
    let real = folder.resolved(&input.file_path)?;
    let file = folder.open_file(&real)?;
    let name = show(&real);
    let mut reader = BufReader::new(Read::take(file, MAX_SCAN));
    let fault = |error: std::io::Error| folder.fault(&name, &error);
    if reader.fill_buf().map_err(fault)?.contains(&0) {
        return Err(ToolError::new(format!("{name} is not a text file.")));
    }
    let first = input.offset.unwrap_or(1).max(1);
    let last = first.saturating_add(input.limit.unwrap_or(READ_LINES).max(1)) - 1;
    let (mut out, mut number, mut line) = (String::new(), 0, Vec::new());
    let mut more = false;
    while next_line(&mut reader, &mut line).map_err(fault)? {
        number += 1;
        if number < first {
            continue;
        }
        if number > last || out.len() + line.len() + 8 > MAX_READ {
            more = true;
            break;
        }
        if line.contains(&0) {
            return Err(ToolError::new(format!("{name} is not a text file.")));
        }
        out.push_str(&format!("{number:>6}\t{}\n", String::from_utf8_lossy(&line)));
    }
    if out.is_empty() {
        let what = if number == 0 { "It is empty.".into() } else { format!("It has only {number} lines.") };
        return Ok(Done::new("nothing there", format!("{name}: {what}")));
    }
    let shown = if more { number - first } else { number + 1 - first };
    if more {
        out.push_str(&format!("[more follows: read on with offset {number}]\n"));
    }
    Ok(Done::new(lines(shown), out))
}

/// Reads a line without its end, keeping the first [`MAX_LINE`] bytes. False at the end of the file.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = MAX_LINE.saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
    }
}

/// Writes a file anew.
pub(crate) fn write(folder: &Workspace, input: &WriteInput) -> Result<Done, ToolError> {
    let real = folder.writable(&input.file_path)?;
    fits(&input.content)?;
    let old = match folder.dir().symlink_metadata(&real) {
        Ok(_) => Some(text(folder, &real).unwrap_or_default()),
        Err(_) => None,
    };
    folder.replace(&real, input.content.as_bytes())?;
    let change = change(&real, old.as_deref(), &input.content);
    let verb = if change.created { "Created" } else { "Replaced" };
    let output = format!("{verb} {} ({}).", change.path, summary(&change));
    Ok(Done::new(summary(&change), output).changed(change))
}

/// Replaces a piece of a file.
pub(crate) fn edit(folder: &Workspace, input: &EditInput) -> Result<Done, ToolError> {
    let real = folder.writable(&input.file_path)?;
    let name = show(&real);
    if input.old_string.is_empty() {
        return Err(ToolError::new("old_string is empty. Use Write for a new file."));
    }
    if input.old_string == input.new_string {
        return Err(ToolError::new("old_string and new_string are the same."));
    }
    let old = text(folder, &real)?;
    let found = old.matches(&input.old_string).count();
    if found == 0 {
        return Err(ToolError::new(format!("old_string is not in {name}. Read the file again.")));
    }
    if found > 1 && !input.replace_all {
        let text =
            format!("old_string is in {name} {found} times. Give more of the text around it, or set replace_all.");
        return Err(ToolError::new(text));
    }
    let grown = input.new_string.len().saturating_sub(input.old_string.len()).saturating_mul(found);
    if old.len().saturating_add(grown) > MAX_WRITE {
        return Err(too_long());
    }
    let new = old.replace(&input.old_string, &input.new_string);
    folder.replace(&real, new.as_bytes())?;
    let change = change(&real, Some(&old), &new);
    let output = format!("Changed {name} ({}).", summary(&change));
    Ok(Done::new(summary(&change), output).changed(change))
}

/// A text file, whole.
fn text(folder: &Workspace, real: &Path) -> Result<String, ToolError> {
    let name = show(real);
    let mut bytes = Vec::new();
    let file = folder.open_file(real)?;
    let most = MAX_WRITE as u64 + 1;
    Read::take(file, most).read_to_end(&mut bytes).map_err(|error| folder.fault(&name, &error))?;
    if bytes.len() > MAX_WRITE {
        return Err(ToolError::new(format!("{name} is longer than 5 MB.")));
    }
    String::from_utf8(bytes).map_err(|_| ToolError::new(format!("{name} is not a text file.")))
}

fn fits(content: &str) -> Result<(), ToolError> {
    if content.len() > MAX_WRITE { Err(too_long()) } else { Ok(()) }
}

fn too_long() -> ToolError {
    ToolError::new("The file would be longer than 5 MB. Write it in parts.")
}

fn change(real: &Path, old: Option<&str>, new: &str) -> FileChange {
    let diff =
        TextDiff::configure().algorithm(Algorithm::Myers).timeout(DIFF_TIME).diff_lines(old.unwrap_or_default(), new);
    let (mut added, mut removed) = (0, 0);
    for line in diff.iter_all_changes() {
        match line.tag() {
            ChangeTag::Insert => added += 1,
            ChangeTag::Delete => removed += 1,
            ChangeTag::Equal => {}
        }
    }
    FileChange { path: show(real), created: old.is_none(), added, removed }
}

fn summary(change: &FileChange) -> String {
    match (change.added, change.removed) {
        (0, 0) => "no change".into(),
        (1, 0) => "+1 line".into(),
        (added, 0) => format!("+{added} lines"),
        (added, removed) => format!("+{added} −{removed} lines"),
    }
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".into() } else { format!("{count} lines") }
}
