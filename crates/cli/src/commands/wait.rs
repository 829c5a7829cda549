//! `aicib wait`: waits until a job has ended, and says how in its exit code.

use contract::{ErrorCode, Job, JobId, JobState, JobWaitParams, JobWaitResult, methods};
use tokio::time::{Duration, Instant, sleep};

use crate::args::WaitArgs;
use crate::context::{Context, Sheet, job_number};
use crate::facts::{again, cost, how_far, left, state, time_left, took};
use crate::failure::{EXIT_CANCELLED, EXIT_FAILED, EXIT_TIMEOUT, Failure, Outcome};
use crate::text::line;
use crate::when;

/// One call waits so long at most; then it is made again.
const PIECE: Duration = Duration::from_secs(120);
/// How often a daemon that went away is looked for again, in a row, before that is an error.
const TRIES: u32 = 5;

/// Waits. The exit code is the outcome.
pub(crate) async fn wait(context: &mut Context, args: WaitArgs) -> Outcome {
    let job_id = job_number(&args.job, "N")?;
    let timeout = args.timeout.as_deref().map(|typed| when::length(typed, "--timeout")).transpose()?;
    let timeout = timeout.map(|ms| Duration::from_millis(ms.unsigned_abs()));
    let result = until_ended(context, job_id, timeout).await?;
    let sheet = context.sheet();
    if context.out.json {
        context.out.value(&result)?;
    } else {
        for line in said(&result, &sheet) {
            context.out.line(&line)?;
        }
    }
    context.out.flush()?;
    match exit_code(&result) {
        0 => Ok(()),
        code => Err(Failure::Exit(code)),
    }
}

async fn until_ended(context: &Context, job_id: JobId, timeout: Option<Duration>) -> Result<JobWaitResult, Failure> {
    let began = Instant::now();
    let mut tries = 0;
    loop {
        let left = timeout.map(|timeout| timeout.saturating_sub(began.elapsed()));
        let piece = left.map_or(PIECE, |left| left.min(PIECE));
        let timeout_ms = i64::try_from(piece.as_millis()).ok();
        let asked = match context.daemon().await {
            Ok(daemon) => daemon.call_at_length::<methods::JobWait>(JobWaitParams { job_id, timeout_ms }).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(result) if result.ended || left.is_some_and(|left| left <= piece) => return Ok(result),
            Ok(_) => tries = 0,
            // It is started again, and so is the wait.
            Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE && tries < TRIES => {
                tries += 1;
                sleep(Duration::from_millis(100 * u64::from(tries))).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn exit_code(result: &JobWaitResult) -> u8 {
    match result.job.state {
        _ if !result.ended => EXIT_TIMEOUT,
        JobState::Failed => EXIT_FAILED,
        JobState::Cancelled => EXIT_CANCELLED,
        _ => 0,
    }
}

fn said(result: &JobWaitResult, sheet: &Sheet) -> Vec<String> {
    let job = &result.job;
    if !result.ended {
        let held = job.held.then(|| "on hold".to_owned());
        let facts: Vec<String> = held.into_iter().chain(how_far(job)).chain(time_left(job, &sheet.clock)).collect();
        let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
        return vec![format!("Job #{} has not ended: it is {}{facts}.", job.job_id, job.state.name())];
    }
    ended(job, sheet)
}

/// How a job ended, and why.
fn ended(job: &Job, sheet: &Sheet) -> Vec<String> {
    let facts: Vec<String> = took(job).into_iter().chain([cost(job)]).collect();
    let state = state(job.state, sheet.paint);
    let mut lines = vec![format!("Job #{} {state} · {}", job.job_id, facts.join(" · "))];
    let why = job.error.as_ref().map(ToString::to_string).or_else(|| job.result.clone());
    let why = why.or_else(|| Some(job.reason.clone())).filter(|why| !why.is_empty());
    lines.extend(why.map(|why| line(&why, 1000)));
    if let Some(stopped) = job.stopped.as_ref().filter(|stopped| stopped.ended > 0 || stopped.left > 0) {
        lines.push(format!("Stopped: {}.", left(stopped)));
    }
    lines.extend(again(job));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample::{job, sheet};

    #[test]
    fn the_outcome_is_the_exit_code() {
        let of = |state, ended| exit_code(&JobWaitResult { job: job(7, state), ended });
        assert_eq!(of(JobState::Completed, true), 0);
        assert_eq!(of(JobState::Failed, true), 1);
        assert_eq!(of(JobState::Cancelled, true), 130);
        assert_eq!(of(JobState::Running, false), 124);
    }

    #[test]
    fn a_wait_in_vain_says_how_far_the_job_is() {
        let running = Job {
            progress: Some(contract::Progress { done: 3, total: 5, percent: 60, note: String::new() }),
            eta: Some(contract::Time(sheet().clock.now.0 + 240_000)),
            ..job(7, JobState::Running)
        };
        let said = said(&JobWaitResult { job: running, ended: false }, &sheet());
        assert_eq!(said, ["Job #7 has not ended: it is running (60 %, 3 of 5, about 4 min left)."]);
        let held = JobWaitResult { job: Job { held: true, ..job(8, JobState::Queued) }, ended: false };
        assert_eq!(super::said(&held, &sheet()), ["Job #8 has not ended: it is queued (on hold)."]);
    }

    #[test]
    fn what_failed_says_how_to_send_it_again() {
        let failed = JobWaitResult { job: job(7, JobState::Failed), ended: true };
        assert_eq!(said(&failed, &sheet()).last().unwrap(), "Send it again: `aicib restart 7`");
    }
}
