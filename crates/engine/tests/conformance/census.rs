//! What is left of a run: processes and files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Processes, ours left out, that have to do with a folder: by their arguments, their environment or where they are.
pub fn near(folder: &Path) -> Vec<String> {
    let marker = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(pid) = name.parse::<u32>() else { continue };
        if pid == std::process::id() {
            continue;
        }
        let arguments = text(&entry.path().join("cmdline"));
        let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let environment = text(&entry.path().join("environ"));
        if [arguments.as_str(), environment.as_str(), &cwd.to_string_lossy()].iter().any(|text| text.contains(&marker))
        {
            found.push(format!("{pid} {}", arguments.chars().take(200).collect::<String>()));
        }
    }
    found
}

fn text(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// Looks all the while whether a secret is in the arguments or the environment of a process of the run. What it saw.
pub async fn watch(mark: process::Mark, secret: &str, over: CancellationToken) -> Vec<String> {
    let mut seen = BTreeSet::new();
    while !over.is_cancelled() {
        for process in process::census(None, &mark) {
            let of = PathBuf::from(format!("/proc/{}", process.pid));
            for place in ["cmdline", "environ"] {
                if text(&of.join(place)).contains(secret) {
                    seen.insert(format!("{place} of {}", text(&of.join("comm")).trim()));
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
            () = over.cancelled() => {}
        }
    }
    seen.into_iter().collect()
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

/// What programs of agents are known to leave in the system's temporary folder.
pub fn litter() -> BTreeSet<String> {
    let names = std::fs::read_dir("/tmp").into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let programs = ["claude", "cc-", "codex", "opencode", "gemini", ".claude", ".codex", "node-", "bun-", ".opencode"];
    names.filter(|name| programs.iter().any(|program| name.starts_with(program))).collect()
}
