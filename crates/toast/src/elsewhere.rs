//! macOS and Windows: not from here.

use std::convert::Infallible;

use crate::{Toast, ToastError};

/// A notification that is on screen. There is none here.
#[derive(Debug)]
pub struct Shown(Infallible);

impl Shown {
    /// What the user did with it.
    pub async fn action(self) -> Option<String> {
        match self.0 {}
    }
}

pub(crate) async fn available() -> Result<String, ToastError> {
    Err(ToastError::Unsupported)
}

pub(crate) async fn tray() -> Result<Option<bool>, ToastError> {
    Ok(None)
}

pub(crate) async fn show(_: Toast) -> Result<Shown, ToastError> {
    Err(ToastError::Unsupported)
}
