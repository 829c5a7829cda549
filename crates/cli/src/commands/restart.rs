//! `aicib restart`: sends the brief of a job that has ended once more.

use contract::{ErrorCode, JobRestartParams, methods};

use crate::args::RestartArgs;
use crate::commands::brief::said;
use crate::commands::watch::watch;
use crate::context::{Context, job_number};
use crate::failure::Outcome;
use crate::signals::Signals;

/// Sends it again, as a new job, and watches that one unless told not to.
pub(crate) async fn restart(context: &mut Context, args: RestartArgs) -> Outcome {
    let job_id = job_number(&args.job, "N")?;
    let (daemon, notes) = context.daemon_with_notes().await?;
    let signals = if args.background { None } else { Some(Signals::listen()?) };
    let params = JobRestartParams { job_id, foreground: !args.background };
    let job = match daemon.call::<methods::JobRestart>(params).await {
        Err(mut error) if error.code == ErrorCode::SESSION_BUSY => {
            // There is no line to get into from here.
            if let Some(busy) = error.data.as_ref().and_then(|data| data["job_id"].as_i64()) {
                error.fix = format!("Wait for it (`aicib wait {busy}`), or stop it (`aicib cancel {busy}`).");
            }
            return Err(error.into());
        }
        outcome => outcome?,
    };
    match signals {
        None => said(context, &job),
        Some(signals) => watch(context, (daemon, notes), job, signals).await,
    }
}
