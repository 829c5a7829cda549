//! `aicib brief`: sends the CEO a brief, and watches the work.

use std::io::{IsTerminal as _, Read as _};
use std::time::{SystemTime, UNIX_EPOCH};

use contract::limits::MAX_DIRECTIVE_BYTES;
use contract::{
    EngineKind, Error, ErrorCode, Event, Job, JobDetail, JobId, JobRef, JobState, JobSubmitParams, Money, Origin, Seq,
    methods,
};
use rpc::{Client, NoteReceiver};
use tokio::signal;

use crate::args::BriefArgs;
use crate::commands::logs::{header, summary};
use crate::context::Context;
use crate::events::{EventLines, processes};
use crate::failure::{Failure, Outcome};
use crate::follow::{Follow, Sink};
use crate::out::{Ink, aside};

/// What a shell expects of a command that Ctrl-C ended.
const EXIT_INTERRUPTED: u8 = 130;

/// Sends a brief.
pub(crate) async fn brief(context: &mut Context, args: BriefArgs) -> Outcome {
    let max_cost_usd = args.max_cost.as_deref().map(money).transpose()?;
    let directive = if args.directive == "-" { from_stdin()? } else { args.directive };
    let params = JobSubmitParams {
        company: context.company_ref()?,
        directive,
        origin: Origin::Cli,
        foreground: !args.background,
        queue: false,
        start_session: false,
        max_cost_usd,
        idempotency_key: Some(fresh_key()),
    };
    let (connection, job) = submit(context, params, args.queue).await?;
    if args.background {
        return said(context, &job);
    }
    watch(context, connection, job).await
}

/// Sends it; in line where the session is busy and that was asked for. A daemon that goes away before it answers is
/// asked again: the key sees to it that one brief is one job.
async fn submit(
    context: &Context,
    mut params: JobSubmitParams,
    queue: bool,
) -> Result<((Client, NoteReceiver), Job), Error> {
    let mut again = true;
    loop {
        let (client, notes, sent) = context.daemon_and_call::<methods::JobSubmit>(params.clone()).await?;
        match sent {
            Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE && again => again = false,
            Err(error) if error.code == ErrorCode::SESSION_BUSY && queue && !params.queue => params.queue = true,
            outcome => return Ok(((client, notes), outcome?)),
        }
    }
}

/// Says that the brief is on its way.
pub(crate) fn said(context: &mut Context, job: &Job) -> Outcome {
    let out = &mut context.out;
    if out.json {
        return Ok(out.value(job)?);
    }
    let number = out.paint.ink(Ink::Bold, &format!("Job #{}", job.job_id));
    let sent = match job.parent_job_id {
        Some(parent) => format!("The brief of job #{parent} is sent again."),
        None => "Brief sent.".to_owned(),
    };
    match job.position {
        Some(position) => out.line(&format!("{sent} {number} is {}", in_line(position)))?,
        None => out.line(&format!("{sent} The CEO is working on it. {number}"))?,
    }
    if job.engine == EngineKind::Practice {
        out.line(&out.paint.ink(Ink::Yellow, PRACTICE))?;
    }
    out.line(&format!("Watch it with `aicib logs --job {} -f`; see where it stands with `aicib status`.", job.job_id))?;
    Ok(())
}

/// Where in line a job is, with so many before it.
pub(crate) fn in_line(position: i64) -> String {
    let before = match position {
        1 => "the one before it has ended".to_owned(),
        several => format!("the {several} before it have ended"),
    };
    format!("in line at position {position}: it starts when {before}.")
}

/// What is said wherever the practice engine works.
pub(crate) const PRACTICE: &str = "Practice: a rehearsal without a model; nothing is charged.";

