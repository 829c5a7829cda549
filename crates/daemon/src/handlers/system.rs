//! The daemon itself: status, stop, settings.

use contract::*;

use crate::app::App;

/// Characters of a shortcut or an address in the settings.
const MAX_TEXT: usize = 200;

pub async fn status(app: &App) -> Result<DaemonStatus, Error> {
    let (stats, seq) = app.store.read(|db| Ok((db.stats()?, db.last_seq()?))).await?;
    Ok(DaemonStatus {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: app.started_at,
        home: app.home.root().display().to_string(),
        jobs: stats.by_state,
        seq,
        database_bytes: app.store.size_bytes(),
        desktop: app.desktop.is_attached(),
    })
}

pub fn stop(app: &App) -> Result<Empty, Error> {
    tracing::info!("asked to stop");
    let stop = app.stop.clone();
    // The answer goes out first.
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        stop.cancel();
    });
    Ok(Empty {})
}

pub async fn settings_set(app: &App, settings: Settings) -> Result<Settings, Error> {
    check(&settings)?;
    let kept = settings.clone();
    app.store.write(move |db| db.settings_put(&kept)).await?;
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
}
