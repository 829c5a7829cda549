//! What of our environment a child may see.

use std::env::{join_paths, split_paths, vars_os};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Names that children need to work: where things are, who and where the user is, how to reach network and desktop.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "COLORTERM",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    // How our own workers find their processes.
    "AICIB_CGROUPS",
    // Windows does not start a process without some of these.
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
];
const KEPT_PREFIXES: &[&str] = &["LC_", "XDG_"];
/// Endings of names whose values are secrets, whatever they begin with (`XDG_ACTIVATION_TOKEN`).
const SECRET_ENDINGS: &[&str] = &["_API_KEY", "_TOKEN", "_SECRET", "_PASSWORD"];
/// Where an AppImage is mounted while it runs.
const APPIMAGE_MOUNT: &str = "/tmp/.mount_";

/// What makes a folder a company's.
const COMPANY: &str = "aicib.config.yaml";

/// A PATH without the folders that are not to name programs: those of a company, which its agents write to (a shell that
/// was in one may have put its `node_modules/.bin` there), and those that depend on where one is.
pub fn trusted_path(path: &OsStr) -> OsString {
    // Whoever has a company in the home itself has programs there all the same.
    let home = std::env::home_dir();
    let is_inside = |above: &&Path| home.as_ref().is_none_or(|home| !home.starts_with(above));
    let is_companys = |dir: &Path| dir.ancestors().take_while(is_inside).any(|above| above.join(COMPANY).exists());
    let is_trusted = |dir: &Path| {
        dir.is_absolute() && !is_companys(dir) && dir.canonicalize().map_or(true, |real| !is_companys(&real))
    };
    // What was one PATH is one again.
    join_paths(split_paths(path).filter(|dir| is_trusted(dir))).unwrap_or_default()
}

/// The part of our environment that children may inherit. Keys, tokens and everything unknown stay out, and so does
/// what an AppImage puts into it: its libraries break programs of the system.
pub fn clean_env() -> Vec<(OsString, OsString)> {
    clean(vars_os())
}

fn clean(vars: impl Iterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let vars: Vec<_> = vars.collect();
    let app_dir = vars.iter().find(|(name, _)| name == "APPDIR").map(|(_, value)| value.clone());
    vars.into_iter()
        .filter(|(name, _)| is_kept(name))
        .filter_map(|(name, value)| Some((name, without_app_dir(value, app_dir.as_deref())?)))
        .map(|(name, value)| match name.eq_ignore_ascii_case("PATH") {
            true => (name, trusted_path(&value)),
            false => (name, value),
        })
        .collect()
}

fn is_kept(name: &OsStr) -> bool {
    // Proxy variables are written in either case, and Windows does not tell cases apart.
    let Some(name) = name.to_str().map(str::to_ascii_uppercase) else { return false };
    let kept = KEPT.contains(&name.as_str()) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    kept && !SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The value without entries that lie inside the AppImage. None when nothing else was in it.
fn without_app_dir(value: OsString, app_dir: Option<&OsStr>) -> Option<OsString> {
    let inside = |path: &std::path::Path| {
        app_dir.is_some_and(|dir| !dir.is_empty() && path.starts_with(dir))
            || path.to_str().is_some_and(|path| path.starts_with(APPIMAGE_MOUNT))
    };
    let entries: Vec<_> = split_paths(&value).collect();
    if !entries.iter().any(|entry| inside(entry)) {
        return Some(value);
    }
    let rest: Vec<_> = entries.into_iter().filter(|entry| !inside(entry)).collect();
    if rest.is_empty() { None } else { join_paths(rest).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(vars: &[(&str, &str)]) -> Vec<(String, String)> {
        let vars = vars.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        clean(vars).into_iter().map(|(n, v)| (n.into_string().unwrap(), v.into_string().unwrap())).collect()
    }

    fn pairs(vars: &[(&str, &str)]) -> Vec<(String, String)> {
        vars.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn secrets_and_unknown_names_stay_out() {
        let kept = [("HOME", "/home/a"), ("LC_ALL", "C"), ("https_proxy", "http://p:1"), ("XDG_RUNTIME_DIR", "/run/1")];
        let left_out = [
            ("ANTHROPIC_API_KEY", "k"),
            ("ANTHROPIC_AUTH_TOKEN", "k"),
            ("XDG_ACTIVATION_TOKEN", "k"),
            ("AWS_SECRET_ACCESS_KEY", "k"),
            ("LD_PRELOAD", "/x.so"),
            ("AICIB_RUN", "/h:1"),
            ("NODE_OPTIONS", "--inspect"),
            ("BASH_ENV", "/evil"),
        ];
        assert_eq!(cleaned(&[kept.as_slice(), &left_out].concat()), pairs(&kept));
    }

    #[cfg(unix)]
    #[test]
    fn a_companys_folder_names_no_program() {
        let temp = tempfile::tempdir().unwrap();
        let (company, tools) = (temp.path().join("acme"), temp.path().join("tools"));
        let bin = company.join("web/node_modules/.bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir(&tools).unwrap();
        std::fs::write(company.join(COMPANY), "").unwrap();
        let link = temp.path().join("link");
        std::os::unix::fs::symlink(&bin, &link).unwrap();
        let path =
            join_paths([&bin, &tools, Path::new("node_modules/.bin"), &company, &link, Path::new("/bin")]).unwrap();
        let kept = clean([("PATH".into(), path)].into_iter());
        assert_eq!(kept, [("PATH".into(), join_paths([&tools, Path::new("/bin")]).unwrap())]);
    }

    #[cfg(unix)]
    #[test]
    fn appimage_leftovers_are_taken_out() {
        let vars = [
            ("APPDIR", "/opt/aicib.AppDir"),
            ("PATH", "/opt/aicib.AppDir/usr/bin:/usr/bin:/tmp/.mount_aicibX/bin:/bin"),
            ("XDG_DATA_DIRS", "/opt/aicib.AppDir/usr/share"),
            ("XDG_CONFIG_DIRS", "/opt/aicib.AppDirectory/etc:/etc/xdg"),
        ];
        let expected = [("PATH", "/usr/bin:/bin"), ("XDG_CONFIG_DIRS", "/opt/aicib.AppDirectory/etc:/etc/xdg")];
        assert_eq!(cleaned(&vars), pairs(&expected));
    }
}
