//! Starting, quitting, starting again.
#![cfg(target_os = "linux")]

use anyhow::Context;
use blackbox::{Desktop, SOON, Screen, Start, WORK, wait_for};
use serde_json::json;

/// Quit asks while work is under way; the default keeps it going without the app.
#[tokio::test(flavor = "multi_thread")]
async fn quit_asks_and_the_work_goes_on() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    stage.launch(&["--hidden"])?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 0.7 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let job = daemon.brief(&dir, "Write the imprint").await?;
    daemon.job(job, &["running"], WORK).await?;

    let menu = stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?;
    menu.line("1 running").await?;
    menu.click("Quit").await?;
    let question = Screen::window(&stage.place, "Quit AICIB\\?").await?;
    Screen::press(&stage.place, &question, "Return")?;
    let ended = stage.app.as_mut().context("no app")?.ended(SOON).await?;
    assert!(ended.success(), "{ended}");

    assert_eq!(daemon.call("job.get", json!({ "job_id": job })).await?["state"], "running");
    daemon.job(job, &["completed"], WORK).await?;

    // Everything is there when the app is.
    let page = stage.open(&["--job", &job.to_string()]).await?;
    page.find(r#"[data-testid="job-state"][data-state="completed"]"#, SOON).await?;
    Ok(())
}

/// Escape closes the question, and nothing has happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_quit_that_is_called_off_changes_nothing_and_stopping_stops() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    stage.launch(&["--hidden"])?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "practice_pace": 0.2, "stop_grace_ms": 500 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let job = daemon.brief(&dir, "Write the imprint").await?;
    daemon.job(job, &["running"], WORK).await?;

    let menu = stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?;
    menu.line("1 running").await?;
    menu.click("Quit").await?;
    let question = Screen::window(&stage.place, "Quit AICIB\\?").await?;
    Screen::press(&stage.place, &question, "Escape")?;
    wait_for("the question to close", SOON, async || {
        Ok(Screen::windows(&stage.place, "Quit AICIB\\?")?.is_empty().then_some(()))
    })
    .await?;
    assert!(stage.app.as_mut().context("no app")?.is_running());
    assert_eq!(daemon.call("job.get", json!({ "job_id": job })).await?["state"], "running");

    menu.click("Quit").await?;
    let question = Screen::window(&stage.place, "Quit AICIB\\?").await?;
    Screen::press(&stage.place, &question, "alt+s")?;
    let ended = stage.app.as_mut().context("no app")?.ended(SOON).await?;
    assert!(ended.success(), "{ended}");
    assert_eq!(daemon.call("job.get", json!({ "job_id": job })).await?["state"], "cancelled");
    Ok(())
}

/// A question about work that has ended meanwhile is none any more: the app quits.
#[tokio::test(flavor = "multi_thread")]
async fn a_quit_that_waits_for_an_answer_quits_when_the_work_is_done() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    stage.launch(&[])?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 0.2, "stop_grace_ms": 500 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let job = daemon.brief(&dir, "Write the imprint").await?;
    daemon.job(job, &["running"], WORK).await?;
    stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?.line("1 running").await?;

    // Ctrl+Q asks as the tray does; the page has to be there to take it.
    wait_for("the question", SOON, async || {
        let window = Screen::window(&stage.place, "AICIB").await?;
        Screen::press(&stage.place, &window, "ctrl+q")?;
        Ok((!Screen::windows(&stage.place, "Quit AICIB\\?")?.is_empty()).then_some(()))
    })
    .await?;
    daemon.call("job.cancel", json!({ "job_id": job })).await?;
    let ended = stage.app.as_mut().context("no app")?.ended(SOON).await?;
    assert!(ended.success(), "{ended}");
    Ok(())
}

/// With nothing under way, Quit does not ask.
#[tokio::test(flavor = "multi_thread")]
async fn quit_without_work_just_quits() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    stage.launch(&["--hidden"])?;
    let menu = stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?;
    menu.line("Nothing running").await?;
    menu.click("Quit").await?;
    let ended = stage.app.as_mut().context("no app")?.ended(SOON).await?;
    assert!(ended.success(), "{ended}");
    Ok(())
}

/// A second start brings the first one's window up, and ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_brings_up_the_first() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    stage.launch(&["--hidden"])?;
    stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?.line("Nothing running").await?;
    assert!(Screen::windows(&stage.place, "AICIB")?.is_empty());

    let mut second = stage.another(&[])?;
    assert!(second.ended(SOON).await?.success());
    Screen::window(&stage.place, "AICIB").await?;

    let mut third = stage.another(&["--quick"])?;
    assert!(third.ended(SOON).await?.success());
    Screen::window(&stage.place, "Quick brief").await?;

    let first = stage.app.as_mut().context("no app")?;
    assert!(first.is_running());
    Ok(())
}

/// Two at once: one is the desktop, the other hands over and ends well.
#[tokio::test(flavor = "multi_thread")]
async fn two_starts_at_once_make_one_desktop() -> anyhow::Result<()> {
    let stage = Desktop::stage(Start::default()).await?;
    let mut both = [stage.another(&[])?, stage.another(&[])?];
    let ended =
        wait_for("one of the two to hand over", WORK, async || Ok(both.iter_mut().position(|one| !one.is_running())))
            .await?;
    assert!(both[ended].ended(SOON).await?.success());
    assert!(both[1 - ended].is_running());
    Screen::window(&stage.place, "AICIB").await?;
    Ok(())
}

/// A daemon that is killed is started again, and the window does not notice for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_daemon_is_started_again() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    let page = stage.open(&[]).await?;
    let pid = |pong: serde_json::Value| pong["pid"].as_i64().context("no pid");
    let ping =
        async || -> anyhow::Result<i64> { pid(page.call("ping", json!({})).await?.map_err(anyhow::Error::msg)?) };
    let first = ping().await?;
    stage.place.command("kill").args(["-9", &first.to_string()]).status()?;
    let second = wait_for("another daemon", WORK, async || Ok(ping().await.ok().filter(|pid| *pid != first))).await?;
    assert_ne!(first, second);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_is_one_line_and_exit_code_2() -> anyhow::Result<()> {
    let stage = Desktop::stage(Start { stand_ins: false, ..Start::default() }).await?;
    let mut wrong = stage.another(&["--job", "x"])?;
    assert_eq!(wrong.ended(SOON).await?.code(), Some(2));
    let said = std::fs::read_to_string(stage.place.path("app.log"))?;
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("--job 212"), "{said}");
    Ok(())
}
