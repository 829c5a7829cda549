//! The desktop app, where one is attached: the last that came.

use std::sync::{Arc, Mutex, Weak};

use contract::methods::Note;

use crate::service::Connection;

/// The attached desktop.
#[derive(Default)]
pub struct Desktop {
    attached: Mutex<Weak<Connection>>,
}

impl Desktop {
    /// Makes a connection the desktop.
    pub fn attach(&self, conn: &Arc<Connection>) {
        *self.lock() = Arc::downgrade(conn);
    }

    /// Whether a desktop is attached.
    pub fn is_attached(&self) -> bool {
        self.current().is_some()
    }

    /// Whether `conn` is the desktop.
    pub fn is(&self, conn: &Arc<Connection>) -> bool {
        self.current().is_some_and(|current| Arc::ptr_eq(&current, conn))
    }

    /// Sends a note to the desktop; `false` where there is none, or it does not keep up.
    pub fn send<N: Note>(&self, params: &N::Params) -> bool {
        self.current().is_some_and(|conn| conn.try_note::<N>(params).is_ok())
    }

    fn current(&self) -> Option<Arc<Connection>> {
        self.lock().upgrade().filter(|conn| !conn.is_closed())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Weak<Connection>> {
        self.attached.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
