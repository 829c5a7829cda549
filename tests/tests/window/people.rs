//! Costs, Journal, Team and Permissions of a company that has worked.

use blackbox::{SOON, Scene, WORK, play, wait_for};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cost_what_was_done_who_did_it_and_who_may_what() -> anyhow::Result<()> {
    let mut scene = Scene::played(play::quick_script()).await?;
    let job = scene.brief(play::DESCRIPTION).await?;
    scene.daemon.job(job, &["completed"], WORK).await?;
    let page = &scene.page;

    page.press("button", "Costs").await?;
    page.part("costs-total").await?;
    wait_for("what was spent", SOON, async || {
        let total = page.part("costs-total").await?.text().await?;
        Ok((total.starts_with('$') && total != "$0.00").then_some(()))
    })
    .await?;
    page.says("CMO").await?;
    page.run("document.querySelector('input[type=radio][value=job]').click()").await?;
    page.says(play::DESCRIPTION).await?;

    page.press("button", "Journal").await?;
    let entry = page.role("article", "").await?;
    assert!(page.words(&entry).await?.contains("180 words"));
    page.write("searchbox", "Search the journal", "zeppelin").await?;
    page.says("Nothing in the journal is about “zeppelin”").await?;
    page.write("searchbox", "Search the journal", "claim").await?;
    page.press("button", "Open job:").await?;
    page.is_at(&format!("job/{job}")).await?;

    page.press("button", "Team").await?;
    page.press("button", "CMO").await?;
    let panel = page.part("agent-panel").await?;
    assert!(page.words(&panel).await?.contains("CMO"));
    page.press("button", "Brief directly").await?;
    page.is_at("desk").await?;
    page.role("textbox", "What CMO is to do").await?;

    page.go("permissions").await?;
    page.says("Exact rules").await?;
    page.says("What this holds, and what not").await?;
    let rule = json!({
        "company": { "dir": scene.dir }, "agent": "cmo", "act": "command", "subject": "ls -l", "verdict": "deny",
        "origin": "desk",
    });
    scene.daemon.call("permission.set", rule).await?;
    scene.page.says("ls -l").await?;
    scene.page.press("button", "Remove the rule").await?;
    scene.page.says_no_more("ls -l").await
}
