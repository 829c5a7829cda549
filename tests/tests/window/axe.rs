//! axe over every screen of the real window, in both themes: with work and without, with what stands above a screen.

use std::fmt::Write as _;

use anyhow::Context;
use blackbox::{Desktop, Page, SOON, Scene, Screen, Start, WORK, play, wait_for};
use serde_json::json;

const THEMES: [&str; 2] = ["light", "dark"];
/// Screens that have nothing to wait for but themselves, with words that are on them once they are drawn.
const SCREENS: [(&str, &str); 10] = [
    ("desk", "Good "),
    ("jobs", "Jobs"),
    ("sessions", "Sessions"),
    ("costs", "Costs"),
    ("journal", "Journal"),
    ("team", "Team"),
    ("team/cto", "Close"),
    ("permissions", "What this holds, and what not"),
    ("settings", "Background process"),
    ("notices", "Notices"),
];

/// What was found, screen by screen.
#[derive(Default)]
struct Findings(String);

impl Findings {
    /// Looks at what is on screen in both themes.
    async fn look(&mut self, page: &Page, what: &str) -> anyhow::Result<()> {
        for theme in THEMES {
            page.run(&format!("document.documentElement.dataset.theme = '{theme}'")).await?;
            settled(page).await?;
            for violation in page.axe().await.with_context(|| what.to_owned())? {
                writeln!(self.0, "  {what}, {theme}: {violation}")?;
            }
        }
        Ok(())
    }

    async fn screens(&mut self, page: &Page, state: &str) -> anyhow::Result<()> {
        for (route, words) in SCREENS {
            page.go(route).await?;
            page.is_at(route).await?;
            if words == "Close" {
                page.part("agent-panel").await?;
            } else {
                page.says(words).await?;
            }
            self.look(page, &format!("{route} {state}")).await?;
        }
        Ok(())
    }

    fn are_none(self) {
        assert!(self.0.is_empty(), "axe finds:\n{}", self.0);
    }
}

/// Waits for what is still on its way: skeletons, colours that fade.
async fn settled(page: &Page) -> anyhow::Result<()> {
    wait_for("a page that stands still", SOON, async || {
        let still = "return document.getAnimations().filter((one) => one.playState === 'running' && \
            one.effect?.getTiming().iterations !== Infinity).length === 0 && \
            document.querySelector('[aria-busy=true]') === null";
        Ok((page.run(still).await? == true).then_some(()))
    })
    .await
}

/// A fresh machine, and a company that has done nothing yet.
#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_where_there_is_nothing() -> anyhow::Result<()> {
    let mut found = Findings::default();
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    page.part("onboarding-company-name").await?;
    found.look(&page, "onboarding").await?;
    page.fill("onboarding-company-name", "Acme").await?;
    page.fill("onboarding-folder", &stage.place.path("home/acme").to_string_lossy()).await?;
    page.click("onboarding-create").await?;
    page.part("onboarding-engine-practice").await?;
    found.look(&page, "onboarding, engine").await?;
    page.click("onboarding-engine-practice").await?;
    page.click("onboarding-next").await?;
    page.part("onboarding-brief").await?;
    found.look(&page, "onboarding, brief").await?;
    page.click("onboarding-skip").await?;
    page.part("composer").await?;
    found.screens(&page, "without work").await?;
    page.go("job/77").await?;
    page.says("All jobs").await?;
    found.look(&page, "a job that is not there").await?;
    found.are_none();
    Ok(())
}

/// A company in the middle of its day: jobs in every state, questions, costs, notices.
#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_a_company_at_work() -> anyhow::Result<()> {
    let mut scene = Scene::played(play::quick_script()).await?;
    for (brief, state) in [(play::DESCRIPTION, "completed"), (play::REFUSED, "failed"), (play::PRICES, "completed")] {
        let job = scene.brief(brief).await?;
        scene.daemon.job(job, &[state], WORK).await?;
    }
    let asking = scene.brief_to(play::FINANCE, play::STARTER, json!({})).await?;
    scene.daemon.job(asking, &["waiting"], WORK).await?;
    let rule = json!({
        "company": { "dir": scene.dir }, "agent": "cmo", "act": "network", "verdict": "ask", "origin": "desk",
    });
    scene.daemon.call("permission.set", rule).await?;
    let leave = scene.brief_to(play::ENGINEERING, play::STAGING, json!({})).await?;
    scene.daemon.job(leave, &["waiting"], WORK).await?;
    let running = scene.brief_held(play::LAUNCH).await?;
    let mut found = Findings::default();
    let page = &scene.page;
    page.go(&format!("job/{running}")).await?;
    page.says("Nothing yet.").await?;
    found.look(page, "a job that has not begun, with all work on hold").await?;
    page.click("resume-all").await?;
    page.says(play::SAID).await?;
    scene.brief_to("ceo", play::HIRING, json!({ "priority": 3 })).await?;
    let page = &scene.page;

    found.screens(page, "at work").await?;
    jobs(&mut found, page, running, leave).await?;
    above(&mut found, &scene).await?;
    found.are_none();
    Ok(())
}

