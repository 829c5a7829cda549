//! Keys: in the keychain, in an encrypted file, or in memory until the daemon stops. Each is read once and then
//! held in memory; what the database knows of it is where it is kept and its last four characters.

mod key_file;
mod keychain;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use contract::{Error, ErrorCode, Key, KeySetParams, KeyStorage};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use store::Store;
use tokio::sync::watch;

use self::keychain::Keychain;

/// The providers whose keys we keep.
pub const PROVIDERS: &[&str] = &["anthropic", "openai"];
/// The kept value that lists the keys there are.
const INDEX: &str = "keys";
/// Bytes of a key, at most.
const MAX_KEY_BYTES: usize = 4096;

/// What the database knows of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Listed {
    storage: KeyStorage,
    hint: String,
    /// Where earlier copies of it are that could not be removed.
    #[serde(default)]
    left: Vec<KeyStorage>,
}

/// The keys.
pub struct Secrets {
    store: Store,
    keychain: Keychain,
    file: PathBuf,
    /// Keys that were read, by provider.
    held: Mutex<BTreeMap<String, SecretString>>,
    /// The passphrase of the key file, once given.
    passphrase: Mutex<Option<SecretString>>,
    /// Held by who reads or changes what is kept: one after another, so that none undoes what another did.
    turn: tokio::sync::Mutex<()>,
    changed: watch::Sender<u64>,
}

impl Secrets {
    /// Knows where keys are; reads none.
    ///
    /// # Errors
    /// When the keychain's thread cannot start.
    pub fn new(store: Store, file: PathBuf) -> std::io::Result<Secrets> {
        Ok(Secrets {
            store,
            keychain: Keychain::start()?,
            file,
            held: Mutex::default(),
            passphrase: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            changed: watch::Sender::new(0),
        })
    }

    /// Fires when a key was set, removed or unlocked.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Where the provider's key is kept; `None` where there is no key.
    ///
    /// # Errors
    /// The database's.
    pub async fn kept(&self, provider: &str) -> Result<Option<KeyStorage>, Error> {
        Ok(self.index().await?.get(provider).map(|listed| listed.storage))
    }

