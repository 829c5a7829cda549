//! The real window on a company at work: one that practises, or one whose provider plays on this machine.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};
use testkit::{Provider, Script};

use crate::{Daemon, Desktop, Page, SOON, Screen, Start};

/// The key of companies whose provider plays.
const KEY: &str = "sk-ant-api03-window-only-Qx7A";

/// The window, its daemon, and a company. Fields end in this order: the page before the app.
pub struct Scene {
    /// The page.
    pub page: Page,
    /// A connection to the daemon.
    pub daemon: Daemon,
    /// The stand-in for the provider, where there is one.
    pub provider: Option<Provider>,
    /// The company's folder.
    pub dir: PathBuf,
    /// Folders, display, programs.
    pub stage: Desktop,
}

impl Scene {
    /// A practice company at this pace.
    ///
    /// # Errors
    /// Something of it does not start.
    pub async fn practice(pace: f64) -> anyhow::Result<Scene> {
        Scene::set(None, json!({ "practice_pace": pace }), "practice").await
    }

    /// A company whose provider plays this script.
    ///
    /// # Errors
    /// As [`Scene::practice`].
    pub async fn played(script: Script) -> anyhow::Result<Scene> {
        let provider = Provider::start(script).await;
        let mut scene = Scene::set(Some(provider), json!({}), "anthropic-api").await?;
        let key = json!({ "provider": "anthropic", "key": KEY, "storage": "session" });
        scene.daemon.call("key.set", key).await?;
        scene.page.says("Engine ready").await?;
        Ok(scene)
    }

    async fn set(provider: Option<Provider>, settings: Value, engine: &str) -> anyhow::Result<Scene> {
        let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
        if let Some(provider) = &provider {
            stage.place.set("ANTHROPIC_BASE_URL", provider.url());
        }
        let begun = stage.place.aicib(&["daemon", "start"])?.output()?;
        anyhow::ensure!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
        let mut daemon = Daemon::connect(&stage.place.home(), SOON).await?;
        daemon.set(json!({ "onboarded": true, "stop_grace_ms": 500 })).await?;
        daemon.set(settings).await?;
        let dir = stage.company_dir("acme")?;
        std::fs::create_dir_all(stage.place.path("home/Downloads"))?;
        let company = json!({ "name": "Acme", "dir": dir, "structure": "full-c-suite", "engine": engine });
        daemon.call("company.create", company).await?;
        let page = stage.open(&[]).await?;
        page.part("composer").await?;
        Screen::focused(&stage.place, &Screen::window(&stage.place, "AICIB").await?).await?;
        Ok(Scene { page, daemon, provider, dir, stage })
    }

    /// Sends a brief to the CEO: the job's number.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn brief(&mut self, directive: &str) -> anyhow::Result<i64> {
        self.brief_to("ceo", directive, json!({})).await
    }

    /// Puts all work on hold and sends a brief to the CEO, which begins once it is let go: the job's number.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn brief_held(&mut self, directive: &str) -> anyhow::Result<i64> {
        self.daemon.call("job.pause", json!({})).await?;
        self.brief(directive).await
    }

    /// Sends a brief to an agent, with more params.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn brief_to(&mut self, agent: &str, directive: &str, more: Value) -> anyhow::Result<i64> {
        let mut params = json!({
            "company": { "dir": self.dir }, "directive": directive, "origin": "desk", "start_session": true,
            "queue": true, "agent": agent,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            params[name] = value.clone();
        }
        self.daemon.call("job.submit", params).await?["job_id"].as_i64().context("a job without a number")
    }

    /// Presses keys on the display's keyboard, one after the other.
    ///
    /// # Errors
    /// There is no keyboard.
    pub fn keys(&self, keys: &[&str]) -> anyhow::Result<()> {
        Screen::keys(&self.stage.place, keys)
    }

    /// Types a text on it.
    ///
    /// # Errors
    /// As [`Scene::keys`].
    pub fn type_text(&self, text: &str) -> anyhow::Result<()> {
        Screen::type_text(&self.stage.place, text)
    }

    /// Where files are that were exported.
    pub fn downloads(&self) -> PathBuf {
        self.stage.place.path("home/Downloads")
    }
}
