//! Files that are laid beside a brief: copied into the company's folder, and named in the brief.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use contract::{ATTACHED, Error, ErrorCode, one_line};

/// Where they go, below the company's folder.
const FOLDER: &str = "inbox";
/// Files of a brief, at most.
const MOST: usize = 20;
/// Bytes of each, at most.
const LARGEST: u64 = 50 * 1024 * 1024;
/// Names that are tried where one is taken.
const NAMES: u32 = 1_000;
/// Characters of a file's name.
const NAME_CHARS: usize = 120;

/// Files that were copied into a company's folder.
#[derive(Debug, Default)]
pub struct Attached {
    copies: Vec<PathBuf>,
    /// The folder that was made for them.
    made: Option<PathBuf>,
}

impl Attached {
    /// Their paths inside the company's folder.
    pub fn names(&self) -> Vec<String> {
        let name = |copy: &PathBuf| copy.file_name().map(|name| format!("{FOLDER}/{}", name.to_string_lossy()));
        self.copies.iter().filter_map(name).collect()
    }

    /// Removes them again: there is no brief that they belong to.
    pub fn take_back(self) {
        for copy in &self.copies {
            if let Err(error) = fs::remove_file(copy) {
                tracing::warn!(%error, file = %copy.display(), "a copy of an attached file stays");
            }
        }
        // Somebody else may have put something into it meanwhile: then it stays.
        if let Some(Err(error)) = self.made.map(fs::remove_dir)
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
    let sources = files.iter().map(|file| source(file)).collect::<Result<Vec<_>, _>>()?;
    let mut attached = Attached::default();
    if sources.is_empty() {
        return Ok(attached);
    }
    let folder = company.join(FOLDER);
    match fs::create_dir(&folder) {
        Ok(()) => attached.made = Some(folder.clone()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(not_written(&folder, &error)),
    }
    let all = inside(&folder, company).and_then(|()| {
        sources.iter().try_for_each(|(path, name)| {
            attached.copies.push(one(path, &folder, name)?);
            Ok(())
        })
    });
    match all {
        Ok(()) => Ok(attached),
        Err(error) => {
            attached.take_back();
            Err(not_written(&folder, &error))
        }
    }
}

fn inside(folder: &Path, company: &Path) -> io::Result<()> {
    let inside = fs::canonicalize(folder)?.starts_with(fs::canonicalize(company)?);
    if inside { Ok(()) } else { Err(io::Error::other("it leads out of the company's folder")) }
}

/// The brief with what is attached to it.
pub fn named_in(directive: &str, attached: &[String]) -> String {
    if attached.is_empty() {
        return directive.to_owned();
    }
    let list: Vec<String> = attached.iter().map(|path| format!("- {path}")).collect();
    format!("{}{ATTACHED}{}", directive.trim_end(), list.join("\n"))
}

fn source(file: &str) -> Result<(PathBuf, String), Error> {
    let path = PathBuf::from(file);
    let shown = one_line(file, 200);
    if !path.is_absolute() {
        return refused(format!("{shown} is no whole path."));
    }
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
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' }).collect();
    let plain: String = plain.trim_start_matches(['.', '-']).chars().take(NAME_CHARS).collect();
    Ok((path, if plain.is_empty() { "file".to_owned() } else { plain }))
}

/// Copies a file under the first free name.
fn one(from: &Path, folder: &Path, name: &str) -> io::Result<PathBuf> {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    for n in 1..=NAMES {
        let to = match n {
            1 => folder.join(format!("{stem}{ending}")),
            n => folder.join(format!("{stem}-{n}{ending}")),
        };
        match File::options().write(true).create_new(true).open(&to) {
            Ok(mut copy) => {
                // As much as was allowed, should it grow meanwhile.
                let mut source = io::Read::take(File::open(from)?, LARGEST);
                return match io::copy(&mut source, &mut copy) {
                    Ok(_) => Ok(to),
                    Err(error) => {
                        fs::remove_file(&to)?;
                        Err(error)
                    }
                };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("there are {NAMES} files of that name")))
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
            std::os::unix::fs::symlink(dir.path(), company.join("inbox")).unwrap();
            assert_eq!(copy(&company, &[fine]).unwrap_err().code, ErrorCode::COMPANY_FOLDER);
        }
    }
}
