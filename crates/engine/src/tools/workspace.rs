//! The company folder as agents see it: nothing outside can be reached, whatever a path says.
//!
//! Every file is opened through a handle on the folder (cap-std), which resolves each part of a path itself, so
//! that neither `..` nor a symlink leads out, also when somebody swaps a folder for a link in between.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, Permissions};
use contract::{Error, ErrorCode, one_line};

use super::ToolError;
use crate::kept::KeptFiles;

/// Folders and files at the root of a company that decide what agents may do, or that run code on the founder's behalf:
/// agents' files, and the settings of the programs that engines are. Compared without case, as some file systems do.
const GUARDED: [&str; 8] =
    [".claude", ".codex", ".gemini", ".opencode", ".mcp.json", "opencode.json", "opencode.jsonc", ".envrc"];
const GIT_DIR: &str = ".git";

/// Whether a path inside a company's folder is the founder's to change, and no agent's.
pub(crate) fn is_guarded(inside: &Path) -> bool {
    let mut parts = inside.iter().map(|part| part.to_string_lossy().to_lowercase());
    let Some(first) = parts.next() else { return true };
    let alone = inside.iter().nth(1).is_none();
    GUARDED.contains(&first.as_str())
        || (alone && first == company::CONFIG_FILE.to_lowercase())
        || first == GIT_DIR
        || parts.any(|part| part == GIT_DIR)
}

/// The company folder, opened once.
pub(crate) struct Workspace {
    root: PathBuf,
    asked: PathBuf,
    dir: Dir,
    kept: KeptFiles,
}

impl Workspace {
    /// Opens the company's folder.
    ///
    /// # Errors
    /// `company.folder` when it cannot be opened.
    pub fn open(root: &Path) -> Result<Workspace, Error> {
        let failed = |error: io::Error| {
            Error::new(
                ErrorCode::COMPANY_FOLDER,
                format!("The company folder {} cannot be opened: {error}.", root.display()),
                "Bring it back or allow access to it, then send the brief again.",
            )
        };
        let real = root.canonicalize().map_err(failed)?;
        let dir = Dir::open_ambient_dir(&real, ambient_authority()).map_err(failed)?;
        Ok(Workspace { root: real, asked: root.to_owned(), dir, kept: KeptFiles::default() })
    }

    /// Keeps what files are before they are written.
    pub fn keeping(self, kept: KeptFiles) -> Workspace {
        Workspace { kept, ..self }
    }

    /// The folder, with links resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The handle on the folder.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The path inside the folder that a model's path means; `.` for the folder itself. Links are not resolved.
    pub fn inside(&self, path: &str) -> Result<PathBuf, ToolError> {
        if path.chars().any(char::is_control) {
            return Err(ToolError::new("The path holds control characters."));
        }
        let given = Path::new(path.trim());
        let relative = if given.is_absolute() {
            given
                .strip_prefix(&self.asked)
                .or_else(|_| given.strip_prefix(&self.root))
                .map_err(|_| self.outside(path))?
        } else {
            given
        };
        let mut clean = PathBuf::new();
        for part in relative.components() {
            match part {
                Component::Normal(name) => clean.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(self.outside(path)),
            }
        }
        Ok(if clean.as_os_str().is_empty() { PathBuf::from(".") } else { clean })
    }

    /// The path inside the folder with its links resolved; for a file that is not there yet, as far as it is.
    pub fn resolved(&self, path: &str) -> Result<PathBuf, ToolError> {
        let clean = self.inside(path)?;
        let mut there = clean.as_path();
        let mut rest = Vec::new();
        loop {
            match self.dir.canonicalize(there) {
                Ok(real) => {
                    let real = if real.as_os_str().is_empty() { PathBuf::from(".") } else { real };
                    let mut all = if real == Path::new(".") && !rest.is_empty() { PathBuf::new() } else { real };
                    all.extend(rest.iter().rev());
                    return Ok(all);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if self.dir.symlink_metadata(there).is_ok() {
                        return Err(ToolError::new(format!("{} is a link that leads nowhere.", show(there))));
                    }
                    let Some(name) = there.file_name() else { return Err(self.fault(path, &error)) };
                    rest.push(name);
                    there = match there.parent() {
                        Some(parent) if !parent.as_os_str().is_empty() => parent,
                        _ => Path::new("."),
                    };
                }
                Err(error) => return Err(self.fault(path, &error)),
            }
        }
    }

