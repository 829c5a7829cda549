//! The command line, read as the programs read theirs: long options with a value, and none that nobody knows.

use std::collections::HashMap;

/// What an own login is given by: in place of the file that a program keeps it in.
const OWN: &[&str] = &["--own-base-url", "--own-key"];

/// The arguments.
#[derive(Default)]
pub struct Options {
    args: Vec<String>,
}

impl Options {
    pub fn new(args: Vec<String>) -> Options {
        Options { args }
    }

    /// Whether it is there.
    pub fn has(&self, name: &str) -> bool {
        self.args.iter().any(|arg| arg == name)
    }

    /// The value of an option; of several, the last.
    pub fn value(&self, name: &str) -> Option<&str> {
        let inline = format!("{name}=");
        let at = self.args.iter().rposition(|arg| arg == name || arg.starts_with(&inline))?;
        self.args[at].strip_prefix(&inline).or_else(|| self.args.get(at + 1).map(String::as_str))
    }

    /// All values of an option that may be given again.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let at = self.args.iter().enumerate().filter(|(_, arg)| *arg == name);
        at.filter_map(|(at, _)| self.args.get(at + 1)).map(String::as_str).collect()
    }

    /// Values of `-c key=value`, quotes of TOML strings taken off.
    pub fn overrides(&self) -> HashMap<String, String> {
        let pairs = [self.values("-c"), self.values("--config")].concat();
        let pairs = pairs.into_iter().filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().trim_matches('"').to_owned())).collect()
    }

    /// The provider and the key of the program's own login, where the test gave it one.
    pub fn own_login(&self) -> Option<(String, String)> {
        Some((self.value(OWN[0])?.to_owned(), self.value(OWN[1])?.to_owned()))
    }

    /// The first option that is none of these.
    pub fn stranger(&self, known: &[&str]) -> Option<&str> {
        let names = self.args.iter().filter(|arg| arg.len() > 2 && arg.starts_with("--"));
        let mut names = names.map(|arg| arg.split('=').next().unwrap_or_default());
        names.find(|name| !known.contains(name) && !OWN.contains(name) && *name != "--")
    }
}
