//! `aicib export`: a job as a file that can be read without this app.

use std::path::Path;

use contract::{ExportFormat, JobExportParams, methods};

use crate::args::{ExportArgs, Format};
use crate::commands::input::whole;
use crate::context::{Context, job_number};
use crate::failure::Outcome;
use crate::text::{bytes, safe};

/// Has the daemon write the file.
pub(crate) async fn export(context: &mut Context, args: ExportArgs) -> Outcome {
    let job_id = job_number(&args.job, "The job")?;
    let format = format(args.format, args.to.as_deref());
    let path = args.to.as_deref().map(|file| whole(file, "The file")).transpose()?;
    let daemon = context.daemon().await?;
    let written = daemon.call::<methods::JobExport>(JobExportParams { job_id, format, path }).await?;
    if context.out.json {
        return Ok(context.out.value(&written)?);
    }
    Ok(context.out.line(&format!("Job {job_id} is in {} ({}).", safe(&written.path), bytes(written.bytes)))?)
}

/// The format that was asked for, else the one that the file's name ends with.
fn format(asked: Option<Format>, file: Option<&Path>) -> ExportFormat {
    let ending = file.and_then(Path::extension).map(|ending| ending.to_string_lossy().to_lowercase());
    match (asked, ending.as_deref()) {
        (Some(Format::Md), _) => ExportFormat::Markdown,
        (Some(Format::Json), _) | (None, Some("json")) => ExportFormat::Json,
        (Some(Format::Html), _) | (None, Some("html" | "htm")) => ExportFormat::Html,
        (None, _) => ExportFormat::Markdown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_s_name_says_the_format_where_nobody_else_does() {
        let of = |asked, file: &str| format(asked, Some(Path::new(file)));
        assert_eq!(of(None, "a.JSON"), ExportFormat::Json);
        assert_eq!(of(None, "a.htm"), ExportFormat::Html);
        assert_eq!(of(None, "notes"), ExportFormat::Markdown);
        assert_eq!(of(Some(Format::Html), "a.json"), ExportFormat::Html);
        assert_eq!(format(None, None), ExportFormat::Markdown);
    }
}
