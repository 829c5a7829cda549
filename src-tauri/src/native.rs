//! What only the desktop can do for a page: `native.*`.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use contract::{Error, ErrorCode, JobId};
use serde::Deserialize;
use serde_json::{Value, json};
use tauri::{Manager, WebviewWindow};
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;
use tokio::sync::oneshot;

use crate::desktop::{Desktop, fitting};
use crate::{drops, login, quit, tray, window};

/// Characters of a page's error that the log keeps.
const MAX_REPORT: usize = 4_000;
/// Bytes of a text that is saved for a page, at most.
const MAX_SAVED: usize = 16 << 20;

#[derive(Deserialize)]
struct SaveText {
    /// The file's name, as it is proposed.
    name: String,
    text: String,
}

#[derive(Deserialize)]
struct Pasted {
    /// The file's name, as it is proposed.
    name: String,
    /// What is in it, in base64.
    base64: String,
}

#[derive(Deserialize)]
struct Login {
    /// Whether to start with the login; none to ask.
    starts: Option<bool>,
}

#[derive(Deserialize)]
struct OpenPath {
    path: String,
}

#[derive(Deserialize)]
struct OpenUrl {
    url: String,
}

#[derive(Deserialize)]
struct Viewing {
    job_id: Option<JobId>,
}

#[derive(Deserialize)]
struct FitWindow {
    height: f64,
}

#[derive(Deserialize)]
struct Zoom {
    /// Of the page as it is drawn otherwise.
    percent: f64,
}

#[derive(Deserialize)]
struct Drawn {
    /// When, by the page's clock: milliseconds since 1970.
    at: f64,
}

#[derive(Deserialize)]
struct Report {
    message: String,
    #[serde(default)]
    stack: String,
}

/// Answers `native.<name>`.
///
/// # Errors
/// What could not be done, and what to do; or that there is no such method.
pub async fn call(desktop: &Arc<Desktop>, page: &WebviewWindow, name: &str, params: Value) -> Result<Value, Error> {
    match name {
        "info" => return info(desktop, page).await,
        "pick_files" => return pick_files(desktop, page).await,
        "keep_pasted" => return keep_pasted(desktop, fitting("native.keep_pasted", params)?).await,
        "login" => return login_setting(desktop, &fitting("native.login", params)?),
        "pick_folder" => return pick_folder(desktop, page).await,
        "save_text" => return save_text(desktop, page, fitting("native.save_text", params)?).await,
        "open_path" => open_path(desktop, &fitting::<OpenPath>("native.open_path", params)?.path)?,
        "open_url" => open_url(desktop, &fitting::<OpenUrl>("native.open_url", params)?.url)?,
        "hide_window" => window::hide(desktop, page.label()),
        "fit_window" if page.label() == window::QUICK => {
            window::fit_quick(desktop, page, fitting::<FitWindow>("native.fit_window", params)?.height);
        }
        // The founder's own.
        "fit_window" => {}
        "zoom" => {
            let Zoom { percent } = fitting("native.zoom", params)?;
            page.set_zoom(percent.clamp(50.0, 300.0) / 100.0).map_err(Error::internal)?;
        }
        "retry" => desktop.link.retry(),
        "quit" => quit::ask(desktop),
        "viewing" if page.label() == window::MAIN => {
            desktop.set_viewing(fitting::<Viewing>("native.viewing", params)?.job_id);
        }
        "viewing" => {}
        "drawn" => {
            let Drawn { at } = fitting("native.drawn", params)?;
            tracing::info!(window = page.label(), at, "drawn");
        }
        "report_error" => {
            let report: Report = fitting("native.report_error", params)?;
            let (message, stack) = (clip(&report.message), clip(&report.stack));
            tracing::error!(window = page.label(), message, stack, "the page failed");
        }
        _ => return Err(contract::methods::unknown_method(&format!("native.{name}"))),
    }
    Ok(json!({}))
}

fn clip(text: &str) -> String {
    text.chars().take(MAX_REPORT).collect()
}

async fn info(desktop: &Arc<Desktop>, page: &WebviewWindow) -> Result<Value, Error> {
    let state = desktop.link.state().borrow().name();
    Ok(json!({
        "platform": std::env::consts::OS,
        "home": desktop.home.root().to_string_lossy(),
        "user_home": desktop.app.path().home_dir().ok().map(|home| home.to_string_lossy().into_owned()),
        "version": env!("CARGO_PKG_VERSION"),
        "daemon": state,
        "global_shortcut": desktop.shortcut.status(),
        "tray": tray::host_present(desktop).await,
        "view": window::first_view(desktop, page.label()),
    }))
}

async fn pick_folder(desktop: &Arc<Desktop>, page: &WebviewWindow) -> Result<Value, Error> {
    let (tell, picked) = oneshot::channel();
    desktop.app.dialog().file().set_parent(page).set_title(desktop.words().choose_folder).pick_folder(move |folder| {
        // The page may be gone by the time somebody chose.
        let _ = tell.send(folder);
    });
    let folder = picked.await.unwrap_or_default();
    let path = folder.map(tauri_plugin_dialog::FilePath::into_path).transpose().map_err(Error::internal)?;
    Ok(json!({ "path": path.as_deref().map(named).transpose()? }))
}

/// A path as a page can name it: one that is no text it could never give back.
fn named(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| {
        Error::new(
            ErrorCode::BAD_REQUEST,
            format!("The name of {} is not readable text.", path.display()),
            "Rename it, and choose it again.",
        )
    })
}

