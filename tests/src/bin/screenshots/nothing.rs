//! The first steps, and every screen of a company that has done nothing yet.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use blackbox::{Desktop, Start, play};
use serde_json::json;

use crate::album::Album;

const FIRST: &str = "First steps";
const EMPTY: &str = "With nothing yet";

pub async fn take(album: &mut Album) -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { keyring: true, ..Start::default() }).await?;
    install(&stage)?;
    let page = stage.open(&[]).await?;
    page.fill("onboarding-company-name", "Northwind Labs").await?;
    page.fill("onboarding-folder", "~/northwind").await?;
    album.take(&page, FIRST, "onboarding", "A name is all that it takes to begin").await?;
    page.click("onboarding-create").await?;
    page.part("onboarding-engine-claude-code").await?;
    page.click("onboarding-engine-anthropic").await?;
    page.fill("onboarding-key", "sk-ant-api03-pictures-only-Qx7A").await?;
    album
        .take(&page, FIRST, "onboarding-engine", "What it thinks with: a key, a program that is here, or practice")
        .await?;
    page.click("onboarding-engine-practice").await?;
    page.click("onboarding-next").await?;
    page.part("onboarding-brief").await?;
    album.take(&page, FIRST, "onboarding-brief", "The first brief").await?;
    page.click("onboarding-skip").await?;
    page.part("composer").await?;

    for (route, words, name, caption) in [
        ("desk", "Your team is ready", "desk-empty", "Desk: a practice company on its first day"),
        ("jobs", "No jobs yet", "jobs-empty", "Jobs"),
        ("jobs?q=zeppelin", "zeppelin", "search-empty", "A search that finds nothing"),
        ("sessions", "No session yet", "sessions-empty", "Sessions"),
        ("costs", "Nothing was spent", "costs-empty", "Costs"),
        ("journal", "The journal is empty", "journal-empty", "Journal"),
        ("notices", "Nothing yet", "notices-empty", "Notices"),
    ] {
        page.go(route).await?;
        page.says(words).await?;
        page.run("document.activeElement?.blur()").await?;
        album.take(&page, EMPTY, name, caption).await?;
    }
    page.go("job/77").await?;
    page.says("All jobs").await?;
    album.take(&page, "Where something is wrong", "job-none", "A job that is not there").await?;

    let mut daemon = stage.daemon().await?;
    let dir = stage.company_dir("northwind-shop")?;
    let shop = json!({ "name": "Northwind Shop", "dir": dir, "structure": "full-c-suite", "engine": "anthropic-api" });
    daemon.call("company.create", shop).await?;
    page.go("desk").await?;
    page.run("location.reload()").await?;
    page.part("composer").await?;
    page.press("button", "Company:").await?;
    page.press("option", "NS Northwind Shop").await?;
    page.says("Engine needs you").await?;
    page.run("document.activeElement?.blur()").await?;
    album.take(&page, "Where something is wrong", "desk-no-key", "Desk: the engine has no key").await
}

/// An agent's program, where one finds it.
pub fn install(stage: &Desktop) -> anyhow::Result<()> {
    let bin = stage.place.path("home/.local/bin");
    fs::create_dir_all(&bin)?;
    let program = bin.join("claude");
    fs::write(&program, play::CLAUDE)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
