//! The whole life of a job in the daemon's hands: its place in line, its time, what it waits for, holds, tries, ends,
//! and being forgotten.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use blackbox::{Daemon, Place, SOON, Stage, WORK, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{Provider, Script, Turn};

const ENDED: [&str; 3] = ["completed", "failed", "cancelled"];

/// Sends a brief as it is given, in addition to what every brief needs.
async fn submit(client: &mut Daemon, stage: &Stage, more: Value) -> anyhow::Result<Value> {
    let mut params = json!({
        "company": { "dir": stage.dir }, "directive": "Write the imprint", "origin": "client", "start_session": true
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    client.call("job.submit", params).await
}

fn number(job: &Value) -> anyhow::Result<i64> {
    job["job_id"].as_i64().with_context(|| format!("no number: {job}"))
}

async fn get(client: &mut Daemon, job: i64) -> anyhow::Result<Value> {
    client.call("job.get", json!({ "job_id": job })).await
}

/// What a call was refused with.
async fn refusal(client: &mut Daemon, method: &str, params: Value) -> anyhow::Result<String> {
    match client.call(method, params).await {
        Ok(answer) => anyhow::bail!("{method} was not refused: {answer}"),
        Err(error) => Ok(error.to_string()),
    }
}

fn now_ms() -> anyhow::Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_millis())?)
}

/// A second brief to a busy session is refused with the first one's number and words; with `queue` it stands in line,
/// and knows where.
#[tokio::test(flavor = "multi_thread")]
async fn e009_a_busy_session_refuses_or_queues() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(0.2).await?;
    let first = number(&submit(&mut client, &stage, json!({ "directive": "Paint the fence" })).await?)?;
    let refused = submit(&mut client, &stage, json!({})).await.err().context("it was let in")?.to_string();
    for part in ["session.busy", "Paint the fence", &format!("\"job_id\":{first}"), "\"title\":", "--queue"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    for place in 1..=3 {
        let queued = submit(&mut client, &stage, json!({ "queue": true })).await?;
        assert_eq!((&queued["state"], &queued["position"]), (&json!("queued"), &json!(place)), "{queued}");
    }
    for bad in [101, -101, i64::MAX] {
        let refused = submit(&mut client, &stage, json!({ "queue": true, "priority": bad })).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("request.bad")), "{bad}");
    }
    client.call("session.stop", json!({ "dir": stage.dir })).await?;
    stage.nothing_left().await
}

/// A hundred briefs from ten clients at once, in ten companies: never more at work than may be, and in each session one
/// after another in the order in which they came.
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_for_a_hundred_briefs_at_once() -> anyhow::Result<()> {
    const AT_ONCE: i64 = 3;
    let (stage, mut client) = Stage::new(100.0).await?;
    client.set(json!({ "max_parallel_jobs": AT_ONCE })).await?;
    let mut companies: Vec<PathBuf> = Vec::new();
    for number in 0..10 {
        let dir = stage.place.path(&format!("company-{number}"));
        client.found(&format!("Company {number}"), &dir).await?;
        companies.push(dir);
    }
    let mut submits = tokio::task::JoinSet::new();
    for dir in companies.clone() {
        let mut client = stage.client().await?;
        submits.spawn(async move {
            for _ in 0..10 {
                client.brief(&dir, "Write the imprint").await?;
            }
            anyhow::Ok(())
        });
    }
    let mut most = 0;
    let began = Instant::now();
    loop {
        while let Some(done) = submits.try_join_next() {
            done??;
        }
        let stats = client.call("job.stats", json!({})).await?;
        let of = |state: &str| stats["by_state"][state].as_i64().unwrap_or_default();
        most = most.max(of("running"));
        assert!(of("running") <= AT_ONCE, "{stats}");
        assert_eq!(of("failed") + of("cancelled"), 0, "{stats}");
        if of("completed") == 100 {
            break;
        }
        assert!(began.elapsed() < WORK * 2, "{stats}");
    }
    assert_eq!(most, AT_ONCE, "the slots were used");
    let mut spans = Vec::new();
    for dir in companies {
        let company = client.call("company.get", json!({ "dir": dir })).await?["company_id"].clone();
        let page = client.call("job.list", json!({ "company_id": company, "limit": 500 })).await?;
        let jobs = page["jobs"].as_array().context("no jobs")?;
        assert_eq!(jobs.len(), 10);
        let mut last_end = i64::MAX;
        for job in jobs {
            let (start, end) = (job["started_at"].as_i64(), job["finished_at"].as_i64());
            let (start, end) = (start.context("no start")?, end.context("no end")?);
            assert!(end <= last_end, "newest first, each after the one before: {jobs:?}");
            last_end = start;
            spans.push((start, end));
        }
    }
    // By what was stored as well: at each start, those that were under way then.
    for (start, _) in &spans {
        let under_way = spans.iter().filter(|(began, ended)| began <= start && start < ended).count();
        assert!(under_way as i64 <= AT_ONCE, "{under_way} at {start}");
    }
    stage.nothing_left().await
}

