//! Trying an engine: a process that answers in one line and leaves nothing behind.

use std::path::PathBuf;

use contract::{EngineTrial, ErrorCode, Money, RUN_MARK, WorkerSpec};
use process::{Command, Input, Mark, Output};
use testkit::{Provider, Script, Turn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stage::{BE_A_WORKER, SOON, Stage};

/// What makes this program try an engine.
pub const TRIAL: &str = "trial";

async fn tried(spec: &WorkerSpec) -> EngineTrial {
    let mark = Mark::new(RUN_MARK, "a trial".to_owned());
    let command = Command::new(std::env::current_exe().unwrap())
        .args(["as_a_worker", "--exact", "--nocapture", "--quiet"])
        .dir(&spec.run_dir)
        .env(BE_A_WORKER, TRIAL)
        .mark(&mark)
        .input(Input::Piped)
        .output(Output::Piped);
    let mut spawned = process::spawn(command).unwrap();
    let mut line = serde_json::to_vec(spec).unwrap();
    line.push(b'\n');
    spawned.child.stdin.take().unwrap().write_all(&line).await.unwrap();
    let mut said = String::new();
    let mut stdout = spawned.child.stdout.take().unwrap();
    let read = async {
        stdout.read_to_string(&mut said).await.unwrap();
        spawned.child.wait().await.unwrap()
    };
    assert!(tokio::time::timeout(SOON, read).await.unwrap().success());
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no answer: {said}"));
    let left: Vec<PathBuf> = std::fs::read_dir(&spec.run_dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "something is left behind");
    assert!(process::census(None, &mark).is_empty());
    serde_json::from_str(line).unwrap()
}

#[tokio::test]
async fn a_model_is_asked_once_and_costs_less_than_a_cent() {
    let stage = Stage::new();
    let provider = Provider::start(Script::of([Turn::text("ready").usage(60, 4, 0, 0)])).await;
    let mut spec = stage.api(&provider);
    // No company is there, and none is needed.
    spec.company_dir = "/nonexistent".into();
    let trial = tried(&spec).await;
    assert!(trial.ok && trial.text == "ready", "{trial:?}");
    assert_eq!(trial.cost_usd.as_nanos(), provider.spent_nanos());
    assert!(trial.cost_usd > Money::ZERO && trial.cost_usd < Money::nanos(10_000_000));
    let requests = provider.requests();
    assert_eq!((requests.len(), requests[0].tools().len()), (1, 0));
    assert!(requests[0].model().contains("haiku"), "the cheapest that is known: {}", requests[0].model());
    assert!(requests[0].body["max_tokens"].as_i64().unwrap() <= 1_024);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let stage = Stage::new();
    let provider = Provider::start(Script::of([Turn::error(401, "authentication_error", "invalid x-api-key")])).await;
    let mut spec = stage.api(&provider);
    let trial = tried(&spec).await;
    assert_eq!((trial.ok, trial.error.unwrap().code), (false, ErrorCode::PROVIDER_AUTH));
    spec.engine.api_key = None;
    let trial = tried(&spec).await;
    assert_eq!((trial.ok, trial.error.unwrap().code), (false, ErrorCode::KEY_MISSING));
}

#[tokio::test]
async fn practice_can_be_tried_too() {
    let stage = Stage::new();
    let trial = tried(&stage.practice(100.0)).await;
    assert!(trial.ok && trial.cost_usd == Money::ZERO, "{trial:?}");
    assert!(trial.text.to_lowercase().contains("practice"));
}
