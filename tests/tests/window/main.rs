//! The real window, over WebDriver.
#![cfg(target_os = "linux")]

use anyhow::Context;
use blackbox::{Desktop, SOON, Screen, Start, WORK, wait_for};
use serde_json::json;

/// A founder on a fresh machine: three steps, a first brief, its end, the job.
#[tokio::test(flavor = "multi_thread")]
async fn a_practice_company_is_founded_briefed_and_its_job_opened() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let dir = stage.place.path("home/acme");

    page.fill("onboarding-company-name", "Acme Rockets").await?;
    page.fill("onboarding-folder", &dir.to_string_lossy()).await?;
    page.click("onboarding-create").await?;
    page.click("onboarding-engine-practice").await?;
    page.click("onboarding-next").await?;
    anyhow::ensure!(dir.join("aicib.config.yaml").is_file(), "no config was written");
    page.fill("onboarding-brief", "Write a company description").await?;
    page.click("onboarding-send").await?;

    let done = r#"[data-testid="job-row"][data-state="completed"], [data-testid="job-state"][data-state="completed"]"#;
    page.find(done, WORK).await?;
    if !page.has("transcript").await? {
        page.click("job-open").await?;
    }
    page.part("transcript").await?;
    page.find(r#"[data-testid="job-state"][data-state="completed"]"#, SOON).await?;
    wait_for("what the team did, in the transcript", SOON, async || {
        let text = page.part("transcript").await?.text().await?;
        Ok((text.contains("CEO") && text.len() > 100).then_some(()))
    })
    .await?;

    let mut daemon = stage.daemon().await?;
    let job = daemon.call("job.get", json!({ "job_id": 1 })).await?;
    assert_eq!(job["state"], "completed", "{job}");
    assert_eq!(job["engine"], "practice");
    assert!(job["files"].as_i64().unwrap_or_default() > 0, "no file was written: {job}");
    Ok(())
}

