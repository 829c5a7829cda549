//! The windows: the main one, which hides in the tray, and Quick brief.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use contract::{Show, Theme};
use serde_json::Value;
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::window::Color;
use tauri::{LogicalPosition, LogicalSize, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};
use tauri_plugin_window_state::{AppHandleExt, StateFlags};

use crate::desktop::Desktop;
use crate::{drops, quit, tray};

/// The main window's label.
pub const MAIN: &str = "main";
/// Quick brief's label.
pub const QUICK: &str = "quick";
/// How wide Quick brief's card is, how tall it is before its page says, and how tall it is at least.
const QUICK_WIDTH: f64 = 400.0;
const QUICK_FIRST_HEIGHT: f64 = 176.0;
const QUICK_MIN_HEIGHT: f64 = 80.0;
/// The card's distance to the screen's right and upper edge; below it keeps the upper one.
const QUICK_MARGIN: (f64, f64) = (16.0, 40.0);

/// The page's own ground, so that no window flashes white before its page is drawn.
const LIGHT: Color = Color(0xf6, 0xf5, 0xf2, 0xff);
const DARK: Color = Color(0x16, 0x16, 0x14, 0xff);
const CLEAR: Color = Color(0, 0, 0, 0);

/// What is remembered of the main window, over starts.
pub const REMEMBERED: StateFlags = StateFlags::SIZE.union(StateFlags::POSITION).union(StateFlags::MAXIMIZED);

/// What a window was made to show first.
struct FirstView(Show);

/// Brings something up, from any thread: its window is made where it is not there, shown, and told.
pub fn bring_up(desktop: &Arc<Desktop>, show: Show) {
    let (app, desktop) = (desktop.app.clone(), desktop.clone());
    let asked = app.run_on_main_thread(move || {
        if let Err(error) = bring_up_here(&desktop, &show) {
            tracing::error!(%error, ?show, "a window could not be shown");
        }
    });
    if let Err(error) = asked {
        tracing::warn!(%error, "the app is ending");
    }
}

/// As [`bring_up`], on the thread of the windows.
///
/// # Errors
/// The window cannot be made or shown.
pub fn bring_up_here(desktop: &Arc<Desktop>, show: &Show) -> tauri::Result<()> {
    let label = if *show == Show::Quick { QUICK } else { MAIN };
    let window = match desktop.app.get_webview_window(label) {
        Some(window) => {
            tell(desktop, label, show);
            window
        }
        None if label == QUICK => make_quick(desktop)?,
        None => make_main(desktop, show)?,
    };
    if label == QUICK {
        place_quick(desktop, &window)?;
    }
    if window.is_minimized().unwrap_or(false) {
        window.unminimize()?;
    }
    window.show()?;
    take_focus(&window)?;
    if desktop.pages.set_hidden(label, false) {
        desktop.resync(label);
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn take_focus(window: &WebviewWindow) -> tauri::Result<()> {
    crate::front::bring_up(window)
}

#[cfg(not(target_os = "linux"))]
fn take_focus(window: &WebviewWindow) -> tauri::Result<()> {
    window.set_focus()
}

fn tell(desktop: &Desktop, label: &str, show: &Show) {
    match serde_json::to_value(show) {
        Ok(params) => {
            desktop.pages.push(label, "native.show", params);
        }
        Err(error) => tracing::error!(%error, "a view does not encode"),
    }
}

/// What a window is to show first, for a page that has just begun.
pub fn first_view(desktop: &Desktop, label: &str) -> Value {
    let show = match (label, desktop.app.try_state::<FirstView>()) {
        (QUICK, _) => Show::Quick,
        (_, Some(first)) => first.0.clone(),
        (_, None) => Show::Window,
    };
    serde_json::to_value(show).unwrap_or_default()
}

fn builder<'a>(desktop: &'a Arc<Desktop>, label: &str) -> WebviewWindowBuilder<'a, tauri::Wry, tauri::AppHandle> {
    let on_load = desktop.clone();
    desktop.pages.open(label);
    // The page draws itself by which window it is in.
    let page = match label {
        QUICK if desktop.quick_is_round.load(Ordering::Relaxed) => "index.html?window=quick&round",
        QUICK => "index.html?window=quick",
        _ => "index.html",
    };
    WebviewWindowBuilder::new(&desktop.app, label, WebviewUrl::App(page.into()))
        .title("AICIB")
        // What pages keep lies in the home, like everything else.
        .data_directory(desktop.home.root().join("webview"))
        .background_color(if is_dark(desktop) { DARK } else { LIGHT })
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(move |window, load| {
            if load.event() == PageLoadEvent::Started {
                on_load.pages.reload(window.label());
                on_load.forget(window.label());
            }
        })
}

