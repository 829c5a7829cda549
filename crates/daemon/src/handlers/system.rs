//! The daemon itself: status, health, settings, and how it ends or begins anew.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::*;

use crate::app::App;
use crate::engines::address;
use crate::{anew, clis, companies, health, quiet};

/// Characters of a shortcut or an address in the settings.
const MAX_TEXT: usize = 200;
/// Bytes of a path, and of a command.
const MAX_PATH: usize = 4096;
const MAX_COMMAND: usize = 2000;
/// Folders that confined agents may read.
const MAX_FOLDERS: usize = 50;
/// Minutes after which a question for leave to act is answered with no: 30 days.
const MAX_APPROVAL_MINUTES: i64 = 43_200;
/// Sizes of text in the window, in percent.
const TEXT_PERCENT: std::ops::RangeInclusive<i64> = 80..=200;
/// Bytes of a language's name.
const MAX_TAG: usize = 35;
/// Keys in place of the usual ones.
const MAX_SHORTCUTS: usize = 200;
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
    check(&settings, app.home.root())?;
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

/// `home` is AICIB's own folder.
fn check(settings: &Settings, home: &Path) -> Result<(), Error> {
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
    check_window(settings, &fault)?;
    for (key, url) in
        [("anthropic_base_url", &settings.anthropic_base_url), ("openai_base_url", &settings.openai_base_url)]
    {
        if url.len() > MAX_TEXT || !(url.is_empty() || address::keeps_secrets(url)) {
            return fault(key, "a short https address (http on this machine only), or empty");
        }
    }
    if !(settings.openai_model.is_empty() || company::is_model_name(&settings.openai_model)) {
        return fault("openai_model", "a model's name, or empty");
    }
    check_engines(settings, &fault)?;
    if !(0..=MAX_APPROVAL_MINUTES).contains(&settings.approval_minutes) {
        return fault("approval_minutes", &format!("from 1 to {MAX_APPROVAL_MINUTES}, or 0 for never"));
    }
    let may_read = |folder: &String| {
        // What holds AICIB's home holds the founder's credential, and what is in it is other runs'.
        let real = Path::new(folder).canonicalize().unwrap_or_else(|_| folder.into());
        is_path(folder) && !home.starts_with(&real) && !real.starts_with(home)
    };
    if settings.sandbox_read.len() > MAX_FOLDERS || !settings.sandbox_read.iter().all(may_read) {
        return fault(
            "sandbox_read",
            &format!("at most {MAX_FOLDERS} absolute folders, none in or around AICIB's own"),
        );
    }
    Ok(())
}

/// What the settings say of the window and of notices.
fn check_window(settings: &Settings, fault: &impl Fn(&str, &str) -> Result<(), Error>) -> Result<(), Error> {
    let shortcut = &settings.quick_shortcut;
    if shortcut.len() > MAX_TEXT || !(shortcut.is_empty() || shortcut.parse::<Keys>().is_ok()) {
        return fault("quick_shortcut", KEYS_EXPECTED);
    }
    for (key, time) in
        [("notify.quiet_from", &settings.notify.quiet_from), ("notify.quiet_to", &settings.notify.quiet_to)]
    {
        if !time.is_empty() && quiet::clock(time).is_none() {
            return fault(key, "a time of day such as 22:00, or empty for never");
        }
    }
    if !TEXT_PERCENT.contains(&settings.text_percent) {
        let (least, most) = (TEXT_PERCENT.start(), TEXT_PERCENT.end());
        return fault("text_percent", &format!("from {least} to {most}"));
    }
    let language = &settings.language;
    let is_tag = language.len() <= MAX_TAG && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_tag {
        return fault("language", "the short name of one, such as de, or empty for the system's");
    }
    let plain = |text: &str| !text.trim().is_empty() && text.len() <= MAX_TEXT && !text.contains(char::is_control);
    if settings.shortcuts.len() > MAX_SHORTCUTS {
        return fault("shortcuts", &format!("at most {MAX_SHORTCUTS}"));
    }
    if let Some((name, _)) =
        settings.shortcuts.iter().find(|(name, keys)| !plain(name) || !(keys.is_empty() || plain(keys)))
    {
        return fault(&format!("shortcuts.{}", one_line(name, 40)), "a short combination of keys, or empty for none");
    }
    Ok(())
}

/// What the settings say of engines that are programs.
fn check_engines(settings: &Settings, fault: &impl Fn(&str, &str) -> Result<(), Error>) -> Result<(), Error> {
    let programs: Vec<String> = clis::all().iter().map(clis::Cli::name).collect();
    let is_program = |name: &String| programs.contains(name);
    let own = format!("{}:{ACP_CUSTOM}", EngineKind::Acp.name());
    for (name, path) in &settings.engine_programs {
        if !is_program(name) || *name == own || !is_path(path) {
            let key = format!("engine_programs.{}", one_line(name, 40));
            let named: Vec<&str> = programs.iter().map(String::as_str).filter(|name| *name != own).collect();
            return fault(&key, &format!("the absolute path of a program, for one of {}", named.join(", ")));
        }
    }
    if let Some(name) = settings.engine_pays.keys().find(|name| !is_program(name)) {
        let key = format!("engine_pays.{}", one_line(name, 40));
        return fault(&key, &format!("about one of {}", programs.join(", ")));
    }
    let command = &settings.acp_command;
    let reads =
        command.len() <= MAX_COMMAND && !command.contains(char::is_control) && clis::command_words(command).is_ok();
    if !reads {
        return fault(
            "acp_command",
            &format!("a command in one line of at most {MAX_COMMAND} bytes, its quotes closed"),
        );
    }
    Ok(())
}