async fn jobs(found: &mut Findings, page: &Page, running: i64, leave: i64) -> anyhow::Result<()> {
    page.go(&format!("job/{running}")).await?;
    page.says(play::COMMAND).await?;
    found.look(page, "a job at work").await?;
    page.press("button", &format!("Bash {}", play::COMMAND)).await?;
    page.part("tool-call").await?;
    page.press("button", "Find in this job").await?;
    page.write("textbox", "Find in this job", "page").await?;
    page.says("1 of").await?;
    found.look(page, "a job with a call open and a search").await?;
    page.press("button", "Close find").await?;
    for (tab, words) in
        [("Files changed", "index.html"), ("Prompts", "Build a landing page"), ("Raw events", "tool_started")]
    {
        page.press("tab", tab).await?;
        page.says(words).await?;
        found.look(page, &format!("a job, {tab}")).await?;
    }
    page.press("tab", "Activity").await?;
    page.press("button", "Actions of job").await?;
    found.look(page, "a job's menu").await?;
    page.go("job/2").await?;
    page.says("The run ended without finishing").await?;
    found.look(page, "a job that failed").await?;
    page.go(&format!("job/{leave}")).await?;
    page.part("approval-allow").await?;
    found.look(page, "a job that asks for leave").await?;
    page.go("jobs?q=page").await?;
    page.find(r#"[data-testid="hit"]"#, SOON).await?;
    found.look(page, "a search").await?;
    page.press("button", "Back to the list").await?;
    page.press("checkbox", "Choose job #1").await?;
    page.press("button", "Delete 1").await?;
    page.role("dialog", "Delete 1 job?").await?;
    found.look(page, "jobs that are to be deleted").await?;
    page.press("button", "Cancel").await?;
    page.press("button", "Choose none").await?;
    page.press("button", "State: in which one").await?;
    found.look(page, "a filter's menu").await
}

/// What stands above a screen: dialogs, menus, and Quick brief, which is a window.
async fn above(found: &mut Findings, scene: &Scene) -> anyhow::Result<()> {
    let page = &scene.page;
    page.go("desk").await?;
    page.part("composer").await?;
    for (keys, part, what) in [
        ("ctrl+k", "dialog[open] [role=combobox]", "the palette"),
        ("ctrl+o", "dialog[open] [data-testid=company-row]", "the companies"),
        ("question", "dialog[open] [data-testid=keys-overview]", "the keys"),
    ] {
        // A letter that is typed into the composer is no command.
        page.run("document.activeElement?.blur()").await?;
        scene.keys(&[keys])?;
        page.find(part, SOON).await?;
        found.look(page, what).await?;
        scene.keys(&["Escape"])?;
        wait_for("it to close", SOON, async || Ok((page.run(OPEN).await? == 0).then_some(()))).await?;
    }
    for (button, what) in [("Who is briefed", "who is briefed"), ("When this brief starts", "a brief's plan")] {
        page.click(if button == "Who is briefed" { "composer-to" } else { "composer-more" }).await?;
        found.look(page, what).await?;
        scene.keys(&["Escape"])?;
    }
    page.go("settings/storage").await?;
    page.press("button", "Prune").await?;
    page.role("dialog", "Prune old jobs").await?;
    found.look(page, "what is to be pruned").await?;
    page.press("button", "Cancel").await?;
    page.click("show-licences").await?;
    page.part("licences").await?;
    found.look(page, "licences").await?;
    page.press("button", "Close").await?;

    let main = page.view().await?;
    page.call("native.hide_window", json!({})).await?.map_err(anyhow::Error::msg)?;
    let mut daemon = scene.stage.daemon().await?;
    daemon.call("desktop.show", json!({ "view": "quick" })).await?;
    Screen::window(&scene.stage.place, "Quick brief").await?;
    page.switch_to_other(&main).await?;
    page.role("textbox", "Brief for the CEO").await?;
    page.part("job-row").await?;
    found.look(page, "Quick brief").await?;
    page.switch_to(main).await
}

const OPEN: &str = "return document.querySelectorAll('dialog[open]').length";
