//! Files on their way into a brief: dropped on a window, or pasted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use contract::{Error, ErrorCode};
use serde_json::json;
use tauri::DragDropEvent;

use crate::desktop::Desktop;

/// Files of one drop that a page is told of, at most: a few more than a brief may have, so that it can say so.
const MOST: usize = 30;
/// Things of one drop that are looked at.
const LOOKED_AT: usize = 1_000;
/// Bytes of something pasted, at most.
const LARGEST: usize = 20 << 20;
/// How long what was pasted is kept: a brief that goes out copies it.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Tells a window's page what happens over it.
pub fn over(desktop: &Arc<Desktop>, window: &str, event: &DragDropEvent) {
    let (note, params) = match event {
        DragDropEvent::Enter { paths, .. } => ("native.drag", json!({ "over": true, "files": paths.len() })),
        DragDropEvent::Leave => ("native.drag", json!({ "over": false, "files": 0 })),
        DragDropEvent::Drop { paths, .. } => return dropped(desktop, window, paths.clone()),
        _ => return,
    };
    desktop.pages.push(window, note, params);
}

/// Tells a page which files were dropped. On another thread: a disk that is far away may take its time.
fn dropped(desktop: &Arc<Desktop>, window: &str, paths: Vec<PathBuf>) {
    let (desktop, window) = (desktop.clone(), window.to_owned());
    tauri::async_runtime::spawn_blocking(move || {
        desktop.pages.push(&window, "native.dropped", json!({ "paths": files(&paths) }));
    });
}

/// The files of a drop, those left out whose names are no text: no page could name them.
fn files(paths: &[PathBuf]) -> Vec<&str> {
    let named = |path: &PathBuf| -> bool {
        let is_text = path.to_str().is_some();
        if !is_text {
            tracing::warn!(path = %path.display(), "a file is left out: its name is no text");
        }
        is_text
    };
    let files = paths.iter().take(LOOKED_AT).filter(|path| path.is_file() && named(path));
    files.filter_map(|path| path.to_str()).take(MOST).collect()
}

/// Keeps something that was pasted as a file, until a brief copies it.
///
/// # Errors
/// `request.bad` for too much, and what the disk says.
pub fn keep(home: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    if bytes.len() > LARGEST {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("What was pasted has {} MB; {} MB is the most.", bytes.len() >> 20, LARGEST >> 20),
            "Save it as a file, and attach that.",
        ));
    }
    let folder = home.join("pasted");
    let write = || -> std::io::Result<PathBuf> {
        fs::create_dir_all(&folder)?;
        tidy(&folder);
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "bin"));
        let mut n = 1;
        loop {
            let again = if n == 1 { String::new() } else { format!("-{n}") };
            let path = folder.join(format!("{stem}{again}.{ending}"));
            match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    if let Err(error) = std::io::Write::write_all(&mut file, bytes) {
                        // Half of it is of no use to anybody.
                        fs::remove_file(&path)?;
                        return Err(error);
                    }
                    return Ok(path);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && n < 1_000 => n += 1,
                Err(error) => return Err(error),
            }
        }
    };
    write().map_err(|error| {
        Error::new(
            ErrorCode::INTERNAL,
            format!("What was pasted could not be kept in {}: {error}.", folder.display()),
            "Make room on the disk, or attach a file instead.",
        )
    })
}

/// Forgets what was pasted long ago and went into no brief.
fn tidy(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_old = |at: std::time::SystemTime| at.elapsed().is_ok_and(|age| age > KEPT);
        let old = entry.metadata().and_then(|meta| meta.modified()).is_ok_and(is_old);
        if old && let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(%error, file = %entry.path().display(), "what was pasted long ago stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_twice_is_kept_twice_and_too_much_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let first = keep(home.path(), "picture.png", b"1").unwrap();
        let second = keep(home.path(), "picture.png", b"2").unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(second).unwrap(), b"2");
        assert_eq!(keep(home.path(), "x.bin", &vec![0; LARGEST + 1]).unwrap_err().code, ErrorCode::BAD_REQUEST);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_dropped_is_files_that_can_be_named() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("plan.md");
        let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"a\xff.txt"));
        for file in [&plain, &odd] {
            fs::write(file, "1").unwrap();
        }
        let dropped = [dir.path().to_owned(), odd, plain.clone(), dir.path().join("gone")];
        assert_eq!(files(&dropped), [plain.to_str().unwrap()]);
        assert_eq!(files(&vec![plain; 50]).len(), MOST);
    }
}
