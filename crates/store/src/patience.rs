//! How long a call waits for another program that holds the database.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(25);
/// Tries until a wait is mentioned in the log: two seconds.
const MENTIONED: i32 = 80;
/// Tries in all: thirty seconds.
const TRIES: i32 = 1200;

thread_local! {
    static LEAVING: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// On this thread nobody waits any more once `leaving` is set.
pub(crate) fn until(leaving: Arc<AtomicBool>) {
    LEAVING.with(|flag| *flag.borrow_mut() = Some(leaving));
}

/// Whether this thread is to come to an end.
pub(crate) fn is_over() -> bool {
    LEAVING.with(|flag| flag.borrow().as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)))
}

/// Whether a statement is to be tried again, that found the database held `tries` times. Waits a little first.
pub(crate) fn again(tries: i32) -> bool {
    if tries == MENTIONED {
        tracing::warn!("another program holds the database; waiting for it");
    }
    if tries >= TRIES || is_over() && tries >= MENTIONED {
        return false;
    }
    thread::sleep(PAUSE);
    true
}
