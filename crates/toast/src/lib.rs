//! One native notification, and what became of it.
//!
//! On Linux this speaks to `org.freedesktop.Notifications` over the session bus: whether the notification was taken,
//! and what the user did with it, is known. Elsewhere every call answers [`ToastError::Unsupported`]: there the desktop
//! app shows notifications by the means of its platform, which need its window system.
//!
//! D-Bus is spoken directly rather than through `notify-rust`: that one listens for the answer only after the
//! notification is up, so that an answer at once is lost; it takes an answer from any program on the bus; and it
//! opens a connection for each notification, whose end takes the notification away on some desktops.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod text;
#[cfg(target_os = "linux")]
mod waiting;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "linux")]
pub use linux::Bus;

#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod platform;

pub use platform::Shown;

/// A notification to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toast {
    /// A few words. One line, at most 120 characters are shown.
    pub title: String,
    /// The text, shown literally: markup in it is no markup. At most 1,000 characters are shown.
    pub body: String,
    /// Shown even when the user does not want to be disturbed, until it is dismissed.
    pub urgent: bool,
    /// Buttons: a key, which [`Shown::action`] gives back, and a label. A click on the notification itself means
    /// `open` where there is such a key.
    pub actions: Vec<(String, String)>,
}

/// Why a notification was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ToastError {
    /// No session bus can be reached.
    #[error("there is no session bus to send notifications over ({0})")]
    NoBus(String),
    /// Nothing on the bus shows notifications.
    #[error("no notification service is running on the session bus ({0})")]
    NobodyListens(String),
    /// The service was asked and said no, or nonsense.
    #[error("the notification service refused: {0}")]
    Refused(String),
    /// The service did not answer.
    #[error("the notification service did not answer in time")]
    TimedOut,
    /// Notifications are not shown from here on this platform.
    #[error("notifications cannot be sent from here on this system")]
    Unsupported,
}

/// The name of what would show a notification now. Takes 5 s at most.
pub async fn available() -> Result<String, ToastError> {
    platform::available().await
}

/// Whether the session has a place for tray icons; none where the system always has one. Takes 5 s at most.
pub async fn tray() -> Result<Option<bool>, ToastError> {
    platform::tray().await
}

/// Shows a notification. Takes 5 s at most, and fails when nobody shows it.
pub async fn show(toast: Toast) -> Result<Shown, ToastError> {
    platform::show(toast).await
}
