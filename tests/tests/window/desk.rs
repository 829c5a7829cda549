//! The Desk: briefs, what waits for the founder, what runs.

use anyhow::Context;
use blackbox::{Desktop, SOON, Scene, Start, WORK};
use serde_json::json;

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

/// Pastes a file into the field that has the focus, as a file manager's copy does.
const PASTE: &str = "const data = new DataTransfer();
    data.items.add(new File(['Eggs, flour, milk'], 'shopping list.txt', { type: 'text/plain' }));
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));";

/// A brief with a file; what becomes of the next one, said before it is sent; a question, answered where it is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_brief_goes_out_with_a_file_and_its_question_is_answered_on_the_desk() -> anyhow::Result<()> {
    let mut scene = Scene::practice(8.0).await?;
    let page = &scene.page;
    page.write("textbox", "What the CEO is to do", "Plan the bakery, and ask me first").await?;
    page.run(PASTE).await?;
    page.role("listitem", "shopping list.txt").await?;
    assert!(!page.shows("CEO is busy").await?, "nobody is at work yet");
    page.press("button", "Send brief").await?;
    page.says("Sent as").await?;
    page.says("Working now").await?;
    let laid =
        std::fs::read_dir(scene.dir.join("inbox"))?.flatten().next().context("nothing was laid beside the brief")?;
    assert_eq!(std::fs::read_to_string(laid.path())?, "Eggs, flour, milk");

    let question = page.role("article", "Practice question").await?;
    assert!(page.words(&question).await?.contains("CEO"), "who asks is not said");
    // What becomes of another one is said before it is sent, and is the founder's choice.
    page.write("textbox", "What the CEO is to do", "Name the bread").await?;
    page.says("CEO is busy: will be queued, position 1").await?;
    page.press("button", "While CEO is busy").await?;
    page.press("menuitemradio", "Do not send it yet").await?;
    assert!(!page.role("button", "Send brief").await?.is_enabled().await?, "a brief that stays here can be sent");
    page.press("button", "While CEO is busy").await?;
    page.press("menuitemradio", "Put it in line").await?;
    page.press("button", "Send brief").await?;
    page.says("In line").await?;

    page.press("button", "All of it").await?;
    page.says("Finished today").await?;
    for job in [1, 2] {
        scene.daemon.job(job, &["completed"], WORK).await?;
        page.find(&format!(r#"[data-testid="job-row"][data-job-id="{job}"][data-state="completed"]"#), SOON).await?;
    }
    page.says_no_more("Waiting for you").await?;
    page.press("button", "Open job #1").await?;
    page.is_at("job/1").await?;
    page.says("All of it").await
}
