//! `aicib pause` and `resume`: puts a job on hold, or all of them, and lets them go on.

use contract::{JobHoldParams, JobHoldResult, methods};

use crate::args::HoldArgs;
use crate::context::{Context, job_number};
use crate::failure::Outcome;

/// Puts on hold.
pub(crate) async fn pause(context: &mut Context, args: HoldArgs) -> Outcome {
    let params = params(&args)?;
    let result = context.daemon().await?.call::<methods::JobPause>(params).await?;
    said(context, &result, paused(&result))
}

/// Lets go on.
pub(crate) async fn resume(context: &mut Context, args: HoldArgs) -> Outcome {
    let params = params(&args)?;
    let result = context.daemon().await?.call::<methods::JobResume>(params).await?;
    said(context, &result, resumed(&result))
}

fn params(args: &HoldArgs) -> Result<JobHoldParams, crate::failure::Failure> {
    let job_id = args.job.as_deref().map(|job| job_number(job, "N")).transpose()?;
    Ok(JobHoldParams { job_id })
}

fn said(context: &mut Context, result: &JobHoldResult, text: String) -> Outcome {
    if context.out.json {
        return Ok(context.out.value(result)?);
    }
    Ok(context.out.line(&text)?)
}

fn paused(result: &JobHoldResult) -> String {
    match &result.job {
        None => "All jobs are on hold: none begins, and those at work stop before their next call. \
                 `aicib resume` lets them go on."
            .to_owned(),
        Some(job) if job.state.is_at_work() => {
            format!("Job #{0} is on hold: it stops before its next call. `aicib resume {0}` lets it go on.", job.job_id)
        }
        Some(job) => {
            format!("Job #{0} is on hold: it does not begin. `aicib resume {0}` lets it go on.", job.job_id)
        }
    }
}

fn resumed(result: &JobHoldResult) -> String {
    match (&result.job, result.all) {
        (None, true) => "All jobs are still on hold.".to_owned(),
        (None, false) => "All jobs go on; those put on hold one by one need `aicib resume N`.".to_owned(),
        (Some(job), true) => format!(
            "Job #{} is not on hold itself any more, but all jobs are: `aicib resume` lets them go on.",
            job.job_id
        ),
        (Some(job), false) if job.state.is_at_work() => format!("Job #{} goes on.", job.job_id),
        (Some(job), false) => format!("Job #{} is not on hold any more; it is {}.", job.job_id, job.state.name()),
    }
}

#[cfg(test)]
mod tests {
    use contract::JobState;

    use super::*;
    use crate::tests::sample::job;

    #[test]
    fn a_hold_says_what_it_means() {
        let of = |state, all| JobHoldResult { all, job: Some(job(7, state)) };
        assert!(paused(&of(JobState::Running, false)).contains("before its next call"));
        assert!(paused(&of(JobState::Queued, false)).contains("does not begin"));
        assert!(paused(&JobHoldResult { all: true, job: None }).starts_with("All jobs are on hold"));
        assert_eq!(resumed(&of(JobState::Waiting, false)), "Job #7 goes on.");
        assert_eq!(resumed(&of(JobState::Queued, false)), "Job #7 is not on hold any more; it is queued.");
        assert!(resumed(&of(JobState::Queued, true)).contains("but all jobs are"));
    }
}
