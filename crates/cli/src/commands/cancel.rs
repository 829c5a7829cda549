//! `aicib cancel`: stops a job, or all of a company's, and proves it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use contract::{
    Desk, Error, ErrorCode, Job, JobCancelResult, JobId, JobListParams, JobRef, JobState, StopCounts, methods,
};

use crate::args::CancelArgs;
use crate::ask::{ask, may_ask};
use crate::commands::which;
use crate::context::{Context, Sheet, job_number};
use crate::daemon::Daemon;
use crate::facts::{left, state};
use crate::failure::{EXIT_FAILED, Failure, Outcome};
use crate::out::{Ink, aside};
use crate::text::{count, fit, line, pad};

/// How often jobs that were sent meanwhile are looked for.
const ROUNDS: usize = 20;
/// Jobs that a refusal names, at most.
const NAMED: usize = 8;

/// Stops a job, or all.
pub(crate) async fn cancel(context: &mut Context, args: CancelArgs) -> Outcome {
    let typed = args.job.as_deref().map(|job| job_number(job, "N")).transpose()?;
    let daemon = context.daemon().await?;
    if args.all {
        return all(context, &daemon).await;
    }
    let job_id = match typed {
        Some(job_id) => job_id,
        None => {
            let desk = daemon.call::<methods::DeskGet>(context.company_ref()?).await?;
            match choose(&desk, may_ask(context), &context.sheet())? {
                Some(job_id) => job_id,
                None => {
                    aside("Nothing was stopped.");
                    return Ok(());
                }
            }
        }
    };
    let result = daemon.call_at_length::<methods::JobCancel>(JobRef { job_id }).await?;
    said(context, &result)?;
    proved(context, &result.stopped)
}

/// Stops every job of the company that has not ended: those in line first, lest one begins meanwhile.
async fn all(context: &mut Context, daemon: &Daemon) -> Outcome {
    let company = which::company(context, daemon, None).await?;
    let states: Vec<JobState> = JobState::ALL.into_iter().filter(|state| !state.is_final()).collect();
    let (mut tried, mut stopped) = (BTreeSet::new(), StopCounts::default());
    for _ in 0..ROUNDS {
        let params = JobListParams {
            company_id: Some(company.company_id),
            states: states.clone(),
            limit: Some(contract::limits::MAX_PAGE),
            ..JobListParams::default()
        };
        let live = to_stop(daemon.call::<methods::JobList>(params).await?.jobs, &tried);
        if live.is_empty() {
            break;
        }
        for job in live {
            let result = match daemon.call_at_length::<methods::JobCancel>(JobRef { job_id: job.job_id }).await {
                Err(error) if error.code == ErrorCode::JOB_FINAL => continue,
                outcome => outcome?,
            };
            tried.insert(job.job_id);
            stopped = stopped + result.stopped;
            said(context, &result)?;
            context.out.flush()?;
        }
    }
    if context.out.json {
        return proved(context, &stopped);
    }
    let name = line(&company.name, 80);
    context.out.line(&match i64::try_from(tried.len()).unwrap_or(i64::MAX) {
        0 => format!("Nothing is under way at {name}."),
        jobs => format!("{} of {name} stopped: {}.", count(jobs, "job", "jobs"), left(&stopped)),
    })?;
    proved(context, &stopped)
}

/// Those to stop next, in that order. One that was tried and is there still does not let go of its processes: trying again
/// would end no sooner.
fn to_stop(mut live: Vec<Job>, tried: &BTreeSet<JobId>) -> Vec<Job> {
    live.retain(|job| !tried.contains(&job.job_id));
    live.sort_by_key(|job| (job.state.is_at_work(), Reverse(job.job_id)));
    live
}

fn said(context: &mut Context, result: &JobCancelResult) -> Outcome {
    let out = &mut context.out;
    if out.json {
        return Ok(out.value(result)?);
    }
    let mark = if result.stopped.ended == 0 { ";" } else { ":" };
    let what = left(&result.stopped);
    Ok(out.line(&format!("Job #{} {}{mark} {what}.", result.job.job_id, result.job.state.name()))?)
}

/// That something is left is no success.
fn proved(context: &mut Context, stopped: &StopCounts) -> Outcome {
    if stopped.left <= 0 {
        return Ok(());
    }
    context.out.flush()?;
    aside(&context.out.paint.ink(Ink::Red, "Something of it still runs. `aicib daemon health` shows what; try again."));
    Err(Failure::Exit(EXIT_FAILED))
}

