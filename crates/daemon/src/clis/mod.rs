//! The programs of engines on this machine: where they are, which versions, whether they are logged in.
//!
//! A look costs a few processes, so what was found is remembered: as long as its file is the same one, until somebody
//! asks anew (the doctor, the list of engines); what was not there, or not logged in, for a moment only, since that is
//! what people mend.

mod ask;
mod known;
mod login;
mod places;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use contract::{EngineKind, Login, Settings, Support};
use serde_json::Value;

pub use known::{Cli, all, of};

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what was found is believed, and how long that something is missing.
const BELIEVED: Duration = Duration::from_secs(10 * 60);
const DOUBTED: Duration = Duration::from_secs(5);
/// Characters of a version, at most.
const VERSION_CHARS: usize = 40;
/// Bytes of a package's description, at most.
const PACKAGE_BYTES: u64 = 256 * 1024;
/// Folders above a program in which its package may be described.
const PACKAGE_DEPTH: usize = 6;

/// A program that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The file, absolute: the program itself, where what is in the PATH is npm's wrapper around it.
    pub program: PathBuf,
    /// What it is started with, before what the engine adds: the rest of the founder's own command.
    pub args: Vec<String>,
    /// Its version.
    pub version: Option<String>,
    /// What we know of that version.
    pub support: Option<Support>,
    /// Whether it is logged in.
    pub login: Login,
    /// Why it does not start, as a clause.
    pub fault: Option<String>,
}

/// What a look for a program came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// It is there.
    Found(Found),
    /// It is not; where the founder has named a place or a command, what is wrong with it.
    Missing(Option<String>),
}

impl Look {
    /// The program, where it is there.
    pub fn found(&self) -> Option<&Found> {
        match self {
            Look::Found(found) => Some(found),
            Look::Missing(_) => None,
        }
    }
}

/// What is known of the programs on this machine.
#[derive(Default)]
pub struct Clis {
    looks: Mutex<HashMap<String, Remembered>>,
    login_path: tokio::sync::Mutex<Option<Result<OsString, String>>>,
    ready: Mutex<Vec<String>>,
}

struct Remembered {
    look: Look,
    at: Instant,
    /// What the founder said of it then.
    said: (Option<String>, String),
    /// The file as it was.
    stamp: Option<(SystemTime, u64)>,
}

impl Clis {
    /// Looks for a program, or remembers.
    pub async fn look(&self, cli: &Cli, settings: &Settings) -> Look {
        let said = (settings.engine_programs.get(&cli.name()).cloned(), settings.acp_command.clone());
        if let Some(known) = lock(&self.looks).get(&cli.name()).filter(|known| known.holds(&said)) {
            return known.look.clone();
        }
        let look = self.find(cli, settings).await;
        let stamp = look.found().and_then(|found| stamp(&found.program));
        let remembered = Remembered { look: look.clone(), at: Instant::now(), said, stamp };
        lock(&self.looks).insert(cli.name(), remembered);
        look
    }

    /// Forgets what was found, and with `shell` what the login shell said.
    pub async fn forget(&self, shell: bool) {
        lock(&self.looks).clear();
        if shell {
            *self.login_path.lock().await = None;
        }
    }

    /// Whether other engines are ready than when this was last asked.
    pub fn is_news(&self, ready: Vec<String>) -> bool {
        let mut known = lock(&self.ready);
        let news = *known != ready;
        *known = ready;
        news
    }

    /// The folders in which programs are looked for and started, as a PATH: the login shell's, ours, and those where
    /// people install such programs.
    pub async fn path(&self) -> OsString {
        let login = self.login_path().await.ok();
        let ours = std::env::var_os("PATH");
        let well_known = tokio::task::spawn_blocking(|| {
            places::well_known(std::env::home_dir().as_deref(), |name| std::env::var_os(name))
        });
        // A look that panicked found nothing.
        let well_known = well_known.await.unwrap_or_default();
        // A company's folder names no program.
        process::trusted_path(&joined([login, ours].into_iter().flatten(), well_known))
    }

    /// The PATH of a login shell, asked once.
    ///
    /// # Errors
    /// Why it is not known, as a clause.
    pub async fn login_path(&self) -> Result<OsString, String> {
        let mut known = self.login_path.lock().await;
        match &*known {
            Some(path) => path.clone(),
            None => {
                let path = places::login_path().await;
                if let Err(error) = &path {
                    tracing::info!(error, "the login shell's PATH is not known");
                }
                known.insert(path).clone()
            }
        }
    }

    async fn find(&self, cli: &Cli, settings: &Settings) -> Look {
        let path = self.path().await;
        let place = match place(cli, settings, &path) {
            Ok(place) => place,
            Err(why) => return Look::Missing(why),
        };
        let (program, args) = place;
        let (version, fault) = match package_version(cli, &program) {
            None if cli.says_version => {
                match ask::ask(&program, &["--version"], &with_own(&program, &path), PATIENCE).await {
                    Ok(answer) => match version_in(&answer.stdout) {
                        Some(version) => (Some(version), None),
                        None => (None, Some("it does not say its version".to_owned())),
                    },
                    Err(error) => (None, Some(error)),
                }
            }
            version => (version, None),
        };
        let support = version.as_deref().and_then(|version| cli.support(version));
        let inner = inner(cli, &program, settings, &path);
        let home = std::env::home_dir();
        let login = login::of(cli.kind, cli.agent, inner.as_deref(), &path, home.as_deref()).await;
        Look::Found(Found { program, args, version, support, login, fault })
    }
}

