//! Lines of JSON in and out.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::mpsc;

/// Stdout, a line at a time.
#[derive(Default)]
pub struct Out {
    lock: Mutex<()>,
}

impl Out {
    /// Writes a line, and ends the program where nobody reads any more.
    pub fn line(&self, value: &Value) {
        self.bytes(format!("{value}\n").as_bytes());
    }

    /// Writes bytes as they are.
    pub fn bytes(&self, bytes: &[u8]) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = std::io::stdout();
        if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
            std::process::exit(1);
        }
    }
}

/// Stdin, a line at a time, read by a thread of its own.
pub struct Input {
    lines: mpsc::Receiver<String>,
}

impl Input {
    pub fn new() -> Input {
        let (sender, lines) = mpsc::channel(64);
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Input { lines }
    }

    /// The next line; none at the end. `Err` holds one that is no JSON.
    pub async fn next(&mut self) -> Option<Result<Value, String>> {
        loop {
            let line = self.lines.recv().await?;
            if !line.trim().is_empty() {
                return Some(serde_json::from_str(&line).map_err(|_| line));
            }
        }
    }
}

/// An id that no other has.
pub fn id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let (high, next) = (nanos as u64, NEXT.fetch_add(1, Ordering::Relaxed));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        next & 0xfff,
        u64::from(std::process::id()) << 16 | next
    )
}
