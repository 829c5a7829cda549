//! The tray icon and its menu: what runs, Quick brief, Open, Pause, Quit.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::methods::{JobPause, JobResume};
use contract::{CompanyId, Desk, DeskChange, JobHoldParams, JobId, Show};
use tauri::AppHandle;
use tauri::image::Image;
use tauri::include_image;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tokio::sync::Notify;

use crate::board::{Board, Face};
use crate::desktop::Desktop;
use crate::mark::with_mood;
use crate::{quit, window};

/// How often the menu changes, at most: one that changes under the pointer cannot be used.
const PACE: Duration = Duration::from_secs(1);

const QUICK: &str = "quick";
const OPEN: &str = "open";
const HOLD: &str = "hold";
const QUIT: &str = "quit";
const JOB: &str = "job-";

#[cfg(target_os = "macos")]
const ICON: Image<'_> = include_image!("./icons/tray-template.png");
#[cfg(not(target_os = "macos"))]
const ICON: Image<'_> = include_image!("./icons/tray.png");

/// The tray.
#[derive(Default)]
pub struct Tray {
    board: Mutex<Board>,
    wake: Notify,
}

impl Tray {
    /// A company's Desk was read.
    pub fn reset(&self, desk: &Desk) {
        self.with(|board| board.reset(desk));
    }

    /// A company's Desk changed.
    pub fn changed(&self, change: &DeskChange) {
        self.with(|board| board.changed(change));
    }

    /// The connection is gone.
    pub fn lost(&self) {
        self.with(Board::lost);
    }

    /// All Desks have been read.
    pub fn ready(&self) {
        self.with(Board::ready);
    }

    /// The founder has looked at the window: what failed before is known.
    pub fn looked(&self) {
        self.with(Board::looked);
    }

    /// Whether it says that a brief failed.
    pub fn tells_of_failure(&self) -> bool {
        lock(&self.board).has_failed()
    }

    /// The work is being stopped, and the app ends when it has.
    pub fn stopping(&self) {
        self.with(Board::stopping);
    }

    /// The language may be another now.
    pub fn spoken(&self) {
        self.wake.notify_one();
    }

    /// Those of `companies` whose Desk has not been read.
    pub fn missing(&self, companies: &BTreeSet<CompanyId>) -> Vec<CompanyId> {
        lock(&self.board).missing(companies)
    }

    /// Jobs that have not ended, in the order in which to stop them.
    pub fn live(&self) -> Vec<JobId> {
        lock(&self.board).live()
    }

    /// As [`Tray::live`]; none while not all Desks are known.
    pub fn live_for_sure(&self) -> Option<Vec<JobId>> {
        let board = lock(&self.board);
        board.is_ready().then(|| board.live())
    }

    fn with(&self, change: impl FnOnce(&mut Board)) {
        change(&mut lock(&self.board));
        self.wake.notify_one();
    }
}

/// Puts the icon up. Where that is not possible the app works without: closing its window then quits it.
pub fn start(desktop: &Arc<Desktop>) {
    // The library that draws the icon is looked for at run time, and panics when it is not there.
    let icon = std::panic::catch_unwind(AssertUnwindSafe(|| build(desktop)));
    match icon {
        Ok(Ok(icon)) => {
            tauri::async_runtime::spawn(follow(desktop.clone(), icon));
        }
        Ok(Err(error)) => tracing::warn!(%error, "there is no tray icon"),
        Err(_) => tracing::warn!("there is no tray icon: its library is missing (libayatana-appindicator3)"),
    }
}

fn build(desktop: &Arc<Desktop>) -> tauri::Result<TrayIcon> {
    let face = lock(&desktop.tray.board).face(desktop.words());
    let on_click = desktop.clone();
    TrayIconBuilder::with_id("aicib")
        .icon(ICON)
        .icon_as_template(true)
        .tooltip("AICIB")
        .menu(&menu(&desktop.app, &face)?.0)
        // Icons are handed over as files; a folder of our own keeps users of one machine apart.
        .temp_dir_path(desktop.home.root().join("tray"))
        .on_menu_event(move |_, event| clicked(&on_click, event.id().as_ref()))
        .build(&desktop.app)
}

fn clicked(desktop: &Arc<Desktop>, id: &str) {
    match id {
        QUICK => window::bring_up(desktop, Show::Quick),
        OPEN => window::bring_up(desktop, Show::Window),
        HOLD => {
            tauri::async_runtime::spawn(hold(desktop.clone()));
        }
        QUIT => quit::ask(desktop),
        _ => {
            if let Some(Ok(job)) = id.strip_prefix(JOB).map(str::parse) {
                window::bring_up(desktop, Show::Job { job_id: JobId(job) });
            }
        }
    }
}

/// Puts all work on hold, or lets it go on where it is.
async fn hold(desktop: Arc<Desktop>) {
    let wanted = !lock(&desktop.tray.board).is_held();
    let all = JobHoldParams { job_id: None };
    let held =
        if wanted { desktop.link.call::<JobPause>(all).await } else { desktop.link.call::<JobResume>(all).await };
    match held {
        Ok(held) => desktop.tray.with(|board| board.holds(held.all)),
        Err(error) => {
            tracing::warn!(%error, wanted, "the work could not be put on hold, or let go on");
            // A menu has no place for an error: the window says what is wrong.
            window::bring_up(&desktop, Show::Window);
        }
    }
}

