//! A file as a job left it, compared with what it was before: from what its runs kept.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use contract::{
    Error, ErrorCode, FileDiff, FileDiffParams, FileDiffState, KEPT_AFTER, KEPT_BEFORE, KEPT_LIST, KEPT_MOST_BYTES,
    Kept, KeptState, one_line,
};
use similar::{Algorithm, TextDiff};

use crate::app::App;
use crate::companies::blocking;

/// Bytes of a diff, at most.
const MAX_DIFF: usize = 512 * 1024;
/// How long lines are compared; then the change is shown coarser.
const DIFF_TIME: Duration = Duration::from_millis(500);
/// Lines around a change.
const CONTEXT: usize = 3;
/// Bytes of a list that are read.
const MAX_LIST: u64 = 32 * 1024 * 1024;

/// What is known of a file at some time.
#[derive(Clone, Debug, PartialEq)]
enum Image {
    Absent,
    Text(String),
    TooLarge,
    Binary,
}

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

/// What a run kept of a file; none where it kept nothing.
fn kept(folder: &Path, path: &str) -> io::Result<Option<Image>> {
    let list = match File::open(folder.join(KEPT_LIST)) {
        Ok(list) => list,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    for line in BufReader::new(list.take(MAX_LIST)).split(b'\n') {
        // A line that was cut off, or is nobody's, says nothing.
        let Ok(line) = serde_json::from_slice::<Kept>(&line?) else { continue };
        if line.path != path {
            continue;
        }
        return Ok(Some(match line.state {
            KeptState::Absent => Image::Absent,
            KeptState::TooLarge => Image::TooLarge,
            KeptState::Binary => Image::Binary,
            KeptState::Kept => match line.file.filter(|file| is_number(file)) {
                Some(file) => content(folder, &file)?,
                None => return Ok(None),
            },
        }));
    }
    Ok(None)
}

fn is_number(file: &str) -> bool {
    (1..=10).contains(&file.len()) && file.bytes().all(|byte| byte.is_ascii_digit())
}

fn content(folder: &Path, file: &str) -> io::Result<Image> {
    let dir = Dir::open_ambient_dir(folder, ambient_authority())?;
    read(&dir, Path::new(file))
}

/// The file as it lies in the company's folder.
fn now(company: &Path, path: &str) -> io::Result<Image> {
    let dir = Dir::open_ambient_dir(company, ambient_authority())?;
    read(&dir, Path::new(path))
}

/// A file inside a folder: no path and no link leads out of that, and nothing is opened that one could wait at.
fn read(dir: &Dir, path: &Path) -> io::Result<Image> {
    let gone = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => true,
        // A way out of the folder, as cap-std calls it.
        io::ErrorKind::PermissionDenied => error.raw_os_error().is_none(),
        _ => false,
    };
    match dir.symlink_metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Ok(Image::Absent),
        Err(error) if gone(&error) => return Ok(Image::Absent),
        Err(error) => return Err(error),
    }
    let file = match dir.open_with(path, OpenOptions::new().read(true).nonblock(true)) {
        Ok(file) => file,
        Err(error) if gone(&error) => return Ok(Image::Absent),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    Read::take(file, KEPT_MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > KEPT_MOST_BYTES {
        return Ok(Image::TooLarge);
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(Image::Text(text)),
        _ => Ok(Image::Binary),
    }
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
    use std::fs;

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

    #[test]
    fn the_first_line_of_a_path_counts_and_no_other_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("before");
        fs::create_dir(&folder).unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        fs::write(folder.join("0001"), "one").unwrap();
        fs::write(folder.join("0002"), "two").unwrap();
        fs::write(folder.join("0003"), [0xff, 0x00]).unwrap();
        let line = |path: &str, state: &str, file: &str| {
            format!("{{\"path\":\"{path}\",\"state\":\"{state}\",\"file\":\"{file}\"}}\n")
        };
        let list = line("a", "kept", "0001")
            + "no line at all\n"
            + &line("a", "kept", "0002")
            + &line("b", "kept", "../secret")
            + &line("c", "kept", "0003")
            + "{\"path\":\"d\",\"state\":\"too_large\"}\n"
            + "{\"path\":\"e\",\"sta";
        fs::write(folder.join(KEPT_LIST), list).unwrap();
        assert_eq!(kept(&folder, "a").unwrap(), text("one"));
        assert_eq!(kept(&folder, "b").unwrap(), None);
        assert_eq!(kept(&folder, "c").unwrap(), Some(Image::Binary));
        assert_eq!(kept(&folder, "d").unwrap(), Some(Image::TooLarge));
        assert_eq!(kept(&folder, "e").unwrap(), None);
        assert_eq!(kept(&dir.path().join("nothing"), "a").unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_out_of_the_company_s_folder() {
        let dir = tempfile::tempdir().unwrap();
        let company = dir.path().join("acme");
        fs::create_dir(&company).unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(dir.path(), company.join("out")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), company.join("link")).unwrap();
        fs::write(company.join("a"), "x").unwrap();
        assert_eq!(now(&company, "a").unwrap(), Image::Text("x".into()));
        assert_eq!(now(&company, "link").unwrap(), Image::Absent);
        assert_eq!(now(&company, "out/secret").unwrap(), Image::Absent);
        assert_eq!(now(&company, "../secret").unwrap(), Image::Absent);
    }
}
