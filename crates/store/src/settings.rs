//! The founder's settings, a row each.

use contract::Settings;
use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value};

use crate::{Read, StoreError, Write};

impl Read<'_> {
    /// The settings: what was set, and defaults for the rest. A value that does not read (another version wrote it)
    /// counts as not set.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn settings(&self) -> Result<Settings, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT key, value FROM settings WHERE key NOT LIKE 'daemon.%'")?;
        let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut settings = Settings::default();
        for row in rows {
            let (key, text) = row?;
            match with(&settings, &key, &text) {
                Some(changed) => settings = changed,
                None => tracing::warn!(key, "a setting does not read; its default holds"),
            }
        }
        Ok(settings)
    }
}

impl Read<'_> {
    /// A value that the daemon keeps beside the settings, under a name of its own; `None` where there is none.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn kept(&self, name: &str) -> Result<Option<Value>, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
        let text: Option<String> = select.query_row([own(name)], |row| row.get(0)).optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

impl Write<'_> {
    /// Keeps a value under a name of its own, beside the settings.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn keep_value(&self, name: &str, value: &Value) -> Result<(), StoreError> {
        let mut put = self.conn.prepare_cached(
            "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?;
        put.execute(params![own(name), value.to_string()])?;
        Ok(())
    }

    /// Keeps the settings.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn settings_put(&self, settings: &Settings) -> Result<(), StoreError> {
        let mut put = self.conn.prepare_cached(
            "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?;
        for (key, value) in fields(settings) {
            put.execute(params![key, value.to_string()])?;
        }
        Ok(())
    }
}

/// The key of a value that is no setting of the founder's.
fn own(name: &str) -> String {
    format!("daemon.{name}")
}

fn fields(settings: &Settings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// `settings` with the value of one key; `None` where key or value does not fit.
fn with(settings: &Settings, key: &str, text: &str) -> Option<Settings> {
    let mut map = fields(settings);
    map.insert(key.to_owned(), serde_json::from_str(text).ok()?);
    serde_json::from_value(Value::Object(map)).ok()
}
