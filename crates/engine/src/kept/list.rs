//! A list of files with their contents beside it.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::Dir;
use contract::{KEPT_LIST, KEPT_MOST_BYTES, Kept, KeptState};

/// Bytes of all that is kept in one list.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// Files of one list.
const MOST_FILES: usize = 10_000;

/// What a file is at some time.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Image {
    Absent,
    Text(String),
    TooLarge,
    Binary,
}

impl Image {
    /// What a file holds.
    pub fn of(bytes: Vec<u8>) -> Image {
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Image::Text(text),
            _ => Image::Binary,
        }
    }

    /// The text; empty where there is none.
    pub fn text(&self) -> &str {
        match self {
            Image::Text(text) => text,
            _ => "",
        }
    }

    /// Whether all lines of it are known.
    pub fn is_known(&self) -> bool {
        matches!(self, Image::Text(_) | Image::Absent)
    }
}

/// What a file in a folder is now. No link is followed, and nothing is opened that one could wait at.
pub(super) fn read(dir: &Dir, real: &Path) -> Image {
    match bytes(dir, real, KEPT_MOST_BYTES) {
        Ok(Some(bytes)) => Image::of(bytes),
        Ok(None) => Image::TooLarge,
        Err(error) if is_gone(&error) => Image::Absent,
        Err(error) => {
            tracing::warn!(%error, file = %real.display(), "what a file holds cannot be kept");
            Image::TooLarge
        }
    }
}

/// Whether there is no such file: a link, a folder or a pipe in its place is not that file, either.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    match error.kind() {
        NotFound | NotADirectory | IsADirectory | InvalidInput => true,
        // A way out of the folder, as cap-std calls it.
        PermissionDenied => error.raw_os_error().is_none(),
        _ => false,
    }
}

/// What a regular file holds; none where that is more than `most` bytes.
pub(super) fn bytes(dir: &Dir, real: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let meta = dir.symlink_metadata(real)?;
    if !meta.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if meta.len() > most {
        return Ok(None);
    }
    let mut options = cap_std::fs::OpenOptions::new();
    options.read(true).nonblock(true).follow(FollowSymlinks::No);
    let file = dir.open_with(real, &options)?;
    let mut bytes = Vec::new();
    Read::take(file, most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// A list, made with its first line.
pub(super) struct List {
    folder: PathBuf,
    file: Option<File>,
    paths: BTreeSet<String>,
    contents: u32,
    bytes: u64,
    /// Whether the disk said no: then it is no use to go on.
    broken: bool,
}

impl List {
    pub fn new(folder: PathBuf) -> List {
        List { folder, file: None, paths: BTreeSet::new(), contents: 0, bytes: 0, broken: false }
    }

    pub fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    pub fn paths(&self) -> Vec<String> {
        self.paths.iter().cloned().collect()
    }

    /// Keeps what a file is, the first time that it is named. What cannot be kept is left out and said in the log: a
    /// run does not fail for it.
    pub fn keep(&mut self, path: &str, image: Image) {
        if self.broken || self.paths.len() >= MOST_FILES || !self.paths.insert(path.to_owned()) {
            return;
        }
        if let Err(error) = self.add(path, &image) {
            self.broken = true;
            tracing::warn!(%error, folder = %self.folder.display(), "what files hold is kept no longer");
        }
    }

    fn add(&mut self, path: &str, image: &Image) -> io::Result<()> {
        if self.file.is_none() {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(&self.folder)?;
            self.file = Some(fresh(&self.folder.join(KEPT_LIST))?);
        }
        let mut file = None;
        let state = match image {
            Image::Absent => KeptState::Absent,
            Image::Binary => KeptState::Binary,
            Image::TooLarge => KeptState::TooLarge,
            Image::Text(text) if self.bytes + text.len() as u64 > MOST_BYTES => KeptState::TooLarge,
            Image::Text(text) => {
                self.contents += 1;
                let name = format!("{:04}", self.contents);
                // Before its line: a line names nothing that is not there.
                fresh(&self.folder.join(&name))?.write_all(text.as_bytes())?;
                self.bytes += text.len() as u64;
                file = Some(name);
                KeptState::Kept
            }
        };
        let mut line = serde_json::to_vec(&Kept { path: path.to_owned(), state, file })?;
        line.push(b'\n');
        match &mut self.file {
            Some(list) => list.write_all(&line),
            None => Ok(()),
        }
    }
}

fn fresh(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