/// What may run at once is changed while it runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_is_changed_while_jobs_run() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(0.2).await?;
    client.set(json!({ "max_parallel_jobs": 1 })).await?;
    let first = client.brief(&stage.dir, "Write the imprint").await?;
    let other = stage.place.path("other");
    client.found("Other", &other).await?;
    let second = client.brief(&other, "Write the imprint").await?;
    client.job(first, &["running"], WORK).await?;
    assert_eq!(get(&mut client, second).await?["state"], "queued");
    client.set(json!({ "max_parallel_jobs": 2 })).await?;
    client.job(second, &["running"], SOON).await?;
    for dir in [&stage.dir, &other] {
        client.call("session.stop", json!({ "dir": dir })).await?;
    }
    stage.nothing_left().await
}

/// Higher goes first; among equals who came first.
#[tokio::test(flavor = "multi_thread")]
async fn priority_and_then_the_order_of_coming() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    client.call("job.pause", json!({})).await?;
    let mut jobs = Vec::new();
    for priority in [0, 0, 50, -10, 50] {
        let job = submit(&mut client, &stage, json!({ "queue": true, "priority": priority })).await?;
        jobs.push(number(&job)?);
    }
    let mut places = Vec::new();
    for job in &jobs {
        places.push(get(&mut client, *job).await?["position"].as_i64().unwrap_or_default());
    }
    assert_eq!(places, [2, 3, 0, 4, 1]);
    client.call("job.resume", json!({})).await?;
    let mut starts = Vec::new();
    for job in &jobs {
        starts.push((client.job(*job, &["completed"], WORK).await?["started_at"].as_i64(), *job));
    }
    starts.sort_unstable();
    let order: Vec<i64> = starts.iter().map(|(_, job)| *job).collect();
    assert_eq!(order, [jobs[2], jobs[4], jobs[0], jobs[1], jobs[3]]);
    Ok(())
}

/// A scheduled job holds nobody up, begins at its time, and is stopped like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_job_begins_at_its_time() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    let at = now_ms()? + 2_500;
    let job = submit(&mut client, &stage, json!({ "not_before": at })).await?;
    assert_eq!((&job["state"], &job["until"]), (&json!("scheduled"), &json!(at)), "{job}");
    let far = submit(&mut client, &stage, json!({ "not_before": at + 3_600_000 })).await?;

    let meanwhile = number(&submit(&mut client, &stage, json!({})).await?)?;
    client.job(meanwhile, &["completed"], WORK).await?;
    let done = client.job(number(&job)?, &["completed"], WORK).await?;
    let started = done["started_at"].as_i64().context("no start")?;
    assert!((at..at + 5_000).contains(&started), "{started} is not {at}");

    let stopped = client.call("job.cancel", json!({ "job_id": far["job_id"] })).await?;
    assert_eq!(stopped["job"]["state"], "cancelled", "{stopped}");
    assert_eq!(stopped["stopped"], json!({ "ended": 0, "forced": 0, "left": 0 }));
    // A time that has passed is now.
    let late = submit(&mut client, &stage, json!({ "not_before": at })).await?;
    assert_eq!(late["state"], "queued", "{late}");
    client.job(number(&late)?, &["completed"], WORK).await?;
    Ok(())
}

