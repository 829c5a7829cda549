//! A key of the whole system, over the shortcut crate: there it is told of a key, and need not look for one.

use contract::Keys;
use global_hotkey::hotkey::HotKey;
use global_hotkey::{GlobalHotKeyEvent, GlobalHotKeyManager, HotKeyState};

/// A key that was taken; dropping this gives it back.
pub struct Taken {
    _manager: GlobalHotKeyManager,
}

/// Takes a key; `pressed` is called each time somebody presses it. On the thread of the windows.
///
/// # Errors
/// In a sentence: there is no such key on the keyboard, or another program has it.
pub fn take(keys: &Keys, pressed: impl Fn() + Send + Sync + 'static) -> Result<Taken, String> {
    let key: HotKey =
        keys.to_string().parse().map_err(|error| format!("{keys} is no shortcut here: {error}. Choose another."))?;
    let manager = GlobalHotKeyManager::new().map_err(|error| format!("The system offers no shortcuts: {error}."))?;
    manager.register(key).map_err(|error| {
        format!("{keys} could not be taken: {error}. Choose another; some other program may have it.")
    })?;
    GlobalHotKeyEvent::set_event_handler(Some(move |event: GlobalHotKeyEvent| {
        if event.state == HotKeyState::Pressed {
            pressed();
        }
    }));
    Ok(Taken { _manager: manager })
}
