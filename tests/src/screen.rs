//! An X server of the test's own, and a window manager on it.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

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

    /// Presses keys on the display's keyboard: they go to whichever window has the focus.
    ///
    /// # Errors
    /// xdotool is missing.
    pub fn keys(place: &Place, keys: &[&str]) -> anyhow::Result<()> {
        let done = place.command("xdotool").arg("key").args(keys).output()?;
        anyhow::ensure!(done.status.success(), "xdotool key: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// Types a text, as [`Screen::keys`].
    ///
    /// # Errors
    /// xdotool is missing.
    pub fn type_text(place: &Place, text: &str) -> anyhow::Result<()> {
        let done = place.command("xdotool").args(["type", "--delay", "20", text]).output()?;
        anyhow::ensure!(done.status.success(), "xdotool type: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// Waits until a window has the focus, and does nothing for it.
    ///
    /// # Errors
    /// Another one has it, whose title is told.
    pub async fn focused(place: &Place, window: &str) -> anyhow::Result<()> {
        let ask = |args: &[&str]| -> anyhow::Result<String> {
            let told = place.command("xdotool").args(args).output()?;
            Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
        };
        let done = wait_for("the focus", SOON, async || Ok((ask(&["getwindowfocus"])? == window).then_some(()))).await;
        done.with_context(|| {
            let names = [ask(&["getwindowname", window]), ask(&["getwindowfocus", "getwindowname"])];
            format!("wanted and found: {names:?}")
        })
    }
}

/// A window of some other program.
pub struct Other {
    display: RustConnection,
    window: u32,
}

impl Other {
    /// Opens it.
    ///
    /// # Errors
    /// There is no display.
    pub async fn open(place: &Place) -> anyhow::Result<Other> {
        let (display, screen) = x11rb::connect(place.get("DISPLAY"))?;
        let window = display.generate_id()?;
        let on = &display.setup().roots[screen];
        let look = CreateWindowAux::new().background_pixel(on.white_pixel).event_mask(EventMask::KEY_PRESS);
        display.create_window(0, window, on.root, 40, 500, 400, 300, 0, WindowClass::INPUT_OUTPUT, 0, &look)?;
        display.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, b"Another program")?;
        let class = b"another\0Another\0";
        display.change_property8(PropMode::REPLACE, window, AtomEnum::WM_CLASS, AtomEnum::STRING, class)?;
        // A window manager that has just begun overlooks one that comes while it looks around.
        wait_for("another program's window", SOON, async || {
            display.map_window(window)?.check()?;
            Ok((!Screen::windows(place, "Another program")?.is_empty()).then_some(()))
        })
        .await?;
        Ok(Other { display, window })
    }

    /// The founder goes to it, clicks into it and types.
    ///
    /// # Errors
    /// It does not get the focus.
    pub async fn use_it(&self, place: &Place) -> anyhow::Result<()> {
        let id = self.window.to_string();
        let click = ["windowactivate", "--sync", &id, "mousemove", "--window", &id, "200", "200", "click", "1"];
        place.command("xdotool").args(click).status()?;
        Screen::focused(place, &id).await?;
        Screen::keys(place, &["a", "b"])?;
        while self.display.poll_for_event()?.is_some() {}
        Ok(())
    }
}
