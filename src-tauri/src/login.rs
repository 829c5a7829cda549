//! Starting with the founder's login, hidden in the tray. The system keeps whether: there is no second place for it.

use contract::{Error, ErrorCode};
use tauri::AppHandle;
use tauri::plugin::TauriPlugin;
use tauri_plugin_autostart::{MacosLauncher, ManagerExt};

/// What the system is told to start us with.
const ARGS: &[&str] = &["--hidden"];

/// The plugin that speaks to the system.
pub fn plugin() -> TauriPlugin<tauri::Wry> {
    tauri_plugin_autostart::init(MacosLauncher::LaunchAgent, Some(ARGS.to_vec()))
}

/// Whether the app starts with the founder's login.
///
/// # Errors
/// The system does not say.
pub fn starts(app: &AppHandle) -> Result<bool, Error> {
    app.autolaunch().is_enabled().map_err(|error| not_known(&error))
}

/// Makes the app start with the founder's login, or not.
///
/// # Errors
/// The system refuses.
pub fn set(app: &AppHandle, starts: bool) -> Result<(), Error> {
    let auto = app.autolaunch();
    let now = auto.is_enabled().map_err(|error| not_known(&error))?;
    match (now, starts) {
        (false, true) => auto.enable(),
        (true, false) => auto.disable(),
        _ => return Ok(()),
    }
    .map_err(|error| {
        Error::new(
            ErrorCode::INTERNAL,
            format!("Whether AICIB starts with your login could not be changed: {error}."),
            "Change it in the system's own settings for programs that start with the login.",
        )
    })
}

fn not_known(error: &tauri_plugin_autostart::Error) -> Error {
    Error::new(
        ErrorCode::INTERNAL,
        format!("The system does not say whether AICIB starts with your login: {error}."),
        "Look in the system's own settings for programs that start with the login.",
    )
}
