//! What runs kept of the files that they changed, as their workers left it: lists are read as nobody's friend wrote them.
//! A worker that was killed could not keep what it left; then we do.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use contract::{KEPT_AFTER, KEPT_BEFORE, KEPT_LIST, KEPT_MOST_BYTES, Kept, KeptState};

/// Bytes of a list that are read.
const MAX_LIST: u64 = 32 * 1024 * 1024;

/// Files of which we keep what a killed worker left, and their bytes.
const MOST_FILES: usize = 1_000;
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// What is known of a file at some time.
#[derive(Clone, Debug, PartialEq)]
pub enum Image {
    /// There is no such file.
    Absent,
    /// Its text.
    Text(String),
    /// It is too large to be kept.
    TooLarge,
    /// It is no text.
    Binary,
}

/// Keeps what a run left of the files that it changed, where its worker had no time to. After the run's last process.
///
/// # Errors
/// What the disk said.
pub fn keep_what_is_left(run: &Path, company: &Path) -> io::Result<()> {
    let (before, after) = (run.join(KEPT_BEFORE), run.join(KEPT_AFTER));
    if !before.join(KEPT_LIST).try_exists()? || after.try_exists()? {
        return Ok(());
    }
    let dir = Dir::open_ambient_dir(company, ambient_authority())?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&after)?;
    let mut list = BufWriter::new(File::create_new(after.join(KEPT_LIST))?);
    let mut bytes = 0;
    for (line, number) in lines(&before)?.take(MOST_FILES).zip(1..) {
        let path = line?.path;
        // One that cannot be read does not keep us from the others.
        let (state, file) = match read(&dir, Path::new(&path)).unwrap_or(Image::TooLarge) {
            Image::Absent => (KeptState::Absent, None),
            Image::Binary => (KeptState::Binary, None),
            Image::Text(text) if bytes + text.len() <= MOST_BYTES => {
                bytes += text.len();
                let name = format!("{number:04}");
                fs::write(after.join(&name), text)?;
                (KeptState::Kept, Some(name))
            }
            Image::Text(_) | Image::TooLarge => (KeptState::TooLarge, None),
        };
        serde_json::to_writer(&mut list, &Kept { path, state, file })?;
        list.write_all(b"\n")?;
    }
    list.flush()
}

/// The lines of a list; none where there is no list.
fn lines(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<Kept>>> {
    let list: Box<dyn BufRead> = match File::open(folder.join(KEPT_LIST)) {
        Ok(list) => Box::new(BufReader::new(list.take(MAX_LIST))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Box::new(io::empty())
        }
        Err(error) => return Err(error),
    };
    // A line that was cut off, or is nobody's, says nothing.
    Ok(list.split(b'\n').filter_map(|line| line.map(|line| serde_json::from_slice(&line).ok()).transpose()))
}

/// What a run kept of a file in that folder of its; none where it kept nothing.
///
/// # Errors
/// What the disk said.
pub fn kept(folder: &Path, path: &str) -> io::Result<Option<Image>> {
    for line in lines(folder)? {
        let line = line?;
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
///
/// # Errors
/// What the disk said.
pub fn now(company: &Path, path: &str) -> io::Result<Image> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<Image> {
        Some(Image::Text(text.into()))
    }

    #[test]
    fn what_a_killed_worker_left_is_kept_once() {
        let dir = tempfile::tempdir().unwrap();
        let (run, company) = (dir.path().join("run"), dir.path().join("acme"));
        fs::create_dir_all(&company).unwrap();
        keep_what_is_left(&run, &company).unwrap();
        assert!(!run.exists(), "what changed nothing leaves nothing");
        fs::create_dir_all(run.join(KEPT_BEFORE)).unwrap();
        let list = "{\"path\":\"a.md\",\"state\":\"absent\"}\n{\"path\":\"gone.md\",\"state\":\"binary\"}\n{\"pa";
        fs::write(run.join(KEPT_BEFORE).join(KEPT_LIST), list).unwrap();
        fs::write(company.join("a.md"), "left\n").unwrap();
        keep_what_is_left(&run, &company).unwrap();
        fs::write(company.join("a.md"), "later\n").unwrap();
        keep_what_is_left(&run, &company).unwrap();
        let after = run.join(KEPT_AFTER);
        assert_eq!(kept(&after, "a.md").unwrap(), text("left\n"));
        assert_eq!(kept(&after, "gone.md").unwrap(), Some(Image::Absent));
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
