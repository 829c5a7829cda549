//! Connect, or start the daemon and connect.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use contract::{Error, ErrorCode, Method};
use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::time::{Instant, sleep};

use crate::{Client, HOME_VAR, Home, NoteReceiver, daemon_env, founder_credential, hand_over};

/// The exit code of `aicib daemon start --foreground` when another daemon holds the home.
pub const EXIT_ALREADY_RUNNING: u8 = 3;

/// How long a daemon that lives may take until it listens: it may have to wait for another program that holds the
/// database, or mend that.
const START_PATIENCE: Duration = Duration::from_secs(45);
/// How long after its daemon's early end a client still looks for one that another client started.
const OTHERS_PATIENCE: Duration = Duration::from_millis(300);
/// No console window, and no Ctrl-C from the one we have.
#[cfg(windows)]
const DETACHED: u32 = 0x0800_0000 | 0x0000_0200;
/// Bytes of a log's end in which its last line is looked for.
const LAST_WORDS: u64 = 4096;
/// What stands between a line's time and its words.
const LEVELS: [&str; 3] = [" ERROR ", " WARN ", " INFO "];

/// Connects to the home's daemon as the founder; none is started.
///
/// # Errors
/// As [`Client::connect`], and `daemon.unreachable` when there is none.
pub async fn connect_running(home: &Home, client: &str) -> Result<(Client, NoteReceiver), Error> {
    Client::connect(home, founder_credential(home)?, client).await
}

/// Connects to the home's daemon as the founder, and starts it (`<aicib> daemon start --foreground`) where none
/// runs. A daemon that is older than this program, by its protocol or its version, is asked to hand over; runs go on
/// meanwhile. One that is newer and speaks our protocol is as good as ours.
///
/// # Errors
/// `daemon.unreachable` when it cannot be started, with its own last words; `protocol.unsupported` when it speaks a
/// newer protocol than this program.
pub async fn connect_or_start(home: &Home, client: &str, aicib: &Path) -> Result<(Client, NoteReceiver), Error> {
    match connect_running(home, client).await {
        Ok((daemon, _notes)) if hand_over::is_outdated(&daemon) => hand_over::end(home, daemon).await?,
        Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE => {}
        Err(error) if error.code == ErrorCode::PROTOCOL_UNSUPPORTED => {
            hand_over::end_older(home, client, error).await?
        }
        outcome => return outcome,
    }
    start(home, client, aicib).await
}

/// The same, with a first call that is on its way before the daemon has said that it lets us in: one wait less. The
/// call may be made twice, where the first daemon vanishes in that very moment.
///
/// # Errors
/// As [`connect_or_start`]; what the call itself says stands beside the connection.
pub async fn connect_or_start_and_call<M: Method>(
    home: &Home,
    client: &str,
    aicib: &Path,
    params: M::Params,
) -> Result<(Client, NoteReceiver, Result<M::Result, Error>), Error>
where
    M::Params: Clone,
{
    if let Ok(credential) = founder_credential(home)
        && let Ok(connected) = Client::connect_and_call::<M>(home, credential, client, params.clone()).await
    {
        let (daemon, notes, answer) = connected;
        if !hand_over::is_outdated(&daemon) {
            return Ok((daemon, notes, answer));
        }
        // It did what was asked; whoever comes next finds it in the database.
        hand_over::end(home, daemon).await?;
        let (daemon, notes) = start(home, client, aicib).await?;
        return Ok((daemon, notes, answer));
    }
    let (connection, notes) = connect_or_start(home, client, aicib).await?;
    let answer = connection.call::<M>(params).await;
    Ok((connection, notes, answer))
}

