//! Over D-Bus, where delivery and Open are known.

use contract::Notice;
use toast::Toast;

use crate::desktop::Desktop;

/// A notification that is on screen.
pub struct OnScreen(toast::Shown);

/// Shows a notice.
///
/// # Errors
/// Nobody shows notifications, in the system's own words.
pub async fn show(_: &Desktop, notice: Notice) -> Result<OnScreen, String> {
    let toast = Toast {
        title: notice.title,
        body: notice.body,
        urgent: notice.urgent,
        actions: vec![("open".into(), "Open".into())],
    };
    toast::show(toast).await.map(OnScreen).map_err(|error| error.to_string())
}

impl OnScreen {
    /// Waits until it is opened (a click on it counts) or closed.
    pub async fn opened(self) -> bool {
        matches!(self.0.action().await.as_deref(), Some("open" | "default"))
    }
}
