//! Connect, or start the daemon and connect.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use contract::methods::DaemonStop;
use contract::{Empty, Error, ErrorCode, Method, PROTOCOL};
use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::time::{Instant, sleep, timeout_at};

use crate::client::{other_protocol, silent};
use crate::{Client, Home, NoteReceiver, daemon_env, founder_credential, transport};

/// The exit code of `aicib daemon start --foreground` when another daemon holds the home.
pub const EXIT_ALREADY_RUNNING: u8 = 3;

/// How long a daemon may take until it listens.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// How long after its daemon's early end a client still looks for one that another client started.
const OTHERS_PATIENCE: Duration = Duration::from_millis(300);
/// No console window, and no Ctrl-C from the one we have.
#[cfg(windows)]
const DETACHED: u32 = 0x0800_0000 | 0x0000_0200;
/// Bytes of a log's end in which its last line is looked for.
const LAST_WORDS: u64 = 4096;
/// What stands between a line's time and its words.
const LEVELS: [&str; 3] = [" ERROR ", " WARN ", " INFO "];
/// A log longer than this is put aside when a daemon starts.
const MAX_LOG_BYTES: u64 = 4 * 1024 * 1024;

/// Connects to the home's daemon as the founder; none is started.
///
/// # Errors
/// As [`Client::connect`], and `daemon.unreachable` when there is none.
pub async fn connect_running(home: &Home, client: &str) -> Result<(Client, NoteReceiver), Error> {
    Client::connect(home, founder_credential(home)?, client).await
}

/// Connects to the home's daemon as the founder, and starts it (`<aicib> daemon start --foreground`) where none
/// runs. A daemon that speaks an older protocol than this program is asked to hand over; runs go on meanwhile.
///
/// # Errors
/// `daemon.unreachable` when it cannot be started, with its own last words; `protocol.unsupported` when it is newer
/// than this program.
pub async fn connect_or_start(home: &Home, client: &str, aicib: &Path) -> Result<(Client, NoteReceiver), Error> {
    match connect_running(home, client).await {
        Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE => {}
        Err(error) if error.code == ErrorCode::PROTOCOL_UNSUPPORTED => hand_over(home, client, error).await?,
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
        return Ok(connected);
    }
    let (connection, notes) = connect_or_start(home, client, aicib).await?;
    let answer = connection.call::<M>(params).await;
    Ok((connection, notes, answer))
}

/// Ends the home's daemon, whatever protocol it speaks; runs go on. False where none runs.
///
/// # Errors
/// When it is there and does not end.
pub async fn stop_running(home: &Home, client: &str) -> Result<bool, Error> {
    match connect_running(home, client).await {
        Ok((daemon, _notes)) => end(daemon).await.map(|()| true),
        Err(error) if error.code == ErrorCode::PROTOCOL_UNSUPPORTED => {
            let theirs = protocol_of(&error).ok_or(error)?;
            end_as(home, client, theirs).await.map(|()| true)
        }
        Err(_) if !home.socket().exists() => Ok(false),
        Err(error) if error.code == ErrorCode::DAEMON_UNREACHABLE && is_dead(home).await => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether nobody listens on the socket.
async fn is_dead(home: &Home) -> bool {
    transport::connect(home).await.is_err()
}

/// Ends a daemon that is older than this program.
async fn hand_over(home: &Home, client: &str, error: Error) -> Result<(), Error> {
    let Some(theirs) = protocol_of(&error) else { return Err(error) };
    if theirs >= PROTOCOL {
        return Err(other_protocol(theirs, PROTOCOL));
    }
    end_as(home, client, theirs).await
}

/// The daemon's protocol, as the error says.
fn protocol_of(error: &Error) -> Option<u32> {
    error.data.as_ref().and_then(|data| data["protocol"].as_u64()).and_then(|protocol| u32::try_from(protocol).ok())
}

async fn end_as(home: &Home, client: &str, protocol: u32) -> Result<(), Error> {
    let (daemon, _notes) = Client::connect_as(home, founder_credential(home)?, client, protocol).await?;
    end(daemon).await
}

async fn end(daemon: Client) -> Result<(), Error> {
    // It may be gone before it answers.
    if let Err(error) = daemon.call::<DaemonStop>(Empty {}).await
        && error.code != ErrorCode::DAEMON_UNREACHABLE
    {
        return Err(error);
    }
    timeout_at(Instant::now() + START_PATIENCE, daemon.closed()).await.map_err(|_| silent())
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
            if now >= end {
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

/// Starts a daemon; also says how long its log was before.
fn spawn(home: &Home, aicib: &Path) -> Result<(Box<dyn ChildWrapper>, u64), Error> {
    let failed = |error: io::Error| cannot_start(aicib, &error);
    let log = open_log(home).map_err(failed)?;
    let log_began = log.metadata().map_err(failed)?.len();
    let log_too = log.try_clone().map_err(failed)?;
    let mut command = CommandWrap::with_new(aicib, |command| {
        command
            .args(["daemon", "start", "--foreground"])
            .current_dir(home.root())
            .env_clear()
            .envs(daemon_env(home, std::env::vars_os()))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too);
        #[cfg(windows)]
        command.creation_flags(DETACHED);
    });
    // A session of its own: it outlives the terminal, and its Ctrl-C is not the daemon's.
    #[cfg(unix)]
    command.wrap(process_wrap::tokio::ProcessSession);
    Ok((command.spawn().map_err(failed)?, log_began))
}

/// The daemon's log, to be added to; a long one is put aside as `daemon.log.old` first.
fn open_log(home: &Home) -> io::Result<File> {
    let path = home.daemon_log();
    if fs::metadata(&path).is_ok_and(|found| found.len() > MAX_LOG_BYTES) {
        fs::rename(&path, path.with_extension("log.old"))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The last line of a log that is not blank, without its time and level; at most 400 characters of it.
pub fn last_log_line(log: &Path) -> Option<String> {
    last_line_after(log, 0)
}

/// The same, of what was added behind the first `from` bytes.
fn last_line_after(log: &Path, from: u64) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let size = file.seek(SeekFrom::End(0)).ok()?;
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

fn cannot_start(aicib: &Path, error: &io::Error) -> Error {
    let code =
        if error.kind() == io::ErrorKind::StorageFull { ErrorCode::DISK_FULL } else { ErrorCode::DAEMON_UNREACHABLE };
    Error::new(
        code,
        format!("The daemon cannot be started from {}: {error}.", aicib.display()),
        "`aicib doctor` looks at what could be wrong.",
    )
}
