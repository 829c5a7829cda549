//! Starting a daemon that does not start.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use contract::ErrorCode;
use rpc::{Home, connect_or_start};

fn program(temp: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = temp.path().join("aicib");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn its_last_words_are_in_the_error() {
    let temp = tempfile::tempdir().unwrap();
    let home = Home::at(temp.path().join("home")).unwrap();
    let words = "#!/bin/sh\necho \"$*\" in \"$PWD\" for \"$AICIB_HOME\"\necho \"the database is newer\" >&2\nexit 1\n";
    let begun = Instant::now();
    let error = connect_or_start(&home, "test", &program(&temp, words)).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, ErrorCode::DAEMON_UNREACHABLE);
    assert!(error.message.contains("the database is newer"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3), "it does not wait out its ten seconds");
    let log = fs::read_to_string(home.daemon_log()).unwrap();
    let root = home.root().display();
    assert!(log.contains(&format!("daemon start --foreground in {root} for {root}")), "{log}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let home = Home::at(temp.path().join("home")).unwrap();
    let error = connect_or_start(&home, "test", &temp.path().join("nothing")).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, ErrorCode::DAEMON_UNREACHABLE);
    assert!(error.message.contains("nothing"), "{error}");
}
