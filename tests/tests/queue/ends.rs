//! Ends: stops, and workers that die or never come to be.

use std::time::{Duration, Instant};

use blackbox::{SOON, Stage, WORK, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{ends_of, get, now_ms, number, submit};

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

/// E010, E011: the same for a worker that dies with its daemon: whoever asks the next one hears no more of it at work. One
/// that was being stopped then was stopped, and did not fail.
#[tokio::test(flavor = "multi_thread")]
async fn e010_e011_a_worker_that_dies_with_its_daemon_is_known_to_be_dead() -> anyhow::Result<()> {
    let (mut stage, mut client) = Stage::new(2.0).await?;
    for (round, end) in ["failed", "cancelled"].repeat(3).into_iter().enumerate() {
        let job = client.brief(&stage.dir, "Write the imprint").await?;
        wait_for("its first words", SOON, async || {
            Ok((get(&mut client, job).await?["run"]["state"] == "running").then_some(()))
        })
        .await?;
        let worker = stage.worker().await?;
        kill_process(worker, Signal::STOP)?;
        if end == "cancelled" {
            let mut asking = stage.client().await?;
            tokio::spawn(async move { asking.call("job.cancel", json!({ "job_id": job })).await });
            wait_for("the stop to begin", SOON, async || {
                Ok((get(&mut client, job).await?["run"]["state"] == "stopping").then_some(()))
            })
            .await?;
        }
        stage.kill();
        kill_process(worker, Signal::KILL)?;
        while is_there(worker) {
            tokio::task::yield_now().await;
        }
        stage.start()?;
        client = stage.client().await?;
        let ended = get(&mut client, job).await?;
        assert_eq!(ended["state"], end, "round {round}: {ended}");
        stage.nothing_left().await?;
    }
    Ok(())
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
