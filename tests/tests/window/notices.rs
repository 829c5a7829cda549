//! Notices: what the founder was told, and where it leads.

use blackbox::{SOON, Scene, WORK, wait_for};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_listed_seen_and_leads_to_its_job() -> anyhow::Result<()> {
    let mut scene = Scene::practice(100.0).await?;
    scene.page.press("button", "Notices").await?;
    scene.page.says("Nothing yet.").await?;
    scene.page.press("button", "Desk").await?;
    let job = scene.brief("Write the imprint").await?;
    scene.daemon.job(job, &["completed"], WORK).await?;
    scene.page.part("notices-unseen").await?;

    scene.page.press("button", "Notices").await?;
    let row = scene.page.role("option", "Write the imprint").await?;
    assert_eq!(row.attr("data-kind").await?.as_deref(), Some("done"));
    // Whoever has the list before them has seen it.
    wait_for("the notice to be seen", SOON, async || {
        let page = scene.daemon.call("notice.list", json!({ "limit": 10 })).await?;
        Ok((page["notices"][0]["seen"] == true).then_some(()))
    })
    .await?;
    wait_for("the number to go", SOON, async || Ok((!scene.page.has("notices-unseen").await?).then_some(()))).await?;

    scene.page.role("option", "Write the imprint").await?.click().await?;
    scene.page.is_at(&format!("job/{job}")).await?;
    scene.page.says("Work finished").await?;

    // Seen from elsewhere, too.
    let next = scene.brief("Write the terms").await?;
    scene.daemon.job(next, &["completed"], WORK).await?;
    scene.page.part("notices-unseen").await?;
    scene.keys(&["ctrl+k"])?;
    scene.page.role("combobox", "Search jobs").await?;
    scene.type_text("mark all notices")?;
    scene.page.role("option", "Mark all notices seen").await?;
    scene.keys(&["Return"])?;
    wait_for("the number to go", SOON, async || Ok((!scene.page.has("notices-unseen").await?).then_some(()))).await
}
