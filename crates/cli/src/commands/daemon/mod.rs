//! `aicib daemon`: the process that does the work.

mod health;
mod log;
mod log_files;

use std::time::Duration;

use contract::{DaemonStatus, Empty, Error, ErrorCode, JobState, LogLevel, LogLevelParams, methods};
use rpc::Home;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

#[cfg(test)]
pub(crate) use self::health::health_lines;
use crate::args::{DaemonCommand, Global};
use crate::context::{CLIENT, Clock, Context};
use crate::daemon::Daemon;
use crate::failure::{Failure, Outcome};
use crate::out::Out;
use crate::text::{bytes, length, line};

/// How long a daemon may take to end and to be there again.
const RESTART_PATIENCE: Duration = Duration::from_secs(30);

/// What there is to say of a daemon whose home is not even there; none for what needs a home. Asking makes none.
pub(crate) fn without_home(global: &Global, command: &DaemonCommand) -> Option<Outcome> {
    if Home::root_to_be().is_ok_and(|root| root.exists()) {
        return None;
    }
    match command {
        DaemonCommand::Start { .. } | DaemonCommand::Restart => None,
        DaemonCommand::Stop => {
            let mut out = Out::new(global.json, global.color);
            Some(stopped(&mut out, false).and_then(|()| Ok(out.flush()?)))
        }
        DaemonCommand::Logs { .. } => Some(Err(log::no_log().into())),
        DaemonCommand::Status | DaemonCommand::Health | DaemonCommand::Reload | DaemonCommand::LogLevel { .. } => {
            Some(Err(none_runs()))
        }
    }
}

fn none_runs() -> Failure {
    Error::new(ErrorCode::DAEMON_UNREACHABLE, "No daemon runs.", "Start it with `aicib daemon start`.").into()
}

fn stopped(out: &mut Out, ran: bool) -> Outcome {
    if out.json {
        return Ok(out.value(&json!({"stopped": ran}))?);
    }
    Ok(out.line(if ran { "The daemon has stopped. Work under way goes on." } else { "No daemon is running." })?)
}

pub(crate) async fn daemon(context: &mut Context, command: DaemonCommand) -> Outcome {
    match command {
        // The binary turns to the daemon before it gets here, when nothing else is said.
        DaemonCommand::Start { foreground: true } => {
            Err(Failure::usage("`aicib daemon start --foreground` takes no other flags."))
        }
        DaemonCommand::Start { foreground: false } => {
            let status = context.daemon().await?.call::<methods::DaemonStatusGet>(Empty {}).await?;
            said(context, &status, &format!("The daemon runs (process {}).", status.pid))
        }
        DaemonCommand::Stop => {
            let ran = rpc::stop_running(&context.home, CLIENT).await?;
            stopped(&mut context.out, ran)
        }
        DaemonCommand::Restart => restart(context).await,
        DaemonCommand::Status => {
            let status = running(context).await?.call::<methods::DaemonStatusGet>(Empty {}).await?;
            let text = status_lines(&status, &context.clock()).join("\n");
            said(context, &status, &text)
        }
        DaemonCommand::Health => {
            let health = running(context).await?.call::<methods::DaemonHealth>(Empty {}).await?;
            let text = health::health_lines(&health, &context.sheet()).join("\n");
            said(context, &health, &text)
        }
        DaemonCommand::Logs { lines, follow } => log::logs(context, lines.as_deref(), follow).await,
        DaemonCommand::Reload => {
            let status = running(context).await?.call::<methods::DaemonReload>(Empty {}).await?;
            let level = status.log_level.name();
            said(
                context,
                &status,
                &format!("Settings and every company's config are read anew. The daemon logs at {level}."),
            )
        }
        DaemonCommand::LogLevel { level: None } => {
            let status = running(context).await?.call::<methods::DaemonStatusGet>(Empty {}).await?;
            said(context, &status, status.log_level.name())
        }
        DaemonCommand::LogLevel { level: Some(level) } => {
            let level = log_level(&level)?;
            let status = running(context).await?.call::<methods::DaemonLogLevel>(LogLevelParams { level }).await?;
            let name = status.log_level.name();
            said(
                context,
                &status,
                &format!(
                    "The daemon logs at {name} until it ends or reloads; `aicib settings set log_level {name}` stays."
                ),
            )
        }
    }
}

fn said(context: &mut Context, value: &impl Serialize, text: &str) -> Outcome {
    if context.out.json {
        return Ok(context.out.value(value)?);
    }
    Ok(context.out.line(text)?)
}

