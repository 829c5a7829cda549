//! Databases that are damaged for real: what was in them is there again.

#![allow(clippy::unwrap_used, reason = "clippy sees only the tests themselves as tests, not what they share")]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use contract::{
    CompanyId, EventBody, EventListParams, JobChange, JobId, JobState, Outcome, RunId, SessionId, SpoolLine,
};
use rusqlite::Connection;
use store::{JobRecord, NewJob, Repair, Settlement, Store, StoreError};
use support::*;

/// A home in which jobs ran: their runs' folders are as a daemon leaves them.
struct World {
    home: Home,
    company: (CompanyId, SessionId),
}

impl World {
    fn new() -> World {
        let home = Home::new();
        fs::create_dir(home.dir.path().join("runs")).unwrap();
        let company = home.company("acme");
        World { home, company }
    }

    fn dir(&self, run: RunId) -> PathBuf {
        self.home.dir.path().join("runs").join(run.to_string())
    }

    /// A job that is claimed, with its record and these words in its spool, of which so many are stored.
    fn runs(&self, directive: &str, words: &[&str], stored: usize) -> (JobId, RunId) {
        let job = self.home.submit(self.company, directive);
        let claimed = self.home.claim(100).unwrap();
        assert_eq!(claimed.job.job.job_id, job.job_id);
        let run = claimed.run_id;
        let dir = self.dir(run);
        fs::create_dir(&dir).unwrap();
        let path = dir.display().to_string();
        let conn = Connection::open(self.home.database()).unwrap();
        conn.execute("UPDATE runs SET dir = ?1 WHERE id = ?2", (path, run.0)).unwrap();
        let record = JobRecord {
            run_id: run,
            job_id: job.job_id,
            session_id: self.company.1,
            company_id: self.company.0,
            company_dir: "/companies/acme".into(),
            company_name: "acme".into(),
            parent_job_id: None,
            agent: job.agent,
            directive: directive.into(),
            engine: job.engine,
            engine_agent: job.engine_agent.clone(),
            origin: job.origin,
            foreground: false,
            max_cost: contract::Money::ZERO,
            priority: 0,
            created_at: job.created_at,
            claimed_at: later(1),
            token_hash: "hash".into(),
            process: None,
        };
        record.write(&dir).unwrap();
        let said = words.iter().enumerate().map(|(at, word)| entry("ceo", None, 10 + at as i64, message(word)));
        let mut lines = spool(said);
        lines.push(line(lines.len() as i64 + 1, entry("ceo", None, 40, usage(7_000, 30, None))));
        write(&dir, &lines);
        self.home.append(run, lines[..stored].to_vec());
        (job.job_id, run)
    }

    /// The run ends, and all is settled and put away.
    fn ends(&self, run: RunId, answer: &str) {
        let mut lines = read(&self.dir(run));
        let n = lines.len() as i64 + 1;
        lines.push(line(n, entry("system", None, 50, exited(answer))));
        write(&self.dir(run), &lines);
        self.home.append(run, lines);
        let settlement = Settlement { answer: Some(answer.into()), ..Settlement::default() };
        self.home.settle(run, JobChange::Complete, settlement);
        let spool = self.dir(run).join("spool.jsonl");
        let packed = fs::File::create(spool.with_extension("jsonl.gz")).unwrap();
        let mut packer = flate2::write::GzEncoder::new(packed, flate2::Compression::default());
        packer.write_all(&fs::read(&spool).unwrap()).unwrap();
        packer.finish().unwrap();
        fs::remove_file(spool).unwrap();
    }

    /// Closes it, damages its file, and opens it again.
    fn damage(self, harm: impl FnOnce(&Path)) -> (World, Option<Repair>) {
        let World { home, company } = self;
        let Home { dir, store, .. } = home;
        store.close();
        let db = dir.path().join("aicib.db");
        harm(&db);
        let opened = Store::open(&db, &dir.path().join("backups"), true).unwrap();
        opened.store.close();
        (World { home: Home::at(dir), company }, opened.repair)
    }

