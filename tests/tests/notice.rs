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
    stand_ins.notification("rocket logo", SOON).await?;
    assert!(about_first.actions.chunks(2).any(|action| action == ["open", "Open"]), "{about_first:?}");
    assert!(!about_first.body.is_empty(), "{about_first:?}");

    stand_ins.invoke(about_first.id, "open").await?;
    page.part("transcript").await?;
    wait_for("that very job", SOON, async || {
        let text = page.text().await?;
        Ok((text.contains("Write the imprint") && page.has("transcript").await?).then_some(()))
    })
    .await?;
    assert_eq!(stand_ins.notified().len(), 2, "one notice a job: {:?}", stand_ins.notified());
    Ok(())
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
