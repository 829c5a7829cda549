//! Starting a daemon that does not start.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use contract::{Error, ErrorCode, PROTOCOL};
use rpc::{
    Conn, Home, Listener, Service, connect_or_start, ensure_founder_credential, other_protocol, serve, stop_running,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

fn script(temp: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = temp.path().join("aicib");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn its_last_words_are_in_the_error() {
    let temp = tempfile::tempdir().unwrap();
    let home = Home::at(temp.path().join("home")).unwrap();
    fs::write(home.daemon_log(), "2026-11-20T07:41:02.46Z ERROR of another day\n").unwrap();
    let words = "#!/bin/sh\necho \"$*\" in \"$PWD\" for \"$AICIB_HOME\"\necho \"2026-11-20T07:41:02.46Z ERROR the database is newer\" >&2\nexit 1\n";
    let begun = Instant::now();
    let error = connect_or_start(&home, "test", &script(&temp, words)).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, ErrorCode::DAEMON_UNREACHABLE);
    assert!(error.message.ends_with("started. the database is newer"), "{error}");
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

#[tokio::test]
async fn one_that_says_nothing_is_not_given_the_words_of_another() {
    let temp = tempfile::tempdir().unwrap();
    let home = Home::at(temp.path().join("home")).unwrap();
    fs::write(home.daemon_log(), "2026-11-20T07:41:02.46Z ERROR of another day\n").unwrap();
    let error = connect_or_start(&home, "test", &script(&temp, "#!/bin/sh\nexit 7\n")).await.map(|_| ()).unwrap_err();
    assert!(error.message.contains("exit status: 7") && !error.message.contains("another day"), "{error}");
}

/// A daemon of another protocol or version: lets a client of its own in, and ends when told to.
struct Other {
    protocol: u32,
    version: &'static str,
    pid: u32,
    credential: String,
    stop: CancellationToken,
}

impl Service for Other {
    type State = ();
    fn connected(&self) {}
    async fn call(self: &Arc<Self>, _conn: Arc<Conn<()>>, method: String, params: Value) -> Result<Value, Error> {
        match method.as_str() {
            "initialize" if params["protocol"] != self.protocol => {
                Err(other_protocol(self.protocol, params["protocol"].as_u64().unwrap() as u32))
            }
            "initialize" => {
                assert_eq!(params["credential"]["founder"], self.credential.as_str());
                Ok(json!({"protocol": self.protocol, "version": self.version, "pid": self.pid}))
            }
            "daemon.stop" => {
                self.stop.cancel();
                Ok(json!({}))
            }
            other => panic!("{other} was called"),
        }
    }
    async fn note(self: &Arc<Self>, _conn: Arc<Conn<()>>, _method: String, _params: Value) {}
    fn disconnected(&self, _conn: &Arc<Conn<()>>) {}
}

fn running(home: &Home, protocol: u32, version: &'static str) -> tokio::task::JoinHandle<()> {
    static PIDS: AtomicU32 = AtomicU32::new(1);
    let credential = ensure_founder_credential(home).unwrap();
    let stop = CancellationToken::new();
    let pid = PIDS.fetch_add(1, Ordering::Relaxed);
    let service = Arc::new(Other { protocol, version, pid, credential, stop: stop.clone() });
    tokio::spawn(serve(Listener::bind(home).unwrap(), service, stop))
}

#[tokio::test]
async fn an_older_daemon_hands_over_and_a_newer_one_stays() {
    let temp = tempfile::tempdir().unwrap();
    let home = Home::at(temp.path().join("home")).unwrap();
    let program = script(&temp, "#!/bin/sh\necho the new one >&2\nexit 1\n");

    let newer = running(&home, PROTOCOL + 1, "9.9.9");
    let error = connect_or_start(&home, "test", &program).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, ErrorCode::PROTOCOL_UNSUPPORTED);
    let both = [PROTOCOL, PROTOCOL + 1].iter().all(|version| error.message.contains(&format!("protocol {version}")));
    assert!(both && error.message.contains(env!("CARGO_PKG_VERSION")), "{error}");
    assert!(error.fix.contains("update"), "{error}");
    assert!(!newer.is_finished() && !home.daemon_log().exists());
    assert!(stop_running(&home, "test").await.unwrap(), "it can be stopped all the same");
    newer.await.unwrap();
    assert!(!stop_running(&home, "test").await.unwrap());

    let older = running(&home, PROTOCOL - 1, "0.0.1");
    let error = connect_or_start(&home, "test", &program).await.map(|_| ()).unwrap_err();
    older.await.unwrap();
    assert!(error.message.contains("the new one"), "ours was started in its place: {error}");
}

#[tokio::test]
async fn a_daemon_of_an_earlier_version_hands_over_and_one_of_a_later_version_serves() {
    let temp = tempfile::tempdir().unwrap();
    let home = Home::at(temp.path().join("home")).unwrap();
    let program = script(&temp, "#!/bin/sh\necho the new one >&2\nexit 1\n");

    for good in ["999.0.0", env!("CARGO_PKG_VERSION"), "of our own making"] {
        let daemon = running(&home, PROTOCOL, good);
        let (client, _notes) = connect_or_start(&home, "test", &program).await.unwrap();
        assert_eq!(client.server().unwrap().version, good);
        assert!(stop_running(&home, "test").await.unwrap());
        daemon.await.unwrap();
    }

    // It lets go of the lock a while after it has hung up.
    let older = running(&home, PROTOCOL, "0.0.1");
    let lock = fs::File::create(home.lock_file()).unwrap();
    lock.lock().unwrap();
    let going = tokio::spawn(async move {
        older.await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(lock);
    });
    let program = script(&temp, "#!/bin/sh\nflock -n daemon.lock echo the lock was free >&2\nexit 1\n");
    let error = connect_or_start(&home, "test", &program).await.map(|_| ()).unwrap_err();
    assert!(error.message.contains("the lock was free"), "ours was started in its place, and in its time: {error}");
    going.await.unwrap();
}

/// Somebody else may need a daemon the moment there is none. That one holds the lock then, and the other one has ended.
#[tokio::test]
async fn a_daemon_that_was_stopped_has_ended_though_another_took_its_place() {
    let temp = tempfile::tempdir().unwrap();
    let home = Home::at(temp.path().join("home")).unwrap();
    let lock = fs::File::create(home.lock_file()).unwrap();
    lock.lock().unwrap();
    let daemon = running(&home, PROTOCOL, env!("CARGO_PKG_VERSION"));
    let (at_once, began) = (home.clone(), Instant::now());
    let next = tokio::spawn(async move {
        daemon.await.unwrap();
        running(&at_once, PROTOCOL, env!("CARGO_PKG_VERSION")).await.unwrap();
    });
    assert!(stop_running(&home, "test").await.unwrap());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(!next.is_finished(), "the other one goes on");
}
