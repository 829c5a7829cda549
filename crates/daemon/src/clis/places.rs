//! Where programs are: the PATH of a login shell, and the folders into which people and their tools install them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ask::ask;

/// How long the login shell may take. It reads whatever its user has put into its files.
const PATIENCE: Duration = Duration::from_secs(3);
/// What stands around the PATH in what the shell writes: its files may write as well.
const FENCE: &str = "__AICIB_PATH__";
/// Shells that take `-ilc` and put a PATH together with colons.
const SHELLS: [&str; 6] = ["bash", "zsh", "fish", "sh", "dash", "ksh"];
/// Folders of one kind that are looked into, at most (versions of Node, say).
const MOST: usize = 50;

/// Where a login shell finds programs. A program that was started from a dock or at login does not know it.
///
/// # Errors
/// Why it is not known, as a clause.
pub async fn login_path() -> Result<OsString, String> {
    let Some(shell) = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).map(PathBuf::from) else {
        return Err("the environment names no shell".to_owned());
    };
    let name = shell.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !shell.is_absolute() || !SHELLS.contains(&name.as_str()) {
        return Err(format!("{} is no shell that is known", shell.display()));
    }
    let script = format!("printf '\\n{FENCE}%s{FENCE}\\n' \"$PATH\"");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let answer = ask(&shell, &["-i", "-l", "-c", &script], &path, PATIENCE)
        .await
        .map_err(|error| format!("{name} was asked, and {error}"))?;
    between(&answer.stdout).map(OsString::from).ok_or_else(|| format!("{name} was asked, and did not say"))
}

fn between(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(FENCE)?;
    let (path, _) = rest.split_once(FENCE)?;
    Some(path).filter(|path| !path.is_empty() && !path.contains('\n'))
}

/// The folders where people and their tools put programs, those that are there. `env` reads a variable.
pub fn well_known(home: Option<&Path>, env: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    let named = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    dirs.extend(named("NPM_CONFIG_PREFIX").map(|prefix| prefix.join("bin")));
    dirs.extend(named("PNPM_HOME"));
    dirs.extend(named("VOLTA_HOME").map(|volta| volta.join("bin")));
    dirs.extend(named("BUN_INSTALL").map(|bun| bun.join("bin")));
    dirs.extend(named("APPDATA").map(|data| data.join("npm")));
    if let Some(home) = home {
        let below = |part: &str| home.join(part);
        // Claude Code's and opencode's own installers, then those of everybody.
        dirs.extend(["bin", ".local/bin", ".claude/local", ".opencode/bin"].map(below));
        dirs.extend(npm_prefix(home).map(|prefix| prefix.join("bin")));
        dirs.extend([".npm-global/bin", ".npm-packages/bin"].map(below));
        dirs.extend([".local/share/pnpm", "Library/pnpm", ".bun/bin", ".volta/bin"].map(below));
        dirs.extend([".asdf/shims", ".local/share/mise/shims", ".cargo/bin", ".deno/bin"].map(below));
        let nvm = named("NVM_DIR").unwrap_or_else(|| below(".nvm"));
        dirs.extend(versions(&nvm.join("versions/node")).map(|version| version.join("bin")));
        let fnm = below(".local/share/fnm/node-versions");
        dirs.extend(versions(&fnm).map(|version| version.join("installation/bin")));
    }
    dirs.extend(["/usr/local/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin"].map(PathBuf::from));
    dirs.extend(["/usr/bin", "/bin", "/snap/bin"].map(PathBuf::from));
    dirs.retain(|dir| dir.is_absolute() && dir.is_dir());
    dirs
}

/// Where npm installs what is for everywhere, where its user has said so.
fn npm_prefix(home: &Path) -> Option<PathBuf> {
    const BYTES: u64 = 64 * 1024;
    let file = home.join(".npmrc");
    if std::fs::metadata(&file).ok()?.len() > BYTES {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    let value = text.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == "prefix")?.1;
    let value = value.trim().trim_matches(['"', '\'']);
    let value = value
        .strip_prefix("${HOME}/")
        .or(value.strip_prefix("$HOME/"))
        .or(value.strip_prefix("~/"))
        .map_or_else(|| PathBuf::from(value), |below| home.join(below));
    Some(value)
}

/// The folders in which versions of a tool lie, the latest first.
fn versions(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut found: Vec<(Option<semver::Version>, PathBuf)> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .take(MOST)
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (semver::Version::parse(name.trim_start_matches('v')).ok(), entry.path())
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path)
}

