//! How an engine stands on this machine: whether a brief could run on it now, and where not, why.

use contract::{
    ACP_CUSTOM, Confined, EngineInfo, EngineKind, Error, ErrorCode, KeyStorage, Login, Pays, Sandbox, Settings,
    Support, engine_name,
};

use super::address;
use crate::clis::{Cli, Look};

/// What is known of a provider's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyState {
    /// Where it is kept; none where there is no key.
    pub kept: Option<KeyStorage>,
    /// Whether it was in the memory of an earlier daemon, and is gone.
    pub lost: bool,
}

/// An engine as it stands.
#[derive(Clone, Debug)]
pub struct Stand {
    /// The engine.
    pub kind: EngineKind,
    /// Which of the agents that speak ACP; empty for any other engine.
    pub agent: String,
    /// Its name on screen.
    pub label: String,
    /// One line for the screen ("Claude Code 2.1.328 · its own login").
    pub line: String,
    /// The program, where it is one.
    pub look: Option<Look>,
    /// The provider whose key it is to be given; none where it needs none, or pays by its own login.
    pub pays_with: Option<&'static str>,
    /// Why no brief can run on it.
    pub problem: Option<Error>,
    key: KeyState,
}

impl Stand {
    /// Its name in configs.
    pub fn name(&self) -> String {
        engine_name(self.kind, &self.agent)
    }

    /// The stand as clients see it.
    pub fn info(&self, settings: &Settings) -> EngineInfo {
        let found = self.look.as_ref().and_then(Look::found);
        let login = match self.kind.is_program() {
            true => found.map_or(Login::Unknown, |found| found.login),
            false => Login::None,
        };
        let (detail, fix) = match &self.problem {
            Some(problem) => (problem.message.clone(), problem.fix.clone()),
            None => (format!("{}.", self.line), self.advice(settings)),
        };
        EngineInfo {
            engine: self.name(),
            kind: self.kind,
            label: self.label.clone(),
            program: found.map(|found| found.program.display().to_string()),
            version: found.and_then(|found| found.version.clone()),
            support: found.and_then(|found| found.support),
            login,
            key: self.key.kept.is_some() && !self.key.lost,
            pays: pays(settings, &self.name()),
            ready: self.problem.is_none(),
            detail,
            fix,
        }
    }

    /// What could be better about an engine that works.
    pub fn advice(&self, settings: &Settings) -> String {
        let Some(found) = self.look.as_ref().and_then(Look::found) else { return String::new() };
        if found.support == Some(Support::Untested) {
            return "This version was not tried with AICIB; where it misbehaves, install the one that docs/engines.md \
                    names."
                .to_owned();
        }
        if found.login == Login::Unknown && self.pays_with.is_none() && pays(settings, &self.name()) == Pays::Auto {
            return "It does not say whether it is logged in; a trial run shows.".to_owned();
        }
        String::new()
    }
}

/// How an engine is to pay for its calls.
pub fn pays(settings: &Settings, name: &str) -> Pays {
    settings.engine_pays.get(name).copied().unwrap_or_default()
}

/// How an engine stands that we call ourselves.
pub fn of_api(kind: EngineKind, key: KeyState, settings: &Settings) -> Stand {
    let address = address::base_url(kind, settings);
    let here = address.as_deref().is_some_and(address::is_loopback);
    let mut parts = vec![kind.label().to_owned()];
    if kind == EngineKind::OpenaiApi
        && let Some((host, port)) = address.as_deref().and_then(address::host_and_port)
    {
        parts.push(if here { format!("{host}:{port}") } else { host });
    }
    let problem = match kind {
        EngineKind::Practice => None,
        _ if key.lost => Some(lost(kind.label(), kind.provider().unwrap_or_default())),
        EngineKind::OpenaiApi if here => None,
        _ if key.kept.is_none() => Some(no_key(kind.label(), kind.provider().unwrap_or_default())),
        _ => None,
    };
    match (kind, key.kept) {
        (EngineKind::Practice, _) => parts = vec!["Practice: no model, nothing is charged".to_owned()],
        (_, Some(storage)) => parts.push(format!("key {}", place(storage))),
        (_, None) => parts.push("no key".to_owned()),
    }
    Stand {
        kind,
        agent: String::new(),
        label: kind.label().to_owned(),
        line: parts.join(" · "),
        look: None,
        pays_with: kind.provider().filter(|_| key.kept.is_some()),
        problem,
        key,
    }
}

