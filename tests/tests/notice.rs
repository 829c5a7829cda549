//! Native notifications, over D-Bus.
#![cfg(target_os = "linux")]

use anyhow::Context;
use blackbox::{Desktop, SOON, Start, WORK, wait_for};
use serde_json::json;

/// The founder is told of a job's end, and Open brings up that very job.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_job_is_told_and_open_brings_it_up() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    let page = stage.open(&[]).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 8.0 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let first = daemon.brief(&dir, "Write the imprint").await?;
    daemon.job(first, &["completed"], WORK).await?;
    let second = daemon.brief(&dir, "Design a rocket logo").await?;
    daemon.job(second, &["completed"], WORK).await?;

    let stand_ins = stage.stand_ins.as_ref().context("no stand-ins")?;
    let about_first = stand_ins.notification("imprint", SOON).await?;
    let about_second = stand_ins.notification("rocket logo", SOON).await?;
    assert!(about_first.actions.chunks(2).any(|action| action == ["open", "Open"]), "{about_first:?}");
    assert!(!about_first.body.is_empty(), "{about_first:?}");

    let labels: Vec<&str> = about_first.actions.chunks(2).map(|action| action[1].as_str()).collect();
    // A click on the notice itself is the first.
    assert_eq!(labels, ["Open", "Open", "Brief a follow-up"]);

    stand_ins.invoke(about_first.id, "open").await?;
    page.part("transcript").await?;
    wait_for("that very job", SOON, async || {
        let text = page.text().await?;
        Ok((text.contains("Write the imprint") && page.has("transcript").await?).then_some(()))
    })
    .await?;
    assert_eq!(stand_ins.notified().len(), 2, "one notice a job: {:?}", stand_ins.notified());

    // A follow-up is briefed where briefs are: the cursor is there already.
    stand_ins.invoke(about_second.id, "follow_up").await?;
    wait_for("the composer to have the focus", SOON, async || {
        let focused = page.run("return document.activeElement?.dataset?.testid ?? ''").await?;
        Ok((focused == "composer").then_some(()))
    })
    .await?;
    let told = daemon.call("notice.list", json!({})).await?;
    let became: Vec<_> = told["notices"].as_array().into_iter().flatten().map(|row| row["delivery"].clone()).collect();
    assert_eq!(became, ["opened", "opened"], "{told}");
    Ok(())
}

/// Of a heap of ends the first few are told one by one, and the others as one that leads to the list of them. A job that is
/// deleted before it is told keeps none of the others from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_heap_of_ends_is_told_as_one_that_leads_to_the_list() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    let page = stage.open(&[]).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 100.0, "language": "de" })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let mut jobs = Vec::new();
    for brief in ["One", "Two", "Three", "Four", "Five", "Six", "Seven"] {
        jobs.push(daemon.brief(&dir, brief).await?);
    }
    daemon.job(jobs[6], &["completed"], WORK).await?;
    daemon.call("job.delete", json!({ "job_ids": [jobs[4]] })).await?;
    let stand_ins = stage.stand_ins.as_ref().context("no stand-ins")?;
    let about_all = stand_ins.notification("weitere Aufträge sind fertig", WORK).await?;
    assert_eq!(about_all.actions[2..], ["open", "Alle zeigen"], "{about_all:?}");
    let alone = stand_ins.notification("Fertig: One", SOON).await?;
    assert_eq!(alone.actions[2..], ["open", "Öffnen", "follow_up", "Weiteres Briefing"], "{alone:?}");
    assert_eq!(stand_ins.notified().len(), 4, "{:?}", stand_ins.notified());

    stand_ins.invoke(about_all.id, "open").await?;
    page.is_at("notices").await?;
    wait_for("each to be recorded", SOON, async || {
        let told = daemon.call("notice.list", json!({})).await?;
        let rows = told["notices"].as_array().cloned().unwrap_or_default();
        let became = |id: i64| rows.iter().find(|row| row["job_id"] == id).map(|row| row["delivery"].clone());
        let as_it_was = became(jobs[3]) == Some(json!("grouped")) && became(jobs[6]) == Some(json!("opened"));
        Ok((as_it_was && became(jobs[4]).is_none()).then_some(()))
    })
    .await
}

/// Nobody is told of what they are looking at.
#[tokio::test(flavor = "multi_thread")]
async fn a_founder_who_looks_at_the_job_is_not_told() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 2.0 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let looked_at = daemon.brief(&dir, "Write the imprint").await?;
    wait_for("a desktop to show it", SOON, async || {
        let asked = daemon.call("desktop.show", json!({ "view": "job", "job_id": looked_at })).await?;
        Ok((asked["shown"] == true).then_some(()))
    })
    .await?;
    page.part("transcript").await?;
    daemon.job(looked_at, &["completed"], WORK).await?;

    // The next one is told: by then the first would have been, too.
    let told = daemon.brief(&dir, "Design a rocket logo").await?;
    daemon.job(told, &["completed"], WORK).await?;
    let stand_ins = stage.stand_ins.as_ref().context("no stand-ins")?;
    stand_ins.notification("rocket logo", SOON).await?;
    assert_eq!(stand_ins.notified().len(), 1, "{:?}", stand_ins.notified());
    Ok(())
}

/// After Quit with work under way, the daemon tells.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_app_the_daemon_tells() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    stage.launch(&["--hidden"])?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "practice_pace": 2.0 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let job = daemon.brief(&dir, "Write the imprint").await?;
    daemon.job(job, &["running"], WORK).await?;
    stage.app = None;
    let stand_ins = stage.stand_ins.as_ref().context("no stand-ins")?;
    stand_ins.notification("imprint", WORK).await?;
    assert_eq!(stand_ins.notified().len(), 1);
    Ok(())
}
