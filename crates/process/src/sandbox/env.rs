//! The environment of a confined program.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{Network, Policy, folders};

/// Names that lead to what is out of reach: buses, agents, displays. A program that cannot get there is better off not
/// to try.
const LEADING_OUT: &[&str] = &[
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DISPLAY",
    "DOCKER_HOST",
    "GNOME_KEYRING_CONTROL",
    "GPG_AGENT_INFO",
    "SSH_AGENT_PID",
    "SSH_AUTH_SOCK",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
];
/// Names by which the loader and the C library let code or files of the caller's choice into a program. They would work
/// on the wrapper too, before it has confined itself.
const LOADER: &[&str] = &["GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "GETCONF_DIR", "RESOLV_HOST_CONF"];
const LOADER_PREFIXES: &[&str] = &["LD_", "DYLD_", "MALLOC_"];
const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
/// Where a home's parts are, if not at their usual places.
const PARTS_OF_HOME: &[&str] = &["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];
/// Toolchains that look for themselves in the home, and the names by which they are told where they are instead.
const TOOLCHAIN_HOMES: &[(&str, &str)] = &[
    ("RUSTUP_HOME", ".rustup"),
    ("PYENV_ROOT", ".pyenv"),
    ("RBENV_ROOT", ".rbenv"),
    ("NODENV_ROOT", ".nodenv"),
    ("VOLTA_HOME", ".volta"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("ASDF_DIR", ".asdf"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("SDKMAN_DIR", ".sdkman"),
    ("NVM_DIR", ".nvm"),
];

type Variables = Vec<(OsString, OsString)>;

/// The environment of a program under a policy. `ours` is what it inherits from us, `given` what was set for it, which
/// counts more; none of it reaches the loader.
pub(crate) fn confine(policy: &Policy, ours: Variables, given: Variables) -> Variables {
    let home = std::env::home_dir();
    confine_in(policy, home.as_deref(), ours, given)
}

fn confine_in(policy: &Policy, real_home: Option<&Path>, ours: Variables, given: Variables) -> Variables {
    let has_network = policy.network == Network::On;
    let kept = |name: &OsStr| {
        let Some(name) = name.to_str() else { return false };
        let upper = name.to_ascii_uppercase();
        !LEADING_OUT.contains(&name)
            && (has_network || !PROXIES.contains(&upper.as_str()))
            && (policy.home.is_none() || !PARTS_OF_HOME.contains(&name))
    };
    let mut env: Variables = ours.into_iter().filter(|(name, _)| kept(name)).collect();
    if let Some(home) = &policy.home {
        set(&mut env, "HOME", home);
        for (name, folder) in TOOLCHAIN_HOMES {
            let place = real_home.map(|home| home.join(folder)).filter(|place| place.is_dir());
            if let Some(place) = place {
                set(&mut env, name, place);
            }
        }
    } else if let Some((_, tmp)) = given.iter().rev().find(|(name, _)| name == "TMPDIR") {
        // The home is the founder's, and cannot be written to: caches go where other passing files do.
        let cache = Path::new(tmp).join("cache");
        set(&mut env, "npm_config_cache", cache.join("npm"));
        set(&mut env, "XDG_CACHE_HOME", cache);
    }
    // Git ends where it may not read its settings. These say who commits: they are readable unless they hold a login.
    if let Some(settings) = real_home.map(|home| home.join(".gitconfig")).filter(|file| file.is_file()) {
        let is_readable = !folders::holds_login(&settings);
        if !is_readable || policy.home.is_some() {
            set(&mut env, "GIT_CONFIG_GLOBAL", if is_readable { settings.as_path() } else { Path::new("/dev/null") });
        }
    }
    set(&mut env, "GIT_TERMINAL_PROMPT", "0");
    env.extend(given);
    env.retain(|(name, _)| !reaches_loader(name));
    env
}

fn set(env: &mut Variables, name: &str, value: impl AsRef<OsStr>) {
    env.retain(|(known, _)| known != name);
    env.push((name.into(), value.as_ref().to_owned()));
}

fn reaches_loader(name: &OsStr) -> bool {
    // What is not text is compared by nobody's list: better without.
    let Some(name) = name.to_str() else { return true };
    LOADER.contains(&name) || LOADER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
    }

    fn value<'a>(env: &'a Variables, name: &str) -> Option<&'a str> {
        env.iter().rev().find(|(known, _)| known == name).and_then(|(_, value)| value.to_str())
    }

    #[test]
    fn nothing_leads_out_and_nothing_reaches_the_loader() {
        let policy = Policy::new(Path::new("/c"), Path::new("/t"));
        let ours = variables(&[
            ("PATH", "/usr/bin"),
            ("HOME", "/home/a"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1/bus"),
            ("SSH_AUTH_SOCK", "/s"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
            ("XDG_CONFIG_HOME", "/home/a/.config"),
            ("https_proxy", "http://a:b@p"),
        ]);
        let given = variables(&[("LD_PRELOAD", "/c/evil.so"), ("GREETING", "hello"), ("GLIBC_TUNABLES", "x")]);
        let env = confine_in(&policy, None, ours, given);
        let expected = variables(&[
            ("PATH", "/usr/bin"),
            ("HOME", "/t/home"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GREETING", "hello"),
        ]);
        assert_eq!(env, expected);
    }

    #[test]
    fn toolchains_and_the_name_of_who_commits_are_found_from_another_home() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".rustup")).unwrap();
        let settings = home.path().join(".gitconfig");
        std::fs::write(&settings, "[user]\nname = A\n").unwrap();
        let policy = Policy::new(Path::new("/c"), Path::new("/t"));
        let env = confine_in(&policy, Some(home.path()), Vec::new(), Vec::new());
        assert_eq!(value(&env, "RUSTUP_HOME"), home.path().join(".rustup").to_str());
        assert_eq!(value(&env, "GIT_CONFIG_GLOBAL"), settings.to_str());
        assert_eq!(value(&env, "PYENV_ROOT"), None);
        std::fs::write(&settings, "[http]\nextraheader = x\n").unwrap();
        let env = confine_in(&policy, Some(home.path()), Vec::new(), Vec::new());
        assert_eq!(value(&env, "GIT_CONFIG_GLOBAL"), Some("/dev/null"));
    }

    #[test]
    fn what_is_given_counts_more() {
        let policy = Policy::new(Path::new("/c"), Path::new("/t"));
        let env = confine_in(&policy, None, variables(&[("HOME", "/a")]), variables(&[("HOME", "/given")]));
        assert_eq!(value(&env, "HOME"), Some("/given"));
    }
}
