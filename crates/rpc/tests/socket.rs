//! The server and the client over a real socket, with a tiny service behind them.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use contract::limits::MAX_LINE_BYTES;
use contract::methods::{self, Ping};
use contract::{
    Credential, Delta, Empty, Error, ErrorCode, InitializeParams, InitializeResult, JobId, PROTOCOL, Pong, RunCancel,
};
use rpc::{
    Client, Conn, Full, Home, Listener, NoteReceiver, Service, connect_running, ensure_founder_credential, serve,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(20);

/// Knows how many connections there are and which notes came.
#[derive(Default)]
struct Tiny {
    credential: String,
    connected: AtomicI64,
    notes: std::sync::Mutex<Vec<String>>,
    stop: CancellationToken,
}

impl Service for Tiny {
    type State = ();

    fn connected(&self) {
        self.connected.fetch_add(1, Ordering::SeqCst);
    }

    async fn call(self: &Arc<Self>, conn: Arc<Conn<()>>, method: String, params: Value) -> Result<Value, Error> {
        match method.as_str() {
            "initialize" => {
                let params: InitializeParams = serde_json::from_value(params).map_err(Error::internal)?;
                if params.protocol != PROTOCOL {
                    return Err(rpc::other_protocol(PROTOCOL, params.protocol));
                }
                if params.credential != Some(Credential::Founder(self.credential.clone())) {
                    return Err(Error::new(ErrorCode::UNAUTHORIZED, "Wrong credential.", ""));
                }
                Ok(json!(InitializeResult { protocol: PROTOCOL, version: "0".into(), pid: std::process::id() }))
            }
            "ping" => Ok(json!(Pong { pid: std::process::id() })),
            "slow" => {
                tokio::time::sleep(Duration::from_millis(params["ms"].as_u64().unwrap_or(60_000))).await;
                Ok(json!("slept"))
            }
            "notes" => {
                let count = params["count"].as_i64().unwrap_or(1);
                let text = "x".repeat(usize::try_from(params["size"].as_i64().unwrap_or(0)).unwrap());
                let sent = (0..count).take_while(|n| {
                    let delta = Delta { job_id: JobId(*n), agent: "ceo".into(), parent: None, text: text.clone() };
                    conn.try_note::<methods::EventDelta>(&delta) != Err(Full)
                });
                Ok(json!(sent.count()))
            }
            "big" => Ok(json!("x".repeat(MAX_LINE_BYTES))),
            "panic" => panic!("as asked"),
            "stop" => {
                self.stop.cancel();
                Ok(json!("stopping"))
            }
            other => Err(methods::unknown_method(other)),
        }
    }

    async fn note(self: &Arc<Self>, _conn: Arc<Conn<()>>, _method: String, params: Value) {
        self.notes.lock().unwrap().push(params["reason"].as_str().unwrap_or("?").to_owned());
    }

    fn disconnected(&self, conn: &Arc<Conn<()>>) {
        assert!(conn.is_closed());
        self.connected.fetch_sub(1, Ordering::SeqCst);
    }
}

struct World {
    _temp: tempfile::TempDir,
    home: Home,
    service: Arc<Tiny>,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

impl World {
    fn new() -> World {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::at(temp.path().join("home")).unwrap();
        let credential = ensure_founder_credential(&home).unwrap();
        let stop = CancellationToken::new();
        let service = Arc::new(Tiny { credential, stop: stop.clone(), ..Tiny::default() });
        let listener = Listener::bind(&home).unwrap();
        let served = tokio::spawn(serve(listener, Arc::clone(&service), stop.clone()));
        World { _temp: temp, home, service, stop, served }
    }

    async fn founder(&self) -> (Client, NoteReceiver) {
        connect_running(&self.home, "test").await.unwrap()
    }

    async fn raw(&self) -> BufReader<UnixStream> {
        BufReader::new(UnixStream::connect(self.home.socket()).await.unwrap())
    }

    /// Ends the server and checks that it took everything with it.
    async fn end(self) {
        self.stop.cancel();
        timeout(SOON, self.served).await.unwrap().unwrap();
        assert_eq!(self.service.connected.load(Ordering::SeqCst), 0);
        assert!(!self.home.socket().exists());
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(SOON, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

async fn line(from: &mut BufReader<UnixStream>) -> Value {
    let mut text = String::new();
    timeout(SOON, from.read_line(&mut text)).await.unwrap().unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text:?}"))
}

async fn send(to: &mut BufReader<UnixStream>, text: &str) {
    to.get_mut().write_all(text.as_bytes()).await.unwrap();
}

const PING: &str = "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n";

#[tokio::test]
async fn calls_are_answered_and_may_overtake_each_other() {
    let world = World::new();
    let (client, _notes) = world.founder().await;
    let slow = client.call_raw("slow", json!({"ms": 300}));
    let fast = client.call::<Ping>(Empty {});
    tokio::pin!(slow);
    tokio::select! {
        _ = &mut slow => panic!("the slow call held the fast one up"),
        pong = fast => assert_eq!(pong.unwrap().pid, std::process::id()),
    }
    assert_eq!(slow.await.unwrap(), json!("slept"));
    world.end().await;
}

#[tokio::test]
async fn a_first_call_travels_with_the_introduction() {
    let world = World::new();
    let nowhere = std::path::Path::new("/nonexistent");
    let (client, _notes, pong) =
        rpc::connect_or_start_and_call::<Ping>(&world.home, "test", nowhere, Empty {}).await.unwrap();
    assert_eq!(pong.unwrap().pid, std::process::id());
    assert!(client.call::<Ping>(Empty {}).await.is_ok());
    std::fs::write(world.home.credential_file(), "0".repeat(64)).unwrap();
    let refused = rpc::connect_or_start_and_call::<Ping>(&world.home, "test", nowhere, Empty {}).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().code, ErrorCode::UNAUTHORIZED);
    world.end().await;
}

#[tokio::test]
async fn the_socket_is_private_and_a_dead_one_is_no_obstacle() {
    use std::os::unix::fs::PermissionsExt;
    let temp = tempfile::tempdir().unwrap();
    let home = Home::at(temp.path()).unwrap();
    drop(std::os::unix::net::UnixListener::bind(home.socket()).unwrap());
    let error = connect_running(&home, "test").await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, ErrorCode::DAEMON_UNREACHABLE);
    let _listener = Listener::bind(&home).unwrap();
    assert_eq!(std::fs::metadata(home.socket()).unwrap().permissions().mode() & 0o777, 0o600);
    drop(_listener);
    std::fs::write(home.socket(), "mine").unwrap();
    let _listener = Listener::bind(&home).unwrap();
    let aside = home.socket().with_extension("sock.aside-1");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "mine", "what is no socket is kept, beside it");
    drop(_listener);
    std::fs::create_dir(home.socket()).unwrap();
    let _listener = Listener::bind(&home).unwrap();
    assert!(home.socket().with_extension("sock.aside-2").is_dir());
}

#[tokio::test]
async fn errors_keep_their_code_and_advice() {
    let world = World::new();
    let wrong = Client::connect(&world.home, Credential::Founder("no".into()), "test").await.map(|_| ()).unwrap_err();
    assert_eq!(wrong.code, ErrorCode::UNAUTHORIZED);
    let (client, _notes) = world.founder().await;
    assert_eq!(client.call_raw("nope", Value::Null).await.unwrap_err().code, ErrorCode::METHOD_UNKNOWN);
    assert_eq!(client.call_raw("big", Value::Null).await.unwrap_err().code, ErrorCode::TOO_LARGE);
    let huge = json!({"x": "y".repeat(MAX_LINE_BYTES)});
    assert_eq!(client.call_raw("ping", huge).await.unwrap_err().code, ErrorCode::TOO_LARGE);
    assert_eq!(client.call_raw("panic", Value::Null).await.unwrap_err().code, ErrorCode::INTERNAL);
    assert!(client.call::<Ping>(Empty {}).await.is_ok(), "the connection outlives all of it");
    world.end().await;
}

#[tokio::test]
async fn what_is_no_request_is_told_so_and_the_next_one_works() {
    let world = World::new();
    let mut raw = world.raw().await;
    for (sent, code) in [
        ("\u{1}\u{2}garbage\n", -32700),
        ("[]\n", -32600),
        ("7\n", -32600),
        ("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}\n", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1}\n", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}\n", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":3}\n", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nope\"}\n", -32601),
    ] {
        send(&mut raw, sent).await;
        let answer = line(&mut raw).await;
        assert_eq!(answer["error"]["code"], code, "{sent} {answer}");
        assert!(answer["error"]["data"]["fix"].is_string());
    }
    raw.get_mut().write_all(b"\xff\xfe\x00\n\n").await.unwrap();
    assert_eq!(line(&mut raw).await["error"]["code"], -32700);
    send(&mut raw, PING).await;
    assert_eq!(line(&mut raw).await["id"], "p");
    world.end().await;
}

