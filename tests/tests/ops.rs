//! The daemon as something that is operated: its sign of life, its log, its health, its settings, and those that look
//! after it: a unit, a container.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::{Child, Daemon, Place, SOON, Stage, Terminal, WORK, log_says, pid_of, signal, wait_for, zombies_of};
use rustix::process::Signal;
use serde_json::{Value, json};

fn private(file: &Path) -> anyhow::Result<bool> {
    Ok(fs::metadata(file)?.permissions().mode() & 0o777 == 0o600)
}

/// E041: the sign of life is there as long as the daemon, goes with it, and stays after a crash.
#[tokio::test(flavor = "multi_thread")]
async fn e041_a_daemon_gives_a_sign_of_life_and_an_unclean_end_is_seen() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(20.0).await?;
    let file = stage.place.home().join("heartbeat");
    let sign: Value = serde_json::from_slice(&fs::read(&file)?)?;
    assert_eq!(pid_of(&sign)?, stage.daemon().context("no daemon")?);
    assert!(sign["start"].as_u64() > Some(0) && sign["version"].is_string(), "{sign}");
    assert!(private(&file)?);
    let health = client.call("daemon.health", json!({})).await?;
    assert_eq!((&health["uptime_ms"].is_i64(), &health["repaired"]), (&true, &json!("")), "{health}");
    assert!(health["beat_at"].as_i64() >= sign["at"].as_i64(), "{health}");
    // The row is written beside it.
    let row = async || {
        let database = rusqlite::Connection::open(stage.place.home().join("aicib.db"))?;
        let pid: Option<u32> = database.query_row("SELECT daemon_pid FROM home", [], |row| row.get(0))?;
        Ok((pid == stage.daemon()).then_some(()))
    };
    wait_for("the row", SOON, row).await?;

    // A heart that cannot beat stops nothing.
    fs::create_dir(stage.place.home().join("heartbeat.new"))?;
    stage.kill();
    assert!(file.exists(), "a crash leaves it");
    stage.start()?;
    let mut client = stage.client().await?;
    log_says(&stage.place.home(), "the daemon before this one did not end by itself").await?;
    log_says(&stage.place.home(), "the heart missed a beat").await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["completed"], WORK).await?;
    fs::remove_dir(stage.place.home().join("heartbeat.new"))?;

    client.call("daemon.stop", json!({})).await?;
    wait_for("the sign to go", SOON, async || Ok((!file.exists()).then_some(()))).await?;
    stage.start()?;
    stage.client().await?;
    let log = fs::read_to_string(stage.place.home().join("daemon.log"))?;
    assert_eq!(log.matches("did not end by itself").count(), 1, "{log}");
    Ok(())
}

/// A daemon that was started for a client writes each line once, into a log that is its own to put aside.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_writes_its_own_log() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    terminal.run(&["daemon", "start"])?.good()?;
    let file = terminal.place.home().join("daemon.log");
    let log = fs::read_to_string(&file)?;
    assert_eq!(log.matches("the daemon is up").count(), 1, "{log}");
    assert!(private(&file)?);

    // In the foreground it says the same to whoever reads there.
    terminal.run(&["daemon", "stop"])?.good()?;
    let mut foreground = terminal.watch(&["daemon", "start", "--foreground"])?;
    foreground.until_complaint("the daemon is up")?;
    log_says(&terminal.place.home(), "the daemon is up").await?;
    let log = fs::read_to_string(&file)?;
    assert_eq!(log.matches("the daemon is up").count(), 2, "{log}");

    // Taken away, and begun anew when it is told to look.
    fs::rename(&file, terminal.place.home().join("kept.log"))?;
    terminal.daemon().await?.call("daemon.reload", json!({})).await?;
    log_says(&terminal.place.home(), "read anew").await
}

