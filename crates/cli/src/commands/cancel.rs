//! `aicib cancel`: stops a job, and proves it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use contract::{Desk, Error, ErrorCode, Job, JobId, JobRef, methods};

use crate::context::{Context, job_number};
use crate::events::processes;
use crate::failure::{Failure, Outcome};
use crate::text::line;

/// Stops a job.
pub(crate) async fn cancel(context: &mut Context, job: Option<String>) -> Outcome {
    let typed = job.as_deref().map(|job| job_number(job, "The job")).transpose()?;
    let company = context.company_ref()?;
    let client = context.daemon().await?;
    let job_id = match typed {
        Some(job_id) => job_id,
        None => choose(context, &client.call::<methods::DeskGet>(company).await?)?,
    };
    let result = client.call::<methods::JobCancel>(JobRef { job_id }).await?;
    let out = &mut context.out;
    if out.json {
        return Ok(out.value(&result)?);
    }
    out.line(&format!(
        "Job #{job_id} {}: {}.",
        result.job.state.name(),
        processes(result.ended, result.forced, result.left)
    ))?;
    Ok(())
}

/// The only job under way, or the one of several that somebody at a terminal picks.
fn choose(context: &Context, desk: &Desk) -> Result<JobId, Failure> {
    match desk.live.as_slice() {
        [] => Err(Error::new(
            ErrorCode::JOB_NOT_FOUND,
            format!("Nothing is under way at {}.", line(&desk.company.name, 80)),
            "`aicib logs` shows what has ended.",
        )
        .into()),
        [only] => Ok(only.job_id),
        several if std::io::stdin().is_terminal() && !context.out.json => ask(several),
        several => {
            let numbers: Vec<String> = several.iter().map(|job| job.job_id.to_string()).collect();
            Err(Failure::usage(format!(
                "Jobs {} are under way: say which to stop, such as `aicib cancel {}`.",
                numbers.join(", "),
                several[0].job_id
            )))
        }
    }
}

fn ask(several: &[Job]) -> Result<JobId, Failure> {
    let mut stderr = std::io::stderr().lock();
    for job in several {
        writeln!(stderr, "  {}  {}  {}", job.job_id, job.state.name(), line(&job.title, 80))?;
    }
    write!(stderr, "Which job to stop? ")?;
    stderr.flush()?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    let chosen = job_number(typed.trim(), "The answer")?;
    if several.iter().any(|job| job.job_id == chosen) {
        return Ok(chosen);
    }
    Err(Failure::usage(format!("Job {chosen} is not among them.")))
}
