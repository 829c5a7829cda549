//! The key that opens Quick brief from anywhere. While none is set nothing listens for keys.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod x11;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::{KEYS_EXPECTED, Keys, Show, one_line};

#[cfg(not(target_os = "linux"))]
use self::elsewhere as platform;
#[cfg(target_os = "linux")]
use self::x11 as platform;
use crate::desktop::Desktop;
use crate::window;

thread_local! {
    /// Holds the key while one is taken. On the thread of the windows, where some systems want it to stay; dropping
    /// it gives the key back and ends what listens for it.
    static TAKEN: RefCell<Option<platform::Taken>> = const { RefCell::new(None) };
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
        // First the one that there was: the new one may be the same key.
        TAKEN.take();
        let status = match taken(desktop, keys.trim()) {
            Ok(None) => "off".to_owned(),
            Ok(Some(taken)) => {
                TAKEN.set(Some(taken));
                "on".to_owned()
            }
            Err(why) => {
                tracing::warn!(keys, why, "no global shortcut");
                why
            }
        };
        *lock(&self.status) = status;
    }
}

fn taken(desktop: &Arc<Desktop>, keys: &str) -> Result<Option<platform::Taken>, String> {
    if keys.is_empty() {
        return Ok(None);
    }
    // The daemon takes no other, but one of an earlier version may have.
    let keys: Keys =
        keys.parse().map_err(|_| format!("{:?} is not a shortcut. Choose {KEYS_EXPECTED}.", one_line(keys, 40)))?;
    if cfg!(target_os = "linux") {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set("WAYLAND_DISPLAY") || !set("DISPLAY") {
            // There a key can only be taken by the desktop environment itself.
            return Err("Wayland lets no app take a key. Bind `aicib-desktop --quick` in the system's settings.".into());
        }
    }
    let desktop = desktop.clone();
    platform::take(&keys, move || window::bring_up(&desktop, Show::Quick)).map(Some)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