fn is_dark(desktop: &Desktop) -> bool {
    match desktop.settings().theme {
        Theme::Dark => true,
        Theme::Light => false,
        Theme::System => {
            let window = desktop.app.webview_windows().into_values().next();
            window.and_then(|window| window.theme().ok()) == Some(tauri::Theme::Dark)
        }
    }
}

/// Whether an address is a page of ours. Everything else stays out of our windows; links open outside.
fn is_ours(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => true,
        "about" => url.as_str() == "about:blank",
        "http" | "https" => {
            let host = url.host_str();
            host == Some("tauri.localhost")
                || (tauri::is_dev() && host == Some("localhost") && url.port() == Some(5173))
        }
        _ => false,
    }
}

fn make_main(desktop: &Arc<Desktop>, show: &Show) -> tauri::Result<WebviewWindow> {
    desktop.app.manage(FirstView(show.clone()));
    let window = builder(desktop, MAIN).inner_size(1280.0, 860.0).min_inner_size(820.0, 560.0).center().build()?;
    #[cfg(target_os = "linux")]
    crate::front::keep(&window)?;
    let on_event = desktop.clone();
    window.on_window_event(move |event| match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            close_main(&on_event);
        }
        WindowEvent::DragDrop(event) => drops::over(&on_event, MAIN, event),
        WindowEvent::Focused(true) => on_event.tray.looked(),
        WindowEvent::Destroyed => gone(&on_event, MAIN),
        _ => {}
    });
    Ok(window)
}

/// Closing leaves the tray. Without one, a hidden window could be neither found nor quit: closing it then quits the
/// app, which asks first when work is under way.
fn close_main(desktop: &Arc<Desktop>) {
    let desktop = desktop.clone();
    tauri::async_runtime::spawn(async move {
        if tray::host_present(&desktop).await {
            hide(&desktop, MAIN);
        } else {
            quit::ask(&desktop);
        }
    });
}

fn make_quick(desktop: &Arc<Desktop>) -> tauri::Result<WebviewWindow> {
    let round = can_be_round();
    desktop.quick_is_round.store(round, Ordering::Relaxed);
    let size = quick_size(desktop, QUICK_FIRST_HEIGHT);
    let mut builder = builder(desktop, QUICK)
        .title(desktop.words().quick_brief)
        .inner_size(size.width, size.height)
        .resizable(false)
        .decorations(false)
        .always_on_top(true)
        .skip_taskbar(true)
        .visible(false);
    if round {
        builder = builder.transparent(true).background_color(CLEAR);
    }
    let window = builder.build()?;
    #[cfg(target_os = "linux")]
    {
        crate::front::keep(&window)?;
        if round {
            crate::card::draw(&window)?;
        }
    }
    let on_event = desktop.clone();
    window.on_window_event(move |event| match event {
        // Clicking elsewhere puts it away, with what was typed.
        WindowEvent::Focused(false) => hide(&on_event, QUICK),
        WindowEvent::DragDrop(event) => drops::over(&on_event, QUICK, event),
        WindowEvent::Destroyed => gone(&on_event, QUICK),
        _ => {}
    });
    Ok(window)
}

/// Whether Quick brief can have round corners: where nothing is drawn, its window has to let through what is behind it.
/// On X11 only a compositor does that; without one the corners would be black.
#[cfg(target_os = "linux")]
fn can_be_round() -> bool {
    gtk::gdk::Screen::default().is_some_and(|screen| screen.is_composited() && screen.rgba_visual().is_some())
}

/// Whether the page rounds Quick brief's corners. Windows does so itself.
#[cfg(not(target_os = "linux"))]
fn can_be_round() -> bool {
    cfg!(target_os = "macos")
}

/// Room around the card in its window. Elsewhere than on Linux the system draws the shadow, outside the window.
fn quick_edge(desktop: &Desktop) -> f64 {
    #[cfg(target_os = "linux")]
    if desktop.quick_is_round.load(Ordering::Relaxed) {
        return f64::from(crate::card::EDGE);
    }
    let _ = desktop;
    0.0
}

