//! Quitting: asks when work is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contract::methods::JobCancel;
use contract::{ErrorCode, JobRef};
use words::Words;

use crate::desktop::Desktop;

/// Whether the question stands already.
static ASKING: AtomicBool = AtomicBool::new(false);

#[cfg(target_os = "linux")]
thread_local! {
    /// The question on screen. On the thread of the windows.
    static QUESTION: std::cell::RefCell<Option<gtk::MessageDialog>> = const { std::cell::RefCell::new(None) };
}

/// What the founder chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// The app ends, the work goes on in the daemon, which tells of its end.
    Keep,
    /// The work is stopped, then the app ends.
    Stop,
    /// Neither.
    Stay,
}

/// Quits; asks before it when work is under way.
pub fn ask(desktop: &Arc<Desktop>) {
    let live = desktop.tray.live().len();
    if live == 0 {
        return leave(desktop);
    }
    if ASKING.swap(true, Ordering::SeqCst) {
        return;
    }
    let (app, desktop) = (desktop.app.clone(), desktop.clone());
    let asked = app.run_on_main_thread(move || {
        let asker = desktop.clone();
        let words = desktop.words();
        question(&asker, words, &(words.quit_text)(live), move |choice| {
            ASKING.store(false, Ordering::SeqCst);
            match choice {
                Choice::Keep => leave(&desktop),
                Choice::Stop => {
                    tauri::async_runtime::spawn(stop_and_leave(desktop));
                }
                Choice::Stay => {}
            }
        });
    });
    if let Err(error) = asked {
        tracing::warn!(%error, "the app is ending");
    }
}

/// Work changed. A question that stands says how much is under way; once nothing is, there is nothing to ask.
#[cfg(target_os = "linux")]
pub fn follow(desktop: &Arc<Desktop>) {
    if !ASKING.load(Ordering::SeqCst) {
        return;
    }
    let Some(live) = desktop.tray.live_for_sure() else { return };
    let text = (desktop.words().quit_text)(live.len());
    let changed = desktop.app.run_on_main_thread(move || {
        use gtk::prelude::{DialogExt, MessageDialogExt};
        let Some(question) = QUESTION.with_borrow(Clone::clone) else { return };
        if live.is_empty() {
            question.response(gtk::ResponseType::Yes);
        } else {
            question.set_secondary_text(Some(&text));
        }
    });
    if let Err(error) = changed {
        tracing::warn!(%error, "the app is ending");
    }
}

/// The system's own question cannot be changed while it stands.
#[cfg(not(target_os = "linux"))]
pub fn follow(_: &Arc<Desktop>) {}

fn leave(desktop: &Desktop) {
    tracing::info!("quit");
    desktop.app.exit(0);
}

async fn stop_and_leave(desktop: Arc<Desktop>) {
    desktop.tray.stopping();
    // What waits in line goes first, so that nothing new begins. Each call returns once nothing of its job runs.
    let mut stops = tokio::task::JoinSet::new();
    for job_id in desktop.tray.live() {
        let desktop = desktop.clone();
        stops.spawn(async move {
            match desktop.link.call::<JobCancel>(JobRef { job_id }).await {
                Ok(stopped) => tracing::info!(%job_id, left = stopped.stopped.left, "stopped"),
                Err(error) if error.code == ErrorCode::JOB_FINAL => {}
                Err(error) => tracing::error!(%error, %job_id, "a job could not be stopped"),
            }
        });
    }
    while stops.join_next().await.is_some() {}
    leave(&desktop);
}

/// The question, as a dialog of the toolkit: the one of the dialog plugin has no default button on Linux.
#[cfg(target_os = "linux")]
fn question(desktop: &Desktop, words: &'static Words, text: &str, answer: impl FnOnce(Choice) + 'static) {
    use gtk::prelude::*;
    use gtk::{ButtonsType, DialogFlags, MessageDialog, MessageType, ResponseType};
    use tauri::Manager;

    let window = desktop.app.get_webview_window(crate::window::MAIN);
    let parent =
        window.filter(|window| window.is_visible().unwrap_or(false)).and_then(|window| window.gtk_window().ok());
    let dialog = MessageDialog::new(
        parent.as_ref(),
        DialogFlags::MODAL,
        MessageType::Question,
        ButtonsType::None,
        words.quit_title,
    );
    dialog.set_title(words.quit_title);
    dialog.set_secondary_text(Some(text));
    // Underlined letters are for the keyboard.
    dialog.add_button(&format!("_{}", words.cancel), ResponseType::Cancel);
    dialog.add_button(&format!("_{}", words.quit_stop), ResponseType::No);
    let keep = dialog.add_button(&format!("_{}", words.quit_keep), ResponseType::Yes);
    dialog.set_default_response(ResponseType::Yes);
    keep.grab_focus();
    let answer = std::cell::Cell::new(Some(answer));
    dialog.connect_response(move |dialog, response| {
        QUESTION.take();
        dialog.close();
        let choice = match response {
            ResponseType::Yes => Choice::Keep,
            ResponseType::No => Choice::Stop,
            _ => Choice::Stay,
        };
        if let Some(answer) = answer.take() {
            answer(choice);
        }
    });
    QUESTION.set(Some(dialog.clone()));
    dialog.set_keep_above(true);
    dialog.show_all();
    dialog.present();
}

/// The question.
#[cfg(not(target_os = "linux"))]
fn question(desktop: &Desktop, words: &'static Words, text: &str, answer: impl FnOnce(Choice) + Send + 'static) {
    use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogResult};

    let buttons =
        MessageDialogButtons::YesNoCancelCustom(words.quit_keep.into(), words.quit_stop.into(), words.cancel.into());
    desktop.app.dialog().message(text).title(words.quit_title).buttons(buttons).show_with_result(move |result| {
        answer(match result {
            MessageDialogResult::Custom(chosen) if chosen == words.quit_keep => Choice::Keep,
            MessageDialogResult::Custom(chosen) if chosen == words.quit_stop => Choice::Stop,
            MessageDialogResult::Yes => Choice::Keep,
            MessageDialogResult::No => Choice::Stop,
            _ => Choice::Stay,
        });
    });
}
