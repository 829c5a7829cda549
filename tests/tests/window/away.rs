//! A window that is hidden or closed, and a daemon that is away.

use anyhow::Context;
use blackbox::{Desktop, SOON, Scene, Screen, Start, WORK, pid_of, signal, wait_for};
use rustix::process::Signal;
use serde_json::json;

/// Closing the window hides it; the tray brings it back as it was.
#[tokio::test(flavor = "multi_thread")]
async fn closing_leaves_the_tray_and_open_brings_the_window_back() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    stage.launch(&[])?;
    let window = Screen::window(&stage.place, "AICIB").await?;
    // A window manager that has just begun may miss a key. A second one comes only once the first had its time: the
    // window is not to be closed again after it was opened.
    let hidden = async || {
        wait_for("the window to hide", std::time::Duration::from_secs(3), async || {
            Ok(Screen::windows(&stage.place, "AICIB")?.is_empty().then_some(()))
        })
        .await
    };
    wait_for("a close that is taken", SOON, async || {
        Screen::press(&stage.place, &window, "alt+F4")?;
        Ok(hidden().await.ok())
    })
    .await?;
    assert!(stage.app.as_mut().context("no app")?.is_running());
    let menu = stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?;
    menu.click("Open AICIB").await?;
    Screen::window(&stage.place, "AICIB").await?;
    Ok(())
}

/// What happened while the window was hidden is there when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_window_catches_up() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    let page = stage.open(&[]).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 2.0 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let job = daemon.brief(&dir, "Write the imprint").await?;
    daemon.call("desktop.show", json!({ "view": "job", "job_id": job })).await?;
    page.part("transcript").await?;
    assert!(page.call("native.hide_window", json!({})).await?.is_ok());
    Screen::windows(&stage.place, "AICIB")?;
    let ended = daemon.job(job, &["completed"], WORK).await?;
    daemon.call("desktop.show", json!({ "view": "window" })).await?;
    page.find(r#"[data-testid="job-state"][data-state="completed"]"#, SOON).await?;
    let answer: String = ended["answer"].as_str().context("no answer")?.chars().take(20).collect();
    wait_for("the answer in the transcript", SOON, async || {
        Ok(page.part("transcript").await?.text().await?.contains(&answer).then_some(()))
    })
    .await
}

/// A daemon that dies is missed on screen and not on the page: what is there stays, it is said, and it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_is_told_and_the_page_recovers_by_itself() -> anyhow::Result<()> {
    let mut scene = Scene::practice(50.0).await?;
    let job = scene.brief("Write the imprint").await?;
    scene.daemon.job(job, &["completed"], WORK).await?;
    let page = &scene.page;
    page.go(&format!("job/{job}")).await?;
    page.says("Work finished").await?;
    // A daemon is soon there again: what is said meanwhile is noted down, and whether anything went.
    page.run(
        "window.told = []; window.emptied = false;
        new MutationObserver(() => {
            const text = document.body.innerText;
            if (/background process|connection/i.test(text)) window.told.push(text);
            if (!text.includes('Work finished')) window.emptied = true;
        }).observe(document.body, { subtree: true, childList: true, characterData: true });",
    )
    .await?;
    let before = pid_of(&scene.daemon.call("daemon.status", json!({})).await?)?;
    signal(before, Signal::KILL)?;
    wait_for("a word about the daemon", SOON, async || {
        Ok((page.run("return window.told.length > 0").await? == true).then_some(()))
    })
    .await?;
    let mut daemon = scene.stage.daemon().await?;
    assert_ne!(pid_of(&daemon.call("daemon.status", json!({})).await?)?, before);
    for words in ["Reconnecting", "connection to AICIB"] {
        page.says_no_more(words).await?;
    }
    assert_eq!(page.run("return window.emptied").await?, false, "what was on screen went meanwhile");

    // It is not only on screen: what comes after is there, too.
    let next = daemon.brief(&scene.dir, "Write the terms").await?;
    page.press("button", "Desk").await?;
    page.find(&format!(r#"[data-testid="job-row"][data-job-id="{next}"][data-state="completed"]"#), WORK).await?;
    Ok(())
}
