//! What a page may call: `call` passes a method on to the daemon (or, for `native.*`, to this app), `listen` opens the
//! channel for what comes back unasked.

use std::sync::Arc;

use contract::{Error, ErrorCode};
use serde_json::Value;
use tauri::{State, WebviewWindow};

use crate::desktop::Desktop;
use crate::native;
use crate::pages::PageChannel;

/// Methods that a page has no business calling: they are about the connection, which is shared.
const NOT_FOR_PAGES: [&str; 3] = ["initialize", "desktop.attach", "notice.report"];

/// Calls a method of the contract, or a `native.*` one.
#[tauri::command]
pub async fn call(
    window: WebviewWindow,
    desktop: State<'_, Arc<Desktop>>,
    method: String,
    params: Value,
) -> Result<Value, Error> {
    let desktop = desktop.inner().clone();
    if let Some(name) = method.strip_prefix("native.") {
        return native::call(&desktop, &window, name, params).await;
    }
    if NOT_FOR_PAGES.contains(&method.as_str()) {
        return Err(Error::new(
            ErrorCode::METHOD_UNKNOWN,
            format!("{method} is not for pages."),
            "The desktop calls it itself.",
        ));
    }
    desktop.call(window.label(), &method, params).await
}

/// Opens the channel on which the page hears what it subscribed to: arrays of `{note, params}`.
#[tauri::command]
pub async fn listen(
    window: WebviewWindow,
    desktop: State<'_, Arc<Desktop>>,
    channel: PageChannel,
) -> Result<(), Error> {
    desktop.pages.listen(window.label(), channel);
    Ok(())
}
