//! How a daemon begins: anew in its own place, after another one, after another version, and where something is in the
//! way.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use anyhow::Context;
use blackbox::{Child, Daemon, SOON, Stage, Terminal, WORK, log_says, pid_of, signal, wait_for, zombies_of};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

/// Whoever starts a daemon that dies at once is told its last words.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_words_of_a_daemon_that_cannot_start_are_told() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    fs::create_dir(terminal.place.home().join("daemon.lock"))?;
    let said = terminal.run(&["daemon", "start"])?.refused(1)?;
    assert!(said.contains("The lock") && said.contains("daemon.lock"), "{said}");
    Ok(())
}

/// Begun anew in mid-run: the same process, the same worker, nothing lost, and nobody who waits to be taken note of.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_process_and_its_runs() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(1.5).await?;
    let pid = stage.daemon().context("no daemon")?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let worker = stage.worker().await?;
    for round in 1..=3 {
        client.call("daemon.restart", json!({})).await?;
        client = wait_for("the daemon to be there again", SOON, async || {
            let log = fs::read_to_string(stage.place.home().join("daemon.log"))?;
            anyhow::ensure!(log.matches("the daemon is up").count() > round, "not yet");
            Ok(Some(stage.client().await?))
        })
        .await?;
        assert_eq!(pid_of(&client.call("daemon.status", json!({})).await?)?, pid);
        assert_eq!(stage.worker().await?, worker);
    }
    client.job(job, &["completed"], WORK).await?;
    stage.stored_once(&mut client, job).await?;
    stage.nothing_left().await?;
    wait_for("the worker to be reaped", SOON, async || Ok(zombies_of(pid).is_empty().then_some(()))).await?;
    let log = fs::read_to_string(stage.place.home().join("daemon.log"))?;
    assert!(!log.contains("did not end by itself"), "{log}");
    // What it starts now is its own child, and is waited for as such.
    let job = client.brief(&stage.dir, "Design a rocket logo").await?;
    client.job(job, &["completed"], WORK).await?;
    wait_for("the worker to be reaped", SOON, async || Ok(zombies_of(pid).is_empty().then_some(()))).await
}

/// Told to end as a system that shuts a service down does, it ends by itself, and its runs do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_told_to_end_leaves_its_runs() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(1.5).await?;
    for told in [Signal::TERM, Signal::INT] {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        client.job(job, &["running"], WORK).await?;
        let worker = stage.worker().await?;
        signal(stage.daemon().context("no daemon")?, told)?;
        let sign = stage.place.home().join("heartbeat");
        wait_for("the daemon to end", SOON, async || Ok((!sign.exists()).then_some(()))).await?;
        assert_eq!(stage.worker().await?, worker);
        stage.start()?;
        client = stage.client().await?;
        client.job(job, &["completed"], WORK).await?;
        stage.stored_once(&mut client, job).await?;
    }
    stage.nothing_left().await
}

/// No other daemon gets between the end and the new beginning.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_not_overtaken() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let pid = terminal.daemon_pid().await?;
    for _ in 0..4 {
        let mut client = terminal.daemon().await?;
        client.call("daemon.restart", json!({})).await?;
        // Once it has hung up there is none, for a moment.
        while client.call("ping", json!({})).await.is_ok() {}
        let commands: Vec<_> =
            (0..4).map(|_| terminal.watch(&["daemon", "start", "--json"])).collect::<Result<_, _>>()?;
        for command in commands {
            let ran = command.ended().await?;
            let status: Value = serde_json::from_str(&ran.out).map_err(|_| anyhow::anyhow!("{ran:?}"))?;
            assert_eq!(status["pid"], pid, "{ran:?}");
        }
    }
    Ok(())
}

