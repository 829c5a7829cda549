//! What a run did to the company's files, as it is found and kept.

use std::fs;
use std::path::Path;

use contract::{EventBody, FileChange, KEPT_AFTER, KEPT_BEFORE, KEPT_LIST, Kept, KeptState, Outcome, SYSTEM};
use serde_json::json;
use testkit::{On, Provider, Script, Turn, wait_for};

use crate::daemon::Daemon;
use crate::stage::{Ended, SOON, Stage, command, exists};

fn found(ended: &Ended) -> Vec<FileChange> {
    let changes = ended.entries.iter().filter_map(|entry| match &entry.body {
        EventBody::FilesFound { changes } => {
            assert_eq!(entry.agent, SYSTEM);
            Some(changes.clone())
        }
        _ => None,
    });
    let mut changes: Vec<FileChange> = changes.flatten().collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

/// What a run kept of a file.
fn kept(run: &str, folder: &str, path: &str) -> Option<(KeptState, Option<String>)> {
    let folder = Path::new(run).join(folder);
    let list = fs::read_to_string(folder.join(KEPT_LIST)).ok()?;
    let kept = list.lines().map(|line| serde_json::from_str::<Kept>(line).unwrap()).find(|kept| kept.path == path)?;
    Some((kept.state, kept.file.map(|file| fs::read_to_string(folder.join(file)).unwrap())))
}

fn change(path: &str, created: bool, added: i64, removed: i64) -> FileChange {
    FileChange { path: path.into(), created, added, removed }
}

#[tokio::test]
async fn what_a_command_did_is_found_and_what_a_tool_did_is_not_told_twice() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    fs::write(stage.company.join("plan.md"), "one\ntwo\n").unwrap();
    fs::write(stage.company.join("old.md"), "gone\n").unwrap();
    fs::write(stage.company.join("page.md"), "a page\n").unwrap();
    let at_work = [
        Turn::tool("Write", json!({ "file_path": "page.md", "content": "a better page\n" })),
        Turn::tool("Bash", json!({ "command": "echo three >> plan.md && rm old.md && echo x > new.md" })),
        Turn::text("Done."),
    ];
    let script = Script::default()
        .when(On::Task("Do it".into()), at_work)
        .when(On::Any, [Turn::tool("delegate", json!({ "to": "cto", "task": "Do it" })), Turn::text("Done.")]);
    let provider = Provider::start(script).await;
    let spec = stage.api(&provider);
    let run = spec.run_dir.clone();
    let mut worker = stage.start(&spec).await;
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Completed, "{}", worker.story());
    let changes = [change("new.md", true, 1, 0), change("old.md", false, 0, 1), change("plan.md", false, 1, 0)];
    assert_eq!(found(&ended), changes, "{}", worker.story());
    let is = |text: &str| Some((KeptState::Kept, Some(text.to_owned())));
    let both = |path: &str| (kept(&run, KEPT_BEFORE, path), kept(&run, KEPT_AFTER, path));
    assert_eq!(both("plan.md"), (is("one\ntwo\n"), is("one\ntwo\nthree\n")));
    assert_eq!(both("page.md"), (is("a page\n"), is("a better page\n")));
    assert_eq!(both("old.md"), (is("gone\n"), Some((KeptState::Absent, None))));
    assert_eq!(both("new.md"), (Some((KeptState::Absent, None)), is("x\n")));
    daemon.leave().await;
}

#[tokio::test]
async fn what_a_run_did_until_it_was_stopped_is_found_too() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let provider = Provider::start(command("echo half > half.md && sleep 600", 600_000, Turn::text("Never."))).await;
    let spec = stage.api(&provider);
    let mut worker = stage.start(&spec).await;
    let file = stage.company.join("half.md");
    assert!(wait_for(SOON, || exists(&file)).await, "{}", worker.story());
    daemon.cancel();
    let ended = worker.ends().await;
    assert_eq!(ended.outcome, Outcome::Cancelled, "{}", worker.story());
    assert_eq!(found(&ended), [change("half.md", true, 1, 0)]);
    daemon.leave().await;
}

#[tokio::test]
async fn a_rehearsal_looks_through_nothing() {
    let stage = Stage::new();
    let daemon = Daemon::start(&stage.home);
    let spec = stage.practice(100.0);
    let run = spec.run_dir.clone();
    let mut worker = stage.start(&spec).await;
    let ended = worker.ends().await;
    assert_eq!((ended.outcome, found(&ended)), (Outcome::Completed, Vec::new()), "{}", worker.story());
    let wrote = ended.entries.iter().find_map(|entry| match &entry.body {
        EventBody::ToolFinished { change: Some(change), .. } => Some(change.path.clone()),
        _ => None,
    });
    let wrote = wrote.expect("it writes a report");
    assert_eq!(kept(&run, KEPT_BEFORE, &wrote), Some((KeptState::Absent, None)));
    let left = fs::read_to_string(stage.company.join(&wrote)).unwrap();
    assert_eq!(kept(&run, KEPT_AFTER, &wrote), Some((KeptState::Kept, Some(left))));
    daemon.leave().await;
}
