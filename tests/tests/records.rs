//! What is kept of jobs, and how it leaves: files laid beside a brief, what a job did to files, exports, deletes, notices,
//! what all of it takes on disk.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use blackbox::{Business, Daemon, SOON, Stage, Terminal, WORK, wait_for};
use serde_json::{Value, json};
use testkit::{On, Provider, Script, Turn};

#[tokio::test]
async fn a_job_is_exported_as_text_as_json_and_as_a_page() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    let title = "Write <script>alert(1)</script> for Müller & Söhne";
    terminal.run(&["brief", title])?.good()?;
    let company = terminal.company();
    for (name, flags) in [("job.md", &[][..]), ("job.json", &[]), ("page", &["--format", "html"])] {
        let args = [&["export", "1", "--to", name], flags].concat();
        let said = terminal.run(&args)?.good()?;
        assert!(said.contains(&company.join(name).display().to_string()), "it says where: {said}");
    }
    let text = fs::read_to_string(company.join("job.md"))?;
    for part in ["# Job 1: Write \\<script\\>", "Müller & Söhne", "- State: completed", "## Answer", "## What happened"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let all: Value = serde_json::from_str(&fs::read_to_string(company.join("job.json"))?)?;
    assert_eq!((&all["job"]["job_id"], &all["company"]), (&json!(1), &json!("Acme")));
    let events = all["events"].as_array().context("no events")?;
    assert_eq!(Some(events.len() as i64), all["job"]["events"].as_i64());
    let page = fs::read_to_string(company.join("page"))?;
    assert!(page.starts_with("<!doctype html>") && page.contains("default-src 'none'"), "{page}");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;") && page.ends_with("</html>\n"), "{page}");
    for remote in ["src=", "href=", "url("] {
        assert!(!page.contains(remote), "{remote}: {page}");
    }
    // What is there stays as it is, and what is no job makes no file.
    let said = terminal.run(&["export", "1", "--to", "job.md"])?.refused(1)?;
    assert!(said.contains("a file already"), "{said}");
    assert_eq!(fs::read_to_string(company.join("job.md"))?, text);
    terminal.run(&["export", "9", "--to", "nothing.md"])?.refused(1)?;
    terminal.run(&["export", "1", "--to", "nowhere/job.md"])?.refused(1)?;
    assert!(!company.join("nothing.md").exists() && !company.join("nowhere").exists());
    let left = fs::read_dir(&company)?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    assert_eq!(left.filter(|name| name.contains(".tmp")).collect::<Vec<_>>(), [""; 0], "no half file is left");
    Ok(())
}

#[tokio::test]
async fn jobs_are_deleted_by_their_numbers_and_nothing_else_goes() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    for title in ["Write one", "Write two", "Write three"] {
        terminal.run(&["brief", title])?.good()?;
    }
    terminal.pace(0.2).await?;
    terminal.run(&["brief", "-b", "Write four"])?.good()?;
    let reports = || Ok::<_, anyhow::Error>(fs::read_dir(terminal.company().join("reports"))?.count());
    let before = reports()?;
    let said = terminal.run(&["delete", "1"])?.refused(2)?;
    assert!(said.contains("--yes"), "{said}");
    // All of them, or none.
    let said = terminal.run(&["delete", "1", "4", "-y"])?.refused(1)?;
    assert!(said.contains("Job 4 cannot be deleted"), "{said}");
    terminal.run(&["delete", "1", "77", "-y"])?.refused(1)?;
    terminal.run(&["logs", "1"])?.good()?;
    let out = terminal.run(&["delete", "#1", "3", "3", "-y"])?.good()?;
    assert!(out.contains("Deleted: 2 jobs with "), "{out}");
    let mut daemon = terminal.daemon().await?;
    let page = daemon.call("job.list", json!({})).await?;
    let left: Vec<i64> =
        page["jobs"].as_array().into_iter().flatten().filter_map(|job| job["job_id"].as_i64()).collect();
    assert_eq!(left, [4, 2]);
    terminal.run(&["logs", "1"])?.refused(1)?;
    let runs = terminal.place.home().join("runs");
    let left = fs::read_dir(runs)?.count();
    assert_eq!((left, reports()?), (2, before), "two runs are left, and all of the company's files");
    terminal.run(&["logs", "2"])?.good()?;
    terminal.run(&["stop"])?.good()?;
    Ok(())
}