impl Remembered {
    fn holds(&self, said: &(Option<String>, String)) -> bool {
        let found = self.look.found();
        let is_same = found.is_none_or(|found| stamp(&found.program) == self.stamp);
        let is_sure = found.is_some_and(|found| found.fault.is_none() && found.login != Login::Out);
        self.said == *said && is_same && self.at.elapsed() < if is_sure { BELIEVED } else { DOUBTED }
    }
}

/// The program and what it is started with: where the founder says, else where it is found.
fn place(cli: &Cli, settings: &Settings, path: &OsStr) -> Result<(PathBuf, Vec<String>), Option<String>> {
    if cli.programs.is_empty() {
        let words = command_words(&settings.acp_command).map_err(Some)?;
        let Some((program, args)) = words.split_first() else { return Err(None) };
        let file = match Path::new(program).is_absolute() {
            true => Some(PathBuf::from(program)).filter(|file| places::can_start(file)),
            false => places::find(&[program], path),
        };
        return match file {
            Some(file) => Ok((file, args.to_vec())),
            None => {
                Err(Some(format!("{} cannot be started: there is no such program", contract::one_line(program, 200))))
            }
        };
    }
    if let Some(named) = settings.engine_programs.get(&cli.name()).filter(|named| !named.is_empty()) {
        let file = PathBuf::from(named);
        return match places::can_start(&file) {
            true => Ok((places::native(&file), Vec::new())),
            false => Err(Some(format!("the settings name {named}, which is no program that can be started"))),
        };
    }
    match places::find(cli.programs, path) {
        Some(file) => Ok((places::native(&file), Vec::new())),
        None => Err(None),
    }
}

/// The program whose login an adapter uses; else the program itself.
fn inner(cli: &Cli, program: &Path, settings: &Settings, path: &OsStr) -> Option<PathBuf> {
    let name = match (cli.kind.is_program(), cli.agent) {
        (true, "claude") => "claude-code",
        (true, "codex") => "codex",
        _ => return Some(program.to_owned()),
    };
    place(&of(name)?, settings, path).ok().map(|(program, _)| program)
}

/// The words of the founder's own command.
///
/// # Errors
/// What is wrong with it, as a clause.
pub fn command_words(command: &str) -> Result<Vec<String>, String> {
    shlex::split(command).ok_or_else(|| "the command in the settings does not read: a quote is open".to_owned())
}

/// The PATH with the folder of a program before it: a script of npm's is run by the Node beside it.
pub fn with_own(program: &Path, path: &OsStr) -> OsString {
    let Some(own) = program.parent().filter(|own| own.is_absolute()) else { return path.to_owned() };
    joined([own.as_os_str().to_owned(), path.to_owned()], [])
}

/// One PATH of several, and folders behind it; each folder once.
fn joined(paths: impl IntoIterator<Item = OsString>, dirs: impl IntoIterator<Item = PathBuf>) -> OsString {
    let mut all: Vec<PathBuf> = Vec::new();
    let listed = paths.into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    for dir in listed.chain(dirs) {
        if dir.is_absolute() && !all.contains(&dir) {
            all.push(dir);
        }
    }
    // A folder with a colon in its name cannot be in a PATH.
    std::env::join_paths(all.iter().filter(|dir| std::env::join_paths([dir]).is_ok())).unwrap_or_default()
}

/// The first word of a text that is a version.
fn version_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ','));
    let mut bare = words.map(|word| word.trim_start_matches('v'));
    let found = bare.find(|word| word.len() <= VERSION_CHARS && semver::Version::parse(word).is_ok());
    found.map(str::to_owned)
}

