//! What the program does itself: commands, each in a session of its own, and files.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Whether the program goes on when its stdin is closed, and when it is told to end.
pub static DEAF: AtomicBool = AtomicBool::new(false);
/// Sessions of commands that are running.
static SESSIONS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A tool as a model is told of it.
#[derive(Clone)]
pub struct Tool {
    pub name: String,
    pub description: String,
    pub schema: Value,
}

impl Tool {
    pub fn new(name: &str, description: &str, properties: Value) -> Tool {
        let schema = json!({ "type": "object", "properties": properties });
        Tool { name: name.into(), description: description.into(), schema }
    }
}

/// How a tool call went.
#[derive(Clone)]
pub struct Done {
    pub ok: bool,
    pub text: String,
    /// The exit code of a command.
    pub exit: Option<i32>,
}

impl Done {
    pub fn ok(text: impl Into<String>) -> Done {
        Done { ok: true, text: text.into(), exit: None }
    }

    pub fn failed(text: impl Into<String>) -> Done {
        Done { ok: false, text: text.into(), exit: None }
    }
}

/// Runs a command in `dir`, until it ends or is told to.
pub async fn command(command: &str, dir: &Path, stop: &CancellationToken) -> Done {
    let child = tokio::process::Command::new("setsid")
        .args(["bash", "-c", command])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(child) = child else { return Done::failed("bash could not be started") };
    let session = child.id().unwrap_or_default();
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    let output = tokio::select! {
        output = child.wait_with_output() => output,
        () = stop.cancelled() => {
            end(session);
            return Done::failed("interrupted");
        }
    };
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| *one != session);
    match output {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).trim_end().to_owned();
            Done { ok: output.status.success(), text, exit: output.status.code() }
        }
        Err(error) => Done::failed(error.to_string()),
    }
}

/// Ends the sessions of all commands, as the programs do where they are told to end and live to do so.
pub fn end_all() {
    for session in SESSIONS.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        end(session);
    }
}

fn end(session: u32) {
    let _ = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{session}")]).status();
}

/// Writes a file.
pub fn write(path: &Path, content: &str) -> Done {
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    match folder.and_then(|()| std::fs::write(path, content)) {
        Ok(()) => Done::ok(format!("File created successfully at: {}", path.display())),
        Err(error) => Done::failed(error.to_string()),
    }
}

/// Reads a file.
pub fn read(path: &Path) -> Done {
    std::fs::read_to_string(path).map_or_else(|error| Done::failed(error.to_string()), Done::ok)
}

/// Ends the program as SIGTERM does: commands are ended with it, unless it is deaf.
pub async fn terminated() -> i32 {
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    loop {
        signal.recv().await;
        if !DEAF.load(Ordering::SeqCst) {
            end_all();
            return 143;
        }
    }
}

/// Called at the end of stdin: returns at once, or never where the program is deaf.
pub async fn closed() {
    if DEAF.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
}
