//! What a child gets of us, and what it does not.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};

use common::{Sweep, fresh_mark, wait_for};
use process::{Command, Input, Output, SpawnError, spawn, stop_tree};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_child_has_its_three_files_and_its_own_session() {
    let mark = fresh_mark();
    let _sweep = Sweep(mark.clone());
    // A file that is not close-on-exec, as one inherited from whoever started us would be.
    let inherited = rustix::io::dup(File::open("/dev/null").unwrap()).unwrap();
    assert!(!rustix::io::fcntl_getfd(&inherited).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    let mut sleeper = spawn(Command::new("sleep").arg("1000").mark(&mark).input(Input::Piped)).unwrap();
    let pid = sleeper.identity.pid;

    // We hear of the new program while the system is still closing what it is not to have.
    let open = || -> BTreeSet<String> {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    wait_for("the other files to be closed", || (open() == ["0", "1", "2"].map(String::from).into()).then_some(()))
        .await;
    let session = rustix::process::getsid(rustix::process::Pid::from_raw(pid as i32)).unwrap();
    assert_eq!(session.as_raw_nonzero().get() as u32, pid);

    let environ = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let names: BTreeSet<_> = environ.split_terminator('\0').map(|entry| entry.split_once('=').unwrap().0).collect();
    let clean: BTreeSet<_> = process::clean_env().into_iter().map(|(name, _)| name.into_string().unwrap()).collect();
    let added: Vec<_> = names.iter().filter(|name| !clean.contains(**name)).collect();
    assert_eq!(added, [&mark.name.as_str()]);

    drop(inherited);
    assert_eq!(stop_tree(Some(&sleeper.identity), true, &mark, common::BOUND).await.left, 0);
    sleeper.child.wait().await.unwrap();
}

#[tokio::test]
async fn output_goes_into_one_file_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let text = "echo one; echo two >&2; pwd";
    let command = Command::new("sh").arg("-c").arg(text).dir(dir.path());
    let mut child = spawn(command.output(Output::File(File::create(&log).unwrap()))).unwrap().child;
    assert!(child.wait().await.unwrap().success());
    let here = dir.path().canonicalize().unwrap();
    assert_eq!(fs::read_to_string(log).unwrap(), format!("one\ntwo\n{}\n", here.display()));
}

#[tokio::test]
async fn pipes_lead_in_and_out() {
    let command = Command::new("sh").arg("-c").arg("cat; echo end >&2").input(Input::Piped).output(Output::Piped);
    let mut child = spawn(command).unwrap().child;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"in and out").await.unwrap();
    drop(stdin);
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).await.unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).await.unwrap();
    assert_eq!((out.as_str(), err.as_str()), ("in and out", "end\n"));
    child.wait().await.unwrap();
}

#[tokio::test]
async fn one_that_ends_at_once_has_an_identity() {
    for _ in 0..50 {
        let mut spawned = spawn(Command::new("true")).unwrap();
        assert_eq!(Some(spawned.identity.pid), spawned.child.id());
        assert!(spawned.child.wait().await.unwrap().success());
    }
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let error = spawn(Command::new("no-such-program")).unwrap_err();
    assert!(matches!(&error, SpawnError::NotFound(program) if program == "no-such-program"), "{error}");
    let error = spawn(Command::new("true").dir("/no/such/folder")).unwrap_err();
    assert!(matches!(&error, SpawnError::NoFolder(_)), "{error}");
    let error = spawn(Command::new("sh").arg("a\0b")).unwrap_err();
    assert!(matches!(&error, SpawnError::Refused { .. }), "{error}");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("text"), "no program").unwrap();
    let error = spawn(Command::new(dir.path().join("text"))).unwrap_err();
    assert!(matches!(&error, SpawnError::Refused { .. }), "{error}");
}
