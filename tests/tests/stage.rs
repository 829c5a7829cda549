//! The stage itself: what the other tests stand on.
#![cfg(target_os = "linux")]

use blackbox::{Desktop, Place, Start};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_window_opens_and_nothing_is_left_of_it() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, keyring: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let info = page.call("native.info", json!({})).await?.map_err(anyhow::Error::msg)?;
    assert_eq!(info["platform"], "linux");
    assert!(!page.screenshot().await?.is_empty());
    let place = stage.place.root().to_owned();
    let running = stage.place.processes();
    assert!(running.len() >= 5, "{running:?}");
    drop(stage);
    assert!(!place.exists(), "{} is left", place.display());
    for pid in running {
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}/environ")).exists() || is_zombie(pid),
            "process {pid} is left"
        );
    }
    Ok(())
}

fn is_zombie(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

#[test]
fn a_place_ends_what_runs_in_it_however_it_hides() -> anyhow::Result<()> {
    let place = Place::new()?;
    let script = "setsid sh -c 'sleep 600' >/dev/null 2>&1 & sleep 0.1";
    assert!(place.command("sh").args(["-c", script]).status()?.success());
    assert!(!place.processes().is_empty());
    place.sweep();
    assert!(place.processes().is_empty());
    Ok(())
}
