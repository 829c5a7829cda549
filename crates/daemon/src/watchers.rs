//! Which jobs somebody follows in a terminal right now: they need no notice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use contract::JobId;

/// The jobs that are followed, with how many times.
#[derive(Clone, Default)]
pub struct Watchers(Arc<Mutex<HashMap<JobId, usize>>>);

/// A follower; gone when dropped.
pub struct Watcher {
    watchers: Watchers,
    job_id: JobId,
}

impl Watchers {
    /// Somebody follows a job.
    pub fn watch(&self, job_id: JobId) -> Watcher {
        *self.lock().entry(job_id).or_default() += 1;
        Watcher { watchers: self.clone(), job_id }
    }

    /// Whether anybody follows it.
    pub fn is_watched(&self, job_id: JobId) -> bool {
        self.lock().contains_key(&job_id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, usize>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut watched = self.watchers.lock();
        if let Some(count) = watched.get_mut(&self.job_id) {
            *count -= 1;
            if *count == 0 {
                watched.remove(&self.job_id);
            }
        }
    }
}