/// A job waits for another to complete; where that one does not, it fails and says so, and so do those behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_goes_on_or_falls_together() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    client.call("job.pause", json!({})).await?;
    let first = number(&submit(&mut client, &stage, json!({})).await?)?;
    // It waits, and so it is not refused for the one at work.
    let second = submit(&mut client, &stage, json!({ "after_job_id": first })).await?;
    assert_eq!((&second["state"], &second["after_job_id"]), (&json!("blocked"), &json!(first)), "{second}");
    let second = number(&second)?;
    let third = number(&submit(&mut client, &stage, json!({ "after_job_id": second })).await?)?;
    client.call("job.resume", json!({})).await?;
    for job in [first, second, third] {
        client.job(job, &["completed"], WORK).await?;
    }
    // What has completed holds nobody up.
    let fourth = submit(&mut client, &stage, json!({ "after_job_id": third })).await?;
    assert_eq!(fourth["state"], "queued", "{fourth}");
    client.job(number(&fourth)?, &["completed"], WORK).await?;

    client.set(json!({ "practice_pace": 0.2 })).await?;
    let first = number(&submit(&mut client, &stage, json!({})).await?)?;
    let second = number(&submit(&mut client, &stage, json!({ "after_job_id": first })).await?)?;
    let third = number(&submit(&mut client, &stage, json!({ "after_job_id": second })).await?)?;
    client.job(first, &["running"], WORK).await?;
    client.call("job.cancel", json!({ "job_id": first })).await?;
    for (job, blocker) in [(second, first), (third, second)] {
        let failed = client.job(job, &["failed"], SOON).await?;
        assert_eq!(failed["error"]["code"], "job.blocker_not_completed", "{failed}");
        assert!(failed["error"]["message"].as_str().unwrap_or_default().contains(&format!("Job {blocker}")));
        assert!(failed["run"].is_null(), "it never began: {failed}");
    }
    let refused = submit(&mut client, &stage, json!({ "after_job_id": first })).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("job.blocker_not_completed")));
    for nobody in [999, -1] {
        let refused = submit(&mut client, &stage, json!({ "after_job_id": nobody })).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("job.not_found")), "{nobody}");
    }
    let other = stage.place.path("other");
    client.found("Other", &other).await?;
    let theirs = json!({ "company": { "dir": other }, "after_job_id": fourth["job_id"] });
    assert!(submit(&mut client, &stage, theirs).await.is_err(), "another company's job is none to wait for");
    stage.nothing_left().await
}

/// A job at work that is put on hold waits, holds no slot, and goes on before anything new when it is let.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_stops_one_job_before_its_next_call() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(1.0).await?;
    client.set(json!({ "max_parallel_jobs": 1 })).await?;
    let other = stage.place.path("other");
    client.found("Other", &other).await?;
    let first = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(first, &["running"], WORK).await?;
    let held = client.call("job.pause", json!({ "job_id": first })).await?;
    assert_eq!((&held["all"], &held["job"]["held"]), (&json!(false), &json!(true)), "{held}");
    let waiting = client.job(first, &["waiting"], WORK).await?;
    assert_eq!((&waiting["held"], waiting["reason"].as_str().is_some_and(|why| !why.is_empty())), (&json!(true), true));

    // The slot is free for somebody else, and then it is not.
    let second = client.brief(&other, "Write the imprint").await?;
    let third = client.brief(&other, "Write the terms").await?;
    client.job(second, &["running"], WORK).await?;
    let free = client.call("job.resume", json!({ "job_id": first })).await?;
    assert_eq!(free["job"]["held"], false, "{free}");
    assert_eq!(get(&mut client, first).await?["state"], "waiting", "as many as may be are at work");
    client.set(json!({ "practice_pace": 20.0 })).await?;
    let second = client.job(second, &["completed"], WORK).await?;
    let first = client.job(first, &["completed"], WORK).await?;
    let third = client.job(third, &["completed"], WORK).await?;
    let at = |job: &Value, name: &str| job[name].as_i64().unwrap_or_default();
    assert!(at(&first, "finished_at") > at(&second, "finished_at"));
    assert!(at(&third, "started_at") >= at(&first, "finished_at"), "who waited goes on first");

    // What has ended cannot be held, and a hold that is there already is no change.
    let refused = refusal(&mut client, "job.pause", json!({ "job_id": first["job_id"] })).await?;
    assert!(refused.contains("job.final"), "{refused}");
    assert!(refusal(&mut client, "job.resume", json!({ "job_id": 999 })).await?.contains("job.not_found"));
    stage.nothing_left().await
}

