//! The program behind the script that npm installs. The script starts it and waits: a signal to the script alone would
//! leave the program running.

use std::path::{Path, PathBuf};

/// How far up from the script the packages are looked for.
const UP: usize = 4;

/// The program itself, where `program` is the script of an npm package; `program` otherwise.
pub(super) fn native(program: &Path) -> PathBuf {
    let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    if !is_script(&real) {
        return program.to_owned();
    }
    let found = real.ancestors().skip(1).take(UP).find_map(|above| {
        let packages = above.join("node_modules").join("@openai");
        let beside = above.join("@openai");
        [above.to_owned()]
            .into_iter()
            .chain(below(&packages))
            .chain(below(&beside))
            .find_map(|package| in_package(&package))
    });
    found.unwrap_or_else(|| program.to_owned())
}

/// Where a program of a package is installed, which it reads.
pub(super) fn home_of(program: &Path) -> Option<PathBuf> {
    let real = program.canonicalize().ok()?;
    Some(real.parent()?.parent()?.to_owned()).filter(|folder| folder.components().count() > 3)
}

fn is_script(program: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 2];
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"#!"
}

/// `vendor/TARGET/bin/codex`, or `vendor/TARGET/codex/codex` as older packages have it.
fn in_package(package: &Path) -> Option<PathBuf> {
    let name = format!("codex{}", std::env::consts::EXE_SUFFIX);
    below(&package.join("vendor")).into_iter().filter(|target| is_ours(target)).find_map(|target| {
        ["bin", "codex"].iter().map(|folder| target.join(folder).join(&name)).find(|file| file.is_file())
    })
}

/// Whether a folder is for this machine's processor and system; older packages hold all of them.
fn is_ours(target: &Path) -> bool {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    name.starts_with(std::env::consts::ARCH) && name.contains(system)
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).take(64).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_program_behind_the_script_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let target = format!("{}-unknown-{}-musl", std::env::consts::ARCH, std::env::consts::OS);
        let packages = dir.path().join("lib/node_modules/@openai");
        let program = packages.join("codex-this/vendor").join(target.replace("macos", "darwin")).join("bin/codex");
        let script = packages.join("codex/bin/codex.js");
        for (file, text) in [(&program, "ELF"), (&script, "#!/usr/bin/env node\n")] {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let link = dir.path().join("codex");
        std::os::unix::fs::symlink(&script, &link).unwrap();
        assert_eq!(native(&link).canonicalize().unwrap(), program.canonicalize().unwrap());
        assert_eq!(native(&program), program, "what is no script is the program");
        std::fs::remove_file(&program).unwrap();
        assert_eq!(native(&link), link, "without it, the script is better than nothing");
    }
}
