//! A database that is damaged, locked, read-only or from a later version: nothing is lost, and it is said what is
//! wrong and what to do.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::{Daemon, Place, SOON, Stage, Terminal, WORK, wait_for};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Bytes of a page of the database.
const PAGE: usize = 4096;

fn database(stage: &Stage) -> PathBuf {
    stage.place.home().join("aicib.db")
}

/// Removes all copies of the database.
fn forget_copies(stage: &Stage) -> anyhow::Result<()> {
    let copies = stage.place.home().join("backups");
    for copy in fs::read_dir(&copies).with_context(|| copies.display().to_string())? {
        fs::remove_file(copy?.path())?;
    }
    Ok(())
}

/// A copy of the database as it is now: a daemon that starts makes the day's, where there is none.
async fn copy_now(stage: &mut Stage) -> anyhow::Result<Daemon> {
    forget_copies(stage)?;
    stage.kill();
    stage.start()?;
    let client = stage.client().await?;
    let copies = stage.place.home().join("backups");
    wait_for("a copy", SOON, async || {
        let made =
            fs::read_dir(&copies)?.flatten().any(|entry| entry.path().extension().is_some_and(|end| end == "db"));
        Ok(made.then_some(()))
    })
    .await?;
    Ok(client)
}

/// What is there of a job beside what the system decides: state, answer, result, cost, and all of its events.
async fn told(client: &mut Daemon, job: i64) -> anyhow::Result<Value> {
    let detail = client.call("job.get", json!({ "job_id": job })).await?;
    let page = client.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
    let mut events = page["events"].as_array().context("no events")?.clone();
    for event in &mut events {
        // Their places among all events are others.
        event["seq"] = Value::Null;
        // That it was claimed, and how its processes ended, is nowhere but in the database.
        if event["kind"] == "job_changed" {
            *event = json!({ "kind": "job_changed", "state": event["state"] });
        }
    }
    let keep =
        ["state", "title", "directive", "answer", "result", "cost_usd", "turns", "tokens", "created_at", "files"];
    let kept: serde_json::Map<String, Value> =
        keep.iter().map(|key| ((*key).to_owned(), detail[*key].clone())).collect();
    Ok(json!({ "job": kept, "events": events }))
}

/// Ways to ruin a file.
fn harm(db: &Path, how: &str) -> anyhow::Result<()> {
    let mut bytes = fs::read(db)?;
    match how {
        "header" => bytes[..100].fill(0xa5),
        "middle" => {
            let pages = bytes.len() / PAGE;
            bytes[pages / 3 * PAGE..pages / 3 * 2 * PAGE].fill(0x5a);
        }
        "truncated" => bytes.truncate(bytes.len() / 2 / PAGE * PAGE),
        "emptied" => bytes.clear(),
        _ => anyhow::bail!("{how}"),
    }
    fs::write(db, bytes)?;
    // What was written last may be in the log, and nowhere else: the harm goes to that as well.
    for end in ["aicib.db-wal", "aicib.db-shm"] {
        let _ = fs::remove_file(db.with_file_name(end));
    }
    Ok(())
}

/// Everything that was written to the log is in the file: what is harmed then is all there is.
fn fold_log(db: &Path) -> anyhow::Result<()> {
    Connection::open(db)?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// The file is damaged while no daemon runs, that was killed: jobs, events and answers are there again, those of after
/// the last copy too, and it is said what was done.
#[tokio::test(flavor = "multi_thread")]
async fn what_ran_is_there_again_after_the_database_is_damaged() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(100.0).await?;
    let db = database(&stage);
    let mut before = Vec::new();
    for (round, (how, with_copy)) in
        [("header", true), ("middle", true), ("truncated", false), ("header", false), ("emptied", true)]
            .iter()
            .enumerate()
    {
        for (number, directive) in ["Write the imprint", "Design a rocket logo"].iter().enumerate() {
            let job = client.brief(&stage.dir, directive).await?;
            client.job(job, &["completed"], WORK).await?;
            stage.stored_once(&mut client, job).await?;
            before.push((job, told(&mut client, job).await?));
            if number == 0 && *with_copy {
                client = copy_now(&mut stage).await?;
            }
        }
        if !with_copy {
            forget_copies(&stage)?;
        }
        stage.kill();
        fold_log(&db)?;
        harm(&db, how)?;
        stage.start()?;
        client = stage.client().await?;
        // Settings are in no run's record.
        client.set(json!({ "practice_pace": 100.0 })).await?;
        for (job, was) in &before {
            let is = told(&mut client, *job).await?;
            assert_eq!(is["job"], was["job"], "round {round}, {how}");
            assert_eq!(is["events"], was["events"], "round {round}, {how}");
        }
        let health = client.call("daemon.health", json!({})).await?;
        let said = health["repaired"].as_str().unwrap_or_default();
        assert!(said.contains("was damaged") && said.contains("aicib.db.corrupt-"), "{health}");
        assert_eq!(said.contains("the copy of"), *with_copy, "{said}");
        let log = fs::read_to_string(stage.place.home().join("daemon.log"))?;
        assert!(log.contains(said), "{log}");
        // The founder is not told again of what ended long ago.
        assert!(!log.contains("adopting"), "{log}");
    }
    let aside = fs::read_dir(stage.place.home())?
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains(".corrupt-"))
        .count();
    assert_eq!(aside, 3, "the last three are kept");
    stage.nothing_left().await
}

