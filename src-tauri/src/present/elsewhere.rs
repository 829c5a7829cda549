//! Over the notification plugin, which does not say what became of it: a click brings the app up by itself.

use contract::{Notice, Press};
use tauri_plugin_notification::NotificationExt;

use crate::desktop::Desktop;

/// A notification that is on screen.
pub struct OnScreen;

/// Shows a notice.
///
/// # Errors
/// The system refused it, in its own words.
pub async fn show(desktop: &Desktop, notice: &Notice) -> Result<OnScreen, String> {
    let shown = desktop.app.notification().builder().title(&notice.title).body(&notice.body).show();
    shown.map(|()| OnScreen).map_err(|error| error.to_string())
}

impl OnScreen {
    /// Never: the system does not tell.
    pub async fn pressed(self) -> Option<Press> {
        None
    }
}
