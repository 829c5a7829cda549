//! Runs one job to its end, in a process of its own that outlives the daemon.
//!
//! The worker never opens the database and never cancels itself because the daemon left. What it does is in its
//! spool before anybody hears of it.

mod clocks;
mod files;
mod host;
mod link;
mod prepare;
mod questions;
mod raw;
mod run;
mod spool;
mod standstill;
pub mod trial;
mod turnstile;
mod words;

use std::io::{BufRead, Read};
use std::process::ExitCode;

use contract::{WORKER_PROTOCOL, WORKER_PROTOCOL_OLDEST, WorkerSpec};

/// Bytes of the spec on stdin, at most: a directive, a session's history and a key fit many times over.
const MAX_SPEC_BYTES: u64 = 64 * 1024 * 1024;
/// The exit code of a worker that was told nothing it could understand.
const EXIT_NO_SPEC: u8 = 64;

/// The `aicib worker` process: reads a [`WorkerSpec`] on stdin and runs it.
pub fn main() -> ExitCode {
    log_to_stderr();
    let spec = match read_spec() {
        Ok(spec) => spec,
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::from(EXIT_NO_SPEC);
        }
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(run::run(spec));
            // What hangs in the kernel (a file on a disk that is gone) does not keep the worker.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            tracing::error!(%error, "no runtime");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        // Said on stderr, which on a full disk takes the worker down with it.
        .log_internal_errors(false)
        .init();
}

fn read_spec() -> Result<WorkerSpec, String> {
    let mut line = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_SPEC_BYTES)
        .read_until(b'\n', &mut line)
        .map_err(|error| format!("cannot read the spec: {error}"))?;
    if line.last() != Some(&b'\n') {
        return Err("the daemon left before it said what to do".into());
    }
    // The error of serde_json names a place, never the text: the text holds a key.
    let spec: WorkerSpec = serde_json::from_slice(&line)
        .map_err(|error| format!("the spec does not read ({:?} at column {})", error.classify(), error.column()))?;
    if !(WORKER_PROTOCOL_OLDEST..=WORKER_PROTOCOL).contains(&spec.protocol) {
        return Err(format!(
            "the daemon speaks worker protocol {}, this worker {WORKER_PROTOCOL_OLDEST} to {WORKER_PROTOCOL}",
            spec.protocol
        ));
    }
    Ok(spec)
}
