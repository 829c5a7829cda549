//! The desktop: windows, tray, notifications and the global shortcut over the daemon's connection. It keeps no state
//! of its own beyond the place of its window: everything shown comes from the daemon, and everything done is a call
//! to it.

mod args;
mod board;
#[cfg(target_os = "linux")]
mod card;
mod commands;
mod desktop;
mod drops;
mod frames;
#[cfg(target_os = "linux")]
mod front;
mod graphics;
mod instance;
mod link;
mod log;
mod login;
mod mark;
mod native;
mod notices;
mod pages;
mod present;
mod quit;
mod routes;
mod shortcut;
mod tray;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use contract::{Error, Show};
use rpc::Home;
use tauri::{Manager, RunEvent};

use crate::args::Request;
use crate::desktop::Desktop;
use crate::instance::{Instance, Start};
use crate::link::Link;

/// Who we say we are.
const CLIENT: &str = concat!("aicib-desktop/", env!("CARGO_PKG_VERSION"));

/// Runs the app, or hands over to the one that runs already.
pub fn main() -> ExitCode {
    let show = match args::parse(std::env::args().skip(1)) {
        Ok(Request::Start(show)) => show,
        Ok(Request::Help) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Request::Version) => {
            println!("aicib-desktop {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    graphics::choose_renderer();
    match start(show) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start(show: Option<Show>) -> Result<ExitCode, Error> {
    let home = Home::resolve()?;
    let aicib = link::aicib_program();
    let instance = match instance::start(&home, &aicib, show.as_ref())? {
        Start::First(instance) => instance,
        Start::Handed => return Ok(ExitCode::SUCCESS),
    };
    if let Err(error) = log::start(&home.desktop_log()) {
        eprintln!("The log {} cannot be written: {error}.", home.desktop_log().display());
    }
    run(home, aicib, instance, show).map_err(Error::internal)
}

#[cfg(target_os = "macos")]
fn opened(app: &tauri::AppHandle, urls: &[tauri::Url]) {
    let desktop = app.state::<Arc<Desktop>>();
    for show in urls.iter().filter_map(|url| Show::of_link(url.as_str())) {
        window::bring_up(&desktop, show);
    }
}

fn run(home: Home, aicib: PathBuf, instance: Instance, show: Option<Show>) -> tauri::Result<ExitCode> {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), home = %home.root().display(), "start");
    let window_state = tauri_plugin_window_state::Builder::new()
        .with_filename(home.root().join("window.json").to_string_lossy())
        .with_state_flags(window::REMEMBERED)
        .with_filter(|label| label == window::MAIN)
        .build();
    let builder = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .plugin(window_state)
        .plugin(login::plugin())
        .invoke_handler(tauri::generate_handler![commands::call, commands::listen]);
    #[cfg(not(target_os = "linux"))]
    let builder = builder.plugin(tauri_plugin_notification::init());
    let app = builder
        .setup(move |app| {
            let link = Link::new(home.clone(), aicib.clone());
            let desktop = Arc::new(Desktop::new(app.handle().clone(), home, link));
            app.manage(desktop.clone());
            // Held until the app ends: the lock dies with this process.
            app.manage(instance);
            if let Some(show) = &show {
                window::bring_up_here(&desktop, show)?;
            }
            tray::start(&desktop);
            tauri::async_runtime::spawn(desktop.run());
            Ok(())
        })
        .build(tauri::generate_context!("tauri.conf.json"))?;
    let code = app.run_return(|_app, event| {
        // The tray stays when the last window is gone; only Quit ends the app, with a code.
        match event {
            RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
            // Elsewhere a link is an argument of a second start.
            #[cfg(target_os = "macos")]
            RunEvent::Opened { urls } => opened(_app, &urls),
            _ => {}
        }
    });
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
