//! Whole lives of workers: real processes, spools and commands; only the daemon and the provider are stand-ins.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]

mod daemon;
mod files;
mod floods;
mod founder;
mod holds;
mod leave;
mod limits;
mod stage;
mod stops;
mod trial;

/// What the other tests start as their worker, with a spec on its stdin: this program itself, told to be one.
#[test]
fn as_a_worker() {
    if std::env::var_os(stage::BE_A_WORKER).is_some() {
        let is_trial = std::env::var_os(stage::BE_A_WORKER).is_some_and(|part| part == trial::TRIAL);
        let code = if is_trial { worker::trial::main() } else { worker::main() };
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
}
