//! The desktop app, where one is attached: the last that came.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use contract::methods::{Note, NoticePresent};
use contract::{Notice, NoticeId};

use crate::service::Connection;

/// Notices that wait for a desktop's report, at most. Of more, the next daemon tells.
const MAX_GIVEN: usize = 100;

/// The attached desktop.
#[derive(Default)]
pub struct Desktop {
    attached: Mutex<Weak<Connection>>,
    /// Notices that a desktop has been given and has not reported on, with its connection.
    given: Mutex<BTreeMap<NoticeId, (u64, Notice)>>,
}

impl Desktop {
    /// Makes a connection the desktop.
    pub fn attach(&self, conn: &Arc<Connection>) {
        *lock(&self.attached) = Arc::downgrade(conn);
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

    /// Gives the desktop a notice to present; `false` where there is none, or it does not keep up.
    pub fn present(&self, notice: &Notice) -> bool {
        let Some(conn) = self.current() else { return false };
        {
            let mut given = lock(&self.given);
            given.insert(notice.notice_id, (conn.id, notice.clone()));
            if given.len() > MAX_GIVEN {
                given.pop_first();
            }
        }
        if conn.try_note::<NoticePresent>(notice).is_ok() && !conn.is_closed() {
            return true;
        }
        // Where it is not here any more, whoever saw the desktop leave has it.
        lock(&self.given).remove(&notice.notice_id).is_none()
    }

    /// The desktop has said what became of a notice.
    pub fn reported(&self, notice_id: NoticeId) {
        lock(&self.given).remove(&notice_id);
    }

    /// A connection has ended: the notices that it was given and did not report on.
    pub fn left_by(&self, conn: &Connection) -> Vec<Notice> {
        let mut given = lock(&self.given);
        let left = given.extract_if(.., |_, (with, _)| *with == conn.id);
        left.map(|(_, (_, notice))| notice).collect()
    }

    fn current(&self) -> Option<Arc<Connection>> {
        lock(&self.attached).upgrade().filter(|conn| !conn.is_closed())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
