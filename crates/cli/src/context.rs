//! What every command needs: where it stands, the daemon, and how to print.

use std::path::PathBuf;

use contract::{Company, CompanyRef, Error, ErrorCode, JobId, Method, Time, methods};
use jiff::tz::TimeZone;
use rpc::{Home, NoteReceiver};

use crate::args::Global;
use crate::daemon::{Daemon, patiently};
use crate::failure::Failure;
use crate::out::{Out, Paint};

/// How we name ourselves to the daemon.
pub(crate) const CLIENT: &str = concat!("aicib ", env!("CARGO_PKG_VERSION"), " (cli)");

/// What every command needs.
pub(crate) struct Context {
    pub(crate) home: Home,
    pub(crate) out: Out,
    dir: Option<PathBuf>,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Context, Error> {
        Ok(Context { home: Home::resolve()?, out: Out::new(global.json, global.color), dir: global.dir })
    }

    /// The folder that the command is about, absolute.
    pub(crate) fn dir(&self) -> Result<PathBuf, Error> {
        let gone = |error: std::io::Error| {
            Error::new(
                ErrorCode::COMPANY_FOLDER,
                format!("The current folder cannot be read: {error}."),
                "Go to the company's folder, or name it with --dir.",
            )
        };
        match &self.dir {
            Some(dir) => std::path::absolute(dir).map_err(gone),
            None => std::env::current_dir().map_err(gone),
        }
    }

    /// The company that the command is about.
    pub(crate) fn company_ref(&self) -> Result<CompanyRef, Error> {
        let dir = self.dir()?;
        let dir = dir.to_str().ok_or_else(|| {
            Error::new(
                ErrorCode::COMPANY_FOLDER,
                format!("The folder {} is not named in UTF-8.", dir.display()),
                "Rename it.",
            )
        })?;
        Ok(CompanyRef { dir: Some(dir.to_owned()), company_id: None })
    }

    /// The company that the command is about, from the daemon.
    pub(crate) async fn company(&self, daemon: &Daemon) -> Result<Company, Error> {
        daemon.call::<methods::CompanyGet>(self.company_ref()?).await
    }

    /// The daemon; started where none runs.
    pub(crate) async fn daemon(&self) -> Result<Daemon, Error> {
        Ok(self.daemon_with_notes().await?.0)
    }

    /// The daemon, and what it tells of its own accord.
    pub(crate) async fn daemon_with_notes(&self) -> Result<(Daemon, NoteReceiver), Error> {
        reach(&self.home).await
    }

    /// The same with a first call, which may be made twice.
    pub(crate) async fn daemon_and_call<M: Method>(
        &self,
        params: M::Params,
    ) -> Result<(Daemon, NoteReceiver, Result<M::Result, Error>), Error>
    where
        M::Params: Clone,
    {
        let program = aicib()?;
        let called = rpc::connect_or_start_and_call::<M>(&self.home, CLIENT, &program, params);
        let (client, notes, answer) = patiently(M::NAME, called).await?;
        Ok((Daemon::over(client), notes, answer))
    }

    /// The daemon, if one runs; none is started.
    pub(crate) async fn running_daemon(&self) -> Result<Daemon, Error> {
        Ok(Daemon::over(rpc::connect_running(&self.home, CLIENT).await?.0))
    }

    /// What is printed on.
    pub(crate) fn sheet(&self) -> Sheet {
        Sheet { paint: self.out.paint, clock: self.clock(), columns: self.out.columns }
    }

    /// How times are shown.
    pub(crate) fn clock(&self) -> Clock {
        Clock { now: Time::now(), zone: TimeZone::system() }
    }
}

/// The daemon of a home, started where none runs, and what it tells of its own accord.
pub(crate) async fn reach(home: &Home) -> Result<(Daemon, NoteReceiver), Error> {
    let program = aicib()?;
    let (client, notes) = patiently("initialize", rpc::connect_or_start(home, CLIENT, &program)).await?;
    Ok((Daemon::over(client), notes))
}

/// This very program, which is the daemon's too.
fn aicib() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|error| Error::internal(format!("Cannot tell which program this is: {error}.")))
}

/// What people's lines are printed on: in what colours, at what time, how wide.
#[derive(Clone)]
pub(crate) struct Sheet {
    pub(crate) paint: Paint,
    pub(crate) clock: Clock,
    /// The columns of a line.
    pub(crate) columns: usize,
}

impl Sheet {
    /// What is left of a line of which so many columns are taken.
    pub(crate) fn left(&self, taken: usize) -> usize {
        self.columns.saturating_sub(taken).max(8)
    }
}

/// Now, and where.
#[derive(Clone)]
pub(crate) struct Clock {
    pub(crate) now: Time,
    pub(crate) zone: TimeZone,
}

impl Clock {
    /// A time of day, with its date where that is not today.
    pub(crate) fn show(&self, time: Time) -> String {
        crate::text::clock(time, self.now, &self.zone)
    }

    /// A time to come, with how far away it is ("today at 14:30, in 2 h"); just the time once it is past.
    pub(crate) fn to_come(&self, time: Time) -> String {
        let left = time.0.saturating_sub(self.now.0);
        let at = crate::text::day_and_time(time, self.now, &self.zone);
        if left <= 0 { at } else { format!("{at}, in {}", crate::text::roughly(left)) }
    }

    /// A time that is past, as how long ago that is ("9 h ago").
    pub(crate) fn ago(&self, time: Time) -> String {
        match self.now.since(time) {
            ms @ 0..60_000 => format!("{} s ago", ms / 1000),
            ms => format!("{} ago", crate::text::roughly(ms)),
        }
    }
}

/// A job's number as it was typed.
pub(crate) fn job_number(typed: &str, what: &str) -> Result<JobId, Failure> {
    let number = typed.trim_start_matches('#');
    positive(number)
        .map(JobId)
        .ok_or_else(|| Failure::usage(format!("{what} must be a job's number, such as 7. `aicib jobs` lists them.")))
}

/// A number of lines as it was typed (E018).
pub(crate) fn line_count(typed: &str) -> Result<i64, Failure> {
    let by_its_name = std::env::args_os().any(|arg| arg.to_str().is_some_and(|arg| arg.starts_with("--lines")));
    let flag = if by_its_name { "--lines" } else { "-n" };
    positive(typed).ok_or_else(|| Failure::usage(format!("{flag} must be a positive integer.")))
}

/// A whole number from 1 as it was typed for `flag`.
pub(crate) fn number(typed: &str, flag: &str) -> Result<i64, Failure> {
    positive(typed).ok_or_else(|| Failure::usage(format!("{flag} must be a positive integer.")))
}

fn positive(typed: &str) -> Option<i64> {
    typed.parse().ok().filter(|number| *number > 0)
}

/// Runs a command's calls.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::from)?;
    Ok(runtime.block_on(future))
}