/// A worker that is at work while the database is lost goes on, with its job's number, and nobody else is started.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_goes_on_while_its_database_is_made_again() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(4.0).await?;
    let first = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(first, &["completed"], WORK).await?;
    let job = client.brief(&stage.dir, "Design a rocket logo").await?;
    let worker = stage.worker().await?;
    let spool = stage.place.home().join("runs/2/spool.jsonl");
    wait_for("its first words", SOON, async || Ok((fs::metadata(&spool)?.len() > 0).then_some(()))).await?;
    stage.kill();
    forget_copies(&stage)?;
    harm(&database(&stage), "header")?;
    stage.start()?;
    client = stage.client().await?;
    assert_eq!(stage.worker().await?, worker);
    let ended = client.job(job, &["completed"], WORK).await?;
    assert_eq!((&ended["title"], &ended["attempts"]), (&json!("Design a rocket logo"), &json!(1)), "{ended}");
    assert!(stage.stored_once(&mut client, job).await? > 10);
    stage.stored_once(&mut client, first).await?;
    let next = client.brief(&stage.dir, "Paint the fence").await?;
    assert_eq!(next, job + 1);
    client.job(next, &["completed"], WORK).await?;
    stage.nothing_left().await
}

/// Damage that is met in use: the daemon begins anew by itself, and mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_meets_damage_mends_it() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(100.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["completed"], WORK).await?;
    stage.stored_once(&mut client, job).await?;
    let was = told(&mut client, job).await?;
    client.call("daemon.stop", json!({})).await?;
    let db = database(&stage);
    wait_for("the daemon to end", SOON, async || Ok((!db.with_file_name("aicib.db-wal").exists()).then_some(())))
        .await?;
    let conn = Connection::open(&db)?;
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'job_texts'";
    let page: usize = usize::try_from(conn.query_row(root, [], |row| row.get::<_, i64>(0))?)?;
    conn.close().map_err(|(_, error)| error)?;
    let mut bytes = fs::read(&db)?;
    bytes[(page - 1) * PAGE..page * PAGE].fill(0xff);
    fs::write(&db, bytes)?;
    // After a clean end nobody looks for damage; what is asked for first meets it.
    stage.start()?;
    let mended = wait_for("the job to be there again", WORK, async || {
        let mut client = stage.client().await?;
        let is = told(&mut client, job).await?;
        let health = client.call("daemon.health", json!({})).await?;
        Ok((health["repaired"] != "").then_some(is))
    })
    .await?;
    assert_eq!(mended, was);
    Ok(())
}

/// Another program holds the database for ten seconds while a run goes on, and while a daemon starts: nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_holds_is_waited_for() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(4.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    stage.worker().await?;
    let spool = stage.place.home().join("runs/1/spool.jsonl");
    wait_for("its first words", SOON, async || Ok((fs::metadata(&spool)?.len() > 0).then_some(()))).await?;
    let held = hold(&database(&stage), Duration::from_secs(10))?;
    let began = Instant::now();
    let mut briefing = stage.client().await?;
    let dir = stage.dir.clone();
    let briefed = tokio::spawn(async move { briefing.brief(&dir, "Paint the fence").await });
    while !held.is_finished() {
        let asked = Instant::now();
        client.call("ping", json!({})).await?;
        client.call("job.get", json!({ "job_id": job })).await?;
        assert!(asked.elapsed() < Duration::from_secs(2), "it is read meanwhile");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(began.elapsed() > Duration::from_secs(9));
    let second = briefed.await??;
    for job in [job, second] {
        client.job(job, &["completed"], WORK).await?;
        assert!(stage.stored_once(&mut client, job).await? > 10);
    }
    stage.nothing_left().await?;

    stage.kill();
    let held = hold(&database(&stage), Duration::from_secs(3))?;
    stage.start()?;
    stage.client().await?;
    assert!(held.is_finished(), "it starts once it has the database");
    let log = fs::read_to_string(stage.place.home().join("daemon.log"))?;
    assert!(log.contains("another program holds the database"), "{log}");
    Ok(())
}

/// Holds the database for so long; returns once it is held.
fn hold(db: &Path, bound: Duration) -> anyhow::Result<std::thread::JoinHandle<()>> {
    let conn = Connection::open(db)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch("BEGIN EXCLUSIVE")?;
    Ok(std::thread::spawn(move || {
        std::thread::sleep(bound);
        drop(conn);
    }))
}