    /// Every line that the runs recorded is stored once, projections are those of the events, and SQLite is content.
    fn is_whole(&self) {
        let conn = Connection::open(self.home.database()).unwrap();
        let check: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        let broken: i64 =
            conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        assert_eq!(broken, 0);
        for folder in fs::read_dir(self.home.dir.path().join("runs")).unwrap() {
            let folder = folder.unwrap().path();
            let run: i64 = folder.file_name().unwrap().to_str().unwrap().parse().unwrap();
            let recorded: Vec<i64> = read(&folder).iter().map(|line| line.n).collect();
            let mut select = conn.prepare("SELECT run_n FROM events WHERE run_id = ?1 ORDER BY id").unwrap();
            let stored: Vec<i64> = select.query_map([run], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(stored, recorded, "run {run}");
        }
        let mut projected = self.home.dump();
        self.home.write(|write| write.rebuild_projections());
        let mut rebuilt = self.home.dump();
        // The place of a row among others says nothing.
        projected.sort();
        rebuilt.sort();
        assert_eq!(projected, rebuilt);
    }

    /// Files of a repair that are still there.
    fn left_over(&self) -> Vec<String> {
        let names = fs::read_dir(self.home.dir.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.contains("repair") || name.contains("building") || name.ends_with("-shm"))
            .filter(|name| name != "aicib.db-shm")
            .collect()
    }

    fn is_done(&self, job: JobId, answer: &str) {
        let detail = self.home.read(move |read| read.job_detail(job));
        assert_eq!((detail.job.state, detail.answer.as_deref()), (JobState::Completed, Some(answer)), "{detail:?}");
        assert_eq!(detail.job.cost_usd.as_nanos(), 7_000, "{detail:?}");
        let page = EventListParams { job_id: job, after: None, before: None, limit: None };
        let events = self.home.read(move |read| read.events(&page)).events;
        let last = &events.last().unwrap().entry.body;
        assert!(
            matches!(last, contract::EventBody::JobChanged { state: JobState::Completed, .. }),
            "its end is its last event: {events:?}"
        );
    }
}

/// Bytes of a page.
const PAGE: usize = 4096;

/// The first page of a table or index.
fn root_of(db: &Path, name: &str) -> usize {
    let conn = Connection::open(db).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    conn.query_row(root, [name], |row| row.get::<_, i64>(0)).unwrap() as usize
}

fn exited(answer: &str) -> contract::EventBody {
    contract::EventBody::RunExited {
        outcome: Outcome::Completed,
        result: Some(answer.into()),
        error: None,
        turns: 1,
        effects: true,
        ended: 0,
        forced: 0,
        left: 0,
    }
}

fn write(dir: &Path, lines: &[SpoolLine]) {
    let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    fs::write(dir.join("spool.jsonl"), text).unwrap();
}

fn read(dir: &Path) -> Vec<SpoolLine> {
    let text = fs::read_to_string(dir.join("spool.jsonl")).unwrap_or_else(|_| {
        let packed = fs::File::open(dir.join("spool.jsonl.gz")).unwrap();
        std::io::read_to_string(flate2::read::GzDecoder::new(packed)).unwrap()
    });
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A way to ruin a file, with its name.
type Harm = (&'static str, Box<dyn Fn(&Path)>);

fn harms() -> Vec<Harm> {
    let over = |from: f64, pages: usize| {
        move |db: &Path| {
            let mut bytes = fs::read(db).unwrap();
            let start = (bytes.len() as f64 * from) as usize / PAGE * PAGE;
            let end = (start + pages * PAGE).min(bytes.len());
            // The start of a page, and all that it holds.
            bytes[start..end].iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 7 % 251) as u8);
            fs::write(db, bytes).unwrap();
        }
    };
    let cut = |part: f64| {
        move |db: &Path| {
            let length = fs::metadata(db).unwrap().len() as f64;
            fs::OpenOptions::new().write(true).open(db).unwrap().set_len((length * part) as u64).unwrap();
        }
    };
    vec![
        (
            "the header",
            Box::new(|db: &Path| {
                let mut bytes = fs::read(db).unwrap();
                bytes[..100].fill(0xa5);
                fs::write(db, bytes).unwrap();
            }),
        ),
        (
            "the schema",
            Box::new(|db: &Path| {
                let mut bytes = fs::read(db).unwrap();
                bytes[100..PAGE].fill(0xa5);
                fs::write(db, bytes).unwrap();
            }),
        ),
        ("pages at the front", Box::new(over(0.05, 6))),
        ("pages in the middle", Box::new(over(0.4, 12))),
        ("pages at the end", Box::new(over(0.7, 50))),
        (
            "every other page",
            Box::new(|db: &Path| {
                let mut bytes = fs::read(db).unwrap();
                for page in bytes.chunks_mut(PAGE).skip(3).step_by(2) {
                    page.fill(0x11);
                }
                fs::write(db, bytes).unwrap();
            }),
        ),
        ("half of it", Box::new(cut(0.5))),
        ("all of it", Box::new(cut(0.0))),
        ("text", Box::new(|db: &Path| fs::write(db, "not a database, and long enough ".repeat(40)).unwrap())),
    ]
}

#[test]
fn what_ran_is_there_again_whatever_was_damaged_with_a_copy_and_without() {
    for with_copy in [true, false] {
        for (what, harm) in harms() {
            let world = World::new();
            let (first, run) = world.runs("Write the imprint", &["one", "two"], 1);
            world.ends(run, "The imprint is written.");
            let (early, early_run) = world.runs("Write the terms", &["before", "between", "after"], 1);
            if with_copy {
                world.home.block_on(world.home.store.backup_daily()).unwrap().unwrap();
            }
            world.ends(early_run, "The terms are written.");
            let (second, run) = world.runs("Design a rocket logo", &["three", "four"], 2);
            world.ends(run, "It is a rocket.");
            let (live, live_run) = world.runs("Paint the fence", &["five", "six", "seven"], 1);
            let (world, repair) = world.damage(harm);

            let repair = repair.unwrap_or_else(|| panic!("{what} was not seen"));
            assert_eq!(repair.from_backup.is_some(), with_copy, "{what}");
            assert_eq!(repair.jobs_restored, if with_copy { 2 } else { 4 }, "{what}: {}", repair.what);
            assert!(repair.set_aside.exists() && repair.what.contains("aicib.db.corrupt-"), "{what}: {repair:?}");
            world.is_done(first, "The imprint is written.");
            world.is_done(early, "The terms are written.");
            world.is_done(second, "It is a rocket.");
            let job = world.home.job(live);
            assert_eq!((job.state, job.title.as_str()), (JobState::Running, "Paint the fence"), "{what}");
            let runs = world.home.read(|read| read.live_runs());
            assert_eq!(runs.len(), 1, "{what}: {runs:?}");
            assert_eq!((runs[0].run_id, runs[0].token_hash.as_str(), runs[0].lines), (live_run, "hash", 4), "{what}");
            assert_eq!(runs[0].offset, fs::metadata(world.dir(live_run).join("spool.jsonl")).unwrap().len(), "{what}");
            world.is_whole();
            // The session goes on, and no number is given twice.
            let (next, next_run) = {
                world.ends(live_run, "The fence is painted.");
                world.runs("Water the plants", &["eight"], 2)
            };
            assert!(next > live && next_run > live_run, "{what}");
            // It is opened again as if nothing had been.
            let (world, again) = world.damage(|_| {});
            assert_eq!(again, None, "{what}");
            world.is_whole();
        }
    }
}

/// What was forgotten is in no run's folder: the damaged file itself is all there is of it. What the founder said is an
/// event of the daemon's own, and in no spool either.
#[test]
fn memory_money_and_the_founders_word_are_there_again() {
    let world = World::new();
    let company = world.company.0;
    let (_, run) = world.runs("Write the imprint", &["one"], 1);
    let journal = EventBody::Journal { text: "The imprint was written.".into(), cost_usd: contract::Money::ZERO };
    let n = read(&world.dir(run)).len() as i64 + 1;
    let lines = [read(&world.dir(run)), vec![line(n, entry("ceo", None, 45, journal))]].concat();
    write(&world.dir(run), &lines);
    world.ends(run, "The imprint is written.");
    while world.home.write(|write| write.prune(contract::Time(i64::MAX), None, 100)).more {}
    fs::remove_dir_all(world.dir(run)).unwrap();

    let cto = world.home.write(move |write| write.session_open(company, "cto", NOON)).session_id;
    let (live, run) = world.runs("Paint the fence", &["two"], 1);
    let asked = EventBody::Asked {
        key: "k1".into(),
        ask: contract::Ask::Decision,
        text: "Which colour?".into(),
        detail: String::new(),
        options: vec![],
        approval: None,
    };
    let n = read(&world.dir(run)).len() as i64 + 1;
    let lines = [read(&world.dir(run)), vec![line(n, entry("ceo", None, 45, asked))]].concat();
    write(&world.dir(run), &lines);
    let appended = world.home.append(run, lines);
    let id = contract::QuestionId(appended.events.last().unwrap().seq.0);
    let to = contract::Money::nanos(9_000_000);
    world.home.write(move |write| {
        write.raise_limit(&store::Raise::Session(cto), to, NOON)?;
        write.question_answer(id, "Green", contract::Origin::Desk, later(60))?;
        write.follow_up(live, "And the gate.", later(61))
    });
    let before = world.home.read(move |read| read.journal_latest(company, 9));
    let spent = world.home.read(move |read| read.spend(company, NOON));
    let session = world.company.1;

    let (_, header) = harms().remove(0);
    let (world, repair) = world.damage(header);
    assert!(repair.is_some());
    let home = &world.home;
    assert_eq!(home.read(move |read| read.journal(company, Some("imprint"), None, None)).entries, before);
    assert_eq!(home.read(move |read| read.spend(company, NOON)), spent);
    assert_eq!(home.read(move |read| read.session_spent(session)).as_nanos(), 14_000);
    assert_eq!(home.read(move |read| read.open_session(company, "cto")), Some(cto));
    assert_eq!(home.read(move |read| read.open_session(company, "ceo")), Some(session));
    assert_eq!(home.read(move |read| read.session_raised(company, cto)), to);
    assert_eq!(home.read(move |read| read.answers_of(run)), [("k1".to_owned(), "Green".to_owned())]);
    let said: Vec<String> =
        home.read(move |read| read.follow_ups_open(live)).into_iter().map(|(_, text)| text).collect();
    assert_eq!(said, ["And the gate."]);
    world.is_whole();
}

/// Random bytes over random parts of the file.
#[test]
fn what_ran_is_there_again_whatever_bytes_were_written_over() {
    let mut seed: u64 = 77;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    for trial in 0..8 {
        let world = World::new();
        let (early, early_run) = world.runs("Write the terms", &["before", "between", "after"], 1);
        if trial % 3 != 0 {
            world.home.block_on(world.home.store.backup_daily()).unwrap().unwrap();
        }
        world.ends(early_run, "Done.");
        let mut jobs = vec![early];
        for number in 0..next() % 8 {
            let (job, run) = world.runs(&format!("Brief {number}"), &["three", "four"], 2);
            world.ends(run, "Done.");
            jobs.push(job);
        }
        let (live, _) = world.runs("Paint the fence", &["five", "six", "seven"], 1);
        let harms: Vec<_> = (0..1 + next() % 4).map(|_| (next(), next() % 20_000, next() as u8)).collect();
        let (world, repair) = world.damage(|db| {
            let mut bytes = fs::read(db).unwrap();
            for (at, length, with) in &harms {
                let at = at % bytes.len();
                let end = (at + length).min(bytes.len());
                bytes[at..end].fill(*with);
            }
            fs::write(db, bytes).unwrap();
        });
        if repair.is_none() {
            // It hit what is not in use.
            continue;
        }
        for job in jobs {
            world.is_done(job, "Done.");
        }
        assert_eq!(world.home.job(live).state, JobState::Running, "{harms:?}");
        world.is_whole();
    }
}

/// One page of an index, or the first bytes: the rest reads.
#[test]
fn what_only_the_damaged_file_knew_is_taken_from_it() {
    for what in ["index", "header"] {
        let world = World::new();
        let (_, run) = world.runs("Write the imprint", &["one"], 1);
        world.home.block_on(world.home.store.backup_daily()).unwrap().unwrap();
        let queued = world.home.submit(world.company, "Waits in line").job_id;
        let new = NewJob { not_before: Some(later(1_000_000)), queue: true, ..new_job(world.company, "Comes later") };
        let scheduled = world.home.insert(new, later(5)).unwrap().job.job_id;
        world.home.write(move |write| write.hold(queued, true, later(6)));
        let cancelled = world.home.submit(world.company, "Not wanted").job_id;
        world.home.write(move |write| write.transition(cancelled, JobChange::Cancel, "Not now.", later(7)));
        let settings = contract::Settings { practice_pace: 42.0, ..contract::Settings::default() };
        world.home.write(move |write| write.settings_put(&settings));
        world.home.write(|write| write.hold_all(true, later(8)));
        let page = root_of(&world.home.database(), "jobs_parent");
        let events = |world: &World| world.home.dump().iter().filter(|row| row.starts_with("events:")).count();
        let before = events(&world);
        let (world, repair) = world.damage(|db| {
            let mut bytes = fs::read(db).unwrap();
            let bytes_of = if what == "index" { (page - 1) * PAGE..page * PAGE } else { 0..100 };
            bytes[bytes_of].fill(0xff);
            fs::write(db, bytes).unwrap();
        });
        assert_eq!(repair.unwrap().jobs_restored, 3, "{what}");
        let state = |job| world.home.job(job).state;
        assert_eq!((state(queued), state(scheduled)), (JobState::Queued, JobState::Scheduled), "{what}");
        assert!(world.home.job(queued).held);
        let job = world.home.job(cancelled);
        assert_eq!(
            (job.state, job.reason.as_str(), job.finished_at),
            (JobState::Cancelled, "Not now.", Some(later(7)))
        );
        assert_eq!(world.home.read(|read| read.settings()).practice_pace, 42.0);
        assert!(world.home.read(|read| read.all_held()));
        // The rest of the first job's lines is in its spool, and the run is where it was.
        assert_eq!(world.home.read(|read| read.live_runs())[0].run_id, run);
        world.is_whole();
        assert_eq!(events(&world), before + 1, "and the line that was not stored yet");
        assert_eq!(world.left_over(), [""; 0]);
    }
}

#[test]
fn a_start_that_is_killed_while_it_mends_is_followed_by_one_that_goes_on() {
    let world = World::new();
    let (job, run) = world.runs("Write the imprint", &["one", "two"], 1);
    world.home.block_on(world.home.store.backup_daily()).unwrap().unwrap();
    world.ends(run, "It is written.");
    // Left by a start that had set the file aside, and begun to build.
    let (world, repair) = world.damage(|db| {
        let aside = db.with_extension("db.corrupt-2026-11-20T120000000");
        fs::write(db, "garbage ".repeat(1000)).unwrap();
        let marker = serde_json::json!({ "why": "it was garbage", "set_aside": aside });
        fs::write(db.with_extension("db.repair"), marker.to_string()).unwrap();
        fs::rename(db, aside).unwrap();
        fs::write(db.with_extension("db.building"), "half").unwrap();
    });
    let repair = repair.unwrap();
    assert!(
        repair.what.contains("it was garbage") && repair.set_aside.ends_with("aicib.db.corrupt-2026-11-20T120000000")
    );
    world.is_done(job, "It is written.");
    world.is_whole();
    // Left by one that was done but for the note.
    let (world, repair) = world.damage(|db| {
        let aside = db.with_extension("db.corrupt-2026-11-20T120000000");
        let marker = serde_json::json!({ "why": "it was garbage", "set_aside": aside });
        fs::write(db.with_extension("db.repair"), marker.to_string()).unwrap();
    });
    assert_eq!(repair, None);
    world.is_done(job, "It is written.");
    assert_eq!(world.left_over(), [""; 0]);
}

#[test]
fn damage_that_is_found_in_use_is_told_and_mended_by_the_next_start() {
    let world = World::new();
    let (job, run) = world.runs("Write the imprint", &["one", "two"], 1);
    world.ends(run, "It is written.");
    let db = world.home.database();
    let page = root_of(&db, "job_texts");
    let World { home, company } = world;
    let Home { dir, store, .. } = home;
    store.close();
    let mut bytes = fs::read(&db).unwrap();
    bytes[(page - 1) * PAGE..page * PAGE].fill(0xff);
    fs::write(&db, bytes).unwrap();
    // After a clean end nobody looks for damage.
    let opened = Store::open(&db, &dir.path().join("backups"), false).unwrap();
    assert_eq!(opened.repair, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let told = runtime.block_on(async {
        let read = opened.store.read(move |read| read.job_detail(job)).await;
        assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
        tokio::time::timeout(std::time::Duration::from_secs(5), opened.store.damaged()).await.unwrap()
    });
    assert!(told.contains("malformed"), "{told}");
    // No copy is made of it: it would push out one that is whole.
    assert!(matches!(runtime.block_on(opened.store.backup_daily()), Err(StoreError::Damaged(_))));
    opened.store.close();
    assert!(!dir.path().join("backups").exists() || fs::read_dir(dir.path().join("backups")).unwrap().count() == 0);
    let opened = Store::open(&db, &dir.path().join("backups"), false).unwrap();
    assert!(opened.repair.is_some());
    opened.store.close();
    let world = World { home: Home::at(dir), company };
    world.is_done(job, "It is written.");
    world.is_whole();
}

#[test]
fn a_copy_that_is_damaged_is_passed_over_for_an_older_one() {
    let world = World::new();
    let (job, run) = world.runs("Write the imprint", &["one"], 1);
    world.ends(run, "It is written.");
    let good = world.home.block_on(world.home.store.backup_daily()).unwrap().unwrap();
    let bad = good.with_file_name("aicib-2999-01-01T000000000-daily.db");
    let mut bytes = fs::read(&good).unwrap();
    bytes[8192..].fill(0x33);
    fs::write(&bad, bytes).unwrap();
    let copy = fs::read(&good).unwrap();
    let (world, repair) = world.damage(|db| fs::write(db, "x".repeat(5000)).unwrap());
    assert_eq!(repair.unwrap().from_backup.unwrap().0, good);
    assert_eq!(fs::read(&good).unwrap(), copy);
    assert!(bad.exists());
    world.is_done(job, "It is written.");
    let beside: Vec<_> = fs::read_dir(good.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
}

/// A damaged file of the first schema, whose runs have no folder any more: the rows are all there is.
#[test]
fn what_an_earlier_version_left_damaged_is_read_as_well() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = fs::read_to_string(base.join("../../migrations/0001_init.sql")).unwrap();
    let rows = fs::read_to_string(base.join("tests/fixtures/schema_1.sql")).unwrap();
    let left = |harm: bool| {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("aicib.db");
        let conn = Connection::open(&db).unwrap();
        conn.execute_batch(&schema).unwrap();
        conn.execute_batch(&rows).unwrap();
        conn.pragma_update(None, "user_version", 1).unwrap();
        conn.close().unwrap();
        if harm {
            let page = root_of(&db, "jobs_company");
            let mut bytes = fs::read(&db).unwrap();
            bytes[(page - 1) * PAGE..page * PAGE].fill(0xff);
            fs::write(&db, bytes).unwrap();
        }
        let opened = Store::open(&db, &dir.path().join("backups"), true).unwrap();
        assert_eq!(opened.repair.is_some(), harm);
        opened.store.close();
        let home = Home::at(dir);
        let jobs = home.read(|read| read.jobs(&contract::JobListParams::default())).jobs;
        let mut told = Vec::new();
        for job in jobs {
            let mut detail = home.read(move |read| read.job_detail(job.job_id));
            let page = EventListParams { job_id: job.job_id, after: None, before: None, limit: None };
            let events = home.read(move |read| read.events(&page)).events;
            detail.job.seq = contract::Seq(0);
            told.push((detail, events.into_iter().map(|event| event.entry).collect::<Vec<_>>()));
        }
        (told, home)
    };
    let (sound, _home) = left(false);
    let (mended, home) = left(true);
    assert_eq!(mended, sound);
    let names: Vec<String> =
        home.backups().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, [""; 0], "what is damaged is not copied");
}
