//! `aicib key`: the keys of model providers. A key is typed unseen, piped in or taken from a variable; never an
//! argument, which every process of this machine could read.

use std::io::{IsTerminal as _, Read as _};

use contract::{Empty, Error, ErrorCode, Key, KeyList, KeyRef, KeySetParams, KeyStorage, KeyUnlockParams, methods};

use crate::args::KeyCommand;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::text::line;

/// Bytes read from standard input, at most.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

pub(crate) async fn key(context: &mut Context, command: KeyCommand) -> Outcome {
    match command {
        KeyCommand::Set { provider, from_env, session, passphrase } => {
            let chosen = session || passphrase;
            let params = secrets(provider, from_env, session, passphrase)?;
            let client = context.daemon().await?;
            let key = client.call::<methods::KeySet>(params).await?;
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&key)?);
            }
            out.line(&format!("Stored: {}", key_line(&key)))?;
            if key.storage == KeyStorage::Session && !chosen {
                out.line("No keychain takes it. `aicib key set --passphrase` keeps it in an encrypted file instead.")?;
            }
        }
        KeyCommand::List => {
            let list = context.daemon().await?.call::<methods::KeyListAll>(Empty {}).await?;
            print_list(context, &list)?;
        }
        KeyCommand::Remove { provider } => {
            let client = context.daemon().await?;
            client.call::<methods::KeyRemove>(KeyRef { provider: provider.clone() }).await?;
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&serde_json::json!({"provider": provider}))?);
            }
            out.line(&format!("The key for {} is forgotten.", line(&provider, 40)))?;
        }
        KeyCommand::Unlock => {
            let passphrase = Secrets::open()?.next("Passphrase of the key file: ")?;
            let client = context.daemon().await?;
            let list = client.call::<methods::KeyUnlock>(KeyUnlockParams { passphrase }).await?;
            print_list(context, &list)?;
        }
    }
    Ok(())
}

/// What is said to somebody who types a key as an argument.
pub(crate) const TYPED_KEY: &str = "That looks like a key. Keys are not taken from the command line, where others can \
                                    see them: run `aicib key set` and paste it there.";

/// Whether an argument looks like a provider's key.
pub(crate) fn looks_like_key(arg: &str) -> bool {
    let arg = arg.rsplit_once('=').map_or(arg, |(_, value)| value).trim();
    let is_long_secret = arg.len() >= 32
        && arg.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        && arg.bytes().any(|b| b.is_ascii_digit())
        && arg.bytes().any(|b| b.is_ascii_lowercase())
        && arg.bytes().any(|b| b.is_ascii_uppercase());
    (arg.starts_with("sk-") && arg.len() > 12) || arg.contains("sk-ant-") || is_long_secret
}

fn secrets(
    provider: String,
    from_env: Option<String>,
    session: bool,
    passphrase: bool,
) -> Result<KeySetParams, Failure> {
    let mut secrets = None;
    let key = match from_env {
        Some(name) => std::env::var(&name).map_err(|_| {
            Failure::usage(format!("The variable {name} is not set, or is not text: set it, or leave --from-env away."))
        })?,
        None => {
            let from = secrets.insert(Secrets::open()?);
            from.next(&format!("Key for {}: ", line(&provider, 40)))?
        }
    };
    let key = key.trim().to_owned();
    if key.is_empty() {
        return Err(Failure::usage("The key is empty: type it, or pipe it in."));
    }
    let passphrase = if passphrase {
        let from = match &mut secrets {
            Some(from) => from,
            None => secrets.insert(Secrets::open()?),
        };
        let first = from.next("Passphrase for the key file: ")?;
        if first.is_empty() {
            return Err(Failure::usage("The passphrase is empty: choose one."));
        }
        if from.is_prompt() && from.next("The same again: ")? != first {
            return Err(Failure::usage("The two passphrases differ: try again."));
        }
        Some(first)
    } else {
        None
    };
    let storage = match (session, &passphrase) {
        (true, _) => Some(KeyStorage::Session),
        (false, Some(_)) => Some(KeyStorage::PassphraseFile),
        (false, None) => None,
    };
    Ok(KeySetParams { provider, key, storage, passphrase })
}

/// Where secrets come from: a prompt that does not show them, or the lines of standard input.
enum Secrets {
    Prompt,
    Lines(std::vec::IntoIter<String>),
}

impl Secrets {
    fn open() -> Result<Secrets, Failure> {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            return Ok(Secrets::Prompt);
        }
        let mut text = String::new();
        stdin.lock().take(MAX_SECRET_BYTES).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
        Ok(Secrets::Lines(text.lines().map(str::to_owned).collect::<Vec<_>>().into_iter()))
    }

    fn is_prompt(&self) -> bool {
        matches!(self, Secrets::Prompt)
    }

    fn next(&mut self, prompt: &str) -> Result<String, Failure> {
        match self {
            Secrets::Prompt => Ok(rpassword::prompt_password(prompt).map_err(|error| unreadable(&error))?),
            Secrets::Lines(lines) => lines.next().ok_or_else(|| {
                Failure::usage(format!("Standard input ends where {:?} is asked for.", prompt.trim_end_matches(": ")))
            }),
        }
    }
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::new(ErrorCode::BAD_REQUEST, format!("The key cannot be read: {error}."), "Pipe it in as one line of text.")
}

fn print_list(context: &mut Context, list: &KeyList) -> Outcome {
    let out = &mut context.out;
    if out.json {
        for key in &list.keys {
            out.value(key)?;
        }
        return Ok(());
    }
    if list.keys.is_empty() {
        out.line("No keys. `aicib key set` stores one.")?;
    }
    for key in &list.keys {
        out.line(&key_line(key))?;
    }
    out.line(&line(&list.keychain, 400))?;
    Ok(())
}

fn key_line(key: &Key) -> String {
    let place = match key.storage {
        KeyStorage::Keychain => "in the keychain",
        KeyStorage::PassphraseFile => "in the encrypted key file",
        KeyStorage::Session => "in memory until the daemon stops",
    };
    let locked = if key.unlocked { "" } else { ", locked" };
    format!("{}  …{}  {place}{locked}", line(&key.provider, 40), line(&key.hint, 8))
}
