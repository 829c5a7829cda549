//! The page in the real window, over WebDriver; its parts are found by their `data-testid`.

use std::time::Duration;

use anyhow::Context;
use fantoccini::elements::Element;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::{SOON, wait_for};

/// How long one picture may take, and how often it is tried.
const SHOT: Duration = Duration::from_secs(8);
const SHOTS: usize = 3;
/// Moves a dot of no colour for a few seconds.
const MOVE: &str = "const dot = document.createElement('i');
    dot.style.cssText = 'position:fixed;inset:auto 0 0 auto;width:1px;height:1px;opacity:0.004;background:#888;will-change:transform';
    document.body.append(dot);
    let n = 0;
    const timer = setInterval(() => {
        dot.style.transform = `translateX(${-(n++ % 2)}px)`;
        if (n > 100) { clearInterval(timer); dot.remove(); }
    }, 60);";

/// The page.
pub struct Page {
    client: Client,
}

impl Page {
    pub(crate) fn of(client: Client) -> Page {
        Page { client }
    }

    /// Waits for something that a CSS selector finds and that is on screen.
    ///
    /// # Errors
    /// Nothing in time; says what the page shows instead.
    pub async fn find(&self, css: &str, bound: Duration) -> anyhow::Result<Element> {
        let found = wait_for(css, bound, async || {
            for element in self.client.find_all(Locator::Css(css)).await? {
                if element.is_displayed().await? {
                    return Ok(Some(element));
                }
            }
            Ok(None)
        })
        .await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => Err(error.context(format!("the page shows: {}", self.text().await.unwrap_or_default()))),
        }
    }

    /// Waits for a part of the page.
    ///
    /// # Errors
    /// As [`Page::find`].
    pub async fn part(&self, testid: &str) -> anyhow::Result<Element> {
        self.find(&part(testid), SOON).await
    }

    /// Whether a part is on screen right now.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn has(&self, testid: &str) -> anyhow::Result<bool> {
        for element in self.client.find_all(Locator::Css(&part(testid))).await? {
            if element.is_displayed().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Clicks a part, once it can be clicked.
    ///
    /// # Errors
    /// It cannot in time.
    pub async fn click(&self, testid: &str) -> anyhow::Result<()> {
        wait_for(&format!("a click on {testid}"), SOON, async || {
            let element = self.part(testid).await?;
            if !element.is_enabled().await? {
                return Ok(None);
            }
            element.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Types into a part, in place of what stands there.
    ///
    /// # Errors
    /// It is not there in time.
    pub async fn fill(&self, testid: &str, text: &str) -> anyhow::Result<()> {
        let element = self.part(testid).await?;
        element.clear().await.with_context(|| format!("{testid} cannot be cleared"))?;
        element.send_keys(text).await.with_context(|| format!("{testid} cannot be typed into"))?;
        Ok(())
    }

    /// All the text that the page shows.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn text(&self) -> anyhow::Result<String> {
        let text = self.run("return document.body.innerText").await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a script in the page.
    ///
    /// # Errors
    /// It throws, or the window is gone.
    pub async fn run(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, vec![]).await?)
    }

    /// Calls what pages call, as the page itself does: `Ok` is the result, an inner `Err` what it rejects with.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn call(&self, method: &str, params: Value) -> anyhow::Result<Result<Value, Value>> {
        let script = "const [method, params, done] = arguments;
            window.__TAURI_INTERNALS__.invoke('call', { method, params })
                .then((result) => done({ result }), (error) => done({ error }));";
        let outcome = self.client.execute_async(script, vec![json!(method), params]).await?;
        match outcome.get("error") {
            Some(error) => Ok(Err(error.clone())),
            None => Ok(Ok(outcome["result"].clone())),
        }
    }

    /// What the window shows, as PNG.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn screenshot(&self) -> anyhow::Result<Vec<u8>> {
        for _ in 0..SHOTS {
            // The picture is taken with the next frame, and a page that stands still draws none: something that nobody sees
            // moves meanwhile.
            self.run(MOVE).await?;
            if let Ok(picture) = tokio::time::timeout(SHOT, self.client.screenshot()).await {
                return Ok(picture?);
            }
        }
        anyhow::bail!("the window draws nothing")
    }

    /// The WebDriver connection, for what has no verb here.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

fn part(testid: &str) -> String {
    format!("[data-testid={testid:?}]")
}