#[tokio::test]
async fn jobs_are_found_by_agent_engine_and_order() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.run(&["brief", "Write one"])?.good()?;
    terminal.run(&["brief", "--to", "cto", "Look at it"])?.good()?;
    terminal.run(&["brief", "Write three"])?.good()?;
    let numbers = |args: &[&str]| {
        let page = terminal.run(&[&["jobs", "--json"], args].concat())?.json()?;
        let jobs = page["jobs"].as_array().cloned().unwrap_or_default();
        Ok::<_, anyhow::Error>(jobs.iter().filter_map(|job| job["job_id"].as_i64()).collect::<Vec<_>>())
    };
    assert_eq!(numbers(&["--agent", "cto"])?, [2]);
    assert_eq!(numbers(&["--engine", "practice", "--sort", "oldest"])?, [1, 2, 3]);
    assert_eq!(numbers(&["--sort", "oldest", "-n", "2"])?, [1, 2]);
    assert_eq!(numbers(&["--engine", "claude-code"])?, [0; 0]);
    assert_eq!(numbers(&["--sort", "duration"])?.len(), 3);
    assert_eq!(numbers(&["--until", "1h"])?, [0; 0]);
    terminal.run(&["jobs", "--engine", "steam"])?.refused(2)?;
    Ok(())
}

