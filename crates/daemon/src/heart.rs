//! The daemon's sign of life: a file in the home and a row in the database, written again and again. The file goes
//! when the daemon ends by itself: one that is there when a daemon starts tells that the one before it did not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use contract::Time;
use process::Identity;
use serde::Serialize;
use store::Beat;
use tokio::runtime::Handle;

use crate::app::App;

/// From one beat to the next.
const EVERY: Duration = Duration::from_secs(15);
/// Of so many beats the first goes to the database too: a commit wakes up the disk, and an idle daemon is to let it sleep.
const ROW_EVERY: u32 = 2;

/// What the file says.
#[derive(Serialize)]
struct Sign<'a> {
    pid: u32,
    /// With the pid, what tells this process from any other; see [`Identity`].
    start: u64,
    boot: &'a str,
    version: &'a str,
    started_at: Time,
    at: Time,
}

/// The daemon's heart.
pub struct Heart {
    file: PathBuf,
    own: Option<Identity>,
    started_at: Time,
    /// The same on a clock that nobody sets.
    born: Instant,
    beat_at: AtomicI64,
    /// Whether the last beat was missed: only the first of several is told.
    missed: AtomicBool,
}

impl Heart {
    /// Begins to live in a home whose lock is held. True where the daemon before us did not end by itself.
    pub fn begin(file: PathBuf) -> (Heart, bool) {
        let unclean = fs::symlink_metadata(&file).is_ok();
        let now = Time::now();
        let heart = Heart {
            file,
            own: Identity::own().ok(),
            started_at: now,
            born: Instant::now(),
            beat_at: AtomicI64::new(now.0),
            missed: AtomicBool::new(false),
        };
        // That we were here must outlast a power cut; when we were last seen need not.
        let begun = heart.write().and_then(|()| sync(&heart.file));
        heart.note(begun.map_err(|error| error.to_string()));
        (heart, unclean)
    }

    /// When the daemon started.
    pub fn started_at(&self) -> Time {
        self.started_at
    }

    /// How long it has been up, whatever became of the clock since.
    pub fn uptime(&self) -> Duration {
        self.born.elapsed()
    }

    /// When it last beat.
    pub fn beat_at(&self) -> Time {
        Time(self.beat_at.load(Ordering::Relaxed))
    }

    /// The daemon ends by itself.
    pub fn end(&self) {
        if let Err(error) = fs::remove_file(&self.file)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the sign of life stays; the next daemon looks through the database");
        }
    }

    fn write(&self) -> io::Result<()> {
        let at = Time::now();
        let sign = Sign {
            pid: std::process::id(),
            start: self.own.as_ref().map_or(0, |own| own.start),
            boot: self.own.as_ref().map_or("", |own| own.boot.as_str()),
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.started_at,
            at,
        };
        let fresh = self.file.with_extension("new");
        let mut text = serde_json::to_vec(&sign)?;
        text.push(b'\n');
        let written = private(&fresh).and_then(|mut file| file.write_all(&text));
        if let Err(error) = written.and_then(|()| fs::rename(&fresh, &self.file)) {
            // Half of one; the first error is the one to tell.
            let _ = fs::remove_file(&fresh);
            return Err(error);
        }
        self.beat_at.store(at.0, Ordering::Relaxed);
        Ok(())
    }

    /// E041: a missed beat is never fatal, and the first of several is told.
    fn note(&self, beat: Result<(), String>) {
        let missed = beat.is_err();
        let before = self.missed.swap(missed, Ordering::Relaxed);
        if let Err(error) = beat
            && !before
        {
            tracing::warn!(error, "the heart missed a beat");
        }
    }
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes sure that the file is on disk under its name.
fn sync(file: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(file)?.sync_all()?;
    #[cfg(unix)]
    if let Some(dir) = file.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

/// The heart as it beats, in a thread of its own: a timer of the daemon's runtime would wake up more than one thread each
/// time.
pub struct Beating {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Beating {
    /// Beats from now on.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn begin(app: App, runtime: Handle) -> io::Result<Beating> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("heart".into()).spawn(move || {
            for number in (0..ROW_EVERY).cycle() {
                let beat = app.heart.write().map_err(|error| error.to_string());
                let beat = if number == 0 { store(&app, &runtime).and(beat) } else { beat };
                app.heart.note(beat);
                if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Beating { stop, thread })
    }

    /// Beats no more. Waits for a beat under way.
    pub fn end(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the heart failed");
        }
    }
}

fn store(app: &App, runtime: &Handle) -> Result<(), String> {
    let row = Beat {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: app.heart.started_at,
        at: Time::now(),
    };
    runtime.block_on(app.store.write(move |db| db.beat(&row))).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_file_is_there_while_it_lives_and_after_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("heartbeat");
        let (heart, unclean) = Heart::begin(file.clone());
        assert!(!unclean);
        let sign: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(sign["pid"], std::process::id());
        assert_eq!(sign["at"], heart.beat_at().0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let (again, unclean) = Heart::begin(file.clone());
        assert!(unclean, "the first one never said that it ends");
        again.end();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(!Heart::begin(file).1);
    }

    #[test]
    fn a_beat_that_cannot_be_written_is_missed_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gone/heartbeat");
        let (heart, unclean) = Heart::begin(file.clone());
        assert!(!unclean && heart.missed.load(Ordering::Relaxed));
        fs::create_dir(dir.path().join("gone")).unwrap();
        heart.note(heart.write().map_err(|error| error.to_string()));
        assert!(file.exists() && !heart.missed.load(Ordering::Relaxed));
    }
}
