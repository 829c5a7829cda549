//! Quick brief: a brief from anywhere.

use blackbox::{SOON, Scene, Screen, WORK, wait_for};
use serde_json::json;

async fn is_away(scene: &Scene) -> anyhow::Result<()> {
    wait_for("Quick brief to hide", SOON, async || {
        Ok(Screen::windows(&scene.stage.place, "Quick brief")?.is_empty().then_some(()))
    })
    .await
}

async fn comes(scene: &mut Scene) -> anyhow::Result<()> {
    scene.daemon.call("desktop.show", json!({ "view": "quick" })).await?;
    let window = Screen::window(&scene.stage.place, "Quick brief").await?;
    Screen::focused(&scene.stage.place, &window).await
}

/// Opens, keeps what was typed over a close, sends with Enter, shows what runs and what is asked, goes with Escape.
#[tokio::test(flavor = "multi_thread")]
async fn quick_brief_keeps_its_draft_sends_and_answers() -> anyhow::Result<()> {
    let mut scene = Scene::practice(8.0).await?;
    let main = scene.page.view().await?;
    let window = Screen::window(&scene.stage.place, "AICIB").await?;
    comes(&mut scene).await?;
    scene.page.switch_to_other(&main).await?;
    scene.page.role("textbox", "Brief for the CEO").await?;
    scene.type_text("Name the bread, ask me first")?;
    scene.page.says("Nothing is running.").await?;
    scene.keys(&["Escape"])?;
    is_away(&scene).await?;
    // Who was there before has the keyboard again.
    Screen::focused(&scene.stage.place, &window).await?;

    comes(&mut scene).await?;
    wait_for("the draft", SOON, async || {
        let field = scene.page.role("textbox", "Brief for the CEO").await?;
        Ok((field.prop("value").await?.as_deref() == Some("Name the bread, ask me first")).then_some(()))
    })
    .await?;
    scene.keys(&["Return"])?;
    scene.page.says("Sent, job #1").await?;
    is_away(&scene).await?;
    scene.daemon.job(1, &["waiting"], WORK).await?;

    comes(&mut scene).await?;
    scene.page.role("article", "Practice question").await?;
    scene.page.press("button", "A first sketch").await?;
    scene.daemon.job(1, &["completed"], WORK).await?;
    scene.page.says("Nothing is running.").await?;
    let told = scene.daemon.call("job.get", json!({ "job_id": 1 })).await?;
    assert_eq!(told["origin"], "quick", "{told}");
    scene.page.press("button", "Open Acme").await?;
    is_away(&scene).await?;
    scene.page.switch_to(main).await?;
    scene.page.says("Finished today").await
}
