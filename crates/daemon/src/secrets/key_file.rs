//! Keys in a file of the home, encrypted with the founder's passphrase (age, scrypt): for systems without a keychain.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::Path;

use age::secrecy::SecretString as Passphrase;
use contract::{Error, ErrorCode};
use secrecy::{ExposeSecret, SecretString};

/// Keys by provider.
pub type Keys = BTreeMap<String, SecretString>;

/// Reads the file; no keys where there is no file.
///
/// # Errors
/// [`ErrorCode::PASSPHRASE_WRONG`], or the file's own trouble. Slow on purpose: not for the async runtime's threads.
pub fn read(file: &Path, passphrase: &SecretString) -> Result<Keys, Error> {
    let sealed = match std::fs::read(file) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Keys::new()),
        Err(error) => return Err(trouble(file, &error)),
    };
    let identity = age::scrypt::Identity::new(Passphrase::from(passphrase.expose_secret().to_owned()));
    let open = age::decrypt(&identity, &sealed).map_err(|error| match error {
        age::DecryptError::DecryptionFailed
        | age::DecryptError::InvalidMac
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::NoMatchingKeys => {
            Error::new(ErrorCode::PASSPHRASE_WRONG, "The passphrase does not open the key file.", "Try again.")
        }
        other => trouble(file, &other),
    })?;
    let plain: BTreeMap<String, String> =
        serde_json::from_slice(&open).map_err(|_| trouble(file, &"its content is not ours"))?;
    Ok(plain.into_iter().map(|(provider, key)| (provider, SecretString::from(key))).collect())
}

/// Writes the file anew: readable by the founder only, whole or not at all.
///
/// # Errors
/// The file's own trouble. Slow on purpose: not for the async runtime's threads.
pub fn write(file: &Path, passphrase: &SecretString, keys: &Keys) -> Result<(), Error> {
    let plain: BTreeMap<&str, &str> = keys.iter().map(|(provider, key)| (&**provider, key.expose_secret())).collect();
    let plain = serde_json::to_vec(&plain).map_err(Error::internal)?;
    let mut recipient = age::scrypt::Recipient::new(Passphrase::from(passphrase.expose_secret().to_owned()));
    if cfg!(test) {
        // What makes guessing slow makes tests slow.
        recipient.set_work_factor(8);
    }
    let sealed = age::encrypt(&recipient, &plain).map_err(|error| trouble(file, &error))?;
    let dir = file.parent().ok_or_else(|| Error::internal("The key file has no folder."))?;
    let mut fresh = tempfile::NamedTempFile::new_in(dir).map_err(|error| trouble(file, &error))?;
    fresh.write_all(&sealed).map_err(|error| trouble(file, &error))?;
    fresh.as_file().sync_all().map_err(|error| trouble(file, &error))?;
    fresh.persist(file).map_err(|error| trouble(file, &error.error))?;
    Ok(())
}

fn trouble(file: &Path, why: &impl std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::KEYCHAIN_UNAVAILABLE,
        format!("The key file {} cannot be used: {why}.", file.display()),
        "Check the file, or remove it and set the key again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_with_the_passphrase_only() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.age");
        let right = SecretString::from("correct horse".to_owned());
        let keys = Keys::from([("anthropic".to_owned(), SecretString::from("sk-planted".to_owned()))]);
        write(&file, &right, &keys).unwrap();
        let sealed = std::fs::read(&file).unwrap();
        assert!(!sealed.windows(10).any(|window| window == b"sk-planted"));
        assert_eq!(read(&file, &right).unwrap()["anthropic"].expose_secret(), "sk-planted");
        let wrong = read(&file, &SecretString::from("battery".to_owned())).unwrap_err();
        assert_eq!(wrong.code, ErrorCode::PASSPHRASE_WRONG);
    }
}
