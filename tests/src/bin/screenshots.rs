//! `make screenshots`: takes the pictures of the manual from the real window, on real practice runs, light and dark.

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "docs/screenshots".into());
    linux::take(std::path::Path::new(&dir)).await
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("The pictures are taken on Linux.");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use anyhow::Context;
    use blackbox::{Daemon, Desktop, Page, SOON, Screen, Start, WORK, wait_for};
    use serde_json::json;

    const THEMES: [&str; 2] = ["light", "dark"];
    /// Briefs that have ended when the pictures are taken, and one that runs and one in line.
    const DONE: [&str; 3] = [
        "Write a company description for the website",
        "Compare the pricing pages of three competitors",
        "Draft the launch announcement and check the numbers in it",
    ];
    const RUNNING: &str = "Build a landing page for the spring launch";
    const IN_LINE: &str = "Plan the hiring for the next quarter";

    pub async fn take(dir: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(dir)?;
        let mut stage = Desktop::stage(Start { keyring: true, ..Start::default() }).await?;
        let page = stage.open(&[]).await?;
        let mut daemon = stage.daemon().await?;
        page.part("onboarding-company-name").await?;
        for theme in THEMES {
            wear(&mut daemon, &page, theme).await?;
            page.part("onboarding-company-name").await?;
            shoot(&page, dir, "onboarding", theme).await?;
        }

        daemon.set(json!({ "practice_pace": 50.0, "notifications": false })).await?;
        // A short path, since it is in the pictures.
        let short = std::env::temp_dir().join("northwind");
        let short = fs::create_dir(&short).is_ok().then(|| Removed(short));
        let company = match &short {
            Some(short) => short.0.clone(),
            None => stage.company_dir("northwind")?,
        };
        daemon.found("Northwind Labs", &company).await?;
        for directive in DONE {
            let job = daemon.brief(&company, directive).await?;
            daemon.job(job, &["completed"], WORK).await?;
        }
        daemon.set(json!({ "onboarded": true, "practice_pace": 0.12 })).await?;
        let running = daemon.brief(&company, RUNNING).await?;
        daemon.brief(&company, IN_LINE).await?;
        page.run("location.reload()").await?;
        page.part("composer").await?;
        // Far enough for several agents to be at work.
        wait_for("delegated work", WORK, async || {
            let spans = daemon.call("job.spans", json!({ "job_id": running })).await?;
            let spans = spans["spans"].as_array().context("no spans")?;
            Ok((spans.iter().filter(|span| span["kind"] == "delegation").count() >= 2).then_some(()))
        })
        .await?;
        for theme in THEMES {
            wear(&mut daemon, &page, theme).await?;
            show(&mut daemon, json!({ "view": "window" })).await?;
            page.click("nav-desk").await?;
            page.part("composer").await?;
            shoot(&page, dir, "desk", theme).await?;

            show(&mut daemon, json!({ "view": "job", "job_id": running })).await?;
            page.part("transcript").await?;
            shoot(&page, dir, "job", theme).await?;

            show(&mut daemon, json!({ "view": "settings" })).await?;
            page.find("main", SOON).await?;
            shoot(&page, dir, "settings", theme).await?;

            quick(&stage, &mut daemon, dir, theme).await?;
        }
        println!("{} pictures are in {}", fs::read_dir(dir)?.count(), dir.display());
        Ok(())
    }

    /// A folder that goes with the value.
    struct Removed(PathBuf);

    impl Drop for Removed {
        fn drop(&mut self) {
            if let Err(error) = fs::remove_dir_all(&self.0) {
                eprintln!("{} is left: {error}", self.0.display());
            }
        }
    }

    async fn show(daemon: &mut Daemon, what: serde_json::Value) -> anyhow::Result<()> {
        let shown = daemon.call("desktop.show", what).await?;
        anyhow::ensure!(shown["shown"] == true, "no desktop is attached");
        Ok(())
    }

    async fn wear(daemon: &mut Daemon, page: &Page, theme: &str) -> anyhow::Result<()> {
        daemon.set(json!({ "theme": theme })).await?;
        page.run("location.reload()").await?;
        wait_for(&format!("the {theme} look"), SOON, async || {
            let worn = page.run("return document.documentElement.dataset.theme ?? 'light'").await?;
            Ok((worn == theme).then_some(()))
        })
        .await
    }

    /// Waits until two pictures in a row are the same, or almost: what is still drawn or moves is not shown half.
    async fn shoot(page: &Page, dir: &Path, name: &str, theme: &str) -> anyhow::Result<()> {
        let mut last = Vec::new();
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let now = page.screenshot().await?;
            if now == last {
                break;
            }
            last = now;
        }
        fs::write(dir.join(format!("{name}-{theme}.png")), last)?;
        Ok(())
    }

    async fn quick(stage: &Desktop, daemon: &mut Daemon, dir: &Path, theme: &str) -> anyhow::Result<()> {
        show(daemon, json!({ "view": "quick" })).await?;
        let window = Screen::window(&stage.place, "Quick brief").await?;
        let file = dir.join(format!("quick-{theme}.png"));
        let file = std::path::absolute(file)?;
        let mut last = Vec::new();
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            Screen::shot_of(&stage.place, &window, &file)?;
            let now = fs::read(&file)?;
            if now == last {
                break;
            }
            last = now;
        }
        Screen::press(&stage.place, &window, "Escape")?;
        wait_for("Quick brief to hide", SOON, async || {
            Ok(Screen::windows(&stage.place, "Quick brief")?.is_empty().then_some(()))
        })
        .await
    }
}
