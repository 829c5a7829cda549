//! What nearly every program reads: the system, and toolchains that people install in their home.

use std::path::{Path, PathBuf};

/// The system: programs, libraries, settings. Of `/run`, `/sys` and `/dev` only what programs stumble without; the
/// sockets, the terminals and the shared memory of others are in the rest.
///
/// `/proc` is whole, because what a process reads of itself there has no fixed place. Of other processes it gives what
/// any user sees (`ps`); environment, memory and open files are denied by the rule that a confined process may trace
/// none outside.
#[cfg(not(target_os = "macos"))]
const SYSTEM: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/usr",
    "/etc",
    "/opt",
    "/proc",
    "/gnu/store",
    "/nix/store",
    "/nix/var/nix/profiles",
    "/home/linuxbrew/.linuxbrew",
    "/snap",
    "/var/lib/ca-certificates",
    "/var/lib/snapd/snap",
    "/run/current-system",
    "/run/wrappers",
    "/run/resolvconf",
    "/run/systemd/resolve/resolv.conf",
    "/run/systemd/resolve/stub-resolv.conf",
    "/run/NetworkManager/resolv.conf",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
];

#[cfg(target_os = "macos")]
const SYSTEM: &[&str] = &[
    "/bin",
    "/sbin",
    "/usr",
    "/System",
    "/Library/Apple",
    "/Library/Developer",
    "/Library/Frameworks",
    "/Library/Java",
    "/Library/Preferences",
    "/Applications/Xcode.app",
    "/opt",
    "/etc",
    "/private/etc",
    "/private/var/db/dyld",
    "/private/var/db/timezone",
    "/private/var/select",
    "/nix/store",
];

/// Devices that may be read and written.
pub(super) const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Where toolchains live in a home. Folders that hold a login beside (`.cargo`, `.gradle`, `.config`) are named by the
/// parts that do not.
const TOOLCHAINS: &[&str] = &[
    ".asdf",
    ".bun/bin",
    ".bun/install/global",
    ".cabal/bin",
    ".cargo/bin",
    ".cargo/env",
    ".cargo/git",
    ".cargo/registry/cache",
    ".cargo/registry/index",
    ".cargo/registry/src",
    ".conda/envs",
    ".deno/bin",
    ".dotnet",
    ".elan",
    ".foundry/bin",
    ".fnm",
    ".ghcup",
    ".goenv",
    ".jenv",
    ".julia/juliaup",
    ".juliaup",
    ".local/bin",
    ".local/lib",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pipx",
    ".local/share/pnpm",
    ".local/share/uv",
    ".local/share/virtualenv",
    ".local/state/nix",
    ".m2/repository",
    ".n",
    ".nix-profile",
    ".nodenv",
    ".npm-global",
    ".npm-packages",
    ".nvm",
    ".opam",
    ".phpenv",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".rvm",
    ".sdkman/candidates",
    ".volta",
    ".yarn/bin",
    "anaconda3",
    "go/bin",
    "go/pkg",
    "miniconda3",
    "miniforge3",
    "n",
];

/// Settings of tools that fail where they cannot read them. Granted only while they hold no login.
const SETTINGS: &[&str] = &[
    ".gitconfig",
    ".config/git/config",
    ".config/git/ignore",
    ".config/git/attributes",
    ".cargo/config.toml",
    ".cargo/config",
];

/// Words that only settings with a login in them have, in small letters.
const LOGIN_WORDS: &[&str] = &["token", "password", "passwd", "secret", "extraheader", "authorization"];

/// The system's files and folders, those that are there.
pub(super) fn system() -> Vec<PathBuf> {
    SYSTEM.iter().map(PathBuf::from).filter(|path| path.exists()).collect()
}

/// The founder's toolchains, those that are there: well-known places of the home, and the folders of the PATH.
pub(super) fn toolchains() -> Vec<PathBuf> {
    let Some(home) = std::env::home_dir().filter(|home| home.is_absolute()) else { return Vec::new() };
    let path: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    toolchains_of(&home, &path)
}

fn toolchains_of(home: &Path, path: &[PathBuf]) -> Vec<PathBuf> {
    let known = TOOLCHAINS.iter().map(|folder| home.join(folder)).filter(|folder| folder.exists());
    let settings = SETTINGS.iter().map(|file| home.join(file)).filter(|file| file.is_file() && !holds_login(file));
    let mut found: Vec<PathBuf> = known.chain(settings).collect();
    for folder in path.iter().filter(|folder| folder.is_absolute() && folder.is_dir()) {
        // A PATH with the home in it, or with a folder around it, must not open the home.
        let is_around_home =
            folder.canonicalize().is_ok_and(|real| home.starts_with(&real)) || home.starts_with(folder);
        if !is_around_home && !found.iter().any(|known| folder.starts_with(known)) {
            found.push(folder.clone());
        }
    }
    found
}

/// Whether a settings file seems to hold a login, or is not to be read or trusted to be one of settings.
pub(super) fn holds_login(file: &Path) -> bool {
    const LARGEST: u64 = 1 << 20;
    if std::fs::metadata(file).map_or(true, |meta| meta.len() > LARGEST) {
        return true;
    }
    let Ok(text) = std::fs::read(file) else { return true };
    let text = String::from_utf8_lossy(&text).to_lowercase();
    // https://user:word@host, as `insteadOf` and registries have it.
    let has_address = text.split("://").skip(1).any(|rest| {
        let host = rest.split(['/', '"', '\'', ' ', '\n']).next().unwrap_or_default();
        host.split_once('@').is_some_and(|(user, _)| user.contains(':') || user.len() >= 20)
    });
    has_address || LOGIN_WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolchains_are_found_and_logins_left_out() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        for folder in [".cargo/bin", ".ssh", ".nvm/versions/node/v22/bin", "tools/bin", ".config/git"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::write(at(".cargo/credentials.toml"), "token = 1").unwrap();
        std::fs::write(at(".gitconfig"), "[user]\n\tname = A\n\temail = a@b.example\n").unwrap();
        std::fs::write(at(".config/git/config"), "[url \"https://me:abc@host.example/\"]\n").unwrap();
        let parent = home.path().parent().unwrap().to_owned();
        let path =
            [at(".nvm/versions/node/v22/bin"), at("tools/bin"), home.path().into(), parent, at("none"), "bin".into()];
        let found = toolchains_of(home.path(), &path);
        assert_eq!(found, [at(".cargo/bin"), at(".nvm"), at(".gitconfig"), at("tools/bin")]);
    }

    #[test]
    fn a_login_in_settings_is_seen() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, expected) in [
            (
                "[user]\nemail = a@b.example\n[url \"git@github.example:\"]\ninsteadOf = https://github.example/\n",
                false,
            ),
            ("[url \"ssh://git@github.example/\"]\n", false),
            ("[http]\nextraHeader = Authorization: Basic eA==\n", true),
            ("[url \"https://oauth2:abc@gitlab.example/\"]\n", true),
            ("[url \"https://ghp_0123456789abcdefghij@github.example/\"]\n", true),
            ("[registry]\ntoken = \"x\"\n", true),
        ] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(holds_login(file.path()), expected, "{text}");
        }
        assert!(holds_login(Path::new("/no/such/file")));
    }
}