    /// [`Workspace::resolved`] for a file that is to be written.
    pub fn writable(&self, path: &str) -> Result<PathBuf, ToolError> {
        let real = self.resolved(path)?;
        if real == Path::new(".") {
            return Err(ToolError::new("The path names the company folder itself, not a file in it."));
        }
        if is_guarded(&real) {
            return Err(ToolError::new(format!("{} is the founder's to change, not an agent's.", show(&real))));
        }
        Ok(real)
    }

    /// Opens a regular file for reading. Pipes, sockets and devices are refused before anything can block on them.
    pub fn open_file(&self, real: &Path) -> Result<File, ToolError> {
        let fault = |error: io::Error| self.fault(&show(real), &error);
        regular(real, &self.dir.metadata(real).map_err(fault)?)?;
        let file = self.dir.open_with(real, OpenOptions::new().read(true).nonblock(true)).map_err(fault)?;
        // It may have been swapped since.
        regular(real, &file.metadata().map_err(fault)?)?;
        Ok(file)
    }

    /// Writes a file whole or not at all, keeping the mode of one that is there.
    pub fn replace(&self, real: &Path, content: &[u8]) -> Result<(), ToolError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let fault = |error: io::Error| self.fault(&show(real), &error);
        let mode = match self.dir.metadata(real) {
            Ok(data) => {
                regular(real, &data)?;
                Some(data.permissions())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(fault(error)),
        };
        self.kept.before(&self.dir, real);
        let parent = real.parent().unwrap_or(Path::new(""));
        if !parent.as_os_str().is_empty() {
            self.dir.create_dir_all(parent).map_err(fault)?;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temp = parent.join(format!(".aicib-{}-{number}.tmp", std::process::id()));
        let written = self.write_new(&temp, content, mode).and_then(|()| self.dir.rename(&temp, &self.dir, real));
        if let Err(error) = written {
            if let Err(left) = self.dir.remove_file(&temp)
                && left.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(file = %temp.display(), error = %left, "a temporary file was left behind");
            }
            return Err(fault(error));
        }
        Ok(())
    }

    fn write_new(&self, temp: &Path, content: &[u8], mode: Option<Permissions>) -> io::Result<()> {
        let mut file = self.dir.open_with(temp, OpenOptions::new().write(true).create_new(true))?;
        io::Write::write_all(&mut file, content)?;
        if let Some(mode) = mode {
            file.set_permissions(mode)?;
        }
        file.sync_all()
    }

    fn outside(&self, path: &str) -> ToolError {
        ToolError::new(format!(
            "{} is outside the company folder {}. Use a path inside it.",
            one_line(path, 200),
            self.asked.display()
        ))
    }

    /// What went wrong with a path, in words. cap-std calls a way out a matter of permissions.
    pub fn fault(&self, path: &str, error: &io::Error) -> ToolError {
        let path = one_line(path, 200);
        ToolError::new(match error.kind() {
            io::ErrorKind::NotFound => format!("There is no {path}."),
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                return self.outside(&path);
            }
            io::ErrorKind::NotADirectory => format!("A part of {path} is a file, not a folder."),
            io::ErrorKind::IsADirectory => format!("{path} is a folder."),
            io::ErrorKind::StorageFull => format!("{path} cannot be written: the disk is full."),
            _ => format!("{path} cannot be used: {error}."),
        })
    }
}

fn regular(path: &Path, data: &cap_std::fs::Metadata) -> Result<(), ToolError> {
    if data.is_file() {
        return Ok(());
    }
    let what = if data.is_dir() { "a folder" } else { "no regular file" };
    Err(ToolError::new(format!("{} is {what}.", show(path))))
}

/// A path inside the folder as models and events show it, with `/`.
pub(crate) fn show(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
