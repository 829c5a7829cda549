//! A job as a file that can be read without this app.

mod html;
mod inert;
mod json;
mod markdown;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use contract::{
    Error, ErrorCode, Event, EventListParams, ExportFormat, JobDetail, JobExportParams, JobExportResult, JobId, Seq,
    limits::MAX_PAGE,
};
use tempfile::NamedTempFile;

use crate::app::App;
use crate::companies::blocking;

/// Characters of a job's title in a file's name.
const NAME_CHARS: usize = 50;
/// Names that are tried where one is taken.
const NAMES: u32 = 1_000;

/// What a job is written by: its head, each of its events in order, and its end.
trait Page {
    fn head(&mut self, out: &mut dyn Write, job: &JobDetail, company: &str) -> io::Result<()>;
    fn event(&mut self, out: &mut dyn Write, event: &Event) -> io::Result<()>;
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// Writes a job to a file, whole or not at all; one that is there already stays as it is.
///
/// # Errors
/// `job.not_found`, `request.bad` for a path that is not absolute or is taken, `disk.full`, and what the disk says.
pub async fn run(app: &App, params: JobExportParams) -> Result<JobExportResult, Error> {
    let JobExportParams { job_id, format, path } = params;
    let (detail, company) = app
        .store
        .read(move |db| {
            let detail = db.job_detail(job_id)?;
            let company = db.company(detail.job.company_id)?;
            Ok((detail, company.name))
        })
        .await?;
    let target = match path {
        Some(path) => Target::Named(named(&path)?),
        None => Target::Free(downloads(), stem(&detail)),
    };
    let mut page: Box<dyn Page + Send> = match format {
        ExportFormat::Markdown => Box::new(markdown::Markdown::new()),
        ExportFormat::Html => Box::new(html::Html::new()),
        ExportFormat::Json => Box::new(json::Json::default()),
    };
    let folder = target.folder().to_owned();
    let at = folder.clone();
    let file = blocking(move || NamedTempFile::new_in(&folder).map_err(|error| not_written(&folder, &error))).await?;
    let mut out = BufWriter::new(file);
    page.head(&mut out, &detail, &company).map_err(|error| not_written(&at, &error))?;
    let mut after = Seq(0);
    loop {
        let events = next(app, job_id, after).await?;
        let Some(last) = events.last() else { break };
        after = last.seq;
        let place = at.clone();
        (page, out) = blocking(move || {
            for event in &events {
                page.event(&mut out, event).map_err(|error| not_written(&place, &error))?;
            }
            Ok((page, out))
        })
        .await?;
    }
    blocking(move || {
        let mut write = || {
            page.end(&mut out)?;
            out.flush()?;
            out.get_ref().as_file().sync_data()
        };
        write().map_err(|error| not_written(&at, &error))?;
        let file = out.into_inner().map_err(|error| not_written(&at, error.error()))?;
        put(file, &target, format)
    })
    .await
}

async fn next(app: &App, job_id: JobId, after: Seq) -> Result<Vec<Event>, Error> {
    let list = EventListParams { job_id, after: Some(after), before: None, limit: Some(MAX_PAGE) };
    Ok(app.store.read(move |db| db.events(&list)).await?.events)
}

/// Where the file goes.
enum Target {
    Named(PathBuf),
    /// Into this folder, under the first free name that begins like this.
    Free(PathBuf, String),
}

impl Target {
    /// The file of the nth try.
    fn path(&self, n: u32, format: ExportFormat) -> PathBuf {
        match self {
            Target::Named(path) => path.clone(),
            Target::Free(folder, stem) => {
                let again = if n == 1 { String::new() } else { format!(" ({n})") };
                folder.join(format!("{stem}{again}.{}", format.ending()))
            }
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Target::Named(path) => path.parent().unwrap_or(Path::new("/")),
            Target::Free(folder, _) => folder,
        }
    }
}

fn named(path: &str) -> Result<PathBuf, Error> {
    let path = PathBuf::from(path);
    if !path.is_absolute() || path.file_name().is_none() {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            "The file to write to needs a whole path.",
            "Name it from the root on, such as /home/me/job.md.",
        ));
    }
    Ok(path)
}

fn put(mut file: NamedTempFile, target: &Target, format: ExportFormat) -> Result<JobExportResult, Error> {
    let bytes = file.as_file().metadata().map_or(0, |meta| i64::try_from(meta.len()).unwrap_or(i64::MAX));
    let tries = if matches!(target, Target::Named(_)) { 1 } else { NAMES };
    for n in 1..=tries {
        let path = target.path(n, format);
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(JobExportResult { path: path.display().to_string(), bytes }),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(not_written(&path, &error.error)),
        }
    }
    Err(Error::new(
        ErrorCode::BAD_REQUEST,
        format!("There is a file already where the job was to be written, in {}.", target.folder().display()),
        "Choose another name.",
    ))
}

fn stem(detail: &JobDetail) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.') { c } else { ' ' };
    let title: String = detail.job.title.chars().map(plain).collect();
    let title = contract::one_line(&title, NAME_CHARS);
    format!("Job {} {}", detail.job.job_id, title.trim_matches(['.', ' ', '…'])).trim_end().to_owned()
}

/// The founder's folder for downloads, wherever the system has it, else the home folder, else the one for temporary
/// files.
fn downloads() -> PathBuf {
    let folders = dirs::home_dir().into_iter().flat_map(|home| [home.join("Downloads"), home]);
    dirs::download_dir().into_iter().chain(folders).find(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir)
}

fn not_written(path: &Path, error: &io::Error) -> Error {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let code = if full { ErrorCode::DISK_FULL } else { ErrorCode::BAD_REQUEST };
    Error::new(code, format!("{} cannot be written: {error}.", path.display()), "Choose another place for the file.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::Free(dir.path().to_owned(), "Job 1 Plan".into());
        let mut paths = Vec::new();
        for text in ["first", "second"] {
            let mut file = NamedTempFile::new_in(dir.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            paths.push(put(file, &target, ExportFormat::Markdown).unwrap().path);
        }
        assert!(paths[0].ends_with("Job 1 Plan.md") && paths[1].ends_with("Job 1 Plan (2).md"), "{paths:?}");
        let taken = Target::Named(paths[0].clone().into());
        let refused = put(NamedTempFile::new_in(dir.path()).unwrap(), &taken, ExportFormat::Markdown).unwrap_err();
        assert_eq!(refused.code, ErrorCode::BAD_REQUEST);
        assert_eq!(std::fs::read_to_string(&paths[0]).unwrap(), "first");
        assert!(named("job.md").is_err() && named("/").is_err());
    }
}