/// A log of 50 MB is put aside, and what the daemon cannot write itself goes into the new one too.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_put_aside() -> anyhow::Result<()> {
    const FULL: u64 = 50 * 1024 * 1024;
    let terminal = Terminal::new()?;
    let home = terminal.place.home();
    let log = home.join("daemon.log");
    let fill = || fs::File::create(&log).and_then(|file| file.set_len(FULL - 10));
    for number in 1..=6 {
        fill()?;
        fs::write(home.join("daemon.log.1"), format!("before {number}"))?;
        terminal.run(&["daemon", "start"])?.good()?;
        let text = fs::read_to_string(&log)?;
        assert_eq!(text.matches("the daemon is up").count(), 1, "{text}");
        assert_eq!(fs::metadata(home.join("daemon.log.1"))?.len(), FULL - 10);
        assert_eq!(fs::read_to_string(home.join("daemon.log.2"))?, format!("before {number}"));
        assert!(private(&log)?);
        let pid = terminal.daemon_pid().await?;
        for stream in [1, 2] {
            assert_eq!(fs::read_link(format!("/proc/{pid}/fd/{stream}"))?, log.canonicalize()?);
        }
        terminal.run(&["daemon", "stop"])?.good()?;
    }
    assert!(home.join("daemon.log.4").exists() && !home.join("daemon.log.5").exists());

    // Last words are found however long the log is; one that never had the home leaves it where it is.
    fill()?;
    fs::remove_file(home.join("daemon.lock"))?;
    fs::create_dir(home.join("daemon.lock"))?;
    let said = terminal.run(&["daemon", "start"])?.refused(1)?;
    assert!(said.contains("The lock"), "{said}");
    Ok(())
}

/// A reader of its standard error that has fallen asleep does not stop it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_to_read_what_it_says() -> anyhow::Result<()> {
    let place = Place::new()?;
    let mut command = place.aicib(&["daemon", "start", "--foreground"])?;
    command.env("AICIB_LOG", "trace").stderr(std::process::Stdio::piped());
    let _daemon = Child::start(&mut command)?;
    let mut client = Daemon::connect(&place.home(), SOON).await?;
    let log = place.home().join("daemon.log");
    while fs::metadata(&log)?.len() < 300_000 {
        client.call("daemon.log_level", json!({ "level": "trace" })).await?;
    }
    client.call("ping", json!({})).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_how_daemon_and_workers_fare() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(0.5).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let worker = stage.worker().await?;
    let health = wait_for("a worker that is connected", SOON, async || {
        let health = client.call("daemon.health", json!({})).await?;
        Ok((health["workers"][0]["connected"] == true).then_some(health))
    })
    .await?;
    let told = &health["workers"][0];
    assert_eq!((pid_of(told)?, &told["job_id"]), (u32::try_from(worker.as_raw_nonzero().get())?, &json!(job)));
    const MB: i64 = 1024 * 1024;
    for memory in [&told["memory_bytes"], &health["memory_bytes"]] {
        assert!((MB..500 * MB).contains(&memory.as_i64().unwrap_or_default()), "{health}");
    }
    assert!(health["cpu_ms"].as_i64() > Some(0) && health["lag_bytes"].as_i64() >= Some(0), "{health}");
    assert!(health["disk_free_bytes"].as_i64() > Some(MB), "{health}");
    assert_eq!((&health["max_parallel_jobs"], &health["status"]["held"]), (&json!(10), &json!(false)), "{health}");
    // The first copy of a day is made at once.
    wait_for("a copy of the database", SOON, async || {
        Ok(client.call("daemon.health", json!({})).await?["backup_at"].as_i64())
    })
    .await?;

    // What went wrong is kept, and no key with it.
    assert!(fs::write(stage.dir.join("aicib.config.yaml"), "sk-ant-api03-planted-key: [").is_ok());
    client.call("daemon.reload", json!({})).await?;
    let errors = client.call("daemon.health", json!({})).await?["errors"].clone();
    assert!(errors.as_array().is_some_and(|lines| !lines.is_empty() && lines.len() <= 20), "{errors}");
    assert!(!errors.to_string().contains("planted"), "{errors}");
    let log = fs::read_to_string(stage.place.home().join("daemon.log"))?;
    assert!(!log.contains("planted"), "{log}");
    client.call("job.cancel", json!({ "job_id": job })).await?;
    let health = client.call("daemon.health", json!({})).await?;
    assert_eq!(health["workers"], json!([]), "{health}");
    Ok(())
}