async fn start(home: &Home, client: &str, aicib: &Path) -> Result<(Client, NoteReceiver), Error> {
    let end = Instant::now() + START_PATIENCE;
    let (mut daemon, mut log_began) = spawn(home, aicib)?;
    let mut pause = Duration::from_millis(2);
    let mut died: Option<(ExitStatus, Instant)> = None;
    loop {
        let failure = match connect_running(home, client).await {
            Ok(connected) => return Ok(connected),
            Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE => error,
            Err(error) => return Err(error),
        };
        let now = Instant::now();
        if died.is_none() {
            let exited = daemon.try_wait().map_err(|error| cannot_start(aicib, &error))?;
            died = exited.map(|status| (status, now));
        }
        if let Some((status, at)) = &died {
            let lost_the_race = status.code() == Some(i32::from(EXIT_ALREADY_RUNNING));
            if lost_the_race && now >= end {
                // What holds the home neither listens nor ends: a predecessor that is stuck.
                return Err(failure);
            }
            if lost_the_race {
                // The one that holds the home may be a predecessor on its way out: try again now and then.
                if now.duration_since(*at) > Duration::from_secs(1) {
                    (daemon, log_began) = spawn(home, aicib)?;
                    died = None;
                }
            } else if now.duration_since(*at) > OTHERS_PATIENCE {
                return Err(died_early(home, log_began, status));
            }
        }
        if now >= end {
            return Err(Error::new(
                ErrorCode::DAEMON_UNREACHABLE,
                format!("The daemon was started and does not listen after {} seconds.", START_PATIENCE.as_secs()),
                format!("Its log {} may say why.", home.daemon_log().display()),
            ));
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Starts a daemon; also says how long its log was before. What it says before it writes its log itself, and what it
/// cannot say there (an abort), goes to the log's end. The file is the daemon's to put aside when it is long.
fn spawn(home: &Home, aicib: &Path) -> Result<(Box<dyn ChildWrapper>, u64), Error> {
    let failed = |error: io::Error| cannot_start(aicib, &error);
    let (stdout, stderr, log_began) = match open_log(home) {
        Ok(log) => {
            let began = log.metadata().map_err(failed)?.len();
            let log_too = log.try_clone().map_err(failed)?;
            (Stdio::from(log), Stdio::from(log_too), began)
        }
        // It can run without a log: it tells of a full disk itself.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => (Stdio::null(), Stdio::null(), 0),
        Err(error) => return Err(not_writable(home, &error)),
    };
    let mut command = CommandWrap::with_new(aicib, |command| {
        command
            .args(["daemon", "start", "--foreground"])
            .current_dir(home.root())
            .env_clear()
            .envs(daemon_env(home, std::env::vars_os()))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        #[cfg(windows)]
        command.creation_flags(DETACHED);
    });
    // A session of its own: it outlives the terminal, and its Ctrl-C is not the daemon's.
    #[cfg(unix)]
    command.wrap(process_wrap::tokio::ProcessSession);
    Ok((command.spawn().map_err(failed)?, log_began))
}

/// The daemon's log, to be added to.
fn open_log(home: &Home) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(home.daemon_log())
}

/// The last line of a log that is not blank, without its time and level; at most 400 characters of it.
pub fn last_log_line(log: &Path) -> Option<String> {
    last_line_after(log, 0)
}

/// The same, of what was added behind the first `from` bytes; of all of it where it is a new file since.
fn last_line_after(log: &Path, from: u64) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let size = file.seek(SeekFrom::End(0)).ok()?;
    let from = if size < from { 0 } else { from };
    file.seek(SeekFrom::Start(size.saturating_sub(LAST_WORDS).max(from))).ok()?;
    let mut tail = Vec::new();
    file.take(LAST_WORDS).read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail);
    let line = tail.lines().rev().find(|line| !line.trim().is_empty())?;
    let words = LEVELS.iter().find_map(|level| line.split_once(level).map(|(_, words)| words));
    Some(contract::one_line(words.unwrap_or(line), 400))
}

fn died_early(home: &Home, log_began: u64, status: &ExitStatus) -> Error {
    let said = last_line_after(&home.daemon_log(), log_began);
    let said = said.unwrap_or_else(|| format!("It said nothing ({status})."));
    Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        format!("The daemon ended as soon as it was started. {said}"),
        format!("Its log is {}.", home.daemon_log().display()),
    )
}

fn not_writable(home: &Home, error: &io::Error) -> Error {
    Error::new(
        ErrorCode::DAEMON_UNREACHABLE,
        format!("AICIB's home {} cannot be written: {error}.", home.root().display()),
        format!("Mend its permissions, or set {HOME_VAR} to another folder."),
    )
}

fn cannot_start(aicib: &Path, error: &io::Error) -> Error {
    let code =
        if error.kind() == io::ErrorKind::StorageFull { ErrorCode::DISK_FULL } else { ErrorCode::DAEMON_UNREACHABLE };
    Error::new(
        code,
        format!("The daemon cannot be started from {}: {error}.", aicib.display()),
        "`aicib doctor` looks at what could be wrong.",
    )
}
