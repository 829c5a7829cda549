//! Keys, in a real gnome-keyring.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use anyhow::Context;
use blackbox::{Desktop, Start, WORK};
use serde_json::json;

const KEY: &str = "sk-ant-planted-7c1f0e9b2d4a-do-not-find-me";

/// A key that was set is in the keyring, and nowhere else: no file, no argument, no environment.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_in_the_keyring_and_nowhere_else() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { keyring: true, ..Start::default() }).await?;
    stage.launch(&["--hidden"])?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "practice_pace": 8.0 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let key = daemon.call("key.set", json!({ "provider": "anthropic", "key": KEY })).await?;
    assert_eq!(key["storage"], "keychain", "{key}");
    let keyring = stage.keyring.as_ref().context("no keyring")?;
    assert_eq!(keyring.secrets().await?, [KEY]);

    // While work runs: the workers' environment and arguments count, too.
    let job = daemon.brief(&dir, "Write the imprint").await?;
    daemon.job(job, &["running", "completed"], WORK).await?;
    nowhere(stage.place.root())?;
    daemon.job(job, &["completed"], WORK).await?;
    let listed = daemon.call("key.list", json!({})).await?;
    assert!(!listed.to_string().contains(KEY), "{listed}");
    assert_eq!(listed["keys"][0]["hint"], "d-me", "{listed}");
    nowhere(stage.place.root())?;

    daemon.call("key.remove", json!({ "provider": "anthropic" })).await?;
    assert!(keyring.secrets().await?.is_empty());
    Ok(())
}

/// A wrong key says so where it is set, and a log keeps nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_the_window_is_in_no_log() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { keyring: true, ..Start::default() }).await?;
    stage.place.set("RUST_LOG", "trace");
    let page = stage.open(&[]).await?;
    let set = page.call("key.set", json!({ "provider": "anthropic", "key": KEY })).await?;
    assert!(set.is_ok(), "{set:?}");
    let refused = page.call("key.set", json!({ "provider": "anthropic", "key": KEY, "moon": "full" })).await?;
    assert!(!refused.expect_err("moon").to_string().contains(KEY));
    nowhere(stage.place.root())
}

fn nowhere(root: &Path) -> anyhow::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                // A file may be gone by now.
                let content = fs::read(entry.path()).unwrap_or_default();
                anyhow::ensure!(!holds_key(&content), "the key is in {}", entry.path().display());
            }
        }
    }
    for process in fs::read_dir("/proc")?.flatten() {
        for file in ["cmdline", "environ"] {
            let content = fs::read(process.path().join(file)).unwrap_or_default();
            anyhow::ensure!(!holds_key(&content), "the key is in {}/{file}", process.path().display());
        }
    }
    Ok(())
}

fn holds_key(content: &[u8]) -> bool {
    content.windows(KEY.len()).any(|part| part == KEY.as_bytes())
}
