//! Every screen of a company in the middle of its day.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use blackbox::{Child, Daemon, Desktop, Page, SOON, Screen, Start, WORK, play, wait_for};
use serde_json::{Value, json};
use testkit::Provider;

use crate::album::{Album, THEMES, wear};
use crate::{nothing, wrong};

const KEY: &str = "sk-ant-api03-pictures-only-Qx7A";
/// What is behind Quick brief.
const BACKDROP: [&str; 6] = ["-add", "#bac7db", "-add", "#d9cec1", "-gradient", "315"];
const BRIEF: &str = "Ask finance whether we can drop the starter plan to $9";
/// Room around Quick brief in its picture.
const ROOM: i32 = 60;
/// The window's own size.
pub const SIZE: (u32, u32) = (1280, 860);

/// A company at work, in its window. Fields end in this order: the page before the app.
pub struct Company {
    pub page: Page,
    pub daemon: Daemon,
    pub dir: PathBuf,
    /// The job that runs while the pictures are taken.
    pub running: i64,
    pub failed: i64,
    pub asking: i64,
    _compositor: Child,
    pub stage: Desktop,
    _provider: Provider,
}

impl Company {
    /// Founds it, and plays its day up to now.
    pub async fn found() -> anyhow::Result<Company> {
        let provider = Provider::start(play::script()).await;
        let mut stage = Desktop::stage_of("3840x2160", Start { keyring: true, ..Start::default() }).await?;
        stage.place.set("ANTHROPIC_BASE_URL", provider.url());
        stage.place.set("AICIB_BIN", wrong::daemon_that_can_be_kept_away(&stage)?);
        stage.place.command("hsetroot").args(BACKDROP).stdout(Stdio::null()).status().context("hsetroot")?;
        // Without a compositor no window has round corners.
        let mut compositor = stage.place.command("xcompmgr");
        let compositor = Child::start(compositor.stdout(Stdio::null()).stderr(Stdio::null()))?;
        nothing::install(&stage)?;
        let dir = stage.company_dir("northwind")?;
        let begun = stage.place.aicib(&["daemon", "start"])?.output()?;
        anyhow::ensure!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
        let mut daemon = Daemon::connect(&stage.place.home(), SOON).await?;
        daemon.set(json!({ "onboarded": true })).await?;
        let company =
            json!({ "name": "Northwind Labs", "dir": dir, "structure": "full-c-suite", "engine": "anthropic-api" });
        daemon.call("company.create", company).await?;
        daemon.call("key.set", json!({ "provider": "anthropic", "key": KEY, "storage": "keychain" })).await?;
        let page = stage.open(&[]).await?;
        page.part("composer").await?;
        let mut company = Company {
            page,
            daemon,
            dir,
            running: 0,
            failed: 0,
            asking: 0,
            _compositor: compositor,
            stage,
            _provider: provider,
        };
        company.resize(SIZE).await?;
        company.play().await?;
        Ok(company)
    }

    async fn play(&mut self) -> anyhow::Result<()> {
        for (brief, state) in [(play::DESCRIPTION, "completed"), (play::REFUSED, "failed"), (play::PRICES, "completed")]
        {
            let job = self.send("ceo", brief).await?;
            self.daemon.job(job, &[state], WORK).await?;
            if state == "failed" {
                self.failed = job;
            }
        }
        let stopped = self.send("ceo", play::STOPPED).await?;
        let first_look = json!({ "job_id": stopped, "after": 0, "limit": 100 });
        wait_for("a first look", WORK, async || {
            let events = self.daemon.call("event.list", first_look.clone()).await?;
            Ok(events.to_string().contains("tool_finished").then_some(()))
        })
        .await?;
        self.daemon.call("job.cancel", json!({ "job_id": stopped })).await?;
        self.daemon.job(stopped, &["cancelled"], WORK).await?;
        self.asking = self.send(play::FINANCE, play::STARTER).await?;
        self.daemon.job(self.asking, &["waiting"], WORK).await?;
        self.running = self.send("ceo", play::LAUNCH).await?;
        self.send("ceo", play::HIRING).await?;
        let at = jiff::Zoned::now().saturating_add(jiff::Span::new().hours(15)).timestamp().as_millisecond();
        let later = json!({
            "company": { "dir": self.dir }, "directive": "Read through the week's support questions", "origin": "desk",
            "start_session": true, "queue": true, "agent": "ceo", "not_before": at,
        });
        self.daemon.call("job.submit", later).await?;
        // Who opens a job hears what is said from then on: the page is there from the start.
        self.page.go(&format!("job/{}", self.running)).await?;
        wait_for("the CTO's last words", WORK, async || Ok(self.page.shows(play::SAID).await?.then_some(()))).await
    }

