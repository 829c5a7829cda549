//! Files that are laid beside a brief: copied into the company's folder, and named in the brief.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_fs_ext::DirExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use contract::{ATTACHED, Error, ErrorCode, one_line};

/// Where they go, below the company's folder.
const FOLDER: &str = "inbox";
/// Files of a brief, at most.
const MOST: usize = 20;
/// Bytes of each, at most.
const LARGEST: u64 = 50 * 1024 * 1024;
/// Names that are tried where one is taken.
const NAMES: u32 = 1_000;
/// Bytes of a file's name and of its ending, which disks count: less than they take, for the number of a second one.
const NAME_BYTES: usize = 180;
const ENDING_BYTES: usize = 20;
/// Bytes that are copied at once.
const PIECE: usize = 64 * 1024;

/// Files that were copied into a company's folder.
#[derive(Debug, Default)]
pub struct Attached {
    /// The folder that they are in. Held open: whatever is put in its place meanwhile is another.
    folder: Option<Dir>,
    copies: Vec<String>,
    /// The company's folder, where the one for them was made in it.
    made_in: Option<Dir>,
}

impl Attached {
    /// Their paths inside the company's folder.
    pub fn names(&self) -> Vec<String> {
        self.copies.iter().map(|name| format!("{FOLDER}/{name}")).collect()
    }

    /// Removes them again: there is no brief that they belong to.
    pub fn take_back(self) {
        for name in &self.copies {
            if let Some(Err(error)) = self.folder.as_ref().map(|folder| folder.remove_file(name)) {
                tracing::warn!(%error, file = name, "a copy of an attached file stays");
            }
        }
        // Somebody else may have put something into it meanwhile: then it stays.
        if let Some(Err(error)) = self.made_in.map(|company| company.remove_dir(FOLDER))
            && error.kind() != io::ErrorKind::DirectoryNotEmpty
        {
            tracing::warn!(%error, "the folder for attached files stays");
        }
    }
}

/// Copies files into the company's folder, all of them or none.
///
/// # Errors
/// `request.bad` for too many or too large ones, for what is no file, and for what cannot be read; `company.folder` where
/// they cannot be written.
pub fn copy(company: &Path, files: &[String]) -> Result<Attached, Error> {
    if files.len() > MOST {
        return refused(format!("{} files are more than the {MOST} that a brief may have.", files.len()));
    }
    let sources = files.iter().map(|file| Source::open(file)).collect::<Result<Vec<_>, _>>()?;
    let mut attached = Attached::default();
    if sources.is_empty() {
        return Ok(attached);
    }
    let path = company.join(FOLDER);
    let folder = open_folder(company, &mut attached).map_err(|error| not_written(&path, &error))?;
    let all = sources.into_iter().try_for_each(|source| {
        let name = source.copy(&folder, &path)?;
        attached.copies.push(name);
        Ok(())
    });
    attached.folder = Some(folder);
    match all {
        Ok(()) => Ok(attached),
        Err(error) => {
            attached.take_back();
            Err(error)
        }
    }
}

/// The folder for attached files. A link in its place is none: agents may make one that leads anywhere.
fn open_folder(company: &Path, attached: &mut Attached) -> io::Result<Dir> {
    let company = Dir::open_ambient_dir(company, ambient_authority())?;
    let made = match company.create_dir(FOLDER) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    let folder = company.open_dir_nofollow(FOLDER)?;
    attached.made_in = made.then_some(company);
    Ok(folder)
}

/// The brief with what is attached to it.
pub fn named_in(directive: &str, attached: &[String]) -> String {
    if attached.is_empty() {
        return directive.to_owned();
    }
    let list: Vec<String> = attached.iter().map(|path| format!("- {path}")).collect();
    format!("{}{ATTACHED}{}", directive.trim_end(), list.join("\n"))
}

/// A file that is to be attached.
struct Source {
    file: File,
    /// As it is named to the founder.
    shown: String,
    /// Its name without what would make a path or an option of it, and its ending with its dot.
    stem: String,
    ending: String,
}

impl Source {
    fn open(path: &str) -> Result<Source, Error> {
        let shown = one_line(path, 200);
        let path = PathBuf::from(path);
        if !path.is_absolute() {
            return refused(format!("{shown} is no whole path."));
        }
        // Looked at first: opening a pipe would wait for whoever writes into it.
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            Err(error) => return refused(format!("{shown} cannot be read: {error}.")),
        };
        if !meta.is_file() {
            return refused(format!("{shown} is no file."));
        }
        if meta.len() > LARGEST {
            return refused(format!("{shown} is larger than {} MB.", LARGEST / 1024 / 1024));
        }
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) => return refused(format!("{shown} cannot be read: {error}.")),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (stem, ending) = plain(&name);
        Ok(Source { file, shown, stem, ending })
    }

    /// Copies it under the first free name: that name.
    fn copy(mut self, folder: &Dir, path: &Path) -> Result<String, Error> {
        let mut create = OpenOptions::new();
        create.write(true).create_new(true);
        for n in 1..=NAMES {
            let name = match n {
                1 => format!("{}{}", self.stem, self.ending),
                n => format!("{}-{n}{}", self.stem, self.ending),
            };
            match folder.open_with(&name, &create) {
                Ok(mut copy) => {
                    let copied = self.pour(&mut copy, path);
                    if copied.is_err()
                        && let Err(error) = folder.remove_file(&name)
                    {
                        tracing::warn!(%error, file = name, "a part of an attached file stays");
                    }
                    return copied.map(|()| name);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(not_written(path, &error)),
            }
        }
        Err(not_written(path, &io::Error::other(format!("there are {NAMES} files of that name"))))
    }

    /// Who is to blame differs: what cannot be read is another matter than what cannot be written.
    fn pour(&mut self, copy: &mut impl Write, path: &Path) -> Result<(), Error> {
        let mut piece = vec![0; PIECE];
        let mut left = LARGEST;
        loop {
            let read = match self.file.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return refused(format!("{} cannot be read: {error}.", self.shown)),
            };
            // It grew since it was looked at.
            left = match left.checked_sub(read as u64) {
                Some(left) => left,
                None => return refused(format!("{} is larger than {} MB.", self.shown, LARGEST / 1024 / 1024)),
            };
            copy.write_all(&piece[..read]).map_err(|error| not_written(path, &error))?;
        }
    }
}

