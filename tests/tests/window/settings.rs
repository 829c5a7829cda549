//! Settings: what is changed there holds at once, and after.

use blackbox::{SOON, Scene, WORK, wait_for};
use serde_json::{Value, json};

async fn setting(scene: &mut Scene, name: &str, wanted: Value) -> anyhow::Result<()> {
    let mut last = Value::Null;
    let kept = wait_for(&format!("{name} to be {wanted}"), SOON, async || {
        last = scene.daemon.call("settings.get", json!({})).await?.pointer(name).cloned().unwrap_or_default();
        Ok((last == wanted).then_some(()))
    })
    .await;
    kept.map_err(|error| error.context(format!("it is {last}")))
}

async fn looks(scene: &Scene, script: &str, wanted: Value) -> anyhow::Result<()> {
    wait_for(&format!("{script} to be {wanted}"), SOON, async || {
        Ok((scene.page.run(&format!("return {script}")).await? == wanted).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_holds_at_once() -> anyhow::Result<()> {
    let mut scene = Scene::practice(100.0).await?;
    let job = scene.brief("Write the imprint").await?;
    scene.daemon.job(job, &["completed"], WORK).await?;
    scene.page.press("button", "Settings").await?;

    // Looks.
    scene.page.press("button", "Appearance").await?;
    scene.page.run("document.querySelector('#look input[value=dark]').click()").await?;
    setting(&mut scene, "/theme", json!("dark")).await?;
    looks(&scene, "document.documentElement.dataset.theme", json!("dark")).await?;
    scene.page.press("button", "Larger text").await?;
    setting(&mut scene, "/text_percent", json!(110)).await?;
    // The window is larger than WebDriver takes it for: its pointer would miss.
    let usual = scene.page.role("button", "As usual").await?;
    scene.page.client().execute("arguments[0].click()", vec![serde_json::to_value(usual)?]).await?;
    setting(&mut scene, "/text_percent", json!(100)).await?;

    // Quiet hours.
    scene.page.press("switch", "Quiet hours").await?;
    setting(&mut scene, "/notify/quiet_from", json!("22:00")).await?;
    scene.page.says("Nothing is shown from 22:00 to 07:00 the next morning").await?;

    // Keys: others than usual, at once; those that are taken are refused with why.
    scene.page.press("button", "Costs").await?;
    scene.page.is_at("costs").await?;
    scene.page.go("settings/keys").await?;
    scene.page.find("#key-costs", SOON).await?.click().await?;
    scene.page.says("Press the keys").await?;
    scene.keys(&["ctrl+k"])?;
    scene.page.says("“Search and commands” has these keys").await?;
    scene.page.find("#key-costs", SOON).await?.click().await?;
    scene.keys(&["ctrl+shift+y"])?;
    setting(&mut scene, "/shortcuts/costs", json!("Mod+Shift+Y")).await?;
    scene.keys(&["ctrl+shift+y"])?;
    scene.page.is_at("costs").await?;

    // What takes room, and what would go: nothing goes by looking.
    scene.page.go("settings/storage").await?;
    scene.page.says("free on this disk").await?;
    scene.page.press("button", "Prune").await?;
    scene.page.role("dialog", "Prune old jobs").await?;
    scene.page.says("Nothing ended before").await?;
    scene.page.write("textbox", "Ended more than", "0").await?;
    scene.page.says("Forget 1 job").await?;
    scene.page.press("button", "Cancel").await?;
    assert_eq!(scene.daemon.call("job.get", json!({ "job_id": job })).await?["state"], "completed");

    // Whose work it is built from.
    scene.page.go("settings/about").await?;
    scene.page.run("document.querySelector('[data-testid=show-licences]').click()").await?;
    scene.page.role("dialog", "Licences").await?;
    scene.page.write("searchbox", "Find a library", "svelte").await?;
    scene.page.says("svelte").await?;
    scene.keys(&["Escape"])?;
    scene.page.says_no_more("Find a library").await
}