/// Files for a brief, as the founder picks them.
async fn pick_files(desktop: &Arc<Desktop>, page: &WebviewWindow) -> Result<Value, Error> {
    let (tell, picked) = oneshot::channel();
    desktop.app.dialog().file().set_parent(page).set_title(desktop.words().attach_files).pick_files(move |files| {
        // The page may be gone by the time somebody chose.
        let _ = tell.send(files);
    });
    let files = picked.await.unwrap_or_default().unwrap_or_default();
    let paths = files.into_iter().map(tauri_plugin_dialog::FilePath::into_path).collect::<Result<Vec<_>, _>>();
    let paths = paths.map_err(Error::internal)?;
    Ok(json!({ "paths": paths.iter().map(|path| named(path)).collect::<Result<Vec<_>, _>>()? }))
}

async fn keep_pasted(desktop: &Arc<Desktop>, pasted: Pasted) -> Result<Value, Error> {
    let home = desktop.home.root().to_owned();
    let kept = tauri::async_runtime::spawn_blocking(move || {
        let bytes = base64::engine::general_purpose::STANDARD.decode(pasted.base64.as_bytes()).map_err(|_| {
            Error::new(ErrorCode::BAD_REQUEST, "What was pasted does not read.", "Save it as a file, and attach that.")
        })?;
        let name = plain_name(&pasted.name);
        drops::keep(&home, if name.is_empty() { "pasted.bin" } else { &name }, &bytes)
    });
    Ok(json!({ "path": named(&kept.await.map_err(Error::internal)??)? }))
}

fn login_setting(desktop: &Arc<Desktop>, wanted: &Login) -> Result<Value, Error> {
    if let Some(starts) = wanted.starts {
        login::set(&desktop.app, starts)?;
    }
    Ok(json!({ "starts": login::starts(&desktop.app)? }))
}

/// Writes a text where the founder says. The page never names the place: it proposes a name, and the founder chooses.
async fn save_text(desktop: &Arc<Desktop>, page: &WebviewWindow, what: SaveText) -> Result<Value, Error> {
    if what.text.len() > MAX_SAVED {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("The file would have {} MB; {} MB is the most.", what.text.len() >> 20, MAX_SAVED >> 20),
            "Choose fewer days.",
        ));
    }
    let (tell, picked) = oneshot::channel();
    let dialog = desktop
        .app
        .dialog()
        .file()
        .set_parent(page)
        .set_title(desktop.words().save_as)
        .set_file_name(plain_name(&what.name));
    dialog.save_file(move |file| {
        // The page may be gone by the time somebody chose.
        let _ = tell.send(file);
    });
    let Some(file) = picked.await.unwrap_or_default() else { return Ok(json!({ "path": null })) };
    let path = file.into_path().map_err(Error::internal)?;
    tokio::fs::write(&path, what.text).await.map_err(|error| {
        Error::new(
            ErrorCode::INTERNAL,
            format!("{} could not be written: {error}.", path.display()),
            "Choose another folder, or make room on the disk.",
        )
    })?;
    Ok(json!({ "path": path.to_string_lossy() }))
}

/// A file's name without what would make a path of it.
fn plain_name(name: &str) -> String {
    let fits = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let plain: String = name.chars().filter(fits).take(100).collect();
    // Disks count bytes.
    let plain = &plain[..plain.floor_char_boundary(200)];
    plain.trim_start_matches(['.', ' ']).to_owned()
}

fn open_path(desktop: &Desktop, path: &str) -> Result<(), Error> {
    let found = Path::new(path);
    if !found.is_absolute() || !found.exists() {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("There is no file {path}."),
            "It may have been moved or deleted since.",
        ));
    }
    desktop.app.opener().open_path(path, None::<&str>).map_err(|error| not_opened(path, &error))
}

fn open_url(desktop: &Desktop, url: &str) -> Result<(), Error> {
    if !is_outside_link(url) {
        let shown: String = url.chars().take(80).collect();
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            format!("{shown} is not a link that AICIB opens."),
            "Only http, https and mailto links are.",
        ));
    }
    desktop.app.opener().open_url(url, None::<&str>).map_err(|error| not_opened(url, &error))
}

fn is_outside_link(url: &str) -> bool {
    let parsed = tauri::Url::parse(url);
    parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
}

fn not_opened(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::INTERNAL,
        format!("{what} could not be opened: {error}."),
        "Set a default program for it in the system's settings.",
    )
}

#[cfg(test)]
mod tests {
    use super::{is_outside_link, named, plain_name};

    #[test]
    fn a_proposed_name_is_no_path() {
        assert_eq!(plain_name("costs-agent-2026-11-20.csv"), "costs-agent-2026-11-20.csv");
        assert_eq!(plain_name("../../.bashrc\n"), "bashrc");
        assert_eq!(plain_name("a/b\\c:d"), "abcd");
        assert!(plain_name(&"漢".repeat(200)).len() <= 200);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_refused_and_breaks_nothing() {
        use std::os::unix::ffi::OsStrExt;
        let odd = std::path::Path::new(std::ffi::OsStr::from_bytes(b"/tmp/a\xff"));
        assert_eq!(named(odd).unwrap_err().code, contract::ErrorCode::BAD_REQUEST);
        assert_eq!(named(std::path::Path::new("/tmp/ä")).unwrap(), "/tmp/ä");
    }

    #[test]
    fn only_links_that_a_browser_or_mail_program_takes_are_opened() {
        for url in ["https://example.com/a?b#c", "http://localhost:3000", "mailto:a@example.com"] {
            assert!(is_outside_link(url), "{url}");
        }
        for url in ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "smb://host/x", "ssh:x", "", "a b"]
        {
            assert!(!is_outside_link(url), "{url}");
        }
    }
}
