//! Reading and writing inside a company's folder: bounded, never outside of it, whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use contract::{Error, ErrorCode};

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("it is not there")]
    Missing,
    #[error("it leads out of the company's folder")]
    Outside,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing,
            _ => ReadError::Io(error),
        }
    }
}

/// The text of a file below `dir`. A link may lead to another place in the folder, not out of it.
pub(crate) fn read_inside(dir: &Path, file: &Path, max: u64) -> Result<String, ReadError> {
    let real = fs::canonicalize(file)?;
    if !real.starts_with(fs::canonicalize(dir)?) {
        return Err(ReadError::Outside);
    }
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(&real)?.is_file() {
        return Err(ReadError::NotAFile);
    }
    let mut bytes = Vec::new();
    File::open(&real)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(ReadError::TooLarge(max));
    }
    String::from_utf8(bytes).map_err(|_| ReadError::NotText)
}

/// Writes a file anew by a rename, so that a reader sees the old text or the new one. A file that was there keeps
/// its permissions.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let temp = write_beside(file, text)?;
    if let Ok(old) = fs::metadata(file) {
        fs::set_permissions(temp.path(), old.permissions())?;
    }
    temp.persist(file).map_err(|error| error.error)?;
    sync_parent(file)
}

/// Writes a file that must not be there yet.
pub(crate) fn create_new(file: &Path, text: &str) -> io::Result<()> {
    write_beside(file, text)?.persist_noclobber(file).map_err(|error| error.error)?;
    sync_parent(file)
}

fn write_beside(file: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let parent = file.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".aicib-").suffix(".tmp");
    #[cfg(unix)]
    {
        // What the user's umask allows, as for any file of theirs; a temporary file would be theirs alone.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temp = builder.tempfile_in(parent)?;
    temp.write_all(text.as_bytes())?;
    temp.as_file().sync_all()?;
    Ok(temp)
}

#[cfg(unix)]
fn sync_parent(file: &Path) -> io::Result<()> {
    File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_parent(_file: &Path) -> io::Result<()> {
    Ok(())
}

/// A path as errors name it: below the folder where it is.
pub(crate) fn shown(dir: &Path, file: &Path) -> String {
    file.strip_prefix(dir).unwrap_or(file).display().to_string()
}

/// The error for a folder in which something could not be done.
pub(crate) fn folder_error(what: &str, path: &Path, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::StorageFull {
        return Error::new(
            ErrorCode::DISK_FULL,
            format!("Could not {what} {}: the disk is full.", path.display()),
            "Make room and try again.",
        );
    }
    let fix = match error.kind() {
        io::ErrorKind::NotFound => "Check that the folder is still there.",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Check its permissions, or choose another folder."
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "Choose another folder: a file is in the way.",
        _ => "Check the folder and the disk.",
    };
    Error::new(ErrorCode::COMPANY_FOLDER, format!("Could not {what} {}: {error}.", path.display()), fix)
}

/// An absolute path with neither `.` nor `..` in it, links left as they are.
pub(crate) fn absolute(dir: &Path) -> io::Result<PathBuf> {
    let mut clean = PathBuf::new();
    for part in std::path::absolute(dir)?.components() {
        match part {
            std::path::Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    Ok(clean)
}
