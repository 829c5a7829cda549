//! Engine 1 from the terminal to the provider's socket: real CLI, daemon, worker and HTTP; only the provider is a
//! stand-in.
#![cfg(target_os = "linux")]

use std::fs;
use std::time::Duration;

use anyhow::Context;
use blackbox::{Daemon, Place, SOON, WORK};
use serde_json::{Value, json};
use testkit::{Provider, Script, Turn, company_play};

const KEY: &str = "sk-ant-planted-51f0c3a97e-do-not-find-me";

/// A place with a company that works with the provider.
async fn company(provider: &Provider) -> anyhow::Result<(Place, Daemon)> {
    let mut place = Place::new()?;
    place.set("ANTHROPIC_BASE_URL", provider.url());
    let init = place.aicib(&["init", "--name", "Acme", "--dir", "acme"])?.output()?;
    anyhow::ensure!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    let mut daemon = Daemon::connect(&place.home(), SOON).await?;
    daemon.call("key.set", json!({ "provider": "anthropic", "key": KEY, "storage": "session" })).await?;
    Ok((place, daemon))
}

async fn events(daemon: &mut Daemon, job: &Value) -> anyhow::Result<Vec<Value>> {
    let page = daemon.call("event.list", json!({ "job_id": job, "after": 0, "limit": 500 })).await?;
    Ok(page["events"].as_array().cloned().unwrap_or_default())
}

/// The one line, with a real provider's protocol: files, delegation, and the cost to the nano-dollar.
#[tokio::test(flavor = "multi_thread")]
async fn a_brief_costs_what_the_provider_counted() -> anyhow::Result<()> {
    let provider = Provider::start(company_play()).await;
    let (place, mut daemon) = company(&provider).await?;
    let dir = place.path("acme");
    for args in [&["start"][..], &["brief", "--background", "Write a company description"], &["logs", "-f"]] {
        let output = place.aicib(args)?.current_dir(&dir).output()?;
        anyhow::ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let output = place.aicib(&["status", "--json", "--job", "1"])?.current_dir(&dir).output()?;
    let job: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(job["state"], "completed", "{job}");
    let nanos = (job["cost_usd"].as_f64().context("no cost")? * 1e9).round() as i64;
    assert_eq!(nanos, provider.spent_nanos());
    assert!(nanos > 0);
    for file in ["docs/about.md", "docs/facts.md", "reports/company-description.md"] {
        assert!(fs::metadata(dir.join(file))?.len() > 0, "{file}");
    }
    let events = events(&mut daemon, &job["job_id"]).await?;
    let delegated: Vec<&str> = events
        .iter()
        .filter(|event| event["kind"] == "delegation_finished" && event["ok"] == true)
        .filter_map(|event| event["to"].as_str())
        .collect();
    assert_eq!(delegated.len(), 2, "{delegated:?}");
    assert!(provider.requests().iter().all(|request| request.header("x-api-key") == Some(KEY)));
    Ok(())
}

/// A refused key ends the job at once, and says what to do; the key is in nothing that was stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_a_clear_end() -> anyhow::Result<()> {
    let refused = Turn::error(401, "authentication_error", &format!("invalid x-api-key {KEY}"));
    let provider = Provider::start(Script::of(vec![refused])).await;
    let (place, mut daemon) = company(&provider).await?;
    let params = json!({ "company": { "dir": place.path("acme") }, "directive": "Write a page", "origin": "client",
                         "start_session": true });
    let job = daemon.call("job.submit", params).await?["job_id"].clone();
    let failed = daemon.job(job.as_i64().context("no id")?, &["failed"], WORK).await?;
    assert_eq!(failed["error"]["code"], "provider.auth", "{failed}");
    assert!(!failed["error"]["fix"].as_str().unwrap_or_default().is_empty());
    let stored = serde_json::to_string(&events(&mut daemon, &job).await?)?;
    assert!(!stored.contains(KEY));
    Ok(())
}

/// The daemon is killed while the model speaks: the call in flight is finished, and the run ends as if nothing had
/// happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_daemon_loses_nothing_of_a_stream() -> anyhow::Result<()> {
    let slow =
        Turn::text("One word after the other. ".repeat(40)).between(Duration::from_millis(10)).usage(100, 200, 0, 0);
    let provider = Provider::start(Script::of(vec![slow])).await;
    let (place, mut daemon) = company(&provider).await?;
    let params = json!({ "company": { "dir": place.path("acme") }, "directive": "Write a page", "origin": "client",
                         "start_session": true });
    let job = daemon.call("job.submit", params).await?["job_id"].as_i64().context("no id")?;
    blackbox::wait_for("the call", WORK, async || Ok((!provider.requests().is_empty()).then_some(()))).await?;
    let pid = daemon.call("daemon.status", json!({})).await?["pid"].as_i64().context("no pid")?;
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid)?).context("no pid")?;
    rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
    let again = place.aicib(&["daemon", "start"])?.output()?;
    anyhow::ensure!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let mut daemon = Daemon::connect(&place.home(), SOON).await?;
    let done = daemon.job(job, &["completed"], WORK).await?;
    assert_eq!((done["cost_usd"].as_f64().context("no cost")? * 1e9).round() as i64, provider.spent_nanos());
    assert_eq!(provider.requests().len(), 1);
    Ok(())
}