/// Everything on hold: nothing begins, what is at work waits, through a daemon that is killed; and a held job is
/// stopped like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_all_holds_through_daemons() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(1.0).await?;
    let other = stage.place.path("other");
    client.found("Other", &other).await?;
    let mut jobs = Vec::new();
    for dir in [&stage.dir, &other] {
        jobs.push(client.brief(dir, "Write the imprint").await?);
    }
    for job in &jobs {
        client.job(*job, &["running"], WORK).await?;
    }
    let queued = client.brief(&other, "Write the terms").await?;
    assert_eq!(client.call("job.pause", json!({})).await?["all"], true);
    for job in &jobs {
        client.job(*job, &["waiting"], WORK).await?;
    }
    assert_eq!(client.call("desk.get", json!({ "dir": other })).await?["held"], true);
    assert_eq!(client.call("daemon.status", json!({})).await?["held"], true);
    stage.kill();
    stage.start()?;
    client = stage.client().await?;
    let stopped = client.call("job.cancel", json!({ "job_id": jobs[1] })).await?;
    assert_eq!((&stopped["job"]["state"], &stopped["stopped"]["left"]), (&json!("cancelled"), &json!(0)), "{stopped}");
    // Letting one go on does not let all.
    assert_eq!(client.call("job.resume", json!({ "job_id": queued })).await?["all"], true);
    for (job, state) in [(jobs[0], "waiting"), (queued, "queued")] {
        assert_eq!(get(&mut client, job).await?["state"], state);
    }
    assert_eq!(client.call("job.resume", json!({})).await?["all"], false);
    for job in [jobs[0], queued] {
        client.job(job, &["completed"], WORK).await?;
    }
    stage.stored_once(&mut client, jobs[0]).await?;
    stage.nothing_left().await
}

/// Many wait for the end of one job, and each hears of it; who waits for less long is told that it has not ended.
#[tokio::test(flavor = "multi_thread")]
async fn many_wait_for_one_end() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(4.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    for short in [0, -5, 50] {
        let answer = client.call("job.wait", json!({ "job_id": job, "timeout_ms": short })).await?;
        assert_eq!(answer["ended"], false, "{answer}");
    }
    let mut waits = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let mut client = stage.client().await?;
        waits.spawn(async move { client.call("job.wait", json!({ "job_id": job })).await });
    }
    while let Some(answer) = waits.join_next().await {
        let answer = answer??;
        assert_eq!((&answer["ended"], &answer["job"]["state"]), (&json!(true), &json!("completed")), "{answer}");
    }
    let again = client.call("job.wait", json!({ "job_id": job })).await?;
    assert_eq!(again["ended"], true);
    assert!(refusal(&mut client, "job.wait", json!({ "job_id": 999 })).await?.contains("job.not_found"));
    Ok(())
}

/// Forgetting takes what ended before the time, with its files, and never what lives or what that waits for; what it
/// cost stays counted.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_had_ended() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    let mut ended = Vec::new();
    for _ in 0..3 {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        client.job(job, &["completed"], WORK).await?;
        stage.stored_once(&mut client, job).await?;
        ended.push(job);
    }
    client.set(json!({ "practice_pace": 0.2 })).await?;
    let live = client.brief(&stage.dir, "Write the terms").await?;
    client.job(live, &["running"], WORK).await?;
    let before = now_ms()? + 60_000;
    assert_eq!(client.call("job.prune", json!({ "before": 1_000, "dry_run": true })).await?["jobs"], 0);
    let would = client.call("job.prune", json!({ "before": before, "dry_run": true })).await?;
    assert_eq!(would["jobs"], 3, "{would}");
    assert!(would["events"].as_i64() > Some(30) && would["bytes"].as_i64() > Some(500), "{would}");
    for job in &ended {
        get(&mut client, *job).await?;
    }
    let spend = client.call("desk.get", json!({ "dir": stage.dir })).await?["spend"].clone();
    let forgotten = client.call("job.prune", json!({ "before": before })).await?;
    assert_eq!((&forgotten["jobs"], &forgotten["events"]), (&would["jobs"], &would["events"]), "{forgotten}");
    for job in &ended {
        assert!(refusal(&mut client, "job.get", json!({ "job_id": job })).await?.contains("job.not_found"));
        assert!(!stage.place.home().join("runs").join(job.to_string()).exists());
    }
    assert_eq!(client.call("desk.get", json!({ "dir": stage.dir })).await?["spend"], spend);
    let hits = client.call("event.search", json!({ "query": "imprint" })).await?;
    assert_eq!(hits["hits"].as_array().map(Vec::len), Some(0), "{hits}");
    assert_eq!(get(&mut client, live).await?["state"], "running");
    client.call("session.stop", json!({ "dir": stage.dir })).await?;
    assert_eq!(client.call("job.prune", json!({ "before": before })).await?["jobs"], 1);
    stage.nothing_left().await
}

