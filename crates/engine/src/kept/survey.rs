//! A look through a folder before a run, and the comparison with what it is after it.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use ignore::WalkBuilder;

use super::list::{Image, bytes};
use crate::tools::show;

/// Files that are looked at.
const MOST_LISTED: usize = 100_000;
/// Files whose contents are kept, and their bytes: each, and together.
const MOST_KEPT: usize = 5_000;
const MOST_BYTES: u64 = 256 * 1024;
const MOST_BYTES_IN_ALL: u64 = 32 * 1024 * 1024;
/// Folders that are made from others, and change all the time.
const LEFT_OUT: [&str; 3] = [".git", "node_modules", "target"];

/// A folder as it was.
pub(super) struct Survey {
    files: BTreeMap<String, Was>,
    /// Whether all of the folder was looked at.
    whole: bool,
    /// Contents, one after the other, in a file without a name: it goes with the process.
    contents: File,
}

struct Was {
    real: PathBuf,
    size: u64,
    changed: Option<SystemTime>,
    content: Content,
}

enum Content {
    /// There, in the file of contents.
    At(u64, usize),
    /// No text; a hash of it.
    Binary(u64),
    NotKept,
}

/// A file that is not what it was.
pub(super) struct Change {
    /// As people see it.
    pub path: String,
    pub real: PathBuf,
    pub was: Image,
}

impl Survey {
    /// Looks through a folder. `scratch`: where the contents go.
    pub fn take(folder: &Path, scratch: &Path, is_over: &dyn Fn() -> bool) -> io::Result<Survey> {
        let dir = Dir::open_ambient_dir(folder, ambient_authority())?;
        let mut contents = BufWriter::new(tempfile::tempfile_in(scratch)?);
        let (mut files, mut kept, mut at) = (BTreeMap::new(), 0, 0);
        let whole = walk(folder, is_over, |real, size, changed| {
            let mut content = Content::NotKept;
            if size <= MOST_BYTES && kept < MOST_KEPT && at + size <= MOST_BYTES_IN_ALL {
                // What cannot be read is known by its size and its time.
                if let Ok(Some(bytes)) = bytes(&dir, real, MOST_BYTES) {
                    kept += 1;
                    let hash = hash(&bytes);
                    content = match Image::of(bytes) {
                        Image::Text(text) => {
                            contents.write_all(text.as_bytes())?;
                            at += text.len() as u64;
                            Content::At(at - text.len() as u64, text.len())
                        }
                        _ => Content::Binary(hash),
                    };
                }
            }
            files.insert(show(real), Was { real: real.to_owned(), size, changed, content });
            Ok(())
        })?;
        Ok(Survey { files, whole, contents: contents.into_inner().map_err(io::IntoInnerError::into_error)? })
    }

    /// What a file was; none where that is not known.
    pub fn image(&mut self, path: &str) -> Option<Image> {
        let was = self.files.get(path)?;
        match was.content {
            Content::At(at, len) => text(&mut self.contents, at, len).map(Image::Text),
            Content::Binary(_) => Some(Image::Binary),
            Content::NotKept => None,
        }
    }

    /// The files that are not what they were, and whether all of them are among these.
    pub fn changed(&mut self, dir: &Dir, folder: &Path, is_over: &dyn Fn() -> bool) -> (Vec<Change>, bool) {
        let Survey { files, whole, contents } = self;
        let mut changed = Vec::new();
        let mut left = std::mem::take(files);
        let walked = walk(folder, is_over, |real, size, time| {
            let path = show(real);
            match left.remove(&path) {
                Some(was) => {
                    if (was.size != size || was.changed != time || time.is_none())
                        && let Some(was) = was.before(dir, contents)
                    {
                        changed.push(Change { path, real: real.to_owned(), was });
                    }
                }
                None if *whole => changed.push(Change { path, real: real.to_owned(), was: Image::Absent }),
                None => {}
            }
            Ok(())
        });
        let walked = walked.unwrap_or_else(|error| {
            tracing::warn!(%error, "the folder could not be looked through after the run");
            false
        });
        if walked {
            for (path, was) in left {
                // It may be there, and be ignored now.
                let there = dir.symlink_metadata(&was.real).is_ok_and(|meta| meta.is_file());
                if !there {
                    let real = was.real.clone();
                    changed.push(Change { path, real, was: was.image(contents) });
                }
            }
        }
        (changed, walked && *whole)
    }
}

impl Was {
    fn image(&self, contents: &mut File) -> Image {
        match self.content {
            Content::At(at, len) => text(contents, at, len).map_or(Image::TooLarge, Image::Text),
            Content::Binary(_) => Image::Binary,
            Content::NotKept => Image::TooLarge,
        }
    }

    /// What it was, where it is something else now; none where only its time is.
    fn before(&self, dir: &Dir, contents: &mut File) -> Option<Image> {
        let was = self.image(contents);
        let is = bytes(dir, &self.real, MOST_BYTES).ok().flatten();
        let same = is.is_some_and(|is| match (&was, &self.content) {
            (Image::Text(old), _) => is == old.as_bytes(),
            (Image::Binary, Content::Binary(old)) => hash(&is) == *old,
            _ => false,
        });
        (!same).then_some(was)
    }
}

fn text(contents: &mut File, at: u64, len: usize) -> Option<String> {
    let mut bytes = vec![0; len];
    let read = contents.seek(SeekFrom::Start(at)).and_then(|_| contents.read_exact(&mut bytes));
    if let Err(error) = read {
        tracing::warn!(%error, "what a file was before the run cannot be read");
        return None;
    }
    String::from_utf8(bytes).ok()
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Visits the regular files below a folder, links not followed, what git ignores left out: path inside of it, size, time of
/// the last change. Whether these were all.
fn walk(
    folder: &Path,
    is_over: &dyn Fn() -> bool,
    mut visit: impl FnMut(&Path, u64, Option<SystemTime>) -> io::Result<()>,
) -> io::Result<bool> {
    let walk = WalkBuilder::new(folder)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .parents(false)
        .follow_links(false)
        .filter_entry(|entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            !(is_folder && LEFT_OUT.iter().any(|name| entry.file_name() == *name))
        })
        .sort_by_file_name(Ord::cmp)
        .build();
    for (seen, entry) in walk.enumerate() {
        if seen >= MOST_LISTED || is_over() {
            return Ok(false);
        }
        // What went away in between, and what may not be looked into.
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let (Ok(meta), Ok(real)) = (entry.metadata(), entry.path().strip_prefix(folder)) else { continue };
        visit(real, meta.len(), meta.modified().ok())?;
    }
    Ok(true)
}