#[tokio::test]
async fn a_batch_is_answered_with_an_array_and_notes_with_nothing() {
    let world = World::new();
    let mut raw = world.raw().await;
    let note = r#"{"jsonrpc":"2.0","method":"run.cancel","params":{"reason":"a"}}"#;
    send(&mut raw, &format!("[{},{note},5]\n[{note}]\n{PING}", PING.trim())).await;
    let mut answers = [line(&mut raw).await, line(&mut raw).await];
    answers.sort_by_key(Value::is_array);
    assert_eq!(answers[0]["id"], "p", "the batch of notes got no answer");
    assert_eq!(answers[1].as_array().unwrap().len(), 2);
    until("both notes", || world.service.notes.lock().unwrap().len() == 2).await;
    world.end().await;
}

#[tokio::test]
async fn a_line_of_five_megabytes_is_refused_and_ends_the_connection() {
    let world = World::new();
    let mut raw = world.raw().await;
    let sending = "x".repeat(5 * 1024 * 1024) + "\n";
    let mut reader = String::new();
    let (read, mut write) = raw.get_mut().split();
    let mut read = BufReader::new(read);
    let (_sent, got) = tokio::join!(write.write_all(sending.as_bytes()), read.read_line(&mut reader));
    got.unwrap();
    assert!(reader.contains("-32600") && reader.contains("longer than"), "{reader}");
    assert_eq!(timeout(SOON, read.read_line(&mut reader)).await.unwrap().unwrap_or(0), 0);
    let (client, _notes) = world.founder().await;
    assert!(client.call::<Ping>(Empty {}).await.is_ok());
    world.end().await;
}

