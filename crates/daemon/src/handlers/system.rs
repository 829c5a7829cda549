//! The daemon itself: status, health, settings, and how it ends or begins anew.

use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::*;

use crate::app::App;
use crate::{anew, companies, health};

/// Characters of a shortcut or an address in the settings.
const MAX_TEXT: usize = 200;
/// What an answer may take on its way out before the daemon ends.
const LAST_ANSWER: Duration = Duration::from_millis(20);

pub async fn status(app: &App) -> Result<DaemonStatus, Error> {
    let read = app.store.read(|db| Ok((db.stats()?, db.last_seq()?, db.all_held()?)));
    let (stats, seq, held) = read.await?;
    Ok(DaemonStatus {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: app.heart.started_at(),
        home: app.home.root().display().to_string(),
        jobs: stats.by_state,
        seq,
        database_bytes: app.store.size_bytes(),
        desktop: app.desktop.is_attached(),
        held,
        log_level: app.log.level(),
    })
}

pub async fn health(app: &App) -> Result<Health, Error> {
    health::report(app).await
}

pub fn stop(app: &App) -> Result<Empty, Error> {
    tracing::info!("asked to stop");
    app.again.store(false, Ordering::Relaxed);
    stop_soon(app);
    Ok(Empty {})
}

/// Ends the daemon, to begin it anew from its program as it lies on disk.
pub fn restart(app: &App) -> Result<Empty, Error> {
    // Better to hear of it now than to end and not to begin.
    let program = anew::program()?;
    tracing::info!(program = %program.display(), "asked to begin anew");
    app.again.store(true, Ordering::Relaxed);
    stop_soon(app);
    Ok(Empty {})
}

fn stop_soon(app: &App) {
    let stop = app.stop.clone();
    // The answer goes out first.
    tokio::spawn(async move {
        tokio::time::sleep(LAST_ANSWER).await;
        stop.cancel();
    });
}

/// Reads the log's level and the settings anew, and looks at every company's config again.
pub async fn reload(app: &App) -> Result<DaemonStatus, Error> {
    app.log.reopen();
    app.log.follow_settings(app.settings().await?.log_level);
    for row in app.store.read(|db| db.companies()).await? {
        match companies::load(&row).await {
            Ok(company) if company.config.name != row.name => {
                companies::remember(app, std::path::Path::new(&row.dir), &company.config.name).await?;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(company = row.name, "{error}"),
        }
    }
    app.runs.wake_queue();
    app.hub.reload_all();
    tracing::info!(log_level = app.log.level().name(), "settings and configs were read anew");
    status(app).await
}

pub async fn log_level(app: &App, params: LogLevelParams) -> Result<DaemonStatus, Error> {
    app.log.set_level(params.level);
    tracing::info!(level = params.level.name(), "the log's level was set");
    status(app).await
}

pub async fn settings_set(app: &App, settings: Settings) -> Result<Settings, Error> {
    check(&settings)?;
    let kept = settings.clone();
    let before = app.store.write(move |db| {
        let before = db.settings()?;
        db.settings_put(&kept)?;
        Ok(before)
    });
    if before.await?.log_level != settings.log_level {
        app.log.set_level(settings.log_level);
    }
    app.runs.wake_queue();
    app.hub.reload_all();
    Ok(settings)
}

fn check(settings: &Settings) -> Result<(), Error> {
    let fault = |key: &str, expected: &str| {
        Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("The setting {key} must be {expected}."),
            "Correct it, and save again.",
        ))
    };
    if !(1..=100).contains(&settings.max_parallel_jobs) {
        return fault("max_parallel_jobs", "from 1 to 100");
    }
    if settings.brief_limit_usd < Money::ZERO {
        return fault("brief_limit_usd", "an amount, or 0 for none");
    }
    if !(0.1..=100.0).contains(&settings.practice_pace) {
        return fault("practice_pace", "from 0.1 to 100");
    }
    if !(0..=60_000).contains(&settings.stop_grace_ms) {
        return fault("stop_grace_ms", "from 0 to 60000");
    }
    let limits = [
        ("run_minutes", settings.run_minutes, 10_080),
        ("run_first_output_minutes", settings.run_first_output_minutes, 1_440),
        ("run_silence_minutes", settings.run_silence_minutes, 1_440),
        ("run_turns", settings.run_turns, 10_000),
        ("run_output_mb", settings.run_output_mb, 100_000),
    ];
    for (key, value, max) in limits {
        if !(0..=max).contains(&value) {
            return fault(key, &format!("from 1 to {max}, or 0 for no limit"));
        }
    }
    if !(0..=10).contains(&settings.run_retries) {
        return fault("run_retries", "from 0 to 10");
    }
    if settings.quick_shortcut.len() > MAX_TEXT || settings.anthropic_base_url.len() > MAX_TEXT {
        return fault("quick_shortcut and anthropic_base_url", "short");
    }
    let url = &settings.anthropic_base_url;
    if !url.is_empty() && !url.starts_with("https://") && !is_loopback(url) {
        return fault("anthropic_base_url", "an https address (http on this machine only), or empty");
    }
    Ok(())
}

/// Whether an http address stays on this machine.
fn is_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix("[::1]") {
        Some(port) if port.is_empty() || port.starts_with(':') => return true,
        _ => authority.split(':').next().unwrap_or_default(),
    };
    !authority.contains('@') && matches!(host, "127.0.0.1" | "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_sent_in_the_clear() {
        let with = |url: &str| Settings { anthropic_base_url: url.into(), ..Settings::default() };
        for bad in ["http://provider.example", "http://127.0.0.1.example", "http://localhost:1@provider.example"] {
            assert!(check(&with(bad)).is_err(), "{bad}");
        }
        assert!(check(&with("https://provider.example")).is_ok());
        assert!(check(&with("http://127.0.0.1:4000")).is_ok());
    }

    #[test]
    fn a_setting_out_of_range_is_named_with_what_was_expected() {
        let d = Settings::default;
        for (settings, key, expected) in [
            (Settings { run_minutes: 10_081, ..d() }, "run_minutes", "from 1 to 10080, or 0"),
            (Settings { run_first_output_minutes: -1, ..d() }, "run_first_output_minutes", "1440"),
            (Settings { run_silence_minutes: 1_441, ..d() }, "run_silence_minutes", "1440"),
            (Settings { run_turns: 10_001, ..d() }, "run_turns", "10000"),
            (Settings { run_output_mb: 100_001, ..d() }, "run_output_mb", "100000"),
            (Settings { run_retries: 11, ..d() }, "run_retries", "from 0 to 10"),
        ] {
            let error = check(&settings).unwrap_err();
            assert_eq!(error.code, ErrorCode::BAD_REQUEST);
            assert!(error.message.contains(key) && error.message.contains(expected), "{error}");
        }
        let none = Settings { run_minutes: 0, run_turns: 0, run_output_mb: 0, run_retries: 0, ..d() };
        assert!(check(&none).is_ok());
        assert!(check(&Settings { run_minutes: 10_080, run_retries: 10, ..d() }).is_ok());
    }
}
