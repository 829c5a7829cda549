//! Notifications on a real bus, with a stand-in for the desktop's service.

#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "a macro of the stand-in writes public methods without")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use toast::{Bus, Toast, ToastError};
use zbus::Connection;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

const BOUND: Duration = Duration::from_secs(20);
const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// A session bus of our own that starts no services but those in its folder.
struct Daemon {
    process: Child,
    address: String,
    _dir: TempDir,
}

impl Daemon {
    fn start(service: Option<&str>) -> Daemon {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().display();
        let config = format!(
            r#"<busconfig><type>session</type><listen>unix:dir={folder}</listen><servicedir>{folder}</servicedir>
            <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
            <allow own="*"/></policy></busconfig>"#
        );
        std::fs::write(dir.path().join("bus.conf"), config).unwrap();
        if let Some(program) = service {
            let service = format!("[D-BUS Service]\nName={NAME}\nExec={program}\n");
            std::fs::write(dir.path().join("notifications.service"), service).unwrap();
        }
        let mut process = Command::new("dbus-daemon")
            .arg("--nofork")
            .arg("--print-address=1")
            .arg(format!("--config-file={}", dir.path().join("bus.conf").display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is installed");
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Daemon { process, address: address.trim().to_owned(), _dir: dir }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[derive(Clone, Debug)]
struct Notified {
    app: String,
    icon: String,
    title: String,
    body: String,
    actions: Vec<String>,
    urgency: u8,
    desktop_entry: String,
}

/// What the stand-in does by itself when it is notified.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    Nothing,
    /// Says that the first action was chosen before it even answers.
    AnswersFirst,
    NeverAnswers,
}

struct Service {
    abilities: Vec<String>,
    habit: Habit,
    seen: Arc<Mutex<Vec<Notified>>>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    async fn get_capabilities(&self) -> Vec<String> {
        self.abilities.clone()
    }

    async fn get_server_information(&self) -> (String, String, String, String) {
        ("stand-in".into(), "tests".into(), "1".into(), "1.2".into())
    }

    #[allow(clippy::too_many_arguments, reason = "the specification has so many")]
    async fn notify(
        &self,
        app: String,
        replaces: u32,
        icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _timeout: i32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> u32 {
        assert_eq!(replaces, 0);
        let urgency = u8::try_from(&hints["urgency"]).unwrap();
        let desktop_entry = <&str>::try_from(&hints["desktop-entry"]).unwrap().to_owned();
        let id = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Notified { app, icon, title, body, actions: actions.clone(), urgency, desktop_entry });
            seen.len() as u32
        };
        match self.habit {
            Habit::Nothing => {}
            Habit::AnswersFirst => {
                Self::action_invoked(&emitter, id, &actions[0]).await.unwrap();
                Self::notification_closed(&emitter, id, 2).await.unwrap();
            }
            Habit::NeverAnswers => std::future::pending().await,
        }
        id
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

/// The stand-in, as it is on the bus.
struct StandIn {
    connection: Connection,
    seen: Arc<Mutex<Vec<Notified>>>,
}

impl StandIn {
    async fn start(bus: &Daemon, abilities: &[&str], habit: Habit) -> StandIn {
        let seen = Arc::default();
        let abilities = abilities.iter().map(|ability| ability.to_string()).collect();
        let service = Service { abilities, habit, seen: Arc::clone(&seen) };
        let builder = zbus::connection::Builder::address(bus.address.as_str()).unwrap();
        let connection = builder.serve_at(PATH, service).unwrap().name(NAME).unwrap().build().await.unwrap();
        StandIn { connection, seen }
    }

    fn last(&self) -> Notified {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    async fn choose(&self, id: u32, action: &str) {
        let emitter = SignalEmitter::new(&self.connection, PATH).unwrap();
        Service::action_invoked(&emitter, id, action).await.unwrap();
    }

    async fn close(&self, id: u32) {
        let emitter = SignalEmitter::new(&self.connection, PATH).unwrap();
        Service::notification_closed(&emitter, id, 1).await.unwrap();
    }
}

fn toast() -> Toast {
    Toast {
        title: "Job 7 is done".into(),
        body: "The report is in report.md.".into(),
        urgent: false,
        actions: vec![("open".into(), "Open".into()), ("again".into(), "Brief a follow-up".into())],
    }
}

async fn bounded<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, what).await.expect("it hangs")
}

#[tokio::test]
async fn a_notification_arrives_and_its_action_comes_back() {
    let daemon = Daemon::start(None);
    let desktop = StandIn::start(&daemon, &["body", "actions"], Habit::Nothing).await;
    let bus = Bus::at(&daemon.address);
    assert_eq!(bus.available().await.unwrap(), "stand-in");

    let shown = bus.show(toast()).await.unwrap();
    let seen = desktop.last();
    assert_eq!((seen.app.as_str(), seen.icon.as_str(), seen.desktop_entry.as_str()), ("AICIB", "aicib", "aicib"));
    assert_eq!((seen.title.as_str(), seen.body.as_str()), ("Job 7 is done", "The report is in report.md."));
    assert_eq!(seen.actions, ["default", "Open", "open", "Open", "again", "Brief a follow-up"]);
    assert_eq!(seen.urgency, 1);
    desktop.choose(1, "again").await;
    assert_eq!(bounded(shown.action()).await.as_deref(), Some("again"));

    // A click on the notification itself opens.
    let shown = bus.show(toast()).await.unwrap();
    desktop.choose(2, "default").await;
    assert_eq!(bounded(shown.action()).await.as_deref(), Some("open"));

    // Closed; and chosen what was never offered.
    let closed = bus.show(toast()).await.unwrap();
    let odd = bus.show(Toast { urgent: true, ..toast() }).await.unwrap();
    assert_eq!(desktop.last().urgency, 2);
    desktop.choose(4, "format-the-disk").await;
    desktop.close(3).await;
    assert_eq!(bounded(odd.action()).await, None);
    assert_eq!(bounded(closed.action()).await, None);
}

#[tokio::test]
async fn an_action_chosen_before_the_call_returns_is_not_lost() {
    let daemon = Daemon::start(None);
    let _desktop = StandIn::start(&daemon, &["actions"], Habit::AnswersFirst).await;
    let bus = Bus::at(&daemon.address);
    for _ in 0..50 {
        let shown = bus.show(toast()).await.unwrap();
        assert_eq!(bounded(shown.action()).await.as_deref(), Some("open"));
    }
}

#[tokio::test]
async fn another_program_on_the_bus_cannot_answer() {
    let daemon = Daemon::start(None);
    let desktop = StandIn::start(&daemon, &["actions"], Habit::Nothing).await;
    let bus = Bus::at(&daemon.address);
    let shown = bus.show(toast()).await.unwrap();
    let waiting = tokio::spawn(shown.action());
    let forger = zbus::connection::Builder::address(daemon.address.as_str()).unwrap().build().await.unwrap();
    let forged = SignalEmitter::new(&forger, PATH).unwrap();
    Service::action_invoked(&forged, 1, "open").await.unwrap();
    let unicast = SignalEmitter::new(&forger, PATH).unwrap();
    let to_all: Vec<String> = names_on(&forger).await;
    for name in to_all {
        let name = zbus::names::BusName::try_from(name).unwrap();
        Service::action_invoked(&unicast.clone().set_destination(name), 1, "open").await.unwrap();
    }
    // The bus keeps the order of what it has delivered.
    names_on(&forger).await;
    desktop.choose(1, "again").await;
    assert_eq!(bounded(waiting).await.unwrap().as_deref(), Some("again"));
}

async fn names_on(connection: &Connection) -> Vec<String> {
    let bus = "org.freedesktop.DBus";
    let reply = connection.call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), "ListNames", &()).await.unwrap();
    let names: Vec<String> = reply.body().deserialize().unwrap();
    names.into_iter().filter(|name| name.starts_with(':')).collect()
}

#[tokio::test]
async fn markup_of_agents_is_shown_literally() {
    let hostile = Toast { body: r#"<a href="http://x">ok</a><img src="file:///etc/passwd"/> & co"#.into(), ..toast() };
    let daemon = Daemon::start(None);
    let desktop = StandIn::start(&daemon, &["body", "body-markup"], Habit::Nothing).await;
    let bus = Bus::at(&daemon.address);
    bus.show(hostile.clone()).await.unwrap();
    let escaped =
        "&lt;a href=&quot;http://x&quot;&gt;ok&lt;/a&gt;&lt;img src=&quot;file:///etc/passwd&quot;/&gt; &amp; co";
    assert_eq!(desktop.last().body, escaped);
    assert_eq!(desktop.last().actions, Vec::<String>::new(), "a service without buttons is given none");

    let daemon = Daemon::start(None);
    let desktop = StandIn::start(&daemon, &["body"], Habit::Nothing).await;
    let bus = Bus::at(&daemon.address);
    bus.show(hostile.clone()).await.unwrap();
    assert_eq!(desktop.last().body, hostile.body);
    // What would end a connection to the bus does not.
    bus.show(Toast { title: "a\0b".into(), body: "c\0d".into(), ..toast() }).await.unwrap();
    assert_eq!((desktop.last().title.as_str(), desktop.last().body.as_str()), ("ab", "cd"));
}

#[tokio::test]
async fn nobody_listening_is_an_error() {
    let daemon = Daemon::start(None);
    let bus = Bus::at(&daemon.address);
    let error = bounded(bus.show(toast())).await.unwrap_err();
    assert!(matches!(error, ToastError::NobodyListens(_)), "{error}");
    let error = bounded(bus.available()).await.unwrap_err();
    assert!(matches!(error, ToastError::NobodyListens(_)), "{error}");

    // Somebody comes later: the same bus works.
    let desktop = StandIn::start(&daemon, &["actions"], Habit::Nothing).await;
    let shown = bus.show(toast()).await.unwrap();
    desktop.choose(1, "open").await;
    assert_eq!(bounded(shown.action()).await.as_deref(), Some("open"));
}

#[tokio::test]
async fn a_service_that_cannot_start_is_nobody() {
    let daemon = Daemon::start(Some("/bin/false"));
    let error = bounded(Bus::at(&daemon.address).show(toast())).await.unwrap_err();
    assert!(matches!(error, ToastError::NobodyListens(_)), "{error}");
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_not_waited_for() {
    let daemon = Daemon::start(None);
    let _desktop = StandIn::start(&daemon, &["actions"], Habit::NeverAnswers).await;
    let bus = Bus::at(&daemon.address).with_patience(Duration::from_millis(200));
    let started = Instant::now();
    let error = bounded(bus.show(toast())).await.unwrap_err();
    assert!(matches!(error, ToastError::TimedOut), "{error}");
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn no_bus_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::at(format!("unix:path={}/none", dir.path().display()));
    assert!(matches!(bounded(bus.show(toast())).await.unwrap_err(), ToastError::NoBus(_)));
    let bus = Bus::at("nonsense");
    assert!(matches!(bounded(bus.available()).await.unwrap_err(), ToastError::NoBus(_)));
}

#[tokio::test]
async fn waiting_ends_when_the_service_or_the_bus_goes() {
    let daemon = Daemon::start(None);
    let desktop = StandIn::start(&daemon, &["actions"], Habit::Nothing).await;
    let bus = Bus::at(&daemon.address);
    let shown = bus.show(toast()).await.unwrap();
    desktop.connection.close().await.unwrap();
    assert_eq!(bounded(shown.action()).await, None);

    let desktop = StandIn::start(&daemon, &["actions"], Habit::Nothing).await;
    let shown = bus.show(toast()).await.unwrap();
    drop(daemon);
    assert_eq!(bounded(shown.action()).await, None);
    drop(desktop);
    assert!(bounded(bus.show(toast())).await.is_err());
}

#[tokio::test]
async fn only_so_many_are_waited_for() {
    let daemon = Daemon::start(None);
    let desktop = StandIn::start(&daemon, &["actions"], Habit::Nothing).await;
    let bus = Bus::at(&daemon.address);
    let mut shown = Vec::new();
    for _ in 0..33 {
        shown.push(bus.show(toast()).await.unwrap());
    }
    assert_eq!(bounded(shown.remove(0).action()).await, None);
    desktop.choose(2, "open").await;
    assert_eq!(bounded(shown.remove(0).action()).await.as_deref(), Some("open"));
}
