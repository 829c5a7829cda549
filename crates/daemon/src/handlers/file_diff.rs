//! A file as a job left it, compared with what it was before: from what its runs kept.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::{Error, ErrorCode, FileDiff, FileDiffParams, FileDiffState, KEPT_AFTER, KEPT_BEFORE, one_line};
use similar::{Algorithm, TextDiff};

use crate::app::App;
use crate::companies::blocking;
use crate::kept::{Image, kept, now};

/// Bytes of a diff, at most.
const MAX_DIFF: usize = 512 * 1024;
/// How long lines are compared; then the change is shown coarser.
const DIFF_TIME: Duration = Duration::from_millis(500);
/// Lines around a change.
const CONTEXT: usize = 3;

/// A job's file, compared.
///
/// # Errors
/// `job.not_found`; `request.bad` for a file that the job did not change; what the disk says.
pub async fn get(app: &App, params: FileDiffParams) -> Result<FileDiff, Error> {
    let FileDiffParams { job_id, path } = params;
    let asked = path.clone();
    let (known, dirs, company, also_by) = app
        .store
        .read(move |db| {
            let job = db.job(job_id)?;
            let company = db.company(job.company_id)?.dir;
            let known = db.file_of(job_id, &asked)?.is_some();
            Ok((known, db.run_dirs(job_id)?, company, db.overlapping(job_id, &asked)?))
        })
        .await?;
    if !known {
        let what = format!("Job {job_id} is not known to have changed {}.", one_line(&path, 200));
        return Err(Error::new(ErrorCode::BAD_REQUEST, what, "Name a file from the job's list of files."));
    }
    let at_work = dirs.last().is_some_and(|(_, ended)| !ended);
    let dirs: Vec<PathBuf> = dirs.into_iter().map(|(dir, _)| PathBuf::from(dir)).collect();
    let runs = app.home.runs_dir();
    blocking(move || {
        let images = || {
            let ours = |dir: &&PathBuf| dir.parent() == Some(runs.as_path());
            let dirs: Vec<&PathBuf> = dirs.iter().filter(ours).collect();
            let before = first(dirs.iter().map(|dir| kept(&dir.join(KEPT_BEFORE), &path)))?;
            let after = match at_work {
                true => Some(now(Path::new(&company), &path)?),
                false => first(dirs.iter().rev().map(|dir| kept(&dir.join(KEPT_AFTER), &path)))?,
            };
            Ok((before, after))
        };
        let (before, after) = images().map_err(|error: io::Error| {
            let what = format!("What {} was before job {job_id} cannot be read: {error}.", one_line(&path, 200));
            Error::new(ErrorCode::INTERNAL, what, "Look at the run's folder, and at its disk.")
        })?;
        let (state, diff, cut) = compared(before, after, &path);
        Ok(FileDiff { path, state, diff, cut, also_by })
    })
    .await
}

/// The first that there is.
fn first(mut images: impl Iterator<Item = io::Result<Option<Image>>>) -> io::Result<Option<Image>> {
    images.find_map(Result::transpose).transpose()
}

/// How they compare, the diff, and whether that was cut.
fn compared(before: Option<Image>, after: Option<Image>, path: &str) -> (FileDiffState, String, bool) {
    use FileDiffState::{Binary, Changed, Created, NotKept, Removed, Same};
    let none = |state| (state, String::new(), false);
    let (Some(before), Some(after)) = (before, after) else { return none(NotKept) };
    let (state, old, new) = match (&before, &after) {
        (Image::Absent, Image::Absent) => return none(Same),
        (Image::Absent, Image::Text(new)) => (Created, "", new.as_str()),
        (Image::Absent, Image::TooLarge) => return (Created, String::new(), true),
        (Image::Text(old), Image::Absent) => (Removed, old.as_str(), ""),
        (Image::Binary | Image::TooLarge, Image::Absent) => return none(Removed),
        (Image::Text(old), Image::Text(new)) if old == new => return none(Same),
        (Image::Text(old), Image::Text(new)) => (Changed, old.as_str(), new.as_str()),
        (Image::Binary, _) | (_, Image::Binary) => return none(Binary),
        (Image::TooLarge, _) | (_, Image::TooLarge) => return none(NotKept),
    };
    let name = one_line(path, 500);
    let header = (
        if state == Created { "/dev/null" } else { name.as_str() },
        if state == Removed { "/dev/null" } else { name.as_str() },
    );
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(DIFF_TIME).diff_lines(old, new);
    let whole = diff.unified_diff().context_radius(CONTEXT).header(header.0, header.1).to_string();
    let cut = whole.len() > MAX_DIFF;
    // Half a line would be a change that nobody made.
    let end = match cut {
        true => whole[..whole.floor_char_boundary(MAX_DIFF)].rfind('\n').map_or(0, |end| end + 1),
        false => whole.len(),
    };
    (state, whole[..end].to_owned(), cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<Image> {
        Some(Image::Text(text.into()))
    }

    #[test]
    fn the_diff_says_how_a_file_changed() {
        let (state, diff, cut) = compared(text("a\nb\n"), text("a\nc\n"), "docs/x.md");
        assert_eq!((state, cut), (FileDiffState::Changed, false));
        assert_eq!(diff, "--- docs/x.md\n+++ docs/x.md\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
        let (state, diff, _) = compared(Some(Image::Absent), text("a\n"), "x");
        assert_eq!((state, diff.as_str()), (FileDiffState::Created, "--- /dev/null\n+++ x\n@@ -0,0 +1 @@\n+a\n"));
        let (state, diff, _) = compared(text("a\n"), Some(Image::Absent), "x");
        assert_eq!(state, FileDiffState::Removed);
        assert!(diff.contains("+++ /dev/null") && diff.contains("-a"), "{diff}");
        let state = |before: Option<Image>, after: Option<Image>| compared(before, after, "x").0;
        assert_eq!(state(text("a"), text("a")), FileDiffState::Same);
        assert_eq!(state(Some(Image::Absent), Some(Image::Absent)), FileDiffState::Same);
        assert_eq!(state(text("a"), Some(Image::Binary)), FileDiffState::Binary);
        assert_eq!(state(Some(Image::TooLarge), text("a")), FileDiffState::NotKept);
        assert_eq!(state(Some(Image::TooLarge), Some(Image::Absent)), FileDiffState::Removed);
        assert_eq!(state(None, text("a")), FileDiffState::NotKept);
        assert_eq!(state(text("a"), None), FileDiffState::NotKept);
    }

    #[test]
    fn a_long_diff_ends_with_a_whole_line() {
        let new: String = (0..100_000).map(|n| format!("line number {n}\n")).collect();
        let (_, diff, cut) = compared(Some(Image::Absent), text(&new), "x");
        assert!(cut && diff.len() <= MAX_DIFF && diff.ends_with('\n'), "{}", diff.len());
    }
}
