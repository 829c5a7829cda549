//! `org.freedesktop.Notifications` on the session bus.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::message::Type;
use zbus::zvariant::Value;
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::waiting::Waiting;
use crate::{Toast, ToastError, text};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const BUS_NAME: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
/// Whoever shows tray icons has this name.
const TRAY: &str = "org.kde.StatusNotifierWatcher";
const APP_NAME: &str = "AICIB";
/// The name of our desktop file and icon.
const DESKTOP_ENTRY: &str = "aicib";
const PATIENCE: Duration = Duration::from_secs(5);
/// What servers call a click on the notification itself.
const DEFAULT: &str = "default";
const OPEN: &str = "open";

static SESSION: Bus = Bus { address: None, patience: PATIENCE, link: Mutex::const_new(None) };

pub(crate) async fn available() -> Result<String, ToastError> {
    SESSION.available().await
}

pub(crate) async fn tray() -> Result<Option<bool>, ToastError> {
    SESSION.has_tray().await.map(Some)
}

pub(crate) async fn show(toast: Toast) -> Result<Shown, ToastError> {
    SESSION.show(toast).await
}

/// A session bus, with one connection to it that is opened when it is needed and kept: some desktops take the
/// notifications of a program away when it leaves the bus. Use it from one tokio runtime.
pub struct Bus {
    /// None is the bus of our own session.
    address: Option<String>,
    patience: Duration,
    link: Mutex<Option<Link>>,
}

/// A notification that is on screen. Dropping it leaves it there.
#[derive(Debug)]
pub struct Shown {
    answer: oneshot::Receiver<String>,
    keys: Vec<String>,
}

impl Shown {
    /// Waits until the user has done something with it: the key of the action, or none when it was closed, when the
    /// service went away, or when 32 newer ones are waited for. May be dropped at any time.
    pub async fn action(self) -> Option<String> {
        let action = self.answer.await.ok()?;
        // What was not offered cannot have been chosen.
        let is_key = |key: &str| self.keys.iter().any(|known| known == key);
        match action.as_str() {
            DEFAULT if !is_key(DEFAULT) && is_key(OPEN) => Some(OPEN.into()),
            key => is_key(key).then_some(action),
        }
    }
}

impl Bus {
    /// The bus at a D-Bus address (`unix:path=/run/user/1000/bus`).
    pub fn at(address: impl Into<String>) -> Bus {
        Bus { address: Some(address.into()), patience: PATIENCE, link: Mutex::const_new(None) }
    }

    /// The same, giving up after this time instead of 5 s.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Bus {
        self.patience = patience;
        self
    }

    /// See [`crate::available`].
    pub async fn available(&self) -> Result<String, ToastError> {
        self.bounded(async |connection, _| {
            let reply = call(connection, "GetServerInformation", &()).await?;
            let (name, _, _, _): (String, String, String, String) = reply.body().deserialize().map_err(refused)?;
            Ok(name)
        })
        .await
    }

    /// See [`crate::tray`].
    pub async fn has_tray(&self) -> Result<bool, ToastError> {
        self.bounded(async |connection, _| {
            let bus = Some(BUS_NAME);
            let asked = connection.call_method(bus, BUS_PATH, bus, "NameHasOwner", &TRAY).await;
            asked.map_err(refused)?.body().deserialize().map_err(refused)
        })
        .await
    }

    /// See [`crate::show`].
    pub async fn show(&self, toast: Toast) -> Result<Shown, ToastError> {
        self.bounded(async |connection, waiting| {
            let reply = call(connection, "GetCapabilities", &()).await?;
            let abilities: Vec<String> = reply.body().deserialize().map_err(refused)?;
            let has = |ability: &str| abilities.iter().any(|known| known == ability);

            let actions = if has("actions") { toast.actions.as_slice() } else { &[] };
            let keys: Vec<String> = actions.iter().map(|(key, _)| key.clone()).collect();
            let click = actions.iter().find(|(key, _)| key == OPEN && !keys.iter().any(|key| key == DEFAULT));
            let click = click.map(|(_, label)| (DEFAULT, label.as_str()));
            let buttons = actions.iter().map(|(key, label)| (key.as_str(), label.as_str()));
            let actions: Vec<&str> = click.into_iter().chain(buttons).flat_map(|(key, label)| [key, label]).collect();
            let urgency: u8 = if toast.urgent { 2 } else { 1 };
            let hints =
                HashMap::from([("urgency", Value::from(urgency)), ("desktop-entry", Value::from(DESKTOP_ENTRY))]);
            let (title, body) = (text::title(&toast.title), text::body(&toast.body, has("body-markup")));
            // Replaces none; how long it stays is the server's to say.
            let message = (APP_NAME, 0u32, DESKTOP_ENTRY, title, body, actions, hints, -1i32);

            let _being_shown = waiting.begin();
            let reply = call(connection, "Notify", &message).await?;
            let id: u32 = reply.body().deserialize().map_err(refused)?;
            let header = reply.header();
            let server = header.sender().ok_or_else(|| ToastError::Refused("its answer names no sender".into()))?;
            Ok(Shown { answer: waiting.wait_for(server, id), keys })
        })
        .await
    }

    async fn bounded<T>(
        &self,
        ask: impl AsyncFnOnce(&Connection, &Waiting) -> Result<T, ToastError>,
    ) -> Result<T, ToastError> {
        let asking = async {
            let (connection, waiting) = self.link().await?;
            ask(&connection, &waiting).await
        };
        timeout(self.patience, asking).await.unwrap_or(Err(ToastError::TimedOut))
    }

    async fn link(&self) -> Result<(Connection, Waiting), ToastError> {
        let mut held = self.link.lock().await;
        let link = match held.take().filter(Link::is_up) {
            Some(link) => link,
            None => Link::open(self.address.as_deref()).await?,
        };
        let link = held.insert(link);
        Ok((link.connection.clone(), link.waiting.clone()))
    }
}

