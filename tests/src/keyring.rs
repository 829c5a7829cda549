//! A real gnome-keyring on the test's own bus, unlocked.

use std::collections::HashMap;
use std::process::Stdio;

use anyhow::Context;
use zbus::fdo::DBusProxy;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::{Bus, Child, Place, SOON, wait_for};

const SERVICE: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";

/// The keyring.
pub struct Keyring {
    _daemon: Child,
    bus: zbus::Connection,
}

/// A secret as the service hands it over: session, parameters, value, content type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

impl Keyring {
    /// Starts the keyring and unlocks it.
    ///
    /// # Errors
    /// gnome-keyring is missing or does not start.
    pub async fn start(place: &Place, bus: &Bus) -> anyhow::Result<Keyring> {
        let mut command = place.command("gnome-keyring-daemon");
        command.args(["--foreground", "--unlock", "--components=secrets"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut daemon = Child::start(&mut command)?;
        daemon.tell("keyring password")?;
        let bus = bus.connect().await?;
        let names = DBusProxy::new(&bus).await?;
        wait_for("the keyring", SOON, async || Ok(names.name_has_owner(SERVICE.try_into()?).await?.then_some(())))
            .await?;
        let keyring = Keyring { _daemon: daemon, bus };
        wait_for("the unlocked keyring", SOON, async || Ok(keyring.is_unlocked().await?.then_some(()))).await?;
        Ok(keyring)
    }

    async fn is_unlocked(&self) -> anyhow::Result<bool> {
        let service = zbus::Proxy::new(&self.bus, SERVICE, PATH, "org.freedesktop.Secret.Service").await?;
        let collection: OwnedObjectPath = service.call("ReadAlias", &"default").await?;
        if collection.as_str() == "/" {
            return Ok(false);
        }
        let collection = zbus::Proxy::new(&self.bus, SERVICE, collection, "org.freedesktop.Secret.Collection").await?;
        Ok(!collection.get_property::<bool>("Locked").await?)
    }

    /// Every secret in the keyring.
    ///
    /// # Errors
    /// The service does not answer.
    pub async fn secrets(&self) -> anyhow::Result<Vec<String>> {
        let service = zbus::Proxy::new(&self.bus, SERVICE, PATH, "org.freedesktop.Secret.Service").await?;
        let (_, session): (OwnedValue, OwnedObjectPath) =
            service.call("OpenSession", &("plain", Value::from(""))).await.context("OpenSession")?;
        let all: HashMap<String, String> = HashMap::new();
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            service.call("SearchItems", &all).await.context("SearchItems")?;
        anyhow::ensure!(locked.is_empty(), "items are locked: {locked:?}");
        let secrets: HashMap<OwnedObjectPath, Secret> =
            service.call("GetSecrets", &(unlocked, session)).await.context("GetSecrets")?;
        Ok(secrets.into_values().map(|(_, _, value, _)| String::from_utf8_lossy(&value).into_owned()).collect())
    }
}