const fn hold_label(face: &Face) -> &'static str {
    let words = face.language.words();
    if face.held { words.resume_all } else { words.pause_all }
}

/// The parts of a menu that change while it stands.
struct Lines {
    header: MenuItem<tauri::Wry>,
    hold: MenuItem<tauri::Wry>,
    jobs: Vec<MenuItem<tauri::Wry>>,
}

fn menu(app: &AppHandle, face: &Face) -> tauri::Result<(Menu<tauri::Wry>, Lines)> {
    let words = face.language.words();
    let header = MenuItem::with_id(app, "header", plain(&face.header), false, None::<&str>)?;
    let menu = Menu::with_items(app, &[&header])?;
    let mut jobs = Vec::new();
    for (job, label) in face.questions.iter().chain(&face.jobs) {
        let item = MenuItem::with_id(app, format!("{JOB}{job}"), plain(label), true, None::<&str>)?;
        menu.append(&item)?;
        jobs.push(item);
    }
    menu.append(&PredefinedMenuItem::separator(app)?)?;
    menu.append(&MenuItem::with_id(app, QUICK, words.quick_brief, true, None::<&str>)?)?;
    menu.append(&MenuItem::with_id(app, OPEN, words.open_app, true, None::<&str>)?)?;
    menu.append(&PredefinedMenuItem::separator(app)?)?;
    let hold = MenuItem::with_id(app, HOLD, hold_label(face), true, None::<&str>)?;
    menu.append(&hold)?;
    menu.append(&MenuItem::with_id(app, QUIT, words.quit, true, None::<&str>)?)?;
    Ok((menu, Lines { header, hold, jobs }))
}

/// A menu takes `&` for the mark of a shortcut letter.
fn plain(text: &str) -> String {
    text.replace('&', "&&")
}

async fn follow(desktop: Arc<Desktop>, icon: TrayIcon) {
    let mut shown = Face::default();
    let mut lines: Option<Lines> = None;
    loop {
        desktop.tray.wake.notified().await;
        let face = lock(&desktop.tray.board).face(desktop.words());
        if face == shown {
            continue;
        }
        let drawn = draw(&desktop.app, &icon, &shown, &face, lines.take());
        match drawn {
            Ok(now) => lines = Some(now),
            Err(error) => tracing::warn!(%error, "the tray menu could not be changed"),
        }
        shown = face;
        tokio::time::sleep(PACE).await;
    }
}

/// Changes what differs; a new menu only where its lines do, since that closes one that is open.
fn draw(app: &AppHandle, icon: &TrayIcon, shown: &Face, face: &Face, lines: Option<Lines>) -> tauri::Result<Lines> {
    if face.title != shown.title {
        icon.set_title(Some(&face.title))?;
    }
    if face.mood != shown.mood {
        icon.set_icon(Some(with_mood(&ICON, face.mood)))?;
        #[cfg(target_os = "macos")]
        icon.set_icon_as_template(true)?;
    }
    icon.set_tooltip(Some(format!("AICIB ({}): {}", face.mood.words(face.language.words()), face.header)))?;
    let same = |lines: &Lines| shown.language == face.language && same_jobs(lines, shown, face);
    if let Some(lines) = lines.filter(same) {
        if face.header != shown.header {
            lines.header.set_text(plain(&face.header))?;
        }
        if face.held != shown.held {
            lines.hold.set_text(hold_label(face))?;
        }
        for (item, (_, label)) in lines.jobs.iter().zip(face.questions.iter().chain(&face.jobs)) {
            item.set_text(plain(label))?;
        }
        return Ok(lines);
    }
    let (menu, lines) = menu(app, face)?;
    icon.set_menu(Some(menu))?;
    Ok(lines)
}

fn same_jobs(lines: &Lines, shown: &Face, face: &Face) -> bool {
    let ids = |face: &Face| face.questions.iter().chain(&face.jobs).map(|line| line.0).collect::<Vec<_>>();
    lines.jobs.len() == ids(face).len() && shown.questions.len() == face.questions.len() && ids(shown) == ids(face)
}

/// Whether somebody shows tray icons. On Linux that is a program of the desktop environment, which may be missing.
#[cfg(target_os = "linux")]
pub async fn host_present(_: &Desktop) -> bool {
    let asked = tokio::time::timeout(Duration::from_secs(1), async {
        let bus = zbus::Connection::session().await?;
        let names = zbus::fdo::DBusProxy::new(&bus).await?;
        names.name_has_owner("org.kde.StatusNotifierWatcher".try_into()?).await.map_err(zbus::Error::from)
    });
    match asked.await {
        Ok(Ok(present)) => present,
        Ok(Err(error)) => {
            tracing::debug!(%error, "no session bus");
            false
        }
        Err(_) => false,
    }
}

/// Whether somebody shows tray icons.
#[cfg(not(target_os = "linux"))]
pub async fn host_present(_: &Desktop) -> bool {
    true
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