/// A connection, and the task that listens on it for what users do.
struct Link {
    connection: Connection,
    waiting: Waiting,
    listening: JoinHandle<()>,
}

impl Link {
    async fn open(address: Option<&str>) -> Result<Link, ToastError> {
        let no_bus = |error: zbus::Error| ToastError::NoBus(error.to_string());
        let builder = match address {
            Some(address) => zbus::connection::Builder::address(address),
            None => zbus::connection::Builder::session(),
        };
        let connection = builder.map_err(no_bus)?.build().await.map_err(no_bus)?;
        // Before anything is shown, so that no answer is missed.
        let signals = listen(&connection).await.map_err(no_bus)?;
        let waiting = Waiting::default();
        let listening = tokio::spawn(hand_out(signals, waiting.clone()));
        Ok(Link { connection, waiting, listening })
    }

    fn is_up(&self) -> bool {
        !self.listening.is_finished()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.listening.abort();
        self.waiting.all_gone();
    }
}

async fn listen(connection: &Connection) -> zbus::Result<BoxStream<'static, zbus::Result<Message>>> {
    let answers = MatchRule::builder().msg_type(Type::Signal).interface(NAME)?.path(PATH)?.build();
    let owner = MatchRule::builder().msg_type(Type::Signal).sender(BUS_NAME)?.interface(BUS_NAME)?;
    let owner = owner.member("NameOwnerChanged")?.add_arg(NAME)?.build();
    let answers = MessageStream::for_match_rule(answers, connection, None).await?;
    let owner = MessageStream::for_match_rule(owner, connection, None).await?;
    // Either one ends or fails only with the connection.
    Ok(stream::select(answers, owner).boxed())
}

async fn hand_out(mut signals: BoxStream<'static, zbus::Result<Message>>, waiting: Waiting) {
    while let Some(signal) = signals.next().await {
        match signal {
            Ok(signal) => hand_out_one(&signal, &waiting),
            Err(error) => {
                tracing::debug!(%error, "the connection to the session bus has ended");
                break;
            }
        }
    }
    waiting.all_gone();
}

fn hand_out_one(signal: &Message, waiting: &Waiting) {
    let header = signal.header();
    let (Some(sender), Some(member)) = (header.sender(), header.member()) else { return };
    let body = signal.body();
    match member.as_str() {
        "ActionInvoked" => {
            if let Ok((id, action)) = body.deserialize::<(u32, String)>() {
                waiting.answered(sender, id, Some(action));
            }
        }
        "NotificationClosed" => {
            if let Ok((id, _reason)) = body.deserialize::<(u32, u32)>() {
                waiting.answered(sender, id, None);
            }
        }
        "NameOwnerChanged" if sender.as_str() == BUS_NAME => {
            if let Ok((_name, old, _new)) = body.deserialize::<(String, String, String)>() {
                waiting.server_gone(&old);
            }
        }
        _ => {}
    }
}

async fn call<B>(connection: &Connection, method: &str, body: &B) -> Result<Message, ToastError>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    connection.call_method(Some(NAME), PATH, Some(NAME), method, body).await.map_err(refused)
}

fn refused(error: zbus::Error) -> ToastError {
    match error {
        zbus::Error::MethodError(name, detail, _) => {
            let detail = detail.unwrap_or_else(|| name.to_string());
            let is_nobody = name.ends_with(".ServiceUnknown") || name.ends_with(".NameHasNoOwner");
            if is_nobody || name.starts_with("org.freedesktop.DBus.Error.Spawn.") {
                ToastError::NobodyListens(detail)
            } else {
                ToastError::Refused(detail)
            }
        }
        zbus::Error::InputOutput(error) => ToastError::NoBus(error.to_string()),
        other => ToastError::Refused(other.to_string()),
    }
}
