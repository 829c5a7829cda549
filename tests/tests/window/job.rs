//! A job: its tree, its lanes, its tool calls, its files, and how it leaves the window.

use std::fs;

use blackbox::{Page, SOON, Scene, play, wait_for};

/// Everything that one does with a job at work.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_read_folded_searched_followed_up_and_taken_along() -> anyhow::Result<()> {
    let mut scene = Scene::played(play::quick_script()).await?;
    // Who has a job before them hears it word by word: it begins once it is on screen.
    let job = scene.brief_held(play::LAUNCH).await?;
    let page = &scene.page;
    page.press("button", play::LAUNCH).await?;
    page.is_at(&format!("job/{job}")).await?;
    page.click("resume-all").await?;
    live(page).await?;

    folds(&scene).await?;
    opens_a_call(&scene).await?;
    finds(&scene).await?;
    jumps(&scene).await?;
    shows_files(&scene).await?;
    says_more(&scene).await?;
    leaves(&scene).await
}

async fn folds(scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    scene.keys(&["Home"])?;
    page.says("I'll split this").await?;
    page.press("button", "Fold the work of CMO").await?;
    page.says("folded").await?;
    assert!(!page.shows("Headline options").await?, "what is folded is on screen");
    page.press("button", "Unfold the work of CMO").await?;
    page.says("Headline options").await
}

async fn opens_a_call(scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    scene.keys(&["End"])?;
    page.press("button", &format!("Bash {}", play::COMMAND)).await?;
    let call = page.part("tool-call").await?;
    // 18 lines of the page, a title, a heading: what the command really counted.
    wait_for("what the command gave back", SOON, async || {
        let text = page.words(&call).await?;
        Ok((text.contains(play::COMMAND) && text.contains("web/style.css") && text.contains("total")).then_some(()))
    })
    .await?;
    page.press("button", &format!("Bash {}", play::COMMAND)).await
}

async fn finds(scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    scene.keys(&["ctrl+f"])?;
    page.role("textbox", "Find in this job").await?;
    scene.type_text("superlatives headline")?;
    page.says("Nothing found").await?;
    scene.keys(&["ctrl+a"])?;
    scene.type_text("support counted")?;
    page.says("1 of").await?;
    let here = page.find("[data-row].current", SOON).await?;
    let text = page.words(&here).await?;
    assert!(text.contains("margin of 71%"), "{text}");
    scene.keys(&["Escape"])?;
    wait_for("find to close", SOON, async || Ok((!page.has("find-text").await?).then_some(()))).await
}

/// A click into the lanes goes to what happened then; from there one jumps back to what is live.
async fn jumps(scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    page.run(
        "const box = document.querySelector('[data-testid=lanes] .track').getBoundingClientRect();
        document.elementFromPoint(box.left + 4, box.top + 4)
            .dispatchEvent(new MouseEvent('click', { bubbles: true, clientX: box.left + 4, clientY: box.top + 4 }));",
    )
    .await?;
    page.says("I'll split this").await?;
    page.press("button", "Jump to live").await?;
    live(page).await
}

/// What is being said right now is on screen, and the view stays with it.
async fn live(page: &Page) -> anyhow::Result<()> {
    wait_for("what is being said", SOON, async || {
        if page.has("jump-live").await? {
            page.click("jump-live").await?;
        }
        Ok((page.shows(play::SAID).await? && page.shows("is writing").await?).then_some(()))
    })
    .await
}

async fn shows_files(scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    page.press("tab", "Files changed").await?;
    page.press("option", "index.html").await?;
    page.says("Plans that plan back").await?;
    let diff = page.words(&page.part("changed-files").await?).await?;
    assert!(diff.contains("style.css") && diff.contains("new"), "{diff}");
    page.press("tab", "Raw events").await?;
    page.says("tool_started").await?;
    page.press("tab", "Activity").await
}

async fn says_more(scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    page.write("textbox", "Say more to the CEO", "Mind the margins").await?;
    page.press("button", "Say it").await?;
    page.find(r#"[data-row][data-kind="follow-up"]"#, SOON).await?;
    page.says("Mind the margins").await
}

async fn leaves(scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    page.press("button", "Copy or export job").await?;
    page.press("menuitem", "Export as HTML").await?;
    page.says("Downloads").await?;
    let file = fs::read_dir(scene.downloads())?.flatten().next().map(|file| file.path());
    let html = fs::read_to_string(file.ok_or_else(|| anyhow::anyhow!("no file"))?)?;
    assert!(html.contains(play::LAUNCH) && html.contains("Copy approved"), "it is not in the file");
    assert!(!html.contains("<script"), "the file runs something");
    Ok(())
}
