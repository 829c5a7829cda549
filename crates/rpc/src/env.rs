//! The environment that a daemon starts in.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::Home;
use crate::home::HOME_VAR;

/// Set by an AppImage's launcher, and wrong for everything that outlives or leaves it.
const APPIMAGE_VARS: [&str; 5] = ["APPDIR", "APPIMAGE", "APPIMAGE_UUID", "ARGV0", "OWD"];

/// Speaks for the unit that started us, not for a daemon that we start.
const UNIT_VARS: [&str; 5] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS"];

/// The environment handed to a daemon: `vars` without keys of providers and without what an AppImage or a unit left
/// there, and with the home. Keys belong in the keychain, and an environment is read by every child.
pub fn daemon_env(home: &Home, vars: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<OsString, OsString> {
    let mut env: BTreeMap<OsString, OsString> =
        vars.into_iter().filter(|(name, _)| !is_secret(&name.to_string_lossy())).collect();
    if let Some(app_dir) = env.get(OsStr::new("APPDIR")).cloned().filter(|dir| !dir.is_empty()) {
        let app_dir = app_dir.to_string_lossy().into_owned();
        env = env.into_iter().filter_map(|(name, value)| Some((name, outside(&app_dir, value)?))).collect();
        for name in APPIMAGE_VARS {
            env.remove(OsStr::new(name));
        }
    }
    for name in UNIT_VARS {
        env.remove(OsStr::new(name));
    }
    env.insert(HOME_VAR.into(), home.root().into());
    env
}

fn is_secret(name: &str) -> bool {
    name.ends_with("_API_KEY") || name == "ANTHROPIC_AUTH_TOKEN"
}

/// A value without its entries inside the AppImage; `None` where nothing is left.
fn outside(app_dir: &str, value: OsString) -> Option<OsString> {
    let Some(text) = value.to_str() else { return Some(value) };
    if !text.contains(app_dir) {
        return Some(value);
    }
    let kept: Vec<&str> = text.split(':').filter(|entry| !entry.starts_with(app_dir) && !entry.is_empty()).collect();
    (!kept.is_empty()).then(|| kept.join(":").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_appimage_leftovers_stay_behind() {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::at(temp.path()).unwrap();
        let given = [
            ("ANTHROPIC_API_KEY", "sk-1"),
            ("OPENAI_API_KEY", "sk-2"),
            ("ANTHROPIC_AUTH_TOKEN", "t"),
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1"),
            ("APPDIR", "/tmp/.mount_x"),
            ("APPIMAGE", "/opt/aicib.AppImage"),
            ("LD_LIBRARY_PATH", "/tmp/.mount_x/usr/lib"),
            ("PATH", "/tmp/.mount_x/usr/bin:/usr/bin:/bin"),
            ("AICIB_HOME", "/elsewhere"),
            ("NOTIFY_SOCKET", "/run/user/1000/systemd/notify"),
        ];
        let env = daemon_env(&home, given.map(|(name, value)| (name.into(), value.into())));
        let shown: Vec<String> = env.iter().map(|(n, v)| format!("{}={}", n.display(), v.display())).collect();
        assert_eq!(
            shown,
            [
                format!("AICIB_HOME={}", home.root().display()),
                "ANTHROPIC_BASE_URL=http://127.0.0.1:1".into(),
                "PATH=/usr/bin:/bin".into(),
            ]
        );
    }
}