/// What was changed by hand is seen after a SIGHUP, or when the daemon is told to look.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_reads_settings_and_configs_anew() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(20.0).await?;
    let config = stage.dir.join("aicib.config.yaml");
    let text = fs::read_to_string(&config)?;
    let named = async |client: &mut Daemon, name: &str| {
        wait_for(&format!("the company {name}"), SOON, async || {
            let companies = client.call("company.list", json!({})).await?;
            Ok(companies.to_string().contains(name).then_some(()))
        })
        .await
    };
    fs::write(&config, text.replace("Acme", "Bolt"))?;
    let pid = stage.daemon().context("no daemon")?;
    signal(pid, Signal::HUP)?;
    log_says(&stage.place.home(), "read anew").await?;
    named(&mut client, "Bolt").await?;
    fs::write(&config, text.replace("Acme", "Crux"))?;
    let status = client.call("daemon.reload", json!({})).await?;
    assert_eq!(pid_of(&status)?, pid, "it is the same daemon");
    named(&mut client, "Crux").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_as_much_as_it_is_told_to() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(20.0).await?;
    let home = stage.place.home();
    let status = client.call("daemon.status", json!({})).await?;
    assert_eq!(status["log_level"], "info");
    let status = client.call("daemon.log_level", json!({ "level": "debug" })).await?;
    assert_eq!(status["log_level"], "debug");
    stage.client().await?;
    log_says(&home, "DEBUG").await?;
    // It holds until the daemon reads its settings anew.
    assert_eq!(client.call("daemon.reload", json!({})).await?["log_level"], "info");
    client.set(json!({ "log_level": "error" })).await?;
    assert_eq!(client.call("daemon.status", json!({})).await?["log_level"], "error");
    let length = fs::metadata(home.join("daemon.log"))?.len();
    client.call("daemon.reload", json!({})).await?;
    assert_eq!(fs::metadata(home.join("daemon.log"))?.len(), length, "nothing went wrong, and nothing is said");

    // The setting outlives the daemon; the environment goes before it.
    stage.kill();
    stage.start()?;
    assert_eq!(stage.client().await?.call("daemon.status", json!({})).await?["log_level"], "error");
    stage.kill();
    stage.place.set("AICIB_LOG", "warn,daemon=trace");
    stage.start()?;
    let mut client = stage.client().await?;
    assert_eq!(client.call("daemon.status", json!({})).await?["log_level"], "trace");
    assert_eq!(client.call("daemon.reload", json!({})).await?["log_level"], "trace");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_out_of_range_changes_nothing() -> anyhow::Result<()> {
    let (_stage, mut client) = Stage::new(20.0).await?;
    let before = client.call("settings.get", json!({})).await?;
    let refused = client.set(json!({ "run_minutes": -1, "max_parallel_jobs": 3 })).await.unwrap_err().to_string();
    assert!(refused.contains("run_minutes") && refused.contains("10080"), "{refused}");
    assert_eq!(client.call("settings.get", json!({})).await?, before);
    Ok(())
}

/// As the first process of a container it takes note of every process that ends there.
#[tokio::test(flavor = "multi_thread")]
async fn as_the_first_process_it_reaps() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root makes a namespace of its own");
        return Ok(());
    }
    let place = Place::new()?;
    let program = blackbox::binary("aicib")?;
    let mut command = place.command("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]).arg(&program);
    let mut outer = Child::start(command.args(["daemon", "start", "--foreground"]))?;
    let mut client = Daemon::connect(&place.home(), SOON).await?;
    assert_eq!(pid_of(&client.call("daemon.status", json!({})).await?)?, 1);
    let own = outer.pid();
    let daemon =
        place.processes().into_iter().find(|pid| u32::try_from(*pid).ok() != Some(own)).context("no daemon")?;

    let mut inside = place.command("nsenter");
    inside.arg(format!("--target={daemon}")).args(["--pid", "--mount", "--", "sh", "-c"]);
    let orphans = inside.arg("for n in 1 2 3 4 5; do (sleep 0.$n &) ; done").status()?;
    assert!(orphans.success());
    let daemon = u32::try_from(daemon)?;
    let sleepers = || place.processes().len();
    wait_for("the orphans to end", SOON, async || Ok((sleepers() <= 2).then_some(()))).await?;
    wait_for("the orphans to be reaped", SOON, async || Ok(zombies_of(daemon).is_empty().then_some(()))).await?;

    // Its own workers it waits for itself.
    let dir = place.path("acme");
    client.set(json!({ "practice_pace": 50.0 })).await?;
    client.found("Acme", &dir).await?;
    let job = client.brief(&dir, "Write the imprint").await?;
    client.job(job, &["completed"], WORK).await?;
    wait_for("the worker to be reaped", SOON, async || Ok(zombies_of(daemon).is_empty().then_some(()))).await?;

    signal(daemon, Signal::TERM)?;
    assert!(outer.ended(SOON).await?.success());
    assert!(!place.home().join("heartbeat").exists());
    Ok(())
}

