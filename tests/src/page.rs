//! The page in the real window, over WebDriver. Its parts are found by what they are and how they are called, or by
//! their `data-testid`.

use std::time::Duration;

use anyhow::Context;
use fantoccini::elements::{Element, ElementRef};
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::{SOON, wait_for};

/// Finds by role and name.
const FIND: &str = include_str!("find.js");
/// Tells what has the focus.
const FOCUS: &str = include_str!("focus.js");
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long the focus may be on its way.
const FOCUS_BOUND: Duration = Duration::from_secs(5);
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

    /// Waits for something with this role and this name; a part of the name does where nothing has it whole.
    ///
    /// # Errors
    /// Nothing in time; says what of that role there is instead.
    pub async fn role(&self, role: &str, name: &str) -> anyhow::Result<Element> {
        let mut others = Value::Null;
        let found = wait_for(&format!("a {role} {name:?}"), SOON, async || {
            let (element, rest) = self.role_now(role, name).await?;
            others = rest;
            Ok(element)
        })
        .await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => {
                let text = self.text().await.unwrap_or_default();
                Err(error.context(format!("there are: {others}; the page shows: {text}")))
            }
        }
    }

    /// Whether something with this role and name is on screen right now.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn has_role(&self, role: &str, name: &str) -> anyhow::Result<bool> {
        Ok(self.role_now(role, name).await?.0.is_some())
    }

    async fn role_now(&self, role: &str, name: &str) -> anyhow::Result<(Option<Element>, Value)> {
        let found = self.client.execute(FIND, vec![json!(role), json!(name)]).await?;
        let id = found[0][ELEMENT].as_str().map(|id| ElementRef::from(id.to_owned()));
        Ok((id.map(|id| Element::from_element_id(self.client.clone(), id)), found[1].clone()))
    }

    /// Clicks what has this role and this name, once it can be clicked.
    ///
    /// # Errors
    /// It cannot in time.
    pub async fn press(&self, role: &str, name: &str) -> anyhow::Result<()> {
        let why = format!("a click on the {role} {name:?}");
        wait_for(&why, SOON, async || {
            let element = self.role(role, name).await?;
            if !element.is_enabled().await? {
                return Ok(None);
            }
            element.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Types into what has this role and this name, in place of what stands there.
    ///
    /// # Errors
    /// It is not there in time.
    pub async fn write(&self, role: &str, name: &str, text: &str) -> anyhow::Result<()> {
        let element = self.role(role, name).await?;
        element.clear().await.with_context(|| format!("{name:?} cannot be cleared"))?;
        element.send_keys(text).await.with_context(|| format!("{name:?} cannot be typed into"))?;
        Ok(())
    }

    /// Waits until the page shows these words, in capitals or not.
    ///
    /// # Errors
    /// It does not in time; says what it shows instead.
    pub async fn says(&self, words: &str) -> anyhow::Result<()> {
        let said =
            wait_for(&format!("{words:?} on screen"), SOON, async || Ok(self.shows(words).await?.then_some(()))).await;
        match said {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(format!("the page shows: {}", self.text().await.unwrap_or_default()))),
        }
    }

    /// Waits until these words are on screen no more.
    ///
    /// # Errors
    /// They stay.
    pub async fn says_no_more(&self, words: &str) -> anyhow::Result<()> {
        wait_for(&format!("the end of {words:?}"), SOON, async || Ok((!self.shows(words).await?).then_some(()))).await
    }

    /// Whether the page shows these words right now, in capitals or not.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn shows(&self, words: &str) -> anyhow::Result<bool> {
        Ok(self.text().await?.to_lowercase().contains(&words.to_lowercase()))
    }

    /// All the words of a part of the page, those too that are cut off for want of room.
    ///
    /// # Errors
    /// It is gone.
    pub async fn words(&self, element: &Element) -> anyhow::Result<String> {
        Ok(element.prop("innerText").await?.unwrap_or_default())
    }

    /// Goes to a screen by its address.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn go(&self, route: &str) -> anyhow::Result<()> {
        self.run(&format!("location.hash = '#/{route}'")).await?;
        Ok(())
    }

    /// The screen's address.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn at(&self) -> anyhow::Result<String> {
        let hash = self.run("return location.hash").await?;
        Ok(hash.as_str().unwrap_or_default().trim_start_matches("#/").to_owned())
    }

    /// Waits until the screen with this address is up.
    ///
    /// # Errors
    /// Another one stays.
    pub async fn is_at(&self, route: &str) -> anyhow::Result<()> {
        let mut at = String::new();
        let came = wait_for(&format!("the address {route:?}"), SOON, async || {
            at = self.at().await?;
            Ok((at == route).then_some(()))
        })
        .await;
        came.with_context(|| format!("it is {at:?}"))
    }

    /// What has the focus, once something has it that one sees; with what is wrong where nothing has.
    ///
    /// # Errors
    /// Nothing has the focus, or one does not see what has it.
    pub async fn focus(&self) -> anyhow::Result<String> {
        let mut last = Value::Null;
        let found = wait_for("a focus that is seen", FOCUS_BOUND, async || {
            last = self.run(FOCUS).await?;
            let is_right = last["seen"] == true && last["inView"] == true;
            Ok(is_right.then(|| last["name"].as_str().unwrap_or_default().to_owned()))
        })
        .await;
        found.with_context(|| format!("found: {last}"))
    }

    /// The handle of the view that is driven.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn view(&self) -> anyhow::Result<WindowHandle> {
        Ok(self.client.window().await?)
    }

    /// Drives another view of the app from now on.
    ///
    /// # Errors
    /// It is gone.
    pub async fn switch_to(&self, view: WindowHandle) -> anyhow::Result<()> {
        Ok(self.client.switch_to_window(view).await?)
    }

    /// Drives the view that is not this one from now on, once there is one.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn switch_to_other(&self, than: &WindowHandle) -> anyhow::Result<()> {
        let other = wait_for("another view", SOON, async || {
            Ok(self.client.windows().await?.into_iter().find(|view| view != than))
        })
        .await?;
        self.switch_to(other).await
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

    /// Runs the body of an async function in the page, and waits for what it comes to.
    ///
    /// # Errors
    /// It rejects, or the window is gone.
    pub async fn run_to_end(&self, body: &str) -> anyhow::Result<Value> {
        let script = format!(
            "const done = arguments[0];
            (async () => {{ {body} }})().then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));"
        );
        let outcome = self.client.execute_async(&script, vec![]).await?;
        anyhow::ensure!(outcome["error"].is_null(), "{}", outcome["error"]);
        Ok(outcome["value"].clone())
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