/// How an engine stands whose program we drive. `confined`: how far this machine can confine it.
pub fn of_program(cli: &Cli, look: Look, key: KeyState, settings: &Settings, confined: Confined) -> Stand {
    let name = cli.name();
    let mut stand = Stand {
        kind: cli.kind,
        agent: cli.agent.to_owned(),
        label: cli.label.to_owned(),
        line: cli.label.to_owned(),
        look: None,
        pays_with: None,
        problem: None,
        key,
    };
    let found = match &look {
        Look::Missing(why) => {
            stand.problem = Some(missing(cli, why.as_deref()));
            stand.look = Some(look);
            return stand;
        }
        Look::Found(found) => found,
    };
    if let Some(version) = &found.version {
        stand.line = format!("{} {version}", cli.label);
    }
    let has_key = key.kept.is_some() && cli.provider.is_some();
    let by_key = match pays(settings, &name) {
        Pays::Key => true,
        Pays::Login => false,
        Pays::Auto => has_key && found.login != Login::In,
    };
    stand.pays_with = cli.provider.filter(|_| by_key);
    let paid = match (by_key, key.kept, found.login) {
        (true, Some(storage), _) => format!("your key {}", place(storage)),
        (_, _, Login::In) => "its own login".to_owned(),
        _ => "as it is set up".to_owned(),
    };
    stand.line = format!("{} · {paid}", stand.line);
    stand.problem = if settings.sandbox == Sandbox::Required && confined == Confined::No {
        Some(Error::new(
            ErrorCode::SANDBOX_UNAVAILABLE,
            format!("{} must be confined, as the settings say, and this system cannot.", cli.label),
            "Run `aicib doctor`: it says what is missing. To work without: `aicib settings set sandbox auto`, or in \
             Settings.",
        ))
    } else if let Some(fault) = &found.fault {
        Some(Error::new(
            ErrorCode::ENGINE_UNSUPPORTED,
            format!(
                "{} does not start: {} was asked for its version, and {fault}.",
                cli.label,
                found.program.display()
            ),
            match settings.engine_programs.contains_key(&name) {
                true => cli.mend_path(),
                false => format!("Run it in a terminal to see why. {}", cli.install()),
            },
        ))
    } else if found.support == Some(Support::TooOld) {
        Some(Error::new(
            ErrorCode::ENGINE_UNSUPPORTED,
            format!("{} {} is too old.", cli.label, found.version.as_deref().unwrap_or_default()),
            format!("Update it: `npm install -g {}@latest`, or the way you installed it.", cli.npm),
        ))
    } else if by_key && cli.provider.is_none() {
        Some(Error::new(
            ErrorCode::KEY_MISSING,
            format!("{} is to pay with a key of yours, and none that AICIB keeps is for it.", cli.label),
            format!("Let it pay by its own login: set engine_pays for {name} to login in Settings."),
        ))
    } else if by_key && key.lost {
        Some(lost(cli.label, cli.provider.unwrap_or_default()))
    } else if by_key && key.kept.is_none() {
        Some(no_key(cli.label, cli.provider.unwrap_or_default()))
    } else if !by_key && found.login == Login::Out {
        Some(Error::new(ErrorCode::ENGINE_LOGIN, format!("{} is not logged in.", cli.label), cli.log_in))
    } else {
        None
    };
    stand.look = Some(look);
    stand
}

fn missing(cli: &Cli, why: Option<&str>) -> Error {
    let what = match (why, cli.agent) {
        (Some(why), _) => format!("{} is not to be found: {why}.", cli.label),
        (None, ACP_CUSTOM) => "No command is set for the custom ACP agent.".to_owned(),
        (None, _) => format!("{} is not on this machine.", cli.label),
    };
    let fix = match why {
        Some(_) if cli.agent != ACP_CUSTOM => cli.mend_path(),
        _ => cli.install(),
    };
    Error::new(ErrorCode::ENGINE_NOT_FOUND, what, fix)
}

fn lost(label: &str, provider: &str) -> Error {
    let whose = match provider {
        "anthropic" => "the Anthropic API",
        "openai" => "the OpenAI-compatible API",
        _ => label,
    };
    Error::new(
        ErrorCode::KEY_MISSING,
        format!("The key for {whose} was kept in memory, and the daemon was started anew since."),
        format!("Store it again with `aicib key set {provider}`, or forget it with `aicib key remove {provider}`."),
    )
}

fn no_key(label: &str, provider: &str) -> Error {
    let who = if label.ends_with("API") { format!("The {label}") } else { label.to_owned() };
    Error::new(
        ErrorCode::KEY_MISSING,
        format!("{who} needs a key, and none is stored."),
        format!(
            "Store one with `aicib key set {provider}` or in Settings, or use practice: `aicib config set engines.use \
             practice`."
        ),
    )
}

