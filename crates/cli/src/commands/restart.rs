//! `aicib restart`: sends the brief of a job that has ended once more.

use contract::{JobRef, methods};

use crate::args::RestartArgs;
use crate::commands::brief::{said, watch};
use crate::context::{Context, job_number};
use crate::failure::Outcome;

/// Sends it again, as a new job, and watches that one unless told not to.
pub(crate) async fn restart(context: &mut Context, args: RestartArgs) -> Outcome {
    let job_id = job_number(&args.job, "The job")?;
    let (client, notes) = context.daemon_with_notes().await?;
    let job = client.call::<methods::JobRestart>(JobRef { job_id }).await?;
    if args.background {
        return said(context, &job);
    }
    watch(context, (client, notes), job).await
}