#[tokio::test]
async fn half_a_line_and_a_half_closed_socket() {
    let world = World::new();
    let mut raw = world.raw().await;
    send(&mut raw, &PING[..20]).await;
    drop(raw);
    // Said all it had to say, and still listens.
    let mut raw = world.raw().await;
    send(&mut raw, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\",\"params\":{\"ms\":100}}\n").await;
    raw.get_mut().shutdown().await.unwrap();
    assert_eq!(line(&mut raw).await["result"], "slept");
    until("everybody is gone", || world.service.connected.load(Ordering::SeqCst) == 0).await;
    world.end().await;
}

#[tokio::test]
async fn too_many_requests_at_once_are_told_so() {
    let world = World::new();
    let (client, _notes) = world.founder().await;
    let calls = (0..100).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.call_raw("slow", json!({"ms": 500})).await })
    });
    let calls: Vec<_> = calls.collect();
    let mut overloaded = 0;
    for call in calls {
        if let Err(error) = call.await.unwrap() {
            assert_eq!(error.code, ErrorCode::OVERLOADED);
            overloaded += 1;
        }
    }
    assert_eq!(overloaded, 36);
    world.end().await;
}

#[tokio::test]
async fn a_thousand_connections_are_capped_and_then_welcome_again() {
    let world = World::new();
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..1000 {
        let mut raw = world.raw().await;
        send(&mut raw, PING).await;
        let answer = line(&mut raw).await;
        if answer["error"]["data"]["code"] == "daemon.overloaded" {
            refused += 1;
        } else {
            assert_eq!(answer["id"], "p");
            open.push(raw);
        }
    }
    assert_eq!((open.len(), refused), (256, 744));
    let error = connect_running(&world.home, "test").await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, ErrorCode::OVERLOADED);
    drop(open);
    until("they are gone", || world.service.connected.load(Ordering::SeqCst) == 0).await;
    world.founder().await;
    world.end().await;
}

