//! Looks at all that could be wrong, and says of each what to do.

use std::time::Duration;

use contract::{
    ACP_CUSTOM, Check, CheckStatus, Confined, Confinement, DoctorReport, EngineKind, ErrorCode, Sandbox, one_line,
};
use store::CompanyRow;
use tokio::net::TcpStream;

use crate::app::App;
use crate::engines::{Ground, address};
use crate::{companies, engines};

/// How long a look at the network may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Where the Anthropic API is by default.
const ANTHROPIC: (&str, u16) = ("api.anthropic.com", 443);
/// Where OpenAI's is.
const OPENAI: (&str, u16) = ("api.openai.com", 443);
/// Free space below which a home is in danger, in bytes.
const LOW_SPACE: u64 = 500 * 1024 * 1024;

/// Companies that are looked at, at most: those used last.
const MAX_COMPANIES: usize = 5;
/// Characters of a system service's own words.
const REASON_CHARS: usize = 200;
/// Characters of a company's name.
const NAME_CHARS: usize = 40;

/// Looks at everything.
pub async fn run(app: &App) -> DoctorReport {
    // It is asked after something was mended.
    app.clis.forget(true).await;
    let (keychain, key) = tokio::join!(keychain(app), key(app));
    let mut checks = vec![daemon(app), database(app).await, home(app), keychain, key];
    let ground = match Ground::read(app).await {
        Ok(ground) => ground,
        // What the database has to say stands in its own check.
        Err(error) => {
            checks.push(fault("Engines", error.message, &error.fix));
            return DoctorReport { checks };
        }
    };
    let (providers, programs, notifications, tray) =
        tokio::join!(providers(&ground), programs(app, &ground), notifications(), tray());
    checks.extend(providers);
    checks.extend(programs);
    checks.extend([sandbox(&ground), notifications, tray]);
    checks.extend(companies(app).await);
    DoctorReport { checks }
}

/// The companies that were used last: their files, and whether they have an engine.
async fn companies(app: &App) -> Vec<Check> {
    let rows = match app.store.read(|db| db.companies()).await {
        Ok(rows) => rows,
        // What the database has to say stands in its own check.
        Err(_) => return Vec::new(),
    };
    let mut checks = Vec::new();
    for row in rows.into_iter().take(MAX_COMPANIES) {
        checks.push(company(app, &row).await);
    }
    checks
}

async fn company(app: &App, row: &CompanyRow) -> Check {
    let name = format!("Company {}", one_line(&row.name, NAME_CHARS));
    let loaded = match companies::load(row).await {
        Ok(loaded) => loaded,
        Err(error) => return fault(&name, error.message, &error.fix),
    };
    if let Err(error) = loaded.ceo() {
        return fault(&name, error.message, &error.fix);
    }
    match engines::choose(app, &loaded, company::CEO).await {
        Ok(choice) => {
            if let Some(problem) = choice.problem {
                return fault(&name, problem.message, &problem.fix);
            }
            match loaded.problems().as_slice() {
                [] => ok(&name, format!("{}: {} agents, {}.", row.dir, loaded.team().count(), choice.label)),
                problems => warning(&name, problems.join(" "), "`aicib config validate` in its folder says it again."),
            }
        }
        Err(error) => fault(&name, error.message, &error.fix),
    }
}

fn daemon(app: &App) -> Check {
    let pid = std::process::id();
    ok("Daemon", format!("Version {}, process {pid}, home {}.", env!("CARGO_PKG_VERSION"), app.home.root().display()))
}

async fn database(app: &App) -> Check {
    match app.store.read(|db| db.last_seq()).await {
        Ok(_) if !app.repaired.is_empty() => warning(
            "Database",
            app.repaired.clone(),
            "Look at your last jobs. The damaged file is kept beside the database, as the last three of them are.",
        ),
        Ok(seq) => ok("Database", format!("{seq} events, {}.", size(app.store.size_bytes()))),
        Err(error) => fault("Database", error.to_string(), "The last copies are in the home's `backups` folder."),
    }
}

fn size(bytes: i64) -> String {
    match bytes / 1024 {
        kilobytes @ ..1024 => format!("{kilobytes} KB"),
        kilobytes => format!("{} MB", kilobytes / 1024),
    }
}

fn home(app: &App) -> Check {
    match process::free_space(app.home.root()) {
        Ok(free) if free < LOW_SPACE => warning(
            "Disk",
            format!("{} MB are free where AICIB keeps its data.", free / 1024 / 1024),
            "Make room: a full disk stops every run.",
        ),
        Ok(free) => ok("Disk", format!("{} GB are free.", free / 1024 / 1024 / 1024)),
        Err(error) => warning("Disk", format!("Its free space cannot be read: {error}."), ""),
    }
}

async fn keychain(app: &App) -> Check {
    match app.secrets.keychain().await {
        Ok(()) => ok("Keychain", "There and open.".into()),
        Err(error) if error.code == ErrorCode::KEYCHAIN_LOCKED => warning("Keychain", error.message, &error.fix),
        Err(error) => warning("Keychain", error.message, &error.fix),
    }
}

async fn key(app: &App) -> Check {
    for provider in crate::secrets::PROVIDERS {
        if app.secrets.is_lost(provider).await.unwrap_or_default() {
            return warning(
                "Keys",
                format!("The one for {provider} was kept in memory, and the daemon was started anew since."),
                &format!(
                    "Store it again with `aicib key set {provider}`, or forget it with `aicib key remove {provider}`."
                ),
            );
        }
    }
    match app.secrets.list().await {
        Ok(keys) if keys.is_empty() => warning(
            "Keys",
            "None is stored: briefs run in practice, or on a program with a login of its own.".into(),
            "Store one with `aicib key set anthropic` to work with a real model.",
        ),
        Ok(keys) => match keys.iter().find(|key| !key.unlocked) {
            Some(key) => warning(
                "Keys",
                format!("The key for {} is locked.", key.provider),
                "Unlock the keychain, or run `aicib key unlock`.",
            ),
            None => ok("Keys", format!("{} stored and readable.", keys.len())),
        },
        Err(error) => fault("Keys", error.message, &error.fix),
    }
}

