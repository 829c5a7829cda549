//! A combination of keys, as the settings name it (`CmdOrCtrl+Shift+Space`).

use std::fmt;
use std::str::FromStr;

/// What is expected of a combination, after "must be".
pub const KEYS_EXPECTED: &str =
    "keys such as CmdOrCtrl+Shift+Space (with Ctrl, Alt or Cmd, but for a function key), or empty for none";

/// Names of keys, and what else they may be called. As keyboards say which key it is, whatever is printed on it; letters
/// and digits go by themselves.
pub const KEY_NAMES: &[(&str, &[&str])] = &[
    ("Space", &[]),
    ("Enter", &["return"]),
    ("Tab", &[]),
    ("Escape", &["esc"]),
    ("Backspace", &[]),
    ("Delete", &["del"]),
    ("Insert", &[]),
    ("Home", &[]),
    ("End", &[]),
    ("PageUp", &[]),
    ("PageDown", &[]),
    ("ArrowUp", &["up"]),
    ("ArrowDown", &["down"]),
    ("ArrowLeft", &["left"]),
    ("ArrowRight", &["right"]),
    ("Comma", &[","]),
    ("Period", &["."]),
    ("Slash", &["/"]),
    ("Backslash", &["\\"]),
    ("Semicolon", &[";"]),
    ("Quote", &["'"]),
    ("Backquote", &["`"]),
    ("BracketLeft", &["["]),
    ("BracketRight", &["]"]),
    ("Minus", &["-"]),
    ("Equal", &["="]),
    ("NumpadAdd", &["numadd"]),
    ("NumpadSubtract", &["numsubtract"]),
    ("NumpadMultiply", &["nummultiply"]),
    ("NumpadDivide", &["numdivide"]),
    ("NumpadDecimal", &["numdecimal"]),
    ("Pause", &["pausebreak"]),
    ("PrintScreen", &[]),
    ("ScrollLock", &[]),
];

/// Keys that nobody types with: they go without Ctrl, Alt or Cmd.
const ALONE: [&str; 3] = ["Pause", "PrintScreen", "ScrollLock"];
/// Function keys that there are.
const FUNCTION_KEYS: u8 = 24;

/// A combination of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Ctrl.
    pub control: bool,
    /// Alt, or Option.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
    /// Cmd, Super or the Windows key.
    pub command: bool,
    /// Ctrl, and Cmd on macOS.
    pub main: bool,
    /// The key itself: a capital letter, a digit, `F1` to `F24`, `Numpad0` to `Numpad9`, or a name such as `Space`.
    pub key: String,
}

/// The text names no combination that can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKeys;

impl FromStr for Keys {
    type Err = NoKeys;

    fn from_str(text: &str) -> Result<Keys, NoKeys> {
        let mut keys = Keys::default();
        let mut parts = text.split('+').map(str::trim).peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                keys.key = key(part).ok_or(NoKeys)?;
                break;
            }
            let held = match part.to_ascii_lowercase().as_str() {
                "ctrl" | "control" => &mut keys.control,
                "alt" | "option" => &mut keys.alt,
                "shift" => &mut keys.shift,
                "cmd" | "command" | "super" | "meta" => &mut keys.command,
                "cmdorctrl" | "cmdorcontrol" | "commandorctrl" | "commandorcontrol" => &mut keys.main,
                _ => return Err(NoKeys),
            };
            *held = true;
        }
        let types = !(keys.control || keys.alt || keys.command || keys.main);
        let alone = function_key(&keys.key).is_some() || ALONE.contains(&keys.key.as_str());
        if types && !alone { Err(NoKeys) } else { Ok(keys) }
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = [
            (self.main, "CmdOrCtrl"),
            (self.control, "Ctrl"),
            (self.alt, "Alt"),
            (self.shift, "Shift"),
            (self.command, "Cmd"),
        ];
        for (_, name) in held.iter().filter(|(held, _)| *held) {
            write!(f, "{name}+")?;
        }
        f.write_str(&self.key)
    }
}

impl Keys {
    /// The number of the function key that it is.
    pub fn function_key(&self) -> Option<u8> {
        function_key(&self.key)
    }
}

fn key(name: &str) -> Option<String> {
    let bare = ["Key", "Digit"].iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name);
    if let [one] = bare.as_bytes()
        && one.is_ascii_alphanumeric()
    {
        return Some(bare.to_ascii_uppercase());
    }
    if let Some(n) = function_key(name) {
        return Some(format!("F{n}"));
    }
    let lower = name.to_ascii_lowercase();
    if let Some(digit) = lower.strip_prefix("numpad").or(lower.strip_prefix("num"))
        && let [digit @ b'0'..=b'9'] = digit.as_bytes()
    {
        return Some(format!("Numpad{}", char::from(*digit)));
    }
    let known =
        |(known, others): &&(&str, &[&str])| known.eq_ignore_ascii_case(name) || others.contains(&lower.as_str());
    KEY_NAMES.iter().find(known).map(|(known, _)| (*known).to_owned())
}

fn function_key(name: &str) -> Option<u8> {
    let digits = name.strip_prefix(['F', 'f']).filter(|digits| !digits.starts_with(['0', '+']))?;
    digits.parse().ok().filter(|n| (1..=FUNCTION_KEYS).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_people_write_them() {
        for (text, reads) in [
            ("CmdOrCtrl+Shift+Space", "CmdOrCtrl+Shift+Space"),
            (" ctrl + alt + KeyB ", "Ctrl+Alt+B"),
            ("Super+Digit1", "Cmd+1"),
            ("Option+up", "Alt+ArrowUp"),
            ("Ctrl+,", "Ctrl+Comma"),
            ("Ctrl+Num7", "Ctrl+Numpad7"),
            ("f12", "F12"),
            ("Shift+F5", "Shift+F5"),
            ("Pause", "Pause"),
        ] {
            let keys: Keys = text.parse().expect(text);
            assert_eq!(keys.to_string(), reads);
            assert_eq!(keys.to_string().parse(), Ok(keys), "{text}");
        }
    }

    #[test]
    fn what_is_no_combination_or_would_take_a_key_from_typing_does_not_read() {
        for text in [
            "",
            "not a key",
            "Ctrl",
            "Ctrl+",
            "+A",
            "Ctrl++A",
            "Ctrl+A+B",
            "Ctrl+Shift",
            "A",
            "Shift+A",
            "Space",
            "F0",
            "F25",
            "F+1",
            "Ctrl+Ä",
            "Hyper+A",
            "Ctrl+Numpad10",
        ] {
            assert_eq!(text.parse::<Keys>(), Err(NoKeys), "{text:?}");
        }
    }
}
