//! A tray icon's menu, read and clicked as a panel does it (`com.canonical.dbusmenu`).

use std::collections::HashMap;

use anyhow::Context;
use zbus::Proxy;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};

use crate::{SOON, wait_for};

/// The menu.
pub struct Menu {
    item: Proxy<'static>,
    menu: Proxy<'static>,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuLine {
    /// Its number.
    pub id: i32,
    /// Its text; empty for a separator.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
}

type Layout = (u32, (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>));

impl Menu {
    /// The menu of the icon at a path of a connection.
    ///
    /// # Errors
    /// There is no such icon.
    pub async fn of(bus: &zbus::Connection, name: &str, path: &str) -> anyhow::Result<Menu> {
        let item = Proxy::new(bus, name.to_owned(), path.to_owned(), "org.kde.StatusNotifierItem").await?;
        let at: OwnedObjectPath = item.get_property("Menu").await.context("the icon has no menu")?;
        let menu = Proxy::new(bus, name.to_owned(), at, "com.canonical.dbusmenu").await?;
        Ok(Menu { item, menu })
    }

    /// The text beside the icon.
    ///
    /// # Errors
    /// The icon is gone.
    pub async fn title(&self) -> anyhow::Result<String> {
        // Read past the cache: the icon does not announce this one by the usual signal.
        let reply = self.item.connection();
        let properties =
            zbus::fdo::PropertiesProxy::new(reply, self.item.destination().to_owned(), self.item.path().to_owned());
        let value = properties.await?.get(self.item.interface().to_owned(), "XAyatanaLabel").await?;
        Ok(String::try_from(value)?)
    }

    /// Its lines, as they are now.
    ///
    /// # Errors
    /// The icon is gone.
    pub async fn lines(&self) -> anyhow::Result<Vec<MenuLine>> {
        let _changed: bool = self.menu.call("AboutToShow", &0i32).await?;
        let names: [&str; 3] = ["label", "enabled", "type"];
        let (_, (_, _, children)): Layout = self.menu.call("GetLayout", &(0i32, -1i32, &names[..])).await?;
        children.into_iter().map(line).collect()
    }

    /// Waits for a line whose text contains `text`.
    ///
    /// # Errors
    /// None in time.
    pub async fn line(&self, text: &str) -> anyhow::Result<MenuLine> {
        wait_for(&format!("the line {text:?} of the menu"), SOON, async || {
            Ok(self.lines().await?.into_iter().find(|line| line.label.contains(text)))
        })
        .await
    }

    /// Clicks the line whose text contains `text`.
    ///
    /// # Errors
    /// There is none, or it cannot be clicked.
    pub async fn click(&self, text: &str) -> anyhow::Result<()> {
        let line = self.line(text).await?;
        anyhow::ensure!(line.enabled, "{line:?} cannot be clicked");
        // Who is clicked may be gone before it can answer: Quit is a line, too.
        self.menu.call_noreply("Event", &(line.id, "clicked", Value::from(0i32), 0u32)).await?;
        Ok(())
    }
}

fn line(value: OwnedValue) -> anyhow::Result<MenuLine> {
    let value = Value::from(value);
    let value = if let Value::Value(inner) = value { *inner } else { value };
    let fields = Structure::try_from(value)?.into_fields();
    let mut fields = fields.into_iter();
    let id = i32::try_from(fields.next().context("no id")?)?;
    let mut properties = HashMap::<String, Value<'_>>::try_from(fields.next().context("no properties")?)?;
    let label = properties.remove("label").map(String::try_from).transpose()?.unwrap_or_default();
    let enabled = properties.remove("enabled").map(bool::try_from).transpose()?.unwrap_or(true);
    // The mark of a shortcut letter.
    let label = label.replace("__", "\u{0}").replace('_', "").replace('\u{0}', "_");
    Ok(MenuLine { id, label, enabled })
}