/// A file's name and its ending, of letters, digits and a few marks, and short.
fn plain(name: &str) -> (String, String) {
    let fits = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let plain: String = name.chars().map(fits).collect();
    let plain = plain.trim_start_matches(['.', '-']);
    let (stem, ending) = match plain.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= ENDING_BYTES => (stem, format!(".{ending}")),
        _ => (plain, String::new()),
    };
    let stem = &stem[..stem.floor_char_boundary(NAME_BYTES)];
    (if stem.is_empty() { "file".to_owned() } else { stem.to_owned() }, ending)
}

fn refused<T>(what: String) -> Result<T, Error> {
    Err(Error::new(ErrorCode::BAD_REQUEST, what, "Attach other files, or put them into the company's folder yourself."))
}

fn not_written(folder: &Path, error: &io::Error) -> Error {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let code = if full { ErrorCode::DISK_FULL } else { ErrorCode::COMPANY_FOLDER };
    Error::new(code, format!("Attached files cannot be put into {}: {error}.", folder.display()), "Check the folder.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_copied_under_plain_names_and_none_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let company = dir.path().join("acme");
        fs::create_dir(&company).unwrap();
        let file = dir.path().join("..Our plan; rm -rf.pdf");
        fs::write(&file, "1").unwrap();
        let files = [file.display().to_string(), file.display().to_string()];
        let attached = copy(&company, &files).unwrap();
        let copies = attached.names();
        assert_eq!(copies, ["inbox/Our-plan--rm--rf.pdf", "inbox/Our-plan--rm--rf-2.pdf"]);
        assert_eq!(fs::read_to_string(company.join(&copies[1])).unwrap(), "1");
        let brief = named_in("Read it.\n", &copies);
        assert!(brief.starts_with("Read it.\n\nAttached") && brief.ends_with("-2.pdf"), "{brief}");
        assert_eq!(contract::title(&brief), "Read it.");
        attached.take_back();
        assert!(!company.join("inbox").exists());
    }

    #[test]
    fn what_is_no_file_or_too_much_is_refused_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let company = dir.path().join("acme");
        fs::create_dir(&company).unwrap();
        let fine = dir.path().join("a.txt");
        fs::write(&fine, "1").unwrap();
        let fine = fine.display().to_string();
        for wrong in [dir.path().display().to_string(), "/nowhere/x".into(), "relative.txt".into()] {
            assert_eq!(copy(&company, &[fine.clone(), wrong]).unwrap_err().code, ErrorCode::BAD_REQUEST);
        }
        assert!(copy(&company, &vec![fine.clone(); 21]).is_err());
        assert!(!company.join("inbox").exists());
        #[cfg(unix)]
        {
            // A link is no folder for them, wherever it leads: also to where the company's own agents are.
            for to in [dir.path().to_owned(), company.join("agents")] {
                fs::create_dir_all(company.join("agents")).unwrap();
                std::os::unix::fs::symlink(to, company.join("inbox")).unwrap();
                assert_eq!(copy(&company, std::slice::from_ref(&fine)).unwrap_err().code, ErrorCode::COMPANY_FOLDER);
                fs::remove_file(company.join("inbox")).unwrap();
            }
            assert_eq!(fs::read_dir(company.join("agents")).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending_and_room_for_a_number() {
        for letter in ["a", "漢", "ä"] {
            let (stem, ending) = plain(&format!("{}.pdf", letter.repeat(400)));
            assert!(stem.len() + "-1000".len() + ending.len() <= 255 && ending == ".pdf", "{stem}{ending}");
        }
        let (stem, ending) = plain(&format!("a.{}", "b".repeat(300)));
        assert!(stem.len() <= NAME_BYTES && ending.is_empty());
        for (name, is) in [("-rf", "rf"), ("...", "file"), (".env", "env"), ("a\nb\u{202e}.txt", "a-b-.txt")] {
            let (stem, ending) = plain(name);
            assert_eq!(stem + &ending, is);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_read_is_named_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let company = dir.path().join("acme");
        fs::create_dir(&company).unwrap();
        let fine = dir.path().join("a.txt");
        fs::write(&fine, "1").unwrap();
        // A file as far as one can see, whose reading fails: nothing is mapped at its beginning.
        let refused = copy(&company, &[fine.display().to_string(), "/proc/self/mem".into()]).unwrap_err();
        assert_eq!(refused.code, ErrorCode::BAD_REQUEST);
        assert!(refused.message.contains("/proc/self/mem"), "{refused}");
        assert!(!company.join("inbox").exists());
    }
}
