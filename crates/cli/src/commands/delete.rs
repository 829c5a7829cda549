//! `aicib delete`: deletes jobs that have ended, by their numbers.

use std::collections::BTreeSet;

use contract::{JobDeleteParams, JobId, JobRef, methods};

use crate::args::DeleteArgs;
use crate::ask::{confirm, may_ask};
use crate::context::{Context, job_number};
use crate::failure::{Failure, Outcome};
use crate::out::aside;
use crate::text::{bytes, count, fit};

/// Jobs that are named before they go, at most.
const NAMED: usize = 10;

/// Says which they are, asks, and deletes them.
pub(crate) async fn delete(context: &mut Context, args: DeleteArgs) -> Outcome {
    let jobs = args.jobs.iter().map(|job| job_number(job, "A job")).collect::<Result<BTreeSet<JobId>, _>>()?;
    if !args.yes && !may_ask(context) {
        return Err(Failure::usage("What is deleted is gone: give --yes where nobody can be asked."));
    }
    let daemon = context.daemon().await?;
    if !args.yes {
        let sheet = context.sheet();
        for job_id in jobs.iter().take(NAMED) {
            let detail = daemon.call::<methods::JobGet>(JobRef { job_id: *job_id }).await?;
            let job = format!("#{job_id}");
            aside(&format!("{job}  {}", fit(&detail.job.title, sheet.left(job.len() + 2))));
        }
        if jobs.len() > NAMED {
            aside(&format!("and {} more", jobs.len() - NAMED));
        }
        let question =
            if jobs.len() == 1 { "Delete it, with all that it said?" } else { "Delete them, with all that they said?" };
        if !confirm(question)? {
            return Ok(context.out.line("Nothing was deleted.")?);
        }
    }
    let gone = daemon.call::<methods::JobDelete>(JobDeleteParams { job_ids: jobs.into_iter().collect() }).await?;
    if context.out.json {
        return Ok(context.out.value(&gone)?);
    }
    let what = format!(
        "Deleted: {} with {}, {} on disk. What they cost stays counted.",
        count(gone.jobs, "job", "jobs"),
        count(gone.events, "event", "events"),
        bytes(gone.bytes)
    );
    Ok(context.out.line(&what)?)
}