/// Sessions are listed and opened again; a restarted job names the one that it repeats.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_resumed_and_jobs_restarted() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    let company = json!({ "dir": stage.dir });
    let first = client.brief(&stage.dir, "Paint the fence").await?;
    let session = get(&mut client, first).await?["session_id"].clone();
    assert!(
        refusal(&mut client, "job.restart", json!({ "job_id": first })).await?.contains("job.not_final"),
        "only what has ended is restarted"
    );
    client.job(first, &["completed"], WORK).await?;
    let stopped = client.call("session.stop", company.clone()).await?;
    assert_eq!(stopped["stopped"], json!({ "ended": 0, "forced": 0, "left": 0 }), "{stopped}");
    client.call("session.start", company.clone()).await?;
    let resume = json!({ "company": company, "session_id": session });
    assert!(refusal(&mut client, "session.resume", resume.clone()).await?.contains("session.active"));
    client.call("session.stop", company.clone()).await?;
    let again = client.call("session.resume", resume).await?;
    assert_eq!((&again["session_id"], &again["closed_at"]), (&session, &Value::Null), "{again}");

    let list = json!({ "company": company, "limit": 1 });
    let page = client.call("session.list", list.clone()).await?;
    let mut next = list;
    next["before"] = page["next"].clone();
    let rest = client.call("session.list", next).await?;
    assert_ne!(page["sessions"][0]["session_id"], session, "newest first");
    assert_eq!((&rest["sessions"][0]["session_id"], &rest["next"]), (&session, &Value::Null), "{rest}");
    assert_eq!(rest["sessions"][0]["latest"], "Paint the fence", "{rest}");

    let repeated = client.call("job.restart", json!({ "job_id": first, "foreground": true })).await?;
    assert_eq!((&repeated["parent_job_id"], &repeated["foreground"]), (&json!(first), &json!(true)), "{repeated}");
    assert_eq!((&repeated["session_id"], &repeated["title"]), (&session, &json!("Paint the fence")));
    client.job(number(&repeated)?, &["completed"], WORK).await?;
    Ok(())
}

/// A company that works with the provider.
async fn with_provider(provider: &Provider) -> anyhow::Result<(Stage, Daemon)> {
    let mut place = Place::new()?;
    place.set("ANTHROPIC_BASE_URL", provider.url());
    let (stage, mut client) = Stage::at(place, 8.0).await?;
    let engine = json!({ "company": { "dir": stage.dir }, "key": "engine.mode", "value": "anthropic-api" });
    client.call("config.set", engine).await?;
    let key = json!({ "provider": "anthropic", "key": "sk-ant-planted-key", "storage": "session" });
    client.call("key.set", key).await?;
    Ok((stage, client))
}

/// An outage that is not worth waiting for within a run.
fn outage() -> Turn {
    Turn::error(529, "overloaded_error", "Overloaded").header("retry-after", "7200")
}

/// A run that failed for a reason that passes, before it changed anything, is tried again by itself; a resume does not
/// wait for the time. As often as the setting says.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_tried_again_and_then_is_the_end() -> anyhow::Result<()> {
    let provider = Provider::start(Script::of(vec![outage()])).await;
    let (stage, mut client) = with_provider(&provider).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let sent = now_ms()?;
    let retrying = client.job(job, &["retrying"], WORK).await?;
    let until = retrying["until"].as_i64().context("no time")?;
    assert!((25_000..60_000).contains(&(until - sent)), "{retrying}");
    assert!(retrying["reason"].as_str().is_some_and(|why| why.contains("verload")), "{retrying}");
    // It holds its session.
    assert!(submit(&mut client, &stage, json!({})).await.is_err_and(|error| error.to_string().contains("busy")));

    provider.play(Script::of(vec![Turn::text("All is well.")]));
    client.call("job.resume", json!({ "job_id": job })).await?;
    let done = client.job(job, &["completed"], WORK).await?;
    assert_eq!((&done["attempts"], &done["error"]), (&json!(2), &Value::Null), "{done}");

    provider.play(Script::of(vec![outage()]));
    client.set(json!({ "run_retries": 1 })).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["retrying"], WORK).await?;
    client.call("job.resume", json!({ "job_id": job })).await?;
    let failed = client.job(job, &["failed"], WORK).await?;
    assert_eq!((&failed["attempts"], failed["error"]["retryable"].as_bool()), (&json!(2), Some(true)), "{failed}");
    stage.nothing_left().await
}

