//! `aicib logs --raw`: the lines that an engine's program wrote, as they came.

use std::io::{IsTerminal as _, stdout};
use std::time::Duration;

use contract::{Job, JobId, JobRawParams, JobRef, RawPage, RunId, methods};
use serde_json::json;
use tokio::time::sleep;

use crate::context::Context;
use crate::daemon::Daemon;
use crate::failure::Outcome;
use crate::out::aside;

/// How often a run that is at work is asked for more.
const POLL: Duration = Duration::from_millis(300);

/// Whether such lines are to be had: a program is at work, or was, be it that of one agent.
pub(crate) async fn is_there(daemon: &Daemon, job: &Job) -> Result<bool, contract::Error> {
    if job.engine.is_program() {
        return Ok(true);
    }
    let params = JobRawParams { job_id: job.job_id, run_id: None, from: Some(0) };
    Ok(!daemon.call_at_length::<methods::JobRaw>(params).await?.lines.is_empty())
}

/// Prints them; with `follow` until the job has ended, and those of runs that come after as well.
pub(crate) async fn raw(context: &mut Context, daemon: &Daemon, job_id: JobId, follow: bool) -> Outcome {
    let is_terminal = stdout().is_terminal();
    let (mut run_id, mut from, mut found) = (None, 0, false);
    loop {
        // Asked before the lines are read: what is written before the end is read after it.
        let ended = !follow || daemon.call::<methods::JobGet>(JobRef { job_id }).await?.job.state.is_final();
        loop {
            let params = JobRawParams { job_id, run_id, from: Some(from) };
            let page = daemon.call_at_length::<methods::JobRaw>(params).await?;
            found |= !page.lines.is_empty();
            print(context, &page, is_terminal)?;
            let stands_still = page.next <= from;
            (run_id, from) = (page.run_id.or(run_id), page.next.max(from));
            if !page.more || stands_still {
                break;
            }
        }
        context.out.flush()?;
        if ended {
            break;
        }
        sleep(POLL).await;
        // A job that was tried again has a run of its own, whose lines begin anew.
        let latest = latest(daemon, job_id).await?;
        if latest.is_some() && latest != run_id {
            (run_id, from) = (latest, 0);
        }
    }
    if !found && !context.out.json {
        aside(&format!(
            "The program of job #{job_id} has written nothing. `aicib logs {job_id} --json` shows the events as they \
             are stored."
        ));
    }
    Ok(())
}

async fn latest(daemon: &Daemon, job_id: JobId) -> Result<Option<RunId>, contract::Error> {
    Ok(daemon.call::<methods::JobGet>(JobRef { job_id }).await?.run.map(|run| run.run_id))
}

fn print(context: &mut Context, page: &RawPage, is_terminal: bool) -> Outcome {
    for line in &page.lines {
        if context.out.json {
            context.out.value(&json!({"run_id": page.run_id, "line": line}))?;
        } else if is_terminal {
            context.out.line(&contract::visible(line))?;
        } else {
            context.out.line(line)?;
        }
    }
    Ok(())
}