fn inbox(company: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(company.join("inbox")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn attached_files_go_with_the_brief_and_only_with_one_that_is_stored() -> anyhow::Result<()> {
    let (stage, mut daemon) = Stage::new(100.0).await?;
    let file = stage.place.path("plan of mine.txt");
    fs::write(&file, "the plan\n")?;
    let submit = |file: &PathBuf, key: &str| {
        json!({
            "company": { "dir": stage.dir }, "directive": "Read it", "origin": "client", "start_session": true,
            "queue": true, "attachments": [file], "idempotency_key": key
        })
    };
    let first = daemon.call("job.submit", submit(&file, "one")).await?;
    assert_eq!(inbox(&stage.dir), ["plan-of-mine.txt"]);
    assert_eq!(fs::read_to_string(stage.dir.join("inbox/plan-of-mine.txt"))?, "the plan\n");
    let detail = daemon.call("job.get", json!({ "job_id": first["job_id"] })).await?;
    let directive = detail["directive"].as_str().context("no directive")?;
    assert!(directive.starts_with("Read it\n") && directive.contains("inbox/plan-of-mine.txt"), "{directive}");
    assert_eq!(detail["title"], "Read it");
    // The same once more is the same job, with the same file.
    let again = daemon.call("job.submit", submit(&file, "one")).await?;
    assert_eq!((&again["job_id"], inbox(&stage.dir).len()), (&first["job_id"], 1));
    // One that is refused leaves nothing.
    assert!(daemon.call("job.submit", submit(&stage.place.path("nothing"), "two")).await.is_err());
    let mut wrong = submit(&file, "three");
    wrong["after_job_id"] = json!(99);
    assert!(daemon.call("job.submit", wrong).await.is_err());
    assert_eq!(inbox(&stage.dir), ["plan-of-mine.txt"]);
    daemon.call("job.submit", submit(&file, "four")).await?;
    assert_eq!(inbox(&stage.dir), ["plan-of-mine-2.txt", "plan-of-mine.txt"]);
    Ok(())
}

async fn diff(daemon: &mut Daemon, job: i64, path: &str) -> anyhow::Result<Value> {
    daemon.call("job.file_diff", json!({ "job_id": job, "path": path })).await
}

/// Two heads work at once: one with commands alone, and both on one file.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_did_to_files_is_shown_against_what_they_were() -> anyhow::Result<()> {
    let wait = "while [ ! -e go ]; do sleep 0.05; done";
    let first = format!("echo by the first >> shared.md && rm old.md && {wait} && printf '\\211\\000' > logo.png");
    let bash = |command: &str| Turn::tool("Bash", json!({ "command": command }));
    let write = |path: &str, text: &str| Turn::tool("Write", json!({ "file_path": path, "content": text }));
    let script = Script::default().when(On::Task("Do the first".into()), [bash(&first), Turn::text("Done.")]).when(
        On::Task("Do the second".into()),
        [
            write("shared.md", "by the second\n"),
            write("own.md", "one\n"),
            write("own.md", "two\n"),
            Turn::text("Done."),
        ],
    );
    let provider = Provider::start(script).await;
    let mut acme = Business::start(&provider).await?;
    acme.configure("tools.commands", "true").await?;
    acme.daemon.set(json!({ "sandbox": "off" })).await?;
    for (agent, act) in [("cto", "command"), ("cto", "write"), ("cmo", "write")] {
        let rule = json!({
            "company": acme.company(), "agent": agent, "act": act, "verdict": "allow", "origin": "desk"
        });
        acme.daemon.call("permission.set", rule).await?;
    }
    fs::write(acme.dir.join("shared.md"), "as it was\n")?;
    fs::write(acme.dir.join("old.md"), "gone soon\n")?;
    let first = acme.submit("Do the first", json!({ "agent": "cto" })).await?;
    let shared = acme.dir.join("shared.md");
    wait_for("the first to be at work", SOON, async || {
        Ok(fs::read_to_string(&shared)?.contains("by the first").then_some(()))
    })
    .await?;
    let second = acme.submit("Do the second", json!({ "agent": "cmo" })).await?;
    // While it is at work, what it did so far is shown.
    wait_for("the diff of a job at work", WORK, async || {
        let shown = diff(&mut acme.daemon, second, "own.md").await;
        Ok(shown.ok().filter(|shown| shown["state"] == "created"))
    })
    .await?;
    acme.daemon.job(second, &["completed"], WORK).await?;
    fs::write(acme.dir.join("go"), "")?;
    acme.daemon.job(first, &["completed"], WORK).await?;

    let page = acme.daemon.call("job.files", json!({ "job_id": first })).await?;
    let files = page["files"].as_array().context("no files")?;
    let named: Vec<(&str, &str)> =
        files.iter().filter_map(|file| Some((file["path"].as_str()?, file["agent"].as_str()?))).collect();
    for file in ["logo.png", "old.md", "shared.md"] {
        assert!(named.contains(&(file, "system")), "{named:?}");
    }
    let daemon = &mut acme.daemon;
    let shown = diff(daemon, first, "shared.md").await?;
    assert_eq!((&shown["state"], &shown["also_by"]), (&json!("changed"), &json!([second])), "{shown}");
    let text = shown["diff"].as_str().context("no diff")?;
    assert!(text.contains("-as it was\n") && text.contains("+by the second\n"), "{text}");
    let shown = diff(daemon, first, "old.md").await?;
    assert_eq!((&shown["state"], &shown["also_by"]), (&json!("removed"), &json!([])), "{shown}");
    let shown = diff(daemon, first, "logo.png").await?;
    assert_eq!((&shown["state"], &shown["diff"]), (&json!("binary"), &json!("")), "{shown}");

    let shown = diff(daemon, second, "own.md").await?;
    assert_eq!(shown["state"], "created", "{shown}");
    let text = shown["diff"].as_str().context("no diff")?;
    assert!(text.ends_with("+two\n") && !text.contains("one"), "{text}");
    let shown = diff(daemon, second, "shared.md").await?;
    assert_eq!((&shown["state"], &shown["also_by"]), (&json!("changed"), &json!([first])), "{shown}");
    let text = shown["diff"].as_str().context("no diff")?;
    assert!(text.contains("-as it was\n-by the first\n+by the second\n"), "{text}");

    // What was kept is what counts, whatever became of the file since.
    fs::write(acme.dir.join("own.md"), "much later\n")?;
    let daemon = &mut acme.daemon;
    let shown = diff(daemon, second, "own.md").await?;
    assert!(shown["diff"].as_str().is_some_and(|text| text.ends_with("+two\n")), "{shown}");
    for path in ["never.md", "../acme/own.md", "/etc/passwd", ""] {
        assert!(diff(daemon, second, path).await.is_err(), "{path}");
    }
    assert!(diff(daemon, 99, "own.md").await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_left_is_shown_too() -> anyhow::Result<()> {
    let write = Turn::tool("Write", json!({ "file_path": "page.md", "content": "half\n" }));
    let wait = Turn::tool("Bash", json!({ "command": "touch begun; sleep 600" }));
    let provider = Provider::start(Script::default().when(On::Task("Do it".into()), [write, wait])).await;
    let mut acme = Business::start(&provider).await?;
    acme.configure("tools.commands", "true").await?;
    acme.daemon.set(json!({ "sandbox": "off" })).await?;
    for act in ["command", "write"] {
        let rule = json!({
            "company": acme.company(), "agent": "cto", "act": act, "verdict": "allow", "origin": "desk"
        });
        acme.daemon.call("permission.set", rule).await?;
    }
    fs::write(acme.dir.join("page.md"), "as it was\n")?;
    let job = acme.submit("Do it", json!({ "agent": "cto" })).await?;
    let begun = acme.dir.join("begun");
    wait_for("the command", SOON, async || Ok(begun.exists().then_some(()))).await?;
    acme.crash_worker(job).await?;
    acme.daemon.job(job, &["failed"], WORK).await?;
    fs::write(acme.dir.join("page.md"), "much later\n")?;
    let shown = diff(&mut acme.daemon, job, "page.md").await?;
    assert_eq!(shown["state"], "changed", "{shown}");
    let text = shown["diff"].as_str().context("no diff")?;
    assert!(text.contains("-as it was\n+half\n"), "{text}");
    Ok(())
}

/// What became of each notice, oldest first.
async fn deliveries(daemon: &mut Daemon) -> anyhow::Result<Vec<String>> {
    let page = daemon.call("notice.list", json!({})).await?;
    let rows = page["notices"].as_array().cloned().unwrap_or_default();
    let of = |row: &Value| row["delivery"].as_str().unwrap_or("none").to_owned();
    Ok(rows.iter().rev().map(of).collect())
}

#[tokio::test]
async fn notices_come_by_kind_and_hour_and_all_are_in_the_list() -> anyhow::Result<()> {
    let (stage, mut daemon) = Stage::new(100.0).await?;
    let at = |hours: i64| {
        let then = jiff::Zoned::now().checked_add(jiff::Span::new().hours(hours))?;
        Ok::<_, anyhow::Error>(then.strftime("%H:%M").to_string())
    };
    let quiet = json!({ "quiet_from": at(-2)?, "quiet_to": at(2)? });
    // Nobody shows notifications here: one that is tried fails, and says so.
    for (n, notify) in [json!({ "done": false }), quiet, json!({})].into_iter().enumerate() {
        daemon.set(json!({ "notify": notify })).await?;
        let job = daemon.brief(&stage.dir, "Write a page").await?;
        daemon.job(job, &["completed"], WORK).await?;
        wait_for("the notice's fate", SOON, async || {
            let known = deliveries(&mut daemon).await?;
            Ok((known.len() == n + 1 && !known.contains(&"none".to_owned())).then_some(()))
        })
        .await?;
    }
    assert_eq!(deliveries(&mut daemon).await?, ["off", "quiet", "failed"]);
    let page = daemon.call("notice.list", json!({ "limit": 2 })).await?;
    assert_eq!((&page["unseen"], page["notices"].as_array().map(Vec::len)), (&json!(3), Some(2)), "{page}");
    let newest = &page["notices"][0];
    assert_eq!((&newest["kind"], &newest["seen"]), (&json!("done"), &json!(false)), "{page}");
    assert!(newest["title"].as_str().is_some_and(|title| title.contains("Write a page")), "{page}");
    let seen = daemon.call("notice.seen", json!({ "up_to": page["notices"][1]["notice_id"] })).await?;
    assert_eq!(seen["unseen"], 1, "{seen}");
    let page = daemon.call("notice.list", json!({ "before": page["next"] })).await?;
    assert_eq!(page["notices"].as_array().map(Vec::len), Some(1), "{page}");
    for wrong in [json!({ "quiet_from": "25:00" }), json!({ "doorbell": true })] {
        assert!(daemon.set(json!({ "notify": wrong })).await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn many_ends_at_once_are_told_together() -> anyhow::Result<()> {
    let (stage, mut daemon) = Stage::new(100.0).await?;
    for n in 1..=7 {
        daemon.brief(&stage.dir, &format!("Write page {n}")).await?;
    }
    for job in 1..=7 {
        daemon.job(job, &["completed"], WORK).await?;
    }
    let known = wait_for("all to be told", WORK, async || {
        let known = deliveries(&mut daemon).await?;
        Ok((known.len() == 7 && !known.contains(&"none".to_owned())).then_some(known))
    })
    .await?;
    let told = known.iter().filter(|delivery| *delivery == "failed").count();
    let together = known.iter().filter(|delivery| *delivery == "grouped").count();
    // On a slow machine fewer of them come at once.
    assert!(together >= 1 && told + together == 7, "{known:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_kept_is_measured_and_listed() -> anyhow::Result<()> {
    let terminal = Terminal::with_session().await?;
    terminal.run(&["brief", "Write a page"])?.good()?;
    let report = terminal.run(&["storage", "--json"])?.json()?;
    assert_eq!(report["jobs"], 1, "{report}");
    for part in ["database_bytes", "runs_bytes", "logs_bytes", "events", "free_bytes"] {
        assert!(report[part].as_i64().is_some_and(|bytes| bytes > 0), "{part}: {report}");
    }
    assert_eq!(report["home"].as_str(), terminal.place.home().to_str());
    let out = terminal.run(&["storage"])?.good()?;
    assert!(out.contains("in all") && out.contains("1 job, "), "{out}");
    let out = terminal.run(&["notices", "--seen"])?.good()?;
    assert!(out.contains("#1") && out.contains("you were there"), "{out}");
    let page = terminal.run(&["notices", "--json"])?.json()?;
    assert_eq!(page["unseen"], 0, "{page}");
    Ok(())
}
