//! An X server of the test's own, and a window manager on it.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;

use crate::{Child, Place, SOON, wait_for};

/// A display without a screen, 1280×860 unless told.
pub struct Screen {
    _server: Child,
    manager: Option<Child>,
}

impl Screen {
    /// Starts a display and names it in the place's environment.
    ///
    /// # Errors
    /// Xvfb is missing or does not start.
    pub fn start(place: &mut Place, size: &str) -> anyhow::Result<Screen> {
        let mut command = place.command("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", &format!("{size}x24"), "-nolisten", "tcp", "-noreset"]);
        let (server, number) = Child::start_and_read(command.stderr(Stdio::null()))?;
        place.set("DISPLAY", format!(":{number}"));
        Ok(Screen { _server: server, manager: None })
    }

    /// Starts a window manager: without one no window has the focus.
    ///
    /// # Errors
    /// openbox is missing or does not start.
    pub async fn manage(&mut self, place: &Place) -> anyhow::Result<()> {
        let mut command = place.command("openbox");
        self.manager = Some(Child::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?);
        wait_for("the window manager", SOON, async || {
            let root = place.command("xprop").args(["-root", "_NET_SUPPORTING_WM_CHECK"]).output()?;
            Ok(String::from_utf8_lossy(&root.stdout).contains("window id").then_some(()))
        })
        .await
    }

    /// The ids of visible windows with this title.
    ///
    /// # Errors
    /// xdotool is missing.
    pub fn windows(place: &Place, title: &str) -> anyhow::Result<Vec<String>> {
        let pattern = format!("^{title}$");
        let found = place.command("xdotool").args(["search", "--onlyvisible", "--name", &pattern]).output();
        let found = found.context("xdotool is missing: scripts/setup.sh --test installs it")?;
        Ok(String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect())
    }

    /// Waits for a visible window with this title.
    ///
    /// # Errors
    /// None in time.
    pub async fn window(place: &Place, title: &str) -> anyhow::Result<String> {
        let what = format!("a window {title:?}");
        wait_for(&what, SOON, async || Ok(Screen::windows(place, title)?.first().cloned())).await
    }

    /// What the whole display shows, as PNG.
    ///
    /// # Errors
    /// ImageMagick is missing.
    pub fn shot(place: &Place, file: &Path) -> anyhow::Result<()> {
        Screen::shot_of(place, "root", file)
    }

    /// What a window shows, as PNG.
    ///
    /// # Errors
    /// ImageMagick is missing, or the window is gone.
    pub fn shot_of(place: &Place, window: &str, file: &Path) -> anyhow::Result<()> {
        let done = place.command("import").args(["-window", window]).arg(file).output();
        let done = done.context("import is missing: scripts/setup.sh --test installs imagemagick")?;
        anyhow::ensure!(done.status.success(), "import: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// Presses a key in a window.
    ///
    /// # Errors
    /// xdotool is missing, or the window is gone.
    pub fn press(place: &Place, window: &str, key: &str) -> anyhow::Result<()> {
        for args in [vec!["windowfocus", "--sync", window], vec!["key", key]] {
            let done = place.command("xdotool").args(&args).output()?;
            anyhow::ensure!(done.status.success(), "xdotool {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }
}
