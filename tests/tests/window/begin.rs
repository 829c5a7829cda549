//! From nothing to a company with its first brief.

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