/// With the keyboard alone, from the first letter of the name to the first brief.
#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_founded_and_briefed_with_the_keyboard_alone() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let place = &stage.place;
    page.part("onboarding-company-name").await?;
    Screen::focused(place, &Screen::window(place, "AICIB").await?).await?;
    Screen::type_text(place, "Acme Coffee")?;
    Screen::keys(place, &["Return"])?;
    page.find(r#"[data-testid="onboarding-engine-practice"]:focus"#, SOON).await?;
    assert!(place.path("home/acme-coffee/aicib.config.yaml").is_file(), "no config was written");
    Screen::keys(place, &["Return"])?;
    page.find(r#"[data-testid="onboarding-brief"]:focus"#, SOON).await?;
    Screen::keys(place, &["ctrl+a"])?;
    Screen::type_text(place, "Write the imprint")?;
    Screen::keys(place, &["ctrl+Return"])?;

    // On the Desk one can go on typing, and what is not sent is there again after a restart.
    page.find(r#"[data-testid="composer"]:focus"#, SOON).await?;
    Screen::type_text(place, "Half a thought")?;
    let typed = async || {
        wait_for("the draft, and the focus on it", SOON, async || {
            let typed = page.run(r#"return document.querySelector('[data-testid="composer"]:focus')?.value"#).await?;
            Ok((typed == "Half a thought").then_some(()))
        })
        .await
    };
    typed().await?;
    page.run("location.reload()").await?;
    typed().await?;
    let mut daemon = stage.daemon().await?;
    let job = daemon.job(1, &["running", "completed"], WORK).await?;
    assert_eq!(job["title"], "Write the imprint", "{job}");
    Ok(())
}

/// A brief that was sent in the terminal is on the Desk at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_terminal_sends_shows_in_the_window() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    let page = stage.open(&[]).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 4.0 })).await?;
    let dir = stage.company_dir("acme")?;
    stage.cli(&dir, &["init", "--name", "Acme", "--dir", ".", "--engine", "practice"])?;
    page.run("location.reload()").await?;
    page.part("composer").await?;
    stage.cli(&dir, &["start"])?;
    let job = stage.cli(&dir, &["brief", "--background", "Plan the launch party"])?;
    let row = format!(r#"[data-testid="job-row"][data-job-id="{}"]"#, job["job_id"]);
    page.find(&row, SOON).await?;
    page.find(&format!(r#"{row}[data-state="completed"]"#), WORK).await?;
    Ok(())
}

/// A page can call the daemon and the desktop, and nothing beside them.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_reaches_nothing_but_the_daemon_and_the_desktop() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    let page = stage.open(&[]).await?;
    let info = page.call("native.info", json!({})).await?.map_err(anyhow::Error::msg)?;
    assert_eq!(info["home"], json!(stage.place.home()), "{info}");
    assert_eq!(info["tray"], true, "{info}");
    assert_eq!(info["view"], json!({ "view": "window" }), "{info}");
    assert_eq!(page.call("ping", json!({})).await?.map(|pong| pong["pid"].is_u64()), Ok(true));

    for (method, code) in [
        ("no.such_method", "request.method_unknown"),
        ("native.no_such", "request.method_unknown"),
        ("desktop.attach", "request.method_unknown"),
    ] {
        let error = page.call(method, json!({})).await?.expect_err(method);
        assert_eq!(error["code"], code, "{error}");
        assert!(error["fix"].is_string(), "{error}");
    }
    for url in ["file:///etc/passwd", "javascript:alert(1)"] {
        let error = page.call("native.open_url", json!({ "url": url })).await?.expect_err(url);
        assert_eq!(error["code"], "request.bad");
    }

    // Neither another page nor a script from elsewhere.
    let before = page.run("return location.href").await?;
    page.run("location.href = 'https://example.com/'").await?;
    page.run(
        "const s = document.createElement('script'); s.textContent = 'window.injected = 1'; document.body.append(s)",
    )
    .await?;
    assert_eq!(page.run("return location.href").await?, before);
    assert_eq!(page.run("return window.injected ?? null").await?, serde_json::Value::Null);
    let fetched = page
        .client()
        .execute_async("const done = arguments[0]; fetch('http://127.0.0.1:9/').then(() => done('reached'), (e) => done('refused'))", vec![])
        .await?;
    assert_eq!(fetched, "refused");
    Ok(())
}

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

/// What goes wrong in a page is in the log, and a daemon that cannot be started is said so.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_and_a_daemon_that_is_missing_are_told() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { stand_ins: false, ..Start::default() }).await?;
    stage.place.set("AICIB_BIN", "/no/such/aicib");
    let page = stage.open(&[]).await?;
    wait_for("a word about the daemon", SOON, async || {
        let text = page.text().await?;
        Ok((text.contains("Try again") && text.contains("/no/such/aicib")).then_some(()))
    })
    .await?;
    let error = page.call("ping", json!({})).await?.expect_err("there is no daemon");
    assert_eq!(error["code"], "daemon.unreachable", "{error}");

    page.run("setTimeout(() => { throw new Error('the moon is full') })").await?;
    wait_for("the page's error in the log", SOON, async || {
        let log = std::fs::read_to_string(stage.place.home().join("desktop.log"))?;
        Ok(log.contains("the moon is full").then_some(()))
    })
    .await
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

/// A hold of all work stands over every screen, whoever made it, and is let go from there.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_all_work_is_said_on_every_screen_and_let_go_there() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 0.2 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    page.run("location.reload()").await?;
    page.part("composer").await?;
    let job = daemon.brief(&dir, "Plan the hiring").await?;
    page.find(&format!(r#"[data-testid="job-row"][data-job-id="{job}"]"#), WORK).await?;

    daemon.call("job.pause", json!({})).await?;
    page.part("hold-banner").await?;
    page.find(&format!(r#"[data-job-id="{job}"][data-face="held"]"#), WORK).await?;
    page.run("location.hash = '#/jobs'").await?;
    page.part("hold-banner").await?;
    page.click("resume-all").await?;
    page.find(&format!(r#"[data-job-id="{job}"][data-face="running"]"#), WORK).await?;
    assert!(!page.has("hold-banner").await?, "the banner stays after the hold");
    assert_eq!(daemon.call("daemon.status", json!({})).await?["held"], false);

    daemon.call("job.cancel", json!({ "job_id": job })).await?;
    page.find(&format!(r#"[data-job-id="{job}"][data-state="cancelled"]"#), SOON).await?;
    let told = page.text().await?;
    assert!(told.contains("0 processes left"), "what became of its processes is not said: {told}");
    Ok(())
}
