//! Bringing a window to the front, with the keyboard. On X11 a window manager takes an app that asks for the focus for
//! one that steals it, unless the founder did something in that app just before; a key pressed elsewhere does not
//! count. What the founder asked for by a key or a command is therefore asked for as a panel does it.

use gtk::gdk;
use gtk::glib::object::Cast;
use gtk::prelude::{GtkWindowExt, WidgetExt, WidgetExtManual};
use tauri::WebviewWindow;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask};

/// "From a pager", in the words of the window managers' specification: the founder asked for it.
const FROM_FOUNDER: u32 = 2;

/// Brings a window to the front each time it is shown, from now on.
///
/// # Errors
/// It has no GTK window.
pub fn keep(window: &WebviewWindow) -> tauri::Result<()> {
    let window = window.gtk_window()?;
    // The window manager knows a window only once it is on screen.
    window.connect_map_event(|window, _| {
        bring(window.upcast_ref());
        gtk::glib::Propagation::Proceed
    });
    Ok(())
}

/// Brings a window that is on screen to the front.
///
/// # Errors
/// It has no GTK window.
pub fn bring_up(window: &WebviewWindow) -> tauri::Result<()> {
    bring(window.gtk_window()?.upcast_ref());
    Ok(())
}

fn bring(window: &gtk::Window) {
    let Some(on_x11) = window.window().and_then(|found| found.downcast::<gdkx11::X11Window>().ok()) else {
        return window.present();
    };
    let now = gdkx11::functions::x11_get_server_time(&on_x11);
    on_x11.set_user_time(now);
    window.present_with_time(now);
    // The window manager hears of the window on that connection, and of the wish on another.
    gdk::Display::default().inspect(gdk::Display::sync);
    let asked = u32::try_from(on_x11.xid()).map_err(Into::into).and_then(|id| ask(id, now));
    if let Err(error) = asked {
        tracing::warn!(%error, "a window may stay without the keyboard");
    }
}

fn ask(window: u32, now: u32) -> Result<(), Box<dyn std::error::Error>> {
    let (display, screen) = x11rb::connect(None)?;
    let root = display.setup().roots.get(screen).ok_or("the display has no such screen")?.root;
    let active = display.intern_atom(false, b"_NET_ACTIVE_WINDOW")?.reply()?.atom;
    let wish = ClientMessageEvent::new(32, window, active, [FROM_FOUNDER, now, 0, 0, 0]);
    let to_manager = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
    display.send_event(false, root, to_manager, wish)?.check()?;
    Ok(())
}