/// The version of the package that an agent lies in. To ask some of them takes a second, and leaves files behind.
fn package_version(cli: &Cli, program: &Path) -> Option<String> {
    if cli.kind != EngineKind::Acp || cli.npm.is_empty() {
        return None;
    }
    let real = program.canonicalize().ok()?;
    let files = real.ancestors().skip(1).take(PACKAGE_DEPTH).map(|dir| dir.join("package.json"));
    let mut small = files.filter(|file| std::fs::metadata(file).is_ok_and(|meta| meta.len() <= PACKAGE_BYTES));
    let described: Value = serde_json::from_slice(&std::fs::read(small.next()?).ok()?).ok()?;
    let name = described["name"].as_str()?;
    // A native program's package is named after its system as well (`opencode-linux-x64`).
    let is_its = name == cli.npm || name.starts_with(&format!("{}-", cli.agent));
    version_in(described["version"].as_str().filter(|_| is_its)?)
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(file: &Path, script: &str) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn named(name: &str, file: &Path) -> Settings {
        let programs = [(name.to_owned(), file.display().to_string())];
        Settings { engine_programs: programs.into(), ..Settings::default() }
    }

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(version_in("2.1.328 (Claude Code)\n").as_deref(), Some("2.1.328"));
        assert_eq!(version_in("warning: x\ncodex-cli 0.169.0").as_deref(), Some("0.169.0"));
        assert_eq!(version_in("v1.18.33").as_deref(), Some("1.18.33"));
        assert_eq!(version_in("Claude Code, version two"), None);
    }

    #[tokio::test]
    async fn a_program_in_a_companys_folder_is_not_found() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("node_modules/.bin");
        program(&bin.join("claude"), "echo '2.1.400 (Claude Code)'");
        let clis = Clis::default();
        *clis.login_path.lock().await = Some(Ok(bin.clone().into_os_string()));
        assert!(std::env::split_paths(&clis.path().await).any(|dir| dir == bin));
        std::fs::write(dir.path().join("aicib.config.yaml"), "").unwrap();
        assert!(!std::env::split_paths(&clis.path().await).any(|dir| dir == bin));
    }

    #[tokio::test]
    async fn the_place_that_the_founder_names_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("my claude");
        program(&file, "echo '2.1.400 (Claude Code)'");
        let (clis, cli) = (Clis::default(), of("claude-code").unwrap());
        let look = clis.look(&cli, &named("claude-code", &file)).await;
        let found = look.found().unwrap();
        assert_eq!((&found.program, found.version.as_deref()), (&file, Some("2.1.400")));
        assert_eq!((found.support, &found.fault), (Some(Support::Tested), &None));
        let gone = named("claude-code", &dir.path().join("gone"));
        let Look::Missing(Some(why)) = clis.look(&cli, &gone).await else { panic!("it is not there") };
        assert!(why.contains("gone"), "{why}");
    }

    #[tokio::test]
    async fn another_file_in_its_place_is_looked_at_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("codex");
        let (clis, cli, settings) = (Clis::default(), of("codex").unwrap(), named("codex", &file));
        let version = async || clis.look(&cli, &settings).await.found().and_then(|found| found.version.clone());
        assert_eq!(version().await, None);
        clis.forget(false).await;
        program(&file, "echo codex-cli 0.160.0");
        clis.forget(false).await;
        assert_eq!(version().await.as_deref(), Some("0.160.0"));
        program(&file, "echo codex-cli 0.169.0 # updated");
        assert_eq!(version().await.as_deref(), Some("0.169.0"));
    }

    #[tokio::test]
    async fn a_program_that_does_not_start_is_there_with_its_fault() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gemini");
        program(&file, "echo broken; exit 1");
        let look = Clis::default().look(&of("acp:gemini").unwrap(), &named("acp:gemini", &file)).await;
        let found = look.found().unwrap();
        assert_eq!((&found.version, found.args.as_slice()), (&None, [].as_slice()));
        assert!(found.fault.as_ref().unwrap().contains("version"), "{:?}", found.fault);
    }

    #[tokio::test]
    async fn the_founders_own_command_is_split_as_a_shell_does() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("my agent");
        program(&file, "true");
        let settings = |command: String| Settings { acp_command: command, ..Settings::default() };
        let (clis, cli) = (Clis::default(), of("acp:custom").unwrap());
        let look = clis.look(&cli, &settings(format!("'{}' --acp 'a b'", file.display()))).await;
        let found = look.found().unwrap();
        assert_eq!((&found.program, found.args.as_slice()), (&file, ["--acp".to_owned(), "a b".to_owned()].as_slice()));
        assert_eq!(clis.look(&cli, &settings(String::new())).await, Look::Missing(None));
        assert!(matches!(clis.look(&cli, &settings("'open".into())).await, Look::Missing(Some(_))));
        let none = clis.look(&cli, &settings("no-such-agent-here --acp".into())).await;
        assert!(matches!(none, Look::Missing(Some(why)) if why.contains("no-such-agent-here")));
    }

    #[test]
    fn an_adapters_version_is_its_packages() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pkg/dist/index.js");
        program(&file, "exit 9");
        let package = |name: &str| {
            let text = format!(r#"{{"name": "{name}", "version": "0.49.0"}}"#);
            std::fs::write(dir.path().join("pkg/package.json"), text).unwrap();
        };
        let version = |name: &str| package_version(&of(name).unwrap(), &file);
        package("@agentclientprotocol/claude-agent-acp");
        assert_eq!(version("acp:claude").as_deref(), Some("0.49.0"));
        assert_eq!((version("acp:gemini"), version("claude-code"), version("acp:custom")), (None, None, None));
        package("opencode-linux-x64");
        assert_eq!(version("acp:opencode").as_deref(), Some("0.49.0"));
    }

    #[test]
    fn a_path_names_each_folder_once() {
        let path = joined(["/a:/b:relative".into(), "/b:/c".into()], ["/a".into(), "/d".into()]);
        assert_eq!(path, OsString::from("/a:/b:/c:/d"));
        assert_eq!(with_own(Path::new("/x/node/bin/gemini"), OsStr::new("/a")), OsString::from("/x/node/bin:/a"));
    }
}
