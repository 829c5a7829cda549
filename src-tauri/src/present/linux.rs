//! Over D-Bus, where delivery and Open are known.

use contract::{Notice, Press};
use toast::Toast;

use crate::desktop::Desktop;

/// A notification that is on screen.
pub struct OnScreen(toast::Shown);

/// Shows a notice.
///
/// # Errors
/// Nobody shows notifications, in the system's own words.
pub async fn show(desktop: &Desktop, notice: &Notice) -> Result<OnScreen, String> {
    let (title, body) = (notice.title.clone(), notice.body.clone());
    let toast = Toast { actions: desktop.words().buttons(notice), title, body, urgent: notice.urgent };
    toast::show(toast).await.map(OnScreen).map_err(|error| error.to_string())
}

impl OnScreen {
    /// Waits until a button of it is pressed (a click on it opens it), or it is closed.
    pub async fn pressed(self) -> Option<Press> {
        Press::of_key(self.0.action().await.as_deref()?)
    }
}
