//! Looks at all that could be wrong, and says of each what to do.

use std::time::Duration;

use contract::{Check, CheckStatus, DoctorReport, EngineKind, ErrorCode, one_line};
use store::CompanyRow;
use tokio::net::TcpStream;

use crate::app::App;
use crate::{companies, engines};

/// How long a look at the network may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Where the Anthropic API is by default.
const ANTHROPIC: (&str, u16) = ("api.anthropic.com", 443);
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
    let (keychain, key, provider) = tokio::join!(keychain(app), key(app), provider(app));
    let mut checks = vec![daemon(app), database(app).await, home(app), keychain, key, provider, notifications().await];
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
    match engines::choose(app, &loaded.config.engine).await {
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
    if app.secrets.is_lost("anthropic").await.unwrap_or_default() {
        return warning(
            "Keys",
            "The one for anthropic was kept in memory, and the daemon was started anew since.".into(),
            "Store it again with `aicib key set anthropic`, or forget it with `aicib key remove anthropic`.",
        );
    }
    match app.secrets.list().await {
        Ok(keys) if keys.is_empty() => warning(
            "Keys",
            "None is stored: briefs run in practice.".into(),
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

/// Whether the provider can be reached. Nothing is sent.
async fn provider(app: &App) -> Check {
    const NAME: &str = "Anthropic API";
    let settings = match app.settings().await {
        Ok(settings) => settings,
        Err(error) => return fault(NAME, error.message, &error.fix),
    };
    let address = match engines::base_url(EngineKind::AnthropicApi, &settings) {
        Some(url) => host_and_port(&url),
        None => Some((ANTHROPIC.0.to_owned(), ANTHROPIC.1)),
    };
    let Some((host, port)) = address else {
        return fault(NAME, "Its address in the settings does not read.".into(), "Correct it in Settings.");
    };
    match tokio::time::timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => ok(NAME, format!("{host} answers.")),
        Ok(Err(error)) => {
            warning(NAME, format!("{host} cannot be reached: {error}."), "Check the network; practice works without.")
        }
        Err(_) => warning(NAME, format!("{host} does not answer."), "Check the network; practice works without."),
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

fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let default = if scheme == "https" { 443 } else { 80 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?))
        }
        _ => Some((authority.trim_matches(['[', ']']).to_owned(), default)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read() {
        let read = |url: &str| host_and_port(url).unwrap();
        assert_eq!(read("https://provider.example/v1"), ("provider.example".into(), 443));
        assert_eq!(read("http://127.0.0.1:4100"), ("127.0.0.1".into(), 4100));
        assert_eq!(read("http://[::1]:4100/"), ("::1".into(), 4100));
        assert_eq!(read("http://[::1]"), ("::1".into(), 80));
    }
}
