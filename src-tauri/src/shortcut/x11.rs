//! A key of the whole X11 display. It has a connection of its own, and a thread that sleeps until the display says
//! something: nothing is looked for again and again.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use contract::Keys;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, GrabMode, Keycode, Mapping, ModMask,
    Window, WindowClass,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

/// A key that is held down sends its press again, faster than that. Should its release get lost, it is heard again
/// after that.
const REPEATS_WITHIN_MS: u32 = 1_000;

const NUM_LOCK: u32 = 0xff7f;
const SCROLL_LOCK: u32 = 0xff14;
const ALT: u32 = 0xffe9;
const SUPER: u32 = 0xffeb;

/// A key that was taken; dropping this gives it back.
pub struct Taken {
    display: Arc<Display>,
    thread: Option<JoinHandle<()>>,
}

struct Display {
    connection: RustConnection,
    root: Window,
    /// Never shown. Messages to it wake the thread.
    bell: Window,
    over: AtomicBool,
}

/// Where a combination lies on the keyboard as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    code: Keycode,
    held: u16,
    /// What may be locked or not.
    locks: [u16; 3],
}

/// Takes a key; `pressed` is called on another thread each time somebody presses it.
///
/// # Errors
/// In a sentence: there is no such key on the keyboard, another program has it, or there is no display.
pub fn take(keys: &Keys, pressed: impl Fn() + Send + 'static) -> Result<Taken, String> {
    let display = Display::open().map_err(|error| format!("The display takes no shortcuts: {error}."))?;
    let place = display.place(keys).map_err(|error| format!("The display does not say which keys there are: {error}."));
    let place = place?.ok_or_else(|| format!("{keys} is not on this keyboard. Choose another."))?;
    display.grab(place).map_err(|error| match error {
        ReplyError::X11Error(error) if error.error_kind == ErrorKind::Access => {
            format!("{keys} could not be taken: another program has it. Choose another.")
        }
        error => format!("{keys} could not be taken: {error}. Choose another."),
    })?;
    let display = Arc::new(display);
    let (listening, keys) = (display.clone(), keys.clone());
    let thread = std::thread::Builder::new()
        .name("shortcut".into())
        .spawn(move || listening.listen(&keys, place, pressed))
        .map_err(|error| format!("The shortcut could not be listened for: {error}."))?;
    Ok(Taken { display, thread: Some(thread) })
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.display.over.store(true, Ordering::SeqCst);
        if let Err(error) = self.display.ring() {
            // Then the thread has heard of it, too.
            tracing::debug!(%error, "the display is gone");
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the shortcut broke");
        }
    }
}

impl Display {
    fn open() -> Result<Display, Box<dyn Error>> {
        let (connection, screen) = x11rb::connect(None)?;
        let root = connection.setup().roots.get(screen).ok_or("it has no such screen")?.root;
        let bell = connection.generate_id()?;
        let look = CreateWindowAux::new().override_redirect(1);
        connection.create_window(0, bell, root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &look)?.check()?;
        // So that a key that is held down is released once. Without the extension it is brought up again and again,
        // which changes nothing.
        if connection.extension_information(xkb::X11_EXTENSION_NAME)?.is_some() {
            connection.xkb_use_extension(1, 0)?.reply()?;
            let once = xkb::PerClientFlag::DETECTABLE_AUTO_REPEAT;
            let none = xkb::BoolCtrl::default();
            connection.xkb_per_client_flags(xkb::ID::USE_CORE_KBD.into(), once, once, none, none, none)?.reply()?;
        }
        Ok(Display { connection, root, bell, over: AtomicBool::new(false) })
    }

