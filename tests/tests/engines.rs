//! The engines of a machine: found, told of, tried, and one that stands in for another.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use blackbox::{Daemon, ENDED, Place, Stage, WORK};
use serde_json::{Value, json};
use testkit::{On, Provider, Script, Turn};

/// A program that says this version of itself, and nothing else.
fn program(file: &Path, says: &str) -> anyhow::Result<()> {
    fs::write(file, format!("#!/bin/sh\n[ \"$1\" = --version ] && echo '{says}'\nexit 0\n"))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

async fn engine(client: &mut Daemon, name: &str) -> anyhow::Result<Value> {
    let list = client.call("engine.list", json!({})).await?;
    let engines = list["engines"].as_array().cloned().unwrap_or_default();
    let found = engines.into_iter().find(|engine| engine["engine"] == name);
    found.ok_or_else(|| anyhow::anyhow!("there is no {name} in {list}"))
}

async fn key(client: &mut Daemon) -> anyhow::Result<()> {
    let key = json!({ "provider": "anthropic", "key": "sk-ant-planted-key", "storage": "session" });
    client.call("key.set", key).await.map(drop)
}

/// A program is found where the founder says, and what is wrong with it is told with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_found_and_told_of() -> anyhow::Result<()> {
    let (stage, mut client) = Stage::new(50.0).await?;
    let file = stage.place.path("my claude");
    program(&file, "2.1.328 (Claude Code)")?;
    client.set(json!({ "engine_programs": { "claude-code": file } })).await?;
    let claude = engine(&mut client, "claude-code").await?;
    assert_eq!((&claude["version"], &claude["support"]), (&json!("2.1.328"), &json!("tested")), "{claude}");
    assert_eq!((&claude["login"], &claude["ready"]), (&json!("out"), &json!(false)), "nobody ever used it here");
    assert!(claude["fix"].as_str().is_some_and(|fix| fix.contains("claude auth login")), "{claude}");
    // A key of the founder's will do as well.
    key(&mut client).await?;
    let claude = engine(&mut client, "claude-code").await?;
    assert_eq!((&claude["key"], &claude["ready"]), (&json!(true), &json!(true)), "{claude}");
    let set = json!({ "company": { "dir": stage.dir }, "key": "engines.use", "value": "claude-code" });
    client.call("config.set", set).await?;
    let company = client.call("company.get", json!({ "dir": stage.dir })).await?;
    assert_eq!((&company["engine"], &company["engine_now"]["kind"]), (&json!("claude-code"), &json!("claude-code")));

    program(&file, "1.0.0 (Claude Code)")?;
    let claude = engine(&mut client, "claude-code").await?;
    assert_eq!((&claude["support"], &claude["ready"]), (&json!("too_old"), &json!(false)), "{claude}");
    let report = client.call("doctor.run", json!({})).await?;
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).cloned().unwrap_or_default();
    assert_eq!(check("Claude Code")["status"], "warning", "{report}");
    assert!(check("Claude Code")["fix"].as_str().is_some_and(|fix| fix.contains("npm install")), "{report}");
    assert_eq!(check("Company Acme")["status"], "fault", "it cannot be briefed: {report}");
    for name in ["Sandbox", "Tray", "Notifications", "Keychain", "Anthropic API", "Other agents"] {
        assert!(check(name)["detail"].is_string(), "{name} in {report}");
    }
    let refused = client.call("job.submit", brief(&stage, "Work")).await.unwrap_err();
    assert!(refused.to_string().contains("too old"), "{refused}");
    stage.nothing_left().await
}

fn brief(stage: &Stage, directive: &str) -> Value {
    json!({ "company": { "dir": stage.dir }, "directive": directive, "origin": "cli", "start_session": true })
}

