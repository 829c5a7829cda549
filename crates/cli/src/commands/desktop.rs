//! `aicib open` and `quick`: the desktop app.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use contract::{Empty, Error, ErrorCode, JobRef, Show, methods};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::args::OpenArgs;
use crate::context::{Context, job_number};
use crate::daemon::Daemon;
use crate::failure::Outcome;

/// How long a desktop may take until it can be asked.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Brings up the main window, at what is named.
pub(crate) async fn open(context: &mut Context, args: OpenArgs) -> Outcome {
    let job_id = args.job.as_deref().map(|job| job_number(job, "--job")).transpose()?;
    let client = context.daemon().await?;
    let what = match job_id {
        None if args.jobs => Show::Jobs,
        None if args.notices => Show::Notices,
        None if args.settings => Show::Settings,
        None => Show::Window,
        Some(job_id) => {
            // One that does not exist is said here, not in a window.
            client.call::<methods::JobGet>(JobRef { job_id }).await?;
            Show::Job { job_id }
        }
    };
    show(context, &client, what).await
}

/// Brings up Quick brief.
pub(crate) async fn quick(context: &mut Context) -> Outcome {
    let client = context.daemon().await?;
    show(context, &client, Show::Quick).await
}

/// Asks the desktop; starts it first where none is attached.
async fn show(context: &mut Context, client: &Daemon, what: Show) -> Outcome {
    let mut shown = client.call::<methods::DesktopShow>(what.clone()).await?.shown;
    if !shown {
        start(context, &what)?;
        let end = Instant::now() + START_PATIENCE;
        while !shown && Instant::now() < end {
            sleep(Duration::from_millis(100)).await;
            shown = client.call::<methods::DaemonStatusGet>(Empty {}).await?.desktop;
        }
    }
    if !shown {
        return Err(unavailable("The desktop app was started and does not answer.".to_owned()).into());
    }
    if context.out.json {
        context.out.value(&json!({"shown": true}))?;
    }
    Ok(())
}

/// Starts the desktop app, which lies beside this program, with this and nothing else on screen.
fn start(context: &Context, what: &Show) -> Result<(), Error> {
    let program = program().ok_or_else(|| unavailable("The desktop app is not installed beside `aicib`.".into()))?;
    if cfg!(target_os = "linux")
        && std::env::var_os("DISPLAY").is_none()
        && std::env::var_os("WAYLAND_DISPLAY").is_none()
    {
        return Err(unavailable("There is no display to open a window on.".into()));
    }
    let mut command = Command::new(&program);
    command.arg(what.link());
    command.env("AICIB_HOME", context.home.root());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Out of the terminal's reach: its Ctrl-C is not for the window.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
        .spawn()
        .map(|_| ())
        .map_err(|error| unavailable(format!("The desktop app {} cannot be started: {error}.", program.display())))
}

fn program() -> Option<PathBuf> {
    let name = format!("aicib-desktop{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok()?.with_file_name(name);
    beside.is_file().then_some(beside)
}

fn unavailable(what: String) -> Error {
    Error::new(ErrorCode::BAD_REQUEST, what, "Start the desktop app from your desktop, or use `aicib status` here.")
}
