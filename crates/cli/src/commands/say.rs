//! `aicib say`: says more to a job at work.

use contract::{Desk, Error, ErrorCode, Job, JobFollowUpParams, JobId, methods, role_name};

use crate::args::SayArgs;
use crate::ask::{ask, may_ask};
use crate::commands::cancel::{listed, picked};
use crate::commands::input::typed_or_stdin;
use crate::context::{Context, Sheet, job_number};
use crate::failure::{Failure, Outcome};
use crate::out::aside;
use crate::text::line;

/// Jobs that a refusal names, at most.
const NAMED: usize = 8;

/// Says it, to the job that was named or to the only one at work.
pub(crate) async fn say(context: &mut Context, args: SayArgs) -> Outcome {
    let named = args.job.as_deref().map(|job| job_number(job, "The job")).transpose()?;
    let text = typed_or_stdin(args.text, "What it is to know")?;
    let daemon = context.daemon().await?;
    let job_id = match named {
        Some(job_id) => job_id,
        None => {
            let desk = daemon.call::<methods::DeskGet>(context.company_ref()?).await?;
            match at_work(&desk, may_ask(context), &context.sheet())? {
                Some(job_id) => job_id,
                None => {
                    aside("Nothing was said.");
                    return Ok(());
                }
            }
        }
    };
    let job = daemon.call::<methods::JobFollowUp>(JobFollowUpParams { job_id, text }).await.map_err(too_late)?;
    if context.out.json {
        return Ok(context.out.value(&job)?);
    }
    let who = line(&role_name(&job.agent), 40);
    Ok(context.out.line(&format!("The {who} of job #{} is told before the next call.", job.job_id))?)
}

/// The refusal of words to a job that has ended, with the way on.
fn too_late(mut error: Error) -> Error {
    if error.code == ErrorCode::JOB_FINAL {
        error.fix = "Send a new brief instead: `aicib brief \"…\"`; its CEO remembers this one.".to_owned();
    }
    error
}

/// The only job at work, or the one of several that somebody at a terminal picks; `None` where they want to leave it.
fn at_work(desk: &Desk, may_ask: bool, sheet: &Sheet) -> Result<Option<JobId>, Failure> {
    let at_work: Vec<Job> = desk.live.iter().filter(|job| job.state.is_at_work()).cloned().collect();
    match at_work.as_slice() {
        [] => Err(Error::new(
            ErrorCode::JOB_NOT_FOUND,
            format!("Nobody is at work at {}.", line(&desk.company.name, 80)),
            "Send a brief: `aicib brief \"…\"`.",
        )
        .into()),
        [only] => Ok(Some(only.job_id)),
        several if may_ask => {
            for row in listed(several, sheet) {
                aside(&row);
            }
            ask("Which job is it for? Its number, or q to leave:", |typed| picked(several, typed))
        }
        several => {
            let named = several.iter().take(NAMED).map(|job| format!("#{} “{}”", job.job_id, line(&job.title, 40)));
            let first = several.first().map_or(0, |job| job.job_id.0);
            Err(Failure::usage(format!(
                "{} jobs are at work: {}. Say which one it is for, such as `aicib say {first} \"…\"`.",
                several.len(),
                named.collect::<Vec<_>>().join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::JobState;

    use super::*;
    use crate::tests::sample::{desk, job, sheet};

    fn of(jobs: &[Job]) -> Result<Option<JobId>, Failure> {
        at_work(&Desk { live: jobs.to_vec(), ..desk() }, false, &sheet())
    }

    #[test]
    fn without_a_number_the_only_job_at_work_is_meant() {
        let queued = job(8, JobState::Queued);
        assert_eq!(of(&[job(7, JobState::Waiting), queued.clone()]).unwrap(), Some(JobId(7)));
        let Err(Failure::Error(error)) = of(&[queued]) else { panic!("one that has not begun was chosen") };
        assert_eq!(error.code, ErrorCode::JOB_NOT_FOUND);
        let Err(Failure::Usage(message)) = of(&[job(7, JobState::Running), job(9, JobState::Running)]) else {
            panic!("one of several was chosen")
        };
        for part in ["2 jobs", "#7 “Write a company", "#9", "`aicib say 7"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
