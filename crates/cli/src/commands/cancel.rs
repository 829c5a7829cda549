//! `aicib cancel`: stops a job, and proves it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use contract::{Desk, Error, ErrorCode, Job, JobId, JobRef, JobState, methods};

use crate::context::{Context, job_number};
use crate::events::processes;
use crate::failure::{Failure, Outcome};
use crate::text::{count, line};

/// Stops a job.
pub(crate) async fn cancel(context: &mut Context, job: Option<String>) -> Outcome {
    let typed = job.as_deref().map(|job| job_number(job, "The job")).transpose()?;
    let company = context.company_ref()?;
    let client = context.daemon().await?;
    let (job_id, waiting) = match typed {
        Some(job_id) => (job_id, 0),
        None => {
            let may_ask = std::io::stdin().is_terminal() && !context.out.json;
            choose(&client.call::<methods::DeskGet>(company).await?, may_ask)?
        }
    };
    let result = client.call::<methods::JobCancel>(JobRef { job_id }).await?;
    let out = &mut context.out;
    if out.json {
        return Ok(out.value(&result)?);
    }
    let state = result.job.state.name();
    if result.ended == 0 {
        out.line(&format!("Job #{job_id} {state}; {} left.", count(result.left, "process", "processes")))?;
    } else {
        out.line(&format!("Job #{job_id} {state}: {}.", processes(result.ended, result.forced, result.left)))?;
    }
    if waiting > 0 {
        let waits = if waiting == 1 { "1 job waits".to_owned() } else { format!("{waiting} jobs wait") };
        out.line(&format!("{waits} in line, and the first starts now. `aicib stop` ends them all."))?;
    }
    Ok(())
}

/// The only job at work with the number of those in line behind it, the only one in line where none is at work, or the
/// one of several that somebody at a terminal picks.
pub(crate) fn choose(desk: &Desk, may_ask: bool) -> Result<(JobId, i64), Failure> {
    let mut at_work = desk.live.iter().filter(|job| job.state != JobState::Queued);
    if let (Some(one), None) = (at_work.next(), at_work.next()) {
        return Ok((one.job_id, desk.live_total - 1));
    }
    match desk.live.as_slice() {
        [] => Err(Error::new(
            ErrorCode::JOB_NOT_FOUND,
            format!("Nothing is under way at {}.", line(&desk.company.name, 80)),
            "`aicib logs` shows what has ended.",
        )
        .into()),
        [only] => Ok((only.job_id, 0)),
        several if may_ask => Ok((ask(several)?, 0)),
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
