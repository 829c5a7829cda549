//! What it looks like where something is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Context;
use blackbox::{Desktop, Start, binary, pid_of, signal};
use rustix::process::Signal;
use serde_json::json;

use crate::album::Album;
use crate::work::Company;

const WRONG: &str = "Where something is wrong";
/// A file that keeps the daemon from being started again.
const AWAY: &str = "daemon-is-away";

/// A program that is `aicib` but for as long as it is to be away.
pub fn daemon_that_can_be_kept_away(stage: &Desktop) -> anyhow::Result<PathBuf> {
    let program = stage.place.path("aicib-or-not");
    let text = format!(
        "#!/bin/sh\n[ -e '{}' ] && exit 1\nexec '{}' \"$@\"\n",
        stage.place.path(AWAY).display(),
        binary("aicib")?.display()
    );
    fs::write(&program, text)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

pub async fn take(company: &mut Company, album: &mut Album) -> anyhow::Result<()> {
    company.go(&format!("job/{}", company.failed), "The run ended without finishing").await?;
    album.take(&company.page, WRONG, "job-failed", "A job that failed, with what to do about it").await?;
    company.daemon.call("job.pause", json!({})).await?;
    company.go("desk", "Resume all work").await?;
    album.take(&company.page, WRONG, "held", "All work on hold").await?;
    company.daemon.call("job.resume", json!({})).await?;
    company.page.says("Pause all work").await?;

    let pid = pid_of(&company.daemon.call("daemon.status", json!({})).await?)?;
    fs::write(company.stage.place.path(AWAY), "")?;
    signal(pid, Signal::KILL)?;
    company.page.says("background process").await?;
    album.take(&company.page, WRONG, "desk-away", "The daemon is away: what is on screen stays").await?;
    company.go("jobs", "Jobs").await?;
    album.take(&company.page, WRONG, "jobs-away", "A screen that cannot be read meanwhile").await?;
    fs::remove_file(company.stage.place.path(AWAY)).context("the daemon's way back")
}

/// A first start that finds no daemon.
pub async fn take_without_daemon(album: &mut Album) -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { stand_ins: false, ..Start::default() }).await?;
    stage.place.set("AICIB_BIN", "/usr/lib/aicib/aicib");
    let page = stage.open(&[]).await?;
    page.says("Try again").await?;
    album.take(&page, WRONG, "no-daemon", "A start that finds no background process").await
}