/// Shows the work until it ends. Ctrl-C stops it; a second one leaves it be.
pub(crate) async fn watch(context: &mut Context, connection: (Client, NoteReceiver), job: Job) -> Outcome {
    let job_id = job.job_id;
    if !context.out.json {
        for line in header(&job, context.out.paint, &context.clock()) {
            context.out.line(&line)?;
        }
        if let Some(position) = job.position {
            context.out.line(&format!("Job #{job_id} is {}", in_line(position)))?;
        }
        context.out.flush()?;
    }
    let client = connection.0.clone();
    let mut follow = Follow::after(job_id, Seq(0));
    let mut sink = Printed::new(context);
    let ended = tokio::select! {
        ended = follow.until_the_end(context, connection, &mut sink) => ended?,
        _interrupted = signal::ctrl_c() => return interrupt(context, &client, job_id, follow, sink).await,
    };
    finish(context, &ended)
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
        JobState::Failed => Err(exit(context, 1)?),
        JobState::Cancelled => Err(exit(context, EXIT_INTERRUPTED)?),
        _ => Ok(()),
    }
}

fn exit(context: &mut Context, code: u8) -> Result<Failure, Failure> {
    context.out.flush()?;
    Ok(Failure::Exit(code))
}

async fn interrupt(
    context: &mut Context,
    client: &Client,
    job_id: JobId,
    mut follow: Follow,
    mut sink: Printed,
) -> Outcome {
    aside(&format!("\nStopping job #{job_id}… (Ctrl-C again leaves it to the daemon)"));
    let cancelled = tokio::select! {
        cancelled = cancel(context, client, job_id) => cancelled,
        _interrupted = signal::ctrl_c() => {
            aside(&format!("Detached. Job #{job_id} is being stopped; `aicib status --job {job_id}` shows how it went."));
            return Err(exit(context, EXIT_INTERRUPTED)?);
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
            let client = context.daemon().await?;
            follow.catch_up(context, &client, &mut sink).await?;
            let job = client.call::<methods::JobGet>(JobRef { job_id }).await?;
            finish(context, &job)
        }
        Err(error) => Err(error.into()),
    }
}

async fn cancel(context: &Context, client: &Client, job_id: JobId) -> Result<(JobDetail, String), Error> {
    let client = match client.call::<methods::Ping>(contract::Empty {}).await {
        Ok(_) => client.clone(),
        Err(_) => context.daemon().await?,
    };
    let result = client.call::<methods::JobCancel>(JobRef { job_id }).await?;
    let job = client.call::<methods::JobGet>(JobRef { job_id }).await?;
    Ok((job, format!("Stopped: {}.", processes(result.ended, result.forced, result.left))))
}

/// Prints events as they come: lines for people, objects for programs.
pub(crate) struct Printed {
    lines: EventLines,
}

impl Printed {
    pub(crate) fn new(context: &Context) -> Printed {
        Printed { lines: EventLines::new(context.out.paint, context.clock()) }
    }
}

impl Sink for Printed {
    fn event(&mut self, context: &mut Context, event: &Event) -> Outcome {
        if context.out.json {
            return Ok(context.out.value(event)?);
        }
        if let Some(lines) = self.lines.of(event) {
            context.out.line(&lines)?;
        }
        Ok(())
    }
}

fn money(typed: &str) -> Result<Money, Failure> {
    let amount = typed.trim_start_matches('$').parse().ok().and_then(Money::dollars);
    amount
        .filter(|amount| *amount >= Money::ZERO)
        .ok_or_else(|| Failure::usage("--max-cost must be an amount of dollars, such as 2.50."))
}

fn from_stdin() -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        aside("Type the brief; Ctrl-D on a line of its own ends it.");
    }
    let mut text = Vec::new();
    let limit = u64::try_from(MAX_DIRECTIVE_BYTES).unwrap_or(u64::MAX);
    let read = std::io::stdin().lock().take(limit + 1).read_to_end(&mut text);
    let invalid = |message: String| Error::new(ErrorCode::DIRECTIVE_INVALID, message, "Put long texts into a file.");
    read.map_err(|error| invalid(format!("The directive cannot be read: {error}.")))?;
    if text.len() > MAX_DIRECTIVE_BYTES {
        return Err(invalid(format!("The directive is longer than {} KB.", MAX_DIRECTIVE_BYTES / 1024)).into());
    }
    Ok(String::from_utf8(text).map_err(|_| invalid("The directive is not UTF-8 text.".into()))?)
}

/// Names this very submit.
fn fresh_key() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("cli-{}-{now}", std::process::id())
}
