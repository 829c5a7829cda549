//! The store's threads: one that writes, a few that read.

use std::any::Any;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use contract::Time;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::check::{self, Checked};
use crate::damage::Damage;
use crate::{Opened, StoreError, backup, patience, recover, schema, trouble};

/// Calls that wait for the writer, at most; callers beyond wait in `write`.
const WRITE_QUEUE: usize = 256;
/// Calls that wait for a reader, at most.
const READ_QUEUE: usize = 256;
/// Threads that read.
const READERS: usize = 3;

type Call = Box<dyn FnOnce(&mut Connection) + Send>;

/// The database of a home. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    backups: PathBuf,
    /// Taken by `close`; without senders the threads end.
    lanes: Mutex<Option<Lanes>>,
    /// The writer's first.
    threads: Mutex<Vec<JoinHandle<()>>>,
    damage: Arc<Damage>,
    /// Whether a check was asked for that could not be finished while opening.
    unchecked: AtomicBool,
    /// Set by `close`: long calls give up.
    leaving: Arc<AtomicBool>,
}

#[derive(Clone)]
struct Lanes {
    writer: mpsc::Sender<Call>,
    readers: mpsc::Sender<Call>,
}

/// What can be asked of a snapshot of the database.
pub struct Read<'c> {
    pub(crate) conn: &'c Connection,
}

/// What can be changed within one transaction, and everything that can be asked.
pub struct Write<'c> {
    read: Read<'c>,
}

impl<'c> Deref for Write<'c> {
    type Target = Read<'c>;
    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}

impl<'c> Write<'c> {
    /// What can be changed on a connection of one's own.
    pub(crate) fn of(conn: &'c Connection) -> Write<'c> {
        Write { read: Read { conn } }
    }
}

impl Store {
    /// Opens the database at `db`, made where it is missing, and brings it to this version's schema, after a copy to
    /// the folder `backups` where that changes anything. With `check` (after an end that was not clean) it is looked
    /// through before that, for a second or two; [`Store::check_in_background`] does the rest. One that is damaged is
    /// set aside and mended, with the help of the runs' folders, which lie beside it in `runs`. Waits up to half a
    /// minute where another program holds it. Blocks.
    ///
    /// # Errors
    /// [`StoreError::NewerDatabase`] for one that a newer version wrote (nothing is touched then),
    /// [`StoreError::Locked`], [`StoreError::ReadOnly`], [`StoreError::DiskFull`], else what the file system or
    /// SQLite said.
    pub fn open(db: &Path, backups: &Path, check: bool) -> Result<Opened, StoreError> {
        let (repair, checked) = recover::make_ready(db, backups, check)?;
        let damage = Arc::new(Damage::of(db));
        let leaving = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::with_capacity(READERS + 1);
        let (writer, calls) = mpsc::channel(WRITE_QUEUE);
        let queue = Queue(Arc::new(Mutex::new(calls)));
        threads.push(spawn("store-writer", schema::writer(db)?, queue, &leaving)?);
        let (readers, calls) = mpsc::channel(READ_QUEUE);
        let calls = Arc::new(Mutex::new(calls));
        for number in 1..=READERS {
            let queue = Queue(Arc::clone(&calls));
            threads.push(spawn(&format!("store-read-{number}"), schema::reader(db)?, queue, &leaving)?);
        }
        let shared = Shared {
            path: db.to_owned(),
            backups: backups.to_owned(),
            lanes: Mutex::new(Some(Lanes { writer, readers })),
            threads: Mutex::new(threads),
            damage,
            unchecked: AtomicBool::new(checked == Checked::Unfinished),
            leaving,
        };
        Ok(Opened { store: Store { shared: Arc::new(shared) }, repair })
    }