/// A program that was replaced under its daemon: the daemon goes on as it is, and is the new one once it is told to
/// begin anew. Runs do not notice.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_takes_over_in_place() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    terminal.run(&["daemon", "stop"])?.good()?;
    let (built, program) = (blackbox::binary("aicib")?, terminal.place.path("bin/aicib"));
    fs::create_dir(terminal.place.path("bin"))?;
    fs::copy(&built, &program)?;
    let _daemon = Child::start(terminal.place.command(&program).args(["daemon", "start", "--foreground"]))?;
    let mut client = terminal.daemon().await?;
    let pid = terminal.daemon_pid().await?;
    terminal.pace(1.5).await?;
    let job = client.brief(&terminal.company(), "Write the imprint").await?;
    client.job(job, &["running"], WORK).await?;

    let fresh = terminal.place.path("bin/fresh");
    fs::copy(&built, &fresh)?;
    fs::rename(&fresh, &program)?;
    let runs = fs::read_link(format!("/proc/{pid}/exe"))?.display().to_string();
    assert!(runs.ends_with("(deleted)"), "{runs}");
    // It still has workers to start.
    terminal.pace(20.0).await?;
    let next = client.brief(&terminal.company(), "Design a rocket logo").await?;
    client.call("daemon.restart", json!({})).await?;
    let replaced = async || {
        let now = fs::metadata(format!("/proc/{pid}/exe"))?;
        Ok((now.ino() == fs::metadata(&program)?.ino()).then_some(()))
    };
    wait_for("the new program to take over", SOON, replaced).await?;
    let mut client = terminal.daemon().await?;
    assert_eq!(terminal.daemon_pid().await?, pid);
    client.job(job, &["completed"], WORK).await?;
    client.job(next, &["completed"], WORK).await?;

    // Gone altogether, it says so and goes on.
    fs::remove_file(&program)?;
    let refused = client.call("daemon.restart", json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("not there any more"), "{refused}");
    let job = client.brief(&terminal.company(), "Paint the fence").await?;
    client.job(job, &["completed"], WORK).await?;
    Ok(())
}

/// The worker of an earlier version, left by an earlier daemon: what it writes is read and understood.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_worker_goes_on_under_a_new_daemon() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(0.3).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let worker = stage.worker().await?;
    let spool = stage.place.home().join("runs/1/spool.jsonl");
    wait_for("its first words", SOON, async || Ok((fs::metadata(&spool)?.len() > 0).then_some(()))).await?;
    stage.kill();
    kill_process(worker, Signal::KILL)?;
    wait_for("it to be gone", SOON, async || Ok(stage.others().is_empty().then_some(()))).await?;

    // In its place stands one that speaks the first version.
    let old = Child::start(stage.place.command("sleep").arg("1000"))?;
    let stat = fs::read_to_string(format!("/proc/{}/stat", old.pid()))?;
    let start: i64 = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(19)).context("no start")?.parse()?;
    let database = rusqlite::Connection::open(stage.place.home().join("aicib.db"))?;
    database.execute("UPDATE runs SET pid = ?1, start_ticks = ?2 WHERE id = 1", (old.pid(), start))?;
    database.close().map_err(|(_, error)| error)?;
    let written = fs::read(&spool)?;
    let whole = written.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut text = String::from_utf8(written[..whole].to_vec())?.replace("\"v\":2", "\"v\":1");
    let next = text.lines().count() + 1;
    let say = |n: usize, body: Value| {
        let mut line = json!({ "v": 1, "n": n, "at": 1_900_000_000_000i64, "agent": "ceo" });
        line.as_object_mut().into_iter().for_each(|line| line.extend(body.as_object().cloned().unwrap_or_default()));
        format!("{line}\n")
    };
    text += &say(next, json!({ "kind": "message", "text": "As we used to say it" }));
    fs::write(&spool, &text)?;

    stage.start()?;
    let mut client = stage.client().await?;
    let stored = wait_for("what it said", SOON, async || {
        let page = client.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
        Ok(page.to_string().contains("As we used to say it").then_some(page))
    })
    .await?;
    assert_eq!(client.call("job.get", json!({ "job_id": job })).await?["state"], "running", "{stored}");
    text += &say(
        next + 1,
        json!({ "kind": "run_exited", "outcome": "completed", "result": "Done the old way", "turns": 1, "ended": 0, "forced": 0, "left": 0 }),
    );
    fs::write(&spool, &text)?;
    drop(old);
    let done = client.job(job, &["completed"], WORK).await?;
    assert!(done.to_string().contains("Done the old way"), "{done}");
    stage.stored_once(&mut client, job).await?;
    Ok(())
}

