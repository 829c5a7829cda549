//! `make screenshots`: takes the pictures of the manual from the real window, light and dark. A provider on this
//! machine stands in for the model; everything else is what founders have.

#[cfg(target_os = "linux")]
mod play;

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
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Stdio;
    use std::time::Duration;

    use anyhow::Context;
    use blackbox::{Child, Daemon, Desktop, Page, SOON, Screen, Start, WORK, wait_for};
    use serde_json::{Value, json};
    use testkit::Provider;

    use crate::play;

    const THEMES: [&str; 2] = ["light", "dark"];
    const KEY: &str = "sk-ant-api03-pictures-only-Qx7A";
    /// What is behind Quick brief, and the part of the screen that its picture shows.
    const BACKDROP: [&str; 6] = ["-add", "#bac7db", "-add", "#d9cec1", "-gradient", "315"];
    const BRIEF: &str = "Ask finance whether we can drop the starter plan to $9";
    const QUICK_PART: &str = "560x600+720+0";

    pub async fn take(dir: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(dir)?;
        let provider = Provider::start(play::script()).await;
        let mut stage = Desktop::stage(Start { keyring: true, ..Start::default() }).await?;
        stage.place.set("ANTHROPIC_BASE_URL", provider.url());
        stage.place.command("hsetroot").args(BACKDROP).stdout(Stdio::null()).status().context("hsetroot")?;
        // Without a compositor no window has round corners.
        let mut compositor = stage.place.command("xcompmgr");
        let _compositor = Child::start(compositor.stdout(Stdio::null()).stderr(Stdio::null()))?;
        install(&stage)?;
        let page = stage.open(&[]).await?;
        let mut daemon = stage.daemon().await?;

        let company = stage.place.path("home/northwind");
        found(&page, dir).await?;
        for (brief, state) in [(play::DESCRIPTION, "completed"), (play::REFUSED, "failed"), (play::PRICES, "completed")]
        {
            let job = send(&mut daemon, &company, brief).await?;
            daemon.job(job, &[state], WORK).await?;
        }
        let stopped = send(&mut daemon, &company, play::STOPPED).await?;
        wait_for("a first look", WORK, async || Ok((asked(&provider, play::STOPPED) >= 2).then_some(()))).await?;
        daemon.call("job.cancel", json!({ "job_id": stopped })).await?;
        daemon.job(stopped, &["cancelled"], WORK).await?;

        let asking = send_to(&mut daemon, &company, play::STARTER, play::FINANCE).await?;
        daemon.job(asking, &["waiting"], WORK).await?;
        let running = send(&mut daemon, &company, play::LAUNCH).await?;
        send(&mut daemon, &company, play::HIRING).await?;
        // Who opens a job hears what is said from then on: the page is there from the start.
        go(&page, &format!("job/{running}"), "transcript").await?;
        wait_for("the CTO's last words", WORK, async || Ok(page.text().await?.contains(play::SAID).then_some(())))
            .await?;
        both(&page, dir, "job").await?;
        for theme in THEMES {
            wear(&mut daemon, &page, theme).await?;
            go(&page, "desk", "composer").await?;
            page.part("waiting").await?;
            shoot(&page, dir, "desk", theme).await?;
            go(&page, "team/cto", "agent-panel").await?;
            shoot(&page, dir, "team", theme).await?;
            go(&page, "costs", "costs-total").await?;
            shoot(&page, dir, "costs", theme).await?;
            go(&page, "journal", "journal-entry").await?;
            shoot(&page, dir, "journal", theme).await?;
            go(&page, "settings", "nav-settings").await?;
            shoot(&page, dir, "settings", theme).await?;
            quick(&stage, &mut daemon, &page, dir, theme).await?;
        }
        leave(&mut daemon, &page, dir, &company).await?;
        shrink(&stage, dir)?;
        println!("{} pictures are in {}", fs::read_dir(dir)?.count(), dir.display());
        Ok(())
    }

    /// An agent's program, where one finds it.
    fn install(stage: &Desktop) -> anyhow::Result<()> {
        let bin = stage.place.path("home/.local/bin");
        fs::create_dir_all(&bin)?;
        let program = bin.join("claude");
        fs::write(&program, play::CLAUDE)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// What was found on the computer, what agents may do, and one that asks before it acts.
    async fn leave(daemon: &mut Daemon, page: &Page, dir: &Path, company: &Path) -> anyhow::Result<()> {
        let allowed = json!({ "company": { "dir": company }, "key": "tools.commands", "value": "true" });
        daemon.call("config.set", allowed).await?;
        let rule = json!({
            "company": { "dir": company }, "agent": "cmo", "act": "network", "verdict": "ask", "origin": "desk",
        });
        daemon.call("permission.set", rule).await?;
        let asking = send_to(daemon, company, play::STAGING, play::ENGINEERING).await?;
        daemon.job(asking, &["waiting"], WORK).await?;
        for theme in THEMES {
            wear(daemon, page, theme).await?;
            go(page, "desk", "approval-allow").await?;
            shoot(page, dir, "approval", theme).await?;
            go(page, "permissions", "confinement").await?;
            shoot(page, dir, "permissions", theme).await?;
            go(page, "settings/engine", "engine").await?;
            page.run("document.querySelector('[data-engine=claude-code] button').click()").await?;
            page.part("engine-try").await?;
            page.run("document.activeElement?.blur()").await?;
            shoot(page, dir, "engines", theme).await?;
            go(page, "settings/safety", "confinement").await?;
            shoot(page, dir, "confinement", theme).await?;
        }
        Ok(())
    }

    /// The first steps, as a founder takes them.
    async fn found(page: &Page, dir: &Path) -> anyhow::Result<()> {
        page.fill("onboarding-company-name", "Northwind Labs").await?;
        page.fill("onboarding-folder", "~/northwind").await?;
        both(page, dir, "onboarding").await?;
        page.click("onboarding-create").await?;
        page.part("onboarding-engine-claude-code").await?;
        page.click("onboarding-engine-anthropic").await?;
        page.fill("onboarding-key", KEY).await?;
        both(page, dir, "onboarding-engine").await?;
        page.click("onboarding-next").await?;
        page.part("onboarding-brief").await?;
        page.click("onboarding-skip").await?;
        page.part("composer").await?;
        Ok(())
    }

    /// Both looks of a page that would lose what is filled in if it were loaded again.
    async fn both(page: &Page, dir: &Path, name: &str) -> anyhow::Result<()> {
        for theme in THEMES.iter().rev() {
            page.run(&format!("document.documentElement.dataset.theme = '{theme}'")).await?;
            shoot(page, dir, name, theme).await?;
        }
        Ok(())
    }

    async fn send(daemon: &mut Daemon, company: &Path, directive: &str) -> anyhow::Result<i64> {
        send_to(daemon, company, directive, "ceo").await
    }

    async fn send_to(daemon: &mut Daemon, company: &Path, directive: &str, agent: &str) -> anyhow::Result<i64> {
        let params = json!({
            "company": { "dir": company }, "directive": directive, "origin": "desk", "start_session": true,
            "queue": true, "agent": agent,
        });
        daemon.call("job.submit", params).await?["job_id"].as_i64().context("a job without a number")
    }

    /// Calls for a brief so far.
    fn asked(provider: &Provider, brief: &str) -> usize {
        provider.requests().iter().filter(|request| request.body["messages"].to_string().contains(brief)).count()
    }

    async fn show(daemon: &mut Daemon, what: Value) -> anyhow::Result<()> {
        let shown = daemon.call("desktop.show", what).await?;
        anyhow::ensure!(shown["shown"] == true, "no desktop is attached");
        Ok(())
    }

    async fn go(page: &Page, route: &str, part: &str) -> anyhow::Result<()> {
        page.run(&format!("location.hash = '#/{route}'; document.activeElement?.blur()")).await?;
        page.part(part).await?;
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
        for _ in 0..6 {
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

    /// Quick brief over a plain backdrop, with the main window out of the way.
    async fn quick(stage: &Desktop, daemon: &mut Daemon, page: &Page, dir: &Path, theme: &str) -> anyhow::Result<()> {
        let place = &stage.place;
        page.call("native.hide_window", json!({})).await?.map_err(anyhow::Error::msg)?;
        show(daemon, json!({ "view": "quick" })).await?;
        let window = Screen::window(place, "Quick brief").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        place.command("xdotool").args(["windowfocus", "--sync", &window]).status()?;
        place.command("xdotool").args(["type", "--delay", "20", BRIEF]).status()?;
        let file = std::path::absolute(dir.join(format!("quick-{theme}.png")))?;
        let mut last = Vec::new();
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            Screen::shot(place, &file)?;
            let now = fs::read(&file)?;
            if now == last {
                break;
            }
            last = now;
        }
        place.command("mogrify").args(["-crop", QUICK_PART, "+repage"]).arg(&file).status()?;
        Screen::press(place, &window, "ctrl+a")?;
        Screen::press(place, &window, "BackSpace")?;
        Screen::press(place, &window, "Escape")?;
        wait_for("Quick brief to hide", SOON, async || {
            Ok(Screen::windows(place, "Quick brief")?.is_empty().then_some(()))
        })
        .await?;
        show(daemon, json!({ "view": "window" })).await
    }

    /// The same pictures in fewer bytes.
    fn shrink(stage: &Desktop, dir: &Path) -> anyhow::Result<()> {
        for file in fs::read_dir(std::path::absolute(dir)?)? {
            let file = file?.path();
            if file.extension().is_none_or(|end| end != "png") {
                continue;
            }
            let mut command = stage.place.command("mogrify");
            command.args(["-strip", "-define", "png:compression-level=9", "-define", "png:exclude-chunks=all"]);
            anyhow::ensure!(command.arg(&file).status()?.success(), "{} was not shrunk", file.display());
        }
        Ok(())
    }
}
