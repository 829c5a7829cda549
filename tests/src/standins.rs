//! Stand-ins for what a desktop environment has on its session bus: a notification service and a place for tray
//! icons. Real D-Bus, real signals.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

use crate::{Bus, Menu, SOON, wait_for};

const NOTIFICATIONS: &str = "/org/freedesktop/Notifications";
const WATCHER: &str = "/StatusNotifierWatcher";

/// The stand-ins, for as long as this lives.
pub struct StandIns {
    connection: zbus::Connection,
    told: Arc<Mutex<Told>>,
}

/// A notification that was asked for.
#[derive(Clone, Debug)]
pub struct Notified {
    /// Its number.
    pub id: u32,
    /// The heading.
    pub summary: String,
    /// The text.
    pub body: String,
    /// Its actions: keys and labels by turns.
    pub actions: Vec<String>,
}

#[derive(Default)]
struct Told {
    notified: Vec<Notified>,
    items: Vec<(String, String)>,
}

impl StandIns {
    /// Puts both on the bus.
    ///
    /// # Errors
    /// The bus does not answer.
    pub async fn start(bus: &Bus) -> anyhow::Result<StandIns> {
        let told = Arc::new(Mutex::new(Told::default()));
        let connection = bus.connect().await?;
        connection.object_server().at(NOTIFICATIONS, Notifications(told.clone())).await?;
        connection.object_server().at(WATCHER, Watcher(told.clone())).await?;
        for name in ["org.freedesktop.Notifications", "org.kde.StatusNotifierWatcher"] {
            connection.request_name(name).await?;
        }
        Ok(StandIns { connection, told })
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The notifications so far.
    pub fn notified(&self) -> Vec<Notified> {
        self.told().notified.clone()
    }

    /// Waits for a notification whose heading or text contains `text`.
    ///
    /// # Errors
    /// None in time.
    pub async fn notification(&self, text: &str, bound: Duration) -> anyhow::Result<Notified> {
        wait_for(&format!("a notification about {text:?}"), bound, async || {
            let about = |one: &Notified| one.summary.contains(text) || one.body.contains(text);
            Ok(self.notified().into_iter().find(about))
        })
        .await
        .with_context(|| format!("notifications so far: {:?}", self.notified()))
    }

    /// Clicks an action of a notification.
    ///
    /// # Errors
    /// The bus does not answer.
    pub async fn invoke(&self, id: u32, action: &str) -> anyhow::Result<()> {
        let emitter = SignalEmitter::new(&self.connection, NOTIFICATIONS)?;
        Notifications::action_invoked(&emitter, id, action).await?;
        Notifications::notification_closed(&emitter, id, 2).await?;
        Ok(())
    }

    /// The menu of the first tray icon; waits for it.
    ///
    /// # Errors
    /// No icon in time.
    pub async fn menu(&self) -> anyhow::Result<Menu> {
        let (name, path) = wait_for("a tray icon", SOON, async || Ok(self.told().items.last().cloned())).await?;
        Menu::of(&self.connection, &name, &path).await
    }
}

struct Notifications(Arc<Mutex<Told>>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[allow(clippy::too_many_arguments, reason = "the interface has as many")]
    fn notify(
        &self,
        _app_name: String,
        _replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = told.notified.len() as u32 + 1;
        told.notified.push(Notified { id, summary, body, actions });
        id
    }

    fn get_capabilities(&self) -> Vec<String> {
        ["body", "actions", "body-markup", "persistence"].map(String::from).to_vec()
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("stand-in".into(), "aicib".into(), "1".into(), "1.2".into())
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        Ok(Self::notification_closed(&emitter, id, 3).await?)
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action_key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

struct Watcher(Arc<Mutex<Told>>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    async fn register_status_notifier_item(
        &self,
        service: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        // Either a path on the caller's connection, or a name with the path that the protocol sets.
        let item = if service.starts_with('/') {
            (sender, service.clone())
        } else {
            (service.clone(), "/StatusNotifierItem".into())
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).items.push(item);
        Ok(Self::status_notifier_item_registered(&emitter, &service).await?)
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.items.iter().map(|(name, path)| format!("{name}{path}")).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(signal)]
    async fn status_notifier_item_registered(emitter: &SignalEmitter<'_>, service: &str) -> zbus::Result<()>;
}