/// A daemon of an earlier version makes way when a newer program calls.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_daemon_hands_over() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    terminal.run(&["daemon", "stop"])?.good()?;
    let home = terminal.place.home();
    let lock = fs::File::options().write(true).open(home.join("daemon.lock"))?;
    lock.lock()?;
    let listener = tokio::net::UnixListener::bind(home.join("aicib.sock"))?;
    let old = tokio::spawn(async move {
        use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
        loop {
            let (read, mut write) = listener.accept().await?.0.into_split();
            let mut lines = BufReader::new(read).lines();
            while let Some(line) = lines.next_line().await? {
                let asked: Value = serde_json::from_str(&line)?;
                let result = match asked["method"].as_str() {
                    Some("initialize") => json!({ "protocol": 1, "version": "0.0.1", "pid": 1 }),
                    _ => json!({}),
                };
                let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
                write.write_all(format!("{answer}\n").as_bytes()).await?;
                if asked["method"] == "daemon.stop" {
                    drop(listener);
                    drop(lock);
                    return anyhow::Ok(());
                }
            }
        }
    });
    let status = terminal.run(&["daemon", "start", "--json"])?.json()?;
    old.await??;
    assert_ne!(status["version"], "0.0.1", "{status}");
    Ok(())
}

/// What lies in the socket's place is no obstacle, and is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_sockets_place_is_moved_aside() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let home = terminal.place.home();
    fs::write(home.join("aicib.sock"), "somebody's")?;
    terminal.run(&["daemon", "start"])?.good()?;
    assert_eq!(fs::read_to_string(home.join("aicib.sock.aside-1"))?, "somebody's");
    log_says(&home, "was moved aside").await?;
    terminal.daemon().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_a_dead_daemon_is_no_obstacle() -> anyhow::Result<()> {
    let terminal = Terminal::with_company().await?;
    let dead = terminal.daemon_pid().await?;
    terminal.kill_daemon().await?;
    fs::write(terminal.place.home().join("daemon.lock"), format!("{dead}\n"))?;
    terminal.run(&["start"])?.good()?;
    assert_ne!(terminal.daemon_pid().await?, dead);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_may_have_spaces_and_letters_of_any_language() -> anyhow::Result<()> {
    let mut terminal = Terminal::new()?;
    let home = terminal.place.path("Mein Büro – 会社 🏢/daten 'x' \"y\"");
    terminal.place.set("AICIB_HOME", &home);
    terminal.run(&["init", "--name", "Grün & Söhne", "--dir", "unsere Firma ü", "--engine", "practice"])?.good()?;
    let mut client = Daemon::connect(&home, SOON).await?;
    client.set(json!({ "practice_pace": 50.0 })).await?;
    let job = client.brief(&terminal.place.path("unsere Firma ü"), "Schreib das Impressum").await?;
    client.job(job, &["completed"], WORK).await?;
    let pid = pid_of(&client.call("daemon.status", json!({})).await?)?;
    client.call("daemon.restart", json!({})).await?;
    wait_for("it to be there again", SOON, async || {
        let log = fs::read_to_string(home.join("daemon.log"))?;
        Ok((log.matches("the daemon is up").count() == 2).then_some(()))
    })
    .await?;
    let mut client = Daemon::connect(&home, SOON).await?;
    assert_eq!(pid_of(&client.call("daemon.status", json!({})).await?)?, pid);
    Ok(())
}

/// Without HOME the list of users says where a user's data is; where that does not either, the founder is told what to
/// set.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_home_folder_it_says_what_to_set() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root acts as a user that the system does not know");
        return Ok(());
    }
    let terminal = Terminal::new()?;
    let program = terminal.place.path("aicib-copy");
    fs::copy(blackbox::binary("aicib")?, &program)?;
    fs::set_permissions(terminal.place.root(), fs::Permissions::from_mode(0o755))?;
    for args in [&["status"][..], &["daemon", "start"], &["daemon", "start", "--foreground"]] {
        let mut command = terminal.place.command("setpriv");
        command.args(["--reuid", "54321", "--regid", "54321", "--clear-groups", "--"]).arg(&program).args(args);
        for name in ["HOME", "AICIB_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
            command.env_remove(name);
        }
        let ran = command.output()?;
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(!ran.status.success() && said.contains("AICIB_HOME") && said.contains("HOME is not set"), "{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_cannot_be_written_is_named() -> anyhow::Result<()> {
    let terminal = Terminal::plain()?;
    let home = terminal.place.home();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o500))?;
    let said = terminal.run(&["daemon", "start"])?.refused(1)?;
    assert!(said.contains(&home.display().to_string()) && said.contains("AICIB_HOME"), "{said}");
    let ran = terminal.run(&["daemon", "start", "--foreground"])?;
    assert!(ran.code == 1 && ran.err.contains(&home.display().to_string()), "{ran:?}");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
    terminal.run(&["daemon", "start"])?.good()?;
    Ok(())
}