/// A run that changed something is not repeated, and a job that waits to be tried again is stopped at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_had_effects_is_not_tried_again() -> anyhow::Result<()> {
    let write = Turn::tool("Write", json!({ "file_path": "notes.md", "content": "x" }));
    let provider = Provider::start(Script::of(vec![write, outage()])).await;
    let (stage, mut client) = with_provider(&provider).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let failed = client.job(job, &["failed"], WORK).await?;
    assert_eq!((&failed["attempts"], &failed["error"]["code"]), (&json!(1), &json!("provider.down")), "{failed}");

    provider.play(Script::of(vec![outage()]));
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["retrying"], WORK).await?;
    let mut other = stage.client().await?;
    let params = json!({ "job_id": job });
    let (one, two) = tokio::join!(client.call("job.cancel", params.clone()), other.call("job.cancel", params.clone()));
    for answer in [one?, two?] {
        assert_eq!(answer["job"]["state"], "cancelled", "{answer}");
    }
    let changes = ends_of(&mut client, job).await?;
    assert_eq!(changes.len(), 1, "{changes:?}");
    stage.nothing_left().await
}

/// The events that say that the job has ended.
async fn ends_of(client: &mut Daemon, job: i64) -> anyhow::Result<Vec<Value>> {
    let page = client.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
    let events = page["events"].as_array().cloned().unwrap_or_default();
    let is_end =
        |event: &Value| event["kind"] == "job_changed" && ENDED.contains(&event["state"].as_str().unwrap_or_default());
    Ok(events.into_iter().filter(is_end).collect())
}

/// A stop does the right thing once, wherever the job stands; two at once get the same answer, with the counts, which
/// the event has as well; one that comes late is told so.
#[tokio::test(flavor = "multi_thread")]
async fn e012_a_stop_is_right_wherever_the_job_stands() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(0.3).await?;
    let mut other = stage.client().await?;
    let blocker = client.brief(&stage.dir, "Write the imprint").await?;
    for state in ["queued", "blocked", "scheduled", "starting", "running", "held", "silent"] {
        let job = match state {
            "queued" => submit(&mut client, &stage, json!({ "queue": true })).await?,
            "blocked" => submit(&mut client, &stage, json!({ "after_job_id": blocker })).await?,
            "scheduled" => submit(&mut client, &stage, json!({ "not_before": now_ms()? + 3_600_000 })).await?,
            _ => {
                if !ends_of(&mut client, blocker).await?.is_empty() {
                    submit(&mut client, &stage, json!({})).await?
                } else {
                    // The first round at work is the blocker's own.
                    get(&mut client, blocker).await?
                }
            }
        };
        let job = number(&job)?;
        match state {
            "queued" | "blocked" | "scheduled" => assert_eq!(get(&mut client, job).await?["state"], state),
            "starting" => {}
            _ => {
                client.job(job, &["running"], WORK).await?;
                stage.worker().await?;
            }
        }
        if state == "held" {
            client.call("job.pause", json!({ "job_id": job })).await?;
            client.job(job, &["waiting"], WORK).await?;
        }
        if state == "silent" {
            kill_process(stage.worker().await?, Signal::STOP)?;
        }
        let params = json!({ "job_id": job });
        let began = Instant::now();
        let (one, two) =
            tokio::join!(client.call("job.cancel", params.clone()), other.call("job.cancel", params.clone()));
        let (one, two) = (one?, two?);
        // The grace, and the worker's last word where it does not come.
        let bound = if state == "silent" { 500 + 3_000 + 1_500 } else { 3_000 };
        assert!(began.elapsed() < Duration::from_millis(bound), "{state}: {:?}", began.elapsed());
        assert_eq!(one["job"]["state"], "cancelled", "{state}: {one}");
        assert_eq!((&one["job"], &one["stopped"]), (&two["job"], &two["stopped"]), "{state}");
        assert_eq!(one["stopped"]["left"], 0, "{state}: {one}");
        // Its worker as well: by force, unless it woke up in time to go by itself.
        let ended = one["stopped"]["ended"].as_i64().zip(one["stopped"]["forced"].as_i64());
        assert!(state != "silent" || ended.is_some_and(|(ended, forced)| ended + forced >= 1), "{one}");
        let ends = ends_of(&mut client, job).await?;
        assert_eq!(ends.len(), 1, "{state}: {ends:?}");
        if matches!(state, "running" | "held" | "silent") {
            assert_eq!(ends[0]["stopped"], one["stopped"], "{state}: {ends:?}");
        }
        wait_for("a second to pass", SOON, async || {
            let refused = client.call("job.cancel", params.clone()).await.err().map(|error| error.to_string());
            Ok(refused.filter(|why| why.contains("job.final")))
        })
        .await?;
    }
    stage.nothing_left().await
}