    /// Looks through the rest of the database where that could not be finished while opening; readers and the writer
    /// go on meanwhile. `false` where it is damaged ([`Store::damaged`] says so as well).
    ///
    /// # Errors
    /// What SQLite said beside that; [`StoreError::Closed`] where the store is closed meanwhile.
    pub async fn check_in_background(&self) -> Result<bool, StoreError> {
        if !self.shared.unchecked.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let (path, leaving) = (self.shared.path.clone(), Arc::clone(&self.shared.leaving));
        // A thread of its own: it may take as long as all other reads of a day together.
        let checked = tokio::task::spawn_blocking(move || check::until_left(&path, &leaving)).await;
        match checked.map_err(|error| StoreError::Panicked(error.to_string()))? {
            Ok(Checked::Sound) => {
                self.shared.unchecked.store(false, Ordering::Relaxed);
                Ok(true)
            }
            Ok(Checked::Unfinished) => Err(StoreError::Closed),
            Ok(Checked::Damaged(what)) | Err(StoreError::Damaged(what)) => {
                self.shared.damage.found(&what);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits until the database is found damaged, by a call or by a check, and says what is wrong with it. Opening
    /// it again mends it.
    pub async fn damaged(&self) -> String {
        self.shared.damage.wait().await
    }

    /// When the newest copy of the database was made; `None` where there is none.
    ///
    /// # Errors
    /// What the file system says.
    pub fn newest_backup(&self) -> Result<Option<(PathBuf, Time)>, StoreError> {
        backup::newest(&self.shared.backups)
    }

    /// Runs `change` in one transaction on the writer's thread, and commits it where it returns `Ok`. What it did is
    /// on disk then. Calls run one after another, in the order in which they came.
    ///
    /// A caller that stops waiting does not stop the call.
    ///
    /// # Errors
    /// What `change` returns, [`StoreError::DiskFull`] and the like from the commit, [`StoreError::Panicked`] where
    /// it panics; in each case nothing of it is kept.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Write<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self.lanes()?.writer;
        self.call(writer, move |conn| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = change(&Write { read: Read { conn: &tx } })?;
            tx.commit()?;
            Ok(done)
        })
        .await
    }

    /// Runs `ask` on a reader's thread. It sees one snapshot: everything committed before it began, nothing after.
    ///
    /// # Errors
    /// What `ask` returns, [`StoreError::Panicked`] where it panics.
    pub async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Read<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.lanes()?.readers;
        self.call(readers, move |conn| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let answer = ask(&Read { conn: &tx })?;
            tx.finish()?;
            Ok(answer)
        })
        .await
    }

    /// Copies the database to the folder of backups, once a local day, while it is in use; three backups are kept.
    /// Returns the copy, or `None` where today has one.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] or what else keeps it from being written; nothing half-written is left.
    pub async fn backup_daily(&self) -> Result<Option<PathBuf>, StoreError> {
        let backups = self.shared.backups.clone();
        self.call(self.lanes()?.readers, move |conn| backup::daily(conn, &backups)).await
    }

    /// Size of the database on disk with its write-ahead log, in bytes.
    pub fn size_bytes(&self) -> i64 {
        let mut wal = self.shared.path.clone().into_os_string();
        wal.push("-wal");
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
        i64::try_from(size(&self.shared.path) + size(Path::new(&wal))).unwrap_or(i64::MAX)
    }

    /// Closes the store for all its clones, after the calls that are in line. Blocks until its threads have ended.
    pub fn close(self) {
        self.shared.leaving.store(true, Ordering::Relaxed);
        let lanes = self.shared.lanes.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads = std::mem::take(&mut *self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(Lanes { writer, readers }) = lanes else { return };
        // The writer goes last and alone: it folds the log into the database, which needs that nobody else is there.
        drop(readers);
        let mut threads = threads.into_iter();
        let last = threads.next();
        threads.for_each(join);
        drop(writer);
        last.into_iter().for_each(join);
    }

    async fn call<T: Send + 'static>(
        &self,
        lane: mpsc::Sender<Call>,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (damage, path) = (Arc::clone(&self.shared.damage), self.shared.path.clone());
        call(lane, move |conn| {
            let done = work(conn).map_err(|error| trouble::explain(&path, error));
            if let Err(StoreError::Damaged(what)) = &done {
                damage.found(what);
            }
            done
        })
        .await
    }

    fn lanes(&self) -> Result<Lanes, StoreError> {
        self.shared.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::Closed)
    }
}

async fn call<T: Send + 'static>(
    lane: mpsc::Sender<Call>,
    work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (answer, wait) = oneshot::channel();
    let call: Call = Box::new(move |conn| {
        // A panic in here unwinds through the transaction, which rolls back, and must not take the thread along.
        let done = catch_unwind(AssertUnwindSafe(|| work(conn)));
        let done = done.unwrap_or_else(|panic| Err(StoreError::Panicked(message(panic.as_ref()))));
        if let Err(StoreError::Panicked(what)) = &done {
            tracing::error!(what, "a database call panicked");
        }
        // Whoever asked may have stopped waiting.
        let _ = answer.send(done);
    });
    lane.send(call).await.map_err(|_| StoreError::Closed)?;
    drop(lane);
    wait.await.map_err(|_| StoreError::Closed)?
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the store panicked");
    }
}

struct Queue(Arc<Mutex<mpsc::Receiver<Call>>>);

impl Queue {
    fn next(&self) -> Option<Call> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
    }
}