    pub async fn send(&mut self, agent: &str, directive: &str) -> anyhow::Result<i64> {
        let params = json!({
            "company": { "dir": self.dir }, "directive": directive, "origin": "desk", "start_session": true,
            "queue": true, "agent": agent,
        });
        self.daemon.call("job.submit", params).await?["job_id"].as_i64().context("a job without a number")
    }

    /// Gives the window another size, and waits until the page has it.
    pub async fn resize(&self, (width, height): (u32, u32)) -> anyhow::Result<()> {
        let place = &self.stage.place;
        let window = Screen::window(place, "AICIB").await?;
        let [w, h] = [width.to_string(), height.to_string()];
        wait_for("the window's size", SOON, async || {
            place.command("xdotool").args(["windowsize", &window, &w, &h]).status()?;
            let size = self.page.run("return [innerWidth, innerHeight]").await?;
            Ok((size == json!([width, height])).then_some(()))
        })
        .await
    }

    /// Goes to a screen, and waits for words on it.
    pub async fn go(&self, route: &str, words: &str) -> anyhow::Result<()> {
        self.page.go(route).await?;
        self.page.says(words).await?;
        self.page.run("document.activeElement?.blur()").await?;
        Ok(())
    }

    async fn show(&mut self, what: Value) -> anyhow::Result<()> {
        let shown = self.daemon.call("desktop.show", what).await?;
        anyhow::ensure!(shown["shown"] == true, "no desktop is attached");
        Ok(())
    }
}

pub async fn take(company: &mut Company, album: &mut Album) -> anyhow::Result<()> {
    job(company, album).await?;
    desk(company, album).await?;
    jobs(company, album).await?;
    for (route, words, chapter, name, caption) in [
        ("costs", "Spend by day", "Costs", "costs", "What was spent, on what, and how much of the limits that is"),
        ("journal", "180 words", "Journal", "journal", "What was done, brief by brief"),
        ("team/cto", "Brief directly", "Team", "team", "The team, and one of them"),
        ("notices", "Today", "Notices", "notices", "What the founder was told, and what became of it"),
        ("settings", "Engines & keys", "Settings", "settings", "Engines and keys"),
        ("settings/look", "Size of text", "Settings", "settings-look", "Notifications and looks"),
        ("settings/keys", "Quick brief from anywhere", "Settings", "settings-keys", "Keys"),
        ("settings/storage", "free on this disk", "Settings", "settings-storage", "What takes room"),
    ] {
        company.go(route, words).await?;
        album.take(&company.page, chapter, name, caption).await?;
    }
    company.page.go("settings/about").await?;
    company.page.click("show-licences").await?;
    company.page.part("licences").await?;
    album.take(&company.page, "Settings", "licences", "Whose work it is built from").await?;
    company.page.press("button", "Close").await?;
    above(company, album).await?;
    quick(company, album).await?;
    leave(company, album).await
}

async fn job(company: &Company, album: &mut Album) -> anyhow::Result<()> {
    let page = &company.page;
    page.run("document.activeElement?.blur()").await?;
    album.take(page, "Job", "job", "A job at work: lanes, activity, what is being said").await?;
    page.press("button", &format!("Bash {}", play::COMMAND)).await?;
    page.part("tool-call").await?;
    album.take(page, "Job", "job-call", "A tool call, with what went in and what came back").await?;
    page.press("button", "Find in this job").await?;
    page.write("textbox", "Find in this job", "margin").await?;
    page.says("1 of").await?;
    album.take(page, "Job", "job-find", "Found in the job").await?;
    page.press("button", "Close find").await?;
    page.press("button", "Fold or unfold all").await?;
    page.says("folded").await?;
    album.take(page, "Job", "job-folded", "What was handed on, folded").await?;
    page.press("button", "Fold or unfold all").await?;
    page.press("tab", "Files changed").await?;
    page.press("option", "index.html").await?;
    page.says("Plans that plan back").await?;
    album.take(page, "Job", "job-files", "Files changed, against what they were before").await?;
    page.press("tab", "Prompts").await?;
    page.says("Copy").await?;
    album.take(page, "Job", "job-prompts", "What was really sent").await?;
    page.press("tab", "Raw events").await?;
    page.says("tool_started").await?;
    album.take(page, "Job", "job-raw", "Every event, as it is stored").await?;
    page.press("tab", "Activity").await
}

async fn desk(company: &Company, album: &mut Album) -> anyhow::Result<()> {
    company.go("desk", "Waiting for you").await?;
    album.take(&company.page, "Desk", "desk", "What waits for you, what runs, what is done").await?;
    company.page.click("composer-to").await?;
    album.take(&company.page, "Desk", "desk-to", "Who is briefed").await?;
    company
        .page
        .run("document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))")
        .await?;
    Ok(())
}