#[tokio::test]
async fn a_client_that_never_reads_fills_its_own_box_only() {
    let world = World::new();
    let mut raw = world.raw().await;
    send(&mut raw, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"notes\",\"params\":{\"count\":9999,\"size\":60000}}\n")
        .await;
    until("it is served", || world.service.connected.load(Ordering::SeqCst) == 1).await;
    let (client, mut notes) = world.founder().await;
    assert_eq!(client.call_raw("notes", json!({"count": 3})).await.unwrap(), json!(3));
    for _ in 0..3 {
        assert_eq!(notes.recv().await.unwrap().method, "event.delta");
    }
    // What it sees when it reads at last: notes in order up to the cap, then the answer.
    let mut got = 0;
    loop {
        let message = line(&mut raw).await;
        if message["id"] == 1 {
            assert_eq!(message["result"], got);
            break;
        }
        assert_eq!(message["params"]["job_id"], got);
        got += 1;
    }
    assert!((100..1100).contains(&got), "{got}");
    // One that is stuck does not hold up the end.
    send(&mut raw, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"notes\",\"params\":{\"count\":9999,\"size\":60000}}\n")
        .await;
    let begun = std::time::Instant::now();
    world.end().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn notes_arrive_in_order() {
    let world = World::new();
    let (client, _notes) = world.founder().await;
    let sent: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    for reason in &sent {
        client.note::<methods::RunCancelled>(RunCancel { reason: reason.clone() }).await.unwrap();
    }
    until("all notes", || world.service.notes.lock().unwrap().len() == sent.len()).await;
    assert_eq!(*world.service.notes.lock().unwrap(), sent);
    world.end().await;
}

#[tokio::test]
async fn the_call_that_stops_the_server_is_answered_and_the_rest_hear_of_the_end() {
    let world = World::new();
    let (client, mut notes) = world.founder().await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.call_raw("slow", Value::Null).await }
    });
    until("two calls", || client_is_busy(&waiting)).await;
    assert_eq!(client.call_raw("stop", Value::Null).await.unwrap(), json!("stopping"));
    assert!(waiting.await.unwrap().is_err());
    timeout(SOON, client.closed()).await.unwrap();
    assert_eq!(notes.recv().await, None);
    assert_eq!(client.call::<Ping>(Empty {}).await.unwrap_err().code, ErrorCode::DAEMON_UNREACHABLE);
    world.end().await;
}

fn client_is_busy(waiting: &tokio::task::JoinHandle<Result<Value, Error>>) -> bool {
    !waiting.is_finished()
}

#[tokio::test]
async fn a_client_of_another_protocol_hears_which_one_is_spoken() {
    let world = World::new();
    let mut raw = world.raw().await;
    send(
        &mut raw,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocol\":999,\"client\":\"x\"}}\n",
    )
    .await;
    let answer = line(&mut raw).await;
    assert_eq!(answer["error"]["data"]["code"], "protocol.unsupported");
    assert_eq!(answer["error"]["data"]["data"]["protocol"], PROTOCOL);
    world.end().await;
}

/// Needs root, to be somebody else for a moment: skipped without. The folder and the socket are opened up first, so
/// that only the check of the peer is left to refuse.
#[tokio::test]
async fn another_user_is_not_let_in() {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = World::new();
    let open = |path: &std::path::Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    let socket = world.home.socket();
    socket.ancestors().take(3).for_each(open);
    let stranger = tokio::task::spawn_blocking(move || {
        let nobody = rustix::process::Uid::from_raw(65534);
        // Of this thread alone; it ends with the test.
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        // It may be shut already.
        let _shut = stream.write_all(PING.as_bytes());
        let mut answer = String::new();
        let _reset = stream.read_to_string(&mut answer);
        answer
    });
    assert_eq!(stranger.await.unwrap(), "");
    assert_eq!(world.service.connected.load(Ordering::SeqCst), 0);
    world.founder().await;
    world.end().await;
}