/// Whether a text is an absolute path.
fn is_path(text: &str) -> bool {
    text.len() <= MAX_PATH && !text.contains('\0') && Path::new(text).is_absolute()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(settings: &Settings) -> Result<(), Error> {
        check(settings, Path::new("/home/a/.local/share/aicib"))
    }

    #[test]
    fn a_key_is_never_sent_in_the_clear() {
        let with = |url: &str| Settings { anthropic_base_url: url.into(), ..Settings::default() };
        let openai = |url: &str| Settings { openai_base_url: url.into(), ..Settings::default() };
        for bad in ["http://provider.example", "http://127.0.0.1.example", "http://localhost:1@provider.example"] {
            assert!(checked(&with(bad)).is_err(), "{bad}");
            assert!(checked(&openai(bad)).is_err(), "{bad}");
        }
        assert!(checked(&with("https://provider.example")).is_ok());
        assert!(checked(&with("http://127.0.0.1:4000")).is_ok());
        assert!(checked(&openai("http://127.0.0.1:11434/v1")).is_ok());
    }

    #[test]
    fn what_is_said_of_engines_has_to_be_about_one() {
        let d = Settings::default;
        let programs =
            |name: &str, path: &str| Settings { engine_programs: [(name.to_owned(), path.to_owned())].into(), ..d() };
        let pays = |name: &str| Settings { engine_pays: [(name.to_owned(), Pays::Key)].into(), ..d() };
        let reads = |folder: &str| Settings { sandbox_read: vec![folder.to_owned()], ..d() };
        for (settings, key) in [
            (programs("claude-code", "claude"), "engine_programs.claude-code"),
            (programs("anthropic-api", "/bin/x"), "engine_programs.anthropic-api"),
            (programs("acp:custom", "/bin/x"), "engine_programs.acp:custom"),
            (pays("practice"), "engine_pays.practice"),
            (Settings { acp_command: "agent 'open".into(), ..d() }, "acp_command"),
            (Settings { acp_command: "agent\nrm".into(), ..d() }, "acp_command"),
            (Settings { openai_model: "--yolo".into(), ..d() }, "openai_model"),
            (Settings { approval_minutes: -1, ..d() }, "approval_minutes"),
            (reads("relative"), "sandbox_read"),
            (reads("/"), "sandbox_read"),
            (reads("/home/a"), "sandbox_read"),
            (reads("/home/a/.local/share/aicib/runs"), "sandbox_read"),
            (reads("/home/a/.local/share/aicib"), "sandbox_read"),
        ] {
            let error = checked(&settings).unwrap_err();
            assert!(error.message.contains(key), "{error}");
        }
        for settings in [
            programs("acp:gemini", "/opt/gemini"),
            pays("acp:custom"),
            Settings { acp_command: "my-agent --acp 'a b'".into(), approval_minutes: 60, ..d() },
            Settings { openai_model: "qwen2.5-coder:7b".into(), ..d() },
            reads("/opt/data"),
            reads("/home/a/.local/share/aicib2"),
        ] {
            checked(&settings).unwrap();
        }
    }

    #[test]
    fn a_setting_out_of_range_is_named_with_what_was_expected() {
        let d = Settings::default;
        let quiet = |from: &str, to: &str| Settings {
            notify: Notify { quiet_from: from.into(), quiet_to: to.into(), ..Notify::default() },
            ..d()
        };
        for (settings, key, expected) in [
            (Settings { run_minutes: 10_081, ..d() }, "run_minutes", "from 1 to 10080, or 0"),
            (Settings { run_first_output_minutes: -1, ..d() }, "run_first_output_minutes", "1440"),
            (Settings { run_silence_minutes: 1_441, ..d() }, "run_silence_minutes", "1440"),
            (Settings { run_turns: 10_001, ..d() }, "run_turns", "10000"),
            (Settings { run_output_mb: 100_001, ..d() }, "run_output_mb", "100000"),
            (Settings { run_retries: 11, ..d() }, "run_retries", "from 0 to 10"),
            (Settings { text_percent: 79, ..d() }, "text_percent", "from 80 to 200"),
            (Settings { text_percent: 201, ..d() }, "text_percent", "from 80 to 200"),
            (Settings { language: "de_<x>".into(), ..d() }, "language", "such as de"),
            (Settings { shortcuts: [("palette".into(), "\n".into())].into(), ..d() }, "shortcuts.palette", "keys"),
            (Settings { quick_shortcut: "not a key".into(), ..d() }, "quick_shortcut", "CmdOrCtrl+Shift+Space"),
            (Settings { quick_shortcut: "Shift+A".into(), ..d() }, "quick_shortcut", "Ctrl, Alt or Cmd"),
            (quiet("24:00", "07:00"), "notify.quiet_from", "22:00"),
            (quiet("22:00", "7"), "notify.quiet_to", "22:00"),
        ] {
            let error = checked(&settings).unwrap_err();
            assert_eq!(error.code, ErrorCode::BAD_REQUEST);
            assert!(error.message.contains(key) && error.message.contains(expected), "{error}");
        }
        let none = Settings { run_minutes: 0, run_turns: 0, run_output_mb: 0, run_retries: 0, ..d() };
        assert!(checked(&none).is_ok());
        assert!(checked(&quiet("22:00", "7:00")).is_ok());
        let window = Settings {
            text_percent: 200,
            quick_shortcut: "Alt+F2".into(),
            language: "pt-BR".into(),
            shortcuts: [("palette".into(), "Ctrl+P".into()), ("jump".into(), String::new())].into(),
            ..d()
        };
        assert!(checked(&window).is_ok());
        assert!(checked(&Settings { run_minutes: 10_080, run_retries: 10, ..d() }).is_ok());
    }
}
