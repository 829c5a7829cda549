//! The whole of the main job without a mouse: the focus is never lost, and always seen.

use blackbox::{Desktop, Page, Place, SOON, Screen, Start, WORK, wait_for};
use serde_json::json;

/// Somebody who has a keyboard alone, at a window.
struct Hands<'a> {
    place: &'a Place,
    page: &'a Page,
}

impl Hands<'_> {
    /// Presses keys; after each one something has the focus, and one sees what. Says what.
    async fn press(&self, keys: &[&str]) -> anyhow::Result<String> {
        let mut last = String::new();
        for key in keys {
            Screen::keys(self.place, &[key])?;
            last = self.page.focus().await.map_err(|error| error.context(format!("after {key}")))?;
        }
        Ok(last)
    }

    async fn types(&self, text: &str) -> anyhow::Result<()> {
        Screen::type_text(self.place, text)?;
        self.page.focus().await?;
        Ok(())
    }

    /// Presses a key until something whose name holds these words has the focus.
    async fn goes_to(&self, words: &str, key: &str, most: usize) -> anyhow::Result<()> {
        let mut seen = Vec::new();
        for _ in 0..most {
            let name = self.press(&[key]).await?;
            if name.contains(words) {
                return Ok(());
            }
            seen.push(name);
        }
        anyhow::bail!("{key} does not lead to {words:?}, but to {seen:#?}")
    }

    /// Waits until something whose name holds these words has the focus.
    async fn is_on(&self, words: &str) -> anyhow::Result<()> {
        let mut name = String::new();
        let came = wait_for(&format!("the focus on {words:?}"), SOON, async || {
            name = self.page.focus().await?;
            Ok(name.contains(words).then_some(()))
        })
        .await;
        if let Err(error) = came {
            let text = self.page.text().await.unwrap_or_default();
            return Err(error.context(format!("it is on {name:?}; the page shows: {text}")));
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brief_goes_from_nothing_to_its_follow_up_without_a_mouse() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let place = &stage.place;
    page.part("onboarding-company-name").await?;
    Screen::focused(place, &Screen::window(place, "AICIB").await?).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "practice_pace": 6.0 })).await?;
    let hands = Hands { place, page: &page };

    // From nothing to a brief.
    hands.types("Acme Coffee").await?;
    hands.press(&["Return"]).await?;
    hands.is_on("Practice").await?;
    hands.press(&["Return"]).await?;
    hands.is_on("First brief").await?;
    hands.press(&["ctrl+a"]).await?;
    hands.types("Plan the roastery, and ask me first").await?;
    hands.press(&["ctrl+Return"]).await?;
    hands.is_on("What the CEO is to do").await?;

    // Watch it, and answer what it asks: below the composer, so on from there.
    page.role("article", "Practice question").await?;
    hands.goes_to("A first sketch", "Tab", 20).await?;
    hands.press(&["Return"]).await?;
    daemon.job(1, &["completed"], WORK).await?;
    page.says("Finished today").await?;

    // Open it from the list of jobs.
    hands.press(&["ctrl+2"]).await?;
    hands.is_on("Jobs").await?;
    hands.press(&["Down"]).await?;
    hands.press(&["Return"]).await?;
    page.is_at("job/1").await?;
    page.says("Work finished").await?;
    reads(&hands).await?;

    // Say more to one at work.
    daemon.set(json!({ "practice_pace": 0.2 })).await?;
    hands.press(&["ctrl+n"]).await?;
    hands.is_on("What the CEO is to do").await?;
    hands.types("Name the beans").await?;
    hands.press(&["ctrl+Return"]).await?;
    page.says("Sent as").await?;
    hands.press(&["ctrl+k"]).await?;
    hands.is_on("Search jobs").await?;
    hands.types("name the beans").await?;
    page.role("option", "Name the beans").await?;
    hands.press(&["Return"]).await?;
    page.is_at("job/2").await?;
    page.role("textbox", "Say more to the CEO").await?;
    hands.goes_to("Say more to the CEO", "Tab", 40).await?;
    hands.types("Something Italian").await?;
    hands.press(&["Return"]).await?;
    page.find(r#"[data-row][data-kind="follow-up"]"#, SOON).await?;

    // Back, the palette, and Quick brief.
    hands.press(&["ctrl+1"]).await?;
    page.is_at("desk").await?;
    hands.is_on("What the CEO is to do").await?;
    hands.press(&["ctrl+k"]).await?;
    hands.is_on("Search jobs").await?;
    hands.types("team").await?;
    page.role("option", "Go to Team").await?;
    hands.press(&["Escape"]).await?;
    hands.is_on("What the CEO is to do").await?;
    for (keys, route) in [
        ("ctrl+3", "journal"),
        ("ctrl+4", "costs"),
        ("ctrl+5", "team"),
        ("ctrl+6", "notices"),
        ("ctrl+comma", "settings"),
    ] {
        hands.press(&[keys, "Tab", "shift+Tab"]).await?;
        page.is_at(route).await?;
    }
    let main = page.view().await?;
    stage.cli(&place.path("home"), &["quick"])?;
    Screen::focused(place, &Screen::window(place, "Quick brief").await?).await?;
    page.switch_to_other(&main).await?;
    hands.is_on("Brief for the CEO").await?;
    hands.types("And the cups").await?;
    hands.goes_to("Name the beans", "Tab", 20).await?;
    Screen::keys(place, &["Escape"])?;
    page.switch_to(main).await?;
    Screen::focused(place, &Screen::window(place, "AICIB").await?).await?;
    page.focus().await?;
    Ok(())
}

/// A job that has ended: its rows, what is folded in them, and a search.
async fn reads(hands: &Hands<'_>) -> anyhow::Result<()> {
    let page = hands.page;
    hands.press(&["Home"]).await?;
    // Down to what was handed on: closed, open, and into it.
    hands.goes_to("delegation", "Down", 12).await?;
    hands.press(&["Left"]).await?;
    page.says("folded").await?;
    hands.press(&["Right"]).await?;
    page.says_no_more("folded").await?;
    hands.press(&["Down", "Left"]).await?;
    hands.press(&["shift+z"]).await?;
    page.says("folded").await?;
    hands.press(&["shift+z"]).await?;
    hands.press(&["ctrl+f"]).await?;
    hands.is_on("Find in this job").await?;
    hands.types("sketch").await?;
    page.says("1 of").await?;
    hands.press(&["Return", "Escape"]).await?;
    // The other views of it.
    hands.goes_to("Activity", "shift+Tab", 20).await?;
    hands.press(&["Right"]).await?;
    page.part("changed-files").await?;
    hands.press(&["Right", "Right", "Left", "Left", "Left"]).await?;
    hands.press(&["Tab"]).await?;
    Ok(())
}