    /// Where the keys are kept that there are, by provider, and whether each was in the memory of an earlier daemon and
    /// is gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn all_kept(&self) -> Result<BTreeMap<String, (KeyStorage, bool)>, Error> {
        let index = self.index().await?;
        let held = lock(&self.held);
        let lost = |provider: &str, storage| storage == KeyStorage::Session && !held.contains_key(provider);
        Ok(index
            .into_iter()
            .map(|(provider, Listed { storage, .. })| {
                let lost = lost(&provider, storage);
                (provider, (storage, lost))
            })
            .collect())
    }

    /// Whether the provider's key was kept in the memory of an earlier daemon.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_lost(&self, provider: &str) -> Result<bool, Error> {
        Ok(self.kept(provider).await? == Some(KeyStorage::Session) && !lock(&self.held).contains_key(provider))
    }

    /// The provider's key.
    ///
    /// # Errors
    /// [`ErrorCode::KEY_MISSING`], [`ErrorCode::KEYCHAIN_LOCKED`] (also for a key file whose passphrase was not given
    /// yet), [`ErrorCode::KEYCHAIN_UNAVAILABLE`].
    pub async fn get(&self, provider: &str) -> Result<SecretString, Error> {
        if let Some(key) = lock(&self.held).get(provider) {
            return Ok(key.clone());
        }
        let _turn = self.turn.lock().await;
        if let Some(key) = lock(&self.held).get(provider) {
            return Ok(key.clone());
        }
        let Some(storage) = self.kept(provider).await? else { return Err(missing(provider)) };
        let key = match storage {
            KeyStorage::Keychain => self.keychain.get(provider).await?.ok_or_else(|| missing(provider))?,
            KeyStorage::Session => return Err(missing(provider)),
            KeyStorage::PassphraseFile => {
                return Err(Error::new(
                    ErrorCode::KEYCHAIN_LOCKED,
                    "The key file waits for its passphrase.",
                    "Run `aicib key unlock`, or open Settings, and the work goes on.",
                ));
            }
        };
        lock(&self.held).insert(provider.into(), key.clone());
        Ok(key)
    }

    /// Stores a key.
    ///
    /// # Errors
    /// A key that is none, an unknown provider, or what the place to keep it says.
    pub async fn set(&self, params: KeySetParams) -> Result<Key, Error> {
        known(&params.provider)?;
        let key = params.key.trim();
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(
                ErrorCode::BAD_REQUEST,
                "That is not a key: a key is one word of visible ASCII characters.",
                "Copy the key from your provider's console again.",
            ));
        }
        let key = SecretString::from(key.to_owned());
        let _turn = self.turn.lock().await;
        let storage = match params.storage {
            Some(KeyStorage::PassphraseFile) => self.set_in_file(&params.provider, &key, params.passphrase).await?,
            Some(KeyStorage::Session) => KeyStorage::Session,
            Some(KeyStorage::Keychain) => {
                self.keychain.set(&params.provider, key.clone()).await?;
                KeyStorage::Keychain
            }
            None => match self.keychain.set(&params.provider, key.clone()).await {
                Ok(()) => KeyStorage::Keychain,
                // Without a keychain the key is kept in memory, and the answer says so.
                Err(error) if error.code == ErrorCode::KEYCHAIN_UNAVAILABLE => KeyStorage::Session,
                Err(error) => return Err(error),
            },
        };
        let hint = hint(&key);
        let mut index = self.index().await?;
        let before = index.remove(&params.provider);
        let mut left: Vec<_> =
            before.into_iter().flat_map(|before| before.left.into_iter().chain([before.storage])).collect();
        left.retain(|place| *place != storage);
        // Known before it is tried: what cannot be removed now is removed with the key.
        index.insert(params.provider.clone(), Listed { storage, hint: hint.clone(), left: left.clone() });
        self.save(index.clone()).await?;
        lock(&self.held).insert(params.provider.clone(), key);
        if !left.is_empty() {
            let mut stay = Vec::new();
            for place in left {
                if let Err(error) = self.forget_at(&params.provider, place).await {
                    tracing::warn!(%error, provider = params.provider, "the key's earlier copy could not be removed");
                    stay.push(place);
                }
            }
            index.insert(params.provider.clone(), Listed { storage, hint: hint.clone(), left: stay });
            self.save(index).await?;
        }
        self.changed.send_modify(|count| *count += 1);
        Ok(Key { provider: params.provider, storage, hint, unlocked: true })
    }

    /// The keys there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self) -> Result<Vec<Key>, Error> {
        let index = self.index().await?;
        let mut keys = Vec::with_capacity(index.len());
        for (provider, listed) in index {
            let unlocked = lock(&self.held).contains_key(&provider)
                || (listed.storage == KeyStorage::Keychain && self.keychain.probe().await.is_ok());
            // What was kept in the memory of an earlier daemon is gone.
            if listed.storage != KeyStorage::Session || unlocked {
                keys.push(Key { provider, storage: listed.storage, hint: listed.hint, unlocked });
            }
        }
        Ok(keys)
    }

    /// How the keychain is.
    ///
    /// # Errors
    /// [`ErrorCode::KEYCHAIN_LOCKED`] or [`ErrorCode::KEYCHAIN_UNAVAILABLE`].
    pub async fn keychain(&self) -> Result<(), Error> {
        self.keychain.probe().await
    }

    /// Forgets a key, everywhere.
    ///
    /// # Errors
    /// [`ErrorCode::KEY_MISSING`], or what the place where it is kept says.
    pub async fn remove(&self, provider: &str) -> Result<(), Error> {
        known(provider)?;
        let _turn = self.turn.lock().await;
        let mut index = self.index().await?;
        let Some(listed) = index.remove(provider) else { return Err(missing(provider)) };
        lock(&self.held).remove(provider);
        for place in listed.left.into_iter().chain([listed.storage]) {
            self.forget_at(provider, place).await?;
        }
        self.save(index).await?;
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Opens the key file.
    ///
    /// # Errors
    /// [`ErrorCode::PASSPHRASE_WRONG`], or the file's own trouble.
    pub async fn unlock(&self, passphrase: String) -> Result<(), Error> {
        let passphrase = SecretString::from(passphrase);
        let _turn = self.turn.lock().await;
        let keys = self.in_file(passphrase.clone(), key_file::read).await?;
        let index = self.index().await?;
        let kept = |provider: &str| index.get(provider).is_some_and(|key| key.storage == KeyStorage::PassphraseFile);
        lock(&self.held).extend(keys.into_iter().filter(|(provider, _)| kept(provider)));
        *lock(&self.passphrase) = Some(passphrase);
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn set_in_file(
        &self,
        provider: &str,
        key: &SecretString,
        passphrase: Option<String>,
    ) -> Result<KeyStorage, Error> {
        let passphrase = match passphrase.filter(|passphrase| !passphrase.is_empty()) {
            Some(passphrase) => SecretString::from(passphrase),
            None => lock(&self.passphrase).clone().ok_or_else(|| {
                Error::new(ErrorCode::BAD_REQUEST, "A key file needs a passphrase.", "Choose one, and keep it safe.")
            })?,
        };
        self.change_file(provider, Some(key.clone()), passphrase.clone()).await?;
        // Only now is it known to be the right one.
        *lock(&self.passphrase) = Some(passphrase);
        Ok(KeyStorage::PassphraseFile)
    }

    async fn change_file(
        &self,
        provider: &str,
        key: Option<SecretString>,
        passphrase: SecretString,
    ) -> Result<(), Error> {
        let provider = provider.to_owned();
        self.in_file(passphrase, move |file, passphrase| {
            let mut keys = key_file::read(file, passphrase)?;
            match key {
                Some(key) => keys.insert(provider, key),
                None => keys.remove(&provider),
            };
            key_file::write(file, passphrase, &keys)
        })
        .await
    }

    async fn in_file<T: Send + 'static>(
        &self,
        passphrase: SecretString,
        work: impl FnOnce(&std::path::Path, &SecretString) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let file = self.file.clone();
        tokio::task::spawn_blocking(move || work(&file, &passphrase)).await.map_err(Error::internal)?
    }

    /// Removes a key from a place where it is kept.
    async fn forget_at(&self, provider: &str, storage: KeyStorage) -> Result<(), Error> {
        match storage {
            KeyStorage::Keychain => self.keychain.remove(provider).await,
            KeyStorage::PassphraseFile => {
                let passphrase = lock(&self.passphrase).clone().ok_or_else(|| {
                    Error::new(
                        ErrorCode::KEYCHAIN_LOCKED,
                        "The key file waits for its passphrase.",
                        "Run `aicib key unlock` first.",
                    )
                })?;
                self.change_file(provider, None, passphrase).await
            }
            KeyStorage::Session => Ok(()),
        }
    }

    async fn index(&self) -> Result<BTreeMap<String, Listed>, Error> {
        let value = self.store.read(|db| db.kept(INDEX)).await?;
        Ok(value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
    }

    async fn save(&self, index: BTreeMap<String, Listed>) -> Result<(), Error> {
        let value = serde_json::to_value(index).map_err(Error::internal)?;
        Ok(self.store.write(move |db| db.keep_value(INDEX, &value)).await?)
    }
}

fn known(provider: &str) -> Result<(), Error> {
    if PROVIDERS.contains(&provider) {
        return Ok(());
    }
    let fix = format!("Providers with keys: {}.", PROVIDERS.join(", "));
    Err(Error::new(ErrorCode::BAD_REQUEST, format!("There is no provider {provider:?}."), fix))
}

fn missing(provider: &str) -> Error {
    Error::new(
        ErrorCode::KEY_MISSING,
        format!("There is no key for {provider}."),
        format!("Store one with `aicib key set {provider}` or in Settings, or use the practice engine."),
    )
}

/// The last four characters of a key that is long enough to lose them.
fn hint(key: &SecretString) -> String {
    let key = key.expose_secret();
    if key.len() >= 16 { key[key.len() - 4..].to_owned() } else { String::new() }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        dir: tempfile::TempDir,
        store: Store,
    }

    impl Place {
        fn new() -> Place {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(&dir.path().join("aicib.db"), &dir.path().join("backups"), false).unwrap().store;
            Place { dir, store }
        }

        /// The keys as a daemon that has just started knows them.
        fn secrets(&self) -> Secrets {
            Secrets::new(self.store.clone(), self.dir.path().join("keys.age")).unwrap()
        }
    }

    fn key(key: &str, storage: KeyStorage, passphrase: &str) -> KeySetParams {
        let passphrase = (!passphrase.is_empty()).then(|| passphrase.to_owned());
        KeySetParams { provider: "anthropic".into(), key: key.into(), storage: Some(storage), passphrase }
    }

    #[tokio::test]
    async fn a_key_in_memory_is_lost_with_the_daemon_and_known_to_be() {
        let place = Place::new();
        let first = place.secrets();
        first.set(key("sk-planted", KeyStorage::Session, "")).await.unwrap();
        assert!(!first.is_lost("anthropic").await.unwrap());
        let second = place.secrets();
        assert!(second.is_lost("anthropic").await.unwrap());
        assert!(second.list().await.unwrap().is_empty());
        second.remove("anthropic").await.unwrap();
        assert!(!second.is_lost("anthropic").await.unwrap());
    }

    #[tokio::test]
    async fn a_wrong_passphrase_does_not_take_the_place_of_the_right_one() {
        let place = Place::new();
        let secrets = place.secrets();
        secrets.set(key("sk-first", KeyStorage::PassphraseFile, "right")).await.unwrap();
        let wrong = secrets.set(key("sk-second", KeyStorage::PassphraseFile, "wrong")).await.unwrap_err();
        assert_eq!(wrong.code, ErrorCode::PASSPHRASE_WRONG);
        secrets.set(key("sk-third", KeyStorage::PassphraseFile, "")).await.unwrap();
        assert_eq!(secrets.get("anthropic").await.unwrap().expose_secret(), "sk-third");
    }

    #[tokio::test]
    async fn a_key_is_forgotten_where_it_was_kept_before_as_well() {
        let place = Place::new();
        place.secrets().set(key("sk-first", KeyStorage::PassphraseFile, "right")).await.unwrap();
        let secrets = place.secrets();
        secrets.set(key("sk-second", KeyStorage::Session, "")).await.unwrap();
        // The file is closed, so the earlier copy is still in it: nobody may be told that it is gone.
        assert_eq!(secrets.remove("anthropic").await.unwrap_err().code, ErrorCode::KEYCHAIN_LOCKED);
        secrets.unlock("right".into()).await.unwrap();
        secrets.remove("anthropic").await.unwrap();
        let kept = key_file::read(&place.dir.path().join("keys.age"), &SecretString::from("right".to_owned())).unwrap();
        assert!(kept.is_empty());
        assert!(secrets.kept("anthropic").await.unwrap().is_none());
    }
}
