//! A home of its own for the whole suite: what a program leaves there is seen, and nobody's real one is touched.

use std::path::PathBuf;
use std::process::Command;

const HOME: &str = "AICIB_CONFORMANCE_HOME";

/// Whether this process has a home of its own.
pub fn is_alone() -> bool {
    std::env::var_os(HOME).is_some()
}

/// The home.
pub fn home() -> PathBuf {
    PathBuf::from(std::env::var_os(HOME).expect("the suite has a home of its own"))
}

/// Runs this program again with a home of its own, and ends as that did.
pub fn again() -> ! {
    let temp = testkit::temp_home();
    let home = temp.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(std::env::args_os().skip(1)).env(HOME, &home).env("HOME", &home);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("XDG_") || text.ends_with("_API_KEY") || text.ends_with("_BASE_URL") {
            command.env_remove(&name);
        }
    }
    let status = command.status().expect("this program can be started again");
    drop(temp);
    std::process::exit(status.code().unwrap_or(1))
}
