//! `aicib daemon`: the process that does the work.

use contract::{Empty, Error, ErrorCode, methods};
use rpc::Home;
use serde_json::json;

use crate::args::{DaemonCommand, Global};
use crate::context::{CLIENT, Context};
use crate::failure::{Failure, Outcome};
use crate::out::Out;
use crate::text::{count, length, line};

/// What there is to say of a daemon whose home is not even there; none for what needs a home. Asking makes none.
pub(crate) fn without_home(global: &Global, command: &DaemonCommand) -> Option<Outcome> {
    if Home::root_to_be().is_ok_and(|root| root.exists()) {
        return None;
    }
    match command {
        DaemonCommand::Start { .. } => None,
        DaemonCommand::Stop => {
            let mut out = Out::new(global.json, global.color);
            Some(stopped(&mut out, false).and_then(|()| Ok(out.flush()?)))
        }
        DaemonCommand::Status => Some(Err(none_runs())),
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
            let client = context.daemon().await?;
            let status = client.call::<methods::DaemonStatusGet>(Empty {}).await?;
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&status)?);
            }
            Ok(out.line(&format!("The daemon runs (process {}).", status.pid))?)
        }
        DaemonCommand::Stop => {
            let ran = rpc::stop_running(&context.home, CLIENT).await?;
            stopped(&mut context.out, ran)
        }
        DaemonCommand::Status => {
            if !context.home.credential_file().exists() {
                return Err(none_runs());
            }
            let (client, _notes) = rpc::connect_running(&context.home, CLIENT).await?;
            let status = client.call::<methods::DaemonStatusGet>(Empty {}).await?;
            let clock = context.clock();
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&status)?);
            }
            out.line(&format!(
                "The daemon runs: process {}, version {}, for {}.",
                status.pid,
                line(&status.version, 40),
                length(clock.now.since(status.started_at))
            ))?;
            out.line(&format!("Home      {}", line(&status.home, 400)))?;
            let jobs: Vec<String> = status.jobs.iter().map(|(state, n)| format!("{n} {}", line(state, 20))).collect();
            out.line(&format!("Jobs      {}", if jobs.is_empty() { "none yet".to_owned() } else { jobs.join(", ") }))?;
            out.line(&format!("Database  {}", count(status.database_bytes / 1024, "KB", "KB")))?;
            Ok(out.line(&format!("Desktop   {}", if status.desktop { "attached" } else { "not attached" }))?)
        }
    }
}