/// E013: whoever stops a job in the moment in which it completes hears that it completed.
#[tokio::test(flavor = "multi_thread")]
async fn e013_a_job_that_completes_while_it_is_stopped_has_completed() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(100.0).await?;
    let mut seen = std::collections::BTreeMap::new();
    for round in 0..24u64 {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        // Somewhere around its end.
        tokio::time::sleep(Duration::from_millis(100 + round * 12)).await;
        let answer = client.call("job.cancel", json!({ "job_id": job })).await;
        let job = client.job(job, &["completed", "cancelled"], SOON).await?;
        let state = job["state"].as_str().unwrap_or_default().to_owned();
        match &answer {
            Ok(answer) => assert_eq!(answer["job"]["state"], job["state"], "{answer}"),
            Err(error) => assert!(error.to_string().contains("job.final") && state == "completed", "{error}: {job}"),
        }
        assert_eq!(ends_of(&mut client, number(&job)?).await?.len(), 1);
        *seen.entry((state, answer.is_ok())).or_insert(0) += 1;
    }
    anyhow::ensure!(!seen.is_empty());
    stage.nothing_left().await
}

/// Whether a thread of the process is left.
fn is_there(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(')') else { return false };
    let mut fields = fields.split_whitespace();
    fields.next() != Some("Z") || fields.nth(16) != Some("1")
}

/// E010, E011: the moment its worker is dead a job has failed, for whoever asks, and it is in nobody's way. A command's
/// processes are gone with it.
#[tokio::test(flavor = "multi_thread")]
async fn e010_e011_a_job_whose_worker_is_dead_has_failed() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(0.3).await?;
    for ask in ["job.get", "desk.get", "job.submit"] {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        wait_for("its worker to be known", WORK, async || {
            Ok(get(&mut client, job).await?["run"]["pid"].is_number().then_some(()))
        })
        .await?;
        let worker = stage.worker().await?;
        kill_process(worker, Signal::KILL)?;
        while is_there(worker) {
            tokio::task::yield_now().await;
        }
        match ask {
            "job.get" => {
                let failed = get(&mut client, job).await?;
                assert_eq!(failed["state"], "failed", "{failed}");
                assert_eq!(failed["error"]["code"], "run.interrupted", "{failed}");
            }
            "desk.get" => {
                let desk = client.call("desk.get", json!({ "dir": stage.dir })).await?;
                assert_eq!((&desk["live_total"], &desk["finished"][0]["state"]), (&json!(0), &json!("failed")));
            }
            _ => {
                // Not to be queued: it goes on at once.
                let next = submit(&mut client, &stage, json!({})).await?;
                assert_eq!((&next["state"], &next["position"]), (&json!("queued"), &Value::Null), "{next}");
                assert_eq!(get(&mut client, job).await?["state"], "failed");
                client.call("job.cancel", json!({ "job_id": next["job_id"] })).await?;
            }
        }
        stage.nothing_left().await?;
    }
    Ok(())
}