/// A file that cannot be written: the start says which one, and what to do; once it can be, all goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_written_is_named() -> anyhow::Result<()> {
    let terminal = Terminal::plain()?;
    terminal.run(&["init", "--name", "Acme", "--dir", "acme", "--engine", "practice"])?.good()?;
    terminal.run(&["daemon", "stop"])?.good()?;
    let db = terminal.place.home().join("aicib.db");
    fs::set_permissions(&db, fs::Permissions::from_mode(0o400))?;
    let refused = terminal.run(&["status"])?;
    let said = format!("{}{}", refused.out, refused.err);
    assert_ne!(refused.code, 0, "{said}");
    assert!(said.contains("aicib.db cannot be written") && said.contains("right to write"), "{said}");
    fs::set_permissions(&db, fs::Permissions::from_mode(0o600))?;
    terminal.run(&["status"])?.good()?;
    terminal.run(&["daemon", "stop"])?.good()?;
    Ok(())
}

/// Files that nobody may write while this lives, not even who has them open.
struct Frozen(Vec<PathBuf>);

impl Frozen {
    /// `None` where the system or its files do not have that.
    fn freeze(files: Vec<PathBuf>) -> Option<Frozen> {
        let frozen = Frozen(files);
        frozen.set("+i").then_some(frozen)
    }

    fn set(&self, how: &str) -> bool {
        Command::new("chattr").arg(how).args(&self.0).status().is_ok_and(|status| status.success())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.set("-i");
    }
}

/// The database cannot be written for a while in the middle of a run: who asks for work is told, the run goes on, and
/// what was not stored is stored afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_for_a_while_is_stored_after_it() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(4.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let spool = stage.place.home().join("runs/1/spool.jsonl");
    wait_for("its first words", SOON, async || Ok((fs::metadata(&spool)?.len() > 0).then_some(()))).await?;
    let db = database(&stage);
    let Some(frozen) = Frozen::freeze(vec![db.clone(), db.with_file_name("aicib.db-wal")]) else {
        eprintln!("not run: files cannot be made immutable here (that takes root, and ext4 or the like)");
        return Ok(());
    };
    let refused =
        client.brief(&stage.dir, "Paint the fence").await.map_or_else(|error| error.to_string(), |_| String::new());
    if refused.is_empty() {
        eprintln!("not run: this system lets who has a file open write it though it is immutable");
        return Ok(());
    }
    assert!(refused.contains("database.read_only") && refused.contains("aicib.db"), "{refused}");
    // What the run records meanwhile waits in its spool; what is asked is answered.
    let log = stage.place.home().join("daemon.log");
    wait_for("something that cannot be stored", SOON, async || {
        Ok(fs::read_to_string(&log)?.contains("could not be stored").then_some(()))
    })
    .await?;
    client.call("job.get", json!({ "job_id": job })).await?;
    drop(frozen);
    client.job(job, &["completed"], WORK).await?;
    assert!(stage.stored_once(&mut client, job).await? > 10);
    let next = client.brief(&stage.dir, "Paint the fence").await?;
    client.job(next, &["completed"], WORK).await?;
    stage.nothing_left().await
}

/// Runs inside a mount namespace; $1 is the place.
const READ_ONLY: &str = r#"
set -eu
cd "$1"
mount --bind "$AICIB_HOME" "$AICIB_HOME"
"$AICIB" init --name Acme --dir acme --engine practice >/dev/null
cd acme
"$AICIB" start >/dev/null
"$AICIB" daemon stop >/dev/null
mount -o remount,bind,ro "$AICIB_HOME"
if "$AICIB" status; then echo "it was not refused"; exit 1; fi
mount -o remount,bind,rw "$AICIB_HOME"
"$AICIB" status --json
"$AICIB" stop >/dev/null
"$AICIB" daemon stop >/dev/null
"#;

/// The whole home is on a disk that is mounted read-only.
#[test]
fn a_home_that_cannot_be_written_is_named() -> anyhow::Result<()> {
    let place = Place::new()?;
    let program = place.aicib(&[])?.get_program().to_owned();
    if !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("not run: this system gives no mount namespaces");
        return Ok(());
    }
    let output = place
        .command("unshare")
        .env("AICIB", program)
        .args(["-rm", "bash", "-c", READ_ONLY, "read_only"])
        .arg(place.root())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.success(), "{}\n{said}", String::from_utf8_lossy(&output.stdout));
    let home = place.home().display().to_string();
    assert!(said.contains(&home) && said.to_lowercase().contains("read-only"), "{said}");
    Ok(())
}

/// A database of a later version is refused: with both versions, and what to do, wherever one looks.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_version_s_database_is_refused_with_both_versions() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    terminal.run(&["daemon", "stop"])?.good()?;
    let db = terminal.place.home().join("aicib.db");
    let conn = Connection::open(&db)?;
    let known: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    conn.pragma_update(None, "user_version", known + 7)?;
    conn.close().map_err(|(_, error)| error)?;
    let before = fs::read(&db)?;
    for command in [["status", "--json"], ["brief", "Write"]] {
        let refused = terminal.run(&command)?;
        let said = format!("{}{}", refused.out, refused.err);
        assert_ne!(refused.code, 0, "{said}");
        for part in [format!("schema {}", known + 7), format!("schema {known}"), "latest version".into()] {
            assert!(said.contains(&part), "{part}: {said}");
        }
    }
    assert_eq!(fs::read(&db)?, before);
    Ok(())
}
