//! From anywhere to anywhere: the palette, the keys, links from outside.

use blackbox::{SOON, Scene, WORK};

#[tokio::test(flavor = "multi_thread")]
async fn the_palette_the_keys_and_links_lead_where_they_say() -> anyhow::Result<()> {
    let mut scene = Scene::practice(100.0).await?;
    for brief in ["Describe the lighthouse", "Compare the umbrellas"] {
        let job = scene.brief(brief).await?;
        scene.daemon.job(job, &["completed"], WORK).await?;
    }
    let page = &scene.page;

    // The palette: commands, jobs, and what was said.
    scene.keys(&["ctrl+k"])?;
    page.role("combobox", "Search jobs, commands and everything said").await?;
    scene.type_text("go to costs")?;
    page.role("option", "Go to Costs").await?;
    scene.keys(&["Return"])?;
    page.is_at("costs").await?;
    scene.keys(&["ctrl+k"])?;
    page.role("combobox", "Search jobs").await?;
    scene.type_text("lighthouse")?;
    page.says("Said and done").await?;
    scene.keys(&["Return"])?;
    page.is_at("job/1").await?;
    scene.keys(&["ctrl+k"])?;
    page.role("combobox", "Search jobs").await?;
    scene.type_text("nothing like this zeppelin")?;
    page.says("Nothing found for").await?;
    scene.keys(&["Escape"])?;
    page.says_no_more("Nothing found for").await?;

    // The keys, and all of them at once.
    for (keys, route) in [("ctrl+2", "jobs"), ("ctrl+3", "journal"), ("ctrl+6", "notices"), ("ctrl+comma", "settings")]
    {
        scene.keys(&[keys])?;
        page.is_at(route).await?;
    }
    scene.keys(&["question"])?;
    page.role("dialog", "Keys").await?;
    page.says("Quick brief, from anywhere").await?;
    scene.keys(&["Escape"])?;
    page.says_no_more("Quick brief, from anywhere, from anywhere").await?;

    // A link from a browser starts the app once more, which hands it to this window.
    let mut second = scene.stage.another(&["aicib://job/2"])?;
    page.is_at("job/2").await?;
    page.says("Compare the umbrellas").await?;
    assert!(second.ended(SOON).await?.success(), "the second one did not end well");
    // One that leads nowhere does no harm.
    let mut third = scene.stage.another(&["aicib://job/../../etc"])?;
    third.ended(SOON).await?;
    page.is_at("job/2").await
}