/// Where a key is, to stand after it.
pub fn place(storage: KeyStorage) -> &'static str {
    match storage {
        KeyStorage::Keychain => "in keychain",
        KeyStorage::PassphraseFile => "in a file with a passphrase",
        KeyStorage::Session => "in memory until the daemon stops",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clis::{self, Found};

    const NONE: KeyState = KeyState { kept: None, lost: false };
    const KEPT: KeyState = KeyState { kept: Some(KeyStorage::Keychain), lost: false };

    fn found(version: &str, login: Login) -> Look {
        let support = clis::of("claude-code").unwrap().support(version);
        let (version, program) = (Some(version.to_owned()), "/usr/bin/claude".into());
        Look::Found(Found { program, args: Vec::new(), version, support, login, fault: None })
    }

    fn claude(look: Look, key: KeyState, pays: Pays) -> Stand {
        let settings = Settings { engine_pays: [("claude-code".to_owned(), pays)].into(), ..Settings::default() };
        of_program(&clis::of("claude-code").unwrap(), look, key, &settings, Confined::Full)
    }

    fn code(stand: &Stand) -> Option<ErrorCode> {
        stand.problem.as_ref().map(|problem| problem.code.clone())
    }

    #[test]
    fn a_program_pays_by_its_own_login_where_it_has_one() {
        let stand = claude(found("2.1.328", Login::In), KEPT, Pays::Auto);
        assert_eq!((stand.pays_with, code(&stand)), (None, None));
        assert_eq!(stand.line, "Claude Code 2.1.328 · its own login");
        let stand = claude(found("2.1.328", Login::In), KEPT, Pays::Key);
        assert_eq!((stand.pays_with, code(&stand)), (Some("anthropic"), None));
        assert_eq!(stand.line, "Claude Code 2.1.328 · your key in keychain");
        let stand = claude(found("2.1.328", Login::Out), KEPT, Pays::Auto);
        assert_eq!((stand.pays_with, code(&stand)), (Some("anthropic"), None));
        let stand = claude(found("2.1.328", Login::Unknown), NONE, Pays::Auto);
        assert_eq!((stand.pays_with, code(&stand)), (None, None));
        assert!(stand.info(&Settings::default()).fix.contains("trial"));
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let out = claude(found("2.1.328", Login::Out), NONE, Pays::Auto);
        assert_eq!(code(&out), Some(ErrorCode::ENGINE_LOGIN));
        assert!(out.info(&Settings::default()).fix.contains("claude auth login"));
        let login = claude(found("2.1.328", Login::Out), KEPT, Pays::Login);
        assert_eq!(code(&login), Some(ErrorCode::ENGINE_LOGIN), "the key is not to be used");
        assert_eq!(code(&claude(found("2.1.328", Login::In), NONE, Pays::Key)), Some(ErrorCode::KEY_MISSING));
        assert_eq!(code(&claude(found("1.0.0", Login::In), NONE, Pays::Auto)), Some(ErrorCode::ENGINE_UNSUPPORTED));
        let lost = KeyState { kept: Some(KeyStorage::Session), lost: true };
        assert_eq!(code(&claude(found("2.1.328", Login::Out), lost, Pays::Auto)), Some(ErrorCode::KEY_MISSING));
        let gone = claude(Look::Missing(None), NONE, Pays::Auto);
        assert_eq!(code(&gone), Some(ErrorCode::ENGINE_NOT_FOUND));
        let info = gone.info(&Settings::default());
        assert!(!info.ready && info.fix.contains("npm install -g @anthropic-ai/claude-code"), "{info:?}");
        let broken =
            Found { fault: Some("it does not say".into()), ..found("2.1.328", Login::In).found().unwrap().clone() };
        assert_eq!(code(&claude(Look::Found(broken), NONE, Pays::Auto)), Some(ErrorCode::ENGINE_UNSUPPORTED));
    }

    #[test]
    fn what_must_be_confined_is_not_started_where_it_cannot_be() {
        let settings = Settings { sandbox: Sandbox::Required, ..Settings::default() };
        let cli = clis::of("claude-code").unwrap();
        let stand = |confined| of_program(&cli, found("2.1.328", Login::In), NONE, &settings, confined);
        assert_eq!(code(&stand(Confined::No)), Some(ErrorCode::SANDBOX_UNAVAILABLE));
        assert_eq!(code(&stand(Confined::Partly)), None);
    }

    #[test]
    fn an_api_on_this_machine_needs_no_key() {
        let at = |url: &str| Settings { openai_base_url: url.into(), ..Settings::default() };
        let here = of_api(EngineKind::OpenaiApi, NONE, &at("http://127.0.0.1:11434/v1"));
        assert_eq!((code(&here), here.pays_with), (None, None));
        assert_eq!(here.line, "OpenAI-compatible API · 127.0.0.1:11434 · no key");
        let away = of_api(EngineKind::OpenaiApi, NONE, &at("https://openrouter.ai/api/v1"));
        assert_eq!(code(&away), Some(ErrorCode::KEY_MISSING));
        let with = of_api(EngineKind::OpenaiApi, KEPT, &at("https://openrouter.ai/api/v1"));
        assert_eq!((code(&with), with.pays_with), (None, Some("openai")));
        assert_eq!(with.line, "OpenAI-compatible API · openrouter.ai · key in keychain");
        let anthropic = of_api(EngineKind::AnthropicApi, KEPT, &Settings::default());
        assert_eq!(anthropic.line, "Anthropic API · key in keychain");
    }
}
