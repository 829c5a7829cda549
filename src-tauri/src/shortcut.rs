//! The key that opens Quick brief from anywhere. While none is set nothing listens for keys: on X11 that would wake
//! this process twenty times a second.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::Show;
use global_hotkey::hotkey::HotKey;
use global_hotkey::{GlobalHotKeyEvent, GlobalHotKeyManager, HotKeyState};

use crate::desktop::Desktop;
use crate::window;

thread_local! {
    /// Holds the key while one is taken. On the thread of the windows, where some systems want it to stay; dropping
    /// it gives the key back and ends what listens for it.
    static TAKEN: RefCell<Option<GlobalHotKeyManager>> = const { RefCell::new(None) };
}

/// The shortcut as it stands.
#[derive(Default)]
pub struct Shortcut {
    wanted: Mutex<String>,
    status: Mutex<String>,
}

impl Shortcut {
    /// `on`, `off`, or why the key could not be taken.
    pub fn status(&self) -> String {
        let status = lock(&self.status).clone();
        if status.is_empty() { "off".into() } else { status }
    }

    /// Takes this key and gives the last one back; empty for none. A key that cannot be taken is not fatal: the
    /// settings show why.
    pub fn set(&self, desktop: &Arc<Desktop>, keys: &str) {
        if std::mem::replace(&mut *lock(&self.wanted), keys.into()) == keys {
            return;
        }
        let (app, desktop, keys) = (desktop.app.clone(), desktop.clone(), keys.to_owned());
        // Windows and macOS want it on the thread of the windows.
        let done = app.run_on_main_thread(move || desktop.shortcut.take(&desktop, &keys));
        if let Err(error) = done {
            tracing::warn!(%error, "the shortcut could not be changed");
        }
    }

    fn take(&self, desktop: &Arc<Desktop>, keys: &str) {
        TAKEN.take();
        let status = if keys.trim().is_empty() {
            "off".to_owned()
        } else {
            match register(keys) {
                Ok(manager) => {
                    let desktop = desktop.clone();
                    GlobalHotKeyEvent::set_event_handler(Some(move |event: GlobalHotKeyEvent| {
                        if event.state == HotKeyState::Pressed {
                            window::bring_up(&desktop, Show::Quick);
                        }
                    }));
                    TAKEN.set(Some(manager));
                    "on".to_owned()
                }
                Err(why) => {
                    tracing::warn!(keys, why, "no global shortcut");
                    why
                }
            }
        };
        *lock(&self.status) = status;
    }
}

fn register(keys: &str) -> Result<GlobalHotKeyManager, String> {
    let key: HotKey = keys
        .parse()
        .map_err(|error| format!("{keys:?} is not a shortcut: {error}. Write it like CmdOrCtrl+Shift+Space."))?;
    if cfg!(target_os = "linux") {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set("WAYLAND_DISPLAY") || !set("DISPLAY") {
            // There a key can only be taken by the desktop environment itself.
            return Err("Wayland lets no app take a key. Bind `aicib-desktop --quick` in the system's settings.".into());
        }
    }
    let manager = GlobalHotKeyManager::new().map_err(|error| format!("The system offers no shortcuts: {error}."))?;
    manager.register(key).map_err(|error| {
        format!("{keys} could not be taken: {error}. Choose another; some other program may have it.")
    })?;
    Ok(manager)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
