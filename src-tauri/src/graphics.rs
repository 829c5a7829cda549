//! How the web view draws.

/// On some users' graphics cards WebKitGTK's fast path leaves the window blank. Unless the founder decided about it
/// themselves (any value of `WEBKIT_DISABLE_DMABUF_RENDERER`, also 0), this starts the program anew without it. It
/// has to be in the environment from the start: changing it later is not safe.
#[cfg(target_os = "linux")]
pub fn choose_renderer() {
    use std::os::unix::process::CommandExt;

    const DISABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if std::env::var_os(DISABLE).is_some() {
        return;
    }
    let Ok(own) = std::env::current_exe() else { return };
    let error = std::process::Command::new(own).args(std::env::args_os().skip(1)).env(DISABLE, "1").exec();
    tracing::warn!(%error, "the renderer could not be chosen");
}

/// Nothing to choose.
#[cfg(not(target_os = "linux"))]
pub fn choose_renderer() {}
