//! The system's keychain, on a thread of its own: its calls block, and some ask the founder.

use std::time::Duration;

use contract::{Error, ErrorCode, one_line};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, oneshot};

/// The name under which our items are found in the keychain.
const SERVICE: &str = "aicib";
/// How long a call may take, the founder's unlocking included.
const PATIENCE: Duration = Duration::from_secs(60);
/// Characters of the keychain's own words in an error.
const REASON_CHARS: usize = 120;
/// Calls that wait for the keychain, at most.
const QUEUE: usize = 16;

enum Call {
    Get(String, oneshot::Sender<Result<Option<SecretString>, Error>>),
    Set(String, SecretString, oneshot::Sender<Result<(), Error>>),
    Remove(String, oneshot::Sender<Result<(), Error>>),
    Probe(oneshot::Sender<Result<(), Error>>),
}

/// The keychain.
#[derive(Clone)]
pub struct Keychain {
    calls: mpsc::Sender<Call>,
}

impl Keychain {
    /// Starts the keychain's thread. Nothing is asked of the keychain yet.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start() -> std::io::Result<Keychain> {
        let (calls, mut queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name("keychain".into()).spawn(move || {
            while let Some(call) = queue.blocking_recv() {
                answer(call);
            }
        })?;
        Ok(Keychain { calls })
    }

    /// The item of an account; `None` where there is none. Never asks the founder to unlock.
    ///
    /// # Errors
    /// [`ErrorCode::KEYCHAIN_LOCKED`] or [`ErrorCode::KEYCHAIN_UNAVAILABLE`].
    pub async fn get(&self, account: &str) -> Result<Option<SecretString>, Error> {
        self.call(|reply| Call::Get(account.into(), reply)).await
    }

    /// Stores the item of an account. May ask the founder to unlock.
    ///
    /// # Errors
    /// [`ErrorCode::KEYCHAIN_LOCKED`] or [`ErrorCode::KEYCHAIN_UNAVAILABLE`].
    pub async fn set(&self, account: &str, secret: SecretString) -> Result<(), Error> {
        self.call(|reply| Call::Set(account.into(), secret, reply)).await
    }

    /// Removes the item of an account, if there is one.
    ///
    /// # Errors
    /// [`ErrorCode::KEYCHAIN_LOCKED`] or [`ErrorCode::KEYCHAIN_UNAVAILABLE`].
    pub async fn remove(&self, account: &str) -> Result<(), Error> {
        self.call(|reply| Call::Remove(account.into(), reply)).await
    }

    /// Whether the keychain is there and open.
    ///
    /// # Errors
    /// [`ErrorCode::KEYCHAIN_LOCKED`] or [`ErrorCode::KEYCHAIN_UNAVAILABLE`].
    pub async fn probe(&self) -> Result<(), Error> {
        self.call(Call::Probe).await
    }

    async fn call<T>(&self, call: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Call) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.calls.try_send(call(reply)).map_err(|_| unavailable("it does not answer"))?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(unavailable("it does not answer")),
        }
    }
}

fn answer(call: Call) {
    // A caller that has given up does not want the answer.
    match call {
        Call::Get(account, reply) => drop(reply.send(get(&account))),
        Call::Set(account, secret, reply) => drop(reply.send(set(&account, &secret))),
        Call::Remove(account, reply) => drop(reply.send(remove(&account))),
        Call::Probe(reply) => drop(reply.send(opened().and_then(|()| store()))),
    }
}

fn get(account: &str) -> Result<Option<SecretString>, Error> {
    opened()?;
    match entry(account)?.get_password() {
        Ok(secret) => Ok(Some(SecretString::from(secret))),
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(explain(&error)),
    }
}

fn set(account: &str, secret: &SecretString) -> Result<(), Error> {
    entry(account)?.set_password(secret.expose_secret()).map_err(|error| match error {
        keyring_core::Error::NoStorageAccess(_) => Error::new(
            ErrorCode::KEYCHAIN_LOCKED,
            "The system's keychain is locked, or has no keyring yet.",
            "Unlock it and try again, or keep the key in a file with a passphrase or in memory \
             (`aicib key set --passphrase`, `--session`).",
        ),
        other => explain(&other),
    })
}

fn remove(account: &str) -> Result<(), Error> {
    match entry(account)?.delete_credential() {
        Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
        Err(error) => Err(explain(&error)),
    }
}

fn entry(account: &str) -> Result<keyring_core::Entry, Error> {
    store()?;
    keyring_core::Entry::new(SERVICE, account).map_err(|error| explain(&error))
}

/// Connects to the platform's store, unless that is done. A keychain that comes later is found later.
fn store() -> Result<(), Error> {
    if keyring_core::get_default_store().is_some() {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    let store = zbus_secret_service_keyring_store::Store::new();
    #[cfg(target_os = "macos")]
    let store = apple_native_keyring_store::keychain::Store::new();
    #[cfg(windows)]
    let store = windows_native_keyring_store::Store::new();
    let store = store.map_err(|error| {
        tracing::debug!(%error, "no keychain");
        unavailable("no service answers for it")
    })?;
    keyring_core::set_default_store(store);
    Ok(())
}

/// Refuses to read where reading would bring up the system's dialog to unlock: nobody may be there.
#[cfg(target_os = "linux")]
fn opened() -> Result<(), Error> {
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;
    let failed = |error: secret_service::Error| unavailable(&one_line(&error.to_string(), REASON_CHARS));
    let service = SecretService::connect(EncryptionType::Plain).map_err(|error| {
        tracing::debug!(%error, "no secret service");
        unavailable("no service answers for it")
    })?;
    match service.get_default_collection().and_then(|collection| collection.is_locked()) {
        Ok(false) => Ok(()),
        Ok(true) => Err(locked()),
        Err(secret_service::Error::NoResult) => Err(unavailable("it has no keyring yet")),
        Err(error) => Err(failed(error)),
    }
}

/// The keychains of macOS and Windows are open while the founder is logged in.
#[cfg(not(target_os = "linux"))]
fn opened() -> Result<(), Error> {
    Ok(())
}

fn explain(error: &keyring_core::Error) -> Error {
    match error {
        keyring_core::Error::NoStorageAccess(_) => locked(),
        other => {
            // The connection may be what is broken: the next call makes a new one.
            keyring_core::unset_default_store();
            unavailable(&one_line(&other.to_string(), REASON_CHARS))
        }
    }
}

fn locked() -> Error {
    Error::new(ErrorCode::KEYCHAIN_LOCKED, "The system's keychain is locked.", "Unlock it, and the work goes on.")
}

fn unavailable(why: &str) -> Error {
    Error::new(
        ErrorCode::KEYCHAIN_UNAVAILABLE,
        format!("The system's keychain cannot be used: {why}."),
        "Keep the key in a file with a passphrase, or in memory until the daemon stops.",
    )
}