fn spawn(
    name: &str,
    mut conn: Connection,
    queue: Queue,
    leaving: &Arc<AtomicBool>,
) -> Result<JoinHandle<()>, StoreError> {
    let leaving = Arc::clone(leaving);
    let run = move || {
        patience::until(leaving);
        while let Some(call) = queue.next() {
            call(&mut conn);
        }
        if let Err((_, error)) = conn.close() {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    };
    thread::Builder::new().name(name.into()).spawn(run).map_err(|error| StoreError::file("store thread", error))
}

#[cfg(test)]
mod tests {
    use contract::{Entry, EventBody, SYSTEM, Time};

    use super::*;

    fn open(dir: &Path) -> Store {
        Store::open(&dir.join("aicib.db"), &dir.join("backups"), false).unwrap().store
    }

    async fn company(store: &Store, dir: &'static str) -> Result<contract::CompanyId, StoreError> {
        store.write(move |write| Ok(write.company_put(dir, "Acme", Time(1))?.company_id)).await
    }

    #[tokio::test]
    async fn a_panic_ends_its_call_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let boom = store.write(|write| -> Result<(), StoreError> {
            write.company_put("/half", "Half", Time(1))?;
            panic!("boom {}", 7)
        });
        assert!(matches!(boom.await, Err(StoreError::Panicked(what)) if what == "boom 7"));
        let boom = store.read(|_| -> Result<(), StoreError> { panic!("read") });
        assert!(matches!(boom.await, Err(StoreError::Panicked(_))));
        company(&store, "/whole").await.unwrap();
        let names = store.read(|read| Ok(read.companies()?.len())).await.unwrap();
        assert_eq!(names, 1);
    }

    #[tokio::test]
    async fn a_refusal_of_the_caller_keeps_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let no = contract::Error::new(contract::ErrorCode::BUDGET_DAILY, "Daily limit reached.", "Raise it.");
        let told = no.clone();
        let refused = store.write(move |write| -> Result<(), StoreError> {
            write.company_put("/half", "Half", Time(1))?;
            Err(told.into())
        });
        assert_eq!(contract::Error::from(refused.await.unwrap_err()), no);
        assert!(store.read(|read| read.companies()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_what_was_stored_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let company = company(&store, "/acme").await.unwrap();
        let job = store
            .write(move |write| {
                let session = write.session_open(company, "ceo", Time(1))?;
                let new = crate::NewJob {
                    company_id: company,
                    session_id: session.session_id,
                    agent: "ceo".into(),
                    parent_job_id: None,
                    directive: "Brief".into(),
                    engine: contract::EngineKind::Practice,
                    engine_agent: String::new(),
                    origin: contract::Origin::Cli,
                    foreground: false,
                    max_cost: contract::Money::ZERO,
                    idempotency_key: None,
                    queue: false,
                    priority: 0,
                    after: None,
                    not_before: None,
                };
                let job = write.job_insert(&new, Time(1))?.job;
                let pages: i64 = write.conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
                write.conn.pragma_update(None, "max_page_count", pages + 20)?;
                Ok(job.job_id)
            })
            .await
            .unwrap();
        let say = |text: String| {
            let body = EventBody::Message { text };
            let entry = Entry { at: Time(2), agent: SYSTEM.into(), parent: None, body };
            store.write(move |write| write.append_own(job, entry))
        };
        let full = say("word ".repeat(100_000)).await;
        assert!(matches!(full, Err(StoreError::DiskFull)), "{full:?}");
        assert_eq!(contract::Error::from(StoreError::DiskFull).code, contract::ErrorCode::DISK_FULL);
        // The writer lives, the job stands as before, and what fits is stored.
        say("short".into()).await.unwrap();
        let detail = store.read(move |read| read.job_detail(job)).await.unwrap();
        assert_eq!(detail.events, 2);
    }

    #[tokio::test]
    async fn a_closed_store_says_so_to_every_clone() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let clone = store.clone();
        company(&store, "/acme").await.unwrap();
        assert!(store.size_bytes() > 0);
        store.close();
        assert!(matches!(company(&clone, "/bolt").await, Err(StoreError::Closed)));
        assert!(!dir.path().join("aicib.db-wal").exists(), "closing folds the log into the database");
    }

    #[tokio::test]
    async fn a_snapshot_does_not_move() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let (looked, look) = std::sync::mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let reader = store.read(move |read| {
            let before = read.companies()?.len();
            looked.send(()).unwrap();
            wait.recv().unwrap();
            Ok((before, read.companies()?.len()))
        });
        let writer = async {
            tokio::task::yield_now().await;
            look.recv().unwrap();
            company(&store, "/acme").await.unwrap();
            go.send(()).unwrap();
        };
        let (seen, ()) = tokio::join!(reader, writer);
        assert_eq!(seen.unwrap(), (0, 0));
        assert_eq!(store.read(|read| Ok(read.companies()?.len())).await.unwrap(), 1);
    }
}