/// A trial asks one question, costs a cent at most, and leaves no job, no file and no process.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_leaves_nothing_behind() -> anyhow::Result<()> {
    let provider = Provider::start(Script::default().always(On::Any, [Turn::text("ready")])).await;
    let mut place = Place::new()?;
    place.set("ANTHROPIC_BASE_URL", provider.url());
    let (stage, mut client) = Stage::at(place, 50.0).await?;
    let trial = client.call("engine.try", json!({ "engine": "anthropic-api" })).await?;
    assert_eq!((&trial["ok"], &trial["error"]["code"]), (&json!(false), &json!("key.missing")), "{trial}");
    key(&mut client).await?;
    let trial = client.call("engine.try", json!({ "engine": "anthropic-api" })).await?;
    assert_eq!((&trial["ok"], &trial["text"]), (&json!(true), &json!("ready")), "{trial}");
    let cost = trial["cost_usd"].as_f64().unwrap_or(f64::MAX);
    assert!(cost > 0.0 && cost <= 0.01, "{trial}");
    assert_eq!(provider.requests().len() + provider.requests_aside().len(), 1);
    let gone = client.call("engine.try", json!({ "engine": "acp:custom" })).await?;
    assert_eq!(gone["error"]["code"], "engine.not_found", "{gone}");
    let nobody = client.call("engine.try", json!({ "engine": "acp:nobody" })).await.unwrap_err();
    assert!(nobody.to_string().contains("no engine"), "{nobody}");
    assert_eq!(client.call("job.stats", json!({})).await?["total"], 0);
    let kept: Vec<String> =
        fs::read_dir(stage.place.home())?.flatten().map(|entry| entry.file_name().to_string_lossy().into()).collect();
    assert!(kept.iter().all(|name| !name.starts_with("trial") && name != "runs"), "{kept:?}");
    stage.nothing_left().await
}

/// The fallback takes the brief after the one that found the engine out of credit, and hands back once that answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_takes_the_next_brief() -> anyhow::Result<()> {
    let poor = Turn::error(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.");
    let provider = Provider::start(Script::default().always(On::Any, [poor])).await;
    let other = Provider::start(Script::default().always(On::Any, [Turn::text("From the other side.")])).await;
    let mut place = Place::new()?;
    place.set("ANTHROPIC_BASE_URL", provider.url());
    let (stage, mut client) = Stage::at(place, 50.0).await?;
    key(&mut client).await?;
    client.set(json!({ "openai_base_url": format!("{}/v1", other.url()) })).await?;
    for (key, value) in [("engines.use", "anthropic-api"), ("engines.model", "m1"), ("engines.fallback", "openai-api")]
    {
        client.call("config.set", json!({ "company": { "dir": stage.dir }, "key": key, "value": value })).await?;
    }
    let company = async |client: &mut Daemon| client.call("company.get", json!({ "dir": stage.dir })).await;
    assert_eq!(company(&mut client).await?["engine_now"]["is_fallback"], false);
    let first = client.brief(&stage.dir, "One").await?;
    let first = client.job(first, &ENDED, WORK).await?;
    assert_eq!((&first["engine"], &first["error"]["code"]), (&json!("anthropic-api"), &json!("provider.credit")));
    let now = company(&mut client).await?["engine_now"].clone();
    assert_eq!((&now["kind"], &now["is_fallback"]), (&json!("openai-api"), &json!(true)), "{now}");
    assert!(now["label"].as_str().is_some_and(|label| label.contains("stands in for Anthropic API")), "{now}");
    let second = client.brief(&stage.dir, "Two").await?;
    let second = client.job(second, &ENDED, WORK).await?;
    assert_eq!((&second["engine"], &second["state"]), (&json!("openai-api"), &json!("completed")), "{second}");
    let asked = other.requests().pop().map(|request| request.body["model"].clone());
    assert_eq!(asked, Some(json!("m1")), "Claude's names for models are nothing to it");

    provider.play(Script::default().always(On::Any, [Turn::text("ready")]));
    let trial = client.call("engine.try", json!({ "engine": "anthropic-api" })).await?;
    assert_eq!(trial["ok"], true, "{trial}");
    let now = company(&mut client).await?["engine_now"].clone();
    assert_eq!((&now["kind"], &now["is_fallback"]), (&json!("anthropic-api"), &json!(false)), "it answers again");
    stage.nothing_left().await
}