    /// Where a combination lies; none where the keyboard has no such key.
    fn place(&self, keys: &Keys) -> Result<Option<Place>, Box<dyn Error>> {
        let (first, last) = (self.connection.setup().min_keycode, self.connection.setup().max_keycode);
        let symbols = self.connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let modifiers = self.connection.get_modifier_mapping()?.reply()?;
        let columns = usize::from(symbols.keysyms_per_keycode).max(1);
        // The key that gives it alone, else the first that has it at all.
        let code_of = |symbol: u32| {
            let alone = |row: &&[u32]| row.first() == Some(&symbol);
            let rows = || symbols.keysyms.chunks(columns);
            let row = rows().position(|row| alone(&row)).or_else(|| rows().position(|row| row.contains(&symbol)))?;
            Some(first + u8::try_from(row).ok()?)
        };
        let each = usize::from(modifiers.keycodes_per_modifier()).max(1);
        let modifier_of = |symbol: u32| {
            let code = code_of(symbol)?;
            let row = modifiers.keycodes.chunks(each).position(|codes| codes.contains(&code))?;
            Some(1u16 << row)
        };
        let Some(code) = symbol(keys).and_then(code_of) else { return Ok(None) };
        let mut held = 0;
        for (wanted, modifier) in [
            (keys.control || keys.main, Some(ModMask::CONTROL.into())),
            (keys.shift, Some(ModMask::SHIFT.into())),
            (keys.alt, modifier_of(ALT).or(Some(ModMask::M1.into()))),
            (keys.command, modifier_of(SUPER).or(Some(ModMask::M4.into()))),
        ] {
            held |= modifier.filter(|_| wanted).unwrap_or(0);
        }
        let lock = |symbol| modifier_of(symbol).unwrap_or(0) & !held;
        Ok(Some(Place { code, held, locks: [ModMask::LOCK.into(), lock(NUM_LOCK), lock(SCROLL_LOCK)] }))
    }

    /// The display hands over exactly the modifiers that it is asked for: what is locked is asked for both ways.
    fn grab(&self, place: Place) -> Result<(), ReplyError> {
        for modifiers in place.ways() {
            let (way, key) = (ModMask::from(modifiers), place.code);
            let asked = self.connection.grab_key(false, self.root, way, key, GrabMode::ASYNC, GrabMode::ASYNC)?;
            if let Err(error) = asked.check() {
                // None of it is kept.
                self.release(place)?;
                return Err(error);
            }
        }
        Ok(())
    }

    fn release(&self, place: Place) -> Result<(), ReplyError> {
        for modifiers in place.ways() {
            self.connection.ungrab_key(place.code, self.root, ModMask::from(modifiers))?.check()?;
        }
        Ok(())
    }

    /// Wakes the thread.
    fn ring(&self) -> Result<(), Box<dyn Error>> {
        let message = ClientMessageEvent::new(32, self.bell, AtomEnum::STRING, [0u32; 5]);
        self.connection.send_event(false, self.bell, EventMask::NO_EVENT, message)?;
        self.connection.flush()?;
        Ok(())
    }

    fn listen(&self, keys: &Keys, mut place: Place, pressed: impl Fn()) {
        let mut last: Option<u32> = None;
        loop {
            let event = self.connection.wait_for_event();
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            match event {
                Ok(Event::KeyPress(key)) if place.is(key.detail, key.state.into()) => {
                    let again = last.is_some_and(|at| key.time.wrapping_sub(at) < REPEATS_WITHIN_MS);
                    last = Some(key.time);
                    if !again {
                        pressed();
                    }
                }
                Ok(Event::KeyRelease(key)) if key.detail == place.code => last = None,
                Ok(Event::MappingNotify(change)) if change.request != Mapping::POINTER => {
                    match self.follow(keys, place) {
                        Ok(now) => place = now,
                        Err(error) => tracing::warn!(%error, %keys, "the shortcut is not on the keyboard as it is now"),
                    }
                }
                Ok(_) => {}
                Err(error) => return tracing::warn!(%error, "the display is gone, and the shortcut with it"),
            }
        }
        if let Err(error) = self.release(place) {
            tracing::debug!(%error, "the display is gone");
        }
    }

