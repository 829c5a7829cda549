//! What the daemon says: into a log of its own, of a bounded size; on standard error too, where somebody reads that;
//! and what went wrong lately stays in memory, for a health report.

mod file;
mod mirror;
mod recent;
mod redact;

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::{LogLevel, LoggedError};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use file::LogFile;
use recent::Recent;

/// The variable that says how much is logged, crate by crate; it goes before the setting when the daemon starts.
const LEVEL_VAR: &str = "AICIB_LOG";
/// Bytes of a log, about, before it is put aside.
const MAX_BYTES: u64 = 50 * 1024 * 1024;
/// Logs kept beside the one that is written.
const OLDER: usize = 4;
/// What is ours, and may say how it does things; from others that would be noise.
const OURS: [&str; 6] = ["company", "daemon", "process", "rpc", "store", "toast"];

/// The daemon's log. Clones share it.
#[derive(Clone)]
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    level: Arc<Mutex<LogLevel>>,
    /// Whether the environment said how much is to be logged.
    from_environment: bool,
    outputs: Outputs,
    recent: Recent,
}

impl Log {
    /// Begins to log into the file `path`, and to tell of panics there. To be called once in a process.
    pub fn begin(path: &Path) -> Log {
        let given = EnvFilter::try_from_env(LEVEL_VAR).ok();
        let from_environment = given.is_some();
        let filter = given.unwrap_or_else(|| filter_of(LogLevel::Info));
        let level = filter.max_level_hint().map_or(LogLevel::Trace, level_of);
        let outputs = Outputs::new(LogFile::open(path, MAX_BYTES, OLDER));
        let (filter, handle) = reload::Layer::new(filter);
        let recent = Recent::default();
        let writer = outputs.clone();
        let lines = fmt::layer()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .with_target(false)
            // Said on stderr, which on a full disk takes the daemon down with it.
            .log_internal_errors(false);
        tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .with(recent.clone().with_filter(LevelFilter::WARN))
            .init();
        std::panic::set_hook(Box::new(tell_of_panic));
        Log { filter: handle, level: Arc::new(Mutex::new(level)), from_environment, outputs, recent }
    }

    /// How much is logged.
    pub fn level(&self) -> LogLevel {
        *lock(&self.level)
    }

    /// Logs that much from now on.
    pub fn set_level(&self, level: LogLevel) {
        let mut now = lock(&self.level);
        match self.filter.reload(filter_of(level)) {
            Ok(()) => *now = level,
            Err(error) => tracing::warn!(%error, "the log's level could not be changed"),
        }
    }

    /// Logs as much as the founder's settings say, unless the daemon's environment says it already.
    pub fn follow_settings(&self, level: LogLevel) {
        if !self.from_environment {
            self.set_level(level);
        }
    }

    /// The home's lock is ours, and with it the log: nobody else puts it aside.
    pub fn take_over(&self) {
        lock(&self.outputs.0).file.take_over();
    }

    /// Goes on in a new file where somebody has taken the old one away.
    pub fn reopen(&self) {
        lock(&self.outputs.0).file.reopen();
    }

    /// The last warnings and errors, newest last; at most 20.
    pub fn recent(&self) -> Vec<LoggedError> {
        self.recent.all()
    }
}

fn filter_of(level: LogLevel) -> EnvFilter {
    if matches!(level, LogLevel::Error | LogLevel::Warn | LogLevel::Info) {
        return EnvFilter::new(level.name());
    }
    let ours: Vec<String> = OURS.iter().map(|name| format!("{name}={}", level.name())).collect();
    EnvFilter::new(format!("info,{}", ours.join(",")))
}

fn level_of(filter: LevelFilter) -> LogLevel {
    match filter {
        LevelFilter::OFF | LevelFilter::ERROR => LogLevel::Error,
        LevelFilter::WARN => LogLevel::Warn,
        LevelFilter::INFO => LogLevel::Info,
        LevelFilter::DEBUG => LogLevel::Debug,
        _ => LogLevel::Trace,
    }
}

fn tell_of_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let what = panic.to_string().replace('\n', " ");
    let trace = std::backtrace::Backtrace::capture();
    match trace.status() {
        std::backtrace::BacktraceStatus::Captured => {
            tracing::error!(thread = thread.name().unwrap_or("unnamed"), "{what}\n{trace}");
        }
        _ => tracing::error!(thread = thread.name().unwrap_or("unnamed"), "{what}"),
    }
}

/// Where lines go.
#[derive(Clone)]
struct Outputs(Arc<Mutex<Both>>);

struct Both {
    file: LogFile,
    /// Whether standard error is somebody else's to read: a terminal's, a unit's, a container's. Where a client
    /// started us it is the log itself.
    mirror: bool,
}

impl Outputs {
    fn new(file: LogFile) -> Outputs {
        let mirror = !file.is_standard_error();
        Outputs(Arc::new(Mutex::new(Both { file, mirror })))
    }
}

impl Write for Outputs {
    /// Takes a whole line. What cannot be written is lost, and nothing else is.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = redact::redact(&text);
        let mut both = lock(&self.0);
        both.file.append(text.as_bytes());
        if both.mirror {
            mirror::show(text.as_bytes());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_may_say_more_than_others() {
        assert_eq!(filter_of(LogLevel::Warn).to_string(), "warn");
        let debug = filter_of(LogLevel::Debug);
        assert!(debug.to_string().contains("store=debug") && debug.to_string().contains("info"), "{debug}");
        for level in LogLevel::ALL {
            assert_eq!(filter_of(level).max_level_hint().map(level_of), Some(level));
        }
    }
}