/// The first file of one of these names that can be started, in the folders of a PATH.
pub fn find(names: &[&str], path: &OsStr) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ".bat"] } else { &[""] };
    let dirs: Vec<PathBuf> = std::env::split_paths(path).filter(|dir| dir.is_absolute()).collect();
    names.iter().find_map(|name| {
        let files = dirs.iter().flat_map(|dir| endings.iter().map(move |ending| dir.join(format!("{name}{ending}"))));
        files.into_iter().find(|file| can_start(file))
    })
}

/// Whether a file is one that can be started.
#[cfg(unix)]
pub fn can_start(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Whether a file is one that can be started.
#[cfg(not(unix))]
pub fn can_start(file: &Path) -> bool {
    file.is_file()
}

/// The program that a wrapper of npm's starts, where it is one: whoever ends the wrapper leaves that one behind.
pub fn native(program: &Path) -> PathBuf {
    let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let Some(package) = real.parent().and_then(Path::parent) else { return program.to_owned() };
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        arch => arch,
    };
    let (holder, inside) = match package.file_name().unwrap_or_default().to_str() {
        Some("codex") => (format!("@openai/codex-{os}-{arch}"), "codex"),
        Some("opencode-ai") => (format!("opencode-{os}-{arch}"), "opencode"),
        _ => return program.to_owned(),
    };
    let ending = if cfg!(windows) { ".exe" } else { "" };
    let places = package.ancestors().flat_map(|dir| [dir.join("node_modules").join(&holder), dir.join(&holder)]);
    let found = places.take(2 * MOST).filter(|place| place.is_dir()).find_map(|place| {
        let plain = place.join("bin").join(format!("{inside}{ending}"));
        let triples =
            versions(&place.join("vendor")).map(|triple| triple.join("bin").join(format!("{inside}{ending}")));
        std::iter::once(plain).chain(triples).find(|file| can_start(file))
    });
    found.unwrap_or_else(|| program.to_owned())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn program(file: &Path) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_path_is_found_in_whatever_a_shell_writes() {
        assert_eq!(between("hello\n__AICIB_PATH__/a:/b__AICIB_PATH__\nbye"), Some("/a:/b"));
        assert_eq!(between("__AICIB_PATH____AICIB_PATH__"), None);
        assert_eq!(between("__AICIB_PATH__/a"), None);
    }

    #[test]
    fn tools_of_every_kind_have_their_place() {
        let home = tempfile::tempdir().unwrap();
        let here = home.path();
        for dir in [
            ".local/bin",
            ".bun/bin",
            ".volta/bin",
            ".asdf/shims",
            ".local/share/mise/shims",
            "prefix/bin",
            ".local/share/pnpm",
            ".nvm/versions/node/v9.11.2/bin",
            ".nvm/versions/node/v22.4.0/bin",
        ] {
            std::fs::create_dir_all(here.join(dir)).unwrap();
        }
        std::fs::write(here.join(".npmrc"), "audit=false\nprefix = ${HOME}/prefix\n").unwrap();
        let dirs = well_known(Some(here), |_| None);
        let ours: Vec<String> =
            dirs.iter().filter_map(|dir| Some(dir.strip_prefix(here).ok()?.display().to_string())).collect();
        assert_eq!(ours.len(), 9, "{ours:?}");
        let at = |part: &str| ours.iter().position(|dir| dir == part).unwrap();
        assert!(at(".nvm/versions/node/v22.4.0/bin") < at(".nvm/versions/node/v9.11.2/bin"), "{ours:?}");
        assert!(ours.contains(&"prefix/bin".to_owned()));
    }

    #[test]
    fn only_what_can_be_started_is_a_program() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("1"), dir.path().join("2"));
        std::fs::create_dir_all(first.join("claude")).unwrap();
        std::fs::write(first.join("codex"), "no program").unwrap();
        program(&second.join("claude"));
        let path = std::env::join_paths([&first, &second]).unwrap();
        assert_eq!(find(&["claude"], &path), Some(second.join("claude")));
        assert_eq!(find(&["codex"], &path), None);
        assert_eq!(find(&["codex", "claude"], &path), Some(second.join("claude")));
    }

    #[test]
    fn a_wrapper_leads_to_what_it_starts() {
        let dir = tempfile::tempdir().unwrap();
        let modules = dir.path().canonicalize().unwrap().join("lib/node_modules");
        let wrapper = modules.join("@openai/codex/bin/codex.js");
        program(&wrapper);
        let bin = dir.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        symlink(&wrapper, bin.join("codex")).unwrap();
        assert_eq!(native(&bin.join("codex")), bin.join("codex"), "alone it is all there is");
        let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        let real =
            modules.join(format!("@openai/codex/node_modules/@openai/codex-{os}-{arch}/vendor/triple/bin/codex"));
        program(&real);
        assert_eq!(native(&bin.join("codex")), real);
        program(&dir.path().join("bin/claude"));
        assert_eq!(native(&bin.join("claude")), bin.join("claude"));
    }
}