async fn jobs(company: &Company, album: &mut Album) -> anyhow::Result<()> {
    let page = &company.page;
    company.go("jobs", play::PRICES).await?;
    album.take(page, "Jobs", "jobs", "Every brief, with how it stands").await?;
    for job in [1, 2, 3] {
        page.press("checkbox", &format!("Choose job #{job}")).await?;
    }
    album.take(page, "Jobs", "jobs-chosen", "Many at once").await?;
    page.press("button", "Delete 3").await?;
    page.role("dialog", "Delete 3 jobs?").await?;
    album.take(page, "Jobs", "jobs-delete", "Asked before anything goes").await?;
    page.press("button", "Cancel").await?;
    page.press("button", "Choose none").await?;
    company.go("jobs?q=headline", "newest first").await?;
    page.part("hit").await?;
    album.take(page, "Jobs", "search", "A search over everything that was said and done").await?;
    page.press("button", "Back to the list").await?;
    company.go("sessions", "open").await?;
    album.take(page, "Jobs", "sessions", "Sessions: conversations that can be taken up again").await
}

/// What stands above a screen.
async fn above(company: &Company, album: &mut Album) -> anyhow::Result<()> {
    let page = &company.page;
    company.go("desk", "Waiting for you").await?;
    for (key, part, name, caption) in [
        ("{ key: 'k', code: 'KeyK', ctrlKey: true }", "combobox", "palette", "The palette: everything, by name"),
        ("{ key: 'o', code: 'KeyO', ctrlKey: true }", "listbox", "companies", "Companies, and how each of them stands"),
        ("{ key: '?', code: 'Slash', shiftKey: true }", "heading", "keys", "All keys"),
    ] {
        page.run(&format!("window.dispatchEvent(new KeyboardEvent('keydown', {{ bubbles: true, ...{key} }}))")).await?;
        page.role(part, "").await?;
        album.take(page, "Above everything", name, caption).await?;
        page.run("document.querySelector('dialog[open]').dispatchEvent(new Event('cancel', { cancelable: true }))")
            .await?;
        wait_for("it to close", SOON, async || {
            Ok((page.run("return document.querySelector('dialog[open]') === null").await? == true).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// Quick brief over a plain backdrop, with the main window out of the way.
async fn quick(company: &mut Company, album: &mut Album) -> anyhow::Result<()> {
    company.page.call("native.hide_window", json!({})).await?.map_err(anyhow::Error::msg)?;
    let main = company.page.view().await?;
    company.show(json!({ "view": "quick" })).await?;
    company.page.switch_to_other(&main).await?;
    company.page.role("textbox", "Brief for the CEO").await?;
    let place = &company.stage.place;
    let window = Screen::window(place, "Quick brief").await?;
    place.command("xdotool").args(["windowfocus", "--sync", &window]).status()?;
    Screen::type_text(place, BRIEF)?;
    for theme in THEMES {
        wear(&company.page, theme).await?;
        let told = place.command("xdotool").args(["getwindowgeometry", "--shell", &window]).output()?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let side = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)?.parse::<i32>().ok()).unwrap_or(0);
        let (x, y) = ((side("X=") - ROOM).max(0), (side("Y=") - ROOM).max(0));
        let part = format!("{}x{}+{x}+{y}", side("WIDTH=") + 2 * ROOM, side("HEIGHT=") + 2 * ROOM);
        let file = album.file("quick", theme);
        let mut last = Vec::new();
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let done =
                place.command("import").args(["-window", "root", "-crop", &part, "+repage"]).arg(&file).output()?;
            anyhow::ensure!(done.status.success(), "import: {}", String::from_utf8_lossy(&done.stderr));
            let now = std::fs::read(&file)?;
            if now == last {
                break;
            }
            last = now;
        }
    }
    album.note("Quick brief", "quick", "A brief from anywhere, with what waits and what runs");
    Screen::press(place, &window, "ctrl+a")?;
    Screen::press(place, &window, "BackSpace")?;
    Screen::press(place, &window, "Escape")?;
    wait_for("Quick brief to hide", SOON, async || Ok(Screen::windows(place, "Quick brief")?.is_empty().then_some(())))
        .await?;
    company.page.switch_to(main).await?;
    company.show(json!({ "view": "window" })).await
}

/// What agents may do, and one that asks before it acts.
async fn leave(company: &mut Company, album: &mut Album) -> anyhow::Result<()> {
    let rule = json!({
        "company": { "dir": company.dir }, "agent": "cmo", "act": "network", "verdict": "ask", "origin": "desk",
    });
    company.daemon.call("permission.set", rule).await?;
    let asking = company.send(play::ENGINEERING, play::STAGING).await?;
    company.daemon.job(asking, &["waiting"], WORK).await?;
    company.go("desk", "staging.northwind.example").await?;
    album.take(&company.page, "Leave to act", "approval", "An agent asks before it acts").await?;
    company.go("permissions", "What this holds, and what not").await?;
    album.take(&company.page, "Leave to act", "permissions", "Who may do what").await?;
    company.go("settings/safety", "confine").await?;
    album.take(&company.page, "Leave to act", "confinement", "What agents can reach").await
}
