//! Jobs: the list, its filters, its search, and what is done with many at once.

use blackbox::{SOON, Scene, WORK, wait_for};
use serde_json::json;

/// The briefs: each with a word that no other has.
const BRIEFS: [&str; 3] = ["Describe the lighthouse", "Compare the umbrellas", "Count the teaspoons"];

async fn rows(scene: &Scene) -> anyhow::Result<Vec<i64>> {
    let ids = "return [...document.querySelectorAll('[data-testid=job-row]')]
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .map((row) => Number(row.dataset.jobId))";
    let ids = scene.page.run(ids).await?;
    Ok(ids.as_array().into_iter().flatten().filter_map(serde_json::Value::as_i64).collect())
}

async fn shows(scene: &Scene, wanted: &[i64]) -> anyhow::Result<()> {
    let mut last = Vec::new();
    let shown = wait_for(&format!("jobs {wanted:?} on the list"), SOON, async || {
        last = rows(scene).await?;
        Ok((last == wanted).then_some(()))
    })
    .await;
    shown.map_err(|error| error.context(format!("it shows {last:?}")))
}

/// Filters, order, and a search that lands at the very place.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_filtered_sorted_searched_and_many_are_dealt_with_at_once() -> anyhow::Result<()> {
    let mut scene = Scene::practice(100.0).await?;
    for brief in BRIEFS {
        let job = scene.brief(brief).await?;
        scene.daemon.job(job, &["completed"], WORK).await?;
    }
    scene.daemon.set(json!({ "practice_pace": 0.1 })).await?;
    let live = scene.brief("Paint the fence").await?;
    scene.daemon.job(live, &["running"], WORK).await?;
    let queued = scene.brief("Mow the lawn").await?;

    scene.page.press("button", "Jobs").await?;
    shows(&scene, &[5, 4, 3, 2, 1]).await?;
    scene.page.role("radio", "Completed").await?;
    scene.page.run("document.querySelector('input[type=radio][value=completed]').click()").await?;
    shows(&scene, &[3, 2, 1]).await?;
    scene.page.press("button", "Newest first: in which order").await?;
    scene.page.press("menuitemradio", "Oldest first").await?;
    shows(&scene, &[1, 2, 3]).await?;
    scene.page.press("button", "Engine: on which one").await?;
    scene.page.press("menuitemradio", "Anthropic API").await?;
    scene.page.says("No jobs here").await?;
    scene.page.press("button", "Show all jobs").await?;
    shows(&scene, &[1, 2, 3, 4, 5]).await?;

    searches(&scene).await?;
    deals_with_many(&mut scene, live, queued).await
}

async fn searches(scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    page.write("searchbox", "Search everything that was said", "umbrellas").await?;
    page.says("newest first").await?;
    let hit = page.find(r#"[data-testid="hit"]:has(mark)"#, SOON).await?;
    let text = page.words(&hit).await?;
    assert!(text.to_lowercase().contains("umbrellas") && text.contains("#2"), "{text}");
    // Titles come first; the last one is the brief itself, and the one before it a place in the job.
    let last = "const hits = [...document.querySelectorAll('[data-testid=hit]')];
        if (hits.length < 3) return false;
        hits.at(-2).click();
        return true;";
    wait_for("places in the job", SOON, async || Ok((page.run(last).await? == true).then_some(()))).await?;
    wait_for("the job at the place", SOON, async || Ok(page.at().await?.starts_with("job/2/").then_some(()))).await?;
    let here = page.find("[data-row].current", SOON).await?;
    let text = page.words(&here).await?;
    assert!(text.to_lowercase().contains("umbrellas"), "{text}");
    page.press("button", "Jobs").await?;
    if page.has_role("button", "Back to the list").await? {
        page.press("button", "Back to the list").await?;
    }
    page.part("job-list").await.map(drop)
}

async fn deals_with_many(scene: &mut Scene, live: i64, queued: i64) -> anyhow::Result<()> {
    let page = &scene.page;
    for job in [1, 3] {
        page.press("checkbox", &format!("Choose job #{job}")).await?;
    }
    page.says("2 jobs chosen").await?;
    page.press("button", "Export 2 jobs").await?;
    page.press("menuitem", "Markdown").await?;
    page.says("2 jobs exported to").await?;
    let files: Vec<String> = std::fs::read_dir(scene.downloads())?
        .map(|file| Ok(std::fs::read_to_string(file?.path())?))
        .collect::<anyhow::Result<_>>()?;
    assert_eq!(files.len(), 2);
    assert!(files.iter().any(|text| text.contains("lighthouse")), "{files:?}");

    page.press("button", "Delete 2").await?;
    page.role("dialog", "Delete 2 jobs?").await?;
    page.press("button", "Delete 2 jobs").await?;
    page.says("2 jobs deleted").await?;
    shows(scene, &[2, live, queued]).await?;
    let gone = scene.daemon.call("job.get", json!({ "job_id": 1 })).await;
    assert!(gone.is_err(), "a deleted job is still there: {gone:?}");

    let page = &scene.page;
    for job in [live, queued] {
        page.press("checkbox", &format!("Choose job #{job}")).await?;
    }
    page.press("button", "Cancel 2").await?;
    page.press("button", "Cancel 2 jobs").await?;
    page.says("2 jobs cancelled").await?;
    for job in [live, queued] {
        scene.daemon.job(job, &["cancelled"], WORK).await?;
    }
    Ok(())
}
