//! AICIB itself: keys, the doctor's checks, the founder's settings, the daemon.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Money, Seq, Time};

/// Where a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyStorage {
    /// In the system's keychain.
    Keychain,
    /// In a file of the home, encrypted with the founder's passphrase.
    PassphraseFile,
    /// In the daemon's memory, until it stops.
    Session,
}

/// A key, without the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Key {
    /// Whose key it is (`anthropic`).
    pub provider: String,
    /// Where it is kept.
    pub storage: KeyStorage,
    /// Its last four characters, to tell keys apart.
    pub hint: String,
    /// Whether it can be read right now; a locked keychain or key file cannot.
    pub unlocked: bool,
}

/// One thing the doctor looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Check {
    /// Its name ("Keychain").
    pub name: String,
    /// How it is.
    pub status: CheckStatus,
    /// What was found, in a sentence.
    pub detail: String,
    /// What to do, in a sentence; empty where there is nothing.
    pub fix: String,
}

/// How a thing that the doctor looked at is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// Works, with less.
    Warning,
    /// Does not work.
    Fault,
}

/// The founder's settings, over all companies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Runs at once, 1 to 100.
    pub max_parallel_jobs: i64,
    /// A brief's limit where it names none; zero means none.
    pub brief_limit_usd: Money,
    /// Whether the founder is told natively.
    pub notifications: bool,
    /// The key that opens Quick brief from anywhere (`CmdOrCtrl+Shift+Space`); empty means none.
    pub quick_shortcut: String,
    /// How the window looks.
    pub theme: Theme,
    /// Speed of the practice engine: 1 is about eight seconds a brief, 10 is ten times as fast; 0.1 to 100.
    pub practice_pace: f64,
    /// How long a process may take to end when told to, in milliseconds; 0 to 60,000.
    pub stop_grace_ms: i64,
    /// Where the Anthropic API is, in place of the provider's own address; empty means that one.
    pub anthropic_base_url: String,
    /// Whether the first-start steps are behind us.
    pub onboarded: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            max_parallel_jobs: 10,
            brief_limit_usd: Money::nanos(5_000_000_000),
            notifications: true,
            quick_shortcut: "CmdOrCtrl+Shift+Space".into(),
            theme: Theme::System,
            practice_pace: 1.0,
            stop_grace_ms: 5_000,
            anthropic_base_url: String::new(),
            onboarded: false,
        }
    }
}

/// How the window looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What the daemon says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct DaemonStatus {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: Time,
    /// The home it holds.
    pub home: String,
    /// Jobs by state name; states without a job are left out.
    pub jobs: BTreeMap<String, i64>,
    /// The last event stored.
    pub seq: Seq,
    /// Size of the database on disk, in bytes.
    pub database_bytes: i64,
    /// Whether a desktop app is attached.
    pub desktop: bool,
}
