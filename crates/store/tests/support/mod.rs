//! A store in a folder of its own, and short ways to fill it.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

use std::path::PathBuf;

use contract::{
    CompanyId, CostBasis, EngineKind, Entry, EventBody, Job, JobChange, JobId, LeaseId, Money, Origin, RunId, RunState,
    SessionId, SpoolLine, Time, WORKER_PROTOCOL,
};
use rusqlite::Connection;
use store::{Claim, Claimed, Inserted, NewJob, Read, Settlement, Store, StoreError, Write};

/// Noon of 2026-11-20, UTC.
pub const NOON: Time = Time(1_795_176_000_000);

pub struct Home {
    pub dir: tempfile::TempDir,
    pub store: Store,
    runtime: tokio::runtime::Runtime,
}

impl Home {
    pub fn new() -> Home {
        Home::at(tempfile::tempdir().unwrap())
    }

    pub fn at(dir: tempfile::TempDir) -> Home {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Store::open(&dir.path().join("aicib.db"), &dir.path().join("backups"), false).unwrap().store;
        Home { dir, store, runtime }
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join("aicib.db")
    }

    pub fn backups(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.dir.path().join("backups")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    pub fn try_write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Write<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.runtime.block_on(self.store.write(f))
    }

    pub fn write<T: Send + 'static>(&self, f: impl FnOnce(&Write<'_>) -> Result<T, StoreError> + Send + 'static) -> T {
        self.try_write(f).unwrap()
    }

    pub fn read<T: Send + 'static>(&self, f: impl FnOnce(&Read<'_>) -> Result<T, StoreError> + Send + 'static) -> T {
        self.runtime.block_on(self.store.read(f)).unwrap()
    }

    pub fn block_on<T>(&self, f: impl Future<Output = T>) -> T {
        self.runtime.block_on(f)
    }

    /// A company with an open session.
    pub fn company(&self, name: &'static str) -> (CompanyId, SessionId) {
        self.write(move |write| {
            let company = write.company_put(&format!("/companies/{name}"), name, NOON)?.company_id;
            Ok((company, write.session_open(company, "ceo", NOON)?.session_id))
        })
    }

    pub fn submit(&self, company: (CompanyId, SessionId), directive: &str) -> Job {
        let new = NewJob { queue: true, ..new_job(company, directive) };
        self.write(move |write| write.job_insert(&new, NOON)).job
    }

    pub fn insert(&self, new: NewJob, at: Time) -> Result<Inserted, StoreError> {
        self.try_write(move |write| write.job_insert(&new, at))
    }

    pub fn claim(&self, max_parallel: i64) -> Option<Claimed> {
        self.claim_at(max_parallel, later(1))
    }

    pub fn claim_at(&self, max_parallel: i64, at: Time) -> Option<Claimed> {
        self.write(move |write| {
            let run_dir = |run: RunId| format!("/runs/{run}");
            write.claim_next(&Claim { max_parallel, token_hash: "hash", run_dir: &run_dir, at })
        })
    }

    /// A running job of a new company, and its run.
    pub fn running(&self, name: &'static str) -> (Job, RunId) {
        let company = self.company(name);
        let job = self.submit(company, "Write a company description");
        let claimed = self.claim(100).unwrap();
        assert_eq!(claimed.job.job.job_id, job.job_id);
        (claimed.job.job, claimed.run_id)
    }

    pub fn append(&self, run: RunId, lines: Vec<SpoolLine>) -> store::Appended {
        let offset = lines.iter().map(|line| line.n as u64 * 100).max().unwrap_or(0);
        self.write(move |write| write.append(run, &lines, offset))
    }

    pub fn settle(&self, run: RunId, change: JobChange, settlement: Settlement) -> Job {
        self.write(move |write| write.settle(run, RunState::Exited, change, &settlement, later(99_000))).0
    }

    pub fn job(&self, id: JobId) -> Job {
        self.read(move |read| read.job(id))
    }

    /// Every row of every table but the schema's own, as text.
    pub fn dump(&self) -> Vec<String> {
        let conn = Connection::open(self.database()).unwrap();
        conn.execute_batch(
            "CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'events_fts', 'instance');
             CREATE VIRTUAL TABLE temp.journal_terms USING fts5vocab('main', 'journal_fts', 'instance')",
        )
        .unwrap();
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                      AND name NOT LIKE 'events_fts%' AND name NOT LIKE 'journal_fts%' ORDER BY name";
        let mut names: Vec<String> =
            conn.prepare(tables).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        names.extend(["words".into(), "journal_terms".into()]);
        let mut dump = Vec::new();
        for name in names {
            let mut select = conn.prepare(&format!("SELECT * FROM {name}")).unwrap();
            let columns = select.column_count();
            let mut rows = select.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let cells: Vec<String> =
                    (0..columns).map(|index| format!("{:?}", row.get_ref(index).unwrap())).collect();
                dump.push(format!("{name}: {}", cells.join(" ")));
            }
        }
        dump
    }
}

pub const fn later(ms: i64) -> Time {
    Time(NOON.0 + ms)
}

pub fn new_job(company: (CompanyId, SessionId), directive: &str) -> NewJob {
    NewJob {
        company_id: company.0,
        session_id: company.1,
        agent: "ceo".into(),
        parent_job_id: None,
        directive: directive.to_owned(),
        engine: EngineKind::Practice,
        engine_agent: String::new(),
        origin: Origin::Cli,
        foreground: false,
        max_cost: Money::ZERO,
        idempotency_key: None,
        queue: false,
        priority: 0,
        after: None,
        not_before: None,
    }
}

pub fn entry(agent: &str, parent: Option<&str>, at: i64, body: EventBody) -> Entry {
    Entry { at: later(at), agent: agent.into(), parent: parent.map(str::to_owned), body }
}

pub fn line(n: i64, entry: Entry) -> SpoolLine {
    SpoolLine { v: WORKER_PROTOCOL, n, entry }
}

/// Lines from 1 on.
pub fn spool(entries: impl IntoIterator<Item = Entry>) -> Vec<SpoolLine> {
    entries.into_iter().enumerate().map(|(index, entry)| line(index as i64 + 1, entry)).collect()
}

pub fn message(text: &str) -> EventBody {
    EventBody::Message { text: text.into() }
}

pub fn usage(nanos: i64, started: i64, lease: Option<LeaseId>) -> EventBody {
    EventBody::Usage {
        model: "sonnet".into(),
        input_tokens: 100,
        output_tokens: 20,
        cache_read_tokens: 3,
        cache_write_tokens: 4,
        cost_usd: Money::nanos(nanos),
        basis: CostBasis::Estimated,
        started_at: later(started),
        lease_id: lease,
    }
}