/// The only job there is, or the one of several that somebody at a terminal picks; `None` where they want to leave it.
pub(crate) fn choose(desk: &Desk, may_ask: bool, sheet: &Sheet) -> Result<Option<JobId>, Failure> {
    match desk.live.as_slice() {
        [] => Err(Error::new(
            ErrorCode::JOB_NOT_FOUND,
            format!("Nothing is under way at {}.", line(&desk.company.name, 80)),
            "`aicib jobs` lists what has ended.",
        )
        .into()),
        [only] => Ok(Some(only.job_id)),
        several if may_ask => {
            for row in listed(several, sheet) {
                aside(&row);
            }
            ask("Which job to stop? Its number, or q to leave:", |typed| picked(several, typed))
        }
        several => Err(Failure::usage(refusal(several, desk.live_total))),
    }
}

/// The jobs there are to pick from.
pub(crate) fn listed(jobs: &[Job], sheet: &Sheet) -> Vec<String> {
    let numbers: Vec<String> = jobs.iter().map(|job| job.job_id.to_string()).collect();
    let width = numbers.iter().map(String::len).max().unwrap_or(0);
    let states = jobs.iter().map(|job| job.state.name().len()).max().unwrap_or(0);
    let rows = jobs.iter().zip(&numbers).map(|(job, number)| {
        let blanks = " ".repeat(states - job.state.name().len());
        let title = fit(&job.title, sheet.left(2 + width + 2 + states + 2));
        format!("  {}  {}{blanks}  {title}", pad(number, width), state(job.state, sheet.paint))
    });
    rows.collect()
}

pub(crate) fn picked(jobs: &[Job], typed: &str) -> Result<JobId, String> {
    let number = typed.trim_start_matches('#').parse().map(JobId);
    let job = number.ok().and_then(|number| jobs.iter().find(|job| job.job_id == number));
    job.map(|job| job.job_id).ok_or_else(|| format!("{:?} is not the number of one of them.", line(typed, 40)))
}

fn refusal(jobs: &[Job], total: i64) -> String {
    let mut named: Vec<String> = jobs
        .iter()
        .take(NAMED)
        .map(|job| format!("#{} ({}) “{}”", job.job_id, job.state.name(), line(&job.title, 40)))
        .collect();
    let more = total - i64::try_from(named.len()).unwrap_or(i64::MAX);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    let first = jobs.first().map_or(0, |job| job.job_id.0);
    format!(
        "{total} jobs have not ended: {}. Say which to stop, such as `aicib cancel {first}`, or stop them all with \
         `aicib cancel --all`.",
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample::{desk, job, sheet};

    fn of(jobs: &[Job]) -> Result<Option<JobId>, Failure> {
        let live_total = i64::try_from(jobs.len()).unwrap();
        choose(&Desk { live: jobs.to_vec(), live_total, ..desk() }, false, &sheet())
    }

    #[test]
    fn a_cancel_without_a_number_means_the_only_job_or_none() {
        assert_eq!(of(&[job(7, JobState::Running)]).unwrap(), Some(JobId(7)));
        assert_eq!(of(&[job(8, JobState::Scheduled)]).unwrap(), Some(JobId(8)));
        assert!(matches!(of(&[]), Err(Failure::Error(_))));
        let Err(Failure::Usage(message)) = of(&[job(7, JobState::Running), job(8, JobState::Queued)]) else {
            panic!("one of several was chosen")
        };
        for part in ["2 jobs", "#7 (running) “Write a company", "#8 (queued)", "`aicib cancel 7`", "--all"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        let many: Vec<Job> = (1..=50).map(|number| job(number, JobState::Queued)).collect();
        let Err(Failure::Usage(message)) = of(&many) else { panic!("one of several was chosen") };
        assert!(message.contains("#8 ") && !message.contains("#9 ") && message.contains("42 more"), "{message}");
    }

    #[test]
    fn of_all_those_in_line_are_stopped_first_and_each_once() {
        let live = || {
            let states = [JobState::Queued, JobState::Running, JobState::Scheduled, JobState::Waiting];
            (7..).zip(states).map(|(number, state)| job(number, state)).collect()
        };
        let order = |tried: &[i64]| -> Vec<i64> {
            let tried = tried.iter().map(|number| JobId(*number)).collect();
            to_stop(live(), &tried).iter().map(|job| job.job_id.0).collect()
        };
        assert_eq!(order(&[]), [9, 7, 10, 8]);
        assert_eq!(order(&[9, 7, 10]), [8]);
        assert!(order(&[7, 8, 9, 10]).is_empty(), "what does not end is not tried without end");
    }

    #[test]
    fn what_is_picked_is_one_of_them() {
        let jobs = [job(7, JobState::Running), job(12, JobState::Queued)];
        assert_eq!(
            listed(&jobs, &sheet()),
            ["  7   running  Write a company description", "  12  queued   Write a company description"]
        );
        assert_eq!(picked(&jobs, "#12"), Ok(JobId(12)));
        for typed in ["", "1", "seven", "99999999999999999999"] {
            assert!(picked(&jobs, typed).is_err(), "{typed}");
        }
    }
}
