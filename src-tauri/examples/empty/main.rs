//! A window with nothing in it, of the same build as the app: what `make bench-ui` measures the app beside. It prints
//! the time of its second frame, in milliseconds since 1970. Closing it hides it.

use tauri::{WebviewUrl, WebviewWindowBuilder, WindowEvent};

fn main() -> tauri::Result<()> {
    tauri::Builder::default()
        .setup(|app| {
            let window = WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()))
                .title("Empty")
                .inner_size(1280.0, 860.0)
                .on_document_title_changed(|_, title| println!("{title}"))
                .build()?;
            let hidden = window.clone();
            window.on_window_event(move |event| {
                if let WindowEvent::CloseRequested { api, .. } = event {
                    api.prevent_close();
                    if let Err(error) = hidden.hide() {
                        eprintln!("{error}");
                    }
                }
            });
            Ok(())
        })
        .run(tauri::generate_context!("src-tauri/examples/empty/tauri.conf.json"))
}
