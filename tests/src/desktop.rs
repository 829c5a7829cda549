//! The desktop app on a stage of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fantoccini::ClientBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::place::binary;
use crate::{Bus, Child, Daemon, Keyring, Page, Place, SOON, Screen, StandIns, WORK, wait_for};

/// What stands on the stage beside the app.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// A window manager, so that windows have the focus.
    pub manager: bool,
    /// A place for tray icons, and a notification service.
    pub stand_ins: bool,
    /// A keyring.
    pub keyring: bool,
}

impl Default for Start {
    fn default() -> Start {
        Start { manager: false, stand_ins: true, keyring: false }
    }
}

/// The stage, and what runs on it. Fields end in this order: the app before its screen.
pub struct Desktop {
    /// The app, where it was started without WebDriver.
    pub app: Option<Child>,
    driver: Option<Child>,
    /// The keyring.
    pub keyring: Option<Keyring>,
    /// The notification service and the tray.
    pub stand_ins: Option<StandIns>,
    /// The session bus.
    pub bus: Bus,
    screen: Screen,
    /// Folders and environment.
    pub place: Place,
}

impl Desktop {
    /// Sets the stage; the app is not started yet.
    ///
    /// # Errors
    /// Something that the tests need is missing.
    pub async fn stage(start: Start) -> anyhow::Result<Desktop> {
        Desktop::stage_of("1280x860", start).await
    }

    /// As [`Desktop::stage`], on a screen of this size.
    ///
    /// # Errors
    /// As [`Desktop::stage`].
    pub async fn stage_of(size: &str, start: Start) -> anyhow::Result<Desktop> {
        let mut place = Place::new()?;
        let mut screen = Screen::start(&mut place, size)?;
        let bus = Bus::start(&mut place)?;
        if start.manager {
            screen.manage(&place).await?;
        }
        let stand_ins = if start.stand_ins { Some(StandIns::start(&bus).await?) } else { None };
        let keyring = if start.keyring { Some(Keyring::start(&place, &bus).await?) } else { None };
        Ok(Desktop { app: None, driver: None, keyring, stand_ins, bus, screen, place })
    }

    /// Starts a window manager, where the stage has none yet.
    ///
    /// # Errors
    /// It does not start.
    pub async fn manage(&mut self) -> anyhow::Result<()> {
        self.screen.manage(&self.place).await
    }

    /// Starts the app and opens its page over WebDriver.
    ///
    /// # Errors
    /// The app or its driver does not start.
    pub async fn open(&mut self, args: &[&str]) -> anyhow::Result<Page> {
        binary("aicib")?;
        self.open_program("aicib-desktop", args).await
    }

    /// Starts a program that was built beside the app, and opens its page over WebDriver. What was open before ends.
    ///
    /// # Errors
    /// As [`Desktop::open`].
    pub async fn open_program(&mut self, name: &str, args: &[&str]) -> anyhow::Result<Page> {
        self.driver = None;
        let app = binary(name)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = self.place.command("WebKitWebDriver");
        command.args(["--host=127.0.0.1", &format!("--port={port}")]);
        for name in ["TAURI_AUTOMATION", "TAURI_WEBVIEW_AUTOMATION"] {
            command.env(name, "true");
        }
        let log = std::fs::File::create(self.place.path("driver.log"))?;
        self.driver = Some(Child::start(command.stdout(log.try_clone()?).stderr(log).stdin(Stdio::null()))?);
        let url = format!("http://127.0.0.1:{port}");
        wait_for("the WebDriver", SOON, async || {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop))
        })
        .await?;
        let options = json!({
            "webkitgtk:browserOptions": { "binary": app, "args": args },
            "timeouts": { "script": 60_000, "pageLoad": 60_000 },
        });
        let capabilities = options.as_object().cloned().unwrap_or_default();
        let mut session = ClientBuilder::new(HttpConnector::new());
        session.capabilities(capabilities);
        let client = tokio::time::timeout(WORK, session.connect(&url)).await??;
        Ok(Page::of(client))
    }

    /// Starts the app as a user does, without WebDriver.
    ///
    /// # Errors
    /// It does not start.
    pub fn launch(&mut self, args: &[&str]) -> anyhow::Result<()> {
        self.app = Some(self.another(args)?);
        Ok(())
    }

    /// Starts the app once more.
    ///
    /// # Errors
    /// It does not start.
    pub fn another(&self, args: &[&str]) -> anyhow::Result<Child> {
        binary("aicib")?;
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.place.path("app.log"))?;
        let mut command = self.place.command(binary("aicib-desktop")?);
        Child::start(command.args(args).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log))
    }

    /// Closes a window as its window manager does where the founder asks for that.
    ///
    /// # Errors
    /// There is no display.
    pub fn close_window(&self, window: u32) -> anyhow::Result<()> {
        use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask};

        let (display, _) = x11rb::connect(self.place.get("DISPLAY"))?;
        let [protocols, delete] =
            [&b"WM_PROTOCOLS"[..], b"WM_DELETE_WINDOW"].map(|name| display.intern_atom(false, name));
        let wish = [delete?.reply()?.atom, x11rb::CURRENT_TIME, 0, 0, 0];
        let wish = ClientMessageEvent::new(32, window, protocols?.reply()?.atom, wish);
        display.send_event(false, window, EventMask::NO_EVENT, wish)?.check()?;
        Ok(())
    }

    /// Ends every app that runs here, whoever started it.
    ///
    /// # Errors
    /// One does not end.
    pub async fn end_apps(&self) -> anyhow::Result<()> {
        let apps = || -> Vec<i32> {
            let named = |pid: &i32| {
                let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                name.trim() == "aicib-desktop"
            };
            self.place.processes().into_iter().filter(named).collect()
        };
        for pid in apps().into_iter().filter_map(Pid::from_raw) {
            // It may be gone by now.
            let _ = kill_process(pid, Signal::KILL);
        }
        wait_for("the end of the app", SOON, async || Ok(apps().is_empty().then_some(()))).await
    }

    /// Connects to the daemon that the app started.
    ///
    /// # Errors
    /// None listens in time.
    pub async fn daemon(&self) -> anyhow::Result<Daemon> {
        Daemon::connect(&self.place.home(), WORK).await
    }

    /// A fresh folder for a company.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn company_dir(&self, name: &str) -> anyhow::Result<PathBuf> {
        let dir = self.place.path("home").join(name);
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// The first answer of a command of the CLI, as JSON.
    ///
    /// # Errors
    /// It fails, in its own words.
    pub fn cli(&self, dir: &Path, args: &[&str]) -> anyhow::Result<serde_json::Value> {
        let done = self.place.aicib(args)?.current_dir(dir).arg("--json").output()?;
        let said = String::from_utf8_lossy(&done.stdout);
        anyhow::ensure!(done.status.success(), "aicib {args:?}: {said}{}", String::from_utf8_lossy(&done.stderr));
        Ok(serde_json::from_str(said.lines().next().unwrap_or("null"))?)
    }
}