    /// The keyboard changed: the key may be another one now.
    fn follow(&self, keys: &Keys, place: Place) -> Result<Place, Box<dyn Error>> {
        let now = self.place(keys)?.ok_or("there is no such key")?;
        if now != place {
            self.release(place)?;
            self.grab(now)?;
        }
        Ok(now)
    }
}

impl Place {
    /// The modifiers, with each of the locks and without.
    fn ways(&self) -> Vec<u16> {
        let mut ways = vec![self.held];
        for lock in self.locks {
            let with: Vec<u16> = ways.iter().map(|way| way | lock).filter(|way| !ways.contains(way)).collect();
            ways.extend(with);
        }
        ways
    }

    /// Whether this is it, whatever is locked.
    fn is(&self, code: Keycode, state: u16) -> bool {
        let locks = self.locks.iter().fold(0, |all, lock| all | lock);
        // Above these eight are buttons and groups.
        code == self.code && state & 0xff & !locks == self.held
    }
}

/// The symbol that a key gives alone.
fn symbol(keys: &Keys) -> Option<u32> {
    if let Some(n) = keys.function_key() {
        return Some(0xffbd + u32::from(n));
    }
    if let [one] = keys.key.as_bytes() {
        return Some(u32::from(one.to_ascii_lowercase()));
    }
    if let Some([digit @ b'0'..=b'9']) = keys.key.strip_prefix("Numpad").map(str::as_bytes) {
        return Some(0xffb0 + u32::from(digit - b'0'));
    }
    Some(match keys.key.as_str() {
        "Space" => 0x20,
        "Enter" => 0xff0d,
        "Tab" => 0xff09,
        "Escape" => 0xff1b,
        "Backspace" => 0xff08,
        "Delete" => 0xffff,
        "Insert" => 0xff63,
        "Home" => 0xff50,
        "End" => 0xff57,
        "PageUp" => 0xff55,
        "PageDown" => 0xff56,
        "ArrowLeft" => 0xff51,
        "ArrowUp" => 0xff52,
        "ArrowRight" => 0xff53,
        "ArrowDown" => 0xff54,
        "Comma" => 0x2c,
        "Period" => 0x2e,
        "Slash" => 0x2f,
        "Backslash" => 0x5c,
        "Semicolon" => 0x3b,
        "Quote" => 0x27,
        "Backquote" => 0x60,
        "BracketLeft" => 0x5b,
        "BracketRight" => 0x5d,
        "Minus" => 0x2d,
        "Equal" => 0x3d,
        "NumpadMultiply" => 0xffaa,
        "NumpadAdd" => 0xffab,
        "NumpadSubtract" => 0xffad,
        "NumpadDecimal" => 0xffae,
        "NumpadDivide" => 0xffaf,
        "Pause" => 0xff13,
        "PrintScreen" => 0xff61,
        "ScrollLock" => SCROLL_LOCK,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_whatever_is_locked_and_no_other() {
        let place = Place { code: 56, held: 0x05, locks: [0x02, 0x10, 0] };
        assert_eq!(place.ways(), [0x05, 0x07, 0x15, 0x17]);
        for state in [0x05, 0x07, 0x15, 0x17, 0x2005, 0x105] {
            assert!(place.is(56, state), "{state:#x}");
        }
        assert!(!place.is(56, 0x04) && !place.is(56, 0x0d) && !place.is(57, 0x05));
    }

    #[test]
    fn every_key_that_settings_may_name_has_a_symbol() {
        let mut names: Vec<String> = ('A'..='Z').chain('0'..='9').map(String::from).collect();
        names.extend((1..=24).map(|n| format!("F{n}")));
        names.extend((0..=9).map(|n| format!("Numpad{n}")));
        names.extend(contract::KEY_NAMES.iter().map(|(name, _)| (*name).to_owned()));
        for name in names {
            let keys: Keys = format!("Ctrl+{name}").parse().expect(&name);
            assert!(symbol(&keys).is_some(), "{name}");
        }
    }
}
