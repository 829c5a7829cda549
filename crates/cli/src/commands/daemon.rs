//! `aicib daemon`: the process that does the work.

use contract::{Empty, methods};
use serde_json::json;

use crate::args::DaemonCommand;
use crate::context::{CLIENT, Context};
use crate::failure::{Failure, Outcome};
use crate::text::{count, length, line};

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
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&json!({"stopped": ran}))?);
            }
            Ok(out.line(if ran {
                "The daemon has stopped. Work under way goes on."
            } else {
                "No daemon is running."
            })?)
        }
        DaemonCommand::Status => {
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
