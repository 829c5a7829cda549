//! The founder's own editor.

use std::path::Path;
use std::process::Command;

use contract::{Error, ErrorCode};

/// Opens a file in `$VISUAL`, else `$EDITOR`, else `vi`, and waits until it is closed.
///
/// # Errors
/// When there is no such editor, or it says that it failed.
pub(crate) fn edit(file: &Path) -> Result<(), Error> {
    let set = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| default().to_owned());
    // Editors come with arguments ("code --wait"); a path with spaces in it is for a wrapper script.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or(default());
    let failed =
        |what: String| Error::new(ErrorCode::BAD_REQUEST, what, "Name an editor that works in the variable EDITOR.");
    let status = Command::new(program)
        .args(words)
        .arg(file)
        .status()
        .map_err(|error| failed(format!("The editor {program} cannot be started: {error}.")))?;
    if !status.success() {
        return Err(failed(format!("The editor {program} failed ({status}).")));
    }
    Ok(())
}

const fn default() -> &'static str {
    if cfg!(windows) { "notepad" } else { "vi" }
}
