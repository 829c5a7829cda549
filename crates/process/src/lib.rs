//! Processes: who they are, starting them confined to a session of their own, counting what descends from them, and
//! ending all of it.
//!
//! Killing a process group is not enough: shells and agent CLIs move their children into sessions of their own.
//! Here a process is found by its parentage, by its session, by a [`Mark`] in its environment, and on Linux, where we may
//! make them, by the control group that is named after the mark; and the search is repeated until it finds nothing.
//! Nobody has to ask for the group: [`spawn`] makes it for a process with a mark, [`census`] counts what is in it,
//! [`stop_tree`] ends that and takes it away. `AICIB_CGROUPS=off` does without. No signal is ever sent to a pid alone: a process is held by pid, start time and
//! boot id ([`Identity`]), and on Linux signalled through a pidfd.
//!
//! Linux is the platform that is tested. macOS and Windows have the same functions with the means that
//! [`sysinfo`](https://docs.rs/sysinfo) gives; their file says what is missing there.
//!
//! This is the only crate that may hold `unsafe` code.

mod capture;
mod env;
mod grace;
mod identity;
mod reading;
pub mod sandbox;
mod shell;
mod signals;
mod spawn;
mod stop;
mod system;
mod usage;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod platform;

pub use env::{clean_env, trusted_path};
pub use grace::Grace;
pub use identity::Identity;
pub use platform::{become_subreaper, close_inherited, exited, reap_strangers};
pub use sandbox::{Confine, Network, Policy};
pub use shell::{COMMAND_MARK, Shell, ShellOutcome, run_shell};
pub use signals::StopSignals;
pub use spawn::{Command, Input, Output, SpawnError, Spawned, spawn};
pub use stop::{Mark, Stopped, census, stop_tree};
pub use system::{free_space, lend_session_bus};
pub use usage::{Usage, own_usage, usage};
