//! What goes wrong in a program, on the word of the model: `[[garbage]]` in its answer, and the program misbehaves.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::lines::Out;

/// Misbehaves as the model's words say, if they do.
pub async fn play(words: &str, out: &Out) {
    for word in words.split("[[").skip(1).filter_map(|rest| rest.split("]]").next()) {
        match word.split(' ').collect::<Vec<_>>().as_slice() {
            ["silence"] => std::future::pending().await,
            ["garbage"] => {
                out.bytes(b"\xff\xfe\x00 not json at all\n{\"type\":\n[1,2\nnull\n42\n\"text\"\n{}\n\n{\"type\":7}\n");
            }
            ["line", bytes] => {
                let mut line = vec![b'x'; bytes.parse().unwrap_or_default()];
                line.push(b'\n');
                out.bytes(&line);
            }
            ["stderr", megabytes] => flood(megabytes.parse().unwrap_or_default()),
            ["die"] => {
                // By a signal, so that nothing is cleaned up.
                let _ = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
            }
            ["exit", code] => std::process::exit(code.parse().unwrap_or(1)),
            ["stray"] => {
                // In a session of its own, with nothing that ties it to us but what it inherits.
                let _ = Command::new("setsid")
                    .args(["sleep", "3600"])
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn();
            }
            ["deaf"] => super::tools::DEAF.store(true, std::sync::atomic::Ordering::SeqCst),
            ["slow"] => tokio::time::sleep(Duration::from_millis(300)).await,
            _ => {}
        }
    }
}

/// So many megabytes on stderr.
fn flood(megabytes: usize) {
    let block = "a line on stderr that nobody will ever read to its end\n".repeat(1024 * 1024 / 55);
    let mut stderr = std::io::stderr().lock();
    for _ in 0..megabytes {
        if stderr.write_all(block.as_bytes()).is_err() {
            return;
        }
    }
}