/// E014: a config that broke between the brief and its run.
#[tokio::test(flavor = "multi_thread")]
async fn e014_a_config_that_breaks_before_the_run_fails_the_job() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(20.0).await?;
    client.call("job.pause", json!({})).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let config = stage.dir.join("aicib.config.yaml");
    let text = std::fs::read_to_string(&config)?;
    std::fs::write(&config, "company: [\n")?;
    client.call("job.resume", json!({})).await?;
    let failed = client.job(job, &["failed"], WORK).await?;
    let message = failed["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("Config load failed"), "{failed}");
    std::fs::write(&config, text)?;
    let again = client.call("job.restart", json!({ "job_id": job })).await?;
    client.job(number(&again)?, &["completed"], WORK).await?;
    stage.nothing_left().await
}

/// E015: what the engine falls over is the job's error, and stands in its log.
#[tokio::test(flavor = "multi_thread")]
async fn e015_what_the_engine_fails_with_is_in_status_and_log() -> anyhow::Result<()> {
    let refused = Turn::error(401, "authentication_error", "invalid x-api-key");
    let provider = Provider::start(Script::of(vec![refused])).await;
    let (stage, mut client) = with_provider(&provider).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let failed = client.job(job, &["failed"], WORK).await?;
    assert_eq!((&failed["error"]["code"], &failed["attempts"]), (&json!("provider.auth"), &json!(1)), "{failed}");
    let message = failed["error"]["message"].as_str().context("no message")?;
    assert_eq!(failed["reason"], message, "{failed}");
    let page = client.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
    let events = page["events"].as_array().context("no events")?;
    assert!(events.iter().any(|event| event["kind"] == "run_exited" && event["error"]["message"] == message), "{page}");
    stage.nothing_left().await
}

/// E017: a worker that cannot be started fails its job, and is started for the next one.
#[tokio::test(flavor = "multi_thread")]
async fn e017_a_worker_that_cannot_be_started_fails_its_job() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    // Where the folders of runs belong lies something else.
    let runs = stage.place.home().join("runs");
    let _ = std::fs::remove_dir_all(&runs);
    std::fs::write(&runs, "in the way")?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let failed = client.job(job, &["failed"], WORK).await?;
    assert_eq!((&failed["error"]["code"], &failed["attempts"]), (&json!("run.spawn_failed"), &json!(1)), "{failed}");
    let message = failed["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(&runs.display().to_string()), "{failed}");
    std::fs::remove_file(&runs)?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    client.job(job, &["completed"], WORK).await?;
    stage.nothing_left().await
}

/// A stop that was asked for is not forgotten with the daemon that was asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_goes_on_under_the_next_daemon() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(2.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    wait_for("its first words", SOON, async || {
        Ok((get(&mut client, job).await?["run"]["state"] == "running").then_some(()))
    })
    .await?;
    // It does not hear of it, so that the daemon dies in the middle.
    kill_process(stage.worker().await?, Signal::STOP)?;
    let mut asking = stage.client().await?;
    let asked = tokio::spawn(async move { asking.call("job.cancel", json!({ "job_id": job })).await });
    wait_for("the stop to begin", SOON, async || {
        Ok((get(&mut client, job).await?["run"]["state"] == "stopping").then_some(()))
    })
    .await?;
    stage.kill();
    assert!(asked.await?.is_err(), "nobody is left to answer");
    stage.start()?;
    client = stage.client().await?;
    let stopped = client.job(job, &["cancelled"], SOON).await?;
    assert_eq!(stopped["stopped"]["left"], 0, "{stopped}");
    stage.nothing_left().await
}

/// What the database can be made again from lies in the run's folder, for a run of an earlier version as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_runs_folder_says_whose_it_is() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(1.0).await?;
    let job = client.brief(&stage.dir, "Write the imprint").await?;
    let worker = stage.worker().await?;
    let file = stage.place.home().join("runs/1/job.json");
    let record = async || {
        wait_for("the record", SOON, async || {
            let record: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
            Ok((record["process"][0] == worker.as_raw_nonzero().get()).then_some(record))
        })
        .await
    };
    let first = record().await?;
    assert_eq!((&first["job_id"], &first["directive"]), (&json!(job), &json!("Write the imprint")), "{first}");
    stage.kill();
    std::fs::remove_file(&file)?;
    stage.start()?;
    client = stage.client().await?;
    assert_eq!(record().await?, first);
    client.set(json!({ "practice_pace": 50.0 })).await?;
    client.job(job, &["completed"], WORK).await?;
    stage.nothing_left().await
}