fn log_level(typed: &str) -> Result<LogLevel, Failure> {
    LogLevel::from_name(&typed.to_lowercase()).ok_or_else(|| {
        let levels: Vec<&str> = LogLevel::ALL.iter().map(|level| level.name()).collect();
        Failure::usage(format!("There is no log level {:?}. There are {}.", line(typed, 40), levels.join(", ")))
    })
}

/// The daemon that runs; none is started.
async fn running(context: &Context) -> Result<Daemon, Failure> {
    if !context.home.credential_file().exists() {
        return Err(none_runs());
    }
    Ok(context.running_daemon().await?)
}

/// How many jobs there are in which state, in the order in which a job goes through them.
fn jobs(status: &DaemonStatus) -> String {
    let of = |state: JobState| status.jobs.get(state.name()).map(|n| format!("{n} {}", state.name()));
    let jobs: Vec<String> = JobState::ALL.into_iter().filter_map(of).collect();
    if jobs.is_empty() { "none yet".to_owned() } else { jobs.join(", ") }
}

fn status_lines(status: &DaemonStatus, clock: &Clock) -> Vec<String> {
    let jobs = jobs(status);
    let held = if status.held { "; all on hold" } else { "" };
    vec![
        format!(
            "The daemon runs: process {}, version {}, up {}.",
            status.pid,
            line(&status.version, 40),
            length(clock.now.since(status.started_at))
        ),
        format!("Home      {}", line(&status.home, 400)),
        format!("Jobs      {jobs}{held}"),
        format!("Database  {}", bytes(status.database_bytes)),
        format!("Desktop   {}", if status.desktop { "attached" } else { "not attached" }),
        format!("Log       {}", status.log_level.name()),
    ]
}

/// Ends the daemon, waits for the one that takes its place, and says who they are. Where none runs, starts one.
async fn restart(context: &mut Context) -> Outcome {
    let before = match running(context).await {
        Ok(daemon) => {
            let status = daemon.call::<methods::DaemonStatusGet>(Empty {}).await?;
            // It may be gone before it answers.
            match daemon.call::<methods::DaemonRestart>(Empty {}).await {
                Err(error) if error.code != ErrorCode::DAEMON_UNREACHABLE => return Err(error.into()),
                _ => {}
            }
            if timeout(RESTART_PATIENCE, daemon.closed()).await.is_err() {
                return Err(still_there(&status).into());
            }
            Some(status)
        }
        Err(Failure::Error(error)) if error.code == ErrorCode::DAEMON_UNREACHABLE => None,
        Err(failure) => return Err(failure),
    };
    let after = next_daemon(context, before.as_ref()).await?;
    if context.out.json {
        return Ok(context.out.value(&json!({"before": before, "after": after}))?);
    }
    let now = context.clock().now;
    let who = |status: &DaemonStatus| {
        let (pid, version) = (status.pid, line(&status.version, 40));
        format!("process {pid}, version {version}, up {}", length(now.since(status.started_at)))
    };
    context.out.line(&match &before {
        Some(status) => format!("Before:  {}", who(status)),
        None => "No daemon ran.".to_owned(),
    })?;
    Ok(context.out.line(&format!("Now:     {}. Work under way goes on.", who(&after)))?)
}

/// The daemon that took the place of `before`; one is started where that takes too long.
async fn next_daemon(context: &Context, before: Option<&DaemonStatus>) -> Result<DaemonStatus, Failure> {
    let end = Instant::now() + RESTART_PATIENCE / 3;
    while before.is_some() && Instant::now() < end {
        if let Ok(daemon) = context.running_daemon().await
            && let Ok(status) = daemon.call::<methods::DaemonStatusGet>(Empty {}).await
            && before.is_none_or(|before| (before.pid, before.started_at) != (status.pid, status.started_at))
        {
            return Ok(status);
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(context.daemon().await?.call::<methods::DaemonStatusGet>(Empty {}).await?)
}

fn still_there(status: &DaemonStatus) -> Error {
    Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        format!("The daemon (process {}) was told to begin anew and does not end.", status.pid),
        "`aicib daemon logs` may say why; work under way goes on.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_level_is_named() {
        assert_eq!(log_level("DEBUG").unwrap(), LogLevel::Debug);
        let Err(Failure::Usage(message)) = log_level("loud") else { panic!("there is no such level") };
        assert_eq!(message, "There is no log level \"loud\". There are error, warn, info, debug, trace.");
    }
}
