//! A job that somebody waits for in a terminal: shown until it ends, asked what it asks, stopped by Ctrl-C.

use std::rc::Rc;

use contract::{Error, ErrorCode, Event, EventBody, Job, JobDetail, JobId, JobRef, JobState, Seq, methods};
use rpc::NoteReceiver;
use tokio::sync::Notify;

use crate::ask::may_ask;
use crate::commands::asking::Asking;
use crate::commands::logs::summary;
use crate::context::Context;
use crate::daemon::Daemon;
use crate::events::EventLines;
use crate::facts::{header, processes};
use crate::failure::{EXIT_CANCELLED, EXIT_FAILED, EXIT_LEFT, Failure, Outcome};
use crate::follow::{Follow, Sink};
use crate::out::aside;
use crate::signals::{Signals, Wanted};

/// Shows the work until it ends. Ctrl-C stops it; a second one leaves it to the daemon.
pub(crate) async fn watch(
    context: &mut Context,
    connection: (Daemon, NoteReceiver),
    job: Job,
    mut signals: Signals,
) -> Outcome {
    let job_id = job.job_id;
    if !context.out.json {
        for line in header(&job, &context.sheet()) {
            context.out.line(&line)?;
        }
        context.out.flush()?;
    }
    let daemon = connection.0.clone();
    let mut follow = Follow::after(job_id, Seq(0));
    let asking = Asking::of(job_id, daemon.clone(), context);
    let mut sink = Printed { asked: Some(asking.changed()), ..Printed::new(context) };
    let wanted = tokio::select! {
        ended = follow.until_the_end(context, connection, &mut sink) => return finish(context, &ended?),
        wanted = signals.next() => wanted,
        never = asking.go_on() => match never {},
    };
    match wanted {
        Wanted::Stop => interrupt(context, &daemon, job_id, follow, sink, signals).await,
        Wanted::Leave => leave(context, job_id),
    }
}

/// Goes away, and leaves the work be.
pub(crate) fn leave(context: &mut Context, job_id: JobId) -> Outcome {
    aside(&format!(
        "Detached. Job #{job_id} goes on: `aicib logs {job_id} -f` follows it, `aicib cancel {job_id}` stops it."
    ));
    Err(exit(context, EXIT_LEFT)?)
}

/// Prints the end, and turns it into an exit code.
fn finish(context: &mut Context, job: &JobDetail) -> Outcome {
    if context.out.json {
        context.out.value(job)?;
    } else {
        context.out.line("")?;
        for line in summary(job, context.out.paint) {
            context.out.line(&line)?;
        }
    }
    match job.job.state {
        JobState::Failed => Err(exit(context, EXIT_FAILED)?),
        JobState::Cancelled => Err(exit(context, EXIT_CANCELLED)?),
        _ => Ok(()),
    }
}

fn exit(context: &mut Context, code: u8) -> Result<Failure, Failure> {
    context.out.flush()?;
    Ok(Failure::Exit(code))
}

/// Cancels the job, and shows how it ends.
pub(crate) async fn interrupt(
    context: &mut Context,
    daemon: &Daemon,
    job_id: JobId,
    mut follow: Follow,
    mut sink: Printed,
    mut signals: Signals,
) -> Outcome {
    aside(&format!("\nStopping job #{job_id}… (Ctrl-C again leaves it to the daemon)"));
    let cancelled = tokio::select! {
        cancelled = cancel(context, daemon, job_id) => cancelled,
        wanted = signals.next() => {
            aside(&format!(
                "Detached. Job #{job_id} is being stopped by the daemon: `aicib logs {job_id} -f` shows how it ends."
            ));
            let code = if wanted == Wanted::Leave { EXIT_LEFT } else { EXIT_CANCELLED };
            return Err(exit(context, code)?);
        }
    };
    match cancelled {
        Ok((job, stopped)) => {
            follow.catch_up(context, &context.daemon().await?, &mut sink).await?;
            aside(&stopped);
            finish(context, &job)
        }
        // It ended by itself in that very moment.
        Err(error) if error.code == ErrorCode::JOB_FINAL => {
            let daemon = context.daemon().await?;
            follow.catch_up(context, &daemon, &mut sink).await?;
            let job = daemon.call::<methods::JobGet>(JobRef { job_id }).await?;
            finish(context, &job)
        }
        Err(error) => Err(error.into()),
    }
}

async fn cancel(context: &Context, daemon: &Daemon, job_id: JobId) -> Result<(JobDetail, String), Error> {
    let daemon = match daemon.call_at_length::<methods::Ping>(contract::Empty {}).await {
        Ok(_) => daemon.clone(),
        Err(_) => context.daemon().await?,
    };
    let result = daemon.call_at_length::<methods::JobCancel>(JobRef { job_id }).await?;
    let job = daemon.call::<methods::JobGet>(JobRef { job_id }).await?;
    Ok((job, format!("Stopped: {}.", processes(&result.stopped))))
}

/// Prints events as they come: lines for people, objects for programs.
pub(crate) struct Printed {
    lines: EventLines,
    /// Who is to hear that there is a question or an answer.
    asked: Option<Rc<Notify>>,
}

impl Printed {
    pub(crate) fn new(context: &Context) -> Printed {
        Printed { lines: EventLines::new(context.out.paint, context.clock()), asked: None }
    }
}

impl Sink for Printed {
    fn event(&mut self, context: &mut Context, event: &Event) -> Outcome {
        if let (Some(asked), EventBody::Asked { .. } | EventBody::Answered { .. }) = (&self.asked, &event.entry.body) {
            asked.notify_one();
        }
        if context.out.json {
            return Ok(context.out.value(event)?);
        }
        if self.asked.is_some() && matches!(event.entry.body, EventBody::Asked { .. }) && may_ask(context) {
            // It is asked right here, in full.
            return Ok(());
        }
        if let Some(lines) = self.lines.of(event) {
            context.out.line(&lines)?;
        }
        Ok(())
    }
}