/// A unit that started it hears when it is ready and when it stops; beginning anew is neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_told_when_it_is_ready() -> anyhow::Result<()> {
    let mut place = Place::new()?;
    let unit = UnixDatagram::bind(place.path("notify"))?;
    unit.set_read_timeout(Some(SOON))?;
    place.set("NOTIFY_SOCKET", place.path("notify"));
    let hear = || -> anyhow::Result<String> {
        let mut said = [0u8; 64];
        let length = unit.recv(&mut said)?;
        Ok(String::from_utf8_lossy(&said[..length]).into_owned())
    };
    let mut daemon = Child::start(&mut place.aicib(&["daemon", "start", "--foreground"])?)?;
    assert_eq!(hear()?, "READY=1");
    let mut client = Daemon::connect(&place.home(), SOON).await?;
    client.call("daemon.restart", json!({})).await?;
    assert_eq!(hear()?, "READY=1");
    signal(daemon.pid(), Signal::TERM)?;
    assert_eq!(hear()?, "STOPPING=1");
    assert!(daemon.ended(SOON).await?.success());
    Ok(())
}

/// The unit file that is packaged: systemd takes it as it is, and stopping it ends no worker.
#[test]
fn the_unit_file_is_sound() -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd/aicib.service");
    let text = fs::read_to_string(&file)?;
    assert!(text.lines().any(|line| line == "KillMode=process"), "{text}");
    let config = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tauri.conf.json"))?;
    let config: Value = serde_json::from_str(&config)?;
    for package in ["deb", "rpm"] {
        let files = &config["bundle"]["linux"][package]["files"];
        assert_eq!(files["/usr/lib/systemd/user/aicib.service"], "packaging/systemd/aicib.service", "{package}");
        assert!(text.contains("ExecStart=/usr/bin/aicib ") && files["/usr/bin/aicib"].is_string(), "{package}");
    }

    // Verified with a program that is there.
    let place = Place::new()?;
    let unit = place.path("aicib.service");
    fs::write(&unit, text.replace("/usr/bin/aicib", "/bin/true"))?;
    match place.command("systemd-analyze").args(["--user", "verify"]).arg(&unit).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => eprintln!("systemd is not installed"),
        verified => {
            let verified = verified?;
            let said = String::from_utf8_lossy(&verified.stderr);
            assert!(verified.status.success() && !said.contains("aicib.service"), "{said}");
        }
    }
    Ok(())
}

/// With ten subscribers and nothing to do it sleeps.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_daemon_hardly_wakes_up() -> anyhow::Result<()> {
    const LONG: Duration = Duration::from_secs(32);
    let (stage, mut client) = Stage::new(50.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["completed"], WORK).await?;
    stage.stored_once(&mut client, job).await?;
    let mut subscribers = Vec::new();
    for number in 0..10 {
        let mut subscriber = stage.client().await?;
        if number % 2 == 0 {
            subscriber.call("desk.subscribe", json!({ "dir": stage.dir })).await?;
        } else {
            subscriber.call("event.subscribe", json!({ "job_id": job, "after": 0, "deltas": true })).await?;
        }
        subscribers.push(subscriber);
    }
    let pid = stage.daemon().context("no daemon")?;
    // Threads that were needed a moment ago go to sleep for good after ten seconds.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let (began, before) = (Instant::now(), switches(pid)?);
    tokio::time::sleep(LONG).await;
    let per_second = (switches(pid)? - before) as f64 / began.elapsed().as_secs_f64();
    assert!(per_second <= 1.0, "{per_second:.2} voluntary switches a second");
    Ok(())
}

/// How often a process's threads have gone to sleep. Those that have ended since are not counted any more.
fn switches(pid: u32) -> anyhow::Result<i64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += line.map_or(Ok(0), |count| count.trim().parse::<i64>())?;
    }
    Ok(sum)
}
