//! Several companies, each with its own state; and the sessions of one.

use anyhow::Context;
use blackbox::{SOON, Scene, WORK};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn one_goes_from_company_to_company_and_takes_a_session_up_again() -> anyhow::Result<()> {
    let mut scene = Scene::practice(100.0).await?;
    let job = scene.brief("Write the imprint").await?;
    scene.daemon.job(job, &["completed"], WORK).await?;
    let other = scene.stage.company_dir("bakery")?;
    scene.daemon.found("Corner Bakery", &other).await?;
    scene.daemon.set(json!({ "practice_pace": 5.0 })).await?;
    let asking = scene.daemon.brief(&other, "Plan the bread, and ask me first").await?;
    scene.daemon.job(asking, &["waiting"], WORK).await?;

    // Another company that waits is told from here.
    let page = &scene.page;
    page.run("location.reload()").await?;
    page.part("composer").await?;
    page.click("company-switch").await?;
    page.role("dialog", "Companies").await?;
    let row = page.words(&page.find(r#"[data-testid="company-row"][data-mood="waits"]"#, SOON).await?).await?;
    assert!(row.contains("Corner Bakery"), "{row}");
    let acme = page.words(&page.role("option", "AC Acme").await?).await?;
    page.press("option", "CB Corner Bakery").await?;
    page.role("article", "Practice question").await?;
    let keys = acme.split_whitespace().find(|word| word.starts_with("Alt+")).context("no keys for Acme")?;
    scene.keys(&[&keys.to_lowercase()])?;
    page.role("button", "Company: Acme").await?;
    page.says("Finished today").await?;
    page.says_no_more("Practice question").await?;

    // Its sessions: closed, and taken up again.
    page.go("sessions").await?;
    page.press("button", "Close session #1").await?;
    page.says("closed").await?;
    page.press("button", "Resume session #1").await?;
    page.role("button", "Close session #1").await?;
    let sessions = scene.daemon.call("session.list", json!({ "company": { "dir": scene.dir }, "limit": 10 })).await?;
    assert!(sessions["sessions"][0]["closed_at"].is_null(), "{sessions}");
    page.press("button", "Jobs of session #1").await?;
    page.says("The briefs of").await?;
    page.find(&format!(r#"[data-testid="job-row"][data-job-id="{job}"]"#), SOON).await?;
    Ok(())
}