fn quick_size(desktop: &Desktop, height: f64) -> LogicalSize<f64> {
    let edges = 2.0 * quick_edge(desktop);
    LogicalSize::new(QUICK_WIDTH + edges, height + edges)
}

/// Makes Quick brief as tall as its page says that its card is, in the page's pixels; never taller than its screen.
pub fn fit_quick(desktop: &Arc<Desktop>, window: &WebviewWindow, height: f64) {
    let (desktop, window) = (desktop.clone(), window.clone());
    let app = desktop.app.clone();
    let asked = app.run_on_main_thread(move || {
        if let Err(error) = fit_quick_here(&desktop, &window, height) {
            tracing::warn!(%error, "Quick brief keeps its size");
        }
    });
    if let Err(error) = asked {
        tracing::warn!(%error, "the app is ending");
    }
}

fn fit_quick_here(desktop: &Desktop, window: &WebviewWindow, height: f64) -> tauri::Result<()> {
    let room = window.current_monitor()?.map_or(f64::INFINITY, |screen| {
        screen.size().to_logical::<f64>(screen.scale_factor()).height - 2.0 * QUICK_MARGIN.1
    });
    let size = quick_size(desktop, height.min(room).max(QUICK_MIN_HEIGHT).ceil());
    #[cfg(target_os = "linux")]
    {
        use gtk::prelude::WidgetExt;
        // GTK makes a window that the founder cannot resize as large as it asks to be, whatever it is told later.
        window.gtk_window()?.set_size_request(size.width as i32, size.height as i32);
    }
    window.set_size(size)
}

/// At the top right of the screen that the pointer is on, where menus of the tray are.
fn place_quick(desktop: &Desktop, window: &WebviewWindow) -> tauri::Result<()> {
    let pointer = window.cursor_position().ok();
    let pointed = pointer.and_then(|at| window.monitor_from_point(at.x, at.y).ok().flatten());
    let Some(screen) = pointed.or(window.primary_monitor()?) else { return Ok(()) };
    let scale = screen.scale_factor();
    let (at, size) = (screen.position().to_logical::<f64>(scale), screen.size().to_logical::<f64>(scale));
    let edge = quick_edge(desktop);
    let left = at.x + size.width - QUICK_WIDTH - QUICK_MARGIN.0;
    window.set_position(LogicalPosition::new(left.max(at.x) - edge, at.y + QUICK_MARGIN.1 - edge))
}

/// Hides a window; it stays as it is. Its page is sent no events until it is back.
pub fn hide(desktop: &Desktop, label: &str) {
    let Some(window) = desktop.app.get_webview_window(label) else { return };
    if label == MAIN {
        remember_place(desktop);
    }
    match window.hide() {
        Ok(()) => {
            desktop.pages.set_hidden(label, true);
        }
        Err(error) => tracing::warn!(%error, label, "a window could not be hidden"),
    }
}

/// Stores where the main window is. The app may be ended later without another chance.
fn remember_place(desktop: &Desktop) {
    if let Err(error) = desktop.app.save_window_state(REMEMBERED) {
        tracing::warn!(%error, "the window's place is not remembered");
    }
}

fn gone(desktop: &Arc<Desktop>, label: &str) {
    desktop.pages.close(label);
    desktop.forget(label);
}

/// Whether the founder has the main window before them.
pub fn is_looked_at(desktop: &Desktop) -> bool {
    desktop.app.get_webview_window(MAIN).is_some_and(|window| {
        window.is_visible().unwrap_or(false)
            && window.is_focused().unwrap_or(false)
            && !window.is_minimized().unwrap_or(false)
    })
}

/// Makes windows light or dark, as the settings say.
pub fn set_theme(desktop: &Desktop, theme: Theme) {
    let theme = match theme {
        Theme::System => None,
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
    };
    desktop.app.set_theme(theme);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_load_in_our_windows() {
        for url in ["tauri://localhost/index.html", "about:blank", "http://tauri.localhost/"] {
            assert!(is_ours(&Url::parse(url).unwrap()), "{url}");
        }
        for url in
            ["https://example.com/", "file:///etc/passwd", "about:config", "data:text/html,x", "http://localhost/"]
        {
            assert!(!is_ours(&Url::parse(url).unwrap()), "{url}");
        }
    }
}