/// Whether the providers can be reached whose keys are stored, or whose address is set. Nothing is sent.
async fn providers(ground: &Ground) -> Vec<Check> {
    let set = |kind: EngineKind| address::base_url(kind, &ground.settings);
    let mut looks = vec![provider("Anthropic API", set(EngineKind::AnthropicApi), ANTHROPIC)];
    let openai = set(EngineKind::OpenaiApi);
    if openai.is_some() || ground.key(EngineKind::OpenaiApi.provider()).kept.is_some() {
        looks.push(provider(EngineKind::OpenaiApi.label(), openai, OPENAI));
    }
    futures_util::future::join_all(looks).await
}

async fn provider(name: &'static str, set: Option<String>, usual: (&'static str, u16)) -> Check {
    let address = match set {
        Some(url) => address::host_and_port(&url),
        None => Some((usual.0.to_owned(), usual.1)),
    };
    let Some((host, port)) = address else {
        return fault(name, "Its address in the settings does not read.".into(), "Correct it in Settings.");
    };
    match tokio::time::timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => ok(name, format!("{host} answers.")),
        Ok(Err(error)) => {
            warning(name, format!("{host} cannot be reached: {error}."), "Check the network; practice works without.")
        }
        Err(_) => warning(name, format!("{host} does not answer."), "Check the network; practice works without."),
    }
}

/// The programs of engines. One that is not here is a fault only where somebody has named it.
async fn programs(app: &App, ground: &Ground) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut absent = Vec::new();
    if let Err(why) = app.clis.login_path().await {
        checks.push(warning(
            "Login shell",
            format!("Its PATH is not known ({why}): programs are looked for in the usual folders."),
            "Name the place of a program that is not found in Settings, under Engines.",
        ));
    }
    for stand in ground.all(&app.clis).await.into_iter().filter(|stand| stand.kind.is_program()) {
        let is_named = ground.settings.engine_programs.contains_key(&stand.name())
            || (stand.agent == ACP_CUSTOM && !ground.settings.acp_command.is_empty());
        let info = stand.info(&ground.settings);
        let is_missing = stand.problem.as_ref().is_some_and(|problem| problem.code == ErrorCode::ENGINE_NOT_FOUND);
        if !is_named && stand.agent == ACP_CUSTOM {
            continue;
        }
        // Nobody needs all of them.
        if !is_named && is_missing {
            absent.push(info.label);
            continue;
        }
        let detail = match info.program {
            Some(program) => format!("{} {program}", info.detail),
            None => info.detail,
        };
        let status = match stand.problem {
            None if info.fix.is_empty() => CheckStatus::Ok,
            Some(_) if is_missing => CheckStatus::Fault,
            _ => CheckStatus::Warning,
        };
        checks.push(Check { name: info.label, status, detail, fix: info.fix });
    }
    if !absent.is_empty() {
        let detail = format!(
            "Not on this machine, and needed only where a company uses them: {}. `aicib engines` says how to get them.",
            absent.join(", ")
        );
        checks.push(ok("Other agents", detail));
    }
    checks
}

fn sandbox(ground: &Ground) -> Check {
    let Confinement { level, detail, fix } = engines::confinement(&ground.settings);
    let status = match (level, ground.settings.sandbox) {
        (Confined::Full, _) => CheckStatus::Ok,
        (Confined::No, Sandbox::Required) => CheckStatus::Fault,
        _ => CheckStatus::Warning,
    };
    Check { name: "Sandbox".into(), status, detail, fix }
}

/// Whether a tray icon would be seen.
async fn tray() -> Check {
    match toast::tray().await {
        Ok(Some(true)) => ok("Tray", "There is a place for AICIB's icon.".into()),
        Ok(Some(false)) => warning(
            "Tray",
            "Your desktop shows no tray icons: closing the window would leave AICIB out of sight.".into(),
            "Switch on your desktop's tray or install its extension (on GNOME: AppIndicator); `aicib` works without.",
        ),
        Ok(None) => ok("Tray", "On this system it is always there.".into()),
        Err(toast::ToastError::NoBus(_)) => warning(
            "Tray",
            "Whether tray icons are shown is not known: there is no session bus.".into(),
            "Start AICIB from your desktop's session.",
        ),
        Err(error) => warning(
            "Tray",
            format!("Whether tray icons are shown is not known: {}.", one_line(&error.to_string(), REASON_CHARS)),
            "",
        ),
    }
}

async fn notifications() -> Check {
    match toast::available().await {
        Ok(server) => ok("Notifications", format!("{server} shows them.")),
        Err(error) => warning(
            "Notifications",
            format!("Nobody shows them: {}.", one_line(&error.to_string(), REASON_CHARS)),
            "Start your desktop's notification service; results are on the Desk meanwhile.",
        ),
    }
}

fn ok(name: &str, detail: String) -> Check {
    Check { name: name.into(), status: CheckStatus::Ok, detail, fix: String::new() }
}

fn warning(name: &str, detail: String, fix: &str) -> Check {
    Check { name: name.into(), status: CheckStatus::Warning, detail, fix: fix.into() }
}

fn fault(name: &str, detail: String, fix: &str) -> Check {
    Check { name: name.into(), status: CheckStatus::Fault, detail, fix: fix.into() }
}
