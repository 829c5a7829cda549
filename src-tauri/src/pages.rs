//! The pages of our windows, and the notes on their way to them: bounded, batched, at most one batch of messages per
//! animation frame. A page that falls behind, or was hidden, is told to read again instead of being sent everything.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tauri::ipc::{Channel, InvokeResponseBody};
use tokio::sync::Notify;

use crate::frames;

/// What a page listens on: arrays of notes, already JSON.
pub type PageChannel = Channel<InvokeResponseBody>;

/// An animation frame.
const TICK: Duration = Duration::from_millis(16);
/// Messages a page is sent in one animation frame, at most.
const MESSAGES_PER_TICK: usize = 16;
/// Bytes that wait for a page, at most.
const MAX_WAITING: usize = 2 * 1024 * 1024;

/// What became of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It waits for its frame, or nobody is there to read it.
    Taken,
    /// Too much waits. All of it was dropped: the page has to read again.
    Behind,
}

/// The pages, by their window's label.
#[derive(Default)]
pub struct Pages {
    pages: Mutex<HashMap<String, Arc<Page>>>,
}

#[derive(Default)]
struct Page {
    queue: Mutex<Queue>,
    wake: Notify,
}

#[derive(Default)]
struct Queue {
    channel: Option<PageChannel>,
    frames: VecDeque<String>,
    bytes: usize,
    hidden: bool,
    missed: bool,
    gone: bool,
}

impl Queue {
    fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }
}

impl Pages {
    fn page(&self, window: &str) -> Option<Arc<Page>> {
        lock(&self.pages).get(window).cloned()
    }

    /// A window was made. Notes wait until its page listens.
    pub fn open(&self, window: &str) {
        let page = Arc::new(Page::default());
        if let Some(old) = lock(&self.pages).insert(window.into(), page.clone()) {
            old.end();
        }
        tauri::async_runtime::spawn(page.flush());
    }

    /// A window is gone.
    pub fn close(&self, window: &str) {
        if let Some(page) = lock(&self.pages).remove(window) {
            page.end();
        }
    }

    /// A window's page began anew, and listens to nothing yet.
    pub fn reload(&self, window: &str) {
        if let Some(page) = self.page(window) {
            let mut queue = lock(&page.queue);
            if queue.channel.take().is_some() {
                queue.clear();
            }
        }
    }

    /// A page listens from now on.
    pub fn listen(&self, window: &str, channel: PageChannel) {
        if let Some(page) = self.page(window) {
            lock(&page.queue).channel = Some(channel);
            page.wake.notify_one();
        }
    }

    /// Whether a window is hidden. Returns whether its page missed something meanwhile and has to read again.
    pub fn set_hidden(&self, window: &str, hidden: bool) -> bool {
        let Some(page) = self.page(window) else { return false };
        let mut queue = lock(&page.queue);
        queue.hidden = hidden;
        !hidden && std::mem::take(&mut queue.missed)
    }

    /// Sends a note to a page. A hidden page is not sent events, only what changed on the Desk.
    pub fn push(&self, window: &str, note: &str, params: Value) -> Pushed {
        let Some(page) = self.page(window) else { return Pushed::Taken };
        let mut queue = lock(&page.queue);
        if queue.hidden && note.starts_with("event.") {
            queue.missed = true;
            return Pushed::Taken;
        }
        for frame in frames::encode(note, params) {
            queue.bytes += frame.len();
            queue.frames.push_back(frame);
        }
        let behind = queue.bytes > MAX_WAITING;
        if behind {
            queue.clear();
        }
        drop(queue);
        page.wake.notify_one();
        if behind { Pushed::Behind } else { Pushed::Taken }
    }

    /// Sends a note to every page.
    pub fn push_all(&self, note: &str, params: &Value) {
        let windows: Vec<String> = lock(&self.pages).keys().cloned().collect();
        for window in windows {
            self.push(&window, note, params.clone());
        }
    }
}

impl Page {
    fn end(&self) {
        lock(&self.queue).gone = true;
        self.wake.notify_one();
    }

    async fn flush(self: Arc<Page>) {
        loop {
            self.wake.notified().await;
            while let Some((channel, messages)) = self.take() {
                for message in messages {
                    if let Err(error) = channel.send(InvokeResponseBody::Json(message)) {
                        tracing::warn!(%error, "a page cannot be sent to");
                    }
                }
                tokio::time::sleep(TICK).await;
            }
            if lock(&self.queue).gone {
                return;
            }
        }
    }

    fn take(&self) -> Option<(PageChannel, Vec<String>)> {
        let mut queue = lock(&self.queue);
        let channel = queue.channel.clone()?;
        let messages: Vec<String> =
            std::iter::from_fn(|| frames::batch(&mut queue.frames)).take(MESSAGES_PER_TICK).collect();
        queue.bytes = queue.frames.iter().map(String::len).sum();
        (!messages.is_empty()).then_some((channel, messages))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recorder() -> (PageChannel, std::sync::mpsc::Receiver<String>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        let channel = Channel::new(move |body| {
            if let InvokeResponseBody::Json(text) = body {
                sender.send(text).unwrap();
            }
            Ok(())
        });
        (channel, receiver)
    }

    fn next(receiver: &std::sync::mpsc::Receiver<String>) -> Vec<Value> {
        serde_json::from_str(&receiver.recv_timeout(Duration::from_secs(5)).unwrap()).unwrap()
    }

    #[test]
    fn notes_wait_for_the_page_to_listen_and_keep_their_order() {
        let pages = Pages::default();
        pages.open("main");
        pages.push("main", "native.show", json!({ "view": "job", "job_id": 3 }));
        pages.push("main", "desk.changed", json!({ "seq": 1 }));
        let (channel, receiver) = recorder();
        pages.listen("main", channel);
        let notes = next(&receiver);
        assert_eq!(notes[0]["note"], "native.show");
        assert_eq!(notes[1]["note"], "desk.changed");
    }

    #[test]
    fn a_page_that_does_not_listen_cannot_fill_the_memory() {
        let pages = Pages::default();
        pages.open("main");
        let text = "z".repeat(100_000);
        let behind = (0..100).filter(|_| pages.push("main", "event.delta", json!({ "text": text })) == Pushed::Behind);
        assert!(behind.count() >= 4);
        let page = pages.page("main").unwrap();
        assert!(lock(&page.queue).bytes <= MAX_WAITING);
    }

    #[test]
    fn a_hidden_page_gets_no_events_and_is_told_when_it_is_back() {
        let pages = Pages::default();
        pages.open("main");
        assert!(!pages.set_hidden("main", true));
        pages.push("main", "event.added", json!({ "subscription": 1, "events": [] }));
        pages.push("main", "desk.changed", json!({}));
        assert_eq!(lock(&pages.page("main").unwrap().queue).frames.len(), 1);
        assert!(pages.set_hidden("main", false));
        assert!(!pages.set_hidden("main", false));
    }
}
